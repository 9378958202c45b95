//! Named values into [`Settings`]: one function knows every name, one error says what is wrong and where.

use super::values::{ErrorTexts, Secret, TokenClass, UserIdClaimType};
use super::{Audience, Settings};
use crate::backend::Algorithm;
use crate::json::{Number, Value};
use crate::passwords::{Hasher, Rounds};
use jiff::{Span, SpanRelativeTo};
use std::fmt;
use std::time::Duration;

/// A setting's value and where it was found ("tokenpair.toml", "environment variable TOKENPAIR_LEEWAY").
#[derive(Clone, Debug)]
pub struct Entry {
    /// The setting's name, in any case.
    pub name: String,
    /// Its value. Text is accepted for every type, as the environment has nothing else.
    pub value: Value,
    /// What an error message says about the origin.
    pub source: String,
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

/// Every name that is understood.
pub(super) const NAMES: [&str; 45] = [
    "ACCESS_TOKEN_LIFETIME",
    "ALGORITHM",
    "AUDIENCE",
    "AUTH_HEADER_NAME",
    "AUTH_HEADER_TYPES",
    "AUTH_TOKEN_CLASSES",
    "BLACKLIST_AFTER_ROTATION",
    "CHECK_REVOKE_TOKEN",
    "CHECK_USER_IS_ACTIVE",
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
    "PASSWORD_ROUNDS",
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

/// Settings that hold Python code, the value that means "as built in", and our door for the same purpose.
const CODE: [(&str, &str, &str); 11] = [
    (
        "JSON_ENCODER",
        "",
        "values are converted before `Claims::insert`",
    ),
    (
        "ON_LOGIN_FAILED",
        "rest_framework_simplejwt.serializers.default_on_login_failed",
        "`SimpleJwtBuilder::on_login_failed`",
    ),
    (
        "ON_LOGIN_SUCCESS",
        "rest_framework_simplejwt.serializers.default_on_login_success",
        "`SimpleJwtBuilder::on_login_success`",
    ),
    (
        "SLIDING_TOKEN_OBTAIN_SERIALIZER",
        "rest_framework_simplejwt.serializers.TokenObtainSlidingSerializer",
        "`SimpleJwtBuilder::get_token` and `::validate`",
    ),
    (
        "SLIDING_TOKEN_REFRESH_SERIALIZER",
        "rest_framework_simplejwt.serializers.TokenRefreshSlidingSerializer",
        "`SimpleJwtBuilder::validate`",
    ),
    (
        "TOKEN_BLACKLIST_SERIALIZER",
        "rest_framework_simplejwt.serializers.TokenBlacklistSerializer",
        "`SimpleJwtBuilder::validate`",
    ),
    (
        "TOKEN_OBTAIN_SERIALIZER",
        "rest_framework_simplejwt.serializers.TokenObtainPairSerializer",
        "`SimpleJwtBuilder::get_token` and `::validate`",
    ),
    (
        "TOKEN_REFRESH_SERIALIZER",
        "rest_framework_simplejwt.serializers.TokenRefreshSerializer",
        "`SimpleJwtBuilder::validate`",
    ),
    (
        "TOKEN_VERIFY_SERIALIZER",
        "rest_framework_simplejwt.serializers.TokenVerifySerializer",
        "`SimpleJwtBuilder::validate`",
    ),
    (
        "TOKEN_USER_CLASS",
        "rest_framework_simplejwt.models.TokenUser",
        "`TokenUser::claims`",
    ),
    (
        "USER_AUTHENTICATION_RULE",
        "rest_framework_simplejwt.authentication.default_user_authentication_rule",
        "`SimpleJwtBuilder::user_authentication_rule`",
    ),
];

const ROUNDS: &str = "pbkdf2_sha256_iterations, pbkdf2_sha1_iterations, argon2_time_cost, argon2_memory_cost, \
                      argon2_parallelism, bcrypt_rounds, scrypt_work_factor, scrypt_block_size, scrypt_parallelism";

/// Variables with our prefix that belong to the server, not to the engine.
const SERVER_VARIABLES: [&str; 5] = ["CONFIG", "DATABASE", "LISTEN", "LOG", "DEMO"];

/// The `TOKENPAIR_*` variables of this process.
pub(super) fn environment() -> Vec<Entry> {
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    variables
        .filter_map(|(variable, value)| {
            let name = variable.strip_prefix("TOKENPAIR_")?;
            let known_elsewhere = SERVER_VARIABLES.contains(&name);
            (!known_elsewhere).then(|| Entry {
                name: name.to_owned(),
                value: Value::from(value.to_string_lossy().into_owned()),
                source: format!("environment variable {variable}"),
            })
        })
        .collect()
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
        let value = Setting { name, entry };
        match name {
            "ACCESS_TOKEN_LIFETIME" => self.access_token_lifetime = value.duration()?,
            "ALGORITHM" => self.algorithm = value.algorithm()?,
            "AUDIENCE" => self.audience = value.audience()?,
            "AUTH_HEADER_NAME" => self.auth_header_name = value.text()?,
            "AUTH_HEADER_TYPES" => self.auth_header_types = value.list()?,
            "AUTH_TOKEN_CLASSES" => self.auth_token_classes = value.token_classes()?,
            "BLACKLIST_AFTER_ROTATION" => self.blacklist_after_rotation = value.flag()?,
            "CHECK_REVOKE_TOKEN" => self.check_revoke_token = value.flag()?,
            "CHECK_USER_IS_ACTIVE" => self.check_user_is_active = value.flag()?,
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
                self.sliding_token_refresh_exp_claim = value.text()?
            }
            "SLIDING_TOKEN_REFRESH_LIFETIME" => {
                self.sliding_token_refresh_lifetime = value.duration()?
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
        None => match nearest(name) {
            Some(candidate) => format!("no such setting, did you mean {candidate}?"),
            None => "no such setting".to_owned(),
        },
    };
    SettingsError::new(name, Some(entry.source.clone()), message)
}

/// The known name with the fewest edits, when it is near enough to be meant.
fn nearest(name: &str) -> Option<&'static str> {
    let scored = NAMES
        .iter()
        .map(|&known| (edit_distance(name, known), known))
        .min()?;
    (scored.0 <= 1 + name.len() / 4).then_some(scored.1)
}

/// Levenshtein's distance over bytes; setting names are ASCII.
pub(crate) fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(to.bytes()) {
            let substituted = diagonal + usize::from(a != b);
            diagonal = *cell;
            left = substituted.min(left + 1).min(*cell + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// One entry under its canonical name, with a reader for each type.
struct Setting<'a> {
    name: &'static str,
    entry: &'a Entry,
}

impl Setting<'_> {
    fn refuse(&self, message: impl Into<String>) -> SettingsError {
        SettingsError::new(self.name, Some(self.entry.source.clone()), message)
    }

    fn expected(&self, what: &str) -> SettingsError {
        self.refuse(format!(
            "expected {what}, got {}",
            describe(&self.entry.value)
        ))
    }

    fn text(&self) -> Result<String, SettingsError> {
        match &self.entry.value {
            Value::String(text) if !text.is_empty() => Ok(text.clone()),
            _ => Err(self.expected("a text")),
        }
    }

    fn optional_text(&self) -> Result<Option<String>, SettingsError> {
        match &self.entry.value {
            Value::Null => Ok(None),
            Value::String(text) if text.is_empty() => Ok(None),
            _ => self.text().map(Some),
        }
    }

    /// Like `text`, but what was found is never repeated.
    fn secret(&self) -> Result<String, SettingsError> {
        self.text().map_err(|_| {
            self.refuse("expected an HMAC secret or a PEM private key, as a text that is not empty")
        })
    }

    fn flag(&self) -> Result<bool, SettingsError> {
        match &self.entry.value {
            Value::Bool(flag) => Ok(*flag),
            Value::String(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(true),
                "false" | "0" | "no" | "off" => Ok(false),
                _ => Err(self.expected("true or false")),
            },
            _ => Err(self.expected("true or false")),
        }
    }

    fn size(&self) -> Result<usize, SettingsError> {
        let number = match &self.entry.value {
            Value::Number(Number::Int(int)) => usize::try_from(*int).ok(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let accepted = number.filter(|bytes| (1..=1 << 30).contains(bytes));
        accepted.ok_or_else(|| self.expected("a number of bytes between 1 and 1073741824"))
    }

    fn duration(&self) -> Result<Duration, SettingsError> {
        let seconds = match &self.entry.value {
            Value::Number(Number::Int(int)) => Duration::try_from_secs_f64(*int as f64).ok(),
            Value::Number(Number::Float(float)) => Duration::try_from_secs_f64(*float).ok(),
            Value::String(text) => duration_from_text(text),
            _ => None,
        };
        seconds.ok_or_else(|| {
            self.expected("a duration such as \"15m\", \"7 days\" or a number of seconds")
        })
    }

    fn list(&self) -> Result<Vec<String>, SettingsError> {
        let items = match &self.entry.value {
            Value::String(text) => {
                Some(text.split(',').map(|item| item.trim().to_owned()).collect())
            }
            Value::Array(values) => values
                .iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        items.ok_or_else(|| self.expected("a text or a list of texts"))
    }

    fn audience(&self) -> Result<Option<Audience>, SettingsError> {
        match &self.entry.value {
            Value::Null => Ok(None),
            Value::String(text) if text.is_empty() => Ok(None),
            Value::String(text) => Ok(Some(Audience::One(text.clone()))),
            Value::Array(values) if !values.is_empty() => {
                self.list().map(|list| Some(Audience::Any(list)))
            }
            _ => Err(self.expected("a text or a list of texts")),
        }
    }

    fn algorithm(&self) -> Result<Algorithm, SettingsError> {
        let text = self.text()?;
        text.parse()
            .map_err(|error| self.refuse(format!("{error}")))
    }

    fn token_classes(&self) -> Result<Vec<TokenClass>, SettingsError> {
        self.list()?
            .iter()
            .map(|path| self.token_class(path))
            .collect()
    }

    /// A class by its name or by the dotted path that Simple JWT expects.
    fn token_class(&self, path: &str) -> Result<TokenClass, SettingsError> {
        let name = path
            .strip_prefix("rest_framework_simplejwt.tokens.")
            .unwrap_or(path);
        TokenClass::ALL.into_iter().find(|class| class.name() == name).ok_or_else(|| {
            self.refuse(format!("no token class {path:?}, accepted: AccessToken, RefreshToken, SlidingToken, UntypedToken"))
        })
    }

    fn hashers(&self) -> Result<Vec<Hasher>, SettingsError> {
        let hashers = self
            .list()?
            .iter()
            .map(|name| name.parse::<Hasher>())
            .collect::<Result<Vec<_>, _>>();
        hashers.map_err(|error| self.refuse(error.to_string()))
    }

    /// Work by Django's attribute: `{ pbkdf2_sha256_iterations = 600000 }` or `pbkdf2_sha256_iterations=600000,…`.
    fn rounds(&self, rounds: &mut Rounds) -> Result<(), SettingsError> {
        for (name, number) in self.numbers()? {
            let field = match name.as_str() {
                "pbkdf2_sha256_iterations" => &mut rounds.pbkdf2_sha256_iterations,
                "pbkdf2_sha1_iterations" => &mut rounds.pbkdf2_sha1_iterations,
                "argon2_time_cost" => &mut rounds.argon2_time_cost,
                "argon2_memory_cost" => &mut rounds.argon2_memory_cost,
                "argon2_parallelism" => &mut rounds.argon2_parallelism,
                "bcrypt_rounds" => &mut rounds.bcrypt_rounds,
                "scrypt_work_factor" => &mut rounds.scrypt_work_factor,
                "scrypt_block_size" => &mut rounds.scrypt_block_size,
                "scrypt_parallelism" => &mut rounds.scrypt_parallelism,
                _ => {
                    return Err(self.refuse(format!("no work factor {name:?}, accepted: {ROUNDS}")));
                }
            };
            *field = number;
        }
        Ok(())
    }

    fn numbers(&self) -> Result<Vec<(String, u32)>, SettingsError> {
        let pairs: Option<Vec<_>> = match &self.entry.value {
            Value::Object(object) => object
                .iter()
                .map(|(name, value)| Some((name.clone(), u32::try_from(value.as_i64()?).ok()?)))
                .collect(),
            Value::String(text) => text
                .split(',')
                .map(|pair| {
                    pair.split_once('=').and_then(|(name, n)| {
                        Some((name.trim().to_owned(), n.trim().parse().ok()?))
                    })
                })
                .collect(),
            _ => None,
        };
        pairs.ok_or_else(|| {
            self.expected("numbers by name, such as { pbkdf2_sha256_iterations = 600000 }")
        })
    }

    fn url(&self) -> Result<Option<String>, SettingsError> {
        let url = self.optional_text()?;
        match &url {
            Some(text) if !text.starts_with("https://") && !text.starts_with("http://") => {
                Err(self.refuse("expected an http:// or https:// address"))
            }
            _ if cfg!(not(feature = "jwk-url")) && url.is_some() => {
                Err(self.refuse("needs the library's feature `jwk-url`"))
            }
            _ => Ok(url),
        }
    }

    fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, SettingsError> {
        let found = self
            .entry
            .value
            .as_str()
            .and_then(|text| choices.iter().find(|(name, _)| *name == text));
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<_> = choices
                .iter()
                .map(|(name, _)| format!("{name:?}"))
                .collect();
            self.expected(&names.join(" or "))
        })
    }

    /// A setting that holds Python code may only say "as built in".
    fn code(&self) -> Result<(), SettingsError> {
        let Some((_, built_in, door)) = CODE.iter().find(|(name, _, _)| *name == self.name) else {
            return Err(self.refuse("no such setting"));
        };
        match &self.entry.value {
            Value::Null => Ok(()),
            Value::String(text) if text == built_in => Ok(()),
            _ => Err(self.refuse(format!(
                "Python code cannot be run here; the library's door for this is {door}"
            ))),
        }
    }
}

/// "15m", "7 days", "1h 30m", ISO 8601, or seconds; a day is 24 hours, months and years have no fixed length.
fn duration_from_text(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let span: Span = text.parse().ok()?;
    Duration::try_from(span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?).ok()
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::IllFormed(_) => "an ill-formed text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
    }
}
