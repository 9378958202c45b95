//! A PostgreSQL server of our own for tests, with PgBouncer before it: private folder, free ports, gone afterwards.

use crate::check::Trouble;
use crate::packages;
use crate::process::{free_port, output, signal};
use crate::project::Project;
use crate::vitals;
use std::ffi::OsStr;
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Where Debian puts what is not for everybody's path, one folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";
const POSTGRES_PACKAGES: &str = "postgresql";
const POOLER_PACKAGES: &str = "pgbouncer";
const CERTIFICATES: &str = "crates/tokenpair/tests/vectors/postgres";

const USER: &str = "tokenpair";
const PASSWORD: &str = "for-tests-only";
/// Who runs the servers when we are root, which they refuse to be.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// How long the server may take to start. Its first start is the creation of its files, which is not counted.
const START: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// The servers; they end when this is dropped, or with the thread that started them.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    binaries: PathBuf,
    port: u16,
    pooler_port: u16,
    server: Option<Child>,
    pooler: Option<Child>,
}

impl Postgres {
    /// Installs what is missing, makes a cluster and starts the server. Durability is on.
    pub fn start(project: &Project) -> Result<Self, Trouble> {
        // A Unix socket's path must be short, and the account below must get there.
        let folder = PathBuf::from(format!("/tmp/tokenpair-postgres-{}", std::process::id()));
        let mut servers = Self {
            folder,
            binaries: binaries(project)?,
            port: free_port()?,
            pooler_port: free_port()?,
            server: None,
            pooler: None,
        };
        servers.prepare(project)?;
        servers.create_cluster(project)?;
        servers.start_server(project)?;
        Ok(servers)
    }

