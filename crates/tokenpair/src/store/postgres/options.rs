//! Where the database is and how to reach it: a `postgres://` address as libpq reads it, and our own limits.

use super::super::UserModel;
use super::pool::Access;
use super::tls::{Roots, Tls, Verification};
use crate::error::StoreError;
use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::str::FromStr as _;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

/// A connection that went dead without a word is noticed after so long, even if nobody asks anything.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Plans are made once for a connection, perhaps when the tables are empty, and each statement looks a few rows up: a plan
/// that reads a table from its beginning would be kept while the table grows.
const PLANS: &str = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off";
/// What tokio-postgres has instead, unless the address says otherwise.
const USUAL_KEEPALIVE: Duration = Duration::from_secs(2 * 60 * 60);
/// A transaction of ours that a frozen node left open must not keep its locks.
const IDLE_TRANSACTION_MILLIS: u32 = 10_000;
const REDACTED: &str = "[redacted]";

/// How to reach a [`PostgresStore`](super::PostgresStore). `Debug` does not show the password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresOptions {
    /// Where users live. Default: `auth_user`.
    pub user_model: UserModel,
    /// Whether tokens are recorded here. Default true. If not, the tables of blacklist and rotation are neither made
    /// nor missed by [`migrate`](super::PostgresStore::migrate), and the verbs of [`TokenStore`](super::TokenStore) may
    /// fail for want of them: give the engine the store as its
    /// [`user_table`](crate::SimpleJwtBuilder::user_table) only.
    pub token_blacklist: bool,
    /// Connections at most, each a process of the server. Default 8, from 2 to 10000: one may be busy with expired tokens.
    pub max_connections: usize,
    /// How long to wait for a free connection, and for a new one to be made. Default 1 s, from 100 ms to 60 s.
    pub acquire_timeout: Duration,
    /// How long the server may work on one statement. Half a second later it is taken for silent. Default 2 s, from
    /// 100 ms to 60 s.
    pub statement_timeout: Duration,
    /// Whether statements are prepared once for each connection, and the session is set up to our needs. Default true.
    ///
    /// To be switched off behind a pooler that changes connections between transactions (PgBouncer with
    /// `pool_mode = transaction`). `statement_timeout` is then the client's alone; give the role one with
    /// `ALTER ROLE … SET statement_timeout`.
    pub prepared_statements: bool,
    pub(super) config: Config,
    pub(super) tls: Tls,
    redacted_url: String,
}

impl PostgresOptions {
    /// What [`max_connections`](Self::max_connections) may be: a flush holds one, requests need another, and no server
    /// takes more.
    pub const CONNECTIONS: RangeInclusive<usize> = 2..=10_000;

    /// What [`acquire_timeout`](Self::acquire_timeout) and [`statement_timeout`](Self::statement_timeout) may be: less
    /// is not enough for a commit on a busy disk, more is longer than anybody waits for an answer.
    pub const TIMEOUTS: RangeInclusive<Duration> =
        Duration::from_millis(100)..=Duration::from_secs(60);

    /// From `postgres://USER:PASSWORD@HOST:PORT/DATABASE?PARAMETERS`. The parameters are libpq's: `sslmode` (`disable`,
    /// `prefer`, `require`, `verify-ca`, `verify-full`), `sslrootcert` (a file, or `system`), `host=/folder` for a Unix
    /// socket, `application_name`, `target_session_attrs`, `options`, and what else tokio-postgres knows.
    ///
    /// `sslmode=require` encrypts and trusts any certificate, unless `sslrootcert` names one; `verify-full` is what
    /// keeps others out. Hosts may be a list, `HOST:PORT,HOST:PORT`: the first that can be written to is taken, unless
    /// `target_session_attrs` says otherwise. A standby is refused in any case, except one that
    /// is named alone and opened by [`open_read_only`](super::PostgresStore::open_read_only).
    pub fn from_url(url: &str) -> Result<Self, StoreError> {
        let address = Address::split(url)?;
        let (config, tls) = address.read()?;
        Ok(Self {
            user_model: UserModel::default(),
            token_blacklist: true,
            max_connections: 8,
            acquire_timeout: Duration::from_secs(1),
            statement_timeout: Duration::from_secs(2),
            prepared_statements: true,
            config,
            tls,
            redacted_url: address.redacted(),
        })
    }

