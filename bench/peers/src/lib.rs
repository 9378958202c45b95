//! What both peers share: where they listen and what they run on.

use std::env;
use std::io;
use tokio::net::TcpListener;

/// Binds the address in the environment variable `LISTEN`.
pub async fn listener() -> io::Result<TcpListener> {
    let address = env::var("LISTEN").map_err(io::Error::other)?;
    TcpListener::bind(address).await
}
