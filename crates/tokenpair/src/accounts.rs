//! What people do with their own account: sign up, see and change their profile, change a password or reset a forgotten
//! one by mail, prove an e-mail address.
//!
//! Rules only: no HTTP, no SQL. Bodies of answers come back as in [`flows`](crate::flows), flaws of a request as
//! [`Error::Validation`]. Answers to `django/contrib/auth/forms.py` and `tokens.py`.

mod form;
mod link_token;
mod mail;
pub mod names;
mod password;
mod profile;
mod register;
pub mod sessions;
mod verification;

pub use form::Fields;
use mail::MOST_LETTERS;
pub use mail::{Mail, Mailer, MailerFull, Message};
pub use profile::profile;

use crate::error::{Error, StoreError};
use crate::jwt::SimpleJwt;
use crate::models::{EncodedPassword, User};
use crate::passwords::{Hashing, UserAttributes};
use crate::settings::SettingsError;
use crate::store::{Account, AccountStore, UserModel};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const MAX_TIMEOUT: Duration = Duration::from_secs(30 * 86_400);

/// What people may do, beside what everybody may: see and change their profile and password.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccountOptions {
    /// Whether anybody may sign up. Default false.
    pub registration: bool,
    /// Whether somebody who signs up has to prove the e-mail address before the first token. Default false.
    pub email_verification: bool,
    /// `PASSWORD_RESET_TIMEOUT`: how long a link in a mail is good, 1 minute to 30 days. Default Django's 3 days.
    pub password_reset_timeout: Duration,
    /// How to write to people. Without it nobody can reset a password or prove an address.
    pub mail: Option<Mail>,
}

impl Default for AccountOptions {
    fn default() -> Self {
        Self {
            registration: false,
            email_verification: false,
            password_reset_timeout: Duration::from_secs(259_200),
            mail: None,
        }
    }
}

/// The accounts of an engine's users, ready to use. Clones share everything; the state of the account views.
///
/// ```
/// use axum::Router;
/// use std::sync::Arc;
/// use tokenpair::accounts::{AccountOptions, Accounts};
/// use tokenpair::web::{account_urls, token_urls};
/// use tokenpair::{MemoryStore, Settings, SimpleJwt};
///
/// let store = MemoryStore::default();
/// let settings = Settings::new("a secret of at least 32 bytes, kept out of the code");
/// let jwt = SimpleJwt::new(settings, store.clone())?;
/// let mut options = AccountOptions::default();
/// options.registration = true;
/// let accounts = Accounts::new(jwt, Arc::new(store), options)?;
/// let app: Router = Router::new()
///     .nest("/api", token_urls().merge(account_urls(&accounts)))
///     .with_state(accounts);
/// # Ok::<(), tokenpair::SettingsError>(())
/// ```
#[derive(Clone)]
pub struct Accounts(Arc<Inner>);

struct Inner {
    jwt: SimpleJwt,
    hashing: Hashing,
    store: Arc<dyn AccountStore>,
    options: AccountOptions,
}

impl Accounts {
    /// `store` is the one that `jwt` was built with.
    ///
    /// Fails where options cannot work: users that authenticate by themselves, a sign-up to a table that is not Django's
    /// `auth_user`, verification without mail, links without their parts.
    pub fn new(
        jwt: SimpleJwt,
        store: Arc<dyn AccountStore>,
        options: AccountOptions,
    ) -> Result<Self, SettingsError> {
        let Some(hashing) = jwt.hashing().cloned() else {
            let message = "needs users in a table with Django's password hashes";
            return Err(refuse("accounts", message));
        };
        check(&jwt, &*store, &options)?;
        Ok(Self(Arc::new(Inner {
            jwt,
            hashing,
            store,
            options,
        })))
    }

    /// The engine whose users these are.
    pub fn jwt(&self) -> &SimpleJwt {
        &self.0.jwt
    }

    /// What people may do.
    pub fn options(&self) -> &AccountOptions {
        &self.0.options
    }

    /// What the users' table is like.
    pub fn user_model(&self) -> &UserModel {
        self.store().user_model()
    }

    fn store(&self) -> &dyn AccountStore {
        &*self.0.store
    }

    /// Encodes a new password for the field that holds it.
    async fn encode(&self, field: &str, password: &str) -> Result<EncodedPassword, Error> {
        let made = self.0.hashing.make(password).await?;
        made.ok_or_else(|| form::too_long_for_bcrypt(field).into())
    }

    /// Whether this is the account's password.
    async fn is_password_of(&self, account: &Account, password: &str) -> Result<bool, Error> {
        let encoded = account.user.password.expose();
        let checked = self.0.hashing.check(password, Some(encoded)).await?;
        Ok(checked.matches)
    }

    /// The same user with what is read at a log-in only.
    async fn logging_in(&self, mut user: User) -> Result<User, StoreError> {
        for (name, value) in &self.store().login_columns(&user).await? {
            user.columns.insert(name.as_str(), value.clone());
        }
        Ok(user)
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("options", &self.0.options)
            .finish_non_exhaustive()
    }
}

fn refuse(name: &str, message: impl Into<String>) -> SettingsError {
    SettingsError::new(name, None, message)
}

fn check(
    jwt: &SimpleJwt,
    store: &dyn AccountStore,
    options: &AccountOptions,
) -> Result<(), SettingsError> {
    let model = store.user_model();
    if options.registration {
        let by_email = model.creates_by_email();
        by_email.map_err(|error| refuse("registration", error.to_string()))?;
        // Django keeps neither addresses nor names of people apart: two users with one id could both not log in.
        let field = &jwt.settings().user_id_field;
        if *field != model.id && *field != model.username && field != "username" {
            let message = format!(
                "needs tokens that name users by a column that is unique: USER_ID_FIELD is {field:?}"
            );
            return Err(refuse("registration", message));
        }
        if *field != model.id && !jwt.settings().check_revoke_token {
            let message = format!(
                "needs CHECK_REVOKE_TOKEN = true where USER_ID_FIELD is {field:?}: who signs up with the name of a user \
                 that was deleted would be let in by that user's tokens"
            );
            return Err(refuse("registration", message));
        }
    }
    if options.email_verification && options.mail.is_none() {
        return Err(refuse("email_verification", "needs a way to send mail"));
    }
    if options.email_verification && !store.keeps_unverified() {
        let message = "needs a store that keeps who has yet to prove the address";
        return Err(refuse("email_verification", message));
    }
    if !(MINUTE..=MAX_TIMEOUT).contains(&options.password_reset_timeout) {
        let message = "must lie between 1 minute and 30 days";
        return Err(refuse("PASSWORD_RESET_TIMEOUT", message));
    }
    if let Some(mail) = &options.mail {
        mail.check()?;
        if jwt.settings().signing_key.expose().is_empty() {
            let message = "is needed to make links for mails that nobody else can make";
            return Err(refuse("SIGNING_KEY", message));
        }
    }
    Ok(())
}

/// What a new password must not resemble.
pub fn user_attributes(account: &Account) -> UserAttributes<'_> {
    let username = account.user.username.as_str();
    let email = account.email.as_deref().unwrap_or("");
    UserAttributes {
        username: if username == email { "" } else { username },
        first_name: account.first_name.as_deref().unwrap_or(""),
        last_name: account.last_name.as_deref().unwrap_or(""),
        email,
    }
}
