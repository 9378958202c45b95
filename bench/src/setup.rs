//! What a run needs: programs, folder, databases. Everything but the build folder goes when this is dropped.

use crate::database::{Pair, Records};
use crate::server::Peer;
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use xtask::database::Store;
use xtask::postgres::Postgres;
use xtask::project::Project;

/// Where tokenpair's log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Log {
    /// As an operator has it: a line for each request, into a file
    File,
    /// The same lines, into /dev/null
    Null,
    /// No line for a request
    Off,
}

/// One run.
#[derive(Debug)]
pub(crate) struct Setup {
    // Before the project, whose folder it may have files in.
    postgres: Option<Postgres>,
    project: Project,
    /// tokenpair.
    pub(crate) server: PathBuf,
    /// The folder with the peers in Rust.
    pub(crate) peers: Option<PathBuf>,
    /// A Python with Django, Simple JWT and granian.
    pub(crate) python: Option<PathBuf>,
    /// Whether Django goes without what a new project of its has.
    pub(crate) bare_django: bool,
    pub(crate) log: Log,
    pairs: BTreeMap<(Store, Records, &'static str), Pair>,
}

impl Setup {
    pub(crate) fn new(
        project: Project,
        server: PathBuf,
        peers: Option<PathBuf>,
        python: Option<PathBuf>,
        bare_django: bool,
        log: Log,
    ) -> Self {
        Self {
            postgres: None,
            project,
            server,
            peers,
            python,
            bare_django,
            log,
            pairs: BTreeMap::new(),
        }
    }

    /// Where files go that are deleted at the end.
    pub(crate) fn folder(&self) -> &Path {
        &self.project.temporary
    }

    /// A file of the checkout.
    pub(crate) fn source(&self, path: &str) -> PathBuf {
        self.project.root.join(path)
    }

    /// Whether this run has such a server.
    pub(crate) fn has(&self, peer: Peer) -> bool {
        match peer {
            Peer::Tokenpair | Peer::TokenpairStateless => true,
            Peer::Axum | Peer::Hyper => self.peers.is_some(),
            Peer::Django => self.python.is_some(),
        }
    }

    /// PostgreSQL, started for the first workload that asks for it.
    pub(crate) fn postgres(&mut self) -> anyhow::Result<&Postgres> {
        if self.postgres.is_none() {
            self.postgres = Some(Postgres::start(&self.project)?);
        }
        self.postgres.as_ref().context("PostgreSQL has gone")
    }

    /// The first of such a database's processes, if it has processes of its own.
    pub(crate) fn postgres_process(&self, store: Store) -> Option<u32> {
        let postgres = self.postgres.as_ref();
        postgres
            .filter(|_| store == Store::Postgres)
            .and_then(Postgres::id)
    }

    /// The databases with so many records, made when they are asked for first. `writer` is the workload that adds to them,
    /// so that no other begins with what it left; those that only read share theirs, with an empty name.
    pub(crate) fn pair(
        &mut self,
        store: Store,
        records: Records,
        writer: &'static str,
        for_django: bool,
    ) -> anyhow::Result<Pair> {
        if let Some(pair) = self.pairs.get(&(store, records, writer)) {
            return Ok(pair.clone());
        }
        let for_django = for_django && self.has(Peer::Django);
        let pair = Pair::make(self, store, records, writer, for_django)?;
        self.pairs.insert((store, records, writer), pair.clone());
        Ok(pair)
    }
}
