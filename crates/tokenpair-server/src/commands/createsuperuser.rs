//! `tokenpair createsuperuser`: Django's command of that name, question by question.

use super::account::{self, Login};
use super::password;
use crate::Options;
use crate::config::Config;
use crate::database::Database;
use crate::output::{self, Failure};
use std::sync::Arc;
use tokenpair::EncodedPassword;
use tokenpair::json::Value;
use tokenpair::passwords::{PasswordHashers, UserAttributes};
use tokenpair::store::{Migration, NewUser};

const NOT_ASKED: &str =
    "use --noinput or --password-stdin with --username and --email, or their variables";

/// Arguments of `createsuperuser`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What is not given is asked for. With --noinput nothing is: name and address come from --username and --email or from
the variables DJANGO_SUPERUSER_USERNAME and DJANGO_SUPERUSER_EMAIL, the password from DJANGO_SUPERUSER_PASSWORD; without
it the user cannot log in until `changepassword` sets one. As in Django, only a password that is asked for is checked.

Where users log in by e-mail ([user_model] username = \"email\"), the address is the name.

Examples:
  tokenpair createsuperuser
  tokenpair createsuperuser --username admin --email admin@example.com
  DJANGO_SUPERUSER_PASSWORD=… tokenpair createsuperuser --noinput --username admin --email admin@example.com")]
pub(crate) struct Createsuperuser {
    /// Log-in name
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// E-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Ask nothing: everything comes from arguments and `DJANGO_SUPERUSER_*` variables
    #[arg(long, alias = "no-input")]
    noinput: bool,
    /// Ask nothing, and read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

impl Createsuperuser {
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        let config = Config::load(options, None)?;
        let login = Login::of(config.database.user_model())?;
        let names = Names {
            login,
            existing: existing_users(&config).await?,
        };
        let (username, email, password) = if self.noinput || self.password_stdin {
            self.collect(&names).await?
        } else {
            password::need_terminal(NOT_ASKED)?;
            self.ask(&names).await?
        };
        let user = NewUser {
            username: login.normalize(&username),
            email: account::normalize_email(&email),
            password: match password {
                Some(password) => account::encode(&config.settings, &password)?,
                None => unusable()?,
            },
            is_staff: true,
            is_superuser: true,
        };
        let store = match names.existing {
            Some(store) => store,
            None => config.database.open().await?,
        };
        super::migrate_saying_so(&config, &*store).await?;
        let user = account::create(&*store, user).await?;
        let fields = [
            ("id", Value::from(&user.id)),
            ("username", Value::from(user.username)),
        ];
        output::result(options, "Superuser created successfully.", fields)
    }

    async fn ask(self, names: &Names) -> Result<(String, String, Option<String>), Failure> {
        let given = self.login_argument(names.login);
        let username = names.ask(given).await?;
        let (email, by_name) = match names.login {
            Login::Email => (username.clone(), ""),
            Login::Username => (ask_email(self.email).await?, username.as_str()),
        };
        let attributes = UserAttributes {
            username: by_name,
            email: &email,
            ..UserAttributes::default()
        };
        let password = ask_password(&attributes).await?;
        Ok((username, email, Some(password)))
    }

    /// What `--noinput` needs, in Django's order and words.
    async fn collect(self, names: &Names) -> Result<(String, String, Option<String>), Failure> {
        let missing = |option: &str| {
            let with = if self.noinput {
                "noinput"
            } else {
                "password-stdin"
            };
            Failure::new(format!("You must use --{option} with --{with}."))
        };
        let given = self.login_argument(names.login);
        let username = match names.login {
            Login::Username => given
                .or_else(|| variable("USERNAME"))
                .ok_or_else(|| missing("username"))?,
            Login::Email => given
                .or_else(|| variable("EMAIL"))
                .ok_or_else(|| missing("email"))?,
        };
        if let Some(flaw) = names.flaw_of_argument(&username).await? {
            return Err(Failure::new(flaw));
        }
        let email = match names.login {
            Login::Email => String::new(),
            Login::Username => {
                let given = self.email.clone().filter(|email| !email.is_empty());
                // An empty address has to be given as such.
                let wanted = given.or_else(|| variable("EMAIL")).or(self.email.clone());
                let email = wanted.ok_or_else(|| missing("email"))?;
                clean_email(&email).map_err(Failure::new)?
            }
        };
        let password = if self.password_stdin {
            Some(password::from_stdin()?)
        } else {
            variable("PASSWORD").map(password::check).transpose()?
        };
        Ok((username, email, password))
    }

    fn login_argument(&self, login: Login) -> Option<String> {
        match login {
            Login::Username => self.username.clone(),
            Login::Email => self.email.clone().or_else(|| self.username.clone()),
        }
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(format!("DJANGO_SUPERUSER_{name}")).ok()
}

fn unusable() -> Result<EncodedPassword, Failure> {
    PasswordHashers::make_unusable()
        .map(EncodedPassword::new)
        .map_err(|error| Failure::new(error.to_string()))
}

/// The database as it is, to look names up; nothing is made before all questions are answered.
async fn existing_users(config: &Config) -> Result<Option<Arc<dyn Database>>, Failure> {
    if config.database.file().is_some_and(|path| !path.exists()) {
        return Ok(None);
    }
    let store = config.database.open().await?;
    let pending = store.pending_migrations().await?;
    Ok(Some(store).filter(|_| !pending.contains(&Migration::Auth)))
}

/// The names that may still be had.
struct Names {
    login: Login,
    existing: Option<Arc<dyn Database>>,
}

impl Names {
    async fn ask(&self, given: Option<String>) -> Result<String, Failure> {
        if let Some(name) = given {
            match self.flaw_of_argument(&name).await? {
                None => return Ok(name),
                Some(flaw) if name.is_empty() => return Err(Failure::new(flaw)),
                Some(flaw) => output::note(flaw),
            }
        }
        let default = self.default().await?;
        let hint = if default.is_empty() {
            String::new()
        } else {
            format!(" (leave blank to use '{default}')")
        };
        let field = capfirst(self.login.verbose_name());
        loop {
            let answer = password::ask(format!("{field}{hint}: ")).await?;
            let name = if answer.is_empty() { &default } else { &answer };
            let flaws = if name.is_empty() {
                vec!["This field cannot be blank.".to_owned()]
            } else {
                self.login.flaws(name)
            };
            if !flaws.is_empty() {
                output::note(format!("Error: {}", flaws.join("; ")));
            } else if self.is_taken(name).await? {
                output::note(self.taken());
            } else {
                return Ok(name.clone());
            }
        }
    }

    /// What is wrong with a name from the arguments.
    async fn flaw_of_argument(&self, name: &str) -> Result<Option<String>, Failure> {
        if self.is_taken(name).await? {
            return Ok(Some(self.taken()));
        }
        if name.is_empty() {
            let field = capfirst(self.login.verbose_name());
            return Ok(Some(format!("{field} cannot be blank.")));
        }
        let flaws = self.login.flaws(name);
        Ok((!flaws.is_empty()).then(|| flaws.join("; ")))
    }

    /// Whoever runs this, if that is a user name nobody has; there is no guess at an address.
    async fn default(&self) -> Result<String, Failure> {
        let name = account::default_username();
        let usable = self.login == Login::Username && !self.is_taken(&name).await?;
        Ok(if usable { name } else { String::new() })
    }

    async fn is_taken(&self, name: &str) -> Result<bool, Failure> {
        match &self.existing {
            Some(store) => {
                let name = self.login.normalize(name);
                Ok(store.find_account(&name).await?.is_some())
            }
            None => Ok(false),
        }
    }

    fn taken(&self) -> String {
        format!(
            "Error: That {} is already taken.",
            self.login.verbose_name()
        )
    }
}

async fn ask_email(given: Option<String>) -> Result<String, Failure> {
    if let Some(email) = given {
        return clean_email(&email).map_err(Failure::new);
    }
    loop {
        match clean_email(&password::ask("Email address: ".to_owned()).await?) {
            Ok(email) => return Ok(email),
            Err(flaws) => output::note(format!("Error: {flaws}")),
        }
    }
}

/// The address, which may be left blank.
fn clean_email(email: &str) -> Result<String, String> {
    let flaws = if email.is_empty() {
        Vec::new()
    } else {
        account::email_flaws(email)
    };
    if flaws.is_empty() {
        Ok(email.to_owned())
    } else {
        Err(flaws.join("; "))
    }
}

async fn ask_password(user: &UserAttributes<'_>) -> Result<String, Failure> {
    loop {
        let (password, again) = password::ask_twice().await?;
        if password != again {
            output::note("Error: Your passwords didn't match.");
        } else if password.trim().is_empty() {
            output::note("Error: Blank passwords aren't allowed.");
        } else {
            let flaws = password::flaws(&password, user);
            if flaws.is_empty() || is_wanted_anyway(&flaws).await? {
                return password::check(password);
            }
        }
    }
}

async fn is_wanted_anyway(flaws: &[String]) -> Result<bool, Failure> {
    output::note(flaws.join("\n"));
    let question = "Bypass password validation and create user anyway? [y/N]: ";
    let answer = password::ask(question.to_owned()).await?;
    Ok(answer.eq_ignore_ascii_case("y"))
}

/// Django's `capfirst`.
fn capfirst(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}
