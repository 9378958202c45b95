//! The rules every store must keep, as tests. Public so that an own store can prove itself.
//!
//! Each function takes a fresh store that holds the users of [`users`] and panics where a rule is broken. Call
//! [`check`] with a way to make such stores, or the functions one by one; [`check_admin`] for
//! [`UserAdmin`](super::UserAdmin), [`check_accounts`] for [`AccountStore`](super::AccountStore), [`check_iexact`] for
//! names without case, [`check_sessions`] for [`SessionStore`](super::SessionStore).

mod accounts;
mod admin;
mod at_once;
mod iexact;
mod sessions;

pub use accounts::*;
pub use admin::*;
pub use at_once::*;
pub use iexact::*;
pub use sessions::*;

use super::{Flushed, Rotated, Rotation, Store, Successor};
use crate::models::{EncodedPassword, NumericDate, OutstandingToken, User, UserId};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const NOW: i64 = 1_800_000_000;

/// The users a store must hold when a rule is checked: alice (1, active staff), bob (2, inactive).
pub fn users() -> Vec<User> {
    let mut alice = User::new(1, "alice");
    alice.is_staff = true;
    alice.password = EncodedPassword::new("md5$salt$alice");
    let mut bob = User::new(2, "bob");
    bob.is_active = false;
    bob.password = EncodedPassword::new("!unusable");
    vec![alice, bob]
}

/// Checks every rule, each on a store of its own.
pub async fn check<S: Store>(make: impl AsyncFn() -> S) {
    users_are_found_by_exact_login_and_by_id(make().await).await;
    a_password_is_replaced_only_while_it_is_the_one_that_was_checked(make().await).await;
    a_recorded_token_is_not_blacklisted(make().await).await;
    a_token_is_blacklisted_once(make().await).await;
    an_unknown_token_can_be_blacklisted(make().await).await;
    user_and_blacklist_are_answered_together(make().await).await;
    a_rotated_token_is_refused(make().await).await;
    a_replay_within_grace_yields_the_same_successor(make().await).await;
    a_replay_after_its_successor_was_rotated_is_refused_and_the_line_lives(make().await).await;
    a_reuse_after_grace_ends_the_line(make().await).await;
    a_blacklisted_token_is_not_replayed(make().await).await;
    a_line_is_ended_once_and_within_grace_only(make().await).await;
    a_line_that_goes_on_while_it_is_ended_has_no_living_token(make().await).await;
    simultaneous_rotations_have_one_winner(make().await).await;
    rotation_and_blacklisting_exclude_each_other(make().await).await;
    whoever_asks_at_once_with_others_gets_the_own_answer(make().await).await;
    whoever_blacklists_at_once_with_others_is_told_the_own_outcome(make().await).await;
    whoever_rotates_at_once_with_others_gets_the_own_successor(make().await).await;
    expired_tokens_are_flushed_and_others_stay(make().await).await;
    exchanges_are_flushed_with_their_tokens_and_no_earlier(make().await).await;
    whoever_flushes_at_once_deletes_each_token_once_and_in_the_end_all(make().await).await;
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW).unwrap_or_default() + SignedDuration::from_secs(seconds)
}

#[expect(clippy::expect_used, reason = "the dates here lie in this century")]
fn expiry(seconds: i64) -> NumericDate {
    NumericDate::from_seconds(NOW + seconds).expect("a date in this century")
}

fn token(jti: &str) -> OutstandingToken {
    OutstandingToken {
        user_id: Some(UserId::Int(1)),
        jti: jti.to_owned(),
        token: format!("header.{jti}"),
        created_at: at(0),
        expires_at: expiry(86_400),
    }
}

fn rotation(parent: &str, successor: &str, seconds: i64) -> Rotation {
    Rotation {
        parent: token(parent),
        successor: token(successor),
        successor_iat: at(seconds).as_second(),
        at: at(seconds),
        grace: Duration::ZERO,
        reuse_detection: false,
    }
}

fn lenient(rotation: Rotation) -> Rotation {
    Rotation {
        grace: Duration::from_secs(10),
        reuse_detection: true,
        ..rotation
    }
}

fn ok<T>(result: Result<T, crate::StoreError>) -> T {
    #[expect(
        clippy::panic,
        reason = "a failed rule of the contract is a failed test"
    )]
    result.unwrap_or_else(|error| panic!("the store failed: {error}"))
}

/// A token that was exchanged before, and nothing done about it.
const REUSED: Rotated = Rotated::Reused {
    line_revoked: false,
};

