//! A client that does a bit of everything, whatever happens to its servers, and writes down what it was told.

use super::journal::{Change, Fate, Journal, Said, Token};
use crate::client::Client;
use crate::databases::PASSWORD;
use crate::fleet::{BLACKLIST, OBTAIN, REFRESH, VERIFY};
use crate::jwt::jti;
use fastrand::Rng;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::sleep;

/// Where nobody listens, or everybody says 503, asking again at once is no use.
const PAUSE: Duration = Duration::from_millis(20);
/// A client with so many good tokens does not log in again.
const ENOUGH: usize = 20;

#[derive(Debug)]
pub(super) struct Worker {
    user: String,
    /// One for each server.
    clients: Vec<Client>,
    random: Rng,
    journal: Journal,
    /// Where in the journal the good tokens are, and those that are used up.
    living: Vec<usize>,
    used_up: Vec<usize>,
}

impl Worker {
    pub(super) fn new(user: usize, clients: Vec<Client>, random: Rng) -> Self {
        Self {
            user: format!("user{user}"),
            clients,
            random,
            journal: Journal::default(),
            living: Vec::new(),
            used_up: Vec::new(),
        }
    }

    /// Works until it is told to stop; yields the journal.
    pub(super) async fn work(mut self, is_over: Arc<AtomicBool>) -> Journal {
        while !is_over.load(Relaxed) {
            let kind = self.random.u8(0..100);
            match kind {
                0..15 if self.living.len() < ENOUGH => self.obtain().await,
                15..65 => self.change(Change::Exchange).await,
                65..75 => self.change(Change::LogOut).await,
                75..88 => self.look(VERIFY, "token", true).await,
                88..94 => self.look(VERIFY, "token", false).await,
                94.. => self.look(REFRESH, "refresh", false).await,
                _ => {}
            }
        }
        self.journal
    }

    async fn send(&mut self, path: &str, body: serde_json::Value) -> Said {
        let Some(client) = self.random.choice(&mut self.clients) else {
            return Said::NotSent;
        };
        let said = Said::of(client.post(path, &body).await);
        match &said {
            Said::Done(_) | Said::UsedUp => self.journal.acknowledged += 1,
            Said::Unknown => {
                self.journal.unknown += 1;
                sleep(PAUSE).await;
            }
            Said::NotSent => sleep(PAUSE).await,
            Said::Wrong(answer) => self.journal.flaws.push(format!("{path} answered {answer}")),
        }
        said
    }

    async fn obtain(&mut self) {
        let credentials = json!({"username": self.user, "password": PASSWORD});
        match self.send(OBTAIN, credentials).await {
            Said::Done(answer) => self.keep(answer.text("refresh")),
            Said::UsedUp => self.flaw("a log-in was answered as a used-up token"),
            Said::Unknown | Said::NotSent | Said::Wrong(_) => {}
        }
    }

    /// Uses up a good token. One with an unknown fate is left alone until the end: the server, or its database, may
    /// still be at it.
    async fn change(&mut self, change: Change) {
        if self.living.is_empty() {
            return self.obtain().await;
        }
        let place = self
            .living
            .swap_remove(self.random.usize(0..self.living.len()));
        let path = match change {
            Change::Exchange => REFRESH,
            Change::LogOut => BLACKLIST,
        };
        let body = json!({"refresh": self.journal.tokens[place].raw});
        let fate = match (self.send(path, body).await, change) {
            (Said::Done(answer), Change::Exchange) => {
                let successor = answer.text("refresh");
                let fate = Fate::Exchanged(jti(&successor));
                self.keep(successor);
                fate
            }
            (Said::Done(_), Change::LogOut) => Fate::LoggedOut,
            (Said::Unknown | Said::Wrong(_), _) => Fate::Unknown(change),
            (Said::NotSent, _) => Fate::Living,
            // Its fate stays that of a good token, so the end of the run will judge it, too.
            (Said::UsedUp, _) => return self.flaw("a good token was refused as used up"),
        };
        match fate {
            Fate::Living => self.living.push(place),
            Fate::Exchanged(_) | Fate::LoggedOut => self.used_up.push(place),
            Fate::Unknown(_) => {}
        }
        self.journal.tokens[place].fate = fate;
    }

    /// Asks about a token whose fate is known.
    async fn look(&mut self, path: &str, field: &str, is_living: bool) {
        let places = if is_living {
            &self.living
        } else {
            &self.used_up
        };
        let Some(place) = self.random.choice(places).copied() else {
            return;
        };
        let mut body = json!({});
        body[field] = self.journal.tokens[place].raw.clone().into();
        match (self.send(path, body).await, is_living) {
            (Said::UsedUp, true) => self.flaw("a good token was found used up"),
            (Said::Done(_), false) => self.flaw("a used-up token was found good"),
            _ => {}
        }
    }

    fn keep(&mut self, raw: String) {
        self.living.push(self.journal.tokens.len());
        let fate = Fate::Living;
        self.journal.tokens.push(Token { raw, fate });
    }

    fn flaw(&mut self, what: &str) {
        self.journal.flaws.push(what.to_owned());
    }
}
