//! tokenpair on its copy, served from this process on a port of its own.

use crate::app::App;
use crate::commands::{accounts, check_user_model, engine};
use crate::config::Config;
use crate::health::Health;
use crate::listener::{self, Limits};
use crate::mail::Outbox;
use crate::middleware::Middleware;
use crate::output::Failure;
use crate::reload::Reloadable;
use reqwest::Url;
use std::future::pending;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) url: Url,
    task: AbortHandle,
}

impl Server {
    /// Makes the tables that are missing in the configured database, which is a copy, and serves it.
    pub(super) async fn start(config: &Config) -> Result<Self, Failure> {
        let store = config.database.open().await?;
        store.migrate(&|_| ()).await?;
        check_user_model(&*store).await?;
        let jwt = engine(config, &store)?;
        let failed = Failure::because("cannot listen on this machine");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(|error| failed(&error))?;
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        let url = Url::parse(&format!("http://{address}")).map_err(|error| failed(&error))?;
        let accounts = accounts(config, jwt, &store, &Outbox::new())?;
        let health = Health::new(store, Arc::default());
        let service = Reloadable::new(App::new(accounts, health).service(&config.paths));
        let middleware = Middleware::new(config.rules()?);
        let limits = Limits {
            max_body_bytes: config.settings.data_upload_max_memory_size,
            ..Limits::default()
        };
        let serving = async move {
            listener::serve(listener, service, middleware, limits, pending()).await;
        };
        let task = tokio::spawn(serving).abort_handle();
        Ok(Self { url, task })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
