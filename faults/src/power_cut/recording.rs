//! A server under strace, and clients that note what they were told.

use super::events::CALLS;
use super::journal::{Acknowledged, Fact, created};
use crate::client::{Answer, Client};
use crate::databases::{self, PASSWORD};
use crate::jwt::jti;
use crate::nodes::{STRICT, environment};
use crate::run::Run;
use anyhow::{Context as _, bail, ensure};
use fastrand::Rng;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;
use xtask::database::{Database, Store};
use xtask::process::free_port;

const CROWD: usize = 8;
const PATIENCE: Duration = Duration::from_secs(30);
const END: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(5);

/// A server, and a new user for each line of standard input, in one trace and so in one order. At its end the power goes.
const SCRIPT: &str = r#"setpriv --pdeathsig KILL -- "$0" serve &
while read -r name; do "$0" createuser --username "$name" --password-stdin < password; done
kill -KILL $!"#;

/// What was done, and what the kernel saw of it.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) trace: PathBuf,
    /// The database file, by a path without links.
    pub(crate) database: PathBuf,
    /// What it held before, when it was alone and closed.
    pub(crate) before: Vec<u8>,
    /// Acknowledged to clients that came one after the other.
    pub(crate) alone: Vec<Acknowledged>,
    /// Acknowledged to several at once, which share syncs.
    pub(crate) crowd: Vec<Acknowledged>,
}

pub(crate) async fn record(run: &mut Run) -> anyhow::Result<Recording> {
    let database = databases::fresh(run, Store::Sqlite, 1).await?;
    let Database::Sqlite(path) = &database else {
        bail!("no file");
    };
    let path = fs::canonicalize(path)?;
    let before = fs::read(&path)?;
    let mut server = Traced::start(run, &database).await?;

    let mut client = Client::new(server.address);
    let mut random = run.random("one client");
    let (mut alone, mut tokens) = (Vec::new(), Vec::new());
    for step in 0..run.rounds(400, 200) {
        alone.push(act(&mut client, &mut random, &mut tokens).await?);
        if step % 20 == 10 {
            alone.push(server.create_user(&format!("alone{step}")).await?);
        }
    }

    let mut clients = JoinSet::new();
    for number in 0..CROWD {
        let (address, steps) = (server.address, run.rounds(100, 30));
        let random = run.random(&format!("client {number}"));
        clients.spawn(crowd_member(address, random, steps));
    }
    let mut crowd = Vec::new();
    for number in 0..run.rounds(20, 3) {
        crowd.push(server.create_user(&format!("crowd{number}")).await?);
    }
    while let Some(acknowledged) = clients.join_next().await {
        crowd.extend(acknowledged??);
    }
    let trace = server.stop().await?;
    Ok(Recording {
        trace,
        database: path,
        before,
        alone,
        crowd,
    })
}

async fn crowd_member(
    address: SocketAddr,
    mut random: Rng,
    steps: usize,
) -> anyhow::Result<Vec<Acknowledged>> {
    let mut client = Client::new(address);
    let (mut all, mut tokens) = (Vec::new(), Vec::new());
    for _ in 0..steps {
        all.push(act(&mut client, &mut random, &mut tokens).await?);
    }
    Ok(all)
}

/// A log-in, a refresh or a log-out.
async fn act(
    client: &mut Client,
    random: &mut Rng,
    tokens: &mut Vec<String>,
) -> anyhow::Result<Acknowledged> {
    let wish = random.u8(..10);
    if tokens.is_empty() || wish < 3 {
        let body = json!({"username": "user0", "password": PASSWORD});
        let answer = post(client, "/api/token/", &body).await?;
        let token = answer.text("refresh");
        let jti = jti(&token);
        tokens.push(token);
        return acknowledged(&answer, Fact::Issued { jti });
    }
    let token = tokens.swap_remove(random.usize(..tokens.len()));
    let body = json!({"refresh": token});
    if wish < 8 {
        let answer = post(client, "/api/token/refresh/", &body).await?;
        let new = answer.text("refresh");
        let fact = Fact::Exchanged {
            parent: jti(&token),
            successor: jti(&new),
        };
        tokens.push(new);
        acknowledged(&answer, fact)
    } else {
        let answer = post(client, "/api/token/blacklist/", &body).await?;
        acknowledged(&answer, Fact::Revoked { jti: jti(&token) })
    }
}

