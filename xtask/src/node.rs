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

/// The folder whose `node_modules` has the packages that `package.json` of the project's folder `from` names: one in the
/// build folder, for scripts that need nothing else of npm.
pub(crate) fn packages(project: &Project, from: &str) -> Result<PathBuf, Trouble> {
    let name = from.replace('/', "-");
    let folder = project.target.join("xtask/node").join(name);
    fs::create_dir_all(&folder)?;
    for file in ["package.json", LOCK] {
        fs::copy(project.root.join(from).join(file), folder.join(file))?;
    }
    install(project, from, folder)
}

/// As [`packages`], in the folder itself, where a package that is developed has them.
pub(crate) fn packages_in_place(project: &Project, folder: &str) -> Result<PathBuf, Trouble> {
    install(project, folder, project.root.join(folder))
}

/// Installs the packages of `folder` if they are not there or others are wanted.
fn install(project: &Project, name: &str, folder: PathBuf) -> Result<PathBuf, Trouble> {
    for (called, package) in PROGRAMS {
        program(project, called, package)?;
    }
    let installed = folder.join("node_modules/installed.json");
    let wanted = fs::read_to_string(folder.join(LOCK))?;
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(folder);
    }
    let mut npm = project.command("npm", NPM);
    if project.run(npm.current_dir(&folder)).problem().is_some() {
        return Err(Trouble::Skipped(format!(
            "npm cannot install the packages of {name}"
        )));
    }
    fs::write(installed, wanted)?;
    Ok(folder)
}
