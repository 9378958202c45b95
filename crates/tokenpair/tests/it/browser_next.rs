//! Where the log-in and log-out pages lead to afterwards: never to another site.

use crate::app::{TestApp, text_of};
use crate::browser::{
    ACCESS, ALICE_FORM, Browser, CSRF, LOGIN, LOGOUT, REFRESH_COOKIE, encoded, names,
};
use axum::Router;
use axum::http::Method;
use tokenpair::SimpleJwt;
use tokenpair::web::{DjangoUrls as _, View};

/// Where a browser might end up if `next` were believed.
const HOSTILE: [&str; 60] = [
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
    "http://auth.example.com/me/",
    "https://auth.example.com/me/",
    "https://auth.example.com:8443/me/",
    "https://auth.example.com@evil.example/",
    "wss://auth.example.com/",
    "blob:https://auth.example.com/",
    "https:me/",
    "%2f%2fevil.example",
    "%2Fme/",
    "/me/\u{2215}\u{2215}evil.example",
    "\u{2044}\u{2044}evil.example",
    "/\u{3002}evil.example",
    "/\u{0b}/evil.example",
    "/\u{7f}/evil.example",
];

#[tokio::test]
async fn after_a_log_in_nobody_leaves_the_site() {
    let app = TestApp::new();
    let long = format!("/{}", "a".repeat(2048));
    for next in HOSTILE.into_iter().chain([long.as_str()]) {
        let mut browser = Browser::new(&app);
        let reply = browser.log_in_by_form(next).await;
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
async fn who_is_logged_in_already_leaves_the_site_no_more() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.log_in_by_form("").await;
    for next in HOSTILE {
        for path in [LOGIN, LOGOUT] {
            let page = browser
                .open(&format!("{path}?{}", encoded(&[("next", next)])))
                .await;
            assert_eq!(
                (page.status, page.header("location")),
                (200, None),
                "{next:?}"
            );
            let link = page.body.contains("href=\"https://evil") || page.body.contains("href=\"//");
            assert!(!link, "{next:?} {}", page.body);
        }
        let reply = browser.log_in_by_form(next).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (303, Some("/me/")),
            "{next:?}"
        );
    }
}

/// The field of the form counts, wherever else somebody writes it.
#[tokio::test]
async fn next_is_taken_from_nowhere_but_the_form() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.open(LOGIN).await;
    let token = browser.cookie(CSRF).to_owned();
    let fields = [
        ALICE_FORM[0],
        ALICE_FORM[1],
        ("csrfmiddlewaretoken", &token),
    ];
    for path in [
        "/auth/login/?next=/open/",
        "/auth/login/?next=//evil.example",
    ] {
        let mut browser = browser.again();
        let reply = browser.submit(path, &fields).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (303, Some("/me/"))
        );
    }
    for next in ["//evil.example", "https://evil.example/"] {
        let mut browser = browser.again();
        let body = text_of([
            ("username", "alice"),
            ("password", "secret"),
            ("next", next),
        ]);
        let reply = browser.call(Method::POST, LOGIN, &body).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (303, Some("/me/"))
        );
        let mut twice = fields.to_vec();
        twice.extend([("next", "/open/"), ("next", next)]);
        let reply = browser.submit_with_token(LOGIN, &twice[2..]).await;
        assert_eq!((reply.status, reply.header("location")), (400, None));
    }
}

/// CVE-2018-14574 of Django: the path itself names another host.
#[tokio::test]
async fn a_path_that_looks_like_a_host_leads_to_no_other_site() {
    let json = [("content-type", "application/json")];
    let view = View::new("Any").get(move || async move { (json, "{}") });
    let routes: Router<SimpleJwt> = Router::new()
        .url("/{one}/", view.clone())
        .url("/{one}/{two}/", view);
    let app = TestApp::new().with_routes(routes);
    for (path, to) in [
        ("//evil.example", Some("/%2Fevil.example/")),
        ("/\\evil.example", Some("/%5Cevil.example/")),
        ("//evil.example?a=//b", Some("/%2Fevil.example/?a=//b")),
        ("/a//evil.example", None),
        ("/%2Fevil.example", Some("/%2Fevil.example/")),
        ("/a/b", Some("/a/b/")),
    ] {
        assert_eq!(app.get(path).await.header("location"), to, "{path}");
    }
    // A form would hand its token over.
    let page = Browser::new(&app).open("//evil.example/").await;
    assert!(
        page.body.contains(r#"action="/%2Fevil.example/""#),
        "{}",
        page.body
    );
    assert!(!page.body.contains("\"//"), "{}", page.body);
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
        let reply = browser.log_in_by_form(next).await;
        assert_eq!((reply.status, reply.header("location")), (303, Some(next)));
    }
}

#[tokio::test]
async fn an_own_landing_is_where_it_goes_without_next() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    assert_eq!(
        browser.log_in_by_form("").await.header("location"),
        Some("/me/")
    );
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
