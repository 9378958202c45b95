//! `tokenpair serve` processes: started, killed, told to stop, started again in the same place.

use crate::client::{Client, Outcome};
use crate::run::Run;
use anyhow::{Context as _, bail};
use std::fs::{self, File};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::time::sleep;
use xtask::database::Database;
use xtask::process::{bound, free_port, output, signal};
use xtask::vitals::{self, Memory};

/// How long a server may take to be ready, and a command to end.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(5);

/// Hashing is not the subject, and takes no time.
const FILE: &str = "[simple_jwt]\nPASSWORD_ROUNDS = { pbkdf2_sha256_iterations = 1 }\n";
const KEY: &str = "the fault programs' key, which all nodes of a run share";

/// The environment of servers and commands: names without `TOKENPAIR_`, and values.
pub(crate) type Settings<'a> = &'a [(&'a str, &'a str)];

/// Rotation that grants one exchange of a token, as Simple JWT means it.
pub(crate) const STRICT: Settings<'static> = &[
    ("ROTATE_REFRESH_TOKENS", "true"),
    ("BLACKLIST_AFTER_ROTATION", "true"),
];

/// Rotation that repeats itself for a while, and ends the line of a token that comes back later.
pub(crate) const GRACE: Settings<'static> = &[
    ("ROTATE_REFRESH_TOKENS", "true"),
    ("BLACKLIST_AFTER_ROTATION", "true"),
    (GRACE_NAME, "10s"),
    ("REUSE_DETECTION", "true"),
];
pub(crate) const GRACE_NAME: &str = "ROTATION_GRACE_PERIOD";

/// One server process. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Node {
    program: PathBuf,
    folder: PathBuf,
    environment: Vec<(String, String)>,
    address: SocketAddr,
    log: PathBuf,
    /// As `prlimit` takes it; with none it has our own.
    descriptors: Option<String>,
    process: Option<Child>,
}

impl Node {
    /// Starts a server on a port of its own and waits until it is ready.
    pub(crate) async fn start(
        run: &Run,
        database: &Database,
        settings: Settings<'_>,
    ) -> anyhow::Result<Self> {
        let mut node = Self::new(run, database, settings)?;
        node.restart().await?;
        Ok(node)
    }

    /// A server that is yet to be started, by [`Self::restart`] or [`Self::spawn`].
    pub(crate) fn new(
        run: &Run,
        database: &Database,
        settings: Settings<'_>,
    ) -> anyhow::Result<Self> {
        let port = free_port()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut environment = environment(run, database, settings)?;
        environment.push(("TOKENPAIR_LISTEN".to_owned(), address.to_string()));
        Ok(Self {
            program: run.server.clone(),
            folder: run.folder().to_owned(),
            environment,
            address,
            log: run.logs().join(format!("node-{port}.log")),
            descriptors: None,
            process: None,
        })
    }

