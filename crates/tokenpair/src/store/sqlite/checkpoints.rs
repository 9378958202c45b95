//! Brings what was committed from the write-ahead log into the file, beside the writer: no commit waits for it.
//!
//! The log begins anew only when all of it is in the file, which a thread beside a busy writer never achieves. The last few
//! pages are therefore the writer's.

use super::connect;
use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Pages in the log that are worth a checkpoint: 8 MB. Pages that changed often meanwhile are written once.
const ENOUGH: i32 = 2000;
/// Pages in the log at which the writer sees to it itself, however long that takes: 64 MB.
const TOO_MANY: i32 = 16_000;
/// Pages that the writer can see to between two groups: most are the same few pages, again and again.
const FEW: i32 = 1000;
/// How often a checkpoint goes after what was committed meanwhile.
const PASSES: usize = 8;

/// The writer's side.
#[derive(Debug)]
pub(super) struct Checkpoints {
    pages: Arc<AtomicI32>,
    nearly_done: Arc<AtomicBool>,
    /// Held during a checkpoint, as SQLite does nothing where another one is under way.
    one_at_a_time: Arc<Mutex<()>>,
    wanted: Sender<()>,
}

/// The other side, for a thread.
pub(super) struct Checkpointer {
    db: Connection,
    nearly_done: Arc<AtomicBool>,
    one_at_a_time: Arc<Mutex<()>>,
    wanted: Receiver<()>,
}

impl Checkpoints {
    /// Watches what `writer` commits.
    pub(super) fn of(
        writer: &mut Connection,
        path: &Path,
    ) -> rusqlite::Result<(Self, Checkpointer)> {
        let pages = Arc::new(AtomicI32::new(0));
        let committed = Arc::clone(&pages);
        // Takes the place of SQLite's own checkpoints.
        writer.wal_hook(Some(move |_: &mut _, pages| {
            committed.store(pages, Ordering::Relaxed);
            Ok(())
        }))?;
        let nearly_done = Arc::new(AtomicBool::new(false));
        let one_at_a_time = Arc::new(Mutex::new(()));
        let (wanted, wishes) = bounded(1);
        let checkpointer = Checkpointer {
            db: connect::checkpointer(path)?,
            nearly_done: Arc::clone(&nearly_done),
            one_at_a_time: Arc::clone(&one_at_a_time),
            wanted: wishes,
        };
        let checkpoints = Self {
            pages,
            nearly_done,
            one_at_a_time,
            wanted,
        };
        Ok((checkpoints, checkpointer))
    }

    /// To be called by the writer after each group.
    pub(super) fn committed(&self, db: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < ENOUGH {
            return;
        }
        if self.nearly_done.swap(false, Ordering::Relaxed) || pages >= TOO_MANY {
            checkpoint(db, &self.one_at_a_time);
            // Until the next commit says how long the log is now.
            self.pages.store(0, Ordering::Relaxed);
        } else {
            // If it is at work, it hears of it in time.
            let _ = self.wanted.try_send(());
        }
    }
}

impl Checkpointer {
    pub(super) fn run(self) {
        for () in &self.wanted {
            for _ in 0..PASSES {
                let left = checkpoint(&self.db, &self.one_at_a_time);
                if left <= FEW {
                    self.nearly_done.store(left > 0, Ordering::Relaxed);
                    break;
                }
            }
        }
    }
}

/// The pages that are left. Nobody waits for a checkpoint, and a failure shows in the next commit or is mended by the next
/// checkpoint: the log keeps everything.
fn checkpoint(db: &Connection, one_at_a_time: &Mutex<()>) -> i32 {
    let _turn = one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
    let left = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        Ok(row.get::<_, i32>(1)? - row.get::<_, i32>(2)?)
    });
    left.unwrap_or_else(|error| {
        tracing::debug!(%error, "a checkpoint failed");
        i32::MAX
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn a_log_that_is_written_all_the_time_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.sqlite3");
        let mut db = connect::writer(&path).unwrap();
        db.pragma_update(None, "synchronous", "OFF").unwrap();
        db.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)")
            .unwrap();
        let (checkpoints, checkpointer) = Checkpoints::of(&mut db, &path).unwrap();
        let thread = thread::spawn(|| checkpointer.run());
        let commit = || {
            db.execute("UPDATE t SET a = randomblob(100000)", [])
                .unwrap();
            let pages = checkpoints.pages.load(Ordering::Relaxed);
            checkpoints.committed(&db);
            pages
        };
        // Each brings some 25 pages into the log.
        let most = TOO_MANY / 10;
        for _ in 0..3 {
            let mut longest = 0;
            let anew = (0..most).any(|_| {
                let pages = commit();
                let is_shorter = pages < longest;
                longest = pages;
                is_shorter
            });
            assert!(anew, "{longest} pages in the log after {most} commits");
        }
        drop(checkpoints);
        thread.join().unwrap();
    }
}
