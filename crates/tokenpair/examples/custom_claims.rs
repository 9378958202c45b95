//! Own claims in the tokens of a log-in, own fields in its answer, and a handler that reads the claims.

#![allow(clippy::print_stdout)]

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use axum::{Router, routing::get};
use tokenpair::json::{self, Value};
use tokenpair::passwords::PasswordHashers;
use tokenpair::web::token_urls;
use tokenpair::{Answer, EncodedPassword, MemoryStore, Settings, SimpleJwt, TokenUser, User};
use tower::ServiceExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut ada = User::new(1, "ada");
    ada.password = EncodedPassword::new(PasswordHashers::default().make_password("s3cret-enough")?);
    let store = MemoryStore::default();
    store.add_user(ada);

    let settings = Settings::new("a secret of at least 32 bytes, kept out of the code");
    let jwt = SimpleJwt::builder(settings)
        .store(store)
        .get_token(|claims, user| {
            claims.insert("name", user.username.as_str());
        })
        .validate(|data, answer| {
            if let Answer::ObtainPair(user) = answer {
                data.insert("is_staff", user.is_staff);
            }
        })
        .build()?;
    let app = Router::new()
        .nest("/api", token_urls())
        .route("/greeting", get(greeting))
        .with_state(jwt);

    let request = Request::post("/api/token/")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(
            r#"{"username": "ada", "password": "s3cret-enough"}"#,
        ))?;
    let answer = to_bytes(app.clone().oneshot(request).await?.into_body(), 65_536).await?;
    let answer = json::decode_strict(&answer)?;
    println!("is_staff: {:?}", answer.get("is_staff"));

    let access = answer
        .get("access")
        .and_then(Value::as_str)
        .ok_or("no access token")?;
    let request = Request::get("/greeting")
        .header(header::AUTHORIZATION, format!("Bearer {access}"))
        .body(Body::empty())?;
    let body = to_bytes(app.oneshot(request).await?.into_body(), 65_536).await?;
    println!("{}", String::from_utf8(body.to_vec())?);
    Ok(())
}

/// A stateless view: the claims are all that is known of the caller, and no store is asked.
async fn greeting(user: TokenUser) -> String {
    format!(
        "hello, {}",
        user.claims()
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or("stranger")
    )
}
