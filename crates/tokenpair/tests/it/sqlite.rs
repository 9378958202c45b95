//! What only a database file can do: share, be locked, be damaged; and Django's schema.

use crate::app::{ALICE, NOW, Reply, TOKEN, TestApp, good, sign, users};
use crate::stores::sqlite_with;
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::Value;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use tokenpair::clock::TimeOrderedIds;
use tokenpair::store::{Flushed, Migration, Store as _};
use tokenpair::{Settings, SqliteOptions, SqliteStore, TokenStore as _, UserTable as _};

fn strict(settings: &mut Settings) {
    settings.rotate_refresh_tokens = true;
    settings.blacklist_after_rotation = true;
}

fn app(store: &SqliteStore) -> TestApp {
    TestApp::built(strict, |builder, _| builder.store(store.clone()))
}

/// One of several servers on a database: its ids differ from those of the others.
fn node(store: &SqliteStore) -> TestApp {
    TestApp::built(strict, |builder, _| {
        builder.store(store.clone()).ids(TimeOrderedIds)
    })
}

/// A folder that vanishes with the test, and a file in it.
fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite3");
    (folder, path)
}

async fn filled(path: &Path) -> SqliteStore {
    sqlite_with(path.to_str().unwrap(), &users()).await
}

async fn failure(path: &Path) -> String {
    SqliteStore::open(SqliteOptions::new(path))
        .await
        .unwrap_err()
        .to_string()
}

#[track_caller]
fn assert_unavailable(reply: &Reply) {
    assert_eq!(reply.status, 503, "{reply:?}");
    assert_eq!(reply.text("code"), "service_unavailable");
    assert_eq!(reply.header("retry-after"), Some("1"));
}

/// Name and text of everything in the schema, and the rows of `django_migrations`; ours left out.
fn schema(path: &Path) -> (Vec<[String; 3]>, Vec<[String; 2]>) {
    let db = Connection::open(path).unwrap();
    let mut objects = db
        .prepare(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             AND tbl_name NOT LIKE 'tokenpair_%' ORDER BY name",
        )
        .unwrap();
    let objects = objects
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]))
        .unwrap();
    let mut history = db
        .prepare("SELECT app, name FROM django_migrations ORDER BY app, name")
        .unwrap();
    let history = history
        .query_map([], |row| Ok([row.get(0)?, row.get(1)?]))
        .unwrap();
    (
        objects.map(Result::unwrap).collect(),
        history.map(Result::unwrap).collect(),
    )
}

/// What Django itself made, recorded by `tests/vectors/django_schema.py`.
fn django() -> (Vec<[String; 3]>, Vec<[String; 2]>) {
    let recording: Value =
        serde_json::from_str(include_str!("../vectors/django_schema.json")).unwrap();
    (
        serde_json::from_value(recording["objects"].clone()).unwrap(),
        serde_json::from_value(recording["history"].clone()).unwrap(),
    )
}

#[tokio::test]
async fn the_schema_is_djangos_to_the_byte() {
    let (_folder, path) = place();
    filled(&path).await;
    assert_eq!(schema(&path), django());
}

#[tokio::test]
async fn a_second_migration_has_nothing_to_do() {
    let (_folder, path) = place();
    let store = filled(&path).await;
    let before = schema(&path);
    assert_eq!(store.migrate(Timestamp::UNIX_EPOCH).await.unwrap(), []);
    assert_eq!(store.pending_migrations().await.unwrap(), []);
    assert_eq!(schema(&path), before);
}

