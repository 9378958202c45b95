//! Whether a new password is any good: the four validators that Django configures in a new project, with its texts.
//!
//! Answers to Django 5.2's `django/contrib/auth/password_validation.py`. Nothing here is asked at a log-in.

use flate2::read::GzDecoder;
use std::io::Read as _;
use std::sync::LazyLock;

const MIN_LENGTH: usize = 8;
const MAX_SIMILARITY: f64 = 0.7;

/// What is wrong with a new password. `Display` gives Django's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordFlaw {
    /// It resembles what is known of the user; holds the name of that field.
    #[error("The password is too similar to the {0}.")]
    TooSimilar(String),
    /// Fewer than eight characters.
    #[error("This password is too short. It must contain at least {MIN_LENGTH} characters.")]
    TooShort,
    /// It stands in Django's list of common passwords.
    #[error("This password is too common.")]
    TooCommon,
    /// Digits only.
    #[error("This password is entirely numeric.")]
    EntirelyNumeric,
}

/// What is known of the user whom the password is for; empty where it is not.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserAttributes<'a> {
    /// The login name, unless that is the e-mail address.
    pub username: &'a str,
    /// The first name.
    pub first_name: &'a str,
    /// The last name.
    pub last_name: &'a str,
    /// The e-mail address.
    pub email: &'a str,
}

/// Everything that Django's default validators find wrong, in their order; empty if the password is fine.
///
/// Whether a hasher takes it is another question, as is the limit of
/// [`MAX_PASSWORD_BYTES`](super::MAX_PASSWORD_BYTES).
pub fn validate_password(password: &str, user: &UserAttributes<'_>) -> Vec<PasswordFlaw> {
    let similar = similar_attribute(&password.to_lowercase(), user);
    let is_short = password.chars().count() < MIN_LENGTH;
    let is_numeric = !password.is_empty() && password.chars().all(char::is_numeric);
    [
        similar.map(|name| PasswordFlaw::TooSimilar(name.to_owned())),
        is_short.then_some(PasswordFlaw::TooShort),
        is_common(password).then_some(PasswordFlaw::TooCommon),
        is_numeric.then_some(PasswordFlaw::EntirelyNumeric),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The first field of which the whole or a word is too much like the password.
fn similar_attribute(password: &str, user: &UserAttributes<'_>) -> Option<&'static str> {
    let attributes = [
        ("username", user.username),
        ("first name", user.first_name),
        ("last name", user.last_name),
        ("email address", user.email),
    ];
    let is_similar = |value: &str| {
        let value = value.to_lowercase();
        let words = value.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.chain([value.as_str()]).any(|part| {
            is_comparable(password, part) && quick_ratio(password, part) >= MAX_SIMILARITY
        })
    };
    let similar = attributes
        .into_iter()
        .find(|(_, value)| !value.is_empty() && is_similar(value));
    similar.map(|(name, _)| name)
}

/// Not where the lengths alone keep the two apart.
#[expect(clippy::cast_precision_loss, reason = "lengths of texts")]
fn is_comparable(password: &str, value: &str) -> bool {
    let (length, other) = (password.chars().count(), value.chars().count());
    let is_far_longer = length >= 10 * other;
    let bound = MAX_SIMILARITY / 2.0 * length as f64;
    !(is_far_longer && (other as f64) < bound)
}

/// Python's `difflib.SequenceMatcher.quick_ratio`: the share of characters in common, wherever they stand.
#[expect(clippy::cast_precision_loss, reason = "lengths of texts")]
fn quick_ratio(a: &str, b: &str) -> f64 {
    let mut left: Vec<char> = b.chars().collect();
    let total = a.chars().count() + left.len();
    if total == 0 {
        return 1.0;
    }
    let matches = a.chars().filter(|c| {
        let place = left.iter().position(|other| other == c);
        place.map(|place| left.swap_remove(place)).is_some()
    });
    2.0 * matches.count() as f64 / total as f64
}

fn is_common(password: &str) -> bool {
    let wanted = password.to_lowercase();
    COMMON.lines().any(|common| common == wanted.trim())
}

/// 160 KB once somebody asks.
static COMMON: LazyLock<String> = LazyLock::new(|| {
    let compressed = include_bytes!("common-passwords/common-passwords.txt.gz");
    let mut list = String::new();
    // The file is part of the program, and a test reads it.
    let _ = GzDecoder::new(compressed.as_slice()).read_to_string(&mut list);
    list
});

#[cfg(test)]
mod tests {
    use super::{COMMON, PasswordFlaw, UserAttributes, validate_password};
    use serde_json::Value;

    #[test]
    fn the_list_is_djangos() {
        assert_eq!(COMMON.lines().count(), 19_640);
        assert_eq!(COMMON.lines().next(), Some("123456"));
    }

    /// Recorded with `record.py`, which lies beside the file.
    #[test]
    fn verdicts_are_djangos() {
        let recorded = include_str!("../../tests/vectors/password-validation/verdicts.json");
        let cases: Vec<Value> = serde_json::from_str(recorded).unwrap();
        assert!(cases.len() > 500);
        for case in cases {
            let user = |name: &str| case["user"][name].as_str().unwrap_or("");
            let attributes = UserAttributes {
                username: user("username"),
                first_name: user("first_name"),
                last_name: user("last_name"),
                email: user("email"),
            };
            let flaws = validate_password(case["password"].as_str().unwrap(), &attributes);
            let texts: Vec<String> = flaws.iter().map(ToString::to_string).collect();
            assert_eq!(serde_json::to_value(texts).unwrap(), case["says"], "{case}");
        }
    }

    #[test]
    fn a_long_password_is_judged_at_once() {
        let password = "\u{df}".repeat(super::super::MAX_PASSWORD_BYTES / 2);
        let user = UserAttributes {
            username: &"\u{df}x".repeat(75),
            ..UserAttributes::default()
        };
        assert_eq!(
            validate_password(&password, &user),
            Vec::<PasswordFlaw>::new()
        );
    }
}
