//! Instruction counts of the engine's operations (`counts/`), compared with those on record.
//!
//! They are the same on a busy machine and on an idle one, which times are not. Own runner over valgrind's callgrind:
//! the libraries for this need a runner of their own version installed beside them.

mod record;

use crate::check::{Outcome, Trouble, alone};
use crate::packages;
use crate::process::output;
use crate::project::Project;
use record::{Judgement, Record, Tools};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const RECORD: &str = "counts/instructions.toml";
/// Together, so that the features of all crates are the server's, and nothing is compiled twice.
const BUILD: &str = "build --release --package tokenpair-server --package counts --bin counts";
const PROGRAM: &str = "release/counts";
const CALLGRIND: &str = "--tool=callgrind --quiet";
/// Without SHA-256: valgrind does not know the processor's instructions for it, and what stands in for them would hide the rest.
const WITHOUT_SHA: &str =
    "--toggle-collect=aws_lc_*_sha256_block_data_order* --collect-atstart=yes";
/// How often an operation is done; then twice as often.
const TIMES: u64 = 400;

/// Counts, and compares or records.
pub(crate) fn run(arguments: &[&str]) -> ExitCode {
    match arguments {
        [] => alone(compare),
        ["--record"] => alone(record),
        ["--json"] => alone(|project| {
            println!("{}", Counter::new(project)?.count_all()?.to_json());
            Ok(String::new())
        }),
        _ => {
            println!("usage: cargo xtask counts [--record | --json]");
            ExitCode::from(crate::WRONG_USAGE)
        }
    }
}

/// Fails where an operation needs more instructions than on record.
pub(crate) fn compare(project: &Project) -> Outcome {
    let recorded = Record::read(&project.root.join(RECORD))?;
    let found = Counter::new(project)?.count_all()?;
    if let Some(reason) = found.tools.incomparable(&recorded.tools) {
        return Err(Trouble::Skipped(reason));
    }
    Judgement::new(&recorded, &found).outcome()
}

/// Writes what is found, whatever was on record.
fn record(project: &Project) -> Outcome {
    let found = Counter::new(project)?.count_all()?;
    let path = project.root.join(RECORD);
    if let Ok(recorded) = Record::read(&path) {
        Judgement::new(&recorded, &found).print();
    }
    fs::write(path, found.to_toml())?;
    Ok(format!("written to {RECORD}: say in the commit why"))
}

/// The program, built, and what it is run by.
struct Counter<'a> {
    project: &'a Project,
    program: PathBuf,
    tools: Tools,
}

impl<'a> Counter<'a> {
    fn new(project: &'a Project) -> Result<Self, Trouble> {
        packages::program(project, "valgrind", "valgrind")?;
        project.run(&mut project.cargo(BUILD)).success()?;
        let program = project.target.join(PROGRAM);
        let tools = Tools {
            rustc: version(project, "rustc")?,
            valgrind: version(project, "valgrind")?,
            processor: processor(project, &program)?,
        };
        Ok(Self {
            project,
            program,
            tools,
        })
    }

    fn count_all(self) -> Result<Record, Trouble> {
        let names = output(&mut self.project.command(&self.program, "list"))?;
        let mut instructions = BTreeMap::new();
        for name in names.lines() {
            instructions.insert(name.to_owned(), self.count(name)?);
        }
        Ok(Record {
            tools: self.tools,
            instructions,
        })
    }

    /// Instructions of one operation: what doing it twice as often adds, by the times.
    fn count(&self, name: &str) -> Result<u64, Trouble> {
        let once = self.total(name, TIMES)?;
        let twice = self.total(name, 2 * TIMES)?;
        Ok(twice.saturating_sub(once) / TIMES)
    }

    /// Instructions of a whole run.
    fn total(&self, name: &str, times: u64) -> Result<u64, Trouble> {
        let profile = self.project.temporary.join("callgrind");
        let mut valgrind = self.project.command("valgrind", CALLGRIND);
        valgrind.args(WITHOUT_SHA.split(' '));
        valgrind.arg(format!("--callgrind-out-file={}", profile.display()));
        valgrind.arg(&self.program).arg(name).arg(times.to_string());
        output(&mut valgrind)?;
        let text = fs::read_to_string(&profile)?;
        let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
        let unreadable = || Trouble::Failed("callgrind's profile has no total".to_owned());
        total
            .and_then(|total| total.trim().parse().ok())
            .ok_or_else(unreadable)
    }
}

/// The second word of `rustc 1.95.0 (…)`, or `valgrind-3.19.0` without its name.
fn version(project: &Project, program: &str) -> Result<String, Trouble> {
    let told = output(&mut project.command(program, "--version"))?;
    let mut parts = told.split([' ', '-', '\n']);
    let version = parts.nth(1).unwrap_or_default();
    Ok(version.to_owned())
}

/// The processor as the program sees it under valgrind.
fn processor(project: &Project, program: &Path) -> Result<String, Trouble> {
    let mut valgrind = project.command("valgrind", "--tool=none --quiet");
    Ok(output(valgrind.arg(program).arg("processor"))?
        .trim()
        .to_owned())
}