#[tokio::test]
async fn a_database_of_djangos_gets_our_tables_and_nothing_else() {
    let (_folder, path) = place();
    let db = Connection::open(&path).unwrap();
    let (objects, history) = django();
    let (tables, indexes): (Vec<_>, Vec<_>) =
        objects.iter().partition(|object| object[0] == "table");
    for [_, _, sql] in tables.into_iter().chain(indexes) {
        db.execute_batch(sql).unwrap();
    }
    let mut insert = db
        .prepare("INSERT INTO django_migrations (app, name, applied) VALUES (?1, ?2, '2020-01-01')")
        .unwrap();
    for [app, name] in &history {
        insert.execute([app, name]).unwrap();
    }

    let store = SqliteStore::open(SqliteOptions::new(&path)).await.unwrap();
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
    assert_eq!(schema(&path), (objects, history));
    let dates: i64 = db
        .query_row(
            "SELECT count(*) FROM django_migrations WHERE applied <> '2020-01-01'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(dates, 0);
}

#[tokio::test]
async fn without_the_blacklist_its_tables_are_neither_made_nor_missed() {
    let (_folder, path) = place();
    let mut options = SqliteOptions::new(&path);
    options.token_blacklist = false;
    let without = SqliteStore::open(options).await.unwrap();
    for pending in [&[Migration::Auth][..], &[]] {
        assert_eq!(without.pending_migrations().await.unwrap(), pending);
        let done = without.migrate(Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(done, pending);
    }
    let (objects, history) = schema(&path);
    assert!(
        objects
            .iter()
            .all(|[_, name, _]| !name.contains("blacklist"))
    );
    assert!(history.iter().all(|[app, _]| app != "token_blacklist"));

    let with = SqliteStore::open(SqliteOptions::new(&path)).await.unwrap();
    let missing = [
        Migration::TokenBlacklist,
        Migration::Rotation,
        Migration::Sessions,
        Migration::Unverified,
    ];
    assert_eq!(with.pending_migrations().await.unwrap(), missing);
    with.migrate(Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(schema(&path), django());
}

#[tokio::test]
async fn rows_are_written_as_django_writes_them() {
    let (_folder, path) = place();
    let app = app(&filled(&path).await);
    app.clock
        .advance(jiff::SignedDuration::from_micros(1_500_000));
    let pair = app.log_in().await;
    app.blacklist(&pair.refresh).await.assert(200, "{}");
    let db = Connection::open(&path).unwrap();
    let row: [String; 5] = db
        .query_row(
            "SELECT jti, created_at, expires_at, CAST(user_id AS text), blacklisted_at FROM token_blacklist_outstandingtoken o
             JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id",
            [],
            |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]),
        )
        .unwrap();
    let at = "2027-01-15 08:00:01.500000";
    assert_eq!(
        row,
        [&format!("{:032x}", 1), at, "2027-01-16 08:00:01", "1", at]
    );
}

#[tokio::test]
async fn two_servers_on_one_file_see_each_others_blacklist_at_once() {
    let (_folder, path) = place();
    let (one, two) = (
        app(&filled(&path).await),
        app(&SqliteStore::open(SqliteOptions::new(&path)).await.unwrap()),
    );
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
async fn of_refreshes_at_two_servers_one_wins() {
    let (_folder, path) = place();
    let apps = [
        node(&filled(&path).await),
        node(&SqliteStore::open(SqliteOptions::new(&path)).await.unwrap()),
    ]
    .map(std::sync::Arc::new);
    for round in 0..20 {
        let token = sign(&good("refresh", "").replace("refresh-jti", &format!("round-{round}")));
        let mut tasks = tokio::task::JoinSet::new();
        for racer in 0..10 {
            let (app, token) = (apps[racer % 2].clone(), token.clone());
            tasks.spawn(async move { app.refresh(&token).await.status });
        }
        let mut statuses = tasks.join_all().await;
        statuses.sort_unstable();
        assert_eq!(
            statuses,
            [200, 401, 401, 401, 401, 401, 401, 401, 401, 401],
            "round {round}"
        );
    }
}

#[tokio::test]
async fn rows_that_django_wrote_count() {
    let (_folder, path) = place();
    let app = app(&filled(&path).await);
    let db = Connection::open(&path).unwrap();
    db.execute_batch(
        "INSERT INTO token_blacklist_outstandingtoken (id, token, created_at, expires_at, user_id, jti)
             VALUES (7, 'x', NULL, '2030-01-01 00:00:00', NULL, 'refresh-jti');
         INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id) VALUES ('2027-01-01 00:00:00', 7)",
    )
    .unwrap();
    app.refresh(&sign(&good("refresh", "")))
        .await
        .assert_refused("Token is blacklisted");
}

#[tokio::test]
async fn a_user_deleted_during_a_login_leaves_a_record_without_owner() {
    let (_folder, path) = place();
    let store = filled(&path).await;
    let alice = store.find_by_login("alice").await.unwrap().unwrap();
    let app = app(&store);
    Connection::open(&path)
        .unwrap()
        .execute("DELETE FROM auth_user WHERE id = 1", [])
        .unwrap();
    tokenpair::RefreshToken::for_user(&app.jwt, &alice)
        .await
        .unwrap();
    let db = Connection::open(&path).unwrap();
    let owner: Option<i64> = db
        .query_row(
            "SELECT user_id FROM token_blacklist_outstandingtoken",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(owner, None);
}

#[tokio::test]
async fn what_is_no_database_is_refused_with_its_name() {
    let (folder, path) = place();
    std::fs::write(
        &path,
        "a file of text, long enough to hold the header of a database ".repeat(40),
    )
    .unwrap();
    let error = failure(&path).await;
    assert!(
        error.contains("db.sqlite3") && error.contains("not a database"),
        "{error}"
    );
    let error = failure(folder.path()).await;
    assert!(
        error.contains(folder.path().to_str().unwrap()) && error.contains("directory"),
        "{error}"
    );
    let error = failure(&folder.path().join("missing/db.sqlite3")).await;
    assert!(
        error.contains("missing/db.sqlite3") && error.contains("there is no folder"),
        "{error}"
    );
    let error = SqliteStore::connect("sqlite::memory:")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("names no file"), "{error}");
}

#[tokio::test]
async fn a_database_cut_short_is_an_outage() {
    let (_folder, path) = place();
    drop(app(&filled(&path).await));
    checkpoint(&path);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    for keep in [4096, 5000, 100] {
        file.set_len(keep).unwrap();
        match SqliteStore::open(SqliteOptions::new(&path)).await {
            Ok(store) => assert_unavailable(&app(&store).post(TOKEN, ALICE).await),
            Err(error) => assert!(error.to_string().contains("db.sqlite3"), "{error}"),
        }
    }
}

/// Moves everything from the log into the file itself.
fn checkpoint(path: &Path) {
    let db = Connection::open(path).unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
}

#[tokio::test]
async fn a_database_without_tables_is_an_outage() {
    let (_folder, path) = place();
    let app = app(&SqliteStore::open(SqliteOptions::new(&path)).await.unwrap());
    assert_unavailable(&app.post(TOKEN, ALICE).await);
    assert_unavailable(&app.refresh(&sign(&good("refresh", ""))).await);
    assert_unavailable(&app.verify(&sign(&good("refresh", ""))).await);
    assert_unavailable(&app.get_as(&sign(&good("access", "")), "/me/").await);
}

#[tokio::test]
async fn while_somebody_else_writes_reads_are_answered_and_writes_are_an_outage() {
    let (_folder, path) = place();
    let store = filled(&path).await;
    let app = app(&store);
    let pair = app.log_in().await;
    let locker = Connection::open(&path).unwrap();
    locker.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let (refreshed, blacklisted) =
        tokio::join!(app.refresh(&pair.refresh), app.blacklist(&pair.refresh));
    assert_unavailable(&refreshed);
    assert_unavailable(&blacklisted);
    let not_ready = store.ping().await.unwrap_err().to_string();
    assert!(not_ready.contains("locked"), "{not_ready}");
    app.verify(&pair.refresh).await.assert(200, "{}");
    assert_eq!(app.get_as(&pair.access, "/me/").await.status, 200);
    locker.execute_batch("ROLLBACK").unwrap();
    assert_eq!(
        app.refresh(&pair.refresh).await.status,
        200,
        "the outage consumed nothing"
    );
    store
        .ping()
        .await
        .expect("ready as soon as a change was made");
}

#[tokio::test]
async fn a_file_that_is_locked_at_the_start_is_refused_with_its_name() {
    let (_folder, path) = place();
    let locker = Connection::open(&path).unwrap();
    locker
        .execute_batch("CREATE TABLE t (a); BEGIN EXCLUSIVE")
        .unwrap();
    let error = failure(&path).await;
    assert!(
        error.contains("db.sqlite3") && error.contains("locked"),
        "{error}"
    );
}

/// Sets the "file format write version" of the header: above 2, SQLite treats the file as read-only.
/// File permissions would not do: they do not bind the superuser that tests may run as.
fn set_write_version(path: &Path, version: u8) {
    checkpoint(path);
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(18)).unwrap();
    file.write_all(&[version]).unwrap();
}

