//! Mounts the token endpoints beside a route of your own, logs in, and calls that route.

#![allow(clippy::print_stdout)]

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use axum::{Router, routing::get};
use tokenpair::passwords::PasswordHashers;
use tokenpair::web::{IsAuthenticated, token_urls};
use tokenpair::{EncodedPassword, MemoryStore, Settings, SimpleJwt, User, json};
use tower::ServiceExt as _;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut ada = User::new(1, "ada");
    ada.password = EncodedPassword::new(PasswordHashers::default().make_password("s3cret-enough")?);
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
        .body(Body::from(
            r#"{"username": "ada", "password": "s3cret-enough"}"#,
        ))?;
    let pair = json::decode_body(&send(&app, log_in).await?)?;
    let access = pair
        .as_object()
        .and_then(|pair| pair.get("access")?.as_str());

    let request = Request::get("/me")
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", access.ok_or("no access token")?),
        )
        .body(Body::empty())?;
    println!("{}", send(&app, request).await?);
    println!(
        "{}",
        send(&app, Request::get("/me").body(Body::empty())?).await?
    );
    Ok(())
}

async fn me(IsAuthenticated(user): IsAuthenticated) -> String {
    format!("hello, {}", user.username)
}

async fn send(app: &Router, request: Request<Body>) -> Result<String, Failure> {
    let body = app.clone().oneshot(request).await?.into_body();
    Ok(String::from_utf8(to_bytes(body, 65_536).await?.to_vec())?)
}
