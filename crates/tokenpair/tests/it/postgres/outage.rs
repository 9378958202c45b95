//! The database gone, frozen, read-only, full, out of connections: 503 in time, nothing consumed, and recovery
//! without a restart.

use super::place::Place;
use super::proxy::{Illness, Proxy};
use super::{app, filled};
use crate::app::{ALICE, Reply, TOKEN, TestApp, good, sign, users};
use std::time::{Duration, Instant};
use tokenpair::store::{Store as _, TokenStore as _, UserTable as _};
use tokenpair::{PostgresOptions, PostgresStore};

/// Bounds with room for a slow machine: what is promised are 3 s for an answer, 0.1 s once an outage is known, and 2 s
/// until it is known to be over.
pub(super) const ANSWER: Duration = Duration::from_secs(6);
const AT_ONCE: Duration = Duration::from_secs(1);
const RECOVERY: Duration = Duration::from_secs(6);

#[track_caller]
pub(super) fn assert_unavailable(reply: &Reply) {
    assert_eq!(reply.status, 503, "{reply:?}");
    assert_eq!(reply.text("code"), "service_unavailable");
    assert_eq!(reply.header("retry-after"), Some("1"));
}

pub(super) async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    let done = work.await;
    (done, start.elapsed())
}

/// A store that reaches its database through a proxy.
pub(super) struct Patient {
    pub(super) proxy: Proxy,
    pub(super) store: PostgresStore,
    pub(super) app: TestApp,
}

impl Patient {
    pub(super) async fn new() -> Option<Self> {
        Self::with(|_| ()).await
    }

    async fn with(change: impl FnOnce(&mut PostgresOptions)) -> Option<Self> {
        let place = Place::new().await?;
        place.filled(&users()).await;
        let proxy = Proxy::new(place.host()).await;
        let url = place.url_at(&format!("127.0.0.1:{}", proxy.port));
        let mut options = PostgresOptions::from_url(&url).unwrap();
        change(&mut options);
        let store = PostgresStore::open(options).await.unwrap();
        let app = app(&store);
        Some(Self { proxy, store, app })
    }

    /// All endpoints that ask the database are an outage, each answered within `limit`; what needs none is answered.
    async fn assert_all_unavailable(&self, limit: Duration) {
        let (refresh, access) = (sign(&good("refresh", "")), sign(&good("access", "")));
        let (replies, time) = timed(async {
            tokio::join!(
                self.app.post(TOKEN, ALICE),
                self.app.refresh(&refresh),
                self.app.verify(&refresh),
                self.app.blacklist(&refresh),
                self.app.get_as(&access, "/me/"),
            )
        })
        .await;
        for reply in [&replies.0, &replies.1, &replies.2, &replies.3, &replies.4] {
            assert_unavailable(reply);
        }
        assert!(time <= limit, "{time:?}");
        assert_eq!(self.app.get_as(&access, "/stateless/").await.status, 200);
        assert!(self.store.ping().await.is_err(), "not ready");
    }

