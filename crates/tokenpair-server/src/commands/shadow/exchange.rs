//! What is played and what comes back.

use super::jose::{self, Parts};
use crate::config::Paths;
use crate::output::printable;
use jiff::Timestamp;
use std::fmt;
use tokenpair::Settings;
use tokenpair::json::Value;

/// A request to play. Its tokens are those of the recording; each server is sent its own instead (`tokens`).
///
/// A generated request has a recording, too: `recorded` names its tokens by made-up ones, which later requests use.
#[derive(Clone)]
pub(crate) struct Request {
    /// Where it comes from, such as `site.har, entry 12` or `generated: log in`.
    pub(crate) origin: String,
    pub(crate) method: String,
    /// Path and query, as they stand in a request line.
    pub(crate) target: String,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
    /// The body of the answer that was recorded, which tells what the tokens of later requests are.
    pub(crate) recorded: Option<Vec<u8>>,
    /// When it was recorded, where that is known: what an old token was worth then.
    pub(crate) recorded_at: Option<Timestamp>,
    /// Whether Django alone serves the path: it is sent both requests, and has to take tokenpair's tokens for its own.
    pub(crate) is_for_django: bool,
}

impl Request {
    /// A request without headers and body.
    pub(crate) fn new(
        origin: impl Into<String>,
        method: impl Into<String>,
        target: impl Into<String>,
    ) -> Self {
        Self {
            origin: origin.into(),
            method: method.into(),
            target: target.into(),
            headers: Headers::default(),
            body: Vec::new(),
            recorded: None,
            recorded_at: None,
            is_for_django: false,
        }
    }

    /// The path without the query.
    pub(crate) fn path(&self) -> &str {
        let end = self.target.find('?').unwrap_or(self.target.len());
        &self.target[..end]
    }

    /// The path as it may be shown: a token may be a part of it.
    pub(crate) fn shown_path(&self) -> String {
        let token = |text: &str| Parts::read(text).map(|_| "<token>".to_owned());
        let path = jose::replace(self.path().as_bytes(), token);
        printable(&String::from_utf8_lossy(&path))
    }
}

impl fmt::Debug for Request {
    /// Neither headers nor body: they hold passwords and tokens.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = printable(&self.method);
        write!(f, "{method} {} ({})", self.shown_path(), self.origin)
    }
}

/// An answer of one of the servers.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON, if it is JSON.
    pub(crate) fn json(&self) -> Option<Value> {
        tokenpair::json::decode_body(std::str::from_utf8(&self.body).ok()?).ok()
    }
}

/// Headers in their order; names are compared without case.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers(pub(crate) Vec<(String, Vec<u8>)>);

impl Headers {
    /// The first value under `name`, where it is text.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut headers = self.0.iter();
        let (_, value) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// Every value under `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = move |(known, _): &&(String, Vec<u8>)| known.eq_ignore_ascii_case(name);
        self.0
            .iter()
            .filter(named)
            .map(|(_, value)| value.as_slice())
    }

    pub(crate) fn push(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.0.push((name.into(), value.into()));
    }
}

/// A request as both servers got and answered it.
pub(crate) struct Exchange<'a> {
    /// As it was sent to Django, with Django's tokens.
    pub(crate) request: &'a Request,
    pub(crate) django: &'a Answer,
    pub(crate) tokenpair: &'a Answer,
    pub(crate) settings: &'a Settings,
    pub(crate) paths: &'a Paths,
    /// Whether the blacklist app is installed.
    pub(crate) token_blacklist: bool,
    /// What Django speaks unless it is asked for something else, where that is known.
    pub(crate) language: Option<&'a str>,
}

/// Something that the two answers do not have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) place: Place,
    /// What Django says there, without secrets; `None` where it has nothing.
    pub(crate) django: Option<String>,
    /// The same of tokenpair.
    pub(crate) tokenpair: Option<String>,
}

/// Where in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Place {
    Status,
    /// In lower case.
    Header(String),
    /// A member of a JSON body, such as `messages[0].token_class`; empty for the whole body.
    Body(String),
    /// Something in the header of the token that stands in this member.
    TokenHeader {
        token: String,
        name: String,
    },
    /// A claim of the token that stands in this member.
    Claim {
        token: String,
        name: String,
    },
    /// The signature of the token that stands in this member.
    Signature {
        token: String,
    },
}

/// Why a difference is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Rule {
    /// The code of COMPATIBILITY.md, such as `D4`.
    pub(crate) code: &'static str,
    /// One sentence.
    pub(crate) reason: &'static str,
    /// The heading of COMPATIBILITY.md under which it stands.
    pub(crate) section: &'static str,
}

/// Whom a generated request logs in.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) username: String,
    pub(crate) password: String,
    /// Whether it may be let in.
    pub(crate) is_active: bool,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
