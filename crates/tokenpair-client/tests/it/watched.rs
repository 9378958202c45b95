//! [`Watched`]: a storage by which a test sees how far a client is.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokenpair_client::{Guard, MemoryStorage, Storage, Tokens, async_trait};

/// Counts who asks for its lock, and who reads it.
#[derive(Default)]
pub(crate) struct Watched {
    pub(crate) memory: MemoryStorage,
    asked: AtomicUsize,
    read: AtomicUsize,
}

impl Watched {
    /// Until so many have asked.
    pub(crate) async fn asked(&self, times: usize) {
        while self.asked.load(Ordering::SeqCst) < times {
            tokio::task::yield_now().await;
        }
    }

    /// Until it was read so many times.
    pub(crate) async fn read(&self, times: usize) {
        while self.read.load(Ordering::SeqCst) < times {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Storage for Watched {
    async fn load(&self) -> io::Result<Option<Tokens>> {
        self.read.fetch_add(1, Ordering::SeqCst);
        self.memory.load().await
    }

    async fn save(&self, tokens: Option<&Tokens>) -> io::Result<()> {
        self.memory.save(tokens).await
    }

    async fn lock(&self) -> io::Result<Guard> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.memory.lock().await
    }
}
