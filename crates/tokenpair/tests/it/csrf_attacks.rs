//! What pages of other sites, and whoever can plant a cookie, try with the cookies of a browser.

use crate::app::{ALICE, BLACKLIST, REFRESH, TOKEN, TestApp};
use crate::browser::{ACCESS, Browser, CSRF, LOGIN, LOGOUT, REFRESH_COOKIE, encoded, names};
use crate::csrf::{COUNT, INCORRECT, MISSING, counting, refused};
use axum::http::Method;
use std::sync::atomic::Ordering;
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

/// Whatever a page can send without being asked about it first (Fetch, "CORS-safelisted").
#[tokio::test]
async fn no_body_that_another_site_can_send_stands_for_a_token() {
    let (app, done) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let jar = browser.jar.clone();
    let json = r#"{"csrfmiddlewaretoken":"","_method":"DELETE","a":"b"}"#;
    let form = encoded(&[("_method", "DELETE"), ("a", "b")]);
    let parts =
        "--b\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nDELETE\r\n--b--\r\n";
    for (kind, body) in [
        ("text/plain", json),
        ("text/plain; application/json", json),
        ("application/x-www-form-urlencoded", form.as_str()),
        ("application/x-www-form-urlencoded; charset=utf-8", json),
        ("multipart/form-data; boundary=b", parts),
        ("multipart/form-data", parts),
        ("", ""),
    ] {
        // A silent browser is the worst case; only the last has told who it is.
        for (origin, site, referer) in [
            ("", "", ""),
            ("", "", "https://evil.example/page"),
            ("", "", "https://auth.example.com/me/"),
            (
                "https://evil.example",
                "cross-site",
                "https://evil.example/",
            ),
        ] {
            for (path, accept) in [
                (COUNT, "text/html"),
                (COUNT, "*/*"),
                ("/count/?_method=DELETE", "text/html"),
                ("/count/?format=json&_method=DELETE", "*/*"),
                (LOGOUT, "text/html"),
            ] {
                let mut page = browser.again();
                for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
                    page = page.with(name, value);
                }
                let headers = [
                    ("content-type", kind),
                    ("accept", accept),
                    ("referer", referer),
                ];
                let reply = page.send(Method::POST, path, &headers, body).await;
                let what = format!("{kind} {origin} {referer} {path} {accept}");
                assert!([400, 403, 415].contains(&reply.status), "{what} {reply:?}");
                assert_eq!(page.jar, jar, "{what}");
            }
        }
    }
    assert_eq!(done.load(Ordering::SeqCst), 0);
    assert_eq!(browser.refresh().await.status, 200, "nobody was logged out");
}

#[tokio::test]
async fn no_header_makes_a_safe_request_another_one() {
    let (app, done) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    for name in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
    ] {
        for (method, path) in [
            (Method::GET, COUNT),
            (Method::HEAD, COUNT),
            (Method::OPTIONS, COUNT),
            (Method::GET, "/count/?_method=DELETE&_content=%7B%7D"),
        ] {
            for accept in ["text/html", "application/json"] {
                let headers = [(name, "DELETE"), ("accept", accept)];
                let reply = browser
                    .send(method.clone(), path, &headers, "_method=DELETE")
                    .await;
                assert_eq!(reply.status, 200, "{name} {method} {path}");
            }
        }
        let headers = [(name, "GET")];
        let reply = browser.send(Method::POST, COUNT, &headers, "").await;
        reply.assert(403, refused(MISSING));
    }
    assert_eq!(done.load(Ordering::SeqCst), 0);
}

