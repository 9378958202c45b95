//! Django's tables, and rows as Django writes and reads them.

use super::place::Place;
use super::{app, filled, strict};
use crate::app::{NOW, TestApp, good, sign};
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;
use tokenpair::store::{Flushed, Migration, UserModel};
use tokenpair::{PostgresStore, Settings, TokenStore as _, UserIdKind, UserTable as _};

const PARTS: &str = include_str!("../../vectors/django_postgres.sql");

/// The parts of the schema and the rows of `django_migrations`; ours left out.
async fn schema(place: &Place) -> (Vec<String>, Vec<[String; 2]>) {
    let parts = place.rows(PARTS).await;
    let history =
        "SELECT app, name FROM django_migrations ORDER BY app COLLATE \"C\", name COLLATE \"C\"";
    let history = place.rows(history).await;
    let mut parts: Vec<String> = parts.iter().map(|row| row.get(0)).collect();
    parts.sort();
    (
        parts,
        history.iter().map(|row| [row.get(0), row.get(1)]).collect(),
    )
}

/// What Django itself made, recorded by `tests/vectors/django_postgres.py`.
fn django() -> (Vec<String>, Vec<[String; 2]>) {
    let recording: Value =
        serde_json::from_str(include_str!("../../vectors/django_postgres.json")).unwrap();
    let mut parts: Vec<String> = serde_json::from_value(recording["objects"].clone()).unwrap();
    parts.sort();
    (
        parts,
        serde_json::from_value(recording["history"].clone()).unwrap(),
    )
}

#[tokio::test]
async fn the_schema_is_djangos_with_every_name() {
    let Some((place, _)) = filled().await else {
        return;
    };
    assert_eq!(schema(&place).await, django());
}

#[tokio::test]
async fn a_second_migration_has_nothing_to_do() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let before = schema(&place).await;
    assert_eq!(store.migrate(Timestamp::UNIX_EPOCH).await.unwrap(), []);
    assert_eq!(store.pending_migrations().await.unwrap(), []);
    assert_eq!(schema(&place).await, before);
}

#[tokio::test]
async fn a_database_of_djangos_gets_our_tables_and_nothing_else() {
    let Some((place, store)) = filled().await else {
        return;
    };
    // What is left is what a Django would have made, with its own dates.
    place
        .run("DROP TABLE tokenpair_rotation, tokenpair_session, tokenpair_unverified; UPDATE django_migrations SET applied = '2020-01-01'")
        .await;
    let before = schema(&place).await;
    assert_eq!(
        store.pending_migrations().await.unwrap(),
        [
            Migration::Rotation,
            Migration::Sessions,
            Migration::Unverified
        ]
    );
    assert_eq!(
        store.migrate(Timestamp::UNIX_EPOCH).await.unwrap(),
        [
            Migration::Rotation,
            Migration::Sessions,
            Migration::Unverified
        ]
    );
    assert_eq!(schema(&place).await, before);
    let dates = place
        .rows("SELECT 1 FROM django_migrations WHERE applied <> '2020-01-01'")
        .await;
    assert!(dates.is_empty());
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing_behind() {
    let Some(place) = Place::with("CREATE TABLE tokenpair_rotation_parent_exp ()").await else {
        return;
    };
    let store = PostgresStore::open(place.options()).await.unwrap();
    store.migrate(Timestamp::UNIX_EPOCH).await.unwrap_err();
    assert_eq!(store.pending_migrations().await.unwrap().len(), 5);
    place.run("DROP TABLE tokenpair_rotation_parent_exp").await;
    assert_eq!(store.migrate(Timestamp::UNIX_EPOCH).await.unwrap().len(), 5);
}

/// Tables refer to the user table, which locks it. Whoever holds a lock there is waited for, but nobody behind us is.
#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_has_to_wait_lets_others_pass() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let writer = place.without_blacklist_while_somebody_writes_users().await;
    let migration = tokio::spawn(async move { store.migrate(Timestamp::UNIX_EPOCH).await });
    place.wait_for_lock().await;
    // Waits for the migration that waits for the lock; within its patience the migration gives way.
    let other =
        place.run("SET statement_timeout = '2s'; UPDATE auth_user SET email = 'b' WHERE id = 2");
    other.await;
    assert!(!migration.is_finished());
    writer.batch_execute("COMMIT").await.unwrap();
    let done = migration.await.unwrap().unwrap();
    assert_eq!(done, [Migration::TokenBlacklist]);
}