/// Logins are compared exactly, ids by key, inactive users included.
pub async fn users_are_found_by_exact_login_and_by_id<S: Store>(store: S) {
    let alice =
        ok(store.find_by_login("alice").await).map(|user| (user.id, user.is_active, user.is_staff));
    assert_eq!(alice, Some((UserId::Int(1), true, true)));
    let bob = ok(store.get_user(&UserId::Int(2)).await).map(|user| (user.username, user.is_active));
    assert_eq!(bob, Some(("bob".to_owned(), false)));
    assert!(ok(store.find_by_login("Alice").await).is_none());
    assert!(ok(store.find_by_login("alice ").await).is_none());
    assert!(ok(store.find_by_login_iexact("Alice").await).is_none());
    assert!(ok(store.get_user(&UserId::Int(3)).await).is_none());
}

/// A password set by somebody else between check and upgrade is not overwritten.
pub async fn a_password_is_replaced_only_while_it_is_the_one_that_was_checked<S: Store>(store: S) {
    let Some(alice) = users().into_iter().next() else {
        return;
    };
    assert!(ok(store.set_password(&alice, "first").await));
    assert!(!ok(store.set_password(&alice, "second").await));
    let stored = ok(store.find_by_login("alice").await).map(|user| user.password);
    assert_eq!(stored, Some(EncodedPassword::new("first")));
}

/// Recording is not revoking.
pub async fn a_recorded_token_is_not_blacklisted<S: Store>(store: S) {
    ok(store.record(&token("a")).await);
    assert!(!ok(store.is_blacklisted("a").await));
}

/// The second call reports that there was nothing to do.
pub async fn a_token_is_blacklisted_once<S: Store>(store: S) {
    ok(store.record(&token("a")).await);
    assert!(ok(store.blacklist(&token("a"), at(1)).await));
    assert!(!ok(store.blacklist(&token("a"), at(2)).await));
    assert!(ok(store.is_blacklisted("a").await));
    assert!(!ok(store.is_blacklisted("b").await));
}

/// Blacklisting records first what is unknown, also without an owner.
pub async fn an_unknown_token_can_be_blacklisted<S: Store>(store: S) {
    let nobodys = OutstandingToken {
        user_id: None,
        ..token("a")
    };
    assert!(ok(store.blacklist(&nobodys, at(1)).await));
    assert!(ok(store.is_blacklisted("a").await));
}

/// The joined question agrees with the two single ones.
pub async fn user_and_blacklist_are_answered_together<S: Store>(store: S) {
    ok(store.blacklist(&token("a"), at(1)).await);
    for (id, jti, found, blacklisted) in [
        (1, "a", true, true),
        (1, "b", true, false),
        (9, "a", false, true),
    ] {
        let (user, listed) = ok(store.get_user_and_blacklisted(&UserId::Int(id), jti).await);
        assert_eq!(
            (user.is_some(), listed),
            (found, blacklisted),
            "user {id}, jti {jti}"
        );
    }
}

/// Without grace, a second exchange of one token is refused, and its successor lives.
pub async fn a_rotated_token_is_refused<S: Store>(store: S) {
    assert_eq!(
        ok(store.rotate(&rotation("a", "b", 0)).await),
        Rotated::Fresh
    );
    assert!(ok(store.is_blacklisted("a").await));
    assert!(!ok(store.is_blacklisted("b").await));
    assert_eq!(ok(store.rotate(&rotation("a", "c", 0)).await), REUSED);
    assert_eq!(
        ok(store.rotate(&rotation("b", "d", 1)).await),
        Rotated::Fresh
    );
    assert!(!ok(store.blacklist(&token("a"), at(2)).await));
}

/// Within the grace period the same successor comes back, whoever asks and however often.
pub async fn a_replay_within_grace_yields_the_same_successor<S: Store>(store: S) {
    assert_eq!(
        ok(store.rotate(&lenient(rotation("a", "b", 0))).await),
        Rotated::Fresh
    );
    let same = Successor {
        jti: "b".to_owned(),
        iat: at(0).as_second(),
        exp: at(86_400).as_second(),
    };
    for seconds in [0, 1, 10] {
        assert_eq!(
            ok(store.rotate(&lenient(rotation("a", "x", seconds))).await),
            Rotated::Replayed(same.clone())
        );
    }
    assert!(!ok(store.is_blacklisted("b").await));
}