    /// Kills the server and all its processes at once, as a crash of the machine would. Returns when they are gone.
    pub fn kill(&mut self) -> Result<(), Trouble> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        // Or it would start another process while we count them, and no server starts beside one that was left behind.
        signal("STOP", &[server.id()])?;
        let processes = vitals::tree(server.id());
        signal("KILL", &processes)?;
        server.wait()?;
        while processes.iter().any(|process| vitals::is_alive(*process)) {
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Starts the server again after [`Self::kill`], on its port and its files, and waits until it takes connections.
    pub fn restart(&mut self, project: &Project) -> Result<(), Trouble> {
        self.start_server(project)
    }

    /// The first of the server's processes, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// Where its files are. It belongs to the account that the server runs as.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the tests look for in the environment.
    pub(crate) fn variables(&self) -> [(&'static str, String); 2] {
        [
            ("TEST_POSTGRES", self.url("postgres")),
            ("TEST_PGBOUNCER", address(self.pooler_port, "postgres")),
        ]
    }

    /// Where a database of the server is, with the superuser's name and password.
    pub fn url(&self, database: &str) -> String {
        address(self.port, database)
    }

    /// The folder with what the servers read, for no other account.
    fn prepare(&self, project: &Project) -> Result<(), Trouble> {
        let folder = &self.folder;
        fs::create_dir(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        fs::write(folder.join("password"), PASSWORD)?;
        for name in ["server.pem", "server.key"] {
            let file = folder.join(name);
            fs::copy(project.root.join(CERTIFICATES).join(name), &file)?;
            fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
        }
        fs::write(folder.join("users"), format!("\"{USER}\" \"{PASSWORD}\"\n"))?;
        fs::write(folder.join("pgbouncer.ini"), self.pooler_settings())?;
        if let Some(account) = account(project) {
            let mut chown = project.command("chown", "-R");
            output(chown.arg(account).arg(folder))?;
        }
        Ok(())
    }

    fn pooler_settings(&self) -> String {
        format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {}\n\
             unix_socket_dir =\nauth_type = plain\nauth_file = {}\npool_mode = transaction\nmax_client_conn = 1000\n\
             default_pool_size = 4\n",
            self.port,
            self.pooler_port,
            self.folder.join("users").display()
        )
    }

    fn create_cluster(&self, project: &Project) -> Result<(), Trouble> {
        let mut initdb = unprivileged(project, self.binaries.join("initdb"));
        initdb.args(["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"]);
        initdb.arg(format!("--username={USER}"));
        initdb.arg(named("--pwfile=", &self.folder.join("password")));
        initdb.arg(named("--pgdata=", &self.folder.join("data")));
        output(&mut initdb).map(drop)
    }

    fn start_server(&mut self, project: &Project) -> Result<(), Trouble> {
        let mut server = unprivileged(project, self.binaries.join("postgres"));
        server.arg("-D").arg(self.folder.join("data"));
        for setting in [
            format!("port={}", self.port),
            format!("unix_socket_directories={}", self.folder.display()),
            format!("ssl_cert_file={}", self.folder.join("server.pem").display()),
            format!("ssl_key_file={}", self.folder.join("server.key").display()),
            "ssl=on".to_owned(),
            "listen_addresses=127.0.0.1".to_owned(),
            "max_connections=400".to_owned(),
            "max_wal_size=4GB".to_owned(),
        ] {
            server.args(["-c", &setting]);
        }
        self.server = Some(self.spawn(server, "postgres", self.port)?);
        self.await_connections()
    }

    /// The port is open before the database may be used: after a crash it reads its log first.
    fn await_connections(&self) -> Result<(), Trouble> {
        let ready = self.binaries.join("pg_isready");
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            let mut ready = Command::new(&ready);
            ready.args(["--quiet", "--host=127.0.0.1", "--timeout=1"]);
            let status = ready.arg(format!("--port={}", self.port)).status()?;
            if status.success() {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err(Trouble::Failed("postgres takes no connections".to_owned()))
    }

    /// Installs and starts PgBouncer in transaction mode before the server.
    pub(crate) fn start_pooler(&mut self, project: &Project) -> Result<(), Trouble> {
        packages::program(project, "pgbouncer", POOLER_PACKAGES)?;
        let mut pooler = unprivileged(project, "pgbouncer");
        pooler.arg(self.folder.join("pgbouncer.ini"));
        self.pooler = Some(self.spawn(pooler, "pgbouncer", self.pooler_port)?);
        Ok(())
    }

    /// Starts a server, which talks into a file, and waits for its port.
    fn spawn(&self, mut command: Command, name: &str, port: u16) -> Result<Child, Trouble> {
        let log = self.folder.join(format!("{name}.log"));
        let file = fs::File::options().create(true).append(true).open(&log)?;
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        let mut child = command.spawn()?;
        let deadline = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if child.try_wait()?.is_some() || Instant::now() > deadline {
                let told = fs::read_to_string(&log).unwrap_or_default();
                stop(&mut child);
                return Err(Trouble::Failed(format!("{name} does not start: {told}")));
            }
            thread::sleep(POLL);
        }
        Ok(child)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        for child in [&mut self.pooler, &mut self.server].into_iter().flatten() {
            stop(child);
        }
        // What cannot be deleted is a file in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn address(port: u16, database: &str) -> String {
    format!("postgres://{USER}:{PASSWORD}@localhost:{port}/{database}")
}

/// SIGINT: both servers end at once and in order.
fn stop(child: &mut Child) {
    let _ = signal("INT", &[child.id()]);
    let _ = child.wait();
}

/// The folder with `initdb` and `postgres`, the newest there is.
pub(crate) fn binaries(project: &Project) -> Result<PathBuf, Trouble> {
    let find = || {
        let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = versions
            .map(|version| version.path().join("bin"))
            .filter(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
            .collect();
        folders.sort();
        folders.pop()
    };
    if let Some(folder) = find() {
        return Ok(folder);
    }
    packages::install(project, POSTGRES_PACKAGES);
    find().ok_or_else(|| {
        Trouble::Skipped(format!(
            "needs PostgreSQL's server, of Debian's {POSTGRES_PACKAGES}"
        ))
    })
}

/// A command that is not run as root, and does not outlive us.
fn unprivileged(project: &Project, program: impl AsRef<OsStr>) -> Command {
    let mut command = project.command("setpriv", "--pdeathsig INT");
    if let Some(account) = account(project) {
        command.args(["--reuid", account, "--regid", account, "--clear-groups"]);
    }
    command.arg("--").arg(program).current_dir("/");
    command
}

/// The account for the servers; `None` where we are no superuser.
fn account(project: &Project) -> Option<&'static str> {
    let id = |name: &str| {
        output(
            project
                .command("id", "-u")
                .args(Some(name).filter(|name| !name.is_empty())),
        )
    };
    let is_root = id("").is_ok_and(|id| id.trim() == "0");
    let mut accounts = ACCOUNTS.into_iter();
    accounts.find(|name| is_root && id(name).is_ok())
}

fn named(option: &str, path: &Path) -> String {
    format!("{option}{}", path.display())
}
