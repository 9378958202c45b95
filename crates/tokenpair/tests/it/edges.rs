//! Edges that COMPATIBILITY.md lists: odd headers, odd claims, engines that only verify, settings that cannot work.

use crate::app::{
    KEY, NOW, TOKEN, TestApp, claims, good, memory, settings, sign, sign_with_header,
};
use axum::body::Body;
use axum::http::Request;
use tokenpair::json::Value;
use tokenpair::{Algorithm, Entry, Settings, SimpleJwt, TokenClass};

#[tokio::test]
async fn headers_with_critical_or_transforming_members_are_refused() {
    let app = TestApp::new();
    let long = "k".repeat(257);
    for header in [
        r#"{"alg":"HS256","typ":"JWT","crit":["b64"],"b64":true}"#.to_owned(),
        r#"{"alg":"HS256","typ":"JWT","b64":true}"#.to_owned(),
        r#"{"alg":"HS256","typ":"JWT","zip":"DEF"}"#.to_owned(),
        r#"{"alg":"HS256","typ":"JWT","enc":"A128GCM"}"#.to_owned(),
        r#"{"alg":"HS256","typ":1}"#.to_owned(),
        r#"{"alg":"HS256","typ":null}"#.to_owned(),
        r#"{"alg":"HS256","kid":null}"#.to_owned(),
        format!(r#"{{"alg":"HS256","kid":"{long}"}}"#),
    ] {
        let token = sign_with_header(&header, &good("access", ""), KEY);
        app.verify(&token).await.assert_refused("Token is invalid");
    }
    let fits = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(256));
    app.verify(&sign_with_header(&fits, &good("access", ""), KEY))
        .await
        .assert(200, "{}");
}

