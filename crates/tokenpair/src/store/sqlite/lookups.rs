//! Connections for look-ups by an index, which the callers' own threads use.
//!
//! A look-up takes a few µs; to hand it to a thread and to be woken again costs more than that. It never waits: where every
//! connection is in use, the file is locked or a table turns out to have no index, a thread has to do it. What remains is a page that the system has not in
//! memory: reading it holds up the caller's thread for as long as one read of the disk takes.

use super::connect::{self, Access};
use super::place::Place;
use rusqlite::{Connection, Error, ErrorCode};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::thread;

/// Connections at most, however many threads ask.
const MOST: usize = 16;

#[derive(Debug)]
pub(super) struct Lookups {
    connections: Vec<Mutex<Connection>>,
    /// Since the schema was read last.
    interrupted: AtomicBool,
}

impl Lookups {
    /// As many connections as the machine can use at once.
    pub(super) fn open(path: &Path, access: Access) -> rusqlite::Result<Self> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let connections =
            (0..threads.min(MOST)).map(|_| connect::lookup(path, access).map(Mutex::new));
        Ok(Self {
            connections: connections.collect::<rusqlite::Result<_>>()?,
            interrupted: AtomicBool::new(false),
        })
    }

    /// `None` where it would have to wait.
    pub(super) fn try_now<T>(
        &self,
        place: &Place,
        query: impl Fn(&Connection) -> rusqlite::Result<T>,
    ) -> Option<rusqlite::Result<T>> {
        let db = self.free().next()?;
        let answer = place.check_lately().and_then(|()| query(&db));
        let code = answer.as_ref().err().and_then(Error::sqlite_error_code);
        match code {
            Some(ErrorCode::OperationInterrupted) => {
                self.interrupted.store(true, Ordering::Relaxed);
                None
            }
            Some(ErrorCode::DatabaseBusy) => None,
            _ => Some(answer),
        }
    }

    /// To be called where it may take time, after a look-up that was left to others: a long schema that changed may be why.
    pub(super) fn renew(&self) {
        if self.interrupted.swap(false, Ordering::Relaxed) {
            for mut db in self.free() {
                // Where it fails, the next look-up is interrupted as well.
                let _ = connect::renew_lookup(&mut db);
            }
        }
    }

    fn free(&self) -> impl Iterator<Item = MutexGuard<'_, Connection>> {
        let connections = self.connections.iter();
        connections.filter_map(|connection| match connection.try_lock() {
            Ok(db) => Some(db),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        })
    }
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

        let in_use: Vec<_> = lookups.connections.iter().map(Mutex::lock).collect();
        assert_eq!(ask(by_key), None, "no connection is free");
        drop(in_use);
        assert_eq!(ask(by_key), Some(Ok(7)));

        std::fs::remove_file(&path).unwrap();
        assert!(place.check().is_err());
        assert!(ask(by_key).is_some_and(|answer| answer.is_err()));
    }

    #[test]
    fn a_long_schema_is_read_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.sqlite3");
        let other = connect::writer(&path).unwrap();
        other
            .execute_batch("BEGIN; CREATE TABLE t (a); INSERT INTO t VALUES (7)")
            .unwrap();
        for table in 0..2000 {
            let sql = format!("CREATE TABLE t{table} (id integer PRIMARY KEY, a text, b text)");
            other.execute_batch(&sql).unwrap();
        }
        other.execute_batch("COMMIT").unwrap();
        let lookups = Lookups::open(&path, Access::ReadWrite).unwrap();
        let place = Place::of(&path);
        let ask = || {
            lookups.try_now(&place, |db| {
                db.query_row("SELECT a FROM t", [], |row| row.get::<_, i64>(0))
            })
        };
        assert_eq!(ask(), Some(Ok(7)));

        other.execute_batch("CREATE TABLE another (a)").unwrap();
        assert_eq!(ask(), None, "the schema has to be read");
        lookups.renew();
        for _ in &lookups.connections {
            assert_eq!(ask(), Some(Ok(7)));
        }
        assert_eq!(lookups.free().count(), lookups.connections.len());
    }
}
