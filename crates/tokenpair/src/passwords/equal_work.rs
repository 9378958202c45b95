//! Makes failed checks cost the same: that of one failure against a freshly made hash.
//!
//! The small change is an iteration of PBKDF2-SHA-256: a tenth of a microsecond, linear, and
//! untouched by memory effects. How many of them another scheme's work is worth differs between
//! processors by factors, so no table is kept: the time a stored hash took is compared with the
//! speed of the filler itself, measured on the same thread a moment later.
//! Answers to `harden_runtime()` of Django's hashers, which does this for PBKDF2 alone.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::OnceLock;
use std::time::Duration;

use super::lane::{Lane, now};
use super::scheme::Scheme;
use super::thread::timed;

/// Iterations against which a preferred hasher other than PBKDF2-SHA-256 is weighed.
const SAMPLE: u32 = 20_000;

/// Runs of the preferred hasher that its one weighing takes.
const WEIGHINGS: u32 = 5;

/// Some four seconds of filler: what a broken clock can cost at most.
const MAX_TARGET: u32 = 32_000_000;

pub(super) struct EqualWork {
    preferred: Scheme,
    /// The preferred hasher's cost in filler iterations.
    target: OnceLock<u32>,
}

impl EqualWork {
    pub(super) fn new(preferred: Scheme) -> Self {
        let target = preferred
            .iterations()
            .map_or_else(OnceLock::new, OnceLock::from);
        Self { preferred, target }
    }

    /// Spends what a check against the preferred hasher spends.
    pub(super) async fn decoy(&self, lane: &Lane) {
        let salt = vec![b'x'; self.preferred.salt_length()];
        let digest = self.preferred.digest(lane, black_box("decoy"), &salt);
        black_box(digest.await);
    }

    /// Spends what a failed check against `stored`, which took `spent`, lacks in cost.
    ///
    /// Beside others all of it is filled where another scheme is stored: lanes are begun together, and those that are
    /// begun together shall end together.
    pub(super) async fn top_up(&self, lane: &Lane, stored: &Scheme, spent: Duration) {
        if *stored == self.preferred {
            return;
        }
        let target = *self.target.get_or_init(|| self.weigh());
        match stored.iterations() {
            Some(done) => fill(lane, target.saturating_sub(done)).await,
            None if lane.is_shared() => fill(lane, target).await,
            None => fill_up(target, spent),
        }
    }

    /// The preferred hasher's cost in iterations, from the fastest of a few runs of both:
    /// first runs and busy neighbours only ever slow a run down.
    fn weigh(&self) -> u32 {
        let mut hash = Duration::MAX;
        let mut sample = Duration::MAX;
        for _ in 0..WEIGHINGS {
            hash = hash.min(timed(|| now(self.decoy(&Lane::alone()))).1);
            sample = sample.min(timed(|| fill_alone(SAMPLE)).1);
        }
        worth(hash, SAMPLE, sample).min(MAX_TARGET)
    }
}

/// Runs as many iterations as make `spent` worth `target` of them.
///
/// Their speed is learnt from a small share, corrected after half, and trusted for the rest.
fn fill_up(target: u32, spent: Duration) {
    let mut done = 0;
    let mut filling = Duration::ZERO;
    for share in [64, 2, 1] {
        let missing = target
            .saturating_sub(done)
            .saturating_sub(worth(spent, done, filling));
        let step = missing / share;
        filling += timed(|| fill_alone(step)).1;
        done += step;
    }
}

/// How many iterations `time` is worth, when `done` of them took `filling`.
fn worth(time: Duration, done: u32, filling: Duration) -> u32 {
    let worth = time.as_nanos() * u128::from(done) / filling.as_nanos().max(1);
    u32::try_from(worth).unwrap_or(u32::MAX)
}

fn fill_alone(iterations: u32) {
    now(fill(&Lane::alone(), iterations));
}

async fn fill(lane: &Lane, iterations: u32) {
    let Some(iterations) = NonZeroU32::new(iterations) else {
        return;
    };
    let key = lane.derive(black_box(b"decoy"), b"decoy", iterations);
    black_box(key.await);
}