#[tokio::test]
async fn a_mapped_user_table_is_referred_to_with_its_own_type() {
    for (sql_type, kind) in [
        ("uuid", UserIdKind::Uuid),
        ("bigint", UserIdKind::Integer),
        ("character varying(20)", UserIdKind::Text),
    ] {
        let table = format!(
            r#"CREATE TABLE "customers" ("uid" {sql_type} PRIMARY KEY, "email" text UNIQUE, "password" text)"#
        );
        let Some(place) = Place::with(&table).await else {
            return;
        };
        let mut options = place.options();
        options.user_model = UserModel {
            table: "customers".to_owned(),
            id: "uid".to_owned(),
            id_kind: kind,
            username: "email".to_owned(),
            is_active: None,
            is_staff: None,
            is_superuser: None,
            last_login: None,
            ..UserModel::default().with_user_id("uid", kind)
        };
        let store = PostgresStore::open(options).await.unwrap();
        let done = store.migrate(Timestamp::UNIX_EPOCH).await.unwrap();
        let all = [
            Migration::TokenBlacklist,
            Migration::Rotation,
            Migration::Sessions,
            Migration::Unverified,
        ];
        assert_eq!(done, all);
        store.check_user_model().await.unwrap();
        let (parts, _) = schema(&place).await;
        for part in [
            format!("token_blacklist_outstandingtoken column 05: user_id {sql_type}"),
            "token_blacklist_outstandingtoken constraint token_blacklist_outs_user_id_83bc629a_fk_customers: \
             FOREIGN KEY (user_id) REFERENCES customers(uid) DEFERRABLE INITIALLY DEFERRED"
                .to_owned(),
        ] {
            assert!(parts.contains(&part), "{part} in {parts:#?}");
        }
    }
}

#[tokio::test]
async fn a_mapped_user_table_is_not_ours_to_make() {
    let Some(place) = Place::new().await else {
        return;
    };
    let mut options = place.options();
    options.user_model.table = "customers".to_owned();
    let store = PostgresStore::open(options).await.unwrap();
    let error = store.migrate(Timestamp::UNIX_EPOCH).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"the user table "customers" does not exist: its own application has to create it"#
    );
    assert_eq!(store.pending_migrations().await.unwrap().len(), 5);
}

#[tokio::test]
async fn tables_live_in_the_schema_that_the_address_names() {
    let Some(place) = Place::with("CREATE SCHEMA site").await else {
        return;
    };
    let url = place.url_with("options=-c search_path=site");
    let store = PostgresStore::connect(&url).await.unwrap();
    assert_eq!(store.migrate(Timestamp::UNIX_EPOCH).await.unwrap().len(), 5);
    assert_eq!(store.pending_migrations().await.unwrap(), []);
    let elsewhere = PostgresStore::open(place.options()).await.unwrap();
    assert_eq!(elsewhere.pending_migrations().await.unwrap().len(), 5);
    assert!(store.find_by_login("ada").await.unwrap().is_none());
}

#[tokio::test]
async fn rows_are_written_as_django_writes_them() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let app = app(&store);
    app.clock
        .advance(jiff::SignedDuration::from_micros(1_500_000));
    let pair = app.log_in().await;
    app.blacklist(&pair.refresh).await.assert(200, "{}");
    let rows = place
        .rows(
            "SELECT jti, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), expires_at::text, user_id,
                to_char(blacklisted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
             FROM token_blacklist_outstandingtoken o JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id",
        )
        .await;
    let [row] = &rows[..] else { panic!("{rows:?}") };
    let texts: [String; 4] = [0, 1, 2, 4].map(|place| row.get(place));
    let at = "2027-01-15 08:00:01.500000";
    assert_eq!(
        texts,
        [&format!("{:032x}", 1), at, "2027-01-16 08:00:01+00", at]
    );
    assert_eq!(row.get::<_, i32>(3), 1);
}

#[tokio::test]
async fn the_last_second_that_a_token_may_name_is_kept() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let token = tokenpair::OutstandingToken {
        user_id: None,
        jti: "last".to_owned(),
        token: "x".to_owned(),
        created_at: Timestamp::from_second(NOW).unwrap(),
        expires_at: tokenpair::NumericDate::from_micros(253_402_300_799_999_999).unwrap(),
    };
    store.record(&token).await.unwrap();
    let rows = place
        .rows("SELECT expires_at::text FROM token_blacklist_outstandingtoken")
        .await;
    assert_eq!(rows[0].get::<_, &str>(0), "9999-12-31 23:59:59.999999+00");
}

#[tokio::test]
async fn rows_that_django_wrote_count() {
    let Some((place, store)) = filled().await else {
        return;
    };
    place
        .run(
            "INSERT INTO token_blacklist_outstandingtoken (id, token, created_at, expires_at, user_id, jti)
                 VALUES (7, 'x', NULL, '2030-01-01', NULL, 'refresh-jti');
             INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id) VALUES ('2027-01-01', 7)",
        )
        .await;
    app(&store)
        .refresh(&sign(&good("refresh", "")))
        .await
        .assert_refused("Token is blacklisted");
}

