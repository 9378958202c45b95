//! `tokenpair serve`: the server, from an empty folder to a graceful stop.

use super::createuser::{self, Createuser};
use crate::Options;
use crate::app::App;
use crate::config::Config;
use crate::listener::{self, Limits};
use crate::output::{self, Failure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use tokenpair::SqliteStore;
use tokenpair::json::Value;
use tokenpair::store::Migration;
use tokio::net::TcpListener;
use tokio::signal;
use tracing_subscriber::EnvFilter;

/// Arguments of `serve`.
#[derive(Debug, Default, PartialEq, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenpair serve --demo\n  tokenpair serve --config tokenpair.toml --listen 0.0.0.0:8000"
)]
pub(crate) struct Serve {
    /// Address and port to listen on, also `TOKENPAIR_LISTEN` [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR:PORT", value_parser = super::arguments::address)]
    listen: Option<SocketAddr>,
    /// Try it out: a throw-away database, user "test" with password "test", nothing kept
    #[arg(long)]
    demo: bool,
}

/// User and password of `--demo`.
const DEMO_USER: &str = "test";

/// An account somebody should hear of.
struct FirstUser {
    username: &'static str,
    password: String,
}

impl Serve {
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        start_log(options);
        if self.demo && (options.config.is_some() || options.database.is_some()) {
            return Err(Failure::new(
                "--demo uses a database and settings of its own: leave out --config and --database",
            ));
        }
        // Held until the end: dropping it deletes the folder.
        let folder = if self.demo {
            Some(temporary_folder()?)
        } else {
            None
        };
        let mut config = match &folder {
            Some(folder) => Config::demo(folder.path(), self.listen)?,
            None => Config::load(options, self.listen)?,
        };
        let store = SqliteStore::open(config.database.clone()).await?;
        config.use_key_file()?;
        let jwt = super::engine(&config, &store)?;
        for warning in jwt.warnings() {
            tracing::warn!("{warning}");
        }
        let listener = bind(config.listen).await?;

        // Nothing may fail between here and the announcement: the first password is shown only there.
        let created = super::migrate(&store).await?;
        for step in &created {
            tracing::info!("created the tables of {step}");
        }
        let first_user = self
            .first_user(&config, &store, created.contains(&Migration::Auth))
            .await?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::new(error.to_string()))?;
        announce(options, address, first_user.as_ref());
        let app = App::new(jwt, store);
        let limits = Limits {
            max_body_bytes: config.settings.data_upload_max_memory_size,
            ..Limits::default()
        };
        let stop = app.clone();
        let shutdown = async move {
            stop_signal().await;
            tracing::info!("stopping: no new connections, requests in flight are finished");
            stop.stop();
        };
        let outcome = listener::serve(listener, app.service(self.demo), limits, shutdown).await;
        let listener::Outcome { accepted, aborted } = outcome;
        tracing::info!(connections = accepted, aborted, "stopped");
        Ok(())
    }
}

impl Serve {
    /// A server without users is no use: the demo gets `test`, a database that was just made a superuser.
    async fn first_user(
        &self,
        config: &Config,
        store: &SqliteStore,
        made: bool,
    ) -> Result<Option<FirstUser>, Failure> {
        if !made {
            return Ok(None);
        }
        let first = if self.demo {
            FirstUser {
                username: DEMO_USER,
                password: DEMO_USER.to_owned(),
            }
        } else {
            FirstUser {
                username: "admin",
                password: random_password()?,
            }
        };
        let user = Createuser::new(first.username, !self.demo);
        createuser::create(store, &config.settings, user, &first.password).await?;
        Ok(Some(first))
    }
}

fn start_log(options: &Options) {
    let filter =
        EnvFilter::try_from_env("TOKENPAIR_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    let log = log.with_ansi(std::io::stderr().is_terminal());
    // A second subscriber can only come from a test that started one itself.
    let _ = if options.json {
        log.json().try_init()
    } else {
        log.try_init()
    };
}

fn temporary_folder() -> Result<tempfile::TempDir, Failure> {
    tempfile::Builder::new()
        .prefix("tokenpair-demo-")
        .tempdir()
        .map_err(|error| Failure::new(format!("cannot make a temporary folder: {error}")))
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(format!(
            "cannot listen on {address}: {error}; choose another address with --listen ADDR:PORT"
        ))
    })
}

fn random_password() -> Result<String, Failure> {
    let mut bytes = [0; 15];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Failure::new("the system's random number generator failed"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Says where the server is and, for a new account, what to paste. The only place where its password is shown.
fn announce(options: &Options, address: SocketAddr, first_user: Option<&FirstUser>) {
    let base = format!("http://{address}");
    let Some(FirstUser { username, password }) = first_user else {
        return output::result(
            options,
            format!("tokenpair is listening on {base}"),
            [("listening", Value::from(base.as_str()))],
        );
    };
    let once = if *username == DEMO_USER {
        ""
    } else {
        "   (shown only now)"
    };
    let text = format!(
        r#"tokenpair is listening on {base}

  user      {username}
  password  {password}{once}

Try it:
  curl -s {base}/api/token/ -H 'Content-Type: application/json' -d '{{"username": "{username}", "password": "{password}"}}'
  curl -s {base}/api/me/ -H 'Authorization: Bearer <access>'
  curl -s {base}/api/token/refresh/ -H 'Content-Type: application/json' -d '{{"refresh": "<refresh>"}}'
"#
    );
    let fields = [
        ("listening", Value::from(base.as_str())),
        ("username", Value::from(*username)),
        ("password", Value::from(password.as_str())),
    ];
    output::result(options, text, fields);
}

/// SIGINT or SIGTERM.
async fn stop_signal() {
    #[cfg(unix)]
    {
        let terminate = signal::unix::signal(signal::unix::SignalKind::terminate());
        if let Ok(mut terminate) = terminate {
            tokio::select! {
                _ = signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = signal::ctrl_c().await;
}
