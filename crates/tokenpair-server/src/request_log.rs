//! The line that every request leaves in the log, and the id by which others find it.
//!
//! Target `tokenpair::request`; `TOKENPAIR_LOG=info,tokenpair::request=off` silences it. Must never hold a query, a
//! header or a body: they carry passwords and tokens. What a client chose is escaped and cut.

use axum::extract::ConnectInfo;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tokenpair::RequestInfo;

/// What the events of this file belong to.
pub(crate) const TARGET: &str = "tokenpair::request";

/// Header of requests and answers. The library reads it from the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_METHOD: usize = 16;
const MAX_PATH: usize = 256;

/// What would end a field of the line, or let a path pass for something else; anything but ASCII is escaped anyway.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'\\').add(b'=');

/// A request that has begun. It is logged when it is answered, or dropped: the client has gone, or the server has to.
#[derive(Debug)]
pub(crate) struct RequestLine {
    id: HeaderValue,
    method: Method,
    uri: Uri,
    address: Option<IpAddr>,
    begun: Instant,
    status: Option<u16>,
}

impl RequestLine {
    /// Gives the request its id: the client's if there is one and [it may be](RequestInfo::is_request_id), or a new one.
    pub(crate) fn begin<B>(request: &mut Request<B>, new_id: impl FnOnce() -> String) -> Self {
        let given = given_id(request.headers()).cloned();
        let id = given
            .or_else(|| HeaderValue::try_from(new_id()).ok())
            .unwrap_or(HeaderValue::from_static("unknown"));
        request.headers_mut().insert(REQUEST_ID, id.clone());
        let client = request.extensions().get::<ConnectInfo<SocketAddr>>();
        Self {
            id,
            method: request.method().clone(),
            uri: request.uri().clone(),
            address: client.map(|client| client.0.ip()),
            begun: Instant::now(),
            status: None,
        }
    }

    /// Gives the answer its id and writes the line.
    pub(crate) fn end(mut self, response: &mut Response) {
        self.status = Some(response.status().as_u16());
        response.headers_mut().insert(REQUEST_ID, self.id.clone());
    }
}

impl Drop for RequestLine {
    fn drop(&mut self) {
        let duration_ms = milliseconds(self.begun.elapsed());
        let address = self.address.map(tracing::field::display);
        let request_id = self.id.to_str().unwrap_or_default();
        // A macro, as the level is part of a call site; what is written is only looked at where it is.
        macro_rules! line {
            ($log:ident, $text:literal) => {
                tracing::$log!(
                    target: TARGET,
                    method = %format_args!("{:.MAX_METHOD$}", self.method.as_str()),
                    path = %escaped(self.uri.path()),
                    status = self.status,
                    duration_ms,
                    address,
                    %request_id,
                    $text
                )
            };
        }
        match self.status {
            Some(500..) => line!(warn, "request"),
            Some(_) => line!(info, "request"),
            None => line!(info, "request without an answer"),
        }
    }
}

fn given_id(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut values = headers.get_all(REQUEST_ID).iter();
    let (value, None) = (values.next()?, values.next()) else {
        return None;
    };
    RequestInfo::is_request_id(value.as_bytes()).then_some(value)
}

fn escaped(path: &str) -> Cow<'_, str> {
    let text: Cow<'_, str> = utf8_percent_encode(path, ESCAPED).into();
    match text.get(..MAX_PATH) {
        Some(beginning) if text.len() > MAX_PATH => format!("{beginning}...").into(),
        _ => text,
    }
}

/// To the microsecond.
fn milliseconds(duration: Duration) -> f64 {
    f64::from(u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)) / 1000.0
}

#[cfg(test)]
mod tests;
