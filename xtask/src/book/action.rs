//! What is done with a block, by its language and its first line.

use super::console::{self, Command};
use super::fences::{Block, split_word};

/// What is done with a block.
#[derive(Debug, PartialEq)]
pub(super) enum Action<'a> {
    /// Nothing: it is an illustration.
    Show,
    /// Nothing, for this reason.
    Leave(&'a str),
    /// Cargo runs it with the documentation tests.
    DocTest,
    /// It becomes this file, which the command must find good; without one, a command of the page uses it.
    Write {
        name: &'a str,
        check: Option<String>,
    },
    /// The commands are run.
    Run(Vec<Command>),
}

/// Languages of illustrations.
const SHOWN: [&str; 3] = ["text", "http", "json"];
/// Languages of files.
const FILES: [&str; 9] = [
    "toml", "nginx", "haproxy", "ini", "python", "js", "sh", "html", "sql",
];

pub(super) fn action(block: &Block) -> Result<Action<'_>, String> {
    let language = block.language.as_str();
    if let ("no-run", reason) = split_word(&block.flags) {
        return if reason.is_empty() {
            Err("no-run needs a reason".to_owned())
        } else {
            Ok(Action::Leave(reason))
        };
    }
    match language {
        "console" => Ok(Action::Run(console::commands(block.line, &block.lines)?)),
        "json" if serde_json::from_str::<serde_json::Value>(&block.text()).is_err() => {
            Err("this is no JSON".to_owned())
        }
        "rust" if block.file_name().is_some() => file(block),
        _ if language.split(',').any(|word| word == "rust") => Ok(Action::DocTest),
        _ if SHOWN.contains(&language) => Ok(Action::Show),
        _ if FILES.contains(&language) => file(block),
        other => Err(format!(
            "a block of the language {other:?}: nobody knows how to run it"
        )),
    }
}

fn file(block: &Block) -> Result<Action<'_>, String> {
    let name = block
        .file_name()
        .ok_or("the first line must be a comment with the name of the file")?;
    Ok(Action::Write {
        name,
        check: check(&block.language, name),
    })
}

/// How a file is checked that no command of the page uses.
fn check(language: &str, name: &str) -> Option<String> {
    match (language, name) {
        ("toml", "Cargo.toml") => Some(
            "python3 -c 'import tomllib; tomllib.load(open(\"Cargo.toml\", \"rb\"))'".to_owned(),
        ),
        ("toml", name) => Some(format!("tokenpair check --config {name}")),
        ("rust", name) => Some(format!("rustfmt --edition 2024 --check {name}")),
        // The unit names the place where a package or an operator puts the program.
        ("ini", name) => Some(format!(
            "! systemd-analyze verify ./{name} 2>&1 | grep -v 'is not executable'"
        )),
        _ => None,
    }
}

/// Files without a check that no command and no other file of the page names, by line.
pub(super) fn unused(blocks: &[Block]) -> Vec<(usize, &str)> {
    let is_named = |name: &str| {
        blocks
            .iter()
            .flat_map(|block| {
                block
                    .lines
                    .iter()
                    .skip(usize::from(block.file_name().is_some()))
            })
            .any(|line| line.contains(name))
    };
    let files = blocks.iter().filter_map(|block| match action(block) {
        Ok(Action::Write { name, check: None }) => Some((block.line, name)),
        _ => None,
    });
    files.filter(|(_, name)| !is_named(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::fences;

    fn block(text: &str) -> Block {
        fences::read(text).blocks.remove(0)
    }

    #[test]
    fn illustrations_are_shown_and_json_must_be_json() {
        assert_eq!(action(&block("```text\nanything\n```")), Ok(Action::Show));
        assert_eq!(
            action(&block("```json\n{\"a\": \"…\"}\n```")),
            Ok(Action::Show)
        );
        assert!(action(&block("```json\n{\"a\"}\n```")).is_err());
    }

    #[test]
    fn what_is_not_run_says_why() {
        assert_eq!(
            action(&block("```console no-run needs a terminal\n$ top\n```")),
            Ok(Action::Leave("needs a terminal"))
        );
        assert!(action(&block("```python no-run\n1/0\n```")).is_err());
    }

    #[test]
    fn files_need_a_name() {
        let toml = block("```toml\n# tokenpair.toml\n[server]\n```");
        let check = Some("tokenpair check --config tokenpair.toml".to_owned());
        assert_eq!(
            action(&toml),
            Ok(Action::Write {
                name: "tokenpair.toml",
                check
            })
        );
        assert!(action(&block("```toml\n[server]\n```")).is_err());
    }

    #[test]
    fn languages_nobody_knows_are_refused() {
        assert!(action(&block("```\nplain\n```")).is_err());
        assert!(action(&block("```cobol\nSTOP RUN.\n```")).is_err());
        assert_eq!(
            action(&block("```rust,no_run\nfn main() {}\n```")),
            Ok(Action::DocTest)
        );
    }

    #[test]
    fn rust_is_a_doc_test_unless_it_names_its_file() {
        let main = block("```rust\n// src/main.rs\nfn main() {}\n```");
        let check = Some("rustfmt --edition 2024 --check src/main.rs".to_owned());
        let name = "src/main.rs";
        assert_eq!(action(&main), Ok(Action::Write { name, check }));
        let test = block("```rust\nfn main() {}\n```");
        assert_eq!(action(&test), Ok(Action::DocTest));
    }

    #[test]
    fn a_file_that_nobody_uses_is_found() {
        let page = "```python\n# used.py\n```\n```js\n// unused.mjs\n```\n```console\n$ python3 used.py\n```\n";
        assert_eq!(unused(&fences::read(page).blocks), [(4, "unused.mjs")]);
    }
}
