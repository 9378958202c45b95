//! The steps `openapi` and `browser`: what the server says of itself is exact, and its pages are fit for people.

use crate::check::{Outcome, Trouble};
use crate::node;
use crate::packages;
use crate::process::output;
use crate::project::Project;
use crate::python;
use std::fs;
use std::path::PathBuf;

const VALIDATORS: &str = "conformance/openapi/requirements.txt";
const IS_EXACT: &str = "-u conformance/openapi/run.py";

const SCRIPTS: &str = "conformance/browser";

/// The document against the running server.
pub(crate) fn openapi(project: &Project) -> Outcome {
    let python = python::environment(project, VALIDATORS)?;
    let mut command = project.command(python, IS_EXACT);
    command.arg(project.build_debug_server()?);
    let run = project.run(&mut command);
    run.told(run.lines.last().cloned().unwrap_or_default())
}

/// Every page in a real browser.
pub(crate) fn browser(project: &Project) -> Outcome {
    packages::program(project, "chromium", "chromium")?;
    let scripts = scripts(project)?;
    let mut command = project.command("node", "");
    command
        .arg(scripts.join("run.mjs"))
        .arg(project.build_debug_server()?)
        .arg(output(&mut project.command("which", "chromium"))?.trim())
        .arg(project.target.join("xtask/pages"));
    let run = project.run(&mut command);
    run.told(run.lines.last().cloned().unwrap_or_default())
}

/// The scripts in the build folder, beside the packages that they need.
fn scripts(project: &Project) -> Result<PathBuf, Trouble> {
    let folder = node::packages(project, SCRIPTS)?;
    for entry in fs::read_dir(project.root.join(SCRIPTS))? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
    }
    Ok(folder)
}
