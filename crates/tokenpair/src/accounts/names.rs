//! Django's rules for user names and e-mail addresses.
//!
//! Answers to `UnicodeUsernameValidator`, `AbstractBaseUser.normalize_username` and `EmailValidator` of Django 5.2.

use crate::error::StoreError;
use crate::store::UserModel;
use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use std::net::IpAddr;

/// The longest user name of Django's `auth.User`, in characters; as long are first and last name.
pub const MAX_USERNAME: usize = 150;
/// The longest address of its `email` column; where the address is the login, it has to fit both.
pub const MAX_EMAIL: usize = 254;
const BAD_USERNAME: &str = "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters.";
const BAD_EMAIL: &str = "Enter a valid email address.";

/// What users of `auth_user` log in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// By the user name.
    Username,
    /// By the e-mail address, which is kept as the user name, too.
    Email,
}

impl Login {
    /// Fails for a model whose users are not ours to create.
    pub fn of(model: &UserModel) -> Result<Self, StoreError> {
        Ok(if model.creates_by_email()? {
            Self::Email
        } else {
            Self::Username
        })
    }

    /// Django's name for the field.
    pub fn verbose_name(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email address",
        }
    }

    /// As Django stores it: one form of each letter, and a domain in lower case.
    pub fn normalize(self, login: &str) -> String {
        match self {
            Self::Username => nfkc(login),
            Self::Email => normalize_email(login),
        }
    }

    /// What Django's field finds wrong with it, in its words.
    pub fn flaws(self, login: &str) -> Vec<String> {
        match self {
            Self::Username => username_flaws(login),
            // The address is kept as the user name, too.
            Self::Email => email_flaws(login)
                .into_iter()
                .chain(too_long(login, MAX_USERNAME))
                .collect(),
        }
    }
}

/// `BaseUserManager.normalize_email`.
pub fn normalize_email(email: &str) -> String {
    match email.trim().rsplit_once('@') {
        Some((name, domain)) => format!("{name}@{}", domain.to_lowercase()),
        None => email.to_owned(),
    }
}

/// Each letter in its one usual form (NFKC): `ﬁ` is `fi`, `Å` the one letter however it was typed.
pub(crate) fn nfkc(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc()
        .normalize(text)
        .into_owned()
}

/// What Django's `UnicodeUsernameValidator` says against a name, whatever its length.
pub(super) fn username_flaw(name: &str) -> Option<&'static str> {
    let allowed = |c: char| is_word(c) || "@.+-".contains(c);
    let valid = !name.is_empty() && name.chars().all(allowed);
    (!valid).then_some(BAD_USERNAME)
}

/// Python's `\w`: letters, digits and `_`, but no mark that needs a letter before it.
fn is_word(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let is_word = [GeneralCategoryGroup::Letter, GeneralCategoryGroup::Number];
    c == '_' || is_word.iter().any(|group| group.contains(category))
}

/// What Django's `EmailValidator` says against an address, whatever its length.
pub(super) fn email_flaw(email: &str) -> Option<&'static str> {
    (!is_email(email)).then_some(BAD_EMAIL)
}

/// What Django's field for user names finds wrong with a name.
pub fn username_flaws(name: &str) -> Vec<String> {
    let flaw = username_flaw(name).map(str::to_owned);
    flaw.into_iter()
        .chain(too_long(name, MAX_USERNAME))
        .collect()
}

/// What Django's `EmailField` finds wrong with an address.
pub fn email_flaws(email: &str) -> Vec<String> {
    let flaw = email_flaw(email).map(str::to_owned);
    flaw.into_iter().chain(too_long(email, MAX_EMAIL)).collect()
}

fn too_long(text: &str, most: usize) -> Option<String> {
    let length = text.chars().count();
    (length > most)
        .then(|| format!("Ensure this value has at most {most} characters (it has {length})."))
}

/// Django's `EmailValidator`, but for quoted names (`"a b"@example.com`), which nobody has.
fn is_email(email: &str) -> bool {
    let Some((name, domain)) = email.rsplit_once('@') else {
        return false;
    };
    let atom = |c: char| c.is_ascii_alphanumeric() || "-!#$%&'*+/=?^_`{}|~".contains(c);
    let is_name = name
        .split('.')
        .all(|part| !part.is_empty() && part.chars().all(atom));
    is_name && (domain == "localhost" || is_domain(domain) || is_literal(domain))
}

/// Two labels or more; the last has no digits unless it is Punycode.
fn is_domain(domain: &str) -> bool {
    // Beyond ASCII Django asks for no more than a place in the first plane.
    let letter = |c: char| c.is_ascii_alphabetic() || ('\u{a1}'..='\u{ffff}').contains(&c);
    let is_label = |label: &str, allowed: &dyn Fn(char) -> bool| {
        (1..=63).contains(&label.chars().count())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c == '-' || allowed(c))
    };
    let Some((before, last)) = domain.rsplit_once('.') else {
        return false;
    };
    let punycode = last
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    let is_last = if punycode {
        is_label(last, &|c| c.is_ascii_alphanumeric())
    } else {
        last.chars().count() > 1 && is_label(last, &letter)
    };
    is_last
        && before
            .split('.')
            .all(|label| is_label(label, &|c| letter(c) || c.is_ascii_digit()))
}

/// An IP address in brackets.
fn is_literal(domain: &str) -> bool {
    let inner = domain
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    inner.is_some_and(|address| address.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::{Login, is_email, normalize_email, username_flaws};

    #[test]
    fn user_names_are_djangos() {
        for name in [
            "ada",
            "Ada.Lovelace+1@x-y_z",
            "Ådám",
            "李明",
            "कमल",
            "ada_²½Ⅷ",
            &"a".repeat(150),
        ] {
            assert_eq!(username_flaws(name), Vec::<String>::new(), "{name}");
        }
        for name in ["", "a b", "a/b", "a\u{7}", "ada\n", "\u{345}", "कमला", "Ⓐ"] {
            assert_eq!(username_flaws(name).len(), 1, "{name:?}");
        }
        assert_eq!(
            username_flaws(&"a".repeat(151)),
            ["Ensure this value has at most 150 characters (it has 151)."]
        );
        assert_eq!(Login::Username.normalize("ﬁne\u{0041}\u{030a}"), "fineÅ");
    }

    /// Examples of Django's own tests of `validate_email`.
    #[test]
    fn addresses_are_djangos() {
        for email in [
            "email@here.com",
            "weirder-email@here.and.there.com",
            "email@[127.0.0.1]",
            "email@[2001:dB8::1]",
            "email@localhost",
            "email@xn--4ca9at.at",
            "example@valid-----hyphens.com",
            "test@domain.with.idn.tld.उदाहरण.परीक्षा",
            "a'b@example.org",
        ] {
            assert!(is_email(email), "{email}");
        }
        for email in [
            "",
            "abc",
            "abc@",
            "abc@bar",
            "a @x.cz",
            "abc@.com",
            "something@@somewhere.com",
            "email@127.0.0.1",
            "email@[127.0.0.256]",
            "example@invalid-.com",
            "example@-invalid.com",
            "example@invalid.com-",
            "example@inv-.alid-.com",
            "test@example.com\n\n<script src=\"x.js\">",
            ".a@example.com",
            "a..b@example.com",
            "trailingdot@shouldfail.com.",
        ] {
            assert!(!is_email(email), "{email}");
        }
        assert_eq!(normalize_email(" Ada@EXAMPLE.com "), "Ada@example.com");
    }
}