    /// The database's name, which is the role's unless the address says otherwise.
    pub fn database(&self) -> &str {
        let user = self.config.get_user().unwrap_or_default();
        self.config.get_dbname().unwrap_or(user)
    }

    /// The same server and role, and another of its databases.
    pub fn in_database(&self, name: &str) -> Self {
        let mut options = self.clone();
        options.config.dbname(name);
        options.redacted_url = options.address();
        options
    }

    /// The address as it was given, with "\[redacted\]" in place of a password.
    pub fn redacted_url(&self) -> &str {
        &self.redacted_url
    }

    /// Whether nobody on a network can stand in for the server: it has to prove its name with a certificate
    /// (`sslmode=verify-full`), or it is on this machine.
    pub fn is_protected(&self) -> bool {
        self.tls.verification == Verification::ChainAndName
            || self.config.get_hosts().iter().all(is_local)
    }

    /// The address without password and parameters, for messages.
    pub fn address(&self) -> String {
        let ports = self.config.get_ports();
        let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        let hosts = self.config.get_hosts().iter().enumerate();
        let hosts: Vec<String> = hosts
            .map(|(index, host)| match host {
                Host::Tcp(name) => format!("{name}:{}", port(index)),
                #[cfg(unix)]
                Host::Unix(folder) => folder.display().to_string(),
            })
            .collect();
        let user = self.config.get_user().unwrap_or_default();
        format!("postgres://{user}@{}/{}", hosts.join(","), self.database())
    }

