//! Users that live elsewhere: implement the two methods of a Django authentication backend.

#![allow(clippy::print_stdout)]

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use tokenpair::web::token_urls;
use tokenpair::{Credentials, Error, MemoryStore, Settings, SimpleJwt};
use tokenpair::{StoreError, User, UserId, UserStore};
use tower::ServiceExt as _;

/// Stands for LDAP, another service, or a table of your own.
struct Directory;

#[async_trait]
impl UserStore for Directory {
    async fn authenticate(&self, credentials: &Credentials) -> Result<Option<User>, Error> {
        if credentials.password != "the directory would check this" {
            return Ok(None);
        }
        let id = UserId::from(credentials.username.as_str());
        Ok(self.get_user(&id).await?)
    }

    /// An `Err` would be an outage: the client is told to try again and keeps its session.
    async fn get_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let name = id.to_string();
        let known = name.ends_with("@example.org");
        Ok(known.then(|| User::new(name.as_str(), name.clone())))
    }

    fn username_field(&self) -> &'static str {
        "email"
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::new("a secret of at least 32 bytes, kept out of the code");
    // Tokens may be recorded elsewhere than users; without `tokens` there is no blacklist.
    let jwt = SimpleJwt::builder(settings)
        .users(Directory)
        .tokens(MemoryStore::default())
        .build()?;
    let app = Router::new().nest("/api", token_urls()).with_state(jwt);

    let body = r#"{"email": "ada@example.org", "password": "the directory would check this"}"#;
    let request = Request::post("/api/token/")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body))?;
    let body = app.oneshot(request).await?.into_body();
    println!(
        "{}",
        String::from_utf8(to_bytes(body, 65_536).await?.to_vec())?
    );
    Ok(())
}
