//! No token in an error or a `Debug` (rule 12).

use crate::fake::{Fake, Wrong};
use std::error::Error as _;
use std::fmt::Write as _;
use tokenpair_client::{Client, Error, FileStorage};

/// All that an error shows, its causes included.
fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, " {error} {error:?}").unwrap();
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn nothing_shows_a_token_or_a_password() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    let request = client.get("/me/");
    let mut texts = vec![format!("{client:?} {request:?} {:?}", fake.builder())];
    // Nobody has looked at that yet.
    texts.push(format!(
        "{:?}",
        Client::builder("http://ada:secret@example.com")
    ));
    texts.push(format!("{:?}", client.access_token().await.unwrap()));
    // The server repeats what it was sent.
    let wrong = client.log_in("ada", "secret-password").await.unwrap_err();
    texts.push(shown(&wrong));
    fake.expire();
    for wrong in [
        Wrong::Status(400),
        Wrong::Text(r#"{"access": "secret access"}"#),
        Wrong::RetryAfter("60"),
    ] {
        fake.go_wrong([wrong]);
        texts.push(shown(&client.get("/me/").send().await.unwrap_err()));
    }
    fake.forget_refresh();
    texts.push(shown(&client.get("/me/").send().await.unwrap_err()));
    assert!(
        texts.iter().all(|text| !text.contains("secret")),
        "{texts:?}"
    );
}

#[tokio::test]
async fn a_file_with_something_else_in_it_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("login");
    std::fs::write(&path, r#"{"access": "secret"}"#).unwrap();
    let fake = Fake::start().await;
    let client = fake
        .builder()
        .storage(FileStorage::new(path))
        .build()
        .unwrap();
    let error = client.get("/me/").send().await.unwrap_err();
    assert!(matches!(error, Error::Storage(_)));
    assert!(!shown(&error).contains("secret"));
    client.log_in("ada", "secret").await.unwrap();
    assert_eq!(client.get("/me/").send().await.unwrap().status(), 200);
}
