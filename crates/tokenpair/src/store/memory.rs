//! A store in memory, for tests, examples and tools. Nothing survives the process; nothing is ever thrown away.

mod sessions;

use super::{
    Account, AccountStore, Changes, Flushed, MOST_NAMESAKES, NewUser, Rotated, Rotation,
    SessionStore, SignUp, Store, Successor, TokenStore, Updated, UserAdmin, UserModel, UserPage,
    UserTable, UsernameLookup, is_within, several_users,
};
use crate::error::StoreError;
use crate::models::{EncodedPassword, NumericDate, OutstandingToken, User, UserId, UserIdKind};
use async_trait::async_trait;
use jiff::Timestamp;
use sessions::Kept;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
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
    unverified: HashSet<UserId>,
    last_login: HashMap<UserId, Timestamp>,
    outstanding: HashMap<String, OutstandingToken>,
    blacklisted: HashSet<String>,
    rotations: HashMap<String, Exchange>,
    /// By the user's primary key and the session's id.
    sessions: HashMap<(UserId, String), Kept>,
}

/// What is known of a user, by primary key.
#[derive(Clone, Debug, Default)]
struct Person {
    email: String,
    first_name: String,
    last_name: String,
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

    fn account(&self, user: &User) -> Account {
        let person = self.persons.get(&user.id).cloned().unwrap_or_default();
        let mut account = Account::new(user.clone());
        account.email = Some(person.email);
        account.first_name = Some(person.first_name);
        account.last_name = Some(person.last_name);
        account.last_login = self.last_login.get(&user.user_id).copied();
        account
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

#[async_trait]
impl UserAdmin for MemoryStore {
    fn user_model(&self) -> &UserModel {
        static AUTH_USER: LazyLock<UserModel> = LazyLock::new(UserModel::default);
        &AUTH_USER
    }

    async fn create_user(&self, user: NewUser, at: Timestamp) -> Result<Option<User>, StoreError> {
        self.sign_up(user.into(), at).await
    }

    async fn list_users(&self, page: &UserPage) -> Result<Vec<Account>, StoreError> {
        let data = self.data();
        let wanted = page.search.as_deref().unwrap_or("").to_ascii_lowercase();
        let mut users: Vec<&User> = data
            .users
            .values()
            .filter(|user| page.after.as_ref().is_none_or(|after| user.id > *after))
            .filter(|user| user.username.to_ascii_lowercase().contains(&wanted))
            .collect();
        users.sort_by_key(|user| &user.id);
        users.truncate(page.limit);
        Ok(users.into_iter().map(|user| data.account(user)).collect())
    }

    async fn find_account(&self, login: &str) -> Result<Option<Account>, StoreError> {
        let data = self.data();
        let mut found = data.users_named(login, UsernameLookup::Exact);
        if found.is_empty() {
            found = data.users_named(login, self.username_lookup);
        }
        if found.len() > 1 {
            return Err(several_users(self.user_model(), login));
        }
        Ok(only(found).map(|user| data.account(user)))
    }

    async fn set_active(&self, id: &UserId, is_active: bool) -> Result<bool, StoreError> {
        let mut data = self.data();
        data.unverified.remove(id);
        let user = data.users.values_mut().find(|user| user.id == *id);
        let changed = user.filter(|user| user.is_active != is_active);
        Ok(changed.map(|user| user.is_active = is_active).is_some())
    }

    async fn change_password(
        &self,
        id: &UserId,
        password: &EncodedPassword,
    ) -> Result<bool, StoreError> {
        let mut data = self.data();
        let user = data.users.values_mut().find(|user| user.id == *id);
        Ok(user.map(|user| user.password = password.clone()).is_some())
    }
}

#[async_trait]
impl AccountStore for MemoryStore {
    async fn sign_up(&self, new: SignUp, _at: Timestamp) -> Result<Option<User>, StoreError> {
        let mut data = self.data();
        let user = new.user;
        let namesakes = data.users_named(&user.username, self.username_lookup);
        if !namesakes.is_empty() {
            return Ok(None);
        }
        let keys = data.users.values().filter_map(|user| match user.id {
            UserId::Int(key) => Some(key),
            _ => None,
        });
        let mut created = User::new(keys.max().unwrap_or(0) + 1, user.username);
        created.password = user.password;
        created.is_staff = user.is_staff;
        created.is_superuser = user.is_superuser;
        created.is_active = new.is_verified;
        let person = Person {
            email: user.email,
            first_name: new.first_name,
            last_name: new.last_name,
        };
        data.persons.insert(created.id.clone(), person);
        if !new.is_verified {
            data.unverified.insert(created.id.clone());
        }
        data.users.insert(created.user_id.clone(), created.clone());
        Ok(Some(created))
    }

    async fn find_by_key(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        let data = self.data();
        let user = data.users.values().find(|user| user.id == *id);
        Ok(user.map(|user| data.account(user)))
    }

    async fn find_by_email(&self, email: &str) -> Result<Vec<Account>, StoreError> {
        let data = self.data();
        let accounts = data.users.values().map(|user| data.account(user));
        let has_it = |account: &Account| {
            let known = account.email.as_deref();
            known.is_some_and(|known| known.eq_ignore_ascii_case(email))
        };
        let mut found: Vec<Account> = accounts.filter(has_it).collect();
        found.sort_by(|one, other| one.user.id.cmp(&other.user.id));
        found.truncate(MOST_NAMESAKES);
        Ok(found)
    }

    async fn update_profile(&self, id: &UserId, changes: &Changes) -> Result<Updated, StoreError> {
        let mut data = self.data();
        if let Some(name) = &changes.username {
            let namesakes = data.users_named(name, self.username_lookup);
            if namesakes.iter().any(|user| user.id != *id) {
                return Ok(Updated::Taken);
            }
        }
        let Some(user) = data.users.values_mut().find(|user| user.id == *id) else {
            return Ok(Updated::Gone);
        };
        let set = |value: &mut String, new: &Option<String>| {
            if let Some(new) = new {
                value.clone_from(new);
            }
        };
        set(&mut user.username, &changes.username);
        let person = data.persons.entry(id.clone()).or_default();
        set(&mut person.email, &changes.email);
        set(&mut person.first_name, &changes.first_name);
        set(&mut person.last_name, &changes.last_name);
        Ok(Updated::Done)
    }

    async fn is_unverified(&self, id: &UserId) -> Result<bool, StoreError> {
        Ok(self.data().unverified.contains(id))
    }

    async fn verify(&self, id: &UserId) -> Result<bool, StoreError> {
        let mut data = self.data();
        let was_unverified = data.unverified.remove(id);
        let user = data.users.values_mut().find(|user| user.id == *id);
        let user = user.filter(|_| was_unverified);
        Ok(user.map(|user| user.is_active = true).is_some())
    }
}
