//! Who holds locks in PostgreSQL or waits for them, looked at all the time.

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
const LEAST_LOOKS: u32 = 20;
const MEAN_GAP: Duration = Duration::from_millis(50);
/// A busy machine may stop everybody for a moment, also those who would wait.
const LONGEST_GAP: Duration = Duration::from_millis(500);
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
    /// Seconds of a wait, or locks.
    most: f64,
    looks: u32,
    /// All the time it was watched, and the longest without a look.
    time: Duration,
    gap: Duration,
}

impl Waits {
    /// Watches sessions and locks that `which` picks, in SQL: `a` is a row of `pg_stat_activity`, `l` one of `pg_locks`.
    pub(crate) async fn watch(url: &str, which: &str) -> anyhow::Result<Self> {
        let question = format!(
            "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - l.waitstart)), 0)::float8
             FROM pg_locks l JOIN pg_stat_activity a USING (pid)
             WHERE NOT l.granted AND a.datname = current_database() AND {which}"
        );
        Self::ask(url, question, OLDEST).await
    }

    /// Watches tables that are locked or waited for by others than readers; in `which`, `c` is a row of `pg_class` too.
    pub(crate) async fn watch_tables(url: &str, which: &str) -> anyhow::Result<Self> {
        let question = format!(
            "SELECT count(*)::float8
             FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = l.relation
             WHERE l.mode <> 'AccessShareLock' AND a.datname = current_database() AND {which}"
        );
        Self::ask(url, question, 0).await
    }

    async fn ask(url: &str, question: String, oldest: i32) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let version = "SELECT current_setting('server_version_num')::int";
        let version: i32 = client.query_one(version, &[]).await?.try_get(0)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let watching =
            (version >= oldest).then(|| tokio::spawn(look(client, question, is_over.clone())));
        Ok(Self { is_over, watching })
    }

    /// Ends it and judges: nobody waited longer than `limit`, and that would have been seen.
    pub(crate) async fn judge(
        self,
        report: &mut Report,
        name: &str,
        limit: Duration,
    ) -> anyhow::Result<()> {
        if let Some(seen) = self.end().await? {
            seen.judge_wait(report, name, limit);
        } else {
            let skipped = "SKIPPED: needs PostgreSQL 14 or later";
            println!("{name}: {skipped}");
            report.figure(name, skipped);
        }
        Ok(())
    }

    /// Ends it and judges: there was nothing to be seen, and it would have been seen.
    pub(crate) async fn judge_none(self, report: &mut Report, name: &str) -> anyhow::Result<()> {
        let seen = self.end().await?.context("nobody watched")?;
        seen.judge_none(report, name);
        Ok(())
    }

    async fn end(self) -> anyhow::Result<Option<Seen>> {
        self.is_over.store(true, Relaxed);
        match self.watching {
            Some(watching) => watching.await?.map(Some),
            None => Ok(None),
        }
    }
}

impl Seen {
    fn judge_wait(&self, report: &mut Report, name: &str, limit: Duration) {
        // Another clock set the beginning.
        let longest = Duration::from_secs_f64(self.most.max(0.0));
        report.target_at_most(name, limit, longest);
        self.judge_looks(report, name);
    }

    fn judge_none(&self, report: &mut Report, name: &str) {
        report.target(name, self.most <= 0.0, self.most);
        self.judge_looks(report, name);
    }

    fn judge_looks(&self, report: &mut Report, name: &str) {
        report.target(
            format!("{name}: looks at the locks, at least {LEAST_LOOKS}"),
            self.looks >= LEAST_LOOKS,
            self.looks,
        );
        let mean = self.time / self.looks.max(1);
        let what = format!("{name}: between two looks, on average");
        report.target_at_most(what, MEAN_GAP, mean);
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
        let found: f64 = row.context("no look at the locks")?.try_get(0)?;
        seen.most = seen.most.max(found);
        seen.looks += 1;
        let gap = last.elapsed();
        last = Instant::now();
        seen.time += gap;
        seen.gap = seen.gap.max(gap);
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
        let [short, long, longest] = [10, 200, 600].map(Duration::from_millis);
        for (most, looks, mean, gap, holds) in [
            (0.01, 20, short, long, true),
            (0.2, 20, short, long, false),
            (0.01, 19, short, long, false),
            (0.01, 20, long, long, false),
            (0.01, 20, short, longest, false),
        ] {
            let time = mean * looks;
            let seen = Seen {
                most,
                looks,
                time,
                gap,
            };
            let mut report = Report::new("flush", 1, true);
            seen.judge_wait(&mut report, "longest wait", Duration::from_millis(100));
            assert_eq!(report.holds(), holds, "{seen:?}");
        }
    }

    #[test]
    fn one_lock_is_too_many_where_there_must_be_none() {
        for (most, looks, holds) in [(0.0, 20, true), (1.0, 20, false), (0.0, 0, false)] {
            let seen = Seen {
                most,
                looks,
                ..Seen::default()
            };
            let mut report = Report::new("migrate", 1, true);
            seen.judge_none(&mut report, "locks");
            assert_eq!(report.holds(), holds, "{seen:?}");
        }
    }
}
