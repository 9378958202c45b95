//! One request and its answer: checks the head, collects the body, runs the service under its deadline, and words
//! every refusal.
//!
//! The service is only ever called with a complete body. It must never be able to delay or bring down a connection,
//! and no answer of this file may be a 5xx other than 503.
//! Answers to RFC 9110 section 15 for the statuses and to Django REST Framework for the shape of the bodies.

use std::convert::Infallible;
use std::sync::atomic::Ordering::Relaxed;

use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, RETRY_AFTER};
use http::{HeaderValue, Request, StatusCode, Version};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::{Semaphore, SemaphorePermit};
use tower::{Service, ServiceExt};

use super::Limits;
use super::patience::{surviving, within};
use super::peer::Peer;

/// Bodies up to this size are not counted over HTTP/1.1, where the number of connections bounds them already.
///
/// So nobody who fills the budget with large bodies can keep ordinary requests out.
const UNCOUNTED: usize = 4096;

/// Why a request does not reach the service, or why its answer is not the service's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Malformed,
    BodyTooSlow,
    BodyTooLarge,
    TargetTooLong,
    TooManyFields,
    Unavailable,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn body(self) -> &'static str {
        match self {
            Self::Malformed => r#"{"detail":"Malformed request.","code":"malformed_request"}"#,
            Self::BodyTooSlow => {
                r#"{"detail":"The request took too long to arrive.","code":"request_timeout"}"#
            }
            Self::BodyTooLarge => {
                r#"{"detail":"The request body is too large.","code":"body_too_large"}"#
            }
            Self::TargetTooLong => {
                r#"{"detail":"The request target is too long.","code":"uri_too_long"}"#
            }
            Self::TooManyFields => {
                r#"{"detail":"The request has too many header fields.","code":"too_many_header_fields"}"#
            }
            Self::Unavailable => {
                r#"{"detail":"The service is temporarily unavailable.","code":"service_unavailable"}"#
            }
        }
    }

    fn into_response(self, closing: bool) -> Response {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self == Self::Unavailable {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if closing {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Serves one request: what the middleware does stands around every answer, our own included.
pub(super) async fn exchange<S>(
    peer: &Peer,
    service: S,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    let http2 = request.version() == Version::HTTP_2;
    let mut open = peer.open(http2);
    request.extensions_mut().insert(ConnectInfo(peer.address));
    // Before the middleware adds a field to the head.
    let refusal = check_head(&peer.house.limits, &request).err();
    let refused = refusal.map(|refusal| refusal.into_response(!http2));
    let respond = async |request| match receive(peer, request).await {
        Ok((request, _held)) => {
            open.serve();
            answer(peer, service, request).await
        }
        Err(refusal) => refusal.into_response(!http2),
    };
    let middleware = &peer.house.middleware;
    let mut response = middleware.wrap(request, refused, respond).await;
    open.answered();
    if !http2 && peer.house.stopping.load(Relaxed) {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

async fn answer<S>(peer: &Peer, service: S, request: Request<Body>) -> Response
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    let handler = surviving(service.oneshot(request));
    match within(peer.house.limits.request_deadline, handler).await {
        Ok(Ok(Ok(response))) => response,
        // What a panic says may hold what a client sent, so only the panic hook tells it.
        Ok(Err(_)) => {
            tracing::error!(peer = %peer.address, "a request handler panicked");
            Refusal::Unavailable.into_response(false)
        }
        Err(_) => {
            tracing::warn!(peer = %peer.address, "a request handler missed its deadline");
            Refusal::Unavailable.into_response(false)
        }
    }
}

/// A request with a complete body, and the share of the budget that it holds.
type Received<'a> = (Request<Body>, Option<SemaphorePermit<'a>>);

async fn receive(peer: &Peer, request: Request<Incoming>) -> Result<Received<'_>, Refusal> {
    let limits = &peer.house.limits;
    let uncounted = if request.version() == Version::HTTP_2 {
        0
    } else {
        UNCOUNTED
    };
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return Ok((Request::from_parts(parts, Body::empty()), None));
    }
    let collecting = collect(
        body,
        limits.max_body_bytes,
        &peer.house.body_bytes,
        uncounted,
    );
    let (body, held) = within(limits.body_deadline, collecting)
        .await
        .map_err(|_| Refusal::BodyTooSlow)??;
    Ok((Request::from_parts(parts, Body::from(body)), held))
}

fn check_head(limits: &Limits, request: &Request<Incoming>) -> Result<(), Refusal> {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > limits.url_bytes {
        return Err(Refusal::TargetTooLong);
    }
    if request.headers().len() > limits.header_fields {
        return Err(Refusal::TooManyFields);
    }
    // RFC 9112 section 3.2: exactly one Host in HTTP/1.1, at most one before.
    let hosts = request.headers().get_all(HOST).iter().take(2).count();
    match request.version() {
        Version::HTTP_11 if hosts != 1 => Err(Refusal::Malformed),
        _ if hosts > 1 => Err(Refusal::Malformed),
        _ if request.body().size_hint().lower() > limits.max_body_bytes as u64 => {
            Err(Refusal::BodyTooLarge)
        }
        _ => Ok(()),
    }
}

/// Reads the whole body; one that comes in one piece is not copied.
async fn collect(
    mut body: Incoming,
    most: usize,
    budget: &Semaphore,
    uncounted: usize,
) -> Result<(Bytes, Option<SemaphorePermit<'_>>), Refusal> {
    let announced = body.size_hint().exact();
    let announced = announced.and_then(|length| usize::try_from(length).ok());
    let longest = announced.unwrap_or(most);
    let mut pieces = Pieces::default();
    let mut length = 0;
    let mut held: Option<SemaphorePermit<'_>> = None;
    while let Some(frame) = body.frame().await {
        // Trailers say nothing that this server wants to know.
        let Ok(data) = frame.map_err(|_| Refusal::Malformed)?.into_data() else {
            continue;
        };
        length += data.len();
        if length > most {
            return Err(Refusal::BodyTooLarge);
        }
        if length > uncounted {
            let counted = held.as_ref().map_or(0, SemaphorePermit::num_permits);
            let more = u32::try_from(length - counted).map_err(|_| Refusal::BodyTooLarge)?;
            let share = budget
                .try_acquire_many(more)
                .map_err(|_| Refusal::Unavailable)?;
            match &mut held {
                Some(held) => held.merge(share),
                None => held = Some(share),
            }
        }
        pieces.push(data, longest);
    }
    Ok((pieces.join(), held))
}

/// A body that comes in one piece, as nearly all do, or in several.
#[derive(Debug, Default)]
struct Pieces {
    first: Bytes,
    all: Vec<u8>,
}

impl Pieces {
    /// Makes room for four times what has come, and for no more than the longest that may come: who announces much and
    /// sends little takes little.
    fn push(&mut self, piece: Bytes, longest: usize) {
        if self.first.is_empty() && self.all.is_empty() {
            self.first = piece;
            return;
        }
        let length = self.first.len() + self.all.len() + piece.len();
        if length > self.all.capacity() {
            let room = length.saturating_mul(4).min(longest.max(length));
            self.all.reserve_exact(room - self.all.len());
        }
        self.all.extend_from_slice(&std::mem::take(&mut self.first));
        self.all.extend_from_slice(&piece);
    }

    fn join(self) -> Bytes {
        if self.all.is_empty() {
            self.first
        } else {
            Bytes::from(self.all)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pieces;
    use axum::body::Bytes;

    #[test]
    fn a_body_in_one_piece_is_not_copied() {
        let body = Bytes::from(vec![7; 1000]);
        let mut pieces = Pieces::default();
        pieces.push(body.clone(), 1000);
        assert_eq!(pieces.join().as_ptr(), body.as_ptr());
    }

    #[test]
    fn a_body_in_pieces_takes_the_room_that_was_announced_and_no_more() {
        let length = 2_500_000;
        let mut pieces = Pieces::default();
        let mut rooms = Vec::new();
        let body: Vec<u8> = (0..251).cycle().take(length).collect();
        for piece in body.chunks(8192) {
            pieces.push(Bytes::copy_from_slice(piece), length);
            rooms.push(pieces.all.capacity());
        }
        rooms.dedup();
        assert_eq!(rooms, [0, 65_536, 294_912, 1_212_416, length]);
        assert_eq!(pieces.join(), body);
    }

    #[test]
    fn who_announces_much_and_sends_little_takes_little() {
        let mut pieces = Pieces::default();
        for _ in 0..10 {
            pieces.push(Bytes::from_static(b"x"), 2_500_000);
        }
        assert!(pieces.all.capacity() <= 40, "{}", pieces.all.capacity());
        assert_eq!(pieces.join(), "xxxxxxxxxx");
    }

    #[test]
    fn room_is_never_more_than_the_longest_body() {
        let mut pieces = Pieces::default();
        for piece in [&b"one"[..], b" two", b" three"] {
            pieces.push(Bytes::from_static(piece), 20);
        }
        assert_eq!(pieces.all.capacity(), 20);
        assert_eq!(pieces.join(), "one two three");
    }
}
