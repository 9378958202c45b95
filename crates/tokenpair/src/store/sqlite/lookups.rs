//! Connections for look-ups by an index, which the callers' own threads use.
//!
//! A look-up takes a few µs; to hand it to a thread and to be woken again costs more than that. It never waits: where every
//! connection is in use, the file is locked or a table turns out to have no index, a thread has to do it. What remains is a page that the system has not in
//! memory: reading it holds up the caller's thread for as long as one read of the disk takes.

use super::connect::{self, Access};
use super::place::Place;
use rusqlite::{Connection, ErrorCode};
use std::path::Path;
use std::sync::{Mutex, TryLockError};
use std::thread;

/// Connections at most, however many threads ask.
const MOST: usize = 16;

#[derive(Debug)]
pub(super) struct Lookups(Vec<Mutex<Connection>>);

impl Lookups {
    /// As many connections as the machine can use at once.
    pub(super) fn open(path: &Path, access: Access) -> rusqlite::Result<Self> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let connections =
            (0..threads.min(MOST)).map(|_| connect::lookup(path, access).map(Mutex::new));
        Ok(Self(connections.collect::<rusqlite::Result<_>>()?))
    }

    /// `None` where it would have to wait.
    pub(super) fn try_now<T>(
        &self,
        place: &Place,
        query: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Option<rusqlite::Result<T>> {
        let free = self
            .0
            .iter()
            .find_map(|connection| match connection.try_lock() {
                Ok(db) => Some(db),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            });
        let db = free?;
        let answer = place.check_lately().and_then(|()| query(&db));
        Some(answer).filter(|answer| !answer.as_ref().is_err_and(takes_time))
    }
}

fn takes_time(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(
        code,
        Some(ErrorCode::DatabaseBusy | ErrorCode::OperationInterrupted)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_to_wait_is_left_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.sqlite3");
        let writer = connect::writer(&path).unwrap();
        let rows = "CREATE TABLE t (id integer PRIMARY KEY, a);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
            INSERT INTO t SELECT i, i FROM n";
        writer.execute_batch(rows).unwrap();
        let lookups = Lookups::open(&path, Access::ReadWrite).unwrap();
        let place = Place::of(&path);
        let ask = |sql| {
            lookups.try_now(&place, |db| {
                db.query_row(sql, [], |row| row.get::<_, i64>(0))
            })
        };
        let by_key = "SELECT a FROM t WHERE id = 7";
        assert_eq!(ask(by_key), Some(Ok(7)));
        assert_eq!(ask("SELECT sum(a) FROM t"), None, "a search of the table");
        assert_eq!(ask(by_key), Some(Ok(7)));

        let in_use: Vec<_> = lookups.0.iter().map(Mutex::lock).collect();
        assert_eq!(ask(by_key), None, "no connection is free");
        drop(in_use);
        assert_eq!(ask(by_key), Some(Ok(7)));

        std::fs::remove_file(&path).unwrap();
        assert!(place.check().is_err());
        assert!(ask(by_key).is_some_and(|answer| answer.is_err()));
    }
}
