//! Sessions: lines of refresh tokens with what is known of their clients, to be looked at and to be ended.
//!
//! A session lives as long as its current token is neither blacklisted nor expired. Living refresh tokens that no
//! session is on record for (Django's, or older than `SESSIONS`) are sessions, too, of which less is known.

use super::{Rotated, Rotation, TokenStore};
use crate::error::StoreError;
use crate::models::{NumericDate, OutstandingToken, User, UserId};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use std::net::IpAddr;

/// How often a refresh without rotation is noted, at most.
const TOUCHED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// The sessions in a list at most: whoever has more is no person.
const LISTED: usize = 500;

/// Those that live, in the order of [`SessionStore::sessions`].
pub(super) fn listed(sessions: impl Iterator<Item = Session>, now: Timestamp) -> Vec<Session> {
    let living = sessions.filter(|session| session.expires_at > now.into());
    let mut living: Vec<_> = living.collect();
    living.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
    living.truncate(LISTED);
    living
}

/// A refresh at `at` is not noted where one was after this instant.
pub(super) fn noted_lately(at: Timestamp) -> Timestamp {
    at.checked_sub(TOUCHED_EVERY).unwrap_or(Timestamp::MIN)
}

/// The record of sessions beside that of their tokens: our table `tokenpair_session`.
///
/// Users are meant by their primary key, and a session's id means nothing without its user.
#[async_trait]
pub trait SessionStore: TokenStore {
    /// [`TokenStore::record`] for the first token of a session, and the session, in one transaction.
    async fn record_session(
        &self,
        token: &OutstandingToken,
        usage: &SessionUse,
    ) -> Result<(), StoreError>;

    /// [`TokenStore::rotate`] for a token of a session, which this notes in the same transaction if it wins.
    ///
    /// A token whose session was ended is [`Rotated::Blacklisted`], and is so from then on, whoever made it.
    async fn rotate_session(
        &self,
        rotation: &Rotation,
        usage: &SessionUse,
    ) -> Result<Rotated, StoreError>;

    /// Notes a refresh that made no new token, unless one was noted in the last minute.
    async fn touch_session(&self, usage: &SessionUse) -> Result<(), StoreError>;

    /// The user's living sessions, the newest first, 500 at most.
    async fn sessions(&self, user: &UserId, now: Timestamp) -> Result<Vec<Session>, StoreError>;

    /// Ends a living session of this user. `false`: there is none with this id, among this user's.
    ///
    /// Its refresh tokens are of no use when this returns, also where one of them was being exchanged meanwhile.
    async fn end_session(&self, user: &UserId, id: &str, at: Timestamp)
    -> Result<bool, StoreError>;

    /// Blacklists every refresh and sliding token of the user, but for one session's; tells how many living sessions
    /// this ended. A token that is being exchanged meanwhile has no living successor when this returns.
    async fn end_sessions(&self, user: &UserId, ending: &Ending) -> Result<usize, StoreError>;

    /// Replaces the stored password and ends the sessions, both or neither, and tells how many living sessions this ended.
    /// `None`, and nothing done, if the password is no longer `user.password`.
    async fn replace_password(
        &self,
        user: &User,
        encoded: &str,
        ending: &Ending,
    ) -> Result<Option<usize>, StoreError>;

    /// The user whose `USER_ID_FIELD` equals `id`, and whether that user's session was ended, in one round trip.
    async fn get_user_and_ended(
        &self,
        id: &UserId,
        session: &str,
    ) -> Result<(Option<User>, bool), StoreError>;
}

/// A living session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its `sid`, or the `jti` of a token that has none.
    pub id: String,
    /// When its first token was made.
    pub created_at: Timestamp,
    /// When it was last refreshed, to the minute at least; as `created_at` if it never was. `None`: not known.
    pub refreshed_at: Option<Timestamp>,
    /// When its current token expires; of a sliding token, when it cannot be refreshed any more.
    pub expires_at: NumericDate,
    /// Where its client was when it last came.
    pub address: Option<IpAddr>,
    /// What its client called itself when it last came.
    pub user_agent: Option<String>,
}

/// A log-in or refresh, as the record of its session keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionUse {
    /// The session's `sid`.
    pub id: String,
    /// The owner's primary key.
    pub user_id: UserId,
    /// The token that the client has from now on.
    pub jti: String,
    /// When the session began, should it not be on record.
    pub created_at: Timestamp,
    /// The instant of the log-in or refresh.
    pub at: Timestamp,
    /// When the token expires.
    pub expires_at: NumericDate,
    /// Where the client is. `None` leaves what is on record.
    pub address: Option<IpAddr>,
    /// What the client calls itself. `None` leaves what is on record.
    pub user_agent: Option<String>,
}

/// Which sessions [`SessionStore::end_sessions`] ends. Made by [`SimpleJwt::ending`](crate::SimpleJwt::ending).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ending {
    /// The `sid` of the session that goes on.
    pub except: Option<String>,
    /// Tokens whose record says that they expired earlier are left alone. A sliding token outlives its record.
    pub since: Timestamp,
    /// Now.
    pub at: Timestamp,
}

impl Ending {
    /// Every session but `except`, with every token whose record expired after `since`.
    pub fn new(except: Option<&str>, since: Timestamp, at: Timestamp) -> Self {
        Self {
            except: except.map(str::to_owned),
            since,
            at,
        }
    }
}
