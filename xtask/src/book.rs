//! The step `book`: what `docs/` shows is done, in the order of the page, and every link in the repository leads somewhere.
//!
//! CONTRIBUTING.md tells authors how to write a block.

mod action;
mod console;
mod fences;
mod links;
mod session;

use crate::check::{Outcome, Trouble, verdict};
use crate::process::output;
use crate::project::Project;
use crate::{packages, python};
use action::{Action, action};
use console::Command;
use fences::Block;
use session::{Machine, Session};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use std::{fs, mem, thread};

const FOLDER: &str = "docs/";
/// For pages that speak Python or `HTTPie`.
const PYTHON: &str = "conformance/seeds/requirements.txt";
/// Where the pages with examples in Rust are made documentation tests.
const DOC_TESTS: &str = "crates/tokenpair/src/lib.rs";
/// The line of a page that needs a machine with PostgreSQL.
const NEEDS_POSTGRES: &str = "<!-- run with PostgreSQL -->";
/// The line of a page that needs a Python with Django, Simple JWT and gunicorn.
const NEEDS_DJANGO: &str = "<!-- run with Django -->";
/// The line of a page that compiles a package of its own.
const NEEDS_CARGO: &str = "<!-- run with Cargo -->";
/// How many pages are run at a time.
const READERS: usize = 2;
/// What pages call, and the Debian package it is in.
const PROGRAMS: [(&str, &str); 9] = [
    ("curl", "curl"),
    ("haproxy", "haproxy"),
    ("ip", "iproute2"),
    ("jq", "jq"),
    ("nginx", "nginx-light"),
    ("node", "nodejs"),
    ("openssl", "openssl"),
    ("sqlite3", "sqlite3"),
    ("systemd-analyze", "systemd"),
];

pub(crate) fn check(project: &Project) -> Outcome {
    run(project, &[])
}

/// Looks at the links, then runs the pages with these names (without folder and `.md`), or all.
pub(crate) fn run(project: &Project, names: &[&str]) -> Outcome {
    let files = markdown(project)?;
    let exists = |path: &Path| project.root.join(path).exists();
    let (links, mut problems) = links::check(&files, exists);
    for (program, package) in PROGRAMS {
        packages::program(project, program, package)?;
    }
    project.build_debug_server()?;
    let book = Book {
        project,
        machine: Machine::new(project, path(project)?),
        doc_tests: fs::read_to_string(project.root.join(DOC_TESTS))?,
    };
    let pages: Vec<_> = files
        .iter()
        .filter(|(name, _)| is_wanted(name, names))
        .collect();
    let mut tally = Tally::default();
    for outcome in book.run_all(&pages) {
        let (found, counted) = outcome?;
        problems.extend(found);
        tally.add(&counted);
    }
    if pages.is_empty() {
        problems.push(format!("{FOLDER} has no page {}", names.join(", ")));
    }
    let Tally {
        commands,
        files,
        doc_tests,
        not_run,
    } = tally;
    let pages = pages.len();
    let detail = format!(
        "{pages} pages: {commands} commands, {files} files, {doc_tests} doc tests, {not_run} blocks not run; {links} links"
    );
    verdict(&problems, detail)
}

/// What is wrong with a page, and what was done.
type Read = Result<(Vec<String>, Tally), Trouble>;

/// What the pages are run with.
#[derive(Debug)]
struct Book<'a> {
    project: &'a Project,
    machine: Machine,
    doc_tests: String,
}

impl Book<'_> {
    /// Runs the pages, some at a time where each has a network of its own: they wait more than they compute.
    fn run_all(&self, pages: &[&(String, String)]) -> Vec<Read> {
        let at_a_time = if self.machine.isolates() { READERS } else { 1 };
        let next = AtomicUsize::new(0);
        let read = Mutex::new(BTreeMap::new());
        thread::scope(|scope| {
            for _ in 0..at_a_time {
                scope.spawn(|| {
                    loop {
                        let place = next.fetch_add(1, Relaxed);
                        let Some((name, text)) = pages.get(place) else {
                            break;
                        };
                        let outcome = self.run_page(name, text);
                        lock(&read).insert(place, outcome);
                    }
                });
            }
        });
        let read = mem::take(&mut *lock(&read));
        read.into_values().collect()
    }

    fn run_page(&self, name: &str, text: &str) -> Read {
        let start = Instant::now();
        let page = Page {
            name,
            blocks: fences::read(text).blocks,
            is_doc_test: self.doc_tests.contains(&format!("/{name}\"")),
        };
        let mut tally = Tally::default();
        let problems = page.run(self.session(name, text)?, &mut tally)?;
        println!("{name} ({:.1} s)", start.elapsed().as_secs_f64());
        Ok((problems, tally))
    }

    /// A shell for the page, with what the page says it needs.
    fn session(&self, name: &str, text: &str) -> Result<Session, Trouble> {
        // One after the other: what a machine lacks is installed once.
        static PREPARATION: Mutex<()> = Mutex::new(());
        let _one_after_the_other = lock(&PREPARATION);
        let project = self.project;
        let mut session = self
            .machine
            .start(&project.target.join("xtask/book").join(name))?;
        let needs = |mark: &str| text.lines().any(|line| line == mark);
        if needs(NEEDS_POSTGRES) {
            session.start_postgres(project)?;
        }
        if needs(NEEDS_DJANGO) {
            let python = python::environment(project, python::REFERENCE)?;
            session.look_first_in(folder_of(&python))?;
        }
        if needs(NEEDS_CARGO) {
            session.offer_cargo(project)?;
        }
        Ok(session)
    }
}

