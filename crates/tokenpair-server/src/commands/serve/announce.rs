//! What a server prints when it starts.

use super::first_users::FirstUser;
use crate::Options;
use crate::config::{Config, Endpoint};
use crate::output::{self, Failure};
use std::fmt::Write as _;
use std::net::SocketAddr;
use tokenpair::json::Value;

/// Says where the server is and, for a new account, what to paste. The only place where its password is shown.
///
/// Fails where a password was made and nobody can have seen it.
pub(super) fn announce(
    options: &Options,
    address: SocketAddr,
    config: &Config,
    first_user: Option<&FirstUser>,
) -> Result<(), Failure> {
    let base = format!("http://{address}");
    let mut text = format!("tokenpair is listening on {base}");
    let Some(user) = first_user else {
        return output::result(options, text, [("listening", Value::from(base.as_str()))]);
    };
    let FirstUser {
        username, password, ..
    } = user;
    let once = if user.is_secret {
        "   (shown only now)"
    } else {
        ""
    };
    let _ = write!(
        text,
        "\n\n  user      {username}\n  password  {password}{once}\n"
    );
    let commands = commands(&base, config, user);
    if !commands.is_empty() {
        let _ = write!(text, "\nTry it:\n{commands}");
    }
    if let Some(docs) = config.paths.first(Endpoint::Docs) {
        let _ = write!(text, "\nIn a browser: {base}{docs}\n");
    }
    let fields = [
        ("listening", Value::from(base.as_str())),
        ("username", Value::from(username.as_str())),
        ("password", Value::from(password.as_str())),
    ];
    let missed = format!(
        "the password of the new user {username} was not shown: set one with `tokenpair changepassword {username}`"
    );
    match output::print(&output::line(options, text, fields)) {
        Err(failure) if user.is_secret => Err(Failure::new(format!("{failure}; {missed}"))),
        Ok(false) if user.is_secret => Err(Failure::new(format!(
            "nobody reads standard output; {missed}"
        ))),
        printed => printed.map(drop),
    }
}

/// Commands that obtain, use and refresh a token, each on the tokens of the one before; as many as there are
/// endpoints for.
fn commands(base: &str, config: &Config, user: &FirstUser) -> String {
    let FirstUser {
        username, password, ..
    } = user;
    let url = |endpoint| {
        let path = config.paths.first(endpoint)?;
        Some(format!("{base}{path}"))
    };
    let mut text = String::new();
    let Some(obtain) = url(Endpoint::TokenObtainPair) else {
        return text;
    };
    let _ = writeln!(
        text,
        r#"  TOKENS=$(curl -s {obtain} -H 'Content-Type: application/json' -d '{{"username": "{username}", "password": "{password}"}}'); echo "$TOKENS""#
    );
    if let Some(me) = url(Endpoint::Me) {
        let _ = writeln!(
            text,
            r#"  curl -s {me} -H "Authorization: Bearer $(expr "$TOKENS" : '.*"access":"\([^"]*\)')""#
        );
    }
    if let Some(refresh) = url(Endpoint::TokenRefresh) {
        let _ = writeln!(
            text,
            r#"  curl -s {refresh} -H 'Content-Type: application/json' -d "$TOKENS""#
        );
    }
    text
}
