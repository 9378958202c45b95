//! What people see of themselves and may change.

use super::form::{Fields, Form};
use super::names::{self, Login, MAX_EMAIL, MAX_USERNAME};
use super::{Accounts, register};
use crate::error::{AuthenticationFailed, Error};
use crate::json::{Object, Value};
use crate::models::User;
use crate::store::{Account, Changes, Updated, UserModel};

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
    pub async fn update_profile(&self, account: Account, fields: &Fields) -> Result<Object, Error> {
        let changes = self.read_changes(&account, fields)?;
        if changes.is_empty() {
            return Ok(profile(&account));
        }
        match self
            .store()
            .update_profile(&account.user.id, &changes)
            .await?
        {
            Updated::Done => Ok(profile(&self.account(&account.user).await?)),
            Updated::Taken if changes.username.is_some() => {
                Err(register::taken(Login::Username).into())
            }
            Updated::Taken => Err(register::taken(Login::Email).into()),
            Updated::Gone => Err(AuthenticationFailed::UserNotFound.into()),
        }
    }

    async fn account(&self, user: &User) -> Result<Account, Error> {
        let account = self.store().find_by_key(&user.id).await?;
        account.ok_or_else(|| AuthenticationFailed::UserNotFound.into())
    }

    fn read_changes(&self, account: &Account, fields: &Fields) -> Result<Changes, Error> {
        let model = self.store().user_model();
        let is_by_email = model.username == "email";
        let mut form = Form::new(fields);
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
        check(&changes, is_by_email, &mut form);
        self.refuse_fixed(&changes, model, &mut form);
        form.finish()?;
        Ok(changes)
    }

    fn refuse_fixed(&self, changes: &Changes, model: &UserModel, form: &mut Form<'_>) {
        let field = self.0.jwt.settings().user_id_field.as_str();
        let names_tokens = |column: &str| field == column && field != model.id;
        if changes.username.is_some() && names_tokens(&model.username) {
            form.flaw("username", NAMES_TOKENS);
        }
        if changes.email.is_none() {
            return;
        }
        let is_copied = model.username == "email" && names_tokens("username");
        if names_tokens("email") || is_copied {
            form.flaw("email", NAMES_TOKENS);
        } else if self.0.options.email_verification {
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
