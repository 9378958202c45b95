//! Fresh databases with users in them, and a look at their rows.

use crate::nodes;
use crate::run::Run;
use anyhow::Context as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokio_postgres::{NoTls, SimpleQueryMessage};
use xtask::database::{Database, Store};

/// The password of all users.
pub(crate) const PASSWORD: &str = "a password for tests";

/// A database with all tables and the users `user0`, `user1` … in it.
pub(crate) async fn fresh(run: &mut Run, store: Store, users: usize) -> anyhow::Result<Database> {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let name = format!("faults{}", MADE.fetch_add(1, Relaxed));
    let database = match store {
        Store::Sqlite => Database::Sqlite(run.folder().join(format!("{name}.sqlite3"))),
        Store::Postgres => {
            let server = run.postgres()?;
            let all = Database::Postgres(server.url("postgres"));
            all.query(&format!("CREATE DATABASE {name}")).await?;
            Database::Postgres(run.postgres()?.url(&name))
        }
    };
    prepare(run, &database, users)?;
    Ok(database)
}

/// Makes the tables and the users `user0`, `user1` ….
pub(crate) fn prepare(run: &Run, database: &Database, users: usize) -> anyhow::Result<()> {
    nodes::command(run, database, "migrate", "")?;
    for user in 0..users {
        let line = format!("createuser --username user{user} --password-stdin");
        nodes::command(run, database, &line, PASSWORD)?;
    }
    Ok(())
}

/// A look at the rows, in SQL that both kinds of database understand.
pub(crate) trait Sql {
    /// The rows of a query, each value as text; null is empty.
    async fn query(&self, sql: &str) -> anyhow::Result<Vec<Vec<String>>>;

    /// The one number that a query yields.
    async fn number(&self, sql: &str) -> anyhow::Result<usize> {
        let rows = self.query(sql).await?;
        let value = rows.first().and_then(|row| row.first());
        let value = value.with_context(|| format!("no row for {sql}"))?;
        Ok(value.parse()?)
    }
}

impl Sql for Database {
    async fn query(&self, sql: &str) -> anyhow::Result<Vec<Vec<String>>> {
        match self {
            Self::Sqlite(path) => sqlite_rows(path, sql),
            Self::Postgres(url) => postgres_rows(url, sql).await,
        }
    }
}

fn sqlite_rows(path: &Path, sql: &str) -> anyhow::Result<Vec<Vec<String>>> {
    use rusqlite::types::Value;
    let connection = rusqlite::Connection::open(path)?;
    let mut statement = connection.prepare(sql)?;
    let columns = statement.column_count();
    let text = |value| match value {
        Value::Null => String::new(),
        Value::Integer(value) => value.to_string(),
        Value::Real(value) => value.to_string(),
        Value::Text(value) => value,
        Value::Blob(value) => String::from_utf8_lossy(&value).into_owned(),
    };
    let rows = statement.query_map([], |row| {
        (0..columns)
            .map(|column| row.get(column).map(text))
            .collect()
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

async fn postgres_rows(url: &str, sql: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let messages = client.simple_query(sql).await?;
    drop(client);
    connection.await??;
    let mut rows = Vec::new();
    for message in &messages {
        if let SimpleQueryMessage::Row(row) = message {
            let value = |column| row.get(column).unwrap_or_default().to_owned();
            rows.push((0..row.len()).map(value).collect());
        }
    }
    Ok(rows)
}
