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
mod servers;
mod written;

use crate::report::Report;
use crate::run::Run;
use anyhow::ensure;
use futures_util::future::try_join_all;
use play::Stage;
use player::{Kind, Player};
use scenario::Scenario;
use servers::Servers;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How many flaws are shown.
const SHOWN: usize = 5;
/// How many players play at a time: many scenarios need the processor, a few mostly wait.
const BESIDE: (usize, usize) = (1, 2);
/// Of access tokens. Short, so that they end while one looks on.
const LIFETIME: Duration = Duration::from_secs(2);

pub(crate) async fn run(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    let players = player::chosen(&run.project)?;
    let beside = run.rounds(BESIDE.0, BESIDE.1);
    for servers in [
        Servers::tokenpair(run).await?,
        Servers::simple_jwt(run).await?,
    ] {
        let parts = parts(run, &servers)?;
        for players in players.chunks(beside) {
            let played = players
                .iter()
                .map(|kind| play_all(run, kind, &servers, &parts));
            let played = try_join_all(played).await?;
            for (kind, flaws) in players.iter().zip(played) {
                let found = match flaws.as_slice() {
                    [] => format!("{} scenarios", parts.len()),
                    flaws => flaws[..flaws.len().min(SHOWN)].join("\n    "),
                };
                let what = format!(
                    "{} with {}: nobody is logged out by mistake, one refresh for every expiry",
                    kind.name, servers.name
                );
                report.target(what, flaws.is_empty(), found);
            }
        }
    }
    Ok(())
}

/// What is played with these servers: the scenarios of the folder, in the order of their names, then those that chance writes.
fn parts(run: &Run, servers: &Servers) -> anyhow::Result<Vec<(Scenario, SocketAddr)>> {
    let mut scenarios = scenario::read(&run.project.root.join("clients/scenarios"))?;
    let (full, short) = servers.written;
    let count = run.rounds(full, short);
    scenarios.extend((0..count).map(|number| written::scenario(run, number)));
    let parts = scenarios
        .into_iter()
        .filter_map(|scenario| servers.of(&scenario).map(|address| (scenario, address)));
    let parts: Vec<_> = parts.collect();
    ensure!(
        !parts.is_empty(),
        "there is no scenario for {}",
        servers.name
    );
    Ok(parts)
}

/// What was wrong, each flaw with the name of its scenario.
async fn play_all(
    run: &Run,
    kind: &Kind,
    servers: &Servers,
    parts: &[(Scenario, SocketAddr)],
) -> anyhow::Result<Vec<String>> {
    let player = Arc::new(Player::start(run, kind)?);
    let room = Arc::new(Semaphore::new(servers.at_once));
    let requests = Arc::new(Semaphore::new(servers.requests.try_into()?));
    let mut playing = JoinSet::new();
    for (number, (scenario, server)) in parts.iter().enumerate() {
        let stage = Stage::new(
            player.clone(),
            *server,
            (requests.clone(), servers.requests),
            run.folder(),
            format!("{} {} {number} ", servers.name, kind.name),
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
