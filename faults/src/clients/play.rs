//! Plays a scenario with a player, and tells what was wrong.

use super::judge;
use super::network::Network;
use super::player::Player;
use super::proxy::Proxy;
use super::scenario::{Request, Scenario, Step};
use crate::databases::PASSWORD;
use anyhow::ensure;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};

/// Until every clock of the machine agrees that a token has ended.
const SURELY: Duration = Duration::from_millis(100);

/// Where one scenario is played.
#[derive(Debug)]
pub(super) struct Stage {
    player: Arc<Player>,
    server: SocketAddr,
    /// A permit for each request that is under way, in all scenarios.
    requests: Arc<Semaphore>,
    /// How many of them there are.
    most: u32,
    folder: PathBuf,
    /// Makes the names of its clients and their storages its own.
    prefix: String,
    network: Arc<Network>,
}

impl Stage {
    pub(super) fn new(
        player: Arc<Player>,
        server: SocketAddr,
        (requests, most): (Arc<Semaphore>, u32),
        folder: &Path,
        prefix: String,
    ) -> Self {
        Self {
            player,
            server,
            requests,
            most,
            folder: folder.to_owned(),
            prefix,
            network: Arc::default(),
        }
    }

    pub(super) async fn play(&self, scenario: &Scenario) -> Vec<String> {
        let proxy = match Proxy::before(self.server, self.network.clone()).await {
            Ok(proxy) => proxy,
            Err(error) => return vec![format!("{error:#}")],
        };
        let mut flaws = Vec::new();
        for (number, step) in scenario.steps.iter().enumerate() {
            if let Err(error) = self.step(step, proxy.address).await {
                flaws.push(format!("step {}, {step:?}: {error:#}", number + 1));
                break;
            }
        }
        self.close(scenario).await;
        if flaws.is_empty() {
            flaws = judge::judge(&self.network.state(), scenario.exchanges);
        }
        flaws
    }

    async fn step(&self, step: &Step, proxy: SocketAddr) -> anyhow::Result<()> {
        match step {
            Step::Fault { path, faults } => {
                let mut state = self.network.state();
                state.faults.entry(*path).or_default().extend(faults);
            }
            Step::Outage { begins } => self.network.state().is_out = *begins,
            Step::Expire => {
                let end = self.network.all_expired();
                let end = end.map_or_else(Instant::now, Instant::from_std);
                sleep_until(end + SURELY).await;
            }
            Step::Request(request) => self.together(slice::from_ref(request)).await?,
            Step::Together { requests } => self.together(requests).await?,
            Step::Open { client, .. }
            | Step::Login { client }
            | Step::Logout { client, .. }
            | Step::State { client, .. }
            | Step::Close { client } => {
                let (request, expected) = self.said_and_expected(step, proxy);
                let answer = self.call(client, request).await?;
                let mut members = expected.as_object().into_iter().flatten();
                let is_so = members.all(|(name, value)| answer[name] == *value);
                ensure!(is_so && answer["error"].is_null(), "{answer}");
            }
        }
        Ok(())
    }

    /// What a client is told, and what its answer must hold.
    fn said_and_expected(&self, step: &Step, proxy: SocketAddr) -> (Value, Value) {
        match step {
            Step::Open {
                storage,
                clock,
                patience,
                ..
            } => {
                let file = |name| self.folder.join(format!("{}{name}.json", self.prefix));
                let (url, storage) = (format!("http://{proxy}/api"), storage.as_ref().map(file));
                let open = json!({"do": "open", "base_url": url, "clock": clock, "storage": storage, "patience": patience});
                (open, json!({}))
            }
            Step::Login { .. } => {
                let login = json!({"do": "login", "username": "user0", "password": PASSWORD});
                (login, json!({"status": 200}))
            }
            Step::Logout { revoked, .. } => (json!({"do": "logout"}), json!({"revoked": revoked})),
            Step::State {
                logged_in, logouts, ..
            } => (
                json!({"do": "state"}),
                json!({"logged_in": logged_in, "logouts": logouts}),
            ),
            _ => (json!({"do": "close"}), json!({})),
        }
    }

    async fn together(&self, requests: &[Request]) -> anyhow::Result<()> {
        let count: usize = requests.iter().map(|request| request.count).sum();
        let count = u32::try_from(count)?.min(self.most);
        let _permits = self.requests.acquire_many(count).await?;
        let all = requests.iter().map(|request| self.request(request));
        futures_util::future::try_join_all(all).await.map(drop)
    }

    async fn request(&self, request: &Request) -> anyhow::Result<()> {
        let Request {
            client,
            method,
            body,
            stream,
            abort_after,
            count,
            expect,
        } = request;
        let answer = self.call(client, json!({
            "do": "request", "method": method, "path": "/me/", "body": body, "stream": stream,
            "abort_after": abort_after, "count": count,
        })).await?;
        let results = ["statuses", "errors"]
            .into_iter()
            .flat_map(|list| answer[list].as_array().cloned().unwrap_or_default());
        let results: Vec<String> = results
            .map(|result| {
                result
                    .as_str()
                    .map_or_else(|| result.to_string(), str::to_owned)
            })
            .collect();
        ensure!(results.len() == *count, "{count} requests came to {answer}");
        ensure!(results.iter().all(|result| result == expect), "{answer}");
        Ok(())
    }

    async fn call(&self, client: &str, mut request: Value) -> anyhow::Result<Value> {
        request["client"] = json!(format!("{}{client}", self.prefix));
        if let Some(members) = request.as_object_mut() {
            members.retain(|name, value| name == "storage" || !value.is_null());
        }
        self.player.call(request).await
    }

    /// Drops the clients that the scenario has opened, also after a flaw.
    async fn close(&self, scenario: &Scenario) {
        let opened = scenario.steps.iter().filter_map(|step| match step {
            Step::Open { client, .. } => Some(client.as_str()),
            _ => None,
        });
        for client in opened.collect::<BTreeSet<_>>() {
            // One that was closed by the scenario is unknown, which is told and harms nothing.
            let _ = self.call(client, json!({"do": "close"})).await;
        }
    }
}
