//! Real servers in real trouble: each program starts `tokenpair serve`, makes it hard for them, and judges.
//!
//! A program sees the servers through their doors only: command line, environment, HTTP; and the rows through a
//! database connection of its own. Its decisions come from its seed.

#![allow(clippy::print_stdout, reason = "a command talks on standard output")]

mod client;
mod clients;
mod crash;
mod crowd;
mod databases;
mod fleet;
mod flush;
mod ill;
mod jwt;
mod migrate;
mod nodes;
mod power_cut;
mod race;
mod random;
mod ready;
mod report;
mod rolling;
mod run;
mod steady;
mod storm;
mod traffic;
mod waits;

use clap::Parser;
use report::Report;
use run::Run;
use std::iter;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ExitCode;
use tokio::runtime::{Builder, Runtime};
use xtask::check::Trouble;

/// Something that goes wrong in the world, and what must be true nevertheless.
struct Program {
    name: &'static str,
    about: &'static str,
    run: for<'a> fn(&'a mut Run, &'a mut Report) -> Flow<'a>,
}

/// A program's main flow. It stays on the main thread and may block; what it spawns runs on others.
///
/// Servers are started in the main flow only: they end with the thread that started them, so that none is left behind.
type Flow<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

#[rustfmt::skip]
const PROGRAMS: [Program; 10] = [
    Program { name: "race", about: "one refresh token exchanged many times at once", run: |run, report| Box::pin(race::run(run, report)) },
    Program { name: "crash", about: "kill -9 at any moment, under load", run: |run, report| Box::pin(crash::run(run, report)) },
    Program { name: "ready", about: "servers start soon, with a million rows", run: |run, report| Box::pin(ready::run(run, report)) },
    Program { name: "power-cut", about: "what was acknowledged is on the disk", run: |run, report| Box::pin(power_cut::run(run, report)) },
    Program { name: "ill", about: "the database gone, frozen, slow, read-only, full, used up", run: |run, report| Box::pin(ill::run(run, report)) },
    Program { name: "rolling", about: "servers that are restarted while they are used", run: |run, report| Box::pin(rolling::run(run, report)) },
    Program { name: "flush", about: "expired tokens are deleted beside traffic", run: |run, report| Box::pin(flush::run(run, report)) },
    Program { name: "migrate", about: "three nodes migrate a database that Django writes", run: |run, report| Box::pin(migrate::run(run, report)) },
    Program { name: "storm", about: "more log-ins than there is processor for, beside ordinary traffic", run: |run, report| Box::pin(storm::run(run, report)) },
    Program { name: "crowd", about: "thousands of connections that are idle, slow or too large; no descriptors left", run: |run, report| Box::pin(crowd::run(run, report)) },
];
const ALL: &str = "all";
/// Needs the clients, which `cargo xtask check` builds in a step of its own: not among `all`.
#[rustfmt::skip]
const CLIENTS: Program = Program { name: "clients", about: "our clients behind a network that loses, delays and refuses", run: |run, report| Box::pin(clients::run(run, report)) };

/// Starts servers and makes it hard for them. Exit status 0: every target holds.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask faults", after_help = programs())]
struct Arguments {
    /// A program, or `all`
    name: String,
    /// Fewer rounds, all kinds: what the test command runs
    #[arg(long)]
    short: bool,
    /// Repeat the decisions of an earlier run
    #[arg(long)]
    seed: Option<u64>,
    /// Also write figures and verdict as one JSON object into this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Another server than the release build of this checkout
    #[arg(long, value_name = "FILE", env = "FAULTS_SERVER")]
    server: Option<PathBuf>,
}

fn programs() -> String {
    let programs = PROGRAMS.iter().chain([&CLIENTS]);
    let lines = programs.map(|program| format!("\n  {:<12} {}", program.name, program.about));
    format!("Programs:{}", lines.collect::<String>())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match judge(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            match error.downcast_ref() {
                Some(Trouble::Skipped(reason)) => println!("SKIPPED: {reason}"),
                _ => println!("{error:#}"),
            }
            ExitCode::FAILURE
        }
    }
}

/// Whether all targets of the programs hold. A program that failed or was skipped does not stop the others.
fn judge(arguments: &Arguments) -> anyhow::Result<bool> {
    let name = arguments.name.as_str();
    let others = iter::once(&CLIENTS).filter(|program| program.name == name);
    let chosen = PROGRAMS
        .iter()
        .filter(|program| [program.name, ALL].contains(&name));
    let chosen: Vec<&Program> = chosen.chain(others).collect();
    if chosen.is_empty() {
        anyhow::bail!("no program is called {:?}; {}", arguments.name, programs());
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let mut run = Run::prepare(arguments.server.clone(), arguments.seed, arguments.short)?;
    let mut reports = Vec::new();
    let mut skipped = Vec::new();
    for program in chosen {
        match judge_one(program, &mut run, &runtime) {
            Err(error) if is_skip(&error) => {
                println!("SKIPPED {}: {error}", program.name);
                skipped.push(format!("{}: {error}", program.name));
            }
            judged => reports.push(judged?),
        }
    }
    if let Some(file) = &arguments.json {
        report::write_json(file, &reports)?;
    }
    verdict(&reports, &skipped)
}

/// Whether all targets hold. What failed comes before what this machine cannot do.
fn verdict(reports: &[Report], skipped: &[String]) -> anyhow::Result<bool> {
    let holds = reports.iter().all(Report::holds);
    if !reports.is_empty() {
        println!("{}", report::summary(reports));
    }
    if holds && !skipped.is_empty() {
        return Err(Trouble::Skipped(skipped.join("; ")).into());
    }
    Ok(holds)
}

fn is_skip(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Trouble::Skipped(_)))
}

fn judge_one(program: &Program, run: &mut Run, runtime: &Runtime) -> anyhow::Result<Report> {
    println!(
        "\n=== {}: {}; --seed {}",
        program.name, program.about, run.seed
    );
    run.begin(program.name)?;
    let mut report = Report::new(program.name, run.seed, run.is_short);
    match runtime.block_on(until_interrupted((program.run)(run, &mut report))) {
        None => anyhow::bail!("interrupted"),
        Some(Ok(())) => {}
        Some(Err(error)) if is_skip(&error) => return Err(error),
        Some(Err(error)) => {
            report.target("the program runs to its end", false, format!("{error:#}"));
        }
    }
    report.finish();
    println!("{report}");
    if !report.holds() {
        println!("The servers' logs: {}", run.logs().display());
    }
    Ok(report)
}

/// What the flow came to; `None` after Ctrl-C, so that servers and files are cleared away.
async fn until_interrupted(flow: Flow<'_>) -> Option<anyhow::Result<()>> {
    tokio::select! {
        done = flow => Some(done),
        _ = tokio::signal::ctrl_c() => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(holds: bool) -> Report {
        let mut report = Report::new("race", 1, true);
        report.target("one success", holds, "");
        report
    }

    #[test]
    fn a_program_that_failed_is_not_hidden_by_one_that_was_skipped() {
        let skipped = ["power-cut: needs strace".to_owned()];
        assert!(verdict(&[report(true)], &[]).unwrap());
        assert!(!verdict(&[report(true), report(false)], &skipped).unwrap());
        assert!(is_skip(&verdict(&[report(true)], &skipped).unwrap_err()));
        assert!(is_skip(&verdict(&[], &skipped).unwrap_err()));
    }
}
