//! Sign-up with an address that has to be proved.

use crate::accounts_app::{AccountsApp, CAROL, ME, REGISTER, RESET};
use std::sync::atomic::Ordering::SeqCst;
use tokenpair::UserTable as _;
use tokenpair::store::UserAdmin as _;

const VERIFY: &str = "/api/register/verify/";
const RESEND: &str = "/api/register/resend/";
const BAD_LINK: &str = r#"{"token":["The verification link was invalid, possibly because it has already been used. Please request a new one."]}"#;
const ON_ITS_WAY: &str = r#"{"detail":"If an account with this e-mail address waits to be verified, a message with a link is on its way to it."}"#;
const CAROLS: &str = "carol@example.com";

/// Somebody who signed up, and the parts of the link that they got.
async fn signed_up() -> (AccountsApp, String, String) {
    let app = AccountsApp::verifying();
    app.post(REGISTER, CAROL).await.assert(
        201,
        r#"{"user":{"id":4,"username":"carol2","email":"carol@example.com","first_name":"","last_name":""},"detail":"Verification e-mail sent."}"#,
    );
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

#[tokio::test]
async fn what_an_operator_decided_is_not_undone_by_an_old_link() {
    let (app, uid, token) = signed_up().await;
    let store = &app.app.store;
    let carol = store.find_by_login("carol2").await.unwrap().unwrap().id;
    store.set_active(&carol, true).await.unwrap();
    store.set_active(&carol, false).await.unwrap();
    let link = proof(&uid, &token, "s3cret-enough");
    app.post_fields(VERIFY, link).await.assert(400, BAD_LINK);
    app.post_fields(RESEND, [("email", CAROLS)])
        .await
        .assert(200, ON_ITS_WAY);
    assert_eq!(app.outbox.take().len(), 0);
}

#[tokio::test]
async fn a_link_to_reset_a_password_verifies_nobody() {
    let (app, uid, token) = signed_up().await;
    let app = app.with_address("alice@example.com").await;
    app.post_fields(RESET, [("email", "alice@example.com")])
        .await;
    let (_, alice, reset) = app.outbox.link();
    for (uid, token) in [(&alice, &reset), (&uid, &reset), (&alice, &token)] {
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
    for email in [CAROLS, "CAROL@example.com", "nobody@example.com"] {
        let reply = app.post_fields(RESEND, [("email", email)]).await;
        reply.assert(200, ON_ITS_WAY);
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
