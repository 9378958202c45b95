//! `ready`: a server that was killed is ready again within two seconds, also with a million tokens on record.

use crate::client::Client;
use crate::databases::{Database, Kind};
use crate::fleet::{REFRESH, Shape, log_in, present};
use crate::nodes::{Node, STRICT};
use crate::report::{Report, milliseconds, quantile};
use crate::run::Run;
use anyhow::ensure;
use std::fs;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

const ROWS: (usize, usize) = (1_000_000, 20_000);
const KILLS: (usize, usize) = (20, 2);
const WORKERS: usize = 8;
const READY: Duration = Duration::from_secs(2);

const SHAPES: [Shape; 2] = [
    Shape {
        kind: Kind::Sqlite,
        nodes: 1,
    },
    Shape {
        kind: Kind::Postgres,
        nodes: 3,
    },
];

pub(crate) async fn run(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    for shape in SHAPES {
        judge(run, report, shape).await?;
    }
    Ok(())
}

async fn judge(run: &mut Run, report: &mut Report, shape: Shape) -> anyhow::Result<()> {
    let rows = run.rounds(ROWS.0, ROWS.1);
    let database = Database::fresh(run, shape.kind, 1).await?;
    let start = Instant::now();
    fill(&database, shape.kind, rows).await?;
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
        let traffic = traffic(&nodes);
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
    if shape.kind == Kind::Sqlite {
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
    if shape.kind == Kind::Postgres {
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
    let traffic = traffic(nodes);
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

/// Log-ins and refreshes, by each worker until its server goes away or this is dropped.
fn traffic(nodes: &[Node]) -> JoinSet<anyhow::Result<()>> {
    let mut workers = JoinSet::new();
    for node in nodes.iter().cycle().take(WORKERS) {
        workers.spawn(work(node.client()));
    }
    workers
}

async fn work(mut client: Client) -> anyhow::Result<()> {
    loop {
        let token = log_in(&mut client, 0).await?;
        present(&mut client, REFRESH, &token).await?;
    }
}

/// So many living tokens of one user; half of them were exchanged for the next.
async fn fill(database: &Database, kind: Kind, rows: usize) -> anyhow::Result<()> {
    let (numbers, [jti, next], text) = match kind {
        Kind::Sqlite => (
            format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
            ),
            ["printf('%032x', i)", "printf('%032x', i + 1)"],
            "hex(randomblob(100))",
        ),
        Kind::Postgres => (
            format!("WITH n AS (SELECT i FROM generate_series(1, {rows}) i)"),
            ["lpad(to_hex(i), 32, '0')", "lpad(to_hex(i + 1), 32, '0')"],
            "repeat(md5(i::text), 6)",
        ),
    };
    for sql in [
        format!(
            "{numbers} INSERT INTO token_blacklist_outstandingtoken (token, created_at, expires_at, user_id, jti)
             SELECT {text}, '2026-01-01', '2100-01-01', 1, {jti} FROM n"
        ),
        "INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
         SELECT '2026-01-01', id FROM token_blacklist_outstandingtoken WHERE id % 2 = 0"
            .to_owned(),
        format!(
            "{numbers} INSERT INTO tokenpair_rotation
                (parent_jti, line_id, successor_jti, successor_iat, successor_exp, parent_exp, rotated_at)
             SELECT {jti}, {jti}, {next}, 1, 4102444800, 4102444800, 1 FROM n WHERE i % 2 = 0"
        ),
    ] {
        database.query(&sql).await?;
    }
    if kind == Kind::Postgres {
        database.query("CHECKPOINT").await?;
        database.query("ANALYZE").await?;
    }
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
