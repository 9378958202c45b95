//! Seed 002: "Token refresh", with its `curl`, `requests`, `fetch`, axios and Python client.
//!
//! The examples run in `conformance/seeds`; here are the endpoint, its errors and the settings.

use crate::site::{Pair, Site, configured, demo, names, with_settings};
use crate::tokens::{claims, expired, header, lifetime, payload, sign};
use serde_json::{Value, json};

/// The access token of "Example Response".
const SAMPLE: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.\
    eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoxNjQ2MjQ3NjAwLCJpYXQiOjE2NDYyNDQwMDAsImp0aSI6IjE5MmVkNDMyOGViYTQxNzM5NGU1ZjU5ZDI5MzA5ZDYxIiwidXNlcl9pZCI6MX0.\
    hHx4L-lPl9VQfq7FzhwXKvzGiJlMZ4xDkLv7nF5Y6Yw";

/// The refresh token of the example requests, dots included.
const SHORTENED: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9...";

/// A server of the time the document was written in.
fn as_printed() -> Site {
    with_settings(
        "error_texts = \"5.4\"\nUSER_ID_CLAIM_TYPE = \"number\"\nACCESS_TOKEN_LIFETIME = \"60 minutes\"",
    )
}

fn refusal(text: &str) -> Value {
    json!({"detail": text, "code": "token_not_valid"})
}

#[test]
fn seed_002_refresh_needs_no_authentication() {
    let site = demo();
    let body = json!({"refresh": site.log_in().refresh}).to_string();
    for authorization in [
        "",
        "Authorization: Bearer x.y.z\r\n",
        "Authorization: Basic\r\n",
    ] {
        let head = format!(
            "POST /api/token/refresh/ HTTP/1.1\r\nContent-Type: application/json\r\n{authorization}"
        );
        assert_eq!(site.send(&head, &body).status, 200, "{authorization}");
    }
}

#[test]
fn seed_002_refresh_answers_an_access_token() {
    let site = demo();
    let (status, body) = site.refresh(&site.log_in().refresh);
    assert_eq!((status, names(&body)), (200, vec!["access"]));
    let access = body["access"].as_str().unwrap();
    assert_eq!(claims(access)["token_type"], "access");
    assert_eq!(site.get("/api/me/", access).0, 200);
}

#[test]
fn seed_002_rotation_answers_a_new_refresh_token() {
    let site = with_settings("ROTATE_REFRESH_TOKENS = true");
    let refresh = site.log_in().refresh;
    let (status, body) = site.refresh(&refresh);
    assert_eq!((status, names(&body)), (200, vec!["access", "refresh"]));
    assert_ne!(body["refresh"], json!(refresh));
    assert_eq!(site.refresh(body["refresh"].as_str().unwrap()).0, 200);
}

#[test]
fn seed_002_request_as_printed_is_no_token() {
    let (status, body) = demo().refresh(SHORTENED);
    assert_eq!((status, body), (401, refusal("Token is invalid")));
    let (status, body) = as_printed().refresh(SHORTENED);
    assert_eq!(
        (status, body),
        (401, refusal("Token is invalid or expired"))
    );
}

