//! A configuration file: its sections as named values, and where in the text each of them stands.
//!
//! Must never show a value that could be a secret: lines are shown only as far as they are known to be harmless.

use crate::output::Failure;
use std::ops::Range;
use std::path::{Path, PathBuf};
use tokenpair::json::{Number, Object, Value};
use tokenpair::{Entry, SettingsError};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Settings whose values are never shown.
const SECRET: [&str; 3] = ["SIGNING_KEY", "url", "JWK_URL"];

/// A parsed file.
#[derive(Debug)]
pub(super) struct Document {
    path: PathBuf,
    text: String,
    items: Vec<Item>,
}

/// One `name = value` of a section; a section's own line has no name.
#[derive(Debug)]
struct Item {
    section: String,
    name: String,
    value: Value,
    name_at: Range<usize>,
    value_at: Range<usize>,
}

impl Document {
    /// Reads and parses the file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = Failure::because(path.display().to_string());
        let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
        Self::parse(path, text)
    }

    pub(super) fn parse(path: &Path, text: String) -> Result<Self, Failure> {
        let mut document = Self {
            path: path.to_owned(),
            text,
            items: Vec::new(),
        };
        let text = std::mem::take(&mut document.text);
        let parsed = DeTable::parse(&text).map(|table| items(table.get_ref()));
        document.text.clone_from(&text);
        match parsed {
            Ok(items) => document.items = items,
            Err(error) => {
                let at = error.span().unwrap_or(0..0);
                let mut message = error.message().replace('\n', ", ");
                if message.starts_with("invalid boolean") {
                    message.push_str(", or a text in quotes");
                }
                return Err(document.flaw(&message, &at, Visible::Harmless));
            }
        }
        Ok(document)
    }

    /// The file's name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses sections, and values outside of one, that nobody would read.
    pub(super) fn check_sections(&self, known: &[&str]) -> Result<(), Failure> {
        let Some(item) = self
            .items
            .iter()
            .find(|item| !known.contains(&item.section.as_str()))
        else {
            return Ok(());
        };
        let section = &item.section;
        let message = if section.is_empty() {
            format!(
                "{} stands outside of a section such as [server] or [simple_jwt]",
                item.name
            )
        } else {
            match tokenpair::nearest(section, known.iter().copied()) {
                Some(candidate) => format!("no section [{section}], did you mean [{candidate}]?"),
                None => format!("no section [{section}], there are {}", known.join(", ")),
            }
        };
        let visible = if section.is_empty() {
            Visible::Name
        } else {
            Visible::Line
        };
        Err(self.flaw(&message, &item.name_at, visible))
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
            let visible = if is_secret(&item.name) {
                Visible::Harmless
            } else {
                Visible::Line
            };
            self.flaw(&message, &item.value_at, visible)
        } else {
            self.flaw(&message, &item.name_at, Visible::Name)
        }
    }

    /// `file:line:column: message`, the line as far as it may be seen, and a caret below.
    fn flaw(&self, message: &str, at: &Range<usize>, visible: Visible) -> Failure {
        let (line, column) = self.position(at.start);
        let place = format!("{}:{line}:{column}: {message}", self.path.display());
        let source = self.text.lines().nth(line - 1).unwrap_or_default();
        let found = self
            .text
            .get(at.clone())
            .and_then(|text| text.lines().next());
        let width = found.map_or(1, |text| text.chars().count().max(1));
        let (shown, width) = match visible {
            Visible::Line => (source.to_owned(), width),
            Visible::Name => {
                let end = (column - 1 + width).min(source.chars().count());
                let name: String = source.chars().take(end).collect();
                let rest = source.chars().skip(end).collect::<String>();
                let rest = if rest.trim_start().starts_with('=') {
                    " = …"
                } else {
                    ""
                };
                (name + rest, width)
            }
            Visible::Harmless => (harmless(source), 1),
        };
        let margin = " ".repeat(line.to_string().len());
        let caret = " ".repeat(column - 1) + &"^".repeat(width);
        Failure::new(format!(
            "{place}\n{margin} |\n{line} | {shown}\n{margin} | {caret}"
        ))
    }

    /// Line and column, from 1, of a byte of the text.
    fn position(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}

/// How much of a line an error may show.
#[derive(Clone, Copy, Debug)]
enum Visible {
    /// All of it.
    Line,
    /// The name that the error is about, and what stands before it.
    Name,
    /// What is known to be no secret.
    Harmless,
}

/// The line, unless it may be part of a secret: of a setting that holds one only the name is left, and of a line that
/// is neither a setting's nor a section's, nothing.
fn harmless(line: &str) -> String {
    let name = line.split_once('=').map(|(name, _)| name);
    let is_section =
        || line.starts_with('[') && super::SECTIONS.iter().any(|name| line.contains(name));
    match name {
        Some(name) if is_secret(name.trim()) => format!("{name}= …"),
        Some(name)
            if super::SECTIONS
                .iter()
                .any(|section| super::is_known(section, name.trim())) =>
        {
            line.to_owned()
        }
        None if is_section() => line.to_owned(),
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
        name: name.to_owned(),
        value: json(value.get_ref()),
        name_at,
        value_at: value.span(),
    }
}

fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(int) => i64::from_str_radix(int.as_str(), int.radix()).map_or_else(
            |_| Value::from(int.to_string()),
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
