//! The configuration that is being made, and what has to be said about it.

use super::python::Place;
use crate::output::printable;
use std::fmt::Write as _;
use tokenpair::json::Value;

/// The sections in the order in which they are written.
const SECTIONS: [&str; 8] = [
    "server",
    "database",
    "user_model",
    "simple_jwt",
    "claims",
    "answer",
    "paths",
    "cors",
];

/// Shown in place of a secret.
pub(super) const REDACTED: &str = "[redacted]";

/// What was found, sorted by what becomes of it.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) lines: Vec<Line>,
    pub(super) references: Vec<Reference>,
    /// What a person has to look at.
    pub(super) unmapped: Vec<Finding>,
    /// What is good to know.
    pub(super) notes: Vec<Finding>,
    /// What may be meant, as comments.
    pub(super) suggestions: Vec<Line>,
    /// Comments at the head of a section.
    pub(super) remarks: Vec<(&'static str, String)>,
}

/// `name = value` in a section.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) section: &'static str,
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) source: String,
    /// Not to be shown on a terminal.
    pub(super) is_secret: bool,
}

/// A value that stays in the environment.
pub(super) struct Reference {
    pub(super) section: &'static str,
    pub(super) name: String,
    /// `TOKENPAIR_SIGNING_KEY`.
    pub(super) variable: String,
    /// What a shell makes of it: `$DJANGO_SECRET_KEY`.
    pub(super) value: String,
    pub(super) source: String,
    /// What Django takes where the variable is not set; a secret.
    pub(super) default: Option<Value>,
    /// Whether the variable is not set here, and Django does without it.
    pub(super) is_optional: bool,
}

/// Something that is not in the configuration as it is in Django.
pub(super) struct Finding {
    pub(super) name: String,
    pub(super) at: Option<String>,
    pub(super) reason: String,
    pub(super) advice: String,
}

impl Draft {
    pub(super) fn set(
        &mut self,
        section: &'static str,
        name: &str,
        value: impl Into<Value>,
        at: &Place,
    ) {
        self.set_from(section, name, value, at.to_string());
    }

    /// A value that stands in no line of Python.
    pub(super) fn set_from(
        &mut self,
        section: &'static str,
        name: &str,
        value: impl Into<Value>,
        source: impl Into<String>,
    ) {
        self.lines.push(Line {
            section,
            name: name.to_owned(),
            value: value.into(),
            source: source.into(),
            is_secret: false,
        });
    }

    /// A line for a person to decide on.
    pub(super) fn suggest(
        &mut self,
        section: &'static str,
        name: &str,
        value: impl Into<Value>,
        at: &Place,
    ) {
        self.suggestions.push(Line {
            section,
            name: name.to_owned(),
            value: value.into(),
            source: at.to_string(),
            is_secret: false,
        });
    }

    pub(super) fn set_secret(
        &mut self,
        section: &'static str,
        name: &str,
        value: &str,
        at: &Place,
    ) {
        self.set(section, name, value, at);
        if let Some(line) = self.lines.last_mut() {
            line.is_secret = true;
        }
    }

    pub(super) fn has(&self, section: &str, name: &str) -> bool {
        let mut lines = self.lines.iter();
        lines.any(|line| line.section == section && line.name == name)
    }

    /// Blackens these texts wherever they would be told: a key may stand where another setting belongs.
    pub(super) fn redact(&mut self, secrets: &[&str]) {
        let findings = self.unmapped.iter_mut().chain(&mut self.notes);
        for finding in findings {
            for text in [&mut finding.name, &mut finding.reason, &mut finding.advice] {
                for secret in secrets {
                    *text = text.replace(secret, REDACTED);
                }
            }
        }
        for line in &mut self.lines {
            let written = tokenpair::json::encode_utf8(&line.value);
            line.is_secret |= secrets.iter().any(|secret| written.contains(secret));
        }
    }

    /// Takes out the lines with these names.
    pub(super) fn hold(&mut self, names: &[&str]) -> Vec<Line> {
        let lines = std::mem::take(&mut self.lines).into_iter();
        let (held, kept) = lines.partition(|line| names.contains(&line.name.as_str()));
        self.lines = kept;
        held
    }

    pub(super) fn leave(
        &mut self,
        name: impl Into<String>,
        at: &Place,
        reason: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.unmapped
            .push(Finding::new(name, Some(at), reason, advice));
    }

    pub(super) fn note(
        &mut self,
        name: impl Into<String>,
        at: Option<&Place>,
        reason: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.notes.push(Finding::new(name, at, reason, advice));
    }

