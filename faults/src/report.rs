//! What a program found: figures, targets, a verdict; as a table and as JSON.

use serde_json::{Value, json};
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// What one program found.
#[derive(Debug)]
pub(crate) struct Report {
    program: &'static str,
    seed: u64,
    is_short: bool,
    figures: Vec<(String, String)>,
    targets: Vec<Target>,
    began: Instant,
    took: Duration,
}

/// Something that must hold.
#[derive(Debug)]
struct Target {
    what: String,
    holds: bool,
    found: String,
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "figures are given as they come"
)]
impl Report {
    pub(crate) fn new(program: &'static str, seed: u64, is_short: bool) -> Self {
        Self {
            program,
            seed,
            is_short,
            figures: Vec::new(),
            targets: Vec::new(),
            began: Instant::now(),
            took: Duration::ZERO,
        }
    }

    /// The program is over: what it took is known.
    pub(crate) fn finish(&mut self) {
        self.took = self.began.elapsed();
    }

    /// Something counted or measured.
    pub(crate) fn figure(&mut self, what: impl Into<String>, figure: impl ToString) {
        self.figures.push((what.into(), figure.to_string()));
    }

    /// Something that must hold, and what was found instead or nevertheless.
    pub(crate) fn target(&mut self, what: impl Into<String>, holds: bool, found: impl ToString) {
        self.targets.push(Target {
            what: what.into(),
            holds,
            found: found.to_string(),
        });
    }

    /// That what was measured is at most so long.
    pub(crate) fn target_at_most(
        &mut self,
        what: impl Into<String>,
        limit: Duration,
        found: Duration,
    ) {
        let what = format!("{}, at most {}", what.into(), milliseconds(limit));
        self.target(what, found <= limit, milliseconds(found));
    }

    /// Whether every target holds; a report without one proves nothing.
    pub(crate) fn holds(&self) -> bool {
        !self.targets.is_empty() && self.targets.iter().all(|target| target.holds)
    }

    fn verdict(&self) -> &'static str {
        if self.holds() { "holds" } else { "FAILS" }
    }

    fn json(&self) -> Value {
        let figures = self.figures.iter();
        let targets = self.targets.iter().map(
            |target| json!({"target": target.what, "holds": target.holds, "found": target.found}),
        );
        json!({
            "program": self.program,
            "seed": self.seed,
            "short": self.is_short,
            "seconds": self.took.as_secs_f64(),
            "figures": figures.map(|(what, figure)| (what.clone(), json!(figure))).collect::<serde_json::Map<_, _>>(),
            "targets": targets.collect::<Vec<_>>(),
            "verdict": self.verdict(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whats = self.figures.iter().map(|(what, _)| what);
        let width = whats.map(|what| what.chars().count()).max().unwrap_or(0);
        for (what, figure) in &self.figures {
            writeln!(f, "  {what:<width$}  {figure}")?;
        }
        for Target { what, holds, found } in &self.targets {
            let mark = if *holds { "holds" } else { "FAILS" };
            writeln!(f, "  {mark}  {what}: {found}")?;
        }
        let seconds = self.took.as_secs_f64();
        let (program, verdict) = (self.program, self.verdict());
        write!(
            f,
            "=== {program} {verdict} in {seconds:.1} s; --seed {}",
            self.seed
        )
    }
}

/// One line for all programs that ran, the last that is printed.
pub(crate) fn summary(reports: &[Report]) -> String {
    let verdicts = reports.iter().map(|report| {
        let seconds = report.took.as_secs_f64();
        format!("{} {} ({seconds:.0} s)", report.program, report.verdict())
    });
    let seed = reports.first().map_or(0, |report| report.seed);
    format!("{}; --seed {seed}", verdicts.collect::<Vec<_>>().join(", "))
}

/// One object: of the program that ran, or with those of all that ran.
pub(crate) fn write_json(file: &Path, reports: &[Report]) -> anyhow::Result<()> {
    let object = match reports {
        [report] => report.json(),
        reports => json!({
            "programs": reports.iter().map(Report::json).collect::<Vec<_>>(),
            "verdict": if reports.iter().all(Report::holds) { "holds" } else { "FAILS" },
        }),
    };
    fs::write(file, format!("{object:#}\n"))?;
    Ok(())
}

/// As people read it, to a tenth.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a rank among a few million"
)]
/// The value that `share` of the times do not exceed, such as 0.99; zero if there are none.
pub(crate) fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let rank = (times.len() as f64 * share).ceil() as usize;
    times
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_holds_only_if_something_was_judged_and_all_of_it_holds() {
        let mut report = Report::new("race", 1, true);
        assert!(!report.holds());
        report.target("one success", true, "1");
        assert!(report.holds());
        report.target_at_most("p99", Duration::from_millis(2), Duration::from_millis(3));
        assert!(!report.holds());
        assert_eq!(report.json()["verdict"], "FAILS");
    }

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let mut times: Vec<Duration> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(quantile(&mut times, 0.99), Duration::from_millis(99));
        assert_eq!(quantile(&mut times, 1.0), Duration::from_millis(100));
        assert_eq!(quantile(&mut [], 0.5), Duration::ZERO);
    }
}
