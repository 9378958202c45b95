//! What `check` asks about log-in names without case.

use super::place::Place;
use tokenpair::User;
use tokenpair::store::{NewUser, UserAdmin as _};

#[tokio::test]
async fn names_that_differ_in_case_and_a_missing_index_are_told() {
    let Some(place) = Place::new().await else {
        return;
    };
    let users: Vec<User> = (1..)
        .zip(["ada", "bob"])
        .map(|(id, name)| User::new(id, name))
        .collect();
    let store = place.filled(&users).await;
    assert_eq!(store.names_that_differ_in_case().await.unwrap(), None);
    place
        .run("UPDATE auth_user SET username = 'ADA' WHERE id = 2")
        .await;
    let names = store.names_that_differ_in_case().await.unwrap();
    assert_eq!(names, Some(["ADA".to_owned(), "ada".to_owned()]));

    let missing = async || store.missing_iexact_index().await.unwrap();
    let statement = missing().await.unwrap();
    assert_eq!(
        statement,
        r#"CREATE INDEX CONCURRENTLY ON "auth_user" (UPPER("username"::text))"#
    );
    for no_help in [
        r#"CREATE INDEX i ON auth_user (LOWER("username"))"#,
        r#"CREATE INDEX i ON auth_user (UPPER("email"))"#,
        r#"CREATE INDEX i ON auth_user (id, UPPER("username"))"#,
        r#"CREATE INDEX i ON auth_user (UPPER("username")) WHERE is_active"#,
    ] {
        place.run(no_help).await;
        assert!(missing().await.is_some(), "{no_help}");
        place.run("DROP INDEX i").await;
    }
    for help in [
        // Django's UniqueConstraint(Upper("username"), name="i")
        r#"CREATE INDEX i ON auth_user ((UPPER("username")))"#,
        r#"CREATE INDEX i ON auth_user USING hash (UPPER("username"))"#,
        r#"CREATE INDEX i ON auth_user (UPPER("username"), id)"#,
    ] {
        place.run(help).await;
        assert_eq!(missing().await, None, "{help}");
        place.run("DROP INDEX i").await;
    }
    place.run(&statement).await;
    assert_eq!(missing().await, None);
}

/// A name that another node or Django takes in the same moment is taken.
#[tokio::test]
async fn a_unique_constraint_of_the_projects_own_is_heeded() {
    let Some(place) = Place::new().await else {
        return;
    };
    let store = place.filled(&[User::new(1, "ada")]).await;
    place
        .run(r#"CREATE UNIQUE INDEX i ON auth_user (UPPER("username"))"#)
        .await;
    let user = NewUser {
        username: "ADA".to_owned(),
        email: String::new(),
        password: tokenpair::EncodedPassword::new("h"),
        is_staff: false,
        is_superuser: false,
    };
    let created = store.create_user(user, jiff::Timestamp::UNIX_EPOCH).await;
    assert!(created.unwrap().is_none());
}

#[tokio::test]
async fn a_sequence_that_is_behind_is_no_name_that_is_taken() {
    let Some(place) = Place::new().await else {
        return;
    };
    let store = place.filled(&[User::new(1, "ada")]).await;
    place
        .run("SELECT setval(pg_get_serial_sequence('auth_user', 'id'), 1, false)")
        .await;
    let user = NewUser {
        username: "bob".to_owned(),
        email: String::new(),
        password: tokenpair::EncodedPassword::new("h"),
        is_staff: false,
        is_superuser: false,
    };
    let at = jiff::Timestamp::UNIX_EPOCH;
    let refused = store.create_user(user.clone(), at).await.unwrap_err();
    assert!(refused.to_string().contains("sequence"), "{refused}");
    assert!(store.create_user(user, at).await.unwrap().is_some());
}
