//! One server under load is told to stop, over and over. Whatever was sent to it is answered, and it ends soon.

use super::visitors::{Habits, USERS, Visitors, losses, rate};
use crate::databases;
use crate::nodes::{Node, STRICT};
use crate::report::{Report, milliseconds, quantile};
use crate::run::Run;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::sleep;
use xtask::database::Store;

/// How long a server may take to end.
const LIMIT: Duration = Duration::from_secs(10);
/// Beyond this it is killed.
const PATIENCE: Duration = Duration::from_secs(30);

const HABITS: Habits = Habits {
    resident: 40,
    passing: 10,
    rate: 600,
};

/// Requests of which only the first half has been sent when the server is told to stop, each time.
const BEGUN: usize = 4;
/// How long they take for the second half, at most. The server gives them 10 s.
const PAUSE: Duration = Duration::from_millis(1500);

pub(super) async fn judge(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    let rounds = run.rounds(50, 8);
    let database = databases::fresh(run, Store::Sqlite, USERS).await?;
    let mut node = Node::start(run, &database, STRICT).await?;
    let mut random = run.random("stops");
    let visitors = Visitors::start(run, "stops", node.address(), HABITS);
    let (mut running, mut served) = (Duration::ZERO, 0);
    let (mut ends, mut failures, mut halves) = (Vec::new(), 0, Halves::default());
    for round in 1..=rounds {
        let (began, before) = (Instant::now(), visitors.answered());
        sleep(Duration::from_millis(random.u64(300..1200))).await;
        let mut halfway = JoinSet::new();
        for _ in 0..BEGUN {
            let half = Half::begin(node.address()).await?;
            halfway.spawn(half.finish(PAUSE.mul_f64(random.f64())));
        }
        running += began.elapsed();
        served += visitors.answered() - before;
        let told = Instant::now();
        let status = node.terminate(PATIENCE).await?;
        ends.push(told.elapsed());
        failures += usize::from(!status.success());
        for half in halfway.join_all().await {
            halves.count(half);
        }
        node.restart().await?;
        if round % 10 == 0 {
            println!("  {round} of {rounds} stops");
        }
    }
    let mut seen = visitors.leave().await?;
    report.figure("stops", rounds);
    report.figure("requests answered", seen.times.len());
    report.figure("requests a second while it ran", rate(served, running));
    report.figure(
        "answers within",
        format!(
            "{} (99 %), {} (all)",
            milliseconds(quantile(&mut seen.times, 0.99)),
            milliseconds(quantile(&mut seen.times, 1.0))
        ),
    );
    report.figure("requests begun before and ended after", halves.answered);
    report.figure("not sent, as nobody listened", seen.refused);
    let enough = seen.times.len() >= rounds * 100;
    report.target(
        "there were requests to lose",
        enough && halves.answered > 0,
        seen.times.len(),
    );
    report.target(
        "requests without their answer",
        seen.lost.is_empty(),
        losses(&seen.lost),
    );
    report.target(
        "half requests without their answer",
        halves.lost.is_empty(),
        losses(&halves.lost),
    );
    report.target_at_most("the slowest stop", LIMIT, quantile(&mut ends, 1.0));
    report.target(
        "stops with another exit status than 0",
        failures == 0,
        failures,
    );
    Ok(())
}

/// What became of the half requests.
#[derive(Debug, Default)]
struct Halves {
    answered: usize,
    lost: Vec<String>,
}

impl Halves {
    fn count(&mut self, answer: anyhow::Result<String>) {
        match answer {
            Ok(answer) if answer.starts_with("HTTP/1.1 401 ") => self.answered += 1,
            Ok(answer) => self.lost.push(answer),
            Err(error) => self.lost.push(error.to_string()),
        }
    }
}

/// A request of which a part has been sent.
struct Half(TcpStream);

impl Half {
    const FIRST: &'static str = "POST /api/token/verify/ HTTP/1.1\r\nHost: faults\r\n\
        Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"tok";
    const SECOND: &'static str = "en\": \"abc\"}";

    async fn begin(address: SocketAddr) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(Self::FIRST.as_bytes()).await?;
        Ok(Self(stream))
    }

    /// Sends the rest after a pause; yields what comes back until the connection is closed, as it must be.
    async fn finish(mut self, pause: Duration) -> anyhow::Result<String> {
        sleep(pause).await;
        self.0.write_all(Self::SECOND.as_bytes()).await?;
        let mut answer = String::new();
        tokio::time::timeout(PATIENCE, self.0.read_to_string(&mut answer)).await??;
        Ok(answer)
    }
}
