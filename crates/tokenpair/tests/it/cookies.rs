//! Tokens in cookies: who asks for them, what they are worth, and when they are taken back.

use crate::app::{
    ALICE, BLACKLIST, KEY, NOW, REFRESH, Reply, SLIDING, SLIDING_REFRESH, TOKEN, TestApp, VERIFY,
    claims, good, memory, sign, token_not_valid,
};
use crate::browser::{ACCESS, Browser, CSRF, REFRESH_COOKIE, names, set_cookies};
use async_trait::async_trait;
use axum::http::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokenpair::json::{Object, Value};
use tokenpair::{
    Credentials, Error, MemoryStore, SameSite, Settings, SimpleJwtBuilder, StoreError, TokenClass,
    User, UserId, UserIdKind, UserStore, UserTable as _,
};

fn keys(body: &Object) -> Vec<&str> {
    body.iter().map(|(name, _)| name.as_str()).collect()
}

fn rotating(settings: &mut Settings) {
    settings.rotate_refresh_tokens = true;
    settings.blacklist_after_rotation = true;
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
async fn the_access_cookie_opens_every_guarded_route() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    for path in [
        "/me/",
        "/plain",
        "/stateless/",
        "/maybe",
        "/admin/",
        "/open/",
        "/read-or-auth/",
    ] {
        let reply = browser.call(Method::GET, path, "").await;
        assert_eq!(reply.status, 200, "{path} {reply:?}");
        assert!(reply.body.contains('1'), "{path} {reply:?}");
    }
}

