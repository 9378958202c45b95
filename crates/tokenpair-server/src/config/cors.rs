//! `[cors]`: django-cors-headers' settings under their names.

use super::section::Section;
use super::shown::Shown;
use crate::cors::{Cors, CorsSettings};
use tokenpair::json::Value;
use tokenpair::{Setting, SettingsError};

/// Its settings, then the names that the first three had in older versions.
pub(super) const NAMES: [&str; 13] = [
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
    "CORS_ORIGIN_WHITELIST",
    "CORS_ORIGIN_REGEX_WHITELIST",
    "CORS_ORIGIN_ALLOW_ALL",
];

/// Variables for this section have its names.
pub(super) const VARIABLES: [(&str, &str); NAMES.len()] = {
    let mut variables = [("", ""); NAMES.len()];
    let mut index = 0;
    while index < NAMES.len() {
        variables[index] = (NAMES[index], NAMES[index]);
        index += 1;
    }
    variables
};

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
        allowed_origins: list(
            "CORS_ALLOWED_ORIGINS",
            list("CORS_ORIGIN_WHITELIST", usual.allowed_origins)?,
        )?,
        allowed_origin_regexes: list(
            "CORS_ALLOWED_ORIGIN_REGEXES",
            list("CORS_ORIGIN_REGEX_WHITELIST", usual.allowed_origin_regexes)?,
        )?,
        allow_all_origins: flag(
            "CORS_ALLOW_ALL_ORIGINS",
            flag("CORS_ORIGIN_ALLOW_ALL", usual.allow_all_origins)?,
        )?,
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
