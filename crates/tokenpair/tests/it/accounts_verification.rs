//! Sign-up with an address that has to be proved.

use crate::accounts_app::{AccountsApp, CAROL, DAY, ME, REGISTER, RESET, TAKEN};
use crate::app::TestApp;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use tokenpair::store::UserAdmin as _;
use tokenpair::{Event, RequestInfo, SqliteOptions, SqliteStore, UserTable as _};

const VERIFY: &str = "/api/register/verify/";
const RESEND: &str = "/api/register/resend/";
const BAD_LINK: &str = r#"{"token":["The verification link was invalid, possibly because it has already been used. Please request a new one."]}"#;
const ON_ITS_WAY: &str = r#"{"detail":"If an account with this e-mail address waits to be verified, a message with a link is on its way to it."}"#;
const CAROLS: &str = "carol@example.com";

const SENT: &str = r#"{"detail":"Verification e-mail sent."}"#;

/// Somebody who signed up, and the parts of the link that they got.
async fn signed_up() -> (AccountsApp, String, String) {
    let app = AccountsApp::verifying();
    app.post(REGISTER, CAROL).await.assert(201, SENT);
    let (to, uid, token) = app.outbox.link();
    assert_eq!(to, CAROLS);
    (app, uid, token)
}

fn proof<'a>(uid: &'a str, token: &'a str, password: &'a str) -> [(&'static str, &'a str); 3] {
    [("uid", uid), ("token", token), ("password", password)]
}

/// Somebody else may have signed up with this address, and would be let in with a password of theirs.
#[tokio::test]
async fn who_follows_the_link_and_knows_no_password_lets_nobody_in() {
    let (app, uid, token) = signed_up().await;
    let wrong = proof(&uid, &token, "another-one");
    app.post_fields(VERIFY, wrong).await.assert(
        400,
        r#"{"password":["This is not the password that the account was made with."]}"#,
    );
    let link = [("uid", uid.as_str()), ("token", token.as_str())];
    app.post_fields(VERIFY, link)
        .await
        .assert(400, r#"{"password":["This field is required."]}"#);
    assert!(app.log_in("carol2", "s3cret-enough").await.is_none());
    let right = proof(&uid, &token, "s3cret-enough");
    assert_eq!(app.post_fields(VERIFY, right).await.status, 200);
}

#[tokio::test]
async fn who_proves_the_address_is_let_in_once() {
    let (app, uid, token) = signed_up().await;
    assert!(app.log_in("carol2", "s3cret-enough").await.is_none());
    let link = proof(&uid, &token, "s3cret-enough");
    let reply = app.post_fields(VERIFY, link).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let me = app.app.get_as(&reply.text("access"), ME).await;
    assert_eq!(me.text("username"), "carol2");
    assert!(app.log_in("carol2", "s3cret-enough").await.is_some());
    app.post_fields(VERIFY, link).await.assert(400, BAD_LINK);
}

/// Whoever decides: our commands and Django's admin write the same column.
#[tokio::test]
async fn who_was_barred_is_not_let_in_by_links() {
    let (app, uid, token) = signed_up().await;
    app.post_fields(RESEND, [("email", CAROLS)]).await;
    let (_, other_uid, other_token) = app.outbox.link();
    let link = proof(&uid, &token, "s3cret-enough");
    assert_eq!(app.post_fields(VERIFY, link).await.status, 200);
    let store = &app.app.store;
    let carol = store.find_by_login("carol2").await.unwrap().unwrap().id;
    for decision in [false, true, false] {
        store.set_active(&carol, decision).await.unwrap();
    }
    let other = proof(&other_uid, &other_token, "s3cret-enough");
    for link in [link, other] {
        app.post_fields(VERIFY, link).await.assert(400, BAD_LINK);
    }
    app.post_fields(RESEND, [("email", CAROLS)])
        .await
        .assert(200, ON_ITS_WAY);
    assert_eq!(app.outbox.take().len(), 0);
    app.post(REGISTER, CAROL).await.assert(400, TAKEN);
    let barred = store.find_by_login("carol2").await.unwrap().unwrap();
    assert!(!barred.is_active);
}

#[tokio::test]
async fn before_the_proof_there_is_nobody_and_the_name_is_free() {
    let (app, uid, token) = signed_up().await;
    let found = app.app.store.find_by_login("carol2").await.unwrap();
    assert!(found.is_none());
    let other = CAROL.replace(CAROLS, "other@example.com");
    app.post(REGISTER, &other).await.assert(201, SENT);
    let (to, other_uid, other_token) = app.outbox.link();
    assert_eq!(to, "other@example.com");
    let link = proof(&other_uid, &other_token, "s3cret-enough");
    assert_eq!(app.post_fields(VERIFY, link).await.status, 200);
    let late = proof(&uid, &token, "s3cret-enough");
    app.post_fields(VERIFY, late).await.assert(400, TAKEN);
    app.post_fields(VERIFY, late).await.assert(400, BAD_LINK);
}

#[tokio::test]
async fn what_nobody_proved_in_time_is_forgotten() {
    let (app, uid, token) = signed_up().await;
    app.app.advance(3 * DAY);
    app.post_fields(RESEND, [("email", CAROLS)]).await;
    let (_, new_uid, new_token) = app.outbox.link();
    app.app.advance(1);
    for (uid, token) in [(&uid, &token), (&new_uid, &new_token)] {
        let link = proof(uid, token, "s3cret-enough");
        app.post_fields(VERIFY, link).await.assert(400, BAD_LINK);
    }
    app.post_fields(RESEND, [("email", CAROLS)])
        .await
        .assert(200, ON_ITS_WAY);
    assert_eq!(app.outbox.take().len(), 0);
    app.post(REGISTER, CAROL).await.assert(201, SENT);
}

#[tokio::test]
async fn a_proof_is_told_with_the_sign_up() {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let hear = told.clone();
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            let write = move |event: &Event<'_>, _: &RequestInfo| {
                let line = format!("{} {}", event.name(), event.outcome());
                hear.lock().unwrap().push(line);
            };
            builder.store(store).on_event(write)
        },
    );
    let app = AccountsApp::over(app, None, |options| options.email_verification = true);
    app.post(REGISTER, CAROL).await.assert(201, SENT);
    assert_eq!(told.lock().unwrap().len(), 0);
    let (_, uid, token) = app.outbox.link();
    let link = proof(&uid, &token, "s3cret-enough");
    assert_eq!(app.post_fields(VERIFY, link).await.status, 200);
    assert_eq!(
        *told.lock().unwrap(),
        [
            "sign_up success",
            "email_verification success",
            "log_in success"
        ]
    );
}

