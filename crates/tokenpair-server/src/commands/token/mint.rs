//! `tokenpair token mint`: a token for a user, as a log-in would give it.

use super::Type;
use crate::Options;
use crate::claims;
use crate::config::Config;
use crate::database::Database;
use crate::output::{self, Failure};
use std::time::Duration;
use tokenpair::json::{self, Value};
use tokenpair::store::Migration;
use tokenpair::{
    Entry, Error, Listed, RefreshToken, Setting, Settings, SimpleJwt, SlidingToken, User, UserId,
};

/// Arguments of `token mint`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Prints the token and nothing else. Refresh and sliding tokens are recorded as outstanding tokens, so that they can be
blacklisted; access tokens are not. The claims are those of a log-in. Whoever can run this can be any user: it needs the
signing key and the database.

Examples:
  tokenpair token mint --user ada
  tokenpair token mint --user ada --lifetime 10m --claim scope='\"read\"' --claim 'roles=[\"editor\"]'
  curl -H \"Authorization: Bearer $(tokenpair token mint --user ada)\" http://127.0.0.1:8000/api/me/")]
#[group(skip)]
pub(crate) struct Mint {
    /// For whom, by log-in name
    #[arg(long, value_name = "NAME", required_unless_present = "user_id")]
    user: Option<String>,
    /// For whom, by the value of `USER_ID_FIELD`
    #[arg(long, value_name = "ID", conflicts_with = "user")]
    user_id: Option<String>,
    /// Which type
    #[arg(long = "type", value_enum, default_value = "access")]
    kind: Type,
    /// How long it is valid, such as 30s, 10m or "7 days" [default: as the settings say]
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    lifetime: Option<Duration>,
    /// A further claim, its value as JSON; may be repeated
    #[arg(long, value_name = "NAME=JSON", value_parser = claim)]
    claim: Vec<(String, Value)>,
    /// Mint also for an inactive user
    #[arg(long)]
    force: bool,
}

/// As the settings read it.
fn lifetime(text: &str) -> Result<Duration, String> {
    let name = "--lifetime";
    let entry = Entry {
        name: name.to_owned(),
        value: Value::from(text),
        source: String::new(),
    };
    let lifetime = Setting::new(name, &entry).duration();
    let lifetime = lifetime.map_err(|error| error.message)?;
    Settings::check_lifetime(lifetime)?;
    Ok(lifetime)
}

fn claim(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("expected NAME=JSON, such as scope='\"read\"'")?;
    let value = json::decode_body(value)
        .map_err(|_| format!("{value} is no JSON; a text needs quotes: {name}='\"{value}\"'"))?;
    Ok((name.to_owned(), value))
}

impl Mint {
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        let mut config = Config::load(options, None)?;
        self.check_claims(&config.settings)?;
        if let Some(lifetime) = self.lifetime {
            config.settings.access_token_lifetime = lifetime;
            config.settings.refresh_token_lifetime = lifetime;
            config.settings.sliding_token_lifetime = lifetime;
        }
        let needed: &[_] = if config.token_blacklist {
            &[Migration::Auth, Migration::TokenBlacklist]
        } else {
            &[Migration::Auth]
        };
        let store = super::super::open(&config, needed).await?;
        let mut user = self.find(&*store).await?;
        if !user.is_active && !self.force {
            return Err(Failure::new(format!(
                "user '{}' is inactive, and servers refuse such tokens: --force mints it all the same",
                output::printable(&user.username)
            )));
        }
        // A key made here might be nobody else's: the token would open no door.
        if !config.use_existing_key_file()? {
            return Err(Failure::new(
                "there is no key to sign with: set SIGNING_KEY, or run it where the server keeps its key file",
            ));
        }
        for (name, value) in &store.login_columns(&user).await? {
            user.columns.insert(name.as_str(), value.clone());
        }
        let jwt = super::super::engine(&config, &store)?;
        let (name, token) = self
            .mint(&jwt, &user)
            .await
            .map_err(|error| Failure::new(error.to_string()))?;
        let line = if options.json {
            output::json_line([(name, Value::from(token))])
        } else {
            token + "\n"
        };
        output::print(&line).map(drop)
    }

    fn check_claims(&self, settings: &Settings) -> Result<(), Failure> {
        for (name, value) in &self.claim {
            let flaw = if claims::is_reserved(name, settings) {
                "this claim is set by the server itself; choose another name"
            } else if name == "sub" && value.as_str().is_none() {
                "expected a text, such as sub='\"ada\"'"
            } else {
                continue;
            };
            return Err(Failure::new(format!("--claim {name}: {flaw}")));
        }
        Ok(())
    }

    async fn find(&self, store: &dyn Database) -> Result<User, Failure> {
        let (found, wanted) = match (&self.user, &self.user_id) {
            (Some(name), _) => {
                let account = store.find_account(name).await?;
                (account.map(|account| account.user), name)
            }
            (None, id) => {
                let text = id.as_deref().unwrap_or_default();
                let found = match UserId::from_text(text, store.user_id_kind()) {
                    Some(id) => store.get_user(&id).await?,
                    None => None,
                };
                (found, &text.to_owned())
            }
        };
        let shown = output::printable(wanted);
        found.ok_or_else(|| Failure::new(format!("user '{shown}' does not exist")))
    }

    /// The token, under the name it has in an answer of the server.
    async fn mint(&self, jwt: &SimpleJwt, user: &User) -> Result<(&'static str, String), Error> {
        match self.kind {
            Type::Access => {
                // By way of a refresh token, which is thrown away: own claims are those of a log-in.
                let mut token = RefreshToken::for_login(jwt, user).access_token(jwt);
                self.add_claims(&mut token);
                Ok(("access", jwt.encode(&token)?))
            }
            Type::Refresh => {
                self.record(jwt, RefreshToken::for_login(jwt, user), "refresh")
                    .await
            }
            Type::Sliding => {
                self.record(jwt, SlidingToken::for_login(jwt, user), "token")
                    .await
            }
        }
    }

    async fn record<K: Listed>(
        &self,
        jwt: &SimpleJwt,
        mut token: tokenpair::Token<K>,
        name: &'static str,
    ) -> Result<(&'static str, String), Error> {
        self.add_claims(&mut token);
        token.outstand(jwt).await?;
        Ok((name, jwt.encode(&token)?))
    }

    fn add_claims<K: tokenpair::Kind>(&self, token: &mut tokenpair::Token<K>) {
        for (name, value) in &self.claim {
            token.insert(name.as_str(), value.clone());
        }
    }
}
