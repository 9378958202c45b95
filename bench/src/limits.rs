//! What is wanted of tokenpair beyond ratios: memory, latencies, start-up, growth with the rows.

use crate::logins;
use crate::measured::{Measured, Ratio};
use crate::report::{Entry, megabytes, milliseconds, short};
use crate::server::Peer;
use crate::targets::Verdict;
use crate::workload::Ask;
use std::fmt;
use xtask::database::Store;

const IDLE_MEGABYTES: f64 = 20.0;
const BUSY_MEGABYTES: f64 = 48.0;
const READY_MILLISECONDS: f64 = 50.0;
/// Rows on which the start-up is judged.
pub(crate) const MANY_ROWS: usize = 1_000_000;
const ROTATION_P99_MILLISECONDS: f64 = 10.0;
/// Processor time with the most rows, as a multiple of that with none.
const GROWTH: f64 = 1.3;
/// What a log-in may cost, as a multiple of the derivation of its hash.
const WITH_THE_HASH: f64 = 1.02;

/// A limit, what was found, and whether it holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Limit {
    pub(crate) what: String,
    pub(crate) found: f64,
    pub(crate) most: f64,
}

impl Limit {
    pub(crate) fn new(what: impl Into<String>, found: f64, most: f64) -> Self {
        Self {
            what: what.into(),
            found,
            most,
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        if self.found <= self.most {
            Verdict::Met
        } else {
            Verdict::Missed
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (found, verdict) = (short(self.found), self.verdict());
        write!(f, "{:<64}{found:>8}; ≤ {}: {verdict}", self.what, self.most)
    }
}

/// All limits that these workloads tell something about.
pub(crate) fn limits(entries: &[Entry]) -> Vec<Limit> {
    let mut limits = Vec::new();
    limits.extend(memory(entries));
    limits.extend(start_up(entries));
    limits.extend(entries.iter().flat_map(rotation));
    for (ask, name) in [(Ask::Rotate, "R1"), (Ask::Blacklist, "B")] {
        for store in [Store::Sqlite, Store::Postgres] {
            limits.extend(growth(entries, ask, store, name));
        }
    }
    limits.extend(beside_the_hash(entries));
    limits
}

fn ours(entry: &Entry) -> Option<&Measured> {
    let mut measured = entry.measured.iter();
    measured.find(|measured| measured.peer == Peer::Tokenpair)
}

fn most(figures: impl Iterator<Item = f64>) -> Option<f64> {
    figures.reduce(f64::max)
}

/// Of workloads without passwords: a hash may need 100 MB by itself.
fn memory(entries: &[Entry]) -> Vec<Limit> {
    let entries = entries
        .iter()
        .filter(|entry| entry.workload.ask != Ask::Obtain);
    let servers = entries.filter_map(ours);
    let idle = most(servers.clone().map(|server| megabytes(server.idle.pss)));
    let busy = most(servers.map(|server| megabytes(server.memory.pss)));
    let idle = idle.map(|found| Limit::new("PSS in MB, idle", found, IDLE_MEGABYTES));
    let busy = busy.map(|found| Limit::new("PSS in MB, at 64 connections", found, BUSY_MEGABYTES));
    idle.into_iter().chain(busy).collect()
}

fn start_up(entries: &[Entry]) -> Option<Limit> {
    let entries = entries
        .iter()
        .filter(|entry| entry.workload.rows >= MANY_ROWS && entry.workload.store == Store::Sqlite);
    let found = most(
        entries
            .filter_map(ours)
            .map(|server| milliseconds(server.start_up)),
    )?;
    Some(Limit::new(
        "ms until ready, 1,000,000 rows or more",
        found,
        READY_MILLISECONDS,
    ))
}

/// Latencies of refreshes with rotation.
fn rotation(entry: &Entry) -> Vec<Limit> {
    let Some(server) = ours(entry).filter(|_| entry.workload.ask == Ask::Rotate) else {
        return Vec::new();
    };
    let limit = |pace: &str, time| {
        let what = format!("p99 in ms, {}, {pace}", entry.workload.about);
        Limit::new(what, milliseconds(time), ROTATION_P99_MILLISECONDS)
    };
    let mut limits = vec![limit("64 connections", server.quantile(0.99))];
    let paced = server.paced.iter().filter(|paced| paced.is_judged);
    limits.extend(paced.map(|paced| limit(&paced.name, paced.quantile(0.99))));
    limits
}

fn growth(entries: &[Entry], ask: Ask, store: Store, name: &str) -> Option<Limit> {
    let same = entries
        .iter()
        .filter(|entry| entry.workload.ask == ask && entry.workload.store == store);
    let none = same.clone().find(|entry| entry.workload.rows == 0)?;
    let most = same.max_by_key(|entry| entry.workload.rows)?;
    let rows = crate::workload::count(most.workload.rows);
    let ratio: Option<Ratio> = ours(most)?.cpu_over(ours(none)?);
    let ratio = ratio.filter(|_| most.workload.rows > 0)?;
    let what = format!("CPU of {name}, {store}, {rows} rows ÷ none");
    Some(Limit::new(what, ratio.median, GROWTH))
}

/// Log-ins one at a time: what they cost beside their derivation, which this process did, too, between the rounds.
fn beside_the_hash(entries: &[Entry]) -> Option<Limit> {
    let entry = entries
        .iter()
        .find(|entry| logins::is_one_at_a_time(&entry.workload))?;
    let measured = ours(entry)?;
    let found = measured.cpu_of_all_rounds() / measured.derivation()?;
    let what = "CPU of a log-in with Django's default hash ÷ its derivation";
    Some(Limit::new(what, found, WITH_THE_HASH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measured::tests::measured;
    use crate::workload::workload;

    fn entry(id: &'static str, ask: Ask, rows: usize, cpu: f64) -> Entry {
        let mut workload = workload(id, "it", ask, Store::Sqlite);
        workload.rows = rows;
        Entry {
            workload,
            measured: vec![measured(Peer::Tokenpair, &[cpu], 100.0)],
        }
    }

    #[test]
    fn growth_is_judged_between_no_rows_and_the_most() {
        let entries = [0, 1000, 100].map(|rows| {
            let cpu = if rows == 1000 { 15.0 } else { 10.0 };
            entry("R1", Ask::Rotate, rows, cpu)
        });
        let limits = limits(&entries);
        let growth = limits
            .iter()
            .find(|limit| limit.what.contains("1,000 rows"))
            .unwrap();
        assert!((growth.found - 1.5).abs() < 1e-9);
        assert_eq!(growth.verdict(), Verdict::Missed);
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        assert_eq!(limits(&[]), []);
        assert_eq!(limits(&[entry("O", Ask::Obtain, 0, 80_000.0)]), []);
    }
}
