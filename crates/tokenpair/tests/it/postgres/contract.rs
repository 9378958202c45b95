//! The store keeps the contract, in each way to send statements.

use super::place::Place;
use tokenpair::store::contract;
use tokenpair::{PostgresOptions, PostgresStore};

async fn check(options: impl Fn(&Place) -> Option<PostgresOptions>) {
    let Some(place) = Place::new().await else {
        return;
    };
    if options(&place).is_none() {
        return;
    }
    // The databases live as long as this.
    let places = std::cell::RefCell::new(Vec::new());
    let make = async || -> PostgresStore {
        let place = Place::new().await.unwrap();
        let options = options(&place).unwrap();
        let store = place.filled_with(options, &contract::users()).await;
        places.borrow_mut().push(place);
        store
    };
    contract::check(make).await;
    contract::check_admin(make).await;
    assert!(
        places.borrow().len() > 15,
        "every rule has a store of its own"
    );
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
