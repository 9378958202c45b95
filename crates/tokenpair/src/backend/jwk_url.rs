//! Keys from `JWK_URL`: fetched by a thread of its own, never inside a request, and kept for when the address is ill.
//!
//! Answers to PyJWT's `jwks_client.py` as Simple JWT uses it. DIFFERENCE: keys at hand stay in use while the address
//! does not answer (for a day), and keys that cannot be had are an outage (503), not an invalid token.

use super::Algorithm;
use super::jwk::JwkSet;
use super::key::VerifyingKey;
use crate::error::StoreError;
use arc_swap::ArcSwapOption;
use reqwest::{Client, redirect};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// How old a set may become before it is fetched again.
const LIFESPAN: Duration = Duration::from_secs(300);
/// The shortest time between a good fetch and one that an unknown `kid` asks for.
const COOLDOWN: Duration = Duration::from_secs(30);
/// How long a set stays in use while it cannot be renewed.
const MAX_STALE: Duration = Duration::from_secs(86_400);
/// Connect, answer and body together. DIFFERENCE: the reference waits 30 s, with every request behind it.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Pauses after failed fetches: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(30);
const MAX_BYTES: usize = 256 * 1024;

/// The keys at hand and the line to the thread that fetches them. The thread ends with this value.
pub(super) struct KeySource {
    fetched: Arc<ArcSwapOption<Fetched>>,
    /// Counts finished fetches and says how the last one ended.
    progress: watch::Receiver<Progress>,
    requests: mpsc::Sender<()>,
}

struct Fetched {
    keys: JwkSet,
    at: Instant,
}

#[derive(Clone, Copy, Default)]
struct Progress {
    fetches: u64,
    /// After a failed fetch: nobody asks again before this instant.
    rest_until: Option<Instant>,
}

impl KeySource {
    /// Starts the thread, which fetches at once. Does not wait for it.
    pub(super) fn start(url: &str, algorithm: Algorithm) -> Result<Self, String> {
        let cannot = |error: &dyn std::fmt::Display| format!("cannot be fetched: {error}");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| cannot(&error))?;
        let (source, background) = Self::fed_by(Address::new(url, algorithm)?);
        std::thread::Builder::new()
            .name("tokenpair-jwk-url".to_owned())
            .spawn(move || runtime.block_on(background.run()))
            .map_err(|error| cannot(&error))?;
        Ok(source)
    }

    /// No keys yet, and what will bring them once it runs.
    fn fed_by<S: KeySets>(sets: S) -> (Self, Fetcher<S>) {
        let fetched = Arc::new(ArcSwapOption::empty());
        let (publish, progress) = watch::channel(Progress::default());
        let (requests, asked) = mpsc::channel(1);
        let background = Fetcher {
            sets,
            fetched: fetched.clone(),
            publish,
            asked,
        };
        let source = Self {
            fetched,
            progress,
            requests,
        };
        (source, background)
    }

    /// The key at hand with this `kid`.
    pub(super) fn key(&self, kid: &str) -> Option<VerifyingKey> {
        let fetched = self.fetched.load();
        let usable = fetched
            .as_ref()
            .filter(|fetched| fetched.at.elapsed() < MAX_STALE)?;
        usable.keys.find(kid).cloned()
    }

    /// Asks for another fetch and waits for its end, which the time-out bounds.
    ///
    /// `Ok(true)`: there is a newer set. `Ok(false)`: the set at hand is fresh, so the key does not exist.
    pub(super) async fn fetch_again(&self) -> Result<bool, StoreError> {
        let fresh = self
            .fetched
            .load()
            .as_ref()
            .is_some_and(|fetched| fetched.at.elapsed() < COOLDOWN);
        if fresh {
            return Ok(false);
        }
        let unavailable = || StoreError::new("the keys of JWK_URL cannot be fetched");
        let mut progress = self.progress.clone();
        let before = *progress.borrow_and_update();
        if before.rest_until.is_some_and(|end| Instant::now() < end) {
            return Err(unavailable());
        }
        // A full queue means that somebody has asked already.
        let _ = self.requests.try_send(());
        let stopped = |_| StoreError::new("the thread that fetches JWK_URL stopped");
        let after = progress.wait_for(|now| now.fetches > before.fetches).await;
        let after = *after.map_err(stopped)?;
        if after.rest_until.is_none() {
            Ok(true)
        } else {
            Err(unavailable())
        }
    }
}

/// Whom to ask for a set.
trait KeySets: Send + 'static {
    fn fetch(&self) -> impl Future<Output = Result<JwkSet, String>> + Send;

    /// For the log.
    fn host(&self) -> Option<&str>;
}

struct Address {
    client: Client,
    url: reqwest::Url,
    algorithm: Algorithm,
}

impl Address {
    fn new(url: &str, algorithm: Algorithm) -> Result<Self, String> {
        let url: reqwest::Url = url
            .parse()
            .map_err(|error| format!("is no address: {error}"))?;
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(TIMEOUT)
            .build();
        let client = client.map_err(|error| format!("cannot be fetched: {error}"))?;
        Ok(Self {
            client,
            url,
            algorithm,
        })
    }
}

impl KeySets for Address {
    async fn fetch(&self) -> Result<JwkSet, String> {
        let text = |error: reqwest::Error| error.without_url().to_string();
        let mut response = self
            .client
            .get(self.url.clone())
            .send()
            .await
            .map_err(text)?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(text)? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err("the answer is larger than 256 KiB".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        JwkSet::parse(&body, self.algorithm, false).map_err(|error| error.to_string())
    }

    fn host(&self) -> Option<&str> {
        self.url.host_str()
    }
}

struct Fetcher<S> {
    sets: S,
    fetched: Arc<ArcSwapOption<Fetched>>,
    publish: watch::Sender<Progress>,
    asked: mpsc::Receiver<()>,
}

impl<S: KeySets> Fetcher<S> {
    async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let rest = match self.sets.fetch().await {
                Ok(keys) => {
                    self.keep(keys);
                    pause = FIRST_PAUSE;
                    None
                }
                Err(error) => {
                    tracing::warn!(
                        host = self.sets.host(),
                        error,
                        "cannot fetch the keys of JWK_URL"
                    );
                    let rest = pause;
                    pause = (pause * 2).min(LAST_PAUSE);
                    Some(rest)
                }
            };
            // Who asked meanwhile is answered by this fetch.
            while self.asked.try_recv().is_ok() {}
            self.publish.send_modify(|progress| {
                let fetches = progress.fetches + 1;
                let rest_until = rest.map(|rest| Instant::now() + rest);
                *progress = Progress {
                    fetches,
                    rest_until,
                };
            });
            let next = rest.unwrap_or(LIFESPAN);
            if let Ok(None) = tokio::time::timeout(next, self.asked.recv()).await {
                return;
            }
        }
    }

    fn keep(&self, keys: JwkSet) {
        let skipped: Vec<_> = keys.skipped().iter().map(ToString::to_string).collect();
        tracing::debug!(
            host = self.sets.host(),
            ?skipped,
            "fetched the keys of JWK_URL"
        );
        let at = Instant::now();
        self.fetched.store(Some(Arc::new(Fetched { keys, at })));
    }
}

#[cfg(test)]
mod tests;
