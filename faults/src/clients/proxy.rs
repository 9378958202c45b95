//! An HTTP proxy that makes faults and remembers refreshes.

use super::network::{Network, Pair, Refresh};
use super::scenario::{Fault, Target};
use crate::client::{Answer, Client};
use crate::jwt;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

const SLOW: Duration = Duration::from_millis(500);
const REFRESH: &str = "/api/token/refresh/";
const OBTAIN: &str = "/api/token/";
const ME: &str = "/api/me/";
/// The server never hears of the request.
const UNHEARD: [Fault; 3] = [Fault::LoseRequest, Fault::Unavailable, Fault::Unauthorized];

/// Stands before a server until it is dropped.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    _connections: JoinSet<()>,
}

impl Proxy {
    pub(super) async fn before(server: SocketAddr, network: Arc<Network>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut connections = JoinSet::new();
        connections.spawn(accept(listener, server, network));
        Ok(Self {
            address,
            _connections: connections,
        })
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, network: Arc<Network>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, server, network.clone()));
    }
}

async fn serve(stream: TcpStream, server: SocketAddr, network: Arc<Network>) {
    let service = service_fn(|request| {
        let network = network.clone();
        async move { pass(server, &network, request).await }
    });
    // An error is how a fault closes the connection.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Passes a request on, or does what goes wrong with it.
async fn pass(
    server: SocketAddr,
    network: &Network,
    request: Request<Incoming>,
) -> io::Result<Response<Sent>> {
    let began = Instant::now();
    let (mut head, body) = request.into_parts();
    // What came in pieces goes on as a whole.
    head.headers.remove(header::TRANSFER_ENCODING);
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let path = head.uri.path().to_owned();
    let target = match path.as_str() {
        REFRESH => Some(Target::Refresh),
        ME => Some(Target::Me),
        _ => None,
    };
    let fault = network.next_fault(target);
    if fault == Fault::Unauthorized {
        network.state().forced.push(began);
    }
    let number = (target == Some(Target::Refresh)).then(|| enter(network, &body, began));
    if fault == Fault::Slow {
        sleep(SLOW).await;
    }
    let answer = if UNHEARD.contains(&fault) {
        None
    } else {
        let request = Request::from_parts(head, Full::new(body));
        Client::new(server).pass(request).await.answer()
    };
    if let (OBTAIN, Some(answer)) = (path.as_str(), &answer) {
        note_login(network, began, answer);
    }
    if let Some(number) = number {
        note_refresh(network, number, answer.as_ref(), fault);
    }
    respond(fault, answer)
}

/// Notes that a refresh has come; its place.
fn enter(network: &Network, body: &[u8], began: Instant) -> usize {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut state = network.state();
    state.refreshes.push(Refresh {
        jti: jwt::jti(body["refresh"].as_str().unwrap_or_default()),
        began,
        ended: None,
        status: None,
        was_delivered: false,
        brought: None,
    });
    state.refreshes.len() - 1
}

/// Notes how a refresh went.
fn note_refresh(network: &Network, number: usize, answer: Option<&Answer>, fault: Fault) {
    if let Some(refresh) = network.state().refreshes.get_mut(number) {
        refresh.ended = Some(Instant::now());
        refresh.status = answer.map(|answer| answer.status.as_u16());
        refresh.was_delivered = matches!(fault, Fault::None | Fault::Slow);
        refresh.brought = answer.and_then(Pair::of);
    }
}

fn note_login(network: &Network, began: Instant, answer: &Answer) {
    if let Some(pair) = Pair::of(answer) {
        network.state().refreshes.push(Refresh {
            jti: pair.refresh.clone().unwrap_or_default(),
            began,
            ended: Some(Instant::now()),
            status: None,
            was_delivered: true,
            brought: Some(pair),
        });
    }
}

fn respond(fault: Fault, answer: Option<Answer>) -> io::Result<Response<Sent>> {
    let lost = || io::Error::other("lost");
    match fault {
        Fault::LoseRequest | Fault::LoseAnswer => Err(lost()),
        Fault::None | Fault::Slow => Ok(answered(answer.ok_or_else(lost)?, Sent::Whole)),
        Fault::CutAnswer => Ok(answered(answer.ok_or_else(lost)?, Sent::Half)),
        Fault::Unavailable => {
            let mut response = told(StatusCode::SERVICE_UNAVAILABLE, "{}");
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            Ok(response)
        }
        Fault::BadGateway => Ok(told(StatusCode::BAD_GATEWAY, "<h1>Bad gateway</h1>")),
        Fault::Unauthorized => Ok(told(StatusCode::UNAUTHORIZED, "{}")),
    }
}

fn told(status: StatusCode, text: &'static str) -> Response<Sent> {
    let mut response = Response::new(Sent::Whole(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}

fn answered(answer: Answer, body: fn(Bytes) -> Sent) -> Response<Sent> {
    let mut response = Response::new(body(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// The body of an answer.
#[derive(Debug)]
enum Sent {
    Whole(Bytes),
    /// The headers promise all of it; half comes.
    Half(Bytes),
    Cut,
    Ended,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let (next, frame) = match &*self {
            Self::Whole(bytes) => (Self::Ended, Some(Ok(Frame::data(bytes.clone())))),
            Self::Half(bytes) => (
                Self::Cut,
                Some(Ok(Frame::data(bytes.slice(..bytes.len() / 2)))),
            ),
            Self::Cut => (Self::Ended, Some(Err(io::Error::other("cut")))),
            Self::Ended => (Self::Ended, None),
        };
        *self = next;
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) | Self::Half(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Cut | Self::Ended => SizeHint::default(),
        }
    }
}
