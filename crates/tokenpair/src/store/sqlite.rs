//! Users and tokens in SQLite, on Django's tables: one writer that commits in groups, a few readers.
//!
//! WAL with `synchronous=FULL`: what is answered is on the disk. Another process (Django) may read and write the
//! same file. Nothing is cached. The SQL stands in `sqlite/users.rs`, `sqlite/accounts.rs`, `sqlite/tokens.rs`,
//! `sqlite/sessions.rs` and `migrations/sqlite`.

mod accounts;
mod checkpoints;
mod columns;
mod connect;
mod iexact;
mod lookups;
mod place;
mod schema;
mod sessions;
mod sign_up;
mod threads;
mod tokens;
mod users;

use super::expired::Place;
use super::relations::Relations;
use super::{
    Account, Flushed, Migration, Rotated, Rotation, SessionStore, Store, TokenStore, UserModel,
    UserTable, UsernameLookup,
};
use crate::error::StoreError;
use crate::json::Object;
use crate::models::{NumericDate, OutstandingToken, User, UserId, UserIdKind};
use accounts::AccountQueries;
use async_trait::async_trait;
use connect::Access;
use iexact::IexactQueries;
use jiff::Timestamp;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use threads::Threads;
use tokens::TokenQueries;
use users::UserQueries;

/// How to open a [`SqliteStore`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// The database file; created if it does not exist.
    pub path: PathBuf,
    /// Where users live. Default: `auth_user`.
    pub user_model: UserModel,
    /// Whether tokens are recorded here. Default true. If not, the tables of blacklist and rotation are neither made
    /// nor missed by [`migrate`](SqliteStore::migrate), and the verbs of [`TokenStore`] may fail for want of them: give
    /// the engine the store as its [`user_table`](crate::SimpleJwtBuilder::user_table) only.
    pub token_blacklist: bool,
    /// Threads that answer reads. Default 2.
    pub readers: usize,
}

impl SqliteOptions {
    /// Defaults for the file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            user_model: UserModel::default(),
            token_blacklist: true,
            readers: 2,
        }
    }

    /// From `sqlite:PATH`, `sqlite://PATH` or a bare path.
    pub fn from_url(url: &str) -> Result<Self, StoreError> {
        let path = url
            .strip_prefix("sqlite://")
            .or_else(|| url.strip_prefix("sqlite:"))
            .unwrap_or(url);
        // One letter is a drive, not a scheme.
        let scheme = path.split_once(':').map_or("", |(scheme, _)| scheme);
        let foreign = scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if path == url && foreign {
            // Without the address, which may hold a password.
            return Err(StoreError::new(format!(
                "databases of kind {scheme:?} are not supported, use sqlite:PATH"
            )));
        }
        if path.is_empty() || path == ":memory:" {
            return Err(StoreError::new(format!(
                "{url:?} names no file; for data in memory use MemoryStore"
            )));
        }
        Ok(Self::new(path))
    }
}

/// Django's tables in an SQLite file. Clones share the connections; when the last one is dropped they are closed, which
/// takes as long as the work that waits, and the file alone is the whole database unless others have it open.
#[derive(Clone, Debug)]
pub struct SqliteStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    threads: Threads,
    users: Arc<UserQueries>,
    accounts: Arc<AccountQueries>,
    iexact: Option<Arc<IexactQueries>>,
    relations: Relations,
    tokens: Arc<TokenQueries>,
    model: UserModel,
    steps: &'static [Migration],
    flushing: Place,
}

