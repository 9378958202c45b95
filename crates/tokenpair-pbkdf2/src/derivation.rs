//! A derivation that is under way.

use crate::OUTPUT;
use crate::lane::{Lane, bytes};
use std::fmt;
use std::num::NonZeroU32;

/// A derivation that [`advance`](crate::advance) carries forward beside others.
///
/// Keeps no password, only what HMAC makes of it, and wipes that when dropped.
pub struct Derivation {
    pub(crate) lane: Lane,
    pub(crate) remaining: u32,
}

impl Derivation {
    /// Does the first iteration.
    pub fn new(password: &[u8], salt: &[u8], iterations: NonZeroU32) -> Self {
        Self {
            lane: Lane::new(password, salt),
            remaining: iterations.get() - 1,
        }
    }

    /// Whether no iteration is left.
    pub fn is_done(&self) -> bool {
        self.remaining == 0
    }

    /// The key, once it is there.
    pub fn output(&self) -> Option<[u8; OUTPUT]> {
        self.is_done().then(|| bytes(&self.lane.sum))
    }
}

impl fmt::Debug for Derivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Derivation")
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}
