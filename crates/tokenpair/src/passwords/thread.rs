//! What the operating system knows about a hashing thread: its processor time and priority.
//!
//! Linux counts both by thread. Elsewhere time is wall-clock time and the priority stays.

use std::time::Duration;

/// Runs `work` and tells how long this thread computed; time spent preempted does not count.
#[cfg(target_os = "linux")]
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = processor_time();
    let result = work();
    (result, processor_time().saturating_sub(start))
}

/// Runs `work` and tells how long it took.
#[cfg(not(target_os = "linux"))]
pub(super) fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = std::time::Instant::now();
    let result = work();
    (result, start.elapsed())
}

#[cfg(target_os = "linux")]
fn processor_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

/// Makes this thread yield to threads of normal priority; a refusal is ignored.
#[cfg(target_os = "linux")]
pub(super) fn lower_priority() {
    /// About a tenth of a normal thread's share, and all of an idle core.
    const NICENESS: i32 = 10;
    // Linux keeps the niceness by thread, unlike POSIX (nice(2), "C library/kernel differences").
    let _ = rustix::process::nice(NICENESS);
}

/// Leaves the priority alone: there is no portable one by thread.
#[cfg(not(target_os = "linux"))]
pub(super) fn lower_priority() {}
