//! What a browser says about the page that makes a request: whose origin is trusted.

use crate::browser::Browser;
use crate::csrf::{COUNT, MISSING, counting, refused};
use axum::http::Method;
use tokenpair::{Settings, SimpleJwt};

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
