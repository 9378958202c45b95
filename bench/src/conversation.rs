//! What a connection says: the same over and over, each request once, or what the last answer makes of it.

use crate::answer;
use anyhow::Context as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Requests that several connections take turns with.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    all: Arc<[Vec<u8>]>,
    taken: Arc<AtomicUsize>,
}

impl Requests {
    pub(crate) fn new(requests: impl Iterator<Item = Vec<u8>>) -> Self {
        Self {
            all: requests.collect(),
            taken: Arc::default(),
        }
    }
}

/// What one connection says.
#[derive(Clone, Debug)]
pub(crate) enum Conversation {
    /// The next of them, from the start again after the last.
    Again(Requests),
    /// The next of them, each once; then nothing.
    Once(Requests),
    /// Refreshes with the token of the last answer.
    Chain { path: &'static str, token: Vec<u8> },
}

impl Conversation {
    /// Puts the next request in place of the last one. Whether there is one.
    pub(crate) fn ask(&mut self, request: &mut Vec<u8>) -> bool {
        match self {
            Self::Again(requests) => {
                let next = requests.taken.fetch_add(1, Relaxed) % requests.all.len();
                request.clone_from(&requests.all[next]);
            }
            Self::Once(requests) => {
                let next = requests.taken.fetch_add(1, Relaxed);
                let Some(next) = requests.all.get(next) else {
                    return false;
                };
                request.clone_from(next);
            }
            Self::Chain { path, token } => {
                request.clear();
                request.extend_from_slice(&post(path, &body("refresh", token)));
            }
        }
        true
    }

    /// Takes what the next request needs from the answer's body.
    pub(crate) fn hear(&mut self, answer: &[u8]) -> anyhow::Result<()> {
        if let Self::Chain { token, .. } = self {
            let next = answer::member(answer, "refresh");
            next.context("no refresh token in the answer")?
                .clone_into(token);
        }
        Ok(())
    }
}

/// A JSON object with one text that needs no escaping.
pub(crate) fn body(name: &str, text: &[u8]) -> Vec<u8> {
    [b"{\"", name.as_bytes(), b"\":\"", text, b"\"}"].concat()
}

/// The headers that nearly every client sends.
const COMMON: &str = "Host: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\n";

/// A request with a JSON body.
pub(crate) fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\n{COMMON}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// A request with an access token.
pub(crate) fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\n{COMMON}Authorization: Bearer {token}\r\n\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(conversation: &mut Conversation) -> Option<Vec<u8>> {
        let mut request = Vec::new();
        conversation.ask(&mut request).then_some(request)
    }

    #[test]
    fn connections_share_their_requests() {
        let requests = Requests::new([b"a".to_vec(), b"b".to_vec()].into_iter());
        let mut connections = [
            Conversation::Once(requests.clone()),
            Conversation::Once(requests),
        ];
        assert_eq!(said(&mut connections[0]).unwrap(), b"a");
        assert_eq!(said(&mut connections[1]).unwrap(), b"b");
        assert_eq!(said(&mut connections[0]), None);

        let mut again = Conversation::Again(Requests::new([b"a".to_vec()].into_iter()));
        assert_eq!(said(&mut again), said(&mut again));
    }

    #[test]
    fn a_chain_goes_on_with_the_token_of_the_answer() {
        let mut chain = Conversation::Chain {
            path: "/api/token/refresh/",
            token: b"first".to_vec(),
        };
        assert!(
            said(&mut chain)
                .unwrap()
                .ends_with(b"{\"refresh\":\"first\"}")
        );
        chain.hear(br#"{"access":"a","refresh":"second"}"#).unwrap();
        assert!(
            said(&mut chain)
                .unwrap()
                .ends_with(b"{\"refresh\":\"second\"}")
        );
        assert!(chain.hear(b"{}").is_err());
    }
}
