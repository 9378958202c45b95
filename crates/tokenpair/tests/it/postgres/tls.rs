//! TLS, Unix sockets and what an address says of them. The server's certificate is for `localhost` and no other name.

use super::place::Place;
use tokenpair::PostgresStore;

fn certificate(name: &str) -> String {
    format!(
        "{}/tests/vectors/postgres/{name}.pem",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// Whether the connections to this database are encrypted.
async fn is_encrypted(place: &Place) -> bool {
    let rows = place
        .rows(
            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    rows[0].get(0)
}

#[tokio::test]
async fn who_asks_for_tls_gets_it() {
    let Some(place) = Place::new().await else {
        return;
    };
    let ca = certificate("ca");
    for (parameters, encrypted) in [
        (String::new(), true),
        ("sslmode=disable".to_owned(), false),
        ("sslmode=prefer".to_owned(), true),
        ("sslmode=require".to_owned(), true),
        (format!("sslmode=require&sslrootcert={ca}"), true),
        (format!("sslmode=verify-ca&sslrootcert={ca}"), true),
        (format!("sslmode=verify-full&sslrootcert={ca}"), true),
    ] {
        let store = PostgresStore::connect(&place.url_with(&parameters))
            .await
            .unwrap_or_else(|error| panic!("{parameters}: {error}"));
        assert_eq!(is_encrypted(&place).await, encrypted, "{parameters}");
        drop(store);
        place.end_connections().await;
    }
}

#[tokio::test]
async fn a_server_that_proves_too_little_is_refused() {
    let Some(place) = Place::new().await else {
        return;
    };
    let (ca, other) = (certificate("ca"), certificate("other-ca"));
    let by_number = place.host().replace("localhost", "127.0.0.1");
    let url = |host: &str, parameters: String| format!("{}{parameters}", place.url_at(host));
    for (url, reason) in [
        (
            url(
                &place.host(),
                format!("sslmode=verify-full&sslrootcert={other}"),
            ),
            "invalid peer certificate: UnknownIssuer",
        ),
        (
            url(
                &place.host(),
                format!("sslmode=verify-ca&sslrootcert={other}"),
            ),
            "invalid peer certificate: UnknownIssuer",
        ),
        (
            url(
                &place.host(),
                format!("sslmode=require&sslrootcert={other}"),
            ),
            "invalid peer certificate: UnknownIssuer",
        ),
        (
            url(&place.host(), "sslmode=verify-full".to_owned()),
            "certificate",
        ),
        (
            url(&by_number, format!("sslmode=verify-full&sslrootcert={ca}")),
            "certificate not valid for name",
        ),
        (
            url(
                &by_number,
                "sslmode=require&sslrootcert=/no/such/file".to_owned(),
            ),
            "sslrootcert: /no/such/file",
        ),
    ] {
        let error = PostgresStore::connect(&url).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{url}: {error}");
    }
    PostgresStore::connect(&url(
        &by_number,
        format!("sslmode=verify-ca&sslrootcert={ca}"),
    ))
    .await
    .unwrap();
}

#[tokio::test]
async fn a_unix_socket_is_reached_by_its_folder() {
    let Some(place) = Place::new().await else {
        return;
    };
    let folder = place.rows("SHOW unix_socket_directories").await;
    let folder: &str = folder[0].get(0);
    let port = place.host();
    let (_, port) = port.rsplit_once(':').unwrap();
    let url = place
        .url_at("")
        .replace('?', &format!("?host={folder}&port={port}"));
    let store = PostgresStore::connect(&url).await.unwrap();
    assert!(store.address().contains(folder), "{}", store.address());
    assert!(!is_encrypted(&place).await);
}

#[tokio::test]
async fn the_server_sees_who_asks() {
    let Some(place) = Place::new().await else {
        return;
    };
    for (parameters, name) in [("", "tokenpair"), ("application_name=site", "site")] {
        let _store = PostgresStore::connect(&place.url_with(parameters))
            .await
            .unwrap();
        let seen = place
            .rows(&format!(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = '{name}'"
            ))
            .await;
        assert_eq!(seen.len(), 1, "{name}");
    }
}
