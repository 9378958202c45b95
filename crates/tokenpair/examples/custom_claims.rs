//! Own claims in the tokens of a log-in, own fields in its answer, and a handler that reads the claims.

#![allow(clippy::print_stdout)]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use axum::routing::get;
use tokenpair::json::Value;
use tokenpair::passwords::PasswordHashers;
use tokenpair::{Answer, EncodedPassword, MemoryStore, Settings, SimpleJwt, TokenUser, User};
use tokenpair::{Credentials, RequestInfo, flows};
use tower::ServiceExt as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut ada = User::new(1, "ada");
    ada.password = EncodedPassword::new(PasswordHashers::default().make_password("s3cret")?);
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

    // What `POST /api/token/` does.
    let (username, password) = ("ada".to_owned(), "s3cret".to_owned());
    let credentials = Credentials { username, password };
    let answer = flows::obtain_pair(&jwt, &credentials, &RequestInfo::default()).await?;
    println!("is_staff: {:?}", answer.get("is_staff"));

    let access = answer.get("access").and_then(Value::as_str);
    let bearer = format!("Bearer {}", access.unwrap_or_default());
    let request = Request::get("/").header(header::AUTHORIZATION, bearer);
    let app = Router::new().route("/", get(greet)).with_state(jwt);
    let body = app.oneshot(request.body(Body::empty())?).await?.into_body();
    println!(
        "{}",
        String::from_utf8(to_bytes(body, 1024).await?.to_vec())?
    );
    Ok(())
}

/// A stateless view: the claims are all that is known of the caller, and no store is asked.
async fn greet(user: TokenUser) -> String {
    let name = user.claims().get("name").and_then(Value::as_str);
    format!("hello, {}", name.unwrap_or("stranger"))
}
