//! The threads that own the connections: one writer that commits whatever waits as one group, several readers.
//!
//! A caller is answered only after the commit that holds its change. Queues are bounded; a full one is an outage.

use super::super::last_change::LastChange;
use super::checkpoints::Checkpoints;
use super::connect::{self, Access};
use super::lookups::Lookups;
use super::place::Place;
use crate::error::StoreError;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use rusqlite::{Connection, ErrorCode};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tokio::sync::oneshot;

/// Changes committed together at most.
const GROUP: usize = 256;
/// Requests that may wait: at 5 ms for a group of 256 this is a second of work.
const QUEUE: usize = 16_384;

#[derive(Debug)]
pub(super) struct Threads {
    /// `None` only while it is dropped.
    queues: Option<Queues>,
    /// `None` only while it is dropped.
    lookups: Option<Arc<Lookups>>,
    place: Arc<Place>,
    last_change: Arc<LastChange>,
    running: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Queues {
    /// `None` where nothing may be written.
    writer: Option<Sender<Box<dyn Change>>>,
    readers: Sender<Query>,
}

impl Drop for Threads {
    /// Waits until all work is done and the connections are closed: the last one to close brings the write-ahead log
    /// into the file, which from then on is the whole database.
    fn drop(&mut self) {
        self.queues = None;
        self.lookups = None;
        for thread in self.running.drain(..) {
            // One that panicked has nothing more to do either.
            let _ = thread.join();
        }
    }
}

pub(super) fn failure(text: &str) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(text.into())
}

type Query = Box<dyn FnOnce(&Connection) + Send>;

/// A change waiting for the writer.
trait Change: Send {
    /// Does the work; what an error leaves behind is to be undone. May be called again after it was undone.
    fn run(&mut self, db: &Connection) -> rusqlite::Result<()>;
    /// Answers the caller, once it is known whether the group was committed.
    fn answer(self: Box<Self>, committed: Result<(), &str>);
    /// Whether the caller has gone, so that nobody would learn of the change.
    fn is_abandoned(&self) -> bool;
}

struct Pending<T, F> {
    work: F,
    outcome: Option<rusqlite::Result<T>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: Fn(&Connection) -> rusqlite::Result<T> + Send> Change for Pending<T, F> {
    fn run(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let outcome = (self.work)(db);
        let done = match &outcome {
            Ok(_) => Ok(()),
            Err(_) => Err(rusqlite::Error::QueryReturnedNoRows),
        };
        self.outcome = Some(outcome);
        done
    }

    fn answer(self: Box<Self>, committed: Result<(), &str>) {
        let result = match (self.outcome, committed) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(error)), _) => Err(StoreError::new(error)),
            (_, Err(reason)) => Err(StoreError::new(reason)),
            (None, Ok(())) => Err(StoreError::new("the change was not carried out")),
        };
        let _ = self.caller.send(result);
    }

    fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }
}

impl Threads {
    pub(super) fn start(path: &Path, readers: usize, access: Access) -> rusqlite::Result<Self> {
        let writing = match access {
            Access::ReadWrite => Some(connect::writer(path)?),
            Access::ReadOnly => None,
        };
        let place = Arc::new(Place::of(path));
        let last_change = Arc::new(LastChange::default());
        let mut running = Vec::new();
        let writer = match writing {
            Some(mut connection) => {
                let (checkpoints, checkpointer) = Checkpoints::of(&mut connection, path)?;
                running.push(spawn("tokenpair-sqlite-checkpointer", || {
                    checkpointer.run();
                })?);
                let (writer, changes) = bounded(QUEUE);
                let (place, last_change) = (Arc::clone(&place), Arc::clone(&last_change));
                running.push(spawn("tokenpair-sqlite-writer", move || {
                    write_loop(&connection, &place, &checkpoints, &last_change, &changes);
                })?);
                Some(writer)
            }
            None => None,
        };
        let (reader, queries) = bounded::<Query>(QUEUE);
        for _ in 0..readers {
            let connection = connect::reader(path, access)?;
            let queries = queries.clone();
            running.push(spawn("tokenpair-sqlite-reader", move || {
                for query in &queries {
                    query(&connection);
                }
            })?);
        }
        let queues = Queues {
            writer,
            readers: reader,
        };
        Ok(Self {
            queues: Some(queues),
            lookups: Some(Arc::new(Lookups::open(path, access)?)),
            place,
            last_change,
            running,
        })
    }

    /// Whether changes are refused at the moment.
    pub(super) fn check_changes(&self) -> Result<(), StoreError> {
        self.last_change.check()
    }

    pub(super) fn path(&self) -> &Path {
        self.place.path()
    }

