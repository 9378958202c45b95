//! `token_blacklist`: the end of a refresh token, and what is on record of it.

use crate::app::{BLACKLIST, NOW, TestApp, good, sign};
use tokenpair::{TokenStore as _, UserId};

const NO_ACCOUNT: &str = r#"{"detail":"No active account found for the given token."}"#;

#[tokio::test]
async fn a_blacklisted_token_buys_nothing() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    let reply = app.blacklist(&pair.refresh).await;
    reply.assert(200, "{}");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    app.refresh(&pair.refresh)
        .await
        .assert_refused("Token is blacklisted");
    assert_eq!(
        app.get_as(&pair.access, "/me/").await.status,
        200,
        "access tokens live until they expire"
    );
}

#[tokio::test]
async fn a_token_is_blacklisted_once() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    app.blacklist(&pair.refresh).await.assert(200, "{}");
    app.blacklist(&pair.refresh)
        .await
        .assert_refused("Token is blacklisted");
}

#[tokio::test]
async fn only_refresh_tokens_can_be_blacklisted() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    let sliding = app.log_in_sliding().await;
    for token in [&pair.access, &sliding] {
        app.blacklist(token)
            .await
            .assert_refused("Token has wrong type");
    }
    app.blacklist("rubbish")
        .await
        .assert_refused("Token is invalid");
}

#[tokio::test]
async fn a_blacklisted_token_is_reported_as_such_before_its_other_flaws() {
    let app = TestApp::new();
    app.blacklist(&sign(&good("refresh", "")))
        .await
        .assert(200, "{}");
    let same_id = good("access", "").replace("access-jti", "refresh-jti");
    app.blacklist(&sign(&same_id))
        .await
        .assert_refused("Token is blacklisted");
    app.advance(3600);
    app.blacklist(&sign(&good("refresh", "")))
        .await
        .assert_refused("Token is expired");
}

#[tokio::test]
async fn an_unknown_token_is_recorded_first() {
    let app = TestApp::new();
    let token = sign(&good("refresh", ""));
    app.blacklist(&token).await.assert(200, "{}");
    let row = app.store.outstanding("refresh-jti").unwrap();
    assert_eq!(
        (row.user_id, row.expires_at.as_seconds()),
        (Some(UserId::Int(1)), NOW + 3600)
    );
    assert_eq!(row.token, token.rsplit_once('.').unwrap().0);
}

#[tokio::test]
async fn store_full_tokens_records_an_unknown_token_whole() {
    let app = TestApp::with(|settings| settings.store_full_tokens = true);
    let token = sign(&good("refresh", ""));
    app.blacklist(&token).await.assert(200, "{}");
    assert_eq!(app.store.outstanding("refresh-jti").unwrap().token, token);
}

#[tokio::test]
async fn a_token_of_a_deleted_user_can_be_blacklisted() {
    let app = TestApp::new();
    for (jti, user_id) in [("a", r#""99""#), ("b", "null")] {
        let payload = good("refresh", "").replace("refresh-jti", jti);
        let payload = payload.replace(r#""user_id":"1""#, &format!(r#""user_id":{user_id}"#));
        app.blacklist(&sign(&payload)).await.assert(200, "{}");
        assert_eq!(app.store.outstanding(jti).unwrap().user_id, None);
    }
}

#[tokio::test]
async fn a_user_claim_that_can_be_nobodys_is_refused_and_nothing_is_recorded() {
    let app = TestApp::new();
    let payload = good("refresh", "").replace(r#""user_id":"1""#, r#""user_id":"abc""#);
    app.blacklist(&sign(&payload)).await.assert(401, NO_ACCOUNT);
    assert!(!app.store.is_blacklisted("refresh-jti").await.unwrap());
}

#[tokio::test]
async fn without_a_token_store_nothing_happens() {
    let app = TestApp::without_token_store(|_| ());
    let pair = app.log_in().await;
    app.blacklist(&pair.refresh).await.assert(200, "{}");
    app.blacklist(&pair.refresh).await.assert(200, "{}");
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
}

#[tokio::test]
async fn a_missing_token_is_a_bad_request() {
    let reply = TestApp::new().post(BLACKLIST, "{}").await;
    reply.assert(400, r#"{"refresh":["This field is required."]}"#);
}
