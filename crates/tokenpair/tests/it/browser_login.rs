//! The log-in and log-out pages, and pages for who is logged in, without any script.

use crate::app::{NOW, REFRESH, TestApp, claims};
use crate::browser::{ACCESS, Browser, CSRF, LOGIN, LOGOUT, REFRESH_COOKIE, names, set_cookies};
use axum::http::Method;
use tokenpair::json::Value;

const ALICE: [(&str, &str); 2] = [("username", "alice"), ("password", "secret")];

async fn log_in(browser: &mut Browser<'_>, next: &str) -> crate::app::Reply {
    browser.open(LOGIN).await;
    let mut fields = ALICE.to_vec();
    fields.push(("next", next));
    browser.submit_with_token(LOGIN, &fields).await
}

#[tokio::test]
async fn the_page_logs_in_and_goes_on() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    let page = browser.open("/auth/login/?next=/me/%3Fa=1").await;
    assert_eq!(
        (page.status, page.header("cache-control")),
        (200, Some("no-store"))
    );
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .contains("form-action 'self'")
    );
    let token = browser.cookie(CSRF).to_owned();
    for text in [
        r#"<form method="post" action="/auth/login/">"#,
        r#"<input type="hidden" name="next" value="/me/?a=1">"#,
        &format!(r#"<input type="hidden" name="csrfmiddlewaretoken" value="{token}">"#),
        r#"name="username" type="text" value="" autocomplete="username""#,
        r#"name="password" type="password" autocomplete="current-password""#,
    ] {
        assert!(page.body.contains(text), "{text}\n{}", page.body);
    }
    assert_eq!(
        set_cookies(&page),
        [format!(
            "{CSRF}={token}; Path=/; Max-Age=86400; Secure; SameSite=Lax"
        )]
    );
    let mut fields = ALICE.to_vec();
    fields.push(("next", "/me/?a=1"));
    let reply = browser.submit_with_token(LOGIN, &fields).await;
    assert_eq!((reply.status, reply.body.as_str()), (303, ""));
    assert_eq!(reply.header("location"), Some("/me/?a=1"));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(names(&reply), [ACCESS, REFRESH_COOKIE, CSRF]);
    assert_ne!(browser.cookie(CSRF), token);
    let me = browser.open("/me/?a=1").await;
    assert!(me.status == 200 && me.body.contains("alice"), "{me:?}");
}

#[tokio::test]
async fn a_page_that_is_opened_twice_has_one_token() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.open(LOGIN).await;
    let token = browser.cookie(CSRF).to_owned();
    let again = browser.open(LOGIN).await;
    assert_eq!(
        (names(&again).len(), browser.cookie(CSRF)),
        (0, token.as_str())
    );
    assert!(again.body.contains(&token));
}

#[tokio::test]
async fn wrong_credentials_show_the_page_again_without_the_password() {
    let app = TestApp::new();
    for (name, password) in [
        ("alice", "wr0ng-pass"),
        ("nob\"ody<", "wr0ng-pass"),
        ("bob", "secret"),
    ] {
        let mut browser = Browser::new(&app);
        browser.open(LOGIN).await;
        let fields = [("username", name), ("password", password), ("next", "/me/")];
        let reply = browser.submit_with_token(LOGIN, &fields).await;
        assert_eq!((reply.status, reply.header("location")), (401, None));
        assert_eq!(
            reply.header("www-authenticate"),
            Some(r#"Bearer realm="api""#)
        );
        for text in [
            "Please enter a correct username and password. Note that both fields may be case-sensitive.",
            r#"role="alert""#,
            r#"<input type="hidden" name="next" value="/me/">"#,
        ] {
            assert!(reply.body.contains(text), "{text}\n{}", reply.body);
        }
        let shown = name.replace('"', "&#34;").replace('<', "&#60;");
        assert!(
            reply.body.contains(&format!(r#"value="{shown}""#)),
            "{}",
            reply.body
        );
        assert!(!reply.body.contains(password) || password == "secret");
        assert_eq!((names(&reply).len(), browser.cookie(ACCESS)), (0, ""));
        assert_eq!(
            log_in(&mut browser, "").await.status,
            303,
            "the page can be used again"
        );
    }
}

#[tokio::test]
async fn an_empty_field_is_named() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.open(LOGIN).await;
    for (fields, text) in [
        (
            vec![("username", "alice")],
            "Password: This field is required.",
        ),
        (
            vec![("username", " "), ("password", "x")],
            "Username: This field may not be blank.",
        ),
        (vec![], "Username: This field is required."),
    ] {
        let reply = browser.submit_with_token(LOGIN, &fields).await;
        assert!(
            reply.status == 400 && reply.body.contains(text),
            "{text} {reply:?}"
        );
    }
}

#[tokio::test]
async fn a_page_that_was_too_old_can_be_sent_again() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    let reply = browser.submit(LOGIN, &ALICE).await;
    assert_eq!(reply.status, 403);
    assert!(
        reply.body.contains("This page was too old"),
        "{}",
        reply.body
    );
    assert!(reply.body.contains("CSRF cookie not set."));
    let token = browser.cookie(CSRF).to_owned();
    assert!(!token.is_empty() && reply.body.contains(&token));
    assert_eq!(browser.submit_with_token(LOGIN, &ALICE).await.status, 303);
}

#[tokio::test]
async fn who_is_logged_in_may_log_in_as_somebody_else() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    log_in(&mut browser, "").await;
    browser.open(LOGIN).await;
    let carol = [("username", "carol"), ("password", " spaced ")];
    // Not even a new access token of the one before comes with it.
    browser.jar.remove(ACCESS);
    assert_eq!(browser.submit_with_token(LOGIN, &carol).await.status, 303);
    assert!(browser.open("/me/").await.body.contains("carol"));
    assert_eq!(
        browser
            .call(Method::POST, "/read-or-auth/", "")
            .await
            .status,
        200
    );
}

