//! `migrate`: three nodes migrate a large Django database at once, while Django writes users.
//!
//! Whoever writes a table of Django's is kept waiting for a tenth of a second at most, also while somebody else holds a
//! lock that the migration has to wait for. Where all of Django's tables are there, none is locked at all.

use crate::databases::{self, Sql as _};
use crate::nodes::{Node, STRICT};
use crate::report::{Report, milliseconds, quantile};
use crate::run::Run;
use crate::waits::Waits;
use anyhow::bail;
use fastrand::Rng;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_postgres::{Client, NoTls};
use xtask::database::{Database, Store};

const ROWS: (usize, usize) = (1_000_000, 20_000);
/// Seconds.
const LONG_TRANSACTION: (usize, usize) = (5, 1);
const NODES: usize = 3;
const WRITERS: usize = 4;
const LONGEST_WAIT: Duration = Duration::from_millis(100);
/// Everybody but the nodes and the watcher.
const DJANGO: &str = "a.application_name <> 'tokenpair'";
/// Locks of the nodes; what is done is noted in Django's own table.
const ON_DJANGO: &str = "a.application_name = 'tokenpair' AND c.relkind = 'r'
    AND (c.relname LIKE 'auth\\_%' OR c.relname LIKE 'token\\_blacklist\\_%')";
/// The migration alone shall be seen.
const NO_FLUSH: [(&str, &str); 1] = [("FLUSH_INTERVAL", "0")];

/// What the nodes may do to Django's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allowed {
    ShortWaits,
    NoLock,
}

/// What a Django has made before.
struct Part {
    name: &'static str,
    drop: &'static str,
    /// What a long transaction changes, so that a lock on its table has to wait and is seen.
    hold: &'static str,
    allowed: Allowed,
    /// What is written meanwhile, with $1 for the id of a user.
    write: &'static str,
}

const PARTS: [Part; 2] = [
    Part {
        name: "Django without the blacklist app",
        drop:
            "token_blacklist_blacklistedtoken, token_blacklist_outstandingtoken, tokenpair_rotation,
            tokenpair_session, tokenpair_unverified",
        hold: "UPDATE auth_user SET email = 'held' WHERE id = 1",
        allowed: Allowed::ShortWaits,
        write: "UPDATE auth_user SET last_login = now() WHERE id = $1",
    },
    Part {
        name: "Django with the blacklist app",
        drop: "tokenpair_rotation, tokenpair_session, tokenpair_unverified",
        hold: "UPDATE auth_user SET email = 'held' WHERE id = 1;
            INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
            SELECT now(), id FROM token_blacklist_outstandingtoken WHERE user_id = 1;
            UPDATE token_blacklist_outstandingtoken SET created_at = now() WHERE user_id = 1",
        allowed: Allowed::NoLock,
        write: "UPDATE token_blacklist_outstandingtoken SET created_at = now() WHERE user_id = $1",
    },
];

pub(crate) async fn run(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    for part in PARTS {
        part.run(run, report).await?;
    }
    Ok(())
}

impl Part {
    async fn run(&self, run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
        let rows = run.rounds(ROWS.0, ROWS.1);
        let database = databases::fresh(run, Store::Postgres, 0).await?;
        let Database::Postgres(url) = &database else {
            bail!("no PostgreSQL");
        };
        self.fill(&database, rows).await?;
        println!("{}: {rows} users and as many tokens", self.name);

        let is_over = Arc::new(AtomicBool::new(false));
        let mut writers = JoinSet::new();
        for number in 0..WRITERS {
            let random = run.random(&format!("writer {number}"));
            let client = connect(url).await?;
            writers.spawn(write(client, self.write, rows, random, is_over.clone()));
        }
        let waits = match self.allowed {
            Allowed::ShortWaits => Waits::watch(url, DJANGO).await?,
            Allowed::NoLock => Waits::watch_tables(url, ON_DJANGO).await?,
        };
        let holder = connect(url).await?;
        holder
            .batch_execute(&format!("BEGIN; {}", self.hold))
            .await?;

        let start = Instant::now();
        let mut nodes = Vec::new();
        for _ in 0..NODES {
            let mut node = Node::new(run, &database, &[STRICT, &NO_FLUSH].concat())?;
            node.spawn()?;
            nodes.push(node);
        }
        let held = run.rounds(LONG_TRANSACTION.0, LONG_TRANSACTION.1);
        sleep(Duration::from_secs(held as u64)).await;
        holder.batch_execute("COMMIT").await?;
        for node in &mut nodes {
            node.await_ready().await?;
        }
        let ready = start.elapsed();
        is_over.store(true, Relaxed);
        let mut times = Vec::new();
        for written in writers.join_all().await {
            times.extend(written?);
        }

        let Self { name, .. } = self;
        let slowest = milliseconds(quantile(&mut times, 1.0));
        report.figure(
            format!("{name}, all nodes ready after"),
            milliseconds(ready),
        );
        report.figure(format!("{name}, Django's writes"), times.len());
        report.figure(format!("{name}, slowest of them"), slowest);
        match self.allowed {
            Allowed::ShortWaits => {
                let longest = format!("{name}, Django's longest wait for a lock");
                waits.judge(report, &longest, LONGEST_WAIT).await?;
            }
            Allowed::NoLock => {
                let locks = format!("{name}, locks on Django's tables, but for reading");
                waits.judge_none(report, &locks).await?;
            }
        }
        let twice = "SELECT count(*) FROM (SELECT 1 FROM django_migrations GROUP BY app, name HAVING count(*) > 1) t";
        let twice = database.number(twice).await?;
        report.target(format!("{name}, nothing was done twice"), twice == 0, twice);
        Ok(())
    }

    async fn fill(&self, database: &Database, rows: usize) -> anyhow::Result<()> {
        for sql in [
            format!(
                "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
                    date_joined) SELECT '!', false, 'user' || i, '', '', '', false, true, now() FROM generate_series(1, {rows}) i"
            ),
            format!(
                "INSERT INTO token_blacklist_outstandingtoken (token, created_at, expires_at, user_id, jti)
                 SELECT repeat(md5(i::text), 6), now(), '2100-01-01', i, i::text FROM generate_series(1, {rows}) i"
            ),
            format!("DROP TABLE {}", self.drop),
            "ANALYZE".to_owned(),
            "CHECKPOINT".to_owned(),
        ] {
            database.query(&sql).await?;
        }
        Ok(())
    }
}

async fn connect(url: &str) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Writes for users by chance, but not for the first one; how long each write took.
async fn write(
    client: Client,
    sql: &str,
    rows: usize,
    mut random: Rng,
    is_over: Arc<AtomicBool>,
) -> anyhow::Result<Vec<Duration>> {
    let sql = client.prepare(sql).await?;
    let mut times = Vec::new();
    while !is_over.load(Relaxed) {
        let id = i32::try_from(random.usize(2..=rows))?;
        let start = Instant::now();
        client.execute(&sql, &[&id]).await?;
        times.push(start.elapsed());
        sleep(Duration::from_millis(5)).await;
    }
    Ok(times)
}
