//! The tokens in the links of mails: Django's `PasswordResetTokenGenerator`, byte for byte.
//!
//! A token is good until what it was made from changes: password, last log-in, address. Nothing is stored.

use crate::models::{UserId, UserIdKind};
use crate::settings::Secret;
use crate::store::Account;
use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write as _;
use std::time::Duration;

/// 2001-01-01 00:00:00 UTC, from which Django counts.
const EPOCH: i64 = 978_307_200;

/// What a token is for: one kind is never good for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Django's own.
    PasswordReset,
    /// Ours.
    EmailVerification,
}

impl Purpose {
    fn key_salt(self) -> &'static str {
        match self {
            Self::PasswordReset => "django.contrib.auth.tokens.PasswordResetTokenGenerator",
            Self::EmailVerification => "tokenpair.accounts.EmailVerificationTokenGenerator",
        }
    }

    /// The token for a link that is sent now.
    ///
    /// DIFFERENCE: Django counts in local time, which is UTC only where `TIME_ZONE` says so. Elsewhere a link of the one
    /// lives so many hours longer or shorter at the other.
    pub(super) fn make_token(self, account: &Account, secret: &Secret, now: Timestamp) -> String {
        self.token_of(account, secret, now.as_second() - EPOCH)
    }

    /// Whether this is such a token, made at most `timeout` ago.
    pub(super) fn check_token(
        self,
        account: &Account,
        token: &str,
        secret: &Secret,
        timeout: Duration,
        now: Timestamp,
    ) -> bool {
        let seconds = token.split_once('-').map_or("", |(seconds, _)| seconds);
        // A token that says nothing is computed all the same: it takes as long.
        let made_at = i64::from_str_radix(seconds, 36).ok().filter(|at| *at >= 0);
        let wanted = self.token_of(account, secret, made_at.unwrap_or(0));
        let is_equal =
            constant_time::verify_slices_are_equal(wanted.as_bytes(), token.as_bytes()).is_ok();
        let age = made_at.map(|at| (now.as_second() - EPOCH).saturating_sub(at));
        let timeout = i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX);
        is_equal && age.is_some_and(|age| age <= timeout)
    }

    fn token_of(self, account: &Account, secret: &Secret, seconds: i64) -> String {
        let digest = salted_hmac(self.key_salt(), &hash_value(account, seconds), secret);
        // Every second digit: "limit to shorten the URL".
        let digits = digest.as_ref().iter().map(|byte| byte >> 4);
        let mut token = base36(seconds) + "-";
        for digit in digits {
            let _ = write!(token, "{digit:x}");
        }
        token
    }
}

/// `_make_hash_value`.
fn hash_value(account: &Account, seconds: i64) -> String {
    let user = &account.user;
    let last_login = account.last_login.map(|at| {
        let at = TimeZone::UTC.to_datetime(at);
        at.strftime("%Y-%m-%d %H:%M:%S").to_string()
    });
    format!(
        "{}{}{}{seconds}{}",
        user.id,
        user.password.expose(),
        last_login.unwrap_or_default(),
        account.email.as_deref().unwrap_or_default()
    )
}

/// `django.utils.crypto.salted_hmac` with SHA-256.
fn salted_hmac(key_salt: &str, value: &str, secret: &Secret) -> hmac::Tag {
    let mut key = digest::Context::new(&digest::SHA256);
    key.update(key_salt.as_bytes());
    key.update(secret.expose().as_bytes());
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.finish().as_ref());
    hmac::sign(&key, value.as_bytes())
}

/// `django.utils.http.int_to_base36`.
fn base36(number: i64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut rest = number.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        let digit = usize::try_from(rest % 36).unwrap_or(0);
        digits.push(char::from(DIGITS[digit]));
        rest /= 36;
        if rest == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

/// The primary key as it stands in a link.
pub(super) fn uid(id: &UserId) -> String {
    URL_SAFE_NO_PAD.encode(id.to_string())
}

/// The primary key that a link names.
pub(super) fn id_of(uid: &str, kind: UserIdKind) -> Option<UserId> {
    let bytes = URL_SAFE_NO_PAD.decode(uid).ok()?;
    UserId::from_text(std::str::from_utf8(&bytes).ok()?, kind)
}

#[cfg(test)]
mod tests;
