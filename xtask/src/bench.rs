//! The benchmark (`bench/`): tokenpair beside its peers. Nothing of it is built by the check but the load generator.

use crate::check::{Trouble, alone, asks_for_help};
use crate::project::Project;
use crate::python;
use std::process::{Command, ExitCode};

const BUILD: &str = "build --release --package bench";
const PROGRAM: &str = "release/bench";
const BUILD_PEERS: &str =
    "build --release --locked --manifest-path bench/peers/Cargo.toml --target-dir";
/// Where the peers are built, in the build folder.
const PEERS: &str = "bench-peers";
/// Django, Simple JWT and what runs them fastest.
const DJANGO: &str = "bench/django/requirements.txt";

/// Only looks at the arguments, before minutes are spent on what they are for.
const DRY_RUN: &str = "--dry-run";

/// Builds everything and measures, with the terminal for itself.
pub(crate) fn run(arguments: &[&str]) -> ExitCode {
    alone(|project| {
        project.run(&mut project.cargo(BUILD)).success()?;
        let program = || project.command(project.target.join(PROGRAM), "");
        let checked = program().args(arguments).arg(DRY_RUN).status()?;
        if !checked.success() {
            return Err(Trouble::Failed("nothing was measured".to_owned()));
        }
        if asks_for_help(arguments) {
            return Ok("nothing was measured".to_owned());
        }
        if !arguments.iter().any(|word| word.starts_with("--server")) {
            project.build_server()?;
        }
        let mut command = program();
        add_peers(project, arguments, &mut command)?;
        let status = command.args(arguments).status()?;
        if status.success() {
            Ok("every target that was measured is met".to_owned())
        } else {
            Err(Trouble::Failed(status.to_string()))
        }
    })
}

/// Tells the program where its peers are; without Django where that cannot be had.
fn add_peers(project: &Project, arguments: &[&str], command: &mut Command) -> Result<(), Trouble> {
    if !arguments.contains(&"--no-peers") {
        let folder = project.target.join(PEERS);
        project
            .run(project.cargo(BUILD_PEERS).arg(&folder))
            .success()?;
        command.env("BENCH_PEERS", folder.join("release"));
    }
    if !arguments.contains(&"--no-django") {
        match python::environment(project, DJANGO) {
            Ok(python) => command.env("BENCH_PYTHON", python),
            Err(Trouble::Skipped(reason)) => {
                println!("SKIPPED Django: {reason}");
                command
            }
            Err(failed) => return Err(failed),
        };
    }
    Ok(())
}
