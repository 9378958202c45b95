//! What can befall an SQLite file: another program that does not let go of it, a disk without room.

use super::Patient;
use super::held::SmallDisk;
use super::table::Failing;
use crate::databases;
use crate::run::Run;
use anyhow::Context as _;
use rusqlite::{Connection, ErrorCode};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use xtask::database::Database;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Illness {
    /// Another program writes and does not come to an end.
    Locked,
    DiskFull,
}

impl fmt::Display for Illness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Locked => "locked",
            Self::DiskFull => "disk full",
        })
    }
}

const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// A change of one page.
const USE_UP: &str = "PRAGMA user_version = 1";
/// So many refusals in a row are the end.
const REFUSED: usize = 5;
const DISK_MEGABYTES: usize = 64;

/// A file that servers use.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    /// `None` where nobody may mount one.
    disk: Option<SmallDisk>,
    locker: Option<Connection>,
}

impl File {
    pub(super) fn new(run: &Run) -> anyhow::Result<Self> {
        let disk = SmallDisk::new("sqlite", DISK_MEGABYTES).ok();
        let folder = disk.as_ref().map_or(run.folder(), |disk| &disk.folder);
        let file = Self {
            path: folder.join("ill.sqlite3"),
            disk,
            locker: None,
        };
        databases::prepare(run, &file.database(), 1)?;
        Ok(file)
    }

    pub(super) fn database(&self) -> Database {
        Database::Sqlite(self.path.clone())
    }

    /// Where the disk is full, the write-ahead log still has room that it had before.
    fn use_up_log(&self) -> anyhow::Result<()> {
        let user = Connection::open(&self.path)?;
        user.busy_timeout(BUSY_TIMEOUT)?;
        let mut refused = 0;
        while refused < REFUSED {
            match user.execute_batch(USE_UP) {
                Ok(()) => refused = 0,
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                    refused += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What can befall it here.
    pub(super) fn illnesses(&self) -> &'static [Illness] {
        match self.disk {
            Some(_) => &[Illness::Locked, Illness::DiskFull],
            None => &[Illness::Locked],
        }
    }
}

impl Patient for File {
    type Illness = Illness;

    fn failing(illness: Illness) -> Failing {
        match illness {
            Illness::Locked => Failing::ChangesSlowly,
            Illness::DiskFull => Failing::Changes,
        }
    }

    async fn fall_ill(&mut self, _run: &mut Run, with: Illness) -> anyhow::Result<()> {
        match with {
            Illness::Locked => {
                let locker = Connection::open(&self.path)?;
                locker.busy_timeout(BUSY_TIMEOUT)?;
                locker.execute_batch("BEGIN IMMEDIATE")?;
                self.locker = Some(locker);
            }
            Illness::DiskFull => {
                self.disk.as_ref().context("no small disk")?.fill()?;
                self.use_up_log()?;
            }
        }
        Ok(())
    }

    async fn get_well(&mut self, _run: &mut Run, from: Illness) -> anyhow::Result<()> {
        match from {
            Illness::Locked => self.locker = None,
            Illness::DiskFull => self.disk.as_ref().context("no small disk")?.clear()?,
        }
        Ok(())
    }
}
