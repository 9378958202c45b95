//! Connections and the rules for using them: every wait has an end, what is broken is not used again, and a database
//! that answers nobody is asked by one of us only.
//!
//! A verb is one statement, which is one transaction. So a read can share its connection with others (the statements
//! are sent without waiting for each other's answers) while a change has one to itself, because it may wait for a lock.

use super::super::last_change::LastChange;
use super::durability;
use super::failure::Failure;
use super::health::{Health, Pauses};
use super::options::PostgresOptions;
use super::value::Value;
use crate::error::StoreError;
use deadpool_postgres::{Hook, Manager, ManagerConfig, Object, RecyclingMethod, Runtime};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

/// Reads that share one connection before another is added.
const SHARED_BY: usize = 16;
/// Reads that share one connection while another is being added.
const CROWD: usize = 1024;
/// Verbs that may wait for a connection: what eight of them do in a second.
const QUEUE: usize = 8192;
/// How often a statement is sent that the server undid.
const ATTEMPTS: usize = 4;
/// What the server has left to say that a statement took too long.
const MARGIN: Duration = Duration::from_millis(500);

/// A standby, or made so for a while.
const IS_READ_ONLY: &str = "SELECT current_setting('transaction_read_only') = 'on'";

/// Connections to one database. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Pool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connections: deadpool_postgres::Pool,
    /// The connection that reads go to at the moment.
    shared: Mutex<Weak<Lease>>,
    /// Somebody is waiting for another one.
    is_growing: AtomicBool,
    health: Health,
    last_change: LastChange,
    access: Access,
    is_preparing: bool,
    /// For one verb altogether.
    patience: Duration,
    acquire_timeout: Duration,
    address: String,
}

/// What a store may do with its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    ReadWrite,
    ReadOnly,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
}

