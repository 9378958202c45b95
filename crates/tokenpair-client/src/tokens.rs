//! Tokens, and what can be read from an access token without its key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::{fmt, io};

/// More than any server sends, or accepts in a header.
const LONGEST: usize = 64 * 1024;
/// An access token is due when less than this many seconds of its life remain,
const AHEAD: f64 = 300.0;
/// or less than this part of it, where that is shorter.
const SHARE: f64 = 5.0;

/// A token. It has no `Display`, and its `Debug` hides it.
///
/// An access token from a [`Client`](crate::Client) also knows of which login it is. Two of the same text are equal all the same.
#[derive(Clone)]
pub struct Token {
    text: Arc<str>,
    /// The id of the login.
    login: Option<Arc<str>>,
}

impl Token {
    /// `None` for what cannot be a token: empty, or with characters that no header may hold.
    pub fn new(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= LONGEST;
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        (fits && is_plain).then(|| Self {
            text: text.into(),
            login: None,
        })
    }

    /// The token itself. Keep it out of logs and errors.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether both are of one login; those that know none are.
    pub(crate) fn is_of_the_login_of(&self, other: &Self) -> bool {
        self.login == other.login
    }

    /// When the token ends, by the server's clock. `None` if it cannot be read: it is encrypted, or no JWT.
    pub(crate) fn end(&self) -> Option<f64> {
        self.claims().exp
    }

    pub(crate) fn issued_at(&self) -> Option<f64> {
        self.claims().iat
    }

    fn claims(&self) -> Claims {
        let mut parts = self.text.split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Claims::default();
        };
        let bytes = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What we read of a payload. It is not verified: only the server's word counts.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Claims {
    exp: Option<f64>,
    iat: Option<f64>,
}

/// What a login consists of.
#[derive(Clone, Debug, PartialEq)]
pub struct Tokens {
    pub(crate) access: Token,
    pub(crate) refresh: Token,
    /// When to refresh, in seconds by the server's clock; `None`: not before a 401.
    pub(crate) due: Option<f64>,
    /// Of the base URL that they are for; `None`: of any.
    pub(crate) origin: Option<Arc<str>>,
}

impl Tokens {
    /// A login that was made elsewhere, for [`Client::keep`](crate::Client::keep).
    pub fn new(access: Token, refresh: Token) -> Self {
        Self {
            access,
            refresh,
            due: None,
            origin: None,
        }
    }

    /// Tokens that came when the server's clock said `now`.
    ///
    /// The life of an access token is counted from then: Simple JWT copies the `iat` of the refresh token into it.
    pub(crate) fn arrived(access: Token, refresh: Token, now: Option<f64>) -> Self {
        // A token is not dead when it comes: the clock that says so is not the one that made it.
        let due = access.end().zip(now).filter(|(end, now)| now < end);
        let due = due.map(|(end, now)| end - AHEAD.min((end - now) / SHARE));
        Self {
            due,
            ..Self::new(access, refresh)
        }
    }

    /// Those of a login that begins.
    pub(crate) fn of_a_new_login(mut self) -> Self {
        // It need not be secret, only different.
        self.access.login = Some(format!("{:032x}", fastrand::u128(..)).into());
        self
    }

    /// Those that a refresh brought for `used`.
    pub(crate) fn of_the_login_of(mut self, used: &Token) -> Self {
        self.access.login.clone_from(&used.login);
        self
    }

    /// The token that requests carry.
    pub fn access(&self) -> &Token {
        &self.access
    }

    /// The token that brings new ones.
    pub fn refresh(&self) -> &Token {
        &self.refresh
    }

    /// A text for storages to keep: an object of `access` and `refresh`, of `due` (when to refresh, in seconds since 1970 by the server's clock), of
    /// `login` (a random id, which stays the same from a log-in to the next) and of `origin` (that of the base URL).
    pub fn to_json(&self) -> String {
        let stored = json!({
            "access": self.access.expose(),
            "refresh": self.refresh.expose(),
            "due": self.due,
            "login": self.access.login.as_deref(),
            "origin": self.origin.as_deref(),
        });
        stored.to_string()
    }

