//! F: expired tokens are deleted beside traffic.

use crate::conversation::Conversation;
use crate::database::Records;
use crate::limits::Limit;
use crate::load::{Load, Pace};
use crate::report::{megabytes, milliseconds};
use crate::server::{Mode, Peer, Server, django};
use crate::setup::Setup;
use crate::tokens::Mint;
use crate::workload::{CONNECTIONS, rotate, spread};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::io;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use xtask::database::Store;
use xtask::process::bound;
use xtask::vitals;

/// The workload's letter.
pub(crate) const ID: &str = "F";
const RECORDS: Records = Records {
    rows: 1_000_000,
    expired: 900_000,
};
/// Refreshes with rotation beside it, a second.
const TRAFFIC: f64 = 200.0;
/// How long the server is watched before the command begins.
const QUIET: Duration = Duration::from_secs(2);
const ROUND: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_millis(5);

const MOST_CPU_SECONDS: f64 = 4.0;
const MOST_MEBIBYTES: f64 = 32.0;
/// What a request may take longer than without.
const MOST_DELAY: f64 = 20.0;

/// What a command cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// Processor time of its own process.
    cpu: Duration,
    /// What the database's processes needed, where it has its own, the traffic's share left out.
    database_cpu: Duration,
    took: Duration,
    /// The most that was resident, in KiB.
    peak: u64,
}

impl Cost {
    /// Of both.
    fn whole_cpu(&self) -> Duration {
        self.cpu + self.database_cpu
    }
}

/// Deletes with tokenpair, beside traffic, and with Django alone.
pub(crate) fn play(setup: &mut Setup, store: Store) -> anyhow::Result<Vec<Limit>> {
    let pair = setup.pair(store, RECORDS, ID, true)?;
    let mode = Mode {
        has_blacklist: true,
        rotates: true,
        hasher: None,
    };
    let server = Server::start(setup, Peer::Tokenpair, &mode, Some(&pair.tokenpair))?;
    let mut load = Load::connect(server.address, traffic())?;
    let pace = Pace::Open(TRAFFIC);
    load.run(pace, ROUND)?;
    let database_cpu = || database_cpu(setup, store);
    let before = database_cpu();
    let quiet = load.run(pace, QUIET)?.latencies.max();
    let traffic = database_cpu().saturating_sub(before).as_secs_f64() / QUIET.as_secs_f64();

    let mut command = bound(&setup.server);
    command
        .args(["flushexpiredtokens", "--json"])
        .current_dir(setup.folder())
        .env("TOKENPAIR_DATABASE", pair.tokenpair.url())
        .env("TOKENPAIR_LOG", "warn");
    let (start, before) = (Instant::now(), database_cpu());
    let deleting = begin(command)?;
    let mut busy = 0;
    while !deleting.is_finished() {
        busy = busy.max(load.run(pace, ROUND)?.latencies.max());
    }
    let (mut ours, output) = end(deleting)?;
    // The last round went on for a while after the command.
    let of_traffic = start.elapsed().mul_f64(traffic);
    ours.database_cpu = database_cpu()
        .saturating_sub(before)
        .saturating_sub(of_traffic);
    check_deleted(&output)?;
    let delay = Duration::from_micros(busy.saturating_sub(quiet));
    tell(
        "tokenpair",
        store,
        ours,
        &format!(
            ", longest request {} ms, without {} ms",
            ms(busy),
            ms(quiet)
        ),
    );
    if let (Some(python), Some(database)) = (setup.python.clone(), &pair.django) {
        let mut command = django(setup, python, &mode, database);
        command.args(["-m", "django", "flushexpiredtokens"]);
        let before = database_cpu();
        let (mut theirs, _) = end(begin(command)?)?;
        theirs.database_cpu = database_cpu().saturating_sub(before);
        tell("Django", store, theirs, ", without traffic");
    }
    let about = format!(
        "flush of {}, {store}",
        crate::workload::count(RECORDS.expired)
    );
    Ok(vec![
        Limit::new(
            format!("CPU in s, {about}"),
            ours.whole_cpu().as_secs_f64(),
            MOST_CPU_SECONDS,
        ),
        Limit::new(
            format!("memory in MiB, {about}"),
            mebibytes(ours.peak),
            MOST_MEBIBYTES,
        ),
        Limit::new(
            format!("longest delay in ms, {about}"),
            milliseconds(delay),
            MOST_DELAY,
        ),
    ])
}

fn tell(name: &str, store: Store, cost: Cost, rest: &str) {
    println!(
        "  {name}, {store}: {:.1} s of CPU, {:.1} s of the database's, {:.1} s, at most {:.1} MB{rest}",
        cost.cpu.as_secs_f64(),
        cost.database_cpu.as_secs_f64(),
        cost.took.as_secs_f64(),
        megabytes(cost.peak),
    );
}

fn ms(microseconds: u64) -> String {
    format!("{:.1}", milliseconds(Duration::from_micros(microseconds)))
}

#[allow(clippy::cast_precision_loss, reason = "less than a terabyte")]
fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn traffic() -> Vec<Conversation> {
    let users = RECORDS.users();
    let rotate = rotate(&mut Mint::new(), spread(users).take(users));
    vec![rotate; CONNECTIONS]
}

/// Processor time of the database's processes so far, where it has its own.
fn database_cpu(setup: &Setup, store: Store) -> Duration {
    setup
        .postgres_process(store)
        .map(vitals::cpu)
        .unwrap_or_default()
}

/// Fails unless all that had expired was deleted, and by this command.
fn check_deleted(output: &str) -> anyhow::Result<()> {
    let json: Value = serde_json::from_str(output)?;
    let deleted = json["deleted"].as_u64();
    let expired = u64::try_from(RECORDS.expired)?;
    ensure!(
        deleted == Some(expired),
        "instead of {expired} tokens were deleted: {output}"
    );
    Ok(())
}

/// What it cost and what it said.
type Deleting = thread::JoinHandle<anyhow::Result<(Cost, String)>>;

/// Starts the command and follows it from another thread.
fn begin(mut command: Command) -> anyhow::Result<Deleting> {
    let start = Instant::now();
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let child = command.spawn().context("setpriv cannot be run")?;
    Ok(thread::spawn(move || follow(child, start)))
}

fn follow(mut child: Child, start: Instant) -> anyhow::Result<(Cost, String)> {
    let mut cost = Cost {
        cpu: Duration::ZERO,
        database_cpu: Duration::ZERO,
        took: Duration::ZERO,
        peak: 0,
    };
    loop {
        // What it was shortly before its end has to do.
        if let Ok(memory) = vitals::memory(child.id()) {
            cost.peak = cost.peak.max(memory.peak);
        }
        cost.cpu = cost.cpu.max(vitals::cpu(child.id()));
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "deleting ended with {status}");
            cost.took = start.elapsed();
            let output = child.stdout.take().context("no output")?;
            return Ok((cost, io::read_to_string(output)?));
        }
        thread::sleep(POLL);
    }
}

fn end(deleting: Deleting) -> anyhow::Result<(Cost, String)> {
    let joined = deleting.join();
    joined.ok().context("the command was not followed")?
}
