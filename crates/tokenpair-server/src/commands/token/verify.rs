//! `tokenpair token verify`: the verify endpoint without a server.

use super::{Type, dates};
use crate::Options;
use crate::config::Config;
use crate::output::{self, Failure};
use tokenpair::json::Value;
use tokenpair::store::Migration;
use tokenpair::{
    AccessToken, Error, RefreshToken, RequestInfo, SimpleJwt, SlidingToken, TokenError,
    UntypedToken, flows,
};

/// Arguments of `token verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Reads the token from standard input. Good: exit status 0. Not good: exit status 1 and Simple JWT's reason. Signature,
dates and blacklist are checked, the user is not. Nothing is created: without a signing key or a database this fails;
[database] token_blacklist = false does without the database.

Examples:
  tokenpair token verify < token.txt
  echo \"$TOKEN\" | tokenpair token verify --type access")]
pub(crate) struct Verify {
    /// Which type it has to be [default: any]
    #[arg(long = "type", value_enum)]
    kind: Option<Type>,
}

impl Verify {
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        let mut config = Config::load(options, None)?;
        if !config.use_existing_key_file()? {
            return Err(Failure::new(
                "there is no key to check with: set SIGNING_KEY, or run it where the server keeps its key file",
            ));
        }
        let raw = super::read()?;
        let mut jwt = super::reader(config.settings.clone());
        if config.token_blacklist {
            jwt = jwt.shared_tokens(
                super::super::open_read_only(&config, &[Migration::TokenBlacklist]).await?,
            );
        }
        let jwt = jwt.build()?;
        let found = match check(&jwt, &raw).await? {
            Ok(()) => self.check_type(&jwt, &raw).await?,
            refused @ Err(_) => refused,
        };
        let token = found
            .and_then(|()| UntypedToken::verify(&jwt, &raw))
            .map_err(|error| Failure::new(error.message(jwt.settings().error_texts)))?;
        report(options, &jwt, &token)
    }

    async fn check_type(
        &self,
        jwt: &SimpleJwt,
        raw: &str,
    ) -> Result<Result<(), TokenError>, Failure> {
        let found = match self.kind {
            None => Ok(()),
            Some(Type::Access) => AccessToken::verify(jwt, raw).map(drop).map_err(Error::from),
            Some(Type::Refresh) => RefreshToken::verify(jwt, raw).await.map(drop),
            Some(Type::Sliding) => SlidingToken::verify(jwt, raw).await.map(drop),
        };
        match found {
            Ok(()) => Ok(Ok(())),
            Err(Error::Token(error)) => Ok(Err(error)),
            Err(error) => Err(Failure::new(error.to_string())),
        }
    }
}

/// What the verify endpoint finds wrong. `Err`: it could not find out.
async fn check(jwt: &SimpleJwt, raw: &str) -> Result<Result<(), TokenError>, Failure> {
    match flows::verify(jwt, raw, &RequestInfo::default()).await {
        Ok(_) => Ok(Ok(())),
        Err(Error::Token(error)) => Ok(Err(error)),
        Err(Error::VerifiedTokenBlacklisted) => Ok(Err(TokenError::Blacklisted)),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}

fn report(options: &Options, jwt: &SimpleJwt, token: &UntypedToken) -> Result<(), Failure> {
    let settings = jwt.settings();
    let claim = |name: &str| token.get(name).cloned().unwrap_or(Value::Null);
    let token_type = settings
        .token_type_claim
        .as_deref()
        .map_or(Value::Null, claim);
    let user = claim(&settings.user_id_claim);
    let exp = claim("exp");

    let mut text = "valid ".to_owned();
    if let Some(token_type) = token_type.as_str() {
        text += &output::printable(token_type);
        text.push(' ');
    }
    text += "token";
    if user != Value::Null {
        let user = user
            .as_str()
            .map_or_else(|| tokenpair::json::encode_utf8(&user), str::to_owned);
        text += " of user ";
        text += &output::printable(&user);
    }
    if let Some(date) = dates::date(&exp) {
        text += ", expires ";
        text += &dates::describe(date, jwt.now());
    }
    let fields = [
        ("valid", Value::from(true)),
        ("token_type", token_type),
        ("user_id", user),
        ("exp", exp),
    ];
    output::result(options, text, fields)
}