impl SqliteStore {
    /// Opens the database that `url` names, `sqlite:PATH` or a path. Tables are made by [`migrate`](Self::migrate).
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::open(SqliteOptions::from_url(url)?).await
    }

    /// Opens a database. Fails at once if the file cannot be read and written or is no database.
    pub async fn open(options: SqliteOptions) -> Result<Self, StoreError> {
        Self::open_to(Access::ReadWrite, options).await
    }

    /// Opens a database to look at it: no file is made or changed, and whatever would write is an error. A file that
    /// is not in WAL mode stays as it is.
    ///
    /// For a look, not for a server: what others write is seen if they were at work when it was opened. Then SQLite
    /// notes its readers beside the file; on systems other than Unix it does so in any case.
    pub async fn open_read_only(options: SqliteOptions) -> Result<Self, StoreError> {
        Self::open_to(Access::ReadOnly, options).await
    }

    async fn open_to(access: Access, options: SqliteOptions) -> Result<Self, StoreError> {
        options.user_model.validate().map_err(StoreError::new)?;
        let path = options.path.as_path();
        let threads = Threads::start(path, options.readers.max(1), access).map_err(|error| {
            let reason = why_not(path, access, &error);
            StoreError::new(format!("cannot open {}: {reason}", path.display()))
        })?;
        let unreadable =
            |error| StoreError::new(format!("cannot read {}: {error}", options.path.display()));
        let model = options.user_model;
        let tables = {
            let model = model.clone();
            let tables = threads.read(move |db| schema::tables(db, &model)).await;
            tables.map_err(unreadable)?
        };
        let relations = Relations::new(&model, None, &tables);
        let users = Arc::new(UserQueries::new(&relations.own_columns(&model)));
        let tokens = Arc::new(TokenQueries::new(&users));
        let iexact = (model.username_lookup == UsernameLookup::Iexact)
            .then(|| Arc::new(IexactQueries::new(&model)));
        let store = Self(Arc::new(Inner {
            threads,
            accounts: Arc::new(AccountQueries::new(&users, &model)),
            users,
            iexact,
            relations,
            tokens,
            model,
            steps: Migration::steps(options.token_blacklist),
            flushing: Place::default(),
        }));
        store.ping().await.map_err(unreadable)?;
        Ok(store)
    }

    /// Creates what is missing: Django's tables in Django's shape with its rows in `django_migrations`, and ours.
    ///
    /// Tables that exist are left alone, whoever made them. A mapped user model's table must exist. Returns what
    /// was done; nothing is done halfway.
    pub async fn migrate(&self, at: Timestamp) -> Result<Vec<Migration>, StoreError> {
        let (model, steps) = (self.0.model.clone(), self.0.steps);
        self.write(move |db| schema::migrate(db, &model, steps, at))
            .await
    }

    /// What [`migrate`](Self::migrate) would do.
    pub async fn pending_migrations(&self) -> Result<Vec<Migration>, StoreError> {
        let (model, steps) = (self.0.model.clone(), self.0.steps);
        self.read(move |db| schema::pending(db, &model, steps))
            .await
    }

    /// Whether the user table has every column that the user model names. To be asked after [`migrate`](Self::migrate),
    /// which may have to make the table first.
    ///
    /// The error names the table or column that is missing and the nearest one there is.
    pub async fn check_user_model(&self) -> Result<(), StoreError> {
        let model = self.0.model.clone();
        match self.read(move |db| schema::flaw(db, &model)).await? {
            Some(flaw) => Err(StoreError::new(flaw)),
            None => Ok(()),
        }
    }

    /// Whether the database itself keeps log-in names apart, by a primary key or a unique index. Where it does not,
    /// users who share a name cannot log in; Django's check `auth.E003` refuses such a model.
    pub async fn login_is_unique(&self) -> Result<bool, StoreError> {
        let model = self.0.model.clone();
        self.read(move |db| schema::login_is_unique(db, &model))
            .await
    }

    /// The statement that makes the index which log-ins need whose names are [looked up without
    /// case](super::UsernameLookup::Iexact); `None` if there is one. The one of a unique column is enough. Without any,
    /// every user is looked at for each name that nobody has exactly so.
    pub async fn missing_iexact_index(&self) -> Result<Option<String>, StoreError> {
        let queries = IexactQueries::new(&self.0.model);
        self.read(move |db| queries.missing_index(db)).await
    }

    /// Two log-in names that differ only in case, if there are any: neither can log in but exactly so, where names are
    /// [looked up without case](super::UsernameLookup::Iexact). Reads the whole table.
    pub async fn names_that_differ_in_case(&self) -> Result<Option<[String; 2]>, StoreError> {
        let queries = IexactQueries::new(&self.0.model);
        self.read(move |db| queries.names_that_differ(db)).await
    }

    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.threads.read(query).await
    }

    /// For questions that an index answers: they are put on the caller's thread.
    async fn look_up<T: Send + 'static>(
        &self,
        query: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.threads.look_up(query).await
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.0.threads.write(change).await
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        self.0.threads.path()
    }
}

/// SQLite says of a file that it cannot open it, but not why.
fn why_not(path: &Path, access: Access, error: &rusqlite::Error) -> String {
    let parent = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = parent.unwrap_or(Path::new("."));
    let write = access == Access::ReadWrite;
    let opened = std::fs::OpenOptions::new()
        .read(true)
        .write(write)
        .open(path);
    match opened {
        _ if !folder.is_dir() => format!("there is no folder {}", folder.display()),
        _ if path.is_dir() => "it is a directory".to_owned(),
        Err(reason) if write && reason.kind() == std::io::ErrorKind::NotFound => {
            let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
            format!("it cannot be created in {}", folder.display())
        }
        Err(reason) => reason.to_string(),
        Ok(_) => error.to_string(),
    }
}

