//! Each store keeps the contract.

use crate::app::TestApp;
use rusqlite::{Connection, params};
use std::cell::Cell;
use std::collections::HashSet;
use tokenpair::store::{UserModel, UsernameLookup, contract};
use tokenpair::{MemoryStore, SqliteOptions, SqliteStore, User, UserId};

fn memory(users: Vec<User>) -> MemoryStore {
    let store = MemoryStore::default();
    for user in users {
        store.add_user(user);
    }
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_store_keeps_the_contract() {
    contract::check(async || memory(contract::users())).await;
    contract::check_admin(async |users| memory(users)).await;
    contract::check_accounts(async |users| memory(users)).await;
    contract::check_sessions(async || memory(contract::users())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_store_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let count = Cell::new(0);
    let path = || {
        count.set(count.get() + 1);
        let path = folder.path().join(format!("{}.sqlite3", count.get()));
        path.into_os_string().into_string().unwrap()
    };
    contract::check(async || sqlite_with(&path(), &contract::users()).await).await;
    assert!(count.get() > 10, "every rule has a store of its own");
    contract::check_sessions(async || sqlite_with(&path(), &contract::users()).await).await;
    contract::check_admin(async |users| {
        let names: HashSet<_> = users.iter().map(|user| &user.username).collect();
        if names.len() == users.len() {
            sqlite_with(&path(), &users).await
        } else {
            sqlite_by_email_with(&path(), &users).await
        }
    })
    .await;
    contract::check_accounts(async |users| sqlite_with(&path(), &users).await).await;
}

#[tokio::test]
async fn the_memory_store_keeps_the_contract_of_names_without_case() {
    let users = contract::users_of_several_spellings();
    let make = || memory(users.clone()).with_username_lookup(UsernameLookup::Iexact);
    contract::check_iexact(async || make()).await;
}

#[tokio::test]
async fn the_sqlite_store_keeps_the_contract_of_names_without_case() {
    let folder = tempfile::tempdir().unwrap();
    let count = Cell::new(0);
    let users = contract::users_of_several_spellings();
    contract::check_iexact(async || {
        count.set(count.get() + 1);
        let path = folder.path().join(format!("{}.sqlite3", count.get()));
        sqlite_with(path.to_str().unwrap(), &users).await;
        let mut options = SqliteOptions::new(path);
        options.user_model.username_lookup = UsernameLookup::Iexact;
        SqliteStore::open(options).await.unwrap()
    })
    .await;
}

/// Django's table keeps user names apart, but not addresses.
async fn sqlite_by_email_with(path: &str, users: &[User]) -> SqliteStore {
    let named_by_id = users.iter().cloned().map(|mut user| {
        user.username = user.id.to_string();
        user
    });
    sqlite_with(path, &named_by_id.collect::<Vec<_>>()).await;
    let db = Connection::open(path).unwrap();
    for user in users {
        let sql = "UPDATE auth_user SET email = ?1 WHERE username = ?2";
        db.execute(sql, params![user.username, user.id.to_string()])
            .unwrap();
    }
    let mut options = SqliteOptions::new(path);
    options.user_model = UserModel {
        username: "email".to_owned(),
        ..UserModel::default()
    };
    SqliteStore::open(options).await.unwrap()
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
