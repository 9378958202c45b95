//! Seed 001: "JWT Authentication in Django REST Framework".

use crate::site::{Pair, configured, demo, names, refusal, with_settings};
use crate::support::Folder;
use crate::tokens::{claims, header, lifetime, payload, sign, with_claims};
use serde_json::json;

/// The three printed lines of the example.
const EXAMPLE: [&str; 3] = [
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    ".eyJ1c2VyX2lkIjoxLCJ1c2VybmFtZSI6InRlc3QifQ",
    ".sflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
];

const LOGIN: &str = r#"
POST /api/token/
Content-Type: application/json

{
    "username": "test",
    "password": "test"
}
"#;

const PROTECTED: &str = r"
GET /api/some-protected-route/
Authorization: Bearer <ACCESS_TOKEN>
";

const REFRESH: &str = r#"
POST /api/token/refresh/
Content-Type: application/json

{
    "refresh": "<REFRESH_TOKEN>"
}
"#;

#[test]
fn seed_001_token_is_header_payload_signature() {
    let Pair { access, refresh } = demo().log_in();
    for token in [access, refresh] {
        assert_eq!(token.split('.').count(), 3);
        assert!(token.starts_with(EXAMPLE[0]), "the header as printed");
        assert!(claims(&token).is_object());
    }
}

#[test]
fn seed_001_example_token_is_refused() {
    let example = EXAMPLE.concat();
    assert_eq!(payload(&example), r#"{"user_id":1,"username":"test"}"#);
    let site = demo();
    for token in [example, EXAMPLE.join("  \n")] {
        let (status, body) = site.verify(&token);
        assert_eq!((status, &body["detail"]), (401, &json!("Token is invalid")));
    }
    assert_eq!(site.get("/api/me/", &EXAMPLE.concat()).0, 401);
}

#[test]
fn seed_001_example_claims_are_refused_however_signed() {
    let example = EXAMPLE.concat();
    let token = sign(&header(&example), &payload(&example));
    let (status, body) = with_settings("").verify(&token);
    assert_eq!(status, 401);
    assert_eq!(body["detail"], "Token has no 'exp' claim");
}

#[test]
fn seed_001_claim_username_beside_user_id() {
    let site = with_settings("");
    let refresh = with_claims(&site.log_in().refresh, |claims| {
        claims["username"] = json!("test");
    });
    let (status, body) = site.refresh(&refresh);
    assert_eq!(status, 200, "{body}");
    let access = claims(body["access"].as_str().unwrap());
    assert_eq!(
        (&access["user_id"], &access["username"]),
        (&json!("1"), &json!("test"))
    );
}

#[test]
fn seed_001_claim_username_by_configuration() {
    let site = configured("", "[claims]\nusername = \"user.username\"");
    let Pair { access, refresh } = site.log_in();
    assert_eq!(claims(&access)["username"], "test");
    assert_eq!(claims(&refresh)["username"], "test");
}

#[test]
fn seed_001_server_stores_no_session() {
    let issuer = with_settings("");
    let Pair { access, .. } = issuer.log_in();
    let other = with_settings("");
    assert_eq!(
        other.verify(&access).0,
        200,
        "it has never seen this log-in"
    );
    assert_eq!(other.get("/api/me/", &access).0, 200);
}

#[test]
fn seed_001_one_command_serves() {
    let folder = Folder::new();
    let server = folder.serve("");
    assert_eq!(server.get("/readyz", "").0, 200);
}

#[test]
fn seed_001_jwt_authentication_is_the_default() {
    let answer = demo().send("GET /api/me/ HTTP/1.1\r\n", "");
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.header("WWW-Authenticate"),
        Some("Bearer realm=\"api\"")
    );
}

#[test]
fn seed_001_settings_of_django_are_refused_by_name() {
    for name in ["DEFAULT_AUTHENTICATION_CLASSES", "INSTALLED_APPS"] {
        let told = refusal(&format!("{name} = [\"rest_framework_simplejwt\"]"), "");
        assert!(told.contains(name), "{told}");
    }
}

#[test]
fn seed_001_paths_have_the_route_names() {
    let site = configured(
        "",
        "[paths]\ntoken_obtain_pair = \"/login/\"\ntoken_refresh = \"/again/\"",
    );
    let login = json!({"username": "test", "password": "test"});
    let (status, body) = site.post("/login/", &login);
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        site.post("/again/", &json!({"refresh": body["refresh"]})).0,
        200
    );
    assert_eq!(site.post("/api/token/", &login).0, 404, "it has moved");
}

#[test]
fn seed_001_paths_are_api_token_and_api_token_refresh() {
    let site = demo();
    let refresh = site.log_in().refresh;
    assert_eq!(site.refresh(&refresh).0, 200);
}

#[test]
fn seed_001_login_of_test_answers_access_and_refresh() {
    let answer = demo().send_printed(LOGIN);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(names(&answer.body), ["access", "refresh"]);
}

#[test]
fn seed_001_protected_route() {
    let site = configured("", "[paths]\nme = \"/api/some-protected-route/\"");
    let access = site.log_in().access;
    let answer = site.send_printed(&PROTECTED.replace("<ACCESS_TOKEN>", &access));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = site.send_printed(PROTECTED);
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (401, &json!("token_not_valid"))
    );
    let answer = site.send_printed("GET /api/some-protected-route/");
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.body,
        json!({"detail": "Authentication credentials were not provided."})
    );
}

#[test]
fn seed_001_refresh_as_printed() {
    let site = demo();
    let refresh = site.log_in().refresh;
    let answer = site.send_printed(&REFRESH.replace("<REFRESH_TOKEN>", &refresh));
    assert_eq!((answer.status, names(&answer.body)), (200, vec!["access"]));
}

#[test]
fn seed_001_access_is_short_lived_and_refresh_long_lived() {
    let Pair { access, refresh } = demo().log_in();
    assert!(lifetime(&access) * 100 < lifetime(&refresh));
}

#[test]
fn seed_001_refresh_token_gives_access_and_nothing_else() {
    let site = demo();
    let Pair { access, refresh } = site.log_in();
    let (status, body) = site.get("/api/me/", &refresh);
    assert_eq!(status, 401);
    assert_eq!(body["messages"][0]["message"], "Token has wrong type");
    let (status, body) = site.refresh(&access);
    assert_eq!(
        (status, &body["detail"]),
        (401, &json!("Token has wrong type"))
    );
}

#[test]
fn seed_001_restart_forgets_no_token() {
    let site = with_settings("");
    let Pair { access, refresh } = site.log_in();
    let site = site.restart();
    assert_eq!(site.get("/api/me/", &access).0, 200);
    assert_eq!(site.refresh(&refresh).0, 200);
}
