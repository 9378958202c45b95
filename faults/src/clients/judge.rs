//! What must be true of the refreshes of a scenario, whatever happened in it.

use super::LIFETIME;
use super::network::{Refresh, State};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A single try of a refresh is given up after this (rule 8): the next may then begin beside it.
const TRY: Duration = Duration::from_secs(10);
/// A fifth of the lifetime: from then on a client may refresh (rule 4).
const AHEAD: u32 = 5;
/// The server counts in seconds: a token lives for up to one less.
const SECOND: Duration = Duration::from_secs(1);
/// What processes that wait for each other may lose.
const SLACK: Duration = Duration::from_millis(200);

/// What was wrong. `exchanges`: how many refreshes the server should have granted. More are allowed where each of them had
/// its reason: on a slow machine a token ends while it is used.
pub(super) fn judge(state: &State, exchanges: usize) -> Vec<String> {
    let mut flaws = Vec::new();
    for line in lines(&state.refreshes).values() {
        for pair in line.windows(2) {
            flaws.extend(flaw_between(pair[0], pair[1], &state.forced));
        }
    }
    let granted = state
        .refreshes
        .iter()
        .filter(|refresh| refresh.status == Some(200))
        .count();
    if granted < exchanges {
        flaws.push(format!("{granted} refreshes were granted, not {exchanges}"));
    }
    flaws
}

/// The refreshes of each login, which comes first: those with its refresh token, and with those that took its place.
fn lines(refreshes: &[Refresh]) -> BTreeMap<usize, Vec<&Refresh>> {
    let mut line_of = BTreeMap::new();
    let mut lines: BTreeMap<usize, Vec<&Refresh>> = BTreeMap::new();
    for refresh in refreshes {
        let next = line_of.len();
        let line = *line_of.entry(refresh.jti.clone()).or_insert(next);
        let successor = refresh
            .brought
            .as_ref()
            .and_then(|pair| pair.refresh.clone());
        if let Some(successor) = successor {
            line_of.insert(successor, line);
        }
        lines.entry(line).or_default().push(refresh);
    }
    lines
}

/// What is wrong with the second of two refreshes of one login.
fn flaw_between(first: &Refresh, second: &Refresh, forced: &[Instant]) -> Option<String> {
    let was_given_up = second.began.duration_since(first.began) > TRY;
    if !was_given_up && first.ended.is_none_or(|ended| ended > second.began) {
        return Some("two refreshes at once".to_owned());
    }
    let success = first
        .brought
        .as_ref()
        .zip(first.ended)
        .filter(|_| first.was_delivered);
    let Some((pair, ended)) = success else {
        let is_other = first.jti != second.jti;
        return is_other.then(|| "a try more with another refresh token".to_owned());
    };
    if *pair.refresh.as_ref().unwrap_or(&first.jti) != second.jti {
        return Some("a refresh with the token of before the rotation".to_owned());
    }
    let least = LIFETIME.saturating_sub(SECOND + LIFETIME / AHEAD + SLACK);
    let has_reason =
        second.began >= ended + least || forced.iter().any(|at| (ended..second.began).contains(at));
    let after = second.began.saturating_duration_since(ended);
    (!has_reason).then(|| format!("a second refresh {after:?} after one that succeeded"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clients::network::Pair;

    fn refresh(jti: &str, began: Instant, brought: Option<&str>) -> Refresh {
        Refresh {
            jti: jti.to_owned(),
            began,
            ended: Some(began + Duration::from_millis(5)),
            status: brought.map(|_| 200),
            was_delivered: brought.is_some(),
            brought: brought.map(|next| Pair {
                refresh: Some(next.to_owned()),
            }),
        }
    }

    fn flaws(refreshes: Vec<Refresh>, exchanges: usize) -> Vec<String> {
        let state = State {
            refreshes,
            ..State::default()
        };
        judge(&state, exchanges)
    }

    #[test]
    fn one_refresh_an_expiry_is_right() {
        let start = Instant::now();
        let later = start + Duration::from_secs(2);
        assert!(
            flaws(
                vec![
                    refresh("a", start, Some("b")),
                    refresh("b", later, Some("c"))
                ],
                2
            )
            .is_empty()
        );
    }

    #[test]
    fn two_refreshes_for_one_expiry_are_found() {
        let start = Instant::now();
        let soon = start + Duration::from_millis(50);
        let found = flaws(
            vec![
                refresh("a", start, Some("b")),
                refresh("b", soon, Some("c")),
            ],
            2,
        );
        assert!(found[0].starts_with("a second refresh"), "{found:?}");
        let found = flaws(
            vec![refresh("a", start, Some("b")), refresh("a", start, None)],
            1,
        );
        assert_eq!(found, ["two refreshes at once"]);
    }

    #[test]
    fn a_401_is_a_reason() {
        let start = Instant::now();
        let soon = start + Duration::from_millis(50);
        let state = State {
            refreshes: vec![
                refresh("a", start, Some("b")),
                refresh("b", soon, Some("c")),
            ],
            forced: vec![start + Duration::from_millis(20)],
            ..State::default()
        };
        assert!(judge(&state, 2).is_empty());
    }

    #[test]
    fn a_token_of_before_the_rotation_is_found() {
        let start = Instant::now();
        let later = start + Duration::from_secs(2);
        let found = flaws(
            vec![refresh("a", start, Some("b")), refresh("a", later, None)],
            1,
        );
        assert_eq!(found, ["a refresh with the token of before the rotation"]);
    }

    #[test]
    fn a_lost_try_is_repeated_with_the_same_token() {
        let start = Instant::now();
        let later = start + Duration::from_millis(300);
        let lost = refresh("a", start, None);
        assert!(flaws(vec![lost.clone(), refresh("a", later, Some("b"))], 1).is_empty());
        // The answer was lost, so that the client cannot know its successor.
        let done = Refresh {
            was_delivered: false,
            ..refresh("a", start, Some("b"))
        };
        let found = flaws(vec![done, refresh("b", later, Some("c"))], 2);
        assert_eq!(found, ["a try more with another refresh token"]);
    }

    #[test]
    fn logins_are_judged_one_by_one() {
        let start = Instant::now();
        assert!(
            flaws(
                vec![
                    refresh("a", start, Some("b")),
                    refresh("x", start, Some("y"))
                ],
                2
            )
            .is_empty()
        );
        assert_eq!(flaws(Vec::new(), 1), ["0 refreshes were granted, not 1"]);
    }
}
