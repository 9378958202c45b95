//! The clients of `clients/` by their own checks, as a developer of each ecosystem runs them. The Rust client is part of the
//! workspace; all of them together play the scenarios of the fault program `clients`.

use crate::check::{Outcome, Trouble, verdict};
use crate::process::output;
use crate::project::Project;
use crate::{node, packages, python};
use std::path::{Path, PathBuf};
use std::process::Command;

const JS: &str = "clients/js";
const BROWSER: &str = "chromium";
/// The windows of a browser: each life of them takes so many seconds, and the access tokens live for three.
const JS_CHECKS: [&str; 5] = [
    "run lint",
    "run typecheck",
    "run size",
    "test",
    "run test:browser -- 10",
];

const PYTHON: &str = "clients/python";
const REQUIREMENTS: &str = "clients/python/requirements-dev.txt";
const PYTHON_CHECKS: [&str; 5] = [
    "-m ruff check",
    "-m ruff format --check",
    "-m mypy",
    "-m pytest --quiet",
    // The source package, and from it the one that is installed.
    "-m build --no-isolation --outdir {temporary}",
];

/// `clients/js`: lints, types, size, tests, and the windows of a real browser.
pub(crate) fn js(project: &Project) -> Outcome {
    let folder = node::packages_in_place(project, JS)?;
    packages::program(project, BROWSER, BROWSER)?;
    let chromium = output(&mut project.command("which", BROWSER))?;
    let server = project.build_debug_server()?;
    run_all(project, &JS_CHECKS, |line| {
        let mut command = project.command("npm", line);
        command
            .current_dir(&folder)
            .env("CHROMIUM", chromium.trim())
            .env("TOKENPAIR_BIN", &server);
        command
    })
}

/// `clients/python`: lints, types, tests, packages.
pub(crate) fn python(project: &Project) -> Outcome {
    let python = python_for_client(project)?;
    let django = python::environment(project, python::REFERENCE)?;
    let server = project.build_debug_server()?;
    let caches = project.target.join("xtask/python");
    let temporary = project.temporary.display().to_string();
    run_all(project, &PYTHON_CHECKS, |line| {
        let mut command = project.command(&python, &line.replace("{temporary}", &temporary));
        command
            .current_dir(project.root.join(PYTHON))
            .env("RUFF_CACHE_DIR", caches.join("ruff"))
            .env("MYPY_CACHE_DIR", caches.join("mypy"))
            .env("PYTEST_ADDOPTS", cache_of_pytest(&caches))
            .env("TOKENPAIR_BIN", &server)
            .env("TEST_DJANGO_PYTHON", &django);
        command
    })
}

fn cache_of_pytest(caches: &Path) -> String {
    format!("-o cache_dir={}", caches.join("pytest").display())
}

/// Builds the package and yields its folder.
pub fn build_js(project: &Project) -> Result<PathBuf, Trouble> {
    let folder = node::packages_in_place(project, JS)?;
    let mut build = project.command("npm", "run build");
    project.run(build.current_dir(&folder)).success()?;
    Ok(folder)
}

/// An interpreter that has what the package needs, but not the package.
pub fn python_for_client(project: &Project) -> Result<PathBuf, Trouble> {
    python::environment(project, REQUIREMENTS)
}

/// Runs the checks one after the other, also after one that fails.
fn run_all(project: &Project, lines: &[&str], command: impl Fn(&str) -> Command) -> Outcome {
    let runs = lines.iter().map(|line| project.run(&mut command(line)));
    let problems: Vec<String> = runs.filter_map(|run| run.problem()).collect();
    let mut names: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.split(' ').find(|word| !["-m", "run"].contains(word)))
        .collect();
    names.dedup();
    verdict(&problems, names.join(", "))
}
