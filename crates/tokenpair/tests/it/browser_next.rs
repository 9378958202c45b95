//! Where the log-in and log-out pages lead to afterwards: never to another site.

use crate::app::TestApp;
use crate::browser::{ACCESS, Browser, CSRF, LOGIN, LOGOUT, REFRESH_COOKIE, names};

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
