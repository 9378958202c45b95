//! The log-in and log-out pages, without any script.

use crate::app::TestApp;
use crate::browser::{
    ACCESS, ALICE_FORM, Browser, CSRF, LOGIN, LOGOUT, REFRESH_COOKIE, form_token, names,
    set_cookies,
};
use axum::http::Method;
use tokenpair::{SameSite, TokenClass};

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
        r#"<input type="hidden" name="csrfmiddlewaretoken" value=""#,
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
    let mut fields = ALICE_FORM.to_vec();
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
    let fields = [
        ALICE_FORM[0],
        ALICE_FORM[1],
        ("csrfmiddlewaretoken", &form_token(&again)),
    ];
    assert_eq!(browser.submit(LOGIN, &fields).await.status, 303);
}

#[tokio::test]
async fn wrong_credentials_show_the_page_again_without_the_password() {
    let app = TestApp::new();
    // bob's is right, but he may not log in.
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
        assert!(!reply.body.contains(password), "{}", reply.body);
        assert_eq!((names(&reply).len(), browser.cookie(ACCESS)), (0, ""));
        assert_eq!(
            browser.log_in_by_form("").await.status,
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
    let reply = browser.submit(LOGIN, &ALICE_FORM).await;
    assert_eq!(reply.status, 403);
    assert!(reply.body.contains("CSRF cookie not set."));
    let token = form_token(&reply);
    let fields = [
        ALICE_FORM[0],
        ALICE_FORM[1],
        ("csrfmiddlewaretoken", &token),
    ];
    assert_eq!(browser.submit(LOGIN, &fields).await.status, 303);
}

/// Its cookies stay at home at first, so that the page cannot know the token that the browser has.
#[tokio::test]
async fn under_strict_a_link_of_another_site_leads_to_a_log_in_with_the_second_try() {
    let app = TestApp::with(|settings| settings.auth_cookie_samesite = SameSite::Strict);
    for was_here_before in [true, false] {
        let mut browser = Browser::new(&app);
        if was_here_before {
            browser.open(LOGIN).await;
        }
        let mut link = Browser::new(&app).with("sec-fetch-site", "cross-site");
        let page = link.open(LOGIN).await;
        assert_eq!((page.status, names(&page).len()), (200, 0));
        let mut page = page;
        for status in [403, 303] {
            let token = form_token(&page);
            let fields = [
                ALICE_FORM[0],
                ALICE_FORM[1],
                ("csrfmiddlewaretoken", &token),
            ];
            page = browser.submit(LOGIN, &fields).await;
            assert_eq!(page.status, status, "{was_here_before}");
        }
    }
}

#[tokio::test]
async fn where_only_sliding_tokens_let_anybody_in_the_page_sets_one() {
    let app = TestApp::with(|settings| settings.auth_token_classes = vec![TokenClass::Sliding]);
    let mut browser = Browser::new(&app);
    let reply = browser.log_in_by_form("").await;
    assert_eq!(
        (reply.status, names(&reply)),
        (303, vec![ACCESS.to_owned(), CSRF.to_owned()])
    );
    assert!(browser.open("/me/").await.body.contains("alice"));
    let mut stolen = browser.again();
    assert_eq!(browser.submit_with_token(LOGOUT, &[]).await.status, 303);
    assert_eq!(stolen.open("/me/").await.status, 401);
}

#[tokio::test]
async fn a_refused_form_says_what_can_be_done_about_it() {
    let app = TestApp::new();
    for (cookie, origin, text) in [
        // Safari over plain HTTP, and whoever allows no cookies.
        (
            false,
            "https://auth.example.com",
            "has not sent this page&#39;s cookie",
        ),
        (
            true,
            "http://auth.example.com",
            "came from another address than this site&#39;s",
        ),
        (
            true,
            "https://auth.example.com",
            "This page was too old. Please try again.",
        ),
    ] {
        let mut browser = Browser::new(&app).with("origin", origin);
        if cookie {
            browser.open(LOGIN).await;
        }
        let reply = browser.submit(LOGIN, &ALICE_FORM).await;
        assert!(
            reply.status == 403 && reply.body.contains(text),
            "{text} {}",
            reply.body
        );
        assert!(reply.body.contains(r#"role="alert""#));
    }
}

#[tokio::test]
async fn who_is_logged_in_may_log_in_as_somebody_else() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.log_in_by_form("").await;
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

#[tokio::test]
async fn a_log_out_has_a_button_and_ends_the_log_in() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.log_in_by_form("").await;
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
    browser.log_in_by_form("").await;
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
