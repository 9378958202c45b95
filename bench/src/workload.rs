//! The workloads: what is asked, of whom, and what the issue wants of it.

use crate::conversation::{Conversation, Requests, body, chains, get, post};
use crate::database::Records;
use crate::server::{Hasher, Mode, Peer};
use crate::targets::Targets;
use crate::tokens::{Kind, Mint};
use xtask::database::Store;

pub(crate) const VERIFY: &str = "/api/token/verify/";
pub(crate) const REFRESH: &str = "/api/token/refresh/";
pub(crate) const BLACKLIST: &str = "/api/token/blacklist/";
pub(crate) const OBTAIN: &str = "/api/token/";
const ME: &str = "/api/me/";
const STATELESS: &str = "/api/stateless/";

/// Connections of a closed loop.
pub(crate) const CONNECTIONS: usize = 64;
/// Different tokens of a workload that uses tokens again.
const TOKENS: usize = 1000;
/// Used up a second at most: so many tokens are minted beforehand.
const MOST_USED: f64 = 50_000.0;
/// From one user to the next, so that neighbours are not asked for together. It shares no divisor with their number.
const STRIDE: usize = 61_803;
/// The password of all users where one is needed.
pub(crate) const PASSWORD: &str = "a password for the benchmark";

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Verify,
    Stateless,
    Me,
    Refresh,
    /// Refresh with rotation: each connection walks along chains of its own.
    Rotate,
    /// Each token once.
    Blacklist,
    /// Log-ins with a right password.
    Obtain,
}

/// Something to measure.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    /// The issue's letter.
    pub(crate) id: &'static str,
    pub(crate) about: String,
    pub(crate) ask: Ask,
    /// Where users and tokens are; without one for workloads that need neither.
    pub(crate) store: Store,
    /// Tokens on record beforehand.
    pub(crate) rows: usize,
    pub(crate) mode: Mode,
    pub(crate) connections: usize,
    pub(crate) peers: Vec<Peer>,
    /// The encoded password of all users.
    pub(crate) password: Option<&'static str>,
    pub(crate) targets: Targets,
    /// Whether one round has to do.
    pub(crate) is_brief: bool,
    /// Whether open loops follow.
    pub(crate) is_paced: bool,
}

impl Workload {
    /// Whether an answer takes long enough to need no warming up.
    pub(crate) fn is_slow(&self) -> bool {
        let is_fast = |hasher: Hasher| hasher.rounds == Some(1) || hasher.name == "md5";
        self.ask == Ask::Obtain && !self.mode.hasher.is_some_and(is_fast)
    }

    pub(crate) fn records(&self) -> Records {
        Records {
            rows: self.rows,
            expired: 0,
        }
    }

    /// Its letter, if it adds records to databases that others read, too. To make ten million again takes minutes, and
    /// there what the others add is next to nothing.
    pub(crate) fn writer(&self) -> &'static str {
        let writes = matches!(self.ask, Ask::Rotate | Ask::Blacklist | Ask::Obtain);
        if writes && self.rows < SHARED_ROWS {
            self.id
        } else {
            ""
        }
    }

    /// What each connection says to this server for at most `seconds`.
    pub(crate) fn conversations(
        &self,
        peer: Peer,
        mint: &mut Mint,
        seconds: f64,
    ) -> Vec<Conversation> {
        let connections = self.connections;
        let all = |conversation: Conversation| vec![conversation; connections];
        let users = spread(self.records().users());
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "some hundred thousand"
        )]
        let most = (seconds * MOST_USED) as usize;
        match self.ask {
            Ask::Verify => all(again(users, |user| {
                post(
                    VERIFY,
                    &body("token", mint.mint(Kind::Access, user).as_bytes()),
                )
            })),
            Ask::Stateless => all(again(users, |user| {
                get(STATELESS, &mint.mint(Kind::Access, user))
            })),
            Ask::Me => all(again(users, |user| get(ME, &mint.mint(Kind::Access, user)))),
            Ask::Refresh => all(again(users, |user| {
                post(
                    REFRESH,
                    &body("refresh", mint.mint(Kind::Refresh, user).as_bytes()),
                )
            })),
            Ask::Rotate => {
                let firsts = users.take(connections + chains(most));
                all(rotate(mint, firsts))
            }
            Ask::Blacklist => {
                let request = |user| {
                    post(
                        BLACKLIST,
                        &body("refresh", mint.mint(Kind::Refresh, user).as_bytes()),
                    )
                };
                if !peer.has_store() {
                    return all(again(users, request));
                }
                let requests = Requests::new(users.take(most).map(request));
                all(Conversation::Once(requests))
            }
            Ask::Obtain => all(again(users, |user| {
                let credentials = format!(r#"{{"username":"user{user}","password":"{PASSWORD}"}}"#);
                post(OBTAIN, credentials.as_bytes())
            })),
        }
    }
}

/// Rotates tokens of these users.
pub(crate) fn rotate(mint: &mut Mint, users: impl Iterator<Item = usize>) -> Conversation {
    let first = |user| mint.mint(Kind::Refresh, user).into_bytes();
    Conversation::chain(REFRESH, users.map(first))
}

/// All users over and over, in an order that jumps about.
pub(crate) fn spread(users: usize) -> impl Iterator<Item = usize> {
    (0..users).cycle().map(move |i| i * STRIDE % users + 1)
}

fn again(
    users: impl Iterator<Item = usize>,
    request: impl FnMut(usize) -> Vec<u8>,
) -> Conversation {
    Conversation::Again(Requests::new(users.take(TOKENS).map(request)))
}

