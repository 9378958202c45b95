//! Cookies as they come with requests: what is read of them, and what goes before them.

use crate::app::{BLACKLIST, REFRESH, Reply, SLIDING, SLIDING_REFRESH, TOKEN, TestApp, VERIFY};
use crate::browser::{ACCESS, Browser, REFRESH_COOKIE, rotating};
use axum::http::Method;

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
