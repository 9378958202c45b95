//! HTTP around the endpoints: methods, media types, paths, sizes.

use crate::app::{
    ALICE, BLACKLIST, REFRESH, Reply, SLIDING, SLIDING_REFRESH, TOKEN, TestApp, VERIFY,
};
use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::{BodyExt as _, Limited};

const ENDPOINTS: [&str; 6] = [TOKEN, REFRESH, VERIFY, BLACKLIST, SLIDING, SLIDING_REFRESH];

async fn call(
    app: &TestApp,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    app.send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

#[tokio::test]
async fn only_post_and_options_are_allowed() {
    let app = TestApp::new();
    for path in ENDPOINTS {
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            let reply = call(&app, method.clone(), path, &[], "").await;
            reply.assert(
                405,
                format!(r#"{{"detail":"Method \"{method}\" not allowed."}}"#),
            );
            assert_eq!(reply.header("allow"), Some("POST, OPTIONS"));
        }
        assert_eq!(call(&app, Method::HEAD, path, &[], "").await.status, 405);
    }
}

#[tokio::test]
async fn options_describes_the_endpoint() {
    let reply = call(&TestApp::new(), Method::OPTIONS, REFRESH, &[], "").await;
    reply.assert(
        200,
        r#"{"name":"Token Refresh","description":"Takes a refresh type JSON web token and returns an access type JSON web token if the refresh token is valid.","renders":["application/json","text/html"],"parses":["application/json","application/x-www-form-urlencoded","multipart/form-data"],"actions":{"POST":{"refresh":{"type":"string","required":true,"read_only":false,"label":"Refresh"},"access":{"type":"string","required":false,"read_only":true,"label":"Access"}}}}"#,
    );
}

#[tokio::test]
async fn forms_are_as_good_as_json() {
    let app = TestApp::new();
    let form = "application/x-www-form-urlencoded";
    assert_eq!(
        call(
            &app,
            Method::POST,
            TOKEN,
            &[("content-type", form)],
            "username=alice&password=secret"
        )
        .await
        .status,
        200
    );
    let body = "--x\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nalice\r\n\
                --x\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\nsecret\r\n--x--\r\n";
    let multipart = [("content-type", "multipart/form-data; boundary=x")];
    assert_eq!(
        call(&app, Method::POST, TOKEN, &multipart, body)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn other_media_types_are_unsupported() {
    let app = TestApp::new();
    for media_type in ["text/plain", "application/jwt", "application/ld+json"] {
        let reply = call(
            &app,
            Method::POST,
            TOKEN,
            &[("content-type", media_type)],
            ALICE,
        )
        .await;
        reply.assert(
            415,
            format!(r#"{{"detail":"Unsupported media type \"{media_type}\" in request."}}"#),
        );
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
    call(&app, Method::POST, TOKEN, &[], ALICE).await.assert(
        415,
        r#"{"detail":"Unsupported media type \"\" in request."}"#,
    );
}

#[tokio::test]
async fn what_cannot_be_rendered_is_not_acceptable() {
    let app = TestApp::new();
    let reply = call(
        &app,
        Method::POST,
        TOKEN,
        &[("accept", "application/xml")],
        ALICE,
    )
    .await;
    reply.assert(
        406,
        r#"{"detail":"Could not satisfy the request Accept header."}"#,
    );
    call(&app, Method::POST, "/api/token/?format=xml", &[], ALICE)
        .await
        .assert(404, r#"{"detail":"Not found."}"#);
}

#[tokio::test]
async fn browsers_get_a_page_and_tools_an_indentation() {
    let app = TestApp::new();
    let page = call(&app, Method::GET, VERIFY, &[("accept", "text/html")], "").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (405, Some("text/html; charset=utf-8"))
    );
    let indented = call(
        &app,
        Method::GET,
        VERIFY,
        &[("accept", "application/json; indent=2")],
        "",
    )
    .await;
    indented.assert(
        405,
        "{\n  \"detail\": \"Method \\\"GET\\\" not allowed.\"\n}",
    );
}

#[tokio::test]
async fn a_path_without_its_final_slash_is_redirected_with_its_query() {
    let app = TestApp::new();
    for path in ENDPOINTS {
        let bare = path.strip_suffix('/').unwrap();
        let reply = call(
            &app,
            Method::POST,
            &format!("{bare}?a=%20"),
            &[("content-type", "application/json")],
            ALICE,
        )
        .await;
        reply.assert(301, "");
        assert_eq!(
            reply.header("location"),
            Some(format!("{path}?a=%20").as_str())
        );
    }
}

#[tokio::test]
async fn credentials_in_the_header_are_not_looked_at() {
    let app = TestApp::new();
    let headers = [
        ("authorization", "Bearer rubbish"),
        ("content-type", "application/json"),
    ];
    assert_eq!(
        call(&app, Method::POST, TOKEN, &headers, ALICE)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn tokens_in_the_query_are_not_looked_at() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    let reply = call(
        &app,
        Method::POST,
        &format!("{REFRESH}?refresh={}", pair.refresh),
        &[],
        "",
    )
    .await;
    reply.assert(400, r#"{"refresh":["This field is required."]}"#);
}

#[tokio::test]
async fn data_upload_max_memory_size_limits_every_body() {
    let app = TestApp::with(|settings| settings.data_upload_max_memory_size = 100);
    for path in ENDPOINTS {
        assert_eq!(
            app.post(path, format!("{{}}{}", " ".repeat(98)))
                .await
                .status,
            400,
            "a body of 100 bytes is read"
        );
        let reply = app.post(path, " ".repeat(101)).await;
        reply.assert(
            413,
            r#"{"detail":"The request body is larger than 100 bytes."}"#,
        );
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn the_default_limit_is_djangos() {
    let app = TestApp::new();
    assert_eq!(app.post(VERIFY, " ".repeat(2_621_440)).await.status, 400);
    assert_eq!(app.post(VERIFY, " ".repeat(2_621_441)).await.status, 413);
}

#[tokio::test]
async fn deep_json_is_a_bad_request() {
    let app = TestApp::new();
    for depth in [129, 100_000] {
        let body = format!(r#"{{"token":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
        let reply = app.post(VERIFY, body).await;
        assert_eq!(reply.status, 400);
        assert!(
            reply.text("detail").starts_with("JSON parse error - "),
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn malformed_json_is_explained_as_python_does() {
    let app = TestApp::new();
    for (body, text) in [
        (
            "{",
            "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
        ),
        (
            r#"{"token": NaN}"#,
            "Out of range float values are not JSON compliant: 'NaN'",
        ),
        (
            "\u{feff}{}",
            "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)",
        ),
    ] {
        app.post(VERIFY, body)
            .await
            .assert(400, format!(r#"{{"detail":"JSON parse error - {text}"}}"#));
    }
}

#[tokio::test]
async fn of_repeated_members_the_last_counts() {
    let app = TestApp::new();
    let body = r#"{"username":"nobody","password":"x","username":"alice","password":"secret"}"#;
    assert_eq!(app.post(TOKEN, body).await.status, 200);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_bad_request() {
    let broken = Limited::new(Body::from("{}"), 1)
        .map_err(|_| std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    let reply = TestApp::new().post(VERIFY, Body::new(broken)).await;
    reply.assert(400, r#"{"detail":"The request body could not be read."}"#);
}
