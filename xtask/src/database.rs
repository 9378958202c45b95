//! The databases that real servers are given: by the fault programs, by the benchmark.

use std::fmt;
use std::path::PathBuf;

/// Which kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Store {
    /// One file.
    Sqlite,
    /// A database of a [`Postgres`](crate::postgres::Postgres) server.
    Postgres,
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// Where servers keep their rows.
#[derive(Clone, Debug)]
pub enum Database {
    /// The file.
    Sqlite(PathBuf),
    /// An address with name and password.
    Postgres(String),
}

impl Database {
    /// As tokenpair wants it.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(url) => url.clone(),
        }
    }
}
