//! The calls of a trace that matter: what was done to the two files of a database, and what was said to the world.

use super::trace::{Call, Moment, quoted};
use anyhow::{Context as _, bail, ensure};
use std::path::Path;

/// The files that SQLite needs after a power cut. The third, `-shm`, it makes anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    Database,
    /// The write-ahead log, `-wal`.
    Log,
}

/// Something done to a file, or said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Write {
        file: File,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: File,
        length: usize,
    },
    Sync(File),
    /// The names of the files.
    SyncFolder,
    /// To a socket, a pipe, a terminal.
    Say(Vec<u8>),
}

/// An action with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) began: Moment,
    /// `None` if it never ended.
    pub(crate) ended: Option<Moment>,
    pub(crate) action: Action,
}

impl Event {
    pub(crate) fn ended_before(&self, moment: Moment) -> bool {
        self.ended.is_some_and(|ended| ended.line < moment.line)
    }
}

/// The calls that [`read`] has to see, for strace. Those with a question mark do not exist on every machine.
pub(crate) const CALLS: &str = "write,writev,sendto,sendmsg,pwrite64,?pwritev,?pwritev2,ftruncate,?truncate,fallocate,\
    fsync,fdatasync,?sync_file_range,?rename,renameat,renameat2,?unlink,unlinkat,mmap";

/// Picks out what concerns the database file at `database`, which is a path without links.
pub(crate) fn read(calls: &[Call], database: &Path) -> anyhow::Result<Vec<Event>> {
    let places = Places {
        database: database.display().to_string(),
        folder: database
            .parent()
            .context("a file in no folder")?
            .display()
            .to_string(),
    };
    let mut events = Vec::new();
    for call in calls {
        let action = places.action(call);
        let action = action.with_context(|| format!("line {}: {}", call.began.line + 1, call.name));
        events.extend(action?.map(|action| Event {
            began: call.began,
            ended: call.ended,
            action,
        }));
    }
    Ok(events)
}

struct Places {
    database: String,
    folder: String,
}

impl Places {
    fn file(&self, place: &str) -> Option<File> {
        match place.strip_prefix(&self.database)? {
            "" => Some(File::Database),
            "-wal" => Some(File::Log),
            _ => None,
        }
    }

    fn action(&self, call: &Call) -> anyhow::Result<Option<Action>> {
        let has_failed = call.ended.is_some() && call.returned().is_none();
        let Some((place, arguments)) = call.place().filter(|_| !has_failed) else {
            self.must_not_concern_us(call)?;
            return Ok(None);
        };
        let file = self.file(place);
        Ok(match (call.name.as_str(), file) {
            ("pwrite64", Some(file)) => Some(write(call, file, arguments)?),
            ("ftruncate", Some(file)) => Some(Action::Truncate {
                file,
                length: arguments.parse()?,
            }),
            ("fsync" | "fdatasync", Some(file)) => Some(Action::Sync(file)),
            ("fsync" | "fdatasync", None) if place == self.folder => Some(Action::SyncFolder),
            ("write" | "sendto", None) => Some(Action::Say(quoted(arguments.trim_start())?.0)),
            ("writev" | "sendmsg", None) => Some(Action::Say(gathered(arguments)?)),
            _ => {
                self.must_not_concern_us(call)?;
                None
            }
        })
    }

    /// Whatever else changes one of the files would make the judgement wrong.
    fn must_not_concern_us(&self, call: &Call) -> anyhow::Result<()> {
        let names = [
            format!("{}>", self.database),
            format!("{}-wal>", self.database),
            format!("\"{}\"", self.database),
            format!("\"{}-wal\"", self.database),
        ];
        let is_theirs = names.iter().any(|name| call.arguments.contains(name));
        let is_harmless = match call.name.as_str() {
            "mmap" => !(call.arguments.contains("MAP_SHARED") && call.arguments.contains("WRITE")),
            _ => call.ended.is_some() && call.returned().is_none(),
        };
        ensure!(
            !is_theirs || is_harmless,
            "changes the database in a way that is not understood"
        );
        Ok(())
    }
}

