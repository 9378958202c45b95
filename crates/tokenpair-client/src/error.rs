//! What can go wrong. No error holds a token or a password.

use reqwest::StatusCode;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The login has ended: its refresh token has expired, was revoked or refused; or somebody logged out, or logged in as somebody else,
    /// meanwhile. If [`is_logged_in`](crate::Client::is_logged_in) says that nobody is, ask for name and password.
    #[error("the login has ended")]
    LoggedOut,

    /// The server of the tokens could not be asked, or was not able to answer. The login stays; try again later.
    #[error("the token server is not available{}", answered(*status))]
    #[non_exhaustive]
    Unavailable {
        /// What it answered, if it did: 408, 425, 429 or 5xx.
        status: Option<StatusCode>,
        /// For how long the server asked to be left alone.
        retry_after: Option<Duration>,
        /// Why there was no answer at all.
        source: Option<Arc<reqwest::Error>>,
    },

    /// A token endpoint refused: a wrong password, a field that is missing, or no token endpoint at all. A login that is there stays.
    #[error(transparent)]
    Refused(Refusal),

    /// The storage could not be read or written. Tokens that could not be stored are used all the same.
    #[error("the tokens cannot be stored or read")]
    Storage(#[source] Arc<io::Error>),

    /// The request itself got no answer; of [`user`](crate::Client::user) also an answer that does not describe one.
    #[error(transparent)]
    Request(Arc<reqwest::Error>),
}

impl Error {
    pub(crate) fn unavailable() -> Self {
        Self::Unavailable {
            status: None,
            retry_after: None,
            source: None,
        }
    }

    /// The status of the answer, if there was one: that of a token endpoint, or of what [`user`](crate::Client::user) asked.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            Self::Unavailable { status, .. } => *status,
            Self::Request(error) => error.status(),
            Self::LoggedOut | Self::Storage(_) => None,
        }
    }
}

fn answered(status: Option<StatusCode>) -> String {
    status.map_or_else(String::new, |status| format!(": it answered {status}"))
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::Request(Arc::new(error))
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Storage(Arc::new(error))
    }
}

/// How a token endpoint refused. What it wrote is shown to nobody who does not ask: it may repeat what was sent.
#[derive(Clone)]
pub struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) data: Value,
}

impl Refusal {
    /// The status of the answer. A success, if the answer has no token in it, as the page of a captive portal.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What the server wrote: `{"detail": …}`, or what is wrong with which field. Empty after a refresh.
    pub fn data(&self) -> &Value {
        &self.data
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.status.is_success() {
            return write!(
                f,
                "the token server answered {} without tokens",
                self.status
            );
        }
        write!(f, "the token server answered {}", self.status)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Refusal {}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// It is not shown: it may have a password in it.
    #[error(
        "the base URL must be one of http or https, without name, password, query and fragment, such as http://localhost:8000/api"
    )]
    BaseUrl,

    /// It is empty, or has a space in it or what no header may hold.
    #[error("the auth header type must be a word, such as Bearer")]
    AuthHeaderType,

    /// reqwest could not be set up.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
}
