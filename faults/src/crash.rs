//! kill -9 at any moment, under load.
//!
//! Clients write down what they were told. Afterwards everything that was acknowledged must be there, nothing that was
//! revoked may be good again, and what nobody knows must be done or not done, but wholly.

mod aftermath;
mod journal;
mod judge;
mod worker;

use crate::databases::Sql as _;
use crate::fleet::{Fleet, Shape};
use crate::nodes::STRICT;
use crate::report::{Report, milliseconds, quantile};
use crate::run::Run;
use aftermath::Findings;
use fastrand::Rng;
use journal::Journal;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;
use worker::Worker;
use xtask::database::{Database, Store};

const WORKERS: usize = 16;
/// In the whole form, over all parts.
const ENOUGH: usize = 20_000;
const READY: Duration = Duration::from_secs(2);

/// Who is killed, how often in the whole and the short form, and after how many milliseconds of traffic.
struct Part {
    victim: Victim,
    shape: Shape,
    kills: (usize, usize),
    traffic: std::ops::Range<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    /// Any of the servers.
    Node,
    /// PostgreSQL with all its processes.
    Database,
}

const PARTS: [Part; 3] = [
    Part {
        victim: Victim::Node,
        shape: Shape {
            store: Store::Sqlite,
            nodes: 1,
        },
        kills: (200, 12),
        traffic: 50..400,
    },
    Part {
        victim: Victim::Node,
        shape: Shape {
            store: Store::Postgres,
            nodes: 3,
        },
        kills: (200, 12),
        traffic: 50..400,
    },
    Part {
        victim: Victim::Database,
        shape: Shape {
            store: Store::Postgres,
            nodes: 3,
        },
        kills: (20, 2),
        traffic: 300..1500,
    },
];

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let victim = match self.victim {
            Victim::Node if self.shape.nodes == 1 => "the node",
            Victim::Node => "one of the nodes",
            Victim::Database => "PostgreSQL itself",
        };
        write!(f, "{}, {victim} killed", self.shape)
    }
}

pub(crate) async fn run(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    let mut acknowledged = 0;
    for part in PARTS {
        acknowledged += part.run(run, report).await?;
    }
    report.figure("acknowledged operations", acknowledged);
    if !run.is_short {
        let what = format!("at least {ENOUGH} acknowledged operations");
        report.target(what, acknowledged >= ENOUGH, acknowledged);
    }
    Ok(())
}

impl Part {
    /// How many operations were acknowledged.
    async fn run(&self, run: &mut Run, report: &mut Report) -> anyhow::Result<usize> {
        let mut fleet = Fleet::start(run, self.shape, WORKERS, STRICT).await?;
        let is_over = Arc::new(AtomicBool::new(false));
        let mut workers = JoinSet::new();
        for user in 0..WORKERS {
            let clients = fleet.clients(self.shape.nodes);
            let random = run.random(&format!("{self} worker {user}"));
            workers.spawn(Worker::new(user, clients, random).work(is_over.clone()));
        }
        let mut random = run.random(&format!("{self} kills"));
        let mut ready = Vec::new();
        let kills = run.rounds(self.kills.0, self.kills.1);
        for kill in 1..=kills {
            sleep(Duration::from_millis(random.u64(self.traffic.clone()))).await;
            ready.push(self.kill(run, &mut fleet, &mut random).await?);
            if kill % 20 == 0 {
                println!("{self}: {kill} of {kills} times");
            }
        }
        is_over.store(true, Relaxed);
        let mut journal = Journal::default();
        for done in workers.join_all().await {
            journal.merge(done);
        }
        self.judge(report, &mut fleet, &journal, &mut ready).await?;
        Ok(journal.acknowledged)
    }

    /// Kills, starts again, waits until all is well; how long that took from the start on.
    async fn kill(
        &self,
        run: &mut Run,
        fleet: &mut Fleet,
        random: &mut Rng,
    ) -> anyhow::Result<Duration> {
        match self.victim {
            Victim::Node => {
                let victim = random.usize(0..fleet.nodes.len());
                let node = &mut fleet.nodes[victim];
                node.kill()?;
                node.restart().await
            }
            Victim::Database => {
                run.postgres()?.kill()?;
                run.restart_postgres()?;
                let start = Instant::now();
                for node in &mut fleet.nodes {
                    node.await_ready().await?;
                }
                Ok(start.elapsed())
            }
        }
    }

    async fn judge(
        &self,
        report: &mut Report,
        fleet: &mut Fleet,
        journal: &Journal,
        ready: &mut [Duration],
    ) -> anyhow::Result<()> {
        if let Database::Sqlite(_) = fleet.database {
            self.judge_file(report, fleet).await?;
        }
        let findings = aftermath::judge(fleet, journal).await?;
        let [median, slowest] = [0.5, 1.0].map(|share| quantile(ready, share));
        let (acknowledged, unknown) = (journal.acknowledged, journal.unknown);
        println!(
            "{self}: {acknowledged} acknowledged, {unknown} unknown, {} tokens judged, ready in {}",
            findings.tokens,
            milliseconds(slowest)
        );
        report.figure(format!("{self}: times"), ready.len());
        report.figure(
            format!("{self}: acknowledged, unknown"),
            format!("{acknowledged}, {unknown}"),
        );
        let done = format!("{}, {}", findings.tokens, findings.done);
        report.figure(
            format!("{self}: tokens judged, unknown ones that were used up"),
            done,
        );
        report.figure(
            format!("{self}: ready again, median, slowest"),
            format!("{}, {}", milliseconds(median), milliseconds(slowest)),
        );
        self.tell(report, journal, &findings);
        report.target_at_most(format!("{self}: ready again"), READY, slowest);
        Ok(())
    }

    fn tell(&self, report: &mut Report, journal: &Journal, findings: &Findings) {
        for (kind, what) in [
            ("Lost", "acknowledged operations lost"),
            ("Revived", "revoked tokens good again"),
            ("Refused", "acknowledged tokens refused"),
            ("HalfDone", "operations half done"),
        ] {
            let count = findings.count(kind);
            report.target(format!("{self}: {what}"), count == 0, count);
        }
        for (kind, (count, jti)) in &findings.broken {
            println!("{self}: {kind}: {count} times, such as {jti}");
        }
        let flaws = journal.flaws.first().cloned();
        let found = flaws.unwrap_or_else(|| "none".to_owned());
        let holds = journal.flaws.is_empty() && journal.acknowledged > 0;
        report.target(format!("{self}: wrong answers meanwhile"), holds, found);
    }

    /// SQLite's own judgement, once more right after a kill.
    async fn judge_file(&self, report: &mut Report, fleet: &mut Fleet) -> anyhow::Result<()> {
        for node in &mut fleet.nodes {
            node.kill()?;
        }
        let integrity = fleet.database.query("PRAGMA integrity_check").await?;
        let orphans = fleet.database.query("PRAGMA foreign_key_check").await?;
        let found = format!("{}, {} orphans", integrity.concat().concat(), orphans.len());
        report.target(
            format!("{self}: integrity check"),
            found == "ok, 0 orphans",
            found,
        );
        for node in &mut fleet.nodes {
            node.restart().await?;
        }
        Ok(())
    }
}
