//! Log-in names without case: who is let in, and that a refusal costs the same whoever is asked for.

use crate::app::{SECRET, SLIDING, TOKEN, TestApp};
use std::sync::{Arc, Mutex};
use tokenpair::json::Object;
use tokenpair::store::{UserTable, UsernameLookup};
use tokenpair::{
    EncodedPassword, MemoryStore, SqliteOptions, SqliteStore, StoreError, User, UserId, UserIdKind,
    async_trait,
};

/// Notes the look-ups of a log-in.
#[derive(Clone, Default)]
struct Recording {
    store: MemoryStore,
    asked: Arc<Mutex<Vec<&'static str>>>,
}

impl Recording {
    fn note(&self, question: &'static str) {
        self.asked.lock().unwrap().push(question);
    }
}

#[async_trait]
impl UserTable for Recording {
    async fn find_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        self.note("exact");
        self.store.find_by_login(login).await
    }

    async fn find_by_login_iexact(&self, login: &str) -> Result<Option<User>, StoreError> {
        self.note("iexact");
        self.store.find_by_login_iexact(login).await
    }

    async fn login_columns(&self, _: &User) -> Result<Object, StoreError> {
        self.note("columns");
        Ok(Object::from_iter([("groups", "editors")]))
    }

    async fn get_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.store.get_user(id).await
    }

    async fn set_password(&self, user: &User, encoded: &str) -> Result<bool, StoreError> {
        self.store.set_password(user, encoded).await
    }

    async fn update_last_login(&self, _: &User, _: jiff::Timestamp) -> Result<(), StoreError> {
        Ok(())
    }

    fn user_id_kind(&self) -> UserIdKind {
        UserIdKind::Integer
    }
}

fn recording() -> Recording {
    let store = MemoryStore::default().with_username_lookup(UsernameLookup::Iexact);
    for (id, name) in (1..).zip(["alice", "Bob", "BOB", "carol"]) {
        let mut user = User::new(id, name);
        user.password = EncodedPassword::new(SECRET);
        user.is_active = name != "carol";
        store.add_user(user);
    }
    Recording {
        store,
        ..Recording::default()
    }
}

#[tokio::test]
async fn every_refusal_asks_the_same_of_the_table_and_an_exact_name_that_is_let_in_only_once() {
    let table = recording();
    let app = TestApp::built(|_| (), |builder, _| builder.user_table(table.clone()));
    for (name, password, status, asked) in [
        ("alice", "secret", 200, &["exact", "columns"][..]),
        ("ALICE", "secret", 200, &["exact", "iexact", "columns"]),
        ("BOB", "secret", 200, &["exact", "columns"]),
        ("alice", "wrong", 401, &["exact", "iexact"]),
        ("ALICE", "wrong", 401, &["exact", "iexact"]),
        ("bob", "secret", 401, &["exact", "iexact"]),
        ("carol", "secret", 401, &["exact", "iexact"]),
        ("Carol", "secret", 401, &["exact", "iexact"]),
        ("nobody", "secret", 401, &["exact", "iexact"]),
    ] {
        for path in [TOKEN, SLIDING] {
            table.asked.lock().unwrap().clear();
            let body = format!(r#"{{"username":"{name}","password":"{password}"}}"#);
            assert_eq!(app.post(path, body.clone()).await.status, status, "{body}");
            assert_eq!(*table.asked.lock().unwrap(), asked, "{body}");
        }
    }
}

/// Where the user of a token is found by name, it is by exactly that name.
#[tokio::test]
async fn users_that_tokens_name_are_found_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite3");
    let mut alice = User::new(1, "alice");
    alice.password = EncodedPassword::new(SECRET);
    crate::stores::sqlite_with(path.to_str().unwrap(), &[alice]).await;
    let mut options = SqliteOptions::new(&path);
    options.user_model = options
        .user_model
        .with_user_id("username", UserIdKind::Text);
    options.user_model.username_lookup = UsernameLookup::Iexact;
    let store = SqliteStore::open(options).await.unwrap();
    let found = async |name: &str| store.get_user(&UserId::from(name)).await.unwrap();
    assert!(found("alice").await.is_some());
    assert!(found("ALICE").await.is_none());
    let store = store.clone();
    let app = TestApp::built(
        |settings| settings.user_id_field = "username".to_owned(),
        |builder, _| builder.store(store),
    );
    let body = r#"{"username":"ALICE","password":"secret"}"#;
    let access = app.post(TOKEN, body).await.text("access");
    assert_eq!(
        crate::app::claims(&access)
            .get("user_id")
            .and_then(|id| id.as_str()),
        Some("alice")
    );
    assert_eq!(app.get_as(&access, "/plain").await.status, 200);
}

#[tokio::test]
async fn names_that_differ_in_case_and_a_missing_index_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let named = |names: &[&str]| -> Vec<User> {
        let ids = 1..;
        ids.zip(names)
            .map(|(id, name)| User::new(id, *name))
            .collect()
    };
    let apart = folder.path().join("apart.sqlite3");
    let apart =
        crate::stores::sqlite_with(apart.to_str().unwrap(), &named(&["ada", "bob", "É", "é"]))
            .await;
    assert_eq!(apart.names_that_differ_in_case().await.unwrap(), None);
    assert_eq!(apart.missing_iexact_index().await.unwrap(), None);
    let alike = folder.path().join("alike.sqlite3");
    let alike =
        crate::stores::sqlite_with(alike.to_str().unwrap(), &named(&["bob", "ada", "Ada"])).await;
    let names = alike.names_that_differ_in_case().await.unwrap();
    assert_eq!(names, Some(["Ada".to_owned(), "ada".to_owned()]));

    let path = folder.path().join("alike.sqlite3");
    let mut options = SqliteOptions::new(&path);
    "email".clone_into(&mut options.user_model.username);
    let by_email = SqliteStore::open(options).await.unwrap();
    let statement = by_email.missing_iexact_index().await.unwrap().unwrap();
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch(&statement)
        .unwrap();
    assert_eq!(by_email.missing_iexact_index().await.unwrap(), None);
}
