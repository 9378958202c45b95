//! When cookies end: by a log-out, by what makes their tokens no good, and not by an outage.

use crate::app::{
    ALICE, BLACKLIST, NOW, REFRESH, SLIDING, SLIDING_REFRESH, TOKEN, TestApp, VERIFY, good, memory,
    sign, token_not_valid,
};
use crate::browser::{
    ACCESS, Browser, CSRF, LOGIN, LOGOUT, REFRESH_COOKIE, names, rotating, set_cookies,
};
use crate::sessions::app as with_sessions;
use async_trait::async_trait;
use axum::Router;
use axum::http::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokenpair::store::Store;
use tokenpair::web::{DjangoUrls as _, Permission, View};
use tokenpair::{
    Credentials, Error, MemoryStore, Settings, SimpleJwt, SimpleJwtBuilder, StoreError, TokenClass,
    User, UserId, UserIdKind, UserStore, UserTable as _,
};

const LOGOUT_ENDPOINT: &str = "/api/logout/";

#[tokio::test]
async fn a_log_out_revokes_the_token_and_takes_the_cookies_back() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let stolen = browser.again();
    let reply = browser.script(Method::POST, BLACKLIST, "").await;
    reply.assert(200, "{}");
    assert_eq!(
        set_cookies(&reply),
        [
            format!("{ACCESS}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"),
            format!("{REFRESH_COOKIE}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"),
            format!("{CSRF}=; Path=/; Max-Age=0; Secure; SameSite=Lax"),
        ]
    );
    assert!(browser.jar.is_empty());
    let refused = stolen.again().refresh().await;
    refused.assert(401, token_not_valid("Token is blacklisted"));
}

fn sliding(settings: &mut Settings) {
    settings.auth_token_classes = vec![TokenClass::Sliding];
}

/// A scenario of `sessions.rs`, over every kind of store.
pub(crate) async fn a_log_out_ends_a_sliding_token(store: Arc<dyn Store>) {
    let app = with_sessions(store, sliding);
    for path in [BLACKLIST, LOGOUT_ENDPOINT, LOGOUT] {
        let mut browser = Browser::new(&app);
        browser.script(Method::POST, SLIDING, ALICE).await;
        let mut stolen = browser.again();
        assert_eq!(stolen.call(Method::GET, "/me/", "").await.status, 200);
        if path == LOGOUT {
            assert_eq!(browser.submit_with_token(path, &[]).await.status, 303);
        } else {
            let reply = browser.script(Method::POST, path, "").await;
            reply.assert(200, "{}");
        }
        assert!(browser.jar.is_empty(), "{path}");
        let refused = stolen.call(Method::GET, "/me/", "").await;
        assert_eq!(refused.status, 401, "{path} {refused:?}");
        let refused = stolen.script(Method::POST, SLIDING_REFRESH, "").await;
        refused.assert(401, token_not_valid("Token is blacklisted"));
    }
}

/// Another one.
pub(crate) async fn a_log_out_by_an_access_token_ends_its_session(store: Arc<dyn Store>) {
    let app = with_sessions(store, rotating);
    for lost in ["", "rubbish"] {
        let mut browser = Browser::new(&app);
        browser.log_in().await;
        let mut stolen = browser.again();
        browser
            .jar
            .insert(REFRESH_COOKIE.to_owned(), lost.to_owned());
        let reply = browser.script(Method::POST, LOGOUT_ENDPOINT, "").await;
        reply.assert(200, "{}");
        assert!(browser.jar.is_empty());
        assert_eq!(stolen.call(Method::GET, "/me/", "").await.status, 401);
        assert_eq!(stolen.refresh().await.status, 401);
    }
}

#[tokio::test]
async fn a_log_in_drops_the_other_kind_of_token() {
    let app = TestApp::with(|settings| {
        settings.auth_token_classes = vec![TokenClass::Access, TokenClass::Sliding];
    });
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    // A page would make an access token of alice's out of it when carol's has ended.
    let carol = r#"{"username":"carol","password":" spaced "}"#;
    let reply = browser.script(Method::POST, SLIDING, carol).await;
    assert_eq!(names(&reply), [ACCESS, CSRF, REFRESH_COOKIE]);
    assert_eq!(browser.cookie(REFRESH_COOKIE), "");
    app.advance(301);
    assert_eq!(browser.open("/me/").await.status, 401);
    browser.script(Method::POST, SLIDING, ALICE).await;
    let reply = browser.log_in().await;
    assert_eq!(names(&reply), [ACCESS, REFRESH_COOKIE, CSRF]);
    // A log-in that is refused drops nothing.
    let reply = browser
        .script(
            Method::POST,
            SLIDING,
            r#"{"username":"alice","password":"x"}"#,
        )
        .await;
    assert_eq!((reply.status, names(&reply).len()), (401, 0));
}

