//! Tokens made, changed, checked and revoked by hand.

use super::recorded;
use crate::app::{ALICE, NOW, TOKEN, TestApp, alice, claims, text_of, users};
use crate::stores::sqlite_with;
use rusqlite::Connection;
use std::time::Duration;
use tokenpair::json::Value;
use tokenpair::{
    AccessToken, RefreshToken, RequestInfo, SlidingToken, TokenError, UntypedToken, User, UserId,
    flows,
};

const MONTH: Duration = Duration::from_secs(30 * 86_400);

/// What Simple JWT's `{"refresh": str(refresh), "access": str(refresh.access_token)}` gives.
fn pair_of(app: &TestApp, refresh: &RefreshToken) -> (u16, String) {
    let access = app.jwt.encode(&refresh.access_token(&app.jwt)).unwrap();
    let refresh = app.jwt.encode(refresh).unwrap();
    (200, text_of([("refresh", &refresh), ("access", &access)]))
}

#[tokio::test]
async fn tokens_by_hand_are_those_of_simple_jwt() {
    let app = TestApp::new();
    let refresh = RefreshToken::for_user(&app.jwt, &alice()).await.unwrap();
    assert_eq!(pair_of(&app, &refresh), recorded("by hand"));

    let app = TestApp::new();
    let mut refresh = RefreshToken::for_user(&app.jwt, &alice()).await.unwrap();
    refresh.insert("tenant", "acme");
    assert_eq!(pair_of(&app, &refresh), recorded("by hand, own claim"));

    let app = TestApp::new();
    let mut refresh = RefreshToken::for_user(&app.jwt, &alice()).await.unwrap();
    refresh.set_exp(&app.jwt, "exp", MONTH);
    assert_eq!(pair_of(&app, &refresh), recorded("by hand, own lifetime"));
}

#[tokio::test]
async fn tokens_for_a_user_are_a_whole_log_in() {
    let app = TestApp::built(
        |settings| settings.update_last_login = true,
        |builder, store| {
            builder.store(store).get_token(|claims, user| {
                claims.insert("name", user.username.as_str());
                claims.insert("groups", vec![Value::from("editors")]);
            })
        },
    );
    let info = RequestInfo::default();
    let data = flows::get_tokens_for_user(&app.jwt, &alice(), &info)
        .await
        .unwrap();
    let body = tokenpair::json::encode_utf8(&Value::Object(data));
    assert_eq!((200, body), recorded("own claims"));
    assert_eq!(app.store.outstanding_count(), 1);
    assert_eq!(app.store.last_login(&UserId::Int(1)), Some(app.jwt.now()));
}

/// As the function in Simple JWT's documentation does.
#[tokio::test]
async fn nobody_gets_tokens_for_a_user_who_may_not_log_in() {
    let mut barred = alice();
    barred.is_active = false;
    let info = RequestInfo::default();
    for (check, status) in [(true, 401), (false, 200)] {
        let app = TestApp::with(|settings| settings.check_user_is_active = check);
        let tokens = flows::get_tokens_for_user(&app.jwt, &barred, &info).await;
        let answer = tokenpair::web::answer(&app.jwt, &info, tokens);
        assert_eq!(answer.status(), status);
        assert_eq!(app.store.outstanding_count(), usize::from(!check));
    }
}

