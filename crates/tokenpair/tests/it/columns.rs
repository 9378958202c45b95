//! Further columns of the user table, and user tables that are not what their model says.

use crate::app::{SECRET, TOKEN, TestApp, claims, good, sign};
use rusqlite::Connection;
use std::path::PathBuf;
use tokenpair::json::{self, Value};
use tokenpair::store::{Store as _, UserModel, UsernameLookup};
use tokenpair::{
    MemoryStore, SqliteOptions, SqliteStore, User, UserId, UserIdKind, UserTable as _,
};

/// A custom user model with every kind of column that Django knows for SQLite, and a row of it.
const CUSTOMERS: &str = r#"
    CREATE TABLE "customers" ("uid" char(32) NOT NULL PRIMARY KEY, "email" varchar(254) NOT NULL UNIQUE,
        "hash" varchar(128) NOT NULL, "flag" bool NOT NULL, "number" integer NOT NULL, "big" bigint NOT NULL,
        "small" smallint unsigned NOT NULL, "ratio" real NOT NULL, "price" decimal NOT NULL, "whole" decimal NOT NULL,
        "joined" datetime NOT NULL, "seen" datetime NOT NULL, "born" date NOT NULL, "wakes" time NOT NULL,
        "other_uid" char(32) NOT NULL, "note" text NOT NULL, "nothing" varchar(10) NULL, "picture" BLOB NOT NULL);
    INSERT INTO "customers" VALUES ('11111111222233334444555555555555', 'ada@example.com',
        'md5$abcdefghijklmnopqrstuv$59549c8e6897dd44401a081434b86c95', 1, -7, 9007199254740993, 3, 2.0, '12.50', '10.00',
        '2026-11-21 14:56:30.123456', '2026-11-21 14:56:30', '1815-12-10', '07:30:00', '66666666777788889999000000000000',
        '{"é": 1}', NULL, x'00ff');
"#;

const COLUMNS: [&str; 17] = [
    "uid",
    "email",
    "flag",
    "number",
    "big",
    "small",
    "ratio",
    "price",
    "whole",
    "joined",
    "seen",
    "born",
    "wakes",
    "other_uid",
    "note",
    "nothing",
    "picture",
];

const ANSWERED: &str = r#"{"uid":"11111111-2222-3333-4444-555555555555","email":"ada@example.com","flag":true,"number":-7,"big":9007199254740993,"small":3,"ratio":2.0,"price":"12.5","whole":"10","joined":"2026-11-21T14:56:30.123456Z","seen":"2026-11-21T14:56:30Z","born":"1815-12-10","wakes":"07:30:00","other_uid":"66666666777788889999000000000000","note":"{\"é\": 1}","nothing":null,"picture":null}"#;

fn customers(columns: &[&str]) -> UserModel {
    UserModel {
        table: "customers".to_owned(),
        id: "uid".to_owned(),
        id_kind: UserIdKind::Uuid,
        username: "email".to_owned(),
        username_field: None,
        username_lookup: UsernameLookup::Exact,
        user_id: "uid".to_owned(),
        user_id_kind: UserIdKind::Uuid,
        password: "hash".to_owned(),
        is_active: None,
        is_staff: None,
        is_superuser: None,
        last_login: None,
        columns: columns.iter().map(ToString::to_string).collect(),
    }
}

/// A folder that vanishes with the test, and a database in it.
struct Place(tempfile::TempDir);

impl Place {
    fn with(sql: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        Connection::open(place.path())
            .unwrap()
            .execute_batch(sql)
            .unwrap();
        place
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("db.sqlite3")
    }

    async fn store(&self, model: UserModel) -> SqliteStore {
        let mut options = SqliteOptions::new(self.path());
        options.user_model = model;
        let store = SqliteStore::open(options).await.unwrap();
        store.migrate(jiff::Timestamp::UNIX_EPOCH).await.unwrap();
        store
    }
}

fn text(user: Option<User>) -> String {
    json::encode_utf8(&Value::Object(user.unwrap().columns))
}

#[tokio::test]
async fn columns_are_read_with_every_user_as_drf_would_answer_them() {
    let place = Place::with(CUSTOMERS);
    let store = place.store(customers(&COLUMNS)).await;
    store.check_user_model().await.unwrap();
    let by_login = store.find_by_login("ada@example.com").await.unwrap();
    let id = by_login.as_ref().unwrap().user_id.clone();
    assert_eq!(text(by_login), ANSWERED);
    assert_eq!(text(store.get_user(&id).await.unwrap()), ANSWERED);
    let (user, blacklisted) = store.get_user_and_blacklisted(&id, "x").await.unwrap();
    assert_eq!((text(user).as_str(), blacklisted), (ANSWERED, false));
}

