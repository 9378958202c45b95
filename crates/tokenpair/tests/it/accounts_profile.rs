//! `/api/me/`.

use crate::accounts_app::{AccountsApp, CAROL, ME, REGISTER};
use crate::app::TestApp;
use crate::stores::sqlite_with;
use rusqlite::Connection;
use std::sync::Arc;
use tokenpair::accounts::Accounts;
use tokenpair::store::{UserModel, UsernameLookup};
use tokenpair::{SqliteOptions, SqliteStore, UserTable as _};

const ALICE: &str = r#"{"id":1,"username":"alice","email":"","first_name":"","last_name":""}"#;

#[tokio::test]
async fn a_profile_is_shown_to_its_user() {
    let app = AccountsApp::new();
    let access = app.app.log_in().await.access;
    app.app.get_as(&access, ME).await.assert(200, ALICE);
    assert_eq!(app.app.get(ME).await.status, 401);
    let reply = app.send_as("x.y.z", "PATCH", ME, "{}").await;
    assert_eq!(reply.status, 401);
    let reply = app.send_as(&access, "PUT", ME, "{}").await;
    assert_eq!(
        (reply.status, reply.header("allow")),
        (405, Some("GET, PATCH, HEAD, OPTIONS"))
    );
}

#[tokio::test]
async fn what_is_sent_is_changed_and_nothing_else() {
    let app = AccountsApp::new();
    let access = app.app.log_in().await.access;
    app.patch_me(&access, "{}").await.assert(200, ALICE);
    let body = r#"{"first_name":" Alice ","email":"Alice@EXAMPLE.com","is_staff":false,"is_superuser":true,"id":9,"password":"secret","is_active":false}"#;
    let changed = r#"{"id":1,"username":"alice","email":"Alice@example.com","first_name":"Alice","last_name":""}"#;
    app.patch_me(&access, body).await.assert(200, changed);
    app.app.get_as(&access, ME).await.assert(200, changed);
    let alice = app.app.store.find_by_login("alice").await.unwrap().unwrap();
    assert_eq!(
        (alice.is_active, alice.is_staff, alice.is_superuser),
        (true, true, false)
    );
    assert!(app.log_in("alice", "secret").await.is_some());
    let emptied = r#"{"email":"","first_name":"","password":"secret"}"#;
    app.patch_me(&access, emptied).await.assert(200, ALICE);
}

