//! The database is ill, and every endpoint answers what it should: test C of the security requirements.
//!
//! Servers of four kinds run over one database, asked fifty times a second through all their doors, while it is killed,
//! frozen, filled, locked or delayed. No answer may be an error of ours or a refusal of the client, none may take long,
//! and what was put off must work afterwards.

mod course;
mod held;
mod load;
mod postgres;
mod proxy;
mod sqlite;
mod table;

use crate::databases;
use crate::nodes::{Node, Settings};
use crate::report::Report;
use crate::run::Run;
use course::Course;
use load::{Clients, Load, Role};
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use table::{Endpoint, Failing};
use tokio::time::sleep;
use xtask::database::{Database, Store};

/// A database that can be made ill and well again.
trait Patient {
    type Illness: Copy + Display;

    fn failing(illness: Self::Illness) -> Failing;
    /// Returns when it is ill.
    async fn fall_ill(&mut self, run: &mut Run, with: Self::Illness) -> anyhow::Result<()>;
    /// Returns when it is well.
    async fn get_well(&mut self, run: &mut Run, from: Self::Illness) -> anyhow::Result<()>;
}

/// Tokens that outlive the run.
const LONG: [(&str, &str); 2] = [
    ("ACCESS_TOKEN_LIFETIME", "1 day"),
    ("SLIDING_TOKEN_LIFETIME", "1 day"),
];
const ROTATION: [(&str, &str); 2] = [
    ("ROTATE_REFRESH_TOKENS", "true"),
    ("BLACKLIST_AFTER_ROTATION", "true"),
];
/// The longest there is: a change whose answer was lost is asked for again when the database is back.
const GRACE: [(&str, &str); 2] = [
    ("ROTATION_GRACE_PERIOD", "60s"),
    ("REUSE_DETECTION", "true"),
];
const NO_BLACKLIST: [(&str, &str); 1] = [("TOKEN_BLACKLIST", "false")];

/// For how long it is well before and after, and ill in between. An illness is shorter than the grace period.
const TIMES: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(50)];
const SHORT_TIMES: [Duration; 2] = [Duration::from_millis(400), Duration::from_secs(4)];
/// So many answers of each endpoint while ill say something, in the whole and the short form.
const LEAST_ASKED: (usize, usize) = (50, 2);
/// Tokens that are used up in a second.
const TOKENS_A_SECOND: u64 = 24;
/// How long it may take to make a database ill and well.
const MAKING: Duration = Duration::from_secs(30);
/// Of so many exchanges that were put off without a grace period, one may turn out to have been made: the database lost
/// its voice between the change and the answer.
const FOR_ONE_LOST: usize = 1000;
/// So many exchanges must have been put off for the whole or the short form to say anything.
const PUT_OFF: (usize, usize) = (1000, 100);

/// Runs all illnesses.
pub(crate) async fn run(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    let mut totals = Totals::default();
    on_sqlite(run, report, &mut totals).await?;
    let database = databases::fresh(run, Store::Postgres, 1).await?;
    let mut cluster = postgres::Cluster::new(run, database).await?;
    report.figure("PostgreSQL's full disk", cluster.disk());
    let done = on_postgres(run, report, &mut totals, &mut cluster).await;
    let discharged = cluster.discharge().await;
    done.and(discharged)?;
    totals.judge(run.rounds(PUT_OFF.0, PUT_OFF.1), report);
    Ok(())
}

async fn on_sqlite(run: &mut Run, report: &mut Report, totals: &mut Totals) -> anyhow::Result<()> {
    let mut file = sqlite::File::new(run)?;
    let illnesses = file.illnesses();
    if !illnesses.contains(&sqlite::Illness::DiskFull) {
        let skipped = "SKIPPED: no small disk can be mounted here";
        println!("SQLite, disk full: {skipped}");
        report.figure("SQLite, disk full", skipped);
    }
    let mut ward = Ward::open(run, &file.database(), 1).await?;
    for illness in illnesses {
        let name = format!("SQLite, {illness}");
        ward.observe(run, report, &name, &mut file, *illness)
            .await?;
        totals.add(&ward).await?;
    }
    Ok(())
}

async fn on_postgres(
    run: &mut Run,
    report: &mut Report,
    totals: &mut Totals,
    cluster: &mut postgres::Cluster,
) -> anyhow::Result<()> {
    let sizes: &[usize] = if run.is_short { &[3] } else { &[1, 3] };
    for nodes in sizes {
        let plural = if *nodes == 1 { "" } else { "s" };
        let direct = (cluster.database.clone(), &postgres::AT_THE_SERVER[..]);
        let by_proxy = (cluster.by_proxy(), &postgres::ON_THE_WAY[..]);
        for (database, illnesses) in [direct, by_proxy] {
            let mut ward = Ward::open(run, &database, *nodes).await?;
            for illness in illnesses {
                let name = format!("PostgreSQL, {nodes} node{plural}, {illness}");
                ward.observe(run, report, &name, cluster, *illness).await?;
                totals.add(&ward).await?;
            }
        }
    }
    Ok(())
}

