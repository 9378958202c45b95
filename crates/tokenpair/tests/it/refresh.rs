//! `token_refresh` without rotation: which tokens buy access, and what the access token inherits.

use crate::app::{NOW, REFRESH, SECRET_DIGEST, TestApp, alice, claims, good, payload, sign};
use tokenpair::json::Value;
use tokenpair::{Audience, RefreshToken, UserTable as _};

const NO_ACCOUNT: &str = r#"{"detail":"No active account found for the given token."}"#;
const PASSWORD_CHANGED: &str = r#"{"detail":"The user's password has been changed."}"#;

#[tokio::test]
async fn a_refresh_token_buys_an_access_token() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    app.advance(60);
    let reply = app.refresh(&pair.refresh).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.json().len(),
        1,
        "without rotation there is no new refresh token"
    );
    let jti = format!("{:032x}", 3);
    assert_eq!(
        payload(&reply.text("access")),
        format!(
            r#"{{"token_type":"access","exp":{},"iat":{},"jti":"{jti}","user_id":"1"}}"#,
            NOW + 360,
            NOW + 60
        )
    );
}

#[tokio::test]
async fn a_refresh_is_json_and_never_cached() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    let reply = app.refresh(&pair.refresh).await;
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
async fn the_access_token_inherits_every_other_claim_unchanged() {
    let app = TestApp::new();
    let more = r#","sub":"s","nbf":1,"a":1.0,"b":1e2,"c":123456789012345678901234567890,"d":{"z":[null,true]},"e":"\u00e9""#;
    let reply = app.refresh(&sign(&good("refresh", more))).await;
    let inherited = r#""user_id":"1","sub":"s","nbf":1,"a":1.0,"b":100.0,"c":123456789012345678901234567890,"d":{"z":[null,true]},"e":"\u00e9"}"#;
    let access = payload(&reply.text("access"));
    assert!(access.ends_with(inherited), "{access}");
}

#[tokio::test]
async fn configured_audience_and_issuer_replace_inherited_ones_in_place() {
    let app = TestApp::with(|settings| {
        settings.audience = Some(Audience::One("web".to_owned()));
        settings.issuer = Some("me".to_owned());
    });
    let reply = app
        .refresh(&sign(&good(
            "refresh",
            r#","aud":["x","web"],"iss":"me","z":1"#,
        )))
        .await;
    let access = payload(&reply.text("access"));
    assert!(
        access.ends_with(r#""user_id":"1","aud":"web","iss":"me","z":1}"#),
        "{access}"
    );
}

#[tokio::test]
async fn tokens_made_by_hand_are_refreshed() {
    let app = TestApp::new();
    let mut refresh = RefreshToken::for_user(&app.jwt, &alice()).await.unwrap();
    refresh.insert("tenant", "acme");
    let reply = app.refresh(&app.jwt.encode(&refresh).unwrap()).await;
    assert_eq!(
        claims(&reply.text("access")).get("tenant"),
        Some(&Value::from("acme"))
    );
}

#[tokio::test]
async fn a_refresh_token_dies_in_the_second_it_names() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    app.advance(86_399);
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
    app.advance(1);
    app.refresh(&pair.refresh)
        .await
        .assert_refused("Token is expired");
}

#[tokio::test]
async fn leeway_prolongs_every_token() {
    let app = TestApp::with(|settings| settings.leeway = std::time::Duration::from_secs(10));
    let pair = app.log_in().await;
    app.advance(86_409);
    assert_eq!(app.refresh(&pair.refresh).await.status, 200);
    app.advance(1);
    app.refresh(&pair.refresh)
        .await
        .assert_refused("Token is expired");
}

