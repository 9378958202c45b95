//! HTTP/2 with prior knowledge.

use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};

use super::*;

/// What a client may send: a body that is there, or one that never comes.
type Outgoing = http_body_util::Either<Full<Bytes>, Never>;

struct Never;

impl http_body::Body for Never {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

fn get(path: &str) -> Request<Outgoing> {
    post(path, "")
}

fn post(path: &str, body: &str) -> Request<Outgoing> {
    let method = if body.is_empty() { "GET" } else { "POST" };
    let body = Outgoing::Left(Full::from(body.to_owned()));
    Request::builder()
        .method(method)
        .uri(format!("http://a{path}"))
        .body(body)
        .unwrap()
}

impl Server {
    async fn http2(&self) -> (SendRequest<Outgoing>, JoinHandle<hyper::Result<()>>) {
        let stream = TokioIo::new(self.connect().await.0);
        let (sender, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
        (sender, tokio::spawn(connection))
    }
}

async fn ask(sender: &mut SendRequest<Outgoing>, request: Request<Outgoing>) -> (u16, String) {
    let response = soon(sender.send_request(request)).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn requests_are_served() {
    let server = start(relaxed()).await;
    let (mut sender, _connection) = server.http2().await;
    assert_eq!(ask(&mut sender, get("/")).await, (200, "hello".into()));
    let body = "x\r\n\r\n".repeat(10_000);
    assert_eq!(ask(&mut sender, post("/echo", &body)).await, (200, body));
}

#[tokio::test]
async fn limits_and_deadlines_hold() {
    let limits = Limits {
        max_body_bytes: 1000,
        request_deadline: NEAR,
        body_deadline: NEAR,
        ..relaxed()
    };
    let server = start_behind(super::middleware::demo(), limits).await;
    let (mut sender, _connection) = server.http2().await;
    assert_eq!(
        ask(&mut sender, post("/echo", &"x".repeat(1001))).await.0,
        413
    );
    assert_eq!(
        ask(&mut sender, get(&format!("/{}", "x".repeat(8192))))
            .await
            .0,
        414
    );
    assert_eq!(ask(&mut sender, get("/never")).await.0, 503);
    assert_eq!(ask(&mut sender, get("/panic")).await.0, 503);
    let waiting = Request::post("http://a/echo")
        .body(Outgoing::Right(Never))
        .unwrap();
    assert_eq!(
        soon(sender.send_request(waiting)).await.unwrap().status(),
        408
    );
    for is_preflight in [false, true] {
        let mut many = get("/");
        for number in 0..101 {
            many.headers_mut().append("x", number.into());
        }
        if is_preflight {
            *many.method_mut() = http::Method::OPTIONS;
            let asked = http::HeaderValue::from_static("POST");
            many.headers_mut()
                .insert("access-control-request-method", asked);
        }
        assert_eq!(ask(&mut sender, many).await.0, 431);
    }
    let mut large = get("/");
    large
        .headers_mut()
        .insert("x", "y".repeat(17_000).parse().unwrap());
    assert_eq!(ask(&mut sender, large).await.0, 431);
}

#[tokio::test]
async fn resting_connection_is_closed() {
    let server = start(Limits {
        idle: NEAR,
        ..relaxed()
    })
    .await;
    let (mut sender, connection) = server.http2().await;
    ask(&mut sender, get("/")).await;
    let _ = soon(connection).await.unwrap();
}

#[tokio::test]
async fn connection_does_not_rest_while_a_body_arrives() {
    let limits = Limits {
        idle: NEAR,
        body_deadline: NEAR * 4,
        ..relaxed()
    };
    let server = start(limits).await;
    let (mut sender, _connection) = server.http2().await;
    let waiting = Request::post("http://a/echo")
        .body(Outgoing::Right(Never))
        .unwrap();
    assert_eq!(
        soon(sender.send_request(waiting)).await.unwrap().status(),
        408
    );
}

#[tokio::test]
async fn connection_without_a_request_is_closed() {
    let server = start(Limits {
        header_deadline: NEAR,
        ..relaxed()
    })
    .await;
    let (_sender, connection) = server.http2().await;
    let _ = soon(connection).await.unwrap();
}

#[tokio::test]
async fn connection_that_resets_its_requests_over_and_over_is_closed() {
    let mut server = start(relaxed()).await;
    let (mut sender, connection) = server.http2().await;
    let mut resets = 0;
    while !connection.is_finished() && resets < 1000 {
        let asking = sender.send_request(get("/gate"));
        tokio::select! {
            biased;
            _ = asking => break,
            _ = server.entered() => resets += 1,
        }
    }
    assert!((90..200).contains(&resets), "{resets}");
}

#[tokio::test]
async fn request_in_flight_is_answered_before_the_stop() {
    let mut server = start(relaxed()).await;
    let (mut sender, _connection) = server.http2().await;
    let asking = sender.send_request(get("/gate"));
    let gate = Arc::clone(&server.gate);
    let stopping = async {
        server.entered().await;
        let address = server.address;
        let stopping = tokio::spawn(server.stop());
        while TcpStream::connect(address).await.is_ok() {}
        gate.add_permits(1);
        stopping.await.unwrap()
    };
    let (response, outcome) = soon(async { tokio::join!(asking, stopping) }).await;
    assert_eq!(response.unwrap().status(), 200);
    assert_eq!(outcome.aborted, 0);
}

#[tokio::test]
async fn within_the_drain_delay_a_connection_goes_on_and_then_says_goodbye() {
    let server = start(Limits {
        drain_delay: NEAR * 4,
        ..relaxed()
    })
    .await;
    let (mut sender, connection) = server.http2().await;
    ask(&mut sender, get("/")).await;
    let address = server.address;
    let stopping = tokio::spawn(server.stop());
    super::stop::is_stopping(address).await;
    let response = soon(sender.send_request(get("/"))).await.unwrap();
    assert_eq!(response.status(), 200);
    // RFC 9113 section 8.2.2: no such field in HTTP/2.
    assert!(response.headers().get(http::header::CONNECTION).is_none());
    drop(response);
    soon(connection).await.unwrap().unwrap();
    assert_eq!(stopping.await.unwrap().aborted, 0);
}
