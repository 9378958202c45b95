//! Whether a database takes changes: one that is read-only or full answers questions all the same.

use crate::error::StoreError;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a refused change tells anything about the next one. Nobody else asks whether it is over.
const RECENT: Duration = Duration::from_millis(1500);

/// What became of the last change.
#[derive(Debug, Default)]
pub(super) struct LastChange(Mutex<Option<Refusal>>);

#[derive(Debug)]
struct Refusal {
    at: Instant,
    reason: String,
}

impl LastChange {
    pub(super) fn made(&self) {
        *self.refusal() = None;
    }

    pub(super) fn refused(&self, reason: String) {
        let at = Instant::now();
        *self.refusal() = Some(Refusal { at, reason });
    }

    /// An error while changes are being refused.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match &*self.refusal() {
            Some(refusal) if refusal.at.elapsed() < RECENT => {
                Err(StoreError::new(refusal.reason.clone()))
            }
            _ => Ok(()),
        }
    }

    fn refusal(&self) -> MutexGuard<'_, Option<Refusal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_is_made_ends_what_refused_ones_told() {
        let last = LastChange::default();
        assert!(last.check().is_ok());
        last.refused("the disk is full".to_owned());
        let error = last.check().map_err(|error| error.to_string());
        assert_eq!(error, Err("the disk is full".to_owned()));
        last.made();
        assert!(last.check().is_ok());
    }
}
