//! How far a run of `flush_expired` has looked.

use jiff::Timestamp;
use std::sync::{Mutex, PoisonError};

/// The dates of records have no index, and the living ones before those that expired shall not be read again for every
/// batch. A run is the calls with one date.
#[derive(Debug, Default)]
pub(super) struct Place(Mutex<Option<(Timestamp, i64)>>);

impl Place {
    /// No record up to this id is left to this run. After the last one it looks again from the beginning.
    pub(super) fn of(&self, run: Timestamp) -> i64 {
        let place = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = place.filter(|(other, _)| *other == run);
        ours.map_or(i64::MIN, |(_, id)| id)
    }

    /// These were found, in their order, and are gone.
    pub(super) fn passed(&self, run: Timestamp, ids: &[i64]) {
        let place = ids.last().map(|last| (run, *last));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_goes_on_where_it_was_and_another_begins_anew() {
        let [one, two] = [1, 2].map(|second| Timestamp::from_second(second).unwrap());
        let place = Place::default();
        assert_eq!(place.of(one), i64::MIN);
        place.passed(one, &[3, 7]);
        assert_eq!((place.of(one), place.of(two)), (7, i64::MIN));
        place.passed(one, &[]);
        assert_eq!(place.of(one), i64::MIN);
    }
}
