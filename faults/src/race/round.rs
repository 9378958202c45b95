//! Requests at the same moment, and what their answers must look like.

use crate::client::{Client, Outcome};
use crate::fleet::{REFRESH, blacklisted};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// What one of the clients saw.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// 0 if there was no answer.
    pub(super) status: u16,
    pub(super) body: Value,
    pub(super) time: Duration,
}

impl Seen {
    /// The successor that was granted; empty if there is none.
    pub(super) fn successor(&self) -> &str {
        self.body["refresh"].as_str().unwrap_or_default()
    }

    pub(super) fn is_blacklisted(&self) -> bool {
        self.status == 401 && self.body == blacklisted()
    }
}

/// Exchanges one token `size` times at the same moment.
pub(super) async fn exchanges_at_once(
    clients: &mut Vec<Client>,
    size: usize,
    token: &str,
) -> Vec<Seen> {
    at_once(clients, &vec![(REFRESH, Duration::ZERO); size], token).await
}

/// Sends one token to as many paths as there are, each by a client of its own that is connected already.
///
/// They wait for each other at a barrier, and then each for its delay. What they saw comes in the order of the paths.
pub(super) async fn at_once(
    clients: &mut Vec<Client>,
    requests: &[(&'static str, Duration)],
    token: &str,
) -> Vec<Seen> {
    let barrier = Arc::new(Barrier::new(requests.len()));
    let mut tasks = JoinSet::new();
    for (place, (path, delay)) in requests.iter().copied().enumerate() {
        let Some(mut client) = clients.pop() else {
            break;
        };
        let barrier = barrier.clone();
        let body = json!({"refresh": token});
        tasks.spawn(async move {
            client.connect().await;
            barrier.wait().await;
            if !delay.is_zero() {
                sleep(delay).await;
            }
            let start = Instant::now();
            let outcome = client.post(path, &body).await;
            (place, client, seen(outcome, start.elapsed()))
        });
    }
    let mut all: Vec<(usize, Client, Seen)> = tasks.join_all().await;
    all.sort_by_key(|(place, ..)| *place);
    let back = |(_, client, seen)| {
        clients.push(client);
        seen
    };
    all.into_iter().map(back).collect()
}

fn seen(outcome: Outcome, time: Duration) -> Seen {
    let answer = outcome.answer();
    Seen {
        status: answer.as_ref().map_or(0, |answer| answer.status.as_u16()),
        body: answer.map_or(Value::Null, |answer| answer.json()),
        time,
    }
}

/// Strict: exactly one is granted a successor, all others hear that the token is used up. The successor, or what
/// is wrong.
pub(super) fn one_successor(seen: &[Seen]) -> Result<&str, String> {
    no_word_but_these(seen)?;
    let granted: Vec<&Seen> = seen.iter().filter(|seen| seen.status == 200).collect();
    match granted.as_slice() {
        [winner] if !winner.successor().is_empty() => Ok(winner.successor()),
        [_] => Err("granted without a successor".to_owned()),
        granted => Err(format!("{} of {} were granted", granted.len(), seen.len())),
    }
}

/// Grace: all are granted one and the same successor, byte for byte.
pub(super) fn same_successor(seen: &[Seen]) -> Result<&str, String> {
    if let Some(other) = seen.iter().find(|seen| seen.status != 200) {
        return Err(format!("answered {} {}", other.status, other.body));
    }
    match seen.first().map(Seen::successor) {
        None | Some("") => Err("granted without a successor".to_owned()),
        Some(first) if seen.iter().all(|seen| seen.successor() == first) => Ok(first),
        Some(_) => Err("several successors".to_owned()),
    }
}

/// That every request either succeeded or heard that the token is used up.
pub(super) fn no_word_but_these(seen: &[Seen]) -> Result<(), String> {
    let mut others = seen
        .iter()
        .filter(|seen| seen.status != 200 && !seen.is_blacklisted());
    match others.next() {
        None => Ok(()),
        Some(other) => Err(format!("answered {} {}", other.status, other.body)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(status: u16, body: Value) -> Seen {
        Seen {
            status,
            body,
            time: Duration::ZERO,
        }
    }

    fn granted(successor: &str) -> Seen {
        seen(200, json!({"access": "a", "refresh": successor}))
    }

    fn refused() -> Seen {
        seen(401, blacklisted())
    }

    #[test]
    fn a_strict_round_has_one_winner_and_the_right_refusals() {
        assert_eq!(one_successor(&[refused(), granted("s")]), Ok("s"));
        assert!(one_successor(&[granted("s"), granted("s")]).is_err());
        assert!(one_successor(&[refused(), refused()]).is_err());
        assert!(one_successor(&[granted("s"), seen(500, Value::Null)]).is_err());
        assert!(one_successor(&[granted("s"), seen(401, json!({"detail": "?"}))]).is_err());
        assert!(one_successor(&[granted("s"), seen(0, Value::Null)]).is_err());
    }

    #[test]
    fn a_round_with_grace_has_one_successor_for_all() {
        assert_eq!(same_successor(&[granted("s"), granted("s")]), Ok("s"));
        assert!(same_successor(&[granted("s"), granted("t")]).is_err());
        assert!(same_successor(&[granted("s"), refused()]).is_err());
        assert!(same_successor(&[granted("")]).is_err());
        assert!(same_successor(&[]).is_err());
    }

    #[test]
    fn outages_and_errors_are_no_refusals() {
        assert!(no_word_but_these(&[refused(), granted("s"), seen(200, json!({}))]).is_ok());
        assert!(no_word_but_these(&[refused(), seen(503, Value::Null)]).is_err());
        assert!(no_word_but_these(&[seen(0, Value::Null)]).is_err());
    }
}
