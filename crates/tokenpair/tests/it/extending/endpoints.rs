//! Views of one's own: further input fields, other error texts and shapes, own rules, throttling, cookies.

use super::assert_as_recorded;
use crate::app::{ALICE, REFRESH, TOKEN, TestApp, VERIFY, text_of};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokenpair::json::{self, Object, Value};
use tokenpair::web::{DjangoUrls as _, View, answer, read_fields};
use tokenpair::{Credentials, Error, RequestInfo, SimpleJwt, flows};

/// A log-in that wants a second factor.
async fn log_in_with_code(
    State(jwt): State<SimpleJwt>,
    info: RequestInfo,
    request: Request,
) -> Result<Response, Response> {
    let [username, password, code] =
        read_fields(&jwt, request, ["username", "password", "code"]).await?;
    let credentials = Credentials { username, password };
    let tokens = async {
        let user = flows::authenticate(&jwt, &credentials, &info).await?;
        if code != "123456" {
            return Err(Error::NoActiveAccount);
        }
        flows::get_tokens_for_user(&jwt, &user, &info).await
    };
    Ok(answer(&jwt, &info, tokens.await))
}

#[tokio::test]
async fn a_log_in_may_ask_for_more_than_a_password() {
    let view = View::new("Token Obtain Pair").post(log_in_with_code);
    let app = TestApp::new().with_routes(Router::new().url("/with-code/", view));
    for (body, case) in [
        (ALICE, "own input field missing"),
        (
            r#"{"username":"alice","password":"secret","code":"1"}"#,
            "own input field wrong",
        ),
        (
            r#"{"username":" alice ","password":"secret","code":123456}"#,
            "own input field right",
        ),
    ] {
        assert_as_recorded(&app.post("/with-code/", body).await, case);
    }
    assert_eq!(
        app.store.outstanding_count(),
        1,
        "a wrong code costs no token"
    );
    let wrong = r#"{"username":"alice","password":"wrong","code":"123456"}"#;
    let reply = app.post("/with-code/", wrong).await;
    assert_as_recorded(&reply, "own input field wrong");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(
        reply.header("www-authenticate"),
        Some("Bearer realm=\"api\"")
    );
}

#[tokio::test]
async fn a_password_with_outer_white_space_reaches_an_endpoint_of_ones_own_whole() {
    let view = View::new("Token Obtain Pair").post(log_in_with_code);
    let app = TestApp::new().with_routes(Router::new().url("/with-code/", view));
    let carol = r#"{"username":"carol","password":" spaced ","code":"123456"}"#;
    assert_eq!(app.post("/with-code/", carol).await.status, 200);
    let not_read = app.post("/with-code/", "{").await;
    assert_eq!(not_read.status, 400);
}

#[tokio::test]
async fn a_refusal_may_have_a_text_of_ones_own() {
    async fn log_in(
        State(jwt): State<SimpleJwt>,
        info: RequestInfo,
        request: Request,
    ) -> Result<Response, Response> {
        let [username, password] = read_fields(&jwt, request, ["username", "password"]).await?;
        let credentials = Credentials { username, password };
        match flows::obtain_pair(&jwt, &credentials, &info).await {
            Err(Error::NoActiveAccount) => {
                let body = r#"{"detail":"Wrong name or password."}"#;
                let json = [(header::CONTENT_TYPE, "application/json")];
                Err((StatusCode::UNAUTHORIZED, json, body).into_response())
            }
            result => Ok(answer(&jwt, &info, result)),
        }
    }
    let view = View::new("Token Obtain Pair").post(log_in);
    let app = TestApp::new().with_routes(Router::new().url("/other-text/", view));
    let wrong = r#"{"username":"alice","password":"wrong"}"#;
    assert_as_recorded(&app.post("/other-text/", wrong).await, "own error text");
    assert_eq!(app.post("/other-text/", ALICE).await.status, 200);
}

