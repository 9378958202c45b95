//! The rules of [`SessionStore`].

use super::{at, expiry, lenient, ok, rotation, token, users};
use crate::models::{EncodedPassword, OutstandingToken, UserId};
use crate::store::{Ending, Flushed, Rotated, Rotation, Session, SessionStore, SessionUse, Store};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Checks every rule of [`SessionStore`], each on a store of its own with the users of [`users`].
pub async fn check_sessions<S: Store + SessionStore>(make: impl AsyncFn() -> S) {
    a_log_in_is_a_session_and_its_refreshes_are_noted(make().await).await;
    a_refresh_without_a_new_token_is_noted_once_a_minute(make().await).await;
    living_tokens_without_a_session_are_listed_too(make().await).await;
    sessions_are_listed_while_they_live_the_newest_first(make().await).await;
    a_session_is_ended_once_and_by_its_user_only(make().await).await;
    all_sessions_are_ended_but_one(make().await).await;
    sliding_tokens_end_with_the_sessions(make().await).await;
    a_token_of_an_ended_session_is_refused_whoever_made_it(make().await).await;
    all_sessions_end_with_those_that_somebody_else_went_on_with(make().await).await;
    a_new_password_ends_the_other_sessions_or_nothing_happens(make().await).await;
    users_have_sessions_of_their_own_under_one_id(make().await).await;
    an_ended_session_is_told_with_its_user(make().await).await;
    sessions_are_flushed_when_they_expired(make().await).await;
    whoever_rotates_sessions_at_once_has_each_noted(make().await).await;
    ending_a_session_beside_its_refreshes_leaves_no_living_token(make().await).await;
    ending_all_sessions_beside_refreshes_leaves_no_living_token(make().await).await;
    a_new_password_beside_refreshes_leaves_no_living_token(make().await).await;
}

const ALICE: UserId = UserId::Int(1);
const BOB: UserId = UserId::Int(2);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

fn usage(id: &str, jti: &str, seconds: i64) -> SessionUse {
    SessionUse {
        id: id.to_owned(),
        user_id: ALICE,
        jti: jti.to_owned(),
        created_at: at(seconds),
        at: at(seconds),
        expires_at: expiry(86_400),
        address: None,
        user_agent: None,
    }
}

/// Alice logs in.
async fn open<S: SessionStore>(store: &S, id: &str, seconds: i64) {
    ok(store
        .record_session(&token(id), &usage(id, id, seconds))
        .await);
}

/// The session goes on.
async fn refresh<S: SessionStore>(
    store: &S,
    id: &str,
    rotation: &Rotation,
    seconds: i64,
) -> Rotated {
    let usage = usage(id, &rotation.successor.jti, seconds);
    ok(store.rotate_session(rotation, &usage).await)
}

async fn ids<S: SessionStore>(store: &S, user: &UserId) -> Vec<String> {
    let sessions = ok(store.sessions(user, at(1)).await).into_iter();
    sessions.map(|session| session.id).collect()
}

fn all_but(except: Option<&str>) -> Ending {
    Ending::new(except, at(0), at(1))
}

/// The record of a session keeps its beginning, its last refresh and where that came from.
pub async fn a_log_in_is_a_session_and_its_refreshes_are_noted<S: SessionStore>(store: S) {
    let log_in = SessionUse {
        address: Some(HERE),
        user_agent: Some("one".to_owned()),
        ..usage("a", "a", 0)
    };
    ok(store.record_session(&token("a"), &log_in).await);
    let mut session = Session {
        id: "a".to_owned(),
        created_at: at(0),
        refreshed_at: Some(at(0)),
        expires_at: expiry(86_400),
        address: Some(HERE),
        user_agent: Some("one".to_owned()),
    };
    assert_eq!(ok(store.sessions(&ALICE, at(1)).await), [session.clone()]);
    let later = SessionUse {
        user_agent: Some("two".to_owned()),
        expires_at: expiry(90_000),
        ..usage("a", "b", 5)
    };
    let rotated = ok(store.rotate_session(&rotation("a", "b", 5), &later).await);
    assert_eq!(rotated, Rotated::Fresh);
    session.refreshed_at = Some(at(5));
    session.expires_at = expiry(90_000);
    session.user_agent = Some("two".to_owned());
    assert_eq!(ok(store.sessions(&ALICE, at(6)).await), [session.clone()]);
    let replayed = SessionUse {
        user_agent: Some("three".to_owned()),
        ..usage("a", "x", 6)
    };
    let again = lenient(rotation("a", "x", 6));
    let again = ok(store.rotate_session(&again, &replayed).await);
    assert!(matches!(again, Rotated::Replayed(_)), "{again:?}");
    assert_eq!(ok(store.sessions(&ALICE, at(6)).await), [session]);
}