    /// Reads what [`to_json`](Self::to_json) wrote; all but the tokens may be missing. The error does not show the text.
    pub fn from_json(text: &str) -> io::Result<Self> {
        let foreign = || {
            let kind = io::ErrorKind::InvalidData;
            io::Error::new(kind, "no tokens are stored here, but something else")
        };
        let Stored {
            access,
            refresh,
            due,
            login,
            origin,
        } = serde_json::from_str(text).map_err(|_| foreign())?;
        let token = |text: &str| Token::new(text).ok_or_else(foreign);
        let mut access = token(&access)?;
        access.login = login.map(Into::into);
        Ok(Self {
            access,
            refresh: token(&refresh)?,
            due,
            origin: origin.map(Into::into),
        })
    }
}

#[derive(Deserialize)]
struct Stored {
    access: String,
    refresh: String,
    due: Option<f64>,
    login: Option<String>,
    origin: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(payload: &str) -> Token {
        Token::new(&format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))).unwrap()
    }

    fn due(payload: &str, now: f64) -> Option<f64> {
        let refresh = Token::new("r").unwrap();
        Tokens::arrived(access(payload), refresh, Some(now)).due
    }

    #[test]
    fn an_access_token_is_due_five_minutes_or_a_fifth_of_its_life_before_its_end() {
        assert_eq!(due(r#"{"exp": 4600, "iat": 1000}"#, 1000.0), Some(4300.0));
        assert_eq!(due(r#"{"exp": 1100, "iat": 1000}"#, 1000.0), Some(1080.0));
    }

    #[test]
    fn its_life_begins_when_it_comes_whatever_iat_says() {
        assert_eq!(due(r#"{"exp": 9100, "iat": 1000}"#, 9000.0), Some(9080.0));
    }

    #[test]
    fn a_token_that_seems_dead_when_it_comes_is_used_until_it_is_refused() {
        assert_eq!(due(r#"{"exp": 1100}"#, 1100.0), None);
    }

    #[test]
    fn what_is_no_jwt_is_read_as_nothing() {
        for text in [
            "opaque",
            "a.b",
            "a.b.c",
            "a.e30.c.d.e",
            "e30.bnVsbA.x",
            "e30.W10.x",
        ] {
            let token = Token::new(text).unwrap();
            assert_eq!((token.end(), token.issued_at()), (None, None), "{text}");
        }
        assert_eq!(access(r#"{"exp": "soon"}"#).end(), None);
        assert_eq!(access(r#"{"exp": 1e999}"#).end(), None);
    }

    #[test]
    fn what_no_header_may_hold_is_no_token() {
        for text in ["", "a b", "a\nb", "ü", &"a".repeat(LONGEST + 1)] {
            assert!(Token::new(text).is_none());
        }
    }

    #[test]
    fn tokens_are_read_as_they_were_written_and_shown_to_nobody() {
        let token = |text| Token::new(text).unwrap();
        let tokens = Tokens::new(token("one-secret"), token("another-secret"));
        let mut tokens = tokens.of_a_new_login();
        tokens.due = Some(1.5);
        tokens.origin = Some("http://localhost:8000".into());
        let read = Tokens::from_json(&tokens.to_json()).unwrap();
        assert!(read == tokens && read.access.is_of_the_login_of(&tokens.access));
        assert!(!format!("{tokens:?}").contains("secret"));
        for text in ["", "null", r#"{"access": "one-secret", "refresh": "a b"}"#] {
            let error = Tokens::from_json(text).unwrap_err();
            assert!(!format!("{error:?} {error}").contains("secret"));
        }
    }

    #[test]
    fn what_was_stored_before_logins_had_an_id_is_read_and_is_one_login() {
        let read = |text| Tokens::from_json(text).unwrap();
        let old = read(r#"{"access": "a", "refresh": "r", "due": 1.5}"#);
        let refreshed = read(r#"{"access": "b", "refresh": "r", "due": null}"#);
        assert_eq!((old.due, &old.origin), (Some(1.5), &None));
        assert!(old.access.is_of_the_login_of(&refreshed.access));
        let another = refreshed.of_a_new_login();
        assert!(!old.access.is_of_the_login_of(&another.access));
        let yet_another = another.clone().of_a_new_login();
        assert!(!another.access.is_of_the_login_of(&yet_another.access));
    }
}
