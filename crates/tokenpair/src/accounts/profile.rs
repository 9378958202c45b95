//! What people see of themselves and may change.

use super::Accounts;
use super::form::{Fields, Form};
use super::names::{self, Login, MAX_EMAIL, MAX_USERNAME};
use super::password::WRONG_PASSWORD;
use super::register::refused;
use crate::error::{AuthenticationFailed, Error};
use crate::events::Event;
use crate::json::{Object, Value};
use crate::models::{RequestInfo, User};
use crate::store::{Account, Changes, Saved, UserModel};

const NAMES_TOKENS: &str = "This field cannot be changed: tokens name their user by it.";
const MUST_BE_PROVED: &str = "The e-mail address cannot be changed here: it has been verified.";

/// A user's own profile: `id` and `username`, then what the table has of `email`, `first_name` and `last_name`.
pub fn profile(account: &Account) -> Object {
    let mut profile = Object::new();
    profile.insert("id", Value::from(&account.user.id));
    profile.insert("username", account.user.username.as_str());
    for (name, value) in [
        ("email", &account.email),
        ("first_name", &account.first_name),
        ("last_name", &account.last_name),
    ] {
        if let Some(value) = value {
            profile.insert(name, value.as_str());
        }
    }
    profile
}

impl Accounts {
    /// Changes those of `username`, `email`, `first_name` and `last_name` that are sent, and returns the profile.
    ///
    /// The name that users log in by is not changed in a table that is not Django's own, whose rules are not known here,
    /// nor is what tokens name their user by (`USER_ID_FIELD`): who gets the old name would get the tokens.
    ///
    /// Where mail is sent, the address is changed with the `password` only, as links for a forgotten password go to it, and
    /// the old address is told.
    pub async fn update_profile(
        &self,
        account: Account,
        fields: &Fields,
        info: &RequestInfo,
    ) -> Result<Object, Error> {
        let mut form = Form::new(fields);
        let changes = self.read_changes(&account, &mut form);
        if changes.email.is_some() && self.0.options.mail.is_some() {
            self.check_knows_password(&mut form, &account, info).await?;
        }
        form.finish()?;
        if changes.is_empty() {
            return Ok(profile(&account));
        }
        let key = &account.user.id;
        match self.store().update_profile(key, &changes).await? {
            Saved::Done(()) => {}
            Saved::Gone => return Err(AuthenticationFailed::UserNotFound.into()),
            other => return Err(refused(&other).into()),
        }
        if changes.email.is_some() {
            self.tell_email_changed(&account, info);
        }
        Ok(profile(&self.account(&account.user).await?))
    }

    async fn check_knows_password(
        &self,
        form: &mut Form<'_>,
        account: &Account,
        info: &RequestInfo,
    ) -> Result<(), Error> {
        if let Some(password) = form.password("password")
            && !self.is_password_of(account, password).await?
        {
            form.flaw("password", WRONG_PASSWORD);
            let user = &account.user;
            let jwt = &self.0.jwt;
            jwt.report(info, || Event::EmailChangeRefused { user });
        }
        Ok(())
    }

    fn tell_email_changed(&self, account: &Account, info: &RequestInfo) {
        let user = &account.user;
        self.0.jwt.report(info, || Event::EmailChange { user });
        let old = account.email.as_deref().filter(|email| !email.is_empty());
        if let (Some(mail), Some(old)) = (&self.0.options.mail, old) {
            mail.send(mail.email_changed(old, &user.username));
        }
    }

    async fn account(&self, user: &User) -> Result<Account, Error> {
        let account = self.store().find_by_key(&user.id).await?;
        account.ok_or_else(|| AuthenticationFailed::UserNotFound.into())
    }

    fn read_changes(&self, account: &Account, form: &mut Form<'_>) -> Changes {
        let model = self.store().user_model();
        let is_by_email = model.username == "email";
        let mut changes = Changes::default();
        if model.is_auth_user() && !is_by_email {
            let name = form.not_blank("username");
            changes.username = name.map(|name| Login::Username.normalize(name));
        }
        if account.email.is_some() && (model.is_auth_user() || !is_by_email) {
            let email = if is_by_email {
                form.not_blank("email")
            } else {
                form.optional("email")
            };
            changes.email = email.map(names::normalize_email);
        }
        let mut name = |field, known: &Option<String>| {
            known.as_ref()?;
            form.optional(field).map(str::to_owned)
        };
        changes.first_name = name("first_name", &account.first_name);
        changes.last_name = name("last_name", &account.last_name);
        forget_unchanged(&mut changes, account);
        check(&changes, is_by_email, form);
        self.refuse_fixed(&changes, model, form);
        changes
    }

    fn refuse_fixed(&self, changes: &Changes, model: &UserModel, form: &mut Form<'_>) {
        let names_tokens = self.0.jwt.settings().user_id_field.as_str();
        let is_copied = model.username == "email" && model.is_auth_user();
        let copy = is_copied.then_some("username");
        for (field, change, columns) in [
            (
                "username",
                &changes.username,
                [Some(&*model.username), None],
            ),
            ("email", &changes.email, [Some("email"), copy]),
            (
                "first_name",
                &changes.first_name,
                [Some("first_name"), None],
            ),
            ("last_name", &changes.last_name, [Some("last_name"), None]),
        ] {
            let is_fixed = names_tokens != model.id && columns.contains(&Some(names_tokens));
            if change.is_some() && is_fixed {
                form.flaw(field, NAMES_TOKENS);
            }
        }
        let is_proved = self.0.options.email_verification;
        if changes.email.is_some() && is_proved && !form.has_flaw("email") {
            form.flaw("email", MUST_BE_PROVED);
        }
    }
}

fn check(changes: &Changes, is_by_email: bool, form: &mut Form<'_>) {
    if let Some(name) = &changes.username {
        form.check_username("username", name);
    }
    if let Some(email) = changes.email.as_ref().filter(|email| !email.is_empty()) {
        let most = if is_by_email { MAX_USERNAME } else { MAX_EMAIL };
        form.check_email("email", email, most);
    }
    for (field, name) in [
        ("first_name", &changes.first_name),
        ("last_name", &changes.last_name),
    ] {
        form.check_length(field, name.as_deref().unwrap_or_default(), MAX_USERNAME);
    }
}

/// What is sent back as it was is no change.
fn forget_unchanged(changes: &mut Changes, account: &Account) {
    let forget = |change: &mut Option<String>, known: Option<&str>| {
        if change.as_deref() == known {
            *change = None;
        }
    };
    forget(&mut changes.username, Some(&account.user.username));
    forget(&mut changes.email, account.email.as_deref());
    forget(&mut changes.first_name, account.first_name.as_deref());
    forget(&mut changes.last_name, account.last_name.as_deref());
}
