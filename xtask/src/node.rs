//! Packages of npm that a step needs, in the build folder.

use crate::check::Trouble;
use crate::packages::program;
use crate::project::Project;
use std::fs;
use std::path::PathBuf;

/// What is called, and the Debian package it is in.
const PROGRAMS: [(&str, &str); 2] = [("node", "nodejs"), ("npm", "npm")];
/// Says which packages these are, with their hashes.
const LOCK: &str = "package-lock.json";
const NPM: &str = "ci --no-audit --no-fund --ignore-scripts --loglevel=error";

/// The folder whose `node_modules` has the packages that `package.json` of the project's folder `from` names. They are
/// installed if they are not there or others are wanted.
pub(crate) fn packages(project: &Project, from: &str) -> Result<PathBuf, Trouble> {
    for (name, package) in PROGRAMS {
        program(project, name, package)?;
    }
    let source = project.root.join(from);
    let name = from.replace('/', "-");
    let folder = project.target.join("xtask/node").join(name);
    let installed = folder.join("installed.json");
    let wanted = fs::read_to_string(source.join(LOCK))?;
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    fs::create_dir_all(&folder)?;
    for file in ["package.json", LOCK] {
        fs::copy(source.join(file), folder.join(file))?;
    }
    let mut npm = project.command("npm", NPM);
    if project.run(npm.current_dir(&folder)).problem().is_some() {
        return Err(Trouble::Skipped(format!(
            "npm cannot install the packages of {from}"
        )));
    }
    fs::write(installed, wanted)?;
    Ok(folder)
}
