//! The examples that the seeds print, run against the demo: `conformance/seeds`.

use crate::check::{Outcome, Trouble};
use crate::packages;
use crate::project::Project;
use crate::python;

const REQUIREMENTS: &str = "conformance/seeds/requirements.txt";
const RUN: &str = "-u conformance/seeds/run.py";
/// What the script says where the examples' port is not to be had.
const SKIPPED: &str = "SKIPPED: ";

/// Without a browser the other examples are run before the step says so.
pub(crate) fn examples(project: &Project) -> Outcome {
    packages::program(project, "curl", "curl")?;
    let python = python::environment(project, REQUIREMENTS)?;
    let chromium = packages::program(project, "chromium", "chromium");
    let mut command = project.command(python, RUN);
    command.arg(project.build_debug_server()?);
    if chromium.is_ok() {
        command.args(["--chromium", "chromium"]);
    }
    let run = project.run(&mut command);
    let told = run.lines.last().cloned().unwrap_or_default();
    if let Some(reason) = told.strip_prefix(SKIPPED) {
        return Err(Trouble::Skipped(reason.to_owned()));
    }
    let figures = run.told(told)?;
    chromium.map(|()| figures)
}
