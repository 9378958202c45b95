//! An e-mail address is proved by who gets the link that was sent to it.

use super::form::{Fields, Form};
use super::link_token::Purpose;
use super::password::{detail, somebody};
use super::{Accounts, names};
use crate::error::{AuthenticationFailed, Error, ValidationError};
use crate::events::Event;
use crate::json::Object;
use crate::models::{RequestInfo, User};
use crate::store::Account;

const BAD_LINK: &str = "The verification link was invalid, possibly because it has already been used. Please request a new one.";

const WRONG_PASSWORD: &str = "This is not the password that the account was made with.";

impl Accounts {
    /// Lets a new user in with what stands in a link, `uid` and `token`, and with their `password`, and logs them in:
    /// `{"user", "refresh", "access"}`.
    ///
    /// Once, and not after an operator has decided on the account. The password is asked for as anybody can sign up with an
    /// address of somebody else: who follows the link would prove it for them.
    pub async fn verify_email(&self, fields: &Fields, info: &RequestInfo) -> Result<Object, Error> {
        let mut form = Form::new(fields);
        let uid = form.required("uid").unwrap_or_default();
        let token = form.required("token").unwrap_or_default();
        let password = form.password("password");
        let bad_link = || ValidationError::new("token", BAD_LINK);
        let purpose = Purpose::EmailVerification;
        form.finish()?;
        let account = self.account_of_link(purpose, uid, token).await?;
        let User {
            id,
            password: encoded,
            ..
        } = account.ok_or_else(bad_link)?.user;
        let password = password.unwrap_or_default();
        let check = self
            .0
            .hashing
            .check(password, Some(encoded.expose()))
            .await?;
        if !check.matches {
            return Err(ValidationError::new("password", WRONG_PASSWORD).into());
        }
        if !self.store().verify(&id).await? {
            return Err(bad_link().into());
        }
        let account = self.store().find_by_key(&id).await?;
        let account = account.ok_or(AuthenticationFailed::UserNotFound)?;
        let user = &account.user;
        self.0.jwt.report(info, || Event::EmailVerified { user });
        self.log_in(account, info).await
    }

    /// Writes once more to everybody who signed up with this `email` and did not prove it. Answers alike to everybody.
    pub async fn resend_verification(&self, fields: &Fields) -> Result<Object, Error> {
        let mail = self.mail()?;
        let mut form = Form::new(fields);
        let email = form.required("email").unwrap_or_default();
        if !email.is_empty() {
            form.check_email("email", email, names::MAX_EMAIL);
        }
        form.finish()?;
        mail.check_room()?;
        let found = self.store().find_by_email(email).await?;
        let mut waiting: Vec<Account> = found
            .into_iter()
            .filter(|account| !account.user.is_active)
            .collect();
        let nobody = waiting.is_empty();
        if nobody {
            waiting.push(somebody());
        }
        for account in &waiting {
            let message = self.message(mail, Purpose::EmailVerification, account);
            if self.store().is_unverified(&account.user.id).await? && !nobody {
                mail.send(message)?;
            }
        }
        Ok(detail(
            "If an account with this e-mail address waits to be verified, a message with a link is on its way to it.",
        ))
    }
}
