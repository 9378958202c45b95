//! An outage is waited out: how long a try may take, when the next one begins, and when there is none.

use crate::clock::Clock;
use crate::endpoints::TRY;
use crate::error::Error;
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// It is counted from the first try on: waiting for a lock before that costs none.
pub(crate) struct Patience<'a> {
    clock: &'a dyn Clock,
    total: Duration,
    began: Option<Duration>,
    pause: Duration,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(clock: &'a dyn Clock, total: Duration) -> Self {
        Self {
            clock,
            total,
            began: None,
            pause: FIRST_PAUSE,
        }
    }

    /// For how long the try that begins now may take.
    pub(crate) fn limit(&mut self) -> Duration {
        self.left().min(TRY)
    }

    /// How long to wait for the next try; `None` if that would be too long, or if it would fail again.
    pub(crate) fn pause(&mut self, error: &Error) -> Option<Duration> {
        let Error::Unavailable { retry_after, .. } = error else {
            return None;
        };
        let shortened = self
            .pause
            .mul_f64(1.0 - self.clock.chance().clamp(0.0, 1.0) / 2.0);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        let asked_for = retry_after.filter(|wait| !wait.is_zero());
        let pause = asked_for.unwrap_or(shortened);
        (pause < self.left()).then_some(pause)
    }

    fn left(&mut self) -> Duration {
        let now = self.clock.elapsed();
        let began = *self.began.get_or_insert(now);
        self.total.saturating_sub(now.saturating_sub(began))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn a_single_try_takes_ten_seconds_at_most_and_no_longer_than_all_of_them() {
        let clock = SystemClock::default();
        let limit = |total| Patience::new(&clock, total).limit();
        assert_eq!(limit(Duration::from_secs(3600)), Duration::from_secs(10));
        assert_eq!(limit(Duration::from_secs(3)), Duration::from_secs(3));
    }
}
