//! The two routes, in health and in sickness.

use super::*;
use crate::log::Format;
use crate::log::tests::Written;
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tokenpair::clock::{Clock as _, SystemClock};
use tokenpair::{SqliteStore, TokenStore as _};
use tower::ServiceExt as _;

async fn store() -> (TempDir, Arc<SqliteStore>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite3");
    let store = Arc::new(SqliteStore::connect(path.to_str().unwrap()).await.unwrap());
    (folder, store)
}

async fn ask(health: &Health, method: Method, path: &str) -> (u16, String) {
    let router = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz));
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    let response = router
        .with_state(health.clone())
        .oneshot(request)
        .await
        .unwrap();
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn readiness(health: &Health) -> (u16, String) {
    ask(health, Method::GET, "/readyz").await
}

fn body(status: &str) -> String {
    format!(r#"{{"status":"{status}"}}"#)
}

#[tokio::test]
async fn a_server_is_ready_when_its_tables_are_there_and_until_it_stops() {
    let (_folder, store) = store().await;
    let stopping = Arc::new(AtomicBool::new(false));
    let health = Health::new(store.clone(), Arc::clone(&stopping));
    assert_eq!(readiness(&health).await, (503, body("schema not migrated")));
    store.migrate(SystemClock.now()).await.unwrap();
    assert_eq!(readiness(&health).await, (200, body("ok")));
    stopping.store(true, Relaxed);
    assert_eq!(readiness(&health).await, (503, body("stopping")));
    assert_eq!(ask(&health, Method::GET, "/livez").await, (200, body("ok")));
}

#[tokio::test]
async fn head_is_answered_without_a_body() {
    let (_folder, store) = store().await;
    let health = Health::new(store.clone(), Arc::default());
    assert_eq!(
        ask(&health, Method::HEAD, "/readyz").await,
        (503, String::new())
    );
    store.migrate(SystemClock.now()).await.unwrap();
    assert_eq!(
        ask(&health, Method::HEAD, "/readyz").await,
        (200, String::new())
    );
    assert_eq!(
        ask(&health, Method::HEAD, "/livez").await,
        (200, String::new())
    );
}

#[tokio::test]
async fn a_server_whose_changes_are_refused_is_not_ready_until_one_is_made() {
    let (folder, store) = store().await;
    store.migrate(SystemClock.now()).await.unwrap();
    let health = Health::new(store.clone(), Arc::default());
    let other = rusqlite::Connection::open(folder.path().join("db.sqlite3")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    store.flush_expired(SystemClock.now(), 1).await.unwrap_err();
    assert_eq!(
        readiness(&health).await,
        (503, body("database unavailable"))
    );
    other.execute_batch("ROLLBACK").unwrap();
    store.flush_expired(SystemClock.now(), 1).await.unwrap();
    assert_eq!(readiness(&health).await, (200, body("ok")));
}

#[tokio::test]
async fn a_database_that_has_gone_is_told_by_its_class_only_and_logged_once() {
    let (folder, store) = store().await;
    store.migrate(SystemClock.now()).await.unwrap();
    let health = Health::new(store, Arc::default());
    let path = folder.path().join("db.sqlite3");
    let log = Written::default();
    let listening = log.listen(Format::Text);
    assert_eq!(readiness(&health).await.0, 200);
    assert!(log.pieces().is_empty(), "{:?}", log.pieces());

    std::fs::rename(&path, path.with_extension("away")).unwrap();
    for _ in 0..3 {
        assert_eq!(
            readiness(&health).await,
            (503, body("database unavailable"))
        );
    }
    let pieces = log.pieces();
    assert_eq!(pieces.len(), 1, "{pieces:?}");
    assert!(
        pieces[0].contains(r#"not ready status="database unavailable""#),
        "{pieces:?}"
    );

    std::fs::rename(path.with_extension("away"), &path).unwrap();
    for _ in 0..3 {
        assert_eq!(readiness(&health).await.0, 200);
    }
    let pieces = log.pieces();
    assert_eq!(pieces.len(), 2, "{pieces:?}");
    assert!(pieces[1].contains("ready again"), "{pieces:?}");
    drop(listening);
}