impl Pool {
    pub(super) fn new(options: &PostgresOptions, access: Access) -> Result<Self, StoreError> {
        let manager = Manager::from_config(
            options.session(access),
            options.tls.connector()?,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let connections = deadpool_postgres::Pool::builder(manager)
            .max_size(options.max_connections.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(options.acquire_timeout))
            .create_timeout(Some(options.acquire_timeout))
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(durability::check(client))
            }))
            .build()
            .map_err(StoreError::new)?;
        let patience = options.statement_timeout + MARGIN;
        Ok(Self(Arc::new(Inner {
            connections,
            shared: Mutex::default(),
            is_growing: AtomicBool::new(false),
            health: Health::new(patience),
            last_change: LastChange::default(),
            access,
            is_preparing: options.prepared_statements,
            patience,
            acquire_timeout: options.acquire_timeout,
            address: options.address(),
        })))
    }

    pub(super) fn address(&self) -> &str {
        &self.0.address
    }

    /// Asks a question that changes nothing. A text that the database's encoding does not have is in no row.
    pub(super) async fn read(
        &self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        match self.ask(Purpose::Read, sql, values).await {
            Err(failure) if failure.is_unspeakable() => Ok(Vec::new()),
            asked => Ok(asked?),
        }
    }

    /// Makes a change; it is durable when this returns.
    pub(super) async fn write(
        &self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        let made = self.ask(Purpose::Write, sql, values).await;
        match &made {
            Ok(_) => self.0.last_change.made(),
            Err(failure) if failure.is_about_changes() => {
                self.0.last_change.refused(failure.text());
            }
            Err(_) => {}
        }
        Ok(made?)
    }

    /// Whether the server answers.
    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        self.read("SELECT 1", &[]).await.map(drop)
    }

    /// Whether the server answers and takes changes, as far as that can be known without one.
    pub(super) async fn ready(&self) -> Result<(), StoreError> {
        let rows = self.read(IS_READ_ONLY, &[]).await?;
        let is_read_only = rows
            .first()
            .is_none_or(|row| row.try_get(0).unwrap_or(true));
        if is_read_only && self.0.access == Access::ReadWrite {
            return Err(StoreError::new("the database is read-only"));
        }
        self.0.last_change.check()
    }

    /// The server refuses it, too, unless a pooler is in between or a primary is asked for.
    fn permit(&self, purpose: Purpose) -> Result<(), Failure> {
        if (self.0.access, purpose) == (Access::ReadOnly, Purpose::Write) {
            let reason = "the database was opened to be looked at only";
            return Err(Failure::Rejected(reason.to_owned()));
        }
        Ok(())
    }

    async fn ask(
        &self,
        purpose: Purpose,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Failure> {
        self.permit(purpose)?;
        let deadline = Instant::now() + self.0.patience;
        let mut attempt = 1;
        loop {
            let failure = match self.ask_once(purpose, sql, values, deadline).await {
                Ok(rows) => return Ok(rows),
                Err(failure) => failure,
            };
            let may_repeat =
                failure.is_repeatable() || (purpose == Purpose::Read && failure.is_parting());
            if failure.is_stale() {
                self.0.connections.retain(|_, _| false);
            }
            let is_late = Instant::now() + MARGIN > deadline;
            if attempt == ATTEMPTS || !may_repeat || is_late {
                return Err(failure);
            }
            attempt += 1;
        }
    }

    async fn ask_once(
        &self,
        purpose: Purpose,
        sql: &str,
        values: &[Value<'_>],
        deadline: Instant,
    ) -> Result<Vec<Row>, Failure> {
        self.watched(async {
            if purpose == Purpose::Write && self.0.health.is_slow() {
                return Err(Failure::Slow);
            }
            let lease = match purpose {
                Purpose::Read => within(deadline, self.reader()).await?,
                Purpose::Write => within(deadline, self.lease()).await?,
            };
            let sent = Instant::now();
            let is_preparing = self.0.is_preparing;
            let asked = match purpose {
                Purpose::Read => within(deadline, lease.inquire(is_preparing, sql, values)).await,
                Purpose::Write => within(deadline, lease.ask(is_preparing, sql, values)).await,
            };
            if purpose == Purpose::Read && asked.is_ok() {
                self.0.health.took(sent.elapsed());
            }
            asked.inspect_err(|failure| lease.give_up_after(failure))
        })
        .await
    }

    /// Does not even try while the database is known to be down, and finds out whether it is.
    async fn watched<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        if let Some(reason) = self.0.health.trouble() {
            return Err(Failure::Unreachable(reason));
        }
        let began = Instant::now();
        let done = work.await;
        match &done {
            Ok(_) | Err(Failure::Refused(_)) => self.0.answered(),
            Err(failure @ (Failure::Unreachable(_) | Failure::Silent)) => {
                self.missed(began, failure);
            }
            // Whoever has connections can go on with them.
            Err(failure @ Failure::Rejected(_)) if self.0.connections.status().size == 0 => {
                self.missed(began, failure);
            }
            Err(_) => {}
        }
        done
    }

    fn missed(&self, began: Instant, failure: &Failure) {
        let reason = failure.text();
        let has_others = self.0.connections.status().size > 0;
        if !self.0.health.missed(began, has_others, &reason) {
            return;
        }
        tracing::warn!(database = self.0.address, reason, "the database is down");
        self.0.connections.retain(|_, _| false);
        tokio::spawn(look_out(Arc::downgrade(&self.0)));
    }

    /// A connection for reads: the one that others read from at the moment, if it has room. Where it has none, one
    /// reader waits for another connection and the others do not.
    async fn reader(&self) -> Result<Arc<Lease>, Failure> {
        let shared = || self.0.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let current = shared().upgrade();
        let room = if self.0.is_growing.load(Relaxed) {
            CROWD
        } else {
            SHARED_BY
        };
        if let Some(lease) = current.filter(|lease| lease.has_room(room)) {
            return Ok(lease);
        }
        let growing = Growing::begin(&self.0.is_growing);
        let lease = self.lease().await?;
        drop(growing);
        *shared() = Arc::downgrade(&lease);
        Ok(lease)
    }

    async fn lease(&self) -> Result<Arc<Lease>, Failure> {
        if self.0.connections.status().waiting >= QUEUE {
            return Err(Failure::Busy);
        }
        Ok(Arc::new(Lease {
            object: Some(self.0.connections.get().await?),
            is_broken: AtomicBool::new(false),
        }))
    }

    /// Begins a transaction of several statements, which together may take until `limit`.
    pub(super) async fn begin(
        &self,
        purpose: Purpose,
        limit: Duration,
    ) -> Result<Transaction<'_>, Failure> {
        self.permit(purpose)?;
        let deadline = Instant::now() + limit;
        let lease = self.watched(within(deadline, self.lease())).await?;
        let transaction = Transaction {
            pool: self,
            lease,
            deadline,
        };
        // Until the end is known: a transaction that is dropped must not go on in the next verb.
        transaction.lease.is_broken.store(true, Relaxed);
        transaction.run("BEGIN").await?;
        Ok(transaction)
    }
}

impl Inner {
    fn answered(&self) {
        if self.health.answered() {
            tracing::info!(database = self.address, "the database answers again");
        }
    }
}

