//! Tokens in cookies: who asks for them, and what is delivered at a log-in and a refresh.

use crate::app::{
    ALICE, BLACKLIST, NOW, REFRESH, Reply, SLIDING, SLIDING_REFRESH, TOKEN, TestApp, alice, claims,
};
use crate::browser::{ACCESS, Browser, CSRF, REFRESH_COOKIE, names, rotating, set_cookies};
use axum::http::Method;
use tokenpair::accounts::sessions::log_out_everywhere;
use tokenpair::json::{Object, Value};
use tokenpair::{RequestInfo, SameSite, TokenClass};

fn keys(body: &Object) -> Vec<&str> {
    body.iter().map(|(name, _)| name.as_str()).collect()
}

fn number(reply: &Reply, name: &str) -> i64 {
    match reply.json().get(name) {
        Some(Value::Number(number)) => number.to_string().parse().unwrap(),
        other => panic!("{name}: {other:?}"),
    }
}

#[tokio::test]
async fn a_log_in_that_asks_for_cookies_has_no_token_in_its_body() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    let reply = browser.log_in().await;
    assert_eq!(
        keys(&reply.json()),
        ["access_expires", "refresh_expires", "csrf_token"]
    );
    assert_eq!(number(&reply, "access_expires"), NOW + 300);
    assert_eq!(number(&reply, "refresh_expires"), NOW + 86_400);
    assert_eq!(reply.text("csrf_token"), browser.cookie(CSRF));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let (access, refresh) = (browser.cookie(ACCESS), browser.cookie(REFRESH_COOKIE));
    let csrf = browser.cookie(CSRF);
    assert_eq!(
        set_cookies(&reply),
        [
            format!("{ACCESS}={access}; Path=/; Max-Age=300; Secure; HttpOnly; SameSite=Lax"),
            format!(
                "{REFRESH_COOKIE}={refresh}; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax"
            ),
            format!("{CSRF}={csrf}; Path=/; Max-Age=86400; Secure; SameSite=Lax"),
        ]
    );
    assert_eq!(
        claims(access).get("token_type"),
        Some(&Value::from("access"))
    );
    assert_eq!(
        claims(refresh).get("token_type"),
        Some(&Value::from("refresh"))
    );
}

#[tokio::test]
async fn who_does_not_ask_gets_what_simple_jwt_gives_and_no_cookie() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let reply = browser.call(Method::POST, TOKEN, ALICE).await;
    assert_eq!(keys(&reply.json()), ["refresh", "access"]);
    assert_eq!(names(&reply), [""; 0]);
}

#[tokio::test]
async fn any_other_delivery_is_refused_before_anything_is_done() {
    let app = TestApp::new();
    let text =
        r#"{"detail":"X-Token-Delivery must be \"cookie\"; without it tokens are in the body."}"#;
    for path in [TOKEN, SLIDING, REFRESH, SLIDING_REFRESH, BLACKLIST] {
        for value in ["Cookie", "body", "cookies", "cookie, cookie", "1"] {
            let mut browser = Browser::new(&app).with("x-token-delivery", value);
            let reply = browser.call(Method::POST, path, ALICE).await;
            reply.assert(400, text);
            assert_eq!(names(&reply), [""; 0], "{path} {value}");
        }
    }
    assert_eq!(app.store.outstanding_count(), 0);
}

