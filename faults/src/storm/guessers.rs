//! Clients that try passwords, one after another each, and what they were told.

use crate::client::{Client, Outcome};
use crate::databases::PASSWORD;
use crate::fleet::OBTAIN;
use crate::report::{Report, milliseconds, quantile};
use crate::steady::Window;
use fastrand::Rng;
use http::header::RETRY_AFTER;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How soon somebody who was refused tries again: ten times as soon as the server asks for, at least. Without a pause
/// the clients would take the processor from the server, as they share it here.
const PAUSE: Duration = Duration::from_millis(100);
const RIGHT: f64 = 0.1;
const UNKNOWN: f64 = 0.5;

const LATEST: Duration = Duration::from_secs(3);
const REFUSED_WITHIN: Duration = Duration::from_millis(10);
const LEAST_GOODPUT: f64 = 0.9;
/// Who hears so late that it is too much has waited among those who are checked.
const WAITED: Duration = Duration::from_secs(1);

/// Clients that guess until they are told to end.
pub(super) struct Guessers {
    is_over: Arc<AtomicBool>,
    clients: JoinSet<Vec<Guess>>,
}

/// One attempt.
struct Guess {
    answered: Instant,
    /// From the moment the request was given to a connection.
    took: Duration,
    told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// The password was right.
    Welcome,
    /// It was not.
    Wrong,
    /// 503 with Retry-After.
    Later,
    /// Anything else, such as 401 for a right password.
    Nonsense,
}

/// What all were told.
#[derive(Default)]
pub(super) struct Guesses(Vec<Guess>);

impl Guessers {
    pub(super) fn start(
        address: SocketAddr,
        clients: usize,
        users: usize,
        mut random: Rng,
    ) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let clients = (0..clients)
            .map(|_| guess(Client::new(address), users, random.fork(), is_over.clone()))
            .collect();
        Self { is_over, clients }
    }

    /// Waits for the last answers.
    pub(super) async fn end(self) -> Guesses {
        self.is_over.store(true, Relaxed);
        Guesses(
            self.clients
                .join_all()
                .await
                .into_iter()
                .flatten()
                .collect(),
        )
    }
}

async fn guess(
    mut client: Client,
    users: usize,
    mut random: Rng,
    is_over: Arc<AtomicBool>,
) -> Vec<Guess> {
    let mut guesses = Vec::new();
    while !is_over.load(Relaxed) {
        let (credentials, is_right) = credentials(users, &mut random);
        client.connect().await;
        let sent = Instant::now();
        let told = told(client.post(OBTAIN, &credentials).await, is_right);
        guesses.push(Guess {
            answered: Instant::now(),
            took: sent.elapsed(),
            told,
        });
        if matches!(told, Told::Later | Told::Nonsense) {
            sleep(PAUSE).await;
        }
    }
    guesses
}

/// A name and a password, and whether they belong together.
fn credentials(users: usize, random: &mut Rng) -> (Value, bool) {
    let number = random.usize(..users);
    let is_right = random.f64() < RIGHT;
    let is_known = is_right || random.f64() >= UNKNOWN;
    let name = if is_known { "user" } else { "nobody" };
    let password = if is_right {
        PASSWORD
    } else {
        "a wrong password"
    };
    (
        json!({"username": format!("{name}{number}"), "password": password}),
        is_right,
    )
}

fn told(outcome: Outcome, is_right: bool) -> Told {
    let Outcome::Answered(answer) = outcome else {
        return Told::Nonsense;
    };
    match answer.status.as_u16() {
        200 if is_right => Told::Welcome,
        401 if !is_right => Told::Wrong,
        503 if answer.headers.contains_key(RETRY_AFTER) => Told::Later,
        _ => Told::Nonsense,
    }
}

