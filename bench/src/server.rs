//! The servers: started on a port of their own, asked whether they are there, ended when they are dropped.

use crate::answer;
use crate::conversation;
use crate::setup::{Log, Setup};
use crate::tokens::{KEY, Kind, Mint};
use anyhow::{Context as _, bail};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use xtask::database::Database;
use xtask::process::{bound, free_port, signal};
use xtask::vitals::{self, Memory};

/// How long a server may take to answer first, and to end in order.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(1);

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Tokenpair,
    /// A view of the library's that looks nobody up; the server has none.
    TokenpairStateless,
    Axum,
    Hyper,
    Django,
}

impl Peer {
    /// As tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tokenpair => "tokenpair",
            Self::TokenpairStateless => "tokenpair (library)",
            Self::Axum => "axum + jsonwebtoken",
            Self::Hyper => "hyper, fixed answer",
            Self::Django => "Django + Simple JWT",
        }
    }

    /// Whether a token that was used once is known afterwards.
    pub(crate) fn has_store(self) -> bool {
        matches!(self, Self::Tokenpair | Self::Django)
    }

    pub(crate) fn is_tokenpair(self) -> bool {
        matches!(self, Self::Tokenpair | Self::TokenpairStateless)
    }
}

/// How a server is set up for a workload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mode {
    /// Whether tokens are on record.
    pub(crate) has_blacklist: bool,
    /// Whether a refresh yields a refresh token, too, and blacklists its own.
    pub(crate) rotates: bool,
    /// How passwords are hashed, if that is not the default.
    pub(crate) hasher: Option<Hasher>,
}

/// One of Django's hashers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hasher {
    /// As `PASSWORD_HASHERS` of tokenpair calls it.
    pub(crate) name: &'static str,
    /// The class of Django's.
    pub(crate) class: &'static str,
    /// Iterations, where they are not the default.
    pub(crate) rounds: Option<u32>,
}

impl Hasher {
    /// The settings of tokenpair's that make it the preferred one.
    fn toml(self) -> String {
        let Self { name, rounds, .. } = self;
        let rounds =
            rounds.map(|rounds| format!("PASSWORD_ROUNDS = {{ {name}_iterations = {rounds} }}\n"));
        let rounds = rounds.unwrap_or_default();
        format!("[simple_jwt]\nPASSWORD_HASHERS = [\"{name}\"]\n{rounds}")
    }
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) peer: Peer,
    pub(crate) address: SocketAddr,
    /// From its start to its first answer of 200.
    pub(crate) start_up: Duration,
    process: Child,
    log: Option<PathBuf>,
}

impl Server {
    pub(crate) fn start(
        setup: &Setup,
        peer: Peer,
        mode: &Mode,
        database: Option<&Database>,
    ) -> anyhow::Result<Self> {
        let port = free_port()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut command = match peer {
            Peer::Tokenpair => tokenpair(setup, address, mode, database)?,
            Peer::TokenpairStateless => rust(
                std::env::current_exe()?.with_file_name("stateless"),
                address,
                mode,
            ),
            Peer::Axum => rust(peers(setup)?.join("axum-jsonwebtoken"), address, mode),
            Peer::Hyper => rust(peers(setup)?.join("hyper-fixed"), address, mode),
            Peer::Django => granian(setup, address, mode, database)?,
        };
        let log = (peer != Peer::Tokenpair || setup.log != Log::Null)
            .then(|| setup.folder().join(format!("{port}.log")));
        let errors = match &log {
            Some(path) => Stdio::from(File::create(path)?),
            None => Stdio::null(),
        };
        let start = Instant::now();
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .context("setpriv cannot be run")?;
        let mut server = Self {
            peer,
            address,
            start_up: Duration::ZERO,
            process,
            log,
        };
        server.await_answer()?;
        server.start_up = start.elapsed();
        Ok(server)
    }