#[tokio::test]
async fn a_lifetime_that_is_set_before_the_record_is_on_record() {
    let app = TestApp::new();
    let mut refresh = RefreshToken::for_login(&app.jwt, &alice());
    refresh.set_exp(&app.jwt, "exp", MONTH);
    refresh.outstand(&app.jwt).await.unwrap();
    let record = app.store.outstanding(&format!("{:032x}", 1)).unwrap();
    assert_eq!(record.expires_at.as_seconds(), NOW + 30 * 86_400);
    app.advance(29 * 86_400);
    let refresh = app.jwt.encode(&refresh).unwrap();
    assert_eq!(app.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn ids_and_dates_are_set_and_checked_by_hand() {
    let app = TestApp::new();
    let mut token = SlidingToken::for_user(&app.jwt, &alice()).await.unwrap();
    let first = token.get("jti").cloned();
    app.advance(60);
    token.set_jti(&app.jwt);
    token.set_iat(&app.jwt);
    assert_ne!(token.get("jti").cloned(), first);
    assert_eq!(token.get("iat"), Some(&Value::from(NOW + 60)));
    assert_eq!(token.check_exp(&app.jwt, "exp"), Ok(()));
    app.advance(300);
    let passed = |claim: &str| Err(TokenError::ClaimExpired(claim.to_owned()));
    assert_eq!(token.check_exp(&app.jwt, "exp"), passed("exp"));
    assert_eq!(token.check_exp(&app.jwt, "refresh_exp"), Ok(()));
    let missing = Err(TokenError::NoClaim("until".to_owned()));
    assert_eq!(token.check_exp(&app.jwt, "until"), missing);
}

/// A subclass of `Token` with a type of its own.
#[tokio::test]
async fn a_token_of_ones_own_type_opens_no_other_door() {
    let app = TestApp::new();
    let mut token = AccessToken::for_user(&app.jwt, &alice());
    token.insert("token_type", "password_reset");
    token.set_exp(&app.jwt, "exp", Duration::from_secs(600));
    let raw = app.jwt.encode(&token).unwrap();
    assert_eq!((200, text_of([("token", &raw)])), recorded("own type"));

    let is_reset = |token: &UntypedToken| {
        token.get("token_type").and_then(Value::as_str) == Some("password_reset")
    };
    assert!(is_reset(&UntypedToken::verify(&app.jwt, &raw).unwrap()));
    let access = app.log_in().await.access;
    assert!(!is_reset(&UntypedToken::verify(&app.jwt, &access).unwrap()));
    let reply = app.get_as(&raw, "/me/").await;
    assert_eq!((reply.status, reply.body), recorded("own type at a view"));
    app.refresh(&raw)
        .await
        .assert_refused("Token has wrong type");
}

#[tokio::test]
async fn a_token_is_blacklisted_and_asked_about_by_hand() {
    let app = TestApp::new();
    let refresh = app.log_in().await.refresh;
    let token = RefreshToken::verify(&app.jwt, &refresh).await.unwrap();
    token.check_blacklist(&app.jwt).await.unwrap();
    assert!(token.blacklist(&app.jwt).await.unwrap().created);
    let error = token.check_blacklist(&app.jwt).await.unwrap_err();
    assert_eq!(error.to_string(), "Token is blacklisted");
    app.refresh(&refresh)
        .await
        .assert_refused("Token is blacklisted");
}

/// `for token in OutstandingToken.objects.filter(user=user): BlacklistedToken.objects.get_or_create(token=token)`.
#[tokio::test]
async fn all_tokens_of_a_user_are_ended_by_one_statement() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite3");
    let store = sqlite_with(path.to_str().unwrap(), &users()).await;
    let app = TestApp::built(|_| (), |builder, _| builder.store(store));
    let carol = r#"{"username":"carol","password":" spaced "}"#;
    let carols = app.post(TOKEN, carol).await.text("refresh");
    let mut alices = Vec::new();
    for _ in 0..3 {
        alices.push(app.post(TOKEN, ALICE).await.text("refresh"));
    }
    app.blacklist(&alices[0]).await.assert(200, "{}");
    let ended = Connection::open(&path)
        .unwrap()
        .execute(
            "INSERT INTO token_blacklist_blacklistedtoken (token_id, blacklisted_at) \
             SELECT id, CURRENT_TIMESTAMP FROM token_blacklist_outstandingtoken WHERE user_id = 1 \
             ON CONFLICT DO NOTHING",
            [],
        )
        .unwrap();
    assert_eq!(ended, 2);
    for token in &alices {
        app.refresh(token)
            .await
            .assert_refused("Token is blacklisted");
    }
    assert_eq!(app.refresh(&carols).await.status, 200);
}

/// What `JSON_ENCODER` does for types that JSON does not know.
#[tokio::test]
async fn a_type_of_ones_own_becomes_a_claim_by_its_conversion() {
    enum Plan {
        Free,
        Paid { seats: i64 },
    }
    impl From<Plan> for Value {
        fn from(plan: Plan) -> Self {
            match plan {
                Plan::Free => Value::from("free"),
                Plan::Paid { seats } => Value::from(seats),
            }
        }
    }
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            builder.store(store).get_token(|claims, user: &User| {
                claims.insert(
                    "plan",
                    if user.is_staff {
                        Plan::Paid { seats: 3 }
                    } else {
                        Plan::Free
                    },
                );
            })
        },
    );
    let access = app.log_in().await.access;
    assert_eq!(claims(&access).get("plan"), Some(&Value::from(3)));
    let carol = r#"{"username":"carol","password":" spaced "}"#;
    let access = app.post(TOKEN, carol).await.text("access");
    assert_eq!(claims(&access).get("plan"), Some(&Value::from("free")));
}
