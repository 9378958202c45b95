//! `tokenpair flushexpiredtokens`: deletes the records of tokens that can never be used again, in batches.
//!
//! The server does the same in the background ([`in_background`]).

use super::interrupt::Interrupt;
use crate::Options;
use crate::config::Config;
use crate::output::{self, Failure};
use jiff::Timestamp;
use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;
use tokenpair::clock::{Clock, SystemClock};
use tokenpair::json::Value;
use tokenpair::store::{Flushed, Migration, TokenStore};
use tokenpair::{Settings, StoreError};
use tokio::time::Instant;

/// Records deleted in one transaction at most: the store ends it earlier where others would wait. The more at once, the
/// fewer pages are written twice.
const BATCH: usize = 1000;
/// Beside a server that answers requests: fewer (7 ms with ids in no order, as Django draws them), and then others have their
/// turn.
const BACKGROUND_BATCH: usize = 100;
const BACKGROUND_PAUSE: Duration = Duration::from_millis(100);
/// How soon after its start a server deletes for the first time, at most.
const FIRST_DELAY: Duration = Duration::from_secs(60);
/// Between two batches of the command: whoever waits to write shall have its turn.
const TURN: Duration = Duration::from_millis(10);
/// How often the command looks whether another process has ended deleting, at most, and when it stops looking.
const BUSY_PAUSE: Duration = Duration::from_millis(200);
const BUSY_PATIENCE: Duration = Duration::from_secs(60);
/// How often the progress is written anew.
const TICK: Duration = Duration::from_millis(200);
/// A shorter text covers a longer one.
const WIDTH: usize = 60;

/// Arguments of `flushexpiredtokens`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Deleted are records whose tokens expired longer ago than LEEWAY, one day, ACCESS_TOKEN_LIFETIME, SLIDING_TOKEN_LIFETIME
and SLIDING_TOKEN_REFRESH_LIFETIME together: the access token of a session that was ended may outlive the refresh token,
and a sliding token keeps its record when it is refreshed. Nothing that was revoked can be used again.

The server does this by itself once an hour ([server] flush_interval). Of several processes on one PostgreSQL database,
one deletes at a time: this command takes turns with the others, and ends when nothing is left. Ctrl-C stops between
two batches: what was deleted until then stays deleted, and the exit status is 1.

Examples:
  tokenpair flushexpiredtokens
  tokenpair flushexpiredtokens --dry-run")]
pub(crate) struct Flushexpiredtokens {
    /// Records deleted in one transaction at most, 1 to 1000; fewer where others would wait for it
    #[arg(long, value_name = "N", default_value_t = BATCH, value_parser = batch_size)]
    batch_size: usize,
    /// Only say how many records would be deleted
    #[arg(long)]
    dry_run: bool,
}

fn batch_size(text: &str) -> Result<usize, String> {
    let size = text.parse().ok().filter(|size| (1..=BATCH).contains(size));
    size.ok_or_else(|| format!("expected a number from 1 to {BATCH}, such as 100"))
}

