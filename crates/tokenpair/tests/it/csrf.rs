//! Requests that change something by a browser's cookies, and the proofs they need: security requirement S11.

use crate::app::{Reply, TOKEN, TestApp};
use crate::browser::{ACCESS, Browser, CSRF, REFRESH_COOKIE, encoded, form_token};
use crate::cookies::key_pair;
use axum::Router;
use axum::http::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokenpair::web::{DjangoUrls as _, IsAuthenticated, View};
use tokenpair::{Algorithm, Settings, SimpleJwt};

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

pub(crate) fn refused(reason: &str) -> String {
    format!(r#"{{"detail":"CSRF Failed: {reason}"}}"#)
}

pub(crate) const INCORRECT: &str = "CSRF token from the 'X-Csrftoken' HTTP header incorrect.";
const NO_COOKIE: &str = "CSRF cookie not set.";
pub(crate) const MISSING: &str = "CSRF token missing.";

/// One of the requests that S11 tells apart.
#[derive(Debug)]
struct Cell<'a> {
    method: Method,
    /// A form that a person sends, with the token in a field; else JSON of a script, with the token in a header.
    is_form: bool,
    origin: &'static str,
    site: &'static str,
    token: &'a str,
}

/// S11: method × type × Origin × Sec-Fetch-Site × token.
fn cells(token: &str) -> Vec<Cell<'_>> {
    let mut cells = Vec::new();
    for (method, is_form) in [
        (Method::GET, false),
        (Method::GET, true),
        (Method::POST, false),
        (Method::POST, true),
    ] {
        for origin in [
            "",
            "https://auth.example.com",
            "https://evil.example",
            "null",
        ] {
            for site in ["", "same-origin", "cross-site"] {
                for token in [token, ""] {
                    let method = method.clone();
                    cells.push(Cell {
                        method,
                        is_form,
                        origin,
                        site,
                        token,
                    });
                }
            }
        }
    }
    cells
}

impl Cell<'_> {
    async fn send(&self, browser: Browser<'_>) -> Reply {
        let mut browser = browser
            .with("origin", self.origin)
            .with("sec-fetch-site", self.site);
        if !self.is_form {
            let headers = [
                ("content-type", "application/json"),
                ("x-csrftoken", self.token),
            ];
            return browser
                .send(self.method.clone(), COUNT, &headers, "{}")
                .await;
        }
        let fields = [("csrfmiddlewaretoken", self.token), ("_method", "POST")];
        if self.method == Method::POST {
            return browser.submit(COUNT, &fields[..1]).await;
        }
        // A form that is sent by GET has its fields in the address.
        let path = format!("{COUNT}?{}", encoded(&fields));
        browser
            .send(Method::GET, &path, &[("accept", "text/html")], "")
            .await
    }

    fn refusal(&self) -> Option<&'static str> {
        if self.method == Method::GET {
            None
        } else if self.site == "cross-site" {
            Some("Origin checking failed - Sec-Fetch-Site is cross-site.")
        } else if self.origin == "https://evil.example" || self.origin == "null" {
            Some("does not match any trusted origins.")
        } else {
            self.token.is_empty().then_some(MISSING)
        }
    }
}

#[tokio::test]
async fn a_cookie_changes_something_only_for_our_own_page_with_its_token() {
    let (app, done) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let cells = cells(browser.cookie(CSRF));
    assert_eq!(cells.len(), 96);
    for cell in &cells {
        let before = done.load(Ordering::SeqCst);
        let reply = cell.send(browser.again()).await;
        let was_done = done.load(Ordering::SeqCst) > before;
        let Some(reason) = cell.refusal() else {
            assert_eq!(
                (reply.status, was_done),
                (200, cell.method == Method::POST),
                "{cell:?}"
            );
            continue;
        };
        assert_eq!((reply.status, was_done), (403, false), "{cell:?}");
        let is_told = reply.body.contains("CSRF Failed: ") && reply.body.contains(reason);
        assert!(is_told, "{cell:?} {}", reply.body);
    }
    assert_eq!(done.load(Ordering::SeqCst), 8);
}

