//! The log on standard error: for people, or one JSON object a line. Which events it holds says `TOKENPAIR_LOG`.

mod line;
mod outlet;

use crate::output::Failure;
use crate::request_log;
use outlet::Outlet;
use std::io::{IsTerminal as _, Write as _};
use std::sync::LazyLock;
use std::time::Duration;
use std::{panic, thread};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

const FILTER: &str = "TOKENPAIR_LOG";

/// How long the end of the process, and a panic, may wait for a slow reader of the log.
const PATIENCE: Duration = Duration::from_millis(200);

static OUTLET: LazyLock<Outlet> = LazyLock::new(Outlet::default);

/// How an event is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A line for people
    #[default]
    Text,
    /// A JSON object a line: timestamp, level, message, fields, target
    Json,
}

/// Starts the log for as long as the process lives.
pub(crate) fn start(format: Format) -> Result<(), Failure> {
    let filter = match variable(FILTER)? {
        Some(text) => filter(&text).map_err(|flaw| bad(FILTER, &flaw))?,
        None => Targets::new().with_default(LevelFilter::INFO),
    };
    let lines = Lines {
        format,
        colours: std::io::stderr().is_terminal(),
        write: |metadata: &Metadata<'_>, line: &str| {
            OUTLET.push(line, metadata.target() == request_log::TARGET);
        },
    };
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(|| OUTLET.run(write))
        .map_err(|error| Failure::because("cannot start the log")(&error))?;
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        flush();
        tell(panicked);
    }));
    // A second subscriber can only come from a test that started one itself.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init();
    Ok(())
}

/// If that fails, nobody is left to tell.
fn write(lines: &str) {
    let _ = std::io::stderr().write_all(lines.as_bytes());
}

/// Waits until what was logged is written: before anything else is written there, and before the process ends.
pub(crate) fn flush() {
    OUTLET.flush(PATIENCE);
}

/// Hands each event to `write` in one piece.
struct Lines<W> {
    format: Format,
    colours: bool,
    write: W,
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber,
    W: Fn(&Metadata<'_>, &str) + 'static,
{
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let line = line::line(event, self.format, self.colours);
        (self.write)(event.metadata(), &line);
    }
}

/// Levels for everything (else info) or for a target: `info,tokenpair::request=off`.
///
/// A target alone is refused, or a misspelt level would be one and end the log.
fn filter(text: &str) -> Result<Targets, String> {
    let mut everything = LevelFilter::INFO;
    let mut targets = Targets::new();
    for part in text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        match part.split_once('=') {
            Some((target, word)) => {
                targets = targets.with_target(check_target(target)?, level(word)?);
            }
            None => everything = level(part)?,
        }
    }
    Ok(targets.with_default(everything))
}

fn check_target(text: &str) -> Result<&str, String> {
    let text = text.trim();
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-:".contains(c);
    if text.is_empty() || !text.chars().all(is_part) {
        return Err(expected(text));
    }
    Ok(text)
}

fn level(word: &str) -> Result<LevelFilter, String> {
    match word.trim().to_ascii_lowercase().as_str() {
        "off" => Ok(LevelFilter::OFF),
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err(expected(word)),
    }
}

fn expected(got: &str) -> String {
    format!(
        "expected levels (off, error, warn, info, debug, trace) for everything or for a target, such as \
         info,tokenpair::request=off, got {got:?}"
    )
}

fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(bad(name, "is no text in UTF-8")),
    }
}

fn bad(name: &str, flaw: &str) -> Failure {
    Failure::new(format!("environment variable {name}: {flaw}"))
}

#[cfg(test)]
pub(crate) mod tests;
