//! `token_obtain_pair`: who gets tokens, which bytes, and what is on record afterwards.

use crate::app::{ALICE, NOW, SECRET_DIGEST, TOKEN, TestApp, memory, payload, text_of};
use jiff::Timestamp;
use tokenpair::{Audience, EncodedPassword, User, UserId, UserIdClaimType, UserTable as _};

/// Signed by `PyJWT` 2.15.1: `jwt.encode({"token_type": "refresh", "exp": …, "iat": …, "jti": …, "user_id": "1"}, KEY)`.
const REFRESH_TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCIsImV4cCI6MTgwMDA4NjQwMCwiaWF0IjoxODAwMDAwMDAwLCJqdGkiOiIwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMSIsInVzZXJfaWQiOiIxIn0.DApyPd4HtRwKNdYXGXBumWnPeOi0P-uuwg1gtILm8xo";
const ACCESS_TOKEN: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoxODAwMDAwMzAwLCJpYXQiOjE4MDAwMDAwMDAsImp0aSI6IjAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAyIiwidXNlcl9pZCI6IjEifQ.BEiDVjGCirO0RAjfmgxNB1Fg96R6Z81LlKjI6JxRqRY";

const NO_ACCOUNT: &str = r#"{"detail":"No active account found with the given credentials"}"#;

fn first_jti() -> String {
    format!("{:032x}", 1)
}

