//! `ModelBackend`: log-in against a user table with Django's password hashes (`django/contrib/auth/backends.py`).
//!
//! Every refusal costs the same work and says the same thing, whether the name is unknown, the password wrong or
//! the account barred.

use crate::error::{Error, StoreError};
use crate::models::{Credentials, EncodedPassword, User, UserId, UserIdKind};
use crate::passwords::{Hashing, MAX_PASSWORD_BYTES, PasswordHashers};
use crate::store::{Account, UserStore, UserTable};
use async_trait::async_trait;
use jiff::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How often a password is checked that changes while it is being upgraded.
const ATTEMPTS: usize = 3;

/// How far the search for a name went, found or not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    AtOnce,
    BySearch,
}

/// Log-in against a table with Django's password hashes, as a [`UserStore`].
///
/// [`store`](crate::SimpleJwtBuilder::store) and [`user_table`](crate::SimpleJwtBuilder::user_table) make one by
/// themselves. Make your own to ask somebody else first, as with several `AUTHENTICATION_BACKENDS`.
#[doc(alias = "AUTHENTICATION_BACKENDS")]
pub struct ModelBackend {
    table: Arc<dyn UserTable>,
    hashing: Hashing,
}

impl ModelBackend {
    /// Starts the hash threads. Fails if the system has none left.
    pub fn new(table: Arc<dyn UserTable>, hashers: PasswordHashers) -> std::io::Result<Self> {
        Ok(Self {
            table,
            hashing: Hashing::new(hashers)?,
        })
    }

    /// An exact match wins. Only a name without one is searched for without case, which may cost more.
    async fn find(&self, login: &str) -> Result<(Option<User>, Found), Error> {
        let exact = self.table.find_by_login(login).await?;
        if exact.is_some() {
            return Ok((exact, Found::AtOnce));
        }
        let user = self.table.find_by_login_iexact(login).await?;
        Ok((user, Found::BySearch))
    }

    /// Makes up for a search that was spared: a refusal must not tell by its time whether a name exists.
    async fn refuse(&self, login: &str, found: Found) -> Result<Option<User>, Error> {
        if found == Found::AtOnce {
            self.table.find_by_login_iexact(login).await?;
        }
        Ok(None)
    }

    /// For what else has to do with passwords.
    pub(crate) fn hashing(&self) -> &Hashing {
        &self.hashing
    }
}

impl fmt::Debug for ModelBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ModelBackend")
    }
}

#[async_trait]
impl UserStore for ModelBackend {
    async fn authenticate(&self, credentials: &Credentials) -> Result<Option<User>, Error> {
        if credentials.password.len() > MAX_PASSWORD_BYTES {
            return Ok(None);
        }
        for _ in 0..ATTEMPTS {
            let (user, found) = self.find(&credentials.username).await?;
            let encoded = user.as_ref().map(|user| user.password.expose());
            let check = self.hashing.check(&credentials.password, encoded).await?;
            let Some(mut user) = user.filter(|_| check.matches) else {
                return self.refuse(&credentials.username, found).await;
            };
            // Before the active check, as Django does: an inactive user's right password is upgraded, too.
            if let Some(encoded) = check.rehash {
                if !self.table.set_password(&user, &encoded).await? {
                    continue;
                }
                user.password = EncodedPassword::new(encoded);
            }
            if !user.is_active {
                return self.refuse(&credentials.username, found).await;
            }
            for (name, value) in &self.table.login_columns(&user).await? {
                user.columns.insert(name.as_str(), value.clone());
            }
            return Ok(Some(user));
        }
        Err(Error::Busy {
            retry_after: Duration::from_secs(1),
        })
    }

    async fn get_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.table.get_user(id).await
    }

    async fn get_account(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        self.table.get_account(id).await
    }

    async fn update_last_login(&self, user: &User, at: Timestamp) -> Result<(), StoreError> {
        self.table.update_last_login(user, at).await
    }

    fn user_id_kind(&self) -> UserIdKind {
        self.table.user_id_kind()
    }

    fn user_id_field(&self) -> Option<&str> {
        Some(self.table.user_id_field())
    }

    fn username_field(&self) -> &str {
        self.table.username_field()
    }
}
