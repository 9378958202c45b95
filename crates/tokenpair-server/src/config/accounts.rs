//! `[accounts]`: what people may do with their own account, and what is written to them.

use super::paths::{Endpoint, Paths};
use super::section::Section;
use super::shown::Shown;
use std::time::Duration;
use tokenpair::accounts::AccountOptions;
use tokenpair::json::Value;
use tokenpair::store::UserModel;
use tokenpair::{Setting, SettingsError};

pub(super) const NAMES: [&str; 7] = [
    "registration",
    "email_verification",
    "PASSWORD_RESET_TIMEOUT",
    "site_url",
    "site_name",
    "password_reset_link",
    "email_verification_link",
];

/// Variables for this section, after `TOKENPAIR_`, and the settings they hold.
pub(super) const VARIABLES: [(&str, &str); NAMES.len()] = [
    ("REGISTRATION", NAMES[0]),
    ("EMAIL_VERIFICATION", NAMES[1]),
    ("PASSWORD_RESET_TIMEOUT", NAMES[2]),
    ("SITE_URL", NAMES[3]),
    ("SITE_NAME", NAMES[4]),
    ("PASSWORD_RESET_LINK", NAMES[5]),
    ("EMAIL_VERIFICATION_LINK", NAMES[6]),
];

/// What follows the path of the page, or of the endpoint where there are no pages, unless another link is set.
const QUERY: &str = "?uid={uid}&token={token}";

/// The section, with defaults for what is not set.
#[derive(Clone, Debug)]
pub(crate) struct AccountSettings {
    pub(crate) registration: bool,
    pub(crate) email_verification: bool,
    pub(crate) password_reset_timeout: Duration,
    /// Where people find this site, without a final slash; empty if no mail is sent.
    pub(crate) site_url: String,
    pub(crate) site_name: String,
    pub(crate) password_reset_link: String,
    pub(crate) email_verification_link: String,
}

impl AccountSettings {
    pub(super) fn read(
        section: &Section,
        model: &UserModel,
        paths: &Paths,
        has_mail: bool,
        has_tables: bool,
    ) -> Result<Self, SettingsError> {
        let email_verification = section.read("email_verification", false, Setting::flag)?;
        let site = Site::read(section, has_mail)?;
        let link = |name, endpoint: [Endpoint; 2], is_needed| {
            let [page, program] = endpoint;
            let path = paths.first(page).or(paths.first(program));
            site.link(section, name, path, is_needed && has_mail)
        };
        let settings = Self {
            registration: section.read("registration", false, Setting::flag)?,
            email_verification,
            password_reset_timeout: section.read(
                "PASSWORD_RESET_TIMEOUT",
                AccountOptions::default().password_reset_timeout,
                timeout,
            )?,
            site_name: section.read("site_name", site.host().to_owned(), |setting| {
                Ok(site_name(setting)?.unwrap_or(site.host().to_owned()))
            })?,
            password_reset_link: link(
                "password_reset_link",
                [
                    Endpoint::BrowserPasswordResetConfirm,
                    Endpoint::PasswordResetConfirm,
                ],
                true,
            )?,
            email_verification_link: link(
                "email_verification_link",
                [Endpoint::BrowserRegisterVerify, Endpoint::RegisterVerify],
                email_verification,
            )?,
            site_url: site.url,
        };
        settings.check(section, model, has_mail, has_tables)?;
        Ok(settings)
    }

    fn check(
        &self,
        section: &Section,
        model: &UserModel,
        has_mail: bool,
        has_tables: bool,
    ) -> Result<(), SettingsError> {
        if let (true, Err(error), Some(setting)) = (
            self.registration,
            model.creates_by_email(),
            section.find("registration"),
        ) {
            return Err(setting.refuse(format!("cannot be: {error}")));
        }
        if self.email_verification && !has_mail {
            let message = "needs [email], as the address is proved by a link in a mail";
            return Err(refuse(section, "email_verification", message));
        }
        if self.email_verification && !has_tables {
            let message =
                "needs token_blacklist = true: who is not verified is noted beside those tables";
            return Err(refuse(section, "email_verification", message));
        }
        Ok(())
    }

