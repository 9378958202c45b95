//! A password is changed by who knows it, and set anew by who gets the account's mail.

use super::form::{Fields, Form};
use super::link_token::{Purpose, id_of};
use super::names::nfkc;
use super::sessions::SessionUser;
use super::{Accounts, user_attributes};
use crate::error::{AuthenticationFailed, Error, ValidationError};
use crate::events::Event;
use crate::json::Object;
use crate::models::{RequestInfo, User};
use crate::store::{Account, UserModel};
use std::time::Duration;

/// How often a password is checked that changes meanwhile.
const ATTEMPTS: usize = 3;
pub(super) const WRONG_PASSWORD: &str =
    "Your old password was entered incorrectly. Please enter it again.";
const BAD_LINK: &str = "The password reset link was invalid, possibly because it has already been used. Please request a new password reset.";

/// An answer that says one thing.
pub(super) fn detail(text: &str) -> Object {
    let mut answer = Object::new();
    answer.insert("detail", text);
    answer
}

impl Accounts {
    /// Changes a password: `old_password`, `new_password`. Ends the user's sessions, but for the caller's own where there are
    /// such.
    pub async fn change_password(
        &self,
        caller: &SessionUser,
        fields: &Fields,
        info: &RequestInfo,
    ) -> Result<Object, Error> {
        for _ in 0..ATTEMPTS {
            let found = self.store().find_by_key(&caller.user.id).await?;
            let account = found.ok_or(AuthenticationFailed::UserNotFound)?;
            let mut form = Form::new(fields);
            let old = form.password("old_password");
            if let Some(old) = old
                && !self.is_password_of(&account, old).await?
            {
                form.flaw("old_password", WRONG_PASSWORD);
                let (jwt, user) = (&self.0.jwt, &account.user);
                jwt.report(info, || Event::PasswordChangeRefused { user });
            }
            if self
                .replace(form, &account, caller.session.as_deref())
                .await?
            {
                let user = &account.user;
                self.0.jwt.report(info, || Event::PasswordChange { user });
                return Ok(detail("New password has been saved."));
            }
        }
        Err(Error::Busy {
            retry_after: Duration::from_secs(1),
        })
    }

    /// Writes to everybody active who has this `email`, with a link to set the password anew.
    ///
    /// The answer, and the work for it, is the same whether there is somebody or not.
    pub async fn request_password_reset(&self, fields: &Fields) -> Result<Object, Error> {
        let mail = self.mail()?;
        let mut form = Form::new(fields);
        let email = form.address("email");
        form.finish()?;
        mail.check_room()?;
        let found = self.store().find_by_email(email).await?;
        let found = found.into_iter().filter(has_usable_password);
        let found = found.filter(|account| is_same_address(account, email));
        let found: Vec<Account> = found.collect();
        self.send_links(mail, Purpose::PasswordReset, &found);
        Ok(detail(
            "If there is an account with this e-mail address, a message with a link is on its way to it.",
        ))
    }

    /// Sets a password anew with what stands in a link: `uid`, `token`, `new_password`. Works once. Ends the user's sessions.
    pub async fn reset_password(
        &self,
        fields: &Fields,
        info: &RequestInfo,
    ) -> Result<Object, Error> {
        let mut form = Form::new(fields);
        let uid = form.required("uid").unwrap_or_default();
        let token = form.required("token").unwrap_or_default();
        let is_whole = !form.has_flaw("uid") && !form.has_flaw("token");
        let account = self
            .account_of_link(Purpose::PasswordReset, uid, token)
            .await?;
        let account = account.filter(|account| account.user.is_active);
        let Some(account) = account.filter(|_| is_whole) else {
            // Judged as far as that needs no account.
            let _ = form.password("new_password");
            if is_whole {
                form.flaw("token", BAD_LINK);
            }
            form.finish()?;
            return Err(ValidationError::new("token", BAD_LINK).into());
        };
        if !self.replace(form, &account, None).await? {
            return Err(ValidationError::new("token", BAD_LINK).into());
        }
        let user = &account.user;
        self.0.jwt.report(info, || Event::PasswordReset { user });
        Ok(detail("Password has been reset with the new password."))
    }

    /// Whose link it is; `None` for nobody's. The same work in either case.
    async fn account_of_link(
        &self,
        purpose: Purpose,
        uid: &str,
        token: &str,
    ) -> Result<Option<Account>, Error> {
        let UserModel { id_kind, .. } = self.store().user_model();
        let found = match id_of(uid, *id_kind) {
            Some(id) => self.store().find_by_key(&id).await?,
            None => None,
        };
        let account = found.as_ref().map_or_else(somebody, Account::clone);
        let is_good = self.is_good_token(purpose, &account, token);
        Ok(found.filter(|_| is_good))
    }

    /// Whether this token is in a link to this account that is good now.
    pub(super) fn is_good_token(&self, purpose: Purpose, account: &Account, token: &str) -> bool {
        let (jwt, timeout) = (&self.0.jwt, self.0.options.password_reset_timeout);
        let secret = &jwt.settings().signing_key;
        purpose.check_token(account, token, secret, timeout, jwt.now())
    }

    /// Stores the `new_password` of a form that has no other flaw and ends all sessions but one. `false`: the account's
    /// password is another one by now.
    async fn replace(
        &self,
        mut form: Form<'_>,
        account: &Account,
        session: Option<&str>,
    ) -> Result<bool, Error> {
        let new = form.password("new_password");
        if let Some(new) = new {
            form.check_password("new_password", new, &user_attributes(account));
        }
        form.finish()?;
        let encoded = self.encode("new_password", new.unwrap_or_default()).await?;
        let (user, encoded) = (&account.user, encoded.expose());
        let jwt = &self.0.jwt;
        Ok(match jwt.session_store() {
            Some(sessions) => {
                let ending = jwt.ending(session);
                let ended = sessions.replace_password(user, encoded, &ending).await?;
                ended.is_some()
            }
            None => self.store().set_password(user, encoded).await?,
        })
    }
}

/// Django's `is_password_usable`: nobody has set a password that is to stay unknown.
fn has_usable_password(account: &Account) -> bool {
    !account.user.password.expose().starts_with('!')
}

/// Django's `_unicode_ci_compare`: the database may find more alike than people do.
pub(super) fn is_same_address(account: &Account, email: &str) -> bool {
    let folded = |text: &str| nfkc(text).to_lowercase();
    let known = account.email.as_deref().unwrap_or_default();
    folded(known) == folded(email)
}

/// An account that nobody has, for work that must not be missed.
pub(super) fn somebody() -> Account {
    let mut account = Account::new(User::new(0, ""));
    account.email = Some(String::new());
    account
}