#[tokio::test]
async fn a_user_deleted_during_a_login_leaves_a_record_without_owner() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let alice = store.find_by_login("alice").await.unwrap().unwrap();
    let app = app(&store);
    place.run("DELETE FROM auth_user WHERE id = 1").await;
    tokenpair::RefreshToken::for_user(&app.jwt, &alice)
        .await
        .unwrap();
    let rows = place
        .rows("SELECT user_id FROM token_blacklist_outstandingtoken")
        .await;
    assert_eq!(rows[0].get::<_, Option<i32>>(0), None);
}

/// The owner is there when it is looked up and gone when the record is committed.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_deleted_at_the_same_moment_is_no_outage() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let alice = store.find_by_login("alice").await.unwrap().unwrap();
    let app = app(&store);
    let deleter = place.client().await;
    deleter
        .batch_execute("BEGIN; DELETE FROM auth_user WHERE id = 1")
        .await
        .unwrap();
    let (recorded, ()) = tokio::join!(tokenpair::RefreshToken::for_user(&app.jwt, &alice), async {
        place.wait_for_lock().await;
        deleter.batch_execute("COMMIT").await.unwrap();
    });
    recorded.unwrap();
    let rows = place
        .rows("SELECT user_id FROM token_blacklist_outstandingtoken")
        .await;
    assert_eq!(rows[0].get::<_, Option<i32>>(0), None);
}

#[tokio::test]
async fn an_exchanged_token_whose_rows_django_flushed_is_refused_within_the_leeway() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let lenient = |settings: &mut Settings| {
        strict(settings);
        settings.leeway = Duration::from_secs(60);
    };
    let app = TestApp::built(lenient, |builder, _| builder.store(store));
    let pair = app.log_in().await;
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
    app.advance(86_400 + 10);
    place
        .run("DELETE FROM token_blacklist_blacklistedtoken; DELETE FROM token_blacklist_outstandingtoken")
        .await;
    app.refresh(&pair.refresh)
        .await
        .assert_refused("Token is blacklisted");
}

#[tokio::test]
async fn expired_tokens_are_flushed_in_bites_with_their_exchanges() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let app = app(&store);
    for _ in 0..5 {
        let pair = app.log_in().await;
        assert_eq!(app.refresh(&pair.refresh).await.status, 200);
    }
    let after = Timestamp::from_second(NOW + 86_401).unwrap();
    assert_eq!(store.count_expired(after).await.unwrap(), 10);
    for flushed in [4, 4, 2, 0] {
        let done = store.flush_expired(after, 4).await.unwrap();
        assert_eq!(done, Flushed::Deleted(flushed));
    }
    let left = place
        .rows(
            "SELECT 1 FROM token_blacklist_outstandingtoken UNION ALL SELECT 1 FROM token_blacklist_blacklistedtoken
             UNION ALL SELECT 1 FROM tokenpair_rotation",
        )
        .await;
    assert!(left.is_empty());
}

#[tokio::test]
async fn a_store_without_a_blacklist_makes_and_misses_no_tables_for_it() {
    let Some(place) = Place::new().await else {
        return;
    };
    let mut options = place.options();
    options.token_blacklist = false;
    let store = PostgresStore::open(options).await.unwrap();
    let done = store.migrate(Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(done, [Migration::Auth]);
    assert_eq!(store.pending_migrations().await.unwrap(), []);
    let (parts, _) = schema(&place).await;
    assert!(!parts.iter().any(|part| part.starts_with("token_blacklist")));
}

#[tokio::test]
async fn a_store_that_was_opened_to_look_changes_nothing() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let alice = store.find_by_login("alice").await.unwrap().unwrap();
    let after = Timestamp::from_second(NOW).unwrap();
    for prepared in [true, false] {
        let mut options = place.options();
        options.prepared_statements = prepared;
        let store = PostgresStore::open_read_only(options).await.unwrap();
        store.check_user_model().await.unwrap();
        assert_eq!(store.count_expired(after).await.unwrap(), 0);
        let refused = store.set_password(&alice, "x").await.unwrap_err();
        assert!(refused.to_string().contains("looked at only"), "{refused}");
        store.flush_expired(after, 1).await.unwrap_err();
        assert!(store.migrate(after).await.unwrap().is_empty());
        place
            .run("ALTER TABLE tokenpair_rotation RENAME TO away")
            .await;
        store.migrate(after).await.unwrap_err();
        place
            .run("ALTER TABLE away RENAME TO tokenpair_rotation")
            .await;
    }
    assert!(store.set_password(&alice, "x").await.unwrap());
}
