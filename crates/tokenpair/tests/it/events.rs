//! What the `on_event` hook hears: who did what, who was refused, and nothing of an outage.

use crate::app::{ALICE, TOKEN, TestApp, good, sign, users};
use crate::stores::sqlite_with;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokenpair::{Event, RequestInfo, Settings, SimpleJwtBuilder};

/// What was heard, a line each.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn listen(&self, builder: SimpleJwtBuilder) -> SimpleJwtBuilder {
        let log = self.clone();
        builder.on_event(move |event, info| log.0.lock().unwrap().push(line(event, info)))
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn line(event: &Event<'_>, _info: &RequestInfo) -> String {
    let detail = match event {
        Event::LogIn { user } => format!(" {}", user.username),
        Event::LogInRefused { username } => format!(" {username:?}"),
        Event::RefreshRefused { reason, .. } | Event::RevokeRefused { reason, .. } => {
            format!(": {reason}")
        }
        _ => String::new(),
    };
    let (name, outcome) = (event.name(), event.outcome());
    let user_id = event.user_id().unwrap_or("-".into());
    let jti = event.jti().unwrap_or("-").trim_start_matches('0');
    format!("{name} {outcome} user {user_id} token {jti}{detail}")
}

fn listening(change: impl FnOnce(&mut Settings)) -> (TestApp, Log) {
    let log = Log::default();
    let app = TestApp::built(change, |builder, store| log.listen(builder.store(store)));
    (app, log)
}

fn strict(settings: &mut Settings) {
    settings.rotate_refresh_tokens = true;
    settings.blacklist_after_rotation = true;
}

fn grace(settings: &mut Settings) {
    strict(settings);
    settings.rotation_grace_period = Duration::from_secs(10);
}

#[tokio::test]
async fn every_success_is_told_with_its_user_and_token() {
    let (app, log) = listening(|_| ());
    let pair = app.log_in().await;
    let sliding = app.log_in_sliding().await;
    app.refresh(&pair.refresh).await;
    app.refresh_sliding(&sliding).await;
    app.verify(&pair.refresh).await;
    app.blacklist(&pair.refresh).await;
    assert_eq!(
        log.take(),
        [
            "log_in success user 1 token - alice",
            "log_in success user 1 token - alice",
            "refresh success user 1 token 1",
            "refresh success user 1 token 3",
            "revoke success user 1 token 1",
        ]
    );
}

