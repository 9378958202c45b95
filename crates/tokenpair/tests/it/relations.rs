//! Groups and permissions from Django's tables; the same on every database.

use rusqlite::Connection;
use std::path::PathBuf;
use tokenpair::json::{self, Value};
use tokenpair::store::{Store, UserModel};
use tokenpair::{SqliteOptions, SqliteStore, UserId, UserIdKind};

pub(crate) const ALL: [&str; 4] = [
    "groups",
    "user_permissions",
    "group_permissions",
    "all_permissions",
];

/// Five permissions and two groups, in no order.
pub(crate) const RIGHTS: &str = r#"
    INSERT INTO "django_content_type" ("id", "app_label", "model") VALUES (1, 'shop', 'order'), (2, 'auth', 'user');
    INSERT INTO "auth_permission" ("id", "content_type_id", "codename", "name") VALUES
        (1, 1, 'view_order', ''), (2, 1, 'add_order', ''), (3, 2, 'add_user', ''), (4, 2, 'Z_user', ''), (5, 1, 'é', '');
    INSERT INTO "auth_group" ("id", "name") VALUES (1, 'writers'), (2, 'Editors'), (3, 'empty');
    INSERT INTO "auth_group_permissions" ("group_id", "permission_id") VALUES (1, 1), (1, 5), (2, 1), (2, 3);
"#;

/// Users 1 to 4 of `auth_user`: usual, superuser, inactive, nobody special.
pub(crate) const MEMBERS: &str = r#"
    UPDATE "auth_user" SET "is_superuser" = true WHERE "id" = 2;
    UPDATE "auth_user" SET "is_active" = false WHERE "id" = 3;
    INSERT INTO "auth_user_groups" ("user_id", "group_id") VALUES (1, 1), (1, 2), (2, 3), (3, 1);
    INSERT INTO "auth_user_user_permissions" ("user_id", "permission_id") VALUES (1, 2), (1, 1), (2, 4), (3, 4);
"#;

/// What Django says of them: names of groups, then `get_user_permissions()`, `get_group_permissions()` and
/// `get_all_permissions()`, sorted.
pub(crate) const TOLD: [&str; 4] = [
    r#"{"all_permissions":["auth.add_user","shop.add_order","shop.view_order","shop.é"],"group_permissions":["auth.add_user","shop.view_order","shop.é"],"groups":["Editors","writers"],"user_permissions":["shop.add_order","shop.view_order"]}"#,
    r#"{"all_permissions":["auth.Z_user","auth.add_user","shop.add_order","shop.view_order","shop.é"],"group_permissions":["auth.Z_user","auth.add_user","shop.add_order","shop.view_order","shop.é"],"groups":["empty"],"user_permissions":["auth.Z_user","auth.add_user","shop.add_order","shop.view_order","shop.é"]}"#,
    r#"{"all_permissions":[],"group_permissions":[],"groups":["writers"],"user_permissions":[]}"#,
    r#"{"all_permissions":[],"group_permissions":[],"groups":[],"user_permissions":[]}"#,
];

pub(crate) fn auth_user(columns: &[&str]) -> UserModel {
    UserModel {
        columns: columns.iter().map(ToString::to_string).collect(),
        ..UserModel::default()
    }
}

/// A custom user model with UUID keys, whose link tables have the column `customer_id`.
pub(crate) fn customers(columns: &[&str]) -> UserModel {
    UserModel {
        table: "customers".to_owned(),
        id_kind: UserIdKind::Uuid,
        username: "email".to_owned(),
        is_active: None,
        is_superuser: None,
        is_staff: None,
        last_login: None,
        ..auth_user(columns).with_user_id("id", UserIdKind::Uuid)
    }
}

/// `key` is the database's type of UUIDs.
pub(crate) fn customers_sql(key: &str) -> String {
    let id = "11111111222233334444555555555555";
    format!(
        r#"CREATE TABLE "customers" ("id" {key} PRIMARY KEY, "email" varchar(254) UNIQUE, "password" varchar(128));
        CREATE TABLE "customers_groups" ("id" bigint, "customer_id" {key}, "group_id" integer);
        CREATE TABLE "customers_user_permissions" ("permission_id" integer, "customer_id" {key}, "id" bigint);
        INSERT INTO "customers" VALUES ('{id}', 'ada@example.com', '');
        INSERT INTO "customers_groups" VALUES (1, '{id}', 1);
        INSERT INTO "customers_user_permissions" VALUES (2, '{id}', 1);"#
    )
}

