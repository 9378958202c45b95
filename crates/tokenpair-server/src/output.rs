//! What commands print: text for people or, with `--json`, one JSON object a line. Logs go elsewhere.

use crate::Options;
use std::fmt::{Display, Write as _};
use std::io::{ErrorKind, Write as _};
use tokenpair::json::{self, Object, Value};
use unicode_width::UnicodeWidthStr as _;

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

/// Prints a result: `text` for people, `fields` as JSON. A reader that has gone is no failure, see [`print`].
pub(crate) fn result<const N: usize>(
    options: &Options,
    text: impl Display,
    fields: [(&str, Value); N],
) -> Result<(), Failure> {
    print(&line(options, text, fields)).map(drop)
}

/// What [`result`] prints.
pub(crate) fn line<const N: usize>(
    options: &Options,
    text: impl Display,
    fields: [(&str, Value); N],
) -> String {
    if options.json {
        json_line(fields)
    } else {
        format!("{text}\n")
    }
}

/// Prints why the command failed, on standard error.
pub(crate) fn failure(options: &Options, failure: &Failure) {
    let line = if options.json {
        json_line([("error", Value::from(failure.to_string()))])
    } else {
        format!("tokenpair: {failure}\n")
    };
    complain(&line);
}

/// Prints what the parser of arguments complains of, as JSON: its first sentence, without the usage below it.
pub(crate) fn wrong_usage(complaint: &str) {
    let sentence = complaint.split("\n\nUsage:").next().unwrap_or_default();
    let sentence = sentence.trim().trim_start_matches("error: ");
    let words: Vec<&str> = sentence.split_whitespace().collect();
    complain(&json_line([("error", Value::from(words.join(" ")))]));
}

/// Says something to the person at the terminal, on standard error: no result, so it is never JSON.
pub(crate) fn note(text: impl Display) {
    complain(&format!("{text}\n"));
}

/// Says on standard error why a command takes long.
pub(crate) fn progress(options: &Options, text: impl Display) {
    complain(&line(
        options,
        &text,
        [("progress", Value::from(text.to_string()))],
    ));
}

/// Writes to standard error. If that fails, nobody is left to tell.
fn complain(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes to standard output. `false`: its reader has gone (`… | head`), so that no more need be written.
pub(crate) fn print(text: &str) -> Result<bool, Failure> {
    let mut stdout = std::io::stdout().lock();
    was_read(
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush()),
    )
}

/// What became of writing to standard output, as [`print`] tells it.
pub(crate) fn was_read(written: std::io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::because("cannot write to standard output")(&error)),
    }
}

/// A text of somebody else's, with what could steer or deceive a terminal written as JSON escapes it.
pub(crate) fn printable(text: &str) -> String {
    escape(text, |_| false)
}

/// The same for text of several lines.
pub(crate) fn printable_lines(text: &str) -> String {
    escape(text, |c| c == '\n')
}

fn escape(text: &str, allowed: impl Fn(char) -> bool) -> String {
    // Control characters, and those that turn the direction of writing or break a line unseen.
    let steers = |c: char| {
        c.is_control()
            || matches!(
                c,
                '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
            )
            || ('\u{2028}'..='\u{202e}').contains(&c)
            || ('\u{2060}'..='\u{2069}').contains(&c)
    };
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) && !allowed(c) {
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Rows under a header, in columns that only ever become wider.
pub(crate) struct Table {
    widths: Vec<usize>,
}

impl Table {
    /// Starts with the header, which `rows` prints first.
    pub(crate) fn new() -> Self {
        Self { widths: Vec::new() }
    }

    /// The lines of some rows, aligned with those before.
    pub(crate) fn rows(&mut self, rows: &[Vec<String>]) -> String {
        for row in rows {
            self.widths.resize(self.widths.len().max(row.len()), 0);
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        rows.iter().map(|row| self.line(row)).collect()
    }

    fn line(&self, row: &[String]) -> String {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&self.widths) {
            let padding = width.saturating_sub(cell.width()) + 2;
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', padding));
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        line
    }
}

/// One object as a line of JSON.
pub(crate) fn json_line<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> String {
    json::encode_utf8(&Value::Object(Object::from_iter(fields))) + "\n"
}

#[cfg(test)]
mod tests {
    use super::{Table, printable};

    #[test]
    fn what_could_steer_a_terminal_is_escaped() {
        assert_eq!(
            printable("ada\u{1b}[2J\n\u{202e}x"),
            r"ada\u001b[2J\u000a\u202ex"
        );
        assert_eq!(printable("Zoë 李 हिन्दी"), "Zoë 李 हिन्दी");
    }

    #[test]
    fn columns_are_as_wide_as_what_they_show() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let mut table = Table::new();
        assert_eq!(
            table.rows(&[row(["NAME", "ACTIVE"]), row(["李明", "yes"])]),
            "NAME  ACTIVE\n李明  yes\n"
        );
        assert_eq!(table.rows(&[row(["x", "no"])]), "x     no\n");
    }
}
