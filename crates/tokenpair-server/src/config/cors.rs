//! `[cors]`: django-cors-headers' settings under their names.

use super::section::{self, Section};
use super::shown::Shown;
use crate::cors::{Cors, CorsSettings};
use tokenpair::json::Value;
use tokenpair::{Entry, Setting, SettingsError};

pub(crate) const NAMES: [&str; 10] = [
    "CORS_ALLOWED_ORIGINS",
    "CORS_ALLOWED_ORIGIN_REGEXES",
    "CORS_ALLOW_ALL_ORIGINS",
    "CORS_URLS_REGEX",
    "CORS_ALLOW_METHODS",
    "CORS_ALLOW_HEADERS",
    "CORS_EXPOSE_HEADERS",
    "CORS_PREFLIGHT_MAX_AGE",
    "CORS_ALLOW_CREDENTIALS",
    "CORS_ALLOW_PRIVATE_NETWORK",
];

/// Names of older versions, which django-cors-headers still reads.
const OLD_NAMES: [(&str, &str); 3] = [
    ("CORS_ORIGIN_WHITELIST", "CORS_ALLOWED_ORIGINS"),
    ("CORS_ORIGIN_REGEX_WHITELIST", "CORS_ALLOWED_ORIGIN_REGEXES"),
    ("CORS_ORIGIN_ALLOW_ALL", "CORS_ALLOW_ALL_ORIGINS"),
];

/// Every `TOKENPAIR_CORS_*`, misspelt ones included.
pub(super) fn environment() -> Vec<Entry> {
    let variables = std::env::vars_os().filter_map(|(variable, _)| variable.into_string().ok());
    variables
        .filter_map(|variable| variable.strip_prefix("TOKENPAIR_").map(str::to_owned))
        .filter(|name| name.starts_with("CORS_"))
        .flat_map(|name| section::environment(&[(&name, canonical(&name))]))
        .collect()
}

/// The present name of a setting that is given under an older one.
pub(crate) fn canonical(name: &str) -> &str {
    let old = OLD_NAMES
        .iter()
        .find(|(old, _)| name.eq_ignore_ascii_case(old));
    old.map_or(name, |(_, present)| present)
}

/// The settings, if there is any: without one no header is added.
pub(super) fn read(section: &Section) -> Result<Option<CorsSettings>, SettingsError> {
    if section.is_empty() {
        return Ok(None);
    }
    let usual = CorsSettings::default();
    let list = |name, default| section.read(name, default, Setting::list);
    let flag = |name, default| section.read(name, default, Setting::flag);
    let max_age = section.read("CORS_PREFLIGHT_MAX_AGE", usual.preflight_max_age, seconds)?;
    let settings = CorsSettings {
        allowed_origins: list("CORS_ALLOWED_ORIGINS", usual.allowed_origins)?,
        allowed_origin_regexes: section.read(
            "CORS_ALLOWED_ORIGIN_REGEXES",
            usual.allowed_origin_regexes,
            expressions,
        )?,
        allow_all_origins: flag("CORS_ALLOW_ALL_ORIGINS", usual.allow_all_origins)?,
        urls_regex: section.read("CORS_URLS_REGEX", usual.urls_regex, Setting::text)?,
        allow_methods: list("CORS_ALLOW_METHODS", usual.allow_methods)?,
        allow_headers: list("CORS_ALLOW_HEADERS", usual.allow_headers)?,
        expose_headers: list("CORS_EXPOSE_HEADERS", usual.expose_headers)?,
        preflight_max_age: max_age,
        allow_credentials: flag("CORS_ALLOW_CREDENTIALS", usual.allow_credentials)?,
        allow_private_network: flag("CORS_ALLOW_PRIVATE_NETWORK", usual.allow_private_network)?,
    };
    if let Err(error) = Cors::new(&settings) {
        let source = section.source(error.setting).to_owned();
        return Err(SettingsError::new(error.setting, Some(source), error.flaw));
    }
    Ok(Some(settings))
}

/// A text is one expression, as commas stand in expressions, too.
fn expressions(setting: &Setting<'_>) -> Result<Vec<String>, SettingsError> {
    match setting.value() {
        Value::String(text) if text.trim().is_empty() => Ok(Vec::new()),
        Value::String(text) => Ok(vec![text.clone()]),
        _ => setting.list(),
    }
}

fn seconds(setting: &Setting<'_>) -> Result<i64, SettingsError> {
    let seconds = setting.duration()?.as_secs();
    i64::try_from(seconds).map_err(|_| setting.expected("a number of seconds"))
}

pub(super) fn shown(settings: &CorsSettings, section: &Section) -> Vec<Shown> {
    let list = |texts: &[String]| {
        Value::Array(
            texts
                .iter()
                .map(|text| Value::from(text.as_str()))
                .collect(),
        )
    };
    [
        ("CORS_ALLOWED_ORIGINS", list(&settings.allowed_origins)),
        (
            "CORS_ALLOWED_ORIGIN_REGEXES",
            list(&settings.allowed_origin_regexes),
        ),
        (
            "CORS_ALLOW_ALL_ORIGINS",
            Value::from(settings.allow_all_origins),
        ),
        ("CORS_URLS_REGEX", Value::from(settings.urls_regex.as_str())),
        ("CORS_ALLOW_METHODS", list(&settings.allow_methods)),
        ("CORS_ALLOW_HEADERS", list(&settings.allow_headers)),
        ("CORS_EXPOSE_HEADERS", list(&settings.expose_headers)),
        (
            "CORS_PREFLIGHT_MAX_AGE",
            Value::from(settings.preflight_max_age),
        ),
        (
            "CORS_ALLOW_CREDENTIALS",
            Value::from(settings.allow_credentials),
        ),
        (
            "CORS_ALLOW_PRIVATE_NETWORK",
            Value::from(settings.allow_private_network),
        ),
    ]
    .map(|(name, value)| Shown::new("cors", name, value, section))
    .into()
}
