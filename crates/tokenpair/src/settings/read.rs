//! Reading one named value as the type its setting has; a refusal says what would be accepted.

use super::Audience;
use super::load::{Entry, SettingsError};
use super::values::TokenClass;
use crate::backend::Algorithm;
use crate::json::{Number, Value};
use crate::passwords::{Hasher, Rounds};
use jiff::{Span, SpanRelativeTo};
use std::time::Duration;

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
        "`web::Principal`, around a `TokenUser`",
    ),
    (
        "USER_AUTHENTICATION_RULE",
        "rest_framework_simplejwt.authentication.default_user_authentication_rule",
        "`SimpleJwtBuilder::user_authentication_rule`",
    ),
];

const ROUNDS: &str = "pbkdf2_sha256_iterations, pbkdf2_sha1_iterations, argon2_time_cost, argon2_memory_cost, \
                      argon2_parallelism, bcrypt_rounds, scrypt_work_factor, scrypt_block_size, scrypt_parallelism";

/// One entry under its canonical name, with a reader for each type. For the engine's settings and for those of a
/// server around it, so that both take the same forms and refuse in the same words.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    pub(super) name: &'a str,
    pub(super) entry: &'a Entry,
}

impl<'a> Setting<'a> {
    /// Reads `entry`, to be called `name` in errors.
    pub fn new(name: &'a str, entry: &'a Entry) -> Self {
        Self { name, entry }
    }

    /// The value as it was found.
    pub fn value(&self) -> &'a Value {
        &self.entry.value
    }

    /// An error about this entry.
    pub fn refuse(&self, message: impl Into<String>) -> SettingsError {
        SettingsError::new(self.name, Some(self.entry.source.clone()), message)
    }

    /// An error that says what is accepted and shows what was found.
    pub fn expected(&self, what: &str) -> SettingsError {
        self.refuse(format!(
            "expected {what}, got {}",
            describe(&self.entry.value)
        ))
    }

    /// A text that is not empty.
    pub fn text(&self) -> Result<String, SettingsError> {
        match &self.entry.value {
            Value::String(text) if !text.is_empty() => Ok(text.clone()),
            _ => Err(self.expected("a text")),
        }
    }

    /// A text; none and the empty one mean absent.
    pub fn optional_text(&self) -> Result<Option<String>, SettingsError> {
        match &self.entry.value {
            Value::Null => Ok(None),
            Value::String(text) if text.is_empty() => Ok(None),
            _ => self.text().map(Some),
        }
    }

    /// Like `text`, but what was found is never repeated.
    pub(super) fn secret(&self) -> Result<String, SettingsError> {
        let text = self.text().map_err(|_| {
            self.refuse("expected an HMAC secret or a PEM private key, as a text that is not empty")
        })?;
        if text == super::entries::REDACTED {
            return Err(self.refuse("is what is shown in place of a key, not a key"));
        }
        Ok(text)
    }

    /// A boolean, or `true`, `1`, `yes`, `on` and their opposites.
    pub fn flag(&self) -> Result<bool, SettingsError> {
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

    pub(super) fn size(&self) -> Result<usize, SettingsError> {
        let number = match &self.entry.value {
            Value::Number(Number::Int(int)) => usize::try_from(*int).ok(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let accepted = number.filter(|bytes| (1..=1 << 30).contains(bytes));
        accepted.ok_or_else(|| self.expected("a number of bytes between 1 and 1073741824"))
    }

    /// Seconds, or a text such as "15m" or "7 days".
    pub fn duration(&self) -> Result<Duration, SettingsError> {
        let seconds = match &self.entry.value {
            Value::Number(Number::Int(int)) => u64::try_from(*int).ok().map(Duration::from_secs),
            Value::Number(Number::Float(float)) => Duration::try_from_secs_f64(*float).ok(),
            Value::String(text) => duration_from_text(text),
            _ => None,
        };
        seconds.ok_or_else(|| {
            self.expected("a duration such as \"15m\", \"7 days\" or a number of seconds")
        })
    }

    /// A list of texts, or one text with commas between the items; an empty text is an empty list.
    pub fn list(&self) -> Result<Vec<String>, SettingsError> {
        let items = match &self.entry.value {
            Value::String(text) if text.trim().is_empty() => Some(Vec::new()),
            Value::String(text) => {
                let items = text.split(',').map(str::trim);
                let items = items.map(|item| (!item.is_empty()).then(|| item.to_owned()));
                items.collect()
            }
            Value::Array(values) => values
                .iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        items.ok_or_else(|| self.expected("a text or a list of texts"))
    }

    pub(super) fn audience(&self) -> Result<Option<Audience>, SettingsError> {
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

    pub(super) fn algorithm(&self) -> Result<Algorithm, SettingsError> {
        let text = self.text()?;
        text.parse()
            .map_err(|error| self.refuse(format!("{error}")))
    }

    pub(super) fn token_classes(&self) -> Result<Vec<TokenClass>, SettingsError> {
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

    pub(super) fn hashers(&self) -> Result<Vec<Hasher>, SettingsError> {
        let hashers = self
            .list()?
            .iter()
            .map(|name| name.parse::<Hasher>())
            .collect::<Result<Vec<_>, _>>();
        hashers.map_err(|error| self.refuse(error.to_string()))
    }

    /// Work by Django's attribute: `{ pbkdf2_sha256_iterations = 600000 }` or `pbkdf2_sha256_iterations=600000,…`.
    pub(super) fn rounds(&self, rounds: &mut Rounds) -> Result<(), SettingsError> {
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

    pub(super) fn url(&self) -> Result<Option<String>, SettingsError> {
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

    /// One of the given names.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, SettingsError> {
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
    pub(super) fn code(&self) -> Result<(), SettingsError> {
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
