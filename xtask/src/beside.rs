//! Django and tokenpair on one database: `conformance/beside.py`, which `conformance/README.md` explains.

use crate::check::{Outcome, Trouble, alone};
use crate::postgres::Postgres;
use crate::project::Project;
use crate::python;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Unbuffered, so that what was found is seen when it is found.
const RUN: &str = "-u conformance/beside.py";
/// Simple JWT's sources: with its tests, which the package that is installed lacks.
const DOWNLOAD: &str = "-m pip download --quiet --disable-pip-version-check --no-deps \
                        --no-binary djangorestframework-simplejwt djangorestframework-simplejwt==5.5.1 --dest";
const SOURCES: &str = "djangorestframework_simplejwt-5.5.1.tar.gz";

/// The older Djangos, each with what it needs.
const OLDER: [&str; 3] = [
    "conformance/beside/versions/django-4.2.txt",
    "conformance/beside/versions/django-5.0.txt",
    "conformance/beside/versions/django-5.1.txt",
];
/// What depends on Django's version: tables, checks, admin, hashers, log-in.
const OF_A_VERSION: &str =
    "--full --only django-first tokenpair-first passwords accounts time-zone";

/// Runs it for as long as it takes, with the terminal for itself; as a whole also with older Djangos.
pub(crate) fn run(arguments: &[&str]) -> ExitCode {
    alone(|project| {
        let postgres = Postgres::start(project)?;
        let mut failed = !succeeds(program(project, &postgres)?.args(arguments))?;
        for requirements in OLDER.iter().filter(|_| arguments == ["--full"]) {
            println!("{requirements}:");
            let mut older = plain(project, &postgres, requirements)?;
            failed |= !succeeds(older.args(OF_A_VERSION.split(' ')))?;
        }
        if failed {
            Err(Trouble::Failed(
                "not everything is as it should be".to_owned(),
            ))
        } else {
            Ok("Django and tokenpair agree".to_owned())
        }
    })
}

fn succeeds(command: &mut Command) -> Result<bool, Trouble> {
    Ok(command.status()?.success())
}

/// Its short form.
pub(crate) fn short(project: &Project) -> Outcome {
    let postgres = Postgres::start(project)?;
    let run = project.run(&mut program(project, &postgres)?);
    run.told(run.lines.last().cloned().unwrap_or_default())
}

fn program(project: &Project, postgres: &Postgres) -> Result<Command, Trouble> {
    let mut command = plain(project, postgres, python::REFERENCE)?;
    command.arg("--suite").arg(sources(project)?);
    Ok(command)
}

/// With the packages of the file `requirements`, and without Simple JWT's own tests.
fn plain(project: &Project, postgres: &Postgres, requirements: &str) -> Result<Command, Trouble> {
    let python = python::environment(project, requirements)?;
    let mut command = project.command(python, RUN);
    command
        .arg(project.build_server()?)
        .envs(postgres.variables());
    Ok(command)
}

/// Simple JWT's source distribution, fetched once.
fn sources(project: &Project) -> Result<PathBuf, Trouble> {
    let folder = project.target.join("xtask/sources");
    let file = folder.join(SOURCES);
    if !file.exists() {
        let python = python::environment(project, python::REFERENCE)?;
        let mut pip = project.command(python, DOWNLOAD);
        if project.run(pip.arg(&folder)).problem().is_some() || !file.exists() {
            return Err(Trouble::Skipped(format!("pip cannot fetch {SOURCES}")));
        }
    }
    Ok(file)
}
