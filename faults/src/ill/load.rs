//! Fifty requests a second to all endpoints, and what each was answered.

use super::table::{Endpoint, MIX};
use crate::client::{Answer, Client, Outcome};
use crate::databases::PASSWORD;
use anyhow::{Context as _, bail};
use fastrand::Rng;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{interval, sleep};

const PAUSE: Duration = Duration::from_millis(20);
/// Those who make tokens at once.
const HANDS: usize = 8;
const SOON: Duration = Duration::from_secs(20);

/// How a server is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Grace,
    Strict,
    WithoutRotation,
    WithoutBlacklist,
}

/// What was asked when, and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) endpoint: Endpoint,
    pub(super) server: SocketAddr,
    pub(super) sent: Instant,
    pub(super) took: Duration,
    /// `None` if there was no answer.
    pub(super) status: Option<u16>,
    /// An outage that does not look as one should.
    pub(super) flaw: Option<String>,
}

impl Sample {
    pub(super) fn answered(&self) -> Instant {
        self.sent + self.took
    }
}

/// The clients of some servers.
#[derive(Debug)]
pub(super) struct Clients {
    servers: Vec<(Role, SocketAddr)>,
    next: AtomicUsize,
    idle: Mutex<Vec<(SocketAddr, Client)>>,
    access: String,
    refresh: String,
    sliding: String,
    /// Refresh tokens that nobody has used.
    fresh: Mutex<Vec<String>>,
    /// Refresh tokens whose exchange was answered with 503.
    put_off: Mutex<Vec<(Endpoint, String)>>,
    samples: Mutex<Vec<Sample>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn credentials() -> Value {
    json!({"username": "user0", "password": PASSWORD})
}

impl Clients {
    pub(super) async fn new(servers: Vec<(Role, SocketAddr)>) -> anyhow::Result<Arc<Self>> {
        let mut clients = Self {
            servers,
            next: AtomicUsize::new(0),
            idle: Mutex::default(),
            access: String::new(),
            refresh: String::new(),
            sliding: String::new(),
            fresh: Mutex::default(),
            put_off: Mutex::default(),
            samples: Mutex::default(),
        };
        let pair = clients.obtain(Role::Grace, "/api/token/").await?;
        (clients.access, clients.refresh) = (pair.text("access"), pair.text("refresh"));
        let path = "/api/token/sliding/";
        let sliding = clients.obtain(Role::WithoutRotation, path).await?;
        clients.sliding = sliding.text("token");
        Ok(Arc::new(clients))
    }

    fn server(&self, role: Role) -> anyhow::Result<SocketAddr> {
        let servers = || self.servers.iter().filter(|(has, _)| *has == role);
        let turn = self.next.fetch_add(1, Relaxed);
        let server = servers().nth(turn % servers().count().max(1));
        Ok(server.context("there is no such server")?.1)
    }

    fn client(&self, server: SocketAddr) -> Client {
        let mut idle = locked(&self.idle);
        let found = idle.iter().rposition(|(of, _)| *of == server);
        found.map_or_else(|| Client::new(server), |place| idle.swap_remove(place).1)
    }

    async fn post(&self, server: SocketAddr, path: &str, body: &Value) -> Outcome {
        let mut client = self.client(server);
        let outcome = client.post(path, body).await;
        locked(&self.idle).push((server, client));
        outcome
    }

    async fn get(&self, server: SocketAddr, path: &str, access: Option<&str>) -> Outcome {
        let mut client = self.client(server);
        let outcome = client.get_as(path, access).await;
        locked(&self.idle).push((server, client));
        outcome
    }

    async fn obtain(&self, role: Role, path: &str) -> anyhow::Result<Answer> {
        match self.post(self.server(role)?, path, &credentials()).await {
            Outcome::Answered(answer) if answer.status == 200 => Ok(answer),
            outcome => bail!("a healthy server refuses a log-in: {outcome:?}"),
        }
    }