#[tokio::test]
async fn odd_values_are_told_as_they_are_stored() {
    let place = Place::with(
        r#"CREATE TABLE "customers" ("uid" char(32) PRIMARY KEY, "email" varchar(254), "hash" text, "flag" boolean,
            "price" decimal(10, 2), "huge" real, "tiny" decimal, "joined" datetime, "offset" datetime, "epoch" datetime,
            "bytes" text, "free");
        INSERT INTO "customers" VALUES ('11111111222233334444555555555555', 'a', '', 2, 'much', 9e999, 1e-7, 'long ago',
            '2026-11-21 14:56:30+02:00', 1800000000, CAST(x'61ff' AS text), 1.5);"#,
    );
    let columns = [
        "flag", "price", "huge", "tiny", "joined", "offset", "epoch", "bytes", "free",
    ];
    let store = place.store(customers(&columns)).await;
    assert_eq!(
        text(store.find_by_login("a").await.unwrap()),
        r#"{"flag":2,"price":"much","huge":null,"tiny":"0.0000001","joined":"long ago","offset":"2026-11-21T12:56:30Z","epoch":1800000000,"bytes":"a�","free":1.5}"#
    );
}

#[tokio::test]
async fn a_column_becomes_a_claim_that_access_tokens_inherit() {
    let place = Place::with(CUSTOMERS);
    let store = place.store(customers(&["flag"])).await;
    let app = TestApp::built(
        |settings| settings.user_id_field = "uid".to_owned(),
        |builder, _| {
            builder.store(store).get_token(|claims, user| {
                let flag = user.columns.get("flag").cloned();
                claims.insert("flag", flag.unwrap_or(Value::Null));
            })
        },
    );
    let body = r#"{"email":"ada@example.com","password":"secret"}"#;
    let access = app.post(TOKEN, body).await.text("access");
    assert_eq!(claims(&access).get("flag"), Some(&Value::Bool(true)));
}

#[tokio::test]
async fn the_log_in_field_may_have_another_name_than_its_column() {
    let place = Place::with(CUSTOMERS);
    let store = place
        .store(UserModel {
            username_field: Some("login".to_owned()),
            ..customers(&[])
        })
        .await;
    let app = TestApp::built(
        |settings| settings.user_id_field = "uid".to_owned(),
        |builder, _| builder.store(store),
    );
    let by_field = r#"{"login":"ada@example.com","password":"secret"}"#;
    assert_eq!(app.post(TOKEN, by_field).await.status, 200);
    let by_column = r#"{"email":"ada@example.com","password":"secret"}"#;
    let answer = app.post(TOKEN, by_column).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("login"), "{}", answer.body);
}

#[test]
fn the_log_in_field_cannot_be_the_passwords() {
    let model = UserModel {
        username_field: Some("password".to_owned()),
        ..customers(&[])
    };
    assert!(model.validate().unwrap_err().message.contains("beside it"));
}

#[tokio::test]
async fn the_password_is_no_column_to_ask_for() {
    let place = Place::with(CUSTOMERS);
    for column in ["hash", "HASH"] {
        let mut options = SqliteOptions::new(place.path());
        options.user_model = customers(&["email", column]);
        let error = SqliteStore::open(options).await.unwrap_err().to_string();
        assert_eq!(
            error,
            r#"user model: "hash" is the column of the password, which is never given out"#
        );
    }
}

#[tokio::test]
async fn a_table_or_column_that_is_missing_is_named_with_the_nearest() {
    let place = Place::with(CUSTOMERS);
    let flaw = async |change: fn(&mut UserModel)| {
        let mut options = SqliteOptions::new(place.path());
        options.user_model = customers(&["email", "NOTE"]);
        change(&mut options.user_model);
        let store = SqliteStore::open(options).await.unwrap();
        let checked = store.check_user_model().await;
        checked.err().map(|error| error.to_string())
    };
    assert_eq!(flaw(|_| ()).await, None);
    for (change, text) in [
        (
            (|model| model.columns.push("emial".to_owned())) as fn(&mut UserModel),
            r#"the user table "customers" has no column "emial" (columns), did you mean "email"?"#,
        ),
        (
            |model| model.username = "username".to_owned(),
            r#"the user table "customers" has no column "username" (username)"#,
        ),
        (
            |model| model.is_active = Some("flags".to_owned()),
            r#"the user table "customers" has no column "flags" (is_active), did you mean "flag"?"#,
        ),
        (
            |model| model.table = "customer".to_owned(),
            r#"the user table "customer" does not exist"#,
        ),
    ] {
        assert_eq!(flaw(change).await.as_deref(), Some(text));
    }
}

