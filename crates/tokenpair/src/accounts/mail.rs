//! What is written to people, and the door to whatever sends it.

use super::link_token::{Purpose, uid};
use super::password::somebody;
use super::{Accounts, refuse};
use crate::error::{Error, StoreError};
use crate::settings::SettingsError;
use crate::store::Account;
use std::fmt;
use std::sync::Arc;

/// Sends mail, some time.
///
/// Nobody waits for it: what an answer takes must not tell whether there was somebody to write to.
pub trait Mailer: Send + Sync + 'static {
    /// Takes a message to be sent, at once and without waiting for anybody.
    fn send(&self, message: Message) -> Result<(), MailerFull>;

    /// Whether a message would be taken now. Asked before it is known whether there is one, so that everybody is told
    /// alike when there is no room.
    fn has_room(&self) -> bool {
        true
    }
}

/// Too many messages wait to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many mails wait to be sent")]
pub struct MailerFull;

/// A message in plain text. `Debug` shows nothing of it: it may hold a link that lets somebody in.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The address, as the database has it.
    pub to: String,
    /// The subject, one line.
    pub subject: String,
    /// The text.
    pub body: String,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Message([redacted])")
    }
}

/// How people are written to.
#[derive(Clone)]
pub struct Mail {
    /// Who sends it.
    pub mailer: Arc<dyn Mailer>,
    /// What the site is called in messages.
    pub site_name: String,
    /// Where a password is set anew, with `{uid}` and `{token}` in their places: `https://example.org/reset/{uid}/{token}/`.
    pub password_reset_link: String,
    /// Where an address is proved, likewise.
    pub email_verification_link: String,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail")
            .field("site_name", &self.site_name)
            .field("password_reset_link", &self.password_reset_link)
            .field("email_verification_link", &self.email_verification_link)
            .finish_non_exhaustive()
    }
}

impl Mail {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        if self.site_name.is_empty() || self.site_name.chars().any(char::is_control) {
            return Err(refuse("site_name", "must be a name on one line"));
        }
        for (name, link) in [
            ("password_reset_link", &self.password_reset_link),
            ("email_verification_link", &self.email_verification_link),
        ] {
            let is_url = link.starts_with("https://") || link.starts_with("http://");
            let is_plain = !link.chars().any(|c| c.is_control() || c.is_whitespace());
            if !is_url || !is_plain || !link.contains("{uid}") || !link.contains("{token}") {
                let message = "must be an http:// or https:// address with {uid} and {token} in it";
                return Err(refuse(name, message));
            }
        }
        Ok(())
    }

    /// There was room a moment ago. If there is none now, the message is lost: to say so would tell that there was
    /// somebody to write to.
    pub(super) fn send(&self, message: Message) {
        let _ = self.mailer.send(message);
    }

    /// Fails if there is no room for a message, whether there is somebody to write to or not.
    pub(super) fn check_room(&self) -> Result<(), Error> {
        if self.mailer.has_room() {
            Ok(())
        } else {
            Err(full(MailerFull))
        }
    }
}

/// An outage: nothing was done, and trying again later is right.
fn full(error: MailerFull) -> Error {
    StoreError::new(error).into()
}

/// Accounts most that are written to at a time, at an address that several have.
pub(super) const MOST_LETTERS: usize = 10;

impl Mail {
    /// To who has an account already and seems to have forgotten it.
    pub(super) fn already_signed_up(&self, email: &str) -> Message {
        let site_name = &self.site_name;
        Message {
            to: email.to_owned(),
            subject: format!("Your account at {site_name}"),
            body: format!(
                include_str!("../../templates/mail/already_signed_up.txt"),
                site_name = site_name
            ),
        }
    }

    /// To the address that an account had until now.
    pub(super) fn email_changed(&self, email: &str, username: &str) -> Message {
        let site_name = &self.site_name;
        Message {
            to: email.to_owned(),
            subject: format!("Email address changed at {site_name}"),
            body: format!(
                include_str!("../../templates/mail/email_changed.txt"),
                site_name = site_name,
                username = username
            ),
        }
    }
}

impl Accounts {
    pub(super) fn mail(&self) -> Result<&Mail, Error> {
        self.0.options.mail.as_ref().ok_or(Error::NotOffered)
    }

    /// Writes to these accounts of one address, [`MOST_LETTERS`] at most and to others of them every second, so that nobody
    /// is kept from a mail by who takes the same address. For nobody it does the work of one.
    pub(super) fn send_links(&self, mail: &Mail, purpose: Purpose, accounts: &[Account]) {
        if accounts.is_empty() {
            self.message(mail, purpose, &somebody());
        }
        let now = self.0.jwt.now().as_second().unsigned_abs();
        let first = usize::try_from(now).unwrap_or(0) % accounts.len().max(1);
        let in_turn = accounts[first..].iter().chain(&accounts[..first]);
        for account in in_turn.take(MOST_LETTERS) {
            mail.send(self.message(mail, purpose, account));
        }
    }

    /// Writes the message for a link to this account.
    pub(super) fn message(&self, mail: &Mail, purpose: Purpose, account: &Account) -> Message {
        let pattern = match purpose {
            Purpose::PasswordReset => &mail.password_reset_link,
            Purpose::EmailVerification => &mail.email_verification_link,
        };
        let secret = &self.0.jwt.settings().signing_key;
        let token = purpose.make_token(account, secret, self.0.jwt.now());
        let link = pattern
            .replace("{uid}", &uid(&account.user.id))
            .replace("{token}", &token);
        let site_name = &mail.site_name;
        let (subject, body) = match purpose {
            Purpose::PasswordReset => (
                format!("Password reset on {site_name}"),
                format!(
                    include_str!("../../templates/mail/password_reset.txt"),
                    site_name = site_name,
                    link = link,
                    username = account.user.username
                ),
            ),
            // Without the user name: it may be an address of a site, and anybody can have this sent to anybody.
            Purpose::EmailVerification => (
                format!("Confirm your email address at {site_name}"),
                format!(
                    include_str!("../../templates/mail/email_verification.txt"),
                    site_name = site_name,
                    link = link
                ),
            ),
        };
        Message {
            to: account.email.clone().unwrap_or_default(),
            subject,
            body,
        }
    }
}
