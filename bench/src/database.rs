//! Databases as `tokenpair migrate` makes them, with users and rows in them; Django is given a copy.

use crate::interrupt;
use crate::limits::MANY_ROWS;
use crate::setup::Setup;
use anyhow::Context as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use tokio_postgres::NoTls;
use xtask::database::{Database, Store};
use xtask::process::output;

/// Users of a database: `user1`, `user2` …, which are also their ids.
pub(crate) const USERS: usize = 1000;
/// Of one with [`MANY_ROWS`] or more.
const MANY_USERS: usize = 100_000;
/// Rows that one transaction inserts.
const BATCH: usize = 100_000;

/// Tokens on record. Every second one is blacklisted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Records {
    pub(crate) rows: usize,
    /// How many of them have expired: the oldest.
    pub(crate) expired: usize,
}

impl Records {
    /// How many users have them.
    pub(crate) fn users(self) -> usize {
        if self.rows >= MANY_ROWS {
            MANY_USERS
        } else {
            USERS
        }
    }
}

/// A database of tokenpair's, and one with the same rows for Django.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) tokenpair: Database,
    /// `None` where Django is not measured on so many records.
    pub(crate) django: Option<Database>,
}

impl Pair {
    /// Makes tables, users, tokens on record; and the copy, if it is wanted.
    pub(crate) fn make(
        setup: &mut Setup,
        store: Store,
        records: Records,
        writer: &str,
        for_django: bool,
    ) -> anyhow::Result<Self> {
        let Records { rows, expired } = records;
        let name = format!("bench{}_{rows}_{expired}", writer.to_lowercase());
        let tokenpair = create(setup, store, &name)?;
        migrate(setup, &tokenpair)?;
        add_users(&tokenpair, records.users())?;
        fill(&tokenpair, records)?;
        let copy = || copy(setup, &tokenpair, &(name + "_django"));
        Ok(Self {
            django: for_django.then(copy).transpose()?,
            tokenpair,
        })
    }
}

/// Of `postgres://…/NAME?…`.
fn name_of(url: &str) -> &str {
    let name = url.rsplit('/').next().unwrap_or_default();
    name.split('?').next().unwrap_or_default()
}

/// An empty one.
fn create(setup: &mut Setup, store: Store, name: &str) -> anyhow::Result<Database> {
    let path = setup.folder().join(format!("{name}.sqlite3"));
    Ok(match store {
        Store::Sqlite => Database::Sqlite(path),
        Store::Postgres => {
            let postgres = setup.postgres()?;
            let all = Database::Postgres(postgres.url("postgres"));
            execute(&all, &format!("CREATE DATABASE {name}"))?;
            // Nothing is encrypted between programs on one machine.
            Database::Postgres(postgres.url(name) + "?sslmode=disable")
        }
    })
}

/// Another one with the same rows. Nobody may be connected.
fn copy(setup: &mut Setup, database: &Database, name: &str) -> anyhow::Result<Database> {
    match database {
        Database::Sqlite(from) => {
            let to = setup.folder().join(format!("{name}.sqlite3"));
            fs::copy(from, &to)?;
            Ok(Database::Sqlite(to))
        }
        Database::Postgres(from) => {
            let postgres = setup.postgres()?;
            let all = Database::Postgres(postgres.url("postgres"));
            let from = name_of(from);
            execute(&all, &format!("CREATE DATABASE {name} TEMPLATE {from}"))?;
            execute(&all, "CHECKPOINT")?;
            Ok(Database::Postgres(postgres.url(name) + "?sslmode=disable"))
        }
    }
}

fn migrate(setup: &Setup, database: &Database) -> anyhow::Result<()> {
    let mut migrate = Command::new(&setup.server);
    migrate
        .arg("migrate")
        .current_dir(setup.folder())
        .env_clear()
        .env("TOKENPAIR_DATABASE", database.url());
    output(&mut migrate)?;
    Ok(())
}

