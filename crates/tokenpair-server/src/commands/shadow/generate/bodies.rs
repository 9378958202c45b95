//! Bodies that are not what an endpoint expects.

use super::plan::{Plan, posted};
use crate::config::Endpoint;

/// What is wrong, the media type, and the body with `NAME` for the field that is asked for.
const BODIES: [(&str, &str, &[u8]); 17] = [
    ("no body", "application/json", b""),
    ("no body and no type", "", b""),
    ("an empty object", "application/json", b"{}"),
    ("a list", "application/json", b"[]"),
    ("a text", "application/json", b"\"x\""),
    ("null", "application/json", b"null"),
    ("half an object", "application/json", b"{\"NAME\": \"x"),
    ("a missing value", "application/json", b"{\"NAME\": }"),
    ("single quotes", "application/json", b"{'NAME': 'x'}"),
    (
        "something behind it",
        "application/json",
        b"{\"NAME\": \"x\"} {}",
    ),
    (
        "a byte order mark",
        "application/json",
        b"\xef\xbb\xbf{\"NAME\": \"x\"}",
    ),
    (
        "a field twice",
        "application/json",
        b"{\"NAME\": \"x\", \"NAME\": \"y\"}",
    ),
    (
        "bytes that are no UTF-8",
        "application/json",
        b"{\"NAME\": \"\xe9\"}",
    ),
    (
        "half a surrogate pair",
        "application/json",
        b"{\"NAME\": \"\\ud800\"}",
    ),
    ("a number", "application/json", b"{\"NAME\": 1}"),
    (
        "a form",
        "application/x-www-form-urlencoded",
        b"NAME=x+y&NAME=z",
    ),
    ("bytes", "application/octet-stream", b"NAME"),
];

pub(super) fn add(plan: &mut Plan<'_>) {
    for (endpoint, path) in plan.paths.iter() {
        let field = match endpoint {
            Endpoint::TokenObtainPair | Endpoint::TokenObtainSliding => plan.username,
            Endpoint::TokenRefresh | Endpoint::TokenBlacklist => "refresh",
            Endpoint::TokenVerify | Endpoint::TokenRefreshSliding => "token",
            // Simple JWT has no such endpoint.
            _ => continue,
        };
        for (about, content_type, body) in BODIES {
            let body = with_name(body, field);
            plan.requests.push(posted(about, path, content_type, body));
        }
    }
}

fn with_name(body: &[u8], field: &str) -> Vec<u8> {
    const NAME: &[u8] = b"NAME";
    let mut filled = Vec::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.windows(NAME.len()).position(|window| window == NAME) {
        filled.extend_from_slice(&rest[..at]);
        filled.extend_from_slice(field.as_bytes());
        rest = &rest[at + NAME.len()..];
    }
    filled.extend_from_slice(rest);
    filled
}
