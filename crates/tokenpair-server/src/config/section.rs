//! The values of one section, whatever their source.

use tokenpair::json::Value;
use tokenpair::{Entry, Setting, SettingsError};

/// Named values; of two with one name the later wins.
#[derive(Debug, Default)]
pub(super) struct Section {
    entries: Vec<Entry>,
}

impl Section {
    /// Values whose names are free.
    pub(super) fn free(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// Refuses names that are not among `known`.
    pub(super) fn new(entries: Vec<Entry>, known: &[&str]) -> Result<Self, SettingsError> {
        let unknown = entries.iter().find(|entry| {
            !known
                .iter()
                .any(|name| name.eq_ignore_ascii_case(&entry.name))
        });
        let Some(entry) = unknown else {
            return Ok(Self { entries });
        };
        let nearest = tokenpair::nearest(&entry.name, known.iter().copied());
        let message = match (super::section_of(&entry.name), nearest) {
            (Some(section), _) => format!("belongs to [{section}]"),
            (None, Some(candidate)) => format!("no such setting, did you mean {candidate}?"),
            (None, None) => format!("no such setting here, there are {}", known.join(", ")),
        };
        Err(SettingsError::new(
            entry.name.clone(),
            Some(entry.source.clone()),
            message,
        ))
    }

    /// The value of `name`, if it is set.
    pub(super) fn find<'a>(&'a self, name: &'a str) -> Option<Setting<'a>> {
        let entry = self
            .entries
            .iter()
            .rfind(|entry| entry.name.eq_ignore_ascii_case(name))?;
        Some(Setting::new(name, entry))
    }

    /// The value of `name`, read by `read`, or `default`.
    pub(super) fn read<'a, T>(
        &'a self,
        name: &'a str,
        default: T,
        read: impl FnOnce(&Setting<'a>) -> Result<T, SettingsError>,
    ) -> Result<T, SettingsError> {
        self.find(name)
            .map_or(Ok(default), |setting| read(&setting))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Where the value of `name` comes from.
    pub(super) fn source(&self, name: &str) -> &str {
        let found = self.entries.iter();
        let entry = found
            .rev()
            .find(|entry| entry.name.eq_ignore_ascii_case(name));
        entry.map_or("default", |entry| &entry.source)
    }
}

/// A value of a type that is written as text.
pub(super) fn parsed<T: std::str::FromStr>(
    what: &str,
) -> impl FnOnce(&Setting<'_>) -> Result<T, SettingsError> {
    move |setting| {
        let text = setting.value().as_str();
        text.and_then(|text| text.parse().ok())
            .ok_or_else(|| setting.expected(what))
    }
}

/// A value from the command line.
pub(super) fn flag(flag: &str, name: &str, value: impl Into<Value>) -> Entry {
    Entry {
        name: name.to_owned(),
        value: value.into(),
        source: format!("flag {flag}"),
    }
}

/// The variables of a section that are set: `TOKENPAIR_` and the first name, for the setting of the second.
pub(super) fn environment(variables: &[(&str, &str)]) -> Vec<Entry> {
    variables
        .iter()
        .filter_map(|(variable, name)| {
            let variable = format!("TOKENPAIR_{variable}");
            let value = std::env::var_os(&variable)?;
            Some(Entry {
                name: (*name).to_owned(),
                value: Value::from(value.to_string_lossy().into_owned()),
                source: format!("environment variable {variable}"),
            })
        })
        .collect()
}
