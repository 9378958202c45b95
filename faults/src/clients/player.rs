//! A client at work: the process of a player, told what to do a line at a time.

use crate::run::Run;
use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use xtask::check::Trouble;
use xtask::clients;
use xtask::project::Project;

/// Longer than anything a client does, its patience included.
const PATIENCE: Duration = Duration::from_secs(90);

/// Names of players in the environment, for a run with fewer.
const CHOSEN: &str = "FAULTS_PLAYERS";

/// A client's player, as it is started from the project's folder.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    program: PathBuf,
    arguments: &'static [&'static str],
}

const JS: &str = "js";
const PYTHON: &str = "python";
const PYTHON_ASYNC: &str = "python-async";
const RUST: &str = "rust";

/// All players, or those that the environment names, ready to be started.
pub(super) fn chosen(project: &Project) -> Result<Vec<Kind>, Trouble> {
    let chosen = std::env::var(CHOSEN).ok();
    let is_chosen = |name: &&str| {
        let mut names = chosen.iter().flat_map(|names| names.split(','));
        chosen.is_none() || names.any(|chosen| chosen == *name)
    };
    let names = [JS, PYTHON, PYTHON_ASYNC, RUST];
    names
        .into_iter()
        .filter(is_chosen)
        .map(|name| prepare(project, name))
        .collect()
}

fn prepare(project: &Project, name: &'static str) -> Result<Kind, Trouble> {
    let (program, arguments): (_, &[&str]) = match name {
        JS => {
            clients::build_js(project)?;
            ("node".into(), &["clients/js/player.mjs"])
        }
        RUST => {
            let server = project.build_debug_server()?;
            (server.with_file_name("examples/player"), &[])
        }
        PYTHON_ASYNC => (
            clients::python_for_client(project)?,
            &["clients/python/player.py", "--async"],
        ),
        _ => (
            clients::python_for_client(project)?,
            &["clients/python/player.py"],
        ),
    };
    Ok(Kind {
        name,
        program,
        arguments,
    })
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// The process. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Player {
    lines: mpsc::UnboundedSender<String>,
    waiting: Waiting,
    next: AtomicU64,
    _process: Child,
}

impl Player {
    pub(super) fn start(run: &Run, kind: &Kind) -> anyhow::Result<Self> {
        let log = File::create(run.logs().join(format!("player-{}.log", kind.name)))?;
        let mut process = Command::new(&kind.program)
            .args(kind.arguments)
            .current_dir(&run.project.root)
            .env("PYTHONPATH", "clients/python/src")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot run the player {}", kind.name))?;
        let (lines, to_write) = mpsc::unbounded_channel();
        let waiting = Waiting::default();
        let input = process.stdin.take().context("no input")?;
        let output = process.stdout.take().context("no output")?;
        tokio::spawn(write(input, to_write));
        tokio::spawn(read(output, waiting.clone()));
        Ok(Self {
            lines,
            waiting,
            next: AtomicU64::new(1),
            _process: process,
        })
    }

    /// Has it do something, and waits for what comes of it.
    pub(super) async fn call(&self, mut request: Value) -> anyhow::Result<Value> {
        let id = self.next.fetch_add(1, Relaxed);
        request["id"] = json!(id);
        let (sender, answer) = oneshot::channel();
        lock(&self.waiting).insert(id, sender);
        self.lines.send(format!("{request}\n"))?;
        match timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => bail!("the player has ended"),
            Err(_) => bail!("the player does not answer {request}"),
        }
    }
}

async fn write(mut input: ChildStdin, mut lines: mpsc::UnboundedReceiver<String>) {
    while let Some(line) = lines.recv().await {
        if input.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Gives answers to those who wait; when the player ends, nobody waits any longer.
async fn read(output: ChildStdout, waiting: Waiting) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let answer: Value = serde_json::from_str(&line).unwrap_or_default();
        let sender = answer["id"]
            .as_u64()
            .and_then(|id| lock(&waiting).remove(&id));
        if let Some(sender) = sender {
            let _ = sender.send(answer);
        }
    }
    lock(&waiting).clear();
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
