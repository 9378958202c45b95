//! SIGHUP: the configuration is read again, and new requests are answered by it.

use super::Housekeeping;
use crate::Options;
use crate::app::{App, AppService};
use crate::config::{Config, Flags};
use crate::health::Health;
use crate::middleware::Middleware;
use crate::output::Failure;
use crate::reload::Reloadable;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokenpair::{SqliteOptions, SqliteStore};

/// What it takes to build the service anew.
pub(super) struct Reloading {
    pub(super) options: Options,
    pub(super) flags: Flags,
    pub(super) store: SqliteStore,
    pub(super) stopping: Arc<AtomicBool>,
    pub(super) service: Reloadable<AppService>,
    pub(super) middleware: Middleware,
    pub(super) housekeeping: Housekeeping,
}

impl Reloading {
    /// Waits for SIGHUP, for ever. A configuration that cannot be used changes nothing.
    #[cfg(unix)]
    pub(super) async fn run(mut self, started: Config) {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => hangup,
            Err(error) => return tracing::warn!(%error, "SIGHUP cannot be heard"),
        };
        let mut database = started.database.clone();
        while hangup.recv().await.is_some() {
            if let Err(failure) = self.reload(&started, &mut database).await {
                tracing::error!("the configuration cannot be used, the old one stays: {failure}");
            }
        }
    }

    #[cfg(not(unix))]
    pub(super) async fn run(self, _started: Config) {}

    async fn reload(
        &mut self,
        started: &Config,
        database: &mut SqliteOptions,
    ) -> Result<(), Failure> {
        let mut new = Config::load(&self.options, Some(&self.flags))?;
        new.use_key_file()?;
        let rules = new.rules()?;
        let store = if new.database == *database {
            self.store.clone()
        } else {
            super::super::open_migrated(&new).await?
        };
        let jwt = super::super::engine(&new, &store)?;
        let warnings = jwt.warnings();
        let health = Health::new(store.clone(), Arc::clone(&self.stopping));
        self.service
            .replace(App::new(jwt, health).service(&new.paths));
        self.middleware.replace(rules);
        self.housekeeping = Housekeeping::start(&new, &store);
        self.store = store;
        database.clone_from(&new.database);
        tracing::info!("the configuration was loaded again");
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        for name in new.needs_restart(started) {
            tracing::warn!("{name} has changed: that takes effect at the next start");
        }
        Ok(())
    }
}