#[tokio::test]
async fn every_flaw_has_its_text() {
    let app = TestApp::new();
    let exp = NOW + 10;
    let with_jti =
        |jti: &str| format!(r#"{{"token_type":"refresh","exp":{exp},"jti":{jti},"user_id":"1"}}"#);
    for (payload, text) in [
        (good("access", ""), "Token has wrong type"),
        (good("sliding", ""), "Token has wrong type"),
        (
            r#"{"token_type":"refresh","jti":"a"}"#.to_owned(),
            "Token has no 'exp' claim",
        ),
        (
            format!(r#"{{"token_type":"refresh","exp":{exp}}}"#),
            "Token has no id",
        ),
        (with_jti(r#""""#), "Token has no id"),
        (with_jti(r#""\u0000""#), "Token has no id"),
        (
            with_jti(&format!("{:?}", "x".repeat(256))),
            "Token has no id",
        ),
        (with_jti("7"), "Token is invalid"),
        (format!(r#"{{"exp":{exp},"jti":"a"}}"#), "Token has no type"),
        (
            format!(r#"{{"token_type":["refresh"],"exp":{exp},"jti":"a"}}"#),
            "Token has wrong type",
        ),
        (
            r#"{"token_type":"refresh","exp":"4000000000","jti":"a"}"#.to_owned(),
            "Token is invalid",
        ),
        (
            good("refresh", &format!(r#","nbf":{exp}"#)),
            "Token is invalid",
        ),
    ] {
        app.refresh(&sign(&payload)).await.assert_refused(text);
    }
}

#[tokio::test]
async fn clocks_may_be_five_seconds_apart() {
    let app = TestApp::new();
    let issued_at = |iat: i64| {
        sign(&format!(
            r#"{{"token_type":"refresh","exp":{},"iat":{iat},"jti":"a"}}"#,
            NOW + 60
        ))
    };
    assert_eq!(app.refresh(&issued_at(NOW + 5)).await.status, 200);
    app.refresh(&issued_at(NOW + 6))
        .await
        .assert_refused("Token is invalid");
}

#[tokio::test]
async fn an_empty_field_is_a_bad_request() {
    let app = TestApp::new();
    app.post(REFRESH, "{}")
        .await
        .assert(400, r#"{"refresh":["This field is required."]}"#);
    app.post(REFRESH, r#"{"refresh":""}"#)
        .await
        .assert(400, r#"{"refresh":["This field may not be blank."]}"#);
}

#[tokio::test]
async fn missing_and_barred_users_get_no_access() {
    let app = TestApp::new();
    for user_id in [r#""99""#, r#""2""#, r#""abc""#, "[1]"] {
        let payload =
            good("refresh", "").replace(r#""user_id":"1""#, &format!(r#""user_id":{user_id}"#));
        let reply = app.refresh(&sign(&payload)).await;
        reply.assert(401, NO_ACCOUNT);
        assert_eq!(
            reply.header("www-authenticate"),
            Some(r#"Bearer realm="api""#),
            "{user_id}"
        );
    }
}

#[tokio::test]
async fn a_token_that_names_nobody_is_refreshed_as_in_simple_jwt() {
    let app = TestApp::new();
    for user_id in ["null", r#""""#, "0", "false", "[]", "{}"] {
        let payload =
            good("refresh", "").replace(r#""user_id":"1""#, &format!(r#""user_id":{user_id}"#));
        assert_eq!(app.refresh(&sign(&payload)).await.status, 200, "{user_id}");
    }
}

#[tokio::test]
async fn check_user_is_active_off_lets_inactive_users_refresh() {
    let app = TestApp::with(|settings| settings.check_user_is_active = false);
    let payload = good("refresh", "").replace(r#""user_id":"1""#, r#""user_id":"2""#);
    assert_eq!(app.refresh(&sign(&payload)).await.status, 200);
}

#[tokio::test]
async fn without_a_type_claim_any_token_buys_access() {
    let app = TestApp::with(|settings| settings.token_type_claim = None);
    assert_eq!(app.refresh(&sign(&good("access", ""))).await.status, 200);
}

#[tokio::test]
async fn refresh_compares_the_revoke_claim() {
    let app = TestApp::with(|settings| settings.check_revoke_token = true);
    let pair = app.log_in().await;
    let sliding = app.log_in_sliding().await;
    app.store
        .set_password(
            &alice(),
            "md5$abcdefghijklmnopqrstuv$00000000000000000000000000000000",
        )
        .await
        .unwrap();
    app.refresh(&pair.refresh)
        .await
        .assert(401, PASSWORD_CHANGED);
    app.refresh(&pair.refresh)
        .await
        .assert_refused("Token is blacklisted");
    app.refresh_sliding(&sliding)
        .await
        .assert(401, PASSWORD_CHANGED);
    app.refresh_sliding(&sliding)
        .await
        .assert_refused("Token is blacklisted");
}

#[tokio::test]
async fn a_token_without_the_revoke_claim_is_as_old_as_any() {
    let app = TestApp::without_token_store(|settings| settings.check_revoke_token = true);
    app.refresh(&sign(&good("refresh", "")))
        .await
        .assert(401, PASSWORD_CHANGED);
    let claim = format!(r#","hash_password":"{SECRET_DIGEST}""#);
    assert_eq!(
        app.refresh(&sign(&good("refresh", &claim))).await.status,
        200
    );
}
