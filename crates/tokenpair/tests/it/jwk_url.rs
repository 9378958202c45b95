//! `JWK_URL`: keys come from an address, before a request needs them, and outlive the address.

use crate::app::{NOW, Reply, TestApp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokenpair::{Algorithm, MemoryStore, Settings, SimpleJwt, UntypedToken};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// An HTTP server that gives every request the same answer, and counts.
struct KeyServer {
    address: String,
    answer: Arc<Mutex<String>>,
    /// The paths that were asked for.
    paths: watch::Receiver<Vec<String>>,
    task: tokio::task::JoinHandle<()>,
}

impl KeyServer {
    async fn answering(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/keys", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new(answer));
        let (asked, paths) = watch::channel(Vec::new());
        let current = answer.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n")
                    && stream.read_buf(&mut request).await.unwrap() > 0
                {}
                let request = String::from_utf8(request).unwrap();
                let path = request.split(' ').nth(1).unwrap().to_owned();
                asked.send_modify(|paths| paths.push(path));
                let answer = current.lock().unwrap().clone();
                // A client that has read enough hangs up.
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self {
            address,
            answer,
            paths,
            task,
        }
    }

    fn answer_from_now_on(&self, answer: String) {
        *self.answer.lock().unwrap() = answer;
    }

    fn fetches(&self) -> usize {
        self.paths.borrow().len()
    }

    async fn was_asked(&self) {
        self.paths
            .clone()
            .wait_for(|paths| !paths.is_empty())
            .await
            .unwrap();
    }

    async fn die(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

fn http(status: &str, more: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{more}Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn keys() -> String {
    http(
        "200 OK",
        "Content-Type: application/json\r\n",
        &key_set("k1").to_string(),
    )
}

/// The recorded P-256 key pair.
fn recorded() -> Value {
    let keys: Value = serde_json::from_str(include_str!("../vectors/keys/keys.json")).unwrap();
    let of_p256 = keys["algorithms"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["algorithm"] == "ES256");
    of_p256.unwrap().clone()
}

fn key_set(kid: &str) -> Value {
    let mut jwk = recorded()["jwk"].clone();
    jwk["kid"] = kid.into();
    json!({ "keys": [jwk] })
}

/// An access token as another issuer makes it.
fn token(kid: Option<&str>) -> String {
    let mut header = Header::new(jsonwebtoken::Algorithm::ES256);
    header.kid = kid.map(str::to_owned);
    let claims = json!({"token_type": "access", "exp": NOW + 300, "jti": "a", "user_id": "1"});
    let pem = recorded()["private"][0].as_str().unwrap().to_owned();
    let der = pem
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect::<String>();
    let key = EncodingKey::from_ec_der(&STANDARD.decode(der).unwrap());
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

fn app(url: &str) -> TestApp {
    TestApp::with(|settings| {
        settings.algorithm = Algorithm::ES256;
        settings.signing_key = "".into();
        settings.jwk_url = Some(url.to_owned());
    })
}

/// An app whose keys have arrived; the pure library call never asks for any.
async fn app_with_keys(server: &KeyServer) -> TestApp {
    let app = app(&server.address);
    arrival_of_keys(&app).await;
    app
}

async fn arrival_of_keys(app: &TestApp) {
    let arrived = async {
        while UntypedToken::verify(&app.jwt, &token(Some("k1"))).is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), arrived)
        .await
        .unwrap();
}

#[track_caller]
fn assert_unavailable(reply: &Reply) {
    assert_eq!(
        (reply.status, reply.text("code").as_str()),
        (503, "service_unavailable")
    );
    assert_eq!(reply.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn keys_are_fetched_before_any_request_and_once() {
    let server = KeyServer::answering(keys()).await;
    let app = app_with_keys(&server).await;
    for _ in 0..10 {
        app.verify(&token(Some("k1"))).await.assert(200, "{}");
        assert_eq!(app.get_as(&token(Some("k1")), "/me/").await.status, 200);
    }
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn the_first_request_waits_for_the_keys() {
    let server = KeyServer::answering(keys()).await;
    let app = app(&server.address);
    app.verify(&token(Some("k1"))).await.assert(200, "{}");
}

#[tokio::test]
async fn an_unknown_kid_is_invalid_and_asks_nobody_within_thirty_seconds() {
    let server = KeyServer::answering(keys()).await;
    let app = app_with_keys(&server).await;
    for kid in ["k2", "", "K1"] {
        app.verify(&token(Some(kid)))
            .await
            .assert_refused("Token is invalid");
    }
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn a_token_without_kid_is_invalid() {
    let server = KeyServer::answering(keys()).await;
    let app = app_with_keys(&server).await;
    app.verify(&token(None))
        .await
        .assert_refused("Token is invalid");
}

#[tokio::test]
async fn a_bad_signature_under_a_known_kid_is_invalid() {
    let server = KeyServer::answering(keys()).await;
    let app = app_with_keys(&server).await;
    let token = token(Some("k1"));
    let (signed, _) = token.rsplit_once('.').unwrap();
    app.verify(&format!("{signed}.{}", "A".repeat(86)))
        .await
        .assert_refused("Token is invalid");
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_an_outage_and_no_invalid_token() {
    let server = KeyServer::answering(http("500 Internal Server Error", "", "")).await;
    let app = app(&server.address);
    assert_unavailable(&app.verify(&token(Some("k1"))).await);
    assert_unavailable(&app.get_as(&token(Some("k1")), "/me/").await);
    assert!(app.jwt.find_flaw(&token(Some("k1"))).await.is_err());
    app.verify("rubbish")
        .await
        .assert_refused("Token is invalid");
}

#[tokio::test]
async fn an_address_nobody_listens_at_is_an_outage() {
    let server = KeyServer::answering(keys()).await;
    let address = server.address.clone();
    server.die().await;
    assert_unavailable(&app(&address).verify(&token(Some("k1"))).await);
}

#[tokio::test]
async fn after_an_outage_the_keys_come_by_themselves() {
    let server = KeyServer::answering(http("503 Service Unavailable", "", "")).await;
    let app = app(&server.address);
    assert_unavailable(&app.verify(&token(Some("k1"))).await);
    server.answer_from_now_on(keys());
    arrival_of_keys(&app).await;
    app.verify(&token(Some("k1"))).await.assert(200, "{}");
}

#[tokio::test]
async fn requests_do_not_hurry_an_address_that_is_ill() {
    let server = KeyServer::answering(http("503 Service Unavailable", "", "")).await;
    let app = app(&server.address);
    for _ in 0..20 {
        assert_unavailable(&app.verify(&token(Some("k1"))).await);
    }
    assert!(server.fetches() <= 2, "{} fetches", server.fetches());
}

#[tokio::test]
async fn keys_stay_in_use_when_the_address_dies() {
    let server = KeyServer::answering(keys()).await;
    let app = app_with_keys(&server).await;
    server.die().await;
    app.verify(&token(Some("k1"))).await.assert(200, "{}");
    app.verify(&token(Some("k2")))
        .await
        .assert_refused("Token is invalid");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let server = KeyServer::answering(http("302 Found", "Location: /elsewhere\r\n", "")).await;
    let app = app(&server.address);
    assert_unavailable(&app.verify(&token(Some("k1"))).await);
    assert!(
        server.paths.borrow().iter().all(|path| path == "/keys"),
        "{:?}",
        server.paths.borrow()
    );
}

#[tokio::test]
async fn an_answer_of_more_than_256_kib_is_refused() {
    let mut set = key_set("k1");
    set["pad"] = "x".repeat(256 * 1024).into();
    let server = KeyServer::answering(http("200 OK", "", &set.to_string())).await;
    let app = app(&server.address);
    server.was_asked().await;
    assert_unavailable(&app.verify(&token(Some("k1"))).await);
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_is_an_outage() {
    let mut foreign = key_set("k1");
    foreign["keys"][0]["use"] = "enc".into();
    for body in ["", "[]", "{}", r#"{"keys":[]}"#, &foreign.to_string()] {
        let server = KeyServer::answering(http("200 OK", "", body)).await;
        assert_unavailable(&app(&server.address).verify(&token(Some("k1"))).await);
    }
}

#[test]
fn an_address_of_keys_for_a_shared_secret_stops_the_start() {
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let mut settings = Settings::new("k".repeat(64));
        settings.algorithm = algorithm;
        settings.jwk_url = Some("http://127.0.0.1:9/keys".to_owned());
        let error = SimpleJwt::new(settings, MemoryStore::default()).unwrap_err();
        let told = "JWK_URL: needs an asymmetric ALGORITHM: a shared secret has no public key set";
        assert_eq!(error.to_string(), told);
    }
}

#[tokio::test]
async fn an_engine_without_a_signing_key_says_so_at_the_start() {
    let server = KeyServer::answering(keys()).await;
    let app = app(&server.address);
    assert!(
        app.jwt
            .warnings()
            .iter()
            .any(|warning| warning.contains("SIGNING_KEY")),
        "{:?}",
        app.jwt.warnings()
    );
}
