//! The steps that compare our server with the reference; `conformance/README.md` explains them.

use crate::check::{Outcome, Trouble};
use crate::process::Run;
use crate::project::Project;
use crate::python;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The library's example, as the tests built it: `conformance/serve` would build it once more, optimised.
const OUR_SERVER: &str = "{target}/debug/examples/conformance {profile_json} {port} {db}";
const REFERENCE: &str = "conformance/reference/serve.py {profile_json} {port} {db}";

const RECORDED: &str = "conformance/run.py --strict-crashes --differences conformance/differences.txt \
                        --db sqlite:{dir}/db.sqlite3";
const FOLDER: &str = "conformance/recorded";
const RACE: &str =
    "conformance/race.py -n 50 --rounds 20 --profile conformance/recorded/rotate-blacklist.json";
/// The seed is fixed, so that the same commit always gets the same verdict.
const DIFFERENTIAL: &str = "conformance/differential.py --seed 1 --systematic 60 --cases 20";

/// Profiles with Django's language negotiation, which tokenpair does not have.
const LANGUAGES: &str = "i18n";

pub(crate) fn recorded(project: &Project) -> Outcome {
    let mut command = script(project, RECORDED)?;
    command
        .args(["--base-url-command", &our_server(project)])
        .args(recordings(project)?);
    figures(&project.run(&mut command))
}

fn recordings(project: &Project) -> Result<Vec<PathBuf>, Trouble> {
    let mut files = Vec::new();
    for entry in fs::read_dir(project.root.join(FOLDER))? {
        let name = entry?.file_name();
        if !name.to_string_lossy().starts_with(LANGUAGES) {
            files.push(Path::new(FOLDER).join(name));
        }
    }
    files.sort();
    Ok(files)
}

pub(crate) fn race(project: &Project) -> Outcome {
    for logout in [None, Some("--logout")] {
        let mut command = script(project, RACE)?;
        command
            .args(["--base-url-command", &our_server(project)])
            .args(logout);
        figures(&project.run(&mut command))?;
    }
    Ok("exactly one success for every token, with and without log-outs".to_owned())
}

pub(crate) fn differential(project: &Project) -> Outcome {
    let mut command = script(project, DIFFERENTIAL)?;
    let python = python::environment(project, python::REFERENCE)?;
    let reference = format!("{} {REFERENCE}", python.display());
    command.args([
        "--ours",
        &our_server(project),
        "--reference",
        &reference,
        "--out",
    ]);
    command
        .arg(project.target.join("xtask/differential"))
        .arg("--differences");
    command
        .arg(differences(project, &python)?)
        .arg("--profile")
        .args(profiles(project)?);
    figures(&project.run(&mut command))
}

/// The agreed differences; with a newer Python in the reference, also those that are its doing.
fn differences(project: &Project, python: &Path) -> Result<PathBuf, Trouble> {
    let agreed = project.root.join("conformance/differences.txt");
    if !python::is_newer_than_recorded(project, python.as_os_str()) {
        return Ok(agreed);
    }
    let newer = project
        .root
        .join("conformance/differences-newer-python.txt");
    let text = fs::read_to_string(agreed)? + &fs::read_to_string(newer)?;
    let both = project.target.join("xtask/differences.txt");
    fs::write(&both, text)?;
    Ok(both)
}

fn profiles(project: &Project) -> Result<Vec<String>, Trouble> {
    let text = fs::read_to_string(project.root.join("conformance/differ/profiles.json"))?;
    let failed = |error| Trouble::Failed(format!("profiles.json: {error}"));
    let data: Value = serde_json::from_str(&text).map_err(failed)?;
    let profiles = data["profiles"].as_array().into_iter().flatten();
    let names = profiles.filter_map(|profile| profile["name"].as_str());
    Ok(names
        .filter(|name| !name.starts_with(LANGUAGES))
        .map(str::to_owned)
        .collect())
}

fn our_server(project: &Project) -> String {
    OUR_SERVER.replace("{target}", &project.target.display().to_string())
}

/// A script of the suite, in an environment that has what it needs; our server is built by then.
fn script(project: &Project, line: &str) -> Result<Command, Trouble> {
    let python = python::environment(project, python::REFERENCE)?;
    project.build_debug_server()?;
    // Unbuffered, so that what was found is seen when it is found.
    Ok(project.command(python, &format!("-u {line}")))
}

/// The scripts end with their figures.
fn figures(run: &Run) -> Outcome {
    run.told(run.lines.last().cloned().unwrap_or_default())
}
