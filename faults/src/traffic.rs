//! What servers have on record and do, while something else is looked at.

use crate::client::Client;
use crate::databases::Sql as _;
use crate::fleet::{REFRESH, log_in, present};
use crate::nodes::Node;
use anyhow::ensure;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;
use xtask::database::{Database, Store};

const WORKERS: usize = 8;

/// Clients that refresh. They stop when this is dropped.
#[derive(Debug)]
pub(crate) struct Traffic {
    is_over: Arc<AtomicBool>,
    workers: JoinSet<anyhow::Result<Vec<Duration>>>,
}

impl Traffic {
    pub(crate) fn start(nodes: &[Node]) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut workers = JoinSet::new();
        for node in nodes.iter().cycle().take(WORKERS) {
            workers.spawn(work(node.client(), is_over.clone()));
        }
        Self { is_over, workers }
    }

    /// How long each exchange took; an error if one was refused.
    pub(crate) async fn end_after(self, time: Duration) -> anyhow::Result<Vec<Duration>> {
        sleep(time).await;
        self.is_over.store(true, Relaxed);
        let mut all = Vec::new();
        for times in self.workers.join_all().await {
            all.extend(times?);
        }
        Ok(all)
    }
}

async fn work(mut client: Client, is_over: Arc<AtomicBool>) -> anyhow::Result<Vec<Duration>> {
    let mut token = log_in(&mut client, 0).await?;
    let mut times = Vec::new();
    while !is_over.load(Relaxed) {
        let start = Instant::now();
        let answer = present(&mut client, REFRESH, &token).await?;
        times.push(start.elapsed());
        ensure!(answer.status == 200, "{} for a refresh", answer.status);
        token = answer.text("refresh");
        sleep(Duration::from_millis(10)).await;
    }
    Ok(times)
}

/// Expired tokens between living ones, as where lifetimes differ; half of all were blacklisted and exchanged.
pub(crate) async fn fill(
    database: &Database,
    store: Store,
    expired: usize,
    living: usize,
) -> anyhow::Result<()> {
    let all = expired + living;
    let (numbers, [jti, next], text) = match store {
        Store::Sqlite => (
            format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {all})"
            ),
            ["printf('%032x', i)", "printf('%032x', i + 1)"],
            "hex(randomblob(100))",
        ),
        Store::Postgres => (
            format!("WITH n AS (SELECT i FROM generate_series(1, {all}) i)"),
            ["lpad(to_hex(i), 32, '0')", "lpad(to_hex(i + 1), 32, '0')"],
            "repeat(md5(i::text), 6)",
        ),
    };
    let (from, to) = (living / 2, living / 2 + expired);
    let date = |old: &str, new: &str| {
        format!("CASE WHEN i > {from} AND i <= {to} THEN {old} ELSE {new} END")
    };
    // PostgreSQL wants to know what it is.
    let dates = match store {
        Store::Sqlite => date("'2020-01-01 00:00:00'", "'2100-01-01 00:00:00'"),
        Store::Postgres => date("timestamptz '2020-01-01'", "timestamptz '2100-01-01'"),
    };
    let seconds = date("1577836800", "4102444800");
    for sql in [
        format!(
            "{numbers} INSERT INTO token_blacklist_outstandingtoken (token, created_at, expires_at, user_id, jti)
             SELECT {text}, '2020-01-01', {dates}, 1, {jti} FROM n"
        ),
        "INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
         SELECT '2020-01-01', id FROM token_blacklist_outstandingtoken WHERE id % 2 = 0"
            .to_owned(),
        format!(
            "{numbers} INSERT INTO tokenpair_rotation
                (parent_jti, line_id, successor_jti, successor_iat, successor_exp, parent_exp, rotated_at)
             SELECT {jti}, {jti}, {next}, 1, {seconds}, {seconds}, 1 FROM n WHERE i % 2 = 0"
        ),
    ] {
        database.query(&sql).await?;
    }
    if store == Store::Postgres {
        database.query("ANALYZE").await?;
        database.query("CHECKPOINT").await?;
    }
    Ok(())
}
