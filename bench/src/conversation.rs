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

    /// The next of them; nothing after the last.
    fn next(&self) -> Option<&[u8]> {
        let next = self.taken.fetch_add(1, Relaxed);
        self.all.get(next).map(Vec::as_slice)
    }
}

/// Refreshes with the token of one answer after another, then of another user's.
const CHAIN: usize = 16;

/// How many chains so many refreshes are.
pub(crate) fn chains(refreshes: usize) -> usize {
    refreshes.div_ceil(CHAIN)
}

/// What one connection says.
#[derive(Clone, Debug)]
pub(crate) enum Conversation {
    /// The next of them, from the start again after the last.
    Again(Requests),
    /// The next of them, each once; then nothing.
    Once(Requests),
    /// Refreshes with the token of the last answer, and begins again with the next of the first tokens while there are
    /// any.
    Chain {
        path: &'static str,
        firsts: Requests,
        token: Vec<u8>,
        answered: usize,
    },
}

impl Conversation {
    /// Chains of refreshes that begin with these tokens.
    pub(crate) fn chain(path: &'static str, firsts: impl Iterator<Item = Vec<u8>>) -> Self {
        Self::Chain {
            path,
            firsts: Requests::new(firsts),
            token: Vec::new(),
            answered: 0,
        }
    }

    /// Puts the next request in place of the last one. Whether there is one.
    pub(crate) fn ask(&mut self, request: &mut Vec<u8>) -> bool {
        match self {
            Self::Again(requests) => {
                let next = requests.taken.fetch_add(1, Relaxed) % requests.all.len();
                request.clone_from(&requests.all[next]);
            }
            Self::Once(requests) => {
                let Some(next) = requests.next() else {
                    return false;
                };
                next.clone_into(request);
            }
            Self::Chain {
                path,
                firsts,
                token,
                answered,
            } => {
                if answered.is_multiple_of(CHAIN)
                    && let Some(first) = firsts.next()
                {
                    first.clone_into(token);
                }
                request.clear();
                request.extend_from_slice(&post(path, &body("refresh", token)));
            }
        }
        true
    }

    /// Takes what the next request needs from the answer's body.
    pub(crate) fn hear(&mut self, answer: &[u8]) -> anyhow::Result<()> {
        if let Self::Chain {
            token, answered, ..
        } = self
        {
            let next = answer::member(answer, "refresh");
            next.context("no refresh token in the answer")?
                .clone_into(token);
            *answered += 1;
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
        let firsts = [b"first".to_vec()].into_iter();
        let mut chain = Conversation::chain("/api/token/refresh/", firsts);
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

    #[test]
    fn a_chain_ends_where_another_token_begins_one_and_goes_on_after_the_last() {
        let firsts = [b"a".to_vec(), b"b".to_vec()].into_iter();
        let mut chain = Conversation::chain("/", firsts);
        let mut tokens = Vec::new();
        for _ in 0..3 * CHAIN {
            let request = String::from_utf8(said(&mut chain).unwrap()).unwrap();
            tokens.push(request.rsplit('"').nth(1).unwrap().to_owned());
            chain.hear(br#"{"refresh":"next"}"#).unwrap();
        }
        let began = |first: &str| tokens.iter().position(|token| token == first);
        assert_eq!((began("a"), began("b")), (Some(0), Some(CHAIN)));
        assert_eq!(
            tokens.iter().filter(|token| *token == "next").count(),
            3 * CHAIN - 2
        );
    }
}
