//! What every program is given: the checkout, the server under test, the seed, PostgreSQL when it asks for it.

use crate::random;
use anyhow::Context as _;
use fastrand::Rng;
use std::fs;
use std::path::{Path, PathBuf};
use xtask::postgres::Postgres;
use xtask::project::Project;

/// Where logs stay, in the build folder.
const LOGS: &str = "faults";

/// One run of one or more programs.
#[derive(Debug)]
pub(crate) struct Run {
    // Before the project, whose folder it may have files in.
    postgres: Option<Postgres>,
    pub(crate) project: Project,
    /// The server under test.
    pub(crate) server: PathBuf,
    pub(crate) seed: u64,
    /// Whether fewer rounds are wanted.
    pub(crate) is_short: bool,
    program: &'static str,
}

impl Run {
    pub(crate) fn prepare(
        server: Option<PathBuf>,
        seed: Option<u64>,
        is_short: bool,
    ) -> anyhow::Result<Self> {
        let project = Project::open()?;
        let server = server.unwrap_or_else(|| project.server());
        let server = fs::canonicalize(&server)
            .with_context(|| format!("there is no server {}", server.display()))?;
        Ok(Self {
            postgres: None,
            project,
            server,
            seed: seed.unwrap_or_else(random::seed),
            is_short,
            program: "",
        })
    }

    /// Makes room for a program's logs.
    pub(crate) fn begin(&mut self, program: &'static str) -> anyhow::Result<()> {
        self.program = program;
        let logs = self.logs();
        if logs.exists() {
            fs::remove_dir_all(&logs)?;
        }
        fs::create_dir_all(&logs)?;
        Ok(())
    }

    /// One of two numbers, for the whole or the short form.
    pub(crate) fn rounds(&self, full: usize, short: usize) -> usize {
        if self.is_short { short } else { full }
    }

    /// The decisions of a part of the program.
    pub(crate) fn random(&self, part: &str) -> Rng {
        random::of(self.seed, &format!("{} {part}", self.program))
    }

    /// Where the program's servers write their logs, which stay until its next run.
    pub(crate) fn logs(&self) -> PathBuf {
        self.project.target.join(LOGS).join(self.program)
    }

    /// Where files go that are deleted at the end.
    pub(crate) fn folder(&self) -> &Path {
        &self.project.temporary
    }

    /// PostgreSQL, started for the first program that asks for it.
    pub(crate) fn postgres(&mut self) -> anyhow::Result<&mut Postgres> {
        if self.postgres.is_none() {
            self.postgres = Some(Postgres::start(&self.project)?);
        }
        self.postgres.as_mut().context("PostgreSQL has gone")
    }

    /// Starts PostgreSQL again after it was killed, and waits until it takes connections.
    pub(crate) fn restart_postgres(&mut self) -> anyhow::Result<()> {
        let postgres = self.postgres.as_mut().context("PostgreSQL has gone")?;
        Ok(postgres.restart(&self.project)?)
    }
}
