//! What the accept loop, the byte stream and the service know in common about one connection: whether it is being
//! served, since when it has not been, and how often it walked away from its own requests.
//! Must never be locked: it is touched by every request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::Limits;

/// Requests that one connection may abandon before their answer (RFC 9113 section 10.5; CVE-2023-44487).
///
/// Over HTTP/1.1 the connection is gone with the first.
const MAX_ABANDONED: u32 = 100;

/// What all connections share.
pub(super) struct House {
    pub(super) limits: Limits,
    /// One permit for each byte of body that may be held.
    pub(super) body_bytes: Semaphore,
    pub(super) stopping: AtomicBool,
    opened: Instant,
}

impl House {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            body_bytes: Semaphore::new(limits.body_bytes_in_flight.min(Semaphore::MAX_PERMITS)),
            stopping: AtomicBool::new(false),
            opened: Instant::now(),
            limits,
        }
    }

    fn milliseconds_open(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// One connection.
pub(super) struct Peer {
    pub(super) house: Arc<House>,
    pub(super) address: SocketAddr,
    in_service: AtomicU32,
    greeted: AtomicBool,
    abandoned: AtomicU32,
    /// Milliseconds since the house opened.
    waiting_since: AtomicU64,
}

impl Peer {
    pub(super) fn new(house: Arc<House>, address: SocketAddr) -> Self {
        Self {
            in_service: AtomicU32::new(0),
            greeted: AtomicBool::new(false),
            abandoned: AtomicU32::new(0),
            waiting_since: AtomicU64::new(house.milliseconds_open()),
            house,
            address,
        }
    }

    /// Since when no whole request has been there to be served; `None` while one is being served.
    pub(super) fn waiting_since(&self) -> Option<u64> {
        (self.in_service.load(Relaxed) == 0).then(|| self.waiting_since.load(Relaxed))
    }

    /// When the next whole request must be there.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let limits = &self.house.limits;
        let patience = if self.greeted.load(Relaxed) {
            limits.idle
        } else {
            limits.header_deadline
        };
        self.waiting_since()
            .map(|since| self.house.opened + Duration::from_millis(since) + patience)
    }

    /// The head of a request has arrived: from here on the connection may rest between requests.
    pub(super) fn greet(&self) {
        self.greeted.store(true, Relaxed);
    }

    /// Whether the peer keeps resetting its requests.
    pub(super) fn is_abusive(&self) -> bool {
        self.abandoned.load(Relaxed) > MAX_ABANDONED
    }

    /// Marks a whole request as being served until the returned guard is dropped.
    pub(super) fn begin_service(&self) -> Service<'_> {
        self.in_service.fetch_add(1, Relaxed);
        Service {
            peer: self,
            answered: false,
        }
    }
}

/// A request being served.
pub(super) struct Service<'a> {
    peer: &'a Peer,
    answered: bool,
}

impl Service<'_> {
    /// The request has its answer.
    pub(super) fn end(mut self) {
        self.answered = true;
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let peer = self.peer;
        if !self.answered {
            peer.abandoned.fetch_add(1, Relaxed);
        }
        peer.waiting_since
            .store(peer.house.milliseconds_open(), Relaxed);
        peer.in_service.fetch_sub(1, Relaxed);
    }
}
