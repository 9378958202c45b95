use crate::builder::ClientBuilder;
use crate::error::{BuildError, Error};
use crate::request::RequestBuilder;
use crate::session::Session;
use crate::tokens::{Token, Tokens};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, Request, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;

/// Sends requests with the access token of a login, and keeps that login.
///
/// Clones share the login; a refresh under way is one for all of them. Tokens go to the origin of the base URL alone.
///
/// ```
/// # use axum::{Router, routing::get};
/// # use tokenpair::{MemoryStore, Settings, SimpleJwt, User, EncodedPassword, passwords, web};
/// # async fn me(web::IsAuthenticated(user): web::IsAuthenticated) -> String { user.username }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let mut ada = User::new(1, "ada");
/// # ada.password = EncodedPassword::new("md5$abcdefghijklmnopqrstuv$59549c8e6897dd44401a081434b86c95");
/// # let store = MemoryStore::default();
/// # store.add_user(ada);
/// # let mut settings = Settings::new("a secret of at least 32 bytes, kept out of the code");
/// # settings.password_hashers = vec![passwords::Hasher::Md5];
/// # let app = Router::new().nest("/api", web::token_urls()).route("/api/me/", get(me));
/// # let app = app.with_state(SimpleJwt::new(settings, store)?);
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let base_url = format!("http://{}/api", listener.local_addr()?);
/// # tokio::spawn(async { axum::serve(listener, app).await });
/// let client = tokenpair_client::Client::new(&base_url)?;
/// client.log_in("ada", "secret").await?;
///
/// let response = client.get("/me/").send().await?;
/// assert_eq!(response.status(), 200);
///
/// assert!(client.log_out().await?);
/// assert_eq!(client.get("/me/").send().await?.status(), 401);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) base_url: Url,
    /// The word before the token.
    pub(crate) auth_header_type: Arc<str>,
    pub(crate) session: Arc<Session>,
}

impl Client {
    /// A client that keeps its login in memory. `base_url` is what the paths begin with, such as `http://localhost:8000/api`.
    pub fn new(base_url: &str) -> Result<Self, BuildError> {
        Self::builder(base_url).build()
    }

    /// A client with options.
    pub fn builder(base_url: &str) -> ClientBuilder {
        ClientBuilder::new(base_url)
    }

    /// Logs in with name and password.
    ///
    /// Fails with [`Error::Refused`] and status 401 if they are wrong, with [`Error::Unavailable`] if the server cannot be asked. Not tried
    /// again.
    pub async fn log_in(&self, username: &str, password: &str) -> Result<(), Error> {
        let fields = json!({"username": username, "password": password});
        self.log_in_with(&fields).await
    }

    /// Logs in with the fields that your server asks for, such as `email` and `password`.
    pub async fn log_in_with<T: Serialize + ?Sized>(&self, fields: &T) -> Result<(), Error> {
        let path = &self.session.endpoints.paths.token;
        match self.session.begin(path, fields).await? {
            (_, true) => Ok(()),
            (answer, false) => Err(answer.refusal()),
        }
    }

    /// Signs up. Yields the server's answer without the tokens.
    ///
    /// Who has signed up is logged in, unless the server first wants to see the address proved: then it answers without tokens. Of
    /// [`Error::Refused`] the [data](crate::Refusal::data) say what is wrong with which field.
    pub async fn register<T: Serialize + ?Sized>(&self, fields: &T) -> Result<Value, Error> {
        let path = &self.session.endpoints.paths.register;
        let (answer, _) = self.session.begin(path, fields).await?;
        Ok(Value::Object(answer.data))
    }

    /// Goes on with a login that was made elsewhere, as if somebody had logged in with it here.
    pub async fn keep(&self, tokens: Tokens) -> Result<(), Error> {
        self.session.keep(tokens).await
    }

