//! The server's accept loop: HTTP/1.1 and HTTP/2 with prior knowledge, on one socket, under limits and deadlines.
//!
//! `framing` finds requests that two servers could read differently, `wire` bounds how long a peer may take, hyper
//! parses and writes, `exchange` hands complete requests to the service, `crowd` bounds how many connections there
//! are, `door` closes the socket. Nothing here knows what the service does. Must never answer a 5xx other than 503, never wait without a
//! deadline, and never keep more than the limits allow.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tower::Service;

use crate::middleware::Middleware;
use crowd::{Crowd, Farewell};
use peer::{House, Peer};
use wire::{Socket, Wire};

mod crowd;
mod door;
mod exchange;
mod framing;
mod patience;
mod peer;
mod wire;

/// Requests of one HTTP/2 connection that may be open at a time.
const STREAMS: u32 = 64;

/// What HTTP/2 lets a peer send ahead, for one request and for all of a connection.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 128 * 1024;

/// Outgoing bytes that one HTTP/2 request may hold before its writer has to wait.
const STREAM_BUFFER: usize = 64 * 1024;

/// hyper's smallest read buffer. A head that does not fit the read buffer is what hyper answers with 431.
const HYPER_BUFFER: usize = 8 * 1024;

/// How many fields hyper parses without allocating room for them.
const HYPER_FIELDS: usize = 100;

/// How long accepting rests when it failed for want of descriptors or memory, or when everybody is being served.
const PAUSE: Duration = Duration::from_millis(50);

/// How much a peer may send, and how long everything may take.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Bytes of a request's head, request line included; more is 431. At least 8 KiB.
    pub(crate) header_bytes: usize,
    /// Header fields of a request; more is 431.
    pub(crate) header_fields: usize,
    /// Bytes of a request target; more is 414.
    pub(crate) url_bytes: usize,
    /// Bytes of a request's body; more is 413.
    pub(crate) max_body_bytes: usize,
    /// Bytes of all bodies being received or served; beyond it larger bodies are answered with 503.
    pub(crate) body_bytes_in_flight: usize,
    /// Connections open at a time; when all places are taken, those that have waited longest are closed.
    pub(crate) connections: usize,
    /// From the first byte of a head, or from accepting the connection, to the head's end; then it is closed.
    pub(crate) header_deadline: Duration,
    /// From the end of the head to the end of the body; then 408.
    pub(crate) body_deadline: Duration,
    /// From the complete request to the service's answer; then 503.
    pub(crate) request_deadline: Duration,
    /// How long a write may make no progress before the connection is dropped.
    pub(crate) write_deadline: Duration,
    /// How long a connection may rest between requests.
    pub(crate) idle: Duration,
    /// How long connections are still accepted after the stop was asked for.
    pub(crate) drain_delay: Duration,
    /// How long a resting connection may still bring a request after that.
    pub(crate) farewell: Duration,
    /// How long the stop then waits for requests in flight.
    pub(crate) drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 16 * 1024,
            header_fields: 100,
            url_bytes: 8 * 1024,
            max_body_bytes: 2_621_440,
            body_bytes_in_flight: 64 * 1024 * 1024,
            connections: 16_384,
            header_deadline: Duration::from_secs(10),
            body_deadline: Duration::from_secs(10),
            request_deadline: Duration::from_secs(5),
            write_deadline: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            drain_delay: Duration::ZERO,
            farewell: Duration::from_millis(500),
            // Docker kills what has not ended after 10 s.
            drain: Duration::from_secs(9),
        }
    }
}

/// What came of a server's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Connections that were accepted.
    pub(crate) accepted: u64,
    /// Connections that had not finished when the drain time was over.
    pub(crate) aborted: usize,
}