/// Also of a session that is not on record yet.
pub async fn a_refresh_without_a_new_token_is_noted_once_a_minute<S: SessionStore>(store: S) {
    ok(store.record(&token("a")).await);
    for (seconds, noted) in [(0, 0), (30, 0), (59, 0), (60, 60), (119, 60), (121, 121)] {
        ok(store.touch_session(&usage("a", "a", seconds)).await);
        let sessions = ok(store.sessions(&ALICE, at(seconds)).await);
        let seen = sessions.first().map(|session| session.refreshed_at);
        assert_eq!(seen, Some(Some(at(noted))), "after {seconds} s");
    }
}

/// Tokens that Django made, or that are older than the setting.
pub async fn living_tokens_without_a_session_are_listed_too<S: SessionStore>(store: S) {
    ok(store.record(&token("a")).await);
    let session = Session {
        id: "a".to_owned(),
        created_at: at(0),
        refreshed_at: None,
        expires_at: expiry(86_400),
        address: None,
        user_agent: None,
    };
    assert_eq!(ok(store.sessions(&ALICE, at(1)).await), [session]);
    assert_eq!(ids(&store, &BOB).await, [""; 0]);
    // Its successor has it as its session.
    let rotated = refresh(&store, "a", &rotation("a", "b", 1), 1).await;
    assert_eq!(rotated, Rotated::Fresh);
    assert_eq!(ids(&store, &ALICE).await, ["a"]);
}

/// Not those whose token was blacklisted, by whomever, or expired.
pub async fn sessions_are_listed_while_they_live_the_newest_first<S: SessionStore>(store: S) {
    for (id, seconds) in [("a", 0), ("b", 3), ("c", 1), ("d", 2)] {
        open(&store, id, seconds).await;
    }
    ok(store.blacklist(&token("d"), at(3)).await);
    assert_eq!(ids(&store, &ALICE).await, ["b", "c", "a"]);
    for (seconds, left) in [(86_399, 3), (86_400, 0)] {
        let sessions = ok(store.sessions(&ALICE, at(seconds)).await);
        assert_eq!(sessions.len(), left, "after {seconds} s");
    }
}

/// What is ended, unknown, expired or somebody else's is not there.
pub async fn a_session_is_ended_once_and_by_its_user_only<S: SessionStore>(store: S) {
    open(&store, "a", 0).await;
    open(&store, "b", 0).await;
    ok(store.record(&token("c")).await);
    refresh(&store, "a", &rotation("a", "a2", 1), 1).await;
    let end = async |user: &UserId, id: &str| ok(store.end_session(user, id, at(1)).await);
    for (user, id) in [(&BOB, "a"), (&ALICE, "a2"), (&ALICE, "x"), (&ALICE, "")] {
        assert!(!end(user, id).await, "{user} {id}");
    }
    assert!(!ok(store.end_session(&ALICE, "b", at(86_400)).await));
    for id in ["a", "c"] {
        assert!(end(&ALICE, id).await);
        assert!(!end(&ALICE, id).await, "{id} again");
    }
    for (jti, ended) in [("a2", true), ("b", false), ("c", true)] {
        assert_eq!(ok(store.is_blacklisted(jti).await), ended, "{jti}");
    }
    assert_eq!(ids(&store, &ALICE).await, ["b"]);
}

/// Those on record and those that are only tokens; expired ones are not counted.
pub async fn all_sessions_are_ended_but_one<S: SessionStore>(store: S) {
    for id in ["a", "b", "c"] {
        open(&store, id, 0).await;
    }
    ok(store.record(&token("d")).await);
    let bobs = OutstandingToken {
        user_id: Some(BOB),
        ..token("bob")
    };
    ok(store.record(&bobs).await);
    refresh(&store, "b", &rotation("b", "b2", 1), 1).await;
    assert_eq!(ok(store.end_sessions(&ALICE, &all_but(Some("b"))).await), 3);
    assert_eq!(ids(&store, &ALICE).await, ["b"]);
    assert_eq!(ids(&store, &BOB).await, ["bob"]);
    let at_the_end = Ending::new(None, at(0), at(86_400));
    assert_eq!(ok(store.end_sessions(&ALICE, &at_the_end).await), 0);
    assert!(ok(store.is_blacklisted("b2").await));
    assert_eq!(ok(store.end_sessions(&ALICE, &all_but(None)).await), 0);
    ok(store.record(&token("e")).await);
    assert_eq!(ok(store.end_sessions(&ALICE, &all_but(Some("e"))).await), 0);
    assert_eq!(ids(&store, &ALICE).await, ["e"]);
}

