//! Each store keeps the contract.

use crate::app::TestApp;
use rusqlite::{Connection, params};
use std::cell::Cell;
use tokenpair::store::contract;
use tokenpair::{MemoryStore, SqliteStore, User, UserId};

fn memory() -> MemoryStore {
    let store = MemoryStore::default();
    for user in contract::users() {
        store.add_user(user);
    }
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_store_keeps_the_contract() {
    contract::check(async || memory()).await;
    contract::check_admin(async || memory()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_store_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let count = Cell::new(0);
    let make = async || {
        count.set(count.get() + 1);
        let path = folder.path().join(format!("{}.sqlite3", count.get()));
        sqlite_with(path.to_str().unwrap(), &contract::users()).await
    };
    contract::check(make).await;
    contract::check_admin(make).await;
    assert!(count.get() > 15, "every rule has a store of its own");
}

/// A migrated database with these users.
pub(crate) async fn sqlite_with(path: &str, users: &[User]) -> SqliteStore {
    let store = SqliteStore::connect(path).await.unwrap();
    store.migrate(jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    let db = Connection::open(path).unwrap();
    for user in users {
        let UserId::Int(id) = user.id else {
            panic!("{user:?}")
        };
        db.execute(
            r#"INSERT INTO "auth_user" ("id", "password", "is_superuser", "username", "last_name", "email", "is_staff",
               "is_active", "date_joined", "first_name") VALUES (?1, ?2, ?3, ?4, '', '', ?5, ?6, '2024-01-01 00:00:00', '')"#,
            params![id, user.password.expose(), user.is_superuser, user.username, user.is_staff, user.is_active],
        )
        .unwrap();
    }
    store
}

#[tokio::test]
async fn both_stores_answer_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite3");
    let sqlite = sqlite_with(path.to_str().unwrap(), &crate::app::users()).await;
    let strict = |settings: &mut tokenpair::Settings| {
        settings.rotate_refresh_tokens = true;
        settings.blacklist_after_rotation = true;
    };
    let apps = [
        TestApp::with(strict),
        TestApp::built(strict, |builder, _| builder.store(sqlite)),
    ];
    let mut transcripts = Vec::new();
    for app in apps {
        let pair = app.log_in().await;
        let sliding = app.log_in_sliding().await;
        transcripts.push([
            app.refresh(&pair.refresh).await.body,
            app.refresh(&pair.refresh).await.body,
            app.verify(&pair.refresh).await.body,
            app.blacklist(&pair.refresh).await.body,
            app.refresh_sliding(&sliding).await.body,
            app.get_as(&pair.access, "/admin/").await.body,
        ]);
    }
    assert_eq!(transcripts[0], transcripts[1]);
}
