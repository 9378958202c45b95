//! One login: which token a request carries, and how the login is refreshed, begun and ended.

use crate::clock::{Clock, seconds};
use crate::endpoints::{Answer, Endpoints, TRY};
use crate::error::{Error, Refusal};
use crate::events::{Event, Listener, LogoutReason};
use crate::keeper::{Keeper, Turn};
use crate::patience::Patience;
use crate::tokens::{Token, Tokens};
use reqwest::StatusCode;
use serde::Serialize;
use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How often somebody waits for a refresh that ends without a word (its runtime is gone, the storage panics) or is for another token.
const ROUNDS: usize = 3;
/// For so long nothing is refreshed ahead of time after that found no server: every request would wait.
const BREATHER: Duration = Duration::from_secs(30);

type Outcome = Result<Tokens, Error>;

pub(crate) struct Session {
    pub(crate) endpoints: Endpoints,
    pub(crate) keeper: Keeper,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) listener: Listener,
    /// For how long a refresh is tried.
    pub(crate) patience: Duration,
    pub(crate) state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    /// The refresh under way. The channel is closed when that is over, however it came to an end.
    refresh: Option<UnderWay>,
    /// Seconds that the server's clock is ahead of ours, as measured here: who shares the storage may have another clock.
    skew: Option<f64>,
    /// Until then (by [`Clock::elapsed`]) nothing is refreshed ahead of time.
    rests_until: Duration,
}

/// A refresh.
#[derive(Clone)]
struct UnderWay {
    /// In whose place it brings another.
    used: Token,
    outcome: watch::Receiver<Option<Outcome>>,
}

impl Session {
    /// The tokens for a request, refreshed ahead of time if they are due.
    pub(crate) async fn fresh(
        self: &Arc<Self>,
        is_repeatable: bool,
    ) -> Result<Option<Tokens>, Error> {
        match self.keeper.load().await? {
            Some(tokens) => self.unless_due(tokens, is_repeatable).await.map(Some),
            None => Ok(None),
        }
    }

    /// The tokens in the place of `used`, which was refused.
    pub(crate) async fn replaced(self: &Arc<Self>, used: &Token) -> Outcome {
        match self.keeper.load().await? {
            Some(tokens) if tokens.access == *used => self.refreshed(&tokens.access).await,
            // What one user asked for must not be done by another.
            Some(tokens) if tokens.access.is_of_the_login_of(used) => {
                self.unless_due(tokens, true).await
            }
            _ => Err(Error::LoggedOut),
        }
    }

    async fn unless_due(self: &Arc<Self>, tokens: Tokens, is_repeatable: bool) -> Outcome {
        if !self.is_due(&tokens, is_repeatable) {
            return Ok(tokens);
        }
        match self.refreshed(&tokens.access).await {
            Err(Error::Unavailable { .. }) if self.lives(&tokens.access) => {
                self.state().rests_until = self.clock.elapsed() + BREATHER;
                Ok(tokens)
            }
            outcome => outcome,
        }
    }

    /// Waits for the refresh under way, or for a new one.
    async fn refreshed(self: &Arc<Self>, used: &Token) -> Outcome {
        for _ in 0..ROUNDS {
            let mut refresh = self.refresh_under_way(used);
            let told = refresh.outcome.wait_for(Option::is_some).await;
            let outcome = told.ok().and_then(|outcome| outcome.clone());
            match outcome.filter(|_| refresh.used == *used) {
                // As above.
                Some(Ok(tokens)) if !tokens.access.is_of_the_login_of(used) => {
                    return Err(Error::LoggedOut);
                }
                Some(outcome) => return outcome,
                None => (),
            }
        }
        Err(Error::unavailable())
    }

    /// It is a task: whoever gives up waiting takes nothing along, as the answer may hold the only good token.
    ///
    /// One at a time, so that it may be one for a token of before: that says nothing about `used`.
    fn refresh_under_way(self: &Arc<Self>, used: &Token) -> UnderWay {
        let mut state = self.state();
        let under_way = state.refresh.as_ref();
        if let Some(refresh) = under_way.filter(|refresh| refresh.outcome.has_changed().is_ok()) {
            return refresh.clone();
        }
        let (sender, outcome) = watch::channel(None);
        let used = used.clone();
        let refresh = UnderWay { used, outcome };
        state.refresh = Some(refresh.clone());
        let (session, used) = (self.clone(), refresh.used.clone());
        tokio::spawn(async move {
            let outcome = session.refresh(&used).await;
            session.state().refresh = None;
            sender.send_replace(Some(outcome));
        });
        refresh
    }

