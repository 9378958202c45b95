//! Which headers of a recording are sent again.

use super::super::exchange::Headers;

/// Headers of the connection, of the transport and of the body's length: the client that plays writes its own.
const NOT_REPLAYED: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "priority",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Takes a header that is one for the application. `false`: no server could have got this one.
pub(super) fn add(headers: &mut Headers, name: &str, value: &[u8]) -> bool {
    // HTTP/2 has the request line among its headers.
    if name.starts_with(':') || is_not_replayed(name) {
        return true;
    }
    let is_name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_ok();
    let is_value = reqwest::header::HeaderValue::from_bytes(value).is_ok();
    if is_name && is_value {
        headers.push(name, value);
    }
    is_name && is_value
}

fn is_not_replayed(name: &str) -> bool {
    let mut names = NOT_REPLAYED.iter();
    names.any(|known| known.eq_ignore_ascii_case(name)) || name.eq_ignore_ascii_case("trailer")
}
