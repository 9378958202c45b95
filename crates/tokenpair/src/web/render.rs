//! A JSON answer in the form that was negotiated: compact as it is, or indented.

use crate::json;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::{BodyExt as _, Collected};

/// Rewrites the body of a JSON answer that is to be indented; any other answer passes unchanged.
pub(super) async fn render(indent: Option<usize>, response: Response) -> Response {
    let Some(indent) = indent else {
        return response;
    };
    if !is_json(&response) {
        return response;
    }
    let (mut response, text) = take_text(response).await;
    let indented =
        json::decode_body(&text).map_or(text, |value| json::encode_utf8_indented(&value, indent));
    *response.body_mut() = Body::from(indented);
    response
}

pub(super) fn is_json(response: &Response) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|kind| kind == "application/json")
}

/// The answer without its body, and the body as text.
pub(super) async fn take_text(response: Response) -> (Response, String) {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    let bytes = body.collect().await.map(Collected::to_bytes);
    let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
    (Response::from_parts(parts, Body::empty()), text)
}