/// Its owner is told by mail, and nobody else.
#[tokio::test]
async fn where_users_log_in_by_e_mail_a_sign_up_does_not_tell_who_has_an_account() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = SqliteOptions::new(folder.path().join("db.sqlite3"));
    options.user_model.username = "email".to_owned();
    let store = SqliteStore::open(options).await.unwrap();
    store.migrate(jiff::Timestamp::UNIX_EPOCH).await.unwrap();
    let shared = Arc::new(store.clone());
    let app = TestApp::built(|_| (), |builder, _| builder.store(store));
    let app = AccountsApp::over(app, Some(shared), |options| {
        options.email_verification = true;
    });
    app.post(REGISTER, CAROL).await.assert(201, SENT);
    let (_, uid, token) = app.outbox.link();
    let link = proof(&uid, &token, "s3cret-enough");
    let reply = app.post_fields(VERIFY, link).await;
    assert_eq!(reply.status, 200, "{}", reply.body);

    let known = app.post(REGISTER, CAROL).await;
    let messages = app.outbox.take();
    assert_eq!(messages.len(), 1);
    assert!(
        messages[0]
            .body
            .contains("You have an account there already")
    );
    let unknown = CAROL.replace("carol@", "dave@");
    let unknown = app.post(REGISTER, &unknown).await;
    assert_eq!(
        (known.status, &known.body, &known.headers),
        (unknown.status, &unknown.body, &unknown.headers)
    );
}

#[tokio::test]
async fn a_link_to_reset_a_password_verifies_nobody() {
    let (app, uid, token) = signed_up().await;
    let app = app.with_address("alice@example.com").await;
    app.post_fields(RESET, [("email", "alice@example.com")])
        .await;
    let (_, alice, reset) = app.outbox.link();
    for (uid, token) in [
        (&alice, &reset),
        (&uid, &reset),
        (&alice, &uid),
        (&token, &token),
    ] {
        let link = proof(uid, token, "s3cret-enough");
        app.post_fields(VERIFY, link).await.assert(400, BAD_LINK);
    }
    app.post_fields(RESET, [("email", CAROLS)]).await;
    assert_eq!(
        app.outbox.take().len(),
        0,
        "who is not verified has no password to forget"
    );
}

#[tokio::test]
async fn the_mail_is_sent_again_to_who_waits_for_it() {
    let (app, ..) = signed_up().await;
    let mut headers = None;
    for email in [CAROLS, "CAROL@example.com", "nobody@example.com"] {
        let reply = app.post_fields(RESEND, [("email", email)]).await;
        reply.assert(200, ON_ITS_WAY);
        let known = headers.get_or_insert_with(|| reply.headers.clone());
        assert_eq!(reply.headers, *known, "{email}");
    }
    assert_eq!(app.outbox.take().len(), 2);
    app.post_fields(RESEND, [("email", CAROLS)]).await;
    let (_, uid, token) = app.outbox.link();
    let link = proof(&uid, &token, "s3cret-enough");
    assert_eq!(app.post_fields(VERIFY, link).await.status, 200);
    let reply = app.post_fields(RESEND, [("email", CAROLS)]).await;
    reply.assert(200, ON_ITS_WAY);
    assert_eq!(app.outbox.take().len(), 0);
}

#[tokio::test]
async fn without_an_address_or_without_room_for_a_mail_nobody_signs_up() {
    let app = AccountsApp::verifying();
    let body = r#"{"username":"carol2","password":"s3cret-enough"}"#;
    app.post(REGISTER, body)
        .await
        .assert(400, r#"{"email":["This field is required."]}"#);
    app.outbox.is_full.store(true, SeqCst);
    assert_eq!(app.post(REGISTER, CAROL).await.status, 503);
    let found = app.app.store.find_by_login("carol2").await.unwrap();
    assert!(found.is_none());
    for email in [CAROLS, "nobody@example.com"] {
        let reply = app.post_fields(RESEND, [("email", email)]).await;
        assert_eq!(reply.status, 503);
    }
}