    /// Logs out: at the server, then here, also if the server cannot be reached.
    ///
    /// Yields whether the refresh token is no good any more. It is `false` if the server was not reached, has no such endpoint (Django without
    /// its blacklist app), or answered with another error: then the token lives until it expires. Once begun it is done, also if
    /// nobody waits for it.
    pub async fn log_out(&self) -> Result<bool, Error> {
        self.session.end().await
    }

    /// Whether there are tokens. Whether the server still takes them shows with the next request.
    pub async fn is_logged_in(&self) -> Result<bool, Error> {
        Ok(self.session.keeper.load().await?.is_some())
    }

    /// The user, as the server describes them.
    pub async fn user<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let response = self.get(&self.session.endpoints.paths.user).send().await?;
        Ok(response.error_for_status()?.json().await?)
    }

    /// The access token for what is no request of this client, such as a WebSocket; refreshed if it is due. Send it to your server alone.
    pub async fn access_token(&self) -> Result<Option<Token>, Error> {
        let tokens = self.session.fresh(false).await?;
        Ok(tokens.map(|tokens| tokens.access))
    }

    /// The access token in the place of one that got a 401. One that was replaced meanwhile is no reason to refresh.
    ///
    /// With [`access_token`](Self::access_token) it gives the care of [`execute`](Self::execute) to requests that something else sends. Fails with
    /// [`Error::LoggedOut`] if somebody else is logged in now: what one user asked for would be done by another. For that hand in the
    /// [`Token`] that you were given. One that was made of its text does not know its login, and is renewed only while it is the current one.
    pub async fn renew(&self, refused: &Token) -> Result<Token, Error> {
        Ok(self.session.replaced(refused).await?.access)
    }

    /// GET. The path is one behind the base URL, or a whole address, which gets no token if it is of another origin.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// POST, as [`get`](Self::get).
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// PUT, as [`get`](Self::get).
    pub fn put(&self, path: &str) -> RequestBuilder {
        self.request(Method::PUT, path)
    }

    /// PATCH, as [`get`](Self::get).
    pub fn patch(&self, path: &str) -> RequestBuilder {
        self.request(Method::PATCH, path)
    }

    /// DELETE, as [`get`](Self::get).
    pub fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    /// Any method, as [`get`](Self::get).
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = self.session.endpoints.url(path);
        RequestBuilder::new(self.clone(), self.http.request(method, url))
    }

    /// Sends a request with the access token, and once more with a new one if that one is refused.
    ///
    /// A request with an `Authorization` of its own, or to another origin, is sent as it is. So is any while nobody is logged in.
    /// If somebody logs out, or in as somebody else, while it waits for a refresh or is on its way to a 401, it fails with [`Error::LoggedOut`].
    /// A body that can be read once is not sent twice: then the tokens are refreshed, and the 401 is yours. So is every other
    /// answer, also a 429 or 503: it is not tried again.
    pub async fn execute(&self, request: Request) -> Result<Response, Error> {
        if !self.is_ours(request.url()) || request.headers().contains_key(AUTHORIZATION) {
            return Ok(self.http.execute(request).await?);
        }
        let again = request.try_clone();
        let Some(Tokens { access, .. }) = self.session.fresh(again.is_some()).await? else {
            return Ok(self.http.execute(request).await?);
        };
        let response = self.send(request, &access).await?;
        // Where a redirect led elsewhere, nobody was shown a token.
        if response.status() != StatusCode::UNAUTHORIZED || !self.is_ours(response.url()) {
            return Ok(response);
        }
        let replaced = self.session.replaced(&access).await;
        let Some(again) = again else {
            return Ok(response);
        };
        self.send(again, &replaced?.access).await
    }

    async fn send(&self, mut request: Request, access: &Token) -> Result<Response, Error> {
        let text = format!("{} {}", self.auth_header_type, access.expose());
        // Tokens and the word are such that this cannot fail.
        if let Ok(mut value) = HeaderValue::try_from(text) {
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(self.http.execute(request).await?)
    }

    fn is_ours(&self, url: &Url) -> bool {
        url.origin() == self.base_url.origin()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.base_url.as_str())
            .finish_non_exhaustive()
    }
}