#[tokio::test]
async fn an_infinite_number_is_refused() {
    let app = TestApp::new();
    let token = sign(&good("access", r#","a":1e400"#));
    app.verify(&token).await.assert_refused("Token is invalid");
}

#[tokio::test]
async fn dates_are_converted_as_python_converts_them() {
    let app = TestApp::new();
    for more in [r#","nbf":"1""#, r#","nbf":true"#, r#","nbf":1.5"#] {
        app.verify(&sign(&good("access", more)))
            .await
            .assert(200, "{}");
    }
    let texts =
        good("access", "").replace(&format!(r#""iat":{NOW}"#), &format!(r#""iat":"{NOW}""#));
    app.verify(&sign(&texts)).await.assert(200, "{}");
    for more in [
        r#","nbf":"soon""#,
        r#","nbf":null"#,
        r#","nbf":"99999999999""#,
    ] {
        app.verify(&sign(&good("access", more)))
            .await
            .assert_refused("Token is invalid");
    }
}

#[tokio::test]
async fn an_issuer_that_is_no_string_cannot_be_signed_again() {
    let app = TestApp::new();
    let token = sign(&good("refresh", r#","iss":5"#));
    app.refresh(&token).await.assert_refused("Token is invalid");
    app.blacklist(&token)
        .await
        .assert_refused("Token is invalid");
    app.verify(&token).await.assert(200, "{}");
    let sliding = sign(&good(
        "sliding",
        &format!(r#","refresh_exp":{},"iss":null"#, NOW + 60),
    ));
    app.refresh_sliding(&sliding)
        .await
        .assert_refused("Token is invalid");
    let plain = TestApp::without_token_store(|_| ());
    plain.blacklist(&token).await.assert(200, "{}");
}

#[tokio::test]
async fn a_claim_that_converts_to_no_key_is_not_recorded() {
    let app = TestApp::with(|settings| settings.rotate_refresh_tokens = true);
    for claim in [r#""""#, "[]", "{}", r#""abc""#] {
        let payload =
            good("refresh", "").replace(r#""user_id":"1""#, &format!(r#""user_id":{claim}"#));
        let reply = app.refresh(&sign(&payload)).await;
        reply.assert(
            401,
            r#"{"detail":"No active account found for the given token."}"#,
        );
    }
    assert_eq!(app.store.outstanding_count(), 0);
}

#[tokio::test]
async fn an_id_that_the_blacklist_cannot_hold_is_no_id() {
    let app = TestApp::with(|settings| settings.auth_token_classes = vec![TokenClass::Refresh]);
    for jti in [String::new(), "j".repeat(256)] {
        let payload = good("refresh", "").replace("refresh-jti", &jti);
        app.refresh(&sign(&payload))
            .await
            .assert_refused("Token has no id");
        let reply = app.get_as(&sign(&payload), "/me/").await;
        assert!(
            reply.body.contains(r#""message":"Token has no id""#),
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn a_fractional_expiry_is_recorded_with_its_fraction() {
    let app = TestApp::new();
    let payload =
        good("refresh", "").replace(&format!("{}", NOW + 3600), &format!("{}.75", NOW + 3600));
    app.blacklist(&sign(&payload)).await.assert(200, "{}");
    let expires_at = app.store.outstanding("refresh-jti").unwrap().expires_at;
    assert_eq!(expires_at.as_micros(), (NOW + 3600) * 1_000_000 + 750_000);
}

#[tokio::test]
async fn a_stateless_id_with_a_lone_surrogate_identifies_nobody() {
    let app = TestApp::new();
    let payload = good("access", "").replace(r#""user_id":"1""#, r#""user_id":"\ud800""#);
    let reply = app.get_as(&sign(&payload), "/stateless/").await;
    reply.assert_refused("Token contained no recognizable user identification");
}

#[tokio::test]
async fn a_body_of_very_many_lists_is_refused() {
    let app = TestApp::new();
    let body = format!("[{}[]]", "[],".repeat(100_000));
    let reply = app.post(TOKEN, body).await;
    assert_eq!(reply.status, 400);
    assert!(
        reply.body.contains("More than 100000 arrays and objects"),
        "{reply:?}"
    );
}

#[tokio::test]
async fn any_host_is_served() {
    let app = TestApp::new();
    let request = Request::post(TOKEN)
        .header("host", "evil.example")
        .header("content-length", "0");
    assert_eq!(
        app.send(request.body(Body::empty()).unwrap()).await.status,
        400
    );
}

#[tokio::test]
async fn a_content_type_that_cannot_be_read_is_unsupported() {
    let app = TestApp::new();
    let request = Request::post(TOKEN).header("content-type", "application/json; a*=bogus''x");
    let reply = app.send(request.body(Body::from("{}")).unwrap()).await;
    reply.assert(
        415,
        r#"{"detail":"Unsupported media type \"application/json; a*=bogus''x\" in request."}"#,
    );
}

#[tokio::test]
async fn the_first_of_equal_ranges_sets_the_indentation() {
    let app = TestApp::new();
    let reply = app
        .get_with("accept", b"*/*; indent=2, */*; indent=4", "/open/")
        .await;
    reply.assert(200, "{\n  \"id\": null\n}");
}

const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA4qoJa3OwdcxkS84aAd7jRly0MHgwN8xXLxO/2oMEDD0=\n-----END PUBLIC KEY-----\n";

#[tokio::test]
async fn an_engine_without_a_signing_key_verifies_and_issues_nothing() {
    let app = TestApp::with(|settings| {
        settings.signing_key = "".into();
        settings.algorithm = Algorithm::EdDSA;
        settings.verifying_key = PUBLIC_KEY.to_owned();
    });
    let corpus: serde_json::Value =
        serde_json::from_str(include_str!("../vectors/hostile/tokens.json")).unwrap();
    let known = corpus["tests"]
        .as_array()
        .unwrap()
        .iter()
        .find(|test| test["id"] == "ok-eddsa");
    let token = known.and_then(|test| test["token"].as_str()).unwrap();
    app.verify(token).await.assert(200, "{}");
    let reply = app.post(TOKEN, crate::app::ALICE).await;
    assert_eq!((reply.status, app.store.outstanding_count()), (503, 0));
    assert!(
        app.jwt
            .warnings()
            .iter()
            .any(|warning| warning.contains("no SIGNING_KEY"))
    );
}

#[test]
fn settings_that_cannot_work_together_are_refused() {
    let refusal = |change: fn(&mut Settings)| {
        let mut settings = settings();
        change(&mut settings);
        SimpleJwt::new(settings, memory())
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    assert!(refusal(|settings| settings.jti_claim = None).starts_with("JTI_CLAIM: "));
    assert!(refusal(|settings| settings.signing_key = "short".into()).starts_with("SIGNING_KEY: "));
    assert!(refusal(|settings| settings.algorithm = Algorithm::RS256).starts_with("SIGNING_KEY: "));
    assert!(
        refusal(|settings| settings.password_hashers.clear()).starts_with("PASSWORD_HASHERS: ")
    );
    assert!(
        refusal(|settings| settings.user_id_field = "email".into()).starts_with("USER_ID_FIELD: ")
    );
    assert!(refusal(|settings| settings.reuse_detection = true).starts_with("REUSE_DETECTION: "));
}

#[test]
fn an_empty_audience_list_is_refused_and_empty_texts_mean_none() {
    let load = |name: &str, value: Value| {
        let entry = |name: &str, value| Entry {
            name: name.to_owned(),
            value,
            source: "test".to_owned(),
        };
        Settings::load([entry("SIGNING_KEY", Value::from(KEY)), entry(name, value)])
    };
    assert!(load("AUDIENCE", Value::Array(Vec::new())).is_err());
    assert_eq!(load("AUDIENCE", Value::from("")).unwrap().audience, None);
    assert_eq!(load("ISSUER", Value::from("")).unwrap().issuer, None);
}

#[tokio::test]
async fn number_forms_survive_a_refresh() {
    let app = TestApp::new();
    let token = sign(&good(
        "refresh",
        r#","a":1.0,"b":1e2,"c":12345678901234567890,"d":-0"#,
    ));
    let access = app.refresh(&token).await.text("access");
    let kept = claims(&access);
    let shown = ["a", "b", "c", "d"].map(|name| match kept.get(name) {
        Some(Value::Number(number)) => number.to_string(),
        other => format!("{other:?}"),
    });
    assert_eq!(shown, ["1.0", "100.0", "12345678901234567890", "0"]);
}
