//! Several servers over one fresh database.

use crate::client::{Answer, Client, Outcome};
use crate::databases::{self, PASSWORD};
use crate::nodes::{Node, Settings};
use crate::run::Run;
use anyhow::bail;
use serde_json::{Value, json};
use std::fmt;
use xtask::database::{Database, Store};

pub(crate) const OBTAIN: &str = "/api/token/";
pub(crate) const REFRESH: &str = "/api/token/refresh/";
pub(crate) const VERIFY: &str = "/api/token/verify/";
pub(crate) const BLACKLIST: &str = "/api/token/blacklist/";

/// Which database, and how many servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) store: Store,
    pub(crate) nodes: usize,
}

const SQLITE: Shape = Shape {
    store: Store::Sqlite,
    nodes: 1,
};
const POSTGRES: Shape = Shape {
    store: Store::Postgres,
    nodes: 1,
};
const POSTGRES_3: Shape = Shape {
    store: Store::Postgres,
    nodes: 3,
};

/// The shapes that must behave alike.
pub(crate) const SHAPES: [Shape; 3] = [SQLITE, POSTGRES, POSTGRES_3];
/// Of each store the one with the most servers.
pub(crate) const LARGEST: [Shape; 2] = [SQLITE, POSTGRES_3];

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, nodes } = self;
        let plural = if *nodes == 1 { "" } else { "s" };
        write!(f, "{store}, {nodes} node{plural}")
    }
}

/// Servers over one database.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) database: Database,
    pub(crate) nodes: Vec<Node>,
}

impl Fleet {
    /// Starts servers that are alike over a database with `users` users.
    pub(crate) async fn start(
        run: &mut Run,
        shape: Shape,
        users: usize,
        settings: Settings<'_>,
    ) -> anyhow::Result<Self> {
        let database = databases::fresh(run, shape.store, users).await?;
        let mut nodes = Vec::new();
        for _ in 0..shape.nodes {
            nodes.push(Node::start(run, &database, settings).await?);
        }
        Ok(Self { database, nodes })
    }

    /// Clients that are spread over the servers.
    pub(crate) fn clients(&self, count: usize) -> Vec<Client> {
        let nodes = self.nodes.iter().cycle();
        nodes.take(count).map(Node::client).collect()
    }
}

/// Simple JWT's words, with a 401, for a refresh token that was exchanged or logged out.
pub(crate) fn blacklisted() -> Value {
    json!({"detail": "Token is blacklisted", "code": "token_not_valid"})
}

/// A refresh token of `user0` and so on.
pub(crate) async fn log_in(client: &mut Client, user: usize) -> anyhow::Result<String> {
    Ok(obtain(client, user).await?.text("refresh"))
}

/// A pair of tokens of `user0` and so on.
pub(crate) async fn obtain(client: &mut Client, user: usize) -> anyhow::Result<Answer> {
    let credentials = json!({"username": format!("user{user}"), "password": PASSWORD});
    match client.post(OBTAIN, &credentials).await {
        Outcome::Answered(answer) if answer.status == 200 => Ok(answer),
        other => bail!("no log-in: {other:?}"),
    }
}

/// Sends a refresh token to `REFRESH` or `BLACKLIST`, where an answer must come.
pub(crate) async fn present(
    client: &mut Client,
    path: &str,
    token: &str,
) -> anyhow::Result<Answer> {
    match client.post(path, &json!({"refresh": token})).await {
        Outcome::Answered(answer) => Ok(answer),
        other => bail!("no answer from {path}: {other:?}"),
    }
}
