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

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use limits::Limit;
use report::Entry;
use runner::Length;
use setup::{Log, Setup};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use targets::Verdict;
use workload::Workload;
use xtask::database::Store;
use xtask::project::Project;

/// Measures tokenpair beside Django with Simple JWT, a bare axum handler with jsonwebtoken, and hyper.
#[derive(Debug, Parser)]
#[command(name = "bench", bin_name = "cargo xtask bench", after_help = WORKLOADS)]
struct Arguments {
    /// More and longer rounds, and tables of 10 million rows: half an hour instead of five minutes
    #[arg(long)]
    full: bool,
    /// Only these workloads, such as `V,R1`; they are listed below
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Only workloads whose description has this in it, such as `SQLite, 0 rows`
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    about: String,
    #[command(flatten)]
    beside: Beside,
    /// Rounds of each server: 3 unless it is said, 5 with `--full`
    #[arg(long, value_name = "NUMBER", value_parser = rounds, allow_negative_numbers = true)]
    rounds: Option<usize>,
    /// Seconds of a round: 0.8 unless it is said, 2.5 with `--full`
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    seconds: Option<Duration>,
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
    #[arg(long, hide = true)]
    dry_run: bool,
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
    /// Django without middleware and with one parser and renderer, instead of as `startproject` makes it
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

For each there is a table: requests a second, processor time for a request, latencies, memory, start-up. \
Below it stand the ratios, each with its target and whether it is met, and at the end all of them together. \
docs/benchmarks.md says what is measured how. Let nothing else run meanwhile.

Exit status: 0 every target that was measured is met, 1 one is missed, or something failed.";

/// As many as anybody has the patience for.
const MOST_ROUNDS: usize = 1000;
const LONGEST_ROUND: f64 = 600.0;

fn rounds(text: &str) -> Result<usize, String> {
    let rounds = text.parse().ok();
    rounds
        .filter(|rounds| (1..=MOST_ROUNDS).contains(rounds))
        .ok_or_else(|| format!("expected a whole number from 1 to {MOST_ROUNDS}"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok();
    seconds
        .filter(|seconds| (0.1..=LONGEST_ROUND).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| format!("expected seconds from 0.1 to {LONGEST_ROUND}, such as 2.5"))
}

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
    arguments.check_files()?;
    if arguments.dry_run {
        return Ok(0);
    }
    interrupt::watch()?;
    let project = Project::open()?;
    let server = arguments.server.clone().unwrap_or_else(|| project.server());
    let mut setup = Setup::new(
        project,
        canonical(&server)?,
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
        let mut ids: Vec<&str> = all.iter().map(|workload| workload.id).collect();
        ids.dedup();
        let ids = ids.join(", ");
        bail!(
            "--only: no workload is called {unknown:?}, there are {ids}, {}",
            flush::ID
        );
    }
    all.retain(|workload| arguments.wants(workload.id, &workload.about));
    ensure!(
        !all.is_empty() || !flushes(arguments).is_empty(),
        "--about: none of the workloads has {:?} in its description, which is the line above its table, such as \
         \"refresh, SQLite\"",
        arguments.about
    );
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

    /// Whether the files named are there or can be written: after the measurement it would be too late to ask.
    fn check_files(&self) -> anyhow::Result<()> {
        if let Some(server) = &self.server {
            canonical(server)?;
        }
        for file in self.json.iter().chain(&self.plot) {
            let opened = File::options().create(true).append(true).open(file);
            opened.with_context(|| format!("{} cannot be written", file.display()))?;
        }
        Ok(())
    }
}

fn canonical(server: &Path) -> anyhow::Result<PathBuf> {
    fs::canonicalize(server).with_context(|| format!("there is no server {}", server.display()))
}

fn length(arguments: &Arguments) -> Length {
    let mut length = if arguments.full { FULL } else { SHORT };
    length.rounds = arguments.rounds.unwrap_or(length.rounds);
    length.round = arguments.seconds.unwrap_or(length.round);
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Result<Arguments, String> {
        let words = std::iter::once("bench").chain(line.split_whitespace());
        Arguments::try_parse_from(words).map_err(|error| error.to_string())
    }

    #[test]
    fn lengths_that_cannot_be_measured_are_refused_with_what_can() {
        for (line, expected) in [
            ("--rounds 0", "expected a whole number from 1 to 1000"),
            ("--rounds many", "expected a whole number from 1 to 1000"),
            ("--seconds 0", "expected seconds from 0.1 to 600"),
            ("--seconds -1", "expected seconds from 0.1 to 600"),
            ("--seconds NaN", "expected seconds from 0.1 to 600"),
            ("--seconds inf", "expected seconds from 0.1 to 600"),
        ] {
            let refused = arguments(line).unwrap_err();
            assert!(refused.contains(expected), "{line}: {refused}");
        }
        let length = length(&arguments("--rounds 7 --seconds 1.5").unwrap());
        assert_eq!(length.rounds, 7);
        assert_eq!(length.round, Duration::from_millis(1500));
    }

    #[test]
    fn names_and_descriptions_that_no_workload_has_are_refused() {
        let refused = |line: &str| chosen(&arguments(line).unwrap()).unwrap_err().to_string();
        assert_eq!(
            refused("--only V,X"),
            "--only: no workload is called \"X\", there are V, S, A, R0, R1, B, O, O1, F"
        );
        assert!(refused("--about nothing").starts_with("--about: none of the workloads"));
        assert_eq!(chosen(&arguments("--only R0").unwrap()).unwrap().len(), 2);
        assert!(chosen(&arguments("--only F").unwrap()).unwrap().is_empty());
    }

    #[test]
    fn files_that_cannot_be_used_are_refused_before_anything_is_measured() {
        for (line, expected) in [
            (
                "--server /no/such/server",
                "there is no server /no/such/server",
            ),
            (
                "--json /no/such/folder/a.json",
                "/no/such/folder/a.json cannot be written",
            ),
            (
                "--plot /no/such/folder/a.svg",
                "/no/such/folder/a.svg cannot be written",
            ),
        ] {
            let refused = arguments(line).unwrap().check_files().unwrap_err();
            assert_eq!(refused.to_string(), expected);
        }
    }
}
