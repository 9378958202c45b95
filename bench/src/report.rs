//! What was found, as a table for people and as JSON.

use crate::limits::Limit;
use crate::measured::{Measured, Paced, Ratio};
use crate::targets::{Finding, Verdict, findings};
use crate::workload::Workload;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

/// What was found in one workload.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) workload: Workload,
    pub(crate) measured: Vec<Measured>,
}

impl Entry {
    pub(crate) fn findings(&self) -> Vec<Finding> {
        findings(&self.workload.targets, &self.measured)
    }

    pub(crate) fn missed(&self) -> usize {
        let findings = self.findings().into_iter();
        findings
            .filter(|finding| finding.verdict == Some(Verdict::Missed))
            .count()
    }

    fn json(&self) -> Value {
        json!({
            "workload": self.workload.id,
            "about": self.workload.about,
            "store": self.workload.store.to_string(),
            "rows": self.workload.rows,
            "connections": self.workload.connections,
            "servers": self.measured.iter().map(server_json).collect::<Vec<_>>(),
            "findings": self.findings().iter().map(finding_json).collect::<Vec<_>>(),
        })
    }
}

const HEADINGS: [&str; 8] = [
    "requests/s",
    "CPU µs",
    "+ database",
    "p50 ms",
    "p99 ms",
    "PSS MB",
    "peak MB",
    "start ms",
];
const NAMES: usize = 22;
const FIGURES: usize = 11;

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Workload {
            id,
            about,
            connections,
            ..
        } = &self.workload;
        writeln!(f, "{id}: {about}, {connections} connections")?;
        write!(f, "  {:NAMES$}", "")?;
        for heading in HEADINGS {
            write!(f, "{heading:>FIGURES$}")?;
        }
        writeln!(f)?;
        for measured in &self.measured {
            write!(f, "  {:NAMES$}", measured.peer.name())?;
            for figure in figures(measured) {
                write!(f, "{figure:>FIGURES$}")?;
            }
            writeln!(f)?;
        }
        for measured in &self.measured {
            for paced in &measured.paced {
                writeln!(f, "  {}, {paced}", measured.peer.name())?;
            }
        }
        for finding in self.findings() {
            writeln!(f, "  {finding}")?;
        }
        Ok(())
    }
}

fn figures(measured: &Measured) -> [String; 8] {
    let database = measured.database_cpu();
    [
        short(measured.rate()),
        short(measured.cpu()),
        if database > 0.0 {
            short(database)
        } else {
            "-".to_owned()
        },
        short(milliseconds(measured.quantile(0.5))),
        short(milliseconds(measured.quantile(0.99))),
        short(megabytes(measured.memory.pss)),
        short(megabytes(measured.memory.peak)),
        short(milliseconds(measured.start_up)),
    ]
}

impl fmt::Display for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, round, .. } = self;
        let [rate, cpu] = [round.sample.rate(), round.cpu() + round.database_cpu()].map(short);
        write!(f, "open loop, {name}: {rate} requests/s, CPU {cpu} µs")?;
        for (name, share) in [("p50", 0.5), ("p99", 0.99), ("most", 1.0)] {
            write!(
                f,
                ", {name} {} ms",
                short(milliseconds(self.quantile(share)))
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ratio {
            median,
            least,
            most,
        } = self.ratio;
        let text = format!("{}×", short(median));
        write!(
            f,
            "{:<31}{text:>8}  ({} to {})",
            self.what,
            short(least),
            short(most)
        )?;
        if let Some(verdict) = self.verdict {
            write!(f, "; {}: {verdict}", self.target)?;
        }
        Ok(())
    }
}

/// Three digits, as more would only be noise.
pub(crate) fn short(figure: f64) -> String {
    let digits = match figure.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    grouped(&format!("{figure:.digits$}"))
}

