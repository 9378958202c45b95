//! SIGHUP: the configuration is read again, and new requests are answered by it.

use super::Housekeeping;
use crate::app::{App, AppService};
use crate::config::{Config, Flags};
use crate::database::{Database, DatabaseOptions};
use crate::health::Health;
use crate::mail::Outbox;
use crate::middleware::Middleware;
use crate::output::Failure;
use crate::reload::Reloadable;
use crate::{Options, event_log};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// SIGHUP, from now on noted and no longer the end of the process.
pub(super) struct Hangup {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangup {
    #[cfg(unix)]
    pub(super) fn listen() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let failed = Failure::because("cannot listen for SIGHUP");
        let signal = signal(SignalKind::hangup()).map_err(|error| failed(&error))?;
        Ok(Self { signal })
    }

    #[cfg(unix)]
    pub(super) async fn wait(mut self) {
        self.signal.recv().await;
    }

    #[cfg(unix)]
    async fn next(&mut self) -> Option<()> {
        self.signal.recv().await
    }

    #[cfg(not(unix))]
    #[expect(clippy::unnecessary_wraps, reason = "same shape as on Unix")]
    pub(super) fn listen() -> Result<Self, Failure> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    pub(super) async fn wait(self) {
        std::future::pending().await
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> Option<()> {
        std::future::pending().await
    }
}

/// What it takes to build the service anew.
pub(super) struct Reloading {
    pub(super) options: Options,
    pub(super) flags: Flags,
    /// The configuration of the start.
    pub(super) started: Arc<Config>,
    pub(super) store: Arc<dyn Database>,
    pub(super) stopping: Arc<AtomicBool>,
    pub(super) service: Reloadable<AppService>,
    pub(super) middleware: Middleware,
    pub(super) housekeeping: Housekeeping,
    pub(super) outbox: Outbox,
}

/// What the running service was made of.
struct Current {
    database: DatabaseOptions,
    key: KeyMaterial,
}

/// Everything that decides which signatures are good.
type KeyMaterial = (tokenpair::Secret, String, tokenpair::Algorithm);

impl Reloading {
    /// Waits for SIGHUP, for ever. A configuration that cannot be used changes nothing.
    pub(super) async fn run(mut self, mut hangup: Hangup) {
        let mut current = Current {
            database: self.started.database.clone(),
            key: key_material(&self.started),
        };
        while hangup.next().await.is_some() {
            if let Err(failure) = self.reload(&mut current).await {
                let failure = failure.to_string();
                let reason = failure.lines().next().unwrap_or_default();
                tracing::error!("the configuration cannot be used, the old one stays: {reason}");
            }
        }
    }

    async fn reload(&mut self, current: &mut Current) -> Result<(), Failure> {
        let new = tokio::task::block_in_place(|| {
            let mut new = Config::load(&self.options, Some(&self.flags))?;
            // Another key than the present one would end every login; it is never made by the way.
            if !new.use_existing_key_file()? {
                return Err(Failure::new("the file with the signing key is gone"));
            }
            Ok(new)
        })?;
        let rules = new.rules()?;
        let store = if new.database == current.database {
            self.store.clone()
        } else {
            super::super::open_checked(&new).await?
        };
        let jwt = super::super::engine(&new, &store)?;
        let warnings = jwt.warnings();
        let accounts = super::super::accounts(&new, jwt, &store, &self.outbox)?;

        // Nothing fails from here on.
        let health = Health::new(store.clone(), Arc::clone(&self.stopping));
        self.service
            .replace(App::new(accounts, health).service(&new.paths));
        self.middleware.replace(rules);
        self.housekeeping.restart(&new, &store);
        self.store = store;
        current.database.clone_from(&new.database);
        tracing::info!("the configuration was loaded again");
        let key = key_material(&new);
        if key != current.key {
            event_log::key_changed();
            current.key = key;
        }
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        for name in new.needs_restart(&self.started) {
            tracing::warn!("{name} has changed: that takes effect at the next start");
        }
        Ok(())
    }
}

fn key_material(config: &Config) -> KeyMaterial {
    let settings = &config.settings;
    (
        settings.signing_key.clone(),
        settings.verifying_key.clone(),
        settings.algorithm,
    )
}
