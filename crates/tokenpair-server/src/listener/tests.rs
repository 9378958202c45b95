//! The listener from the outside: raw bytes in, raw bytes out.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::http::Uri;
use axum::routing::{get, post};
use http_body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::*;

mod deadlines;
mod http2;
mod limits;
mod middleware;
mod smuggling;
mod stop;

/// Long enough never to be reached by a test that passes.
const FAR: Duration = Duration::from_secs(20);

/// Short enough to wait for.
const NEAR: Duration = Duration::from_millis(60);

const HELLO: &[u8] = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";

/// What the handlers and the tests share.
#[derive(Clone)]
struct Stage {
    /// Told whenever a handler begins.
    entered: mpsc::UnboundedSender<String>,
    /// `/gate` takes one permit before it answers.
    gate: Arc<Semaphore>,
}

struct Server {
    address: SocketAddr,
    entered: mpsc::UnboundedReceiver<String>,
    gate: Arc<Semaphore>,
    stop: oneshot::Sender<()>,
    outcome: JoinHandle<Outcome>,
}

/// A body without an end; tells when it is dropped.
struct Endless(mpsc::UnboundedSender<String>);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        static PIECE: [u8; 65536] = [0; 65536];
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&PIECE)))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        let _ = self.0.send("endless is over".into());
    }
}

async fn panics() -> &'static str {
    panic!("on purpose")
}

fn app(stage: &Stage) -> Router {
    let (gated, endless) = (stage.clone(), stage.entered.clone());
    let announce = stage.entered.clone();
    let gate = move |uri: Uri| async move {
        gated.entered.send(uri.to_string()).unwrap();
        gated.gate.acquire().await.unwrap().forget();
        "opened"
    };
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/echo", post(|body: Bytes| async move { body }))
        .route(
            "/peer",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.to_string() }),
        )
        .route("/panic", get(panics))
        .route("/never", get(std::future::pending::<()>))
        .route(
            "/endless",
            get(|| async move { Body::new(Endless(endless)) }),
        )
        .route("/gate", get(gate.clone()).post(gate))
        .fallback(move |uri: Uri, body: Bytes| async move {
            announce
                .send(format!("{uri} {}", String::from_utf8_lossy(&body)))
                .unwrap();
            "seen"
        })
}

fn stage() -> (Stage, mpsc::UnboundedReceiver<String>) {
    let (entered, heard) = mpsc::unbounded_channel();
    (
        Stage {
            entered,
            gate: Arc::new(Semaphore::new(0)),
        },
        heard,
    )
}

/// Limits that no test reaches by accident.
fn relaxed() -> Limits {
    Limits {
        header_deadline: FAR,
        body_deadline: FAR,
        write_deadline: FAR,
        request_deadline: FAR,
        idle: FAR,
        farewell: NEAR,
        drain: FAR,
        ..Limits::default()
    }
}

async fn start(limits: Limits) -> Server {
    start_behind(Middleware::default(), limits).await
}

async fn start_behind(middleware: Middleware, limits: Limits) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stage, entered) = stage();
    let (stop, stopped) = oneshot::channel::<()>();
    let service = app(&stage);
    let outcome = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        serve(listener, service, middleware, limits, stopped).await
    });
    Server {
        address,
        entered,
        gate: stage.gate,
        stop,
        outcome,
    }
}

impl Server {
    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    /// Sends `bytes` on a new connection and returns all that comes back until the server closes it.
    async fn talk(&self, bytes: &[u8]) -> String {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client.rest().await
    }

    async fn entered(&mut self) -> String {
        soon(self.entered.recv()).await.unwrap()
    }

    async fn stop(self) -> Outcome {
        self.stop.send(()).unwrap();
        soon(self.outcome).await.unwrap()
    }
}

/// A test that waits this long has failed.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(FAR / 2, future).await.expect("nothing happened")
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, bytes: &[u8]) {
        // The server may have answered and closed already; what it said is what counts.
        let _ = soon(self.0.write_all(bytes)).await;
    }

    async fn rest(mut self) -> String {
        let mut answer = Vec::new();
        let _ = soon(self.0.read_to_end(&mut answer)).await;
        String::from_utf8(answer).unwrap()
    }

    /// Reads exactly one answer with a content-length.
    async fn answer(&mut self) -> String {
        let mut answer = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&answer).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    return text;
                }
            }
            answer.push(soon(self.0.read_u8()).await.expect("the server hung up"));
        }
    }
}

