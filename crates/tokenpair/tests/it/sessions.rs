//! Sessions through HTTP, over every kind of store: what a user sees of them and how they end.

use crate::app::{ALICE, Pair, Reply, SLIDING, TOKEN, TestApp, claims, good, memory, sign, users};
use crate::browser::Browser;
use crate::cookies_ended;
use crate::stores::sqlite_with;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, header};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokenpair::json::Value;
use tokenpair::store::Store;
use tokenpair::web::session_urls;
use tokenpair::{Settings, SimpleJwt, SimpleJwtBuilder};

const LOGOUT: &str = "/api/logout/";
const LOGOUT_ALL: &str = "/api/logout/all/";
const SESSIONS: &str = "/api/sessions/";
const CAROL: &str = r#"{"username":"carol","password":" spaced "}"#;
const NOT_FOUND: &str = r#"{"detail":"Not found."}"#;

#[tokio::test]
async fn sessions_are_kept_in_memory() {
    check(async || memory()).await;
}

#[tokio::test]
async fn sessions_are_kept_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    check(async || {
        count.set(count.get() + 1);
        let path = folder.path().join(format!("{}.sqlite3", count.get()));
        sqlite_with(path.to_str().unwrap(), &users()).await
    })
    .await;
}

/// Every scenario, each with a store of its own that holds the usual users.
pub(crate) async fn check<S: Store>(make: impl AsyncFn() -> S) {
    let make = async || Arc::new(make().await) as Arc<dyn Store>;
    a_log_in_is_listed_with_what_is_known_of_its_client(make().await).await;
    sessions_are_listed_the_newest_first_and_the_own_one_is_marked(make().await).await;
    a_refresh_without_rotation_is_noted_once_a_minute(make().await).await;
    an_ended_session_is_refused_and_the_others_go_on(make().await).await;
    nobody_ends_the_session_of_somebody_else(make().await).await;
    a_log_out_ends_the_session_and_its_access_tokens(make().await).await;
    a_log_out_refuses_what_the_blacklist_endpoint_refuses(make().await).await;
    a_log_out_that_came_after_a_refresh_ends_the_session(make().await).await;
    a_log_out_everywhere_ends_every_session(make().await).await;
    a_browser_whose_session_ends_gives_its_cookies_back(make().await).await;
    cookies_ended::a_log_out_ends_a_sliding_token(make().await).await;
    cookies_ended::a_log_out_by_an_access_token_ends_its_session(make().await).await;
    without_sessions_a_log_out_everywhere_ends_every_refresh_token(make().await).await;
    a_token_without_sid_begins_a_session_when_it_is_refreshed(make().await).await;
    a_sid_that_can_be_no_id_is_replaced(make().await).await;
    a_sliding_token_is_a_session(make().await).await;
    without_the_setting_tokens_and_answers_are_simple_jwts(make().await).await;
}

fn strict(settings: &mut Settings) {
    settings.rotate_refresh_tokens = true;
    settings.blacklist_after_rotation = true;
}

pub(crate) fn app(store: Arc<dyn Store>, change: impl FnOnce(&mut Settings)) -> TestApp {
    let change = |settings: &mut Settings| {
        settings.sessions = true;
        change(settings);
    };
    TestApp::built(change, |builder, _| builder.shared_store(store))
        .with_routes(Router::<SimpleJwt>::new().nest("/api", session_urls()))
}

/// From an address, with a client's name.
async fn log_in_from(app: &TestApp, body: &'static str, host: &str, client: &str) -> Pair {
    let peer: SocketAddr = format!("{host}:50000").parse().unwrap();
    let request = Request::post(TOKEN)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::USER_AGENT, client)
        .extension(ConnectInfo(peer));
    let reply = app.send(request.body(body.into()).unwrap()).await;
    Pair {
        refresh: reply.text("refresh"),
        access: reply.text("access"),
    }
}

async fn send_as(app: &TestApp, method: Method, access: &str, path: &str) -> Reply {
    let request = Request::builder().method(method).uri(path);
    let request = request.header(header::AUTHORIZATION, format!("Bearer {access}"));
    app.send(request.body(Body::empty()).unwrap()).await
}

async fn end(app: &TestApp, access: &str, id: &str) -> Reply {
    send_as(app, Method::DELETE, access, &format!("{SESSIONS}{id}/")).await
}