/// Tokens on record before workloads that change them.
const ROWS: [usize; 4] = [0, 100_000, 1_000_000, 10_000_000];
/// With so many of them on record Django is measured, too, in the full form; and always with none.
const COMPARED_ROWS: usize = 1_000_000;
/// With so many of them workloads that write share a database.
const SHARED_ROWS: usize = 10_000_000;
/// Of these in the short form.
const SHORT_ROWS: usize = 3;

/// All workloads, in the order of the issue.
pub(crate) fn all(is_full: bool) -> Vec<Workload> {
    use Store::{Postgres, Sqlite};
    let mut all = vec![
        workload("V", "verify, no blacklist", Ask::Verify, Sqlite)
            .without_blacklist()
            .beside_hyper()
            .targets(Targets::default().axum(0.9).stretch("0.75×").django(110.0)),
        workload("V", "verify, blacklist, SQLite", Ask::Verify, Sqlite)
            .targets(Targets::default().axum(1.15).stretch("0.9×").django(90.0)),
        workload("V", "verify, blacklist, PostgreSQL", Ask::Verify, Postgres),
        workload("S", "stateless GET", Ask::Stateless, Sqlite)
            .without_blacklist()
            .by_the_library()
            .targets(Targets::default().axum(0.9).stretch("0.75×").django(40.0)),
        workload("A", "GET with user look-up, SQLite", Ask::Me, Sqlite)
            .targets(Targets::default().axum(1.15).stretch("0.9×").django(80.0)),
        workload("A", "GET with user look-up, PostgreSQL", Ask::Me, Postgres)
            .targets(Targets::default().django(25.0)),
        workload("R0", "refresh, SQLite", Ask::Refresh, Sqlite)
            .targets(Targets::default().axum(1.2).stretch("0.9×").django(110.0)),
        workload("R0", "refresh, PostgreSQL", Ask::Refresh, Postgres)
            .targets(Targets::default().django(40.0)),
    ];
    for (id, what, ask) in [
        ("R1", "refresh with rotation", Ask::Rotate),
        ("B", "blacklist", Ask::Blacklist),
    ] {
        let sizes = if is_full { ROWS.len() } else { SHORT_ROWS };
        for (store, cpu, rate) in [(Sqlite, 100.0, 60.0), (Postgres, 60.0, 40.0)] {
            for rows in ROWS.into_iter().take(sizes) {
                let about = format!("{what}, {store}, {} rows", count(rows));
                let mut targets = Targets::default();
                if store == Sqlite {
                    targets = Targets::default().axum(5.0).stretch("16 µs");
                }
                if rows == 0 {
                    targets = targets.django(cpu).django_rate(rate);
                }
                let mut durable = workload(id, &about, ask, store).rows(rows).targets(targets);
                durable.mode.rotates = ask == Ask::Rotate;
                durable.is_paced = ask == Ask::Rotate && rows == 0;
                // Django's rows cost minutes to make, and the short form has five.
                if rows > 0 && (!is_full || rows != COMPARED_ROWS) {
                    durable.peers.retain(|peer| *peer != Peer::Django);
                }
                if store == Postgres && rows > 0 && !is_full {
                    continue;
                }
                all.push(durable);
            }
        }
    }
    all.extend(crate::logins::all(is_full));
    all
}

/// A number as people write it.
pub(crate) fn count(rows: usize) -> String {
    let digits = rows.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(",")
}

pub(crate) fn workload(id: &'static str, about: &str, ask: Ask, store: Store) -> Workload {
    Workload {
        id,
        about: about.to_owned(),
        ask,
        store,
        rows: 0,
        mode: Mode {
            has_blacklist: true,
            ..Mode::default()
        },
        connections: CONNECTIONS,
        peers: vec![Peer::Tokenpair, Peer::Axum, Peer::Django],
        password: None,
        targets: Targets::default(),
        is_brief: false,
        is_paced: false,
    }
}

impl Workload {
    fn without_blacklist(mut self) -> Self {
        self.mode.has_blacklist = false;
        self
    }

    fn beside_hyper(mut self) -> Self {
        self.peers.insert(2, Peer::Hyper);
        self
    }

    fn by_the_library(mut self) -> Self {
        self.peers[0] = Peer::TokenpairStateless;
        self
    }

    fn rows(mut self, rows: usize) -> Self {
        self.rows = rows;
        self
    }

    /// Log-ins: only Django has them, too.
    pub(crate) fn log_ins(
        mut self,
        hasher: Option<Hasher>,
        password: &'static str,
        connections: usize,
    ) -> Self {
        self.mode.hasher = hasher;
        self.password = Some(password);
        self.connections = connections;
        self.peers = vec![Peer::Tokenpair, Peer::Django];
        self
    }

    pub(crate) fn targets(mut self, targets: Targets) -> Self {
        self.targets = targets;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_groups() {
        assert_eq!(
            [0, 999, 1000, 10_000_000].map(count),
            ["0", "999", "1,000", "10,000,000"]
        );
    }

    #[test]
    fn users_jump_about_and_each_has_its_turn() {
        for count in [1000, 100_000] {
            let mut users: Vec<usize> = spread(count).take(count).collect();
            assert!(users[0].abs_diff(users[1]) > 100);
            users.sort_unstable();
            assert!(users.into_iter().eq(1..=count));
        }
    }

    #[test]
    fn every_letter_of_the_issue_has_its_workloads() {
        let letters = |is_full| {
            let mut letters: Vec<&str> = all(is_full).iter().map(|workload| workload.id).collect();
            letters.dedup();
            letters
        };
        assert_eq!(letters(false), ["V", "S", "A", "R0", "R1", "B", "O", "O1"]);
        assert_eq!(letters(true), letters(false));
    }
}
