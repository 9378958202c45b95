//! `tokenpair createuser`: adds a row to `auth_user`.

use super::account::{self, Login};
use super::password;
use crate::Options;
use crate::config::Config;
use crate::database::Database;
use crate::output::{self, Failure};
use tokenpair::json::Value;
use tokenpair::store::NewUser;
use tokenpair::{Settings, User};

/// Arguments of `createuser`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Any password is taken; `createsuperuser` and `changepassword` check it.

Where users log in by e-mail ([user_model] username = \"email\"), the address is the name: give it as --username or as
--email. It is stored in both columns.

Examples:
  tokenpair createuser --username ada --email ada@example.com
  echo 's3cret-enough' | tokenpair createuser --username ada --password-stdin")]
pub(crate) struct Createuser {
    /// Log-in name, at most 150 letters, digits and @/./+/-/_
    #[arg(long, value_name = "NAME", required_unless_present = "email")]
    username: Option<String>,
    /// E-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Let the user into Django's admin site and through `IsAdminUser`
    #[arg(long)]
    staff: bool,
    /// Make the user superuser and staff
    #[arg(long)]
    superuser: bool,
    /// Read the password from the first line of standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
}

impl Createuser {
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        let config = Config::load(options, None)?;
        let login = Login::of(config.database.user_model())?;
        let user = self.checked(login)?;
        let password = if user.password_stdin {
            password::from_stdin()?
        } else {
            ask_password().await?
        };
        let store = config.database.open().await?;
        super::migrate_saying_so(&config, &*store).await?;
        let user = create(&*store, &config.settings, user, &password).await?;
        let text = format!("User {:?} created with id {}.", user.username, user.id);
        output::result(
            options,
            text,
            [
                ("id", Value::from(&user.id)),
                ("username", Value::from(user.username)),
            ],
        )
    }

    /// With name and address as Django stores them.
    fn checked(mut self, login: Login) -> Result<Self, Failure> {
        let email = self.email.take().filter(|email| !email.is_empty());
        let username = match (self.username.take(), login, &email) {
            (Some(username), ..) => username,
            (None, Login::Email, Some(email)) => email.clone(),
            (None, ..) => return Err(Failure::new("users log in by user name: give --username")),
        };
        let username = login.normalize(&username);
        let kind = match login {
            Login::Username => "user name",
            Login::Email => "e-mail address, which users log in by",
        };
        refuse(&username, kind, &login.flaws(&username))?;
        let email = email.as_deref().map(account::normalize_email);
        if let Some(email) = &email {
            refuse(email, "e-mail address", &account::email_flaws(email))?;
            if login == Login::Email && *email != username {
                return Err(Failure::new(format!(
                    "users log in by e-mail: --username {username:?} and --email {email:?} must be the same"
                )));
            }
        }
        self.username = Some(username);
        self.email = email;
        Ok(self)
    }
}

fn refuse(value: &str, kind: &str, flaws: &[String]) -> Result<(), Failure> {
    if flaws.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{value:?} is no {kind}: {}",
        flaws.join(" ")
    )))
}

pub(super) async fn create(
    store: &dyn Database,
    settings: &Settings,
    user: Createuser,
    password: &str,
) -> Result<User, Failure> {
    let row = NewUser {
        username: user.username.unwrap_or_default(),
        email: user.email.unwrap_or_default(),
        password: account::encode(settings, password)?,
        is_staff: user.staff || user.superuser,
        is_superuser: user.superuser,
    };
    account::create(store, row).await
}

async fn ask_password() -> Result<String, Failure> {
    password::need_terminal("use --password-stdin")?;
    let (password, again) = password::ask_twice().await?;
    if password != again {
        return Err(Failure::new("the two passwords differ"));
    }
    password::check(password)
}