#[async_trait]
impl UserTable for SqliteStore {
    async fn find_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        let (users, login) = (self.0.users.clone(), login.to_owned());
        self.look_up(move |db| users.by_login(db, &login)).await
    }

    async fn find_by_login_iexact(&self, login: &str) -> Result<Option<User>, StoreError> {
        let Some(iexact) = self.0.iexact.clone() else {
            return Ok(None);
        };
        let (users, login) = (self.0.users.clone(), login.to_owned());
        self.read(move |db| iexact.find(db, &users, &login)).await
    }

    async fn login_columns(&self, user: &User) -> Result<Object, StoreError> {
        let relations = &self.0.relations;
        let rows = match relations.statement(user) {
            Some((sql, by_key)) => {
                let key = by_key.then(|| user.id.clone());
                self.read(move |db| users::related(db, &sql, key)).await?
            }
            None => Vec::new(),
        };
        Ok(relations.collect(rows))
    }

    async fn get_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let (users, id) = (self.0.users.clone(), id.clone());
        self.look_up(move |db| users.by_user_id(db, &id)).await
    }

    async fn get_account(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        let (queries, id) = (self.0.accounts.clone(), id.clone());
        self.look_up(move |db| queries.by_user_id(db, &id)).await
    }

    async fn set_password(&self, user: &User, encoded: &str) -> Result<bool, StoreError> {
        let (users, user, encoded) = (self.0.users.clone(), user.clone(), encoded.to_owned());
        self.write(move |db| users.set_password(db, &user, &encoded))
            .await
    }

    async fn update_last_login(&self, user: &User, at: Timestamp) -> Result<(), StoreError> {
        let (users, user) = (self.0.users.clone(), user.clone());
        self.write(move |db| users.update_last_login(db, &user, at))
            .await
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
impl TokenStore for SqliteStore {
    async fn record(&self, token: &OutstandingToken) -> Result<(), StoreError> {
        let (queries, token) = (self.0.tokens.clone(), token.clone());
        self.write(move |db| queries.record(db, &token).map(drop))
            .await
    }

    async fn is_blacklisted(&self, jti: &str) -> Result<bool, StoreError> {
        let jti = jti.to_owned();
        self.look_up(move |db| tokens::is_blacklisted(db, &jti))
            .await
    }

    async fn blacklist(&self, token: &OutstandingToken, at: Timestamp) -> Result<bool, StoreError> {
        let (queries, token) = (self.0.tokens.clone(), token.clone());
        self.write(move |db| queries.blacklist(db, &token, at))
            .await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<Rotated, StoreError> {
        let (queries, rotation) = (self.0.tokens.clone(), rotation.clone());
        self.write(move |db| queries.rotate(db, &rotation)).await
    }

    async fn end_line(
        &self,
        parent_jti: &str,
        grace: Duration,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let parent = parent_jti.to_owned();
        self.write(move |db| tokens::end_line_within(db, &parent, grace, at))
            .await
    }

    /// [`Flushed::Busy`] where another process was quicker. Fewer than `limit` where they would keep others from writing for
    /// more than some milliseconds.
    async fn flush_expired(&self, before: Timestamp, limit: usize) -> Result<Flushed, StoreError> {
        let after = self.0.flushing.of(before);
        let find = move |db: &Connection| {
            let ids = tokens::expired(db, after, before, limit)?;
            if ids.is_empty() {
                return tokens::expired(db, i64::MIN, before, limit);
            }
            Ok(ids)
        };
        let ids = self.read(find).await?;
        let found = Arc::new(ids);
        let ids = Arc::clone(&found);
        let flush = move |db: &Connection| tokens::flush(db, &ids, before, limit);
        let (flushed, passed) = self.write(flush).await?;
        let passed = found.get(..passed).unwrap_or_default();
        self.0.flushing.passed(before, passed);
        Ok(flushed)
    }

    async fn count_expired(&self, before: Timestamp) -> Result<usize, StoreError> {
        self.read(move |db| tokens::count_expired(db, before)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn get_user_and_blacklisted(
        &self,
        id: &UserId,
        jti: &str,
    ) -> Result<(Option<User>, bool), StoreError> {
        let (queries, id, jti) = (self.0.tokens.clone(), id.clone(), jti.to_owned());
        self.look_up(move |db| queries.user_and_blacklisted(db, &id, &jti))
            .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.read(|db| db.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(())))
            .await?;
        self.0.threads.check_changes()
    }

    fn session_store(self: Arc<Self>) -> Option<Arc<dyn SessionStore>> {
        Some(self)
    }
}

/// A time as Django's SQLite backend writes it: UTC, microseconds left out when zero.
fn django_time(at: impl Into<NumericDate>) -> String {
    let at = at.into();
    let micros = at.as_micros().rem_euclid(1_000_000);
    let whole = at.to_datetime().strftime("%Y-%m-%d %H:%M:%S");
    if micros == 0 {
        whole.to_string()
    } else {
        format!("{whole}.{micros:06}")
    }
}
