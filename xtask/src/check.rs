//! `cargo xtask check`: the steps one after the other, a table at the end. A failure does not stop the others.

use crate::project::Project;
use crate::{
    beside, book, cargo, clients, conformance, counts, dependencies, faults, hygiene, pages, seeds,
};
use std::fmt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What a step has to tell in the table, or why it did not pass.
pub type Outcome = Result<String, Trouble>;

/// Why a step did not pass.
#[derive(Debug)]
pub enum Trouble {
    /// Something is wrong with the project.
    Failed(String),
    /// This machine lacks something that the check cannot set up.
    Skipped(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Failed(reason) | Self::Skipped(reason)) = self;
        f.write_str(reason)
    }
}

impl std::error::Error for Trouble {}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A part of the check that can be run alone.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    run: fn(&Project) -> Outcome,
}

/// In an order that shows cheap mistakes early and lets a step use what an earlier one has built.
#[rustfmt::skip]
pub(crate) const STEPS: [Step; 21] = [
    Step { name: "format", about: "rustfmt", run: cargo::format },
    Step { name: "hygiene", about: "unsafe code, unfinished code, foreign paths, long files", run: hygiene::check },
    Step { name: "dependencies", about: "bans, licences, versions, number of crates", run: dependencies::check },
    Step { name: "lints", about: "clippy on all targets and features", run: cargo::lints },
    Step { name: "bare-core", about: "the library without features and with each single one", run: cargo::bare_core },
    Step { name: "docs", about: "rustdoc without warnings", run: cargo::docs },
    Step { name: "tests", about: "unit, integration and documentation tests", run: cargo::tests },
    Step { name: "examples", about: "the library's examples run to their end", run: cargo::examples },
    Step { name: "seeds", about: "printed examples (curl, HTTPie, requests, fetch, axios, a Python client) with the demo", run: seeds::examples },
    Step { name: "book", about: "what docs/ shows is run, all links are followed", run: book::check },
    Step { name: "openapi", about: "the OpenAPI document is exact, with schemathesis", run: pages::openapi },
    Step { name: "browser", about: "every page in Chromium, narrow and wide, light and dark, with axe-core", run: pages::browser },
    Step { name: "client-js", about: "the JavaScript client: lints, types, size, tests, windows of Chromium", run: clients::js },
    Step { name: "client-python", about: "the Python client: lints, types, tests, packages", run: clients::python },
    Step { name: "recorded", about: "recorded exchanges of Simple JWT, with our server", run: conformance::recorded },
    Step { name: "race", about: "one refresh token exchanged many times at once", run: conformance::race },
    Step { name: "differential", about: "the same requests to Simple JWT and to us", run: conformance::differential },
    Step { name: "beside", about: "Django and tokenpair on one database, Simple JWT's own HTTP tests", run: beside::short },
    Step { name: "counts", about: "instructions of the engine's operations beside those on record", run: counts::compare },
    Step { name: "faults", about: "races, crashes, ill databases, storms: the fault programs in their short form", run: faults::short },
    Step { name: "scenarios", about: "all clients on a network that loses, delays and refuses, in short form", run: faults::clients },
];

/// Whether a program's arguments only ask what it takes.
pub(crate) fn asks_for_help(arguments: &[&str]) -> bool {
    arguments.iter().any(|word| ["--help", "-h"].contains(word))
}

/// Runs something that is a step, or part of one.
pub(crate) fn alone(run: impl FnOnce(&Project) -> Outcome) -> ExitCode {
    match Project::open().and_then(|project| run(&project)) {
        Ok(detail) => {
            println!("passed: {detail}");
            ExitCode::SUCCESS
        }
        Err(trouble) => {
            println!("{trouble:?}");
            ExitCode::FAILURE
        }
    }
}

struct Report {
    name: &'static str,
    outcome: Outcome,
    time: Duration,
}

/// Runs the named steps, or all if there is no name.
pub(crate) fn run(names: &[&str]) -> ExitCode {
    if let Some(unknown) = names
        .iter()
        .find(|name| STEPS.iter().all(|step| step.name != **name))
    {
        println!("no step is called {unknown:?}; `cargo xtask help` lists them");
        return ExitCode::from(crate::WRONG_USAGE);
    }
    let project = match Project::open() {
        Ok(project) => project,
        Err(trouble) => {
            println!("the check cannot start: {trouble:?}");
            return ExitCode::FAILURE;
        }
    };
    let chosen = STEPS
        .iter()
        .filter(|step| names.is_empty() || names.contains(&step.name));
    let reports: Vec<Report> = chosen.map(|step| run_step(step, &project)).collect();
    summarise(&reports, must_not_skip())
}

fn run_step(step: &Step, project: &Project) -> Report {
    println!("\n=== {}: {}", step.name, step.about);
    let start = Instant::now();
    let outcome = (step.run)(project);
    let time = start.elapsed();
    match &outcome {
        Ok(_) => println!("=== {} passed in {}", step.name, seconds(time)),
        Err(Trouble::Failed(reason)) => {
            println!("=== {} FAILED in {}: {reason}", step.name, seconds(time));
        }
        Err(Trouble::Skipped(reason)) => println!("SKIPPED {}: {reason}", step.name),
    }
    Report {
        name: step.name,
        outcome,
        time,
    }
}

/// On a CI machine nobody reads that a step was left out.
fn must_not_skip() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true" || value == "1")
}

fn summarise(reports: &[Report], must_not_skip: bool) -> ExitCode {
    println!();
    let (mut failed, mut skipped) = (0, 0);
    for Report {
        name,
        outcome,
        time,
    } in reports
    {
        let (verdict, detail) = match outcome {
            Ok(detail) => ("passed", detail),
            Err(Trouble::Failed(reason)) => {
                failed += 1;
                ("FAILED", reason)
            }
            Err(Trouble::Skipped(reason)) => {
                skipped += 1;
                ("SKIPPED", reason)
            }
        };
        println!("{name:<14} {verdict:<8} {:>9}  {detail}", seconds(*time));
    }
    let total = reports.iter().map(|report| report.time).sum();
    let passed = reports.len() - failed - skipped;
    println!(
        "\n{passed} passed, {failed} failed, {skipped} skipped in {}",
        seconds(total)
    );
    if skipped > 0 && must_not_skip {
        println!("CI is set: what was skipped counts as failed");
    }
    if failed > 0 || (skipped > 0 && must_not_skip) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// For a step that looks for many things: prints every problem; their number is the outcome.
pub(crate) fn verdict(problems: &[String], detail: String) -> Outcome {
    for problem in problems {
        println!("- {problem}");
    }
    match problems {
        [] => Ok(detail),
        [problem] => Err(Trouble::Failed(problem.clone())),
        [first, rest @ ..] => Err(Trouble::Failed(format!("{first}; and {} more", rest.len()))),
    }
}
