//! What is told on the terminal: what was taken, what was not and why, what comes next.

use super::draft::{Draft, Finding, Line, REDACTED, Reference};
use super::facts::Facts;
use crate::output::printable_lines;
use std::fmt::Write as _;
use std::path::Path;
use tokenpair::json::{Object, Value};

/// Columns for the names of a section.
const ROOM: usize = 100;

/// Commands that come next.
pub(super) fn next(draft: &Draft, written: Option<&Path>) -> Vec<String> {
    let file = written.map_or("tokenpair.toml".to_owned(), |path| {
        path.display().to_string()
    });
    // What Django does without here cannot be passed on; its default may be a key that everybody knows.
    let (defaults, references): (Vec<_>, Vec<_>) =
        draft.references.iter().partition(|one| one.is_optional);
    let defaults = defaults.iter().filter(|one| one.default.is_some());
    let defaults = defaults.map(|one| {
        let Reference { name, value, .. } = one;
        format!(
            "sed -i -e '/^{name} = /d' -e 's/^# {name} = /{name} = /' {file}  # Django's default, while {value} is not set"
        )
    });
    let exports = references.iter();
    let exports = exports.map(|one| format!("export {}=\"{}\"", one.variable, one.value));
    let commands = ["check", "serve"].map(|command| format!("tokenpair {command} --config {file}"));
    defaults.chain(exports).chain(commands).collect()
}

/// For people.
pub(super) fn text(draft: &Draft, written: Option<&Path>, facts: &Facts) -> String {
    let mut text = String::new();
    if let Some(path) = written {
        let _ = writeln!(text, "Wrote {}, which only you can read.", path.display());
    }
    taken(&mut text, &draft.lines);
    if !draft.references.is_empty() {
        text.push_str("\nStays in the environment:\n");
        for reference in &draft.references {
            let _ = writeln!(text, "  {}", of_reference(reference));
        }
    }
    if !facts.variables.is_empty() {
        let read: Vec<String> = facts
            .variables
            .iter()
            .map(|(name, state)| format!("{name} ({state})"))
            .collect();
        let _ = writeln!(
            text,
            "\nThe settings read these variables, as they are here: {}.",
            read.join(", ")
        );
    }
    findings(&mut text, "Not taken over", &draft.unmapped);
    findings(&mut text, "Good to know", &draft.notes);
    text.push_str("\nNext:\n");
    for command in next(draft, written) {
        let _ = writeln!(text, "  {command}");
    }
    printable_lines(&text)
}

fn taken(text: &mut String, lines: &[Line]) {
    if lines.is_empty() {
        text.push_str("Nothing was taken over.\n");
        return;
    }
    text.push_str("\nTaken over:\n");
    let mut sections: Vec<&str> = Vec::new();
    for line in lines {
        if !sections.contains(&line.section) {
            sections.push(line.section);
        }
    }
    for section in sections {
        let names: Vec<&str> = lines
            .iter()
            .filter(|line| line.section == section)
            .map(|line| line.name.as_str())
            .collect();
        let _ = writeln!(text, "  {:<13} {}", format!("[{section}]"), wrapped(&names));
    }
}

/// Names in lines that a terminal holds, each but the first under the first.
fn wrapped(names: &[&str]) -> String {
    let mut text = String::new();
    let mut room = ROOM;
    for (index, name) in names.iter().enumerate() {
        let needed = name.len() + ", ".len();
        if index > 0 && needed > room {
            let _ = write!(text, ",\n{:16}", "");
            room = ROOM;
        } else if index > 0 {
            text.push_str(", ");
        }
        text.push_str(name);
        room = room.saturating_sub(needed);
    }
    text
}

fn of_reference(reference: &Reference) -> String {
    let Reference {
        variable,
        value,
        source,
        default,
        is_optional,
        ..
    } = reference;
    let more = match (default, is_optional) {
        (Some(_), _) => {
            "; it is not set here, and Django's default stands in the file as a comment"
        }
        (None, true) => "; it is not set here, and Django does without it",
        (None, false) => "",
    };
    format!("{variable}=\"{value}\" ({source}){more}")
}

fn findings(text: &mut String, title: &str, findings: &[Finding]) {
    if findings.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title} ({}):", findings.len());
    for finding in findings {
        let _ = writeln!(text, "  - {}", finding.sentence());
    }
}

/// The same as one object.
pub(super) fn json<'a>(
    draft: &Draft,
    written: Option<&Path>,
    facts: &Facts,
) -> Vec<(&'a str, Value)> {
    let taken = draft.lines.iter().map(|line| {
        let value = if line.is_secret || line.name == "JWK_URL" {
            Value::from(REDACTED)
        } else {
            line.value.clone()
        };
        object([
            ("section", Value::from(line.section)),
            ("name", Value::from(line.name.as_str())),
            ("value", value),
            ("source", Value::from(line.source.as_str())),
        ])
    });
    let references = draft.references.iter().map(|reference| {
        object([
            ("variable", Value::from(reference.variable.as_str())),
            ("value", Value::from(reference.value.as_str())),
            ("source", Value::from(reference.source.as_str())),
        ])
    });
    let variables = facts
        .variables
        .iter()
        .map(|(name, state)| (name.clone(), Value::from(*state)));
    let written = written.map_or(Value::Null, |path| Value::from(path.display().to_string()));
    let next = next(draft, written.as_str().map(Path::new));
    vec![
        ("written", written),
        ("taken", Value::Array(taken.collect())),
        ("environment", Value::Array(references.collect())),
        ("variables", Value::Object(variables.collect())),
        ("not_taken", of_findings(&draft.unmapped)),
        ("notes", of_findings(&draft.notes)),
        (
            "next",
            Value::Array(next.into_iter().map(Value::from).collect()),
        ),
    ]
}

fn of_findings(findings: &[Finding]) -> Value {
    let findings = findings.iter().map(|finding| {
        let at = finding.at.as_deref().map_or(Value::Null, Value::from);
        object([
            ("name", Value::from(finding.name.as_str())),
            ("source", at),
            ("reason", Value::from(finding.reason.as_str())),
            ("advice", Value::from(finding.advice.as_str())),
        ])
    });
    Value::Array(findings.collect())
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(Object::from_iter(members))
}
