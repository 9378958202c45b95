//! The configured database, SQLite or PostgreSQL: one trait for all that commands and the server ask of it.

use jiff::Timestamp;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use tokenpair::clock::{Clock as _, SystemClock};
use tokenpair::store::{AccountStore, Migration, MigrationProgress, Store, UserModel};
use tokenpair::{
    PostgresOptions, PostgresStore, SqliteOptions, SqliteStore, StoreError, async_trait,
};

/// Who is told what a migration waits for.
pub(crate) type Tell<'a> = &'a (dyn Fn(MigrationProgress) + Send + Sync);

/// An open database.
#[async_trait]
pub(crate) trait Database: Store + AccountStore + Debug {
    /// Where it is, for messages: a path, or an address without password.
    fn place(&self) -> String;

    /// Creates what is missing and says what that was; `tell` is told meanwhile why it takes long.
    async fn migrate(&self, tell: Tell<'_>) -> Result<Vec<Migration>, StoreError>;

    /// What `migrate` would do.
    async fn pending_migrations(&self) -> Result<Vec<Migration>, StoreError>;

    /// Whether the user table has what the user model names.
    async fn check_user_model(&self) -> Result<(), StoreError>;

    /// Whether the database keeps log-in names apart.
    async fn login_is_unique(&self) -> Result<bool, StoreError>;

    /// The statement that makes the index for names looked up without case; `None` if none is missing.
    async fn missing_iexact_index(&self) -> Result<Option<String>, StoreError>;

    /// Two log-in names that differ only in case.
    async fn names_that_differ_in_case(&self) -> Result<Option<[String; 2]>, StoreError>;
}

macro_rules! implement {
    ($store:ty, $place:path, $migrate:path) => {
        #[async_trait]
        impl Database for $store {
            fn place(&self) -> String {
                $place(self)
            }

            async fn migrate(&self, tell: Tell<'_>) -> Result<Vec<Migration>, StoreError> {
                $migrate(self, SystemClock.now(), tell).await
            }

            async fn pending_migrations(&self) -> Result<Vec<Migration>, StoreError> {
                self.pending_migrations().await
            }

            async fn check_user_model(&self) -> Result<(), StoreError> {
                self.check_user_model().await
            }

            async fn login_is_unique(&self) -> Result<bool, StoreError> {
                self.login_is_unique().await
            }

            async fn missing_iexact_index(&self) -> Result<Option<String>, StoreError> {
                self.missing_iexact_index().await
            }

            async fn names_that_differ_in_case(&self) -> Result<Option<[String; 2]>, StoreError> {
                self.names_that_differ_in_case().await
            }
        }
    };
}

implement!(SqliteStore, file_of, migrate_file);
implement!(PostgresStore, address_of, PostgresStore::migrate_telling);

/// Nobody is waited for longer than a moment.
async fn migrate_file(
    store: &SqliteStore,
    at: Timestamp,
    _: Tell<'_>,
) -> Result<Vec<Migration>, StoreError> {
    store.migrate(at).await
}

fn file_of(store: &SqliteStore) -> String {
    store.path().display().to_string()
}

fn address_of(store: &PostgresStore) -> String {
    store.address().to_owned()
}

/// Which database, and how to open it. `Debug` does not show a password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "a process has one or two of them"
)]
pub(crate) enum DatabaseOptions {
    Sqlite(SqliteOptions),
    Postgres(PostgresOptions),
}

impl DatabaseOptions {
    /// Opens it; SQLite's file is made if it does not exist.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Database>, StoreError> {
        Ok(match self.clone() {
            Self::Sqlite(options) => Arc::new(SqliteStore::open(options).await?),
            Self::Postgres(options) => Arc::new(PostgresStore::open(options).await?),
        })
    }

    /// Opens what exists, to look at it.
    pub(crate) async fn open_read_only(&self) -> Result<Arc<dyn Database>, StoreError> {
        Ok(match self.clone() {
            Self::Sqlite(options) => Arc::new(SqliteStore::open_read_only(options).await?),
            Self::Postgres(options) => Arc::new(PostgresStore::open_read_only(options).await?),
        })
    }

    /// The same tables in a file that is made at `path`.
    pub(crate) fn in_file(&self, path: &Path) -> Self {
        let mut options = SqliteOptions::new(path);
        options.user_model = self.user_model().clone();
        options.token_blacklist = self.token_blacklist();
        Self::Sqlite(options)
    }

    /// The file, where the database is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(options) => Some(&options.path),
            Self::Postgres(_) => None,
        }
    }

    /// Whether others may use it over a network, and servers share it.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Whether nobody can stand between us and it.
    pub(crate) fn is_protected(&self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Postgres(options) => options.is_protected(),
        }
    }

    /// Where users live.
    pub(crate) fn user_model(&self) -> &UserModel {
        match self {
            Self::Sqlite(options) => &options.user_model,
            Self::Postgres(options) => &options.user_model,
        }
    }

    /// Whether tokens are recorded.
    pub(crate) fn token_blacklist(&self) -> bool {
        match self {
            Self::Sqlite(options) => options.token_blacklist,
            Self::Postgres(options) => options.token_blacklist,
        }
    }

    pub(crate) fn set_tables(&mut self, model: UserModel, token_blacklist: bool) {
        let (user_model, blacklist) = match self {
            Self::Sqlite(options) => (&mut options.user_model, &mut options.token_blacklist),
            Self::Postgres(options) => (&mut options.user_model, &mut options.token_blacklist),
        };
        (*user_model, *blacklist) = (model, token_blacklist);
    }
}