#[tokio::test]
async fn where_cookies_are_off_nobody_gets_one_and_none_counts() {
    let on = TestApp::new();
    let mut browser = Browser::new(&on);
    browser.log_in().await;
    let off = TestApp::with(|settings| settings.auth_cookies = false);
    let mut stranger = Browser::new(&off);
    stranger.jar = browser.jar.clone();
    let text = r#"{"detail":"Tokens are not delivered in cookies here: AUTH_COOKIES is off."}"#;
    stranger
        .script(Method::POST, TOKEN, ALICE)
        .await
        .assert(400, text);
    let reply = stranger.call(Method::GET, "/me/", "").await;
    reply.assert(
        401,
        r#"{"detail":"Authentication credentials were not provided."}"#,
    );
    let page = stranger.open("/open/").await;
    assert_eq!((page.status, names(&page).len()), (200, 0));
    assert!(!page.body.contains("csrfmiddlewaretoken"));
    for path in ["/auth/login/", "/auth/logout/"] {
        assert_eq!(stranger.open(path).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn a_refresh_takes_the_token_of_the_cookie() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    let first = browser.log_in().await;
    let refresh = browser.cookie(REFRESH_COOKIE).to_owned();
    app.advance(100);
    let reply = browser.refresh().await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(
        keys(&reply.json()),
        ["access_expires", "refresh_expires", "csrf_token"]
    );
    assert_eq!(number(&reply, "access_expires"), NOW + 400);
    assert_eq!(number(&reply, "refresh_expires"), NOW + 86_400);
    assert_eq!(
        reply.text("csrf_token"),
        first.text("csrf_token"),
        "other pages keep theirs"
    );
    assert_eq!(names(&reply), [ACCESS, CSRF]);
    assert_eq!(browser.cookie(REFRESH_COOKIE), refresh);
    assert!(
        set_cookies(&reply)[1].contains("; Max-Age=86300;"),
        "{reply:?}"
    );
}

#[tokio::test]
async fn a_refresh_with_rotation_sets_the_successor() {
    let app = TestApp::with(rotating);
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let (before, csrf) = (
        browser.cookie(REFRESH_COOKIE).to_owned(),
        browser.cookie(CSRF).to_owned(),
    );
    app.advance(100);
    let reply = browser.refresh().await;
    assert_eq!(names(&reply), [ACCESS, REFRESH_COOKIE, CSRF]);
    assert_eq!(number(&reply, "refresh_expires"), NOW + 86_500);
    assert_ne!(browser.cookie(REFRESH_COOKIE), before);
    assert_eq!(browser.cookie(CSRF), csrf);
    assert_eq!(browser.refresh().await.status, 200);
}

#[tokio::test]
async fn a_log_in_makes_a_new_csrf_token_and_a_refresh_replaces_one_that_is_no_good() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let first = browser.cookie(CSRF).to_owned();
    browser.log_in().await;
    assert_ne!(browser.cookie(CSRF), first);
    for bad in [
        "",
        "rubbish",
        &first.replace(|c: char| c.is_ascii_digit(), "x"),
    ] {
        browser.jar.insert(CSRF.to_owned(), bad.to_owned());
        let reply = browser.refresh().await;
        assert_eq!(reply.text("csrf_token"), browser.cookie(CSRF));
        assert_ne!(browser.cookie(CSRF), bad);
        assert_eq!(
            browser
                .call(Method::POST, "/read-or-auth/", "")
                .await
                .status,
            200
        );
    }
}

#[tokio::test]
async fn a_sliding_token_is_the_access_cookie() {
    let app = TestApp::with(|settings| settings.auth_token_classes = vec![TokenClass::Sliding]);
    let mut browser = Browser::new(&app);
    let reply = browser.script(Method::POST, SLIDING, ALICE).await;
    assert_eq!(names(&reply), [ACCESS, CSRF]);
    assert_eq!(number(&reply, "access_expires"), NOW + 300);
    assert_eq!(number(&reply, "refresh_expires"), NOW + 86_400);
    assert!(set_cookies(&reply)[1].contains("; Max-Age=86400;"));
    assert_eq!(browser.call(Method::GET, "/me/", "").await.status, 200);
    app.advance(100);
    let reply = browser.script(Method::POST, SLIDING_REFRESH, "").await;
    assert_eq!(number(&reply, "access_expires"), NOW + 400);
    assert_eq!(number(&reply, "refresh_expires"), NOW + 86_400);
    app.advance(250);
    assert_eq!(
        browser
            .call(Method::POST, "/read-or-auth/", "")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn what_the_validate_hook_adds_stays_in_the_body() {
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            let hook = |data: &mut Object, _: tokenpair::Answer<'_>| {
                data.insert("greeting", "hello");
            };
            builder.store(store).validate(hook)
        },
    );
    let reply = Browser::new(&app).log_in().await;
    let body = reply.json();
    assert_eq!(
        keys(&body),
        [
            "greeting",
            "access_expires",
            "refresh_expires",
            "csrf_token"
        ]
    );
}

