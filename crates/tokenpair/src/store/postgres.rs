//! Users and tokens in PostgreSQL, on Django's tables, for any number of nodes: each verb is one statement and one
//! transaction, durable when it is answered.
//!
//! Nothing is cached. What goes wrong on the way is an error, never an answer: see `postgres/pool.rs` for time limits
//! and outages. The SQL stands in `postgres/users.rs`, `postgres/accounts.rs`, `postgres/tokens.rs`,
//! `postgres/sessions.rs` and `migrations/postgres`.

mod accounts;
mod columns;
mod durability;
mod failure;
mod gathering;
mod health;
mod iexact;
mod lease;
mod many;
mod options;
mod pool;
mod schema;
mod sessions;
mod sign_up;
mod tls;
mod tokens;
mod users;
mod value;

pub use options::PostgresOptions;

use super::expired::Place;
use super::relations::Relations;
use super::{
    Account, Flushed, Migration, MigrationProgress, Rotated, Rotation, SessionStore, Store,
    TokenStore, UserModel, UserTable,
};
use crate::error::StoreError;
use crate::json::Object;
use crate::models::{OutstandingToken, User, UserId, UserIdKind};
use async_trait::async_trait;
use jiff::Timestamp;
use many::{Gatherings, Lookup};
use pool::{Access, Pool};
use sessions::SessionQueries;
use std::sync::Arc;
use std::time::Duration;
use tokens::TokenQueries;
use users::UserQueries;
use value::Value;

/// Django's tables in a PostgreSQL database. Clones share the connections.
#[derive(Clone, Debug)]
pub struct PostgresStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: Pool,
    users: Arc<UserQueries>,
    relations: Relations,
    tokens: Arc<TokenQueries>,
    sessions: SessionQueries,
    gatherings: Gatherings,
    /// Columns about the person that the user table has.
    personal: std::sync::OnceLock<Vec<&'static str>>,
    model: UserModel,
    steps: &'static [Migration],
    flushing: Place,
}

impl PostgresStore {
    /// Connects to the database that `url` names, as [`PostgresOptions::from_url`] reads it. Tables are made by
    /// [`migrate`](Self::migrate).
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::open(PostgresOptions::from_url(url)?).await
    }

    /// Connects to a database. Fails at once if it cannot be reached, would not keep what it acknowledges
    /// (`synchronous_commit = off`) or is a standby. Needs a Tokio runtime, and stays with it.
    pub async fn open(options: PostgresOptions) -> Result<Self, StoreError> {
        Box::pin(Self::open_to(Access::ReadWrite, options)).await
    }

    /// Connects to a database to look at it, which may be a standby's: whatever would write is an error.
    pub async fn open_read_only(options: PostgresOptions) -> Result<Self, StoreError> {
        Box::pin(Self::open_to(Access::ReadOnly, options)).await
    }

    async fn open_to(access: Access, options: PostgresOptions) -> Result<Self, StoreError> {
        options.user_model.validate().map_err(StoreError::new)?;
        options.check()?;
        let pool = Pool::new(&options, access)?;
        let unusable = |error| StoreError::new(format!("cannot use {}: {error}", pool.address()));
        // Large, and part of whatever opens a store.
        Box::pin(pool.ping()).await.map_err(unusable)?;
        let model = options.user_model;
        let tables = schema::tables(&pool, &model).await.map_err(unusable)?;
        let relations = Relations::new(&model, schema::LONGEST_NAME, &tables);
        let users = Arc::new(UserQueries::new(&relations.own_columns(&model)));
        let tokens = Arc::new(TokenQueries::new(&users));
        Ok(Self(Arc::new(Inner {
            gatherings: Gatherings::new(&pool, &tokens),
            pool,
            tokens,
            sessions: SessionQueries::new(),
            users,
            relations,
            personal: std::sync::OnceLock::new(),
            model,
            steps: Migration::steps(options.token_blacklist),
            flushing: Place::default(),
        })))
    }

    /// Creates what is missing: Django's tables in Django's shape with its rows in `django_migrations`, and ours.
    ///
    /// Tables that exist are left alone, whoever made them. A mapped user model's table must exist. Returns what was
    /// done; nothing is done halfway. Nodes that start at the same time wait for each other. Where a lock on the user
    /// table is not to be had at once, others are let through and it is tried again.
    pub async fn migrate(&self, at: Timestamp) -> Result<Vec<Migration>, StoreError> {
        self.migrate_telling(at, &|_| ()).await
    }

    /// The same, and `tell` is told what it waits for. Nothing else takes long: tables are new and empty.
    pub async fn migrate_telling(
        &self,
        at: Timestamp,
        tell: &(dyn Fn(MigrationProgress) + Send + Sync),
    ) -> Result<Vec<Migration>, StoreError> {
        schema::migrate(&self.0.pool, &self.0.model, self.0.steps, at, tell).await
    }

    /// What [`migrate`](Self::migrate) would do.
    pub async fn pending_migrations(&self) -> Result<Vec<Migration>, StoreError> {
        schema::pending(&self.0.pool, &self.0.model, self.0.steps).await
    }

    /// Whether the user table has every column that the user model names, with keys of the kind it says. To be asked
    /// after [`migrate`](Self::migrate), which may have to make the table first.
    ///
    /// The error names the table or column that is missing and the nearest one there is.
    pub async fn check_user_model(&self) -> Result<(), StoreError> {
        if let Some(flaw) = schema::flaw(&self.0.pool, &self.0.model).await? {
            return Err(StoreError::new(flaw));
        }
        // Whether we may read them, too: a right that is missing would refuse every log-in.
        self.login_columns(&User::new(0, "")).await.map(drop)
    }

    /// Whether the database itself keeps log-in names apart, by a primary key or a unique index. Where it does not,
    /// users who share a name cannot log in; Django's check `auth.E003` refuses such a model.
    pub async fn login_is_unique(&self) -> Result<bool, StoreError> {
        schema::login_is_unique(&self.0.pool, &self.0.model).await
    }

    /// The statement that makes the index which log-ins need whose names are [looked up without
    /// case](super::UsernameLookup::Iexact); `None` if there is one. Without it every user is looked at for each name that
    /// nobody has exactly so.
    pub async fn missing_iexact_index(&self) -> Result<Option<String>, StoreError> {
        iexact::missing_index(&self.0.pool, &self.0.model).await
    }

    /// Two log-in names that differ only in case, if there are any: neither can log in but exactly so, where names are
    /// [looked up without case](super::UsernameLookup::Iexact). Reads the whole table.
    pub async fn names_that_differ_in_case(&self) -> Result<Option<[String; 2]>, StoreError> {
        iexact::names_that_differ(&self.0.pool, &self.0.model).await
    }

    /// The database as `postgres://USER@HOST:PORT/DATABASE`.
    pub fn address(&self) -> &str {
        self.0.pool.address()
    }
}

