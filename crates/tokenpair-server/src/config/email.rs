//! `[email]`: how mail is sent, under Django's names.

use super::section::Section;
use super::shown::Shown;
use lettre::message::Mailbox;
use std::time::Duration;
use tokenpair::json::Value;
use tokenpair::{Secret, Setting, SettingsError};

pub(super) const NAMES: [&str; 8] = [
    "EMAIL_HOST",
    "EMAIL_PORT",
    "EMAIL_HOST_USER",
    "EMAIL_HOST_PASSWORD",
    "EMAIL_USE_TLS",
    "EMAIL_USE_SSL",
    "EMAIL_TIMEOUT",
    "DEFAULT_FROM_EMAIL",
];

/// Variables for this section, after `TOKENPAIR_`: the settings themselves.
pub(super) const VARIABLES: [(&str, &str); NAMES.len()] = [
    (NAMES[0], NAMES[0]),
    (NAMES[1], NAMES[1]),
    (NAMES[2], NAMES[2]),
    (NAMES[3], NAMES[3]),
    (NAMES[4], NAMES[4]),
    (NAMES[5], NAMES[5]),
    (NAMES[6], NAMES[6]),
    (NAMES[7], NAMES[7]),
];

const TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUTS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(60);

/// The mail server and who writes. `Debug` does not show the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Email {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Empty: the server is not told who sends.
    pub(crate) user: String,
    pub(crate) password: Secret,
    pub(crate) security: Security,
    /// For the connection; a delivery may take several times as long.
    pub(crate) timeout: Duration,
    pub(crate) from: Mailbox,
}

/// How the connection to the mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Security {
    /// Not at all.
    Plain,
    /// After STARTTLS, which the server must offer: `EMAIL_USE_TLS`.
    StartTls,
    /// From the first byte: `EMAIL_USE_SSL`.
    Tls,
}

/// The settings, if there is any: without one no mail is sent.
pub(super) fn read(section: &Section) -> Result<Option<Email>, SettingsError> {
    if section.is_empty() {
        return Ok(None);
    }
    let from = section.find("DEFAULT_FROM_EMAIL").ok_or_else(|| {
        let message = "is needed to send mail: an address such as \"Site <noreply@example.org>\"";
        SettingsError::new("DEFAULT_FROM_EMAIL", None, message)
    })?;
    let user = section.read("EMAIL_HOST_USER", String::new(), optional)?;
    let email = Email {
        host: section.read("EMAIL_HOST", "localhost".to_owned(), Setting::text)?,
        port: section.read("EMAIL_PORT", 25, port)?,
        password: section.read("EMAIL_HOST_PASSWORD", Secret::from(""), password)?,
        security: security(section)?,
        timeout: section.read("EMAIL_TIMEOUT", TIMEOUT, timeout)?,
        from: mailbox(&from)?,
        user,
    };
    if let Some(setting) = section.find("EMAIL_HOST_PASSWORD")
        && email.user.is_empty()
        && !email.password.expose().is_empty()
    {
        return Err(setting.refuse("is of no use without EMAIL_HOST_USER"));
    }
    Ok(Some(email))
}

fn security(section: &Section) -> Result<Security, SettingsError> {
    let start_tls = section.read("EMAIL_USE_TLS", false, Setting::flag)?;
    let tls = section.read("EMAIL_USE_SSL", false, Setting::flag)?;
    match (start_tls, tls, section.find("EMAIL_USE_SSL")) {
        (true, true, Some(setting)) => {
            Err(setting.refuse("is one way, EMAIL_USE_TLS the other: set only one of them"))
        }
        (true, ..) => Ok(Security::StartTls),
        (_, true, _) => Ok(Security::Tls),
        _ => Ok(Security::Plain),
    }
}

fn optional(setting: &Setting<'_>) -> Result<String, SettingsError> {
    Ok(setting.optional_text()?.unwrap_or_default())
}

/// What was found is never repeated.
fn password(setting: &Setting<'_>) -> Result<Secret, SettingsError> {
    let text = setting.optional_text();
    let text = text.map_err(|_| setting.refuse("expected a text"))?;
    Ok(Secret::from(text.unwrap_or_default()))
}

fn port(setting: &Setting<'_>) -> Result<u16, SettingsError> {
    let value = setting.value();
    let number = match value.as_str() {
        Some(text) => text.parse().ok(),
        None => value.as_i64().and_then(|number| u16::try_from(number).ok()),
    };
    let number = number.filter(|port| *port > 0);
    number.ok_or_else(|| setting.expected("a port, 1 to 65535"))
}

fn timeout(setting: &Setting<'_>) -> Result<Duration, SettingsError> {
    let timeout = setting.duration()?;
    if TIMEOUTS.contains(&timeout) {
        Ok(timeout)
    } else {
        Err(setting.refuse("must be from 1 second to 1 minute"))
    }
}

fn mailbox(setting: &Setting<'_>) -> Result<Mailbox, SettingsError> {
    let parsed = setting.text()?.parse();
    parsed.map_err(|_| setting.expected("an address such as \"Site <noreply@example.org>\""))
}

pub(super) fn shown(email: &Email, section: &Section) -> Vec<Shown> {
    let password = if email.password.expose().is_empty() {
        ""
    } else {
        "[redacted]"
    };
    [
        ("EMAIL_HOST", Value::from(email.host.as_str())),
        ("EMAIL_PORT", Value::from(i64::from(email.port))),
        ("EMAIL_HOST_USER", Value::from(email.user.as_str())),
        ("EMAIL_HOST_PASSWORD", Value::from(password)),
        (
            "EMAIL_USE_TLS",
            Value::from(email.security == Security::StartTls),
        ),
        (
            "EMAIL_USE_SSL",
            Value::from(email.security == Security::Tls),
        ),
        ("EMAIL_TIMEOUT", Setting::of_duration(email.timeout)),
        ("DEFAULT_FROM_EMAIL", Value::from(email.from.to_string())),
    ]
    .map(|(name, value)| Shown::new("email", name, value, section))
    .into()
}
