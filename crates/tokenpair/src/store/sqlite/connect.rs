//! Opening the file: to write it, to read it beside a writer, or without leaving a trace.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;

/// How often a statement looks whether another process has released its lock, and how many times. SQLite's own way is to look
/// less and less often, so that who waits for a lock of 9 ms gets it after 18.
const LOOK_AGAIN: Duration = Duration::from_millis(1);
const LOOKS: i32 = 2000;

/// Steps of SQLite's machine after which a look-up is none, but the search of a table without an index: some 0.2 ms.
/// SQLite counts on from one use of a statement to the next, so that one true look-up in some hundreds is interrupted.
const LOOKUP_STEPS: i32 = 10_000;

/// No URIs: a path is a path, whatever it looks like.
const READ_WRITE: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);
const READ_ONLY: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// What a store may do with its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    ReadWrite,
    ReadOnly,
}

/// The connection that writes. Makes the file if there is none and puts it into WAL mode.
pub(super) fn writer(path: &Path) -> rusqlite::Result<Connection> {
    create_privately(path);
    let flags = READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let db = prepared(Connection::open_with_flags(path, flags)?)?;
    if db.is_readonly("main")? {
        return Err(super::threads::failure("the file is read-only"));
    }
    db.pragma_update(None, "journal_mode", "WAL")?;
    // FULL: an acknowledged change survives a power cut, not only a crash of this process.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    Ok(db)
}

/// A connection for queries.
pub(super) fn reader(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let db = prepared(match access {
        Access::ReadWrite => Connection::open_with_flags(path, READ_WRITE)?,
        Access::ReadOnly => without_a_trace(path)?,
    })?;
    db.pragma_update(None, "query_only", true)?;
    Ok(db)
}

/// A connection for checkpoints.
pub(super) fn checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    let db = prepared(Connection::open_with_flags(path, READ_WRITE)?)?;
    db.pragma_update(None, "synchronous", "FULL")?;
    Ok(db)
}

/// A connection for look-ups: it waits for no lock and interrupts what takes long.
pub(super) fn lookup(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let mut db = reader(path, access)?;
    db.busy_timeout(Duration::ZERO)?;
    // What is wrong with the file, the first query says better.
    let _ = read_schema(&db);
    interrupt_what_takes_long(&mut db)?;
    Ok(db)
}

/// Reads the schema anew if it changed. SQLite does so within the next statement and counts that as its steps, so that a
/// long schema would interrupt every look-up for ever.
pub(super) fn renew_lookup(db: &mut Connection) -> rusqlite::Result<()> {
    db.progress_handler(0, None::<fn() -> bool>)?;
    let schema = read_schema(db);
    interrupt_what_takes_long(db)?;
    schema
}

fn read_schema(db: &Connection) -> rusqlite::Result<()> {
    db.prepare_cached("SELECT EXISTS (SELECT 1 FROM sqlite_master)")?
        .query_row([], |_| Ok(()))
}

fn interrupt_what_takes_long(db: &mut Connection) -> rusqlite::Result<()> {
    db.progress_handler(LOOKUP_STEPS, Some(|| true))
}

fn prepared(mut db: Connection) -> rusqlite::Result<Connection> {
    db.busy_handler(Some(|looked| {
        std::thread::sleep(LOOK_AGAIN);
        looked < LOOKS
    }))?;
    db.set_prepared_statement_cache_capacity(64);
    // Or SQLite plans a statement anew each time it is used, in the hope that its values tell more.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(db)
}

/// Makes the file if there is none, for its owner's eyes only: it will hold password hashes.
fn create_privately(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // What is wrong with the path, SQLite says better when it opens it.
    let _ = options.open(path);
}

/// SQLite makes two files beside one in WAL mode even to read it, and without the right to write they stay behind.
#[cfg(unix)]
fn without_a_trace(path: &Path) -> rusqlite::Result<Connection> {
    use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
    use std::os::unix::ffi::OsStrExt as _;
    let at_rest = path.canonicalize().ok().filter(|path| is_at_rest(path));
    let Some(path) = at_rest else {
        return Connection::open_with_flags(path, READ_ONLY);
    };
    let path = percent_encode(path.as_os_str().as_bytes(), NON_ALPHANUMERIC);
    let uri = format!("file:{path}?immutable=1");
    Connection::open_with_flags(uri, READ_ONLY | OpenFlags::SQLITE_OPEN_URI)
}

#[cfg(not(unix))]
fn without_a_trace(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, READ_ONLY)
}

/// Whether the file is in WAL mode, holds everything there is, and nobody else is at work on it.
#[cfg(unix)]
fn is_at_rest(path: &Path) -> bool {
    use std::io::Read as _;
    /// "File format write version" (<https://sqlite.org/fileformat2.html>): 2 is WAL.
    const WRITE_VERSION: usize = 18;
    let mut header = [0; WRITE_VERSION + 1];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    read.is_ok() && header[WRITE_VERSION] == 2 && !Path::new(&log).exists()
}