#[tokio::test]
async fn errors_may_have_a_shape_of_ones_own() {
    /// DRF's `EXCEPTION_HANDLER`, around every route.
    async fn wrapped(response: Response) -> Response {
        if !response.status().is_client_error() {
            return response;
        }
        let (mut parts, body) = response.into_parts();
        let body = to_bytes(body, 64 * 1024).await.unwrap_or_default();
        let told = json::decode_strict(&body).unwrap_or_default();
        let error = told.get("detail").cloned().unwrap_or(Value::Null);
        let shaped = Value::Object(Object::from_iter([("error", error)]));
        parts.headers.remove(header::CONTENT_LENGTH);
        Response::from_parts(parts, Body::from(json::encode_utf8(&shaped)))
    }
    let app = TestApp::new().layered(|router| router.layer(map_response(wrapped)));
    let reply = app.post(REFRESH, r#"{"refresh":"rubbish"}"#).await;
    assert_as_recorded(&reply, "own error shape");
    assert_eq!(
        reply.header("www-authenticate"),
        Some("Bearer realm=\"api\"")
    );
    assert_eq!(app.post(TOKEN, ALICE).await.status, 200);
}

#[tokio::test]
async fn an_own_rule_answers_as_in_simple_jwt() {
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            builder
                .store(store)
                .user_authentication_rule(|user| user.is_some_and(|user| user.is_staff))
        },
    );
    assert_as_recorded(&app.post(TOKEN, ALICE).await, "own rule, staff");
    let carol = r#"{"username":"carol","password":" spaced "}"#;
    assert_as_recorded(&app.post(TOKEN, carol).await, "own rule, not staff");
}

/// What `throttle_classes` do is a layer's business.
#[tokio::test]
async fn a_layer_may_limit_the_log_ins_and_leave_the_rest_alone() {
    let app = TestApp::new().layered(|router| {
        let asked = Arc::new(AtomicUsize::new(0));
        router.layer(from_fn(move |request: Request, next: Next| {
            let asked = asked.clone();
            async move {
                let is_log_in = request.uri().path() == TOKEN;
                if is_log_in && asked.fetch_add(1, Ordering::Relaxed) >= 2 {
                    return StatusCode::TOO_MANY_REQUESTS.into_response();
                }
                next.run(request).await
            }
        }))
    });
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(app.post(TOKEN, ALICE).await.status);
    }
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(app.post(VERIFY, "{}").await.status, 400);
}

/// The refresh token in a cookie that no script can read, the access token in the body.
#[tokio::test]
async fn a_log_in_may_put_the_refresh_token_into_a_cookie() {
    async fn log_in(
        State(jwt): State<SimpleJwt>,
        info: RequestInfo,
        request: Request,
    ) -> Result<Response, Response> {
        let [username, password] = read_fields(&jwt, request, ["username", "password"]).await?;
        let credentials = Credentials { username, password };
        let mut result = flows::obtain_pair(&jwt, &credentials, &info).await;
        let refresh = result.as_mut().ok().and_then(|data| data.remove("refresh"));
        let mut response = answer(&jwt, &info, result);
        if let Some(token) = refresh.as_ref().and_then(Value::as_str) {
            let cookie = format!(
                "refresh_token={token}; HttpOnly; Secure; SameSite=Strict; Path=/token/refresh/"
            );
            if let Ok(cookie) = HeaderValue::try_from(cookie) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
        }
        Ok(response)
    }
    let view = View::new("Token Obtain Pair").post(log_in);
    let app = TestApp::new().with_routes(Router::new().url("/token/", view));
    let reply = app.post("/token/", ALICE).await;
    assert_eq!(reply.status, 200);
    assert!(reply.json().get("refresh").is_none());
    let cookie = reply.header("set-cookie").unwrap();
    let token = cookie.strip_prefix("refresh_token=").unwrap();
    let token = token.split(';').next().unwrap();
    assert_eq!(app.refresh(token).await.status, 200);
    let refused = app
        .post(
            "/token/",
            text_of([("username", "alice"), ("password", "x")]),
        )
        .await;
    assert_eq!((refused.status, refused.header("set-cookie")), (401, None));
}