#[tokio::test]
async fn a_token_that_no_cookie_can_hold_is_a_clear_error() {
    for (length, is_delivered) in [(2500, true), (3200, false)] {
        let app = TestApp::built(
            |_| (),
            |builder, store| {
                builder.store(store).get_token(move |claims, _| {
                    claims.insert("groups", "g".repeat(length));
                })
            },
        );
        let mut browser = Browser::new(&app);
        let reply = browser.script(Method::POST, TOKEN, ALICE).await;
        if is_delivered {
            assert_eq!((reply.status, names(&reply).len()), (200, 3));
            assert_eq!(browser.refresh().await.status, 200);
            continue;
        }
        assert_eq!((reply.status, names(&reply).len()), (400, 0), "{reply:?}");
        // Nobody has the token that was made, so nobody shall find it in a list.
        let living = log_out_everywhere(&app.jwt, &alice(), &RequestInfo::default()).await;
        assert_eq!(living.unwrap().get("sessions"), Some(&Value::from(0)));
        let text = reply.text("detail");
        assert!(text.starts_with("A token of 4"), "{text}");
        assert!(text.ends_with("does not fit into the cookie __Host-access, which holds 4083 at most. Without X-Token-Delivery it can be had."), "{text}");
        assert_eq!(app.post(TOKEN, ALICE).await.status, 200);
    }
}

#[tokio::test]
async fn over_plain_http_names_have_no_prefix_and_the_operator_is_warned() {
    let app = TestApp::with(|settings| {
        settings.auth_cookie_secure = false;
        settings.auth_cookie_samesite = SameSite::Strict;
    });
    let mut browser = Browser::new(&app).with("origin", "http://auth.example.com");
    let reply = browser.log_in().await;
    let attributes = |cookie: &String| {
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        format!("{}; {attributes}", pair.split('=').next().unwrap())
    };
    let set: Vec<_> = set_cookies(&reply).iter().map(attributes).collect();
    assert_eq!(
        set,
        [
            "access; Path=/; Max-Age=300; HttpOnly; SameSite=Strict",
            "refresh; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict",
            "csrftoken; Path=/; Max-Age=86400; SameSite=Strict",
        ]
    );
    assert_eq!(browser.call(Method::GET, "/me/", "").await.status, 200);
    let warnings = app.jwt.warnings();
    assert!(
        warnings
            .iter()
            .any(|text| text.starts_with("AUTH_COOKIE_SECURE is off"))
    );
}

/// A private and a public Ed25519 key.
pub(crate) fn key_pair() -> (String, String) {
    let keys: serde_json::Value =
        serde_json::from_str(include_str!("../vectors/keys/keys.json")).unwrap();
    let mut algorithms = keys["algorithms"].as_array().unwrap().iter();
    let pair = algorithms
        .find(|pair| pair["algorithm"] == "EdDSA")
        .unwrap();
    let pem = |name: &str| pair[name][0].as_str().unwrap().to_owned();
    (pem("private"), pem("public"))
}

#[tokio::test]
async fn cookies_work_with_a_key_pair() {
    let (private, _) = key_pair();
    let app = TestApp::with(|settings| {
        settings.algorithm = tokenpair::Algorithm::EdDSA;
        settings.signing_key = private.into();
    });
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    assert_eq!(
        browser
            .call(Method::POST, "/read-or-auth/", "")
            .await
            .status,
        200
    );
    let csrf = browser.jar.remove(CSRF).unwrap();
    let bad = TestApp::new();
    let mut other = Browser::new(&bad);
    other.log_in().await;
    other.jar.insert(CSRF.to_owned(), csrf);
    assert_eq!(
        other.call(Method::POST, "/read-or-auth/", "").await.status,
        403,
        "of another key"
    );
}
