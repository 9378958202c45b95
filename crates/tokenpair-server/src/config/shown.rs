//! What `config show` prints: a setting, its effective value, its source.

use super::section::Section;
use tokenpair::Settings;
use tokenpair::json::Value;

/// A setting as it takes effect. Secrets are redacted.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) section: &'static str,
    pub(crate) name: String,
    pub(crate) value: Value,
    /// `default`, a flag, a variable, or file and line.
    pub(crate) source: String,
}

impl Shown {
    pub(super) fn new(section: &'static str, name: &str, value: Value, source: &Section) -> Self {
        Self {
            section,
            name: name.to_owned(),
            value,
            source: source.source(name).to_owned(),
        }
    }
}

/// Whether a secret was left out of what is shown.
pub(crate) fn is_redacted(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text.contains("[redacted]"))
}

/// The engine's settings.
pub(super) fn settings(settings: &Settings) -> Vec<Shown> {
    let entries = settings.entries().into_iter();
    entries
        .map(|entry| Shown {
            section: super::SIMPLE_JWT,
            name: entry.name,
            value: entry.value,
            source: entry.source,
        })
        .collect()
}
