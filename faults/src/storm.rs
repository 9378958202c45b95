//! `storm`: more log-ins than there is processor for, beside ordinary traffic: test D of the security requirements.
//!
//! 64 clients guess passwords at the production cost of a hash. Whoever verifies or refreshes meanwhile must not notice;
//! as many log-ins are checked as the hash threads can do, in time for somebody who waits, and the others are refused
//! at once. What the threads can do is measured in the same run, before and after: patient clients log in one after
//! another, few enough that hardly any is refused, and so many that the threads never rest.

mod guessers;

use crate::databases;
use crate::fleet::{log_in, obtain};
use crate::nodes::{Node, STRICT};
use crate::report::{Report, milliseconds};
use crate::run::Run;
use crate::steady::{Question, Samples, Steady, Window};
use guessers::{Guessers, Guesses};
use std::fs;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use xtask::database::Store;

const USERS: usize = 8;
const VERIFIES_A_SECOND: u32 = 100;
const REFRESHES_A_SECOND: u32 = 50;
const GUESSERS: usize = 64;
/// As many as the widest batch of hashes takes, and as a queue of two seconds takes where a hash takes 120 ms.
const PATIENT: usize = 16;

/// Seconds without log-ins, with patient ones (half before, half after), and of the storm: whole and short form.
const IDLE: (usize, usize) = (10, 3);
const PERMITTED: (usize, usize) = (20, 6);
const STORM: (usize, usize) = (60, 15);
/// Until the queue is as long as it will be.
const SETTLING: Duration = Duration::from_millis(500);
/// Log-ins by one client alone, for a figure.
const ALONE: u32 = 5;

const VERIFY_LIMIT: Duration = Duration::from_millis(20);
const TIMES_IDLE: u32 = 3;
const REFRESH_LIMIT: Duration = Duration::from_millis(50);
/// In MiB.
const MEMORY_LIMIT: u64 = 256;
/// What Simple JWT's users have: hashes at the cost that Django 5.2 gives them.
const FILE: &str = "[simple_jwt]\n";

pub(crate) async fn run(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    judge(run, report, Store::Sqlite).await?;
    if !run.is_short {
        judge(run, report, Store::Postgres).await?;
    }
    Ok(())
}

async fn judge(run: &mut Run, report: &mut Report, store: Store) -> anyhow::Result<()> {
    let database = databases::fresh(run, store, USERS).await?;
    let file = run.folder().join("production.toml");
    fs::write(&file, FILE)?;
    let file = file.display().to_string();
    let settings = [STRICT, &[("CONFIG", &file)]].concat();
    let node = Node::start(run, &database, &settings).await?;
    let course = Course::observe(run, &node, store).await?;
    course.judge(report, &store.to_string());
    let peak = node.memory()?.peak >> 10;
    report.target(
        format!("{store}, memory at its peak, at most {MEMORY_LIMIT} MiB"),
        peak <= MEMORY_LIMIT,
        format!("{peak} MiB"),
    );
    Ok(())
}

/// What happened when.
struct Course {
    verifies: Samples,
    refreshes: Samples,
    guesses: Guesses,
    /// One log-in by itself.
    alone: Duration,
    idle: Window,
    permitted: [Window; 2],
    storm: Window,
}

impl Course {
    async fn observe(run: &Run, node: &Node, kind: Store) -> anyhow::Result<Self> {
        let seconds = |of: (usize, usize)| run.rounds(of.0, of.1) as u64;
        let mut client = node.client();
        let mut tokens = Vec::new();
        // The users were made with a cheap hash, which their first log-in makes a dear one.
        for user in 0..USERS {
            tokens.push(log_in(&mut client, user).await?);
        }
        let start = Instant::now();
        for _ in 1..ALONE {
            log_in(&mut client, 0).await?;
        }
        let access = obtain(&mut client, 0).await?.text("access");
        let alone = start.elapsed() / ALONE;
        let ask = |question, a_second| Steady::start(node.address(), question, a_second);
        let verifies = ask(Question::Verify(access), VERIFIES_A_SECOND);
        let refreshes = ask(Question::Refresh(tokens.into()), REFRESHES_A_SECOND);

        let idle = pass(Duration::from_secs(seconds(IDLE))).await;
        let mut guesses = Guesses::default();
        let half = Duration::from_secs(seconds(PERMITTED)) / 2;
        let mut besiege = async |clients: usize, part: &str, time: Duration| {
            let random = run.random(&format!("{kind} {part}"));
            let clients = Guessers::start(node.address(), clients, USERS, random);
            sleep(SETTLING).await;
            let window = pass(time).await;
            guesses.extend(clients.end().await);
            window
        };
        let before = besiege(PATIENT, "before", half).await;
        let storm = Duration::from_secs(seconds(STORM));
        let storm = besiege(GUESSERS, "storm", storm).await;
        let after = besiege(PATIENT, "after", half).await;
        Ok(Self {
            verifies: verifies.end().await?,
            refreshes: refreshes.end().await?,
            guesses,
            alone,
            idle,
            permitted: [before, after],
            storm,
        })
    }

    fn judge(&self, report: &mut Report, name: &str) {
        report.figure(format!("{name}, a log-in alone"), milliseconds(self.alone));
        for (what, samples) in [("verify", &self.verifies), ("refresh", &self.refreshes)] {
            let what = format!("{name}, {what} without log-ins");
            report.figure(what, samples.shown(&self.idle));
        }
        let idle = self.verifies.quantile(&self.idle, 0.99);
        let limit = VERIFY_LIMIT.max(idle * TIMES_IDLE);
        let what = format!("{name}, verify in the storm");
        self.verifies.judge(report, &what, &self.storm, limit);
        let what = format!("{name}, refresh in the storm");
        self.refreshes
            .judge(report, &what, &self.storm, REFRESH_LIMIT);
        self.guesses
            .judge(report, name, &self.permitted, &self.storm);
    }
}

/// Lets time pass; when that was.
async fn pass(time: Duration) -> Window {
    let start = Instant::now();
    sleep(time).await;
    start..Instant::now()
}
