//! `tokenpair changepassword`: Django's command of that name.

use super::{account, password};
use crate::Options;
use crate::config::Config;
use crate::output::{self, Failure};
use tokenpair::accounts::user_attributes;
use tokenpair::json::Value;
use tokenpair::store::{Account, Migration};

const TRIES: usize = 3;

/// Arguments of `changepassword`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Tokens that were issued before stay valid unless CHECK_REVOKE_TOKEN is on.

Examples:
  tokenpair changepassword ada
  echo 'another-s3cret' | tokenpair changepassword ada --password-stdin")]
pub(crate) struct Changepassword {
    /// Whose password, by log-in name [default: the user who runs the command]
    username: Option<String>,
    /// Read the password from the first line of standard input instead of asking for it
    #[arg(long)]
    password_stdin: bool,
}

impl Changepassword {
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        let config = Config::load(options, None)?;
        let store = super::open(&config, &[Migration::Auth]).await?;
        let username = self.username.unwrap_or_else(account::system_user);
        let shown = output::printable(&username);
        let nobody = || Failure::new(format!("user '{shown}' does not exist"));
        let account = store.find_account(&username).await?.ok_or_else(nobody)?;
        let username = account.user.username.clone();
        let shown = output::printable(&username);
        let password = if self.password_stdin {
            checked_from_stdin(&account)?
        } else {
            password::need_terminal("use --password-stdin")?;
            output::note(format!("Changing password for user '{shown}'"));
            ask(&account, &shown).await?
        };
        let encoded = account::encode(&config.settings, &password)?;
        if !store.change_password(&account.user.id, &encoded).await? {
            return Err(nobody());
        }
        let text = format!("Password changed successfully for user '{shown}'");
        let fields = [
            ("username", Value::from(username)),
            ("changed", Value::from(true)),
        ];
        output::result(options, text, fields)
    }
}

fn checked_from_stdin(account: &Account) -> Result<String, Failure> {
    let password = password::from_stdin()?;
    let flaws = password::flaws(&password, &user_attributes(account));
    if flaws.is_empty() {
        Ok(password)
    } else {
        Err(Failure::new(flaws.join(" ")))
    }
}

async fn ask(account: &Account, shown: &str) -> Result<String, Failure> {
    for _ in 0..TRIES {
        let (password, again) = password::ask_twice().await?;
        if password != again {
            output::note("Passwords do not match. Please try again.");
            continue;
        }
        let password = password::check(password)?;
        let flaws = password::flaws(&password, &user_attributes(account));
        if flaws.is_empty() {
            return Ok(password);
        }
        output::note(flaws.join("\n"));
    }
    Err(Failure::new(format!(
        "Aborting password change for user '{shown}' after {TRIES} attempts"
    )))
}