/// The lock, also after a thread that held it has panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the file is a page, and one of those that were asked for.
fn is_wanted(path: &str, names: &[&str]) -> bool {
    let name = path
        .strip_prefix(FOLDER)
        .and_then(|name| name.strip_suffix(".md"));
    name.is_some_and(|name| names.is_empty() || names.contains(&name))
}

/// Path and text of every Markdown file that is, or could be, under version control.
fn markdown(project: &Project) -> Result<Vec<(String, String)>, Trouble> {
    let line = "ls-files -z --cached --others --exclude-standard *.md";
    let listed = output(&mut project.command("git", line))?;
    let read = |path: &str| {
        Some((
            path.to_owned(),
            fs::read_to_string(project.root.join(path)).ok()?,
        ))
    };
    Ok(listed.split_terminator('\0').filter_map(read).collect())
}

/// Where commands are looked for: ours first, then Python's, then the machine's.
fn path(project: &Project) -> Result<String, Trouble> {
    let ours = project.target.join("xtask/book-bin");
    fs::create_dir_all(&ours)?;
    fs::copy(
        project.target.join("debug/tokenpair"),
        ours.join("tokenpair"),
    )?;
    let python = python::environment(project, PYTHON)?;
    let python = folder_of(&python).display();
    let rest = std::env::var("PATH").unwrap_or_default();
    Ok(format!("{}:{python}:{rest}", ours.display()))
}

fn folder_of(program: &Path) -> &Path {
    program.parent().unwrap_or(Path::new("/"))
}

/// What became of the blocks.
#[derive(Debug, Default)]
struct Tally {
    commands: usize,
    files: usize,
    doc_tests: usize,
    not_run: usize,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.commands += other.commands;
        self.files += other.files;
        self.doc_tests += other.doc_tests;
        self.not_run += other.not_run;
    }
}

/// A page to be run.
#[derive(Debug)]
struct Page<'a> {
    name: &'a str,
    blocks: Vec<Block>,
    is_doc_test: bool,
}

impl Page<'_> {
    /// Yields what is wrong. After the first block that fails, those below it are left out: they rest on it.
    fn run(&self, mut session: Session, tally: &mut Tally) -> Result<Vec<String>, Trouble> {
        let mut problems = Vec::new();
        for block in &self.blocks {
            match self.run_block(block, &mut session, tally) {
                Err(Trouble::Failed(problem)) => {
                    problems.push(format!("{}:{problem}", self.name));
                    break;
                }
                other => other?,
            }
        }
        let unused = action::unused(&self.blocks).into_iter();
        problems.extend(
            unused.map(|(line, name)| {
                format!("{}:{line}: nothing on the page uses {name}", self.name)
            }),
        );
        match session.end() {
            Err(Trouble::Failed(problem)) => problems.push(format!("{}: {problem}", self.name)),
            ended => ended?,
        }
        Ok(problems)
    }

    fn run_block(
        &self,
        block: &Block,
        session: &mut Session,
        tally: &mut Tally,
    ) -> Result<(), Trouble> {
        let line = block.line;
        let failed = |problem: String| Trouble::Failed(format!("{line}: {problem}"));
        match action(block).map_err(failed)? {
            Action::Show => {}
            Action::Leave(reason) => {
                println!("{}:{line}: not run: {reason}", self.name);
                tally.not_run += 1;
            }
            Action::DocTest if self.is_doc_test => tally.doc_tests += 1,
            Action::DocTest => {
                return Err(failed(format!(
                    "{DOC_TESTS} does not make this page a doc test"
                )));
            }
            Action::Write { name, check } => {
                let path = session.folder.join(name);
                fs::create_dir_all(path.parent().unwrap_or(&session.folder))?;
                fs::write(path, block.text())?;
                tally.files += 1;
                if let Some(check) = check {
                    session.run(&Command::that_succeeds(line, check))?;
                }
            }
            Action::Run(commands) => {
                for command in &commands {
                    session.run(command)?;
                    tally.commands += 1;
                }
            }
        }
        Ok(())
    }
}
