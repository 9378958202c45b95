//! [`UserAdmin`] and [`AccountStore`] in memory.

use super::super::{
    Account, AccountStore, Changes, MOST_NAMESAKES, NewUser, Saved, SignUp, Unverified, UserAdmin,
    UserModel, UserPage, UsernameLookup, several_users,
};
use super::{Data, MemoryStore, only};
use crate::error::StoreError;
use crate::models::{EncodedPassword, User, UserId};
use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::LazyLock;

/// What is known of a user, by primary key.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    email: String,
    first_name: String,
    last_name: String,
}

/// A sign-up that is kept, in the order of the numbers.
#[derive(Debug)]
pub(super) struct Waiting {
    kept: Unverified,
    at: Timestamp,
}

impl Data {
    pub(super) fn account(&self, user: &User) -> Account {
        let person = self.persons.get(&user.id).cloned().unwrap_or_default();
        let mut account = Account::new(user.clone());
        account.email = Some(person.email);
        account.first_name = Some(person.first_name);
        account.last_name = Some(person.last_name);
        account.last_login = self.last_login.get(&user.user_id).copied();
        account
    }

    /// `None`: the name is taken.
    fn add(&mut self, new: SignUp, lookup: UsernameLookup) -> Option<User> {
        let user = new.user;
        if !self.users_named(&user.username, lookup).is_empty() {
            return None;
        }
        let keys = self.users.values().filter_map(|user| match user.id {
            UserId::Int(key) => Some(key),
            _ => None,
        });
        let mut created = User::new(keys.max().unwrap_or(0) + 1, user.username);
        created.password = user.password;
        created.is_staff = user.is_staff;
        created.is_superuser = user.is_superuser;
        let person = Person {
            email: user.email,
            first_name: new.first_name,
            last_name: new.last_name,
        };
        self.persons.insert(created.id.clone(), person);
        self.users.insert(created.user_id.clone(), created.clone());
        Some(created)
    }

    fn waiting(&self, since: Timestamp) -> impl DoubleEndedIterator<Item = &Unverified> {
        let living = self.unverified.iter();
        let living = living.filter(move |waiting| waiting.at >= since);
        living.map(|waiting| &waiting.kept)
    }
}

#[async_trait]
impl UserAdmin for MemoryStore {
    fn user_model(&self) -> &UserModel {
        static AUTH_USER: LazyLock<UserModel> = LazyLock::new(UserModel::default);
        &AUTH_USER
    }

    async fn create_user(&self, user: NewUser, at: Timestamp) -> Result<Option<User>, StoreError> {
        Ok(match self.sign_up(user.into(), at).await? {
            Saved::Done(user) => Some(user),
            _ => None,
        })
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
    async fn sign_up(&self, new: SignUp, _at: Timestamp) -> Result<Saved<User>, StoreError> {
        let made = self.data().add(new, self.username_lookup);
        Ok(made.map_or(Saved::Taken("username"), Saved::Done))
    }

    async fn find_by_key(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        let data = self.data();
        let user = data.users.values().find(|user| user.id == *id);
        Ok(user.map(|user| data.account(user)))
    }

    async fn find_by_email(&self, email: &str) -> Result<Vec<Account>, StoreError> {
        let data = self.data();
        let active = data.users.values().filter(|user| user.is_active);
        let accounts = active.map(|user| data.account(user));
        let has_it = |account: &Account| {
            let known = account.email.as_deref();
            known.is_some_and(|known| known.eq_ignore_ascii_case(email))
        };
        let mut found: Vec<Account> = accounts.filter(has_it).collect();
        found.sort_by(|one, other| one.user.id.cmp(&other.user.id));
        found.truncate(MOST_NAMESAKES);
        Ok(found)
    }

    async fn update_profile(
        &self,
        id: &UserId,
        changes: &Changes,
    ) -> Result<Saved<()>, StoreError> {
        let mut data = self.data();
        if let Some(name) = &changes.username {
            let namesakes = data.users_named(name, self.username_lookup);
            if namesakes.iter().any(|user| user.id != *id) {
                return Ok(Saved::Taken("username"));
            }
        }
        let Some(user) = data.users.values_mut().find(|user| user.id == *id) else {
            return Ok(Saved::Gone);
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
        Ok(Saved::Done(()))
    }

    fn keeps_unverified(&self) -> bool {
        true
    }

    async fn keep_unverified(
        &self,
        new: &SignUp,
        at: Timestamp,
        since: Timestamp,
    ) -> Result<i64, StoreError> {
        let waiting = &mut self.data().unverified;
        let id = waiting.last().map_or(1, |last| last.kept.id + 1);
        waiting.retain(|waiting| waiting.at >= since);
        let sign_up = new.clone();
        let kept = Unverified { id, sign_up };
        waiting.push(Waiting { kept, at });
        Ok(id)
    }

    async fn find_unverified(
        &self,
        id: i64,
        since: Timestamp,
    ) -> Result<Option<Unverified>, StoreError> {
        let data = self.data();
        let found = data.waiting(since).find(|kept| kept.id == id);
        Ok(found.cloned())
    }

    async fn find_unverified_by_email(
        &self,
        email: &str,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<Unverified>, StoreError> {
        let data = self.data();
        let has_it = |kept: &&Unverified| kept.sign_up.user.email.eq_ignore_ascii_case(email);
        let found = data.waiting(since).rev().filter(has_it);
        Ok(found.take(most).cloned().collect())
    }

    async fn verify(&self, proved: Unverified, _at: Timestamp) -> Result<Saved<User>, StoreError> {
        let mut data = self.data();
        let place = |waiting: &Waiting| waiting.kept.id == proved.id;
        let Some(place) = data.unverified.iter().position(place) else {
            return Ok(Saved::Gone);
        };
        data.unverified.remove(place);
        let made = data.add(proved.sign_up, self.username_lookup);
        Ok(made.map_or(Saved::Taken("username"), Saved::Done))
    }
}
