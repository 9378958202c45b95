//! The three clients (`clients/`) with a real server behind a network that loses, delays and refuses.
//!
//! `clients/scenarios/README.md` tells what is played. Every scenario has a proxy of its own, so that many are played
//! beside each other and each is judged by what its proxy has seen.

mod judge;
mod network;
mod play;
mod player;
mod proxy;
mod scenario;
mod written;

use crate::databases;
use crate::nodes::{GRACE, Node, STRICT, Settings};
use crate::report::Report;
use crate::run::Run;
use anyhow::{Context as _, ensure};
use play::Stage;
use player::Player;
use scenario::{Mode, Scenario};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use xtask::database::{Database, Store};

/// Scenarios that chance writes, in the whole and in the short form.
const WRITTEN: (usize, usize) = (1000, 60);
/// How many are played at a time: they wait more than they compute.
const AT_ONCE: usize = 40;
/// How many requests are under way at a time, of all scenarios: a token should not end while it waits for the processor.
const REQUESTS: usize = 100;
/// How many flaws are shown.
const SHOWN: usize = 5;
/// Short, so that tokens expire while one looks on.
const LIFETIME: (&str, &str) = ("ACCESS_TOKEN_LIFETIME", "2s");

pub(crate) async fn run(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    let database = databases::fresh(run, Store::Sqlite, 1).await?;
    let mut nodes = Vec::new();
    let mut servers = BTreeMap::new();
    for (mode, settings) in [
        (Mode::Plain, &[][..]),
        (Mode::Strict, STRICT),
        (Mode::Grace, GRACE),
    ] {
        let node = start(run, &database, settings).await?;
        servers.insert(mode, node.address());
        nodes.push(node);
    }
    let scenarios = scenarios(run)?;
    for kind in player::chosen() {
        let player = Arc::new(Player::start(run, kind)?);
        let flaws = play_all(run, &player, &servers, &scenarios).await?;
        let found = match flaws.as_slice() {
            [] => format!("{} scenarios", scenarios.len()),
            flaws => flaws[..flaws.len().min(SHOWN)].join("\n    "),
        };
        let what = format!(
            "{}: nobody is logged out by mistake, one refresh for every expiry",
            kind.name
        );
        report.target(what, flaws.is_empty(), found);
    }
    Ok(())
}

async fn start(run: &Run, database: &Database, settings: Settings<'_>) -> anyhow::Result<Node> {
    let settings = [settings, &[LIFETIME]].concat();
    Node::start(run, database, &settings).await
}

/// Those of the folder, in the order of their names, then those that chance writes.
fn scenarios(run: &Run) -> anyhow::Result<Vec<Scenario>> {
    let mut scenarios = scenario::read(&run.project.root.join("clients/scenarios"))?;
    ensure!(!scenarios.is_empty(), "clients/scenarios has no scenario");
    let count = run.rounds(WRITTEN.0, WRITTEN.1);
    scenarios.extend((0..count).map(|number| written::scenario(run, number)));
    Ok(scenarios)
}

/// What was wrong, each flaw with the name of its scenario.
async fn play_all(
    run: &Run,
    player: &Arc<Player>,
    servers: &BTreeMap<Mode, SocketAddr>,
    scenarios: &[Scenario],
) -> anyhow::Result<Vec<String>> {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let requests = Arc::new(Semaphore::new(REQUESTS));
    let mut playing = JoinSet::new();
    for (number, scenario) in scenarios.iter().enumerate() {
        let server = *servers
            .get(&scenario.server)
            .context("a mode without a server")?;
        let stage = Stage::new(
            player.clone(),
            server,
            requests.clone(),
            run.folder(),
            number,
        );
        let (room, scenario) = (room.clone(), scenario.clone());
        playing.spawn(async move {
            let _place = room.acquire_owned().await;
            let flaws = stage.play(&scenario).await;
            let name = &scenario.name;
            flaws
                .into_iter()
                .map(|flaw| format!("{name}: {flaw}"))
                .collect::<Vec<_>>()
        });
    }
    let mut flaws = Vec::new();
    while let Some(played) = playing.join_next().await {
        flaws.extend(played?);
    }
    flaws.sort();
    Ok(flaws)
}
