//! A store in memory, for tests, examples and tools. Nothing survives the process; nothing is ever thrown away.

mod accounts;
mod sessions;

use super::{
    Account, Flushed, Rotated, Rotation, SessionStore, Store, Successor, TokenStore, UserTable,
    UsernameLookup, is_within,
};
use crate::error::StoreError;
use crate::models::{EncodedPassword, NumericDate, OutstandingToken, User, UserId, UserIdKind};
use accounts::{Person, Waiting};
use async_trait::async_trait;
use jiff::Timestamp;
use sessions::Kept;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Users and tokens in memory. Clones share the data.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    data: Arc<Mutex<Data>>,
    username_lookup: UsernameLookup,
}

#[derive(Debug, Default)]
struct Data {
    users: HashMap<UserId, User>,
    persons: HashMap<UserId, Person>,
    unverified: Vec<Waiting>,
    last_login: HashMap<UserId, Timestamp>,
    outstanding: HashMap<String, OutstandingToken>,
    blacklisted: HashSet<String>,
    rotations: HashMap<String, Exchange>,
    /// By the user's primary key and the session's id.
    sessions: HashMap<(UserId, String), Kept>,
}

#[derive(Debug)]
struct Exchange {
    successor: Successor,
    at: Timestamp,
}

impl MemoryStore {
    /// Adds a user, or replaces the one with the same `user_id`.
    pub fn add_user(&self, user: User) {
        self.data().users.insert(user.user_id.clone(), user);
    }

    /// How log-in names are compared; as on SQLite, ASCII letters alone have case. Only this handle and clones of it do so.
    #[must_use]
    pub fn with_username_lookup(mut self, lookup: UsernameLookup) -> Self {
        self.username_lookup = lookup;
        self
    }

    /// When the user last logged in, under `UPDATE_LAST_LOGIN`.
    pub fn last_login(&self, user_id: &UserId) -> Option<Timestamp> {
        self.data().last_login.get(user_id).copied()
    }

    /// The record of a token.
    pub fn outstanding(&self, jti: &str) -> Option<OutstandingToken> {
        self.data().outstanding.get(jti).cloned()
    }

    /// How many tokens are on record.
    pub fn outstanding_count(&self) -> usize {
        self.data().outstanding.len()
    }

    /// A poisoned lock is used on: nothing in a verb can panic between its writes.
    fn data(&self) -> MutexGuard<'_, Data> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Data {
    fn record_if_unknown(&mut self, token: &OutstandingToken) {
        self.outstanding
            .entry(token.jti.clone())
            .or_insert_with(|| token.clone());
    }

    fn set_password(&mut self, user: &User, encoded: &str) -> bool {
        let stored = self.users.get_mut(&user.user_id);
        let Some(stored) = stored.filter(|stored| stored.password == user.password) else {
            return false;
        };
        stored.password = EncodedPassword::new(encoded);
        true
    }

    fn rotate(&mut self, rotation: &Rotation) -> Rotated {
        self.record_if_unknown(&rotation.parent);
        if !self.blacklisted.insert(rotation.parent.jti.clone()) {
            return self.settle_repeated(rotation);
        }
        let successor = Successor {
            jti: rotation.successor.jti.clone(),
            iat: rotation.successor_iat,
            exp: rotation.successor.expires_at.as_seconds(),
        };
        self.rotations.insert(
            rotation.parent.jti.clone(),
            Exchange {
                successor,
                at: rotation.at,
            },
        );
        self.record_if_unknown(&rotation.successor);
        Rotated::Fresh
    }

    /// What becomes of a parent that had been blacklisted before.
    fn settle_repeated(&mut self, rotation: &Rotation) -> Rotated {
        let Some(exchange) = self.rotations.get(&rotation.parent.jti) else {
            return Rotated::Blacklisted;
        };
        if rotation.is_within_grace(exchange.at.as_microsecond()) {
            let living = !self.blacklisted.contains(&exchange.successor.jti);
            let successor = exchange.successor.clone();
            return if living {
                Rotated::Replayed(successor)
            } else {
                Rotated::Blacklisted
            };
        }
        let line_revoked = rotation.reuse_detection && {
            let last = self.end_of_line(&rotation.parent.jti);
            self.blacklisted.insert(last)
        };
        Rotated::Reused { line_revoked }
    }

