//! `tokenpair serve`: the server, from an empty folder to a graceful stop.

mod announce;
mod first_users;
mod reloading;

use super::flushexpiredtokens;
use crate::Options;
use crate::app::{App, AppService};
use crate::config::{Config, Flags};
use crate::database::Database;
use crate::descriptors;
use crate::files;
use crate::health::Health;
use crate::listener::{self, Limits};
use crate::log::{self, Format};
use crate::mail::Outbox;
use crate::middleware::Middleware;
use crate::output::Failure;
use crate::reload::Reloadable;
use first_users::FirstUsers;
use reloading::{Hangup, Reloading};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokenpair::accounts::Accounts;
use tokenpair::store::Migration;
use tokio::net::TcpListener;
use tokio::signal;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

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

impl Serve {
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        if self.demo && (options.config.is_some() || options.database.is_some()) {
            return Err(Failure::new(
                "--demo uses a database of its own and no file: leave out --config and --database",
            ));
        }
        // Held until the end: dropping it deletes the folder, also when the start is interrupted.
        let folder = if self.demo {
            Some(files::temporary_folder()?)
        } else {
            None
        };
        let hangup = Hangup::listen()?;
        let mut stop = Stop::listen()?;
        let start = self.start(options, folder.as_ref().map(tempfile::TempDir::path));
        let ready = tokio::select! {
            ready = start => ready?,
            () = stop.asked() => return Ok(()),
        };
        // Not to be interrupted: tables without their first user, or a user whose password nobody was shown.
        let started = ready.open(options, self.demo).await?;
        if self.demo {
            // There is no file to read again, and a terminal that was closed takes the demo with it.
            tokio::select! {
                () = started.serve(stop) => {}
                () = hangup.wait() => {}
            }
        } else {
            let reloading = tokio::spawn(started.reloading(options, self.flags()).run(hangup));
            started.serve(stop).await;
            reloading.abort();
        }
        Ok(())
    }

    fn flags(&self) -> Flags {
        Flags {
            listen: self.listen,
            log_format: self.log_format,
        }
    }

    /// Everything up to the first change of the database.
    async fn start(&self, options: &Options, demo: Option<&Path>) -> Result<Ready, Failure> {
        let flags = self.flags();
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
        let store = config.database.open().await?;
        config.use_key_file()?;
        let jwt = super::engine(&config, &store)?;
        let outbox = Outbox::new();
        let accounts = super::accounts(&config, jwt.clone(), &store, &outbox)?;
        for warning in jwt.warnings() {
            tracing::warn!("{warning}");
        }
        let middleware = Middleware::new(config.rules()?);
        let listener = bind(config.server.listen).await?;

        let address = listener
            .local_addr()
            .map_err(|error| Failure::new(error.to_string()))?;

        let is_new = store.pending_migrations().await?.contains(&Migration::Auth);
        let first_users = if is_new {
            super::rehearse(&config).await?;
            FirstUsers::prepare(&config, self.demo).await?
        } else {
            None
        };
        Ok(Ready {
            listener,
            address,
            config,
            store,
            accounts,
            outbox,
            middleware,
            first_users,
        })
    }
}

/// A server whose database may have to be made.
struct Ready {
    listener: TcpListener,
    address: SocketAddr,
    config: Config,
    store: Arc<dyn Database>,
    accounts: Accounts,
    outbox: Outbox,
    middleware: Middleware,
    first_users: Option<FirstUsers>,
}

impl Ready {
    /// Makes tables and first users and says where the server is. As little as possible may fail before that is said:
    /// the first password is shown only there.
    async fn open(self, options: &Options, demo: bool) -> Result<Started, Failure> {
        let Self {
            config,
            store,
            listener,
            middleware,
            outbox,
            ..
        } = self;
        let made = store.migrate(&|progress| tracing::info!("{progress}"));
        let made = made.await?;
        for step in &made {
            tracing::info!("created the tables of {step}");
        }
        super::check_user_model(&*store).await?;
        // Of servers that start on one new database, the one that made the tables fills them.
        let first_user = match self.first_users {
            Some(users) if made.contains(&Migration::Auth) => Some(users.create(&*store).await?),
            _ => None,
        };
        let has_users = first_user.is_some() || super::has_users(&*store).await?;
        announce::announce(options, self.address, &config, first_user.as_ref())?;
        tracing::info!(address = %self.address, database = store.place(), "started");
        if let Some(user) = first_user.filter(|_| !demo) {
            tracing::info!("created the superuser {:?}", user.username);
        }
        if !has_users {
            tracing::warn!("there are no users yet: `tokenpair createsuperuser` adds one");
        }
        let stopping = Arc::new(AtomicBool::new(false));
        let health = Health::new(store.clone(), Arc::clone(&stopping));
        let service = Reloadable::new(App::new(self.accounts, health).service(&config.paths));
        Ok(Started {
            listener,
            housekeeping: Housekeeping::start(&config, &store),
            config: Arc::new(config),
            store,
            service,
            middleware,
            stopping,
            outbox,
        })
    }
}

