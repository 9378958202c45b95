//! `token_verify`: any good token, and nothing about its user.

use crate::app::{KEY, NOW, TestApp, VERIFY, good, sign, sign_with_header};
use tokenpair::{Audience, Flaw, MAX_TOKEN_BYTES, TokenError};

#[tokio::test]
async fn a_good_token_of_any_type_verifies() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    let sliding = app.log_in_sliding().await;
    for token in [
        &pair.access,
        &pair.refresh,
        &sliding,
        &sign(r#"{"exp":4000000000,"jti":"a","token_type":7}"#),
    ] {
        let reply = app.verify(token).await;
        reply.assert(200, "{}");
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn outer_white_space_is_trimmed_as_from_every_field() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    app.verify(&format!(" {}\n", pair.access))
        .await
        .assert(200, "{}");
}

#[tokio::test]
async fn verify_honours_the_blacklist() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    app.blacklist(&pair.refresh).await.assert(200, "{}");
    let reply = app.verify(&pair.refresh).await;
    reply.assert(400, r#"{"non_field_errors":["Token is blacklisted"]}"#);
    assert_eq!(reply.header("www-authenticate"), None);
    app.verify(&pair.access).await.assert(200, "{}");
}

#[tokio::test]
async fn without_a_token_store_there_is_no_blacklist() {
    let app = TestApp::without_token_store(|_| ());
    let pair = app.log_in().await;
    app.blacklist(&pair.refresh).await.assert(200, "{}");
    app.verify(&pair.refresh).await.assert(200, "{}");
}

#[tokio::test]
async fn the_user_is_not_looked_at() {
    let app = TestApp::new();
    for user_id in [r#""2""#, r#""99""#, "[]"] {
        let payload =
            good("access", "").replace(r#""user_id":"1""#, &format!(r#""user_id":{user_id}"#));
        app.verify(&sign(&payload)).await.assert(200, "{}");
    }
}

#[tokio::test]
async fn a_token_dies_in_the_second_it_names() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    app.advance(299);
    app.verify(&pair.access).await.assert(200, "{}");
    app.advance(1);
    app.verify(&pair.access)
        .await
        .assert_refused("Token is expired");
}

#[tokio::test]
async fn a_foreign_signature_is_invalid_even_when_expired() {
    let app = TestApp::new();
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    for payload in [good("access", ""), r#"{"exp":1}"#.to_owned()] {
        let token = sign_with_header(header, &payload, "another secret of at least 32 bytes here");
        app.verify(&token).await.assert_refused("Token is invalid");
    }
}

#[tokio::test]
async fn audience_and_issuer_are_required_when_configured() {
    let app = TestApp::with(|settings| {
        settings.audience = Some(Audience::One("web".to_owned()));
        settings.issuer = Some("me".to_owned());
    });
    for (more, status) in [
        (r#","aud":"web","iss":"me""#, 200),
        (r#","aud":["x","web"],"iss":"me""#, 200),
        (r#","aud":["web",1],"iss":"me""#, 401),
        (r#","aud":"we","iss":"me""#, 401),
        (r#","aud":[],"iss":"me""#, 401),
        (r#","iss":"me""#, 401),
        (r#","aud":"web","iss":"ME""#, 401),
        (r#","aud":"web","iss":["me"]"#, 401),
        (r#","aud":"web""#, 401),
    ] {
        assert_eq!(
            app.verify(&sign(&good("access", more))).await.status,
            status,
            "{more}"
        );
    }
}

#[tokio::test]
async fn a_fraction_of_a_second_counts() {
    let app = TestApp::new();
    let token = sign(&format!(r#"{{"exp":{NOW}.5,"jti":"a"}}"#));
    let status = app.verify(&token).await.status;
    assert_eq!(
        status, 401,
        "PyJWT cuts the fraction off before it compares"
    );
}

#[tokio::test]
async fn tokens_of_more_than_128_kib_are_refused() {
    let app = TestApp::new();
    let padded = |bytes: usize| {
        sign(&good(
            "access",
            &format!(r#","pad":"{}""#, "x".repeat(bytes)),
        ))
    };
    let overhead = padded(0).len();
    let longest = padded((MAX_TOKEN_BYTES - overhead) / 4 * 3);
    assert!(
        (MAX_TOKEN_BYTES - 4..=MAX_TOKEN_BYTES).contains(&longest.len()),
        "{}",
        longest.len()
    );
    app.verify(&longest).await.assert(200, "{}");
    let longer = padded((MAX_TOKEN_BYTES - overhead) / 4 * 3 + 6);
    assert!(longer.len() > MAX_TOKEN_BYTES);
    app.verify(&longer).await.assert_refused("Token is invalid");
    assert_eq!(app.get_as(&longer, "/me/").await.status, 401);
}

#[tokio::test]
async fn a_missing_token_is_a_bad_request() {
    let reply = TestApp::new().post(VERIFY, "{}").await;
    reply.assert(400, r#"{"token":["This field is required."]}"#);
}

#[tokio::test]
async fn a_good_signature_is_told_apart_from_bad_claims() {
    let app = TestApp::with(|settings| {
        settings.audience = Some(Audience::One("app".to_owned()));
        settings.issuer = Some("us".to_owned());
    });
    let (now, later) = (NOW, NOW + 600);
    let rest = r#""jti":"a","aud":"app","iss":"us""#;
    for (payload, claim, error) in [
        (
            format!(r#"{{"iat":{later},{rest}}}"#),
            "iat",
            TokenError::Invalid,
        ),
        (
            format!(r#"{{"exp":{now},"nbf":{later},{rest}}}"#),
            "nbf",
            TokenError::Invalid,
        ),
        (
            format!(r#"{{"exp":{now},{rest}}}"#),
            "exp",
            TokenError::Expired,
        ),
        (
            format!(r#"{{"exp":"{later}",{rest}}}"#),
            "exp",
            TokenError::Invalid,
        ),
        (
            format!("{{{rest}}}"),
            "exp",
            TokenError::NoClaim("exp".to_owned()),
        ),
        (
            format!(r#"{{"exp":{later},"aud":"app"}}"#),
            "iss",
            TokenError::Invalid,
        ),
        (
            format!(r#"{{"exp":{later},"iss":"us"}}"#),
            "aud",
            TokenError::Invalid,
        ),
        (
            format!(r#"{{"exp":{later},"sub":1,{rest}}}"#),
            "sub",
            TokenError::Invalid,
        ),
        (
            format!(r#"{{"exp":{later},"jti":1,"aud":"app","iss":"us"}}"#),
            "jti",
            TokenError::Invalid,
        ),
        (
            format!(r#"{{"exp":{later},"aud":"app","iss":"us"}}"#),
            "jti",
            TokenError::NoId,
        ),
    ] {
        let claim = claim.to_owned();
        let found = app.jwt.find_flaw(&sign(&payload)).await.unwrap();
        assert_eq!(found, Some(Flaw::Claim { claim, error }), "{payload}");
    }
    let payload = format!(r#"{{"exp":{later},{rest}}}"#);
    assert_eq!(app.jwt.find_flaw(&sign(&payload)).await.unwrap(), None);
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    for token in [
        sign_with_header(header, &payload, "another key, also of at least 32 bytes"),
        sign_with_header(r#"{"alg":"none"}"#, &payload, KEY),
        sign("[]"),
        "x".to_owned(),
    ] {
        let found = app.jwt.find_flaw(&token).await.unwrap();
        assert_eq!(found, Some(Flaw::Signature), "{token}");
    }
}