    /// Takes a line out again; what stands or falls with it goes, too.
    pub(super) fn refuse(&mut self, section: &str, name: &str, reason: &str) -> bool {
        let is_it = |line: &Line| line.section == section && line.name.eq_ignore_ascii_case(name);
        let Some(index) = self.lines.iter().position(is_it) else {
            return false;
        };
        let line = self.lines.remove(index);
        let mut reason = reason.to_owned();
        if section == "user_model" {
            self.lines.retain(|line| line.section != "user_model");
            reason.push_str("; the whole section is left out");
        }
        let name = match section {
            "simple_jwt" => format!("SIMPLE_JWT.{}", line.name),
            "cors" => line.name,
            _ => format!("[{section}] {}", line.name),
        };
        self.unmapped.push(Finding {
            name,
            at: Some(line.source),
            reason,
            advice: String::new(),
        });
        true
    }

    /// Django signs with a key that is too short to be safe: without it no token would be accepted.
    pub(super) fn allow_short_key(&mut self, message: &str) {
        let key = self.lines.iter().find(|line| line.name == "SIGNING_KEY");
        let at = key.map(|line| line.source.clone());
        let source = "because Django's key is short";
        self.set_from("simple_jwt", "INSECURE_ALLOW_SHORT_KEYS", true, source);
        self.notes.push(Finding {
            name: "SIGNING_KEY".to_owned(),
            at,
            reason: format!(
                "is weak ({message}); it is accepted, as Django's tokens are signed with it"
            ),
            advice: "Change it in Django, then here.".to_owned(),
        });
    }

    pub(super) fn holds_secrets(&self) -> bool {
        let is_written = |reference: &Reference| reference.default.is_some();
        self.lines.iter().any(|line| line.is_secret) || self.references.iter().any(is_written)
    }

    /// The text of the file.
    pub(super) fn text(&self, from: &str) -> String {
        let mut text = format!(
            "# Made by `tokenpair import-django` from {}.\n",
            comment(from)
        );
        text.push_str("# Behind each value stands where it comes from; what is not set has Simple JWT's default.\n");
        for section in SECTIONS {
            let lines: Vec<&Line> = self
                .lines
                .iter()
                .filter(|line| line.section == section)
                .collect();
            let references: Vec<&Reference> = self
                .references
                .iter()
                .filter(|one| one.section == section)
                .collect();
            let remarks: Vec<&String> = self
                .remarks
                .iter()
                .filter(|(of, _)| *of == section)
                .map(|(_, remark)| remark)
                .collect();
            let suggestions: Vec<&Line> = self
                .suggestions
                .iter()
                .filter(|line| line.section == section)
                .collect();
            if lines.is_empty()
                && references.is_empty()
                && remarks.is_empty()
                && suggestions.is_empty()
            {
                continue;
            }
            let _ = write!(text, "\n[{section}]\n");
            for remark in remarks {
                let _ = writeln!(text, "# {}", comment(remark));
            }
            for line in lines {
                let assignment = crate::commands::config::assignment(&line.name, &line.value);
                let _ = writeln!(text, "{assignment}  # {}", comment(&line.source));
            }
            for line in suggestions {
                let assignment = crate::commands::config::assignment(&line.name, &line.value);
                let (assignment, source) = (comment(&assignment), comment(&line.source));
                let _ = writeln!(text, "# Suggested: {assignment}  # {source}");
            }
            for reference in references {
                write_reference(&mut text, reference);
            }
        }
        if !self.unmapped.is_empty() {
            text.push_str("\n# Not taken over:\n");
            for finding in &self.unmapped {
                let _ = writeln!(text, "# - {}", comment(&finding.sentence()));
            }
        }
        text
    }
}

fn write_reference(text: &mut String, reference: &Reference) {
    let Reference {
        name,
        variable,
        value,
        source,
        default,
        ..
    } = reference;
    let _ = writeln!(
        text,
        "# {name} is in the environment ({}): start with {}=\"{}\"",
        comment(source),
        variable,
        comment(value)
    );
    if let Some(default) = default {
        let assignment = crate::commands::config::assignment(name, default);
        let _ = writeln!(
            text,
            "# Where that is not set, Django takes this default:\n# {assignment}"
        );
    }
}

/// What may stand in a comment: no end of line, nothing that steers a terminal.
fn comment(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    printable(&words.join(" "))
}

impl Finding {
    fn new(
        name: impl Into<String>,
        at: Option<&Place>,
        reason: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            at: at.map(ToString::to_string),
            reason: reason.into(),
            advice: advice.into(),
        }
    }

    /// `NAME (settings.py:12): reason. Advice.`
    pub(super) fn sentence(&self) -> String {
        let mut text = self.name.clone();
        if let Some(at) = &self.at {
            let _ = write!(text, " ({at})");
        }
        let _ = write!(text, ": {}.", self.reason.trim_end_matches('.'));
        if !self.advice.is_empty() {
            let _ = write!(text, " {}", self.advice);
        }
        text
    }
}