#[test]
fn seed_002_response_has_the_claims_as_printed() {
    let ours = payload(&as_printed().log_in().access);
    let claims: Value = serde_json::from_str(&ours).unwrap();
    let (exp, iat, jti) = (
        &claims["exp"],
        &claims["iat"],
        claims["jti"].as_str().unwrap(),
    );
    let printed =
        format!(r#"{{"token_type":"access","exp":{exp},"iat":{iat},"jti":"{jti}","user_id":1}}"#);
    assert_eq!(ours, printed);
    assert_eq!(
        payload(SAMPLE),
        r#"{"token_type":"access","exp":1646247600,"iat":1646244000,"jti":"192ed4328eba417394e5f59d29309d61","user_id":1}"#
    );
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    assert!(jti.len() == 32 && jti.chars().all(is_hex), "{jti}");
}

#[test]
fn seed_002_response_lives_an_hour_as_printed() {
    assert_eq!(lifetime(SAMPLE), 3600);
    assert_eq!(lifetime(&as_printed().log_in().access), 3600);
}

#[test]
fn seed_002_header_may_begin_with_typ() {
    let printed = header(SAMPLE);
    assert_eq!(printed, r#"{"typ":"JWT","alg":"HS256"}"#);
    let site = with_settings("");
    let Pair { access, refresh } = site.log_in();
    let access = sign(&printed, &payload(&access));
    let refresh = sign(&printed, &payload(&refresh));
    assert_eq!(site.get("/api/me/", &access).0, 200);
    assert_eq!(site.verify(&access).0, 200);
    assert_eq!(site.refresh(&refresh).0, 200);
    assert_eq!(site.blacklist(&refresh).0, 200);
}

#[test]
fn seed_002_user_id_may_be_a_number() {
    let site = with_settings("");
    let Pair { access, refresh } = site.log_in();
    let numbered = |token: &str| {
        let text = payload(token);
        assert!(text.contains(r#""user_id":"1""#), "{text}");
        sign(
            &header(SAMPLE),
            &text.replace(r#""user_id":"1""#, r#""user_id":1"#),
        )
    };
    assert_eq!(site.get("/api/me/", &numbered(&access)).0, 200);
    let (status, body) = site.refresh(&numbered(&refresh));
    assert_eq!(status, 200, "{body}");
    let access = claims(body["access"].as_str().unwrap());
    assert_eq!(access["user_id"], json!(1), "inherited as it came");
}

#[test]
fn seed_002_response_as_printed_is_anothers_token() {
    for (site, text) in [
        (with_settings(""), "Token is invalid"),
        (as_printed(), "Token is invalid or expired"),
    ] {
        assert_eq!(site.verify(SAMPLE), (401, refusal(text)));
        assert_eq!(site.get("/api/me/", SAMPLE).0, 401);
    }
}

#[test]
fn seed_002_error_invalid_token() {
    let (status, body) = demo().refresh("x.y.z");
    assert_eq!((status, body), (401, refusal("Token is invalid")));
}

#[test]
fn seed_002_error_invalid_token_before_5_5() {
    let (status, body) = as_printed().refresh("x.y.z");
    assert_eq!(
        (status, body),
        (401, refusal("Token is invalid or expired"))
    );
}

#[test]
fn seed_002_error_expired_token() {
    let site = with_settings("");
    let (status, body) = site.refresh(&expired(&site.log_in().refresh));
    assert_eq!((status, body), (401, refusal("Token is expired")));
}

#[test]
fn seed_002_error_expired_token_before_5_5() {
    let site = as_printed();
    let (status, body) = site.refresh(&expired(&site.log_in().refresh));
    assert_eq!(
        (status, body),
        (401, refusal("Token is invalid or expired"))
    );
}

#[test]
fn seed_002_error_token_blacklisted() {
    for site in [with_settings(""), as_printed()] {
        let refresh = site.log_in().refresh;
        assert_eq!(site.blacklist(&refresh), (200, json!({})));
        let (status, body) = site.refresh(&refresh);
        assert_eq!((status, body), (401, refusal("Token is blacklisted")));
    }
}

#[test]
fn seed_002_error_missing_refresh_token() {
    let site = demo();
    let required = json!({"refresh": ["This field is required."]});
    for body in [json!({}), json!({"token": "x.y.z"})] {
        assert_eq!(
            site.post("/api/token/refresh/", &body),
            (400, required.clone())
        );
    }
    let empty = site.send("POST /api/token/refresh/ HTTP/1.1\r\n", "");
    assert_eq!((empty.status, empty.body), (400, required));
}

#[test]
fn seed_002_refresh_view_has_its_name_and_takes_post_only() {
    let site = demo();
    let options = site.send("OPTIONS /api/token/refresh/ HTTP/1.1\r\n", "");
    assert_eq!(options.body["name"], "Token Refresh");
    let get = site.send("GET /api/token/refresh/ HTTP/1.1\r\n", "");
    assert_eq!(get.status, 405);
    assert_eq!(get.header("Allow"), Some("POST, OPTIONS"));
}

#[test]
fn seed_002_routes_as_printed() {
    let site = configured(
        "",
        "[paths]\ntoken_obtain_pair = \"/api/token/\"\ntoken_refresh = \"/api/token/refresh/\"",
    );
    assert_eq!(site.refresh(&site.log_in().refresh).0, 200);
}

#[test]
fn seed_002_sign_in_answers_both_tokens() {
    let Pair { access, refresh } = demo().log_in();
    assert_eq!(claims(&access)["token_type"], "access");
    assert_eq!(claims(&refresh)["token_type"], "refresh");
}

#[test]
fn seed_002_lifetimes_of_minutes_days_and_weeks() {
    for (minutes, refresh, days) in [(5, "3 days", 3), (30, "2 weeks", 14), (60, "30d", 30)] {
        let site = with_settings(&format!(
            "ACCESS_TOKEN_LIFETIME = \"{minutes}m\"\nREFRESH_TOKEN_LIFETIME = \"{refresh}\""
        ));
        let pair = site.log_in();
        assert_eq!(lifetime(&pair.access), minutes * 60);
        assert_eq!(lifetime(&pair.refresh), days * 86_400);
    }
}

#[test]
fn seed_002_authorization_bearer() {
    let site = demo();
    let access = site.log_in().access;
    let answer = site.send_printed(&format!("GET /api/me/\nAuthorization: Bearer {access}"));
    assert_eq!(answer.status, 200);
}

#[test]
fn seed_002_error_expired_access_token() {
    for (site, text) in [
        (with_settings(""), "Token is expired"),
        (as_printed(), "Token is invalid or expired"),
    ] {
        let (status, body) = site.get("/api/me/", &expired(&site.log_in().access));
        let message =
            json!({"token_class": "AccessToken", "token_type": "access", "message": text});
        assert_eq!(status, 401);
        assert_eq!(
            body,
            json!({
                "detail": "Given token not valid for any token type",
                "code": "token_not_valid",
                "messages": [message],
            })
        );
    }
}

#[test]
fn seed_002_lifecycle_from_sign_in_to_sign_in() {
    let site = with_settings("");
    let Pair { access, refresh } = site.log_in();
    assert_eq!(site.get("/api/me/", &access).0, 200);
    assert_eq!(site.get("/api/me/", &expired(&access)).0, 401);
    let (_, body) = site.refresh(&refresh);
    assert_eq!(
        site.get("/api/me/", body["access"].as_str().unwrap()).0,
        200
    );
    assert_eq!(site.refresh(&expired(&refresh)).0, 401, "sign in again");
    assert_eq!(site.refresh(&site.log_in().refresh).0, 200);
}

#[test]
fn seed_002_settings_as_printed() {
    let pair = with_settings(
        "ACCESS_TOKEN_LIFETIME = \"15 minutes\"\nREFRESH_TOKEN_LIFETIME = \"7 days\"",
    )
    .log_in();
    assert_eq!(lifetime(&pair.access), 15 * 60);
    assert_eq!(lifetime(&pair.refresh), 7 * 86_400);
}

#[test]
fn seed_002_logout_by_blacklist() {
    let site = demo();
    let Pair { access, refresh } = site.log_in();
    let other = site.log_in().refresh;
    assert_eq!(site.blacklist(&refresh), (200, json!({})));
    assert_eq!(site.refresh(&refresh).0, 401);
    assert_eq!(site.refresh(&other).0, 200, "another log-in lives on");
    assert_eq!(site.get("/api/me/", &access).0, 200, "until it expires");
}
