//! What a server prints when it starts.

use crate::Options;
use crate::output::{self, Failure};
use std::net::SocketAddr;
use tokenpair::json::Value;

/// An account somebody should hear of.
pub(super) struct FirstUser {
    pub(super) username: &'static str,
    pub(super) password: String,
    /// Whether the password was made for this account and nobody knows it yet.
    pub(super) is_secret: bool,
}

/// Says where the server is and, for a new account, what to paste. The only place where its password is shown.
///
/// Fails where a password was made and nobody can have seen it.
pub(super) fn announce(
    options: &Options,
    address: SocketAddr,
    first_user: Option<&FirstUser>,
) -> Result<(), Failure> {
    let base = format!("http://{address}");
    let Some(FirstUser {
        username,
        password,
        is_secret,
    }) = first_user
    else {
        return output::result(
            options,
            format!("tokenpair is listening on {base}"),
            [("listening", Value::from(base.as_str()))],
        );
    };
    let once = if *is_secret {
        "   (shown only now)"
    } else {
        ""
    };
    let text = format!(
        r#"tokenpair is listening on {base}

  user      {username}
  password  {password}{once}

Try it:
  TOKENS=$(curl -s {base}/api/token/ -H 'Content-Type: application/json' -d '{{"username": "{username}", "password": "{password}"}}'); echo "$TOKENS"
  curl -s {base}/api/me/ -H "Authorization: Bearer $(expr "$TOKENS" : '.*"access":"\([^"]*\)')"
  curl -s {base}/api/token/refresh/ -H 'Content-Type: application/json' -d "$TOKENS"
"#
    );
    let fields = [
        ("listening", Value::from(base.as_str())),
        ("username", Value::from(*username)),
        ("password", Value::from(password.as_str())),
    ];
    let missed = format!(
        "the password of the new user {username} was not shown: set one with `tokenpair changepassword {username}`"
    );
    match output::print(&output::line(options, text, fields)) {
        Err(failure) if *is_secret => Err(Failure::new(format!("{failure}; {missed}"))),
        Ok(false) if *is_secret => Err(Failure::new(format!(
            "nobody reads standard output; {missed}"
        ))),
        printed => printed.map(drop),
    }
}