/// Servers of every store over one database, and their clients.
struct Ward {
    /// They end when this is dropped.
    _nodes: Vec<Node>,
    clients: Arc<Clients>,
}

impl Ward {
    async fn open(run: &Run, database: &Database, nodes: usize) -> anyhow::Result<Self> {
        let grace = [&LONG[..], &ROTATION, &GRACE].concat();
        let mut kinds = vec![(Role::Grace, grace); nodes];
        kinds.push((Role::Strict, [&LONG[..], &ROTATION].concat()));
        kinds.push((Role::WithoutRotation, LONG.to_vec()));
        kinds.push((Role::WithoutBlacklist, [&LONG[..], &NO_BLACKLIST].concat()));
        let mut nodes = Vec::new();
        let mut servers: Vec<(Role, SocketAddr)> = Vec::new();
        for (role, settings) in kinds {
            let settings: Settings<'_> = &settings;
            let node = Node::start(run, database, settings).await?;
            servers.push((role, node.address()));
            nodes.push(node);
        }
        Ok(Self {
            _nodes: nodes,
            clients: Clients::new(servers).await?,
        })
    }

    /// Lets the database fall ill and get well again under load.
    async fn observe<P: Patient>(
        &mut self,
        run: &mut Run,
        report: &mut Report,
        name: &str,
        patient: &mut P,
        illness: P::Illness,
    ) -> anyhow::Result<()> {
        let [calm, long] = if run.is_short { SHORT_TIMES } else { TIMES };
        let seconds = (2 * calm + long + MAKING).as_secs();
        let tokens = usize::try_from(seconds * TOKENS_A_SECOND)?;
        self.clients.stock(tokens).await?;
        let load = Load::start(&self.clients, run.random(name));
        sleep(calm).await;
        let began = Instant::now();
        patient.fall_ill(run, illness).await?;
        let ill = Instant::now();
        sleep(long).await;
        let ended = Instant::now();
        patient.get_well(run, illness).await?;
        let well = Instant::now();
        self.clients.recovered().await?;
        let course = Course {
            name: name.to_owned(),
            failing: P::failing(illness),
            began,
            ill,
            ended,
            well,
            recovered: Instant::now(),
        };
        sleep(calm).await;
        let least = run.rounds(LEAST_ASKED.0, LEAST_ASKED.1);
        course.judge(&load.stop().await?, least, report);
        println!("{name}: over");
        Ok(())
    }
}

/// Exchanges that were put off, and those of them that could not be had afterwards.
#[derive(Debug, Default)]
struct Totals {
    grace: (usize, usize),
    strict: (usize, usize),
}

impl Totals {
    async fn add(&mut self, ward: &Ward) -> anyhow::Result<()> {
        for (endpoint, total) in [
            (Endpoint::RefreshWithGrace, &mut self.grace),
            (Endpoint::RefreshStrict, &mut self.strict),
        ] {
            let (put_off, lost) = ward.clients.try_again(endpoint).await?;
            *total = (total.0 + put_off, total.1 + lost);
        }
        Ok(())
    }

    fn judge(&self, least: usize, report: &mut Report) {
        let put_off = self.grace.0 + self.strict.0;
        report.target(
            format!(
                "exchanges that were put off, with grace and strict together: at least {least}"
            ),
            put_off >= least,
            put_off,
        );
        let found = |(put_off, lost): (usize, usize)| format!("{lost} of {put_off} do not");
        report.target(
            "exchanges that were put off work afterwards, with grace: all",
            self.grace.0 > 0 && self.grace.1 == 0,
            found(self.grace),
        );
        let (put_off, lost) = self.strict;
        report.target(
            "exchanges that were put off work afterwards, strict: 999 of 1000, of fewer all",
            put_off > 0 && lost * FOR_ONE_LOST <= put_off,
            found(self.strict),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(grace: (usize, usize), strict: (usize, usize)) -> bool {
        let mut report = Report::new("ill", 1, true);
        Totals { grace, strict }.judge(100, &mut report);
        report.holds()
    }

    #[test]
    fn too_few_exchanges_that_were_put_off_prove_nothing() {
        assert!(holds((50, 0), (50, 0)));
        assert!(!holds((50, 0), (49, 0)));
        assert!(!holds((100, 0), (0, 0)));
        assert!(!holds((0, 0), (100, 0)));
    }

    #[test]
    fn one_of_a_thousand_strict_exchanges_may_be_lost_and_none_of_fewer() {
        assert!(holds((100, 0), (1000, 1)));
        assert!(!holds((100, 0), (999, 1)));
        assert!(!holds((100, 0), (1999, 2)));
        assert!(!holds((1000, 1), (1000, 0)));
    }
}
