//! `token_refresh` with rotation: strict exchange, the grace period, reuse detection.

use crate::app::{NOW, Reply, TestApp, alice, claims, good, payload, sign};
use std::sync::Arc;
use std::time::Duration;
use tokenpair::json::Value;
use tokenpair::{Settings, TokenStore as _, UserId};

const BLACKLISTED: &str = "Token is blacklisted";

fn strict(settings: &mut Settings) {
    settings.rotate_refresh_tokens = true;
    settings.blacklist_after_rotation = true;
}

fn grace(settings: &mut Settings) {
    strict(settings);
    settings.rotation_grace_period = Duration::from_secs(10);
}

fn detecting(settings: &mut Settings) {
    grace(settings);
    settings.reuse_detection = true;
}

/// The successor of a token that must be exchangeable.
async fn exchange(app: &TestApp, token: &str) -> String {
    let reply = app.refresh(token).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.text("refresh")
}

fn jti(token: &str) -> String {
    claims(token)
        .get("jti")
        .and_then(Value::as_str)
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn rotation_answers_access_first_and_a_full_lifetime() {
    let app = TestApp::with(|settings| settings.rotate_refresh_tokens = true);
    let pair = app.log_in().await;
    app.advance(100);
    let reply = app.refresh(&pair.refresh).await;
    let names: Vec<_> = reply.json().iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, ["access", "refresh"]);
    let (exp, iat, jti) = (NOW + 100 + 86_400, NOW + 100, format!("{:032x}", 4));
    assert_eq!(
        payload(&reply.text("refresh")),
        format!(
            r#"{{"token_type":"refresh","exp":{exp},"iat":{iat},"jti":"{jti}","user_id":"1"}}"#
        )
    );
}

#[tokio::test]
async fn the_successor_keeps_every_claim_in_its_place() {
    let app = TestApp::with(strict);
    let presented =
        r#"{"a":1,"exp":4000000000,"token_type":"refresh","jti":"x","nbf":5,"user_id":1,"b":1.50}"#;
    let successor = exchange(&app, &sign(presented)).await;
    let (exp, jti) = (NOW + 86_400, format!("{:032x}", 2));
    assert_eq!(
        payload(&successor),
        format!(
            r#"{{"a":1,"exp":{exp},"token_type":"refresh","jti":"{jti}","nbf":5,"user_id":1,"b":1.5,"iat":{NOW}}}"#
        )
    );
}

#[tokio::test]
async fn without_blacklisting_the_old_token_stays_good() {
    let app = TestApp::with(|settings| settings.rotate_refresh_tokens = true);
    let pair = app.log_in().await;
    let first = exchange(&app, &pair.refresh).await;
    let second = exchange(&app, &pair.refresh).await;
    assert_ne!(first, second);
    assert_eq!(
        app.store.outstanding_count(),
        3,
        "every successor is on record"
    );
}

#[tokio::test]
async fn rotated_token_is_refused() {
    let app = TestApp::with(strict);
    let pair = app.log_in().await;
    let successor = exchange(&app, &pair.refresh).await;
    app.refresh(&pair.refresh).await.assert_refused(BLACKLISTED);
    exchange(&app, &successor).await;
}

#[tokio::test]
async fn a_rotated_token_without_a_token_store_stays_good_and_the_operator_is_warned() {
    let app = TestApp::without_token_store(strict);
    let pair = app.log_in().await;
    exchange(&app, &pair.refresh).await;
    exchange(&app, &pair.refresh).await;
    assert!(
        app.jwt
            .warnings()
            .iter()
            .any(|warning| warning.contains("BLACKLIST_AFTER_ROTATION"))
    );
}

#[tokio::test]
async fn parent_and_successor_are_on_record() {
    let app = TestApp::with(strict);
    let successor = exchange(&app, &sign(&good("refresh", ""))).await;
    let parent = app.store.outstanding("refresh-jti").unwrap();
    assert_eq!(
        (parent.user_id, parent.expires_at.as_seconds()),
        (Some(UserId::Int(1)), NOW + 3600)
    );
    let child = app.store.outstanding(&jti(&successor)).unwrap();
    assert_eq!(
        (child.user_id, child.expires_at.as_seconds()),
        (Some(UserId::Int(1)), NOW + 86_400)
    );
    assert_eq!(child.token, successor.rsplit_once('.').unwrap().0);
    assert!(app.store.is_blacklisted("refresh-jti").await.unwrap());
}

#[tokio::test]
async fn of_fifty_simultaneous_refreshes_one_wins() {
    let app = Arc::new(TestApp::with(strict));
    let pair = app.log_in().await;
    let replies = simultaneously(&app, &pair.refresh, 50).await;
    let winners = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(winners, 1);
    replies
        .iter()
        .filter(|reply| reply.status != 200)
        .for_each(|reply| reply.assert_refused(BLACKLISTED));
    assert_eq!(app.store.outstanding_count(), 2, "one successor");
}

