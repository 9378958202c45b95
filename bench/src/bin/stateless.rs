//! A stateless view of the library's, as an application mounts it: the server has no such endpoint by itself.
//!
//! `LISTEN` is the address, `KEY` the secret.

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::serve::ListenerExt as _;
use std::env;
use tokenpair::json::{self, Object, Value};
use tokenpair::web::{DjangoUrls as _, IsAuthenticated, View};
use tokenpair::{MemoryStore, Settings, SimpleJwt, TokenUser};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::new(env::var("KEY")?);
    let jwt = SimpleJwt::new(settings, MemoryStore::default())?;
    let view = View::new("Stateless").permission::<IsAuthenticated<TokenUser>>();
    let app = Router::new().url("/api/stateless/", view.get(stateless));
    let listener = TcpListener::bind(env::var("LISTEN")?).await?;
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, app.with_state(jwt)).await?;
    Ok(())
}

async fn stateless(IsAuthenticated(user): IsAuthenticated<TokenUser>) -> Response {
    let username = user.username();
    let body: Object = [
        ("id".to_owned(), user.id),
        ("username".to_owned(), username),
    ]
    .into_iter()
    .collect();
    let json = json::encode_utf8(&Value::Object(body));
    ([("content-type", "application/json")], json).into_response()
}
