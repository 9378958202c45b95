//! `PostgresStore` on a real server, which `cargo xtask check --only tests` installs and starts.
//!
//! `TEST_POSTGRES` is the address of a superuser; each test makes databases of its own there. Without it
//! these tests are skipped aloud, and on a CI machine they fail.

mod accounts;
mod columns;
mod contract;
mod iexact;
mod migration;
mod nodes;
mod outage;
pub(crate) mod place;
mod proxy;
mod purge;
mod relations;
mod schema;
mod sessions;
mod sign_up;
mod slow;
mod standby;
mod tls;

use crate::app::{TestApp, users};
use place::Place;
use tokenpair::clock::TimeOrderedIds;
use tokenpair::{PostgresStore, Settings};

fn strict(settings: &mut Settings) {
    settings.rotate_refresh_tokens = true;
    settings.blacklist_after_rotation = true;
}

fn app(store: &PostgresStore) -> TestApp {
    TestApp::built(strict, |builder, _| builder.store(store.clone()))
}

/// One of several servers on a database: its ids differ from those of the others.
fn node(store: &PostgresStore) -> TestApp {
    TestApp::built(strict, |builder, _| {
        builder.store(store.clone()).ids(TimeOrderedIds)
    })
}

/// A migrated database with the users of every test, and a store on it.
async fn filled() -> Option<(Place, PostgresStore)> {
    let place = Place::new().await?;
    let store = place.filled(&users()).await;
    Some((place, store))
}
