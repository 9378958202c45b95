//! The file as it was opened. SQLite goes on with a file that was deleted or replaced, and what it writes is lost.

use super::threads::failure;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a look-up believes that the file is still there. A look at it is a system call, as dear as half a look-up.
const LATELY: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    identity: Option<(u64, u64)>,
    opened: Instant,
    /// When the file was looked at last, in microseconds after `opened`. Zero: it has to be looked at.
    checked: AtomicU64,
}

impl Place {
    pub(super) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            identity: identity(path),
            opened: Instant::now(),
            checked: AtomicU64::new(0),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// An error if the file is not the one that was opened. Every change asks, as it would be lost.
    pub(super) fn check(&self) -> rusqlite::Result<()> {
        let now = self.now();
        let is_here = identity(&self.path) == self.identity;
        self.checked
            .store(if is_here { now } else { 0 }, Ordering::Relaxed);
        if is_here {
            return Ok(());
        }
        Err(failure(
            "the database file was deleted or replaced; restart to use the new one",
        ))
    }

    /// As [`check`](Self::check), from memory for a moment: the file that was opened answers that much longer, as it
    /// does to a question that was asked just before the file was replaced.
    pub(super) fn check_lately(&self) -> rusqlite::Result<()> {
        let checked = self.checked.load(Ordering::Relaxed);
        let age = self.now().saturating_sub(checked);
        if checked > 0 && u128::from(age) < LATELY.as_micros() {
            return Ok(());
        }
        self.check()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path)
        .ok()
        .map(|about| (about.dev(), about.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<(u64, u64)> {
    path.exists().then_some((0, 0))
}
