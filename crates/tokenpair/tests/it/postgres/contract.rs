//! The store keeps the contract, in each way to send statements.

use super::place::Place;
use std::cell::RefCell;
use std::collections::HashSet;
use tokenpair::store::contract;
use tokenpair::{PostgresOptions, PostgresStore, User};

async fn check(options: impl Fn(&Place) -> Option<PostgresOptions>) {
    let Some(place) = Place::new().await else {
        return;
    };
    if options(&place).is_none() {
        return;
    }
    // The databases live as long as this.
    let places = RefCell::new(Vec::new());
    let make = async |users: Vec<User>| -> PostgresStore {
        let place = Place::new().await.unwrap();
        let options = options(&place).unwrap();
        let names: HashSet<_> = users.iter().map(|user| &user.username).collect();
        let store = if names.len() == users.len() {
            place.filled_with(options, &users).await
        } else {
            filled_by_email(&place, options, &users).await
        };
        places.borrow_mut().push(place);
        store
    };
    contract::check(async || make(contract::users()).await).await;
    assert!(
        places.borrow().len() > 10,
        "every rule has a store of its own"
    );
    contract::check_admin(make).await;
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
    options.user_model.username = "email".to_owned();
    PostgresStore::open(options).await.unwrap()
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
async fn the_contract_is_kept_with_one_connection() {
    check(|place| {
        let mut options = place.options();
        options.max_connections = 1;
        options.acquire_timeout = std::time::Duration::from_secs(5);
        Some(options)
    })
    .await;
}
