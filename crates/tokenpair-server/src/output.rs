//! What commands print: text for people or, with `--json`, one JSON object a line. Logs go elsewhere.

use crate::Options;
use std::fmt::Display;
use std::io::Write as _;
use tokenpair::json::{self, Object, Value};

/// Why a command failed: one sentence that says what to do about it. Holds no secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// `context: error`.
    pub(crate) fn because(context: impl Display) -> impl Fn(&dyn Display) -> Self {
        move |error| Self(format!("{context}: {error}"))
    }
}

impl From<tokenpair::SettingsError> for Failure {
    fn from(error: tokenpair::SettingsError) -> Self {
        Self(error.to_string())
    }
}

impl From<tokenpair::StoreError> for Failure {
    fn from(error: tokenpair::StoreError) -> Self {
        Self(error.to_string())
    }
}

/// Prints a result: `text` for people, `fields` as JSON.
pub(crate) fn result<const N: usize>(
    options: &Options,
    text: impl Display,
    fields: [(&str, Value); N],
) {
    let line = if options.json {
        object(fields)
    } else {
        text.to_string()
    };
    // Nobody is left to tell when standard output is closed.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints why the command failed, on standard error.
pub(crate) fn failure(options: &Options, failure: &Failure) {
    let line = if options.json {
        object([("error", Value::from(failure.to_string()))])
    } else {
        format!("tokenpair: {failure}")
    };
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> String {
    json::encode_utf8(&Value::Object(Object::from_iter(fields)))
}
