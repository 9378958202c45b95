//! `tokenpair createuser`: adds a row to `auth_user`.

use crate::Options;
use crate::config::Config;
use crate::output::{self, Failure};
use std::io::{BufRead as _, IsTerminal as _};
use tokenpair::clock::{Clock as _, SystemClock};
use tokenpair::json::Value;
use tokenpair::passwords::{MAX_PASSWORD_BYTES, PasswordHashers};
use tokenpair::store::NewUser;
use tokenpair::{EncodedPassword, Settings, SqliteStore, User};

/// The longest user name of Django's `auth.User`, in characters.
const MAX_USERNAME: usize = 150;

/// Arguments of `createuser`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  echo 's3cret-enough' | tokenpair createuser --username ada --password-stdin"
)]
pub(crate) struct Createuser {
    /// Log-in name, at most 150 letters, digits and @/./+/-/_
    #[arg(long)]
    username: String,
    /// E-mail address
    #[arg(long, default_value = "")]
    email: String,
    /// Make the user staff and superuser
    #[arg(long)]
    superuser: bool,
    /// Read the password from the first line of standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
}

impl Createuser {
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        check_username(&self.username)?;
        let config = Config::load(options, None)?;
        let password = if self.password_stdin {
            read_password()?
        } else {
            ask_password()?
        };
        let store = SqliteStore::open(config.database).await?;
        super::migrate(&store).await?;
        let username = self.username.clone();
        let user = create(&store, &config.settings, self, &password).await?;
        let text = format!("User {username:?} created with id {}.", user.id);
        output::result(
            options,
            text,
            [
                ("id", Value::from(&user.id)),
                ("username", Value::from(username)),
            ],
        );
        Ok(())
    }

    /// For accounts the server makes by itself.
    pub(super) fn new(username: &str, superuser: bool) -> Self {
        Self {
            username: username.to_owned(),
            email: String::new(),
            superuser,
            password_stdin: false,
        }
    }
}

pub(super) async fn create(
    store: &SqliteStore,
    settings: &Settings,
    user: Createuser,
    password: &str,
) -> Result<User, Failure> {
    let hashers = PasswordHashers::new(&settings.password_hashers, &settings.password_rounds)
        .map_err(|error| Failure::new(format!("PASSWORD_HASHERS: {error}")))?;
    let encoded = hashers
        .make_password(password)
        .map_err(|error| Failure::new(error.to_string()))?;
    let taken = format!("the user name {:?} is taken", user.username);
    let row = NewUser {
        username: user.username,
        email: user.email,
        password: EncodedPassword::new(encoded),
        is_superuser: user.superuser,
    };
    store
        .create_user(row, SystemClock.now())
        .await?
        .ok_or_else(|| Failure::new(taken))
}

/// Django's `UnicodeUsernameValidator` and length.
fn check_username(username: &str) -> Result<(), Failure> {
    let allowed = |c: char| c.is_alphanumeric() || "@.+-_".contains(c);
    if username.is_empty()
        || username.chars().count() > MAX_USERNAME
        || !username.chars().all(allowed)
    {
        return Err(Failure::new(format!(
            "{username:?} is no user name: 1 to {MAX_USERNAME} letters, digits and @/./+/-/_ only"
        )));
    }
    Ok(())
}

fn read_password() -> Result<String, Failure> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| {
        Failure::new(format!(
            "cannot read the password from standard input: {error}"
        ))
    })?;
    check_password(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn ask_password() -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(
            "standard input is no terminal to ask for the password: use --password-stdin",
        ));
    }
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt)
            .map_err(|error| Failure::new(format!("cannot ask for the password: {error}")))
    };
    let password = ask("Password: ")?;
    if ask("Password (again): ")? != password {
        return Err(Failure::new("the two passwords differ"));
    }
    check_password(password)
}

fn check_password(password: String) -> Result<String, Failure> {
    if password.is_empty() || password.len() > MAX_PASSWORD_BYTES {
        return Err(Failure::new(format!(
            "a password needs 1 to {MAX_PASSWORD_BYTES} bytes"
        )));
    }
    Ok(password)
}