/// A subdomain sets cookies for its parent, which come first where their path is longer. The prefix keeps that out; over
/// plain HTTP there is none.
#[tokio::test]
async fn a_cookie_that_a_subdomain_planted_is_no_token() {
    let (app, done) = counting(|settings| settings.auth_cookie_secure = false);
    let mut attacker = Browser::new(&app);
    attacker.open(LOGIN).await;
    let nobodys = attacker.cookie("csrftoken").to_owned();
    let carol = r#"{"username":"carol","password":" spaced "}"#;
    attacker.script(Method::POST, TOKEN, carol).await;
    let carols = attacker.cookie("csrftoken").to_owned();
    let mut victim = Browser::new(&app);
    victim.log_in().await;
    let own = victim.cookie("csrftoken").to_owned();
    let access = victim.cookie("access").to_owned();
    for planted in [&nobodys, &carols] {
        let cookies = format!("csrftoken={planted}; csrftoken={own}; access={access}");
        // Who says nothing of the page, as an old browser; and the subdomain's page itself.
        for (origin, site, status, reason) in [
            ("", "", 403, INCORRECT),
            (
                "http://a.auth.example.com",
                "",
                403,
                "does not match any trusted origins.",
            ),
            (
                "http://a.auth.example.com",
                "same-site",
                403,
                "Sec-Fetch-Site is same-site.",
            ),
        ] {
            let mut page = victim.again().with("cookie", cookies.as_str());
            page = page.with("origin", origin).with("sec-fetch-site", site);
            let header = [("x-csrftoken", planted.as_str())];
            let reply = page.send(Method::POST, COUNT, &header, "").await;
            assert!(
                reply.status == status && reply.body.contains(reason),
                "{reply:?}"
            );
        }
    }
    assert_eq!(done.load(Ordering::SeqCst), 0);
    // With the prefix such names say nothing.
    let (app, _) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let token = browser.cookie(CSRF).to_owned();
    browser.jar.insert("csrftoken".to_owned(), nobodys);
    browser
        .jar
        .insert("access".to_owned(), "rubbish".to_owned());
    browser
        .jar
        .insert("__host-access".to_owned(), "rubbish".to_owned());
    let header = [("x-csrftoken", token.as_str())];
    assert_eq!(
        browser.send(Method::POST, COUNT, &header, "").await.status,
        200
    );
}

#[tokio::test]
async fn the_token_of_another_session_of_the_same_user_needs_its_own_cookie() {
    let (app, done) = counting(|_| ());
    let (mut here, mut there) = (Browser::new(&app), Browser::new(&app));
    here.log_in().await;
    there.log_in().await;
    let header = [("x-csrftoken", there.cookie(CSRF))];
    let reply = here.send(Method::POST, COUNT, &header, "").await;
    reply.assert(403, refused(INCORRECT));
    assert_eq!(done.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_no_browser_would_send_as_a_cookie_is_nobodys() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let good = browser.cookie(ACCESS).to_owned();
    let long = "a".repeat(8192);
    for value in [
        long.as_bytes(),
        &[good.as_bytes(), b".", long.as_bytes()].concat(),
        &[b"\x80\xff\xfe", good.as_bytes()].concat(),
        b"\"",
        b"\"\"",
        b"....",
        b"..",
        &b";".repeat(8192),
        &b"=".repeat(8192),
        &[&b"%00"[..], good.as_bytes()].concat(),
        &[good.as_bytes(), b"\t\t,"].concat(),
    ] {
        for name in [ACCESS, REFRESH_COOKIE, CSRF] {
            let cookie = [name.as_bytes(), b"=", value].concat();
            for accept in ["text/html", "application/json"] {
                let get = async |path: &str| {
                    let request = axum::http::Request::get(path)
                        .header("accept", accept)
                        .header("cookie", cookie.as_slice());
                    app.send(request.body(axum::body::Body::empty()).unwrap())
                        .await
                        .status
                };
                let what = String::from_utf8_lossy(&cookie[..cookie.len().min(60)]);
                assert_eq!(get("/open/").await, 200, "{what}");
                assert_eq!(get("/me/").await, 401, "{what}");
                assert_eq!(get(LOGIN).await, 200, "{what}");
            }
        }
    }
}
