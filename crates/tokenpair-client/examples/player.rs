//! The player of `clients/scenarios/README.md`: does what the lines of its standard input say.

use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{self, BufRead as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};
use tokenpair_client::reqwest::{Body, Method};
use tokenpair_client::{
    Client, Clock, Error, Event, FileStorage, LogoutReason, Sleep, SystemClock,
};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

#[derive(Deserialize)]
struct Line {
    id: Value,
    client: String,
    #[serde(flatten)]
    step: Step,
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Step {
    Open(Open),
    Login { username: String, password: String },
    Request(Request),
    State,
    Logout,
    Close,
}

#[derive(Deserialize)]
struct Open {
    base_url: String,
    storage: Option<PathBuf>,
    #[serde(default)]
    clock: f64,
    patience: Option<f64>,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    path: String,
    body: Option<String>,
    #[serde(default)]
    stream: bool,
    abort_after: Option<f64>,
    count: Option<usize>,
}

/// A client, and what it has told.
#[derive(Clone)]
struct Player {
    client: Client,
    told: Arc<Told>,
}

#[derive(Default)]
struct Told {
    logouts: AtomicUsize,
    refreshes: AtomicUsize,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut players = HashMap::new();
    let mut lines = lines();
    while let Some(line) = lines.recv().await {
        let line: Line = match serde_json::from_str(&line) {
            Ok(line) => line,
            Err(error) => {
                let line: Value = serde_json::from_str(&line).unwrap_or_default();
                write(&line["id"], json!({"error": error.to_string()}))?;
                continue;
            }
        };
        // Here, as what comes after it may speak of it; the rest takes its time.
        let done = match line.step {
            Step::Open(open) => open.player().map(|player| {
                players.insert(line.client, player);
            }),
            Step::Close => players.remove(&line.client).map(drop).ok_or_else(unknown),
            step => {
                let player = players.get(&line.client).cloned();
                tokio::spawn(async move { play(player, step, &line.id).await });
                continue;
            }
        };
        let error = |error| json!({"error": error});
        write(&line.id, done.map_or_else(error, |()| json!({})))?;
    }
    Ok(())
}

async fn play(player: Option<Player>, step: Step, id: &Value) -> io::Result<()> {
    let answer = match player {
        Some(player) => player.play(step).await,
        None => json!({"error": unknown()}),
    };
    write(id, answer)
}

fn unknown() -> String {
    "no such client".to_owned()
}

/// The lines of the standard input, read where nobody waits for them.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn write(id: &Value, mut answer: Value) -> io::Result<()> {
    answer["id"] = id.clone();
    let mut output = io::stdout().lock();
    writeln!(output, "{answer}")?;
    output.flush()
}

impl Open {
    fn player(self) -> Result<Player, String> {
        let told = Arc::new(Told::default());
        let heard = told.clone();
        let mut builder = Client::builder(&self.base_url)
            .clock(Ahead {
                seconds: self.clock,
                clock: SystemClock::default(),
            })
            .on_event(move |event| heard.hear(event));
        if let Some(path) = self.storage {
            builder = builder.storage(FileStorage::new(path));
        }
        if let Some(patience) = self.patience {
            builder = builder.patience(duration(patience));
        }
        let client = builder.build().map_err(|error| error.to_string())?;
        Ok(Player { client, told })
    }
}

impl Told {
    fn hear(&self, event: Event) {
        match event {
            Event::Refresh => self.refreshes.fetch_add(1, Ordering::Relaxed),
            Event::Logout(LogoutReason::Refused) => self.logouts.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

impl Player {
    async fn play(&self, step: Step) -> Value {
        let done = match step {
            Step::Login { username, password } => self.log_in(&username, &password).await,
            Step::Request(request) => Ok(self.requests(request).await),
            Step::State => self.state().await,
            _ => self
                .client
                .log_out()
                .await
                .map(|revoked| json!({"revoked": revoked})),
        };
        done.unwrap_or_else(|error| {
            let status = error.status().map(|status| status.as_u16());
            json!({"error": name(&error), "status": status})
        })
    }

    async fn log_in(&self, username: &str, password: &str) -> Result<Value, Error> {
        self.client.log_in(username, password).await?;
        Ok(json!({"status": 200}))
    }

    async fn state(&self) -> Result<Value, Error> {
        Ok(json!({
            "logged_in": self.client.is_logged_in().await?,
            "logouts": self.told.logouts.load(Ordering::Relaxed),
            "refreshes": self.told.refreshes.load(Ordering::Relaxed),
        }))
    }

    async fn requests(&self, request: Request) -> Value {
        let request = Arc::new(request);
        let mut crowd = JoinSet::new();
        for _ in 0..request.count.unwrap_or(1) {
            let (player, request) = (self.clone(), request.clone());
            crowd.spawn(async move { player.request(&request).await });
        }
        let (mut statuses, mut errors) = (Vec::new(), Vec::new());
        for outcome in crowd.join_all().await {
            match outcome {
                Ok(status) => statuses.push(status),
                Err(error) => errors.push(error),
            }
        }
        json!({"statuses": statuses, "errors": errors})
    }

    async fn request(&self, request: &Request) -> Result<u16, &'static str> {
        let method = Method::from_bytes(request.method.as_bytes()).map_err(|_| "network")?;
        let mut builder = self.client.request(method, &request.path);
        if let Some(body) = request.body.clone() {
            let is_once = request.stream;
            builder = builder.header("Content-Type", "application/json");
            builder = builder.body(if is_once {
                Body::wrap(body)
            } else {
                body.into()
            });
        }
        let sending = async {
            let response = builder.send().await?;
            let status = response.status().as_u16();
            response.bytes().await?;
            Ok(status)
        };
        let outcome = match request.abort_after {
            Some(seconds) => tokio::time::timeout(duration(seconds), sending).await,
            None => Ok(sending.await),
        };
        let outcome = outcome.map_err(|_| "aborted")?;
        outcome.map_err(|error| name(&error))
    }
}

fn name(error: &Error) -> &'static str {
    match error {
        Error::LoggedOut => "logged_out",
        Error::Unavailable { .. } => "unavailable",
        Error::Refused(_) => "refused",
        Error::Storage(_) => "storage",
        _ => "network",
    }
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

/// A clock that is wrong.
struct Ahead {
    seconds: f64,
    clock: SystemClock,
}

impl Clock for Ahead {
    fn now(&self) -> SystemTime {
        let by = duration(self.seconds.abs());
        if self.seconds < 0.0 {
            self.clock.now() - by
        } else {
            self.clock.now() + by
        }
    }

    fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.clock.sleep(duration)
    }

    fn chance(&self) -> f64 {
        self.clock.chance()
    }
}