impl Guesses {
    pub(super) fn extend(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// What the storm's clients were told beside what the threads can do.
    pub(super) fn judge(
        &self,
        report: &mut Report,
        name: &str,
        permitted: &[Window],
        storm: &Window,
    ) {
        let permitted = self.rate(permitted);
        let goodput = self.rate(std::slice::from_ref(storm));
        report.figure(
            format!("{name}, log-ins a second, permitted"),
            format!("{permitted:.2}"),
        );
        report.figure(
            format!("{name}, log-ins a second, in the storm"),
            format!("{goodput:.2}"),
        );
        report.target(
            format!(
                "{name}, log-ins that are checked, of those permitted at least {LEAST_GOODPUT}"
            ),
            permitted > 0.0 && goodput >= LEAST_GOODPUT * permitted,
            format!("{:.3}", goodput / permitted),
        );
        let count = |told| {
            self.during(storm)
                .filter(|guess| guess.told == told)
                .count()
        };
        report.figure(
            format!("{name}, told in the storm"),
            format!(
                "{} welcome, {} wrong, {} later",
                count(Told::Welcome),
                count(Told::Wrong),
                count(Told::Later)
            ),
        );
        let nonsense = count(Told::Nonsense);
        report.target(
            format!("{name}, right passwords are welcome, wrong ones are not, or both are put off"),
            nonsense == 0 && count(Told::Welcome) > 0,
            format!("{nonsense} are told something else"),
        );
        let mut checked = self.times(storm, |told| told != Told::Later);
        report.figure(
            format!("{name}, log-ins that are checked, p50"),
            milliseconds(quantile(&mut checked, 0.5)),
        );
        let mut all = self.times(storm, |_| true);
        let what = format!("{name}, every log-in is answered");
        report.target_at_most(what, LATEST, quantile(&mut all, 1.0));
        let mut refused = self.times(storm, |told| told == Told::Later);
        let in_vain = refused.iter().filter(|took| **took > WAITED).count();
        let waited = checked.len() + in_vain;
        report.target(
            format!("{name}, 503 for those who were let wait, at most one in ten"),
            in_vain * 10 <= waited,
            format!("{in_vain} of {waited}"),
        );
        report.figure(
            format!("{name}, 503, longest"),
            milliseconds(quantile(&mut refused, 1.0)),
        );
        let what = format!("{name}, 503, p99");
        report.target_at_most(what, REFUSED_WITHIN, quantile(&mut refused, 0.99));
    }

    /// Checked log-ins in a second.
    fn rate(&self, windows: &[Window]) -> f64 {
        let is_checked = |guess: &&Guess| matches!(guess.told, Told::Welcome | Told::Wrong);
        let checked = windows
            .iter()
            .flat_map(|window| self.during(window))
            .filter(is_checked);
        let time: Duration = windows.iter().map(|window| window.end - window.start).sum();
        f64::from(u32::try_from(checked.count()).unwrap_or(u32::MAX)) / time.as_secs_f64()
    }

    fn times(&self, window: &Window, which: impl Fn(Told) -> bool) -> Vec<Duration> {
        let guesses = self.during(window).filter(|guess| which(guess.told));
        guesses.map(|guess| guess.took).collect()
    }

    fn during<'a>(&'a self, window: &'a Window) -> impl Iterator<Item = &'a Guess> {
        self.0
            .iter()
            .filter(|guess| window.contains(&guess.answered))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A storm of ten seconds that is answered like this, after as many checks in ten seconds of patience.
    fn holds(checked: u64, told: Told, took: Duration) -> bool {
        let start = Instant::now();
        let [storm, end] = [10, 20].map(|seconds| start + Duration::from_secs(seconds));
        let welcome = |since: Instant, number| Guess {
            answered: since + Duration::from_millis(number),
            took: Duration::from_millis(100),
            told: Told::Welcome,
        };
        let mut guesses: Vec<Guess> = (0..100).map(|number| welcome(start, number)).collect();
        guesses.extend((0..checked).map(|number| welcome(storm, number)));
        guesses.push(Guess {
            answered: storm,
            took,
            told,
        });
        let mut report = Report::new("storm", 1, true);
        let permitted = start..storm;
        Guesses(guesses).judge(&mut report, "here", &[permitted], &(storm..end));
        report.holds()
    }

    #[test]
    fn few_checks_late_answers_slow_refusals_and_wrong_answers_fail() {
        let [soon, late, latest] = [5, 50, 3500].map(Duration::from_millis);
        assert!(holds(90, Told::Later, soon));
        assert!(!holds(89, Told::Later, soon));
        assert!(!holds(90, Told::Later, late));
        assert!(holds(90, Told::Wrong, late));
        assert!(!holds(90, Told::Wrong, latest));
        assert!(!holds(90, Told::Nonsense, soon));
    }
}
