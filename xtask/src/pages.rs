//! The steps `openapi` and `browser`: what the server says of itself is exact, and its pages are fit for people.

use crate::check::{Outcome, Trouble};
use crate::packages;
use crate::process::output;
use crate::project::Project;
use crate::python;
use std::fs;
use std::path::PathBuf;

const VALIDATORS: &str = "conformance/openapi/requirements.txt";
const IS_EXACT: &str = "-u conformance/openapi/run.py";

const SCRIPTS: &str = "conformance/browser";
/// What they call, and the Debian package it is in.
const PROGRAMS: [(&str, &str); 3] = [("chromium", "chromium"), ("node", "nodejs"), ("npm", "npm")];
/// Says which packages there are, with their hashes.
const LOCK: &str = "package-lock.json";
const NPM: &str = "ci --no-audit --no-fund --ignore-scripts --loglevel=error";

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
    for (program, package) in PROGRAMS {
        packages::program(project, program, package)?;
    }
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

/// The scripts in the build folder, beside the packages that they need, which are installed if they are not there or
/// others are wanted.
fn scripts(project: &Project) -> Result<PathBuf, Trouble> {
    let from = project.root.join(SCRIPTS);
    let to = project.target.join("xtask/browser");
    fs::create_dir_all(&to)?;
    for entry in fs::read_dir(&from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    let installed = to.join("installed.json");
    let wanted = fs::read_to_string(to.join(LOCK))?;
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(to);
    }
    let mut npm = project.command("npm", NPM);
    if project.run(npm.current_dir(&to)).problem().is_some() {
        return Err(Trouble::Skipped(format!(
            "npm cannot install the packages of {SCRIPTS}"
        )));
    }
    fs::write(installed, wanted)?;
    Ok(to)
}
