//! `tokenpair token`: make, look into and check a token at the command line.
//!
//! Tokens are read from standard input only: the list of processes shows arguments to everybody.

mod dates;
mod inspect;
mod mint;
mod verify;

use crate::Options;
use crate::output::Failure;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};
use tokenpair::{
    Credentials, Error, MAX_TOKEN_BYTES, Settings, SimpleJwt, SimpleJwtBuilder, StoreError, User,
    UserId, UserStore, async_trait,
};

/// Subcommands of `token`.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Token {
    /// Make a token for a user, without a password
    Mint(mint::Mint),
    /// Show what is in a token and whether its signature is good
    Inspect(inspect::Inspect),
    /// Check a token as the server would
    Verify(verify::Verify),
}

impl Token {
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        match self {
            Self::Mint(mint) => mint.run(options).await,
            Self::Inspect(inspect) => inspect.run(options).await,
            Self::Verify(verify) => verify.run(options).await,
        }
    }
}

/// The types of token there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Type {
    Access,
    Refresh,
    Sliding,
}

/// The token on standard input: all of it, or a line where somebody types.
fn read() -> Result<String, Failure> {
    let failed = Failure::because("cannot read the token from standard input");
    let stdin = io::stdin();
    let mut text = String::new();
    // One byte more than a token may have: longer ones need not be read to be refused.
    let mut input = stdin.lock().take(MAX_TOKEN_BYTES as u64 + 1);
    let read = if stdin.is_terminal() {
        crate::output::note("Paste the token and press Enter:");
        input.read_line(&mut text)
    } else {
        input.read_to_string(&mut text)
    };
    read.map_err(|error| failed(&error))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(failed(&"there is none; try: tokenpair token … < FILE"));
    }
    Ok(token.to_owned())
}

/// An engine that reads tokens and knows no users.
pub(super) fn reader(settings: Settings) -> SimpleJwtBuilder {
    SimpleJwt::builder(settings).users(Nobody)
}

/// Checking a token asks for no user.
struct Nobody;

#[async_trait]
impl UserStore for Nobody {
    async fn authenticate(&self, _: &Credentials) -> Result<Option<User>, Error> {
        Ok(None)
    }

    async fn get_user(&self, _: &UserId) -> Result<Option<User>, StoreError> {
        Ok(None)
    }
}
