//! One refresh token exchanged many times at the same moment.
//!
//! Strict: one exchange succeeds. With a grace period: all get one and the same successor, and the line (a token and
//! its successors) ends when an exchanged token comes back later. A log-out beside exchanges ends the line.

mod log_outs;
mod round;
mod rows;
mod window;

use crate::client::Client;
use crate::fleet::{Fleet, REFRESH, SHAPES, Shape, log_in, present};
use crate::nodes::{GRACE, STRICT};
use crate::report::{Report, milliseconds, quantile};
use crate::run::Run;
use anyhow::ensure;
use round::{Seen, exchanges_at_once, one_successor, same_successor};
use std::time::Duration;

/// How many exchange at once, and how often: in the whole and in the short form.
const SIZES: [(usize, usize, usize); 4] =
    [(2, 500, 40), (10, 500, 40), (50, 500, 30), (200, 50, 4)];
/// With `MEASURED` at once.
const SLOWEST: Duration = Duration::from_millis(250);
const MEASURED: usize = 50;

pub(crate) async fn run(run: &mut Run, report: &mut Report) -> anyhow::Result<()> {
    for shape in SHAPES {
        let mut strict = Fleet::start(run, shape, 1, STRICT).await?;
        exchanges(run, report, shape, &mut strict, Mode::Strict).await?;
        drop(strict);
        let mut grace = Fleet::start(run, shape, 1, GRACE).await?;
        exchanges(run, report, shape, &mut grace, Mode::Grace).await?;
        drop(grace);
        window::closes(run, report, shape).await?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Strict,
    Grace,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Grace => "grace",
        }
    }
}

/// What went wrong in many rounds, and how long the answers took.
#[derive(Debug, Default)]
struct Series {
    rounds: usize,
    flaws: Vec<String>,
    times: Vec<Duration>,
}

impl Series {
    fn add(&mut self, seen: &[Seen], outcome: Result<(), String>) {
        self.rounds += 1;
        self.flaws.extend(outcome.err());
        self.times.extend(seen.iter().map(|seen| seen.time));
    }

    fn found(&self) -> String {
        match self.flaws.first() {
            None => format!("{} rounds", self.rounds),
            Some(first) => format!(
                "{} of {} rounds not, such as: {first}",
                self.flaws.len(),
                self.rounds
            ),
        }
    }
}

async fn exchanges(
    run: &Run,
    report: &mut Report,
    shape: Shape,
    fleet: &mut Fleet,
    mode: Mode,
) -> anyhow::Result<()> {
    let mut clients = fleet.clients(SIZES.map(|(size, ..)| size).into_iter().max().unwrap_or(0));
    let mut ledger = rows::Ledger::default();
    for (size, full, short) in SIZES {
        let mut series = Series::default();
        for _ in 0..run.rounds(full, short) {
            let (seen, outcome) = match mode {
                Mode::Strict => strict_round(&mut clients, size, &mut ledger).await?,
                Mode::Grace => grace_round(&mut clients, size, &mut ledger).await?,
            };
            series.add(&seen, outcome);
        }
        tell(report, shape, mode, size, &mut series);
    }
    ledger
        .judge(report, &format!("{shape}, {}", mode.name()), fleet)
        .await?;
    log_outs::race(run, report, shape, &mut clients, mode).await
}

fn tell(report: &mut Report, shape: Shape, mode: Mode, size: usize, series: &mut Series) {
    let name = format!("{shape}, {}, {size} at once", mode.name());
    let [median, slow] = [0.5, 0.99].map(|share| quantile(&mut series.times, share));
    let (median, slowest) = (milliseconds(median), milliseconds(slow));
    println!("{name}: {}; median {median}, p99 {slowest}", series.found());
    report.figure(
        format!("{name}: median, p99"),
        format!("{median}, {slowest}"),
    );
    let wanted = match mode {
        Mode::Strict => "one 200, the rest 401",
        Mode::Grace => "all 200 with one successor, grandparent 401, the line lives",
    };
    report.target(
        format!("{name}: {wanted}"),
        series.flaws.is_empty(),
        series.found(),
    );
    if size == MEASURED && mode == Mode::Strict {
        report.target_at_most(format!("{name}: p99"), SLOWEST, slow);
    }
}

type Round = (Vec<Seen>, Result<(), String>);

async fn strict_round(
    clients: &mut Vec<Client>,
    size: usize,
    ledger: &mut rows::Ledger,
) -> anyhow::Result<Round> {
    let token = log_in(first(clients)?, 0).await?;
    let seen = exchanges_at_once(clients, size, &token).await;
    let outcome = one_successor(&seen).map(|successor| ledger.exchanged(&token, successor));
    Ok((seen, outcome))
}

/// A line of a grandparent, the parent that is exchanged at once, and what follows; all within the grace period.
async fn grace_round(
    clients: &mut Vec<Client>,
    size: usize,
    ledger: &mut rows::Ledger,
) -> anyhow::Result<Round> {
    let grandparent = log_in(first(clients)?, 0).await?;
    let parent = exchange(first(clients)?, &grandparent).await?;
    let seen = exchanges_at_once(clients, size, &parent).await;
    let successor = match same_successor(&seen) {
        Ok(successor) => successor.to_owned(),
        Err(flaw) => return Ok((seen, Err(flaw))),
    };
    let client = first(clients)?;
    let mut outcome = refused(client, &grandparent, "the grandparent").await?;
    let next = exchange(client, &successor).await?;
    if outcome.is_ok() {
        outcome = refused(client, &parent, "the parent of a token in use").await?;
    }
    let last = exchange(client, &next).await?;
    let line = [&grandparent, &parent, &successor, &next, &last];
    for pair in line.windows(2) {
        ledger.exchanged(pair[0], pair[1]);
    }
    Ok((seen, outcome))
}

fn first(clients: &mut [Client]) -> anyhow::Result<&mut Client> {
    clients
        .first_mut()
        .ok_or_else(|| anyhow::anyhow!("there is no client"))
}

/// The successor of a token that must be granted one.
async fn exchange(client: &mut Client, token: &str) -> anyhow::Result<String> {
    let answer = present(client, REFRESH, token).await?;
    ensure!(
        answer.status == 200,
        "a living token was answered {answer:?}"
    );
    Ok(answer.text("refresh"))
}

/// That a token is used up.
async fn refused(
    client: &mut Client,
    token: &str,
    what: &str,
) -> anyhow::Result<Result<(), String>> {
    let answer = present(client, REFRESH, token).await?;
    let seen = Seen {
        status: answer.status.as_u16(),
        body: answer.json(),
        time: Duration::ZERO,
    };
    Ok(if seen.is_blacklisted() {
        Ok(())
    } else {
        Err(format!("{what} was answered {} {}", seen.status, seen.body))
    })
}
