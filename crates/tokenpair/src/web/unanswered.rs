//! What the log is told of requests that could not be answered: the first of them, then every few seconds how many.
//!
//! An outage may fail thousands a second, and nobody learns more from a line for each. Must never make those wait that
//! are answered.

use jiff::{SignedDuration, Timestamp};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often the log hears of failures that go on. They are over when there was none for as long.
const INTERVAL: SignedDuration = SignedDuration::from_secs(5);

/// The reasons that are told apart.
#[derive(Debug, Default)]
pub(crate) struct Unanswered {
    pub(super) outage: Failures,
    pub(super) crowd: Failures,
}

/// Failures for one reason.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// Whether there is a series.
    is_going_on: AtomicBool,
    series: Mutex<Option<Series>>,
}

#[derive(Debug)]
struct Series {
    first: Timestamp,
    last: Timestamp,
    told: Timestamp,
    requests: u64,
    untold: u64,
}

/// Failures that have ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ended {
    pub(super) requests: u64,
    /// From the first to the last of them.
    pub(super) seconds: f64,
}

impl Failures {
    /// One more. For how many requests the log should have a line now, if it should.
    pub(super) fn add(&self, now: Timestamp) -> Option<u64> {
        let mut series = self.series();
        let is_first = series.is_none();
        let series = series.get_or_insert(Series {
            first: now,
            last: now,
            told: now,
            requests: 0,
            untold: 0,
        });
        self.is_going_on.store(true, Relaxed);
        series.last = now;
        series.requests += 1;
        series.untold += 1;
        if !is_first && is_within_interval(series.told, now) {
            return None;
        }
        series.told = now;
        Some(std::mem::take(&mut series.untold))
    }

    /// A request was answered. What has ended, the first time that this can be said.
    pub(super) fn end(&self, now: impl FnOnce() -> Timestamp) -> Option<Ended> {
        if !self.is_going_on.load(Relaxed) {
            return None;
        }
        let mut series = self.series();
        let now = now();
        let Series {
            first,
            last,
            requests,
            ..
        } = series.take_if(|series| !is_within_interval(series.last, now))?;
        self.is_going_on.store(false, Relaxed);
        Some(Ended {
            requests,
            seconds: seconds(last.duration_since(first)),
        })
    }

    fn series(&self) -> MutexGuard<'_, Option<Series>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// To the millisecond.
fn seconds(duration: SignedDuration) -> f64 {
    f64::from(u32::try_from(duration.as_millis()).unwrap_or_default()) / 1000.0
}

/// A clock that was set back must not silence the log.
fn is_within_interval(then: Timestamp, now: Timestamp) -> bool {
    now.duration_since(then).abs() < INTERVAL
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap()
    }

    #[test]
    fn the_first_is_told_at_once_and_the_others_every_five_seconds() {
        let failures = Failures::default();
        let told: Vec<(i64, u64)> = (0..12_000)
            .filter_map(|moment| Some((moment, failures.add(at(moment))?)))
            .collect();
        assert_eq!(told, [(0, 1), (5000, 5000), (10_000, 5000)]);
    }

    #[test]
    fn what_has_ended_is_told_once_and_counts_all_of_them() {
        let failures = Failures::default();
        assert_eq!(failures.end(|| at(0)), None);
        for moment in [0, 1, 2, 1500] {
            failures.add(at(moment));
        }
        assert_eq!(failures.end(|| at(6499)), None);
        let ended = Ended {
            requests: 4,
            seconds: 1.5,
        };
        assert_eq!(failures.end(|| at(6500)), Some(ended));
        assert_eq!(failures.end(|| at(6501)), None);
        assert_eq!(failures.add(at(6502)), Some(1), "the next is a first one");
    }

    #[test]
    fn as_long_as_requests_fail_it_has_not_ended() {
        let failures = Failures::default();
        for second in 0..60 {
            failures.add(at(second * 1000));
            assert_eq!(failures.end(|| at(second * 1000 + 999)), None);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_silences_nothing() {
        let failures = Failures::default();
        failures.add(at(0));
        assert_eq!(failures.add(at(-3_600_000)), Some(1));
        assert!(failures.end(|| at(-7_200_000)).is_some());
    }

    #[test]
    fn the_clock_is_not_asked_while_nothing_fails() {
        let failures = Failures::default();
        assert_eq!(failures.end(|| unreachable!()), None);
    }
}
