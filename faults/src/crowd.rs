//! `crowd`: thousands of connections that are idle, slow or too large, and a server without descriptors: test E of the
//! security requirements.
//!
//! Tokens are verified all the time, a hundred a second. Each part has a server of its own, so that its memory is that
//! part's.

mod guests;

use crate::databases;
use crate::fleet::{VERIFY, obtain};
use crate::nodes::{Node, STRICT};
use crate::report::{Report, quantile};
use crate::run::Run;
use crate::steady::{Question, Steady};
use guests::{Guests, Manner};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use xtask::check::Trouble;
use xtask::database::{Database, Store};

/// Manners, and how many guests have them in the whole and the short form.
type Party = (Manner, (usize, usize));

const IDLE: &[Party] = &[(Manner::Idle, (10_000, 1000))];
const SLOW: &[Party] = &[
    (Manner::Head, (10_000, 1000)),
    (Manner::Body, (10_000, 1000)),
    (Manner::Reader, (200, 20)),
];
const OVERSIZE: &[Party] = &[
    (Manner::LargeHead, (1000, 100)),
    (Manner::LargeBody, (200, 20)),
    (Manner::Unfinished, (100, 40)),
];

const VERIFIES_A_SECOND: u32 = 100;
/// What our own files and the verifying clients need besides the guests.
const SPARE: usize = 500;
/// What a system gives a process that does not ask.
const USUAL_DESCRIPTORS: usize = 1024;
const FEW_DESCRIPTORS: usize = 256;
const WARMING_UP: Duration = Duration::from_millis(500);
/// How long idle guests are left alone, and how long there are no descriptors.
const REST: Duration = Duration::from_secs(1);
const WITHOUT_DESCRIPTORS: Duration = Duration::from_secs(2);
/// Connections of the verifying clients may come and go.
const A_FEW: usize = 8;
const NEWCOMER_PAUSE: Duration = Duration::from_millis(100);
const POLL: Duration = Duration::from_millis(100);

const VERIFY_LIMIT: Duration = Duration::from_millis(20);
const CLOSED_WITHIN: Duration = Duration::from_secs(12);
const RECOVERY: Duration = Duration::from_secs(2);
/// In KiB; and so much comes and goes by itself.
const MEMORY_EACH: u64 = 20;
const MEMORY_NOISE: u64 = 2048;
/// In MiB.
const MEMORY_LIMIT: u64 = 200;
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn run(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    let guests = IDLE
        .iter()
        .chain(SLOW)
        .map(|(_, (full, short))| run.rounds(*full, *short));
    let descriptors = if run.is_short {
        guests.sum()
    } else {
        guests.max().unwrap_or_default()
    } + SPARE;
    raise_descriptors(descriptors)?;
    let database = databases::fresh(run, Store::Sqlite, 1).await?;
    let slow: Vec<&[Party]> = if run.is_short {
        vec![SLOW]
    } else {
        SLOW.chunks(1).collect()
    };
    let parts = [vec![IDLE], slow, OVERSIZE.chunks(1).collect()].concat();
    for parties in parts {
        let limit = format!("{USUAL_DESCRIPTORS}:{descriptors}");
        let house = House::open(run, &database, &limit).await?;
        house.receive(run, report, parties).await?;
    }
    let house = House::open(run, &database, &FEW_DESCRIPTORS.to_string()).await?;
    house.run_out(report).await
}

/// Ours: each guest is a connection of this process, too.
fn raise_descriptors(wanted: usize) -> anyhow::Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = wanted as u64;
    if maximum.is_some_and(|most| most < wanted) {
        let reason = format!("needs {wanted} descriptors, see `ulimit -Hn`");
        return Err(Trouble::Skipped(reason).into());
    }
    let current = current.map(|current| current.max(wanted));
    Ok(setrlimit(Resource::Nofile, Rlimit { current, maximum })?)
}

/// A server whose tokens are verified all the time.
struct House {
    node: Node,
    access: String,
    verifies: Steady,
    opened: Instant,
    /// Memory in KiB and open files before anybody came.
    memory: u64,
    descriptors: usize,
}

impl House {
    async fn open(run: &Run, database: &Database, descriptors: &str) -> anyhow::Result<Self> {
        let mut node = Node::new(run, database, STRICT)?.with_descriptors(descriptors);
        node.restart().await?;
        let access = obtain(&mut node.client(), 0).await?.text("access");
        let question = Question::Verify(access.clone());
        let verifies = Steady::start(node.address(), question, VERIFIES_A_SECOND);
        // What a server makes when it is first asked is nobody's share.
        sleep(WARMING_UP).await;
        Ok(Self {
            memory: node.memory()?.pss,
            descriptors: node.descriptors()?,
            opened: Instant::now(),
            node,
            access,
            verifies,
        })
    }

