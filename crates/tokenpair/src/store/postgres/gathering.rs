//! What is asked at the same moment goes to the database together: one statement for all who came while another was
//! under way. Whoever finds none under way goes at once and alone, so that nobody waits for company.
//!
//! This is what the database does with commits. It spares most of what a statement costs on both sides; what a row
//! costs remains.

use super::failure::Failure;
use crate::error::StoreError;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// How long anybody waits for the statement that is under way, which may have a long way to go or be stuck.
const LONGEST_WAIT: Duration = Duration::from_millis(2);
/// Questions in one statement.
const LARGEST: usize = 128;
/// Questions that may wait.
const QUEUE: usize = 8192;

/// A kind of question, or of change, that one statement can put for many.
pub(super) trait Together: fmt::Debug + Send + Sync + 'static {
    type Question: Send + Sync + 'static;
    type Answer: Send + 'static;

    fn alone(
        &self,
        question: &Self::Question,
    ) -> impl Future<Output = Result<Self::Answer, StoreError>> + Send;

    /// The answers in the order of the questions. `None` is to be asked alone: nothing was done about it.
    fn together(
        &self,
        questions: &[Self::Question],
    ) -> impl Future<Output = Result<Vec<Option<Self::Answer>>, StoreError>> + Send;
}

/// Those who ask one kind of question.
#[derive(Debug)]
pub(super) struct Gathering<T: Together>(Arc<Inner<T>>);

struct Inner<T: Together> {
    work: T,
    /// Statements under way before anybody has to wait.
    room: usize,
    state: Mutex<State<T>>,
}

struct State<T: Together> {
    under_way: usize,
    waiting: Vec<Waiting<T>>,
}

struct Waiting<T: Together> {
    question: T::Question,
    reply: oneshot::Sender<Reply<T>>,
}

enum Reply<T: Together> {
    Answer(Result<T::Answer, StoreError>),
    /// To be asked alone; a permit comes with it, if it was the only one waiting.
    Alone(T::Question, Option<Permit<T>>),
}

enum Entered<T: Together> {
    AtOnce(T::Question, Permit<T>),
    Waiting(oneshot::Receiver<Reply<T>>),
}

impl<T: Together> Gathering<T> {
    pub(super) fn new(work: T, room: usize) -> Self {
        let state = Mutex::new(State {
            under_way: 0,
            waiting: Vec::new(),
        });
        Self(Arc::new(Inner { work, room, state }))
    }

    pub(super) async fn ask(&self, question: T::Question) -> Result<T::Answer, StoreError> {
        let mut reply = match self.0.enter(question)? {
            Entered::AtOnce(question, _permit) => return self.0.work.alone(&question).await,
            Entered::Waiting(reply) => reply,
        };
        let replied = if let Ok(replied) = timeout(LONGEST_WAIT, &mut reply).await {
            replied
        } else {
            self.0.start();
            reply.await
        };
        match replied {
            Ok(Reply::Answer(answer)) => answer,
            Ok(Reply::Alone(question, _permit)) => self.0.work.alone(&question).await,
            Err(_) => Err(StoreError::new("the statement was given up")),
        }
    }
}

impl<T: Together> Inner<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(self: &Arc<Self>, question: T::Question) -> Result<Entered<T>, Failure> {
        let mut state = self.state();
        if state.under_way < self.room && state.waiting.is_empty() {
            state.under_way += 1;
            return Ok(Entered::AtOnce(question, Permit(self.clone())));
        }
        if state.waiting.len() >= QUEUE {
            return Err(Failure::Busy);
        }
        let (reply, replied) = oneshot::channel();
        state.waiting.push(Waiting { question, reply });
        let is_full = state.waiting.len().is_multiple_of(LARGEST);
        drop(state);
        if is_full {
            self.start();
        }
        Ok(Entered::Waiting(replied))
    }

    /// Sends those who wait.
    fn start(self: &Arc<Self>) {
        let mut state = self.state();
        if !state.waiting.is_empty() {
            state.under_way += 1;
            drop(state);
            drop(Permit(self.clone()));
        }
    }

    async fn send(&self, waiting: Vec<Waiting<T>>) {
        let (questions, mut replies): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .map(|waiting| (waiting.question, waiting.reply))
            .unzip();
        let answers = tokio::select! {
            answers = self.work.together(&questions) => answers,
            () = all_closed(&mut replies) => return,
        };
        let mut answers = answers.map(Vec::into_iter);
        for (question, reply) in questions.into_iter().zip(replies) {
            let answer = match &mut answers {
                Ok(answers) => match answers.next().flatten() {
                    Some(answer) => Reply::Answer(Ok(answer)),
                    None => Reply::Alone(question, None),
                },
                Err(error) => Reply::Answer(Err(StoreError::new(error.to_string()))),
            };
            // Whoever has gone does not want it.
            drop(reply.send(answer));
        }
    }
}

/// Returns when nobody waits for an answer any more.
async fn all_closed<T>(replies: &mut [oneshot::Sender<T>]) {
    for reply in replies {
        reply.closed().await;
    }
}

/// One statement may be under way for as long as this lives. Who waits is next when it is dropped, for whatever reason.
struct Permit<T: Together>(Arc<Inner<T>>);

impl<T: Together> Drop for Permit<T> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        // Nothing is asked or changed for whoever has gone.
        state.waiting.retain(|waiting| !waiting.reply.is_closed());
        let runtime = Handle::try_current();
        let (1.., Ok(runtime)) = (state.waiting.len(), runtime) else {
            state.under_way -= 1;
            return;
        };
        let some = state.waiting.len().min(LARGEST);
        let mut next: Vec<_> = state.waiting.drain(..some).collect();
        drop(state);
        let permit = Self(self.0.clone());
        match next.pop() {
            Some(Waiting { question, reply }) if next.is_empty() => {
                drop(reply.send(Reply::Alone(question, Some(permit))));
            }
            last => {
                next.extend(last);
                runtime.spawn(async move { permit.0.send(next).await });
            }
        }
    }
}

impl<T: Together> fmt::Debug for Inner<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathering")
            .field("work", &self.work)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
