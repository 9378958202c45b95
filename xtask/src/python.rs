//! A Python with the reference (Django, Simple JWT) in it, made in the build folder.

use crate::check::Trouble;
use crate::process::{output, run};
use crate::project::Project;
use std::fs;
use std::path::{Path, PathBuf};

const REQUIREMENTS: &str = "conformance/reference/requirements.txt";
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
const INSTALL: [&[&str]; 2] = [
    &["update", "-q"],
    &[
        "install",
        "-q",
        "-y",
        "--no-install-recommends",
        "python3",
        "python3-venv",
    ],
];

/// The interpreter of the environment, which is made if it is not there or has other packages.
pub(crate) fn environment(project: &Project) -> Result<PathBuf, Trouble> {
    let folder = project.target.join("xtask/venv");
    let python = folder.join("bin/python");
    let requirements = fs::read_to_string(project.root.join(REQUIREMENTS))?;
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|installed| installed == requirements)
        && is_fit(project, &python)
    {
        return Ok(python);
    }
    let base = interpreter(project)?;
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    run(
        project.command(base).args(["-m", "venv"]).arg(&folder),
        project.deadline,
    )?;
    let mut pip = project.command(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
        REQUIREMENTS,
    ]);
    run(&mut pip, project.deadline)
        .map_err(|_| Trouble::Skipped(format!("pip cannot install {REQUIREMENTS}")))?;
    fs::write(installed, requirements)?;
    Ok(python)
}

fn interpreter(project: &Project) -> Result<&'static str, Trouble> {
    let find = || {
        CANDIDATES
            .into_iter()
            .find(|name| is_fit(project, Path::new(name)))
    };
    if let Some(name) = find() {
        return Ok(name);
    }
    install(project);
    find().ok_or_else(|| {
        Trouble::Skipped("needs Python 3.11 or later with its venv module".to_owned())
    })
}

fn is_fit(project: &Project, python: &Path) -> bool {
    output(project.command(python).args(["-c", IS_FIT])).is_ok()
}

/// Through Debian's package manager, if we may; whether it worked shows in what is there afterwards.
fn install(project: &Project) {
    let is_root = output(project.command("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !is_root {
        return;
    }
    for arguments in INSTALL {
        let mut command = project.command("apt-get");
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive");
        if run(&mut command, project.deadline).is_err() {
            return;
        }
    }
}

/// From 3.13 on Python words some errors otherwise than in the recordings.
pub(crate) fn is_newer_than_recorded(project: &Project, python: &Path) -> bool {
    output(
        project
            .command(python)
            .args(["-c", "import sys; sys.exit(sys.version_info < (3, 13))"]),
    )
    .is_ok()
}
