//! What a proxy has seen, and what it is to do next.

use super::LIFETIME;
use super::scenario::{Fault, Target};
use crate::client::Answer;
use crate::jwt::jti;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A request to the refresh endpoint; or a log-in, which begins a line of refreshes as if it had brought its own token.
#[derive(Clone, Debug)]
pub(super) struct Refresh {
    /// The `jti` of the refresh token it came with; of a log-in that of the one it brought.
    pub(super) jti: String,
    pub(super) began: Instant,
    /// When its answer was passed on or withheld; `None` while it is under way.
    pub(super) ended: Option<Instant>,
    /// What the server said, if it was asked for a refresh.
    pub(super) status: Option<u16>,
    /// The answer of the server arrived.
    pub(super) was_delivered: bool,
    /// What it brought.
    pub(super) brought: Option<Pair>,
}

/// What matters of tokens that were given.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    /// `jti` of the refresh token, if there was one.
    pub(super) refresh: Option<String>,
}

impl Pair {
    /// What an answer brings, if it brings tokens.
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        let refresh = Some(answer.text("refresh")).filter(|token| !token.is_empty());
        let is_pair = !answer.text("access").is_empty();
        is_pair.then(|| Self {
            refresh: refresh.map(|token| jti(&token)),
        })
    }
}

/// Shared by the proxy and the stage.
#[derive(Debug, Default)]
pub(super) struct Network(Mutex<State>);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) is_out: bool,
    pub(super) faults: BTreeMap<Target, VecDeque<Fault>>,
    /// In the order in which they came.
    pub(super) refreshes: Vec<Refresh>,
    /// When a request got a 401 that the server knows nothing of.
    pub(super) forced: Vec<Instant>,
}

impl Network {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The fault that the next request to this path meets.
    pub(super) fn next_fault(&self, target: Option<Target>) -> Fault {
        let mut state = self.state();
        if state.is_out {
            return Fault::LoseRequest;
        }
        let queue = target.and_then(|target| state.faults.get_mut(&target));
        queue.and_then(VecDeque::pop_front).unwrap_or(Fault::None)
    }

    /// When every access token that was given so far has ended for sure.
    pub(super) fn all_expired(&self) -> Option<Instant> {
        let state = self.state();
        let ends = state.refreshes.iter().filter_map(Refresh::end);
        ends.max()
    }
}

impl Refresh {
    /// When the access token that it brought to the client has ended for sure.
    fn end(&self) -> Option<Instant> {
        self.brought.as_ref().filter(|_| self.was_delivered)?;
        Some(self.ended? + LIFETIME)
    }
}
