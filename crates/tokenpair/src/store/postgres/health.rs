//! Whether the database answers, shared by everybody who asks, so that a dead one is waited for once and not by each.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Between two looks at a database that does not answer: from the first to the longest pause.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// How long a late answer tells anything. The change that the same request goes on to comes right behind, or when a
/// password has been looked at.
const SLOW: Duration = Duration::from_millis(500);

/// Before the first answer.
const NEVER: u64 = 0;

#[derive(Debug)]
pub(super) struct Health {
    started: Instant,
    /// How long nobody may have had an answer until the database is down.
    patience: Duration,
    /// When the server last said anything, in microseconds after `started`.
    last_answer: AtomicU64,
    is_down: AtomicBool,
    reason: Mutex<String>,
    /// Until when answers are expected late, in microseconds after `started`.
    slow_until: AtomicU64,
}

impl Health {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            started: Instant::now(),
            patience,
            last_answer: AtomicU64::new(NEVER),
            is_down: AtomicBool::new(false),
            reason: Mutex::default(),
            slow_until: AtomicU64::new(0),
        }
    }

    /// The answer to a question came so late.
    pub(super) fn took(&self, time: Duration) {
        if time > self.patience / 2 {
            let until = self.micros(Instant::now() + SLOW);
            self.slow_until.store(until, Relaxed);
        }
    }

    /// Whether a question and a change together would take longer than anybody waits. A change whose answer nobody
    /// waits for should not be begun: it may be made, and a token be used up for nothing.
    pub(super) fn is_slow(&self) -> bool {
        self.slow_until.load(Relaxed) > self.micros(Instant::now())
    }

    /// The server said something, be it an error. True where that is news.
    pub(super) fn answered(&self) -> bool {
        let now = self.micros(Instant::now());
        self.last_answer.store(now.max(NEVER + 1), Relaxed);
        self.is_down.load(Relaxed) && self.is_down.swap(false, Relaxed)
    }

    /// Something asked at `began` had no answer. The database is down if nobody else has had one since; nor lately, if
    /// there are others with a connection. True where that is news. One that never answered cannot go down: whoever
    /// opens it is told.
    pub(super) fn missed(&self, began: Instant, has_others: bool, reason: &str) -> bool {
        let lately = Instant::now().checked_sub(self.patience).unwrap_or(began);
        let since = if has_others { began.min(lately) } else { began };
        let last = self.last_answer.load(Relaxed);
        if last == NEVER || last > self.micros(since) {
            return false;
        }
        reason.clone_into(&mut self.reason.lock().unwrap_or_else(PoisonError::into_inner));
        !self.is_down.swap(true, Relaxed)
    }

    pub(super) fn is_down(&self) -> bool {
        self.is_down.load(Relaxed)
    }

    /// Why the database is down, if it is.
    pub(super) fn trouble(&self) -> Option<String> {
        let reason = || self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_down().then(|| reason().clone())
    }

    fn micros(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.started);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}

/// Pauses that double, each shortened at random by up to a half: many nodes shall not ask in step.
pub(super) struct Pauses(Duration);

impl Pauses {
    pub(super) fn new() -> Self {
        Self(FIRST_PAUSE)
    }

    pub(super) async fn pause(&mut self) {
        let mut random = [0];
        // Without randomness the pause is merely a whole one.
        let _ = getrandom::fill(&mut random);
        let parts = 512 - u32::from(random[0]);
        tokio::time::sleep(self.0 * parts / 512).await;
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_database_that_answers_somebody_else_is_not_down() {
        let health = Health::new(PATIENCE);
        let began = Instant::now();
        tokio::time::sleep(PATIENCE).await;
        health.answered();
        tokio::time::sleep(PATIENCE).await;
        assert!(!health.missed(began, true, "silent"), "answered since");
        health.answered();
        assert!(
            !health.missed(Instant::now(), true, "silent"),
            "answered lately"
        );
        let nobody_else = health.missed(Instant::now(), false, "silent");
        assert!(nobody_else && health.answered(), "nobody has a connection");
        assert_eq!(health.trouble(), None);
    }

    #[tokio::test]
    async fn a_late_answer_is_remembered_for_a_moment() {
        let health = Health::new(PATIENCE);
        health.took(PATIENCE / 2);
        assert!(!health.is_slow());
        health.took(PATIENCE);
        health.took(Duration::ZERO);
        assert!(health.is_slow(), "one answer in time is no proof");
        while health.is_slow() {
            tokio::time::sleep(PATIENCE).await;
        }
    }

    #[tokio::test]
    async fn a_database_that_answers_nobody_is_down_until_it_answers() {
        let health = Health::new(PATIENCE);
        assert!(!health.missed(Instant::now(), true, "never reached"));
        health.answered();
        tokio::time::sleep(2 * PATIENCE).await;
        let began = Instant::now();
        assert!(health.missed(began, true, "silent"));
        assert!(!health.missed(began, true, "still silent"), "no news");
        assert_eq!(health.trouble().as_deref(), Some("still silent"));
        assert!(health.answered());
        assert!(!health.answered(), "no news");
        assert_eq!(health.trouble(), None);
    }
}
