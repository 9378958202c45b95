//! The parts together, in their order.

use super::*;
use crate::cors::CorsSettings;
use crate::log::Format;
use crate::log::tests::Written;
use axum::body::Body;
use axum::response::IntoResponse as _;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokenpair::clock::Ids;

/// Ids that count from 1.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Ids for Counting {
    fn jti(&self, _: jiff::Timestamp) -> String {
        format!("{:032x}", self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

fn rules(proxies: &[&str], cors: Option<&CorsSettings>) -> Rules {
    Rules {
        trusted_proxies: TrustedProxies::new(proxies).unwrap(),
        cors: cors.map(|settings| Cors::new(settings).unwrap()),
    }
}

fn request(method: &str, headers: &[(&'static str, &'static str)]) -> Request<()> {
    let mut request = Request::builder()
        .method(method)
        .uri("/api/token/")
        .body(())
        .unwrap();
    for (name, value) in headers {
        request
            .headers_mut()
            .append(*name, http::HeaderValue::from_static(value));
    }
    let peer: SocketAddr = "10.0.0.1:4711".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

/// An application that tells what it sees.
async fn echo(request: Request<()>) -> Response {
    let ConnectInfo(client) = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .unwrap();
    let id = request.headers()["x-request-id"].to_str().unwrap();
    let headers = [
        ("x-seen", format!("{} {id}", client.ip())),
        ("vary", "Accept".to_owned()),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Body::empty()).into_response()
}

async fn headers(middleware: &Middleware, request: Request<()>) -> HeaderMap {
    let response = middleware.wrap(request, None, echo).await;
    response.headers().clone()
}

#[tokio::test]
async fn application_log_and_client_learn_one_id_and_one_address() {
    let middleware = Middleware::with_ids(rules(&["10.0.0.0/8"], None), Counting::default());
    let log = Written::default();
    let listening = log.listen(Format::Json);
    let forwarded = ("x-forwarded-for", "198.51.100.1");
    let told = headers(&middleware, request("POST", &[forwarded])).await;
    drop(listening);
    let id = format!("{:032x}", 1);
    assert_eq!(told["x-seen"], format!("198.51.100.1 {id}"));
    assert_eq!(told["x-request-id"], id);
    let line: Value = serde_json::from_str(&log.pieces().concat()).unwrap();
    assert_eq!(
        (&line["address"], &line["request_id"]),
        (&"198.51.100.1".into(), &id.as_str().into())
    );
    assert_eq!(
        (&line["level"], &line["status"]),
        (&"WARN".into(), &503.into())
    );

    let given = ("x-request-id", "theirs");
    let told = headers(&middleware, request("POST", &[given])).await;
    assert_eq!(
        (&told["x-seen"], &told["x-request-id"]),
        (
            &"10.0.0.1 theirs".parse().unwrap(),
            &"theirs".parse().unwrap()
        )
    );
}

#[tokio::test]
async fn a_preflight_does_not_reach_the_application_and_has_an_id() {
    let here = CorsSettings::localhost();
    let middleware = Middleware::new(rules(&[], Some(&here)));
    let asked = [
        ("origin", "http://localhost:3000"),
        ("access-control-request-method", "POST"),
    ];
    let preflight = request("OPTIONS", &asked);
    let answer = middleware.wrap(preflight, None, echo).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let told = answer.headers();
    assert!(
        told.contains_key("x-request-id") && !told.contains_key("x-seen"),
        "{told:?}"
    );
    assert_eq!(told["access-control-allow-origin"], "http://localhost:3000");

    let told = headers(&middleware, request("OPTIONS", &asked[..1])).await;
    assert!(
        told.contains_key("x-seen"),
        "a plain OPTIONS is the application's: {told:?}"
    );
    assert_eq!(told["vary"], "Accept, origin");
}

#[tokio::test]
async fn rules_can_be_replaced_while_the_server_runs() {
    let middleware = Middleware::default();
    let asked = [
        ("origin", "http://localhost"),
        ("x-forwarded-for", "198.51.100.1"),
    ];
    let of_server = middleware.clone();
    let told = headers(&of_server, request("GET", &asked)).await;
    assert!(told["x-seen"].to_str().unwrap().starts_with("10.0.0.1 "));
    assert_eq!(told["vary"], "Accept");

    middleware.replace(rules(&["10.0.0.1"], Some(&CorsSettings::localhost())));
    let told = headers(&of_server, request("GET", &asked)).await;
    assert!(
        told["x-seen"]
            .to_str()
            .unwrap()
            .starts_with("198.51.100.1 ")
    );
    assert_eq!(told["access-control-allow-origin"], "http://localhost");
}
