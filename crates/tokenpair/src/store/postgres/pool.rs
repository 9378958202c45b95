//! Connections and the rules for using them: every wait has an end, what is broken is not used again, and a database
//! that answers nobody is asked by one of us only.
//!
//! A verb is one statement, which is one transaction. So a read can share its connection with others (the statements
//! are sent without waiting for each other's answers) while a change has one to itself, because it may wait for a lock.

use super::super::last_change::LastChange;
use super::durability::Durability;
use super::failure::Failure;
use super::health::{Health, Pauses};
use super::lease::{Lease, Owed};
use super::options::PostgresOptions;
use super::value::Value;
use crate::error::StoreError;
use deadpool_postgres::{Hook, Manager, ManagerConfig, RecyclingMethod, Runtime};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::Row;

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
        let durability = Arc::new(Durability::new(access));
        let connections = deadpool_postgres::Pool::builder(manager)
            .max_size(options.max_connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(options.acquire_timeout))
            .create_timeout(Some(options.acquire_timeout))
            .post_create(Hook::async_fn(move |client, _| {
                let durability = Arc::clone(&durability);
                Box::pin(async move { durability.check(client).await })
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
        Ok(self.change(sql, values).await?)
    }

    /// The same; the inner error, and nothing done, is what the server says against the values.
    pub(super) async fn write_unless_refused(
        &self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Result<Vec<Row>, Failure>, StoreError> {
        match self.change(sql, values).await {
            Err(failure) if failure.is_about_values() => Ok(Err(failure)),
            made => Ok(Ok(made?)),
        }
    }

    /// Asks or changes for many. `None` if nothing was done, perhaps because of one of them.
    pub(super) async fn for_many(
        &self,
        purpose: Purpose,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Option<Vec<Row>>, StoreError> {
        let done = match purpose {
            Purpose::Read => self.ask(purpose, sql, values).await,
            Purpose::Write => self.change(sql, values).await,
        };
        match done {
            Err(failure) if failure.is_about_one() => Ok(None),
            done => Ok(Some(done?)),
        }
    }

    async fn change(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, Failure> {
        let made = self.ask(Purpose::Write, sql, values).await;
        match &made {
            Ok(_) => self.0.last_change.made(),
            Err(failure) if failure.is_about_changes() => {
                self.0.last_change.refused(failure.text());
            }
            Err(_) => {}
        }
        made
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
            let owed = Owed::to(&lease, sent);
            let is_preparing = self.0.is_preparing;
            let asked = match purpose {
                Purpose::Read => within(deadline, lease.inquire(is_preparing, sql, values)).await,
                Purpose::Write => within(deadline, lease.ask(is_preparing, sql, values)).await,
            };
            owed.settled();
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
        Ok(Arc::new(Lease::of(self.0.connections.get().await?, false)))
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
        transaction.lease.set_broken(true);
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
        self.lease.set_broken(false);
        Ok(())
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
        let asked = timeout(pool.acquire_timeout, async {
            let object = pool.connections.get().await?;
            // Not given back before it has answered: it may be one that leads nowhere any more, left by somebody who
            // did not wait, and the next look would ask it again.
            let lease = Lease::of(object, true);
            lease.client()?.simple_query("SELECT 1").await?;
            lease.set_broken(false);
            Ok::<_, Failure>(())
        });
        // A refusal is an answer, too: whoever asks next is told it by the server itself.
        if let Ok(Ok(()) | Err(Failure::Refused(_))) = asked.await {
            pool.answered();
        }
    }
}
