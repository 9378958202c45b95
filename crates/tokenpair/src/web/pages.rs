//! Pages for browsers: what stands around them, how they are answered, and the browsable API.
//!
//! Owns the headers of a page. Style and script stand in the page itself and are allowed by their hashes, so that
//! nothing has to be mounted for them. Must never show more of an answer than a client of JSON is told.

pub(super) mod browsable;
mod docs;
mod frame;
mod highlight;
mod people;

pub use docs::docs_view;
pub use frame::{Frame, Site, Visitor};
pub use people::{
    browser_account, browser_password_reset, browser_password_reset_confirm, browser_register,
    browser_register_resend, browser_register_verify,
};

use super::respond;
use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use std::sync::LazyLock;

const STYLESHEET: &str = include_str!("../../templates/style.css");
const SCRIPT: &str = include_str!("../../templates/script.js");

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(digest(&SHA256, text.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; form-action 'self'; \
         base-uri 'none'; frame-ancestors 'none'",
        hash(STYLESHEET),
        hash(SCRIPT)
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// The answer with a page. It is never cached, as it may show tokens and has a form's token.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    // Writing to a string cannot fail.
    let mut response = respond::html(status, template.render().unwrap_or_default());
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // An address may hold a link of a mail. With `no-referrer` browsers would send `Origin: null` with every form.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Text within HTML, be it between tags or in an attribute.
fn push_escaped(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(place) = rest.find(['&', '<', '>', '"', '\'']) {
        let (before, from) = rest.split_at(place);
        out.push_str(before);
        out.push_str(match from.as_bytes().first() {
            Some(b'&') => "&amp;",
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(b'"') => "&quot;",
            _ => "&#39;",
        });
        rest = from.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
}