#[tokio::test]
async fn a_database_that_cannot_be_written_still_answers_reads() {
    let (_folder, path) = place();
    let server = app(&filled(&path).await);
    let pair = server.log_in().await;
    set_write_version(&path, 3);
    server.verify(&pair.refresh).await.assert(200, "{}");
    assert_eq!(server.get_as(&pair.access, "/me/").await.status, 200);
    assert_unavailable(&server.refresh(&pair.refresh).await);
    assert_unavailable(&server.blacklist(&pair.refresh).await);
    assert_unavailable(&server.post(TOKEN, ALICE).await);
    set_write_version(&path, 2);
    let restarted = app(&SqliteStore::open(SqliteOptions::new(&path)).await.unwrap());
    let reply = restarted.refresh(&pair.refresh).await;
    assert_eq!(reply.status, 200, "the outage consumed nothing");
}

/// The names of the files in the folder of a database, and a fingerprint of the database.
fn on_the_disk(path: &Path) -> (Vec<std::ffi::OsString>, u64) {
    let files = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    names.sort();
    let mut hasher = DefaultHasher::new();
    std::fs::read(path).unwrap().hash(&mut hasher);
    (names, hasher.finish())
}

/// Makes a database that nobody has opened.
async fn copy_closed(path: &Path, mode: &str) {
    let (_folder, original) = place();
    filled(&original).await;
    let original = Connection::open(&original).unwrap();
    original
        .execute("VACUUM INTO ?1", [path.to_str().unwrap()])
        .unwrap();
    let copy = Connection::open(path).unwrap();
    copy.pragma_update(None, "journal_mode", mode).unwrap();
}