    fn await_answer(&mut self) -> anyhow::Result<()> {
        let request = match self.peer {
            Peer::Tokenpair => b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_vec(),
            Peer::TokenpairStateless => {
                conversation::get("/api/stateless/", &Mint::new().mint(Kind::Access, 1))
            }
            _ => conversation::get("/api/me/", &Mint::new().mint(Kind::Access, 1)),
        };
        let deadline = Instant::now() + PATIENCE;
        while !is_answered(self.address, &request) {
            if self.process.try_wait()?.is_some() || Instant::now() > deadline {
                let name = self.peer.name();
                bail!("{name} does not start; its log ends: {}", self.last_words());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// The end of its log, for an error.
    pub(crate) fn last_words(&self) -> String {
        let log = self.log.as_ref().and_then(|path| fs::read(path).ok());
        let log = log.unwrap_or_default();
        let end = log.len().saturating_sub(2000);
        String::from_utf8_lossy(&log[end..]).into_owned()
    }

    /// Processor time so far, of all its processes.
    pub(crate) fn cpu(&self) -> Duration {
        vitals::cpu(self.process.id())
    }

    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        Ok(vitals::memory(self.process.id())?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // In order, as granian ends its workers then.
        let _ = signal("TERM", &[self.process.id()]);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(POLL);
        }
        let all = vitals::tree(self.process.id());
        let _ = signal("KILL", &all);
        let _ = self.process.wait();
    }
}

fn is_answered(address: SocketAddr, request: &[u8]) -> bool {
    ask(address, request).is_ok_and(|status| status == 200)
}

/// The status of the answer to a request on a connection of its own.
fn ask(address: SocketAddr, request: &[u8]) -> anyhow::Result<u16> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            bail!("the connection was closed");
        }
        bytes.extend_from_slice(&buffer[..read]);
        if let Some(answer) = answer::read(&bytes)? {
            return Ok(answer.status);
        }
    }
}

fn tokenpair(
    setup: &Setup,
    address: SocketAddr,
    mode: &Mode,
    database: Option<&Database>,
) -> anyhow::Result<Command> {
    let database = database.context("tokenpair has a database")?;
    let file = mode.hasher.map_or_else(String::new, Hasher::toml);
    let path = setup.folder().join(format!("{}.toml", address.port()));
    fs::write(&path, file)?;
    let mut command = bound(&setup.server);
    command
        .arg("serve")
        .current_dir(setup.folder())
        .env("TOKENPAIR_CONFIG", path)
        .env("TOKENPAIR_LISTEN", address.to_string())
        .env("TOKENPAIR_DATABASE", database.url())
        .env("TOKENPAIR_SIGNING_KEY", KEY)
        // Only what is asked for is measured.
        .env("TOKENPAIR_FLUSH_INTERVAL", "0")
        .env("TOKENPAIR_TOKEN_BLACKLIST", mode.has_blacklist.to_string())
        .env("TOKENPAIR_ROTATE_REFRESH_TOKENS", mode.rotates.to_string())
        .env(
            "TOKENPAIR_BLACKLIST_AFTER_ROTATION",
            mode.rotates.to_string(),
        );
    if setup.log == Log::Off {
        command.env(
            "TOKENPAIR_LOG",
            "info,tokenpair::request=off,tokenpair::event=off",
        );
    }
    Ok(command)
}

fn peers(setup: &Setup) -> anyhow::Result<&PathBuf> {
    setup.peers.as_ref().context("the peers are not built")
}

fn rust(program: PathBuf, address: SocketAddr, mode: &Mode) -> Command {
    let mut command = bound(program);
    command
        .env("LISTEN", address.to_string())
        .env("KEY", KEY)
        .env("ROTATE", mode.rotates.to_string());
    command
}

/// Django under granian with what was fastest on two cores: WSGI, two workers of four threads.
fn granian(
    setup: &Setup,
    address: SocketAddr,
    mode: &Mode,
    database: Option<&Database>,
) -> anyhow::Result<Command> {
    let python = setup.python.as_ref().context("there is no Django")?;
    let database = database.context("Django has a database")?;
    let mut command = django(setup, python.with_file_name("granian"), mode, database);
    command
        .args([
            "--interface",
            "wsgi",
            "--workers",
            "2",
            "--blocking-threads",
            "4",
        ])
        .args([
            "--host",
            "127.0.0.1",
            "--no-access-log",
            "--log-level",
            "warning",
        ])
        .args(["--port", &address.port().to_string(), "wsgi:application"]);
    Ok(command)
}

/// A program that finds `bench/django/settings.py` and what that asks for.
pub(crate) fn django(setup: &Setup, program: PathBuf, mode: &Mode, database: &Database) -> Command {
    let mut command = bound(program);
    command
        .current_dir(setup.source("bench/django"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONPATH", ".")
        .env("DJANGO_SETTINGS_MODULE", "settings")
        .env("KEY", KEY)
        .env("DATABASE", database.url())
        .env("BARE", setup.bare_django.to_string())
        .env("BLACKLIST", mode.has_blacklist.to_string())
        .env("ROTATE", mode.rotates.to_string());
    if let Some(hasher) = mode.hasher {
        command.env("HASHER", hasher.class);
    }
    command
}
