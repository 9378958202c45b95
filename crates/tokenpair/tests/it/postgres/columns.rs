//! Further columns of the user table, and user tables that are not what their model says.

use super::place::Place;
use crate::app::{TOKEN, TestApp, claims, good, sign};
use tokenpair::json::{self, Value};
use tokenpair::store::{Store as _, UserModel, UsernameLookup};
use tokenpair::{PostgresStore, User, UserId, UserIdKind, UserTable as _};

/// A custom user model with every kind of column that Django knows for PostgreSQL, and a row of it.
const CUSTOMERS: &str = r#"
    CREATE TABLE "customers" ("uid" uuid NOT NULL PRIMARY KEY, "email" varchar(254) NOT NULL UNIQUE,
        "hash" varchar(128) NOT NULL, "flag" boolean NOT NULL, "number" integer NOT NULL, "big" bigint NOT NULL,
        "small" smallint NOT NULL, "ratio" double precision NOT NULL, "price" numeric(10, 2) NOT NULL,
        "whole" numeric(10, 2) NOT NULL, "joined" timestamp with time zone NOT NULL,
        "seen" timestamp with time zone NOT NULL, "born" date NOT NULL, "wakes" time NOT NULL, "other_uid" uuid NOT NULL,
        "note" jsonb NOT NULL, "nothing" varchar(10) NULL, "picture" bytea NOT NULL, "tags" text[] NOT NULL,
        "address" inet NOT NULL);
    INSERT INTO "customers" VALUES ('11111111-2222-3333-4444-555555555555', 'ada@example.com',
        'md5$abcdefghijklmnopqrstuv$59549c8e6897dd44401a081434b86c95', true, -7, 9007199254740993, 3, 2.0, 12.5, 10,
        '2026-11-21 16:56:30.123456+02', '2026-11-21 14:56:30Z', '1815-12-10', '07:30:00',
        '66666666-7777-8888-9999-000000000000', '{"é": [1, 2.50]}', NULL, '\x00ff', '{a,b}', '10.0.0.1');
"#;

const COLUMNS: [&str; 19] = [
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
    "tags",
    "address",
];

const ANSWERED: &str = r#"{"uid":"11111111-2222-3333-4444-555555555555","email":"ada@example.com","flag":true,"number":-7,"big":9007199254740993,"small":3,"ratio":2.0,"price":"12.50","whole":"10.00","joined":"2026-11-21T14:56:30.123456Z","seen":"2026-11-21T14:56:30Z","born":"1815-12-10","wakes":"07:30:00","other_uid":"66666666-7777-8888-9999-000000000000","note":{"é":[1,2.5]},"nothing":null,"picture":null,"tags":["a","b"],"address":"10.0.0.1"}"#;

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

