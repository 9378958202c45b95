//! What the engine asks of a database: few verbs, each one atomic, each one transaction.
//!
//! "Not there" is `Ok(None)` or `Ok(false)`; a [`StoreError`] means that the answer is unknown and becomes a 503.
//! A verb that returns `Ok` has made its effect durable. `contract` holds the tests that any [`Store`] must pass.

mod account_store;
#[cfg(any(test, feature = "test-util"))]
pub mod contract;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod datetime;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod expired;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod last_change;
mod memory;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod migration;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod relations;
mod sessions;
#[cfg(feature = "sqlite")]
mod sqlite;
mod user_admin;
mod user_model;

pub use account_store::{AccountStore, Changes, MOST_NAMESAKES, Saved, SignUp, Unverified};
pub use memory::MemoryStore;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use migration::Migration;
#[cfg(feature = "postgres")]
pub use migration::MigrationProgress;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresOptions, PostgresStore};
pub use sessions::{Ending, Session, SessionStore, SessionUse};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
pub use user_admin::{Account, NewUser, UserAdmin, UserPage, several_users};
pub use user_model::{UserModel, UsernameLookup};

use crate::error::StoreError;
use crate::json::Object;
use crate::models::{Credentials, OutstandingToken, User, UserId, UserIdKind};
use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Who the users are: the two methods of a Django authentication backend.
///
/// Implement it for users that live elsewhere (LDAP, another service). For users in a table with Django's
/// password hashes, implement [`UserTable`] instead and let the engine do the hashing.
#[doc(alias = "AUTHENTICATION_BACKENDS")]
#[doc(alias = "LDAP")]
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// The user these credentials belong to; `None` for a wrong name or password and for barred users.
    ///
    /// Take care to spend equal time on unknown names and on wrong passwords.
    async fn authenticate(&self, credentials: &Credentials) -> Result<Option<User>, crate::Error>;

    /// The user whose `USER_ID_FIELD` equals `id`, active or not.
    async fn get_user(&self, id: &UserId) -> Result<Option<User>, StoreError>;

    /// The user whose `USER_ID_FIELD` equals `id`, with what is known of the person, in one question: what
    /// [`get_user`](Self::get_user) knows, unless overridden.
    async fn get_account(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        Ok(self.get_user(id).await?.map(Account::new))
    }

    /// Notes a log-in, under `UPDATE_LAST_LOGIN`. Does nothing unless overridden.
    async fn update_last_login(&self, user: &User, at: Timestamp) -> Result<(), StoreError> {
        let _ = (user, at);
        Ok(())
    }

    /// The column that [`get_user`](Self::get_user) looks users up by, to be compared with `USER_ID_FIELD` at start.
    /// `None`, the default, is not compared.
    fn user_id_field(&self) -> Option<&str> {
        None
    }

    /// How claims are converted to keys before [`get_user`](Self::get_user) is called. Text unless overridden.
    fn user_id_kind(&self) -> UserIdKind {
        UserIdKind::Text
    }

    /// The name of the log-in field (`USERNAME_FIELD`): what clients send beside `password`.
    #[expect(
        clippy::unnecessary_literal_bound,
        reason = "a mapped user model has a name of its own"
    )]
    fn username_field(&self) -> &str {
        "username"
    }
}

/// Rows of a user table whose passwords are stored as Django stores them.
#[async_trait]
pub trait UserTable: Send + Sync + 'static {
    /// The user with exactly this login name: no case folding, no normalisation.
    ///
    /// `None` also where several rows have it: a log-in must not depend on which of them comes first.
    async fn find_by_login(&self, login: &str) -> Result<Option<User>, StoreError>;

    /// The only user whose login name differs from this one at most in case, for a table whose names are
    /// [looked up so](UsernameLookup::Iexact). `None`, the default, for every other table, and where several are meant.
    async fn find_by_login_iexact(&self, login: &str) -> Result<Option<User>, StoreError> {
        let _ = login;
        Ok(None)
    }

    /// Further members of [`User::columns`], which are only wanted at a log-in: groups and permissions, see
    /// [`UserModel::columns`]. Asked for once the password was right. None unless overridden.
    async fn login_columns(&self, user: &User) -> Result<Object, StoreError> {
        let _ = user;
        Ok(Object::new())
    }

    /// The user whose `USER_ID_FIELD` equals `id`.
    async fn get_user(&self, id: &UserId) -> Result<Option<User>, StoreError>;

    /// The user whose `USER_ID_FIELD` equals `id`, with what is known of the person, in one question: what
    /// [`get_user`](Self::get_user) knows, unless overridden.
    async fn get_account(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        Ok(self.get_user(id).await?.map(Account::new))
    }

    /// Replaces the stored password. `false`, and nothing done, if it is no longer `user.password`.
    async fn set_password(&self, user: &User, encoded: &str) -> Result<bool, StoreError>;

    /// Sets `last_login`.
    async fn update_last_login(&self, user: &User, at: Timestamp) -> Result<(), StoreError>;

    /// The kind of the `USER_ID_FIELD` column.
    fn user_id_kind(&self) -> UserIdKind;

    /// The column that [`get_user`](Self::get_user) looks users up by: must be what `USER_ID_FIELD` says.
    #[expect(
        clippy::unnecessary_literal_bound,
        reason = "a mapped user model has a name of its own"
    )]
    fn user_id_field(&self) -> &str {
        "id"
    }

    /// The name of the log-in field (`USERNAME_FIELD`): what clients send beside `password`.
    #[expect(
        clippy::unnecessary_literal_bound,
        reason = "a mapped user model has a name of its own"
    )]
    fn username_field(&self) -> &str {
        "username"
    }
}

