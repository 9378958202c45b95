//! `cargo xtask`: the project's own commands. Arguments in, exit status out; the work is in `check`.

#![allow(clippy::print_stdout, reason = "a command talks on standard output")]

mod book;
mod cargo;
mod check;
mod conformance;
mod dependencies;
mod hygiene;
mod packages;
mod postgres;
mod process;
mod project;
mod python;
mod seeds;

use std::process::ExitCode;

const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["check"] => check::run(&[]),
        ["check", "--only", names @ ..] if !names.is_empty() => check::run(names),
        ["book", pages @ ..] => check::alone(|project| book::run(project, pages)),
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
cargo xtask help                   this text

Exit status: 0 all steps passed, 1 one failed (or was skipped, where CI=true), 2 wrong usage.

Steps:";

fn help() {
    println!("{HELP}");
    for step in &check::STEPS {
        println!("  {:<14} {}", step.name, step.about);
    }
}
