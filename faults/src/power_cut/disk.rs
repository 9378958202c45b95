//! A disk in whose cache writes stay until a sync, and what is left on it when the power goes.

use super::events::{Action, Event, File};
use super::trace::Moment;
use fastrand::Rng;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A database's two files, as far as the trace was played.
#[derive(Debug)]
pub(crate) struct Disk<'a> {
    /// What is to come, with the line of the trace at which it takes effect.
    steps: Vec<(usize, &'a Event)>,
    played: usize,
    database: Contents<'a>,
    log: Contents<'a>,
    /// Whether the folder was synced after the log was made.
    log_is_named: bool,
}

/// What is left after a power cut. The log's name may have gone, and the log with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Remains {
    pub(crate) database: Vec<u8>,
    pub(crate) log: Option<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Contents<'a> {
    synced: Vec<u8>,
    unsynced: Vec<&'a Event>,
}

impl<'a> Disk<'a> {
    /// A database file that is alone and on the disk, and what happens to it.
    pub(crate) fn new(database: Vec<u8>, events: &'a [Event]) -> Self {
        let steps = events.iter().filter_map(|event| match event.action {
            Action::Say(_) => None,
            // From its beginning on, part of it may be on the disk.
            Action::Write { .. } | Action::Truncate { .. } => Some((event.began.line, event)),
            Action::Sync(_) | Action::SyncFolder => Some((event.ended?.line, event)),
        });
        let mut steps: Vec<_> = steps.collect();
        steps.sort_by_key(|(line, _)| *line);
        Self {
            steps,
            played: 0,
            database: Contents {
                synced: database,
                unsynced: Vec::new(),
            },
            log: Contents::default(),
            log_is_named: false,
        }
    }

    /// Goes on to a line of the trace. There is no way back.
    pub(crate) fn play_until(&mut self, line: usize) {
        while let Some((at, event)) = self.steps.get(self.played).copied() {
            if at >= line {
                return;
            }
            self.played += 1;
            match event.action {
                Action::Write { file, .. } | Action::Truncate { file, .. } => {
                    self.contents(file).unsynced.push(event);
                }
                Action::Sync(file) => self.contents(file).sync(event.began),
                Action::SyncFolder => self.log_is_named |= self.log.exists(),
                Action::Say(_) => {}
            }
        }
    }

    fn contents(&mut self, file: File) -> &mut Contents<'a> {
        match file {
            File::Database => &mut self.database,
            File::Log => &mut self.log,
        }
    }

    /// The power goes, and with it all that was not synced.
    pub(crate) fn cut(&self) -> Remains {
        Remains {
            database: self.database.synced.clone(),
            log: self.log_is_named.then(|| self.log.synced.clone()),
        }
    }

    /// The power goes, and of what was not synced the disk had written by chance some, and some in part.
    pub(crate) fn cut_by_chance(&self, random: &mut Rng) -> Remains {
        let is_named = self.log_is_named || (self.log.exists() && random.bool());
        Remains {
            database: self.database.by_chance(random),
            log: is_named.then(|| self.log.by_chance(random)),
        }
    }

    /// How many writes a power cut would endanger.
    pub(crate) fn unsynced(&self) -> usize {
        self.database.unsynced.len() + self.log.unsynced.len()
    }
}

impl Contents<'_> {
    fn exists(&self) -> bool {
        !self.synced.is_empty() || !self.unsynced.is_empty()
    }

    /// Everything that had ended when the sync began is safe.
    fn sync(&mut self, began: Moment) {
        let synced = &mut self.synced;
        self.unsynced.retain(|event| {
            let is_safe = event.ended_before(began);
            if is_safe {
                apply(synced, &event.action, |_| true);
            }
            !is_safe
        });
    }

    fn by_chance(&self, random: &mut Rng) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        for event in &self.unsynced {
            match random.u8(..3) {
                0 => {}
                1 => apply(&mut bytes, &event.action, |_| true),
                _ => apply(&mut bytes, &event.action, |_| random.bool()),
            }
        }
        bytes
    }
}

/// Makes a change in those sectors that `is_written` picks.
fn apply(contents: &mut Vec<u8>, action: &Action, mut is_written: impl FnMut(usize) -> bool) {
    match action {
        Action::Truncate { length, .. } if is_written(0) => contents.resize(*length, 0),
        Action::Write { offset, bytes, .. } => {
            let mut at = *offset;
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let length = rest.len().min(SECTOR - at % SECTOR);
                let (piece, later) = rest.split_at(length);
                if is_written(at / SECTOR) {
                    contents.resize(contents.len().max(at + length), 0);
                    contents[at..at + length].copy_from_slice(piece);
                }
                at += length;
                rest = later;
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::events::tests::events;
    use super::*;

    const TRACE: &str = r#"1  1.000001 pwrite64(11</d/db-wal>, "aaaa", 4, 0) = 4
1  1.000002 fsync(11</d/db-wal> <unfinished ...>
2  1.000003 pwrite64(12</d/db-wal>, "bb", 2, 4) = 2
1  1.000004 <... fsync resumed>) = 0
1  1.000005 fsync(13</d>) = 0
2  1.000006 fsync(12</d/db-wal>) = 0
1  1.000007 pwrite64(9</d/db>, "new", 3, 0) = 3
1  1.000008 ftruncate(11</d/db-wal>, 0) = 0
"#;

    fn log_at(line: usize) -> Option<String> {
        let events = events(TRACE).unwrap();
        let mut disk = Disk::new(b"old".to_vec(), &events);
        disk.play_until(line);
        let log = disk.cut().log?;
        Some(String::from_utf8(log).unwrap())
    }

    #[test]
    fn a_sync_saves_what_had_been_written_when_it_began_and_only_once_it_ended() {
        assert_eq!(log_at(4), None, "the folder does not know the file");
        let found: Vec<_> = (5..=8).map(|line| log_at(line).unwrap()).collect();
        assert_eq!(found, ["aaaa", "aaaabb", "aaaabb", "aaaabb"]);
    }

    #[test]
    fn what_was_not_synced_may_be_there_or_not() {
        let events = events(TRACE).unwrap();
        let mut disk = Disk::new(b"old".to_vec(), &events);
        disk.play_until(usize::MAX);
        assert_eq!(disk.unsynced(), 2);
        assert_eq!(disk.cut().database, b"old");
        let mut random = Rng::with_seed(1);
        let cuts: Vec<Remains> = (0..50).map(|_| disk.cut_by_chance(&mut random)).collect();
        for possible in [&b"old"[..], b"new"] {
            assert!(cuts.iter().any(|remains| remains.database == possible));
        }
        for possible in [&b"aaaabb"[..], b""] {
            assert!(
                cuts.iter()
                    .any(|remains| remains.log.as_deref() == Some(possible))
            );
        }
    }

    #[test]
    fn a_write_is_torn_at_sectors_of_the_file() {
        let mut bytes = vec![0; 1000];
        let write = Action::Write {
            file: File::Log,
            offset: 500,
            bytes: vec![1; 600],
        };
        apply(&mut bytes, &write, |sector| sector == 1);
        let written: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == 1).collect();
        assert_eq!(written, (512..1024).collect::<Vec<_>>());
    }
}
