//! [`Settings`] back into named values, for showing: what [`Settings::load`] reads, with secrets blackened.

use super::load::{Entry, NAMES};
use super::values::{ErrorTexts, UserIdClaimType};
use super::{Audience, Setting, Settings};
use crate::json::{Object, Value};
use jiff::SignedDuration;
use std::time::Duration;

/// What stands in the place of a secret.
pub(super) const REDACTED: &str = "[redacted]";

impl Settings {
    /// Every setting with its value in effect, in the order of [`names`](Self::names) and in a form that
    /// [`load`](Self::load) reads. Settings that hold Python code are left out.
    ///
    /// `SIGNING_KEY` and credentials in `JWK_URL` are "\[redacted\]". The source is where the value was loaded from,
    /// "default", or "code" where a field was changed afterwards.
    pub fn entries(&self) -> Vec<Entry> {
        let default = Self::new("");
        let entry = |name: &'static str| {
            let value = self.value(name)?;
            let source = match self.sources.get(name) {
                Some(source) => source.as_str(),
                None if default.value(name).as_ref() == Some(&value) => "default",
                None => "code",
            };
            Some(Entry {
                name: name.to_owned(),
                value,
                source: source.to_owned(),
            })
        };
        NAMES.into_iter().filter_map(entry).collect()
    }

    /// The counterpart of `apply`; `None` for names whose values would be code.
    fn value(&self, name: &str) -> Option<Value> {
        Some(match name {
            "ACCESS_TOKEN_LIFETIME" => Setting::of_duration(self.access_token_lifetime),
            "ALGORITHM" => Value::from(self.algorithm.to_string()),
            "AUDIENCE" => self.audience.as_ref().map_or(Value::Null, audience),
            "AUTH_COOKIES" => Value::from(self.auth_cookies),
            "AUTH_COOKIE_SAMESITE" => text(self.auth_cookie_samesite.name()),
            "AUTH_COOKIE_SECURE" => Value::from(self.auth_cookie_secure),
            "AUTH_HEADER_NAME" => text(&self.auth_header_name),
            "AUTH_HEADER_TYPES" => texts(&self.auth_header_types),
            "AUTH_TOKEN_CLASSES" => texts(self.auth_token_classes.iter().map(|class| class.name())),
            "BLACKLIST_AFTER_ROTATION" => Value::from(self.blacklist_after_rotation),
            "CHECK_REVOKE_TOKEN" => Value::from(self.check_revoke_token),
            "CHECK_USER_IS_ACTIVE" => Value::from(self.check_user_is_active),
            "CSRF_TRUSTED_ORIGINS" => texts(&self.csrf_trusted_origins),
            "DATA_UPLOAD_MAX_MEMORY_SIZE" => {
                Value::from(i64::try_from(self.data_upload_max_memory_size).unwrap_or(i64::MAX))
            }
            "ERROR_TEXTS" => Value::from(match self.error_texts {
                ErrorTexts::V5_5 => "5.5",
                ErrorTexts::V5_4 => "5.4",
            }),
            "INSECURE_ALLOW_SHORT_KEYS" => Value::from(self.insecure_allow_short_keys),
            "ISSUER" => optional_text(self.issuer.as_deref()),
            "JTI_CLAIM" => optional_text(self.jti_claim.as_deref()),
            "JWK_URL" => self.jwk_url.as_deref().map_or(Value::Null, url),
            "LEEWAY" => Setting::of_duration(self.leeway),
            "PASSWORD_HASHERS" => texts(self.password_hashers.iter().map(|hasher| hasher.name())),
            "PASSWORD_ROUNDS" => self.rounds(),
            "REFRESH_TOKEN_LIFETIME" => Setting::of_duration(self.refresh_token_lifetime),
            "REUSE_DETECTION" => Value::from(self.reuse_detection),
            "REVOKE_TOKEN_CLAIM" => text(&self.revoke_token_claim),
            "ROTATE_REFRESH_TOKENS" => Value::from(self.rotate_refresh_tokens),
            "ROTATION_GRACE_PERIOD" => Setting::of_duration(self.rotation_grace_period),
            "SIGNING_KEY" => secret(self.signing_key.expose()),
            "SLIDING_TOKEN_LIFETIME" => Setting::of_duration(self.sliding_token_lifetime),
            "SLIDING_TOKEN_REFRESH_EXP_CLAIM" => text(&self.sliding_token_refresh_exp_claim),
            "SLIDING_TOKEN_REFRESH_LIFETIME" => {
                Setting::of_duration(self.sliding_token_refresh_lifetime)
            }
            "STORE_FULL_TOKENS" => Value::from(self.store_full_tokens),
            "TOKEN_TYPE_CLAIM" => optional_text(self.token_type_claim.as_deref()),
            "UPDATE_LAST_LOGIN" => Value::from(self.update_last_login),
            "USER_ID_CLAIM" => text(&self.user_id_claim),
            "USER_ID_CLAIM_TYPE" => Value::from(match self.user_id_claim_type {
                UserIdClaimType::String => "string",
                UserIdClaimType::Number => "number",
            }),
            "USER_ID_FIELD" => text(&self.user_id_field),
            "VERIFYING_KEY" => self.shown_verifying_key(),
            _ => return None,
        })
    }

    /// A public key may be seen. What is no public key, somebody put there by mistake.
    fn shown_verifying_key(&self) -> Value {
        let is_private = self.verifying_key.contains("PRIVATE");
        if self.algorithm.is_symmetric() || is_private {
            secret(&self.verifying_key)
        } else {
            text(&self.verifying_key)
        }
    }

    fn rounds(&self) -> Value {
        let rounds = &self.password_rounds;
        let numbers = [
            ("pbkdf2_sha256_iterations", rounds.pbkdf2_sha256_iterations),
            ("pbkdf2_sha1_iterations", rounds.pbkdf2_sha1_iterations),
            ("argon2_time_cost", rounds.argon2_time_cost),
            ("argon2_memory_cost", rounds.argon2_memory_cost),
            ("argon2_parallelism", rounds.argon2_parallelism),
            ("bcrypt_rounds", rounds.bcrypt_rounds),
            ("scrypt_work_factor", rounds.scrypt_work_factor),
            ("scrypt_block_size", rounds.scrypt_block_size),
            ("scrypt_parallelism", rounds.scrypt_parallelism),
        ];
        let numbers = numbers.map(|(name, number)| (name, i64::from(number)));
        Value::Object(Object::from_iter(numbers))
    }
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn optional_text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::from)
}

