//! Pythons with the packages that a step needs, such as the reference (Django, Simple JWT), made in the build folder.

use crate::check::Trouble;
use crate::packages;
use crate::process::output;
use crate::project::Project;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

/// The reference: Django, Simple JWT and what runs them.
pub const REFERENCE: &str = "conformance/reference/requirements.txt";
const PIP: &str = "-m pip install --quiet --disable-pip-version-check --requirement";
/// The recorded texts are those of 3.11, so that comes first.
const CANDIDATES: [&str; 5] = [
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "python3",
];
/// Fails below 3.11 and, as Debian has it, where `venv` is there without `ensurepip`.
const IS_FIT: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";
const IS_NEWER: &str = "import sys; sys.exit(sys.version_info < (3, 13))";
const PACKAGES: &str = "python3 python3-venv";

/// The interpreter of the environment with the packages of the file `requirements`, which is made if it is not there
/// or has other packages.
pub fn environment(project: &Project, requirements: &str) -> Result<PathBuf, Trouble> {
    let name = requirements.replace('/', "-");
    let folder = project.target.join("xtask/venv").join(name);
    let python = folder.join("bin/python");
    let installed = folder.join("installed.txt");
    let wanted = fs::read_to_string(project.root.join(requirements))?;
    let is_made = fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted);
    if is_made && is(project, &python, IS_FIT) {
        return Ok(python);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let base = interpreter(project)?;
    project
        .run(project.command(base, "-m venv").arg(&folder))
        .success()?;
    let mut pip = project.command(&python, PIP);
    if project.run(pip.arg(requirements)).problem().is_some() {
        return Err(Trouble::Skipped(format!(
            "pip cannot install {requirements}"
        )));
    }
    fs::write(installed, wanted)?;
    Ok(python)
}

fn interpreter(project: &Project) -> Result<&'static str, Trouble> {
    let find = || {
        CANDIDATES
            .into_iter()
            .find(|name| is(project, name, IS_FIT))
    };
    if let Some(name) = find() {
        return Ok(name);
    }
    packages::install(project, PACKAGES);
    find().ok_or_else(|| Trouble::Skipped("needs Python 3.11 or later with venv".to_owned()))
}

/// From 3.13 on Python words some errors otherwise than in the recordings.
pub(crate) fn is_newer_than_recorded(project: &Project, python: &OsStr) -> bool {
    is(project, python, IS_NEWER)
}

fn is(project: &Project, python: impl AsRef<OsStr>, question: &str) -> bool {
    output(project.command(python, "-c").arg(question)).is_ok()
}
