//! The store keeps the contract, in each way to send statements.

use super::place::Place;
use std::collections::HashSet;
use tokenpair::store::{UsernameLookup, contract};
use tokenpair::{PostgresOptions, PostgresStore, User};

/// Each rule has the database to itself.
async fn check(options: impl Fn(&Place) -> Option<PostgresOptions>) {
    let Some(place) = Place::new().await else {
        return;
    };
    let Some(options) = options(&place) else {
        return;
    };
    let make = async |users: Vec<User>| -> PostgresStore {
        place
            .run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            .await;
        let names: HashSet<_> = users.iter().map(|user| &user.username).collect();
        if names.len() == users.len() {
            place.filled_with(options.clone(), &users).await
        } else {
            filled_by_email(&place, options.clone(), &users).await
        }
    };
    contract::check(async || make(contract::users()).await).await;
    contract::check_sessions(async || make(contract::users()).await).await;
    contract::check_admin(&make).await;
    contract::check_accounts(make).await;
}

/// Django's table keeps user names apart, but not addresses.
async fn filled_by_email(
    place: &Place,
    mut options: PostgresOptions,
    users: &[User],
) -> PostgresStore {
    let named_by_id = users.iter().cloned().map(|mut user| {
        user.username = user.id.to_string();
        user
    });
    place.filled(&named_by_id.collect::<Vec<_>>()).await;
    for user in users {
        let (email, name) = (&user.username, &user.id);
        let sql = format!("UPDATE auth_user SET email = '{email}' WHERE username = '{name}'");
        place.run(&sql).await;
    }
    "email".clone_into(&mut options.user_model.username);
    PostgresStore::open(options).await.unwrap()
}

#[tokio::test]
async fn the_contract_of_names_without_case_is_kept() {
    let Some(place) = Place::new().await else {
        return;
    };
    let users = contract::users_of_several_spellings();
    contract::check_iexact(async || {
        place
            .run("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            .await;
        let mut options = place.options();
        options.user_model.username_lookup = UsernameLookup::Iexact;
        place.filled_with(options, &users).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgres_store_keeps_the_contract() {
    check(|place| Some(place.options())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept_without_prepared_statements() {
    check(|place| {
        let mut options = place.options();
        options.prepared_statements = false;
        Some(options)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept_behind_a_pooler_in_transaction_mode() {
    check(|place| {
        let mut options = PostgresOptions::from_url(&place.pooled_url()?).unwrap();
        options.prepared_statements = false;
        Some(options)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept_with_two_connections() {
    check(|place| {
        let mut options = place.options();
        options.max_connections = 2;
        options.acquire_timeout = std::time::Duration::from_secs(5);
        Some(options)
    })
    .await;
}
