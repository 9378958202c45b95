//! A browser's forms as the requests that they stand for, and what they must not stand for.

use crate::app::{ALICE, TOKEN};
use crate::browser::{ACCESS, Browser, CSRF, encoded, names};
use crate::csrf::{COUNT, MISSING, counting};
use axum::http::Method;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_form_stands_for_the_request_that_it_describes() {
    let (app, done) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    for method in ["PUT", "PATCH", "DELETE", "POST"] {
        let reply = browser
            .submit_with_token(COUNT, &[("_method", method)])
            .await;
        assert_eq!(reply.status, 200, "{method} {reply:?}");
    }
    assert_eq!(done.load(Ordering::SeqCst), 4);
    let options = browser
        .submit_with_token(COUNT, &[("_method", "OPTIONS")])
        .await;
    assert!(options.status == 200 && options.body.contains("application/x-www-form-urlencoded"));
    // The raw data of a log-in, as JSON.
    let raw = [("_content_type", "application/json"), ("_content", ALICE)];
    let reply = browser.submit_with_token(TOKEN, &raw).await;
    assert!(
        reply.status == 200 && reply.body.contains("access"),
        "{reply:?}"
    );
    let raw = [
        ("_content_type", "application/x-www-form-urlencoded"),
        ("_content", "username=alice&password=secret"),
    ];
    assert_eq!(browser.submit_with_token(TOKEN, &raw).await.status, 200);
    assert_eq!(done.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_multipart_form_is_a_form() {
    let (app, done) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let token = browser.cookie(CSRF).to_owned();
    let body = part("_method", "DELETE") + &part("csrfmiddlewaretoken", &token) + "--b--\r\n";
    let headers = [
        ("accept", "text/html"),
        ("content-type", "multipart/form-data; boundary=b"),
    ];
    assert_eq!(
        browser
            .send(Method::POST, COUNT, &headers, &body)
            .await
            .status,
        200
    );
    assert_eq!(done.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn control_fields_do_nothing_without_a_token() {
    let (app, done) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let token = browser.cookie(CSRF).to_owned();
    let raw = [("_content_type", "application/json"), ("_content", ALICE)];
    let recorded = app.store.outstanding_count();
    for (fields, reason) in [
        (vec![("_method", "DELETE")], MISSING),
        (
            vec![("_method", "DELETE"), ("csrfmiddlewaretoken", "x")],
            "incorrect",
        ),
        (raw.to_vec(), MISSING),
        (vec![("_method", ""), ("_content", "")], MISSING),
    ] {
        for path in [COUNT, TOKEN, "/open/"] {
            let reply = browser.submit(path, &fields).await;
            assert_eq!(reply.status, 403, "{fields:?} {path}");
            assert!(
                reply.body.contains("CSRF Failed") && reply.body.contains(reason),
                "{reply:?}"
            );
        }
    }
    // Nor on a page of another site, with whatever token.
    let fields = [("_method", "DELETE"), ("csrfmiddlewaretoken", &token)];
    let mut foreign = browser.again().with("origin", "https://evil.example");
    assert_eq!(foreign.submit(COUNT, &fields).await.status, 403);
    // Nor for anything but a form of a browser.
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("accept", "application/json"),
        ("x-csrftoken", token.as_str()),
    ];
    let reply = browser
        .send(Method::POST, COUNT, &headers, &encoded(&fields))
        .await;
    assert_eq!(reply.status, 200, "a POST is a POST");
    assert_eq!(done.load(Ordering::SeqCst), 1);
    assert_eq!(app.store.outstanding_count(), recorded);
}

#[tokio::test]
async fn methods_that_no_form_may_stand_for_are_refused() {
    let (app, done) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    for method in [
        "GET",
        "HEAD",
        "TRACE",
        "CONNECT",
        "put",
        "Delete",
        "PUT ",
        " PUT",
        "PUT\r\nX: y",
        "PROPFIND",
        "PUT,DELETE",
        "\u{ff30}UT",
        "_method",
        "\0",
    ] {
        let reply = browser
            .submit_with_token(COUNT, &[("_method", method)])
            .await;
        assert_eq!(reply.status, 400, "{method:?}");
        assert!(
            reply
                .body
                .contains("_method must be POST, PUT, PATCH, DELETE or OPTIONS.")
        );
    }
    // The last of several counts, as everywhere in a form.
    let fields = [("_method", "DELETE"), ("_method", "TRACE")];
    assert_eq!(browser.submit_with_token(COUNT, &fields).await.status, 400);
    assert_eq!(done.load(Ordering::SeqCst), 0);
    // A query is no form.
    let reply = browser
        .submit_with_token("/count/?_method=DELETE", &[])
        .await;
    assert_eq!((reply.status, done.load(Ordering::SeqCst)), (200, 1));
}

#[tokio::test]
async fn raw_data_of_any_type_is_read_as_that_type_and_as_nothing_more() {
    let (app, done) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    for (kind, status) in [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("APPLICATION/JSON", 200),
        ("", 415),
        ("text/plain", 415),
        ("application/xml", 415),
        ("application/json\r\nX-Injected: 1", 400),
        ("application/json\nX-Injected: 1", 400),
        ("application/json\0", 400),
        ("\u{7f}", 400),
        ("a/b; charset=\u{1f600}", 415),
        ("multipart/form-data", 400),
        ("application/json; charset=rot13", 400),
        ("*/*", 200),
        (&"x".repeat(5000), 415),
    ] {
        let raw = [("_content_type", kind), ("_content", ALICE)];
        let reply = browser.submit_with_token(TOKEN, &raw).await;
        assert_eq!(reply.status, status, "{kind:?} {}", reply.body);
        assert_eq!(reply.header("x-injected"), None);
    }
    // What stands in the raw data is data: no second form is read from it.
    let inner = encoded(&[("_method", "DELETE"), ("username", "alice")]);
    let raw = [
        ("_content_type", "application/x-www-form-urlencoded"),
        ("_content", inner.as_str()),
    ];
    assert_eq!(browser.submit_with_token(TOKEN, &raw).await.status, 400);
    assert_eq!(done.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_form_is_limited_as_any_body() {
    let (app, _) = counting(|settings| settings.data_upload_max_memory_size = 1000);
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let long = "x".repeat(2000);
    let reply = browser
        .submit_with_token(COUNT, &[("_content", &long)])
        .await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn what_a_form_lacks_but_the_access_token_is_no_obstacle() {
    let (app, done) = counting(|_| ());
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    // Somebody thinks for longer than an access token lives.
    app.advance(301);
    browser.jar.remove(ACCESS);
    let reply = browser
        .submit_with_token(COUNT, &[("_method", "DELETE")])
        .await;
    assert_eq!(
        (reply.status, names(&reply)),
        (200, vec![ACCESS.to_owned()])
    );
    assert_eq!(done.load(Ordering::SeqCst), 1);
    // That is no way around the token.
    browser.jar.remove(ACCESS);
    let reply = browser.submit(COUNT, &[("a", "b")]).await;
    assert_eq!((reply.status, done.load(Ordering::SeqCst)), (403, 1));
}
