//! Lines on their way out: gathered in memory and written by a thread of their own, many at a time.
//!
//! Who logs never waits for who reads the log. When the reader is too slow the lines of requests are the first to be
//! lost, and how many were is logged. Must never hold more than [`ROOM`], or a line for longer than the reader takes.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes that may wait.
const ROOM: usize = 1024 * 1024;

/// Bytes beyond which lines that others can do without are not taken.
const ROOM_FOR_REQUESTS: usize = ROOM / 2;

/// What is kept of the room after a flood.
const KEPT: usize = 64 * 1024;

/// How long the lines that follow one gather before they are written.
const PAUSE: Duration = Duration::from_millis(2);

/// Lines that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Outlet {
    waiting: Mutex<Waiting>,
    more: Condvar,
    written: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: String,
    lost: u64,
    is_writing: bool,
}

impl Outlet {
    /// Takes a line, if there is room for it.
    pub(super) fn push(&self, line: &str, is_request: bool) {
        let room = if is_request { ROOM_FOR_REQUESTS } else { ROOM };
        let mut waiting = self.waiting();
        if waiting.lines.len() + line.len() > room {
            waiting.lost += 1;
            return;
        }
        let is_first = waiting.lines.is_empty();
        waiting.lines.push_str(line);
        drop(waiting);
        if is_first {
            self.more.notify_one();
        }
    }

    /// Waits until everything is written, for at most `patience`.
    pub(super) fn flush(&self, patience: Duration) {
        let unwritten = |waiting: &mut Waiting| waiting.is_writing || !waiting.lines.is_empty();
        let waited = self
            .written
            .wait_timeout_while(self.waiting(), patience, unwritten);
        // Nothing is to be done if it takes longer.
        drop(waited);
    }

    /// Hands what comes to `write`, for ever.
    pub(super) fn run(&self, mut write: impl FnMut(&str)) {
        let mut lines = String::new();
        loop {
            let idle = |waiting: &mut Waiting| waiting.lines.is_empty();
            drop(self.more.wait_while(self.waiting(), idle));
            let mut waiting = self.waiting();
            std::mem::swap(&mut waiting.lines, &mut lines);
            let lost = std::mem::take(&mut waiting.lost);
            waiting.is_writing = true;
            drop(waiting);
            write(&lines);
            lines.clear();
            lines.shrink_to(KEPT);
            if lost > 0 {
                tracing::warn!(lost, "lines of this log were lost: it is read too slowly");
            }
            self.waiting().is_writing = false;
            self.written.notify_all();
            thread::sleep(PAUSE);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Outlet, ROOM, ROOM_FOR_REQUESTS};
    use std::sync::{Arc, mpsc};
    use std::thread;
    use std::time::Duration;

    #[test]
    fn lines_are_written_in_their_order() {
        let outlet = Arc::new(Outlet::default());
        let (written, read) = mpsc::channel();
        let writer = Arc::clone(&outlet);
        thread::spawn(move || writer.run(|lines| written.send(lines.to_owned()).unwrap()));
        for round in 0..3 {
            outlet.push(&format!("{round}a\n"), true);
            outlet.push(&format!("{round}b\n"), false);
            outlet.flush(Duration::MAX);
            let lines: String = read.try_iter().collect();
            assert_eq!(lines, format!("{round}a\n{round}b\n"));
        }
    }

    #[test]
    fn when_nobody_reads_the_lines_of_requests_are_lost_first_and_counted() {
        let outlet = Outlet::default();
        let line = "x".repeat(1023) + "\n";
        let push = |count, is_request| (0..count).for_each(|_| outlet.push(&line, is_request));
        let room = ROOM / line.len();
        push(room, true);
        assert_eq!(outlet.waiting().lines.len(), ROOM_FOR_REQUESTS);
        push(room / 2, false);
        assert_eq!(outlet.waiting().lines.len(), ROOM);
        push(1, false);
        assert_eq!(outlet.waiting().lost, (room / 2 + 1) as u64);
    }
}