    /// The token works as soon as the database is back, as the outage did not consume it.
    async fn assert_recovers(&self, refresh: &str) {
        let recovered = async {
            while self.store.ping().await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let recovered = tokio::time::timeout(RECOVERY, recovered).await;
        recovered.expect("the outage is over");
        assert_eq!(self.app.refresh(refresh).await.status, 200);
    }
}

/// An outage is found out once, then told at once, and over when the database is back.
async fn passes_and_is_waited_for_once(illness: Illness) {
    let Some(patient) = Patient::new().await else {
        return;
    };
    let pair = patient.app.log_in().await;
    patient.proxy.become_(illness);
    patient.assert_all_unavailable(ANSWER).await;
    patient.assert_all_unavailable(AT_ONCE).await;
    patient.proxy.become_(Illness::Healthy);
    patient.assert_recovers(&pair.refresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_has_gone_is_an_outage_and_comes_back() {
    passes_and_is_waited_for_once(Illness::Gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_database_is_waited_for_once() {
    passes_and_is_waited_for_once(Illness::Frozen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_connection_that_somebody_left_behind_does_not_prolong_the_outage() {
    let Some(patient) = Patient::new().await else {
        return;
    };
    let pair = patient.app.log_in().await;
    // Two connections.
    let bob = &users()[1];
    futures((0..2).map(|_| patient.store.set_password(bob, "any"))).await;
    patient.proxy.become_(Illness::Cut);
    // One that waits to the end finds that the database is down, and then another one goes without waiting: its
    // connection is given back as a good one.
    let store = patient.store.clone();
    let waits = tokio::spawn(async move { store.is_blacklisted("any").await });
    let store = patient.store.clone();
    let leaves = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        store.set_password(&users()[1], "other").await
    });
    waits.await.unwrap().unwrap_err();
    leaves.abort();
    leaves.await.unwrap_err();
    patient.proxy.become_(Illness::Healthy);
    patient.assert_recovers(&pair.refresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_patient_with_statements_is_still_free_of_dead_connections_soon() {
    // Longer than any request waits, so that nobody stays to the end.
    let patient = Patient::with(|options| options.statement_timeout = Duration::from_secs(60));
    let Some(patient) = patient.await else {
        return;
    };
    let pair = patient.app.log_in().await;
    patient.proxy.become_(Illness::Cut);
    let wait = Duration::from_millis(2500);
    let asked = patient.store.is_blacklisted("any");
    assert!(tokio::time::timeout(wait, asked).await.is_err());
    patient.proxy.become_(Illness::Healthy);
    patient.assert_recovers(&pair.refresh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_before_a_frozen_database_is_answered_in_time() {
    let Some(patient) = Patient::new().await else {
        return;
    };
    patient.proxy.become_(Illness::Frozen);
    let refresh = sign(&good("refresh", ""));
    let (replies, time) = timed(async {
        let requests = (0..100).map(|_| patient.app.refresh(&refresh));
        futures(requests).await
    })
    .await;
    assert!(time <= ANSWER, "{time:?}");
    replies.iter().for_each(assert_unavailable);
}

/// All of them at once, on this task.
pub(super) async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = all.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        pending.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(value) => {
                done.push(value);
                false
            }
            std::task::Poll::Pending => true,
        });
        if pending.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_were_ended_are_replaced_without_anybody_noticing() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let app = app(&store);
    let pair = app.log_in().await;
    place.end_connections().await;
    app.verify(&pair.refresh).await.assert(200, "{}");
    place.end_connections().await;
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_outcome_is_unknown_is_an_outage_and_leaves_the_token_whole() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let app = app(&store);
    let pair = app.log_in().await;
    // Somebody holds a lock that the exchange has to wait for, and the connection ends meanwhile.
    let locker = place.client().await;
    locker
        .batch_execute("BEGIN; LOCK TABLE token_blacklist_blacklistedtoken IN EXCLUSIVE MODE")
        .await
        .unwrap();
    let (reply, ()) = tokio::join!(app.refresh(&pair.refresh), async {
        place.wait_for_lock().await;
        place.end_waiting_connections().await;
    });
    assert_unavailable(&reply);
    locker.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_waits_too_long_is_an_outage_for_itself_alone() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let app = app(&store);
    let pair = app.log_in().await;
    let locker = place.client().await;
    locker
        .batch_execute("BEGIN; LOCK TABLE token_blacklist_blacklistedtoken IN EXCLUSIVE MODE")
        .await
        .unwrap();
    let (refused, time) = timed(app.refresh(&pair.refresh)).await;
    assert_unavailable(&refused);
    assert!(time <= ANSWER, "{time:?}");
    app.verify(&pair.refresh).await.assert(200, "{}");
    locker.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_still_answers_questions() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let app = app(&store);
    let pair = app.log_in().await;
    let set = |mode: &str| {
        let sql = format!(
            "ALTER DATABASE {} SET default_transaction_read_only = {mode}",
            place.name()
        );
        let place = &place;
        async move {
            place.administer(&sql).await;
            place.end_connections().await;
        }
    };
    set("on").await;
    app.verify(&pair.refresh).await.assert(200, "{}");
    assert_eq!(app.get_as(&pair.access, "/me/").await.status, 200);
    let not_ready = store.ping().await.unwrap_err().to_string();
    assert!(not_ready.contains("read-only"), "{not_ready}");
    assert_unavailable(&app.refresh(&pair.refresh).await);
    assert_unavailable(&app.blacklist(&pair.refresh).await);
    assert_unavailable(&app.post(TOKEN, ALICE).await);
    app.verify(&pair.refresh).await.assert(200, "{}");
    set("off").await;
    let reply = app.refresh(&pair.refresh).await;
    assert_eq!(reply.status, 200, "the outage consumed nothing");
    store
        .ping()
        .await
        .expect("ready as soon as a change was made");
}

/// A table whose every change fails as the server would fail it.
async fn fail_with(place: &Place, state: &str) {
    place
        .run(&format!(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'it failed' USING ERRCODE = '{state}'; END $$;
             CREATE TRIGGER fail BEFORE INSERT ON token_blacklist_blacklistedtoken EXECUTE FUNCTION fail()"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_undoes_is_an_outage_and_consumes_nothing() {
    // Disk full, serialization failure, deadlock, out of memory.
    for state in ["53100", "40001", "40P01", "53200"] {
        let Some((place, store)) = filled().await else {
            return;
        };
        let app = app(&store);
        let pair = app.log_in().await;
        fail_with(&place, state).await;
        assert_unavailable(&app.refresh(&pair.refresh).await);
        assert_unavailable(&app.blacklist(&pair.refresh).await);
        app.verify(&pair.refresh).await.assert(200, "{}");
        assert_eq!(store.ping().await.is_err(), state == "53100", "{state}");
        place
            .run("DROP TRIGGER fail ON token_blacklist_blacklistedtoken")
            .await;
        assert_eq!(app.refresh(&pair.refresh).await.status, 200, "{state}");
        store
            .ping()
            .await
            .expect("ready as soon as a change was made");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serialization_failure_that_passes_is_not_noticed() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let app = app(&store);
    let pair = app.log_in().await;
    place
        .run(
            "CREATE SEQUENCE attempts;
             CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('attempts') < 3 THEN RAISE EXCEPTION 'try again' USING ERRCODE = '40001'; END IF;
                RETURN NEW; END $$;
             CREATE TRIGGER fail BEFORE INSERT ON token_blacklist_blacklistedtoken FOR EACH ROW EXECUTE FUNCTION fail()",
        )
        .await;
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_free_connections_is_an_outage() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let app = app(&store);
    // The role of the store may have no further connection.
    place
        .administer(&format!(
            "ALTER DATABASE {} CONNECTION LIMIT 0; CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'x'",
            place.name(),
            role = place.name()
        ))
        .await;
    place
        .administer(&format!("ALTER ROLE {} NOSUPERUSER", place.name()))
        .await;
    let url = place.url_as(place.name(), "x");
    let refused = PostgresStore::connect(&url).await.unwrap_err().to_string();
    assert!(refused.contains("too many connections"), "{refused}");
    assert!(!refused.contains(":x@"), "{refused}");
    // Who has connections goes on.
    app.verify(&sign(&good("refresh", "")))
        .await
        .assert(200, "{}");
    place
        .administer(&format!("DROP ROLE {}", place.name()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lets_nobody_in_is_an_outage_until_it_does() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let app = app(&store);
    let pair = app.log_in().await;
    let let_in = |whether: bool| {
        let sql = format!(
            "ALTER DATABASE {} ALLOW_CONNECTIONS {whether}",
            place.name()
        );
        let place = &place;
        async move { place.administer(&sql).await }
    };
    let_in(false).await;
    place
        .administer(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
            place.name()
        ))
        .await;
    for _ in 0..3 {
        assert_unavailable(&app.refresh(&pair.refresh).await);
        assert_unavailable(&app.verify(&pair.refresh).await);
    }
    let_in(true).await;
    while store.ping().await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_requests_than_connections_wait_for_each_other() {
    let Some(place) = Place::new().await else {
        return;
    };
    let mut options = place.options();
    options.max_connections = 2;
    let store = place.filled_with(options, &users()).await;
    let app = app(&store);
    let tokens: Vec<String> = (0..60)
        .map(|number| sign(&good("refresh", "").replace("refresh-jti", &format!("jti-{number}"))))
        .collect();
    let replies = futures(tokens.iter().map(|token| app.refresh(token))).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_altered_under_prepared_statements_is_read_on() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let app = app(&store);
    let pair = app.log_in().await;
    place
        .run("ALTER TABLE auth_user ALTER COLUMN username TYPE text, ALTER COLUMN id TYPE bigint, ADD COLUMN more int")
        .await;
    assert_eq!(app.get_as(&pair.access, "/me/").await.status, 200);
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
    place.run("ALTER TABLE tokenpair_rotation ALTER COLUMN rotated_at TYPE bigint USING rotated_at + 0").await;
    assert_eq!(app.post(TOKEN, ALICE).await.status, 200);
}

#[tokio::test]
async fn a_database_without_tables_is_an_outage() {
    let Some(place) = Place::new().await else {
        return;
    };
    let app = app(&PostgresStore::open(place.options()).await.unwrap());
    assert_unavailable(&app.post(TOKEN, ALICE).await);
    assert_unavailable(&app.refresh(&sign(&good("refresh", ""))).await);
    assert_unavailable(&app.verify(&sign(&good("refresh", ""))).await);
    assert_unavailable(&app.get_as(&sign(&good("access", "")), "/me/").await);
}

#[tokio::test]
async fn a_server_that_acknowledges_too_early_is_refused() {
    let Some(place) = Place::new().await else {
        return;
    };
    let error = PostgresStore::connect(&place.url_with("options=-c synchronous_commit=off"))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("synchronous_commit is off"), "{error}");
    assert!(error.contains(place.name()), "{error}");
    PostgresStore::connect(&place.url_with("options=-c synchronous_commit=remote_apply"))
        .await
        .unwrap();
}

#[tokio::test]
async fn who_cannot_be_reached_is_named_without_the_password() {
    let Some(place) = Place::new().await else {
        return;
    };
    for (url, part) in [
        (
            "postgres://ada:kept-secret@127.0.0.1:1/db",
            "ada@127.0.0.1:1/db",
        ),
        (
            "postgres://ada:kept-secret@no-such-host.invalid/db",
            "no-such-host.invalid:5432",
        ),
        (
            &place.url_as("nobody_here", "kept-secret"),
            "password authentication failed",
        ),
        (
            "postgres://ada:kept-secret@/db?host=/no/such/folder",
            "/no/such/folder",
        ),
    ] {
        let error = PostgresStore::connect(url).await.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert!(!error.contains("kept-secret"), "{error}");
    }
}
