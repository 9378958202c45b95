//! `flush`: expired tokens are deleted beside traffic, by one process at a time.
//!
//! Nobody waits for a lock because of it, every request is answered, and two commands at once delete each token once.

use crate::databases::{self, Sql as _};
use crate::fleet::{LARGEST, Shape};
use crate::nodes::{self, Node, STRICT, Settings};
use crate::report::{Report, milliseconds, quantile};
use crate::run::Run;
use crate::traffic::{Traffic, fill};
use crate::waits::Waits;
use anyhow::{Context as _, ensure};
use std::io::Read as _;
use std::process::Child;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use xtask::database::{Database, Store};

const EXPIRED: (usize, usize) = (200_000, 3000);
const LIVING: (usize, usize) = (800_000, 10_000);
const COMMAND: &str = "flushexpiredtokens --json";
const COMMANDS: usize = 2;
/// How soon a busy machine makes a connection is not the subject.
const PATIENT: Settings<'static> = &[("DATABASE_ACQUIRE_TIMEOUT", "10s")];
const QUIET: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_millis(50);
/// A command looks by an advisory lock whether it is alone, and does not wait for it.
const OURS: &str = "a.application_name = 'tokenpair'";

pub(crate) async fn run(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    for shape in LARGEST {
        judge(run, report, shape).await?;
    }
    Ok(())
}

async fn judge(run: &mut Run, report: &mut Report, shape: Shape) -> anyhow::Result<()> {
    let database = databases::fresh(run, shape.store, 1).await?;
    let expired = run.rounds(EXPIRED.0, EXPIRED.1);
    fill(
        &database,
        shape.store,
        expired,
        run.rounds(LIVING.0, LIVING.1),
    )
    .await?;
    println!("{shape}: {expired} expired tokens on record");
    let mut nodes = Vec::new();
    for _ in 0..shape.nodes {
        // The commands alone shall count.
        let settings = [STRICT, &[("FLUSH_INTERVAL", "0")]].concat();
        nodes.push(Node::start(run, &database, &settings).await?);
    }
    let mut quiet = Traffic::start(&nodes).end_after(QUIET).await?;

    let waits = match &database {
        Database::Postgres(url) => Some(Waits::watch(url, OURS).await?),
        Database::Sqlite(_) => None,
    };
    let traffic = Traffic::start(&nodes);
    let start = Instant::now();
    let mut commands = Vec::new();
    let settings = match shape.store {
        Store::Sqlite => &[],
        Store::Postgres => PATIENT,
    };
    for _ in 0..COMMANDS {
        commands.push(nodes::begin(run, &database, COMMAND, settings)?);
    }
    let mut deleted = Vec::new();
    for command in commands {
        deleted.push(told(command).await?);
    }
    let took = start.elapsed();
    let mut busy = traffic.end_after(Duration::ZERO).await?;

    report.figure(
        format!("{shape}, deleted by each command"),
        format!("{deleted:?}"),
    );
    report.figure(format!("{shape}, within"), milliseconds(took));
    for share in [0.5, 0.99, 1.0] {
        let [quiet, busy] =
            [&mut quiet, &mut busy].map(|times| milliseconds(quantile(times, share)));
        report.figure(
            format!("{shape}, answers, {share} of times"),
            format!("{busy}, without deleting {quiet}"),
        );
    }
    let sum: usize = deleted.iter().sum();
    report.target(
        format!("{shape}, each expired token was deleted once"),
        sum == expired,
        sum,
    );
    let left =
        "SELECT count(*) FROM token_blacklist_outstandingtoken WHERE expires_at < '2021-01-01'";
    let left = database.number(left).await?;
    report.target(format!("{shape}, none is left"), left == 0, left);
    // The traffic ends with an error where an answer is another.
    report.target(
        format!("{shape}, every request was answered with 200"),
        !busy.is_empty(),
        busy.len(),
    );
    if let Some(waits) = waits {
        let name = format!("{shape}, longest wait for a lock");
        waits.judge(report, &name, LONGEST_WAIT).await?;
    }
    Ok(())
}

/// What a command says it deleted.
async fn told(mut command: Child) -> anyhow::Result<usize> {
    let status = loop {
        match command.try_wait()? {
            Some(status) => break status,
            None => sleep(Duration::from_millis(20)).await,
        }
    };
    let mut output = String::new();
    let stdout = command.stdout.as_mut().context("no output")?;
    stdout.read_to_string(&mut output)?;
    ensure!(status.success(), "{status}: {output}");
    let output: serde_json::Value = serde_json::from_str(&output)?;
    let deleted = output["deleted"].as_u64().context("no number")?;
    Ok(usize::try_from(deleted)?)
}