async fn post(client: &mut Client, path: &str, body: &Value) -> anyhow::Result<Answer> {
    let answer = client.post(path, body).await.answer();
    let answer = answer.with_context(|| format!("no answer from {path}"))?;
    ensure!(answer.status == 200, "{} from {path}", answer.status);
    Ok(answer)
}

fn acknowledged(answer: &Answer, fact: Fact) -> anyhow::Result<Acknowledged> {
    let id = answer.headers.get("x-request-id");
    let id = id.context("an answer without id")?.to_str()?;
    Ok(Acknowledged {
        mark: id.to_owned(),
        fact,
    })
}

/// A server whose system calls are written down.
#[derive(Debug)]
struct Traced {
    strace: Child,
    /// `None` only at its end.
    names: Option<ChildStdin>,
    address: SocketAddr,
    log: PathBuf,
    trace: PathBuf,
}

impl Traced {
    async fn start(run: &Run, database: &Database) -> anyhow::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
        let (log, trace) = (run.logs().join("server.log"), run.logs().join("trace"));
        let output = File::create(&log)?;
        fs::write(run.folder().join("password"), PASSWORD)?;
        let settings = [STRICT, &[("FLUSH_INTERVAL", "0")]].concat();
        let mut strace = Command::new("strace");
        strace
            .args(["-f", "--seccomp-bpf", "-ttt", "-T", "-yy", "-x"])
            .args(["-s", "65536", "-e", "signal=none"])
            .arg(format!("--trace={CALLS}"))
            .arg("-o")
            .arg(&trace)
            .args(["sh", "-c", SCRIPT])
            .arg(&run.server)
            .current_dir(run.folder())
            .env_clear()
            .envs(environment(run, database, &settings)?)
            .env("TOKENPAIR_LISTEN", address.to_string())
            .env("PATH", "/usr/bin:/bin")
            // Ctrl-C is for us.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output);
        let mut strace = strace.spawn().context("strace cannot be run")?;
        let mut server = Self {
            names: strace.stdin.take(),
            strace,
            address,
            log,
            trace,
        };
        let mut client = Client::new(address);
        server
            .until("the server is not ready", async || {
                let answer = client.get("/readyz").await.answer();
                answer.is_some_and(|answer| answer.status == 200)
            })
            .await?;
        Ok(server)
    }

    /// By the command line, while the server runs.
    async fn create_user(&mut self, username: &str) -> anyhow::Result<Acknowledged> {
        let names = self.names.as_mut().context("the server has stopped")?;
        writeln!(names, "{username}")?;
        let mark = created(username);
        let log = self.log.clone();
        self.until("a user was not created", async || contains(&log, &mark))
            .await?;
        Ok(Acknowledged {
            mark,
            fact: Fact::Created {
                username: username.to_owned(),
            },
        })
    }

    /// Ends the server at once; the finished trace.
    async fn stop(mut self) -> anyhow::Result<PathBuf> {
        self.names = None;
        let deadline = Instant::now() + PATIENCE;
        while self.strace.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "strace does not end");
            sleep(POLL).await;
        }
        Ok(self.trace.clone())
    }

    async fn until(
        &mut self,
        complaint: &str,
        mut is_so: impl AsyncFnMut() -> bool,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !is_so().await {
            let has_ended = self.strace.try_wait()?.is_some();
            if has_ended || Instant::now() > deadline {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                bail!("{complaint}: {}", log.lines().last().unwrap_or_default());
            }
            sleep(POLL).await;
        }
        Ok(())
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        // The script reads to the end of its input and then kills the server. Without strace, it does so, too.
        self.names = None;
        let deadline = Instant::now() + END;
        while matches!(self.strace.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}

fn contains(file: &Path, text: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|contents| contents.contains(text))
}