/// Where a browser might end up if `next` were believed.
const HOSTILE: [&str; 46] = [
    "https://evil.example/",
    "http://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example/%2e%2e",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "/a\\..\\evil",
    "/%09/evil.example\t",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    " /me/",
    "/me/ ",
    "/\u{0}/evil.example",
    "\u{1}//evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "http:\\\\evil.example",
    "evil.example",
    "me/",
    "?a=b",
    "#top",
    "",
    ".",
    "../",
    "@evil.example",
    ":80/",
    "/..//evil.example",
    "/.//evil.example",
    "/a//evil.example",
    "/me/\r\nSet-Cookie: a=b",
    "/me/\r\n\r\n<script>",
    "/\u{ff0f}evil.example",
    "/\u{2028}/evil.example",
    "/caf\u{e9}",
    "\u{feff}//evil.example",
];

#[tokio::test]
async fn after_a_log_in_nobody_leaves_the_site() {
    let app = TestApp::new();
    let long = format!("/{}", "a".repeat(2048));
    for next in HOSTILE.into_iter().chain([long.as_str()]) {
        let mut browser = Browser::new(&app);
        let reply = log_in(&mut browser, next).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (303, Some("/me/")),
            "{next:?}"
        );
        assert_eq!(names(&reply), [ACCESS, REFRESH_COOKIE, CSRF], "{next:?}");
        let reply = browser.submit_with_token(LOGOUT, &[("next", next)]).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (303, Some(LOGIN)),
            "{next:?}"
        );
    }
}

#[tokio::test]
async fn a_path_of_the_site_is_where_it_goes_on() {
    let app = TestApp::new();
    for next in [
        "/",
        "/me/",
        "/me/?a=b&c=//d",
        "/a/%2F%2Fb",
        "/~x/@y:z",
        "/x?next=https://a.example/",
        "/x#y",
    ] {
        let mut browser = Browser::new(&app);
        let reply = log_in(&mut browser, next).await;
        assert_eq!((reply.status, reply.header("location")), (303, Some(next)));
    }
}

#[tokio::test]
async fn what_stands_in_the_address_is_only_shown() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    let page = browser
        .open("/auth/login/?next=%22%3E%3Cscript%3E&username=x&password=hunter2")
        .await;
    assert!(
        page.body.contains(r#"value="&#34;&#62;&#60;script&#62;""#),
        "{}",
        page.body
    );
    assert!(!page.body.contains("hunter2"));
    assert_eq!(
        browser.open("/auth/login/?next=a&next=/me/").await.status,
        200
    );
    assert_eq!(browser.open("/auth/login/?next=%FF%FE").await.status, 200);
}

#[tokio::test]
async fn a_log_out_has_a_button_and_ends_the_log_in() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    log_in(&mut browser, "").await;
    let stolen = browser.again();
    let page = browser.open(LOGOUT).await;
    assert!(
        page.status == 200
            && page
                .body
                .contains(r#"<form method="post" action="/auth/logout/">"#)
    );
    assert_eq!(browser.jar, stolen.jar, "asking changes nothing");
    let reply = browser.submit_with_token(LOGOUT, &[]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some(LOGIN)));
    assert!(browser.jar.is_empty());
    assert_eq!(stolen.again().refresh().await.status, 401);
    // Who is out may go out again, as another tab may have done it.
    let reply = browser.submit(LOGOUT, &[]).await;
    assert_eq!((reply.status, names(&reply).len()), (303, 0));
}

