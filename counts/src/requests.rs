//! Whole requests through the axum router, without a socket.

use crate::Work;
use crate::engine::{bearer, block_on, hs256, token};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::routing::get;
use http_body_util::BodyExt as _;
use std::hint::black_box;
use tokenpair::web::{IsAuthenticated, token_urls};
use tokenpair::{SimpleJwt, TokenUser};
use tower::ServiceExt as _;

fn router(jwt: SimpleJwt) -> Router {
    Router::new()
        .nest("/api", token_urls())
        .route("/me", get(me))
        .route("/stateless", get(stateless))
        .with_state(jwt)
}

async fn me(IsAuthenticated(user): IsAuthenticated) -> String {
    user.username
}

async fn stateless(user: TokenUser) -> &'static str {
    black_box(user);
    "ada"
}

/// Done as often as wanted; the answer is read to its end.
fn request(jwt: SimpleJwt, make: impl Fn() -> Request<Body> + 'static) -> Work {
    let router = router(jwt);
    Box::new(move || {
        block_on(async {
            let response = router.clone().oneshot(make()).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            black_box(response.into_body().collect().await.unwrap());
        });
    })
}

pub(crate) fn verify() -> Work {
    let jwt = hs256();
    let body = format!(r#"{{"token":"{}"}}"#, token(&jwt, "access"));
    post("/api/token/verify/", jwt, body)
}

pub(crate) fn refresh() -> Work {
    let jwt = hs256();
    let body = format!(r#"{{"refresh":"{}"}}"#, token(&jwt, "refresh"));
    post("/api/token/refresh/", jwt, body)
}

fn post(path: &'static str, jwt: SimpleJwt, body: String) -> Work {
    request(jwt, move || {
        Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.clone()))
            .unwrap()
    })
}

pub(crate) fn get_stateless() -> Work {
    get_with_token("/stateless")
}

pub(crate) fn get_user() -> Work {
    get_with_token("/me")
}

fn get_with_token(path: &'static str) -> Work {
    let jwt = hs256();
    let header = bearer(&jwt);
    request(jwt, move || {
        Request::get(path)
            .header(header::AUTHORIZATION, &header)
            .body(Body::empty())
            .unwrap()
    })
}