#[tokio::test]
async fn the_rules_are_those_of_the_sign_up() {
    let app = AccountsApp::new();
    let access = app.app.log_in().await.access;
    let body =
        r#"{"username":"a b","email":"x","first_name":null,"last_name":7,"password":"secret"}"#;
    app.patch_me(&access, body).await.assert(
        400,
        r#"{"first_name":["This field may not be null."],"username":["Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."],"email":["Enter a valid email address."]}"#,
    );
    app.patch_me(&access, r#"{"username":""}"#)
        .await
        .assert(400, r#"{"username":["This field may not be blank."]}"#);
    app.patch_me(&access, r#"{"username":"bob"}"#).await.assert(
        400,
        r#"{"username":["A user with that username already exists."]}"#,
    );
    app.app.get_as(&access, ME).await.assert(200, ALICE);
}

#[tokio::test]
async fn who_is_renamed_logs_in_by_the_new_name() {
    let app = AccountsApp::new();
    let access = app.app.log_in().await.access;
    let reply = app.patch_me(&access, r#"{"username":"alicia"}"#).await;
    assert_eq!(reply.status, 200);
    assert_eq!(app.app.get_as(&access, ME).await.text("username"), "alicia");
    assert!(app.log_in("alicia", "secret").await.is_some());
    assert!(app.log_in("alice", "secret").await.is_none());
}

/// Otherwise whoever takes the old name next is who the old tokens name.
#[tokio::test]
async fn what_tokens_name_their_user_by_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite3");
    let path = path.to_str().unwrap();
    drop(sqlite_with(path, &crate::app::users()).await);
    let mut options = SqliteOptions::new(path);
    options.user_model = UserModel::default().with_user_id("username", tokenpair::UserIdKind::Text);
    let store = SqliteStore::open(options).await.unwrap();
    let shared = Arc::new(store.clone());
    let by_name = |settings: &mut tokenpair::Settings| {
        "username".clone_into(&mut settings.user_id_field);
    };
    let app = TestApp::built(by_name, |builder, _| builder.store(store));
    let refused = Accounts::new(app.jwt.clone(), shared.clone(), crate::accounts_app::open());
    assert_eq!(
        refused.unwrap_err().to_string(),
        "registration: needs CHECK_REVOKE_TOKEN = true where USER_ID_FIELD is \"username\": who signs up with the name of a user that was deleted would be let in by that user's tokens"
    );
    let app = AccountsApp::over(app, Some(shared), |options| options.registration = false);
    let access = app.app.log_in().await.access;
    app.patch_me(&access, r#"{"username":"eve","first_name":"x"}"#)
        .await
        .assert(
            400,
            r#"{"username":["This field cannot be changed: tokens name their user by it."]}"#,
        );
    let same = r#"{"username":"alice","first_name":"A"}"#;
    assert_eq!(app.patch_me(&access, same).await.status, 200);
}

/// With a stolen access token and another address, a link for a forgotten password would be all that is missing.
#[tokio::test]
async fn the_address_is_changed_by_who_knows_the_password_and_the_old_one_is_told() {
    let app = AccountsApp::new().with_address("alice@example.com").await;
    let access = app.app.log_in().await.access;
    let change = async |password: &str| {
        let body = format!(r#"{{"email":"eve@example.com","first_name":"E"{password}}}"#);
        app.patch_me(&access, &body).await
    };
    change("")
        .await
        .assert(400, r#"{"password":["This field is required."]}"#);
    change(r#","password":"wrong""#).await.assert(
        400,
        r#"{"password":["Your old password was entered incorrectly. Please enter it again."]}"#,
    );
    assert_eq!(
        app.app.get_as(&access, ME).await.text("email"),
        "alice@example.com"
    );
    assert_eq!(app.outbox.take().len(), 0);
    assert_eq!(change(r#","password":"secret""#).await.status, 200);
    let told = app.outbox.take();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].to, "alice@example.com");
    assert_eq!(told[0].subject, "Email address changed at Site");
    assert!(!told[0].body.contains("eve@example.com"));
    let same = r#"{"email":"eve@example.com","last_name":"L"}"#;
    assert_eq!(app.patch_me(&access, same).await.status, 200, "no change");
    let name = r#"{"username":"alicia"}"#;
    assert_eq!(app.patch_me(&access, name).await.status, 200, "no address");
}

#[tokio::test]
async fn where_no_mail_is_sent_an_address_opens_nothing() {
    let app = AccountsApp::with(|_| (), |options| options.mail = None);
    let access = app.app.log_in().await.access;
    let reply = app.patch_me(&access, r#"{"email":"a@example.com"}"#).await;
    assert_eq!(reply.text("email"), "a@example.com");
}

/// Constraints of the project's own, and columns of older Djangos.
#[tokio::test]
async fn what_the_database_refuses_is_told_of_its_field() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite3");
    let path = path.to_str().unwrap();
    drop(sqlite_with(path, &crate::app::users()).await);
    Connection::open(path)
        .unwrap()
        .execute_batch(
            "CREATE UNIQUE INDEX one_address ON auth_user (email) WHERE email <> '';
             UPDATE auth_user SET email = 'bob@example.com' WHERE username = 'bob';
             CREATE TRIGGER no_eve BEFORE UPDATE ON auth_user WHEN new.first_name = 'Eve'
                 BEGIN SELECT RAISE(ABORT, 'first_name must not be this'); END",
        )
        .unwrap();
    let store = SqliteStore::open(SqliteOptions::new(path)).await.unwrap();
    let shared = Arc::new(store.clone());
    let app = TestApp::built(|_| (), |builder, _| builder.store(store));
    let app = AccountsApp::over(app, Some(shared), |_| ());
    let access = app.app.log_in().await.access;
    let body = r#"{"username":"alicia","email":"bob@example.com","password":"secret"}"#;
    app.patch_me(&access, body).await.assert(
        400,
        r#"{"email":["user with this email address already exists."]}"#,
    );
    let body = r#"{"last_name":"x","first_name":"Eve"}"#;
    app.patch_me(&access, body).await.assert(
        400,
        r#"{"first_name":["The database does not take this value."]}"#,
    );
    let again = CAROL.replace("carol@", "bob@");
    app.post(REGISTER, &again).await.assert(
        400,
        r#"{"email":["user with this email address already exists."]}"#,
    );
}

#[tokio::test]
async fn an_address_that_was_proved_is_not_exchanged_for_one_that_was_not() {
    let app = AccountsApp::verifying()
        .with_address("alice@example.com")
        .await;
    let access = app.app.log_in().await.access;
    app.patch_me(
        &access,
        r#"{"email":"eve@example.com","password":"secret"}"#,
    )
    .await
    .assert(
        400,
        r#"{"email":["The e-mail address cannot be changed here: it has been verified."]}"#,
    );
    let same = r#"{"email":"alice@example.com","last_name":"L"}"#;
    assert_eq!(app.patch_me(&access, same).await.status, 200);
}

#[tokio::test]
async fn a_mapped_model_shows_and_changes_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite3");
    let table = "CREATE TABLE customer (id integer PRIMARY KEY, login text UNIQUE, hash text, first_name text)";
    let row = format!(
        "INSERT INTO customer VALUES (1, 'alice', '{}', 'A'), (2, 'bob', 'x', 'B')",
        crate::app::SECRET
    );
    Connection::open(&path)
        .unwrap()
        .execute_batch(&format!("{table}; {row}"))
        .unwrap();
    let mut options = SqliteOptions::new(&path);
    options.user_model = UserModel {
        table: "customer".to_owned(),
        username: "login".to_owned(),
        username_field: Some("username".to_owned()),
        password: "hash".to_owned(),
        is_active: None,
        is_staff: None,
        is_superuser: None,
        last_login: None,
        ..UserModel::default()
    };
    let store = SqliteStore::open(options).await.unwrap();
    store.migrate(jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    let shared = Arc::new(store.clone());
    let app = TestApp::built(|_| (), |builder, _| builder.store(store));
    let refused = Accounts::new(app.jwt.clone(), shared.clone(), crate::accounts_app::open());
    assert_eq!(
        refused.unwrap_err().to_string(),
        "registration: users of customer that log in by login are created by their own application"
    );
    let app = AccountsApp::over(app, Some(shared), |options| options.registration = false);
    let access = app.app.log_in().await.access;
    let body = r#"{"first_name":"Alice","last_name":"x","email":"x","username":"bob"}"#;
    app.patch_me(&access, body)
        .await
        .assert(200, r#"{"id":1,"username":"alice","first_name":"Alice"}"#);
}

#[tokio::test]
async fn where_users_log_in_by_e_mail_the_address_is_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = SqliteOptions::new(folder.path().join("db.sqlite3"));
    options.user_model = UserModel {
        username: "email".to_owned(),
        username_lookup: UsernameLookup::Iexact,
        ..UserModel::default()
    };
    let store = SqliteStore::open(options).await.unwrap();
    store.migrate(jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    let shared = Arc::new(store.clone());
    let app = TestApp::built(|_| (), |builder, _| builder.store(store));
    let app = AccountsApp::over(app, Some(shared), |_| ());
    app.post(REGISTER, r#"{"username":"x","password":"s3cret-enough"}"#)
        .await
        .assert(400, r#"{"email":["This field is required."]}"#);
    let reply = app.post(REGISTER, CAROL).await;
    assert_eq!(reply.status, 201, "{}", reply.body);
    let user = r#"{"id":1,"username":"carol@example.com","email":"carol@example.com","first_name":"","last_name":""}"#;
    let access = reply.text("access");
    app.app.get_as(&access, ME).await.assert(200, user);
    let again = CAROL.replace("carol@", "Carol@");
    app.post(REGISTER, &again).await.assert(
        400,
        r#"{"email":["user with this email address already exists."]}"#,
    );
    let dave = CAROL.replace("carol@", "dave@");
    assert_eq!(app.post(REGISTER, &dave).await.status, 201);
    let password = "s3cret-enough";
    app.patch_me(
        &access,
        &format!(r#"{{"email":"DAVE@example.com","password":"{password}"}}"#),
    )
    .await
    .assert(
        400,
        r#"{"email":["user with this email address already exists."]}"#,
    );
    let reply = app
        .patch_me(
            &access,
            &format!(r#"{{"email":"Carol@example.com","username":"x","password":"{password}"}}"#),
        )
        .await;
    assert_eq!(reply.text("username"), "Carol@example.com");
}