fn add_users(database: &Database, users: usize) -> anyhow::Result<()> {
    let numbers = numbers(database, 1, users);
    execute(database, &format!(
        "{numbers} INSERT INTO auth_user
            (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
         SELECT '!', FALSE, 'user' || i, '', '', 'user' || i || '@example.com', FALSE, TRUE, '2026-01-01 00:00:00'
         FROM n ORDER BY i"
    ))
}

/// Gives every user the encoded password.
pub(crate) fn set_passwords(database: &Database, encoded: &str) -> anyhow::Result<()> {
    execute(
        database,
        &format!("UPDATE auth_user SET password = '{encoded}'"),
    )
}

/// Inserts rows as a server leaves them behind: ids in the order of time, tokens without their signatures, every other one
/// exchanged for the next, of the same user.
fn fill(database: &Database, records: Records) -> anyhow::Result<()> {
    let Records { rows, expired } = records;
    let users = records.users();
    // PostgreSQL wants to know what it is.
    let date = match database {
        Database::Sqlite(_) => "",
        Database::Postgres(_) => "timestamptz",
    };
    let jti = |i: &str| match database {
        Database::Sqlite(_) => format!("printf('%012x7%019x', 1750000000000 + {i}, {i})"),
        Database::Postgres(_) => format!(
            "lpad(to_hex(1750000000000 + {i}), 12, '0') || '7' || lpad(to_hex({i}), 19, '0')"
        ),
    };
    let (jti, successor) = (jti("i"), jti("(i + 1)"));
    let token = match database {
        Database::Sqlite(_) => {
            "substr('eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ' || hex(randomblob(110)), 1, 250)"
        }
        Database::Postgres(_) => {
            "substr('eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ' || md5(i::text) || md5(i::text || 'a') || md5(i::text || 'b')
                || md5(i::text || 'c') || md5(i::text || 'd') || md5(i::text || 'e') || md5(i::text || 'f'), 1, 250)"
        }
    };
    for start in (0..rows).step_by(BATCH) {
        interrupt::check()?;
        let numbers = numbers(database, start + 1, (start + BATCH).min(rows));
        execute(database, &format!(
            "{numbers} INSERT INTO token_blacklist_outstandingtoken (id, token, created_at, expires_at, user_id, jti)
             SELECT i, {token}, {date} '2026-01-01 00:00:00',
                CASE WHEN i <= {expired} THEN {date} '2020-01-01 00:00:00' ELSE {date} '2100-01-01 00:00:00' END,
                (i + 1) / 2 % {users} + 1, {jti} FROM n ORDER BY i"
        ))?;
        execute(
            database,
            &format!(
                "{numbers} INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
             SELECT {date} '2026-01-01 00:00:00', i FROM n WHERE i % 2 = 1 ORDER BY i"
            ),
        )?;
        // 2020-01-01 and 2100-01-01 in seconds, as above.
        let exp =
            |i: &str| format!("CASE WHEN {i} <= {expired} THEN 1577836800 ELSE 4102444800 END");
        let (parent_exp, successor_exp) = (exp("i"), exp("i + 1"));
        execute(
            database,
            &format!(
                "{numbers} INSERT INTO tokenpair_rotation
                (parent_jti, line_id, successor_jti, successor_iat, successor_exp, parent_exp, rotated_at)
             SELECT {jti}, {jti}, {successor}, 0, {successor_exp}, {parent_exp}, (1750000000000 + i) * 1000
             FROM n WHERE i % 2 = 1 ORDER BY i"
            ),
        )?;
    }
    if let Database::Postgres(_) = database {
        // The ids above were chosen here.
        execute(
            database,
            &format!(
                "SELECT setval(pg_get_serial_sequence('token_blacklist_outstandingtoken', 'id'), {})",
                rows + 1
            ),
        )?;
        execute(database, "VACUUM ANALYZE")?;
        execute(database, "CHECKPOINT")?;
    }
    Ok(())
}

/// A table `n` with a column `i` of the numbers from one to another.
fn numbers(database: &Database, from: usize, to: usize) -> String {
    match database {
        Database::Sqlite(_) => format!(
            "WITH RECURSIVE n(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM n WHERE i < {to})"
        ),
        Database::Postgres(_) => {
            format!("WITH n AS (SELECT i FROM generate_series({from}::bigint, {to}) i)")
        }
    }
}

/// Runs a statement.
fn execute(database: &Database, sql: &str) -> anyhow::Result<()> {
    match database {
        Database::Sqlite(path) => on_sqlite(path, sql),
        Database::Postgres(url) => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(on_postgres(url, sql))
        }
    }
    .with_context(|| sql.to_owned())
}

/// What is not yet on the disk when the machine crashes was only a benchmark's.
fn on_sqlite(path: &Path, sql: &str) -> anyhow::Result<()> {
    let connection = rusqlite::Connection::open(path)?;
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000")?;
    connection.execute_batch(sql)?;
    Ok(())
}

async fn on_postgres(url: &str, sql: &str) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let done = client.batch_execute(sql).await;
    drop(client);
    connection.await??;
    Ok(done?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_database_is_at_the_end_of_its_address() {
        assert_eq!(
            name_of("postgres://a:b@localhost:1/bench0?sslmode=disable"),
            "bench0"
        );
        assert_eq!(name_of("postgres://a:b@localhost:1/bench0"), "bench0");
    }
}
