//! Tokens taken apart, and tokens made by hand.

use crate::site::KEY;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The header that PyJWT writes.
pub const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// A token with this header and payload, signed with the key of configured servers.
pub fn sign(header: &str, payload: &str) -> String {
    let text = [header, payload]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".");
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes()));
    format!("{text}.{signature}")
}

/// `token` with some claims changed, signed anew.
pub fn with_claims(token: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims(token);
    change(&mut claims);
    sign(HEADER, &claims.to_string())
}

/// `token` as it will be when it has expired.
pub fn expired(token: &str) -> String {
    with_claims(token, |claims| {
        let iat = claims["iat"].as_i64().unwrap();
        claims["iat"] = (iat - 1000).into();
        claims["exp"] = (iat - 10).into();
    })
}

/// The text of the header.
pub fn header(token: &str) -> String {
    part(token, 0)
}

/// The text of the payload.
pub fn payload(token: &str) -> String {
    part(token, 1)
}

pub fn claims(token: &str) -> Value {
    serde_json::from_str(&payload(token)).unwrap()
}

/// Seconds from `iat` to `exp`.
pub fn lifetime(token: &str) -> i64 {
    let claims = claims(token);
    claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
}

fn part(token: &str, index: usize) -> String {
    let part = token.split('.').nth(index).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
