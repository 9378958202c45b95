//! Tokens in cookies at the endpoints of accounts and sessions.

use crate::accounts_app::{AccountsApp, CAROL, ME, REGISTER};
use crate::app::{ALICE, TOKEN, memory, text_of};
use crate::browser::{ACCESS, Browser, CSRF, REFRESH_COOKIE, names, rotating};
use crate::csrf::{MISSING, refused};
use crate::sessions::app as with_sessions;
use axum::http::Method;
use std::sync::Arc;

const LOGOUT: &str = "/api/logout/";
const LOGOUT_ALL: &str = "/api/logout/all/";
const SESSIONS: &str = "/api/sessions/";

#[tokio::test]
async fn who_signs_up_with_cookies_is_logged_in_by_them() {
    let accounts = AccountsApp::new();
    let mut browser = Browser::new(&accounts.app);
    let reply = browser.script(Method::POST, REGISTER, CAROL).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let body = reply.json();
    let keys: Vec<_> = body.iter().map(|(name, _)| name.as_str()).collect();
    let wanted = ["user", "access_expires", "refresh_expires", "csrf_token"];
    assert_eq!(keys, wanted);
    assert_eq!(names(&reply), [ACCESS, REFRESH_COOKIE, CSRF]);
    let me = browser.call(Method::GET, ME, "").await;
    assert_eq!(me.text("username"), "carol2");
    let patch = r#"{"first_name":"Carol"}"#;
    let reply = browser.send(Method::PATCH, ME, &[], patch).await;
    reply.assert(403, refused(MISSING));
    let reply = browser.call(Method::PATCH, ME, patch).await;
    assert_eq!(reply.text("first_name"), "Carol");
}

#[tokio::test]
async fn a_sign_up_that_is_refused_leaves_the_cookies() {
    let accounts = AccountsApp::new();
    let mut browser = Browser::new(&accounts.app);
    browser.log_in().await;
    let jar = browser.jar.clone();
    let bad = r#"{"username":"alice","password":"s3cret-enough"}"#;
    let reply = browser.script(Method::POST, REGISTER, bad).await;
    assert_eq!((reply.status, names(&reply).len()), (400, 0));
    let mut foreign = browser.again().with("origin", "https://evil.example");
    let reply = foreign.script(Method::POST, REGISTER, CAROL).await;
    assert_eq!((reply.status, names(&reply).len()), (403, 0));
    assert_eq!(browser.jar, jar);
    // The name was not taken by the page of another site.
    let reply = browser.script(Method::POST, REGISTER, CAROL).await;
    assert_eq!(reply.status, 201);
}

#[tokio::test]
async fn who_proves_the_address_gets_cookies_and_not_before() {
    let accounts = AccountsApp::verifying();
    let mut browser = Browser::new(&accounts.app);
    let reply = browser.script(Method::POST, REGISTER, CAROL).await;
    assert_eq!((reply.status, names(&reply).len()), (201, 0), "{reply:?}");
    let (_, uid, token) = accounts.outbox.link();
    let proof = text_of([
        ("uid", &uid),
        ("token", &token),
        ("password", "s3cret-enough"),
    ]);
    let path = "/api/register/verify/";
    let reply = browser.script(Method::POST, path, &proof).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(names(&reply), [ACCESS, REFRESH_COOKIE, CSRF]);
    assert!(!reply.body.contains(browser.cookie(REFRESH_COOKIE)));
    let me = browser.call(Method::GET, ME, "").await;
    assert_eq!(me.text("username"), "carol2");
}

#[tokio::test]
async fn sessions_are_ended_by_cookie_only_for_our_own_page_with_its_token() {
    let app = with_sessions(Arc::new(memory()), rotating);
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let list = browser.call(Method::GET, SESSIONS, "").await;
    let list: serde_json::Value = serde_json::from_str(&list.body).unwrap();
    assert_eq!(list[0]["current"], true);
    let own = list[0]["url"].as_str().unwrap();
    for (method, path) in [(Method::POST, LOGOUT_ALL), (Method::DELETE, own)] {
        let reply = browser.send(method.clone(), path, &[], "").await;
        reply.assert(403, refused(MISSING));
        let mut foreign = browser.again().with("origin", "https://evil.example");
        assert_eq!(foreign.call(method, path, "").await.status, 403);
    }
    let mut foreign = browser.again().with("sec-fetch-site", "same-site");
    let reply = foreign.script(Method::POST, LOGOUT, "").await;
    assert_eq!((reply.status, names(&reply).len()), (403, 0));
    // Without the header it is the body's token that is meant.
    let reply = browser.call(Method::POST, LOGOUT, "{}").await;
    reply.assert(400, r#"{"refresh":["This field is required."]}"#);
    assert_eq!(browser.refresh().await.status, 200, "nothing was ended");
}

#[tokio::test]
async fn cookies_go_with_the_session_that_they_named_and_with_no_other() {
    let app = with_sessions(Arc::new(memory()), rotating);
    for (header, is_by_cookie) in [
        ("", true),
        // A password that a proxy asks for.
        ("Basic YTpi", true),
        ("Bearer", false),
    ] {
        let mut browser = Browser::new(&app);
        browser.log_in().await;
        let carol = r#"{"username":"carol","password":" spaced "}"#;
        let access = app.post(TOKEN, carol).await.text("access");
        let header = match header {
            "Bearer" => format!("Bearer {access}"),
            other => other.to_owned(),
        };
        browser = browser.with("authorization", header);
        let reply = browser.call(Method::POST, LOGOUT_ALL, "").await;
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(browser.jar.is_empty(), is_by_cookie, "{reply:?}");
    }
}

#[tokio::test]
async fn a_log_out_ends_the_session_of_the_cookies_and_leaves_the_others() {
    let app = with_sessions(Arc::new(memory()), rotating);
    let (mut here, mut there) = (Browser::new(&app), Browser::new(&app));
    here.log_in().await;
    there.script(Method::POST, TOKEN, ALICE).await;
    let mut stolen = here.again();
    let reply = here.script(Method::POST, LOGOUT, "").await;
    reply.assert(200, "{}");
    assert!(here.jar.is_empty());
    assert_eq!(stolen.call(Method::GET, "/me/", "").await.status, 401);
    assert_eq!(stolen.refresh().await.status, 401);
    assert_eq!(there.refresh().await.status, 200);
}
