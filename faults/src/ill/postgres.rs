//! What can befall a PostgreSQL server: each is done to a real one, or to the way there.

use super::Patient;
use super::held::{Held, SmallDisk};
use super::proxy::{Proxy, Way};
use super::table::Failing;
use crate::databases::Sql as _;
use crate::run::Run;
use anyhow::{Context as _, bail};
use std::fmt;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_postgres::{Client, NoTls};
use xtask::database::Database;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Illness {
    /// Killed; nobody listens on its port.
    Gone,
    /// The server lets nobody in, and ends who is.
    LogInsRefused,
    /// All its processes are stopped.
    Frozen,
    ReadOnly,
    DiskFull,
    /// Others hold every connection it has.
    NoConnectionLeft,
    /// Every statement waits for a lock, until all our connections wait.
    TablesLocked,
    /// One change in three is undone.
    ChangesUndone,
    /// Answers come two seconds late.
    Slow,
    /// Connections are accepted and closed.
    Closing,
}

/// Those that befall the server itself, and those on the way.
pub(super) const AT_THE_SERVER: [Illness; 8] = [
    Illness::Gone,
    Illness::LogInsRefused,
    Illness::Frozen,
    Illness::ReadOnly,
    Illness::DiskFull,
    Illness::NoConnectionLeft,
    Illness::TablesLocked,
    Illness::ChangesUndone,
];
pub(super) const ON_THE_WAY: [Illness; 2] = [Illness::Slow, Illness::Closing];

impl fmt::Display for Illness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gone => "gone",
            Self::LogInsRefused => "log-ins refused",
            Self::Frozen => "frozen",
            Self::ReadOnly => "read-only",
            Self::DiskFull => "disk full",
            Self::NoConnectionLeft => "connections used up",
            Self::TablesLocked => "tables locked",
            Self::ChangesUndone => "changes undone",
            Self::Slow => "slow",
            Self::Closing => "connections closed",
        })
    }
}

const LATE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(20);
const DISK: &str = "small";
const DISK_MEGABYTES: usize = 256;

const END_OTHERS: &str =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tokenpair'";
const LOCK: &str = "BEGIN; SET idle_in_transaction_session_timeout = 0;
    LOCK TABLE auth_user, token_blacklist_outstandingtoken, token_blacklist_blacklistedtoken, tokenpair_rotation
    IN ACCESS EXCLUSIVE MODE";
/// Every change of the tokens meets it; of three, one is undone, as one in the way or as part of a deadlock.
const UNDO: &str = "CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE chance real := random(); BEGIN
        IF chance < 0.17 THEN RAISE 'in the way' USING ERRCODE = '40001'; END IF;
        IF chance < 0.33 THEN RAISE 'deadlock' USING ERRCODE = '40P01'; END IF;
        RETURN NULL; END $$;
    CREATE TRIGGER undo AFTER INSERT ON token_blacklist_outstandingtoken FOR EACH STATEMENT EXECUTE FUNCTION undo()";
const UNDO_NO_MORE: &str =
    "DROP TRIGGER undo ON token_blacklist_outstandingtoken; DROP FUNCTION undo()";
/// Tokens of nobody, to be blacklisted below.
const SPARE: &str =
    "INSERT INTO token_blacklist_outstandingtoken (jti, token, created_at, expires_at)
    SELECT '!' || gen_random_uuid(), '', now(), now() + '1 day' FROM generate_series(1, 2000)";
const USE_UP_TOKENS: &str =
    "INSERT INTO token_blacklist_outstandingtoken (jti, token, created_at, expires_at)
    VALUES ('used' || gen_random_uuid(), '', now(), now() + '1 day')";
const USE_UP_BLACKLIST: &str =
    "INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
    SELECT now(), id FROM token_blacklist_outstandingtoken o WHERE jti LIKE '!%'
    AND NOT EXISTS (SELECT 1 FROM token_blacklist_blacklistedtoken WHERE token_id = o.id) LIMIT 1";
/// So many refusals in a row are the end.
const REFUSED: usize = 5;
/// For those who may not mount a small disk: what the server says of a full one.
const REFUSE: &str = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON token_blacklist_outstandingtoken EXECUTE FUNCTION refuse();
    CREATE TRIGGER refuse BEFORE INSERT ON token_blacklist_blacklistedtoken EXECUTE FUNCTION refuse()";