/// `"BYTES", LENGTH, OFFSET`, of which as many were written as the call returned. One that never ended may have written all.
fn write(call: &Call, file: File, arguments: &str) -> anyhow::Result<Action> {
    let (mut bytes, rest) = quoted(arguments)?;
    let numbers: Vec<&str> = rest.split(", ").skip(1).collect();
    let [length, offset] = numbers[..] else {
        bail!("arguments of another kind");
    };
    ensure!(bytes.len() == length.parse::<usize>()?, "bytes are missing");
    if let Some(written) = call.returned() {
        bytes.truncate(usize::try_from(written)?);
    }
    Ok(Action::Write {
        file,
        offset: offset.parse()?,
        bytes,
    })
}

/// The texts of `{iov_base="…", …}, …`, one after the other.
fn gathered(arguments: &str) -> anyhow::Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut rest = arguments;
    while let Some((_, text)) = rest.split_once("iov_base=") {
        let (bytes, after) = quoted(text)?;
        all.extend(bytes);
        rest = after;
    }
    Ok(all)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::trace;
    use super::*;

    pub(in super::super) fn events(trace: &str) -> anyhow::Result<Vec<Event>> {
        read(&trace::calls(trace.as_bytes())?, Path::new("/d/db"))
    }

    fn actions(trace: &str) -> Vec<Action> {
        let events = events(trace).unwrap().into_iter();
        events.map(|event| event.action).collect()
    }

    #[test]
    fn what_is_done_to_the_files_and_what_is_said_is_seen() {
        let seen = actions(
            "1  1.000001 pwrite64(11</d/db-wal>, \"\\x00\\x61\", 2, 32) = 2\n\
             1  1.000002 fsync(11</d/db-wal>) = 0\n\
             1  1.000003 fsync(12</d>) = 0\n\
             1  1.000004 pwrite64(9</d/db>, \"abc\", 3, 0) = 2\n\
             1  1.000005 fdatasync(9</d/db>) = 0\n\
             1  1.000006 ftruncate(11</d/db-wal>, 7) = 0\n\
             1  1.000007 writev(17<TCP:[127.0.0.1:1->127.0.0.1:2]>, [{iov_base=\"HTTP\", iov_len=4}, {iov_base=\"{}\", iov_len=2}], 2) = 6\n\
             1  1.000008 write(1<pipe:[2063881]>, \"User\\n\", 5) = 5\n\
             1  1.000009 pwrite64(12</d/db-shm>, \"x\", 1, 0) = 1\n\
             1  1.000010 mmap(NULL, 32768, PROT_READ|PROT_WRITE, MAP_SHARED, 12</d/db-shm>, 0) = 0x7f85f78c6000\n",
        );
        let write = |file, offset, bytes: &[u8]| Action::Write {
            file,
            offset,
            bytes: bytes.to_vec(),
        };
        assert_eq!(
            seen,
            [
                write(File::Log, 32, b"\0a"),
                Action::Sync(File::Log),
                Action::SyncFolder,
                write(File::Database, 0, b"ab"),
                Action::Sync(File::Database),
                Action::Truncate {
                    file: File::Log,
                    length: 7
                },
                Action::Say(b"HTTP{}".to_vec()),
                Action::Say(b"User\n".to_vec()),
            ]
        );
    }

    #[test]
    fn a_sync_that_failed_is_none() {
        let failed = "1  1.000001 fsync(11</d/db-wal>) = -1 EIO (Input/output error)\n";
        assert_eq!(actions(failed), []);
    }

    #[test]
    fn other_ways_to_change_the_files_are_refused() {
        for call in [
            "write(11</d/db-wal>, \"a\", 1) = 1",
            "pwritev(11</d/db-wal>, [{iov_base=\"a\", iov_len=1}], 1, 0) = 1",
            "fallocate(9</d/db>, 0, 0, 4096) = 0",
            "rename(\"/d/db\", \"/d/other\") = 0",
            "unlink(\"/d/db-wal\") = 0",
            "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 9</d/db>, 0) = 0x7f85f78c6000",
        ] {
            let error = events(&format!("1  1.000001 {call}\n")).unwrap_err();
            assert!(format!("{error:#}").contains("not understood"), "{error:#}");
        }
    }

    #[test]
    fn bytes_that_strace_left_out_are_missed() {
        let cut = "1  1.000001 pwrite64(11</d/db-wal>, \"a\"..., 2, 0) = 2\n";
        events(cut).unwrap_err();
    }
}
