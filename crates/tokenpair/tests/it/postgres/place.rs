//! A database for a test. It stays: to drop it would make the server write everything to the disk at once.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokenpair::{PostgresOptions, PostgresStore, User};
use tokio_postgres::{Client, NoTls, Row};

const SERVER: &str = "TEST_POSTGRES";
/// A PgBouncer in front of the same server, with `pool_mode = transaction`.
const POOLER: &str = "TEST_PGBOUNCER";

static COUNT: AtomicUsize = AtomicUsize::new(0);

pub(super) struct Place {
    server: String,
    name: String,
}

/// What the environment says, or `None` where tests may be left out.
fn address(variable: &str) -> Option<String> {
    let address = std::env::var(variable).ok();
    if address.is_none() {
        let is_ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
        assert!(!is_ci, "{variable} is not set, and CI must not skip");
        let skipped = format!("SKIPPED: {variable} is not set; `cargo xtask check` sets it\n");
        // Not `eprintln!`, which is shown for failed tests only.
        std::io::stderr().write_all(skipped.as_bytes()).unwrap();
    }
    address
}

/// `address` with another database and further parameters.
fn with(address: &str, database: &str, parameters: &str) -> String {
    let (address, _) = address.split_once('?').unwrap_or((address, ""));
    let (server, _) = address.rsplit_once('/').unwrap();
    format!("{server}/{database}?{parameters}")
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl Place {
    /// An empty database.
    pub(super) async fn new() -> Option<Self> {
        let server = address(SERVER)?;
        let number = COUNT.fetch_add(1, Relaxed);
        let name = format!("tokenpair_test_{}_{number}", std::process::id());
        let place = Self { server, name };
        place
            .administer(&format!(
                "CREATE DATABASE {} TEMPLATE template0",
                place.name
            ))
            .await;
        Some(place)
    }

    /// A database with these tables, and what stands in them.
    pub(super) async fn with(sql: &str) -> Option<Self> {
        let place = Self::new().await?;
        place.run(sql).await;
        Some(place)
    }

    pub(super) fn url(&self) -> String {
        with(&self.server, &self.name, "")
    }

    pub(super) fn url_with(&self, parameters: &str) -> String {
        with(&self.server, &self.name, parameters)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Host and port of the server.
    pub(super) fn host(&self) -> String {
        let url = self.url();
        let (_, place) = url.rsplit_once('@').unwrap();
        place.split('/').next().unwrap().to_owned()
    }

    /// The same database by way of another host and port.
    pub(super) fn url_at(&self, host: &str) -> String {
        self.url()
            .replace(&format!("@{}", self.host()), &format!("@{host}"))
    }

    /// The same database for another role.
    pub(super) fn url_as(&self, role: &str, password: &str) -> String {
        format!("postgres://{role}:{password}@{}/{}", self.host(), self.name)
    }

    /// The same database behind the pooler.
    pub(super) fn pooled_url(&self) -> Option<String> {
        Some(with(&address(POOLER)?, &self.name, ""))
    }

    pub(super) fn options(&self) -> PostgresOptions {
        PostgresOptions::from_url(&self.url()).unwrap()
    }

    pub(super) async fn client(&self) -> Client {
        client(&self.url()).await
    }

    pub(super) async fn run(&self, sql: &str) {
        self.client().await.batch_execute(sql).await.unwrap();
    }

    pub(super) async fn rows(&self, sql: &str) -> Vec<Row> {
        self.client().await.query(sql, &[]).await.unwrap()
    }

    async fn end(&self, which: &str) {
        let sql = format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND {which}"
        );
        self.rows(&sql).await;
    }

    /// Ends everybody's connections to this database.
    pub(super) async fn end_connections(&self) {
        self.end("true").await;
    }

    pub(super) async fn end_waiting_connections(&self) {
        self.end("wait_event_type = 'Lock'").await;
    }

    /// Takes the blacklist away, and begins a transaction that has written a user.
    pub(super) async fn without_blacklist_while_somebody_writes_users(&self) -> Client {
        self.run("DROP TABLE token_blacklist_blacklistedtoken, token_blacklist_outstandingtoken")
            .await;
        let writer = self.client().await;
        let write = "BEGIN; UPDATE auth_user SET email = 'a' WHERE id = 1";
        writer.batch_execute(write).await.unwrap();
        writer
    }

    /// Returns when somebody waits for a lock.
    pub(super) async fn wait_for_lock(&self) {
        let sql = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let db = self.client().await;
        while db.query(sql, &[]).await.unwrap().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// A statement in the server's own database.
    pub(super) async fn administer(&self, sql: &str) {
        client(&self.server).await.batch_execute(sql).await.unwrap();
    }

    /// A store after its migration, on `auth_user` with these users.
    pub(super) async fn filled(&self, users: &[User]) -> PostgresStore {
        self.filled_with(self.options(), users).await
    }

    pub(super) async fn filled_with(
        &self,
        options: PostgresOptions,
        users: &[User],
    ) -> PostgresStore {
        let store = PostgresStore::open(options).await.unwrap();
        store.migrate(jiff::Timestamp::UNIX_EPOCH).await.unwrap();
        let db = self.client().await;
        for user in users {
            db.execute(
                r#"INSERT INTO "auth_user" ("password", "is_superuser", "username", "first_name", "last_name", "email",
                   "is_staff", "is_active", "date_joined") VALUES ($1, $2, $3, '', '', '', $4, $5, '2024-01-01')"#,
                &[
                    &user.password.expose(),
                    &user.is_superuser,
                    &user.username,
                    &user.is_staff,
                    &user.is_active,
                ],
            )
            .await
            .unwrap();
        }
        store
    }
}
