//! What can go wrong between us and the server, and what may be done about it.

use crate::error::StoreError;
use deadpool_postgres::{HookError, PoolError, TimeoutType};
use std::error::Error as StdError;
use tokio_postgres::error::SqlState;

/// The statement was undone by the server and may succeed when it is repeated: another transaction was in the way, or
/// a row that it refers to has gone.
const REPEATABLE: [SqlState; 3] = [
    SqlState::T_R_SERIALIZATION_FAILURE,
    SqlState::T_R_DEADLOCK_DETECTED,
    SqlState::FOREIGN_KEY_VIOLATION,
];
/// What was prepared on this connection is no longer, or no longer fits: a table was altered, or a pooler is in between.
const STALE: [SqlState; 3] = [
    SqlState::FEATURE_NOT_SUPPORTED,
    SqlState::INVALID_SQL_STATEMENT_NAME,
    SqlState::DUPLICATE_PSTATEMENT,
];
/// This connection is of no use any more: the server stops, or has become a standby.
const PARTING: [SqlState; 4] = [
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::READ_ONLY_SQL_TRANSACTION,
];
/// Questions are answered, changes are not made: a standby, a disk that is full or broken.
const CHANGELESS: [SqlState; 3] = [
    SqlState::READ_ONLY_SQL_TRANSACTION,
    SqlState::DISK_FULL,
    SqlState::IO_ERROR,
];
/// A text that no row can hold.
const UNSPEAKABLE: [SqlState; 2] = [
    SqlState::CHARACTER_NOT_IN_REPERTOIRE,
    SqlState::UNTRANSLATABLE_CHARACTER,
];

/// Why a statement has no result.
#[derive(Debug)]
pub(super) enum Failure {
    /// All connections were in use for too long, or too many wait for one.
    Busy,
    /// A change was not begun, as nobody would wait for its answer.
    Slow,
    /// No connection could be made, and the server did not say why.
    Unreachable(String),
    /// The server, or our own check of it, refused a new connection.
    Rejected(String),
    /// No answer in time.
    Silent,
    /// The connection broke: nobody knows what became of the statement.
    Lost(tokio_postgres::Error),
    /// The server's answer is an error: nothing was done.
    Refused(tokio_postgres::Error),
}

impl Failure {
    /// Whether nothing was done and the same statement may succeed in a moment.
    pub(super) fn is_repeatable(&self) -> bool {
        self.has_one_of(&REPEATABLE) || self.is_stale()
    }

    pub(super) fn is_stale(&self) -> bool {
        self.has_one_of(&STALE)
    }

    /// Whether the connection should not be used again.
    pub(super) fn ends_connection(&self) -> bool {
        let is_broken = matches!(self, Self::Lost(_) | Self::Silent);
        is_broken || self.is_stale() || self.has_one_of(&PARTING)
    }

    /// Whether somebody who only asked may simply ask again.
    pub(super) fn is_parting(&self) -> bool {
        matches!(self, Self::Lost(_)) || self.has_one_of(&PARTING)
    }

    /// Whether any other change would be refused as well.
    pub(super) fn is_about_changes(&self) -> bool {
        self.has_one_of(&CHANGELESS)
    }

    pub(super) fn is_unspeakable(&self) -> bool {
        self.has_one_of(&UNSPEAKABLE)
    }

    /// Whether a row's own values (class 22) or a constraint on them (23) are why nothing was done.
    pub(super) fn is_about_values(&self) -> bool {
        ["22", "23"].contains(&self.class()) && !self.is_repeatable() && !self.is_unspeakable()
    }

    /// How many characters fit, where a text was too long.
    pub(super) fn most_characters(&self) -> Option<usize> {
        let Self::Refused(error) = self else {
            return None;
        };
        let error = error.as_db_error()?;
        let is_too_long = *error.code() == SqlState::STRING_DATA_RIGHT_TRUNCATION;
        let (_, most) = error.message().rsplit_once('(').filter(|_| is_too_long)?;
        most.trim_end_matches(')').parse().ok()
    }

    /// What names the column that is complained of: never a value.
    pub(super) fn complaint(&self) -> String {
        let Self::Refused(error) = self else {
            return String::new();
        };
        let Some(error) = error.as_db_error() else {
            return String::new();
        };
        // A detail of another kind repeats the row.
        let key = error.detail().filter(|detail| detail.starts_with("Key ("));
        let key = key.and_then(|detail| detail.split(")=").next());
        let parts = [error.column(), key, error.constraint()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// Whether one row of many may be why nothing was done: its values (class 22), what they refer to (23), another
    /// transaction (40) or its lock. Others may fare better without it.
    pub(super) fn is_about_one(&self) -> bool {
        ["22", "23", "40"].contains(&self.class()) || self.is_lock_timeout()
    }

    /// The first two letters of the server's code.
    fn class(&self) -> &str {
        let code = match self {
            Self::Refused(error) => error.code(),
            _ => None,
        };
        code.and_then(|code| code.code().get(..2))
            .unwrap_or_default()
    }

    pub(super) fn is_unique_violation(&self) -> bool {
        self.has_one_of(&[SqlState::UNIQUE_VIOLATION])
    }

    pub(super) fn is_lock_timeout(&self) -> bool {
        self.has_one_of(&[SqlState::LOCK_NOT_AVAILABLE])
    }

    fn has_one_of(&self, states: &[SqlState]) -> bool {
        match self {
            Self::Refused(error) => error.code().is_some_and(|code| states.contains(code)),
            _ => false,
        }
    }

    /// What to tell the log. Never a value that was sent: the server's DETAIL, which may quote one, is left out.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Busy => "too many requests wait for the database".to_owned(),
            Self::Slow => "the database is too slow for changes".to_owned(),
            Self::Unreachable(reason) | Self::Rejected(reason) => reason.clone(),
            Self::Silent => "the database does not answer in time".to_owned(),
            Self::Lost(error) => format!(
                "the connection to the database was lost, what came of the last statement is unknown: {}",
                chain(error)
            ),
            Self::Refused(_) if self.is_stale() => format!(
                "{} (behind a pooler in transaction mode, switch prepared statements off)",
                self.server_text()
            ),
            Self::Refused(_) => self.server_text(),
        }
    }

    fn server_text(&self) -> String {
        match self {
            Self::Refused(error) => chain(error),
            _ => String::new(),
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        if error.as_db_error().is_some() {
            Self::Refused(error)
        } else {
            Self::Lost(error)
        }
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Timeout(TimeoutType::Wait) => Self::Busy,
            PoolError::Timeout(_) => Self::Unreachable("no connection in time".to_owned()),
            PoolError::PostCreateHook(HookError::Message(reason)) => {
                Self::Rejected(reason.into_owned())
            }
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                if error.as_db_error().is_some() {
                    Self::Rejected(chain(&error))
                } else {
                    Self::Unreachable(chain(&error))
                }
            }
            PoolError::Closed | PoolError::NoRuntimeSpecified => {
                Self::Unreachable(error.to_string())
            }
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::new(failure.text())
    }
}

/// An error with its causes; of a server's error message and SQLSTATE.
fn chain(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        // What PgBouncer says of the limits that we set for a session.
        let hint = if error.message().contains("startup parameter: options") {
            ": behind a pooler, switch prepared statements off"
        } else {
            ""
        };
        let (message, code) = (error.message(), error.code().code());
        return format!("{message} (SQLSTATE {code}){hint}");
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