/// The task that deletes expired tokens. Clones share it.
#[derive(Clone)]
struct Housekeeping(Arc<Mutex<Option<AbortHandle>>>);

impl Housekeeping {
    fn start(config: &Config, store: &Arc<dyn Database>) -> Self {
        let housekeeping = Self(Arc::default());
        housekeeping.restart(config, store);
        housekeeping
    }

    /// Goes on with another configuration or database.
    fn restart(&self, config: &Config, store: &Arc<dyn Database>) {
        let interval = config.server.flush_interval;
        let task = interval.filter(|_| config.token_blacklist).map(|interval| {
            let settings = config.settings.clone();
            let flushing = flushexpiredtokens::in_background(store.clone(), settings, interval);
            tokio::spawn(flushing).abort_handle()
        });
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *current, task) {
            before.abort();
        }
    }
}

/// A server that could answer the first request.
struct Started {
    listener: TcpListener,
    config: Arc<Config>,
    store: Arc<dyn Database>,
    service: Reloadable<AppService>,
    middleware: Middleware,
    stopping: Arc<AtomicBool>,
    housekeeping: Housekeeping,
    outbox: Outbox,
}

impl Started {
    fn reloading(&self, options: &Options, flags: Flags) -> Reloading {
        Reloading {
            options: options.clone(),
            flags,
            started: Arc::clone(&self.config),
            store: self.store.clone(),
            stopping: Arc::clone(&self.stopping),
            service: self.service.clone(),
            middleware: self.middleware.clone(),
            housekeeping: self.housekeeping.clone(),
            outbox: self.outbox.clone(),
        }
    }

    /// Until a stop is asked for, and then until the requests in flight are answered or it is asked for again.
    async fn serve(self, mut stop: Stop) {
        descriptors::raise_limit();
        let limits = Limits {
            max_body_bytes: self.config.settings.data_upload_max_memory_size,
            drain_delay: self.config.server.drain_delay,
            ..Limits::default()
        };
        let Self {
            listener,
            service,
            middleware,
            stopping,
            outbox,
            ..
        } = self;
        let (asked, heard) = oneshot::channel();
        let delay = limits.drain_delay;
        let shutdown = async {
            let _ = heard.await;
            stopping.store(true, Ordering::Relaxed);
            if delay.is_zero() {
                tracing::info!("stopping: no new connections, requests in flight are finished");
            } else {
                tracing::info!(drain_delay = ?delay, "stopping: connections are accepted a little longer");
            }
        };
        let twice = async {
            stop.asked().await;
            let _ = asked.send(());
            stop.asked().await;
        };
        tokio::select! {
            outcome = listener::serve(listener, service, middleware, limits, shutdown) => {
                let listener::Outcome { accepted, aborted } = outcome;
                outbox.drain().await;
                tracing::info!(connections = accepted, aborted, "stopped");
            }
            () = twice => tracing::warn!("stopped at once: requests in flight were not answered"),
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(format!(
            "cannot listen on {address}: {error}; choose another address with --listen ADDR:PORT"
        ))
    })
}

/// SIGINT and SIGTERM; elsewhere Ctrl-C.
struct Stop {
    #[cfg(unix)]
    signals: [signal::unix::Signal; 2],
}

impl Stop {
    #[cfg(unix)]
    fn listen() -> Result<Self, Failure> {
        use signal::unix::{SignalKind, signal};
        let listen = |kind| {
            let failed = Failure::because("cannot listen for signals");
            signal(kind).map_err(|error| failed(&error))
        };
        let signals = [
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
        ];
        Ok(Self { signals })
    }

    #[cfg(unix)]
    async fn asked(&mut self) {
        let [interrupt, terminate] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "same shape as on Unix")]
    fn listen() -> Result<Self, Failure> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn asked(&mut self) {
        let _ = signal::ctrl_c().await;
    }
}
