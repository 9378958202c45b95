//! Time and ids as inputs: everything that depends on "now" or on chance takes it from here.
//!
//! Nothing else in the library may read the wall clock (clippy forbids it), so a test moves time with
//! [`FixedClock`] instead of sleeping.

use jiff::Timestamp;
use std::cell::RefCell;
use uuid::Builder;

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// The current instant, UTC, microseconds or better.
    fn now(&self) -> Timestamp;
}

/// The computer's wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the wall clock is read"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Where the `jti` of a new token comes from.
pub trait Ids: Send + Sync + 'static {
    /// A value never returned before: 32 lower-case hexadecimal digits.
    fn jti(&self, now: Timestamp) -> String;
}

/// Version 7 UUIDs as 32 hexadecimal digits: the millisecond, then 74 random bits (RFC 9562 §5.7).
///
/// DIFFERENCE: Simple JWT draws version 4. Ids that follow time keep every index over them append-only;
/// nothing rests on a `jti` being unguessable.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeOrderedIds;

impl Ids for TimeOrderedIds {
    fn jti(&self, now: Timestamp) -> String {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let random = RESERVE.with_borrow_mut(Reserve::take);
        let id = Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        id.simple().encode_lower(&mut [0; 32]).to_owned()
    }
}

thread_local! {
    static RESERVE: RefCell<Reserve> = const { RefCell::new(Reserve::EMPTY) };
}

/// Random bytes for the next ids of a thread: a call to the generator costs as much as half a signature.
struct Reserve {
    bytes: [[u8; 10]; 32],
    left: usize,
}

impl Reserve {
    const EMPTY: Self = Self {
        bytes: [[0; 10]; 32],
        left: 0,
    };

    fn take(&mut self) -> [u8; 10] {
        if self.left == 0 {
            fill_random(self.bytes.as_flattened_mut());
            self.left = self.bytes.len();
        }
        self.left -= 1;
        self.bytes[self.left]
    }
}

/// Fills `bytes` from the operating system's generator. That of aws-lc spends 24 ms when it is first used, collecting chance of
/// its own.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    // Linux waits until its generator is ready and does not fail after that (getrandom(2)).
    #[expect(
        clippy::expect_used,
        reason = "without randomness no token may be made"
    )]
    getrandom::fill(bytes).expect("the operating system's random number generator works");
}

#[cfg(any(test, feature = "test-util"))]
pub use fixed::{CountingIds, FixedClock};

#[cfg(any(test, feature = "test-util"))]
mod fixed {
    use super::{Clock, Ids};
    use jiff::{SignedDuration, Timestamp};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

    /// A clock that stands still until it is told to move. Clones share the time.
    #[derive(Clone, Debug)]
    pub struct FixedClock(Arc<AtomicI64>);

    impl FixedClock {
        /// Stands at `seconds` after 1970-01-01 00:00:00 UTC.
        pub fn at(seconds: i64) -> Self {
            Self(Arc::new(AtomicI64::new(seconds * 1_000_000)))
        }

        /// Moves the time by `by`, which may be negative.
        pub fn advance(&self, by: SignedDuration) {
            let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
            self.0.fetch_add(micros, Ordering::SeqCst);
        }
    }

    impl Clock for FixedClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
        }
    }

    /// Ids that count: `00000000000000000000000000000001` and so on. Clones share the count.
    #[derive(Clone, Debug, Default)]
    pub struct CountingIds(Arc<AtomicU64>);

    impl Ids for CountingIds {
        fn jti(&self, _now: Timestamp) -> String {
            format!("{:032x}", self.0.fetch_add(1, Ordering::SeqCst) + 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ids, TimeOrderedIds};
    use jiff::Timestamp;

    #[test]
    fn ids_are_32_hexadecimal_digits_and_follow_time() {
        let early = TimeOrderedIds.jti(Timestamp::from_second(1_700_000_000).unwrap());
        let late = TimeOrderedIds.jti(Timestamp::from_second(1_700_000_001).unwrap());
        assert_eq!(early.len(), 32);
        assert!(
            early
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        );
        assert!(early < late);
    }

    #[test]
    fn ids_of_one_millisecond_differ() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let ids: std::collections::HashSet<_> =
            (0..10_000).map(|_| TimeOrderedIds.jti(now)).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