async fn read_only(path: &Path) -> SqliteStore {
    SqliteStore::open_read_only(SqliteOptions::new(path))
        .await
        .unwrap()
}

#[tokio::test]
async fn reading_changes_nothing_on_the_disk() {
    for mode in ["DELETE", "WAL"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b?mode=memory#%20é.sqlite3");
        copy_closed(&path, mode).await;
        let before = on_the_disk(&path);
        assert_eq!(before.0.len(), 1, "{mode}: {:?}", before.0);

        let store = read_only(&path).await;
        assert!(store.find_by_login("alice").await.unwrap().is_some());
        assert_eq!(store.pending_migrations().await.unwrap(), []);
        assert_eq!(on_the_disk(&path), before, "{mode}");
        let refused = store.migrate(Timestamp::UNIX_EPOCH).await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the database was opened to be read only"
        );
        drop(store);
        assert_eq!(on_the_disk(&path), before, "{mode}");
    }
}

#[tokio::test]
async fn what_a_server_wrote_a_moment_ago_is_read() {
    let (_folder, path) = place();
    let server = app(&filled(&path).await);
    let pair = server.log_in().await;
    server.blacklist(&pair.refresh).await.assert(200, "{}");
    let reader = read_only(&path).await;
    let jti = format!("{:032x}", 1);
    assert!(reader.is_blacklisted(&jti).await.unwrap());
    let other = server.log_in().await;
    server.blacklist(&other.refresh).await.assert(200, "{}");
    let jti = format!("{:032x}", 3);
    assert!(reader.is_blacklisted(&jti).await.unwrap());
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_its_name() {
    let (folder, path) = place();
    std::fs::write(&path, "no database, ".repeat(100)).unwrap();
    let missing = folder.path().join("missing.sqlite3");
    for (path, why) in [
        (path.as_path(), "not a database"),
        (&missing, "No such file"),
        (folder.path(), "directory"),
    ] {
        let refused = SqliteStore::open_read_only(SqliteOptions::new(path)).await;
        let error = refused.unwrap_err().to_string();
        assert!(
            error.contains(path.to_str().unwrap()) && error.contains(why),
            "{error}"
        );
    }
    assert!(!missing.exists());
}

#[tokio::test]
async fn expired_tokens_are_flushed_in_bites() {
    let (_folder, path) = place();
    let store = filled(&path).await;
    let app = app(&store);
    for _ in 0..5 {
        app.log_in().await;
    }
    let after = Timestamp::from_second(NOW + 86_401).unwrap();
    for flushed in [3, 2, 0] {
        let done = store.flush_expired(after, 3).await.unwrap();
        assert_eq!(done, Flushed::Deleted(flushed));
    }
}

#[tokio::test]
async fn a_database_file_that_was_deleted_is_an_outage() {
    let (_folder, path) = place();
    let store = filled(&path).await;
    let app = app(&store);
    let pair = app.log_in().await;
    std::fs::remove_file(&path).unwrap();
    assert!(tokenpair::store::Store::ping(&store).await.is_err());
    assert_unavailable(&app.refresh(&pair.refresh).await);
}

#[tokio::test]
async fn a_path_that_looks_like_a_uri_is_a_path() {
    let (folder, _) = place();
    let path = folder.path().join("file:x?mode=memory");
    filled(&path).await;
    assert!(path.exists());
}

#[tokio::test]
async fn an_exchanged_token_whose_rows_django_flushed_is_refused_within_the_leeway() {
    let (_folder, path) = place();
    let store = filled(&path).await;
    let lenient = |settings: &mut Settings| {
        strict(settings);
        settings.leeway = std::time::Duration::from_secs(60);
    };
    let app = TestApp::built(lenient, |builder, _| builder.store(store));
    let pair = app.log_in().await;
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
    app.advance(86_400 + 10);
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "DELETE FROM token_blacklist_blacklistedtoken; DELETE FROM token_blacklist_outstandingtoken",
        )
        .unwrap();
    app.refresh(&pair.refresh)
        .await
        .assert_refused("Token is blacklisted");
}
