//! Three nodes over one PostgreSQL behind a balancer are restarted in turn. No client sees an error.

use super::balancer::{Balancer, KINDS, Kind};
use super::visitors::{Habits, USERS, Visitors, losses, rate};
use crate::databases;
use crate::nodes::{Node, Settings};
use crate::report::{Report, milliseconds, quantile};
use crate::run::Run;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use xtask::database::Store;

const NODES: usize = 3;

/// Longer than either balancer takes to notice; as `STRICT`, so that nothing hides a request that was sent twice.
const SETTINGS: Settings<'static> = &[
    ("ROTATE_REFRESH_TOKENS", "true"),
    ("BLACKLIST_AFTER_ROTATION", "true"),
    ("DRAIN_DELAY", "1s"),
];

/// How long a balancer takes to use a node again that is ready.
const SETTLE: Duration = Duration::from_millis(1200);
/// How long a node may take to stop after its drain delay, and some more.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a node that does not start is started again.
const TRIES: usize = 3;
/// One start in so many may take another try.
const STARTS_FOR_A_TRY: usize = 10;

/// After so many times the rolls that were wanted there is no hope for enough requests.
const MOST: usize = 5;

const HABITS: Habits = Habits {
    resident: 45,
    passing: 5,
    rate: 800,
};

pub(super) async fn judge(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    let database = databases::fresh(run, Store::Postgres, USERS).await?;
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(Node::start(run, &database, SETTINGS).await?);
    }
    for kind in &KINDS {
        judge_behind(run, report, kind, &mut nodes).await?;
    }
    Ok(())
}

/// As a service manager does it: a node that cannot reach its database in time is started again. How often that was.
async fn start_again(node: &mut Node) -> anyhow::Result<usize> {
    for repeated in 0..TRIES {
        if node.restart().await.is_ok() {
            return Ok(repeated);
        }
    }
    node.restart().await?;
    Ok(TRIES)
}

/// Rolls until it was often enough and there were requests enough.
async fn judge_behind(
    run: &Run,
    report: &mut Report,
    kind: &Kind,
    nodes: &mut [Node],
) -> anyhow::Result<()> {
    let (rolls, requests) = (run.rounds(10, 1), run.rounds(100_000, 5_000));
    let addresses: Vec<SocketAddr> = nodes.iter().map(Node::address).collect();
    let balancer = Balancer::start(run, kind, &addresses).await?;
    let name = kind.name;
    let began = Instant::now();
    let visitors = Visitors::start(run, name, balancer.address(), HABITS);
    let (mut rolled, mut repeated) = (0, 0);
    while rolled < rolls || (visitors.answered() < requests && rolled < MOST * rolls) {
        for node in &mut *nodes {
            sleep(SETTLE).await;
            node.terminate(PATIENCE).await?;
            repeated += start_again(node).await?;
        }
        rolled += 1;
        let answered = visitors.answered();
        println!("  {name}: {rolled} rolls, {answered} requests");
    }
    sleep(SETTLE).await;
    let mut seen = visitors.leave().await?;
    let rate = rate(seen.times.len(), began.elapsed());
    report.figure(format!("{name}: rolls of {NODES} nodes"), rolled);
    report.figure(
        format!("{name}: requests answered"),
        format!("{}, {rate} a second", seen.times.len()),
    );
    report.figure(
        format!("{name}: answers within"),
        format!(
            "{} (half), {} (99 %), {} (all)",
            milliseconds(quantile(&mut seen.times, 0.5)),
            milliseconds(quantile(&mut seen.times, 0.99)),
            milliseconds(quantile(&mut seen.times, 1.0))
        ),
    );
    judge_repeated(report, name, repeated, rolled * NODES);
    report.target(
        format!("{name}: at least {requests} requests"),
        seen.times.len() >= requests,
        seen.times.len(),
    );
    report.target(
        format!("{name}: errors that clients saw"),
        seen.lost.is_empty(),
        losses(&seen.lost),
    );
    report.target(
        format!("{name}: connections that clients did not get"),
        seen.refused == 0,
        seen.refused,
    );
    Ok(())
}

fn judge_repeated(report: &mut Report, name: &str, repeated: usize, starts: usize) {
    report.target(
        format!("{name}: tries beyond the first, at most one in {STARTS_FOR_A_TRY} starts"),
        starts > 0 && repeated * STARTS_FOR_A_TRY <= starts,
        format!("{repeated} for {starts} starts"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_that_often_need_another_try_do_not_hold() {
        for (repeated, starts, holds) in [
            (0, 3, true),
            (1, 3, false),
            (3, 30, true),
            (4, 30, false),
            (0, 0, false),
        ] {
            let mut report = Report::new("rolling", 1, true);
            judge_repeated(&mut report, "nginx", repeated, starts);
            assert_eq!(report.holds(), holds, "{repeated} of {starts}");
        }
    }
}
