//! What can befall an SQLite file: another program that does not let go of it, a disk without room.

use super::held::SmallDisk;
use super::table::Failing;
use crate::databases::Database;
use anyhow::{Context as _, bail};
use rusqlite::Connection;
use std::fmt;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Illness {
    /// Another program writes and does not come to an end.
    Locked,
    DiskFull,
}

impl Illness {
    pub(super) fn failing(self) -> Failing {
        match self {
            Self::Locked => Failing::ChangesSlowly,
            Self::DiskFull => Failing::Changes,
        }
    }
}

impl fmt::Display for Illness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Locked => "locked",
            Self::DiskFull => "disk full",
        })
    }
}