impl Flushexpiredtokens {
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        let config = Config::load(options, None)?;
        if !config.token_blacklist {
            return Err(Failure::new(
                "token_blacklist is off in [database]: no tokens are on record",
            ));
        }
        let needed = [
            Migration::TokenBlacklist,
            Migration::Rotation,
            Migration::Sessions,
        ];
        if self.dry_run {
            let store = super::open_read_only(&config, &needed).await?;
            let before = deadline(&*store, &config.settings, &SystemClock).await?;
            let count = store.count_expired(before).await?;
            let text = format!("{} would be deleted.", tokens(count));
            let fields = [("would_delete", Value::from(as_i64(count)))];
            return output::result(options, text, fields);
        }
        let store = super::open(&config, &needed).await?;
        let before = deadline(&*store, &config.settings, &SystemClock).await?;
        let deleted = self.flush(&*store, before).await?;
        let text = format!("Deleted {}.", tokens(deleted));
        output::result(options, text, [("deleted", Value::from(as_i64(deleted)))])
    }

    /// Until nothing is left, be it that another process deletes some.
    async fn flush(&self, store: &dyn TokenStore, before: Timestamp) -> Result<usize, Failure> {
        let mut interrupt = Interrupt::listen()?;
        let mut progress = Progress::start();
        let mut deleted = 0;
        let mut waiting_since = None;
        loop {
            // Awaited to its end even if a signal arrives: a batch is done or not done, and it is known which.
            let batch = store.flush_expired(before, self.batch_size).await;
            let batch = batch.map_err(|error| {
                progress.end();
                Failure::new(format!("{error}; {} were deleted before", tokens(deleted)))
            })?;
            let pause = match batch {
                Flushed::Deleted(0) => {
                    progress.end();
                    return Ok(deleted);
                }
                Flushed::Deleted(batch) => {
                    deleted += batch;
                    waiting_since = None;
                    progress.show(&format!(
                        "{deleted} deleted, {} a second",
                        progress.rate(deleted)
                    ));
                    TURN
                }
                Flushed::Busy => {
                    let since = *waiting_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > BUSY_PATIENCE {
                        progress.end();
                        return Err(Failure::new(format!(
                            "another process is deleting expired tokens: {} were deleted by this one, others may remain",
                            tokens(deleted)
                        )));
                    }
                    progress.show(&format!("{deleted} deleted, waiting for another process"));
                    part(BUSY_PAUSE)
                }
            };
            tokio::select! {
                biased;
                () = interrupt.wait() => {
                    progress.end();
                    return Err(Failure::new(format!(
                        "interrupted: {} were deleted, the others remain; run it again to go on",
                        tokens(deleted)
                    )));
                }
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

fn tokens(count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} expired token{plural}")
}

fn as_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// By the earlier of two clocks: to a node whose clock is days ahead of the others', their tokens have expired.
async fn deadline(
    store: &dyn TokenStore,
    settings: &Settings,
    clock: &impl Clock,
) -> Result<Timestamp, StoreError> {
    let ours = clock.now();
    let theirs = store.database_time().await?;
    Ok(settings.expired_before(theirs.map_or(ours, |theirs| theirs.min(ours))))
}

/// Count and rate on standard error, if a person is looking.
struct Progress {
    started: Instant,
    shown: Option<Instant>,
    is_watched: bool,
}

impl Progress {
    fn start() -> Self {
        Self {
            started: Instant::now(),
            shown: None,
            is_watched: std::io::stderr().is_terminal(),
        }
    }

    fn rate(&self, deleted: usize) -> u128 {
        deleted as u128 * 1000 / self.started.elapsed().as_millis().max(1)
    }

    fn show(&mut self, text: &str) {
        let now = Instant::now();
        let is_due = self.shown.is_none_or(|shown| now - shown >= TICK);
        if !self.is_watched || !is_due {
            return;
        }
        self.shown = Some(now);
        let _ = write!(std::io::stderr(), "\r{text:<WIDTH$}");
    }

    /// Leaves the line to what comes next.
    fn end(&mut self) {
        if self.shown.take().is_some() {
            let _ = writeln!(std::io::stderr());
        }
    }
}

/// Deletes expired tokens every `interval`, for as long as it is polled. Never with an interval of zero.
pub(crate) async fn in_background(
    store: Arc<dyn TokenStore>,
    settings: Settings,
    interval: Duration,
) {
    if interval.is_zero() {
        return std::future::pending().await;
    }
    Background {
        store,
        settings,
        clock: SystemClock,
    }
    .repeat(interval)
    .await;
}

struct Background<C> {
    store: Arc<dyn TokenStore>,
    settings: Settings,
    clock: C,
}

impl<C: Clock> Background<C> {
    async fn repeat(&self, interval: Duration) {
        tokio::time::sleep(part(interval.min(FIRST_DELAY))).await;
        loop {
            match self.flush().await {
                Ok(0) => {}
                Ok(deleted) => tracing::info!("deleted {}", tokens(deleted)),
                Err(error) => {
                    tracing::warn!(%error, "expired tokens were not deleted, the next try will");
                }
            }
            // Servers that share a database drift apart.
            tokio::time::sleep(interval.saturating_add(part(interval / 10))).await;
        }
    }

    /// Until nothing is left, or another process is at it, which then goes on.
    async fn flush(&self) -> Result<usize, StoreError> {
        let before = deadline(&*self.store, &self.settings, &self.clock).await?;
        let mut deleted = 0;
        loop {
            match self.store.flush_expired(before, BACKGROUND_BATCH).await? {
                Flushed::Deleted(0) | Flushed::Busy => return Ok(deleted),
                Flushed::Deleted(batch) => deleted += batch,
            }
            tokio::time::sleep(BACKGROUND_PAUSE).await;
        }
    }
}

/// Some part of `whole`, by chance.
fn part(whole: Duration) -> Duration {
    let mut byte = [128];
    // Without chance it is one half: nothing rests on it.
    let _ = getrandom::fill(&mut byte);
    whole / 256 * u32::from(byte[0])
}

#[cfg(test)]
mod tests;
