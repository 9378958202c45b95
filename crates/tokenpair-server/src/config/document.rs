//! A configuration file: its sections as named values, and where in the text each of them stands.
//!
//! Must never show a value that could be a secret: lines are shown only as far as they are known to be harmless.

use crate::output::Failure;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use tokenpair::json::{Number, Object, Value};
use tokenpair::{Entry, SettingsError};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Settings whose values are never shown.
const SECRET: [&str; 5] = [
    "SIGNING_KEY",
    "VERIFYING_KEY",
    "JWK_URL",
    "url",
    "EMAIL_HOST_PASSWORD",
];

/// A parsed file.
pub(super) struct Document {
    path: PathBuf,
    text: String,
    items: Vec<Item>,
}

/// One `name = value` of a section; a section's own line has no name.
struct Item {
    section: String,
    name: String,
    value: Value,
    name_at: Range<usize>,
    value_at: Range<usize>,
}

impl fmt::Debug for Document {
    /// Without the text, which may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({})", self.path.display())
    }
}

impl Document {
    /// Reads and parses the file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = Failure::because(path.display().to_string());
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        Self::parse(path, text)
    }

    pub(super) fn parse(path: &Path, text: String) -> Result<Self, Failure> {
        let parsed = DeTable::parse(&text).map(|table| items(table.get_ref()));
        let (items, flaw) = match parsed {
            Ok(items) => (items, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let document = Self {
            path: path.to_owned(),
            text,
            items,
        };
        match flaw {
            None => Ok(document),
            Some(error) => Err(document.unreadable(&error)),
        }
    }

    fn unreadable(&self, error: &toml::de::Error) -> Failure {
        let mut message = error.message().replace('\n', ", ");
        if message.starts_with("invalid boolean") {
            message.push_str(", or a text in quotes");
        }
        let at = error.span().unwrap_or(0..0);
        let line = self.line_at(at.start);
        self.flaw(&message, at.start, 1, &harmless(line))
    }

    /// The file's name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses what nobody would read: unknown sections, values outside of one, all but the last of equal names.
    pub(super) fn check_sections(&self, known: &[&str]) -> Result<(), Failure> {
        for (index, item) in self.items.iter().enumerate() {
            let section = &item.section;
            if section.is_empty() {
                let message = "stands outside of a section such as [server] or [simple_jwt]";
                return Err(self.about_name(item, &format!("{}: {message}", item.name)));
            }
            if !known.contains(&section.as_str()) {
                let message = match tokenpair::nearest(section, known.iter().copied()) {
                    Some(candidate) => {
                        format!("no section [{section}], did you mean [{candidate}]?")
                    }
                    None => format!("no section [{section}], there are {}", known.join(", ")),
                };
                return Err(self.about_name(item, &message));
            }
            let names_again = |other: &Item| {
                other.section == *section && other.name.eq_ignore_ascii_case(&item.name)
            };
            let is_free = super::has_free_names(section);
            if !is_free && self.items.iter().take(index).any(names_again) {
                return Err(self.about_name(item, &format!("{}: is set twice", item.name)));
            }
        }
        Ok(())
    }

    /// The values of a section, in the order they are written.
    pub(super) fn entries(&self, section: &str) -> impl Iterator<Item = Entry> {
        self.items
            .iter()
            .filter(move |item| item.section == section && !item.name.is_empty())
            .map(|item| Entry {
                name: item.name.clone(),
                value: item.value.clone(),
                source: self.source(item),
            })
    }

    fn source(&self, item: &Item) -> String {
        let (line, _) = self.position(item.name_at.start);
        format!("{}:{line}", self.path.display())
    }

    /// Shows where in the file an error arose, if it did there.
    pub(super) fn explain(&self, section: &str, error: SettingsError) -> Failure {
        let here = self.items.iter().find(|item| {
            item.section == section
                && item.name.eq_ignore_ascii_case(&error.name)
                && error.source.as_deref() == Some(&self.source(item))
        });
        let Some(item) = here else {
            return Failure::from(error);
        };
        let message = format!("{}: {}", error.name, error.message);
        if super::is_known(section, &item.name) {
            self.about_value(item, &message)
        } else {
            self.about_name(item, &message)
        }
    }

    /// Shows the name alone; what is set may be a secret under a misspelt name.
    fn about_name(&self, item: &Item, message: &str) -> Failure {
        let at = &item.name_at;
        let name = self.text.get(at.clone()).unwrap_or_default();
        let line = self.line_at(at.start);
        let (_, column) = self.position(at.start);
        let before: String = line.chars().take(column - 1).collect();
        let after = line.chars().skip(column - 1 + name.chars().count());
        let shown = match after.collect::<String>().trim_start().chars().next() {
            Some('=') => format!("{}{name} = …", blank(&before)),
            Some(']') => format!("{}{name}]", blank(&before)),
            _ => format!("{}{name}", blank(&before)),
        };
        self.flaw(message, at.start, name.chars().count(), &shown)
    }

    /// Shows name and value, and nothing beside them on the line.
    fn about_value(&self, item: &Item, message: &str) -> Failure {
        let line = self.line_at(item.name_at.start);
        let (_, column) = self.position(item.name_at.start);
        let before: String = line.chars().take(column - 1).collect();
        let value = self.text.get(item.value_at.clone()).unwrap_or_default();
        let value = value.lines().next().unwrap_or_default();
        let follows = item.value_at.start >= item.name_at.end;
        let name = self.text.get(item.name_at.start..item.value_at.start);
        let (shown, width) = match name.filter(|_| follows) {
            Some(name) if is_secret(&item.name) => (format!("{name}…"), 1),
            Some(name) => (format!("{name}{value}"), value.chars().count()),
            // A section, which stands before its name.
            None => return self.about_name(item, message),
        };
        let shown = blank(&before) + &shown;
        self.flaw(message, item.value_at.start, width, &shown)
    }

    /// `file:line:column: message`, below it what may be seen of the line, and a caret.
    fn flaw(&self, message: &str, at: usize, width: usize, shown: &str) -> Failure {
        let (line, column) = self.position(at);
        let place = format!("{}:{line}:{column}: {message}", self.path.display());
        let margin = " ".repeat(line.to_string().len());
        let caret = " ".repeat(column - 1) + &"^".repeat(width.max(1));
        Failure::new(format!(
            "{place}\n{margin} |\n{line} | {shown}\n{margin} | {caret}"
        ))
    }

    /// The line in which a byte of the text stands.
    fn line_at(&self, byte: usize) -> &str {
        let (line, _) = self.position(byte);
        self.text.lines().nth(line - 1).unwrap_or_default()
    }

    /// Line and column, from 1, of a byte of the text.
    fn position(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}

/// What stands before a name: white space, or the beginning of a section's line. Otherwise blanks in its place.
fn blank(before: &str) -> String {
    let may_stand = |c: char| c.is_ascii_alphabetic() || "[._".contains(c);
    let is_section = before.starts_with('[') && before.chars().all(may_stand);
    if before.trim().is_empty() || is_section {
        before.to_owned()
    } else {
        before.chars().map(|_| ' ').collect()
    }
}

/// Of a line in a file that cannot be read nothing is known, so only the name of a setting or of a section is left.
fn harmless(line: &str) -> String {
    let is_section = |text: &str| super::SECTIONS.contains(&text.trim_matches(['[', ']', ' ']));
    let is_setting = |text: &str| {
        let mut sections = super::SECTIONS.iter();
        sections
            .any(|section| !super::has_free_names(section) && super::is_known(section, text.trim()))
    };
    match line.split_once('=') {
        Some((name, _)) if is_setting(name) => format!("{name}= …"),
        None if line.starts_with('[') && is_section(line) => line.to_owned(),
        _ => "…".to_owned(),
    }
}

fn is_secret(name: &str) -> bool {
    SECRET
        .iter()
        .any(|secret| secret.eq_ignore_ascii_case(name))
}

fn items(root: &DeTable<'_>) -> Vec<Item> {
    let mut items = Vec::new();
    for (section, content) in root {
        if let DeValue::Table(table) = content.get_ref() {
            items.push(item(section.get_ref(), "", section.span(), content));
            let inside = table
                .iter()
                .map(|(name, value)| item(section.get_ref(), name.get_ref(), name.span(), value));
            items.extend(inside);
        } else {
            items.push(item("", section.get_ref(), section.span(), content));
        }
    }
    items.sort_by_key(|item| item.name_at.start);
    items
}

fn item(section: &str, name: &str, name_at: Range<usize>, value: &Spanned<DeValue<'_>>) -> Item {
    Item {
        section: section.to_owned(),
        name: super::cors::canonical(name).to_owned(),
        value: json(value.get_ref()),
        name_at,
        value_at: value.span(),
    }
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(int) => i64::from_str_radix(int.as_str(), int.radix()).map_or_else(
            |_| Value::Number(Number::BigInt(int.to_string())),
            |int| Value::Number(Number::Int(int)),
        ),
        DeValue::Float(float) => float
            .as_str()
            .parse::<f64>()
            .map_or_else(|_| Value::from(float.to_string()), Value::from),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(datetime) => Value::from(datetime.to_string()),
        DeValue::Array(values) => {
            Value::Array(values.iter().map(|value| json(value.get_ref())).collect())
        }
        DeValue::Table(table) => Value::Object(object(table)),
    }
}

/// In the order the names are written.
fn object(table: &DeTable<'_>) -> Object {
    let mut members: Vec<_> = table.iter().collect();
    members.sort_by_key(|(name, _)| name.span().start);
    members
        .into_iter()
        .map(|(name, value)| (name.get_ref().to_string(), json(value.get_ref())))
        .collect()
}