    /// Answers on the caller's thread if that can be done at once. For questions that an index answers.
    pub(super) async fn look_up<T: Send + 'static>(
        &self,
        query: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Some(lookups) = &self.lookups else {
            return self.read(query).await;
        };
        if let Some(answer) = lookups.try_now(&self.place, &query) {
            return answer.map_err(StoreError::new);
        }
        let lookups = Arc::clone(lookups);
        let renew_and_read = move |db: &Connection| {
            lookups.renew();
            query(db)
        };
        self.read(renew_and_read).await
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (caller, answer) = oneshot::channel();
        let place = Arc::clone(&self.place);
        let job: Query = Box::new(move |db| {
            if !caller.is_closed() {
                let answer = place.check().and_then(|()| query(db));
                let _ = caller.send(answer.map_err(StoreError::new));
            }
        });
        enqueue(self.queues.as_ref().map(|queues| &queues.readers), job)?;
        answer
            .await
            .map_err(|_| StoreError::new("a database reader stopped"))?
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        change: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let writer = self
            .queues
            .as_ref()
            .and_then(|queues| queues.writer.as_ref());
        let writer =
            writer.ok_or_else(|| StoreError::new("the database was opened to be read only"))?;
        let (caller, answer) = oneshot::channel();
        enqueue(
            Some(writer),
            Box::new(Pending {
                work: change,
                outcome: None,
                caller,
            }),
        )?;
        answer
            .await
            .map_err(|_| StoreError::new("the database writer stopped"))?
    }
}

fn enqueue<T>(queue: Option<&Sender<T>>, job: T) -> Result<(), StoreError> {
    let stopped = || StoreError::new("the database threads stopped");
    let queue = queue.ok_or_else(stopped)?;
    queue.try_send(job).map_err(|error| match error {
        TrySendError::Full(_) => StoreError::new("too many requests wait for the database"),
        TrySendError::Disconnected(_) => stopped(),
    })
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> rusqlite::Result<JoinHandle<()>> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(body);
    spawned.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn write_loop(
    db: &Connection,
    place: &Place,
    checkpoints: &Checkpoints,
    last_change: &LastChange,
    changes: &Receiver<Box<dyn Change>>,
) {
    while let Ok(first) = changes.recv() {
        let mut group = vec![first];
        group.extend(changes.try_iter().take(GROUP - 1));
        group.retain(|change| !change.is_abandoned());
        if group.is_empty() {
            continue;
        }
        // A change that panics must not take the writer, and every later change, with it.
        let work = AssertUnwindSafe(|| place.check().and_then(|()| commit_group(db, &mut group)));
        let committed = catch_unwind(work).unwrap_or_else(|_| Err(failure("a change panicked")));
        if committed.as_ref().is_err_and(is_locked) {
            // Whoever came meanwhile has waited long enough, too.
            group.extend(changes.try_iter());
        }
        let committed = committed.map_err(|error| error.to_string());
        match &committed {
            Ok(Made::Some) => last_change.made(),
            // A group of failures that was committed tells nothing of the next one.
            Ok(Made::Nothing) => {}
            Err(reason) => last_change.refused(reason.clone()),
        }
        let committed = committed.as_ref().map(|_| ()).map_err(String::as_str);
        for change in group {
            change.answer(committed);
        }
        checkpoints.committed(db);
    }
}

fn is_locked(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// What a group came to when it was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    Some,
    /// Every change failed on its own account.
    Nothing,
}

fn commit_group(db: &Connection, group: &mut [Box<dyn Change>]) -> rusqlite::Result<Made> {
    if !db.is_autocommit() {
        // What an earlier group left behind, when its rollback failed or it panicked.
        execute(db, "ROLLBACK")?;
    }
    execute(db, "BEGIN IMMEDIATE")?;
    if run_all(db, group).is_ok() {
        return commit(db, Ok(Made::Some));
    }
    if !db.is_autocommit() {
        execute(db, "ROLLBACK")?;
    }
    execute(db, "BEGIN IMMEDIATE")?;
    let made = run_apart(db, group);
    commit(db, made)
}

fn commit(db: &Connection, made: rusqlite::Result<Made>) -> rusqlite::Result<Made> {
    let result = made.and_then(|made| execute(db, "COMMIT").map(|()| made));
    if result.is_err() {
        let _ = execute(db, "ROLLBACK");
    }
    result
}

/// Until the first one fails.
fn run_all(db: &Connection, group: &mut [Box<dyn Change>]) -> rusqlite::Result<()> {
    group.iter_mut().try_for_each(|change| change.run(db))
}

/// Each in a savepoint, so that an error undoes one change and no other. Dear, as SQLite keeps a copy of every page.
fn run_apart(db: &Connection, group: &mut [Box<dyn Change>]) -> rusqlite::Result<Made> {
    let mut made = Made::Nothing;
    for change in group {
        execute(db, "SAVEPOINT one")?;
        if change.run(db).is_ok() {
            made = Made::Some;
        } else {
            execute(db, "ROLLBACK TO one")?;
        }
        execute(db, "RELEASE one")?;
    }
    Ok(made)
}

fn execute(db: &Connection, sql: &str) -> rusqlite::Result<()> {
    db.prepare_cached(sql)?.execute([]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(sql: &'static str) -> Box<dyn Change> {
        Box::new(Pending {
            work: move |db: &Connection| db.execute(sql, []),
            outcome: None,
            caller: oneshot::channel().0,
        })
    }

    #[test]
    fn a_group_whose_changes_all_failed_made_nothing() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE t (a)").unwrap();
        let bad = || change("INSERT INTO missing VALUES (1)");
        let good = || change("INSERT INTO t VALUES (1)");
        let made = |mut group: Vec<_>| commit_group(&db, &mut group).unwrap();
        assert_eq!(made(vec![bad(), bad()]), Made::Nothing);
        assert_eq!(made(vec![bad(), good(), bad()]), Made::Some);
        let rows: i64 = db
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 1);
    }
}