/// Whatever a browser may still hold.
fn stale() -> Vec<(&'static str, String)> {
    let expired = good("access", "").replace(&(NOW + 3600).to_string(), &(NOW - 1).to_string());
    vec![
        ("expired", sign(&expired)),
        ("forged", format!("{}x", sign(&good("access", "")))),
        ("rubbish", "rubbish".to_owned()),
        ("of the wrong type", sign(&good("refresh", ""))),
        (
            "of nobody",
            sign(&good("access", "").replace(r#""user_id":"1""#, r#""user_id":"99""#)),
        ),
        (
            "of an inactive user",
            sign(&good("access", "").replace(r#""user_id":"1""#, r#""user_id":"2""#)),
        ),
        ("nested", "a=b=c".to_owned()),
    ]
}

#[tokio::test]
async fn a_stale_cookie_is_nobody_and_keeps_nobody_from_anything() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    for (what, token) in stale() {
        let mut browser = Browser::new(&app);
        for name in [ACCESS, REFRESH_COOKIE] {
            browser.jar.insert(name.to_owned(), token.clone());
        }
        browser.jar.insert(CSRF.to_owned(), "stale".to_owned());
        let get = async |path: &str| browser.again().call(Method::GET, path, "").await;
        for path in ["/open/", "/read-or-auth/"] {
            get(path).await.assert(200, r#"{"id":null}"#);
        }
        // A stateless view believes a token whoever it names.
        assert_eq!(get("/maybe").await.status, 200, "{what}");
        for path in ["/me/", "/plain", "/admin/"] {
            let reply = get(path).await;
            assert_eq!(reply.status, 401, "{what} {path}");
            assert_ne!(reply.json().get("code"), None, "{what} {path}: it says why");
            assert!(reply.header("www-authenticate").is_some());
        }
        let post = async |path: &str, body: &str| {
            browser.again().call(Method::POST, path, body).await.status
        };
        assert_eq!(post(TOKEN, ALICE).await, 200, "{what}");
        assert_eq!(post(SLIDING, ALICE).await, 200, "{what}");
        let verify = format!(r#"{{"token":"{}"}}"#, pair.access);
        assert_eq!(post(VERIFY, &verify).await, 200, "{what}");
        let refresh = format!(r#"{{"refresh":"{}"}}"#, pair.refresh);
        assert_eq!(post(REFRESH, &refresh).await, 200, "{what}");
        assert_eq!(browser.again().log_in().await.status, 200, "{what}");
        for path in ["/open/", "/auth/login/", "/auth/logout/", TOKEN] {
            let page = browser.again().open(path).await;
            assert!([200, 405].contains(&page.status), "{what} {path} {page:?}");
        }
        let mut leaving = browser.again();
        leaving
            .script(Method::POST, BLACKLIST, "")
            .await
            .assert(200, "{}");
        assert!(leaving.jar.is_empty(), "{what}");
        let mut leaving = browser.again();
        let mut reply = leaving.submit("/auth/logout/", &[]).await;
        if what.starts_with("of ") {
            // Signed by us: it may be somebody's, and the page is shown again with a good CSRF token.
            assert_eq!(reply.status, 403, "{what}");
            reply = leaving.submit_with_token("/auth/logout/", &[]).await;
        }
        assert_eq!(reply.status, 303, "{what}");
        assert!(leaving.jar.is_empty(), "{what}");
    }
}

#[tokio::test]
async fn a_refresh_with_a_bad_cookie_takes_the_cookies_back() {
    let app = TestApp::new();
    for (what, token) in stale() {
        let mut browser = Browser::new(&app);
        browser.jar.insert(REFRESH_COOKIE.to_owned(), token.clone());
        if what == "of the wrong type" {
            browser
                .jar
                .insert(REFRESH_COOKIE.to_owned(), sign(&good("access", "")));
        }
        if what.starts_with("of ") && what != "of the wrong type" {
            let refresh = token.replace("access", "refresh");
            browser.jar.insert(REFRESH_COOKIE.to_owned(), refresh);
        }
        let reply = browser.refresh().await;
        assert_eq!(reply.status, 401, "{what}");
        assert_eq!(names(&reply), [ACCESS, REFRESH_COOKIE, CSRF], "{what}");
        assert!(browser.jar.is_empty(), "{what}");
    }
    let reply = Browser::new(&app).refresh().await;
    reply.assert(
        401,
        r#"{"detail":"Authentication credentials were not provided."}"#,
    );
}

#[tokio::test]
async fn a_tab_that_lost_the_race_does_not_take_the_other_ones_cookies_back() {
    let app = TestApp::with(rotating);
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let mut late = browser.again();
    assert_eq!(browser.refresh().await.status, 200);
    let reply = late.refresh().await;
    reply.assert(401, token_not_valid("Token is blacklisted"));
    assert_eq!(names(&reply), [""; 0]);
}

#[tokio::test]
async fn a_body_counts_for_nothing_where_the_cookie_is_acted_on() {
    let app = TestApp::new();
    let other = app.log_in().await.refresh;
    let body = format!(r#"{{"refresh":"{other}"}}"#);
    let mut browser = Browser::new(&app);
    assert_eq!(
        browser.script(Method::POST, REFRESH, &body).await.status,
        401
    );
    browser.log_in().await;
    assert_eq!(
        browser.script(Method::POST, BLACKLIST, &body).await.status,
        200
    );
    assert_eq!(app.refresh(&other).await.status, 200);
}

/// The memory's users, until they cannot be asked any more.
#[derive(Clone)]
struct Users(MemoryStore, Arc<AtomicBool>);

impl Users {
    fn check(&self) -> Result<(), StoreError> {
        if self.1.load(Ordering::SeqCst) {
            return Err(StoreError::new("gone"));
        }
        Ok(())
    }
}

#[async_trait]
impl UserStore for Users {
    async fn authenticate(&self, credentials: &Credentials) -> Result<Option<User>, Error> {
        self.check()?;
        Ok(self.0.find_by_login(&credentials.username).await?)
    }

    async fn get_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.check()?;
        self.0.get_user(id).await
    }

    fn user_id_kind(&self) -> UserIdKind {
        self.0.user_id_kind()
    }
}

/// An application whose users are gone as soon as one says so.
fn fragile() -> (TestApp, Arc<AtomicBool>) {
    let gone = Arc::new(AtomicBool::new(false));
    let users = Users(memory(), gone.clone());
    let parts = |builder: SimpleJwtBuilder, store| builder.users(users).tokens(store);
    (TestApp::built(|_| (), parts), gone)
}

#[tokio::test]
async fn a_public_page_is_shown_as_to_nobody_while_the_database_is_ill() {
    let (app, gone) = fragile();
    let mut logged_in = Browser::new(&app);
    logged_in.log_in().await;
    let mut former = logged_in.again();
    former.jar.remove(ACCESS);
    let mut stale = logged_in.again();
    stale.jar.insert(ACCESS.to_owned(), "rubbish".to_owned());
    gone.store(true, Ordering::SeqCst);
    for mut browser in [logged_in, former, stale] {
        let jar = browser.jar.clone();
        for path in ["/open/", "/read-or-auth/", LOGIN, LOGOUT, TOKEN] {
            let page = browser.open(path).await;
            assert!([200, 405].contains(&page.status), "{path} {page:?}");
            assert!(!page.body.contains("Logged in as"), "{path}");
            assert_eq!(names(&page), [""; 0], "{path}");
        }
        for path in ["/me/", "/admin/"] {
            let page = browser.open(path).await;
            assert_eq!(
                (page.status, page.header("retry-after")),
                (503, Some("1")),
                "{path}"
            );
        }
        // What changes something is not done as nobody.
        let page = browser
            .submit_with_token("/read-or-auth/", &[("a", "b")])
            .await;
        assert_eq!(page.status, 503);
        assert_eq!(browser.jar, jar);
    }
    gone.store(false, Ordering::SeqCst);
}

/// A permission that turns nobody away with a 403.
struct Members;

impl Permission for Members {
    type Principal = User;

    fn check(caller: Option<User>, _: &Method) -> Result<Self, Error> {
        caller.map(|_| Self).ok_or(Error::PermissionDenied)
    }
}

#[tokio::test]
async fn an_outage_is_no_refusal_whatever_a_permission_says_of_nobody() {
    let (app, gone) = fragile();
    let view = View::new("Members").permission::<Members>();
    let view = view.get(|| async { "{}" });
    let app = app.with_routes(Router::<SimpleJwt>::new().url("/members/", view));
    let mut browser = Browser::new(&app);
    assert_eq!(browser.open("/members/").await.status, 403);
    browser.log_in().await;
    assert_eq!(browser.open("/members/").await.status, 200);
    gone.store(true, Ordering::SeqCst);
    assert_eq!(browser.open("/members/").await.status, 503);
    browser.jar.remove(ACCESS);
    assert_eq!(browser.open("/members/").await.status, 503);
    browser.jar.clear();
    assert_eq!(
        browser.open("/members/").await.status,
        403,
        "nobody is nobody"
    );
}

#[tokio::test]
async fn an_outage_logs_nobody_out() {
    let (app, gone) = fragile();
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let jar = browser.jar.clone();
    gone.store(true, Ordering::SeqCst);
    let mut replies = vec![
        browser.refresh().await,
        browser.script(Method::POST, TOKEN, ALICE).await,
        browser.script(Method::POST, BLACKLIST, "").await,
        browser.call(Method::GET, "/me/", "").await,
        browser.call(Method::GET, "/open/", "").await,
        browser.call(Method::POST, "/read-or-auth/", "").await,
        browser.open("/me/").await,
        browser.submit_with_token("/auth/logout/", &[]).await,
        browser
            .submit_with_token("/auth/login/", &[("username", "alice"), ("password", "x")])
            .await,
    ];
    // Without an access token a page asks for one with the refresh token.
    let mut without = browser.again();
    without.jar.remove(ACCESS);
    replies.push(without.open("/me/").await);
    for reply in replies {
        assert_eq!(reply.status, 503, "{reply:?}");
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert_eq!(names(&reply), [""; 0]);
    }
    assert_eq!(browser.jar, jar);
    gone.store(false, Ordering::SeqCst);
    assert_eq!(browser.refresh().await.status, 200);
}