/// Serves `service` on `listener` until `shutdown` is ready, then for the drain delay, then lets requests in flight
/// finish. From `shutdown` on every answer over HTTP/1 closes its connection.
///
/// The service sees only requests whose body has arrived in full, with the client's address as an
/// [`axum::extract::ConnectInfo`] extension. If it panics or takes too long, the client is answered 503. The middleware
/// stands around every answer but those to what is no request at all.
pub(crate) async fn serve<S>(
    listener: TcpListener,
    service: S,
    middleware: Middleware,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Outcome
where
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let (drain_delay, drain) = (limits.drain_delay, limits.drain);
    let http = Arc::new(protocol(&limits));
    let house = Arc::new(House::new(limits, middleware));
    let mut crowd = Crowd::new(Arc::clone(&house));
    let mut accepted = 0;
    let mut welcome = |crowd: &mut Crowd, (stream, address): (TcpStream, SocketAddr)| {
        accepted += 1;
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let (http, service) = (Arc::clone(&http), service.clone());
        let peer = Arc::new(Peer::new(Arc::clone(&house), address));
        crowd.welcome(peer, |peer, farewell| {
            connection(http, stream, peer, service, farewell)
        });
    };

    accept_until(shutdown, &listener, &mut crowd, &mut welcome).await;
    house.stopping.store(true, Relaxed);
    let delay = tokio::time::sleep(drain_delay);
    accept_until(delay, &listener, &mut crowd, &mut welcome).await;
    for arrival in door::close(listener).await {
        if !crowd.is_full() {
            welcome(&mut crowd, arrival);
        }
    }
    let aborted = crowd.see_off(drain).await;
    Outcome { accepted, aborted }
}

/// Welcomes whoever comes, as long as there is room.
async fn accept_until(
    end: impl Future<Output = ()>,
    listener: &TcpListener,
    crowd: &mut Crowd,
    mut welcome: impl FnMut(&mut Crowd, (TcpStream, SocketAddr)),
) {
    let mut end = pin!(end);
    let mut exhausted = false;
    loop {
        let resting = exhausted || crowd.is_full();
        tokio::select! {
            biased;
            () = &mut end => return,
            () = crowd.one_less(), if !crowd.is_empty() => exhausted = false,
            accepting = listener.accept(), if !resting => match accepting {
                Ok(arrival) => welcome(crowd, arrival),
                Err(error) => exhausted = is_exhaustion(&error),
            },
            () = tokio::time::sleep(PAUSE), if resting => {
                exhausted = false;
                crowd.make_room();
            }
        }
    }
}

fn protocol(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    // A client may close its sending side and still wait for its answer.
    http.http1()
        .half_close(true)
        // Answers are small: copying one behind its head is cheaper than writing from two places.
        .writev(false)
        .header_read_timeout(None)
        .max_buf_size(limits.header_bytes.max(HYPER_BUFFER));
    if limits.header_fields != HYPER_FIELDS {
        http.http1().max_headers(limits.header_fields);
    }
    http.http2()
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(STREAM_BUFFER);
    http
}

async fn connection<T, S>(
    http: Arc<auto::Builder<TokioExecutor>>,
    stream: T,
    peer: Arc<Peer>,
    service: S,
    mut farewell: Farewell,
) where
    T: Socket + Send + 'static,
    S: Service<Request<Body>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let wire = TokioIo::new(Wire::new(stream, Arc::clone(&peer)));
    let address = peer.address.ip().to_canonical();
    let grace = peer.house.limits.farewell;
    let served = Arc::clone(&peer);
    let service = service_fn(move |request| {
        let (peer, service) = (Arc::clone(&served), service.clone());
        async move { exchange::exchange(&peer, service, request).await }
    });
    let mut serving = pin!(http.serve_connection(wire, service));
    let ended = tokio::select! {
        biased;
        ended = &mut serving => Some(ended),
        heard = &mut farewell => match heard {
            Ok(()) => timeout(grace, &mut serving).await.ok(),
            Err(_) => return,
        },
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        peer.leave();
        if peer.speaks_http2() {
            serving.as_mut().graceful_shutdown();
        }
        serving.await
    };
    if let Err(error) = ended {
        log_end(address, &*error);
    }
}

/// A head that cannot be read or is too large has been refused by hyper, which tells nobody but us.
fn log_end(address: IpAddr, error: &(dyn Error + 'static)) {
    if error.downcast_ref().is_some_and(hyper::Error::is_parse) {
        tracing::info!(target: "tokenpair::request", %address, "what is no request was refused");
    } else {
        tracing::debug!(%error, "a connection ended with an error");
    }
}

/// Whether accepting failed for want of something that only time gives back, rather than by the peer's doing.
fn is_exhaustion(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    let by_the_peer = matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    );
    if !by_the_peer {
        tracing::warn!(%error, "connections cannot be accepted for a moment");
    }
    !by_the_peer
}

#[cfg(test)]
mod tests;
