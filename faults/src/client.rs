//! HTTP as an application's client speaks it: one connection, one request after the other; three outcomes.

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// After this a client has given up, and what its request did is unknown.
const PATIENCE: Duration = Duration::from_secs(20);

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    Answered(Answer),
    /// It was never sent.
    Refused,
    /// It was sent, and no whole answer came: it may have been done or not.
    Unknown,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A text of the body, such as `refresh`; empty if it is not there.
    pub(crate) fn text(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_default().to_owned()
    }
}

impl Outcome {
    /// The answer, if one came.
    pub(crate) fn answer(self) -> Option<Answer> {
        match self {
            Self::Answered(answer) => Some(answer),
            Self::Refused | Self::Unknown => None,
        }
    }
}

/// A client of one server. It keeps its connection, and makes another when that has gone.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            connection: None,
        }
    }

    /// Makes sure that there is a connection, so that the next request is only bytes. Whether there is one.
    pub(crate) async fn connect(&mut self) -> bool {
        let is_open = match &mut self.connection {
            Some(connection) => connection.ready().await.is_ok(),
            None => false,
        };
        if !is_open {
            self.connection = open(self.address).await.ok();
        }
        self.connection.is_some()
    }

    pub(crate) async fn get(&mut self, path: &str) -> Outcome {
        self.get_as(path, None).await
    }

    /// Gets with an access token, if there is one.
    pub(crate) async fn get_as(&mut self, path: &str, access: Option<&str>) -> Outcome {
        self.send(Method::GET, path, access, Bytes::new()).await
    }

    /// Posts JSON.
    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Outcome {
        let body = body.to_string().into();
        self.send(Method::POST, path, None, body).await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        access: Option<&str>,
        body: Bytes,
    ) -> Outcome {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.address.to_string())
            .header(CONTENT_TYPE, "application/json");
        if let Some(access) = access {
            request = request.header(AUTHORIZATION, format!("Bearer {access}"));
        }
        match request.body(Full::new(body)) {
            Ok(request) => self.pass(request).await,
            Err(_) => Outcome::Refused,
        }
    }

    /// Sends a request as it is.
    pub(crate) async fn pass(&mut self, request: Request<Full<Bytes>>) -> Outcome {
        if !self.connect().await {
            return Outcome::Refused;
        }
        let Some(mut connection) = self.connection.take() else {
            return Outcome::Refused;
        };
        match timeout(PATIENCE, exchange(&mut connection, request)).await {
            Ok(Ok(answer)) => {
                self.connection = Some(connection);
                Outcome::Answered(answer)
            }
            // The connection had been closed before the request went out.
            Ok(Err(error)) if error.is_canceled() => Outcome::Refused,
            Ok(Err(_)) | Err(_) => Outcome::Unknown,
        }
    }
}

async fn open(address: SocketAddr) -> anyhow::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn exchange(
    connection: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Answer> {
    let (head, body) = connection.send_request(request).await?.into_parts();
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: body.collect().await?.to_bytes(),
    })
}