/// A grandparent gets nothing, but within its window it does not end the line either.
pub async fn a_replay_after_its_successor_was_rotated_is_refused_and_the_line_lives<S: Store>(
    store: S,
) {
    ok(store.rotate(&lenient(rotation("a", "b", 0))).await);
    ok(store.rotate(&lenient(rotation("b", "c", 1))).await);
    assert_eq!(
        ok(store.rotate(&lenient(rotation("a", "x", 2))).await),
        Rotated::Blacklisted
    );
    assert!(!ok(store.is_blacklisted("c").await));
}

/// After the window, a rotated token that comes back revokes what descends from it.
pub async fn a_reuse_after_grace_ends_the_line<S: Store>(store: S) {
    ok(store.rotate(&lenient(rotation("a", "b", 0))).await);
    ok(store.rotate(&lenient(rotation("b", "c", 1))).await);
    let revoked = Rotated::Reused { line_revoked: true };
    assert_eq!(
        ok(store.rotate(&lenient(rotation("a", "x", 11))).await),
        revoked
    );
    assert!(ok(store.is_blacklisted("c").await));
    assert_eq!(
        ok(store.rotate(&lenient(rotation("a", "x", 12))).await),
        REUSED,
        "a line ends once"
    );
    assert_eq!(
        ok(store.rotate(&rotation("c", "y", 12)).await),
        Rotated::Blacklisted
    );
}

/// What a log-out or an operator revoked is not brought back by grace, and is no reuse.
pub async fn a_blacklisted_token_is_not_replayed<S: Store>(store: S) {
    ok(store.blacklist(&token("a"), at(0)).await);
    assert_eq!(
        ok(store.rotate(&lenient(rotation("a", "b", 1))).await),
        Rotated::Blacklisted
    );
    ok(store.rotate(&lenient(rotation("c", "d", 0))).await);
    ok(store.blacklist(&token("d"), at(1)).await);
    assert_eq!(
        ok(store.rotate(&lenient(rotation("c", "x", 2))).await),
        Rotated::Blacklisted
    );
}

/// Whoever holds an exchanged token may end its line as long as it is still good for a replay.
pub async fn a_line_is_ended_once_and_within_grace_only<S: Store>(store: S) {
    let grace = Duration::from_secs(10);
    let end = async |jti: &str, seconds| ok(store.end_line(jti, grace, at(seconds)).await);
    ok(store.record(&token("a")).await);
    assert!(!end("a", 0).await, "it was not exchanged");
    ok(store.rotate(&lenient(rotation("a", "b", 0))).await);
    ok(store.rotate(&lenient(rotation("b", "c", 1))).await);
    assert!(!ok(store.end_line("a", Duration::ZERO, at(0)).await));
    assert!(!end("a", 11).await);
    assert!(!ok(store.is_blacklisted("c").await));
    assert!(end("a", 10).await);
    assert!(ok(store.is_blacklisted("c").await));
    assert!(!end("a", 10).await, "a line ends once");
    assert!(!end("b", 10).await, "of whichever token");
}

/// A log-out beside exchanges of the same line: whatever comes first, none of its tokens is good afterwards.
pub async fn a_line_that_goes_on_while_it_is_ended_has_no_living_token<S: Store>(store: S) {
    let store = Arc::new(store);
    let name = |round, place| format!("line-{round}-{place}");
    for round in 0..20 {
        ok(store
            .rotate(&lenient(rotation(&name(round, 0), &name(round, 1), 0)))
            .await);
        let ending = {
            let (store, first) = (store.clone(), name(round, 0));
            let grace = Duration::from_secs(10);
            tokio::spawn(async move { ok(store.end_line(&first, grace, at(1)).await) })
        };
        let mut last = 1;
        while ok(store
            .rotate(&lenient(rotation(
                &name(round, last),
                &name(round, last + 1),
                1,
            )))
            .await)
            == Rotated::Fresh
        {
            last += 1;
            tokio::task::yield_now().await;
        }
        assert!(ending.await.is_ok_and(|ended| ended), "round {round}");
        assert!(ok(store.is_blacklisted(&name(round, last)).await));
    }
}

