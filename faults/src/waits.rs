//! Who waits for whose locks in PostgreSQL, looked at all the time.

use crate::report::Report;
use anyhow::Context as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_postgres::{Client, NoTls};

const PAUSE: Duration = Duration::from_millis(2);
/// Who looks more rarely sees nothing.
const LEAST_LOOKS: usize = 20;
const LONGEST_GAP: Duration = Duration::from_millis(100);
/// The first PostgreSQL that tells since when somebody waits.
const OLDEST: i32 = 140_000;

/// Watches a database until it is asked what it saw.
#[derive(Debug)]
pub(crate) struct Waits {
    is_over: Arc<AtomicBool>,
    /// `None` where the server does not tell.
    watching: Option<JoinHandle<anyhow::Result<Seen>>>,
}

/// What was seen, and how closely it was watched.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    longest: Duration,
    looks: usize,
    /// The longest time without a look.
    gap: Duration,
}

impl Waits {
    /// Watches sessions and locks that `which` picks, in SQL: `a` is a row of `pg_stat_activity`, `l` one of `pg_locks`.
    pub(crate) async fn watch(url: &str, which: &str) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let version = "SELECT current_setting('server_version_num')::int";
        let version: i32 = client.query_one(version, &[]).await?.try_get(0)?;
        let sql = format!(
            "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - l.waitstart)), 0)::float8
             FROM pg_locks l JOIN pg_stat_activity a USING (pid)
             WHERE NOT l.granted AND a.datname = current_database() AND {which}"
        );
        let is_over = Arc::new(AtomicBool::new(false));
        let watching =
            (version >= OLDEST).then(|| tokio::spawn(look(client, sql, is_over.clone())));
        Ok(Self { is_over, watching })
    }

    /// Ends it and judges: nobody waited longer than `limit`, and that would have been seen.
    pub(crate) async fn judge(
        self,
        report: &mut Report,
        name: &str,
        limit: Duration,
    ) -> anyhow::Result<()> {
        self.is_over.store(true, Relaxed);
        if let Some(watching) = self.watching {
            watching.await??.judge(report, name, limit);
        } else {
            let skipped = "SKIPPED: needs PostgreSQL 14 or later";
            println!("{name}: {skipped}");
            report.figure(name, skipped);
        }
        Ok(())
    }
}

impl Seen {
    fn judge(&self, report: &mut Report, name: &str, limit: Duration) {
        report.target_at_most(name, limit, self.longest);
        report.target(
            format!("{name}: looks at the locks, at least {LEAST_LOOKS}"),
            self.looks >= LEAST_LOOKS,
            self.looks,
        );
        let what = format!("{name}: between two looks");
        report.target_at_most(what, LONGEST_GAP, self.gap);
    }
}

async fn look(client: Client, sql: String, is_over: Arc<AtomicBool>) -> anyhow::Result<Seen> {
    let mut seen = Seen::default();
    let mut last = Instant::now();
    loop {
        // The last look comes after everything.
        let is_last = is_over.load(Relaxed);
        let row = client.query_one(&sql, &[]).await;
        let seconds: f64 = row.context("no look at the locks")?.try_get(0)?;
        // Another clock set the beginning.
        let waited = Duration::from_secs_f64(seconds.max(0.0));
        seen.longest = seen.longest.max(waited);
        seen.looks += 1;
        seen.gap = seen.gap.max(last.elapsed());
        last = Instant::now();
        if is_last {
            return Ok(seen);
        }
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_nobody_looked_for_proves_nothing() {
        let [short, long] = [10, 200].map(Duration::from_millis);
        for (longest, looks, gap, holds) in [
            (short, 20, short, true),
            (long, 20, short, false),
            (short, 19, short, false),
            (short, 20, long, false),
        ] {
            let seen = Seen {
                longest,
                looks,
                gap,
            };
            let mut report = Report::new("flush", 1, true);
            seen.judge(&mut report, "longest wait", LONGEST_GAP);
            assert_eq!(report.holds(), holds, "{seen:?}");
        }
    }
}