    /// Guests come, and stay for as long as they like or are let.
    async fn receive(
        self,
        run: &Run,
        report: &mut Report,
        parties: &[Party],
    ) -> anyhow::Result<()> {
        let mut guests: Vec<Guests> = parties
            .iter()
            .map(|(manner, (full, short))| {
                let number = run.rounds(*full, *short);
                Guests::come(self.node.address(), address(*manner), *manner, number)
            })
            .collect();
        let name = guests
            .iter()
            .map(|guests| format!("{} {}", guests.number, guests.manner));
        let name = name.collect::<Vec<_>>().join(", ");
        let mut memory = self.memory;
        let start = Instant::now();
        let mut rested = None;
        while start.elapsed() < PATIENCE {
            memory = memory.max(self.node.memory()?.pss);
            // Long enough that verifying is asked more than a few times.
            if guests.iter_mut().all(Guests::have_gone) && start.elapsed() > REST {
                break;
            }
            let arrived = guests.iter_mut().all(Guests::have_arrived);
            let are_idle = guests.iter().all(|guests| guests.manner == Manner::Idle);
            if arrived && are_idle && rested.get_or_insert_with(Instant::now).elapsed() > REST {
                break;
            }
            sleep(POLL).await;
        }
        for guests in &mut guests {
            guests.judge(report);
        }
        let more = memory.saturating_sub(self.memory);
        let number: u64 = guests.iter().map(|guests| guests.number as u64).sum();
        report.figure(
            format!("{name}: memory"),
            format!("{more} KiB more, {} KiB each", more / number),
        );
        // How much a large body takes is bounded for all together.
        if guests
            .iter()
            .all(|guests| guests.manner != Manner::Unfinished)
        {
            report.target(
                format!("{name}: memory, at most {MEMORY_EACH} KiB each and {MEMORY_NOISE} KiB"),
                more <= number * MEMORY_EACH + MEMORY_NOISE,
                format!("{more} KiB"),
            );
        }
        drop(guests);
        self.close(report, &name).await
    }

    /// More guests than there are descriptors.
    async fn run_out(self, report: &mut Report) -> anyhow::Result<()> {
        let name = format!("{FEW_DESCRIPTORS} descriptors");
        let number = 2 * FEW_DESCRIPTORS;
        let (server, from) = (self.node.address(), address(Manner::Idle));
        let mut guests = Guests::come(server, from, Manner::Idle, number);
        let start = Instant::now();
        let mut times = Vec::new();
        while start.elapsed() < WITHOUT_DESCRIPTORS {
            times.push(self.newcomer().await);
            sleep(NEWCOMER_PAUSE).await;
        }
        let answered = times.iter().flatten().count();
        report.figure(
            format!("{name}, {number} guests"),
            format!("{} stay", guests.left()),
        );
        report.target(
            format!("{name}: newcomers are answered"),
            answered == times.len(),
            format!("{answered} of {}", times.len()),
        );
        let mut times: Vec<Duration> = times.into_iter().flatten().collect();
        let what = format!("{name}: newcomers are answered");
        report.target_at_most(what, RECOVERY, quantile(&mut times, 1.0));
        drop(guests);
        self.close(report, &name).await
    }

    /// The guests have gone: all is as before, soon.
    async fn close(self, report: &mut Report, name: &str) -> anyhow::Result<()> {
        let over = Instant::now();
        while over.elapsed() < PATIENCE {
            let is_served = self
                .newcomer()
                .await
                .is_some_and(|took| took <= VERIFY_LIMIT);
            let usual = self.descriptors + self.verifies.connections();
            if is_served && self.node.descriptors()? <= usual + A_FEW {
                break;
            }
            sleep(POLL).await;
        }
        report.target_at_most(format!("{name}: recovered"), RECOVERY, over.elapsed());
        let peak = self.node.memory()?.peak >> 10;
        report.target(
            format!("{name}: memory at its peak, at most {MEMORY_LIMIT} MiB"),
            peak <= MEMORY_LIMIT,
            format!("{peak} MiB"),
        );
        let all = self.opened..Instant::now();
        let verifies = self.verifies.end().await?;
        verifies.judge(report, &format!("{name}: verify"), &all, VERIFY_LIMIT);
        println!("{name}: over");
        Ok(())
    }

    /// How long somebody waits who was not there before; `None` if the answer is another.
    async fn newcomer(&self) -> Option<Duration> {
        let start = Instant::now();
        let outcome = self
            .node
            .client()
            .post(VERIFY, &json!({"token": self.access}))
            .await;
        let answer = outcome.answer()?;
        (answer.status == 200).then(|| start.elapsed())
    }
}

/// Ports are used up by address: one for each manner.
fn address(manner: Manner) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, 2 + manner as u8)
}

impl Guests {
    /// That all got in, and those who took too long or too much were told and sent away.
    fn judge(&mut self, report: &mut Report) {
        let name = format!("{} {}", self.number, self.manner);
        report.target(
            format!("{name}: all get in"),
            self.failed.is_empty(),
            format!("{:?}", self.failed),
        );
        if self.manner == Manner::Idle {
            let left = self.left();
            report.target(format!("{name}: all stay"), left == self.number, left);
            return;
        }
        let mut times: Vec<Duration> = self.over.iter().map(|visit| visit.lasted).collect();
        report.target(
            format!("{name}: all are closed"),
            times.len() == self.number,
            times.len(),
        );
        report.target_at_most(
            format!("{name}: closed"),
            CLOSED_WITHIN,
            quantile(&mut times, 1.0),
        );
        let mut told = BTreeMap::new();
        for visit in &self.over {
            *told.entry(visit.status).or_insert(0) += 1;
        }
        let deserved = self.manner.deserves();
        let is_deserved = |status: &Option<u16>| match status {
            Some(status) => deserved.contains(status),
            None => deserved.is_empty(),
        };
        let told_ok = told.keys().all(is_deserved);
        report.target(
            format!("{name}: told {deserved:?}"),
            told_ok,
            format!("{told:?}"),
        );
    }
}
