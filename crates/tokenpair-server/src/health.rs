//! `/livez` and `/readyz`: whether the process runs, and whether it should be sent requests.
//!
//! What is wrong is said by its class only; the log says more, once for each change and not for each question.

use crate::app::reply;
use crate::database::Database;
use axum::extract::State;
use axum::response::Response;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::time::Duration;
use tokenpair::json::Value;
use tokio::time::timeout;

/// A database that takes longer has gone, for a balancer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the two routes know. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Health(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Arc<dyn Database>,
    is_stopping: Arc<AtomicBool>,
    /// The [`Readiness`] that the log knows of.
    logged: AtomicU8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readiness {
    Ready,
    Stopping,
    DatabaseUnavailable,
    SchemaNotMigrated,
}

impl Health {
    /// From the moment `is_stopping` is set `/readyz` says no, so that balancers stop sending requests.
    pub(crate) fn new(store: Arc<dyn Database>, is_stopping: Arc<AtomicBool>) -> Self {
        Self(Arc::new(Inner {
            store,
            is_stopping,
            logged: AtomicU8::new(Readiness::Ready as u8),
        }))
    }

    async fn readiness(&self) -> Readiness {
        if self.0.is_stopping.load(Relaxed) {
            return self.found(Readiness::Stopping, "");
        }
        let store = &self.0.store;
        let asked = async { tokio::try_join!(store.ping(), store.pending_migrations()) };
        match timeout(PATIENCE, asked).await {
            Ok(Ok(((), pending))) if pending.is_empty() => self.found(Readiness::Ready, ""),
            Ok(Ok(_)) => self.found(Readiness::SchemaNotMigrated, "run tokenpair migrate"),
            Ok(Err(error)) => self.found(Readiness::DatabaseUnavailable, &error.to_string()),
            Err(_) => self.found(Readiness::DatabaseUnavailable, "it does not answer in time"),
        }
    }

    fn found(&self, readiness: Readiness, detail: &str) -> Readiness {
        let known = self.0.logged.swap(readiness as u8, Relaxed);
        let status = readiness.text();
        match readiness {
            _ if known == readiness as u8 => {}
            Readiness::Ready => tracing::info!("ready again"),
            Readiness::Stopping => tracing::info!(status, "not ready"),
            _ => tracing::error!(status, detail, "not ready"),
        }
        readiness
    }
}

impl Readiness {
    fn text(self) -> &'static str {
        match self {
            Self::Ready => "ok",
            Self::Stopping => "stopping",
            Self::DatabaseUnavailable => "database unavailable",
            Self::SchemaNotMigrated => "schema not migrated",
        }
    }
}

pub(crate) async fn livez() -> Response {
    answer(StatusCode::OK, "ok")
}

pub(crate) async fn readyz(State(health): State<Health>) -> Response {
    let readiness = health.readiness().await;
    let status = match readiness {
        Readiness::Ready => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    answer(status, readiness.text())
}

fn answer(status: StatusCode, text: &str) -> Response {
    let mut response = reply(status, [("status", Value::from(text))]);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

#[cfg(test)]
mod tests;
