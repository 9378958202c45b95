//! tokenpair beside its peers, under the same load on the same machine: `cargo xtask bench`.
//!
//! Every workload starts its servers, lets them take turns, and compares processor time per request, requests a second
//! and latencies. `docs/benchmarks.md` says what is measured how.

#![allow(clippy::print_stdout, reason = "a command talks on standard output")]

mod answer;
mod conversation;
mod database;
mod flush;
mod interrupt;
mod limits;
mod load;
mod logins;
mod measured;
mod plot;
mod report;
mod runner;
mod server;
mod setup;
mod targets;
mod tokens;
mod versions;
mod workload;

use anyhow::ensure;
use clap::Parser;
use limits::Limit;
use report::Entry;
use runner::Length;
use setup::{Log, Setup};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use targets::Verdict;
use workload::Workload;
use xtask::database::Store;
use xtask::project::Project;

/// Measures tokenpair beside Django with Simple JWT, a bare axum handler with jsonwebtoken, and hyper.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", after_help = WORKLOADS)]
struct Arguments {
    /// More and longer rounds, and tables of 10 million rows: half an hour instead of five minutes
    #[arg(long)]
    full: bool,
    /// Only these workloads, such as `V,R1`
    #[arg(long, value_name = "LETTERS", value_delimiter = ',')]
    only: Vec<String>,
    /// Only workloads whose description has this in it, such as `SQLite, 0 rows`
    #[arg(long, value_name = "TEXT", default_value = "")]
    about: String,
    #[command(flatten)]
    beside: Beside,
    /// Rounds of each server
    #[arg(long, value_name = "NUMBER")]
    rounds: Option<usize>,
    /// Seconds of a round
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<f64>,
    /// Where tokenpair's log goes
    #[arg(long, value_enum, default_value = "file")]
    log: Log,
    /// Also write all figures as one JSON object into this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also draw processor time per request into this SVG file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Another server than the release build of this checkout
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    #[arg(long, hide = true, env = "BENCH_PEERS")]
    peers: Option<PathBuf>,
    #[arg(long, hide = true, env = "BENCH_PYTHON")]
    python: Option<PathBuf>,
}

/// Whom tokenpair is measured beside.
#[derive(Debug, clap::Args)]
struct Beside {
    /// Without Django
    #[arg(long)]
    no_django: bool,
    /// Django without middleware and with one parser and renderer, instead of as a new project of its is
    #[arg(long)]
    bare_django: bool,
    /// Without the peers in Rust
    #[arg(long)]
    no_peers: bool,
}

const WORKLOADS: &str = "\
Workloads:
  V   verify a token, without and with the blacklist
  S   GET with a token, nobody looked up
  A   GET with a token, the user looked up
  R0  refresh
  R1  refresh with rotation and blacklisting
  B   blacklist a token
  O   log in: Django's default hash, then its other hashers
  O1  log in with one round of hashing
  F   delete expired tokens beside refreshes; only in the full form, or when it is named

Exit status: 0 every target is met, 1 one is missed, or something failed.";

const SHORT: Length = Length {
    rounds: 3,
    warm_up: Duration::from_millis(200),
    round: Duration::from_millis(800),
};
const FULL: Length = Length {
    rounds: 5,
    warm_up: Duration::from_millis(300),
    round: Duration::from_millis(2500),
};

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(missed) => {
            println!("targets missed: {missed}");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How many targets are missed.
fn run(arguments: &Arguments) -> anyhow::Result<usize> {
    let workloads = chosen(arguments)?;
    let length = length(arguments);
    interrupt::watch()?;
    let project = Project::open()?;
    let server = arguments.server.clone().unwrap_or_else(|| project.server());
    let mut setup = Setup::new(
        project,
        fs::canonicalize(&server)?,
        arguments
            .peers
            .clone()
            .filter(|_| !arguments.beside.no_peers),
        arguments
            .python
            .clone()
            .filter(|_| !arguments.beside.no_django),
        arguments.beside.bare_django,
        arguments.log,
    );
    println!(
        "{}; tokenpair's log: {:?}\n",
        versions::machine(),
        arguments.log
    );
    let mut found = Found::default();
    for workload in workloads {
        println!("{} {}", workload.id, workload.about);
        let played = runner::play(&mut setup, &workload, length);
        if let Some(measured) = found.unless_failed(played)? {
            let entry = Entry { workload, measured };
            println!("{entry}");
            found.entries.push(entry);
        }
    }
    found.limits = limits::limits(&found.entries);
    for store in flushes(arguments) {
        println!(
            "{} expired tokens are deleted beside traffic, {store}",
            flush::ID
        );
        let played = flush::play(&mut setup, store);
        let limits = found.unless_failed(played)?;
        found.limits.extend(limits.unwrap_or_default());
    }
    println!("\n{}", report::summary(&found.entries, &found.limits));
    println!("{}", report::versions(&found.entries));
    found.write(arguments)?;
    ensure!(found.failed == 0, "workloads that failed: {}", found.failed);
    Ok(found.missed())
}

/// What the run found so far.
#[derive(Debug, Default)]
struct Found {
    entries: Vec<Entry>,
    limits: Vec<Limit>,
    /// Workloads that came to no end.
    failed: usize,
}

impl Found {
    /// What was played; a failure does not stop the others, Ctrl-C does.
    fn unless_failed<T>(&mut self, played: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
        interrupt::check()?;
        Ok(match played {
            Ok(played) => Some(played),
            Err(error) => {
                println!("\nFAILED: {error:#}\n");
                self.failed += 1;
                None
            }
        })
    }

    fn missed(&self) -> usize {
        let missed = |limit: &&Limit| limit.verdict() == Verdict::Missed;
        let ratios: usize = self.entries.iter().map(Entry::missed).sum();
        ratios + self.limits.iter().filter(missed).count()
    }

    fn write(&self, arguments: &Arguments) -> anyhow::Result<()> {
        if let Some(file) = &arguments.json {
            let machine = versions::machine();
            let json = report::json(&self.entries, &self.limits, &machine, arguments.full);
            fs::write(file, format!("{json:#}\n"))?;
        }
        if let Some(file) = &arguments.plot {
            fs::write(file, plot::svg(&self.entries))?;
        }
        Ok(())
    }
}

fn chosen(arguments: &Arguments) -> anyhow::Result<Vec<Workload>> {
    let mut all = workload::all(arguments.full);
    let exists = |id: &String| *id == flush::ID || all.iter().any(|workload| workload.id == *id);
    if let Some(unknown) = arguments.only.iter().find(|id| !exists(id)) {
        anyhow::bail!("no workload is called {unknown:?}\n{WORKLOADS}");
    }
    all.retain(|workload| arguments.wants(workload.id, &workload.about));
    Ok(all)
}

/// On which databases expired tokens are to be deleted.
fn flushes(arguments: &Arguments) -> Vec<Store> {
    let mut stores = vec![Store::Sqlite, Store::Postgres];
    // It takes minutes, most of them to make a million rows.
    stores.retain(|_| arguments.full || !arguments.only.is_empty());
    stores.retain(|store| arguments.wants(flush::ID, &store.to_string()));
    stores
}

impl Arguments {
    fn wants(&self, id: &str, about: &str) -> bool {
        let is_named = self.only.is_empty() || self.only.iter().any(|only| only == id);
        is_named && about.contains(&self.about)
    }
}

fn length(arguments: &Arguments) -> Length {
    let mut length = if arguments.full { FULL } else { SHORT };
    length.rounds = arguments.rounds.unwrap_or(length.rounds);
    length.round = arguments
        .seconds
        .map_or(length.round, Duration::from_secs_f64);
    length
}
