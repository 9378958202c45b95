//! A server in recovery: it answers, but may not know yet what was revoked.

use super::outage::assert_unavailable;
use super::{app, filled};
use std::time::Duration;
use tokenpair::PostgresStore;
use tokenpair::store::Store as _;

/// There is no standby here, so the database says that it is one.
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_an_outage_until_it_is_the_primary() {
    let Some((place, store)) = filled().await else {
        return;
    };
    let app = app(&store);
    let pair = app.log_in().await;
    place
        .run("CREATE FUNCTION pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true'")
        .await;
    let path = |path: &str| {
        let sql = format!("ALTER DATABASE {} SET search_path = {path}", place.name());
        let place = &place;
        async move { place.administer(&sql).await }
    };
    path("public, pg_catalog").await;
    place.end_connections().await;
    for _ in 0..3 {
        assert_unavailable(&app.refresh(&pair.refresh).await);
        assert_unavailable(&app.verify(&pair.refresh).await);
    }
    let ready = store.ping().await.unwrap_err().to_string();
    assert!(ready.contains("is a standby"), "{ready}");
    let refused = PostgresStore::open(place.options()).await.unwrap_err();
    assert!(refused.to_string().contains("is a standby"), "{refused}");
    let looking = PostgresStore::open_read_only(place.options()).await;
    looking.unwrap().ping().await.unwrap();
    path("public").await;
    while store.ping().await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
}
