//! With the real engine: what rotation does to a client (rules 6 and 8), on its own clock.

use crate::clock::{NOW, TestClock};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};
use tokenpair::passwords::Hasher;
use tokenpair::web::{IsAuthenticated, token_urls};
use tokenpair::{EncodedPassword, MemoryStore, Settings, SimpleJwt, User};
use tokenpair_client::{Client, Clock as _, Error};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// "secret", as Django stores it.
const SECRET: &str = "md5$abcdefghijklmnopqrstuv$59549c8e6897dd44401a081434b86c95";
const LIFETIME: Duration = Duration::from_secs(300);

/// The engine sees the time of the test.
struct EngineClock(TestClock);

impl tokenpair::clock::Clock for EngineClock {
    fn now(&self) -> jiff::Timestamp {
        self.0.now().try_into().unwrap()
    }
}

#[derive(Clone, Default)]
struct Network {
    clock: TestClock,
    refreshes: Arc<AtomicUsize>,
    /// How many answers to refreshes get lost.
    lost: Arc<AtomicUsize>,
}

async fn start(network: &Network, grace: Option<Duration>) -> Client {
    let mut ada = User::new(1, "ada");
    ada.password = EncodedPassword::new(SECRET);
    let store = MemoryStore::default();
    store.add_user(ada);
    let mut settings = Settings::new("a secret of at least 32 bytes, kept out of the code");
    settings.password_hashers = vec![Hasher::Md5];
    settings.rotate_refresh_tokens = true;
    settings.blacklist_after_rotation = true;
    if let Some(grace) = grace {
        settings.rotation_grace_period = grace;
    }
    let builder = SimpleJwt::builder(settings).clock(EngineClock(network.clock.clone()));
    let jwt = builder.store(store).build().unwrap();
    let app = Router::new()
        .nest("/api", token_urls())
        .route("/api/me/", get(me))
        .with_state(jwt)
        .layer(middleware::from_fn_with_state(network.clone(), pass));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await });
    let client = Client::builder(&url).clock(network.clock.clone());
    let client = client.build().unwrap();
    client.log_in("ada", "secret").await.unwrap();
    client
}

async fn me(IsAuthenticated(user): IsAuthenticated) -> String {
    user.username
}

/// Counts refreshes, loses answers, tells the time.
async fn pass(State(network): State<Network>, request: Request, next: Next) -> Response {
    let is_refresh = request.uri().path() == "/api/token/refresh/";
    let mut response = next.run(request).await;
    if is_refresh {
        network.refreshes.fetch_add(1, Ordering::SeqCst);
        let lost = network
            .lost
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if lost.is_ok() {
            response = StatusCode::BAD_GATEWAY.into_response();
        }
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW) + network.clock.passed();
    let date = HeaderValue::try_from(httpdate::fmt_http_date(now)).unwrap();
    response.headers_mut().insert(header::DATE, date);
    response
}

async fn crowd(client: &Client) -> Vec<Result<String, Error>> {
    let mut crowd = JoinSet::new();
    for _ in 0..50 {
        let client = client.clone();
        crowd.spawn(async move { Ok(client.get("/me/").send().await?.text().await?) });
    }
    crowd.join_all().await
}

#[tokio::test]
async fn strict_rotation_takes_one_refresh_for_every_expiry() {
    let network = Network::default();
    let client = start(&network, None).await;
    for expiry in 1..=4 {
        network.clock.advance(LIFETIME);
        let answers = crowd(&client).await;
        assert!(
            answers
                .iter()
                .all(|answer| answer.as_ref().is_ok_and(|name| name == "ada"))
        );
        assert_eq!(network.refreshes.load(Ordering::SeqCst), expiry);
    }
    assert!(client.log_out().await.unwrap());
}

#[tokio::test]
async fn with_grace_a_lost_answer_costs_nothing() {
    let network = Network::default();
    let client = start(&network, Some(Duration::from_secs(60))).await;
    for expiry in 1..=3 {
        network.clock.advance(LIFETIME);
        network.lost.store(2, Ordering::SeqCst);
        let answers = crowd(&client).await;
        assert!(
            answers
                .iter()
                .all(|answer| answer.as_ref().is_ok_and(|name| name == "ada"))
        );
        assert_eq!(network.refreshes.load(Ordering::SeqCst), 3 * expiry);
    }
}

#[tokio::test]
async fn without_grace_a_lost_answer_is_the_end_as_the_server_says() {
    let network = Network::default();
    let client = start(&network, None).await;
    network.clock.advance(LIFETIME);
    network.lost.store(1, Ordering::SeqCst);
    let error = client.get("/me/").send().await.unwrap_err();
    assert!(matches!(error, Error::LoggedOut));
    assert_eq!(network.refreshes.load(Ordering::SeqCst), 2);
}
