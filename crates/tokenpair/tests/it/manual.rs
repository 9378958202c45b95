//! `docs/settings.md` is made from the code: effects are the comments of `Settings`, what is accepted says the refusal of
//! what is not, defaults are those in effect. `UPDATE_DOCS=1` writes the page anew.

use std::fmt::Write as _;
use tokenpair::json::{self, Value};
use tokenpair::{Entry, Settings};

const SOURCE: &str = include_str!("../../src/settings.rs");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");

const HEAD: &str = r#"# Settings

<!-- Made from the code by tests/it/manual.rs; CONTRIBUTING.md tells how to make it anew. -->

Everything that `[simple_jwt]` in `tokenpair.toml` may hold, in any case of letters; each is also an environment
variable `TOKENPAIR_<NAME>` and a field of `tokenpair::Settings`. Names, defaults and effects are those of Simple JWT 5.5
unless the last column says otherwise. The other sections of the file are in [configuration](configuration.md#the-sections).

A duration is `"15m"`, `"1h 30m"`, `"7 days"`, ISO 8601 (`"PT15M"`) or a number of seconds. In the environment lists are
separated by commas.

"#;
const CODE: &str = "
## Settings that hold Python code

They are understood, but only with the value that means \"as built in\"; what one would write in Python has a place in
the library. What is only data is a line of `tokenpair.toml`: [extending](../COMPATIBILITY.md#extending).

| setting | place |
|---|---|
";

/// What Django, and not Simple JWT, calls so.
const DJANGOS: [&str; 3] = [
    "CSRF_TRUSTED_ORIGINS",
    "DATA_UPLOAD_MAX_MEMORY_SIZE",
    "PASSWORD_HASHERS",
];
/// Values that some setting or other refuses, in JSON.
const PROBES: [&str; 10] = [
    "{}",
    r#""?""#,
    r#"["?"]"#,
    r#"{"?": 1}"#,
    "[]",
    "1",
    "1e12",
    "true",
    r#""exp""#,
    r#""https://example.org/""#,
];
const REFUSED_CODE: &str = "Python code cannot be run here; the library's door for this is ";

#[test]
fn the_reference_of_settings_is_up_to_date() {
    let wanted = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(PAGE).unwrap();
    assert!(
        found == wanted,
        "docs/settings.md is out of date; CONTRIBUTING.md tells how to make it anew"
    );
}

#[test]
fn every_setting_is_described() {
    for name in Settings::names() {
        let is_code =
            refusal(name, Value::from(1)).is_some_and(|message| message.starts_with(REFUSED_CODE));
        assert!(is_code || described(name).is_some(), "{name}");
    }
}

fn reference() -> String {
    let (mut list, mut details, mut code) = (String::new(), String::new(), String::new());
    let defaults = Settings::new("").entries();
    for &name in Settings::names() {
        let Some((is_ours, effect)) = described(name) else {
            let refusal = refusal(name, Value::from(1)).unwrap();
            writeln!(
                code,
                "| `{name}` | {} |",
                refusal.strip_prefix(REFUSED_CODE).unwrap()
            )
            .unwrap();
            continue;
        };
        let default = defaults
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| toml(&entry.value))
            .unwrap();
        let author = match name {
            _ if is_ours => "tokenpair",
            _ if DJANGOS.contains(&name) => "Django",
            _ => "Simple JWT",
        };
        let anchor = name.to_lowercase();
        let short = if default.len() > 100 {
            "see below"
        } else {
            &default
        };
        writeln!(list, "| [`{name}`](#{anchor}) | {short} | {author} |").unwrap();
        let accepted = accepted(name).join("; ");
        write!(
            details,
            "\n## {name}\n\n{effect}\n\n- Accepts: {accepted}\n- Default: {default}\n- Setting of: {author}\n"
        )
        .unwrap();
    }
    format!("{HEAD}| setting | default | of |\n|---|---|---|\n{list}{details}{CODE}{code}")
}

/// Whether the setting is ours, and its effect: the comment of its field, without what it says about the default.
fn described(name: &str) -> Option<(bool, String)> {
    let starts = [format!("/// `{name}`:"), format!("/// `{name}` (ours):")];
    let is_ours = !SOURCE.contains(&starts[0]);
    let (_, rest) = SOURCE.split_once(&starts[usize::from(is_ours)])?;
    let lines = rest
        .lines()
        .map(|line| line.trim().trim_start_matches("///").trim());
    let comment: Vec<&str> = lines.take_while(|line| !line.starts_with("pub ")).collect();
    let comment = comment.join(" ");
    let sentences = comment
        .trim_end_matches('.')
        .split(". ")
        .filter(|sentence| !sentence.starts_with("Default"));
    let mut text = sentences.collect::<Vec<_>>().join(". ") + ".";
    text[..1].make_ascii_uppercase();
    Some((is_ours, text))
}

/// What the setting accepts, as its refusals say it.
fn accepted(name: &str) -> Vec<String> {
    let mut rules = Vec::new();
    for probe in PROBES {
        let value = json::decode_body(probe).unwrap();
        let rule = refusal(name, value).map(|message| rule(&message));
        rules.extend(rule.filter(|rule| !rules.contains(rule)));
    }
    let may_be_empty = refusal(name, Value::from("")).is_none();
    rules.extend(may_be_empty.then(|| "an empty text means none".to_owned()));
    rules
}

fn refusal(name: &str, value: Value) -> Option<String> {
    let entry = |name: &str, value| Entry {
        name: name.to_owned(),
        value,
        source: String::new(),
    };
    let key = entry(
        "SIGNING_KEY",
        Value::from("a secret of at least 32 bytes, kept out of the code"),
    );
    let error = Settings::load([key, entry(name, value)]).err()?;
    Some(error.message)
}

/// The part of a refusal that holds for any value.
fn rule(message: &str) -> String {
    if let Some((_, list)) = message
        .split_once("accepted: ")
        .or_else(|| message.split_once("accepted are "))
    {
        let names = list
            .split(", ")
            .map(|name| name.split(" (").next().unwrap_or(name));
        return format!(
            "one of {}",
            names
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        );
    }
    let expected = message.strip_prefix("expected ").unwrap_or(message);
    expected
        .split(", got ")
        .next()
        .unwrap_or(expected)
        .to_owned()
}

fn toml(value: &Value) -> String {
    let text = match value {
        Value::Null => return "none".to_owned(),
        Value::String(text) if text.is_empty() => return "none".to_owned(),
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(json::encode_utf8).collect();
            format!("[{}]", values.join(", "))
        }
        Value::Object(values) => {
            let pairs = values
                .iter()
                .map(|(name, value)| format!("{name} = {}", json::encode_utf8(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => json::encode_utf8(other),
    };
    format!("`{text}`")
}
