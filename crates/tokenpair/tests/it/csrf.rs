//! Requests that other sites make with a browser's cookies: security requirement S11.

use crate::app::{ALICE, BLACKLIST, REFRESH, Reply, TOKEN, TestApp};
use crate::browser::{ACCESS, Browser, CSRF, REFRESH_COOKIE, names};
use axum::Router;
use axum::http::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokenpair::web::{DjangoUrls as _, IsAuthenticated, View};
use tokenpair::{Settings, SimpleJwt};

pub(crate) const COUNT: &str = "/count/";

/// An application with a view that counts what was done.
pub(crate) fn counting(change: impl FnOnce(&mut Settings)) -> (TestApp, Arc<AtomicUsize>) {
    let done = Arc::new(AtomicUsize::new(0));
    let count = |done: Arc<AtomicUsize>| {
        move |IsAuthenticated(_): IsAuthenticated| {
            let done = done.clone();
            async move {
                done.fetch_add(1, Ordering::SeqCst);
                "{}"
            }
        }
    };
    let view = View::new("Count")
        .permission::<IsAuthenticated>()
        .get(|| async { "{}" })
        .post(count(done.clone()))
        .put(count(done.clone()))
        .patch(count(done.clone()))
        .delete(count(done.clone()));
    let routes: Router<SimpleJwt> = Router::new().url(COUNT, view);
    (TestApp::with(change).with_routes(routes), done)
}