#[tokio::test]
async fn djangos_own_users_are_what_the_default_model_says() {
    let place = Place::with("");
    let store = SqliteStore::open(SqliteOptions::new(place.path()))
        .await
        .unwrap();
    let error = store.check_user_model().await.unwrap_err().to_string();
    assert_eq!(error, r#"the user table "auth_user" does not exist"#);
    store.migrate(jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    store.check_user_model().await.unwrap();
    assert!(store.login_is_unique().await.unwrap());
}

/// Two users of one name, with different ids.
const TWINS: &str = r#"
    CREATE TABLE "customers" ("uid" char(32) NOT NULL, "email" varchar(254) NOT NULL, "hash" varchar(128) NOT NULL);
    INSERT INTO "customers" VALUES
        ('11111111222233334444555555555555', 'twin', 'md5$abcdefghijklmnopqrstuv$59549c8e6897dd44401a081434b86c95'),
        ('66666666777788889999000000000000', 'twin', 'md5$abcdefghijklmnopqrstuv$59549c8e6897dd44401a081434b86c95'),
        ('77777777888899990000111111111111', 'ada', 'md5$abcdefghijklmnopqrstuv$59549c8e6897dd44401a081434b86c95');
"#;

#[tokio::test]
async fn users_who_share_a_log_in_name_cannot_log_in() {
    let place = Place::with(TWINS);
    let store = place.store(customers(&[])).await;
    assert!(store.find_by_login("twin").await.unwrap().is_none());
    assert!(store.find_by_login("ada").await.unwrap().is_some());
    let app = TestApp::built(
        |settings| settings.user_id_field = "uid".to_owned(),
        |builder, _| builder.user_table(store),
    );
    let log_in = async |email: &str| {
        let body = format!(r#"{{"email":"{email}","password":"secret"}}"#);
        app.post(TOKEN, body).await.status
    };
    assert_eq!((log_in("twin").await, log_in("ada").await), (401, 200));
}

#[tokio::test]
async fn a_token_that_names_several_users_names_nobody() {
    let place = Place::with(TWINS);
    let model = customers(&[]).with_user_id("email", UserIdKind::Text);
    let store = place.store(model).await;
    let twin = UserId::from("twin");
    assert!(store.get_user(&twin).await.unwrap().is_none());
    let (user, _) = store.get_user_and_blacklisted(&twin, "x").await.unwrap();
    assert!(user.is_none());
    let app = TestApp::built(
        |settings| settings.user_id_field = "email".to_owned(),
        |builder, _| builder.store(store),
    );
    let token = |email: &str| sign(&good("access", "").replace(r#""1""#, &format!("{email:?}")));
    for (email, status) in [("twin", 401), ("ada", 200)] {
        assert_eq!(app.get_as(&token(email), "/plain").await.status, status);
    }
}

#[tokio::test]
async fn only_an_index_over_the_name_alone_and_all_rows_keeps_names_apart() {
    let table = |name: &str, more: &str| {
        format!(r#"CREATE TABLE "customers" ("uid" char(32), {name}, "hash" text{more});"#)
    };
    let plain = table(r#""email" text"#, "");
    for (sql, unique) in [
        (plain.clone(), false),
        (table(r#""email" text UNIQUE"#, ""), true),
        (table(r#""EMAIL" text PRIMARY KEY"#, ""), true),
        (table(r#""email" integer PRIMARY KEY"#, ""), true),
        (
            table(r#""email" text"#, r#", PRIMARY KEY ("email", "uid")"#),
            false,
        ),
        (
            table(r#""email" text"#, r#", UNIQUE ("email", "uid")"#),
            false,
        ),
        (
            format!(r#"{plain} CREATE INDEX i ON "customers" ("email")"#),
            false,
        ),
        (
            format!(r#"{plain} CREATE UNIQUE INDEX i ON "customers" ("email")"#),
            true,
        ),
        (
            format!(r#"{plain} CREATE UNIQUE INDEX i ON "customers" ("uid")"#),
            false,
        ),
        (
            format!(r#"{plain} CREATE UNIQUE INDEX i ON "customers" (lower("email"))"#),
            false,
        ),
        (
            format!(r#"{plain} CREATE UNIQUE INDEX i ON "customers" ("email") WHERE "uid" > ''"#),
            false,
        ),
    ] {
        let place = Place::with(&sql);
        let mut options = SqliteOptions::new(place.path());
        options.user_model = customers(&[]);
        let store = SqliteStore::open(options).await.unwrap();
        assert_eq!(store.login_is_unique().await.unwrap(), unique, "{sql}");
    }
}

#[tokio::test]
async fn a_memory_store_keeps_the_columns_of_its_users_and_lets_no_twins_in() {
    let store = MemoryStore::default();
    for id in 1..=2 {
        let mut user = User::new(id, "twin");
        user.columns.insert("email", "twin@example.com");
        user.password = tokenpair::EncodedPassword::new(SECRET);
        store.add_user(user);
    }
    assert!(store.find_by_login("twin").await.unwrap().is_none());
    let columns = text(store.get_user(&UserId::Int(1)).await.unwrap());
    assert_eq!(columns, r#"{"email":"twin@example.com"}"#);
}