#[tokio::test]
async fn what_a_cookie_opened_is_not_for_shared_caches() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    let vary = |reply: &Reply| {
        let all = reply.headers.get_all("vary").iter();
        all.map(|value| value.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let anonymous = browser.call(Method::GET, "/open/", "").await;
    assert_eq!(
        (vary(&anonymous), anonymous.header("cache-control")),
        (vec!["Accept".to_owned()], None)
    );
    browser.log_in().await;
    let reply = browser.call(Method::GET, "/open/", "").await;
    assert_eq!(vary(&reply), ["Accept", "Cookie"]);
    assert_eq!(reply.header("cache-control"), Some("private"));
}

#[tokio::test]
async fn the_header_comes_first_and_a_bad_one_is_not_made_good_by_a_cookie() {
    let app = TestApp::new();
    let carol = r#"{"username":"carol","password":" spaced "}"#;
    let header = app.post(TOKEN, carol).await.text("access");
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let me = async |browser: &Browser<'_>, header: String| {
        let mut browser = browser.again().with("authorization", header);
        browser.call(Method::GET, "/me/", "").await
    };
    me(&browser, format!("Bearer {header}"))
        .await
        .assert(200, r#"{"id":3,"username":"carol"}"#);
    assert_eq!(me(&browser, "Bearer rubbish".to_owned()).await.status, 401);
    assert_eq!(me(&browser, "Bearer a b".to_owned()).await.status, 401);
    let other = me(&browser, "Basic YTpi".to_owned()).await;
    other.assert(200, r#"{"id":1,"username":"alice"}"#);
    // Nothing that a header opens needs a CSRF token, whatever cookies came along.
    let mut foreign = browser.with("authorization", format!("Bearer {header}"));
    foreign = foreign
        .with("origin", "https://evil.example")
        .with("sec-fetch-site", "cross-site");
    let reply = foreign.send(Method::POST, "/read-or-auth/", &[], "").await;
    reply.assert(200, r#"{"id":3}"#);
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

#[tokio::test]
async fn an_outage_logs_nobody_out() {
    let gone = Arc::new(AtomicBool::new(false));
    let users = Users(memory(), gone.clone());
    let app = TestApp::built(
        |_| (),
        |builder: SimpleJwtBuilder, store| builder.users(users).tokens(store),
    );
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

#[tokio::test]
async fn cookie_headers_are_read_as_they_come() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let good = browser.cookie(ACCESS);
    for (header, is_known) in [
        (format!("{ACCESS}={good}"), true),
        (format!("a=b; {ACCESS}={good}; c=d"), true),
        (format!("a=b;{ACCESS}={good};"), true),
        (format!(";; =; a; {ACCESS} = {good} ;"), true),
        (format!("{ACCESS}=\"{good}\""), true),
        (format!("{ACCESS}={good}; {ACCESS}=rubbish"), true),
        (format!("caf\u{e9}=\u{e9}; {ACCESS}={good}"), true),
        (format!("x=\"a; {ACCESS}={good}"), true),
        (format!("{ACCESS}=rubbish; {ACCESS}={good}"), false),
        (format!("{ACCESS}=; {ACCESS}={good}"), false),
        (format!("x{ACCESS}={good}"), false),
        (format!("access={good}"), false),
        (format!("__host-access={good}"), false),
        (format!("{ACCESS}=\"{good}"), false),
        (ACCESS.to_owned(), false),
        (format!("{ACCESS}=%22{good}%22"), false),
        (format!("{ACCESS}=Bearer {good}"), false),
        (format!("{ACCESS}={good},{good}"), false),
    ] {
        let request = Browser::new(&app).with("cookie", header.as_str());
        let reply = { request }.call(Method::GET, "/maybe", "").await;
        let known = reply.body == r#"{"id":"1"}"#;
        assert_eq!((reply.status, known), (200, is_known), "{header}");
    }
}

#[tokio::test]
async fn several_cookie_headers_are_one() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let request = axum::http::Request::get("/me/")
        .header("cookie", "theme=dark")
        .header("cookie", format!("{ACCESS}={}", browser.cookie(ACCESS)))
        .header("cookie", format!("{ACCESS}=rubbish"));
    let reply = app
        .send(request.body(axum::body::Body::empty()).unwrap())
        .await;
    reply.assert(200, r#"{"id":1,"username":"alice"}"#);
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

#[tokio::test]
async fn get_head_and_options_change_nothing() {
    let app = TestApp::with(rotating);
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let (jar, recorded) = (browser.jar.clone(), app.store.outstanding_count());
    app.advance(301);
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        for path in [
            TOKEN,
            REFRESH,
            VERIFY,
            BLACKLIST,
            SLIDING,
            SLIDING_REFRESH,
            "/me/",
            "/open/",
            "/auth/login/",
            "/auth/logout/",
        ] {
            for accept in ["text/html", "application/json"] {
                let headers = [("accept", accept), ("x-token-delivery", "cookie")];
                browser.send(method.clone(), path, &headers, "").await;
            }
        }
    }
    assert_eq!(app.store.outstanding_count(), recorded);
    assert_eq!(browser.cookie(REFRESH_COOKIE), jar[REFRESH_COOKIE]);
    assert_eq!(
        browser.refresh().await.status,
        200,
        "it has not been exchanged"
    );
}

#[tokio::test]
async fn an_own_header_name_and_scheme_leave_the_cookie_as_it_is() {
    let app = TestApp::with(|settings| {
        settings.auth_header_types = vec!["JWT".to_owned(), "Bearer".to_owned()];
        settings.auth_header_name = "HTTP_X_TOKEN".to_owned();
    });
    // A site that is not public yet has a password of the proxy's.
    let mut browser = Browser::new(&app).with("authorization", "Basic YTpi");
    browser.log_in().await;
    browser.jar.remove(ACCESS);
    assert_eq!(browser.open("/me/").await.status, 200);
    assert_eq!(browser.call(Method::GET, "/me/", "").await.status, 200);
    assert_eq!(
        browser
            .call(Method::POST, "/read-or-auth/", "")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn cookies_work_with_a_key_pair() {
    let keys = include_str!("../vectors/keys/keys.json");
    let begin = keys.find("MC4CAQAwBQYDK2VwBCIEI").unwrap();
    let end = begin + keys[begin..].find("\\n").unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        &keys[begin..end]
    );
    assert_ne!(pem, KEY);
    let app = TestApp::with(|settings| {
        settings.algorithm = tokenpair::Algorithm::EdDSA;
        settings.signing_key = pem.into();
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
