//! SIGHUP: the configuration is read again, and new requests are answered by it.

use crate::Options;
use crate::app::{App, AppService};
use crate::config::{Config, Flags};
use crate::output::Failure;
use crate::reload::Reloadable;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokenpair::SqliteStore;

/// What it takes to build the service anew.
pub(super) struct Reloading {
    pub(super) options: Options,
    pub(super) flags: Flags,
    pub(super) store: SqliteStore,
    pub(super) stopping: Arc<AtomicBool>,
    pub(super) service: Reloadable<AppService>,
}

impl Reloading {
    /// Waits for SIGHUP, for ever. A configuration that cannot be used changes nothing.
    #[cfg(unix)]
    pub(super) async fn run(self, started: Config) {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hangup = match signal(SignalKind::hangup()) {
            Ok(hangup) => hangup,
            Err(error) => return tracing::warn!(%error, "SIGHUP cannot be heard"),
        };
        while hangup.recv().await.is_some() {
            if let Err(failure) = self.reload(&started) {
                tracing::error!("the configuration cannot be used, the old one stays: {failure}");
            }
        }
    }

    #[cfg(not(unix))]
    pub(super) async fn run(self, _started: Config) {}

    fn reload(&self, started: &Config) -> Result<(), Failure> {
        let mut new = Config::load(&self.options, Some(&self.flags))?;
        new.use_key_file()?;
        let jwt = super::super::engine(&new, &self.store)?;
        let ignored = new.needs_restart(started);
        let warnings = jwt.warnings();
        let app = App::new(jwt, self.store.clone(), Arc::clone(&self.stopping));
        self.service.replace(app.service(&new.paths));
        tracing::info!("the configuration was loaded again");
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        for name in ignored {
            tracing::warn!("{name} has changed: that takes effect at the next start");
        }
        Ok(())
    }
}
