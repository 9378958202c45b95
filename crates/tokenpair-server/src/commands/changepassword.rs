//! `tokenpair changepassword`: Django's command of that name.

use super::{account, password};
use crate::Options;
use crate::config::Config;
use crate::database::Database;
use crate::output::{self, Failure};
use std::sync::Arc;
use tokenpair::accounts::user_attributes;
use tokenpair::clock::{Clock as _, SystemClock};
use tokenpair::json::Value;
use tokenpair::store::{Account, Ending, Migration};
use tokenpair::{EncodedPassword, User};

const TRIES: usize = 3;
/// What is to have been made, where refresh tokens can be refused.
const TABLES: [Migration; 4] = [
    Migration::Auth,
    Migration::TokenBlacklist,
    Migration::Rotation,
    Migration::Sessions,
];

/// Arguments of `changepassword`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Ends all sessions of the user: no refresh token that was issued before is good afterwards. Without the tables of
the token blacklist there is nothing to end them with.

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
        let has_blacklist = config.database.token_blacklist();
        let needed = if has_blacklist {
            &TABLES[..]
        } else {
            &TABLES[..1]
        };
        let store = super::open(&config, needed).await?;
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
        let ended = if has_blacklist {
            Some(replace(&config, &store, account.user, &encoded).await?)
        } else {
            let is_there = store.change_password(&account.user.id, &encoded).await?;
            is_there.then_some(None).ok_or_else(nobody)?
        };
        let ended = ended.map(|sessions| i64::try_from(sessions).unwrap_or(i64::MAX));
        let text = match ended {
            Some(sessions) => format!("Sessions ended: {sessions}"),
            None => "No session was ended, as token_blacklist is off".to_owned(),
        };
        let text = format!("{text}\nPassword changed successfully for user '{shown}'");
        let fields = [
            ("username", Value::from(username)),
            ("changed", Value::from(true)),
            ("sessions", ended.map_or(Value::Null, Value::from)),
        ];
        output::result(options, text, fields)
    }
}

/// Stores the password and ends the sessions, and tells how many.
async fn replace(
    config: &Config,
    store: &Arc<dyn Database>,
    mut user: User,
    encoded: &EncodedPassword,
) -> Result<usize, Failure> {
    let sessions = store.clone().session_store();
    let sessions = sessions.ok_or_else(|| Failure::new("the database keeps no sessions"))?;
    for _ in 0..TRIES {
        let now = SystemClock.now();
        let ending = Ending::new(None, config.settings.living_since(now), now);
        let encoded = encoded.expose();
        if let Some(ended) = sessions.replace_password(&user, encoded, &ending).await? {
            return Ok(ended);
        }
        // A log-in may have stored it anew meanwhile.
        let found = store.find_by_key(&user.id).await?;
        user = found
            .ok_or_else(|| Failure::new("the user was deleted"))?
            .user;
    }
    Err(Failure::new("the password is being changed by others, too"))
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
