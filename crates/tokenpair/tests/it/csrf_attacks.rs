//! What pages of other sites, and whoever can plant a cookie, try with the cookies of a browser.

use crate::app::{ALICE, BLACKLIST, REFRESH, TOKEN, TestApp};
use crate::browser::{ACCESS, Browser, CSRF, names};
use crate::csrf::{INCORRECT, refused};
use axum::http::Method;
use tokenpair::SameSite;

#[tokio::test]
async fn another_site_can_neither_log_in_nor_refresh_nor_log_out() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let recorded = app.store.outstanding_count();
    for (origin, site) in [
        ("https://evil.example", "cross-site"),
        ("https://evil.example", ""),
        ("https://other.example.com", "same-site"),
        ("null", "cross-site"),
        ("null", ""),
        ("", "cross-site"),
        ("", "same-site"),
    ] {
        for path in [TOKEN, "/api/token/sliding/", REFRESH, BLACKLIST] {
            let mut page = browser
                .again()
                .with("origin", origin)
                .with("sec-fetch-site", site);
            let reply = page.script(Method::POST, path, ALICE).await;
            assert_eq!(reply.status, 403, "{path} {origin} {site}");
            assert!(
                reply
                    .body
                    .starts_with(r#"{"detail":"CSRF Failed: Origin checking failed"#)
            );
            assert_eq!(
                (names(&reply).len(), reply.header("cache-control")),
                (0, Some("no-store"))
            );
        }
        for path in ["/auth/login/", "/auth/logout/"] {
            let mut page = browser
                .again()
                .with("origin", origin)
                .with("sec-fetch-site", site);
            let fields = [("username", "alice"), ("password", "secret")];
            let reply = page.submit_with_token(path, &fields).await;
            assert_eq!(
                (reply.status, reply.header("location")),
                (403, None),
                "{path} {origin} {site}"
            );
            assert_eq!(page.jar, browser.jar, "{path} {origin} {site}");
        }
    }
    assert_eq!(app.store.outstanding_count(), recorded);
    assert_eq!(browser.refresh().await.status, 200);
}

#[tokio::test]
async fn another_site_cannot_exchange_the_token_of_who_is_logged_in() {
    for (same_site, by_link) in [(SameSite::Lax, true), (SameSite::Strict, false)] {
        let app = TestApp::with(|settings| settings.auth_cookie_samesite = same_site);
        // What a browser sends for another site: no cookies, but with a link under Lax.
        let mut foreign = Browser::new(&app).with("sec-fetch-site", "cross-site");
        foreign = foreign.with("origin", "https://evil.example");
        for path in ["/auth/login/", "/auth/logout/", TOKEN] {
            let reply = foreign.submit(path, &[("a", "b")]).await;
            assert_eq!(names(&reply), [""; 0], "{path}");
            let reply = foreign.open(path).await;
            assert_eq!(!names(&reply).is_empty(), by_link, "{path}");
            foreign.jar.clear();
        }
    }
}

#[tokio::test]
async fn a_form_needs_a_token_of_its_own_browser_to_log_anybody_in() {
    let app = TestApp::new();
    let mut attacker = Browser::new(&app);
    attacker.open("/auth/login/").await;
    let planted = attacker.cookie(CSRF).to_owned();
    let credentials = [("username", "alice"), ("password", "secret")];
    let with = |token: &str| {
        let mut fields: Vec<(&str, String)> = credentials
            .iter()
            .map(|(n, v)| (*n, (*v).to_owned()))
            .collect();
        fields.push(("csrfmiddlewaretoken", token.to_owned()));
        fields
    };
    let mut victim = Browser::new(&app);
    for token in ["", planted.as_str(), "x"] {
        let fields = with(token);
        let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        // Even a browser that says nothing about the page.
        let mut silent = victim.again().with("origin", "").with("sec-fetch-site", "");
        let reply = silent.submit("/auth/login/", &fields).await;
        assert_eq!(reply.status, 403, "{token}");
        assert_eq!(silent.cookie(ACCESS), "");
    }
    // A cookie that was planted before the log-in is of no use after it.
    victim.jar.insert(CSRF.to_owned(), planted.clone());
    assert_eq!(
        victim
            .submit_with_token("/auth/login/", &credentials)
            .await
            .status,
        303
    );
    assert_ne!(victim.cookie(CSRF), planted);
    victim.jar.insert(CSRF.to_owned(), planted.clone());
    let reply = victim
        .send(
            Method::POST,
            "/read-or-auth/",
            &[("x-csrftoken", &planted)],
            "",
        )
        .await;
    reply.assert(403, refused(INCORRECT));
}
