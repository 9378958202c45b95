//! Requests at set moments, whether or not earlier ones were answered: an open loop.
//!
//! An answer's time counts from the moment its request was due, so that a server that is slow is not asked less.

use crate::client::{Answer, Client, Outcome};
use crate::fleet::{REFRESH, VERIFY};
use crate::report::{Report, milliseconds, quantile};
use serde_json::json;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep_until;

/// What is asked again and again.
#[derive(Debug)]
pub(crate) enum Question {
    /// An access token.
    Verify(String),
    /// Refresh tokens: one is exchanged, and its successor waits behind the others.
    Refresh(Mutex<Vec<String>>),
}

/// A time in which something was the case.
pub(crate) type Window = Range<Instant>;

/// Clients of one server that ask until they are told to end.
#[derive(Debug)]
pub(crate) struct Steady {
    asking: Arc<Asking>,
    is_over: Arc<AtomicBool>,
    clock: JoinHandle<()>,
}

#[derive(Debug)]
struct Asking {
    address: SocketAddr,
    question: Question,
    idle: Mutex<Vec<Client>>,
    samples: Mutex<Vec<Sample>>,
}

/// What came of one request.
#[derive(Debug)]
struct Sample {
    due: Instant,
    took: Duration,
    /// Anything but 200.
    flaw: Option<String>,
}

/// What came of all requests.
#[derive(Debug)]
pub(crate) struct Samples(Vec<Sample>);

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Steady {
    pub(crate) fn start(address: SocketAddr, question: Question, a_second: u32) -> Self {
        let asking = Arc::new(Asking {
            address,
            question,
            idle: Mutex::default(),
            samples: Mutex::default(),
        });
        let is_over = Arc::new(AtomicBool::new(false));
        let pause = Duration::from_secs(1) / a_second;
        let clock = tokio::spawn(tick(asking.clone(), pause, is_over.clone()));
        Self {
            asking,
            is_over,
            clock,
        }
    }

    /// How many connections it keeps; a slow server makes it open more.
    pub(crate) fn connections(&self) -> usize {
        locked(&self.asking.idle).len()
    }

    /// Waits for the last answers.
    pub(crate) async fn end(self) -> anyhow::Result<Samples> {
        self.is_over.store(true, Relaxed);
        self.clock.await?;
        Ok(Samples(std::mem::take(&mut locked(&self.asking.samples))))
    }
}

async fn tick(asking: Arc<Asking>, pause: Duration, is_over: Arc<AtomicBool>) {
    let mut under_way = JoinSet::new();
    let mut due = Instant::now();
    while !is_over.load(Relaxed) {
        sleep_until(due.into()).await;
        let asking = asking.clone();
        under_way.spawn(async move { asking.ask(due).await });
        while under_way.try_join_next().is_some() {}
        due += pause;
    }
    under_way.join_all().await;
}

impl Asking {
    async fn ask(&self, due: Instant) {
        // The one used last: those that are not needed may be closed.
        let idle = locked(&self.idle).pop();
        let mut client = idle.unwrap_or_else(|| Client::new(self.address));
        let outcome = match &self.question {
            Question::Verify(access) => client.post(VERIFY, &json!({"token": access})).await,
            Question::Refresh(tokens) => match take(tokens) {
                Some(token) => client.post(REFRESH, &json!({"refresh": token})).await,
                // All are under way: whoever is so slow fails by that.
                None => Outcome::Refused,
            },
        };
        let took = due.elapsed();
        locked(&self.idle).push(client);
        let flaw = match outcome {
            Outcome::Answered(answer) if answer.status == 200 => {
                self.keep(&answer);
                None
            }
            Outcome::Answered(answer) => Some(answer.status.to_string()),
            other => Some(format!("{other:?}")),
        };
        locked(&self.samples).push(Sample { due, took, flaw });
    }

    fn keep(&self, answer: &Answer) {
        if let Question::Refresh(tokens) = &self.question {
            locked(tokens).push(answer.text("refresh"));
        }
    }
}

/// The one that has waited longest.
fn take(tokens: &Mutex<Vec<String>>) -> Option<String> {
    let mut tokens = locked(tokens);
    (!tokens.is_empty()).then(|| tokens.remove(0))
}

impl Samples {
    /// The time that `share` of the requests that were due in the window did not exceed.
    pub(crate) fn quantile(&self, window: &Window, share: f64) -> Duration {
        let mut times: Vec<Duration> = self.due_in(window).map(|sample| sample.took).collect();
        quantile(&mut times, share)
    }

    /// Half, nearly all and all of the times, for people.
    pub(crate) fn shown(&self, window: &Window) -> String {
        let [half, most, all] =
            [0.5, 0.99, 1.0].map(|share| milliseconds(self.quantile(window, share)));
        format!("p50 {half}, p99 {most}, longest {all}")
    }

    /// That every request was answered with 200, and 99 of 100 that were due in the window within `limit`.
    pub(crate) fn judge(&self, report: &mut Report, name: &str, window: &Window, limit: Duration) {
        report.figure(name, self.shown(window));
        report.target_at_most(format!("{name}, p99"), limit, self.quantile(window, 0.99));
        let asked = self.due_in(window).count();
        let mut flaws = self
            .due_in(window)
            .filter_map(|sample| sample.flaw.as_ref());
        let first = flaws.next().cloned();
        report.target(
            format!("{name}: every one is answered with 200"),
            asked > 0 && first.is_none(),
            first.map_or_else(
                || asked.to_string(),
                |first| format!("{} of {asked} are not; {first}", flaws.count() + 1),
            ),
        );
    }

    fn due_in<'a>(&'a self, window: &'a Window) -> impl Iterator<Item = &'a Sample> {
        self.0.iter().filter(|sample| window.contains(&sample.due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_refusal_or_nothing_asked_fails_and_other_times_do_not_count() {
        let start = Instant::now();
        let [due, later] = [0, 10].map(|seconds| start + Duration::from_secs(seconds));
        let window = start..start + Duration::from_secs(5);
        let sample = |due, milliseconds, flaw: Option<&str>| Sample {
            due,
            took: Duration::from_millis(milliseconds),
            flaw: flaw.map(str::to_owned),
        };
        for (samples, holds) in [
            (vec![sample(due, 5, None)], true),
            (
                vec![sample(due, 5, None), sample(later, 500, Some("503"))],
                true,
            ),
            (vec![sample(due, 50, None)], false),
            (vec![sample(due, 5, Some("503"))], false),
            (vec![sample(later, 5, None)], false),
        ] {
            let mut report = Report::new("storm", 1, true);
            Samples(samples).judge(&mut report, "verify", &window, Duration::from_millis(20));
            assert_eq!(report.holds(), holds);
        }
    }
}
