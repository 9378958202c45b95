//! The log on standard error: for people, or one JSON object a line. Which events it holds says `TOKENPAIR_LOG`.

use crate::output::Failure;
use std::io::IsTerminal as _;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, fmt};

const FILTER: &str = "TOKENPAIR_LOG";

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
    let colours = std::io::stderr().is_terminal();
    let lines = lines(format, std::io::stderr, colours);
    // A second subscriber can only come from a test that started one itself.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init();
    Ok(())
}

/// Writes each event in one piece.
fn lines<W>(format: Format, writer: W, colours: bool) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'a> fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer);
    match format {
        Format::Text => layer.with_ansi(colours).with_target(false).boxed(),
        Format::Json => layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed(),
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