    /// Lets it have so many descriptors, such as `256`, or at first so many and `1024:4096` if it asks for them.
    pub(crate) fn with_descriptors(mut self, limit: &str) -> Self {
        self.descriptors = Some(limit.to_owned());
        self
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address)
    }

    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        Ok(vitals::memory(self.id()?)?)
    }

    /// Open files, connections among them.
    pub(crate) fn descriptors(&self) -> anyhow::Result<usize> {
        Ok(vitals::descriptors(self.id()?)?)
    }

    fn id(&self) -> anyhow::Result<u32> {
        let process = self.process.as_ref().context("the server does not run")?;
        Ok(process.id())
    }

    /// Starts it where it was and waits until it is ready; how long that took.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<Duration> {
        let start = Instant::now();
        self.spawn()?;
        self.await_ready().await?;
        Ok(start.elapsed())
    }

    /// Starts it where it was and does not wait. One that still runs is killed: it would keep the port.
    pub(crate) fn spawn(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = match &self.descriptors {
            None => bound(&self.program),
            Some(limit) => {
                let mut command = bound("prlimit");
                command.args([&format!("--nofile={limit}"), "--"]);
                command.arg(&self.program);
                command
            }
        };
        command
            .arg("serve")
            .current_dir(&self.folder)
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        self.process = Some(command.spawn().context("setpriv cannot be run")?);
        Ok(())
    }

    /// Waits until `/readyz` says 200.
    pub(crate) async fn await_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.is_ready().await {
            let ended = match &mut self.process {
                Some(process) => process.try_wait()?,
                None => None,
            };
            if ended.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(5).collect();
                bail!("the server is not ready; its log, last line first: {last:#?}");
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    async fn is_ready(&self) -> bool {
        let answer = self.client().get("/readyz").await;
        matches!(answer, Outcome::Answered(answer) if answer.status.is_success())
    }

    /// Sends it a signal such as `"STOP"`.
    pub(crate) fn signal(&self, name: &str) -> anyhow::Result<()> {
        if let Some(process) = &self.process {
            signal(name, &[process.id()])?;
        }
        Ok(())
    }

    /// Kills it at once; returns when it is gone.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
            process.wait()?;
        }
        Ok(())
    }

    /// Tells it to stop in order and waits for its end; after `limit` it is killed and that is an error.
    pub(crate) async fn terminate(&mut self, limit: Duration) -> anyhow::Result<ExitStatus> {
        self.signal("TERM")?;
        let deadline = Instant::now() + limit;
        let mut process = self.process.take().context("the server does not run")?;
        loop {
            if let Some(status) = process.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                process.kill()?;
                process.wait()?;
                bail!("the server does not stop");
            }
            sleep(POLL).await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // One that has gone by itself was noticed by whoever asked it something.
        let _ = self.kill();
    }
}

/// Runs a command of the server's such as `migrate` to its end, with something on its standard input.
pub(crate) fn command(
    run: &Run,
    database: &Database,
    line: &str,
    input: &str,
) -> anyhow::Result<String> {
    let file = run.folder().join("input");
    File::create(&file)?.write_all(input.as_bytes())?;
    let mut shell = Command::new("sh");
    shell
        .args(["-c", r#"exec "$0" "$@" < input"#])
        .arg(&run.server)
        .args(line.split_whitespace())
        .current_dir(run.folder())
        .env_clear()
        .envs(environment(run, database, &[])?);
    Ok(output(&mut shell)?)
}

/// Starts a command and does not wait for its end; what it prints can be read then.
pub(crate) fn begin(
    run: &Run,
    database: &Database,
    line: &str,
    settings: Settings<'_>,
) -> anyhow::Result<Child> {
    let mut command = bound(&run.server);
    command
        .args(line.split_whitespace())
        .current_dir(run.folder())
        .envs(environment(run, database, settings)?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command.spawn().context("setpriv cannot be run")
}

/// What a server or a command finds in its environment.
pub(crate) fn environment(
    run: &Run,
    database: &Database,
    settings: Settings<'_>,
) -> anyhow::Result<Vec<(String, String)>> {
    let file = run.folder().join("tokenpair.toml");
    fs::write(&file, FILE)?;
    let mut environment = vec![
        ("TOKENPAIR_CONFIG".to_owned(), file.display().to_string()),
        ("TOKENPAIR_DATABASE".to_owned(), database.url()),
        ("TOKENPAIR_SIGNING_KEY".to_owned(), KEY.to_owned()),
        ("TOKENPAIR_LOG".to_owned(), "warn".to_owned()),
    ];
    let settings = settings.iter();
    environment
        .extend(settings.map(|(name, value)| (format!("TOKENPAIR_{name}"), (*value).to_owned())));
    Ok(environment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    #[test]
    fn a_server_that_is_started_twice_runs_once() {
        let folder = std::env::temp_dir().join(format!("faults-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let program = folder.join("server");
        fs::write(&program, "#!/bin/sh\nexec sleep 60\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let mut node = Node {
            program,
            folder: folder.clone(),
            environment: Vec::new(),
            address: ([127, 0, 0, 1], 1).into(),
            log: folder.join("log"),
            descriptors: None,
            process: None,
        };
        let mut started = || {
            node.spawn().unwrap();
            let id = node.process.as_ref().unwrap().id();
            Path::new("/proc").join(id.to_string())
        };
        let (first, second) = (started(), started());
        assert!(!first.exists());
        assert!(second.exists());
        drop(node);
        fs::remove_dir_all(folder).unwrap();
    }
}