async fn log_out(app: &TestApp, refresh: &str) -> Reply {
    app.post_field(LOGOUT, "refresh", refresh).await
}

fn sid(token: &str) -> String {
    match claims(token).get("sid") {
        Some(Value::String(sid)) => sid.clone(),
        other => panic!("{other:?}"),
    }
}

/// These members of each session in the list.
async fn listed(app: &TestApp, access: &str, names: &[&str]) -> Vec<String> {
    let reply = app.get_as(access, SESSIONS).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let list: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    let sessions = list.as_array().unwrap().iter();
    let shown = |session: &serde_json::Value| {
        let values = names.iter().map(|name| match &session[name] {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        values.collect::<Vec<_>>().join(" ")
    };
    sessions.map(shown).collect()
}

async fn assert_ended(app: &TestApp, pair: &Pair) {
    app.refresh(&pair.refresh)
        .await
        .assert_refused("Token is blacklisted");
    let refused = app.get_as(&pair.access, "/me/").await;
    assert_eq!(refused.status, 401, "{refused:?}");
    assert!(refused.body.contains("Token is blacklisted"), "{refused:?}");
}

async fn assert_lives(app: &TestApp, pair: &Pair) {
    assert_eq!(app.get_as(&pair.access, "/me/").await.status, 200);
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
}

async fn a_log_in_is_listed_with_what_is_known_of_its_client(store: Arc<dyn Store>) {
    let app = app(store, strict);
    let pair = log_in_from(&app, ALICE, "192.0.2.7", "Firefox").await;
    let id = sid(&pair.refresh);
    assert_eq!(
        claims(&pair.refresh).get("jti"),
        Some(&Value::from(id.as_str()))
    );
    assert_eq!(sid(&pair.access), id);
    let session = format!(
        r#"{{"id":"{id}","created":"2027-01-15T08:00:00Z","last_refreshed":"2027-01-15T08:00:00Z","expires":"2027-01-16T08:00:00Z","address":"192.0.2.7","user_agent":"Firefox","current":true,"url":"/api/sessions/{id}/"}}"#
    );
    let reply = app.get_as(&pair.access, SESSIONS).await;
    reply.assert(200, format!("[{session}]"));
    let url = format!("{SESSIONS}{id}/");
    app.get_as(&pair.access, &url).await.assert(200, session);
    let other = log_in_from(&app, CAROL, "192.0.2.9", "carol").await;
    let refused = app.get_as(&other.access, &url).await;
    refused.assert(404, r#"{"detail":"Not found."}"#);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(app.get(SESSIONS).await.status, 401);
}

async fn sessions_are_listed_the_newest_first_and_the_own_one_is_marked(store: Arc<dyn Store>) {
    let app = app(store, strict);
    let old = log_in_from(&app, ALICE, "192.0.2.7", "old").await;
    app.advance(1);
    let new = log_in_from(&app, ALICE, "192.0.2.8", "new").await;
    log_in_from(&app, CAROL, "192.0.2.9", "carol").await;
    app.advance(10);
    let refreshed = app.refresh(&old.refresh).await;
    let names = ["user_agent", "last_refreshed", "current"];
    let old = "old 2027-01-15T08:00:11Z";
    let seen = listed(&app, &refreshed.text("access"), &names).await;
    let new_line = "new 2027-01-15T08:00:01Z";
    assert_eq!(seen, [format!("{new_line} false"), format!("{old} true")]);
    let seen = listed(&app, &new.access, &names).await;
    assert_eq!(seen, [format!("{new_line} true"), format!("{old} false")]);
}

async fn a_refresh_without_rotation_is_noted_once_a_minute(store: Arc<dyn Store>) {
    let app = app(store, |_| ());
    let pair = app.log_in().await;
    for (seconds, noted) in [(30, "00:00"), (30, "01:00"), (59, "01:00")] {
        app.advance(seconds);
        let refreshed = app.refresh(&pair.refresh).await;
        let access = refreshed.text("access");
        assert_eq!(sid(&access), sid(&pair.refresh));
        let seen = listed(&app, &access, &["last_refreshed"]).await;
        assert_eq!(seen, [format!("2027-01-15T08:{noted}Z")]);
    }
}

async fn an_ended_session_is_refused_and_the_others_go_on(store: Arc<dyn Store>) {
    let app = app(store, strict);
    let [one, two] = [app.log_in().await, app.log_in().await];
    let id = sid(&one.refresh);
    let ended = end(&app, &two.access, &id).await;
    ended.assert(204, "");
    assert_eq!(ended.header("content-type"), None);
    assert_ended(&app, &one).await;
    end(&app, &two.access, &id).await.assert(404, NOT_FOUND);
    end(&app, &two.access, "unknown")
        .await
        .assert(404, NOT_FOUND);
    assert_eq!(
        listed(&app, &two.access, &["id"]).await,
        [sid(&two.refresh)]
    );
    let got = app.get_as(&two.access, &format!("{SESSIONS}{id}/")).await;
    assert_eq!(
        (got.status, got.header("allow")),
        (404, Some("GET, DELETE, HEAD, OPTIONS"))
    );
    assert_lives(&app, &two).await;
}

async fn nobody_ends_the_session_of_somebody_else(store: Arc<dyn Store>) {
    let app = app(store, strict);
    let alice = app.log_in().await;
    let carol = log_in_from(&app, CAROL, "192.0.2.9", "carol").await;
    let id = sid(&alice.refresh);
    end(&app, &carol.access, &id).await.assert(404, NOT_FOUND);
    let path = format!("{SESSIONS}{id}/");
    let anonymous = Request::delete(&path).body(Body::empty()).unwrap();
    assert_eq!(app.send(anonymous).await.status, 401);
    assert_lives(&app, &alice).await;
}

async fn a_log_out_ends_the_session_and_its_access_tokens(store: Arc<dyn Store>) {
    let app = app(store, strict);
    let [one, two] = [app.log_in().await, app.log_in().await];
    log_out(&app, &one.refresh).await.assert(200, "{}");
    assert_ended(&app, &one).await;
    // Who is not looked up is believed until the token expires.
    assert_eq!(app.get_as(&one.access, "/stateless/").await.status, 200);
    log_out(&app, &one.refresh)
        .await
        .assert_refused("Token is blacklisted");
    assert_lives(&app, &two).await;
}

async fn a_log_out_refuses_what_the_blacklist_endpoint_refuses(store: Arc<dyn Store>) {
    let app = app(store, strict);
    let pair = app.log_in().await;
    let unsignable = good("refresh", r#","iss":1"#);
    for token in [
        &pair.access,
        "x.y.z",
        &sign(&unsignable),
        &sign(r#"{"exp":1}"#),
    ] {
        let [ours, theirs] = [log_out(&app, token).await, app.blacklist(token).await];
        assert_eq!(ours.status, 401, "{token}");
        theirs.assert(ours.status, &ours.body);
    }
    for body in ["{}", "[]", "{", r#"{"refresh":""}"#] {
        let [ours, theirs] = [LOGOUT, "/api/token/blacklist/"].map(|path| app.post(path, body));
        let ours = ours.await;
        assert_eq!(ours.status, 400, "{body}");
        theirs.await.assert(ours.status, &ours.body);
    }
    assert_lives(&app, &pair).await;
}

async fn a_log_out_that_came_after_a_refresh_ends_the_session(store: Arc<dyn Store>) {
    let app = app(store, strict);
    let pair = app.log_in().await;
    let refreshed = app.refresh(&pair.refresh).await;
    let next = Pair {
        refresh: refreshed.text("refresh"),
        access: refreshed.text("access"),
    };
    log_out(&app, &pair.refresh).await.assert(200, "{}");
    assert_ended(&app, &next).await;
    log_out(&app, &next.refresh)
        .await
        .assert_refused("Token is blacklisted");
}

async fn a_log_out_everywhere_ends_every_session(store: Arc<dyn Store>) {
    let app = app(store, strict);
    let [one, two] = [app.log_in().await, app.log_in().await];
    let carol = log_in_from(&app, CAROL, "192.0.2.9", "carol").await;
    assert_eq!(app.post(LOGOUT_ALL, "").await.status, 401);
    let reply = send_as(&app, Method::POST, &one.access, LOGOUT_ALL).await;
    reply.assert(200, r#"{"sessions":2}"#);
    for pair in [&one, &two] {
        assert_ended(&app, pair).await;
    }
    assert_lives(&app, &carol).await;
    assert_lives(&app, &app.log_in().await).await;
}

async fn a_browser_whose_session_ends_gives_its_cookies_back(store: Arc<dyn Store>) {
    let app = app(store, strict);
    for end in ["log out", "log out everywhere", "end its own"] {
        let mut browser = Browser::new(&app);
        browser.log_in().await;
        let list = browser.call(Method::GET, SESSIONS, "").await;
        let list: serde_json::Value = serde_json::from_str(&list.body).unwrap();
        let mut sessions = list.as_array().unwrap().iter();
        let own = sessions.find(|session| session["current"] == true).unwrap();
        let reply = match end {
            "log out" => browser.script(Method::POST, LOGOUT, "").await,
            "log out everywhere" => browser.call(Method::POST, LOGOUT_ALL, "").await,
            _ => {
                let url = own["url"].as_str().unwrap();
                browser.call(Method::DELETE, url, "").await
            }
        };
        assert!([200, 204].contains(&reply.status), "{end}: {reply:?}");
        assert!(browser.jar.is_empty(), "{end}: {:?}", browser.jar.keys());
    }
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let other = log_in_from(&app, ALICE, "192.0.2.7", "phone").await;
    let url = format!("{SESSIONS}{}/", sid(&other.refresh));
    assert_eq!(browser.call(Method::DELETE, &url, "").await.status, 204);
    assert!(!browser.jar.is_empty(), "the session of another client");
}

async fn without_sessions_a_log_out_everywhere_ends_every_refresh_token(store: Arc<dyn Store>) {
    let app = app(store, |settings| settings.sessions = false);
    let [one, two] = [app.log_in().await, app.log_in().await];
    let reply = send_as(&app, Method::POST, &one.access, LOGOUT_ALL).await;
    reply.assert(200, r#"{"sessions":2}"#);
    for pair in [&one, &two] {
        let refused = app.refresh(&pair.refresh).await;
        refused.assert_refused("Token is blacklisted");
        assert_eq!(app.get_as(&pair.access, "/me/").await.status, 200);
    }
}

/// Django's, and those that are older than the setting. A retry has to get the same bytes.
async fn a_token_without_sid_begins_a_session_when_it_is_refreshed(store: Arc<dyn Store>) {
    let app = app(store, |settings| {
        strict(settings);
        settings.rotation_grace_period = Duration::from_secs(10);
    });
    let token = sign(&good("refresh", ""));
    let first = app.refresh(&token).await;
    app.advance(1);
    let again = app.refresh(&token).await;
    assert_eq!(first.text("refresh"), again.text("refresh"));
    for token in [
        first.text("refresh"),
        first.text("access"),
        again.text("access"),
    ] {
        assert_eq!(sid(&token), "refresh-jti");
    }
    let names = ["id", "created", "last_refreshed", "current"];
    let now = "2027-01-15T08:00:00Z";
    assert_eq!(
        listed(&app, &again.text("access"), &names).await,
        [format!("refresh-jti {now} {now} true")]
    );
    end(&app, &again.text("access"), "refresh-jti")
        .await
        .assert(204, "");
    app.refresh(&token)
        .await
        .assert_refused("Token is blacklisted");
}

async fn a_sid_that_can_be_no_id_is_replaced(store: Arc<dyn Store>) {
    let app = app(store, strict);
    for (number, claim) in ["1", "null", r#""""#, r#""\u0000""#].iter().enumerate() {
        let payload = good("refresh", &format!(r#","sid":{claim}"#));
        let jti = format!("refresh-{number}");
        let token = sign(&payload.replace("refresh-jti", &jti));
        let refreshed = app.refresh(&token).await;
        assert_eq!(sid(&refreshed.text("refresh")), jti, "{claim}");
        assert_eq!(sid(&refreshed.text("access")), jti, "{claim}");
    }
}

async fn a_sliding_token_is_a_session(store: Arc<dyn Store>) {
    let app = app(store, |settings| {
        settings.auth_token_classes = vec![
            tokenpair::TokenClass::Access,
            tokenpair::TokenClass::Sliding,
        ];
    });
    let token = app.post(SLIDING, ALICE).await.text("token");
    app.advance(240);
    let token = app.refresh_sliding(&token).await.text("token");
    app.advance(240);
    // Its record expired three minutes ago. The last token lives five minutes longer than the window.
    let names = ["id", "last_refreshed", "expires", "current"];
    let dates = "2027-01-15T08:04:00Z 2027-01-16T08:05:00Z";
    let seen = listed(&app, &token, &names).await;
    assert_eq!(seen, [format!("{} {dates} true", sid(&token))]);
    let reply = send_as(&app, Method::POST, &token, LOGOUT_ALL).await;
    reply.assert(200, r#"{"sessions":1}"#);
    let refused = app.refresh_sliding(&token).await;
    refused.assert_refused("Token is blacklisted");
    assert_eq!(app.get_as(&token, SESSIONS).await.status, 401);
}

async fn without_the_setting_tokens_and_answers_are_simple_jwts(store: Arc<dyn Store>) {
    let app = app(store, |settings| {
        strict(settings);
        settings.sessions = false;
    });
    let pair = app.log_in().await;
    let refreshed = app.refresh(&pair.refresh).await;
    for token in [
        pair.refresh,
        refreshed.text("refresh"),
        refreshed.text("access"),
    ] {
        assert_eq!(claims(&token).get("sid"), None);
    }
    let refused = log_out(&app, &pair.access).await;
    refused.assert_refused("Token has wrong type");
}

#[test]
fn sessions_need_a_store_and_tokens_that_are_good_once() {
    let refusal = |change: fn(&mut Settings), parts: fn(SimpleJwtBuilder) -> SimpleJwtBuilder| {
        let mut settings = crate::app::settings();
        settings.sessions = true;
        change(&mut settings);
        let built = parts(SimpleJwt::builder(settings)).build();
        built.err().map(|error| error.name)
    };
    let stored: fn(SimpleJwtBuilder) -> SimpleJwtBuilder = |builder| builder.store(memory());
    let split: fn(SimpleJwtBuilder) -> SimpleJwtBuilder =
        |builder| builder.user_table(memory()).sessions(memory());
    let bare: fn(SimpleJwtBuilder) -> SimpleJwtBuilder = |builder| builder.user_table(memory());
    let sessions = Some("SESSIONS".to_owned());
    assert_eq!(refusal(|_| (), stored), None);
    assert_eq!(refusal(strict, stored), None);
    assert_eq!(refusal(|_| (), split), None);
    assert_eq!(refusal(|_| (), bare), sessions);
    assert_eq!(
        refusal(|settings| settings.rotate_refresh_tokens = true, stored),
        sessions
    );
    let named = refusal(
        |settings| "sid".clone_into(&mut settings.user_id_claim),
        stored,
    );
    assert_eq!(named, sessions);
}

/// Users elsewhere: sessions are kept, and access tokens live until they expire.
#[tokio::test]
async fn sessions_of_users_who_live_elsewhere_are_kept() {
    let change = |settings: &mut Settings| {
        settings.sessions = true;
        strict(settings);
    };
    let app = TestApp::built(change, |builder, store| {
        builder.user_table(store).sessions(memory())
    });
    let app = app.with_routes(Router::new().nest("/api", session_urls()));
    let pair = app.log_in().await;
    assert_eq!(listed(&app, &pair.access, &["current"]).await, ["true"]);
    log_out(&app, &pair.refresh).await.assert(200, "{}");
    assert_eq!(app.get_as(&pair.access, "/me/").await.status, 200);
    let refused = app.refresh(&pair.refresh).await;
    refused.assert_refused("Token is blacklisted");
}

/// An own claim of this name would make sessions of a user one, or let one be ended as another.
#[tokio::test]
async fn a_hook_does_not_choose_the_session() {
    let app = TestApp::built(
        |settings| settings.sessions = true,
        |builder, store| {
            builder
                .store(store)
                .get_token(|claims, _| drop(claims.insert("sid", "mine")))
        },
    );
    let pair = app.log_in().await;
    assert_ne!(sid(&pair.refresh), "mine");
    assert_eq!(sid(&pair.access), sid(&pair.refresh));
}

#[tokio::test]
async fn a_log_out_without_a_token_store_does_nothing_as_simple_jwt() {
    let app = TestApp::without_token_store(|_| ())
        .with_routes(Router::new().nest("/api", session_urls()));
    let pair = app.log_in().await;
    log_out(&app, &pair.refresh).await.assert(200, "{}");
    let everywhere = send_as(&app, Method::POST, &pair.access, LOGOUT_ALL).await;
    assert_eq!(everywhere.status, 503);
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
}
