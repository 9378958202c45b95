//! `[server]`: address, logs, proxies, the stop, housekeeping, the key's file.

use super::section::{Section, parsed};
use super::shown::Shown;
use crate::client_address::TrustedProxies;
use crate::log::Format;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use tokenpair::json::Value;
use tokenpair::{Setting, SettingsError};

pub(super) const NAMES: [&str; 6] = [
    "listen",
    "log_format",
    "trusted_proxies",
    "drain_delay",
    "flush_interval",
    "signing_key_file",
];

/// Variables for this section, after `TOKENPAIR_`, and the settings they hold.
pub(super) const VARIABLES: [(&str, &str); 6] = [
    ("LISTEN", "listen"),
    ("LOG_FORMAT", "log_format"),
    ("TRUSTED_PROXIES", "trusted_proxies"),
    ("DRAIN_DELAY", "drain_delay"),
    ("FLUSH_INTERVAL", "flush_interval"),
    ("SIGNING_KEY_FILE", "signing_key_file"),
];

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8000);
const KEY_FILE: &str = "tokenpair.key";
/// Whoever stops a server and waits longer than this believes that it hangs.
const LONGEST_DELAY: Duration = Duration::from_secs(300);
const FLUSH_INTERVAL: Duration = Duration::from_secs(3600);
/// More often than this is work without use.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(60);

/// The section, with defaults for what is not set.
#[derive(Debug)]
pub(crate) struct Server {
    /// Address and port, 127.0.0.1:8000 unless set.
    pub(crate) listen: SocketAddr,
    pub(crate) log_format: Option<Format>,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: TrustedProxies,
    /// How long connections are still accepted after a stop was asked for.
    pub(crate) drain_delay: Duration,
    /// How often expired tokens are deleted; `None`: never.
    pub(crate) flush_interval: Option<Duration>,
    pub(super) signing_key_file: PathBuf,
    /// Whether the file was named: it is then read whatever the algorithm.
    pub(super) names_key_file: bool,
}

const FORMATS: [(&str, Format); 2] = [("text", Format::Text), ("json", Format::Json)];

/// The name of a format in the configuration.
pub(super) fn format_name(format: Format) -> &'static str {
    let named = FORMATS.iter().find(|(_, known)| *known == format);
    named.map_or("", |(name, _)| name)
}

impl Server {
    pub(super) fn read(section: &Section) -> Result<Self, SettingsError> {
        let address = "an address and a port such as \"127.0.0.1:8000\"";
        Ok(Self {
            listen: section.read("listen", LISTEN, parsed(address))?,
            log_format: section.read("log_format", None, |setting| {
                setting.choice(&FORMATS).map(Some)
            })?,
            trusted_proxies: section.read("trusted_proxies", TrustedProxies::default(), proxies)?,
            drain_delay: section.read("drain_delay", Duration::ZERO, drain_delay)?,
            flush_interval: section.read("flush_interval", Some(FLUSH_INTERVAL), interval)?,
            signing_key_file: section
                .read("signing_key_file", KEY_FILE.to_owned(), Setting::text)?
                .into(),
            names_key_file: section.find("signing_key_file").is_some(),
        })
    }

    pub(super) fn shown(&self, section: &Section) -> Vec<Shown> {
        let format = format_name(self.log_format.unwrap_or_default());
        let proxies = self.trusted_proxies.iter();
        let proxies = proxies.map(|network| Value::from(network.to_string()));
        let interval = Setting::of_duration(self.flush_interval.unwrap_or_default());
        let key_file = self.signing_key_file.display().to_string();
        [
            ("listen", Value::from(self.listen.to_string())),
            ("log_format", Value::from(format)),
            ("trusted_proxies", Value::Array(proxies.collect())),
            ("drain_delay", Setting::of_duration(self.drain_delay)),
            ("flush_interval", interval),
            ("signing_key_file", Value::from(key_file)),
        ]
        .map(|(name, value)| Shown::new("server", name, value, section))
        .into()
    }
}

fn proxies(setting: &Setting<'_>) -> Result<TrustedProxies, SettingsError> {
    TrustedProxies::new(setting.list()?).map_err(|error| setting.refuse(error.to_string()))
}

fn drain_delay(setting: &Setting<'_>) -> Result<Duration, SettingsError> {
    let delay = setting.duration()?;
    if delay > LONGEST_DELAY {
        return Err(setting.refuse("must be at most 5 minutes"));
    }
    Ok(delay)
}

fn interval(setting: &Setting<'_>) -> Result<Option<Duration>, SettingsError> {
    let interval = setting.duration()?;
    if interval.is_zero() {
        return Ok(None);
    }
    if interval < SHORTEST_INTERVAL {
        return Err(setting.refuse("must be at least 1 minute, or 0 for never"));
    }
    Ok(Some(interval))
}
