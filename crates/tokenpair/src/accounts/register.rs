//! Sign-up: an allowlist of fields, Django's rules for each, and the database's word on who was first.

use super::form::{Fields, Form};
use super::names::{self, Login, MAX_EMAIL, MAX_USERNAME};
use super::{Accounts, profile};
use crate::error::{Error, StoreError, ValidationError};
use crate::events::Event;
use crate::flows;
use crate::json::Object;
use crate::models::{EncodedPassword, RequestInfo, User};
use crate::passwords::UserAttributes;
use crate::store::{Account, NewUser, Saved, SignUp};

const NAME_TAKEN: &str = "A user with that username already exists.";
const ADDRESS_TAKEN: &str = "user with this email address already exists.";
const UNFIT: &str = "The database does not take this value.";

/// What is wrong with a user who was not saved.
pub(super) fn refused<T>(saved: &Saved<T>) -> ValidationError {
    match *saved {
        Saved::Taken("email") => ValidationError::new("email", ADDRESS_TAKEN),
        Saved::Taken(field) => ValidationError::new(field, NAME_TAKEN),
        Saved::Unfit(Some(field)) => ValidationError::new(field, UNFIT),
        _ => ValidationError::new("non_field_errors", UNFIT),
    }
}

/// What somebody told who signs up; a text is empty where it is absent or flawed.
struct Told<'a> {
    username: String,
    email: String,
    first_name: &'a str,
    last_name: &'a str,
    password: &'a str,
}

impl Told<'_> {
    /// What the password must not resemble. An address that is the user name, too, is told once.
    fn attributes(&self, login: Login) -> UserAttributes<'_> {
        UserAttributes {
            username: match login {
                Login::Username => &self.username,
                Login::Email => "",
            },
            first_name: self.first_name,
            last_name: self.last_name,
            email: &self.email,
        }
    }

    /// A user and nothing more, whatever else was sent.
    fn sign_up(self, password: EncodedPassword) -> SignUp {
        SignUp {
            user: NewUser {
                username: self.username,
                email: self.email,
                password,
                is_staff: false,
                is_superuser: false,
            },
            first_name: self.first_name.to_owned(),
            last_name: self.last_name.to_owned(),
        }
    }
}

impl Accounts {
    /// Adds a user and logs them in: `{"user", "refresh", "access"}`. With e-mail verification `{"detail"}`, and there is no user
    /// before [`verify_email`](Self::verify_email).
    ///
    /// Takes `username`, `email`, `first_name`, `last_name` and `password`, and nothing else whatever it is called. Where
    /// users log in by e-mail, `email` is the name and `username` is not taken. An address is required where it has to be
    /// proved.
    pub async fn register(&self, fields: &Fields, info: &RequestInfo) -> Result<Object, Error> {
        if !self.0.options.registration {
            return Err(Error::NotOffered);
        }
        let is_verifying = self.0.options.email_verification;
        let mail = is_verifying.then(|| self.mail()).transpose()?;
        if let Some(mail) = mail {
            mail.check_room()?;
        }
        let login = Login::of(self.store().user_model())?;
        let told = self.read_sign_up(fields, login).await?;
        let password = self.encode("password", told.password).await?;
        let new = told.sign_up(password);
        match mail {
            Some(mail) => {
                let by_email = login == Login::Email;
                self.sign_up_unverified(mail, new, by_email).await
            }
            None => self.sign_up(new, info).await,
        }
    }

    async fn sign_up(&self, new: SignUp, info: &RequestInfo) -> Result<Object, Error> {
        let mut told = Account::new(User::new(0, ""));
        told.email = Some(new.user.email.clone());
        told.first_name = Some(new.first_name.clone());
        told.last_name = Some(new.last_name.clone());
        let account = match self.store().sign_up(new, self.0.jwt.now()).await? {
            Saved::Done(user) => Account { user, ..told },
            other => return Err(refused(&other).into()),
        };
        let user = &account.user;
        self.0.jwt.report(info, || Event::SignUp { user });
        self.log_in(account, info).await
    }

    async fn read_sign_up<'a>(&self, fields: &'a Fields, login: Login) -> Result<Told<'a>, Error> {
        let mut form = Form::new(fields);
        let (username, email) = self.read_login(&mut form, login).await?;
        let told = Told {
            username,
            email,
            first_name: read_name(&mut form, "first_name"),
            last_name: read_name(&mut form, "last_name"),
            password: form.password("password").unwrap_or_default(),
        };
        if !told.password.is_empty() {
            form.check_password("password", told.password, &told.attributes(login));
        }
        form.finish()?;
        Ok(told)
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
        match login {
            Login::Username => {
                let username = self.read_username(form).await?;
                let is_needed = self.0.options.email_verification;
                Ok((username, read_email(form, is_needed, MAX_EMAIL)))
            }
            Login::Email => {
                let email = read_email(form, true, MAX_USERNAME);
                // Where it has to be proved, its owner is told by mail, and nobody else that there is one.
                let is_told = !self.0.options.email_verification && !form.has_flaw("email");
                if is_told && self.find_by_any_login(&email).await?.is_some() {
                    form.flaw("email", ADDRESS_TAKEN);
                }
                Ok((email.clone(), email))
            }
        }
    }

    async fn read_username(&self, form: &mut Form<'_>) -> Result<String, Error> {
        let Some(name) = form.required("username") else {
            return Ok(String::new());
        };
        let name = Login::Username.normalize(name);
        form.check_username("username", &name);
        if !form.has_flaw("username") && self.find_by_any_login(&name).await?.is_some() {
            form.flaw("username", NAME_TAKEN);
        }
        Ok(name)
    }

    /// Who logs in by this name, in whatever spelling. The same work whether there is somebody or not.
    pub(super) async fn find_by_any_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        let exact = self.store().find_by_login(login).await?;
        let other = self.store().find_by_login_iexact(login).await?;
        Ok(exact.or(other))
    }
}

fn read_email(form: &mut Form<'_>, is_needed: bool, most: usize) -> String {
    let email = if is_needed {
        form.required("email")
    } else {
        form.optional("email")
    };
    let email = names::normalize_email(email.unwrap_or_default());
    if !email.is_empty() {
        form.check_email("email", &email, most);
    }
    email
}

/// A name of a person, empty where it is absent or flawed.
fn read_name<'a>(form: &mut Form<'a>, field: &str) -> &'a str {
    let name = form.optional(field).unwrap_or_default();
    form.check_length(field, name, MAX_USERNAME);
    name
}
