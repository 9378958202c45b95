use crate::client::Client;
use crate::clock::{Clock, SystemClock};
use crate::endpoints::{Endpoints, Paths, url};
use crate::error::BuildError;
use crate::events::{Event, Listener};
use crate::keeper::Keeper;
use crate::session::{Session, State};
use crate::storage::{MemoryStorage, Storage};
use reqwest::Url;
use reqwest::redirect::Policy;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// For how long a refresh is tried.
const PATIENCE: Duration = Duration::from_secs(15);
/// As in reqwest's own policy.
const MOST_REDIRECTS: usize = 10;

/// Options of a [`Client`].
#[must_use = "there is no client before `build`"]
pub struct ClientBuilder {
    base_url: String,
    http: reqwest::ClientBuilder,
    storage: Box<dyn Storage>,
    paths: Paths,
    auth_header_type: String,
    patience: Duration,
    clock: Arc<dyn Clock>,
    listener: Listener,
}

impl ClientBuilder {
    pub(crate) fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            http: reqwest::Client::builder(),
            storage: Box::new(MemoryStorage::default()),
            paths: Paths::default(),
            auth_header_type: "Bearer".to_owned(),
            patience: PATIENCE,
            clock: Arc::new(SystemClock::default()),
            listener: Listener::none(),
        }
    }

    /// Where the tokens are kept: in memory, unless told otherwise.
    pub fn storage(mut self, storage: impl Storage) -> Self {
        self.storage = Box::new(storage);
        self
    }

    /// For how long a refresh is tried while no server answers, 15 s. Then waiting requests fail, and the login stays.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The word before the token, one of `AUTH_HEADER_TYPES` of the server: `Bearer`.
    pub fn auth_header_type(mut self, word: &str) -> Self {
        word.clone_into(&mut self.auth_header_type);
        self
    }

    /// Proxies, certificates, time-outs of requests. Its policy for redirects is replaced: no token may follow one elsewhere.
    pub fn http(mut self, http: reqwest::ClientBuilder) -> Self {
        self.http = http;
        self
    }

    /// Is called after a log-in, a refresh and a log-out. It should not take long, nor wait for the client: requests, log-ins and log-outs wait
    /// for it. Spawn a task for that.
    pub fn on_event(mut self, listener: impl Fn(Event) + Send + Sync + 'static) -> Self {
        self.listener = Listener::new(listener);
        self
    }

    /// Time and chance, for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where to log in: `/token/`.
    pub fn token_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.token);
        self
    }

    /// Where to refresh: `/token/refresh/`.
    pub fn refresh_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.refresh);
        self
    }

    /// Where to log out: `/token/blacklist/`.
    pub fn blacklist_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.blacklist);
        self
    }

    /// Where to sign up: `/register/`.
    pub fn register_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.register);
        self
    }

    /// Where the user is described: `/me/`.
    pub fn user_path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.paths.user);
        self
    }

    /// The client. Fails if the base URL or the word is none, or if reqwest cannot be set up.
    pub fn build(self) -> Result<Client, BuildError> {
        let base_url = base_url(&self.base_url)?;
        let word = &self.auth_header_type;
        if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BuildError::AuthHeaderType);
        }
        let prefix = base_url.as_str().trim_end_matches('/').to_owned();
        let origin = base_url.origin().ascii_serialization();
        let policy = redirects(&prefix, &self.paths);
        let http = self.http.redirect(policy).build()?;
        let endpoints = Endpoints {
            http: http.clone(),
            base_url: prefix,
            paths: self.paths,
            clock: self.clock.clone(),
        };
        let session = Session {
            endpoints,
            keeper: Keeper::new(self.storage, &origin, self.clock.clone()),
            clock: self.clock,
            listener: self.listener,
            patience: self.patience,
            state: Mutex::new(State::default()),
        };
        Ok(Client {
            http,
            base_url,
            auth_header_type: self.auth_header_type.into(),
            session: Arc::new(session),
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The base URL may have a password in it, until `build` has looked.
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}

fn base_url(text: &str) -> Result<Url, BuildError> {
    let url = Url::parse(text).map_err(|_| BuildError::BaseUrl)?;
    let is_web = ["http", "https"].contains(&url.scheme()) && url.has_host();
    let is_plain = url.query().is_none() && url.fragment().is_none();
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    if is_web && is_plain && !has_credentials {
        Ok(url)
    } else {
        Err(BuildError::BaseUrl)
    }
}

/// reqwest takes `Authorization` from a request that is led to another origin. What a token endpoint is sent has tokens and passwords in
/// its body: it is led nowhere.
fn redirects(base_url: &str, paths: &Paths) -> Policy {
    let Paths {
        token,
        refresh,
        blacklist,
        register,
        user: _,
    } = paths;
    let secret = [token, refresh, blacklist, register];
    let secret = secret.map(|path| Url::parse(&url(base_url, path)).ok());
    Policy::custom(move |attempt| {
        let first = attempt.previous().first();
        if first.is_some() && secret.iter().any(|url| url.as_ref() == first) {
            attempt.stop()
        } else if attempt.previous().len() > MOST_REDIRECTS {
            attempt.error("too many redirects")
        } else {
            attempt.follow()
        }
    })
}