async fn store(place: &Place, model: UserModel) -> PostgresStore {
    let mut options = place.options();
    options.user_model = model;
    let store = PostgresStore::open(options).await.unwrap();
    store.migrate(jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    store
}

fn text(user: Option<User>) -> String {
    json::encode_utf8(&Value::Object(user.unwrap().columns))
}

#[tokio::test]
async fn columns_are_read_with_every_user_as_drf_would_answer_them() {
    let Some(place) = Place::with(CUSTOMERS).await else {
        return;
    };
    let store = store(&place, customers(&COLUMNS)).await;
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
    let Some(place) = Place::with(
        r#"CREATE TYPE mood AS ENUM ('sad', 'ok');
        CREATE TABLE "customers" ("uid" uuid PRIMARY KEY, "email" text, "hash" text, "price" numeric, "huge" double precision,
            "tiny" numeric, "joined" timestamptz, "local" timestamp, "feels" mood, "long" interval, "fee" money);
        INSERT INTO "customers" VALUES ('11111111-2222-3333-4444-555555555555', 'a', NULL, 'NaN', 'infinity',
            1e-7, 'infinity', '2026-11-21 14:56:30', 'ok', '1 day 2 hours', 1.5);"#,
    )
    .await
    else {
        return;
    };
    let columns = [
        "price", "huge", "tiny", "joined", "local", "feels", "long", "fee",
    ];
    let store = store(&place, customers(&columns)).await;
    assert_eq!(
        text(store.find_by_login("a").await.unwrap()),
        r#"{"price":"NaN","huge":null,"tiny":"0.0000001","joined":"infinity","local":"2026-11-21T14:56:30","feels":"ok","long":"1 day 02:00:00","fee":"$1.50"}"#
    );
}

#[tokio::test]
async fn a_column_becomes_a_claim_that_access_tokens_inherit() {
    let Some(place) = Place::with(CUSTOMERS).await else {
        return;
    };
    let store = store(&place, customers(&["flag"])).await;
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
async fn the_password_is_no_column_to_ask_for() {
    let Some(place) = Place::with(CUSTOMERS).await else {
        return;
    };
    let mut options = place.options();
    options.user_model = customers(&["email", "hash"]);
    let error = PostgresStore::open(options).await.unwrap_err().to_string();
    assert_eq!(
        error,
        r#"user model: "hash" is the column of the password, which is never given out"#
    );
}

#[tokio::test]
async fn a_table_or_column_that_is_missing_or_of_another_kind_is_named() {
    let Some(place) = Place::with(CUSTOMERS).await else {
        return;
    };
    let flaw = async |change: fn(&mut UserModel)| {
        let mut options = place.options();
        options.user_model = customers(&["email", "note"]);
        change(&mut options.user_model);
        let store = PostgresStore::open(options).await.unwrap();
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
            |model| model.username = "EMAIL".to_owned(),
            r#"the user table "customers" has no column "EMAIL" (username), did you mean "email"?"#,
        ),
        (
            |model| model.is_active = Some("flags".to_owned()),
            r#"the user table "customers" has no column "flags" (is_active), did you mean "flag"?"#,
        ),
        (
            |model| model.table = "customer".to_owned(),
            r#"the user table "customer" does not exist"#,
        ),
        (
            |model| model.id_kind = UserIdKind::Integer,
            r#"the column "uid" of the user table "customers" is of type uuid, which does not hold keys of the kind Integer (id_kind)"#,
        ),
    ] {
        assert_eq!(flaw(change).await.as_deref(), Some(text));
    }
}

/// Two users of one name, with different ids.
const TWINS: &str = r#"
    CREATE TABLE "customers" ("uid" uuid NOT NULL, "email" varchar(254) NOT NULL, "hash" varchar(128) NOT NULL);
    INSERT INTO "customers" VALUES
        ('11111111-2222-3333-4444-555555555555', 'twin', 'md5$abcdefghijklmnopqrstuv$59549c8e6897dd44401a081434b86c95'),
        ('66666666-7777-8888-9999-000000000000', 'twin', 'md5$abcdefghijklmnopqrstuv$59549c8e6897dd44401a081434b86c95'),
        ('77777777-8888-9999-0000-111111111111', 'ada', 'md5$abcdefghijklmnopqrstuv$59549c8e6897dd44401a081434b86c95');
"#;

/// A store on users who share a name; tokens can refer to them, as their keys differ.
async fn store_of_twins(place: &Place, model: UserModel) -> PostgresStore {
    place.run("ALTER TABLE customers ADD UNIQUE (uid)").await;
    store(place, model).await
}

#[tokio::test]
async fn users_who_share_a_log_in_name_cannot_log_in() {
    let Some(place) = Place::with(TWINS).await else {
        return;
    };
    let store = store_of_twins(&place, customers(&[])).await;
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
    let Some(place) = Place::with(TWINS).await else {
        return;
    };
    let model = customers(&[]).with_user_id("email", UserIdKind::Text);
    let store = store_of_twins(&place, model).await;
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
        format!(r#"CREATE TABLE "customers" ("uid" uuid, {name}, "hash" text{more});"#)
    };
    let plain = table(r#""email" text"#, "");
    for (sql, unique) in [
        (plain.clone(), false),
        (table(r#""email" text UNIQUE"#, ""), true),
        (table(r#""email" text PRIMARY KEY"#, ""), true),
        (
            table(r#""email" text"#, r#", PRIMARY KEY ("email", "uid")"#),
            false,
        ),
        (
            table(r#""email" text"#, r#", UNIQUE ("email") INCLUDE ("uid")"#),
            true,
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
            format!(r#"{plain} CREATE UNIQUE INDEX i ON "customers" ("email") WHERE "hash" > ''"#),
            false,
        ),
    ] {
        let Some(place) = Place::with(&sql).await else {
            return;
        };
        let mut options = place.options();
        options.user_model = customers(&[]);
        let store = PostgresStore::open(options).await.unwrap();
        assert_eq!(store.login_is_unique().await.unwrap(), unique, "{sql}");
    }
}

/// Columns compare by their own rules, in each way to send a statement.
#[tokio::test]
async fn names_and_keys_are_compared_as_the_columns_compare() {
    let Some(place) = Place::with(
        r#"CREATE EXTENSION citext;
        CREATE TABLE "customers" ("uid" citext PRIMARY KEY, "email" citext, "hash" text);
        INSERT INTO "customers" VALUES ('Key', 'Ada@example.com', 'h')"#,
    )
    .await
    else {
        return;
    };
    for prepared in [true, false] {
        let mut options = place.options();
        options.prepared_statements = prepared;
        options.user_model = customers(&["email"]).with_user_id("uid", UserIdKind::Text);
        options.user_model.id_kind = UserIdKind::Text;
        let store = PostgresStore::open(options).await.unwrap();
        store.migrate(jiff::Timestamp::UNIX_EPOCH).await.unwrap();
        store.check_user_model().await.unwrap();
        let user = store.find_by_login("ada@EXAMPLE.com").await.unwrap();
        assert_eq!(user.unwrap().username, "Ada@example.com");
        assert!(
            store
                .get_user(&UserId::from("KEY"))
                .await
                .unwrap()
                .is_some()
        );
        // A key of another kind is nobody's.
        assert!(store.get_user(&UserId::Int(1)).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_text_that_no_row_can_hold_is_nobodys() {
    let Some((_place, store)) = super::filled().await else {
        return;
    };
    let id = UserId::Int(1);
    assert!(store.find_by_login("alice\0").await.unwrap().is_none());
    let (user, blacklisted) = store.get_user_and_blacklisted(&id, "\0").await.unwrap();
    assert_eq!((user.is_some(), blacklisted), (true, false));
}
