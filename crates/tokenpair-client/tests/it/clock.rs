//! [`TestClock`]: time that passes when somebody would wait for it.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, SystemTime};
use tokenpair_client::{Clock, Sleep};

/// 2027-01-15 08:00:00 UTC, in seconds.
pub(crate) const NOW: u64 = 1_800_000_000;

/// Clones share the time. Who would sleep moves it instead, and is noted.
#[derive(Clone, Default)]
pub(crate) struct TestClock {
    passed: Arc<Mutex<Duration>>,
    slept: Arc<Mutex<Vec<Duration>>>,
    /// Seconds that this one is ahead.
    ahead: i64,
    chance: f64,
    is_frozen: Arc<AtomicBool>,
}

impl TestClock {
    pub(crate) fn ahead(&self, seconds: i64) -> Self {
        Self {
            ahead: seconds,
            ..self.clone()
        }
    }

    pub(crate) fn with_chance(chance: f64) -> Self {
        Self {
            chance,
            ..Self::default()
        }
    }

    /// From now on who sleeps does so for ever.
    pub(crate) fn freeze(&self) {
        self.is_frozen.store(true, Ordering::SeqCst);
    }

    pub(crate) fn advance(&self, duration: Duration) {
        *self.passed.lock().unwrap() += duration;
    }

    pub(crate) fn passed(&self) -> Duration {
        *self.passed.lock().unwrap()
    }

    /// What was slept, in order.
    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        let now = NOW.checked_add_signed(self.ahead).unwrap();
        SystemTime::UNIX_EPOCH + Duration::from_secs(now) + self.passed()
    }

    fn elapsed(&self) -> Duration {
        self.passed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let clock = self.clone();
        Box::pin(poll_fn(move |_| {
            if clock.is_frozen.load(Ordering::SeqCst) {
                return Poll::Pending;
            }
            clock.advance(duration);
            clock.slept.lock().unwrap().push(duration);
            Poll::Ready(())
        }))
    }

    fn chance(&self) -> f64 {
        self.chance
    }
}