    /// Whether an endpoint is of any use.
    pub(super) fn serves(&self, endpoint: Endpoint, has_mail: bool) -> bool {
        match endpoint {
            Endpoint::Register | Endpoint::BrowserRegister => self.registration,
            Endpoint::RegisterVerify
            | Endpoint::RegisterResend
            | Endpoint::BrowserRegisterVerify
            | Endpoint::BrowserRegisterResend => self.email_verification,
            Endpoint::PasswordReset
            | Endpoint::PasswordResetConfirm
            | Endpoint::BrowserPasswordReset
            | Endpoint::BrowserPasswordResetConfirm => has_mail,
            _ => true,
        }
    }

    pub(super) fn shown(&self, section: &Section) -> Vec<Shown> {
        [
            ("registration", Value::from(self.registration)),
            ("email_verification", Value::from(self.email_verification)),
            (
                "PASSWORD_RESET_TIMEOUT",
                Setting::of_duration(self.password_reset_timeout),
            ),
            ("site_url", Value::from(self.site_url.as_str())),
            ("site_name", Value::from(self.site_name.as_str())),
            (
                "password_reset_link",
                Value::from(self.password_reset_link.as_str()),
            ),
            (
                "email_verification_link",
                Value::from(self.email_verification_link.as_str()),
            ),
        ]
        .map(|(name, value)| Shown::new("accounts", name, value, section))
        .into()
    }
}

/// Where links in mails begin.
struct Site {
    url: String,
    has_mail: bool,
}

impl Site {
    fn read(section: &Section, has_mail: bool) -> Result<Self, SettingsError> {
        let url = section.read("site_url", String::new(), site_url)?;
        if has_mail && url.is_empty() {
            let message = "is needed to write links in mails: the address of this site, such as \"https://example.org\"";
            return Err(SettingsError::new("site_url", None, message));
        }
        Ok(Self { url, has_mail })
    }

    fn host(&self) -> &str {
        self.url.split_once("://").map_or("", |(_, host)| host)
    }

    /// What is set, or else the path of the endpoint; empty where no mail is sent.
    fn link(
        &self,
        section: &Section,
        name: &'static str,
        path: Option<&str>,
        is_needed: bool,
    ) -> Result<String, SettingsError> {
        let usual = path.filter(|_| self.has_mail);
        let usual = usual.map_or(String::new(), |path| format!("{}{path}{QUERY}", self.url));
        let link = section.read(name, usual.clone(), |setting| {
            Ok(link(setting, &self.url)?.unwrap_or(usual))
        })?;
        if is_needed && link.is_empty() {
            let message = "is needed, as the endpoint has no path to link to";
            return Err(SettingsError::new(name, None, message));
        }
        Ok(link)
    }
}

fn refuse(section: &Section, name: &str, message: &str) -> SettingsError {
    SettingsError::new(name, Some(section.source(name).to_owned()), message)
}

fn timeout(setting: &Setting<'_>) -> Result<Duration, SettingsError> {
    let timeout = setting.duration()?;
    let accepted = Duration::from_secs(60)..=Duration::from_secs(30 * 86_400);
    if accepted.contains(&timeout) {
        Ok(timeout)
    } else {
        Err(setting.refuse("must lie between 1 minute and 30 days"))
    }
}

/// Links are made from it, so it is never taken from a request.
fn site_url(setting: &Setting<'_>) -> Result<String, SettingsError> {
    let Some(text) = setting.optional_text()? else {
        return Ok(String::new());
    };
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]".contains(c);
    match rest {
        Some(rest) if !rest.starts_with('/') && !rest.is_empty() && rest.chars().all(is_plain) => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(setting.expected("the address of this site, such as \"https://example.org\"")),
    }
}

fn site_name(setting: &Setting<'_>) -> Result<Option<String>, SettingsError> {
    let name = setting.optional_text()?;
    if name.iter().any(|name| name.chars().any(char::is_control)) {
        return Err(setting.refuse("must be a name on one line"));
    }
    Ok(name)
}

/// An address, or a path on this site, with the two parts of a link.
fn link(setting: &Setting<'_>, site_url: &str) -> Result<Option<String>, SettingsError> {
    let Some(text) = setting.optional_text()? else {
        return Ok(None);
    };
    let is_path = text.starts_with('/') && !text.starts_with("//");
    let is_url = text.starts_with("https://") || text.starts_with("http://");
    let is_plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if !(is_path || is_url) || !is_plain || !text.contains("{uid}") || !text.contains("{token}") {
        let what =
            "an address or a path with {uid} and {token} in it, such as \"/reset/{uid}/{token}/\"";
        return Err(setting.expected(what));
    }
    Ok(Some(if is_path {
        format!("{site_url}{text}")
    } else {
        text
    }))
}
