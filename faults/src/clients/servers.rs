//! The servers that the clients are played with: tokenpair, and Simple JWT itself.

use super::LIFETIME;
use super::scenario::{Mode, Scenario};
use crate::client::{Client, Outcome};
use crate::databases;
use crate::nodes::{GRACE, Node, STRICT};
use crate::run::Run;
use anyhow::{bail, ensure};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tokio::time::sleep;
use xtask::database::Store;
use xtask::process::{bound, free_port, signal};
use xtask::python;

/// How long a Django may take to make its database and answer.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
/// `databases::PASSWORD`. Hashing is not the subject, and takes no time.
const ENCODED: &str = "md5$tokenpair$0372dc0f25b43a471687cc78cf5803a9";

/// One implementation, as a server for each of its modes.
#[derive(Debug)]
pub(super) struct Servers {
    pub(super) name: &'static str,
    /// Scenarios that chance writes for it, in the whole and in the short form.
    pub(super) written: (usize, usize),
    /// How many scenarios are played at a time: they wait more than they compute.
    pub(super) at_once: usize,
    /// How many requests are under way at a time, of all scenarios: a token should not end while it waits for the processor.
    pub(super) requests: u32,
    addresses: BTreeMap<Mode, SocketAddr>,
    /// Whether the user can be changed.
    has_writes: bool,
    _processes: (Vec<Node>, Vec<Django>),
}

impl Servers {
    pub(super) async fn tokenpair(run: &mut Run) -> anyhow::Result<Self> {
        let database = databases::fresh(run, Store::Sqlite, 1).await?;
        let lifetime = format!("{}s", LIFETIME.as_secs());
        let mut nodes = Vec::new();
        let mut addresses = BTreeMap::new();
        for (mode, settings) in [
            (Mode::Plain, &[][..]),
            (Mode::Strict, STRICT),
            (Mode::Grace, GRACE),
        ] {
            let settings = [settings, &[("ACCESS_TOKEN_LIFETIME", &lifetime)]].concat();
            let node = Node::start(run, &database, &settings).await?;
            addresses.insert(mode, node.address());
            nodes.push(node);
        }
        Ok(Self {
            name: "tokenpair",
            written: (1000, 60),
            at_once: 40,
            requests: 100,
            addresses,
            has_writes: true,
            _processes: (nodes, Vec::new()),
        })
    }

    /// It cannot repeat a rotation, and takes some milliseconds for a request.
    pub(super) async fn simple_jwt(run: &Run) -> anyhow::Result<Self> {
        let mut djangos = Vec::new();
        let mut addresses = BTreeMap::new();
        for (mode, rotates) in [(Mode::Plain, false), (Mode::Strict, true)] {
            let django = Django::start(run, rotates).await?;
            addresses.insert(mode, django.address);
            djangos.push(django);
        }
        Ok(Self {
            name: "Simple JWT",
            written: (100, 0),
            at_once: 10,
            requests: 50,
            addresses,
            has_writes: false,
            _processes: (Vec::new(), djangos),
        })
    }

    /// The server that can play it, if one can.
    pub(super) fn of(&self, scenario: &Scenario) -> Option<SocketAddr> {
        let address = self.addresses.get(&scenario.server).copied();
        address.filter(|_| self.has_writes || scenario.only_reads())
    }
}

/// The reference of the conformance suite, with the user that the fault programs know.
#[derive(Debug)]
struct Django {
    address: SocketAddr,
    process: Child,
}

impl Django {
    async fn start(run: &Run, rotates: bool) -> anyhow::Result<Self> {
        let port = free_port()?;
        let name = format!("django-{port}");
        let profile = run.folder().join(format!("{name}.json"));
        fs::write(&profile, profile_of(rotates).to_string())?;
        let folder = run.project.root.join("conformance/reference");
        let log = File::create(run.logs().join(format!("{name}.log")))?;
        let process = bound(python::environment(&run.project, python::REFERENCE)?)
            .arg("serve.py")
            .arg(profile)
            .arg(port.to_string())
            .arg(run.folder().join(format!("{name}.sqlite3")))
            .current_dir(folder)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut django = Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            process,
        };
        django.await_ready().await?;
        Ok(django)
    }

    async fn await_ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut client = Client::new(self.address);
        loop {
            let answer = client.get("/api/open/").await;
            if matches!(answer, Outcome::Answered(answer) if answer.status.is_success()) {
                return Ok(());
            }
            let ended = self.process.try_wait()?;
            ensure!(
                ended.is_none(),
                "Django does not start: its log is in target/faults"
            );
            if Instant::now() > deadline {
                bail!("Django is not ready");
            }
            sleep(POLL).await;
        }
    }
}

impl Drop for Django {
    fn drop(&mut self) {
        // It has workers, which it ends itself.
        let _ = signal("TERM", &[self.process.id()]);
        let _ = self.process.wait();
    }
}

/// What `conformance/reference/serve.py` is configured by.
fn profile_of(rotates: bool) -> serde_json::Value {
    json!({
        "simple_jwt": {
            "ACCESS_TOKEN_LIFETIME": LIFETIME.as_secs(),
            "ROTATE_REFRESH_TOKENS": rotates,
            "BLACKLIST_AFTER_ROTATION": rotates,
        },
        "blacklist_app": true,
        "simplejwt_app": true,
        "user_model": "auth.User",
        "debug": false,
        "secret_key": "the fault programs' key, which Django shares with nobody",
        "locale_middleware": false,
        "language_code": "en-us",
        "hashers": ["MD5PasswordHasher"],
        "users": [{
            "id": 1,
            "username": "user0",
            "encoded": ENCODED,
            "is_active": true,
            "is_staff": false,
            "is_superuser": false,
        }],
    })
}