/// Of fifty simultaneous exchanges of one token, one wins and one successor is on record.
pub async fn simultaneous_rotations_have_one_winner<S: Store>(store: S) {
    let store = Arc::new(store);
    for round in 0..10 {
        let mut tasks = JoinSet::new();
        for racer in 0..50 {
            let store = store.clone();
            let rotation = rotation(
                &format!("parent-{round}"),
                &format!("successor-{round}-{racer}"),
                0,
            );
            tasks.spawn(async move { ok(store.rotate(&rotation).await) });
        }
        let outcomes = tasks.join_all().await;
        let winners = outcomes
            .iter()
            .filter(|outcome| **outcome == Rotated::Fresh)
            .count();
        assert_eq!(winners, 1, "round {round}: {outcomes:?}");
        assert!(
            outcomes
                .iter()
                .all(|outcome| matches!(outcome, Rotated::Fresh) || *outcome == REUSED)
        );
    }
}

/// A log-out that races a refresh: either the one or the other succeeds.
pub async fn rotation_and_blacklisting_exclude_each_other<S: Store>(store: S) {
    let store = Arc::new(store);
    for round in 0..20 {
        let jti = format!("token-{round}");
        let mut tasks = JoinSet::new();
        for racer in 0..10 {
            let (store, jti) = (store.clone(), jti.clone());
            tasks.spawn(async move {
                if racer % 2 == 0 {
                    ok(store
                        .rotate(&rotation(&jti, &format!("{jti}-{racer}"), 0))
                        .await)
                        == Rotated::Fresh
                } else {
                    ok(store.blacklist(&token(&jti), at(0)).await)
                }
            });
        }
        let successes = tasks
            .join_all()
            .await
            .into_iter()
            .filter(|&won| won)
            .count();
        assert_eq!(successes, 1, "round {round}");
    }
}

/// Only what expired before the given instant goes, at most as much as was asked for.
pub async fn expired_tokens_are_flushed_and_others_stay<S: Store>(store: S) {
    for jti in ["a", "b", "c"] {
        ok(store.blacklist(&token(jti), at(0)).await);
    }
    let later = OutstandingToken {
        expires_at: expiry(90_000),
        ..token("later")
    };
    ok(store.blacklist(&later, at(0)).await);
    assert_eq!(
        ok(store.flush_expired(at(86_400), 10).await),
        Flushed::Deleted(0),
        "a token that expires just then stays"
    );
    assert_eq!(ok(store.count_expired(at(86_400)).await), 0);
    assert_eq!(ok(store.count_expired(at(86_401)).await), 3);
    for deleted in [2, 1, 0] {
        assert_eq!(
            ok(store.flush_expired(at(86_401), 2).await),
            Flushed::Deleted(deleted)
        );
    }
    assert!(!ok(store.is_blacklisted("a").await));
    assert!(ok(store.is_blacklisted("later").await));
    ok(store.record(&token("late")).await);
    for deleted in [1, 0] {
        assert_eq!(
            ok(store.flush_expired(at(86_401), 2).await),
            Flushed::Deleted(deleted)
        );
    }
}

/// What a line did is remembered until its tokens have gone: one that was exchanged is refused up to its flush.
pub async fn exchanges_are_flushed_with_their_tokens_and_no_earlier<S: Store>(store: S) {
    ok(store.rotate(&rotation("a", "b", 0)).await);
    let late = 86_400;
    assert_eq!(
        ok(store.flush_expired(at(late), 10).await),
        Flushed::Deleted(0)
    );
    assert_eq!(ok(store.rotate(&rotation("a", "c", late)).await), REUSED);
    assert_eq!(
        ok(store.flush_expired(at(late + 1), 10).await),
        Flushed::Deleted(2)
    );
    let again = rotation("a", "d", late + 1);
    assert_eq!(ok(store.rotate(&again).await), Rotated::Fresh);
}

/// Of any number that flush at once, each is told what it deleted, or that somebody else is at it.
pub async fn whoever_flushes_at_once_deletes_each_token_once_and_in_the_end_all<S: Store>(
    store: S,
) {
    const TOKENS: usize = 100;
    let store = Arc::new(store);
    for number in 0..TOKENS {
        ok(store.record(&token(&number.to_string())).await);
    }
    let mut tasks = JoinSet::new();
    for _ in 0..5 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut sum = 0;
            loop {
                match ok(store.flush_expired(at(86_401), 3).await) {
                    Flushed::Deleted(0) => return sum,
                    Flushed::Deleted(deleted) => sum += deleted,
                    Flushed::Busy => tokio::task::yield_now().await,
                }
            }
        });
    }
    assert_eq!(tasks.join_all().await.iter().sum::<usize>(), TOKENS);
    assert_eq!(ok(store.count_expired(at(86_401)).await), 0);
}