const REFUSE_NO_MORE: &str = "DROP FUNCTION refuse() CASCADE";

/// A database of our own server, what is before it and below it, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Cluster {
    name: String,
    pub(super) database: Database,
    /// All databases of the server.
    server: Database,
    pub(super) proxy: Proxy,
    /// Why there is none, where nobody may mount one.
    disk: Result<SmallDisk, String>,
    frozen: Option<Held>,
    /// Connections that we hold.
    held: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    client: Client,
    _task: JoinHandle<()>,
}

impl Cluster {
    pub(super) async fn new(run: &mut Run, database: Database) -> anyhow::Result<Self> {
        let Database::Postgres(url) = &database else {
            bail!("this is no PostgreSQL");
        };
        let (address, name) = url.rsplit_once('/').context("an address with a name")?;
        let (_, host) = address.rsplit_once('@').context("an address with a host")?;
        let proxy = Proxy::before(host.to_owned()).await?;
        let mut cluster = Self {
            name: name.to_owned(),
            server: Database::Postgres(format!("{address}/postgres")),
            proxy,
            disk: Err(String::new()),
            frozen: None,
            held: Vec::new(),
            database,
        };
        let disk = cluster.move_to_small_disk(run).await;
        cluster.disk = disk.map_err(|error| format!("{error:#}"));
        Ok(cluster)
    }

    /// The database by way of the proxy.
    pub(super) fn by_proxy(&self) -> Database {
        let url = self.database.url();
        let (credentials, _) = url.rsplit_once('@').unwrap_or((&url, ""));
        let (proxy, name) = (self.proxy.address, &self.name);
        Database::Postgres(format!("{credentials}@{proxy}/{name}"))
    }

    /// How a full disk is made.
    pub(super) fn disk(&self) -> String {
        match &self.disk {
            Ok(_) => "a small one, mounted and filled".to_owned(),
            Err(reason) => format!("SQLSTATE 53100 from a trigger, as {reason}"),
        }
    }

    /// Takes the database off the small disk, which a server that is started later would miss.
    pub(super) async fn discharge(mut self) -> anyhow::Result<()> {
        self.frozen = None;
        self.held.clear();
        self.administer(&format!("DROP DATABASE {} WITH (FORCE)", self.name))
            .await?;
        if self.disk.is_ok() {
            self.administer(&format!("DROP TABLESPACE {DISK}")).await?;
        }
        // Nor may its log of changes lead there.
        self.administer("CHECKPOINT").await
    }

    async fn move_to_small_disk(&self, run: &mut Run) -> anyhow::Result<SmallDisk> {
        let disk = SmallDisk::new(DISK, DISK_MEGABYTES)?;
        disk.give_to_owner_of(run.postgres()?.folder())?;
        let (name, folder) = (&self.name, disk.folder.display());
        self.administer(&format!("CREATE TABLESPACE {DISK} LOCATION '{folder}'"))
            .await?;
        self.administer(&format!("ALTER DATABASE {name} SET TABLESPACE {DISK}"))
            .await?;
        Ok(disk)
    }

    async fn administer(&self, sql: &str) -> anyhow::Result<()> {
        self.server.query(sql).await.map(drop)
    }

    async fn set_read_only(&self, read_only: &str) -> anyhow::Result<()> {
        let sql = format!("ALTER SYSTEM SET default_transaction_read_only = {read_only}");
        // The system itself can be altered all the same.
        self.administer(&sql).await?;
        self.administer("SELECT pg_reload_conf()").await?;
        let shown = "SHOW default_transaction_read_only";
        while self.server.query(shown).await? != [[read_only]] {
            sleep(POLL).await;
        }
        Ok(())
    }

    async fn let_in(&self, whether: bool) -> anyhow::Result<()> {
        let name = &self.name;
        let sql = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {whether}");
        self.administer(&sql).await
    }

    /// Where the disk is full, a table and its indexes still have room in their last pages.
    async fn use_up_pages(&self) -> anyhow::Result<()> {
        let Connection { client, .. } = connect(&self.database).await?;
        client.batch_execute("SET synchronous_commit = off").await?;
        for sql in [USE_UP_TOKENS, USE_UP_BLACKLIST] {
            let mut refused = 0;
            while refused < REFUSED {
                match client.execute(sql, &[]).await {
                    Ok(0) => bail!("the tokens are used up before the pages"),
                    Ok(_) => refused = 0,
                    Err(_) => refused += 1,
                }
            }
        }
        Ok(())
    }

