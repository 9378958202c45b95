//! [`Fake`]: a Simple JWT server whose every answer a test decides, on the test's clock.

use crate::clock::{NOW, TestClock};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::body::{Body, Frame};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use tokenpair_client::{Client, ClientBuilder, Event, Storage, Tokens};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// Seconds that an access token lives.
pub(crate) const LIFETIME: u64 = 3600;
const REFRESH: &str = "/api/token/refresh/";

#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) url: String,
    pub(crate) clock: TestClock,
    state: Arc<Mutex<Inner>>,
    held: Arc<Notify>,
    released: Arc<Notify>,
}

#[derive(Default)]
pub(crate) struct Inner {
    /// How the next refreshes are answered; then as is right.
    pub(crate) refreshes: VecDeque<Wrong>,
    /// Log-ins, refreshes and log-outs are answered 503.
    pub(crate) is_out: bool,
    /// Every request but those to the token endpoints is answered 401.
    pub(crate) is_closed: bool,
    pub(crate) rotates: bool,
    /// Access tokens are no JWT.
    pub(crate) is_opaque: bool,
    pub(crate) has_no_date: bool,
    /// Where `/api/away/` leads.
    pub(crate) away: String,
    pub(crate) lifetime: u64,
    access: String,
    refresh: String,
    made: u64,
    /// Method and path, `Authorization`, body of what came.
    pub(crate) seen: Vec<(String, Option<String>, String)>,
}

/// What goes wrong with a refresh.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wrong {
    Status(u16),
    /// 503 with `Retry-After`.
    RetryAfter(&'static str),
    /// It is done, and the answer is lost.
    LostAnswer,
    /// It waits for [`Fake::release`].
    Held,
    /// The same, and is answered so.
    HeldStatus(u16),
    /// It is done, and the answer waits for [`Fake::release`].
    HeldAnswer,
    /// 200 with something else.
    Text(&'static str),
    /// The answer never comes.
    Never,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        Self::at(TestClock::default()).await
    }

    pub(crate) async fn at(clock: TestClock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            clock,
            state: Arc::default(),
            held: Arc::default(),
            released: Arc::default(),
        };
        fake.state().lifetime = LIFETIME;
        let app = Router::new().fallback(answer).with_state(fake.clone());
        tokio::spawn(async { axum::serve(listener, app).await });
        fake
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().unwrap()
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        Client::builder(&format!("{}/api", self.url)).clock(self.clock.clone())
    }

    /// A client that is logged in.
    pub(crate) async fn client(&self) -> Client {
        let client = self.builder().build().unwrap();
        client.log_in("ada", "secret").await.unwrap();
        client
    }

    /// A client that is logged in, and what it tells.
    pub(crate) async fn told(&self, builder: ClientBuilder) -> (Client, Events) {
        let events = Events::default();
        let heard = events.clone();
        let builder = builder.on_event(move |event| heard.0.lock().unwrap().push(event));
        let client = builder.build().unwrap();
        client.log_in("ada", "secret").await.unwrap();
        (client, events)
    }

    /// What another process gets by a refresh of the login that a storage holds.
    pub(crate) async fn refreshed_elsewhere(&self, storage: &impl Storage) -> Tokens {
        let held = storage.load().await.unwrap().unwrap();
        let mut stored: Value = serde_json::from_str(&held.to_json()).unwrap();
        let access = self.client().await.access_token().await.unwrap().unwrap();
        stored["access"] = json!(access.expose());
        stored["refresh"] = json!(self.state().refresh);
        stored["due"] = Value::Null;
        Tokens::from_json(&stored.to_string()).unwrap()
    }

    pub(crate) fn go_wrong(&self, refreshes: impl IntoIterator<Item = Wrong>) {
        self.state().refreshes.extend(refreshes);
    }

    /// The access token ends, by everybody's clock.
    pub(crate) fn expire(&self) {
        self.clock.advance(Duration::from_secs(LIFETIME));
    }

    /// The server forgets access tokens.
    pub(crate) fn forget_access(&self) {
        self.state().access.clear();
    }

    /// The server revokes the login.
    pub(crate) fn forget_refresh(&self) {
        self.state().refresh.clear();
    }

    async fn hold(&self) {
        self.held.notify_one();
        self.released.notified().await;
    }

    /// Until somebody is held.
    pub(crate) async fn holds(&self) {
        self.held.notified().await;
    }

    pub(crate) fn release(&self) {
        self.released.notify_one();
    }

    /// How many pairs of tokens there were.
    pub(crate) fn made(&self) -> u64 {
        self.state().made
    }

    pub(crate) fn count(&self, request: &str) -> usize {
        let state = self.state();
        state
            .seen
            .iter()
            .filter(|(seen, ..)| seen == request)
            .count()
    }

    pub(crate) fn refreshes(&self) -> usize {
        self.count(&format!("POST {REFRESH}"))
    }

    /// The `Authorization` of what came to a path.
    pub(crate) fn authorizations(&self, request: &str) -> Vec<Option<String>> {
        let state = self.state();
        let seen = state.seen.iter().filter(|(seen, ..)| seen == request);
        seen.map(|(_, authorization, _)| authorization.clone())
            .collect()
    }

    /// The tokens that came to the blacklist.
    pub(crate) fn revoked(&self) -> Vec<String> {
        let state = self.state();
        let seen = state.seen.iter();
        let seen = seen.filter(|(request, ..)| request == "POST /api/token/blacklist/");
        let sent = seen.map(|(.., body)| serde_json::from_str::<Value>(body).unwrap());
        sent.map(|sent| sent["refresh"].as_str().unwrap().to_owned())
            .collect()
    }

    fn seconds(&self) -> u64 {
        NOW + self.clock.passed().as_secs()
    }

    fn pair(&self, state: &mut Inner) -> Response {
        state.made += 1;
        let is_new = state.rotates || state.refresh.is_empty();
        if is_new {
            state.refresh = format!("secret-refresh-{}", state.made);
        }
        let (iat, exp) = (self.seconds(), self.seconds() + state.lifetime);
        let payload = json!({"jti": state.made, "iat": iat, "exp": exp}).to_string();
        let payload = URL_SAFE_NO_PAD.encode(payload);
        state.access = if state.is_opaque {
            format!("secret-access-{}", state.made)
        } else {
            format!("e30.{payload}.secret")
        };
        let mut pair = json!({"access": state.access});
        if is_new {
            pair["refresh"] = json!(state.refresh);
        }
        pair.to_string().into_response()
    }

    fn is_authorized(&self, state: &Inner, authorization: Option<&str>) -> bool {
        let Some(("Bearer", token)) = authorization.and_then(|text| text.split_once(' ')) else {
            return false;
        };
        let payload = token.split('.').nth(1).unwrap_or_default();
        let payload = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
        let claims: Value = serde_json::from_slice(&payload).unwrap_or_default();
        let lives = claims["exp"]
            .as_u64()
            .is_none_or(|exp| self.seconds() < exp);
        token == state.access && lives && !state.is_closed
    }

    async fn refresh(&self, sent: &Value) -> Response {
        let wrong = self.state().refreshes.pop_front();
        match wrong {
            Some(Wrong::Status(status)) => return code(status).into_response(),
            Some(Wrong::RetryAfter(value)) => {
                return (code(503), [(header::RETRY_AFTER, value)]).into_response();
            }
            Some(Wrong::Text(text)) => return text.into_response(),
            Some(Wrong::Never) => std::future::pending().await,
            Some(Wrong::Held) => self.hold().await,
            Some(Wrong::HeldStatus(status)) => {
                self.hold().await;
                return code(status).into_response();
            }
            Some(Wrong::LostAnswer | Wrong::HeldAnswer) | None => (),
        }
        let answer = self.exchange(sent);
        match wrong {
            Some(Wrong::LostAnswer) => return cut(),
            Some(Wrong::HeldAnswer) => self.hold().await,
            _ => (),
        }
        answer
    }

    fn exchange(&self, sent: &Value) -> Response {
        let mut state = self.state();
        if sent["refresh"] != json!(state.refresh) {
            return code(401).into_response();
        }
        self.pair(&mut state)
    }

    async fn token_endpoint(&self, path: &str, sent: &Value) -> Option<Response> {
        if !path.starts_with("/api/token/") && path != "/api/register/" {
            return None;
        }
        if self.state().is_out {
            return Some(code(503).into_response());
        }
        if path == REFRESH {
            return Some(self.refresh(sent).await);
        }
        let mut state = self.state();
        Some(match path {
            "/api/token/" if sent["password"] == "secret" => {
                state.refresh.clear();
                self.pair(&mut state)
            }
            "/api/register/" if sent["email"].is_string() => {
                "{\"detail\": \"Look at your mail\"}".into_response()
            }
            "/api/register/" if sent["password"].is_string() => {
                state.refresh.clear();
                self.pair(&mut state)
            }
            "/api/register/" => {
                (code(400), "{\"password\": [\"This field is required.\"]}").into_response()
            }
            "/api/token/blacklist/" => {
                state.refresh.clear();
                "{}".into_response()
            }
            _ => (
                code(401),
                json!({"detail": "No such account", "sent": sent}).to_string(),
            )
                .into_response(),
        })
    }
}

fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap()
}

/// An answer whose body breaks off.
fn cut() -> Response {
    axum::body::Body::new(Cut).into_response()
}

struct Cut;

impl Body for Cut {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(Some(Err(io::Error::other("lost"))))
    }
}

async fn answer(
    State(fake): State<Fake>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let authorization = headers.get(header::AUTHORIZATION);
    let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
    let path = uri.path().to_owned();
    let text = String::from_utf8_lossy(&body).into_owned();
    let seen = (format!("{method} {path}"), authorization.clone(), text);
    fake.state().seen.push(seen);
    if path == "/api/held/" {
        fake.hold().await;
    }
    let sent = serde_json::from_slice(&body).unwrap_or_default();
    let mut response = match fake.token_endpoint(&path, &sent).await {
        Some(response) => response,
        None => fake.elsewhere(&path, authorization.as_deref(), body),
    };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(fake.seconds());
    let date = if fake.state().has_no_date {
        // hyper would write one.
        HeaderValue::from_static("unknown")
    } else {
        HeaderValue::try_from(httpdate::fmt_http_date(now)).unwrap()
    };
    response.headers_mut().insert(header::DATE, date);
    response
}

impl Fake {
    fn elsewhere(&self, path: &str, authorization: Option<&str>, body: Bytes) -> Response {
        let state = self.state();
        match path {
            "/api/away/" => Redirect::temporary(&state.away).into_response(),
            "/api/open/" => "open".into_response(),
            _ if !self.is_authorized(&state, authorization) => code(401).into_response(),
            "/api/who/" => "{\"username\": \"ada\"}".into_response(),
            "/api/forbidden/" => code(403).into_response(),
            _ => body.into_response(),
        }
    }
}

/// What a client told, in order.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<Event>>>);

impl Events {
    pub(crate) fn all(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }
}
