//! Clients as an application has them: each logs in, asks who it is, has tokens verified, refreshes; at an even pace.
//!
//! A request counts as lost when it was sent and no whole answer came, whatever the reason.

use crate::client::{Answer, Client, Outcome};
use crate::databases::PASSWORD;
use crate::run::Run;
use fastrand::Rng;
use http::StatusCode;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// How many users the visitors share.
pub(super) const USERS: usize = 8;

/// How visitors behave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// Those who keep their connection, as applications and balancers do.
    pub(super) resident: usize,
    /// Those who connect anew for each request, as scripts do.
    pub(super) passing: usize,
    /// Requests a second, of all together.
    pub(super) rate: u32,
}

/// What the visitors have seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How long each answer took that was as it should be.
    pub(super) times: Vec<Duration>,
    /// Requests that could not be sent.
    pub(super) refused: usize,
    /// Requests that were sent and not answered, or not as they should be.
    pub(super) lost: Vec<String>,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.refused += other.refused;
        self.lost.extend(other.lost);
    }
}

/// So many in this time are so many a second.
pub(super) fn rate(count: usize, time: Duration) -> u128 {
    count as u128 * 1000 / time.as_millis().max(1)
}

/// How many were lost, and the first of them.
pub(super) fn losses(lost: &[String]) -> String {
    match lost.first() {
        None => "0".to_owned(),
        Some(first) => format!("{}, such as: {first}", lost.len()),
    }
}

/// Visitors who go on until they are told to leave.
#[derive(Debug)]
pub(super) struct Visitors {
    is_over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    tasks: JoinSet<Seen>,
}

impl Visitors {
    pub(super) fn start(run: &Run, part: &str, address: SocketAddr, habits: Habits) -> Self {
        let mut visitors = Self {
            is_over: Arc::default(),
            answered: Arc::default(),
            tasks: JoinSet::new(),
        };
        let all = habits.resident + habits.passing;
        for number in 0..all {
            let visitor = Visitor {
                address,
                client: Client::new(address),
                stays: number < habits.resident,
                user: format!("user{}", number % USERS),
                tokens: None,
                random: run.random(&format!("{part} visitor {number}")),
                pause: Duration::from_secs(all as u64) / habits.rate,
                is_over: Arc::clone(&visitors.is_over),
                answered: Arc::clone(&visitors.answered),
            };
            visitors.tasks.spawn(visitor.visit());
        }
        visitors
    }

    /// How many good answers there have been.
    pub(super) fn answered(&self) -> usize {
        self.answered.load(Relaxed)
    }

    pub(super) async fn leave(mut self) -> anyhow::Result<Seen> {
        self.is_over.store(true, Relaxed);
        let mut seen = Seen::default();
        while let Some(one) = self.tasks.join_next().await {
            seen.add(one?);
        }
        Ok(seen)
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Obtain,
    Me,
    Verify,
    Refresh,
}

/// What a visitor does with its tokens, as often as it stands here.
const ACTS: [Act; 10] = [
    Act::Me,
    Act::Me,
    Act::Me,
    Act::Verify,
    Act::Verify,
    Act::Verify,
    Act::Refresh,
    Act::Refresh,
    Act::Refresh,
    Act::Obtain,
];

#[derive(Debug)]
struct Tokens {
    access: String,
    refresh: String,
}

struct Visitor {
    address: SocketAddr,
    client: Client,
    stays: bool,
    user: String,
    tokens: Option<Tokens>,
    random: Rng,
    pause: Duration,
    is_over: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
}

impl Visitor {
    async fn visit(mut self) -> Seen {
        let mut seen = Seen::default();
        sleep(self.pause.mul_f64(self.random.f64())).await;
        let mut ticks = interval(self.pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.is_over.load(Relaxed) {
            ticks.tick().await;
            if !self.stays {
                self.client = Client::new(self.address);
            }
            let act = match &self.tokens {
                Some(_) => ACTS[self.random.usize(..ACTS.len())],
                None => Act::Obtain,
            };
            let began = Instant::now();
            match self.perform(act).await {
                Outcome::Answered(answer) if answer.status == StatusCode::OK => {
                    seen.times.push(began.elapsed());
                    self.answered.fetch_add(1, Relaxed);
                    self.learn(act, &answer);
                }
                Outcome::Answered(Answer { status, body, .. }) => {
                    let body = String::from_utf8_lossy(&body).into_owned();
                    seen.lost.push(format!("{act:?}: {status} {body}"));
                    self.tokens = None;
                }
                Outcome::Refused => seen.refused += 1,
                Outcome::Unknown => {
                    let waited = began.elapsed();
                    seen.lost.push(format!("{act:?}: nothing in {waited:?}"));
                    self.tokens = None;
                }
            }
        }
        seen
    }

    async fn perform(&mut self, act: Act) -> Outcome {
        let (access, refresh) = match &self.tokens {
            Some(tokens) => (tokens.access.as_str(), tokens.refresh.as_str()),
            None => ("", ""),
        };
        let client = &mut self.client;
        match act {
            Act::Obtain => {
                let body = json!({"username": self.user, "password": PASSWORD});
                client.post("/api/token/", &body).await
            }
            Act::Me => client.get_as("/api/me/", Some(access)).await,
            Act::Verify => {
                let body = json!({"token": access});
                client.post("/api/token/verify/", &body).await
            }
            Act::Refresh => {
                let body = json!({"refresh": refresh});
                client.post("/api/token/refresh/", &body).await
            }
        }
    }

    /// Rotation is on: a refresh answers both tokens, too.
    fn learn(&mut self, act: Act, answer: &Answer) {
        if matches!(act, Act::Obtain | Act::Refresh) {
            self.tokens = Some(Tokens {
                access: answer.text("access"),
                refresh: answer.text("refresh"),
            });
        }
    }
}
