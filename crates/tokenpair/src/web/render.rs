//! A JSON answer in the form that was negotiated: compact as it is, indented, or on a plain HTML page.

use super::negotiation::Rendering;
use crate::json::{self, Value};
use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt as _;

/// Rewrites the body of a JSON answer; any other answer passes unchanged.
pub(super) async fn render(name: &str, rendering: Rendering, response: Response) -> Response {
    let indent = match rendering {
        Rendering::Json { indent: None } => return response,
        Rendering::Json {
            indent: Some(indent),
        } => indent,
        Rendering::Html => 4,
    };
    if response
        .headers()
        .get(CONTENT_TYPE)
        .is_none_or(|kind| kind != "application/json")
    {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = body.collect().await else {
        return Response::from_parts(parts, Body::empty());
    };
    let text = String::from_utf8_lossy(&bytes.to_bytes()).into_owned();
    let indented = json::decode_body(&text).map_or(text, |value: Value| {
        json::encode_utf8_indented(&value, indent)
    });
    let body = match rendering {
        Rendering::Html => {
            parts.headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            );
            page(name, parts.status, &indented)
        }
        Rendering::Json { .. } => indented,
    };
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}

fn page(name: &str, status: StatusCode, body: &str) -> String {
    let (name, body) = (escape(name), escape(body));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{name}</title>\n</head>\n\
         <body>\n<h1>{name}</h1>\n<pre>HTTP {status}\n\n{body}</pre>\n</body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#x27;")
}
