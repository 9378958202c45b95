//! The fault programs (`faults/`): real servers under races, crashes and ill databases.

use crate::check::{Outcome, Trouble, alone, asks_for_help};
use crate::project::Project;
use std::process::ExitCode;

/// In a debug build the crates they rest on are optimised, too (`profile.dev.package`), and it is soon done.
const BUILD_PROGRAMS: &str = "build --package faults";
/// Where that puts them, in the build folder.
const PROGRAMS: &str = "debug/faults";
/// What a program says last where this machine lacks something.
const SKIPPED: &str = "SKIPPED: ";

/// Builds the server and runs a program for as long as it takes, with the terminal for itself.
pub(crate) fn run(arguments: &[&str]) -> ExitCode {
    alone(|project| {
        if !asks_for_help(arguments) {
            project.build_server()?;
        }
        build_programs(project)?;
        let mut command = project.command(project.target.join(PROGRAMS), "");
        let status = command.args(arguments).status()?;
        if status.success() {
            Ok("every target holds".to_owned())
        } else {
            Err(Trouble::Failed(status.to_string()))
        }
    })
}

/// All programs in their short form, but that of the clients.
pub(crate) fn short(project: &Project) -> Outcome {
    run_short(project, "all")
}

/// The clients on a network that loses, delays and refuses.
pub(crate) fn clients(project: &Project) -> Outcome {
    run_short(project, "clients")
}

fn run_short(project: &Project, name: &str) -> Outcome {
    project.build_server()?;
    build_programs(project)?;
    let mut program = project.command(project.target.join(PROGRAMS), name);
    let run = project.run(program.arg("--short"));
    let told = run.lines.last().cloned().unwrap_or_default();
    match told.strip_prefix(SKIPPED) {
        Some(reason) => Err(Trouble::Skipped(reason.to_owned())),
        None => run.told(told),
    }
}

fn build_programs(project: &Project) -> Result<(), Trouble> {
    project.run(&mut project.cargo(BUILD_PROGRAMS)).success()
}