/// A transaction that is undone unless it is committed.
pub(super) struct Transaction<'a> {
    pool: &'a Pool,
    lease: Arc<Lease>,
    deadline: Instant,
}

impl Transaction<'_> {
    /// Statements without parameters and results.
    pub(super) async fn run(&self, sql: &str) -> Result<(), Failure> {
        let done = self.pool.watched(within(self.deadline, async {
            Ok(self.lease.client()?.batch_execute(sql).await?)
        }));
        done.await
    }

    pub(super) async fn ask(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, Failure> {
        let asked = self.lease.ask(self.pool.0.is_preparing, sql, values);
        self.pool.watched(within(self.deadline, asked)).await
    }

    pub(super) async fn commit(self) -> Result<(), Failure> {
        self.run("COMMIT").await?;
        self.lease.is_broken.store(false, Relaxed);
        Ok(())
    }
}

/// A connection in use.
#[derive(Debug)]
struct Lease {
    /// `None` only while it is dropped.
    object: Option<Object>,
    /// It does not go back to the others.
    is_broken: AtomicBool,
}

impl Lease {
    fn client(&self) -> Result<&Object, Failure> {
        self.object
            .as_ref()
            .ok_or_else(|| Failure::Unreachable("the connection was given back".to_owned()))
    }

    /// Whether no more than `room` use it, this handle included.
    fn has_room(self: &Arc<Self>, room: usize) -> bool {
        !self.is_broken.load(Relaxed) && Arc::strong_count(self) <= room
    }

    async fn ask(
        &self,
        is_preparing: bool,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let client = self.client()?;
        if is_preparing {
            let types: Vec<Type> = values.iter().map(Value::sql_type).collect();
            let statement = client.prepare_typed_cached(sql, &types).await?;
            Ok(client.query(&statement, &parameters(values)).await?)
        } else {
            let values: Vec<(&(dyn ToSql + Sync), Type)> = values
                .iter()
                .map(|value| (value as _, value.sql_type()))
                .collect();
            Ok(client.query_typed(sql, &values).await?)
        }
    }

    /// Asks a question. To wait until it is prepared would double the way, and that may be long: the first time on a
    /// connection it is sent unprepared right behind. Not so a change, as it might be made although this fails.
    async fn inquire(
        &self,
        is_preparing: bool,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Failure> {
        if !is_preparing {
            return Box::pin(self.ask(false, sql, values)).await;
        }
        let client = self.client()?;
        let types: Vec<Type> = values.iter().map(Value::sql_type).collect();
        let mut preparing = pin!(client.prepare_typed_cached(sql, &types));
        let prepared = poll_fn(|context| Poll::Ready(preparing.as_mut().poll(context))).await;
        if let Poll::Ready(statement) = prepared {
            return Ok(client.query(&statement?, &parameters(values)).await?);
        }
        // Rare and large: not part of every future that may come here.
        let first = Box::pin(async {
            let prepared = async { Ok(preparing.await?) };
            tokio::try_join!(prepared, self.ask(false, sql, values))
        });
        let (_, rows) = first.await?;
        Ok(rows)
    }

    fn give_up_after(&self, failure: &Failure) {
        if failure.ends_connection() {
            self.is_broken.store(true, Relaxed);
        }
    }
}

fn parameters<'a>(values: &'a [Value<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as _).collect()
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_broken.load(Relaxed)
            && let Some(object) = self.object.take()
        {
            drop(Object::take(object));
        }
    }
}

/// Sets a flag for as long as it lives, also where the work is dropped in between.
struct Growing<'a>(&'a AtomicBool);

impl<'a> Growing<'a> {
    fn begin(flag: &'a AtomicBool) -> Self {
        flag.store(true, Relaxed);
        Self(flag)
    }
}

impl Drop for Growing<'_> {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

async fn within<T>(
    deadline: Instant,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    timeout_at(deadline, work)
        .await
        .unwrap_or(Err(Failure::Silent))
}

/// Asks a database that is down until it answers, us or anybody.
async fn look_out(pool: Weak<Inner>) {
    let mut pauses = Pauses::new();
    loop {
        pauses.pause().await;
        let Some(pool) = pool.upgrade().filter(|pool| pool.health.is_down()) else {
            return;
        };
        let answer = timeout(pool.acquire_timeout, async {
            let object = pool.connections.get().await?;
            Ok::<_, Failure>(object.simple_query("SELECT 1").await?)
        });
        // A refusal is an answer, too: whoever asks next is told it by the server itself.
        if let Ok(Ok(_) | Err(Failure::Refused(_))) = answer.await {
            pool.answered();
        }
    }
}
