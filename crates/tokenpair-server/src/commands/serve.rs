//! `tokenpair serve`: the server, from an empty folder to a graceful stop.

mod announce;
mod reloading;

use super::createuser::{self, Createuser};
use super::flushexpiredtokens;
use crate::Options;
use crate::app::App;
use crate::config::{Config, Flags};
use crate::files;
use crate::health::Health;
use crate::listener::{self, Limits};
use crate::log::{self, Format};
use crate::middleware::Middleware;
use crate::output::Failure;
use crate::random;
use crate::reload::Reloadable;
use announce::FirstUser;
use reloading::Reloading;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokenpair::SqliteStore;
use tokenpair::store::Migration;
use tokio::net::TcpListener;
use tokio::signal;

/// Arguments of `serve`.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
#[command(
    after_help = "Examples:\n  tokenpair serve --demo\n  tokenpair serve --config tokenpair.toml --listen 0.0.0.0:8000"
)]
pub(crate) struct Serve {
    /// Address and port to listen on, also `TOKENPAIR_LISTEN` [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR:PORT", value_parser = super::arguments::address)]
    listen: Option<SocketAddr>,
    /// How to write the log, also `TOKENPAIR_LOG_FORMAT` [default: text, json with --json]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<Format>,
    /// Try it out: a throw-away database, user "test" with password "test", nothing kept
    #[arg(long)]
    demo: bool,
}

/// Users of `--demo` and their passwords: ours, then those that well-known tutorials print.
const DEMO_USERS: [(&str, &str); 3] = [
    ("test", "test"),
    ("user1", "yourpassword"),
    ("your_username", "your_password"),
];

/// The superuser of a new database.
const FIRST_USER: &str = "admin";

impl Serve {
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        if self.demo && (options.config.is_some() || options.database.is_some()) {
            return Err(Failure::new(
                "--demo uses a database and settings of its own: leave out --config and --database",
            ));
        }
        // Held until the end: dropping it deletes the folder, also when the start is interrupted.
        let folder = if self.demo {
            Some(files::temporary_folder()?)
        } else {
            None
        };
        let stop = stop_signal()?;
        tokio::pin!(stop);
        let started = tokio::select! {
            started = self.start(options, folder.as_ref().map(tempfile::TempDir::path)) => started?,
            () = &mut stop => return Ok(()),
        };
        started.serve(stop).await;
        Ok(())
    }

    async fn start(&self, options: &Options, demo: Option<&Path>) -> Result<Started, Failure> {
        let flags = Flags {
            listen: self.listen,
            log_format: self.log_format,
        };
        let mut config = match demo {
            Some(folder) => Config::demo(folder, &flags)?,
            None => Config::load(options, Some(&flags))?,
        };
        let otherwise = if options.json {
            Format::Json
        } else {
            Format::Text
        };
        log::start(config.server.log_format.unwrap_or(otherwise))?;
        let store = SqliteStore::open(config.database.clone()).await?;
        config.use_key_file()?;
        let jwt = super::engine(&config, &store)?;
        for warning in jwt.warnings() {
            tracing::warn!("{warning}");
        }
        let middleware = Middleware::new(config.rules()?);
        let listener = bind(config.server.listen).await?;

        // Nothing may fail between here and the announcement: the first password is shown only there.
        let created = super::migrate(&store).await?;
        for step in &created {
            tracing::info!("created the tables of {step}");
        }
        store.check_user_model().await?;
        let first_user = if created.contains(&Migration::Auth) {
            Some(self.first_user(&config, &store).await?)
        } else {
            hint_at_missing_users(&store).await?;
            None
        };
        let address = listener
            .local_addr()
            .map_err(|error| Failure::new(error.to_string()))?;
        announce::announce(options, address, first_user.as_ref())?;
        let stopping = Arc::new(AtomicBool::new(false));
        let health = Health::new(store.clone(), Arc::clone(&stopping));
        let service = Reloadable::new(App::new(jwt, health).service(&config.paths));
        let reloading = demo.is_none().then(|| Reloading {
            options: options.clone(),
            flags,
            housekeeping: Housekeeping::start(&config, &store),
            store,
            stopping: Arc::clone(&stopping),
            service: service.clone(),
            middleware: middleware.clone(),
        });
        Ok(Started {
            listener,
            config,
            service,
            middleware,
            stopping,
            reloading,
        })
    }

    /// A server without users is no use: the demo gets its own, a database that was just made a superuser.
    async fn first_user(&self, config: &Config, store: &SqliteStore) -> Result<FirstUser, Failure> {
        let users = if self.demo {
            DEMO_USERS
                .map(|(name, password)| (name, password.to_owned()))
                .to_vec()
        } else {
            vec![(FIRST_USER, random::text::<15>()?)]
        };
        for (name, password) in &users {
            let user = Createuser::new(name, !self.demo);
            createuser::create(store, &config.settings, user, password).await?;
        }
        let (username, password) = users
            .into_iter()
            .next()
            .ok_or_else(|| Failure::new("there is no first user"))?;
        Ok(FirstUser {
            username,
            password,
            is_secret: !self.demo,
        })
    }
}

/// Expired tokens are deleted for as long as this lives.
struct Housekeeping(Option<tokio::task::AbortHandle>);

impl Housekeeping {
    fn start(config: &Config, store: &SqliteStore) -> Self {
        let interval = config.server.flush_interval;
        Self(interval.filter(|_| config.token_blacklist).map(|interval| {
            let settings = config.settings.clone();
            let flushing = flushexpiredtokens::in_background(store.clone(), settings, interval);
            tokio::spawn(flushing).abort_handle()
        }))
    }
}

impl Drop for Housekeeping {
    fn drop(&mut self) {
        if let Some(flushing) = &self.0 {
            flushing.abort();
        }
    }
}

/// A server that could answer the first request.
struct Started {
    listener: TcpListener,
    config: Config,
    service: Reloadable<crate::app::AppService>,
    middleware: Middleware,
    stopping: Arc<AtomicBool>,
    reloading: Option<Reloading>,
}

impl Started {
    /// Until `stop`, and then until the requests in flight are answered.
    async fn serve(self, stop: impl Future<Output = ()>) {
        let limits = Limits {
            max_body_bytes: self.config.settings.data_upload_max_memory_size,
            ..Limits::default()
        };
        let reloading = self
            .reloading
            .map(|reloading| tokio::spawn(reloading.run(self.config)));
        let shutdown = async {
            stop.await;
            tracing::info!("stopping: no new connections, requests in flight are finished");
            self.stopping.store(true, Ordering::Relaxed);
        };
        let outcome = listener::serve(
            self.listener,
            self.service,
            self.middleware,
            limits,
            shutdown,
        )
        .await;
        if let Some(reloading) = reloading {
            reloading.abort();
        }
        let listener::Outcome { accepted, aborted } = outcome;
        tracing::info!(connections = accepted, aborted, "stopped");
    }
}

/// Nobody could log in to a database that was made by `migrate`.
async fn hint_at_missing_users(store: &SqliteStore) -> Result<(), Failure> {
    if !super::has_users(store).await? {
        tracing::warn!("there are no users yet: `tokenpair createsuperuser` adds one");
    }
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(format!(
            "cannot listen on {address}: {error}; choose another address with --listen ADDR:PORT"
        ))
    })
}

/// Ready at SIGINT or SIGTERM.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    use signal::unix::{SignalKind, signal};
    let failed = Failure::because("cannot listen for signals");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| failed(&error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| failed(&error))?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ready at Ctrl-C.
#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()>, Failure> {
    Ok(async {
        let _ = signal::ctrl_c().await;
    })
}