    /// Whether a store can work within these limits.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if !Self::CONNECTIONS.contains(&self.max_connections) {
            return Err(StoreError::new("max_connections must be from 2 to 10000"));
        }
        for (name, timeout) in [
            ("acquire_timeout", self.acquire_timeout),
            ("statement_timeout", self.statement_timeout),
        ] {
            if !Self::TIMEOUTS.contains(&timeout) {
                let error = format!("{name} must be from 100 ms to 60 s");
                return Err(StoreError::new(error));
            }
        }
        Ok(())
    }

    /// The configuration of every connection.
    pub(super) fn session(&self, access: Access) -> Config {
        let mut config = self.config.clone();
        if config.get_application_name().is_none() {
            config.application_name("tokenpair");
        }
        if config.get_keepalives_idle() == USUAL_KEEPALIVE {
            config.keepalives_idle(KEEPALIVE);
        }
        if config.get_connect_timeout().is_none() {
            // The first host of a list may have gone, and the others want their turn.
            let hosts = u32::try_from(config.get_hosts().len()).unwrap_or(1);
            config.connect_timeout(self.acquire_timeout / hosts.max(1));
        }
        if self.prepared_statements {
            let ours = format!(
                "-c statement_timeout={} -c idle_in_transaction_session_timeout={IDLE_TRANSACTION_MILLIS} \
                 -c default_transaction_isolation=read\\ committed -c TimeZone=UTC {PLANS}",
                self.statement_timeout.as_millis()
            );
            // The later one counts, and that is the operator's.
            let theirs = config.get_options().unwrap_or_default();
            // A server that takes no changes in this session would be passed over like a standby.
            let takes_any = config.get_target_session_attrs() == TargetSessionAttrs::Any;
            let access = match access {
                Access::ReadOnly if takes_any => "-c default_transaction_read_only=on",
                Access::ReadOnly | Access::ReadWrite => "",
            };
            let options = format!("{ours} {theirs} {access}");
            config.options(options.trim_end());
        }
        config
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// An address cut into what tokio-postgres reads and what it does not know.
struct Address<'a> {
    before: String,
    shown: String,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Address<'a> {
    fn split(url: &'a str) -> Result<Self, StoreError> {
        let place = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .ok_or_else(|| StoreError::new("a PostgreSQL address begins with postgres://"))?;
        // A question mark may stand in a password, as in libpq.
        let (credentials, place) = match place.rsplit_once('@') {
            Some((credentials, place)) => (format!("{credentials}@"), place),
            None => (String::new(), place),
        };
        if credentials.matches('@').count() > 1 {
            return Err(StoreError::new(
                "the database address has more than one @: in a user name or password it is written %40",
            ));
        }
        let (host, query) = place.split_once('?').unwrap_or((place, ""));
        let shown = match credentials.split_once(':') {
            Some((user, _)) => format!("{user}:{REDACTED}@"),
            None => credentials.clone(),
        };
        let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
        Ok(Self {
            before: format!("postgres://{credentials}{host}"),
            shown: format!("postgres://{shown}{host}"),
            parameters: parameters
                .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
                .collect(),
        })
    }

    fn redacted(&self) -> String {
        let parameters = self.parameters.iter().map(|(name, value)| {
            let value = if *name == "password" { REDACTED } else { value };
            format!("{name}={value}")
        });
        let parameters: Vec<String> = parameters.collect();
        let separator = if parameters.is_empty() { "" } else { "?" };
        format!("{}{separator}{}", self.shown, parameters.join("&"))
    }

    fn read(&self) -> Result<(Config, Tls), StoreError> {
        let (ours, theirs): (Vec<_>, Vec<_>) = self
            .parameters
            .iter()
            .partition(|(name, _)| ["sslmode", "sslrootcert"].contains(name));
        let theirs: Vec<String> = theirs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut config =
            Config::from_str(&format!("{}?{}", self.before, theirs.join("&"))).map_err(refused)?;
        if config.get_hosts().is_empty() {
            return Err(StoreError::new(
                "the database address names no host: postgres://USER:PASSWORD@HOST/DATABASE, \
                 or ?host=/FOLDER for a Unix socket",
            ));
        }
        let is_chosen = theirs
            .iter()
            .any(|parameter| parameter.starts_with("target_session_attrs="));
        if config.get_hosts().len() > 1 && !is_chosen {
            // All but one of them are standbys, whose answers may be old.
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        let value = |wanted: &str| {
            let mut found = ours.iter().filter(|(name, _)| *name == wanted);
            let (_, value) = found.next_back()?;
            Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
        };
        let (mode, tls) = tls(value("sslmode").as_deref(), value("sslrootcert").as_deref())?;
        config.ssl_mode(mode);
        Ok((config, tls))
    }
}

/// What tokio-postgres says of an address: names of parameters, never their values.
fn refused(error: tokio_postgres::Error) -> StoreError {
    let reason = error.into_source().map(|reason| reason.to_string());
    StoreError::new(format!(
        "the database address is not understood: {}",
        reason.unwrap_or_default()
    ))
}

fn tls(mode: Option<&str>, root: Option<&str>) -> Result<(SslMode, Tls), StoreError> {
    let roots = match root {
        None | Some("system") => Roots::System,
        Some(file) => Roots::File(file.into()),
    };
    let (mode, verification) = match (mode.unwrap_or("prefer"), root) {
        ("verify-full", _) => (SslMode::Require, Verification::ChainAndName),
        ("verify-ca", _) | ("require", Some(_)) => (SslMode::Require, Verification::Chain),
        ("require", None) => (SslMode::Require, Verification::Nothing),
        ("disable" | "prefer", Some(_)) => {
            return Err(StoreError::new(
                "sslrootcert has no effect without sslmode=verify-full or sslmode=verify-ca",
            ));
        }
        ("prefer", None) => (SslMode::Prefer, Verification::Nothing),
        ("disable", None) => (SslMode::Disable, Verification::Nothing),
        _ => {
            return Err(StoreError::new(
                "sslmode is one of disable, prefer, require, verify-ca, verify-full",
            ));
        }
    };
    Ok((
        mode,
        Tls {
            verification,
            roots,
        },
    ))
}

#[cfg(test)]
mod tests;
