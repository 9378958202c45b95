//! An e-mail address is proved by who gets the link that was sent to it. Only then there is a user.
//!
//! Until then what somebody signed up with is kept for as long as a link is good. It takes no name and is nobody whom an
//! operator could let in or bar, so that no link undoes what an operator decided.

use super::form::{Fields, Form};
use super::link_token::{Purpose, id_of};
use super::mail::Mail;
use super::password::{detail, is_same_address, somebody};
use super::register::refused;
use super::{Accounts, MOST_LETTERS};
use crate::error::{AuthenticationFailed, Error, ValidationError};
use crate::events::Event;
use crate::json::Object;
use crate::models::{RequestInfo, User, UserId, UserIdKind};
use crate::store::{Account, Saved, SignUp, Unverified};
use jiff::Timestamp;

const BAD_LINK: &str = "The verification link was invalid, possibly because it has already been used. Please request a new one.";

const WRONG_PASSWORD: &str = "This is not the password that the account was made with.";

impl Accounts {
    /// Keeps what somebody signed up with and sends the link.
    ///
    /// Where users log in by e-mail, who has the address already is told so by mail and nobody else: the answer is the same.
    pub(super) async fn sign_up_unverified(
        &self,
        mail: &Mail,
        new: SignUp,
        by_email: bool,
    ) -> Result<Object, Error> {
        let (store, now) = (self.store(), self.0.jwt.now());
        let owner = if by_email {
            self.find_by_any_login(&new.user.email).await?
        } else {
            None
        };
        let id = store
            .keep_unverified(&new, now, self.kept_since(now))
            .await?;
        let told = mail.already_signed_up(&new.user.email);
        let account = account_of(&Unverified { id, sign_up: new });
        let link = self.message(mail, Purpose::EmailVerification, &account);
        // Whoever gets no message because of a mailer that is full this very moment asks for another one.
        mail.send(if owner.is_some() { told } else { link });
        Ok(detail("Verification e-mail sent."))
    }

    /// Makes the user of what stands in a link, `uid` and `token`, with the `password` of the sign-up, and logs them in:
    /// `{"user", "refresh", "access"}`. Once.
    ///
    /// The password is asked for as anybody can sign up with an address of somebody else: who follows the link would prove
    /// it for them. Of several who signed up with one name the first to do this gets it.
    pub async fn verify_email(&self, fields: &Fields, info: &RequestInfo) -> Result<Object, Error> {
        self.verification_mail()?;
        let mut form = Form::new(fields);
        let uid = form.required("uid").unwrap_or_default();
        let token = form.required("token").unwrap_or_default();
        let password = form.password("password").unwrap_or_default();
        form.finish()?;
        let bad_link = || ValidationError::new("token", BAD_LINK);
        let kept = self.unverified_of_link(uid, token).await?;
        let kept = kept.ok_or_else(bad_link)?;
        if !self.is_password_of(&account_of(&kept), password).await? {
            return Err(ValidationError::new("password", WRONG_PASSWORD).into());
        }
        let user = match self.store().verify(kept, self.0.jwt.now()).await? {
            Saved::Done(user) => user,
            Saved::Gone => return Err(bad_link().into()),
            other => return Err(refused(&other).into()),
        };
        let user = &user;
        self.0.jwt.report(info, || Event::SignUp { user });
        self.0.jwt.report(info, || Event::EmailVerified { user });
        let account = self.store().find_by_key(&user.id).await?;
        let account = account.ok_or(AuthenticationFailed::UserNotFound)?;
        self.log_in(account, info).await
    }

    /// Writes once more to everybody who signed up with this `email` and did not prove it. Answers alike to everybody.
    pub async fn resend_verification(&self, fields: &Fields) -> Result<Object, Error> {
        let mail = self.verification_mail()?;
        let mut form = Form::new(fields);
        let email = form.address("email");
        form.finish()?;
        mail.check_room()?;
        let since = self.kept_since(self.0.jwt.now());
        let found = self.store();
        let found = found.find_unverified_by_email(email, since, MOST_LETTERS);
        let found = found.await?;
        let accounts = found.iter().map(account_of);
        let accounts = accounts.filter(|account| is_same_address(account, email));
        let accounts: Vec<Account> = accounts.collect();
        self.send_links(mail, Purpose::EmailVerification, &accounts);
        Ok(detail(
            "If an account with this e-mail address waits to be verified, a message with a link is on its way to it.",
        ))
    }

    /// How to write to who has to prove an address, where anybody has to.
    pub(super) fn verification_mail(&self) -> Result<&Mail, Error> {
        if self.0.options.email_verification {
            self.mail()
        } else {
            Err(Error::NotOffered)
        }
    }

    async fn unverified_of_link(
        &self,
        uid: &str,
        token: &str,
    ) -> Result<Option<Unverified>, Error> {
        let since = self.kept_since(self.0.jwt.now());
        let found = match id_of(uid, UserIdKind::Integer) {
            Some(UserId::Int(id)) => self.store().find_unverified(id, since).await?,
            _ => None,
        };
        let account = found.as_ref().map_or_else(somebody, account_of);
        let is_good = self.is_good_token(Purpose::EmailVerification, &account, token);
        Ok(found.filter(|_| is_good))
    }

    fn kept_since(&self, now: Timestamp) -> Timestamp {
        let since = now.checked_sub(self.0.options.password_reset_timeout);
        since.unwrap_or(Timestamp::MIN)
    }
}

/// What a link is made for.
fn account_of(kept: &Unverified) -> Account {
    let new = &kept.sign_up.user;
    let mut user = User::new(kept.id, new.username.as_str());
    user.password = new.password.clone();
    let mut account = Account::new(user);
    account.email = Some(new.email.clone());
    account
}