    /// Tries until there is an answer. Between two tries it is somebody else's turn.
    async fn refresh(&self, used: &Token) -> Outcome {
        let mut patience = Patience::new(&*self.clock, self.patience);
        loop {
            let turn = self.keeper.turn().await;
            let held = self.keeper.load().await?.ok_or(Error::LoggedOut)?;
            if held.access != *used {
                return Ok(held);
            }
            let tried = self
                .endpoints
                .refresh(&held.refresh, patience.limit())
                .await;
            let error = match tried {
                Ok(answer) => return self.answered(&held, answer, turn).await,
                Err(error) => error,
            };
            drop(turn);
            match patience.pause(&error) {
                Some(pause) => self.clock.sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    async fn answered(&self, held: &Tokens, answer: Answer, turn: Turn) -> Outcome {
        if answer.status == StatusCode::UNAUTHORIZED {
            return self.refused(held, turn).await;
        }
        let Some(fresh) = self.arrived(&answer, Some(&held.refresh)) else {
            return Err(Error::Refused(Refusal {
                status: answer.status,
                data: Value::Null,
            }));
        };
        let fresh = fresh.of_the_login_of(&held.access);
        if self.keeper.swap(held, Some(&fresh)).await? {
            self.listener.tell(Event::Refresh);
            return Ok(fresh);
        }
        match self.keeper.load().await? {
            Some(others) if others.access.is_of_the_login_of(&held.access) => Ok(others),
            // Somebody has logged out or in meanwhile.
            _ => {
                self.endpoints.revoke(&fresh.refresh).await;
                Err(Error::LoggedOut)
            }
        }
    }

    /// The end, unless somebody else has put other tokens into the storage.
    async fn refused(&self, held: &Tokens, turn: Turn) -> Outcome {
        let _turn = if turn.is_exclusive() {
            turn
        } else {
            // Who has the lock may have been answered, and is about to save.
            drop(turn);
            self.keeper.turn().await
        };
        if self.keeper.swap(held, None).await? {
            self.listener.tell(Event::Logout(LogoutReason::Refused));
            return Err(Error::LoggedOut);
        }
        self.keeper.load().await?.ok_or(Error::LoggedOut)
    }

    /// Logs in or signs up. Yields what the server answered, without the tokens, and whether there were any.
    pub(crate) async fn begin<T: Serialize + ?Sized>(
        self: &Arc<Self>,
        path: &str,
        fields: &T,
    ) -> Result<(Answer, bool), Error> {
        let mut answer = self.endpoints.post(path, fields, TRY).await?;
        if !answer.status.is_success() {
            return Err(answer.refusal());
        }
        let tokens = self.arrived(&answer, None);
        let is_login = tokens.is_some();
        if let Some(tokens) = tokens {
            self.keep(tokens).await?;
        }
        answer
            .data
            .retain(|name, _| !["access", "refresh"].contains(&name.as_str()));
        Ok((answer, is_login))
    }

    pub(crate) async fn keep(self: &Arc<Self>, tokens: Tokens) -> Result<(), Error> {
        let (session, tokens) = (self.clone(), tokens.of_a_new_login());
        to_its_end(async move {
            let _turn = session.keeper.turn().await;
            session.keeper.save(Some(&tokens)).await?;
            session.listener.tell(Event::Login);
            Ok(())
        })
        .await
    }

    /// Logs out, at the server first. Yields whether that knows.
    pub(crate) async fn end(self: &Arc<Self>) -> Result<bool, Error> {
        let session = self.clone();
        to_its_end(async move {
            let _turn = session.keeper.turn().await;
            let is_revoked = match session.keeper.load().await {
                Ok(None) => return Ok(true),
                Ok(Some(tokens)) => session.endpoints.revoke(&tokens.refresh).await,
                // Whatever lies there goes.
                Err(_) => false,
            };
            session.keeper.save(None).await?;
            session.listener.tell(Event::Logout(LogoutReason::Asked));
            Ok(is_revoked)
        })
        .await
    }

    /// What an answer brought, if anything. The server's clock is read from it.
    fn arrived(&self, answer: &Answer, refresh: Option<&Token>) -> Option<Tokens> {
        let (tokens, now) = answer.tokens(refresh)?;
        if let Some(now) = now {
            self.state().skew = Some(now - seconds(self.clock.now()));
        }
        Some(tokens)
    }

    fn is_due(&self, tokens: &Tokens, is_repeatable: bool) -> bool {
        let (skew, rests_until) = {
            let state = self.state();
            (state.skew, state.rests_until)
        };
        if skew.is_none() && is_repeatable {
            // Our own clock may be wrong, and a 401 costs such a request little.
            return false;
        }
        let now = self.server_time();
        tokens.due.is_some_and(|due| now >= due)
            && (self.clock.elapsed() >= rests_until || !self.lives(&tokens.access))
    }

    fn lives(&self, access: &Token) -> bool {
        access.end().is_some_and(|end| self.server_time() < end)
    }

    fn server_time(&self) -> f64 {
        seconds(self.clock.now()) + self.state().skew.unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs `work` to its end also if nobody waits for it any more: half of it would leave the storage and the server at odds.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    match tokio::spawn(work).await {
        Ok(outcome) => outcome,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::unavailable()),
        },
    }
}
