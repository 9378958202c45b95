//! What a migration locks, and what it tells while it waits. How long a lock is held is measured by `cargo xtask faults`.

use super::filled;
use super::place::Place;
use jiff::Timestamp;
use std::sync::{Arc, Mutex};
use tokenpair::PostgresStore;
use tokenpair::store::{Migration, MigrationProgress};

/// From now on, what a transaction that makes tables has locked is noted after each of its statements: the locks on
/// Django's tables that keep others from writing, or from making such tables themselves.
const WATCH: &str = r"
    CREATE TABLE seen (number serial, statement text, patience text, locked text[]);
    CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO seen (statement, patience, locked)
        SELECT tg_tag, current_setting('lock_timeout'), array(
            SELECT DISTINCT relation::regclass::text FROM pg_locks
            WHERE pid = pg_backend_pid() AND relation = ANY ((SELECT tables FROM django)::oid[])
            AND mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock'));
        END $$;
    CREATE TABLE django AS SELECT array_agg(oid) AS tables FROM pg_class
        WHERE relname ~ '^(auth|django|token_blacklist)_' AND relkind = 'r' AND relname <> 'django';
    CREATE EVENT TRIGGER note ON ddl_command_end EXECUTE FUNCTION note()";

/// The statements with what was locked after each.
async fn seen(place: &Place) -> Vec<(String, Vec<String>)> {
    let rows = place
        .rows("SELECT statement, locked, patience FROM seen WHERE statement <> 'CREATE EVENT TRIGGER' ORDER BY number")
        .await;
    let rows = rows.iter();
    rows.map(|row| {
        assert_eq!(row.get::<_, &str>(2), "50ms");
        (row.get(0), row.get(1))
    })
    .collect()
}

#[tokio::test]
async fn the_user_table_is_locked_by_the_last_statement_of_a_migration_and_no_other_is() {
    let Some((place, store)) = filled().await else {
        return;
    };
    place
        .run("DROP TABLE token_blacklist_blacklistedtoken, token_blacklist_outstandingtoken, tokenpair_rotation, tokenpair_session, tokenpair_unverified")
        .await;
    place.run(WATCH).await;
    let done = store.migrate(Timestamp::UNIX_EPOCH).await.unwrap();
    let all = [
        Migration::TokenBlacklist,
        Migration::Rotation,
        Migration::Sessions,
        Migration::Unverified,
    ];
    assert_eq!(done, all);
    let seen = seen(&place).await;
    let Some(((_, last), others)) = seen.split_last() else {
        panic!("nothing was made");
    };
    assert_eq!(last, &["auth_user"]);
    assert!(others.len() > 5, "{seen:#?}");
    let is_unlocked = |(_, locked): &(String, Vec<String>)| locked.is_empty();
    assert!(others.iter().all(is_unlocked), "{seen:#?}");
}

#[tokio::test]
async fn nothing_of_djangos_is_locked_where_only_our_tables_are_missing() {
    let Some((place, store)) = filled().await else {
        return;
    };
    place
        .run("DROP TABLE tokenpair_rotation, tokenpair_session, tokenpair_unverified")
        .await;
    place.run(WATCH).await;
    let done = store.migrate(Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(
        done,
        [
            Migration::Rotation,
            Migration::Sessions,
            Migration::Unverified
        ]
    );
    let seen = seen(&place).await;
    assert!(!seen.is_empty());
    assert!(
        seen.iter().all(|(_, locked)| locked.is_empty()),
        "{seen:#?}"
    );
}

/// A migration that notes what it tells.
fn migrate(store: PostgresStore) -> (Told, tokio::task::JoinHandle<Vec<Migration>>) {
    let told = Told::default();
    let ours = told.clone();
    let migration = tokio::spawn(async move {
        let tell =
            move |progress: MigrationProgress| ours.0.lock().unwrap().push(progress.to_string());
        let done = store.migrate_telling(Timestamp::UNIX_EPOCH, &tell).await;
        done.unwrap()
    });
    (told, migration)
}

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Returns when so much was told.
    async fn until(&self, count: usize) {
        while self.all().len() < count {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_tells_that_it_waits_for_whoever_writes_users() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let writer = place.without_blacklist_while_somebody_writes_users().await;
    let (told, migration) = migrate(store);
    told.until(2).await;
    writer.batch_execute("COMMIT").await.unwrap();
    assert_eq!(migration.await.unwrap(), [Migration::TokenBlacklist]);
    let text = "waiting for a moment in which nobody writes users";
    for (told, attempts) in told.all().iter().zip([1, 2, 4, 8]) {
        assert_eq!(
            told,
            &format!("{text}: {attempts} attempts, others go first")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_tells_that_it_waits_for_another_one() {
    let Some(place) = Place::new().await else {
        return;
    };
    let other = place.client().await;
    other
        .batch_execute("SELECT pg_advisory_lock(7281646937120590)")
        .await
        .unwrap();
    let store = PostgresStore::open(place.options()).await.unwrap();
    let (told, migration) = migrate(store);
    place.wait_for_lock().await;
    other
        .batch_execute("SELECT pg_advisory_unlock_all()")
        .await
        .unwrap();
    assert_eq!(migration.await.unwrap().len(), 5);
    assert_eq!(
        told.all(),
        ["waiting for another process that migrates this database"]
    );
}
