//! Where tokens are kept. What a storage holds is the login: it is asked with every request, so that a log-in, a refresh or a
//! log-out of one process is one of all that share it.

mod file;

use crate::tokens::Tokens;
use async_trait::async_trait;
pub use file::FileStorage;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Is dropped to let the next one in.
pub type Guard = Box<dyn Send>;

/// Keeps the tokens of one login.
///
/// Nothing else is asked of it: what to store when is decided by the client. [`Tokens::to_json`] makes a text of tokens. Keep all of it: it says also
/// whose they are and which server's.
///
/// ```
/// use std::io;
/// use std::sync::Mutex;
/// use tokenpair_client::{Client, Storage, Tokens, async_trait};
///
/// /// Stands for the keyring of a desktop.
/// #[derive(Default)]
/// struct Keyring(Mutex<Option<String>>);
///
/// #[async_trait]
/// impl Storage for Keyring {
///     async fn load(&self) -> io::Result<Option<Tokens>> {
///         let text = self.0.lock().unwrap().clone();
///         text.map(|text| Tokens::from_json(&text)).transpose()
///     }
///
///     async fn save(&self, tokens: Option<&Tokens>) -> io::Result<()> {
///         *self.0.lock().unwrap() = tokens.map(Tokens::to_json);
///         Ok(())
///     }
/// }
///
/// let client = Client::builder("http://localhost:8000/api").storage(Keyring::default());
/// ```
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Reads the tokens; this happens with every request.
    async fn load(&self) -> io::Result<Option<Tokens>>;

    /// Replaces the tokens in one piece. `None`: nobody is logged in.
    async fn save(&self, tokens: Option<&Tokens>) -> io::Result<()>;

    /// Waits until nobody else who shares the storage holds its lock, for ever if need be: the client stops waiting by itself. After an
    /// error it goes on without a lock.
    ///
    /// Clones of a client have a lock of their own. So a storage that nobody shares needs none, as here.
    async fn lock(&self) -> io::Result<Guard> {
        Ok(Box::new(()))
    }
}

#[async_trait]
impl<S: Storage + ?Sized> Storage for Arc<S> {
    async fn load(&self) -> io::Result<Option<Tokens>> {
        (**self).load().await
    }

    async fn save(&self, tokens: Option<&Tokens>) -> io::Result<()> {
        (**self).save(tokens).await
    }

    async fn lock(&self) -> io::Result<Guard> {
        (**self).lock().await
    }
}

/// Forgets with the process. Several clients may share one, in an [`Arc`].
#[derive(Debug, Default)]
pub struct MemoryStorage {
    tokens: Mutex<Option<Tokens>>,
    lock: Arc<tokio::sync::Mutex<()>>,
}

#[async_trait]
impl Storage for MemoryStorage {
    async fn load(&self) -> io::Result<Option<Tokens>> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(tokens.clone())
    }

    async fn save(&self, tokens: Option<&Tokens>) -> io::Result<()> {
        let mut held = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        *held = tokens.cloned();
        Ok(())
    }

    async fn lock(&self) -> io::Result<Guard> {
        Ok(Box::new(self.lock.clone().lock_owned().await))
    }
}
