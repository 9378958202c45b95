//! Values of arguments. A refusal says what is accepted and gives an example.

use std::net::SocketAddr;

/// An address with its port.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let example = match text.parse::<u16>() {
        Ok(port) => format!("127.0.0.1:{port}"),
        Err(_) => "127.0.0.1:8000".to_owned(),
    };
    text.parse()
        .map_err(|_| format!("expected an IP address and a port such as {example}"))
}

/// How many, at least one.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| "expected a number from 1 on, such as 20".to_owned())
}