#[async_trait]
impl UserTable for PostgresStore {
    async fn find_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        self.0.users.by_login(&self.0.pool, login).await
    }

    async fn find_by_login_iexact(&self, login: &str) -> Result<Option<User>, StoreError> {
        self.0.users.by_login_iexact(&self.0.pool, login).await
    }

    async fn login_columns(&self, user: &User) -> Result<Object, StoreError> {
        let Inner {
            relations, users, ..
        } = &*self.0;
        let rows = match relations.statement(user) {
            Some((sql, by_key)) => {
                let key = by_key.then_some(Value::Key(Some(&user.id), users.id_kind));
                users::related(&self.0.pool, &sql, key.as_slice()).await?
            }
            None => Vec::new(),
        };
        Ok(relations.collect(rows))
    }

    async fn get_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let lookup = Lookup {
            id: Some(id.clone()),
            jti: None,
        };
        Ok(self.0.gatherings.users.ask(lookup).await?.0)
    }

    async fn get_account(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        self.account_by_user_id(id).await
    }

    async fn set_password(&self, user: &User, encoded: &str) -> Result<bool, StoreError> {
        self.0.users.set_password(&self.0.pool, user, encoded).await
    }

    async fn update_last_login(&self, user: &User, at: Timestamp) -> Result<(), StoreError> {
        self.0.users.update_last_login(&self.0.pool, user, at).await
    }

    fn user_id_kind(&self) -> UserIdKind {
        self.0.model.user_id_kind
    }

    fn username_field(&self) -> &str {
        self.0.model.username_field()
    }

    fn user_id_field(&self) -> &str {
        &self.0.model.user_id
    }
}

#[async_trait]
impl TokenStore for PostgresStore {
    async fn record(&self, token: &OutstandingToken) -> Result<(), StoreError> {
        self.0.tokens.record(&self.0.pool, token).await
    }

    async fn is_blacklisted(&self, jti: &str) -> Result<bool, StoreError> {
        let lookup = Lookup {
            id: None,
            jti: Some(jti.to_owned()),
        };
        Ok(self.0.gatherings.blacklisted.ask(lookup).await?.1)
    }

    async fn blacklist(&self, token: &OutstandingToken, at: Timestamp) -> Result<bool, StoreError> {
        self.0.gatherings.blacklist.ask((token.clone(), at)).await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<Rotated, StoreError> {
        self.0.gatherings.rotate(&self.0.pool, rotation).await
    }

    async fn end_line(
        &self,
        parent_jti: &str,
        grace: Duration,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        tokens::end_line_within(&self.0.pool, parent_jti, grace, at).await
    }

    /// One node at a time, by an advisory lock that it holds for this call; others are told at once that it is
    /// [`Flushed::Busy`].
    async fn flush_expired(&self, before: Timestamp, limit: usize) -> Result<Flushed, StoreError> {
        tokens::flush_expired(&self.0.pool, &self.0.flushing, before, limit).await
    }

    async fn count_expired(&self, before: Timestamp) -> Result<usize, StoreError> {
        tokens::count_expired(&self.0.pool, before).await
    }

    async fn database_time(&self) -> Result<Option<Timestamp>, StoreError> {
        tokens::time(&self.0.pool).await.map(Some)
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn get_user_and_blacklisted(
        &self,
        id: &UserId,
        jti: &str,
    ) -> Result<(Option<User>, bool), StoreError> {
        let lookup = Lookup {
            id: Some(id.clone()),
            jti: Some(jti.to_owned()),
        };
        self.0.gatherings.users_and_blacklisted.ask(lookup).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.0.pool.ready().await
    }

    fn session_store(self: Arc<Self>) -> Option<Arc<dyn SessionStore>> {
        Some(self)
    }
}