#[tokio::test]
async fn a_log_out_without_a_token_is_asked_for_again() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    log_in(&mut browser, "").await;
    let jar = browser.jar.clone();
    let reply = browser.submit(LOGOUT, &[]).await;
    assert!(
        reply.status == 403 && reply.body.contains("This page was too old"),
        "{reply:?}"
    );
    assert_eq!(browser.jar, jar);
    // With the access token gone the refresh token still says whose log-out it is.
    browser.jar.remove(ACCESS);
    assert_eq!(browser.submit(LOGOUT, &[]).await.status, 403);
    browser.jar.remove(ACCESS);
    assert_eq!(browser.submit_with_token(LOGOUT, &[]).await.status, 303);
    assert!(browser.jar.is_empty(), "no new access token comes with it");
}

#[tokio::test]
async fn a_page_is_opened_with_a_refresh_token_that_is_not_exchanged() {
    let app = TestApp::with(|settings| {
        settings.rotate_refresh_tokens = true;
        settings.blacklist_after_rotation = true;
    });
    let mut browser = Browser::new(&app);
    log_in(&mut browser, "").await;
    let (refresh, csrf) = (
        browser.cookie(REFRESH_COOKIE).to_owned(),
        browser.cookie(CSRF).to_owned(),
    );
    let recorded = app.store.outstanding_count();
    app.advance(400);
    for is_expired in [true, false] {
        // The browser drops the cookie on time, or a little late.
        if !is_expired {
            browser.jar.remove(ACCESS);
        }
        let page = browser.open("/me/").await;
        assert!(
            page.status == 200 && page.body.contains("alice"),
            "{page:?}"
        );
        assert_eq!(names(&page), [ACCESS]);
        assert!(
            set_cookies(&page)[0]
                .ends_with("; Path=/; Max-Age=300; Secure; HttpOnly; SameSite=Lax")
        );
        let exp = claims(browser.cookie(ACCESS)).get("exp").cloned();
        assert_eq!(exp, Some(Value::from(NOW + 700)));
    }
    let next = browser.open("/me/").await;
    assert_eq!(names(&next), [""; 0], "a good token is kept");
    assert_eq!(
        (browser.cookie(REFRESH_COOKIE), browser.cookie(CSRF)),
        (refresh.as_str(), csrf.as_str())
    );
    assert_eq!(app.store.outstanding_count(), recorded);
    assert_eq!(browser.refresh().await.status, 200, "it was not exchanged");
}

#[tokio::test]
async fn only_pages_are_opened_so() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    log_in(&mut browser, "").await;
    browser.jar.remove(ACCESS);
    let reply = browser.call(Method::GET, "/me/", "").await;
    assert_eq!((reply.status, names(&reply).len()), (401, 0));
    let mut with_header = browser.again().with("authorization", "Bearer rubbish");
    assert_eq!(with_header.open("/me/").await.status, 401);
}

#[tokio::test]
async fn a_page_is_not_opened_with_a_token_that_could_not_be_refreshed() {
    let app = TestApp::with(|settings| settings.check_revoke_token = true);
    let mut browser = Browser::new(&app);
    log_in(&mut browser, "").await;
    browser.jar.remove(ACCESS);
    let revoked = browser.again();
    let body = format!(r#"{{"refresh":"{}"}}"#, browser.cookie(REFRESH_COOKIE));
    let count = app.store.outstanding_count();
    // The password was changed: the token dies at its next refresh, and a page is none.
    let mut user = crate::app::alice();
    user.password = tokenpair::EncodedPassword::new("md5$x$y");
    app.store.add_user(user);
    assert_eq!(revoked.again().open("/me/").await.status, 401);
    assert_eq!(app.store.outstanding_count(), count);
    app.store.add_user(crate::app::alice());
    assert_eq!(
        revoked.again().open("/me/").await.status,
        200,
        "nothing was written"
    );
    app.blacklist(browser.cookie(REFRESH_COOKIE))
        .await
        .assert(200, "{}");
    assert_eq!(revoked.again().open("/me/").await.status, 401);
    assert_eq!(app.post(REFRESH, body).await.status, 401);
    let mut access = revoked.again();
    let token = access.cookie(REFRESH_COOKIE).to_owned();
    access.jar.insert(ACCESS.to_owned(), token);
    assert_eq!(
        access.open("/me/").await.status,
        401,
        "a refresh token is no access token"
    );
}

#[tokio::test]
async fn an_own_landing_is_where_it_goes_without_next() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    assert_eq!(
        log_in(&mut browser, "").await.header("location"),
        Some("/me/")
    );
}

#[tokio::test]
async fn head_and_options_of_the_pages_are_views() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    let head = browser.send(Method::HEAD, LOGIN, &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("allow"), Some("GET, POST, HEAD, OPTIONS"));
    assert_eq!(
        browser.send(Method::OPTIONS, LOGIN, &[], "").await.status,
        200
    );
    assert_eq!(
        browser.send(Method::DELETE, LOGIN, &[], "").await.status,
        405
    );
}
