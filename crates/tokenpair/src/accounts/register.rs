//! Sign-up: an allowlist of fields, Django's rules for each, and the database's word on who was first.

use super::form::{Fields, Form};
use super::link_token::Purpose;
use super::names::{self, Login, MAX_EMAIL, MAX_USERNAME};
use super::{Accounts, profile};
use crate::error::{Error, StoreError, ValidationError};
use crate::events::Event;
use crate::flows;
use crate::json::Object;
use crate::models::RequestInfo;
use crate::passwords::UserAttributes;
use crate::store::{Account, NewUser, SignUp};

const NAME_TAKEN: &str = "A user with that username already exists.";
const ADDRESS_TAKEN: &str = "user with this email address already exists.";

/// What is wrong with a login name that somebody has.
pub(super) fn taken(login: Login) -> ValidationError {
    match login {
        Login::Username => ValidationError::new("username", NAME_TAKEN),
        Login::Email => ValidationError::new("email", ADDRESS_TAKEN),
    }
}

impl Accounts {
    /// Adds a user and logs them in: `{"user", "refresh", "access"}`. With e-mail verification `{"user", "detail"}`: the user
    /// cannot log in before [`verify_email`](Self::verify_email).
    ///
    /// Takes `username`, `email`, `first_name`, `last_name` and `password`, and nothing else whatever it is called. Where
    /// users log in by e-mail, `email` is the name and `username` is not taken. An address is required where it has to be
    /// proved.
    pub async fn register(&self, fields: &Fields, info: &RequestInfo) -> Result<Object, Error> {
        let options = &self.0.options;
        if !options.registration {
            return Err(StoreError::new("nobody may sign up here").into());
        }
        let mail = if options.email_verification {
            let mail = self.mail()?;
            mail.check_room()?;
            Some(mail)
        } else {
            None
        };
        let login = Login::of(self.store().user_model())?;
        let mut form = Form::new(fields);
        let (username, email) = self.read_login(&mut form, login).await?;
        let first_name = read_name(&mut form, "first_name");
        let last_name = read_name(&mut form, "last_name");
        let attributes = UserAttributes {
            username: match login {
                Login::Username => &username,
                Login::Email => "",
            },
            first_name,
            last_name,
            email: &email,
        };
        let password = form.password("password");
        if let Some(password) = password {
            form.check_password("password", password, &attributes);
        }
        form.finish()?;
        let password = self
            .encode("password", password.unwrap_or_default())
            .await?;
        let sign_up = SignUp {
            user: NewUser {
                username,
                email: email.clone(),
                password,
                is_staff: false,
                is_superuser: false,
            },
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            is_verified: mail.is_none(),
        };
        let created = self.store().sign_up(sign_up, self.0.jwt.now()).await?;
        let mut account = Account::new(created.ok_or_else(|| taken(login))?);
        account.email = Some(email);
        account.first_name = Some(first_name.to_owned());
        account.last_name = Some(last_name.to_owned());
        self.0.jwt.report(info, || Event::SignUp {
            user: &account.user,
        });
        match mail {
            Some(mail) => {
                let message = self.message(mail, Purpose::EmailVerification, &account);
                // The account is there: who gets no message asks for another one.
                let _ = mail.send(message);
                let mut answer = Object::new();
                answer.insert("user", profile(&account));
                answer.insert("detail", "Verification e-mail sent.");
                Ok(answer)
            }
            None => self.log_in(account, info).await,
        }
    }

    /// Tokens for somebody who has just been let in, beside their profile.
    pub(super) async fn log_in(
        &self,
        mut account: Account,
        info: &RequestInfo,
    ) -> Result<Object, Error> {
        let mut answer = Object::new();
        answer.insert("user", profile(&account));
        account.user = self.logging_in(account.user).await?;
        // A rule of the application's own may have more to ask of a new user.
        if self.0.jwt.may_authenticate(Some(&account.user)) {
            let tokens = flows::get_tokens_for_user(&self.0.jwt, &account.user, info).await?;
            for (name, value) in &tokens {
                answer.insert(name.as_str(), value.clone());
            }
        }
        Ok(answer)
    }

    /// User name and address as Django stores them; empty where they are flawed. A name that is taken costs no hash.
    async fn read_login(
        &self,
        form: &mut Form<'_>,
        login: Login,
    ) -> Result<(String, String), Error> {
        let username = match login {
            Login::Username => form.required("username").map(|name| login.normalize(name)),
            Login::Email => None,
        };
        if let Some(name) = &username {
            form.check_username("username", name);
            if !form.has_flaw("username") && self.is_taken(name).await? {
                form.flaw("username", NAME_TAKEN);
            }
        }
        let is_needed = login == Login::Email || self.0.options.email_verification;
        let email = if is_needed {
            form.required("email")
        } else {
            form.optional("email")
        };
        let email = names::normalize_email(email.unwrap_or_default());
        if !email.is_empty() {
            let most = match login {
                Login::Username => MAX_EMAIL,
                Login::Email => MAX_USERNAME,
            };
            form.check_email("email", &email, most);
            if login == Login::Email && !form.has_flaw("email") && self.is_taken(&email).await? {
                form.flaw("email", ADDRESS_TAKEN);
            }
        }
        let username = match login {
            Login::Username => username.unwrap_or_default(),
            Login::Email => email.clone(),
        };
        Ok((username, email))
    }

    async fn is_taken(&self, login: &str) -> Result<bool, Error> {
        let store = self.store();
        Ok(store.find_by_login(login).await?.is_some()
            || store.find_by_login_iexact(login).await?.is_some())
    }
}

/// A name of a person, empty where it is absent or flawed.
fn read_name<'a>(form: &mut Form<'a>, field: &str) -> &'a str {
    let name = form.optional(field).unwrap_or_default();
    form.check_length(field, name, MAX_USERNAME);
    name
}