#[tokio::test]
async fn within_grace_fifty_simultaneous_refreshes_get_one_successor() {
    let app = Arc::new(TestApp::with(grace));
    let pair = app.log_in().await;
    let replies = simultaneously(&app, &pair.refresh, 50).await;
    let mut successors: Vec<_> = replies.iter().map(|reply| reply.text("refresh")).collect();
    successors.dedup();
    assert_eq!(successors.len(), 1);
    assert_eq!(app.store.outstanding_count(), 2);
}

async fn simultaneously(app: &Arc<TestApp>, token: &str, count: usize) -> Vec<Reply> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..count {
        let (app, token) = (app.clone(), token.to_owned());
        tasks.spawn(async move { app.refresh(&token).await });
    }
    tasks.join_all().await
}

#[tokio::test]
async fn a_replay_within_grace_gets_the_same_successor_byte_for_byte() {
    let app = TestApp::with(grace);
    let pair = app.log_in().await;
    let first = exchange(&app, &pair.refresh).await;
    app.advance(10);
    assert_eq!(exchange(&app, &pair.refresh).await, first);
}

#[tokio::test]
async fn a_replay_after_grace_is_refused() {
    let app = TestApp::with(grace);
    let pair = app.log_in().await;
    let successor = exchange(&app, &pair.refresh).await;
    app.advance(11);
    app.refresh(&pair.refresh).await.assert_refused(BLACKLISTED);
    exchange(&app, &successor).await;
}

#[tokio::test]
async fn a_grandparent_is_refused_and_the_line_lives() {
    let app = TestApp::with(detecting);
    let pair = app.log_in().await;
    let child = exchange(&app, &pair.refresh).await;
    let grandchild = exchange(&app, &child).await;
    app.refresh(&pair.refresh).await.assert_refused(BLACKLISTED);
    exchange(&app, &grandchild).await;
}

#[tokio::test]
async fn a_reuse_after_grace_ends_the_line() {
    let app = TestApp::with(detecting);
    let pair = app.log_in().await;
    let child = exchange(&app, &pair.refresh).await;
    let grandchild = exchange(&app, &child).await;
    app.advance(11);
    app.refresh(&pair.refresh).await.assert_refused(BLACKLISTED);
    app.refresh(&grandchild).await.assert_refused(BLACKLISTED);
}

#[tokio::test]
async fn a_reuse_without_grace_ends_the_line() {
    let app = TestApp::with(|settings| {
        strict(settings);
        settings.reuse_detection = true;
    });
    let pair = app.log_in().await;
    let child = exchange(&app, &pair.refresh).await;
    app.refresh(&pair.refresh).await.assert_refused(BLACKLISTED);
    app.refresh(&child).await.assert_refused(BLACKLISTED);
}

#[tokio::test]
async fn a_token_that_was_logged_out_is_no_reuse_and_gets_no_grace() {
    let app = TestApp::with(detecting);
    let pair = app.log_in().await;
    app.blacklist(&pair.refresh).await.assert(200, "{}");
    app.refresh(&pair.refresh).await.assert_refused(BLACKLISTED);
}

#[tokio::test]
async fn grace_does_not_bring_back_a_successor_that_was_logged_out() {
    let app = TestApp::with(grace);
    let pair = app.log_in().await;
    let successor = exchange(&app, &pair.refresh).await;
    app.blacklist(&successor).await.assert(200, "{}");
    app.refresh(&pair.refresh).await.assert_refused(BLACKLISTED);
}

#[tokio::test]
async fn a_log_out_with_an_exchanged_token_ends_the_line_within_grace() {
    let app = TestApp::with(grace);
    let pair = app.log_in().await;
    let child = exchange(&app, &pair.refresh).await;
    let grandchild = exchange(&app, &child).await;
    app.blacklist(&pair.refresh).await.assert(200, "{}");
    app.refresh(&grandchild).await.assert_refused(BLACKLISTED);
    app.blacklist(&pair.refresh)
        .await
        .assert_refused(BLACKLISTED);
}

#[tokio::test]
async fn a_log_out_with_a_token_exchanged_before_is_refused_and_the_line_lives() {
    for settings in [strict, grace] {
        let app = TestApp::with(settings);
        let pair = app.log_in().await;
        let child = exchange(&app, &pair.refresh).await;
        app.advance(11);
        app.blacklist(&pair.refresh)
            .await
            .assert_refused(BLACKLISTED);
        exchange(&app, &child).await;
    }
}

#[tokio::test]
async fn grace_does_not_help_a_user_who_was_barred_meanwhile() {
    let app = TestApp::with(grace);
    let pair = app.log_in().await;
    exchange(&app, &pair.refresh).await;
    let mut alice = alice();
    alice.is_active = false;
    app.store.add_user(alice);
    let reply = app.refresh(&pair.refresh).await;
    reply.assert(
        401,
        r#"{"detail":"No active account found for the given token."}"#,
    );
}
