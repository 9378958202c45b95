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
use std::fs;
use std::path::Path;

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
    let machine = Machine::new(project, path(project)?);
    let doc_tests = fs::read_to_string(project.root.join(DOC_TESTS))?;
    let mut tally = Tally::default();
    for (name, text) in files.iter().filter(|(name, _)| is_wanted(name, names)) {
        println!("{name}");
        let page = Page {
            name,
            blocks: fences::read(text).blocks,
            is_doc_test: doc_tests.contains(&format!("/{name}\"")),
        };
        let mut session = machine.start(&project.target.join("xtask/book").join(name))?;
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
        tally.pages += 1;
        problems.extend(page.run(session, &mut tally)?);
    }
    if tally.pages == 0 {
        problems.push(format!("{FOLDER} has no page {}", names.join(", ")));
    }
    let Tally {
        pages,
        commands,
        files,
        doc_tests,
        not_run,
    } = tally;
    let detail = format!(
        "{pages} pages: {commands} commands, {files} files, {doc_tests} doc tests, {not_run} blocks not run; {links} links"
    );
    verdict(&problems, detail)
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
    pages: usize,
    commands: usize,
    files: usize,
    doc_tests: usize,
    not_run: usize,
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
                println!("  {line}: not run: {reason}");
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
