//! Seed 000: "Django REST Framework - Refresh Tokens & JWT Authentication".

use crate::site::{Pair, demo, names, refusal, with_settings};
use crate::tokens::{claims, expired, header, lifetime};
use serde_json::json;

const LOGIN: &str = r#"
POST /api/token/ HTTP/1.1
Content-Type: application/json

{
    "username": "your_username",
    "password": "your_password"
}
"#;

const REFRESH: &str = r#"
POST /api/token/refresh/ HTTP/1.1
Content-Type: application/json

{
    "refresh": "your_refresh_token"
}
"#;

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;

#[test]
fn seed_000_login_answers_access_and_refresh() {
    let answer = demo().send_printed(LOGIN);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(names(&answer.body), ["access", "refresh"]);
    Pair::of(&answer.body);
}

#[test]
fn seed_000_login_is_token_obtain_pair_view() {
    let answer = demo().send("OPTIONS /api/token/ HTTP/1.1\r\n", "");
    assert_eq!(answer.body["name"], "Token Obtain Pair");
}

#[test]
fn seed_000_access_token_authenticates_requests() {
    let site = demo();
    let (status, body) = site.get("/api/me/", &site.log_in().access);
    assert_eq!((status, &body["username"]), (200, &json!("test")));
}

#[test]
fn seed_000_scheme_is_bearer() {
    let site = demo();
    let access = site.log_in().access;
    let status = |value: &str| {
        let head = format!("GET /api/me/ HTTP/1.1\r\nAuthorization: {value}\r\n");
        site.send(&head, "").status
    };
    assert_eq!(status(&format!("Bearer {access}")), 200);
    for other in ["Token", "JWT", "Basic", ""] {
        assert_eq!(status(&format!("{other} {access}")), 401, "{other}");
    }
}

#[test]
fn seed_000_access_lifetime_is_5_minutes() {
    assert_eq!(lifetime(&demo().log_in().access), 5 * MINUTE);
}

#[test]
fn seed_000_refresh_lifetime_is_one_day() {
    assert_eq!(lifetime(&demo().log_in().refresh), DAY);
}

#[test]
fn seed_000_refresh_token_outlives_access_token() {
    let Pair { access, refresh } = demo().log_in();
    let exp = |token: &str| claims(token)["exp"].as_i64();
    assert!(exp(&refresh) > exp(&access));
}

#[test]
fn seed_000_setting_access_lifetime_15_minutes() {
    let site = with_settings("ACCESS_TOKEN_LIFETIME = \"15 minutes\"");
    let Pair { access, refresh } = site.log_in();
    assert_eq!((lifetime(&access), lifetime(&refresh)), (15 * MINUTE, DAY));
    let (_, body) = site.refresh(&refresh);
    assert_eq!(lifetime(body["access"].as_str().unwrap()), 15 * MINUTE);
}

#[test]
fn seed_000_setting_refresh_lifetime() {
    let pair = with_settings("REFRESH_TOKEN_LIFETIME = \"2 days\"").log_in();
    assert_eq!(
        (lifetime(&pair.access), lifetime(&pair.refresh)),
        (5 * MINUTE, 2 * DAY)
    );
}

#[test]
fn seed_000_setting_algorithm() {
    let hs256 = with_settings("").log_in();
    let site = with_settings("ALGORITHM = \"HS512\"");
    let hs512 = site.log_in();
    assert_eq!(header(&hs256.access), r#"{"alg":"HS256","typ":"JWT"}"#);
    assert_eq!(header(&hs512.access), r#"{"alg":"HS512","typ":"JWT"}"#);
    assert_eq!(site.verify(&hs512.access).0, 200);
    assert_eq!(
        site.verify(&hs256.access).0,
        401,
        "one algorithm, the one that is set"
    );
}

#[test]
fn seed_000_setting_serializer_classes_names_the_hooks() {
    let own = refusal("TOKEN_OBTAIN_SERIALIZER = \"shop.serializers.MyPair\"", "");
    assert!(own.contains("TOKEN_OBTAIN_SERIALIZER"), "{own}");
    assert!(own.contains("get_token"), "{own}");
    let built_in = "rest_framework_simplejwt.serializers.TokenObtainPairSerializer";
    with_settings(&format!("TOKEN_OBTAIN_SERIALIZER = \"{built_in}\"")).log_in();
}

#[test]
fn seed_000_refresh_answers_access_only() {
    let site = demo();
    let Pair { access, refresh } = site.log_in();
    let answer = site.send_printed(&REFRESH.replace("your_refresh_token", &refresh));
    assert_eq!((answer.status, names(&answer.body)), (200, vec!["access"]));
    assert_ne!(answer.body["access"], json!(access), "a new one");
}

#[test]
fn seed_000_refresh_is_token_refresh_view() {
    let answer = demo().send("OPTIONS /api/token/refresh/ HTTP/1.1\r\n", "");
    assert_eq!(answer.body["name"], "Token Refresh");
}

#[test]
fn seed_000_refresh_as_printed_is_no_token() {
    let answer = demo().send_printed(REFRESH);
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.body,
        json!({"detail": "Token is invalid", "code": "token_not_valid"})
    );
}

#[test]
fn seed_000_expired_access_token_is_an_authentication_error() {
    let site = with_settings("");
    let access = expired(&site.log_in().access);
    let head = format!("GET /api/me/ HTTP/1.1\r\nAuthorization: Bearer {access}\r\n");
    let answer = site.send(&head, "");
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.header("WWW-Authenticate"),
        Some("Bearer realm=\"api\"")
    );
    assert_eq!(answer.body["code"], "token_not_valid");
    assert_eq!(answer.body["messages"][0]["message"], "Token is expired");
}

#[test]
fn seed_000_new_access_token_is_used_from_then_on() {
    let site = with_settings("");
    let Pair { access, refresh } = site.log_in();
    assert_eq!(site.get("/api/me/", &expired(&access)).0, 401);
    let (_, body) = site.refresh(&refresh);
    assert_eq!(
        site.get("/api/me/", body["access"].as_str().unwrap()).0,
        200
    );
}

#[test]
fn seed_000_refresh_can_be_repeated() {
    let site = demo();
    let refresh = site.log_in().refresh;
    for _ in 0..5 {
        let (status, body) = site.refresh(&refresh);
        assert_eq!(status, 200, "{body}");
        assert_eq!(
            site.get("/api/me/", body["access"].as_str().unwrap()).0,
            200
        );
    }
}

#[test]
fn seed_000_refresh_ends_with_the_refresh_token() {
    let site = with_settings("");
    let (status, body) = site.refresh(&expired(&site.log_in().refresh));
    assert_eq!(status, 401);
    assert_eq!(
        body,
        json!({"detail": "Token is expired", "code": "token_not_valid"})
    );
}

#[test]
fn seed_000_requests_and_answers_are_json() {
    let answer = demo().send_printed(LOGIN);
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
}
