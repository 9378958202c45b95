//! Counts on record, in TOML, and how new ones compare.

use crate::check::{Outcome, Trouble};
use crate::hygiene::manifest;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::path::Path;

const ACCEPT: &str = "`cargo xtask counts --record` accepts it";
/// In per cent: what a count may change by unnoticed.
const BOUND: u64 = 5;
/// The same where another compiler or valgrind than the recorded one is at work.
const WIDE_BOUND: u64 = 15;

/// What a count depends on besides our code.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tools {
    pub(super) rustc: String,
    pub(super) valgrind: String,
    pub(super) processor: String,
}

impl Tools {
    /// Why counts cannot be compared at all: the cryptography has other code for another processor.
    pub(super) fn incomparable(&self, recorded: &Self) -> Option<String> {
        let (here, there) = (&self.processor, &recorded.processor);
        (here != there)
            .then(|| format!("counted on {there}; this is {here}, and cannot be compared"))
    }
}

/// Instructions by operation.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) tools: Tools,
    pub(super) instructions: BTreeMap<String, u64>,
}

impl Record {
    pub(super) fn read(path: &Path) -> Result<Self, Trouble> {
        let file = manifest(path)?;
        let unfit = |what: &str| Trouble::Failed(format!("{}: {what}", path.display()));
        let tool = |name: &str| {
            let value = file.get(name).and_then(toml::Value::as_str);
            value.map(str::to_owned).ok_or_else(|| unfit(name))
        };
        let table = file.get("instructions").and_then(toml::Value::as_table);
        let entries = table.ok_or_else(|| unfit("instructions"))?.iter();
        let counts = entries.map(|(name, count)| {
            let count = count
                .as_integer()
                .and_then(|count| u64::try_from(count).ok());
            Ok((name.clone(), count.ok_or_else(|| unfit(name))?))
        });
        Ok(Self {
            tools: Tools {
                rustc: tool("rustc")?,
                valgrind: tool("valgrind")?,
                processor: tool("processor")?,
            },
            instructions: counts.collect::<Result<_, Trouble>>()?,
        })
    }

    pub(super) fn to_toml(&self) -> String {
        let Tools {
            rustc,
            valgrind,
            processor,
        } = &self.tools;
        let mut text = format!(
            "# Instructions of one operation each. Written by `cargo xtask counts --record`.\n\n\
             rustc = \"{rustc}\"\nvalgrind = \"{valgrind}\"\nprocessor = \"{processor}\"\n\n[instructions]\n"
        );
        for (name, count) in &self.instructions {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name} = {count}");
        }
        text
    }

    pub(super) fn to_json(&self) -> serde_json::Value {
        let Tools {
            rustc,
            valgrind,
            processor,
        } = &self.tools;
        serde_json::json!({
            "rustc": rustc, "valgrind": valgrind, "processor": processor, "instructions": self.instructions,
        })
    }
}

/// What became of each operation.
#[derive(Debug)]
pub(super) struct Judgement {
    bound: u64,
    /// With other tools: which.
    remark: Option<String>,
    rows: Vec<Row>,
}

#[derive(Debug, PartialEq)]
struct Row {
    name: String,
    recorded: Option<u64>,
    found: Option<u64>,
    change: Change,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Same,
    Grown,
    Fallen,
    /// Counted, and not on record, or the reverse.
    Unrecorded,
}

impl Judgement {
    pub(super) fn new(recorded: &Record, found: &Record) -> Self {
        let same_tools = recorded.tools == found.tools;
        let bound = if same_tools { BOUND } else { WIDE_BOUND };
        let names: BTreeSet<&String> = recorded
            .instructions
            .keys()
            .chain(found.instructions.keys())
            .collect();
        let row = |name: &String| {
            let of = |record: &Record| record.instructions.get(name).copied();
            let (recorded, found) = (of(recorded), of(found));
            let change = change(recorded, found, bound);
            Row {
                name: name.clone(),
                recorded,
                found,
                change,
            }
        };
        let Tools {
            rustc, valgrind, ..
        } = &recorded.tools;
        Self {
            bound,
            remark: (!same_tools).then(|| {
                format!("recorded with rustc {rustc} and valgrind {valgrind}, which these are not: {bound} % pass")
            }),
            rows: names.into_iter().map(row).collect(),
        }
    }