    /// Takes what there is, and what others have is ended and taken as well.
    async fn take_all_connections(&mut self) -> anyhow::Result<()> {
        let all = self.server.number("SHOW max_connections").await?;
        while self.held.len() < all {
            match connect(&self.server).await {
                Ok(connection) => self.held.push(connection),
                Err(_) => self.end_others().await?,
            }
        }
        Ok(())
    }

    async fn end_others(&self) -> anyhow::Result<()> {
        let ours = self.held.first().context("no connection is to be had")?;
        let ended = ours.client.query(END_OTHERS, &[]).await?;
        if ended.is_empty() {
            // One of them is about to come in.
            sleep(POLL).await;
        }
        Ok(())
    }
}

impl Patient for Cluster {
    type Illness = Illness;

    fn failing(illness: Illness) -> Failing {
        match illness {
            Illness::Gone
            | Illness::LogInsRefused
            | Illness::NoConnectionLeft
            | Illness::Closing => Failing::Everything,
            Illness::Frozen => Failing::ToSpeak,
            Illness::ReadOnly => Failing::Changes,
            Illness::DiskFull => Failing::MostChanges,
            Illness::TablesLocked => Failing::Tables,
            Illness::ChangesUndone => Failing::SomeChanges,
            Illness::Slow => Failing::Pace,
        }
    }

    async fn fall_ill(&mut self, run: &mut Run, with: Illness) -> anyhow::Result<()> {
        match with {
            Illness::Gone => run.postgres()?.kill()?,
            Illness::LogInsRefused => {
                self.let_in(false).await?;
                let sql = format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
                    self.name
                );
                self.administer(&sql).await?;
            }
            Illness::Frozen => self.frozen = Some(freeze(run)?),
            Illness::ReadOnly => self.set_read_only("on").await?,
            Illness::DiskFull => match &self.disk {
                Ok(disk) => {
                    self.database.query(SPARE).await?;
                    disk.fill()?;
                    self.use_up_pages().await?;
                }
                Err(_) => self.database.query(REFUSE).await.map(drop)?,
            },
            Illness::NoConnectionLeft => self.take_all_connections().await?,
            Illness::TablesLocked => {
                let locker = connect(&self.database).await?;
                locker.client.batch_execute(LOCK).await?;
                self.held.push(locker);
            }
            Illness::ChangesUndone => self.database.query(UNDO).await.map(drop)?,
            Illness::Slow => self.proxy.set(Way::Slow(LATE)),
            Illness::Closing => self.proxy.set(Way::Closed),
        }
        Ok(())
    }

    async fn get_well(&mut self, run: &mut Run, from: Illness) -> anyhow::Result<()> {
        match from {
            Illness::Gone => run.restart_postgres()?,
            Illness::LogInsRefused => self.let_in(true).await?,
            Illness::Frozen => self.frozen = None,
            Illness::ReadOnly => self.set_read_only("off").await?,
            Illness::DiskFull => match &self.disk {
                Ok(disk) => disk.clear()?,
                Err(_) => self.database.query(REFUSE_NO_MORE).await.map(drop)?,
            },
            Illness::NoConnectionLeft | Illness::TablesLocked => self.held.clear(),
            Illness::ChangesUndone => self.database.query(UNDO_NO_MORE).await.map(drop)?,
            Illness::Slow => {
                self.proxy.set(Way::Open);
                // What is under way is as late as it was.
                sleep(LATE).await;
            }
            Illness::Closing => self.proxy.set(Way::Open),
        }
        Ok(())
    }
}

async fn connect(database: &Database) -> anyhow::Result<Connection> {
    let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await?;
    let task = tokio::spawn(async move {
        // Whoever uses it is told.
        let _ = connection.await;
    });
    Ok(Connection {
        client,
        _task: task,
    })
}

/// Stops the server's first process, which can then start no others, and the others.
fn freeze(run: &mut Run) -> anyhow::Result<Held> {
    let server = run.postgres()?.id().context("there is no server")?;
    // One of them may have ended meanwhile.
    let others = format!("$(cat /proc/{server}/task/{server}/children) || true");
    Held::new(
        &format!("kill -STOP {server} && {{ kill -STOP {others}; }}"),
        &format!("kill -CONT {server}; kill -CONT {others}"),
    )
}
