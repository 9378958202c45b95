//! `ready`: a server that was killed is ready again within two seconds, also with a million tokens on record.

use crate::databases;
use crate::fleet::{LARGEST, REFRESH, Shape, log_in, present};
use crate::nodes::{Node, STRICT};
use crate::report::{Report, milliseconds, quantile};
use crate::run::Run;
use crate::traffic::{Traffic, fill};
use anyhow::ensure;
use std::fs;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use xtask::database::{Database, Store};

const ROWS: (usize, usize) = (1_000_000, 20_000);
const KILLS: (usize, usize) = (20, 2);
const READY: Duration = Duration::from_secs(2);

pub(crate) async fn run(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    for shape in LARGEST {
        judge(run, report, shape).await?;
    }
    Ok(())
}

async fn judge(run: &mut Run, report: &mut Report, shape: Shape) -> anyhow::Result<()> {
    let rows = run.rounds(ROWS.0, ROWS.1);
    let database = databases::fresh(run, shape.store, 1).await?;
    let start = Instant::now();
    fill(&database, shape.store, 0, rows).await?;
    println!(
        "{shape}: {rows} tokens on record after {:.1} s",
        start.elapsed().as_secs_f64()
    );
    let mut nodes = Vec::new();
    for _ in 0..shape.nodes {
        nodes.push(Node::start(run, &database, STRICT).await?);
    }
    let mut random = run.random(&shape.to_string());
    let (mut ready, mut answered, mut left) = (Vec::new(), Vec::new(), 0);
    for _ in 0..run.rounds(KILLS.0, KILLS.1) {
        let token = log_in(&mut nodes[0].client(), 0).await?;
        let traffic = Traffic::start(&nodes);
        sleep(Duration::from_millis(random.u64(100..500))).await;
        let node = random.usize(..nodes.len());
        let node = &mut nodes[node];
        node.kill()?;
        left = left.max(log_size(&database));
        let start = Instant::now();
        ready.push(node.restart().await?);
        let answer = present(&mut node.client(), REFRESH, &token).await?;
        answered.push(start.elapsed());
        ensure!(answer.status == 200, "{} for a refresh", answer.status);
        drop(traffic);
    }
    if shape.store == Store::Sqlite {
        report.figure(
            format!("{shape}, largest log left behind"),
            format!("{left} bytes"),
        );
    }
    for share in [0.5, 1.0] {
        let time = milliseconds(quantile(&mut answered, share));
        report.figure(format!("{shape}, refreshed after, {share} of times"), time);
    }
    report.target_at_most(
        format!("{shape}, {rows} tokens, ready after kill -9"),
        READY,
        quantile(&mut ready, 1.0),
    );
    if shape.store == Store::Postgres {
        after_the_database(run, report, &mut nodes).await?;
    }
    Ok(())
}

/// PostgreSQL itself is killed. How long it takes to be back is its own affair, and a figure.
async fn after_the_database(
    run: &mut Run,
    report: &mut Report,
    nodes: &mut [Node],
) -> anyhow::Result<()> {
    let traffic = Traffic::start(nodes);
    sleep(Duration::from_millis(500)).await;
    let start = Instant::now();
    run.postgres()?.kill()?;
    run.restart_postgres()?;
    let back = Instant::now();
    for node in nodes {
        node.await_ready().await?;
    }
    drop(traffic);
    report.figure("PostgreSQL was away for", milliseconds(back - start));
    report.target_at_most(
        "all nodes ready after PostgreSQL is back",
        READY,
        back.elapsed(),
    );
    Ok(())
}

/// What SQLite has not brought into its file.
fn log_size(database: &Database) -> u64 {
    match database {
        Database::Sqlite(path) => {
            let log = format!("{}-wal", path.display());
            fs::metadata(log).map_or(0, |about| about.len())
        }
        Database::Postgres(_) => 0,
    }
}