    fn users_named(&self, login: &str, lookup: UsernameLookup) -> Vec<&User> {
        let is_named = |user: &&User| match lookup {
            UsernameLookup::Exact => user.username == login,
            UsernameLookup::Iexact => user.username.eq_ignore_ascii_case(login),
        };
        self.users.values().filter(is_named).collect()
    }

    /// The one token of the line that has not been exchanged.
    fn end_of_line(&self, jti: &str) -> String {
        let mut last = jti;
        while let Some(exchange) = self.rotations.get(last) {
            last = &exchange.successor.jti;
        }
        last.to_owned()
    }
}

/// The one there is.
fn only(mut users: Vec<&User>) -> Option<&User> {
    let user = users.pop()?;
    users.is_empty().then_some(user)
}

#[async_trait]
impl UserTable for MemoryStore {
    async fn find_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        let data = self.data();
        Ok(only(data.users_named(login, UsernameLookup::Exact)).cloned())
    }

    async fn find_by_login_iexact(&self, login: &str) -> Result<Option<User>, StoreError> {
        let data = self.data();
        Ok(match self.username_lookup {
            UsernameLookup::Exact => None,
            lookup @ UsernameLookup::Iexact => only(data.users_named(login, lookup)).cloned(),
        })
    }

    async fn get_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        Ok(self.data().users.get(id).cloned())
    }

    async fn get_account(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        let data = self.data();
        Ok(data.users.get(id).map(|user| data.account(user)))
    }

    async fn set_password(&self, user: &User, encoded: &str) -> Result<bool, StoreError> {
        Ok(self.data().set_password(user, encoded))
    }

    async fn update_last_login(&self, user: &User, at: Timestamp) -> Result<(), StoreError> {
        self.data().last_login.insert(user.user_id.clone(), at);
        Ok(())
    }

    fn user_id_kind(&self) -> UserIdKind {
        UserIdKind::Integer
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn record(&self, token: &OutstandingToken) -> Result<(), StoreError> {
        self.data().record_if_unknown(token);
        Ok(())
    }

    async fn is_blacklisted(&self, jti: &str) -> Result<bool, StoreError> {
        Ok(self.data().blacklisted.contains(jti))
    }

    async fn blacklist(
        &self,
        token: &OutstandingToken,
        _at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut data = self.data();
        data.record_if_unknown(token);
        Ok(data.blacklisted.insert(token.jti.clone()))
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<Rotated, StoreError> {
        Ok(self.data().rotate(rotation))
    }

    async fn end_line(
        &self,
        parent_jti: &str,
        grace: Duration,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut data = self.data();
        let exchanged = data.rotations.get(parent_jti);
        if !exchanged.is_some_and(|exchange| is_within(grace, exchange.at.as_microsecond(), at)) {
            return Ok(false);
        }
        let last = data.end_of_line(parent_jti);
        Ok(data.blacklisted.insert(last))
    }

    async fn flush_expired(&self, before: Timestamp, limit: usize) -> Result<Flushed, StoreError> {
        let mut data = self.data();
        let expired = data
            .outstanding
            .values()
            .filter(|token| token.expires_at < NumericDate::from(before))
            .take(limit);
        let expired: Vec<String> = expired.map(|token| token.jti.clone()).collect();
        for jti in &expired {
            data.outstanding.remove(jti);
            data.blacklisted.remove(jti);
            data.rotations.remove(jti);
        }
        data.forget_sessions(before);
        Ok(Flushed::Deleted(expired.len()))
    }

    async fn count_expired(&self, before: Timestamp) -> Result<usize, StoreError> {
        let data = self.data();
        let expired = data
            .outstanding
            .values()
            .filter(|token| token.expires_at < NumericDate::from(before));
        Ok(expired.count())
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get_user_and_blacklisted(
        &self,
        id: &UserId,
        jti: &str,
    ) -> Result<(Option<User>, bool), StoreError> {
        let data = self.data();
        Ok((data.users.get(id).cloned(), data.blacklisted.contains(jti)))
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn session_store(self: Arc<Self>) -> Option<Arc<dyn SessionStore>> {
        Some(self)
    }
}