/// The record of a sliding token expires long before the token cannot be refreshed any more.
pub async fn sliding_tokens_end_with_the_sessions<S: SessionStore>(store: S) {
    let sliding = |jti: &str| OutstandingToken {
        expires_at: expiry(300),
        ..token(jti)
    };
    ok(store
        .record_session(&sliding("a"), &usage("a", "a", 0))
        .await);
    ok(store.record(&sliding("b")).await);
    ok(store.record(&sliding("c")).await);
    let sessions = ok(store.sessions(&ALICE, at(400)).await);
    let listed: Vec<_> = sessions.iter().map(|session| session.id.as_str()).collect();
    assert_eq!(listed, ["a"], "of the others nothing is known");
    let ending = |since| Ending::new(None, at(since), at(400));
    assert_eq!(ok(store.end_sessions(&ALICE, &ending(301)).await), 1);
    assert!(!ok(store.is_blacklisted("b").await));
    assert_eq!(ok(store.end_sessions(&ALICE, &ending(300)).await), 0);
    for jti in ["a", "b", "c"] {
        assert!(ok(store.is_blacklisted(jti).await), "{jti}");
    }
}

/// A Django on the same tables exchanges tokens, too, and keeps their claims.
pub async fn a_token_of_an_ended_session_is_refused_whoever_made_it<S: SessionStore>(store: S) {
    open(&store, "a", 0).await;
    assert!(ok(store.end_session(&ALICE, "a", at(1)).await));
    ok(store.record(&token("django")).await);
    for _ in 0..2 {
        let rotated = refresh(&store, "a", &lenient(rotation("django", "x", 1)), 1).await;
        assert_eq!(rotated, Rotated::Blacklisted);
    }
    assert!(ok(store.is_blacklisted("django").await));
    assert_eq!(ids(&store, &ALICE).await, [""; 0]);
}

/// A Django exchanges a token without a note in its session: the session has no living token then, and yet goes on.
pub async fn all_sessions_end_with_those_that_somebody_else_went_on_with<S: SessionStore>(
    store: S,
) {
    for id in ["a", "b"] {
        open(&store, id, 0).await;
        ok(store.blacklist(&token(id), at(1)).await);
    }
    ok(store.record(&token("django")).await);
    assert_eq!(ok(store.end_sessions(&ALICE, &all_but(Some("b"))).await), 1);
    for (id, ended) in [("a", true), ("b", false), ("django", true)] {
        assert_eq!(
            ok(store.get_user_and_ended(&ALICE, id).await).1,
            ended,
            "{id}"
        );
    }
    let rotated = refresh(&store, "a", &rotation("late", "x", 1), 1).await;
    assert_eq!(rotated, Rotated::Blacklisted);
}

/// Whoever comes too late with a new password has not ended anything.
pub async fn a_new_password_ends_the_other_sessions_or_nothing_happens<S: Store + SessionStore>(
    store: S,
) {
    let Some(alice) = users().into_iter().next() else {
        return;
    };
    open(&store, "a", 0).await;
    open(&store, "b", 0).await;
    let replace = async |encoded: &str, except| {
        ok(store
            .replace_password(&alice, encoded, &all_but(except))
            .await)
    };
    assert_eq!(replace("first", Some("a")).await, Some(1));
    assert_eq!(ids(&store, &ALICE).await, ["a"]);
    assert_eq!(replace("second", None).await, None);
    assert_eq!(ids(&store, &ALICE).await, ["a"]);
    let stored = ok(store.find_by_login("alice").await).map(|user| user.password);
    assert_eq!(stored, Some(EncodedPassword::new("first")));
}

/// An id comes from a claim, which an issuer beside us may have filled as it likes.
pub async fn users_have_sessions_of_their_own_under_one_id<S: SessionStore>(store: S) {
    open(&store, "a", 0).await;
    let bobs = OutstandingToken {
        user_id: Some(BOB),
        ..token("b")
    };
    let of_bob = SessionUse {
        user_id: BOB,
        ..usage("a", "b", 0)
    };
    ok(store.record_session(&bobs, &of_bob).await);
    assert!(ok(store.end_session(&BOB, "a", at(1)).await));
    assert_eq!(ids(&store, &ALICE).await, ["a"]);
    assert_eq!(ids(&store, &BOB).await, [""; 0]);
}

