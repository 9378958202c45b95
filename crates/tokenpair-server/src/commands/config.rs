//! `tokenpair config show`: what takes effect, and where it comes from.

use crate::Options;
use crate::config::{Config, Shown, is_redacted};
use crate::output::{self, Failure};
use std::fmt::Write as _;
use tokenpair::json::{self, Value};

/// What to do with the configuration.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "Example:\n  tokenpair config show")]
pub(crate) enum ConfigCommand {
    /// Print every setting with its effective value and its source; secrets are redacted
    #[command(
        after_help = "Examples:\n  tokenpair config show\n  tokenpair config show --json | jq ."
    )]
    Show,
}

impl ConfigCommand {
    pub(crate) fn run(&self, options: &Options) -> Result<(), Failure> {
        let Self::Show = self;
        let config = Config::load(options, None)?;
        let text = if options.json {
            config.shown().iter().map(json_line).collect()
        } else {
            table(&config)
        };
        output::print(&text).map(drop)
    }
}

fn json_line(shown: &Shown) -> String {
    output::json_line([
        ("section", Value::from(shown.section)),
        ("name", Value::from(shown.name.as_str())),
        ("value", shown.value.clone()),
        ("source", Value::from(shown.source.as_str())),
    ])
}

/// Sections as in the file, the sources as comments.
fn table(config: &Config) -> String {
    let file = config.file().map_or_else(
        || "no configuration file".to_owned(),
        |path| format!("from {}", path.display()),
    );
    let mut text = format!("# {file}\n");
    let mut section = "";
    for shown in config.shown() {
        if shown.section != section {
            section = shown.section;
            let _ = write!(text, "\n[{section}]\n");
        }
        let _ = writeln!(text, "{:<56}  # {}", setting(shown), shown.source);
    }
    text
}

/// As one would write it in the file; nothing is an empty text there. What is blackened is no value, so a comment.
fn setting(shown: &Shown) -> String {
    let comment = if is_redacted(&shown.value) { "# " } else { "" };
    comment.to_owned() + &assignment(&shown.name, &shown.value)
}

/// `name = value` in TOML; nothing is an empty text there.
pub(super) fn assignment(name: &str, value: &Value) -> String {
    format!("{} = {}", key(name), toml(value))
}

/// A bare key, or a quoted one where its characters need that.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_owned()
    } else {
        toml::Value::from(name).to_string()
    }
}

fn toml(value: &Value) -> String {
    match value {
        Value::Null => "\"\"".to_owned(),
        Value::String(text) => toml::Value::from(text.as_str()).to_string(),
        Value::Array(values) => {
            let values: Vec<_> = values.iter().map(toml).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(members) => {
            let members = members.iter();
            let members: Vec<_> = members
                .map(|(name, value)| format!("{} = {}", key(name), toml(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        plain => json::encode_utf8(plain),
    }
}
