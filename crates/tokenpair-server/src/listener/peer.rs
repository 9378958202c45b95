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
use crate::middleware::Middleware;

/// Requests that one connection may abandon before their answer (RFC 9113 section 10.5; CVE-2023-44487).
///
/// Over HTTP/1.1 the connection is gone with the first.
const MAX_ABANDONED: u32 = 100;

/// What all connections share.
pub(super) struct House {
    pub(super) limits: Limits,
    pub(super) middleware: Middleware,
    /// One permit for each byte of body that may be held.
    pub(super) body_bytes: Semaphore,
    pub(super) stopping: AtomicBool,
    opened: Instant,
}

impl House {
    pub(super) fn new(limits: Limits, middleware: Middleware) -> Self {
        Self {
            middleware,
            body_bytes: Semaphore::new(limits.body_bytes_in_flight.min(Semaphore::MAX_PERMITS)),
            stopping: AtomicBool::new(false),
            opened: Instant::now(),
            limits,
        }
    }

    pub(super) fn microseconds_open(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// One connection.
pub(super) struct Peer {
    pub(super) house: Arc<House>,
    pub(super) address: SocketAddr,
    /// Whether a request's head has ever arrived.
    greeted: AtomicBool,
    /// Requests whose head has arrived and whose answer has not been given.
    open: AtomicU32,
    /// Those of them that are complete.
    in_service: AtomicU32,
    abandoned: AtomicU32,
    /// Whether requests have come over HTTP/2.
    http2: AtomicBool,
    /// Whether the connection is to end as soon as it rests.
    leaving: AtomicBool,
    /// When the last request was over, in microseconds since the house opened.
    waiting_since: AtomicU64,
}

impl Peer {
    pub(super) fn new(house: Arc<House>, address: SocketAddr) -> Self {
        Self {
            greeted: AtomicBool::new(false),
            open: AtomicU32::new(0),
            in_service: AtomicU32::new(0),
            abandoned: AtomicU32::new(0),
            http2: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            waiting_since: AtomicU64::new(house.microseconds_open()),
            house,
            address,
        }
    }

    /// Since when no whole request has been there to be served; `None` while one is being served.
    pub(super) fn waiting_since(&self) -> Option<u64> {
        (self.in_service.load(Relaxed) == 0).then(|| self.waiting_since.load(Relaxed))
    }

    /// When the next request must have begun; `None` while one is open.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if !self.rests() {
            return None;
        }
        let limits = &self.house.limits;
        let greeted = self.greeted.load(Relaxed);
        let patience = if greeted {
            limits.idle
        } else {
            limits.header_deadline
        };
        let since = Duration::from_micros(self.waiting_since.load(Relaxed));
        Some(self.house.opened + since + patience)
    }

    /// Whether the peer keeps resetting its requests.
    pub(super) fn is_abusive(&self) -> bool {
        self.abandoned.load(Relaxed) > MAX_ABANDONED
    }

    /// Ends the connection as soon as it rests.
    pub(super) fn leave(&self) {
        self.leaving.store(true, Relaxed);
    }

    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.load(Relaxed)
    }

    /// HTTP/2 says by itself that it ends, and which requests it has not seen.
    pub(super) fn speaks_http2(&self) -> bool {
        self.http2.load(Relaxed)
    }

    /// Whether no request is open.
    pub(super) fn rests(&self) -> bool {
        self.open.load(Relaxed) == 0
    }

    /// Opens a request whose head has arrived; it is over when the returned value is dropped.
    pub(super) fn open(&self, http2: bool) -> Open<'_> {
        self.greeted.store(true, Relaxed);
        self.http2.store(http2, Relaxed);
        self.open.fetch_add(1, Relaxed);
        Open {
            peer: self,
            in_service: false,
            answered: false,
        }
    }
}

/// A request that has not been answered yet.
pub(super) struct Open<'a> {
    peer: &'a Peer,
    in_service: bool,
    answered: bool,
}

impl Open<'_> {
    /// The request is complete, and it is now the service that takes its time.
    pub(super) fn serve(&mut self) {
        self.in_service = true;
        self.peer.in_service.fetch_add(1, Relaxed);
    }

    /// The request has its answer.
    pub(super) fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let peer = self.peer;
        if !self.answered {
            peer.abandoned.fetch_add(1, Relaxed);
        }
        peer.waiting_since
            .store(peer.house.microseconds_open(), Relaxed);
        if self.in_service {
            peer.in_service.fetch_sub(1, Relaxed);
        }
        peer.open.fetch_sub(1, Relaxed);
    }
}