/// The record of refresh and sliding tokens: Django's `token_blacklist` tables and our rotation table.
#[doc(alias = "token_blacklist")]
#[async_trait]
pub trait TokenStore: Send + Sync + 'static {
    /// Records a new token. A `jti` that is on record already stays unchanged.
    async fn record(&self, token: &OutstandingToken) -> Result<(), StoreError>;

    /// Whether this `jti` is blacklisted.
    async fn is_blacklisted(&self, jti: &str) -> Result<bool, StoreError>;

    /// Blacklists a token, recording it first if it is unknown (a known record stays unchanged).
    ///
    /// `true` if this call did it, `false` if it was blacklisted before: of any number of simultaneous calls
    /// for one token, and of calls of [`rotate`](Self::rotate), exactly one wins.
    async fn blacklist(&self, token: &OutstandingToken, at: Timestamp) -> Result<bool, StoreError>;

    /// Exchanges a token for its successor, in one transaction: records the parent if it is unknown, blacklists
    /// it, records the successor. Only the call that blacklists the parent wins.
    async fn rotate(&self, rotation: &Rotation) -> Result<Rotated, StoreError>;

    /// Ends the line of a token that was exchanged at most `grace` ago, by blacklisting the line's last token.
    ///
    /// `true` if this call did it; `false` if the line had ended, or the token was not exchanged in that time.
    async fn end_line(
        &self,
        parent_jti: &str,
        grace: Duration,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Deletes up to `limit` tokens that expired before `before`, with their blacklist and rotation rows.
    ///
    /// Call it until it says [`Flushed::Deleted(0)`](Flushed::Deleted), and with a margin: a token must be past `exp`
    /// and leeway, by the clock of every process that may be shown it.
    async fn flush_expired(&self, before: Timestamp, limit: usize) -> Result<Flushed, StoreError>;

    /// How many tokens on record expired before `before`: what [`flush_expired`](Self::flush_expired) would delete.
    async fn count_expired(&self, before: Timestamp) -> Result<usize, StoreError>;

    /// What time it is for the database, whose clock all processes share. `None`, the default, where it has none.
    async fn database_time(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }
}

/// A database that holds users and tokens together, so that one query can answer for both.
#[async_trait]
pub trait Store: UserTable + TokenStore {
    /// [`UserTable::get_user`] and [`TokenStore::is_blacklisted`] in one round trip.
    async fn get_user_and_blacklisted(
        &self,
        id: &UserId,
        jti: &str,
    ) -> Result<(Option<User>, bool), StoreError>;

    /// A cheap question to the database, for readiness. An error also while changes are refused for a reason that
    /// questions do not have: the database is read-only, the disk is full.
    async fn ping(&self) -> Result<(), StoreError>;

    /// The same database as a record of sessions, which `SESSIONS` needs. `None` unless overridden.
    fn session_store(self: Arc<Self>) -> Option<Arc<dyn SessionStore>> {
        None
    }
}

/// One exchange of a refresh token: what [`TokenStore::rotate`] is asked to do.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// The presented token.
    pub parent: OutstandingToken,
    /// The token to put in its place.
    pub successor: OutstandingToken,
    /// `iat` of the successor, in seconds.
    pub successor_iat: i64,
    /// The instant of the exchange.
    pub at: Timestamp,
    /// How long the parent yields the same successor again. Zero: not at all.
    pub grace: Duration,
    /// Whether a parent that comes back after the grace period ends the line.
    pub reuse_detection: bool,
}

impl Rotation {
    /// Whether the parent's exchange at `rotated_at`, in microseconds since 1970, is recent enough to be repeated.
    fn is_within_grace(&self, rotated_at: i64) -> bool {
        is_within(self.grace, rotated_at, self.at)
    }
}

/// Whether an exchange at `rotated_at`, in microseconds since 1970, is at most `grace` ago.
fn is_within(grace: Duration, rotated_at: i64, at: Timestamp) -> bool {
    let age = at.as_microsecond().saturating_sub(rotated_at);
    let grace = i64::try_from(grace.as_micros()).unwrap_or(0);
    grace > 0 && age <= grace
}

/// What came of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// This call won: the successor is recorded.
    Fresh,
    /// The parent was exchanged a moment ago; this is its one successor, to be minted again.
    Replayed(Successor),
    /// The parent may not be exchanged: it was blacklisted, or within the grace period its successor was used.
    Blacklisted,
    /// The parent was exchanged before the grace period: somebody holds a copy, or lost an answer long ago.
    Reused {
        /// Whether this call ended the line, by blacklisting its last token.
        line_revoked: bool,
    },
}

/// What came of one call of [`TokenStore::flush_expired`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// So many tokens went. Zero: nothing is left to do.
    Deleted(usize),
    /// Another process deletes at this moment, and this call did nothing: there may be more to do.
    Busy,
}

/// The dates and id of a successor, all that is needed to mint it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Successor {
    /// Its `jti`.
    pub jti: String,
    /// Its `iat`, in seconds.
    pub iat: i64,
    /// Its `exp`, in seconds.
    pub exp: i64,
}
