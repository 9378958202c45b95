//! Log-outs beside exchanges of the same token: when both are answered, a line that was logged out has no good token.

use super::round::{Seen, at_once, no_word_but_these};
use super::{Mode, Series, first, refused};
use crate::client::Client;
use crate::fleet::{BLACKLIST, REFRESH, Shape, log_in};
use crate::report::Report;
use crate::run::Run;
use fastrand::Rng;
use std::time::Duration;

/// Half of them are log-outs.
const SIZE: usize = 10;
const ROUNDS: (usize, usize) = (300, 30);

pub(super) async fn race(
    run: &Run,
    report: &mut Report,
    shape: Shape,
    clients: &mut Vec<Client>,
    mode: Mode,
) -> anyhow::Result<()> {
    let mut random = run.random(&format!("log-outs {shape} {}", mode.name()));
    let (mut series, mut log_outs_first) = (Series::default(), 0);
    let mut slowest = Duration::ZERO;
    for _ in 0..run.rounds(ROUNDS.0, ROUNDS.1) {
        let requests = exchanges_and_log_outs(&mut random, slowest);
        let token = log_in(first(clients)?, 0).await?;
        let seen = at_once(clients, &requests, &token).await;
        slowest = seen.iter().map(|seen| seen.time).max().unwrap_or(slowest);
        let granted: Vec<&str> = seen.iter().map(Seen::successor).collect();
        let granted = granted.into_iter().filter(|token| !token.is_empty());
        let successes = seen.iter().filter(|seen| seen.status == 200).count();
        let log_outs = successes - granted.clone().count();
        log_outs_first += usize::from(successes == log_outs);
        let mut outcome = no_word_but_these(&seen).and(succeeded(mode, successes, log_outs));
        if log_outs > 0 {
            for token in granted.chain([token.as_str()]) {
                let what = "a token of a line that was logged out";
                outcome = outcome.and(refused(first(clients)?, token, what).await?);
            }
        }
        series.add(&seen, outcome);
    }
    let name = format!("{shape}, {}, log-outs beside exchanges", mode.name());
    let rounds = series.rounds;
    println!(
        "{name}: {}; {log_outs_first} times a log-out was first",
        series.found()
    );
    report.figure(
        format!("{name}: a log-out was first"),
        format!("{log_outs_first} of {rounds} times"),
    );
    let wanted = match mode {
        Mode::Strict => "one of all succeeds, none of a logged-out line lives",
        Mode::Grace => "one log-out succeeds, none of the line lives",
    };
    report.target(
        format!("{name}: {wanted}"),
        series.flaws.is_empty(),
        series.found(),
    );
    // Otherwise it was no race.
    let both = (1..rounds).contains(&log_outs_first);
    report.target(
        format!("{name}: either is first sometimes"),
        both,
        log_outs_first,
    );
    Ok(())
}

/// Requests in any order. A log-out takes longer than an exchange, so every other time it is given a head start of up
/// to what the last round took.
fn exchanges_and_log_outs(random: &mut Rng, slowest: Duration) -> Vec<(&'static str, Duration)> {
    let head_start = if random.bool() {
        slowest.mul_f64(random.f64())
    } else {
        Duration::ZERO
    };
    let mut requests = vec![(BLACKLIST, Duration::ZERO); SIZE / 2];
    requests.resize(SIZE, (REFRESH, head_start));
    random.shuffle(&mut requests);
    requests
}

/// Strict: one of all. With grace a log-out that comes after an exchange ends the line, so one always succeeds.
fn succeeded(mode: Mode, successes: usize, log_outs: usize) -> Result<(), String> {
    let as_it_should = match mode {
        Mode::Strict => successes == 1,
        Mode::Grace => log_outs == 1,
    };
    if as_it_should {
        Ok(())
    } else {
        Err(format!(
            "{log_outs} log-outs and {} exchanges succeeded",
            successes - log_outs
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_wants_one_success_and_grace_one_log_out() {
        assert!(succeeded(Mode::Strict, 1, 0).is_ok());
        assert!(succeeded(Mode::Strict, 1, 1).is_ok());
        assert!(succeeded(Mode::Strict, 2, 1).is_err());
        assert!(succeeded(Mode::Strict, 0, 0).is_err());
        assert!(succeeded(Mode::Grace, 3, 1).is_ok());
        assert!(succeeded(Mode::Grace, 3, 0).is_err());
        assert!(succeeded(Mode::Grace, 2, 2).is_err());
    }
}