#[tokio::test]
async fn a_login_answers_the_bytes_that_pyjwt_would() {
    let reply = TestApp::new().post(TOKEN, ALICE).await;
    reply.assert(
        200,
        format!(r#"{{"refresh":"{REFRESH_TOKEN}","access":"{ACCESS_TOKEN}"}}"#),
    );
}

#[tokio::test]
async fn a_login_is_json_and_never_cached() {
    let reply = TestApp::new().post(TOKEN, ALICE).await;
    let headers = ["content-type", "allow", "vary", "cache-control"].map(|name| reply.header(name));
    assert_eq!(
        headers,
        [
            Some("application/json"),
            Some("POST, OPTIONS"),
            Some("Accept"),
            Some("no-store")
        ]
    );
}

#[tokio::test]
async fn unknown_names_wrong_passwords_and_inactive_accounts_get_one_answer() {
    let app = TestApp::new();
    for (username, password) in [
        ("nobody", "secret"),
        ("alice", "wrong"),
        ("bob", "secret"),
        ("Alice", "secret"),
    ] {
        let reply = app
            .post(
                TOKEN,
                text_of([("username", username), ("password", password)]),
            )
            .await;
        reply.assert(401, NO_ACCOUNT);
        assert_eq!(
            reply.header("www-authenticate"),
            Some(r#"Bearer realm="api""#),
            "{username}"
        );
        assert_eq!(
            reply.header("cache-control"),
            Some("no-store"),
            "{username}"
        );
    }
    assert_eq!(app.store.outstanding_count(), 0);
}

#[tokio::test]
async fn inactive_accounts_cannot_log_in_even_where_they_may_use_tokens() {
    let app = TestApp::with(|settings| settings.check_user_is_active = false);
    let reply = app
        .post(TOKEN, r#"{"username":"bob","password":"secret"}"#)
        .await;
    reply.assert(401, NO_ACCOUNT);
}

#[tokio::test]
async fn a_password_with_outer_white_space_logs_in() {
    let reply = TestApp::new()
        .post(TOKEN, r#"{"username":"carol","password":" spaced "}"#)
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test]
async fn white_space_around_a_password_without_any_is_forgiven() {
    let reply = TestApp::new()
        .post(
            TOKEN,
            r#"{"username":" alice\u00a0","password":"\tsecret "}"#,
        )
        .await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test]
async fn a_password_of_more_than_4096_bytes_is_refused_without_hashing() {
    let reply = TestApp::new()
        .post(
            TOKEN,
            text_of([("username", "alice"), ("password", &"x".repeat(4097))]),
        )
        .await;
    reply.assert(401, NO_ACCOUNT);
}

#[tokio::test]
async fn errors_of_all_fields_come_together_in_their_order() {
    let app = TestApp::new();
    for (body, answer) in [
        (
            "",
            r#"{"username":["This field is required."],"password":["This field is required."]}"#,
        ),
        (
            r#"{"password":null}"#,
            r#"{"username":["This field is required."],"password":["This field may not be null."]}"#,
        ),
        (
            r#"{"username":" ","password":[]}"#,
            r#"{"username":["This field may not be blank."],"password":["Not a valid string."]}"#,
        ),
        (
            r#"{"username":"a\u0000","password":"\ud800"}"#,
            r#"{"username":["Null characters are not allowed."],"password":["Surrogate characters are not allowed: U+D800."]}"#,
        ),
        ("null", r#"{"non_field_errors":["No data provided"]}"#),
        (
            "[]",
            r#"{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}"#,
        ),
    ] {
        app.post(TOKEN, body).await.assert(400, answer);
    }
}

#[tokio::test]
async fn a_login_is_recorded_without_the_signature() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    let row = app.store.outstanding(&first_jti()).unwrap();
    let (unsigned, _signature) = pair.refresh.rsplit_once('.').unwrap();
    assert_eq!(row.token, unsigned);
    assert_eq!(row.user_id, Some(UserId::Int(1)));
    assert_eq!(row.created_at, Timestamp::from_second(NOW).unwrap());
    assert_eq!(row.expires_at.as_seconds(), NOW + 86_400);
    assert_eq!(app.store.outstanding_count(), 1);
}

#[tokio::test]
async fn store_full_tokens_records_what_the_client_got() {
    let app = TestApp::with(|settings| settings.store_full_tokens = true);
    let pair = app.log_in().await;
    assert_eq!(
        app.store.outstanding(&first_jti()).unwrap().token,
        pair.refresh
    );
}

#[tokio::test]
async fn update_last_login_notes_the_time() {
    let app = TestApp::with(|settings| settings.update_last_login = true);
    app.log_in().await;
    assert_eq!(
        app.store.last_login(&UserId::Int(1)),
        Timestamp::from_second(NOW).ok()
    );
}

#[tokio::test]
async fn without_update_last_login_nothing_is_noted() {
    let app = TestApp::new();
    app.log_in().await;
    assert_eq!(app.store.last_login(&UserId::Int(1)), None);
}

#[tokio::test]
async fn a_login_upgrades_an_old_hash_and_the_revoke_claim_follows_it() {
    let store = memory();
    let mut dave = User::new(4, "dave");
    dave.password = EncodedPassword::new("md5$salt$d42a0f742ffc1be4e1cc0845c2429c97");
    store.add_user(dave.clone());
    let app = TestApp::built(
        |settings| settings.check_revoke_token = true,
        |builder, _| builder.store(store.clone()),
    );
    let reply = app
        .post(TOKEN, r#"{"username":"dave","password":"secret"}"#)
        .await;
    assert_ne!(
        store.find_by_login("dave").await.unwrap().unwrap().password,
        dave.password
    );
    assert_eq!(app.get_as(&reply.text("access"), "/me/").await.status, 200);
}

#[tokio::test]
async fn claims_of_every_setting_stand_in_simple_jwts_order() {
    let app = TestApp::with(|settings| {
        settings.check_revoke_token = true;
        settings.audience = Some(Audience::Any(vec!["web".to_owned(), "app".to_owned()]));
        settings.issuer = Some("issuer".to_owned());
        settings.user_id_claim = "sub".to_owned();
        settings.token_type_claim = Some("typ".to_owned());
        settings.jti_claim = Some("id".to_owned());
    });
    let pair = app.log_in().await;
    let expected = |token_type: &str, exp: i64, id: i64| {
        format!(
            r#"{{"typ":"{token_type}","exp":{exp},"iat":{NOW},"id":"{id:032x}","sub":"1","hash_password":"{SECRET_DIGEST}","aud":["web","app"],"iss":"issuer"}}"#
        )
    };
    assert_eq!(payload(&pair.refresh), expected("refresh", NOW + 86_400, 1));
    assert_eq!(payload(&pair.access), expected("access", NOW + 300, 2));
    assert_eq!(app.get_as(&pair.access, "/me/").await.status, 200);
}

#[tokio::test]
async fn user_id_claim_type_number_writes_a_number() {
    let app = TestApp::with(|settings| settings.user_id_claim_type = UserIdClaimType::Number);
    let pair = app.log_in().await;
    assert!(
        payload(&pair.refresh).ends_with(r#","user_id":1}"#),
        "{}",
        payload(&pair.refresh)
    );
    app.get_as(&pair.access, "/me/")
        .await
        .assert(200, r#"{"id":1,"username":"alice"}"#);
}

#[tokio::test]
async fn claims_that_are_switched_off_are_not_written() {
    let app = TestApp::without_token_store(|settings| {
        settings.jti_claim = None;
        settings.token_type_claim = None;
    });
    let pair = app.log_in().await;
    assert_eq!(
        payload(&pair.refresh),
        format!(r#"{{"exp":{},"iat":{NOW},"user_id":"1"}}"#, NOW + 86_400)
    );
    assert_eq!(
        app.get_as(&pair.refresh, "/me/").await.status,
        200,
        "without a type every token authenticates"
    );
}