/// In one question, for those who come with an access token of the session; of many who ask at once, each is told the own
/// answer.
pub async fn an_ended_session_is_told_with_its_user<S: SessionStore>(store: S) {
    open(&store, "a", 0).await;
    open(&store, "b", 0).await;
    ok(store.record(&token("c")).await);
    for id in ["a", "c"] {
        assert!(ok(store.end_session(&ALICE, id, at(1)).await));
    }
    let cases = [
        (1, "a", true, true),
        (1, "b", true, false),
        (1, "c", true, true),
        (1, "x", true, false),
        (2, "a", true, false),
        (9, "a", false, false),
    ];
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for (key, id, found, ended) in cases.repeat(10) {
        let store = store.clone();
        tasks.spawn(async move {
            let (user, is_ended) = ok(store.get_user_and_ended(&UserId::Int(key), id).await);
            let told = (user.map(|user| user.id), is_ended);
            let right = (found.then_some(UserId::Int(key)), ended);
            assert_eq!(told, right, "user {key}, {id}");
        });
    }
    tasks.join_all().await;
}

/// With the tokens, at most as many as were asked for.
pub async fn sessions_are_flushed_when_they_expired<S: SessionStore>(store: S) {
    for id in ["a", "b", "c"] {
        open(&store, id, 0).await;
        assert!(ok(store.end_session(&ALICE, id, at(1)).await));
    }
    let ended = async || {
        let mut ended = 0;
        for id in ["a", "b", "c"] {
            ended += usize::from(ok(store.get_user_and_ended(&ALICE, id).await).1);
        }
        ended
    };
    assert_eq!(
        ok(store.flush_expired(at(86_400), 9).await),
        Flushed::Deleted(0)
    );
    assert_eq!(ended().await, 3);
    while ok(store.flush_expired(at(86_401), 2).await) != Flushed::Deleted(0) {}
    assert_eq!(ended().await, 0);
}

const MANY: usize = 100;

/// Two of them in each session, as they may be beside a Django.
pub async fn whoever_rotates_sessions_at_once_has_each_noted<S: SessionStore>(store: S) {
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for number in 0..MANY {
        let store = store.clone();
        tasks.spawn(async move {
            let (id, parent) = (format!("s{}", number / 2), format!("t{number}"));
            let rotation = rotation(&parent, &format!("u{number}"), 1);
            let rotated = refresh(&*store, &id, &rotation, 1).await;
            assert_eq!(rotated, Rotated::Fresh, "{parent}");
        });
    }
    tasks.join_all().await;
    let sessions = ok(store.sessions(&ALICE, at(1)).await);
    let noted = sessions
        .iter()
        .filter(|session| session.id.starts_with('s'));
    assert_eq!(noted.count(), MANY / 2);
    assert_eq!(sessions.len(), MANY, "and the other tokens live, too");
}

/// Refreshes a session until that is refused; the name of the last token.
async fn go_on<S: SessionStore>(store: Arc<S>, id: String) -> String {
    let mut last = id.clone();
    for number in 0.. {
        let next = format!("{id}-{number}");
        let rotation = rotation(&last, &next, 1);
        if refresh(&*store, &id, &rotation, 1).await != Rotated::Fresh {
            break;
        }
        last = next;
        tokio::task::yield_now().await;
    }
    last
}

/// Opens sessions, refreshes each as fast as it goes, and ends them meanwhile.
async fn end_meanwhile<S, F>(store: S, end: impl Fn(Arc<S>) -> F)
where
    S: SessionStore,
    F: Future<Output = ()>,
{
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for number in 0..10 {
        let id = format!("s{number}");
        open(&*store, &id, 0).await;
        tasks.spawn(go_on(store.clone(), id));
    }
    // They have got somewhere.
    while !ok(store.is_blacklisted("s0").await) {
        tokio::task::yield_now().await;
    }
    end(store.clone()).await;
    assert_eq!(ids(&*store, &ALICE).await, [""; 0]);
    for last in tasks.join_all().await {
        assert!(ok(store.is_blacklisted(&last).await), "{last}");
    }
}

/// Whatever comes first, the ending or an exchange.
pub async fn ending_a_session_beside_its_refreshes_leaves_no_living_token<S: SessionStore>(
    store: S,
) {
    end_meanwhile(store, |store| async move {
        for number in 0..10 {
            let id = format!("s{number}");
            assert!(ok(store.end_session(&ALICE, &id, at(1)).await), "{id}");
        }
    })
    .await;
}

/// And each is counted once.
pub async fn ending_all_sessions_beside_refreshes_leaves_no_living_token<S: SessionStore>(
    store: S,
) {
    end_meanwhile(store, |store| async move {
        assert_eq!(ok(store.end_sessions(&ALICE, &all_but(None)).await), 10);
    })
    .await;
}

/// As with [`SessionStore::end_sessions`].
pub async fn a_new_password_beside_refreshes_leaves_no_living_token<S: SessionStore>(store: S) {
    end_meanwhile(store, |store| async move {
        let Some(alice) = users().into_iter().next() else {
            return;
        };
        let ending = all_but(None);
        let ended = ok(store.replace_password(&alice, "new", &ending).await);
        assert_eq!(ended, Some(10));
    })
    .await;
}