    pub(super) fn print(&self) {
        println!("{:<26} {:>9} {:>9}", "instructions", "recorded", "found");
        for row in &self.rows {
            println!("{row}");
        }
        if let Some(remark) = &self.remark {
            println!("{remark}");
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.print();
        let with = |change| self.rows.iter().filter(move |row| row.change == change);
        let names = |change| {
            with(change)
                .map(|row| row.name.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let bound = self.bound;
        if with(Change::Unrecorded).count() > 0 {
            return Err(Trouble::Failed(format!(
                "not on record: {}; {ACCEPT}",
                names(Change::Unrecorded)
            )));
        }
        if with(Change::Grown).count() > 0 {
            return Err(Trouble::Failed(format!(
                "grown by more than {bound} %: {}; {ACCEPT}",
                names(Change::Grown)
            )));
        }
        let mut told = format!("{} operations", self.rows.len());
        if with(Change::Fallen).count() > 0 {
            let _ = write!(
                told,
                "; fallen by more than {bound} %, so record it: {}",
                names(Change::Fallen)
            );
        }
        if let Some(remark) = &self.remark {
            let _ = write!(told, "; {remark}");
        }
        Ok(told)
    }
}

fn change(recorded: Option<u64>, found: Option<u64>, bound: u64) -> Change {
    let (Some(recorded), Some(found)) = (recorded, found) else {
        return Change::Unrecorded;
    };
    if found * 100 > recorded * (100 + bound) {
        Change::Grown
    } else if found * 100 < recorded * (100 - bound) {
        Change::Fallen
    } else {
        Change::Same
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure =
            |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let (recorded, found) = (figure(self.recorded), figure(self.found));
        let verdict = match self.change {
            Change::Same => "",
            Change::Grown => "  GROWN",
            Change::Fallen => "  fallen",
            Change::Unrecorded => "  NOT ON RECORD",
        };
        write!(f, "{:<26} {recorded:>9} {found:>9}{verdict}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rustc: &str, counts: &[(&str, u64)]) -> Record {
        let tools = Tools {
            rustc: rustc.to_owned(),
            valgrind: "3".to_owned(),
            processor: "x86_64".to_owned(),
        };
        let instructions = counts
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count));
        Record {
            tools,
            instructions: instructions.collect(),
        }
    }

    fn outcome(recorded: &Record, found: &Record) -> Result<String, String> {
        Judgement::new(recorded, found)
            .outcome()
            .map_err(|trouble| trouble.to_string())
    }

    #[test]
    fn a_count_may_grow_by_five_per_cent() {
        let recorded = record("1", &[("verify", 1000)]);
        assert!(outcome(&recorded, &record("1", &[("verify", 1050)])).is_ok());
        let told = outcome(&recorded, &record("1", &[("verify", 1051)])).unwrap_err();
        assert!(
            told.contains("verify") && told.contains("counts --record"),
            "{told}"
        );
    }

    #[test]
    fn a_count_that_fell_should_be_recorded() {
        let recorded = record("1", &[("mint", 1000), ("verify", 1000)]);
        let told = outcome(&recorded, &record("1", &[("mint", 949), ("verify", 950)])).unwrap();
        assert!(told.contains("record it: mint"), "{told}");
        assert!(!told.contains("verify"), "{told}");
    }

    #[test]
    fn another_compiler_has_more_room_and_is_told() {
        let recorded = record("1", &[("verify", 1000)]);
        let told = outcome(&recorded, &record("2", &[("verify", 1150)])).unwrap();
        assert!(told.contains("recorded with rustc 1"), "{told}");
        assert!(outcome(&recorded, &record("2", &[("verify", 1151)])).is_err());
    }

    #[test]
    fn what_is_not_on_record_fails() {
        let (one, two) = (record("1", &[("a", 1)]), record("1", &[("a", 1), ("b", 1)]));
        assert!(outcome(&one, &two).is_err());
        assert!(outcome(&two, &one).is_err());
    }

    #[test]
    fn another_processor_cannot_be_compared() {
        let recorded = record("1", &[]).tools;
        let mut here = recorded.clone();
        assert_eq!(here.incomparable(&recorded), None);
        "aarch64".clone_into(&mut here.processor);
        assert!(here.incomparable(&recorded).is_some());
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let written = record("1.95.0", &[("mint", 5), ("verify", 7)]);
        let folder =
            std::env::temp_dir().join(format!("tokenpair-counts-{}.toml", std::process::id()));
        std::fs::write(&folder, written.to_toml()).unwrap();
        let read = Record::read(&folder).unwrap();
        std::fs::remove_file(&folder).unwrap();
        assert_eq!(read.tools, written.tools);
        assert_eq!(read.instructions, written.instructions);
    }
}