pub(crate) const CUSTOMER_TOLD: &str =
    r#"{"all_permissions":["shop.add_order","shop.view_order","shop.é"],"groups":["writers"]}"#;

/// Four users, by name, for [`MEMBERS`].
pub(crate) fn users() -> Vec<tokenpair::User> {
    let names = (1..).zip(["a", "b", "c", "d"]);
    names
        .map(|(id, name)| tokenpair::User::new(id, name))
        .collect()
}

pub(crate) async fn told(store: &impl Store, login: &str) -> String {
    let user = store.find_by_login(login).await.unwrap().unwrap();
    let columns = store.login_columns(&user).await.unwrap();
    json::encode_utf8(&Value::Object(columns))
}

/// What is read with the user of each request.
pub(crate) async fn read_with_each_user(store: &impl Store, id: &UserId) -> String {
    let user = store.get_user(id).await.unwrap().unwrap();
    json::encode_utf8(&Value::Object(user.columns))
}

struct Place(tempfile::TempDir);

impl Place {
    fn new(sql: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.run(sql);
        place
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("db.sqlite3")
    }

    fn run(&self, sql: &str) {
        Connection::open(self.path())
            .unwrap()
            .execute_batch(sql)
            .unwrap();
    }

    async fn store(&self, model: UserModel) -> SqliteStore {
        let mut options = SqliteOptions::new(self.path());
        options.user_model = model;
        SqliteStore::open(options).await.unwrap()
    }
}

async fn filled() -> Place {
    let place = Place::new("");
    crate::stores::sqlite_with(place.path().to_str().unwrap(), &users()).await;
    place.run(RIGHTS);
    place.run(MEMBERS);
    place
}

#[tokio::test]
async fn groups_and_permissions_are_djangos_and_read_at_a_log_in_only() {
    let place = filled().await;
    let store = place.store(auth_user(&ALL)).await;
    store.check_user_model().await.unwrap();
    for (login, expected) in ["a", "b", "c", "d"].into_iter().zip(TOLD) {
        assert_eq!(told(&store, login).await, expected);
    }
    assert_eq!(read_with_each_user(&store, &UserId::Int(1)).await, "{}");
}

#[tokio::test]
async fn a_mapped_model_has_link_tables_of_its_own() {
    let place = filled().await;
    place.run(&customers_sql("char(32)"));
    let store = place.store(customers(&["groups", "all_permissions"])).await;
    store.check_user_model().await.unwrap();
    assert_eq!(told(&store, "ada@example.com").await, CUSTOMER_TOLD);
}

#[tokio::test]
async fn a_database_that_is_still_to_be_made_will_have_them() {
    let place = Place::new("");
    let store = place.store(auth_user(&ALL)).await;
    store.migrate(jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    store.check_user_model().await.unwrap();
    place.run(r#"INSERT INTO "auth_user" VALUES (1, '', NULL, 0, 'a', '', '', 0, 1, '', '')"#);
    assert_eq!(told(&store, "a").await, TOLD[3]);
}

#[tokio::test]
async fn a_column_of_that_name_wins() {
    let place = filled().await;
    place.run(r#"ALTER TABLE "auth_user" ADD COLUMN "groups" varchar(10) DEFAULT 'own'"#);
    let store = place
        .store(auth_user(&["groups", "user_permissions"]))
        .await;
    store.check_user_model().await.unwrap();
    assert_eq!(told(&store, "d").await, r#"{"user_permissions":[]}"#);
    let read = read_with_each_user(&store, &UserId::Int(4)).await;
    assert_eq!(read, r#"{"groups":"own"}"#);
}

#[tokio::test]
async fn a_table_that_is_missing_is_named() {
    let place = filled().await;
    place.run(&customers_sql("char(32)"));
    let flaw = async |model: UserModel| {
        let checked = place.store(model).await.check_user_model().await;
        checked.unwrap_err().to_string()
    };
    assert_eq!(
        flaw(auth_user(&["all_permission"])).await,
        r#"the user table "auth_user" has no column "all_permission" (columns), did you mean "all_permissions"?"#
    );
    place.run(r#"ALTER TABLE "customers_groups" ADD COLUMN "since" date"#);
    assert_eq!(
        flaw(customers(&["groups"])).await,
        r#"the user table "customers" has no column "groups", and the table "customers_groups" does not have one column that names the user"#
    );
    place.run(r#"DROP TABLE "customers_user_permissions""#);
    assert_eq!(
        flaw(customers(&["user_permissions"])).await,
        r#"the user table "customers" has no column "user_permissions", and Django's table "customers_user_permissions", where it would be read from, does not exist"#
    );
}