#[tokio::test]
async fn what_is_refused_is_told_with_its_reason() {
    let (app, log) = listening(|_| ());
    app.post(TOKEN, r#"{"username":"al\nice","password":"x"}"#)
        .await;
    app.post(TOKEN, r#"{"username":"bob","password":"secret"}"#)
        .await;
    app.post(TOKEN, "{}").await;
    app.refresh("rubbish").await;
    app.refresh(&(sign(&good("refresh", "")) + "x")).await;
    app.refresh(&sign(&good("access", ""))).await;
    let of_nobody = good("refresh", "").replace(r#""1""#, "99");
    app.refresh(&sign(&of_nobody)).await;
    app.refresh_sliding(&sign(&good("sliding", ""))).await;
    app.blacklist("rubbish").await;
    app.blacklist(&sign(&good("sliding", ""))).await;
    assert_eq!(
        log.take(),
        [
            r#"log_in refused user - token - "al\nice""#,
            r#"log_in refused user - token - "bob""#,
            "refresh refused user - token -: Token is invalid",
            "refresh refused user - token -: Token is invalid",
            "refresh refused user 1 token access-jti: Token has wrong type",
            "refresh refused user 99 token refresh-jti: No active account found for the given token.",
            "refresh refused user 1 token sliding-jti: Token has no 'refresh_exp' claim",
            "revoke refused user - token -: Token is invalid",
            "revoke refused user 1 token sliding-jti: Token has wrong type",
        ]
    );
}

#[tokio::test]
async fn a_token_older_than_its_password_is_told_as_refused() {
    let (app, log) = listening(|settings| settings.check_revoke_token = true);
    app.refresh(&sign(&good("refresh", ""))).await;
    assert_eq!(
        log.take(),
        ["refresh refused user 1 token refresh-jti: The user's password has been changed."]
    );
}

#[tokio::test]
async fn a_reuse_is_told_and_whether_it_ended_the_line() {
    let (app, log) = listening(|settings| {
        grace(settings);
        settings.reuse_detection = true;
    });
    let pair = app.log_in().await;
    app.refresh(&pair.refresh).await;
    app.refresh(&pair.refresh).await;
    app.advance(11);
    log.take();
    app.refresh(&pair.refresh).await;
    app.refresh(&pair.refresh).await;
    assert_eq!(
        log.take(),
        [
            "reuse line_revoked user 1 token 1",
            "refresh refused user 1 token 1: Token is blacklisted",
            "reuse refused user 1 token 1",
            "refresh refused user 1 token 1: Token is blacklisted",
        ]
    );
}

#[tokio::test]
async fn a_replay_within_grace_is_a_refresh_like_any_other() {
    let (app, log) = listening(grace);
    let pair = app.log_in().await;
    app.refresh(&pair.refresh).await;
    app.refresh(&pair.refresh).await;
    assert_eq!(
        log.take(),
        [
            "log_in success user 1 token - alice",
            "refresh success user 1 token 1",
            "refresh success user 1 token 1",
        ]
    );
}

#[tokio::test]
async fn a_reuse_is_told_with_grace_alone_and_not_without() {
    for (change, expected) in [
        (grace as fn(&mut Settings), "reuse refused user 1 token 1"),
        (
            strict,
            "refresh refused user 1 token 1: Token is blacklisted",
        ),
    ] {
        let (app, log) = listening(change);
        let pair = app.log_in().await;
        app.refresh(&pair.refresh).await;
        app.advance(11);
        log.take();
        app.refresh(&pair.refresh).await;
        assert_eq!(log.take()[0], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_a_race_under_simple_jwts_rules_is_no_reuse() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite3");
    let store = sqlite_with(path.to_str().unwrap(), &users()).await;
    let log = Log::default();
    let app = TestApp::built(strict, |builder, _| log.listen(builder.store(store)));
    let app = Arc::new(app);
    let pair = app.log_in().await;
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let (app, token) = (app.clone(), pair.refresh.clone());
        racers.spawn(async move { app.refresh(&token).await.status });
    }
    racers.join_all().await;
    let told = log.take();
    assert_eq!(told.len(), 11);
    assert!(
        told.iter().all(|line| !line.starts_with("reuse")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_token_that_was_logged_out_is_no_reuse() {
    let (app, log) = listening(|settings| {
        strict(settings);
        settings.reuse_detection = true;
    });
    let pair = app.log_in().await;
    app.blacklist(&pair.refresh).await;
    log.take();
    app.refresh(&pair.refresh).await;
    app.blacklist(&pair.refresh).await;
    assert_eq!(
        log.take(),
        [
            "refresh refused user 1 token 1: Token is blacklisted",
            "revoke refused user 1 token 1: Token is blacklisted",
        ]
    );
}

#[tokio::test]
async fn a_log_out_that_nobody_remembers_is_not_told() {
    let log = Log::default();
    let app = TestApp::built(
        |_| (),
        |builder, store| log.listen(builder.user_table(store)),
    );
    let pair = app.log_in().await;
    log.take();
    app.blacklist(&pair.refresh).await.assert(200, "{}");
    assert_eq!(log.take(), [""; 0]);
}

#[test]
fn an_event_hides_the_user_name_when_it_is_printed() {
    let event = Event::LogInRefused { username: "s3cret" };
    let text = format!("{event:?}");
    assert!(
        !text.contains("s3cret") && text.contains("log_in"),
        "{text}"
    );
}

#[tokio::test]
async fn a_request_is_known_by_its_id_if_that_is_harmless() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let heard = seen.clone();
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            builder.store(store).on_event(move |_, info| {
                let address = info.address.map(|address| address.to_string());
                heard
                    .lock()
                    .unwrap()
                    .push((address, info.request_id.clone()));
            })
        },
    );
    let long = "x".repeat(129);
    let ids: [(&[u8], bool); 8] = [
        (b"a-Z_0.9", true),
        (&long.as_bytes()[1..], true),
        (long.as_bytes(), false),
        (b"", false),
        (b"a b", false),
        (b"a\"b", false),
        (b"a\tb", false),
        (b"\xff", false),
    ];
    for (id, taken) in ids {
        let request = Request::post(TOKEN)
            .header("content-type", "application/json")
            .header("x-request-id", id)
            .extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 1))));
        app.send(request.body(Body::from(ALICE)).unwrap()).await;
        let id = taken.then(|| String::from_utf8(id.to_vec()).unwrap());
        let heard = seen.lock().unwrap().pop();
        assert_eq!(heard, Some((Some("192.0.2.7".to_owned()), id)));
    }
    app.post(TOKEN, ALICE).await;
    assert_eq!(seen.lock().unwrap().pop(), Some((None, None)));
}
