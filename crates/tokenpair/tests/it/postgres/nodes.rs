//! Several nodes on one database: whoever wins, it is one.

use super::place::Place;
use super::{app, filled, node};
use crate::app::{NOW, good, sign};
use jiff::Timestamp;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokenpair::store::{Flushed, Migration, Rotated, Rotation, Successor};
use tokenpair::{NumericDate, OutstandingToken, PostgresStore, TokenStore, UserId};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const NODES: usize = 3;

async fn nodes(place: &Place) -> [PostgresStore; NODES] {
    let mut nodes = Vec::new();
    for _ in 0..NODES {
        nodes.push(PostgresStore::open(place.options()).await.unwrap());
    }
    nodes.try_into().unwrap()
}

fn token(jti: &str) -> OutstandingToken {
    OutstandingToken {
        user_id: Some(UserId::Int(1)),
        jti: jti.to_owned(),
        token: format!("header.{jti}"),
        created_at: Timestamp::from_second(NOW).unwrap(),
        expires_at: NumericDate::from_seconds(NOW + 86_400).unwrap(),
    }
}

fn rotation(parent: &str, successor: &str, grace: Duration, seconds: i64) -> Rotation {
    Rotation {
        parent: token(parent),
        successor: token(successor),
        successor_iat: NOW,
        at: Timestamp::from_second(NOW + seconds).unwrap(),
        grace,
        reuse_detection: !grace.is_zero(),
    }
}

/// 50 exchanges of one token on each node at once, by their outcome.
async fn race(nodes: &[PostgresStore], round: usize, grace: Duration) -> Vec<Rotated> {
    let barrier = Arc::new(Barrier::new(50 * nodes.len()));
    let mut tasks = JoinSet::new();
    for racer in 0..50 * nodes.len() {
        let (store, barrier) = (nodes[racer % nodes.len()].clone(), barrier.clone());
        tasks.spawn(async move {
            barrier.wait().await;
            let (parent, successor) = (format!("parent-{round}"), format!("new-{round}-{racer}"));
            store
                .rotate(&rotation(&parent, &successor, grace, 0))
                .await
                .unwrap()
        });
    }
    tasks.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_and_fifty_exchanges_on_three_nodes_one_wins() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let nodes = nodes(&place).await;
    for round in 0..10 {
        // Some parents are on record already, some are not.
        if round % 2 == 0 {
            store
                .record(&token(&format!("parent-{round}")))
                .await
                .unwrap();
        }
        let outcomes = race(&nodes, round, Duration::ZERO).await;
        let (fresh, others): (Vec<_>, Vec<_>) = outcomes
            .into_iter()
            .partition(|outcome| *outcome == Rotated::Fresh);
        let refused = Rotated::Reused {
            line_revoked: false,
        };
        assert_eq!(fresh.len(), 1, "round {round}");
        assert!(
            others.iter().all(|other| *other == refused),
            "round {round}: {others:?}"
        );
    }
    let rows = "SELECT (SELECT count(*) FROM token_blacklist_outstandingtoken WHERE jti LIKE 'new-%'),
                       (SELECT count(*) FROM token_blacklist_blacklistedtoken), (SELECT count(*) FROM tokenpair_rotation)";
    let counts = &place.rows(rows).await[0];
    let counts: [i64; 3] = [0, 1, 2].map(|place| counts.get(place));
    assert_eq!(counts, [10, 10, 10], "one successor a round");
}

