//! F: expired tokens are deleted beside traffic.

use crate::conversation::Conversation;
use crate::database::Records;
use crate::limits::Limit;
use crate::load::{Load, Pace};
use crate::report::{megabytes, milliseconds};
use crate::server::{Mode, Peer, Server, django};
use crate::setup::Setup;
use crate::tokens::{Kind, Mint};
use crate::workload::{CONNECTIONS, REFRESH};
use anyhow::{Context as _, ensure};
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
const ROUND: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_millis(5);

const MOST_CPU_SECONDS: f64 = 4.0;
const MOST_MEBIBYTES: f64 = 32.0;
/// What a request may take longer than without.
const MOST_DELAY: f64 = 20.0;

/// What a command cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    cpu: Duration,
    took: Duration,
    /// The most that was resident, in KiB.
    peak: u64,
}

/// Deletes with tokenpair, beside traffic, and with Django alone.
pub(crate) fn play(setup: &mut Setup, store: Store) -> anyhow::Result<Vec<Limit>> {
    let pair = setup.pair(store, RECORDS, true)?;
    let mode = Mode {
        has_blacklist: true,
        rotates: true,
        hasher: None,
    };
    let server = Server::start(setup, Peer::Tokenpair, &mode, Some(&pair.tokenpair))?;
    let mut load = Load::connect(server.address, chains())?;
    let pace = Pace::Open(TRAFFIC);
    load.run(pace, ROUND)?;
    let quiet = load.run(pace, ROUND * 4)?.latencies.max();

    let mut command = bound(&setup.server);
    command
        .args(["flushexpiredtokens", "--json"])
        .current_dir(setup.folder())
        .env("TOKENPAIR_DATABASE", pair.tokenpair.url())
        .env("TOKENPAIR_LOG", "warn");
    let deleting = begin(command)?;
    let mut busy = 0;
    while !deleting.is_finished() {
        busy = busy.max(load.run(pace, ROUND)?.latencies.max());
    }
    let ours = end(deleting)?;
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
        let theirs = end(begin(command)?)?;
        tell("Django", store, theirs, ", without traffic");
    }
    let about = format!(
        "flush of {}, {store}",
        crate::workload::count(RECORDS.expired)
    );
    Ok(vec![
        Limit::new(
            format!("CPU in s, {about}"),
            ours.cpu.as_secs_f64(),
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
    let Cost { cpu, took, peak } = cost;
    println!(
        "  {name}, {store}: {:.1} s of CPU, {:.1} s, at most {:.1} MB{rest}",
        cpu.as_secs_f64(),
        took.as_secs_f64(),
        megabytes(peak),
    );
}

fn ms(microseconds: u64) -> String {
    format!("{:.1}", milliseconds(Duration::from_micros(microseconds)))
}

#[allow(clippy::cast_precision_loss, reason = "less than a terabyte")]
fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn chains() -> Vec<Conversation> {
    let mut mint = Mint::new();
    let chain = |user| Conversation::Chain {
        path: REFRESH,
        token: mint.mint(Kind::Refresh, user).into_bytes(),
    };
    (1..=CONNECTIONS).map(chain).collect()
}

type Deleting = thread::JoinHandle<anyhow::Result<Cost>>;

/// Starts the command and follows it from another thread.
fn begin(mut command: Command) -> anyhow::Result<Deleting> {
    let start = Instant::now();
    let command = command.stdin(Stdio::null()).stdout(Stdio::null());
    let child = command.spawn().context("setpriv cannot be run")?;
    Ok(thread::spawn(move || follow(child, start)))
}

fn follow(mut child: Child, start: Instant) -> anyhow::Result<Cost> {
    let mut cost = Cost {
        cpu: Duration::ZERO,
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
            return Ok(cost);
        }
        thread::sleep(POLL);
    }
}

fn end(deleting: Deleting) -> anyhow::Result<Cost> {
    let joined = deleting.join();
    joined.ok().context("the command was not followed")?
}