fn texts(texts: impl IntoIterator<Item: AsRef<str>>) -> Value {
    let texts = texts.into_iter().map(|text| Value::from(text.as_ref()));
    Value::Array(texts.collect())
}

fn audience(audience: &Audience) -> Value {
    match audience {
        Audience::One(one) => text(one),
        Audience::Any(many) => texts(many),
    }
}

fn secret(secret: &str) -> Value {
    Value::from(if secret.is_empty() { "" } else { REDACTED })
}

/// An address may carry a name and a password before its host.
fn url(url: &str) -> Value {
    let Some((scheme, rest)) = url.split_once("://") else {
        return text(url);
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => Value::from(format!("{scheme}://{REDACTED}@{host}{path}")),
        None => text(url),
    }
}

impl Setting<'_> {
    /// A duration as [`duration`](Self::duration) reads it: "5m", "1h 30m", "7 days"; in seconds what is too long for
    /// that.
    pub fn of_duration(duration: Duration) -> Value {
        const DAY: u64 = 86_400;
        let days = duration.as_secs() / DAY;
        if days > 0 && duration == Duration::from_secs(days * DAY) {
            let unit = if days == 1 { "day" } else { "days" };
            return Value::from(format!("{days} {unit}"));
        }
        match SignedDuration::try_from(duration) {
            Ok(duration) => Value::from(format!("{duration:#}")),
            Err(_) => Value::from(duration.as_secs_f64()),
        }
    }
}