#[tokio::test]
async fn a_token_counts_only_where_it_is_looked_for() {
    let (app, done) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let token = browser.cookie(CSRF).to_owned();
    let form = encoded(&[("csrfmiddlewaretoken", &token)]);
    let json = format!(r#"{{"csrfmiddlewaretoken":"{token}"}}"#);
    let query = format!("{COUNT}?{form}");
    let (html, urlencoded) = ("text/html", "application/x-www-form-urlencoded");
    for (path, accept, kind, body) in [
        (COUNT, "application/json", urlencoded, form.as_str()),
        (COUNT, "application/json", "application/json", &json),
        (COUNT, html, "application/json", &json),
        (COUNT, html, "text/plain", &form),
        (COUNT, html, "", &form),
        (&query, html, urlencoded, ""),
        (&query, "application/json", "", ""),
    ] {
        let headers = [("accept", accept), ("content-type", kind)];
        let reply = browser.send(Method::POST, path, &headers, body).await;
        let is_refused = reply.status == 403 && reply.body.contains(MISSING);
        assert!(is_refused, "{path} {accept} {kind} {reply:?}");
    }
    // Beside a header the field says nothing.
    let headers = [
        ("accept", html),
        ("content-type", urlencoded),
        ("x-csrftoken", "x"),
    ];
    let reply = browser.send(Method::POST, COUNT, &headers, &form).await;
    assert!(
        reply.status == 403 && reply.body.contains("incorrect"),
        "{reply:?}"
    );
    assert_eq!(done.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_page_has_another_text_for_its_token_each_time() {
    let (app, done) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let cookie = browser.cookie(CSRF).to_owned();
    let mut texts = Vec::new();
    for _ in 0..3 {
        let page = browser.open("/me/").await;
        assert!(!page.body.contains(&cookie));
        texts.push(form_token(&page));
    }
    assert_eq!(browser.cookie(CSRF), cookie, "nor is there another cookie");
    texts.dedup();
    assert_eq!(texts.len(), 3);
    for text in &texts {
        let form = [("csrfmiddlewaretoken", text.as_str())];
        assert_eq!(browser.submit(COUNT, &form).await.status, 200);
        let header = [("x-csrftoken", text.as_str())];
        assert_eq!(
            browser.send(Method::POST, COUNT, &header, "").await.status,
            200
        );
    }
    let header = [("x-csrftoken", texts[1].as_str())];
    let mut from_page = browser.again();
    from_page.jar.insert(CSRF.to_owned(), texts[0].clone());
    let reply = from_page.send(Method::POST, COUNT, &header, "").await;
    assert_eq!(
        reply.status, 200,
        "a client may have its cookie from a page"
    );
    let half = format!("{}{}", &texts[0][..64], &texts[1][64..]);
    for bad in [
        half.as_str(),
        &texts[0][..127],
        &"A".repeat(128),
        &texts.concat(),
    ] {
        let header = [("x-csrftoken", bad)];
        let reply = browser.send(Method::POST, COUNT, &header, "").await;
        reply.assert(403, refused(INCORRECT));
    }
    assert_eq!(done.load(Ordering::SeqCst), 7);
}

#[tokio::test]
async fn nodes_with_one_signing_key_know_each_others_tokens() {
    let ((one, _), (two, done)) = (counting(|_| ()), counting(|_| ()));
    let mut browser = Browser::new(&one);
    browser.log_in().await;
    let mut elsewhere = Browser::new(&two);
    elsewhere.jar = browser.jar.clone();
    assert_eq!(elsewhere.call(Method::POST, COUNT, "").await.status, 200);
    assert_eq!(done.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_node_that_only_checks_tokens_knows_no_csrf_token_but_its_own() {
    let (private, public) = key_pair();
    let issuer = TestApp::with(|settings| {
        settings.algorithm = Algorithm::EdDSA;
        settings.signing_key = private.into();
    });
    let checking = || {
        counting(|settings| {
            settings.algorithm = Algorithm::EdDSA;
            settings.signing_key = "".into();
            settings.verifying_key.clone_from(&public);
        })
    };
    let ((one, done), (two, _)) = (checking(), checking());
    for app in [&one, &two] {
        let warnings = app.jwt.warnings();
        assert!(
            warnings
                .iter()
                .any(|text| text.starts_with("AUTH_COOKIES "))
        );
    }
    let mut browser = Browser::new(&issuer);
    browser.log_in().await;
    let at = |app, browser: &Browser<'_>| {
        let mut there = Browser::new(app);
        there.jar = browser.jar.clone();
        there
    };
    let mut here = at(&one, &browser);
    assert_eq!(here.call(Method::GET, COUNT, "").await.status, 200);
    let reply = here.call(Method::POST, COUNT, "").await;
    reply.assert(403, refused(INCORRECT));
    // A page of its own has a token that counts, here and nowhere else.
    here.open("/me/").await;
    assert_eq!(here.call(Method::POST, COUNT, "").await.status, 200);
    let reply = at(&two, &here).call(Method::POST, COUNT, "").await;
    reply.assert(403, refused(INCORRECT));
    assert_eq!(done.load(Ordering::SeqCst), 1);
}

#[test]
fn an_engine_without_a_signing_key_warns_that_its_csrf_tokens_are_its_own() {
    let warning = |change: fn(&mut Settings)| {
        let mut settings = Settings::new("");
        settings.algorithm = Algorithm::RS256;
        settings.jwk_url = Some("https://issuer.example/jwks".to_owned());
        change(&mut settings);
        let warnings = settings.warnings();
        warnings
            .iter()
            .any(|text| text.starts_with("AUTH_COOKIES "))
    };
    assert!(warning(|_| ()));
    assert!(!warning(|settings| settings.auth_cookies = false));
    assert!(!warning(
        |settings| settings.signing_key = "-----BEGIN PRIVATE KEY-----".into()
    ));
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
