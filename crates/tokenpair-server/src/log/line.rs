//! An event as a line: for people, or a JSON object.
//!
//! As tracing-subscriber's own formats write it, but cheap: a server logs every request. Control characters, which
//! could steer a terminal or make two lines of one, are escaped. Must never split an event.

use super::Format;
use std::fmt::{Debug, Write};
use tokenpair::clock::{Clock as _, SystemClock};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// Room for the line of a request.
const USUAL: usize = 256;

/// The line of an event that happened now. `colours` are for text on a terminal.
pub(super) fn line(event: &Event<'_>, format: Format, colours: bool) -> String {
    let mut line = Line {
        text: String::with_capacity(USUAL),
        format,
        colours,
    };
    // Writing to a string cannot fail.
    let _ = line.write(event);
    line.text
}

struct Line {
    text: String,
    format: Format,
    colours: bool,
}

impl Line {
    fn write(&mut self, event: &Event<'_>) -> std::fmt::Result {
        let (now, level) = (SystemClock.now(), *event.metadata().level());
        match self.format {
            Format::Text if self.colours => {
                let colour = colour(level);
                write!(
                    self.text,
                    "\x1b[2m{now:.6}\x1b[0m \x1b[{colour}m{level:>5}\x1b[0m"
                )?;
                event.record(self);
            }
            Format::Text => {
                write!(self.text, "{now:.6} {:>5}", level.as_str())?;
                event.record(self);
            }
            Format::Json => {
                write!(
                    self.text,
                    "{{\"timestamp\":\"{now:.6}\",\"level\":\"{}\"",
                    level.as_str()
                )?;
                event.record(self);
                self.text.push_str(",\"target\":\"");
                self.write_str(event.metadata().target())?;
                self.text.push_str("\"}");
            }
        }
        self.text.push('\n');
        Ok(())
    }

    fn name(&mut self, field: &Field) {
        let name = field.name();
        let name = name.strip_prefix("r#").unwrap_or(name);
        match self.format {
            Format::Json => self.text.extend([",\"", name, "\":"]),
            Format::Text if name == "message" => self.text.push(' '),
            Format::Text if self.colours => {
                self.text
                    .extend([" \x1b[3m", name, "\x1b[0m\x1b[2m=\x1b[0m"]);
            }
            Format::Text => self.text.extend([" ", name, "="]),
        }
    }

    /// What both formats write without quotes.
    fn bare(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        let _ = write!(self.text, "{value:?}");
    }
}

fn colour(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        if self.format == Format::Json {
            self.text.push('"');
        }
        let _ = write!(self, "{value:?}");
        if self.format == Format::Json {
            self.text.push('"');
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if self.format == Format::Text && field.name() == "message" {
            return self.record_debug(field, &format_args!("{value}"));
        }
        if value.bytes().all(is_harmless) {
            self.name(field);
            return self.text.extend(["\"", value, "\""]);
        }
        match self.format {
            Format::Text => self.record_debug(field, &value),
            Format::Json => self.record_debug(field, &format_args!("{value}")),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.bare(field, &value);
        } else {
            self.record_debug(field, &value);
        }
    }
}

/// Escapes what the format forbids.
impl Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if text.bytes().all(is_harmless) {
            self.text.push_str(text);
            return Ok(());
        }
        for c in text.chars() {
            match (self.format, c) {
                (Format::Json, '"' | '\\') => self.text.extend(['\\', c]),
                (Format::Json, '\n') => self.text.push_str("\\n"),
                (Format::Json, _) if c.is_control() => {
                    write!(self.text, "\\u{:04x}", u32::from(c))?;
                }
                (Format::Text, _) if c.is_control() => self.text.extend(c.escape_debug()),
                _ => self.text.push(c),
            }
        }
        Ok(())
    }
}

/// Printable ASCII that neither format escapes.
fn is_harmless(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}
