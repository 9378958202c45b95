//! Named values into [`Settings`]: one function knows every name, one error says what is wrong and where.

use super::Settings;
use super::read::Setting;
use super::values::{ErrorTexts, SameSite, Secret, UserIdClaimType};
use crate::json::Value;
use crate::nearest;
use std::ffi::OsString;
use std::fmt;

/// A setting's value and where it was found ("tokenpair.toml", "environment variable `TOKENPAIR_LEEWAY`").
#[derive(Clone)]
pub struct Entry {
    /// The setting's name, in any case.
    pub name: String,
    /// Its value. Text is accepted for every type, as the environment has nothing else.
    pub value: Value,
    /// What an error message says about the origin.
    pub source: String,
}

impl fmt::Debug for Entry {
    /// Without the value, which may be a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({} from {})", self.name, self.source)
    }
}

/// A setting that cannot be used: which, from where, and what would be accepted. Never shows a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    /// The setting.
    pub name: String,
    /// Where its value came from, when it was loaded.
    pub source: Option<String>,
    /// What is wrong and what is accepted.
    pub message: String,
}

impl SettingsError {
    /// An error about `name`.
    pub fn new(
        name: impl Into<String>,
        source: Option<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            source,
            message: message.into(),
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(source) = &self.source {
            write!(f, " ({source})")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for SettingsError {}

/// Every name that is understood, in alphabetical order.
pub(super) const NAMES: [&str; 49] = [
    "ACCESS_TOKEN_LIFETIME",
    "ALGORITHM",
    "AUDIENCE",
    "AUTH_COOKIES",
    "AUTH_COOKIE_SAMESITE",
    "AUTH_COOKIE_SECURE",
    "AUTH_HEADER_NAME",
    "AUTH_HEADER_TYPES",
    "AUTH_TOKEN_CLASSES",
    "BLACKLIST_AFTER_ROTATION",
    "CHECK_REVOKE_TOKEN",
    "CHECK_USER_IS_ACTIVE",
    "CSRF_TRUSTED_ORIGINS",
    "DATA_UPLOAD_MAX_MEMORY_SIZE",
    "ERROR_TEXTS",
    "INSECURE_ALLOW_SHORT_KEYS",
    "ISSUER",
    "JSON_ENCODER",
    "JTI_CLAIM",
    "JWK_URL",
    "LEEWAY",
    "ON_LOGIN_FAILED",
    "ON_LOGIN_SUCCESS",
    "PASSWORD_HASHERS",
    "PASSWORD_ROUNDS",
    "REFRESH_TOKEN_LIFETIME",
    "REUSE_DETECTION",
    "REVOKE_TOKEN_CLAIM",
    "ROTATE_REFRESH_TOKENS",
    "ROTATION_GRACE_PERIOD",
    "SIGNING_KEY",
    "SLIDING_TOKEN_LIFETIME",
    "SLIDING_TOKEN_OBTAIN_SERIALIZER",
    "SLIDING_TOKEN_REFRESH_EXP_CLAIM",
    "SLIDING_TOKEN_REFRESH_LIFETIME",
    "SLIDING_TOKEN_REFRESH_SERIALIZER",
    "STORE_FULL_TOKENS",
    "TOKEN_BLACKLIST_SERIALIZER",
    "TOKEN_OBTAIN_SERIALIZER",
    "TOKEN_REFRESH_SERIALIZER",
    "TOKEN_TYPE_CLAIM",
    "TOKEN_USER_CLASS",
    "TOKEN_VERIFY_SERIALIZER",
    "UPDATE_LAST_LOGIN",
    "USER_AUTHENTICATION_RULE",
    "USER_ID_CLAIM",
    "USER_ID_CLAIM_TYPE",
    "USER_ID_FIELD",
    "VERIFYING_KEY",
];

/// Names that Simple JWT removed, and what to write instead.
const REMOVED: [(&str, &str); 4] = [
    ("AUTH_HEADER_TYPE", "AUTH_HEADER_TYPES"),
    ("AUTH_TOKEN_CLASS", "AUTH_TOKEN_CLASSES"),
    ("SECRET_KEY", "SIGNING_KEY"),
    (
        "TOKEN_BACKEND_CLASS",
        "ALGORITHM, SIGNING_KEY and VERIFYING_KEY",
    ),
];

/// Variables with our prefix that belong to the server, not to the engine; so does every `CORS_*`.
const SERVER_VARIABLES: [&str; 14] = [
    "CONFIG",
    "DATABASE",
    "DATABASE_ACQUIRE_TIMEOUT",
    "DATABASE_MAX_CONNECTIONS",
    "DATABASE_PREPARED_STATEMENTS",
    "DATABASE_STATEMENT_TIMEOUT",
    "DRAIN_DELAY",
    "FLUSH_INTERVAL",
    "LISTEN",
    "LOG",
    "LOG_FORMAT",
    "SIGNING_KEY_FILE",
    "TOKEN_BLACKLIST",
    "TRUSTED_PROXIES",
];

/// Those of a process's variables that are settings: `TOKENPAIR_*` without the server's.
pub(super) fn from_variables(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Vec<Entry> {
    let variables = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    variables
        .filter_map(|(variable, value)| {
            let name = variable.strip_prefix("TOKENPAIR_")?;
            let is_elsewhere = SERVER_VARIABLES.contains(&name)
                || name.starts_with("CORS_")
                || is_service_link(name);
            (!is_elsewhere).then(|| Entry {
                name: name.to_owned(),
                value: Value::from(value.to_string_lossy().into_owned()),
                source: format!("environment variable {variable}"),
            })
        })
        .collect()
}

/// What Kubernetes tells every pod about a Service that is called `tokenpair`.
fn is_service_link(name: &str) -> bool {
    name == "PORT"
        || name.starts_with("PORT_")
        || name == "SERVICE_HOST"
        || name == "SERVICE_PORT"
        || name.starts_with("SERVICE_PORT_")
}

impl Settings {
    /// Settings from named values; later entries win. `SIGNING_KEY` must be among them.
    ///
    /// Names are Simple JWT's in any case. Unknown and removed names, wrong types and values that cannot work are
    /// errors, one at a time, in the order of the entries.
    pub fn load(entries: impl IntoIterator<Item = Entry>) -> Result<Self, SettingsError> {
        let mut settings = Self::new("");
        for entry in entries {
            settings.apply(&entry)?;
        }
        if settings.signing_key.expose().is_empty() && !settings.verifies_only() {
            return Err(settings.error(
                "SIGNING_KEY",
                "is required: an HMAC secret or a PEM private key",
            ));
        }
        settings.validate()?;
        Ok(settings)
    }

    fn apply(&mut self, entry: &Entry) -> Result<(), SettingsError> {
        let upper = entry.name.to_ascii_uppercase();
        let Some(&name) = NAMES.iter().find(|&&name| name == upper) else {
            return Err(unknown(&upper, entry));
        };
        let value = Setting::new(name, entry);
        match name {
            "ACCESS_TOKEN_LIFETIME" => self.access_token_lifetime = value.duration()?,
            "ALGORITHM" => self.algorithm = value.algorithm()?,
            "AUDIENCE" => self.audience = value.audience()?,
            "AUTH_COOKIES" => self.auth_cookies = value.flag()?,
            "AUTH_COOKIE_SAMESITE" => {
                self.auth_cookie_samesite =
                    value.choice(&[("Lax", SameSite::Lax), ("Strict", SameSite::Strict)])?;
            }
            "AUTH_COOKIE_SECURE" => self.auth_cookie_secure = value.flag()?,
            "AUTH_HEADER_NAME" => self.auth_header_name = value.text()?,
            "AUTH_HEADER_TYPES" => self.auth_header_types = value.list()?,
            "AUTH_TOKEN_CLASSES" => self.auth_token_classes = value.token_classes()?,
            "BLACKLIST_AFTER_ROTATION" => self.blacklist_after_rotation = value.flag()?,
            "CHECK_REVOKE_TOKEN" => self.check_revoke_token = value.flag()?,
            "CHECK_USER_IS_ACTIVE" => self.check_user_is_active = value.flag()?,
            "CSRF_TRUSTED_ORIGINS" => self.csrf_trusted_origins = value.list()?,
            "DATA_UPLOAD_MAX_MEMORY_SIZE" => self.data_upload_max_memory_size = value.size()?,
            "ERROR_TEXTS" => {
                self.error_texts =
                    value.choice(&[("5.5", ErrorTexts::V5_5), ("5.4", ErrorTexts::V5_4)])?;
            }
            "INSECURE_ALLOW_SHORT_KEYS" => self.insecure_allow_short_keys = value.flag()?,
            "ISSUER" => self.issuer = value.optional_text()?,
            "JTI_CLAIM" => self.jti_claim = value.optional_text()?,
            "JWK_URL" => self.jwk_url = value.url()?,
            "LEEWAY" => self.leeway = value.duration()?,
            "PASSWORD_HASHERS" => self.password_hashers = value.hashers()?,
            "PASSWORD_ROUNDS" => value.rounds(&mut self.password_rounds)?,
            "REFRESH_TOKEN_LIFETIME" => self.refresh_token_lifetime = value.duration()?,
            "REUSE_DETECTION" => self.reuse_detection = value.flag()?,
            "REVOKE_TOKEN_CLAIM" => self.revoke_token_claim = value.text()?,
            "ROTATE_REFRESH_TOKENS" => self.rotate_refresh_tokens = value.flag()?,
            "ROTATION_GRACE_PERIOD" => self.rotation_grace_period = value.duration()?,
            "SIGNING_KEY" => self.signing_key = Secret::from(value.secret()?),
            "SLIDING_TOKEN_LIFETIME" => self.sliding_token_lifetime = value.duration()?,
            "SLIDING_TOKEN_REFRESH_EXP_CLAIM" => {
                self.sliding_token_refresh_exp_claim = value.text()?;
            }
            "SLIDING_TOKEN_REFRESH_LIFETIME" => {
                self.sliding_token_refresh_lifetime = value.duration()?;
            }
            "STORE_FULL_TOKENS" => self.store_full_tokens = value.flag()?,
            "TOKEN_TYPE_CLAIM" => self.token_type_claim = value.optional_text()?,
            "UPDATE_LAST_LOGIN" => self.update_last_login = value.flag()?,
            "USER_ID_CLAIM" => self.user_id_claim = value.text()?,
            "USER_ID_CLAIM_TYPE" => {
                let choices = [
                    ("string", UserIdClaimType::String),
                    ("number", UserIdClaimType::Number),
                ];
                self.user_id_claim_type = value.choice(&choices)?;
            }
            "USER_ID_FIELD" => self.user_id_field = value.text()?,
            "VERIFYING_KEY" => self.verifying_key = value.optional_text()?.unwrap_or_default(),
            _ => value.code()?,
        }
        self.sources.insert(name, entry.source.clone());
        Ok(())
    }
}

fn unknown(name: &str, entry: &Entry) -> SettingsError {
    let message = match REMOVED.iter().find(|(removed, _)| *removed == name) {
        Some((_, successor)) => format!("has been removed, use {successor}"),
        None => match nearest(name, NAMES) {
            Some(candidate) => format!("no such setting, did you mean {candidate}?"),
            None => "no such setting".to_owned(),
        },
    };
    SettingsError::new(name, Some(entry.source.clone()), message)
}
