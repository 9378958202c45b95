//! Sliding tokens: obtained, used as Bearer, refreshed until their window ends.

use crate::app::{ALICE, NOW, SLIDING, TestApp, good, payload, sign};
use tokenpair::{SlidingToken, TokenClass};

/// Signed by `PyJWT` 2.15.1 from the claims in the test of the claims' order.
const SLIDING_TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoic2xpZGluZyIsImV4cCI6MTgwMDAwMDMwMCwiaWF0IjoxODAwMDAwMDAwLCJqdGkiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMSIsInJlZnJlc2hfZXhwIjoxODAwMDg2NDAwLCJ1c2VyX2lkIjoiMSJ9.wwRePWxfvfOGl9wFr_6Khypo22yFbqMZOfb_7ZuSIXI";

fn expected(exp: i64, iat: i64) -> String {
    let (jti, window) = (format!("{:032x}", 1), NOW + 86_400);
    format!(
        r#"{{"token_type":"sliding","exp":{exp},"iat":{iat},"jti":"{jti}","refresh_exp":{window},"user_id":"1"}}"#
    )
}

#[tokio::test]
async fn a_sliding_login_answers_the_bytes_that_pyjwt_would() {
    let app = TestApp::new();
    let reply = app.post(SLIDING, ALICE).await;
    reply.assert(200, format!(r#"{{"token":"{SLIDING_TOKEN}"}}"#));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(payload(SLIDING_TOKEN), expected(NOW + 300, NOW));
    assert_eq!(app.store.outstanding_count(), 1);
}

#[tokio::test]
async fn a_failed_sliding_login_is_as_any() {
    let reply = TestApp::new()
        .post(SLIDING, r#"{"username":"alice","password":"x"}"#)
        .await;
    reply.assert(
        401,
        r#"{"detail":"No active account found with the given credentials"}"#,
    );
}

#[tokio::test]
async fn a_refresh_moves_exp_and_keeps_id_and_window() {
    let app = TestApp::new();
    let token = app.log_in_sliding().await;
    app.advance(200);
    let reply = app.refresh_sliding(&token).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(
        payload(&reply.text("token")),
        expected(NOW + 500, NOW + 200)
    );
    assert_eq!(app.store.outstanding_count(), 1);
}

#[tokio::test]
async fn an_expired_sliding_token_is_dead_inside_its_window() {
    let app = TestApp::new();
    let token = app.log_in_sliding().await;
    app.advance(300);
    app.refresh_sliding(&token)
        .await
        .assert_refused("Token is expired");
}

#[tokio::test]
async fn the_window_ends() {
    let app = TestApp::new();
    let token = |window: i64| sign(&good("sliding", &format!(r#","refresh_exp":{window}"#)));
    assert_eq!(app.refresh_sliding(&token(NOW + 1)).await.status, 200);
    app.refresh_sliding(&token(NOW))
        .await
        .assert_refused("Token 'refresh_exp' claim has expired");
    let without = app.refresh_sliding(&sign(&good("sliding", ""))).await;
    without.assert_refused("Token has no 'refresh_exp' claim");
    for odd in ["null", r#""4000000000""#, "1e30"] {
        let token = sign(&good("sliding", &format!(r#","refresh_exp":{odd}"#)));
        app.refresh_sliding(&token)
            .await
            .assert_refused("Token is invalid");
    }
}

#[tokio::test]
async fn other_tokens_do_not_slide() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    for token in [&pair.refresh, &pair.access] {
        app.refresh_sliding(token)
            .await
            .assert_refused("Token has wrong type");
    }
}

#[tokio::test]
async fn a_blacklisted_sliding_token_is_refused() {
    let app = TestApp::new();
    let token = app.log_in_sliding().await;
    SlidingToken::verify(&app.jwt, &token)
        .await
        .unwrap()
        .blacklist(&app.jwt)
        .await
        .unwrap();
    app.refresh_sliding(&token)
        .await
        .assert_refused("Token is blacklisted");
}

#[tokio::test]
async fn sliding_refresh_looks_the_user_up() {
    let app = TestApp::new();
    for user_id in [r#""99""#, r#""2""#, r#""abc""#] {
        let payload = good("sliding", r#","refresh_exp":4000000000"#);
        let payload = payload.replace(r#""user_id":"1""#, &format!(r#""user_id":{user_id}"#));
        let reply = app.refresh_sliding(&sign(&payload)).await;
        reply.assert(
            401,
            r#"{"detail":"No active account found for the given token."}"#,
        );
    }
}

#[tokio::test]
async fn a_sliding_token_authenticates_where_its_class_is_accepted() {
    let app = TestApp::with(|settings| settings.auth_token_classes = vec![TokenClass::Sliding]);
    let token = app.log_in_sliding().await;
    app.get_as(&token, "/me/")
        .await
        .assert(200, r#"{"id":1,"username":"alice"}"#);
    SlidingToken::verify(&app.jwt, &token)
        .await
        .unwrap()
        .blacklist(&app.jwt)
        .await
        .unwrap();
    for path in ["/me/", "/stateless/"] {
        let reply = app.get_as(&token, path).await;
        let message = r#"{"token_class":"SlidingToken","token_type":"sliding","message":"Token is blacklisted"}"#;
        assert!(
            reply.status == 401 && reply.body.contains(message),
            "{reply:?}"
        );
    }
}
