//! Plays a workload: all servers are up, and take turns.

use crate::database;
use crate::limits::MANY_ROWS;
use crate::load::{Load, Pace};
use crate::logins;
use crate::measured::{Measured, Paced, Round, median};
use crate::server::{Peer, Server};
use crate::setup::Setup;
use crate::tokens::Mint;
use crate::versions::version;
use crate::workload::Workload;
use anyhow::{Context as _, ensure};
use std::io::{Write as _, stdout};
use std::time::Duration;
use xtask::database::Database;
use xtask::vitals::{self, Memory};

/// Open loops: of what a server manages.
const SHARES: [f64; 2] = [0.1, 0.5];
/// Open loop: requests a second that are few for anybody.
const FEW: f64 = 100.0;
/// For how many rounds: so few requests tell a p99 only after a while.
const FEW_ROUNDS: u32 = 5;

/// Starts of a server whose start-up is judged.
const STARTS: usize = 5;

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length {
    pub(crate) rounds: usize,
    /// Of each round, before anything counts.
    pub(crate) warm_up: Duration,
    pub(crate) round: Duration,
}

impl Length {
    /// Of everything that one server is asked.
    fn whole(&self) -> f64 {
        let rounds = u32::try_from(self.rounds).unwrap_or(u32::MAX);
        ((self.warm_up + self.round) * rounds).as_secs_f64()
    }
}

/// A server with the connections that it is asked through.
struct Candidate {
    server: Server,
    load: Load,
    idle: Memory,
    /// The first process of the database behind it, if that has processes of its own.
    database: Option<u32>,
    rounds: Vec<Round>,
    paced: Vec<Paced>,
    derivations: Vec<f64>,
}

/// What each server did, in the order of the workload's peers that are there.
pub(crate) fn play(
    setup: &mut Setup,
    workload: &Workload,
    length: Length,
) -> anyhow::Result<Vec<Measured>> {
    let mut candidates = candidates(setup, workload, length)?;
    let rounds = if workload.is_brief { 1 } else { length.rounds };
    for _ in 0..rounds {
        for candidate in &mut candidates {
            candidate.play(workload, length)?;
        }
    }
    for candidate in candidates.iter_mut().filter(|_| workload.is_paced) {
        candidate.keep_pace(length)?;
    }
    println!();
    candidates
        .into_iter()
        .map(|candidate| candidate.judge(setup))
        .collect()
}

fn candidates(
    setup: &mut Setup,
    workload: &Workload,
    length: Length,
) -> anyhow::Result<Vec<Candidate>> {
    let pair = setup.pair(
        workload.store,
        workload.records(),
        workload.writer(),
        workload.peers.contains(&Peer::Django),
    )?;
    if let Some(password) = workload.password {
        database::set_passwords(&pair.tokenpair, password)?;
        if let Some(django) = &pair.django {
            database::set_passwords(django, password)?;
        }
    }
    let mut mint = Mint::new();
    let mut candidates = Vec::new();
    for peer in workload
        .peers
        .iter()
        .copied()
        .filter(|peer| setup.has(*peer))
    {
        let database = match peer {
            Peer::Django => pair.django.as_ref(),
            _ => Some(&pair.tokenpair),
        };
        let mut server = Server::start(setup, peer, &workload.mode, database)?;
        if peer == Peer::Tokenpair && workload.rows >= MANY_ROWS {
            server = start_again(setup, workload, database, server)?;
        }
        let idle = server.memory()?;
        let conversations = workload.conversations(peer, &mut mint, length.whole());
        let load = Load::connect(server.address, conversations)?;
        candidates.push(Candidate {
            server,
            load,
            idle,
            database: setup
                .postgres_process(workload.store)
                .filter(|_| peer.has_store()),
            rounds: Vec::new(),
            paced: Vec::new(),
            derivations: Vec::new(),
        });
    }
    Ok(candidates)
}

/// A server whose start-up is the median of several.
fn start_again(
    setup: &Setup,
    workload: &Workload,
    database: Option<&Database>,
    mut server: Server,
) -> anyhow::Result<Server> {
    let mut starts = vec![server.start_up.as_secs_f64()];
    while starts.len() < STARTS {
        drop(server);
        server = Server::start(setup, Peer::Tokenpair, &workload.mode, database)?;
        starts.push(server.start_up.as_secs_f64());
    }
    server.start_up = Duration::from_secs_f64(median(starts));
    Ok(server)
}

impl Candidate {
    fn play(&mut self, workload: &Workload, length: Length) -> anyhow::Result<()> {
        if !workload.is_slow() {
            self.round(Pace::Closed, length.warm_up)?;
        }
        let round = self.round(Pace::Closed, length.round)?;
        self.rounds.push(round);
        if self.server.peer == Peer::Tokenpair && logins::is_one_at_a_time(workload) {
            self.derivations.extend(logins::derivations());
        }
        print!(".");
        Ok(stdout().flush()?)
    }

    /// Shares of what it managed in the closed loop, and few requests a second.
    fn keep_pace(&mut self, length: Length) -> anyhow::Result<()> {
        let capacity = median(
            self.rounds
                .iter()
                .map(|round| round.sample.rate())
                .collect(),
        );
        for share in SHARES {
            let round = self.round(Pace::Open(capacity * share), length.round)?;
            self.paced.push(Paced {
                name: format!("{:.0} % of capacity", share * 100.0),
                is_judged: false,
                round,
            });
        }
        if self.server.peer == Peer::Tokenpair {
            let round = self.round(Pace::Open(FEW), length.round * FEW_ROUNDS)?;
            self.paced.push(Paced {
                name: format!("{FEW} a second"),
                is_judged: true,
                round,
            });
        }
        Ok(())
    }

    fn round(&mut self, pace: Pace, time: Duration) -> anyhow::Result<Round> {
        let Self {
            server,
            load,
            database,
            ..
        } = self;
        let database_cpu = || (*database).map(vitals::cpu).unwrap_or_default();
        let (cpu_before, database_before) = (server.cpu(), database_cpu());
        let sample = load.run(pace, time);
        let words = || {
            let name = server.peer.name();
            format!("{name}; its log ends: {}", server.last_words())
        };
        let sample = sample.with_context(words)?;
        let (cpu, database_cpu) = (server.cpu(), database_cpu());
        ensure!(sample.requests > 0, "nothing was left to ask");
        Ok(Round {
            sample,
            cpu: cpu.saturating_sub(cpu_before),
            database_cpu: database_cpu.saturating_sub(database_before),
        })
    }

    fn judge(self, setup: &Setup) -> anyhow::Result<Measured> {
        let peer = self.server.peer;
        Ok(Measured {
            peer,
            version: version(setup, peer)?,
            start_up: self.server.start_up,
            idle: self.idle,
            memory: self.server.memory()?,
            rounds: self.rounds,
            paced: self.paced,
            derivations: self.derivations,
        })
    }
}
