//! Mounts the token endpoints beside a route of your own, logs in, and calls that route.

#![allow(clippy::print_stdout)]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use axum::routing::get;
use tokenpair::passwords::PasswordHashers;
use tokenpair::web::{IsAuthenticated, token_urls};
use tokenpair::{EncodedPassword, MemoryStore, Settings, SimpleJwt, User, json};
use tower::ServiceExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut ada = User::new(1, "ada");
    ada.password = EncodedPassword::new(PasswordHashers::default().make_password("s3cret")?);
    let store = MemoryStore::default(); // or SqliteStore::connect("sqlite:auth.sqlite3").await?
    store.add_user(ada);
    let settings = Settings::new("a secret of at least 32 bytes, kept out of the code");
    let jwt = SimpleJwt::new(settings, store)?;
    let app = Router::new()
        .nest("/api", token_urls())
        .route("/me", get(me))
        .with_state(jwt);

    // A server would go on with `axum::serve(listener, app)`; this is what its clients do.
    let log_in = Request::post("/api/token/")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(r#"{"username": "ada", "password": "s3cret"}"#))?;
    let pair = json::decode_strict(send(&app, log_in).await?.as_bytes())?;
    let access = pair.get("access").and_then(json::Value::as_str);

    let bearer = format!("Bearer {}", access.unwrap_or_default());
    let with_token = Request::get("/me").header(header::AUTHORIZATION, bearer);
    println!("{}", send(&app, with_token.body(Body::empty())?).await?);
    let without = Request::get("/me").body(Body::empty())?;
    println!("{}", send(&app, without).await?);
    Ok(())
}

async fn me(IsAuthenticated(user): IsAuthenticated) -> String {
    format!("hello, {}", user.username)
}

async fn send(app: &Router, request: Request<Body>) -> Result<String, Box<dyn std::error::Error>> {
    let body = app.clone().oneshot(request).await?.into_body();
    Ok(String::from_utf8(to_bytes(body, 65_536).await?.to_vec())?)
}
