//! The examples that the seeds print, run against the demo: `conformance/seeds`.

use crate::check::{Outcome, Trouble};
use crate::node;
use crate::packages;
use crate::project::Project;
use crate::python;
use std::path::PathBuf;

const FOLDER: &str = "conformance/seeds";
const REQUIREMENTS: &str = "conformance/seeds/requirements.txt";
const RUN: &str = "-u conformance/seeds/run.py";
/// What the script says where the examples' port is not to be had.
const SKIPPED: &str = "SKIPPED: ";

/// Without a browser the other examples are run before the step says so.
pub(crate) fn examples(project: &Project) -> Outcome {
    packages::program(project, "curl", "curl")?;
    let python = python::environment(project, REQUIREMENTS)?;
    let browser = browser(project);
    let mut command = project.command(python, RUN);
    command.arg(project.build_debug_server()?);
    if let Ok(axios) = &browser {
        command
            .args(["--chromium", "chromium", "--axios"])
            .arg(axios);
    }
    let run = project.run(&mut command);
    let told = run.lines.last().cloned().unwrap_or_default();
    if let Some(reason) = told.strip_prefix(SKIPPED) {
        return Err(Trouble::Skipped(reason.to_owned()));
    }
    let figures = run.told(told)?;
    browser.map(|_| figures)
}

/// Where axios is, if there is a browser for it.
fn browser(project: &Project) -> Result<PathBuf, Trouble> {
    packages::program(project, "chromium", "chromium")?;
    let folder = node::packages(project, FOLDER)?;
    Ok(folder.join("node_modules/axios"))
}
