//! `power-cut`: nothing that was acknowledged is lost when the power goes, with `SQLite`.
//!
//! A server and commands are run under strace. The trace shows that what a request wrote was synced before the first
//! byte of its answer; and with the bytes in it, the disk is put together as a power cut would have left it: at each
//! answer with nothing on it that was not synced, and at moments by chance with some of that, whole or torn.

mod disk;
mod events;
mod journal;
mod order;
mod recording;
mod trace;

use crate::report::{Report, quantile};
use crate::run::Run;
use disk::{Disk, Remains};
use events::{Action, Event, File};
use journal::{Rows, Told};
use rusqlite::Connection;
use std::fs;
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;
use xtask::packages;

const CUTS: (usize, usize) = (200, 20);

/// Records, judges the order, cuts the power.
pub(crate) async fn run(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    packages::program(&run.project, "strace", "strace")?;
    let recording = recording::record(run).await?;
    let trace = BufReader::new(fs::File::open(&recording.trace)?);
    let events = events::read(&trace::calls(trace)?, &recording.database)?;
    let alone = journal::find(&events, &recording.alone)?;
    judge_order(&events, &alone, report);

    let mut told = journal::find(&events, &recording.crowd)?;
    report.figure("answers to several clients at once", told.len());
    told.extend(alone);
    told.sort_by_key(|told| told.at);
    let last = told.last().map_or(0, |told| told.at.line);
    let first = told.first().map_or(0, |told| told.at.line);

    let mut random = run.random("power cuts");
    let at_answers = told.iter().map(|told| (told.at.line + 1, false));
    let by_chance = (0..run.rounds(CUTS.0, CUTS.1)).map(|_| (random.usize(first..=last), true));
    let mut moments: Vec<(usize, bool)> = by_chance.chain(at_answers).collect();
    moments.sort_unstable();

    let place = run.folder().join("cut.sqlite3");
    let mut found = Found::default();
    let before = recording.before;
    let mut disk = Disk::new(before.clone(), &events);
    for (line, is_by_chance) in moments {
        disk.play_until(line);
        let remains = if is_by_chance {
            found.by_chance += 1;
            found.endangered += disk.unsynced();
            disk.cut_by_chance(&mut random)
        } else {
            found.at_answers += 1;
            disk.cut()
        };
        found.examine(&remains, &place, &told, line)?;
    }
    found.tell(&events, report);

    let events = without_syncs(&events);
    let mut disk = Disk::new(before, &events);
    disk.play_until(last + 1);
    let mut found = Found::default();
    found.examine(&disk.cut(), &place, &told, last + 1)?;
    report.target(
        "without the syncs, a power cut at the last answer loses all that was acknowledged",
        found.lost == told.len(),
        format!("{} of {}", found.lost, told.len()),
    );
    if report.holds() {
        // It is large, and there is nothing to find in it.
        fs::remove_file(&recording.trace)?;
    }
    Ok(())
}

fn without_syncs(events: &[Event]) -> Vec<Event> {
    let is_sync = |event: &&Event| matches!(event.action, Action::Sync(_));
    let others = events.iter().filter(|event| !is_sync(event));
    others.cloned().collect()
}

/// The order of sync and answer; and that this judgement would notice if there were no syncs.
fn judge_order(events: &[Event], answers: &[Told], report: &mut Report) {
    let mut order = order::judge(events, answers);
    let mut margins: Vec<Duration> = order.margins.drain(..).map(Duration::from_micros).collect();
    let shortest = quantile(&mut margins, 0.0);
    report.figure("answers to one client at a time", answers.len());
    report.figure("shortest time from sync to answer", format!("{shortest:?}"));
    report.target(
        "each answer begins after the end of a sync of all that was written for it",
        order.flaws.is_empty(),
        format!("{} too early {:?}", order.flaws.len(), order.flaws.first()),
    );
    let noticed = order::judge(&without_syncs(events), answers).flaws.len();
    report.target(
        "without the syncs, the same judgement calls each answer too early",
        noticed == answers.len(),
        format!("{noticed} of {}", answers.len()),
    );
}

/// What the power cuts showed.
#[derive(Debug, Default)]
struct Found {
    at_answers: usize,
    by_chance: usize,
    /// Writes that were not synced when the power went.
    endangered: usize,
    /// Acknowledged operations that were looked for, and those that were not there.
    looked_for: usize,
    lost: usize,
    /// Exchanges that were done in part.
    halves: usize,
    corrupt: usize,
}

impl Found {
    /// Opens what is left as the next server would, which brings the log into the file.
    fn examine(
        &mut self,
        remains: &Remains,
        place: &Path,
        told: &[Told],
        line: usize,
    ) -> anyhow::Result<()> {
        let beside = |end: &str| format!("{}{end}", place.display());
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(beside(end));
        }
        fs::write(place, &remains.database)?;
        if let Some(log) = &remains.log {
            fs::write(beside("-wal"), log)?;
        }
        let db = Connection::open(place)?;
        db.pragma_update(None, "synchronous", "OFF")?;
        let check: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        let rows = Rows::read(&db)?;
        let told = told.iter().take_while(|told| told.at.line < line);
        for told in told {
            self.looked_for += 1;
            self.lost += usize::from(!rows.has(&told.fact));
        }
        self.halves += rows.halves();
        self.corrupt += usize::from(check != "ok");
        Ok(())
    }

    fn tell(&self, events: &[Event], report: &mut Report) {
        let count = |wanted: &Action| {
            events
                .iter()
                .filter(|event| event.action == *wanted)
                .count()
        };
        let checkpoints = count(&Action::Sync(File::Database));
        report.figure("syncs of the log", count(&Action::Sync(File::Log)));
        report.figure("syncs of the database", checkpoints);
        report.figure("power cuts at an answer, nothing kept", self.at_answers);
        report.figure("power cuts by chance, something kept", self.by_chance);
        report.figure("writes in danger then", self.endangered);
        report.figure("acknowledged operations looked for", self.looked_for);
        for (what, number) in [
            ("acknowledged operations lost", self.lost),
            ("exchanges done in part", self.halves),
            ("databases that fail SQLite's integrity check", self.corrupt),
        ] {
            report.target(format!("0 {what}"), number == 0, number);
        }
        report.target(
            "the log was brought into the database meanwhile",
            checkpoints > 0,
            checkpoints,
        );
    }
}