#[tokio::test(flavor = "multi_thread")]
async fn within_the_grace_period_all_get_the_winners_successor() {
    let Some((place, _)) = filled().await else {
        return;
    };
    let nodes = nodes(&place).await;
    for round in 0..10 {
        let outcomes = race(&nodes, round, Duration::from_secs(10)).await;
        let is_fresh = |outcome: &&Rotated| **outcome == Rotated::Fresh;
        assert_eq!(outcomes.iter().filter(is_fresh).count(), 1, "round {round}");
        let replayed: HashSet<_> = outcomes
            .iter()
            .filter_map(|outcome| match outcome {
                Rotated::Fresh => None,
                Rotated::Replayed(Successor { jti, .. }) => Some(jti),
                other => panic!("round {round}: {other:?}"),
            })
            .collect();
        assert_eq!(replayed.len(), 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_exchanged_while_it_is_ended_is_ended() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let nodes = nodes(&place).await;
    let grace = Duration::from_secs(10);
    for round in 0..20 {
        let jti = |generation: usize| format!("{round}-{generation}");
        store
            .rotate(&rotation(&jti(0), &jti(1), grace, 0))
            .await
            .unwrap();
        // A thief exchanges as fast as he can, while the owner's old token comes back.
        let thief = nodes[0].clone();
        let thief = tokio::spawn(async move {
            for generation in 1.. {
                let (parent, successor) = (
                    format!("{round}-{generation}"),
                    format!("{round}-{}", generation + 1),
                );
                let rotation = rotation(&parent, &successor, grace, 60);
                if thief.rotate(&rotation).await.unwrap() != Rotated::Fresh {
                    return generation;
                }
            }
            unreachable!()
        });
        let comeback = rotation(&jti(0), &format!("{round}-owner"), grace, 60);
        let owner = nodes[1].rotate(&comeback).await.unwrap();
        assert_eq!(
            owner,
            Rotated::Reused { line_revoked: true },
            "round {round}"
        );
        let last = thief.await.unwrap();
        assert!(store.is_blacklisted(&jti(last)).await.unwrap());
        assert!(
            !store
                .rotate(&rotation(&jti(last), "x", grace, 61))
                .await
                .unwrap()
                .eq(&Rotated::Fresh)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_refreshes_at_three_servers_one_wins() {
    let Some((place, _)) = filled().await else {
        return;
    };
    let apps = nodes(&place)
        .await
        .each_ref()
        .map(|store| Arc::new(node(store)));
    for round in 0..10 {
        let token = sign(&good("refresh", "").replace("refresh-jti", &format!("round-{round}")));
        let mut tasks = JoinSet::new();
        for racer in 0..15 {
            let (app, token) = (apps[racer % NODES].clone(), token.clone());
            tasks.spawn(async move { app.refresh(&token).await.status });
        }
        let mut statuses = tasks.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses[..2], [200, 401], "round {round}: {statuses:?}");
        assert_eq!(statuses[14], 401, "round {round}: {statuses:?}");
    }
}

#[tokio::test]
async fn what_one_server_blacklists_another_refuses_at_once() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let [other, ..] = nodes(&place).await;
    let (one, two) = (app(&store), app(&other));
    let pair = one.log_in().await;
    two.verify(&pair.refresh).await.assert(200, "{}");
    one.blacklist(&pair.refresh).await.assert(200, "{}");
    two.refresh(&pair.refresh)
        .await
        .assert_refused("Token is blacklisted");
    two.verify(&pair.refresh)
        .await
        .assert(400, r#"{"non_field_errors":["Token is blacklisted"]}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_nodes_that_start_at_once_one_migrates_and_the_others_find_it_done() {
    let Some(place) = Place::new().await else {
        return;
    };
    let mut tasks = JoinSet::new();
    for node in nodes(&place).await {
        tasks.spawn(async move { node.migrate(Timestamp::UNIX_EPOCH).await.unwrap() });
    }
    let mut done = tasks.join_all().await;
    done.sort_by_key(Vec::len);
    let all = vec![
        Migration::Auth,
        Migration::TokenBlacklist,
        Migration::Rotation,
        Migration::Sessions,
        Migration::Unverified,
    ];
    assert_eq!(done, [vec![], vec![], all]);
    let twice = place
        .rows("SELECT app, name FROM django_migrations GROUP BY 1, 2 HAVING count(*) > 1")
        .await;
    assert!(twice.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_at_a_time_flushes_and_nothing_is_flushed_twice() {
    let Some((place, store)) = filled().await else {
        return;
    };
    for number in 0..100 {
        store.record(&token(&number.to_string())).await.unwrap();
    }
    let after = Timestamp::from_second(NOW + 86_401).unwrap();
    let mut tasks = JoinSet::new();
    for node in nodes(&place).await {
        tasks.spawn(async move {
            let mut flushed = 0;
            loop {
                match node.flush_expired(after, 7).await.unwrap() {
                    Flushed::Deleted(0) => return flushed,
                    Flushed::Deleted(deleted) => flushed += deleted,
                    Flushed::Busy => tokio::task::yield_now().await,
                }
            }
        });
    }
    assert_eq!(tasks.join_all().await.iter().sum::<usize>(), 100);
}

/// The rows of a token that is deleted are locked, as a node that is slow in the middle leaves them.
#[tokio::test(flavor = "multi_thread")]
async fn while_one_node_flushes_others_are_told_and_nobody_elses_request_waits() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let (old, new) = (app(&store), node(&store));
    let expired = old.log_in().await;
    new.advance(86_401);
    let pair = new.log_in().await;
    let before = Timestamp::from_second(NOW + 86_401).unwrap();

    let slow = place.client().await;
    slow.batch_execute(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_advisory_lock(1); RETURN OLD; END $$;
         CREATE TRIGGER slow BEFORE DELETE ON token_blacklist_outstandingtoken
            FOR EACH ROW EXECUTE FUNCTION wait();
         SELECT pg_advisory_lock(1)",
    )
    .await
    .unwrap();
    let flushing = store.clone();
    let flushing = tokio::spawn(async move { flushing.flush_expired(before, 100).await });
    place.wait_for_lock().await;

    for node in nodes(&place).await {
        let flushed = node.flush_expired(before, 100).await.unwrap();
        assert_eq!(flushed, Flushed::Busy);
    }
    // Each would be 503 after two seconds if it waited for the one that flushes.
    assert_eq!(new.refresh(&pair.refresh).await.status, 200);
    let pair = new.log_in().await;
    new.blacklist(&pair.refresh).await.assert(200, "{}");
    new.verify(&pair.access).await.assert(200, "{}");
    assert_eq!(new.refresh(&expired.refresh).await.status, 401);
    assert!(!flushing.is_finished());

    slow.batch_execute("SELECT pg_advisory_unlock(1)")
        .await
        .unwrap();
    assert_eq!(flushing.await.unwrap().unwrap(), Flushed::Deleted(1));
}

/// Its connection lives, as its system acknowledges what is sent to it; but it will never commit.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_frozen_while_it_flushes_does_not_keep_the_lock() {
    let Some((place, _)) = filled().await else {
        return;
    };
    // Not even behind a pooler, where the session is not set up to our needs.
    let mut options = place.options();
    options.prepared_statements = false;
    let store = PostgresStore::open(options).await.unwrap();
    place
        .run(
            "CREATE TABLE patience (seconds text);
             CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO patience VALUES (current_setting('idle_in_transaction_session_timeout'));
                RETURN OLD; END $$;
             CREATE TRIGGER note BEFORE DELETE ON token_blacklist_outstandingtoken
                FOR EACH ROW EXECUTE FUNCTION note()",
        )
        .await;
    store.record(&token("a")).await.unwrap();
    let before = Timestamp::from_second(NOW + 86_401).unwrap();
    store.flush_expired(before, 1).await.unwrap();
    let patience = place.rows("SELECT seconds FROM patience").await;
    assert_eq!(patience[0].get::<_, &str>(0), "10s");
}

#[tokio::test]
async fn the_database_says_what_time_it_is() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let asked = store.database_time().await.unwrap().unwrap();
    let sql = format!("SELECT abs(extract(epoch FROM now() - '{asked}'))::int8");
    let difference: i64 = place.rows(&sql).await[0].get(0);
    assert!(difference < 60, "{difference} s");
}
