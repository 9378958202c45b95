//! The steps that are cargo's own commands: format, lints, documentation, tests, examples.

use crate::check::{Outcome, Trouble, verdict};
use crate::postgres::Postgres;
use crate::process::output;
use crate::project::Project;
use crate::python;
use serde_json::Value;
use std::iter;
use std::path::PathBuf;
use std::time::Duration;

/// An example that runs longer is a server that does not stop.
const EXAMPLE_LIMIT: Duration = Duration::from_secs(60);
/// Needs arguments; the conformance steps run it.
const NOT_ALONE: &str = "conformance";

pub(crate) fn format(project: &Project) -> Outcome {
    component(project, "fmt", "rustfmt")?;
    project
        .run(&mut project.cargo("fmt --all --check"))
        .success()?;
    Ok(String::new())
}

pub(crate) fn lints(project: &Project) -> Outcome {
    component(project, "clippy", "clippy")?;
    let line = "clippy --workspace --all-targets --all-features -- -D warnings";
    project.run(&mut project.cargo(line)).success()?;
    Ok(String::new())
}

/// Asks rustup for a part of the toolchain that is not there.
fn component(project: &Project, subcommand: &str, name: &str) -> Result<(), Trouble> {
    let there = || output(project.cargo(subcommand).arg("--version")).is_ok();
    if there() {
        return Ok(());
    }
    let added = project.run(&mut project.command("rustup", &format!("component add {name}")));
    if added.success().is_ok() && there() {
        return Ok(());
    }
    Err(Trouble::Skipped(format!(
        "{name} is missing, and rustup cannot add it"
    )))
}

/// Proves that the core needs no web and no database, and each feature no other.
pub(crate) fn bare_core(project: &Project) -> Outcome {
    component(project, "clippy", "clippy")?;
    let mut problems = Vec::new();
    let features = features_of_the_library(project)?;
    for feature in iter::once("").chain(features.iter().map(String::as_str)) {
        let mut command = project.cargo("clippy --package tokenpair --no-default-features");
        command
            .arg(format!("--features={feature}"))
            .args(["--", "-D", "warnings"]);
        problems.extend(project.run(&mut command).problem());
    }
    verdict(&problems, format!("none, {}", features.join(", ")))
}

fn features_of_the_library(project: &Project) -> Result<Vec<String>, Trouble> {
    let metadata = metadata(project)?;
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    let library = packages.find(|package| package["name"] == "tokenpair");
    let features = library.and_then(|library| library["features"].as_object());
    let unknown = || Trouble::Failed("cargo metadata knows no tokenpair".to_owned());
    let names = features.ok_or_else(unknown)?.keys();
    Ok(names.filter(|name| *name != "default").cloned().collect())
}

/// What cargo says about all packages.
pub(crate) fn metadata(project: &Project) -> Result<Value, Trouble> {
    let text = output(&mut project.cargo("metadata --format-version 1"))?;
    serde_json::from_str(&text).map_err(|error| Trouble::Failed(format!("cargo metadata: {error}")))
}

pub(crate) fn docs(project: &Project) -> Outcome {
    let mut command = project.cargo("doc --workspace --no-deps --all-features");
    project
        .run(command.env("RUSTDOCFLAGS", "-D warnings"))
        .success()?;
    Ok(String::new())
}

pub(crate) fn tests(project: &Project) -> Outcome {
    let mut postgres = Postgres::start(project)?;
    postgres.start_pooler(project)?;
    let mut command = project.cargo("test --workspace --all-features --no-fail-fast");
    // Where it cannot be made, the tests that need it say that they are skipped.
    if let Ok(python) = python::environment(project, python::REFERENCE) {
        command.env("TEST_DJANGO_PYTHON", python);
    }
    let run = project.run(command.envs(postgres.variables()));
    let detail =
        ["passed", "failed", "ignored"].map(|word| format!("{} {word}", sum_of(&run.lines, word)));
    run.told(detail.join(", "))
}

/// Adds up the figures before `word`, as in `test result: ok. 12 passed; 0 failed; 1 ignored; …`.
fn sum_of(lines: &[String], word: &str) -> u32 {
    let results = lines
        .iter()
        .filter(|line| line.starts_with("test result: "));
    let parts = results.flat_map(|line| line.split([';', '.']));
    let figures = parts.filter_map(|part| part.strip_suffix(word)?.trim().parse::<u32>().ok());
    figures.sum()
}

/// Builds them as the tests did (the same features of the same crates) and runs each.
pub(crate) fn examples(project: &Project) -> Outcome {
    let mut examples = build_examples(project)?;
    examples.retain(|(name, _)| name != NOT_ALONE);
    if examples.is_empty() {
        return Err(Trouble::Failed("there is no example".to_owned()));
    }
    let mut problems = Vec::new();
    for (_, executable) in &examples {
        let mut command = project.command(executable, "");
        problems.extend(project.run_within(EXAMPLE_LIMIT, &mut command).problem());
    }
    let names: Vec<String> = examples.into_iter().map(|(name, _)| name).collect();
    verdict(&problems, names.join(", "))
}

fn build_examples(project: &Project) -> Result<Vec<(String, PathBuf)>, Trouble> {
    let mut command = project.cargo("build --workspace --all-features --examples");
    let messages = output(command.args(["--message-format", "json-render-diagnostics"]))?;
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(messages.filter_map(|message| example(&message)).collect())
}

/// Name and file, if the message says that an example was built.
fn example(message: &Value) -> Option<(String, PathBuf)> {
    let target = &message["target"];
    let is_example = target["kind"]
        .as_array()?
        .iter()
        .any(|kind| kind == "example");
    let (name, executable) = (target["name"].as_str()?, message["executable"].as_str()?);
    is_example.then(|| (name.to_owned(), PathBuf::from(executable)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_added_up() {
        let lines = [
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured",
            "test it_has ... 7 passed",
            "test result: FAILED. 3 passed; 2 failed; 4 ignored; 0 measured",
        ];
        let lines = lines.map(str::to_owned);
        assert_eq!(
            ["passed", "failed", "ignored"].map(|word| sum_of(&lines, word)),
            [15, 2, 5]
        );
    }
}
