//! Who keeps the tokens: the storage, and its lock.

use crate::clock::{Clock, within};
use crate::storage::{Guard, Storage};
use crate::tokens::Tokens;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

/// After this time a refresh goes on without the lock: a lock that hangs must not hang the application.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

pub(crate) struct Keeper {
    storage: Box<dyn Storage>,
    /// Of the base URL. Tokens of another one are none here.
    origin: Arc<str>,
    clock: Arc<dyn Clock>,
    /// Among the clones of a client, whatever the storage does.
    turns: Arc<tokio::sync::Mutex<()>>,
    unsaved: Mutex<Option<Unsaved>>,
}

/// What the storage could not take (a full disk), so that it is not lost.
#[derive(Clone)]
struct Unsaved(Option<Tokens>);

/// That nobody else refreshes, logs in or logs out.
pub(crate) struct Turn {
    is_exclusive: bool,
    _clones: Option<OwnedMutexGuard<()>>,
    _others: Option<Guard>,
}

impl Turn {
    /// Not so after a wait that was too long.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.is_exclusive
    }
}

impl Keeper {
    pub(crate) fn new(storage: Box<dyn Storage>, origin: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            storage,
            origin: origin.into(),
            clock,
            turns: Arc::default(),
            unsaved: Mutex::default(),
        }
    }

    pub(crate) async fn turn(&self) -> Turn {
        let started = self.clock.elapsed();
        let turn = self.turns.clone().lock_owned();
        let clones = within(&*self.clock, LONGEST_WAIT, turn).await;
        let left = LONGEST_WAIT.saturating_sub(self.clock.elapsed().saturating_sub(started));
        let others = within(&*self.clock, left, self.storage.lock()).await;
        // With an error there is no lock: nobody else has it, either.
        let is_exclusive = clones.is_some() && others.is_some();
        Turn {
            is_exclusive,
            _clones: clones,
            _others: others.and_then(Result::ok),
        }
    }

    pub(crate) async fn load(&self) -> io::Result<Option<Tokens>> {
        let unsaved = self.unsaved().clone();
        let tokens = match unsaved {
            Some(Unsaved(tokens)) => tokens,
            None => self.storage.load().await?,
        };
        let is_ours = |tokens: &Tokens| tokens.origin.as_ref().is_none_or(|of| *of == self.origin);
        Ok(tokens.filter(is_ours))
    }

    /// Is to be called where nobody can stop it half-way.
    pub(crate) async fn save(&self, tokens: Option<&Tokens>) -> io::Result<()> {
        let tokens = tokens.map(|tokens| Tokens {
            origin: Some(self.origin.clone()),
            ..tokens.clone()
        });
        let saved = self.storage.save(tokens.as_ref()).await;
        *self.unsaved() = saved.is_err().then_some(Unsaved(tokens));
        saved
    }

    /// Saves `new` if `old` is still the login; not so if somebody has logged in or out meanwhile.
    pub(crate) async fn swap(&self, old: &Tokens, new: Option<&Tokens>) -> io::Result<bool> {
        let is_same = match self.load().await {
            Ok(held) => held.is_some_and(|held| held.refresh == old.refresh),
            // `old` may be worth nothing any more, and `new` is nowhere else.
            Err(_) if new.is_some() => true,
            Err(error) => return Err(error),
        };
        if is_same {
            self.save(new).await?;
        }
        Ok(is_same)
    }

    fn unsaved(&self) -> MutexGuard<'_, Option<Unsaved>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
