//! What is left when the crashes are over: rows, and answers about every token that was ever handed out.

use super::journal::{Fate, Journal, Said, Token};
use super::judge::{self, Broken, Doors, Rows};
use crate::client::Client;
use crate::databases::Sql as _;
use crate::fleet::{Fleet, REFRESH, VERIFY};
use crate::jwt::jti;
use anyhow::bail;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;
use xtask::database::Database;

const RECORDED: &str = "SELECT jti FROM token_blacklist_outstandingtoken";
const BLACKLISTED: &str = "SELECT o.jti FROM token_blacklist_blacklistedtoken b \
                           LEFT JOIN token_blacklist_outstandingtoken o ON b.token_id = o.id";
const EXCHANGES: &str = "SELECT parent_jti, successor_jti FROM tokenpair_rotation";
/// Statements of servers that are gone.
const UNFINISHED: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                          AND pid <> pg_backend_pid() AND state <> 'idle'";
const POLL: Duration = Duration::from_millis(20);
/// How many ask at once.
const CLIENTS: usize = 16;

/// How many tokens were judged, and which promises were broken.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) tokens: usize,
    /// Kinds of broken promises, how often, and a token for each.
    pub(super) broken: BTreeMap<String, (usize, String)>,
    /// How many of the unknown operations had been done.
    pub(super) done: usize,
}

impl Findings {
    fn add(&mut self, jti: &str, judged: Result<(), Broken>) {
        if let Err(broken) = judged {
            let first = (0, jti.to_owned());
            self.broken.entry(format!("{broken:?}")).or_insert(first).0 += 1;
        }
    }

    /// How many promises of a kind were broken, such as `Revived`.
    pub(super) fn count(&self, kind: &str) -> usize {
        let of_kind = self
            .broken
            .iter()
            .filter(|(name, _)| name.starts_with(kind));
        of_kind.map(|(_, (count, _))| count).sum()
    }
}

/// Judges every token of the journal.
pub(super) async fn judge(fleet: &Fleet, journal: &Journal) -> anyhow::Result<Findings> {
    let rows = Arc::new(read(&fleet.database).await?);
    let mut findings = Findings::default();
    findings.add("", judge::rows(&rows));
    let share = journal.tokens.len().div_ceil(CLIENTS).max(1);
    let mut tasks = JoinSet::new();
    for (tokens, client) in journal.tokens.chunks(share).zip(fleet.clients(CLIENTS)) {
        tasks.spawn(ask(client, tokens.to_vec()));
    }
    for answered in tasks.join_all().await {
        for (token, doors) in answered? {
            let jti = jti(&token.raw);
            findings.tokens += 1;
            let is_unknown = matches!(token.fate, Fate::Unknown(_));
            findings.done += usize::from(is_unknown && rows.blacklisted.contains(&jti));
            findings.add(&jti, judge::token(&jti, &token.fate, &rows, doors));
        }
    }
    Ok(findings)
}

/// What the doors say about tokens. Good ones are used up by that.
async fn ask(mut client: Client, tokens: Vec<Token>) -> anyhow::Result<Vec<(Token, Doors)>> {
    let mut answered = Vec::new();
    for token in tokens {
        let verify = is_let_in(&mut client, VERIFY, "token", &token.raw).await?;
        let refresh = is_let_in(&mut client, REFRESH, "refresh", &token.raw).await?;
        answered.push((token, Doors { verify, refresh }));
    }
    Ok(answered)
}

async fn is_let_in(
    client: &mut Client,
    path: &str,
    field: &str,
    token: &str,
) -> anyhow::Result<bool> {
    match Said::of(client.post(path, &json!({field: token})).await) {
        Said::Done(_) => Ok(true),
        Said::UsedUp => Ok(false),
        other => bail!("after all crashes {path} answered {other:?}"),
    }
}

/// The rows, once nobody changes them any more.
async fn read(database: &Database) -> anyhow::Result<Rows> {
    if let Database::Postgres(_) = database {
        while database.number(UNFINISHED).await? > 0 {
            sleep(POLL).await;
        }
    }
    let [recorded, blacklisted, exchanges] = [RECORDED, BLACKLISTED, EXCHANGES];
    let exchanges = database.query(exchanges).await?.into_iter();
    let pair = |row: Vec<String>| {
        let mut row = row.into_iter();
        Some((row.next()?, row.next()?))
    };
    Ok(Rows {
        recorded: database
            .query(recorded)
            .await?
            .into_iter()
            .flatten()
            .collect(),
        blacklisted: database
            .query(blacklisted)
            .await?
            .into_iter()
            .flatten()
            .collect(),
        exchanges: exchanges.filter_map(pair).collect(),
    })
}
