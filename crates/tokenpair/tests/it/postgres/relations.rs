//! Groups and permissions, as in `relations.rs` beside this folder.

use super::place::Place;
use crate::relations::{
    ALL, CUSTOMER_TOLD, MEMBERS, RIGHTS, TOLD, auth_user, customers, customers_sql,
    read_with_each_user, told, users,
};
use tokenpair::store::UserModel;
use tokenpair::{PostgresOptions, PostgresStore, UserId};

async fn filled() -> Option<Place> {
    let place = Place::new().await?;
    place.filled(&users()).await;
    place.run(RIGHTS).await;
    place.run(MEMBERS).await;
    Some(place)
}

async fn open(place: &Place, model: UserModel, is_preparing: bool) -> PostgresStore {
    let mut options = place.options();
    options.user_model = model;
    options.prepared_statements = is_preparing;
    PostgresStore::open(options).await.unwrap()
}

#[tokio::test]
async fn groups_and_permissions_are_djangos_and_read_at_a_log_in_only() {
    let Some(place) = filled().await else { return };
    for is_preparing in [true, false] {
        let store = open(&place, auth_user(&ALL), is_preparing).await;
        store.check_user_model().await.unwrap();
        for (login, expected) in ["a", "b", "c", "d"].into_iter().zip(TOLD) {
            assert_eq!(told(&store, login).await, expected);
        }
        assert_eq!(read_with_each_user(&store, &UserId::Int(1)).await, "{}");
    }
}

#[tokio::test]
async fn a_mapped_model_has_link_tables_of_its_own() {
    let Some(place) = filled().await else { return };
    place.run(&customers_sql("uuid")).await;
    let store = open(&place, customers(&["groups", "all_permissions"]), true).await;
    store.check_user_model().await.unwrap();
    assert_eq!(told(&store, "ada@example.com").await, CUSTOMER_TOLD);
}

#[tokio::test]
async fn a_column_of_that_name_wins_and_a_table_that_is_missing_is_named() {
    let Some(place) = filled().await else { return };
    place.run(&customers_sql("uuid")).await;
    place
        .run(r#"ALTER TABLE "customers" ADD COLUMN "groups" text DEFAULT 'own'; DROP TABLE "auth_group_permissions""#)
        .await;
    let store = open(&place, customers(&["groups"]), true).await;
    store.check_user_model().await.unwrap();
    let user = uuid::Uuid::from_u128(0x1111_1111_2222_3333_4444_5555_5555_5555);
    let read = read_with_each_user(&store, &UserId::Uuid(user)).await;
    assert_eq!(read, r#"{"groups":"own"}"#);
    assert_eq!(told(&store, "ada@example.com").await, "{}");
    let store = open(&place, customers(&["all_permissions"]), true).await;
    assert_eq!(
        store.check_user_model().await.unwrap_err().to_string(),
        r#"the user table "customers" has no column "all_permissions", and Django's table "auth_group_permissions", where it would be read from, does not exist"#
    );
}

/// Otherwise every log-in would be refused by the database.
#[tokio::test]
async fn a_right_that_is_missing_is_told_before_anybody_logs_in() {
    let Some(place) = filled().await else { return };
    let role = format!("{}_reader", place.name());
    place
        .run(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT SELECT ON auth_user TO {role}"
        ))
        .await;
    let mut options = PostgresOptions::from_url(&place.url_as(&role, "x")).unwrap();
    options.user_model = auth_user(&ALL);
    let store = PostgresStore::open(options).await.unwrap();
    let refused = store.check_user_model().await.unwrap_err().to_string();
    assert!(refused.contains("permission denied"), "{refused}");
    let tables = "auth_group, auth_group_permissions, auth_permission, auth_user_groups, auth_user_user_permissions, \
                  django_content_type";
    place
        .run(&format!("GRANT SELECT ON {tables} TO {role}"))
        .await;
    store.check_user_model().await.unwrap();
    place
        .run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
}
