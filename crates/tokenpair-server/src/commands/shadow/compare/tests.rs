use super::{Half, Judge};
use crate::commands::shadow::exchange::{Answer, Difference, Headers, Request};
use jiff::Timestamp;
use tokenpair::{MemoryStore, Settings, SimpleJwt, UntypedToken};

mod bodies;
mod tokens;

const KEY: &str = "a key of at least 32 bytes for the tests of shadow";
/// When the tests play.
const NOW: i64 = 2_000_000_000;

fn settings() -> Settings {
    Settings::new(KEY)
}

fn jwt(key: &str) -> SimpleJwt {
    SimpleJwt::new(Settings::new(key), MemoryStore::default()).unwrap()
}

fn token(key: &str, claims: &str) -> String {
    let jwt = jwt(key);
    let mut token = UntypedToken::new(&jwt);
    *token.claims_mut() = tokenpair::json::decode_strict(claims.as_bytes()).unwrap();
    jwt.encode(&token).unwrap()
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut collected = Headers::default();
    for (name, value) in headers {
        collected.push(*name, *value);
    }
    Answer {
        status,
        headers: collected,
        body: body.as_bytes().to_vec(),
    }
}

fn post(body: &str) -> Request {
    let mut request = Request::new("it", "POST", "/api/token/");
    request.body = body.as_bytes().to_vec();
    request
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn half<'a>(sent: &'a Request, answer: &'a Answer) -> Half<'a> {
    Half {
        sent,
        sent_at: at(NOW),
        answer,
        answered_at: at(NOW + 1),
    }
}

/// `place: Django | tokenpair` of each difference.
fn told(differences: &[Difference]) -> Vec<String> {
    let says = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
    let line = |difference: &Difference| {
        let (theirs, ours) = (says(&difference.django), says(&difference.tokenpair));
        format!("{}: {theirs} | {ours}", difference.place)
    };
    differences.iter().map(line).collect()
}

async fn compare(request: &Request, django: &Answer, ours: &Answer) -> Vec<String> {
    let settings = settings();
    let mut judge = Judge::new(&settings, Some(jwt(KEY)));
    told(
        &judge
            .differences(&half(request, django), &half(request, ours))
            .await,
    )
}

async fn compare_headers(django: &[(&str, &str)], ours: &[(&str, &str)]) -> Vec<String> {
    compare(&post(""), &answer(200, django, ""), &answer(200, ours, "")).await
}

#[tokio::test]
async fn the_status_is_compared() {
    let found = compare(&post(""), &answer(200, &[], ""), &answer(401, &[], "")).await;
    assert_eq!(found, ["status: 200 | 401"]);
}

#[tokio::test]
async fn a_throttled_request_has_one_difference_and_no_more() {
    let throttled = answer(429, &[("retry-after", "57")], r#"{"detail": "throttled"}"#);
    let granted = answer(200, &[("allow", "POST")], r#"{"access": "x"}"#);
    let told = compare(&post("{}"), &throttled, &granted).await;
    assert_eq!(told, ["status: 429 | 200"]);
    let both = compare(&post("{}"), &throttled, &answer(429, &[], "{}")).await;
    assert!(both.len() > 1, "{both:?}");
}

#[tokio::test]
async fn headers_are_compared_but_for_those_of_server_and_moment() {
    let django = [
        ("date", "a"),
        ("server", "a"),
        ("content-length", "1"),
        ("x-request-id", "a"),
        ("x-frame-options", "DENY"),
        ("allow", "POST, OPTIONS"),
    ];
    let ours = [
        ("date", "b"),
        ("allow", "POST"),
        ("cache-control", "no-store"),
    ];
    let found = compare_headers(&django, &ours).await;
    assert_eq!(
        found,
        [
            "header allow: POST, OPTIONS | POST",
            "header cache-control: nothing | no-store",
            "header x-frame-options: DENY | nothing",
        ]
    );
}

#[tokio::test]
async fn headers_are_compared_by_their_meaning() {
    let django = [
        ("Content-Type", "text/html; charset=UTF-8"),
        ("Vary", "Accept, origin"),
        ("Location", "http://127.0.0.1:8001/api/token/?a=b"),
        (
            "Set-Cookie",
            "csrftoken=secret1; expires=Mon; Max-Age=5; Path=/",
        ),
    ];
    let ours = [
        ("content-type", "text/html;charset=utf-8"),
        ("vary", "Origin"),
        ("vary", "Accept"),
        ("location", "/api/token/?a=b"),
        (
            "set-cookie",
            "csrftoken=secret2; path=/; max-age=5; expires=Tue",
        ),
    ];
    assert!(compare_headers(&django, &ours).await.is_empty());
    let other = [("set-cookie", "csrftoken=secret2; path=/; HttpOnly")];
    let found = compare_headers(&django[3..], &other).await;
    assert_eq!(
        found,
        [
            "header set-cookie: csrftoken=<value>; max-age=5; path=/ | csrftoken=<value>; httponly; path=/"
        ]
    );
}

#[tokio::test]
async fn the_length_is_all_there_is_of_an_answer_to_head() {
    let request = Request::new("it", "HEAD", "/api/token/");
    let django = answer(405, &[("content-length", "40")], "");
    let ours = answer(405, &[("content-length", "41")], "");
    assert_eq!(
        compare(&request, &django, &ours).await,
        ["header content-length: 40 | 41"]
    );
}
