//! The fields of a request and what is wrong with them: DRF's `Serializer`, with all flaws of all fields at once.

use super::names;
use crate::convert::strip;
use crate::error::{Error, ValidationError};
use crate::passwords::{MAX_PASSWORD_BYTES, UserAttributes, validate_password};
use std::fmt;

const REQUIRED: &str = "This field is required.";
const BLANK: &str = "This field may not be blank.";
const NULL_CHARACTERS: &str = "Null characters are not allowed.";

/// What a client sent, by field: a text as received, or why it is none. `Debug` shows the names only.
///
/// Fields that an operation does not know are ignored, whatever they are called.
///
/// ```
/// use tokenpair::accounts::Fields;
/// let fields = Fields::from([("old_password", "known"), ("new_password", "something better")]);
/// ```
#[derive(Clone, Default)]
pub struct Fields(Vec<(String, Result<String, Vec<String>>)>);

impl Fields {
    /// Adds a field; an error holds what is wrong with it, in DRF's words.
    pub fn insert(&mut self, name: &str, sent: Result<String, Vec<String>>) {
        self.0.push((name.to_owned(), sent));
    }

    fn get(&self, name: &str) -> Option<&Result<String, Vec<String>>> {
        let mut fields = self.0.iter().rev();
        fields
            .find(|(known, _)| known == name)
            .map(|(_, sent)| sent)
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Fields {
    fn from(fields: [(&str, &str); N]) -> Self {
        let own = |(name, text): (&str, &str)| (name.to_owned(), Ok(text.to_owned()));
        Self(fields.into_iter().map(own).collect())
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| name);
        f.write_str("Fields")?;
        f.debug_list().entries(names).finish()
    }
}

/// Fields being read. Flaws are collected until [`finish`](Self::finish).
pub(super) struct Form<'a> {
    fields: &'a Fields,
    flaws: ValidationError,
}

impl<'a> Form<'a> {
    pub(super) fn new(fields: &'a Fields) -> Self {
        Self {
            fields,
            flaws: ValidationError::default(),
        }
    }

    /// The text without outer white space, possibly blank; `None` if it is absent or flawed.
    pub(super) fn optional(&mut self, name: &str) -> Option<&'a str> {
        let text = strip(self.received(name)?);
        Some(text)
    }

    /// The same for a field that may be absent, but not blank.
    pub(super) fn not_blank(&mut self, name: &str) -> Option<&'a str> {
        let text = self.optional(name)?;
        if text.is_empty() {
            self.flaw(name, BLANK);
            return None;
        }
        Some(text)
    }

    /// The same for a field that has to be there.
    pub(super) fn required(&mut self, name: &str) -> Option<&'a str> {
        self.require(name);
        self.not_blank(name)
    }

    /// A password that has to be there, as received.
    pub(super) fn password(&mut self, name: &str) -> Option<&'a str> {
        self.require(name);
        let text = self.received(name)?;
        if strip(text).is_empty() {
            self.flaw(name, BLANK);
            return None;
        }
        if text.len() > MAX_PASSWORD_BYTES {
            let text = format!("Ensure this field has no more than {MAX_PASSWORD_BYTES} bytes.");
            self.flaw(name, text);
            return None;
        }
        Some(text)
    }

    fn require(&mut self, name: &str) {
        if self.fields.get(name).is_none() {
            self.flaw(name, REQUIRED);
        }
    }

    fn received(&mut self, name: &str) -> Option<&'a str> {
        match self.fields.get(name)? {
            Ok(text) if text.contains('\0') => {
                self.flaw(name, NULL_CHARACTERS);
                None
            }
            Ok(text) => Some(text),
            Err(flaws) => {
                for flaw in flaws {
                    self.flaw(name, flaw);
                }
                None
            }
        }
    }

    /// Django's rule for user names.
    pub(super) fn check_username(&mut self, name: &str, value: &str) {
        if let Some(flaw) = names::username_flaw(value) {
            self.flaw(name, flaw);
        }
        self.check_length(name, value, names::MAX_USERNAME);
    }

    /// Django's rule for addresses, of which `most` characters fit.
    pub(super) fn check_email(&mut self, name: &str, value: &str, most: usize) {
        if let Some(flaw) = names::email_flaw(value) {
            self.flaw(name, flaw);
        }
        self.check_length(name, value, most);
    }

    /// An address that has to be there; empty if it is flawed.
    pub(super) fn address(&mut self, name: &str) -> &'a str {
        let email = self.required(name).unwrap_or_default();
        if !email.is_empty() {
            self.check_email(name, email, names::MAX_EMAIL);
        }
        email
    }

    pub(super) fn check_length(&mut self, name: &str, value: &str, most: usize) {
        if value.chars().count() > most {
            let text = format!("Ensure this field has no more than {most} characters.");
            self.flaw(name, text);
        }
    }

    /// Django's validators of new passwords.
    pub(super) fn check_password(&mut self, name: &str, value: &str, user: &UserAttributes<'_>) {
        for flaw in validate_password(value, user) {
            self.flaw(name, flaw.to_string());
        }
    }

    pub(super) fn flaw(&mut self, name: &str, text: impl Into<String>) {
        self.flaws.add(name, text);
    }

    pub(super) fn has_flaw(&self, name: &str) -> bool {
        self.flaws.is_about(name)
    }

    /// Fails if anything was wrong.
    pub(super) fn finish(self) -> Result<(), Error> {
        if self.flaws.is_empty() {
            Ok(())
        } else {
            Err(self.flaws.into())
        }
    }
}

/// What bcrypt, which cuts passwords, does not take.
pub(super) fn too_long_for_bcrypt(field: &str) -> ValidationError {
    ValidationError::new(field, "Ensure this field has no more than 72 bytes.")
}
