//! What no other tool looks for: unsafe code forbidden but in one crate, nothing unfinished, no path of one machine.

use crate::cargo::metadata;
use crate::check::{Outcome, Trouble, verdict};
use crate::process::output;
use crate::project::Project;
use std::fs;
use std::path::Path;

/// This file names what it looks for.
const SELF: &str = "xtask/src/hygiene.rs";
const FOREIGN: [&str; 4] = ["/work/", "/tmp/h/", "/root/", "../shared"];
const UNFINISHED: [&str; 5] = ["TODO", "FIXME", "todo!", "unimplemented!", "dbg!"];
const CODE: [&str; 4] = ["rs", "py", "sql", "toml"];
/// Where unsafe code is, and where it may not be without a comment that argues for it.
const UNSAFE: &str = "crates/tokenpair-pbkdf2/Cargo.toml";
const UNSAFE_LINTS: [[&str; 3]; 3] = [
    ["lints", "rust", "unsafe_code"],
    ["lints", "rust", "unsafe_op_in_unsafe_fn"],
    ["lints", "clippy", "undocumented_unsafe_blocks"],
];
/// Beyond it a file of code is worth a look.
const LONG: usize = 500;

pub(crate) fn check(project: &Project) -> Outcome {
    let mut problems = unforbidden_unsafe(project)?;
    let files = sources(project)?;
    let mut long = 0;
    for (path, text) in &files {
        problems.extend(flaws(path, text));
        if is_long(path, text) {
            println!("warning: {path} has {} lines", text.lines().count());
            long += 1;
        }
    }
    verdict(
        &problems,
        format!("{} files, {long} longer than {LONG} lines", files.len()),
    )
}

/// The workspace forbids unsafe code, and every crate but one takes its lints from there.
fn unforbidden_unsafe(project: &Project) -> Result<Vec<String>, Trouble> {
    let mut problems = Vec::new();
    let root = manifest(&project.root.join("Cargo.toml"))?;
    if lookup(&root, &["workspace", "lints", "rust", "unsafe_code"]).and_then(toml::Value::as_str)
        != Some("forbid")
    {
        problems.push("Cargo.toml does not forbid unsafe_code".to_owned());
    }
    let metadata = metadata(project)?;
    let members = metadata["workspace_members"]
        .as_array()
        .into_iter()
        .flatten();
    for member in members {
        let mut packages = metadata["packages"].as_array().into_iter().flatten();
        let package = packages.find(|package| package["id"] == *member);
        let Some(path) = package.and_then(|package| package["manifest_path"].as_str()) else {
            continue;
        };
        let file = manifest(Path::new(path))?;
        if path.ends_with(UNSAFE) {
            problems.extend(lints_that_differ(&root, &file));
        } else if lookup(&file, &["lints", "workspace"]).is_none() {
            problems.push(format!("{path} lacks `[lints] workspace = true`"));
        }
    }
    Ok(problems)
}

/// The crate with unsafe code repeats the workspace's lints, as Cargo cannot change a single one, and denies what is not argued.
fn lints_that_differ(root: &toml::Value, file: &toml::Value) -> Vec<String> {
    let allowed = UNSAFE_LINTS
        .iter()
        .filter(|lint| lookup(file, &lint[..]).and_then(toml::Value::as_str) != Some("deny"));
    let mut problems: Vec<String> = allowed
        .map(|lint| format!("{UNSAFE} does not deny {}", lint[2]))
        .collect();
    for tool in ["rust", "clippy"] {
        let shared = lookup(root, &["workspace", "lints", tool]).and_then(toml::Value::as_table);
        for (name, level) in shared.into_iter().flatten() {
            let own = lookup(file, &["lints", tool, name]);
            if name != "unsafe_code" && own != Some(level) {
                problems.push(format!("{UNSAFE} lacks the workspace's {tool} lint {name}"));
            }
        }
    }
    problems
}

/// A file of TOML.
pub(crate) fn manifest(path: &Path) -> Result<toml::Value, Trouble> {
    let text = fs::read_to_string(path)?;
    toml::from_str(&text).map_err(|error| Trouble::Failed(format!("{}: {error}", path.display())))
}

fn lookup<'a>(value: &'a toml::Value, names: &[&str]) -> Option<&'a toml::Value> {
    names.iter().try_fold(value, |value, name| value.get(name))
}

/// Path and text of all files that are, or could be, under version control.
fn sources(project: &Project) -> Result<Vec<(String, String)>, Trouble> {
    let line = "ls-files -z --cached --others --exclude-standard";
    let listed = output(&mut project.command("git", line))?;
    let texts = listed.split_terminator('\0').filter_map(|path| {
        let text = fs::read_to_string(project.root.join(path)).ok()?;
        Some((path.to_owned(), text))
    });
    Ok(texts.collect())
}

fn flaws(path: &str, text: &str) -> Vec<String> {
    if path == SELF {
        return Vec::new();
    }
    let words = FOREIGN
        .iter()
        .chain(UNFINISHED.iter().filter(|_| is_code(path)));
    let found = words
        .filter_map(|word| Some((word, text.lines().position(|line| line.contains(word))? + 1)));
    found
        .map(|(word, line)| format!("{path}:{line}: {word}"))
        .collect()
}

fn is_code(path: &str) -> bool {
    CODE.iter().any(|code| has_extension(path, code))
}

fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|found| found == extension)
}

/// Tests may be as long as they like.
fn is_long(path: &str, text: &str) -> bool {
    let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
    has_extension(path, "rs") && !is_test && text.lines().count() > LONG
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unfinished_code_and_foreign_paths_are_found() {
        assert_eq!(
            flaws("src/a.rs", "fn a() {\n    todo!()\n}"),
            ["src/a.rs:2: todo!"]
        );
        assert_eq!(
            flaws("README.md", "see /work/notes"),
            ["README.md:1: /work/"]
        );
    }

    #[test]
    fn prose_may_speak_of_unfinished_code() {
        assert!(flaws("CONTRIBUTING.md", "no TODO, no dbg!").is_empty());
    }
}