fn refused(reason: &str) -> String {
    format!(r#"{{"detail":"CSRF Failed: {reason}"}}"#)
}

const INCORRECT: &str = "CSRF token from the 'X-Csrftoken' HTTP header incorrect.";
const NO_COOKIE: &str = "CSRF cookie not set.";
pub(crate) const MISSING: &str = "CSRF token missing.";

/// S11: method × type × Origin × Sec-Fetch-Site × token, 96 cells.
#[tokio::test]
async fn a_cookie_changes_something_only_for_our_own_page_with_its_token() {
    let (app, done) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let token = browser.cookie(CSRF).to_owned();
    let mut cells = 0;
    for method in [Method::GET, Method::POST] {
        for kind in ["application/json", "application/x-www-form-urlencoded"] {
            for origin in [
                "",
                "https://auth.example.com",
                "https://evil.example",
                "null",
            ] {
                for site in ["", "same-origin", "cross-site"] {
                    for sent in [token.as_str(), ""] {
                        let cell =
                            format!("{method} {kind} {origin:?} {site:?} {}", !sent.is_empty());
                        let headers = [
                            ("content-type", kind),
                            ("origin", origin),
                            ("sec-fetch-site", site),
                            ("x-csrftoken", sent),
                        ];
                        let before = done.load(Ordering::SeqCst);
                        let reply = browser
                            .again()
                            .send(method.clone(), COUNT, &headers, "")
                            .await;
                        let was_done = done.load(Ordering::SeqCst) > before;
                        let reason = if method == Method::GET {
                            None
                        } else if site == "cross-site" {
                            Some(
                                "Origin checking failed - Sec-Fetch-Site is cross-site.".to_owned(),
                            )
                        } else if origin == "https://evil.example" || origin == "null" {
                            Some(format!(
                                "Origin checking failed - {origin} does not match any trusted origins."
                            ))
                        } else if sent.is_empty() {
                            Some(MISSING.to_owned())
                        } else {
                            None
                        };
                        match &reason {
                            None => assert_eq!(reply.status, 200, "{cell}"),
                            Some(reason) => reply.assert(403, refused(reason)),
                        }
                        assert_eq!(
                            was_done,
                            method == Method::POST && reason.is_none(),
                            "{cell}"
                        );
                        cells += 1;
                    }
                }
            }
        }
    }
    assert_eq!(cells, 96);
    assert_eq!(done.load(Ordering::SeqCst), 8);
}

#[tokio::test]
async fn every_method_that_changes_something_is_checked() {
    let (app, done) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let reply = browser.send(method.clone(), COUNT, &[], "").await;
        reply.assert(403, refused(MISSING));
        assert_eq!(browser.call(method, COUNT, "").await.status, 200);
    }
    let odd = browser
        .send(Method::from_bytes(b"PROPFIND").unwrap(), COUNT, &[], "")
        .await;
    odd.assert(403, refused(MISSING));
    for method in [Method::HEAD, Method::OPTIONS] {
        assert_eq!(browser.send(method, COUNT, &[], "").await.status, 200);
    }
    assert_eq!(done.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_plain_handler_is_guarded_as_a_view_is() {
    let app = TestApp::new().with_routes(Router::new().route(
        "/do",
        axum::routing::post(|IsAuthenticated(user): IsAuthenticated| async { user.username }),
    ));
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    browser
        .send(Method::POST, "/do", &[], "")
        .await
        .assert(403, refused(MISSING));
    browser
        .call(Method::POST, "/do", "")
        .await
        .assert(200, "alice");
}

#[tokio::test]
async fn a_token_counts_with_its_cookie_for_its_user_and_under_its_key() {
    let (app, done) = counting(|_| ());
    let mut alice = Browser::new(&app);
    alice.log_in().await;
    let mut carol = Browser::new(&app);
    let body = r#"{"username":"carol","password":" spaced "}"#;
    carol.script(Method::POST, TOKEN, body).await;
    let mut nobody = Browser::new(&app);
    nobody.open("/auth/login/").await;
    let other_app = TestApp::with(|settings| {
        settings.signing_key = "another secret of at least 32 bytes, as good as any".into();
    });
    let mut other = Browser::new(&other_app);
    other.log_in().await;
    let own = alice.cookie(CSRF).to_owned();
    let mut changed = own.clone().into_bytes();
    changed[40] = if changed[40] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    for (cookie, header, reason) in [
        ("", own.as_str(), NO_COOKIE),
        (own.as_str(), "", MISSING),
        (&own, &own[..63], INCORRECT),
        (&own, "x", INCORRECT),
        (&own, carol.cookie(CSRF), INCORRECT),
        (carol.cookie(CSRF), carol.cookie(CSRF), INCORRECT),
        (nobody.cookie(CSRF), nobody.cookie(CSRF), INCORRECT),
        (other.cookie(CSRF), other.cookie(CSRF), INCORRECT),
        (&changed, &changed, INCORRECT),
        ("a", "a", INCORRECT),
        (&own[..63], &own[..63], INCORRECT),
        (&"A".repeat(64), &"A".repeat(64), INCORRECT),
        (&"A".repeat(4000), &"A".repeat(4000), INCORRECT),
    ] {
        let mut browser = alice.again();
        browser.jar.insert(CSRF.to_owned(), cookie.to_owned());
        let reply = browser
            .send(Method::POST, COUNT, &[("x-csrftoken", header)], "")
            .await;
        reply.assert(403, refused(reason));
    }
    let two = [("x-csrftoken", format!("{own},{own}"))];
    let two = two.each_ref().map(|(name, value)| (*name, value.as_str()));
    alice
        .send(Method::POST, COUNT, &two, "")
        .await
        .assert(403, refused(INCORRECT));
    assert_eq!(done.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_websocket_is_opened_by_our_own_pages_only() {
    let (app, _) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    for (origin, status) in [
        ("https://auth.example.com", 200),
        ("https://evil.example", 403),
        ("https://other.example.com", 403),
        ("null", 403),
    ] {
        let headers = [
            ("upgrade", "websocket"),
            ("connection", "upgrade"),
            ("origin", origin),
            ("sec-fetch-site", ""),
        ];
        let reply = browser.send(Method::GET, COUNT, &headers, "").await;
        assert_eq!(reply.status, status, "{origin}");
    }
}

/// Whether a change that `browser` asks for is let through.
async fn passes(browser: &Browser<'_>) -> bool {
    let reply = browser.again().call(Method::POST, COUNT, "").await;
    assert!(
        reply.status == 200 || reply.body.contains("Origin checking failed"),
        "{reply:?}"
    );
    reply.status == 200
}

#[tokio::test]
async fn an_origin_is_our_own_by_its_host_and_by_https() {
    let (app, _) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    for (host, origin, passes_here) in [
        ("auth.example.com", "https://auth.example.com", true),
        ("AUTH.example.com", "https://auth.example.com", true),
        ("auth.example.com:443", "https://auth.example.com", true),
        (
            "auth.example.com:8443",
            "https://auth.example.com:8443",
            true,
        ),
        ("auth.example.com:8443", "https://auth.example.com", false),
        ("auth.example.com", "https://auth.example.com:8443", false),
        ("auth.example.com", "http://auth.example.com", false),
        ("auth.example.com:80", "http://auth.example.com", false),
        (
            "auth.example.com",
            "https://auth.example.com.evil.example",
            false,
        ),
        (
            "auth.example.com",
            "https://evil.example/auth.example.com",
            false,
        ),
        (
            "auth.example.com",
            "https://auth.example.com@evil.example",
            false,
        ),
        ("auth.example.com", "https://xauth.example.com", false),
        ("auth.example.com", "auth.example.com", false),
        ("auth.example.com", "ftp://auth.example.com", false),
        ("auth.example.com", "null", false),
        ("auth.example.com", "https://", false),
        (
            "auth.example.com",
            "https://auth.example.com, https://auth.example.com",
            false,
        ),
        ("localhost:8000", "http://localhost:8000", true),
        ("shop.localhost:8000", "http://shop.localhost:8000", true),
        ("127.0.0.1:8000", "http://127.0.0.1:8000", true),
        ("127.9.9.9", "http://127.9.9.9", true),
        ("[::1]:8000", "http://[::1]:8000", true),
        ("localhost", "http://localhost", true),
        ("localhost:8000", "http://localhost:3000", false),
        ("localhost:8000", "http://127.0.0.1:8000", false),
        (
            "localhost.evil.example",
            "http://localhost.evil.example",
            false,
        ),
        (
            "127.0.0.1.evil.example",
            "http://127.0.0.1.evil.example",
            false,
        ),
        ("10.0.0.1", "http://10.0.0.1", false),
        ("", "https://auth.example.com", false),
    ] {
        let browser = browser.again().with("host", host).with("origin", origin);
        assert_eq!(passes(&browser).await, passes_here, "{host} {origin}");
    }
    for (site, passes_here) in [
        ("same-origin", true),
        ("none", true),
        ("", true),
        ("same-site", false),
        ("cross-site", false),
        ("Same-Origin", false),
        ("same-origin,same-origin", false),
    ] {
        let browser = browser.again().with("sec-fetch-site", site);
        assert_eq!(passes(&browser).await, passes_here, "{site}");
    }
}

#[tokio::test]
async fn trusted_origins_are_djangos() {
    let (app, _) = counting(|settings| {
        settings.csrf_trusted_origins = [
            "https://app.example.com",
            "https://*.shop.example",
            "http://*.local.example:8080",
        ]
        .map(str::to_owned)
        .into();
    });
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    for (origin, passes_here) in [
        ("https://app.example.com", true),
        ("https://app.example.com:444", false),
        ("http://app.example.com", false),
        ("https://x.app.example.com", false),
        ("https://shop.example", true),
        ("https://a.shop.example", true),
        ("https://a.b.shop.example", true),
        ("https://A.shop.example", true),
        ("https://ashop.example", false),
        ("https://a.shop.example.evil.example", false),
        ("https://a.shop.example:444", false),
        ("http://a.shop.example", false),
        ("http://a.local.example:8080", true),
        ("http://a.local.example", false),
        ("null", false),
    ] {
        for site in ["same-site", "cross-site", ""] {
            let browser = browser
                .again()
                .with("origin", origin)
                .with("sec-fetch-site", site);
            assert_eq!(passes(&browser).await, passes_here, "{origin} {site}");
        }
    }
    // A trusted origin does without Sec-Fetch-Site, and not without the token.
    let mut trusted = browser.again().with("origin", "https://app.example.com");
    trusted = trusted.with("sec-fetch-site", "same-site");
    trusted
        .send(Method::POST, COUNT, &[], "")
        .await
        .assert(403, refused(MISSING));
    trusted.log_in().await;
}

#[tokio::test]
async fn what_is_no_origin_is_refused_as_a_setting() {
    for other in [
        "app.example.com",
        "https://",
        "https://app.example.com/",
        "https://app.example.com/path",
        "https://*",
        "https://a*.example.com",
        "https://*.*.example.com",
        "null",
        "*",
        "",
        "ws://app.example.com",
        "https://user@app.example.com",
    ] {
        let mut settings = Settings::new(crate::app::KEY);
        settings.csrf_trusted_origins = vec![other.to_owned()];
        let refused = SimpleJwt::new(settings, tokenpair::MemoryStore::default());
        let message = refused.unwrap_err().to_string();
        assert!(
            message.contains("CSRF_TRUSTED_ORIGINS")
                && message.contains("expected origins without a path"),
            "{other}"
        );
    }
}

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

#[tokio::test]
async fn a_refusal_holds_no_secret() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let tokens = [ACCESS, REFRESH_COOKIE, CSRF].map(|name| browser.cookie(name).to_owned());
    let headers = [("x-csrftoken", &tokens[2][..60])];
    let replies: Vec<Reply> = vec![
        browser
            .send(Method::POST, "/read-or-auth/", &headers, "")
            .await,
        browser
            .submit("/auth/login/", &[("password", "hunter2hunter2")])
            .await,
    ];
    for reply in replies {
        let secrets = tokens.iter().map(|token| &token[token.len() - 16..]);
        for secret in secrets.take(2).chain(["hunter2hunter2"]) {
            assert!(!reply.body.contains(secret), "{reply:?}");
        }
    }
}