/// With a comma between thousands.
fn grouped(figure: &str) -> String {
    let whole = figure.split('.').next().unwrap_or_default().len();
    let mut text = String::new();
    for (place, digit) in figure.chars().enumerate() {
        if place > 0 && place < whole && (whole - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[allow(clippy::cast_precision_loss, reason = "less than a terabyte")]
pub(crate) fn megabytes(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

fn server_json(measured: &Measured) -> Value {
    json!({
        "server": measured.peer.name(),
        "version": measured.version,
        "requests_per_second": measured.rate(),
        "cpu_microseconds": measured.cpu(),
        "database_cpu_microseconds": measured.database_cpu(),
        "p50_ms": milliseconds(measured.quantile(0.5)),
        "p99_ms": milliseconds(measured.quantile(0.99)),
        "p999_ms": milliseconds(measured.quantile(0.999)),
        "most_ms": milliseconds(measured.quantile(1.0)),
        "pss_kib": measured.memory.pss,
        "peak_kib": measured.memory.peak,
        "idle_pss_kib": measured.idle.pss,
        "start_up_ms": milliseconds(measured.start_up),
        "rounds": measured.rounds.iter().map(|round| json!({
            "requests": round.sample.requests,
            "seconds": round.sample.elapsed.as_secs_f64(),
            "cpu_seconds": round.cpu.as_secs_f64(),
            "database_cpu_seconds": round.database_cpu.as_secs_f64(),
        })).collect::<Vec<_>>(),
        "open_loops": measured.paced.iter().map(|paced| json!({
            "pace": paced.name,
            "requests_per_second": paced.round.sample.rate(),
            "cpu_microseconds": paced.round.cpu(),
            "database_cpu_microseconds": paced.round.database_cpu(),
            "p50_ms": milliseconds(paced.quantile(0.5)),
            "p99_ms": milliseconds(paced.quantile(0.99)),
            "most_ms": milliseconds(paced.quantile(1.0)),
        })).collect::<Vec<_>>(),
    })
}

fn finding_json(finding: &Finding) -> Value {
    let Ratio {
        median,
        least,
        most,
    } = finding.ratio;
    json!({
        "what": finding.what,
        "median": median,
        "least": least,
        "most": most,
        "target": finding.target,
        "verdict": finding.verdict.map(|verdict| verdict.to_string()),
    })
}

fn limit_json(limit: &Limit) -> Value {
    let Limit { what, found, most } = limit;
    json!({"what": what, "found": found, "most": most, "verdict": limit.verdict().to_string()})
}

/// Everything in one object.
pub(crate) fn json(entries: &[Entry], limits: &[Limit], machine: &str, is_full: bool) -> Value {
    json!({
        "machine": machine,
        "full": is_full,
        "workloads": entries.iter().map(Entry::json).collect::<Vec<_>>(),
        "limits": limits.iter().map(limit_json).collect::<Vec<_>>(),
    })
}

/// The ratios of all workloads below each other, then the limits.
pub(crate) fn summary(entries: &[Entry], limits: &[Limit]) -> String {
    let mut text = String::new();
    for entry in entries {
        let name = format!("{} {}", entry.workload.id, entry.workload.about);
        for finding in entry.findings() {
            // A text can always be written to.
            let _ = writeln!(text, "{name:<44}  {finding}");
        }
    }
    for limit in limits {
        let _ = writeln!(text, "{limit}");
    }
    text
}

/// What was measured: each server once, with its versions.
pub(crate) fn versions(entries: &[Entry]) -> String {
    let all = entries.iter().flat_map(|entry| &entry.measured);
    let lines: BTreeSet<String> = all
        .map(|measured| format!("{}: {}\n", measured.peer.name(), measured.version))
        .collect();
    lines.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measured::tests::measured;
    use crate::server::Peer;
    use crate::targets::Targets;
    use crate::workload::{Ask, workload};
    use xtask::database::Store;

    fn entry() -> Entry {
        let workload = workload("V", "verify", Ask::Verify, Store::Sqlite);
        Entry {
            workload: workload.targets(Targets::default().axum(0.9).stretch("0.75×")),
            measured: vec![
                measured(Peer::Tokenpair, &[8.0, 9.0], 100_000.0),
                measured(Peer::Axum, &[10.0, 10.0], 90_000.0),
            ],
        }
    }

    #[test]
    fn figures_have_three_digits() {
        let shown = [0.123, 5.678, 45.67, 123.4, 1_234_567.8].map(short);
        assert_eq!(shown, ["0.12", "5.68", "45.7", "123", "1,234,568"]);
    }

    #[test]
    fn the_table_holds_figures_ratios_and_verdicts() {
        let table = entry().to_string();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 5);
        assert!(lines[2].starts_with("  tokenpair "));
        assert!(lines[2].contains("100,000"));
        assert!(lines[4].contains("0.85×  (0.80 to 0.90); ≤ 0.9×, stretch 0.75×: met"));
        assert_eq!(entry().missed(), 0);
        let told = "axum + jsonwebtoken: 1.0\ntokenpair: 1.0\n";
        assert_eq!(versions(&[entry(), entry()]), told);
    }

    #[test]
    fn json_holds_the_same() {
        let json = json(&[entry()], &[], "a machine", true);
        let workload = &json["workloads"][0];
        assert_eq!(workload["servers"][0]["rounds"][1]["requests"], 1000);
        assert_eq!(workload["findings"][0]["verdict"], "met");
    }
}