fn statuses(answers: &str) -> VecDeque<u16> {
    let begins = answers.match_indices("HTTP/1.");
    begins
        .map(|(at, _)| answers[at + 9..at + 12].parse().unwrap())
        .collect()
}

/// Checks that there is exactly one answer, that it has `status`, and that it announces the end of the connection.
fn assert_refused(answers: &str, status: u16, why: &str) {
    assert_eq!(statuses(answers), [status], "{why}: {answers}");
    assert!(answers.contains("connection: close"), "{why}: {answers}");
}

fn post_request(target: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {target} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = start(relaxed()).await;
    let mut bytes = post_request("/echo", "one");
    bytes.extend(HELLO);
    bytes.extend(post_request("/echo", "two"));
    bytes.extend(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let answers = server.talk(&bytes).await;
    assert_eq!(statuses(&answers), [200, 200, 200, 200]);
    let bodies: Vec<_> = answers
        .split("HTTP/1.1")
        .filter_map(|answer| answer.split_once("\r\n\r\n"))
        .collect();
    let bodies: Vec<_> = bodies.into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies, ["one", "hello", "two", "hello"]);
}

#[tokio::test]
async fn handler_sees_the_address_of_the_peer() {
    let server = start(relaxed()).await;
    let mut client = server.connect().await;
    client.send(b"GET /peer HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let own = client.0.local_addr().unwrap().to_string();
    assert!(client.answer().await.ends_with(&own));
}

#[tokio::test]
async fn panic_is_answered_503_and_the_connection_goes_on() {
    let server = start(relaxed()).await;
    let mut client = server.connect().await;
    client.send(b"GET /panic HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let answer = client.answer().await;
    assert_eq!(statuses(&answer), [503]);
    assert!(answer.contains("retry-after: 1"));
    assert!(answer.ends_with(r#""code":"service_unavailable"}"#));
    client.send(HELLO).await;
    assert!(client.answer().await.ends_with("hello"));
}

#[tokio::test]
async fn client_that_closed_its_sending_side_gets_its_answer() {
    let mut server = start(relaxed()).await;
    let mut client = server.connect().await;
    client.send(b"GET /gate HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.0.shutdown().await.unwrap();
    server.entered().await;
    server.gate.add_permits(1);
    assert!(client.rest().await.ends_with("opened"));
}

#[tokio::test]
async fn body_is_asked_for_only_when_it_is_wanted() {
    let server = start(relaxed()).await;
    let head = |length| {
        format!(
            "POST /echo HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let mut client = server.connect().await;
    client.send(head(2).as_bytes()).await;
    assert_eq!(statuses(&client.answer().await), [100]);
    client.send(b"ok").await;
    assert!(client.answer().await.ends_with("ok"));
    assert_refused(
        &server.talk(head(10_000_000).as_bytes()).await,
        413,
        "no 100 before it",
    );
}

#[tokio::test]
async fn client_that_hung_up_does_not_end_the_server() {
    let server = start(relaxed()).await;
    for bytes in [
        &b""[..],
        b"G",
        b"GET / HTTP/1.1\r\nhost",
        b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nx",
    ] {
        let mut client = server.connect().await;
        client.send(bytes).await;
        drop(client);
    }
    assert_eq!(
        statuses(&server.talk(b"GET / HTTP/1.0\r\n\r\n").await),
        [200]
    );
    assert_eq!(
        server.stop().await,
        Outcome {
            accepted: 5,
            aborted: 0
        }
    );
}

#[test]
fn only_exhaustion_makes_accepting_rest() {
    const TOO_MANY_OPEN_FILES: i32 = 24;
    assert!(is_exhaustion(&io::Error::from_raw_os_error(
        TOO_MANY_OPEN_FILES
    )));
    assert!(!is_exhaustion(&io::ErrorKind::ConnectionAborted.into()));
}
