//! `cargo xtask`: the project's own commands. Arguments in, exit status out; the work is in `check`.
//!
//! A library, too, so that the fault programs (`faults/`) and the benchmark (`bench/`) find the checkout, Debian's packages
//! and PostgreSQL as the check does, and share what both need.

#![allow(clippy::print_stdout, reason = "a command talks on standard output")]

mod bench;
mod beside;
mod book;
mod cargo;
pub mod check;
pub mod clients;
mod conformance;
mod counts;
pub mod database;
mod dependencies;
mod faults;
mod hygiene;
mod node;
pub mod packages;
mod pages;
pub mod postgres;
pub mod process;
pub mod project;
pub mod python;
mod seeds;
pub mod vitals;

use std::process::ExitCode;

const WRONG_USAGE: u8 = 2;

/// Runs the command with these arguments.
pub fn run(arguments: &[&str]) -> ExitCode {
    match arguments {
        ["check"] => check::run(&[]),
        ["check", "--only", names @ ..] if !names.is_empty() => check::run(names),
        ["book", pages @ ..] => check::alone(|project| book::run(project, pages)),
        ["bench", arguments @ ..] => bench::run(arguments),
        ["beside", arguments @ ..] => beside::run(arguments),
        ["counts", arguments @ ..] => counts::run(arguments),
        ["faults", arguments @ ..] => faults::run(arguments),
        [] | ["help" | "--help" | "-h", ..] => {
            help();
            ExitCode::SUCCESS
        }
        other => {
            println!("cargo xtask {}: no such command\n", other.join(" "));
            help();
            ExitCode::from(WRONG_USAGE)
        }
    }
}

const HELP: &str = "\
cargo xtask check                  everything that CI runs; installs what it needs into target/
cargo xtask check --only STEP...   some of its steps
cargo xtask book [NAME...]         the step of that name, or only the pages of docs/ with these names
cargo xtask beside [--full]        Django and the release build on one database; `--help` says what else it takes
cargo xtask counts                 instructions of an operation beside those on record; --record, --json
cargo xtask bench [--full]         tokenpair, Django and bare axum under the same load; `--help` says what else it takes
cargo xtask faults NAME...         a fault program against the release build; `--help` lists them
cargo xtask help                   this text

Exit status: 0 all steps passed, 1 one failed (or was skipped, where CI=true), 2 wrong usage.

Steps:";

fn help() {
    println!("{HELP}");
    for step in &check::STEPS {
        println!("  {:<14} {}", step.name, step.about);
    }
}