    /// Makes sure that there are so many refresh tokens that nobody has used.
    pub(super) async fn stock(self: &Arc<Self>, number: usize) -> anyhow::Result<()> {
        let missing = number.saturating_sub(locked(&self.fresh).len());
        let mut hands = JoinSet::new();
        for _ in 0..HANDS {
            let clients = Arc::clone(self);
            hands.spawn(async move {
                for _ in 0..missing.div_ceil(HANDS) {
                    let pair = clients.obtain(Role::Grace, "/api/token/").await?;
                    locked(&clients.fresh).push(pair.text("refresh"));
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = hands.join_next().await {
            done??;
        }
        Ok(())
    }

    /// Asks one endpoint of the next server that has it, and notes the answer.
    async fn ask(&self, endpoint: Endpoint) -> anyhow::Result<()> {
        let server = self.server(endpoint.role())?;
        let token = match endpoint {
            Endpoint::RefreshWithGrace | Endpoint::RefreshStrict | Endpoint::Blacklist => {
                let fresh = locked(&self.fresh).pop();
                fresh.context("no refresh token is left")?
            }
            _ => String::new(),
        };
        let sent = Instant::now();
        let outcome = self.send(endpoint, server, &token).await;
        let sample = Sample {
            endpoint,
            server,
            sent,
            took: sent.elapsed(),
            status: status(&outcome),
            flaw: flaw(endpoint, &outcome),
        };
        locked(&self.samples).push(sample);
        if let Endpoint::RefreshWithGrace | Endpoint::RefreshStrict = endpoint {
            self.keep(endpoint, token, outcome);
        }
        Ok(())
    }

    async fn send(&self, endpoint: Endpoint, server: SocketAddr, token: &str) -> Outcome {
        let post = async |path, body: Value| self.post(server, path, &body).await;
        match endpoint {
            Endpoint::VerifySignature => {
                post("/api/token/verify/", json!({"token": self.access})).await
            }
            Endpoint::Verify => post("/api/token/verify/", json!({"token": self.refresh})).await,
            Endpoint::Me => self.get(server, "/api/me/", Some(&self.access)).await,
            Endpoint::Obtain => post("/api/token/", credentials()).await,
            Endpoint::RefreshWithGrace | Endpoint::RefreshStrict => {
                post("/api/token/refresh/", json!({"refresh": token})).await
            }
            Endpoint::RefreshWithoutRotation => {
                post("/api/token/refresh/", json!({"refresh": self.refresh})).await
            }
            Endpoint::RefreshSliding => {
                post(
                    "/api/token/sliding/refresh/",
                    json!({"token": self.sliding}),
                )
                .await
            }
            Endpoint::Blacklist => post("/api/token/blacklist/", json!({"refresh": token})).await,
            Endpoint::Livez => self.get(server, "/livez", None).await,
            Endpoint::Readyz => self.get(server, "/readyz", None).await,
        }
    }

    /// A successor can be used next; what was put off is tried again later.
    fn keep(&self, endpoint: Endpoint, token: String, outcome: Outcome) {
        match outcome {
            Outcome::Answered(answer) if answer.status == 200 => {
                locked(&self.fresh).push(answer.text("refresh"));
            }
            Outcome::Answered(answer) if answer.status == 503 => {
                locked(&self.put_off).push((endpoint, token));
            }
            _ => {}
        }
    }

    /// Tries again what was put off: how many of this endpoint's there were, and how many are not exchanged now.
    pub(super) async fn try_again(&self, endpoint: Endpoint) -> anyhow::Result<(usize, usize)> {
        let put_off = locked(&self.put_off)
            .extract_if(.., |(of, _)| *of == endpoint)
            .collect::<Vec<_>>();
        let mut lost = 0;
        for (_, token) in &put_off {
            let server = self.server(endpoint.role())?;
            let outcome = self.send(endpoint, server, token).await;
            if status(&outcome) != Some(200) {
                lost += 1;
            }
            self.keep(endpoint, token.clone(), outcome);
        }
        Ok((put_off.len(), lost))
    }

    /// Waits until each server is ready and makes changes again.
    pub(super) async fn recovered(self: &Arc<Self>) -> anyhow::Result<()> {
        let deadline = Instant::now() + SOON;
        for (_, server) in &self.servers {
            while !self.is_well(*server).await {
                if Instant::now() > deadline {
                    bail!("a server has not recovered after {} s", SOON.as_secs());
                }
                sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    async fn is_well(&self, server: SocketAddr) -> bool {
        let obtained = self.post(server, "/api/token/", &credentials()).await;
        let ready = self.get(server, "/readyz", None).await;
        [obtained, ready]
            .iter()
            .map(status)
            .all(|is| is == Some(200))
    }
}

fn status(outcome: &Outcome) -> Option<u16> {
    match outcome {
        Outcome::Answered(answer) => Some(answer.status.as_u16()),
        Outcome::Refused | Outcome::Unknown => None,
    }
}

/// What an outage must say: when to come back, and that it is one.
fn flaw(endpoint: Endpoint, outcome: &Outcome) -> Option<String> {
    let Outcome::Answered(answer) = outcome else {
        return Some("no answer".to_owned());
    };
    if answer.status != 503 || endpoint == Endpoint::Readyz {
        return None;
    }
    let header = answer.headers.get("retry-after");
    let later = header.and_then(|later| later.to_str().ok()?.parse::<u32>().ok());
    if !later.is_some_and(|seconds| (1..=30).contains(&seconds)) {
        return Some(format!("Retry-After {header:?}"));
    }
    let is_told = !answer.text("detail").is_empty() && answer.text("code") == "service_unavailable";
    (!is_told).then(|| format!("body {}", answer.json()))
}

/// A load that goes on until it is stopped.
#[derive(Debug)]
pub(super) struct Load {
    clients: Arc<Clients>,
    stop: watch::Sender<bool>,
    asking: JoinHandle<anyhow::Result<()>>,
}

impl Load {
    pub(super) fn start(clients: &Arc<Clients>, mut random: Rng) -> Self {
        let mix = MIX
            .iter()
            .flat_map(|&(endpoint, share)| vec![endpoint; share]);
        let mut mix: Vec<Endpoint> = mix.collect();
        random.shuffle(&mut mix);
        let (stop, stopped) = watch::channel(false);
        let asking = tokio::spawn(ask_all(Arc::clone(clients), mix, stopped));
        Self {
            clients: Arc::clone(clients),
            stop,
            asking,
        }
    }

    /// Ends it; what was asked and answered since its start.
    pub(super) async fn stop(self) -> anyhow::Result<Vec<Sample>> {
        self.stop.send_replace(true);
        self.asking.await??;
        Ok(std::mem::take(&mut *locked(&self.clients.samples)))
    }
}

/// Does not wait for an answer before it asks the next.
async fn ask_all(
    clients: Arc<Clients>,
    mix: Vec<Endpoint>,
    stopped: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut asked = JoinSet::new();
    let mut ticks = interval(PAUSE);
    for endpoint in mix.into_iter().cycle() {
        ticks.tick().await;
        if *stopped.borrow() {
            break;
        }
        let clients = Arc::clone(&clients);
        asked.spawn(async move { clients.ask(endpoint).await });
    }
    while let Some(done) = asked.join_next().await {
        done??;
    }
    Ok(())
}
