//! The variables that settings read: those of this process, then those of `.env` files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// So many folders up a `.env` is looked for.
const MOST_FOLDERS: usize = 5;
const LONGEST: u64 = 1 << 20;

/// What became of looking a variable up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Lookup {
    Set,
    /// In a file.
    InFile,
    /// Not set, and the settings have a default.
    Default,
    Missing,
}

impl Lookup {
    pub(in super::super) fn says(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::InFile => "set in a file",
            Self::Default => "not set: default",
            Self::Missing => "not set",
        }
    }
}

/// Variables by name, and which of them were asked for.
#[derive(Default)]
pub(in super::super) struct Environment {
    process: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
    read: Vec<PathBuf>,
    asked: BTreeMap<String, Lookup>,
}

impl Environment {
    pub(in super::super) fn of_process() -> Self {
        let variables = env::vars_os();
        let variables = variables.filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self {
            process: variables.collect(),
            ..Self::default()
        }
    }

    #[cfg(test)]
    pub(super) fn with(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter();
        Self {
            process: variables
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Self::default()
        }
    }

    /// The variables that were looked up, in the order of the alphabet.
    pub(in super::super) fn asked(&self) -> impl Iterator<Item = (&str, Lookup)> {
        self.asked
            .iter()
            .map(|(name, lookup)| (name.as_str(), *lookup))
    }

    pub(super) fn has(&mut self, name: &str) -> bool {
        self.get(name, true).is_some()
    }

    /// The file with the value of a variable, as Docker's secrets have it: `NAME_FILE`.
    pub(super) fn file_of(&mut self, name: &str) -> Option<PathBuf> {
        let name = format!("{name}_FILE");
        let is_set = self.process.contains_key(&name) || self.files.contains_key(&name);
        let path = is_set.then(|| self.get(&name, true)).flatten()?;
        (!path.is_empty()).then(|| PathBuf::from(path))
    }

    pub(super) fn get(&mut self, name: &str, has_default: bool) -> Option<String> {
        let found = self.process.get(name).map(|text| (text, Lookup::Set));
        let found = found.or_else(|| self.files.get(name).map(|text| (text, Lookup::InFile)));
        let missing = if has_default {
            Lookup::Default
        } else {
            Lookup::Missing
        };
        let lookup = found.map_or(missing, |(_, lookup)| lookup);
        self.asked.insert(name.to_owned(), lookup);
        found.map(|(text, _)| text.clone())
    }

    /// Reads a file of variables, if it is there. What is set already stays.
    pub(super) fn read(&mut self, path: &Path) {
        if self.read.iter().any(|read| read == path) {
            return;
        }
        let is_short =
            fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() <= LONGEST);
        let Some(text) = is_short.then(|| fs::read_to_string(path).ok()).flatten() else {
            return;
        };
        self.read.push(path.to_owned());
        for (name, value) in text.lines().filter_map(variable) {
            self.files.entry(name.to_owned()).or_insert(value);
        }
    }

    /// Reads the first of these files that is in the folder, or in one above it.
    pub(super) fn read_beside(&mut self, folder: &Path, names: &[&str]) {
        let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let places = whole.ancestors().take(MOST_FOLDERS);
        let mut files = places.flat_map(|place| names.iter().map(|name| place.join(name)));
        if let Some(file) = files.find(|file| file.is_file()) {
            self.read(&file);
        }
    }
}

/// `NAME=value`, `export NAME="value"  # comment`.
fn variable(line: &str) -> Option<(&str, String)> {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }
    let value = value.trim();
    for quote in ['"', '\''] {
        let quoted = value.strip_prefix(quote);
        if let Some((inner, _)) = quoted.and_then(|rest| rest.split_once(quote)) {
            return Some((name, inner.to_owned()));
        }
    }
    let value = value.split(" #").next().unwrap_or_default();
    Some((name, value.trim_end().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::variable;

    #[test]
    fn lines_are_read_as_shells_and_libraries_do() {
        for (line, expected) in [
            ("A=b", Some(("A", "b"))),
            ("  export A = \"b c\" # d", Some(("A", "b c"))),
            ("A='b#c'", Some(("A", "b#c"))),
            ("A=b#c # d", Some(("A", "b#c"))),
            ("A=", Some(("A", ""))),
            ("# A=b", None),
            ("[settings]", None),
            ("no variable", None),
        ] {
            let found = variable(line);
            let found = found.as_ref().map(|(name, value)| (*name, value.as_str()));
            assert_eq!(found, expected, "{line}");
        }
    }
}
