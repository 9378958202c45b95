//! Who waits for whose locks in PostgreSQL, looked at all the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_postgres::NoTls;

const PAUSE: Duration = Duration::from_millis(2);

/// Watches a database until it is asked what it saw.
#[derive(Debug)]
pub(crate) struct Waits {
    is_over: Arc<AtomicBool>,
    watching: JoinHandle<anyhow::Result<Seen>>,
}

/// The longest wait, and how often there was a look.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) longest: Duration,
    pub(crate) looks: usize,
}

impl Waits {
    /// Watches sessions and locks that `which` picks, in SQL: `a` is a row of `pg_stat_activity`, `l` one of `pg_locks`.
    pub(crate) fn watch(url: &str, which: &str) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let sql = format!(
            "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - l.waitstart)), 0)::float8
             FROM pg_locks l JOIN pg_stat_activity a USING (pid)
             WHERE NOT l.granted AND a.datname = current_database() AND {which}"
        );
        let watching = watch(url.to_owned(), sql, is_over.clone());
        Self {
            is_over,
            watching: tokio::spawn(watching),
        }
    }

    pub(crate) async fn end(self) -> anyhow::Result<Seen> {
        self.is_over.store(true, Relaxed);
        self.watching.await?
    }
}

async fn watch(url: String, sql: String, is_over: Arc<AtomicBool>) -> anyhow::Result<Seen> {
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    let sql = client.prepare(&sql).await?;
    let mut seen = Seen::default();
    while !is_over.load(Relaxed) {
        let seconds: f64 = client.query_one(&sql, &[]).await?.try_get(0)?;
        // Another clock set the beginning.
        let waited = Duration::from_secs_f64(seconds.max(0.0));
        seen.longest = seen.longest.max(waited);
        seen.looks += 1;
        sleep(PAUSE).await;
    }
    Ok(seen)
}
