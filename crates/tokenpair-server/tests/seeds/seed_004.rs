//! Seed 004: "JSON Web Token(JWT)", with `gettoken/`, `refreshtoken/`, `verifytoken/` and `HTTPie`.
//!
//! The `HTTPie` lines run in `conformance/seeds`.

use crate::site::{Pair, configured, demo, names, refusal, with_settings};
use crate::tokens::lifetime;
use rusqlite::Connection;
use serde_json::json;

const PATHS: &str = "\
[paths]
token_obtain_pair = \"/gettoken/\"
token_refresh = \"/refreshtoken/\"
token_verify = \"/verifytoken/\"";

/// The block "JWT Default Settings".
const SETTINGS: &str = "\
ACCESS_TOKEN_LIFETIME = \"5 minutes\"
REFRESH_TOKEN_LIFETIME = \"1 day\"
ROTATE_REFRESH_TOKENS = false
BLACKLIST_AFTER_ROTATION = true";

#[test]
fn seed_004_validation_needs_no_database() {
    let site = configured("", "[database]\ntoken_blacklist = false");
    let Pair { access, .. } = site.log_in();
    let database = Connection::open(site.path("tokenpair.sqlite3")).unwrap();
    database.execute_batch("DROP TABLE auth_user").unwrap();
    assert_eq!(site.verify(&access), (200, json!({})));
    let login = json!({"username": "test", "password": "test"});
    assert_eq!(
        site.post("/api/token/", &login).0,
        503,
        "there is none any more"
    );
}

#[test]
fn seed_004_defaults_are_conservative() {
    let site = with_settings("");
    let Pair { access, refresh } = site.log_in();
    assert_eq!((lifetime(&access), lifetime(&refresh)), (300, 86_400));
    assert_eq!(names(&site.refresh(&refresh).1), ["access"]);
    assert_eq!(
        names(&site.refresh(&refresh).1),
        ["access"],
        "it is not used up"
    );
}

#[test]
fn seed_004_paths_gettoken_refreshtoken_verifytoken() {
    let site = configured("", PATHS);
    let login = json!({"username": "test", "password": "test"});
    let (status, body) = site.post("/gettoken/", &login);
    assert_eq!(status, 200, "{body}");
    let Pair { access, refresh } = Pair::of(&body);
    assert_eq!(
        site.post("/refreshtoken/", &json!({"refresh": refresh})).0,
        200
    );
    assert_eq!(
        site.post("/verifytoken/", &json!({"token": access})),
        (200, json!({}))
    );
    for old in ["/api/token/", "/api/token/refresh/", "/api/token/verify/"] {
        assert_eq!(site.post(old, &login).0, 404, "{old} has moved");
    }
}

#[test]
fn seed_004_demo_serves_gettoken_refreshtoken_verifytoken() {
    let site = demo();
    let login = json!({"username": "user1", "password": "yourpassword"});
    let (status, body) = site.post("/gettoken/", &login);
    assert_eq!(status, 200, "{body}");
    let Pair { access, refresh } = Pair::of(&body);
    let (status, body) = site.post("/refreshtoken/", &json!({"refresh": refresh}));
    assert_eq!((status, names(&body)), (200, vec!["access"]));
    assert_eq!(
        site.post("/verifytoken/", &json!({"token": access})),
        (200, json!({}))
    );
}

#[test]
fn seed_004_route_names() {
    let told = refusal("", "[paths]\ntoken_obtain = \"/gettoken/\"");
    assert!(told.contains("token_obtain"), "{told}");
    configured("", PATHS);
}

#[test]
fn seed_004_verify_needs_no_signing_key() {
    let site = with_settings("");
    let Pair { access, refresh } = site.log_in();
    for token in [&access, &refresh] {
        assert_eq!(site.verify(token), (200, json!({})));
    }
    let mut forged = access;
    forged.replace_range(forged.len() - 6.., "AAAAAA");
    let invalid = json!({"detail": "Token is invalid", "code": "token_not_valid"});
    assert_eq!(site.verify(&forged), (401, invalid));
}

#[test]
fn seed_004_verify_is_token_verify_view() {
    let answer = demo().send("OPTIONS /verifytoken/ HTTP/1.1\r\n", "");
    assert_eq!(answer.body["name"], "Token Verify");
}

#[test]
fn seed_004_verify_is_optional() {
    let site = configured("", "[paths]\ntoken_verify = false");
    let Pair { access, refresh } = site.log_in();
    assert_eq!(site.verify(&access).0, 404);
    assert_eq!(site.refresh(&refresh).0, 200);
}

#[test]
fn seed_004_setting_access_lifetime_5_minutes() {
    assert_eq!(lifetime(&with_settings(SETTINGS).log_in().access), 300);
}

#[test]
fn seed_004_setting_refresh_lifetime_1_day() {
    assert_eq!(lifetime(&with_settings(SETTINGS).log_in().refresh), 86_400);
}

#[test]
fn seed_004_setting_rotate_false_answers_access_only() {
    let site = with_settings(SETTINGS);
    let refresh = site.log_in().refresh;
    assert_eq!(names(&site.refresh(&refresh).1), ["access"]);
}

#[test]
fn seed_004_setting_rotate_true_answers_access_and_refresh() {
    let settings = SETTINGS.replace(
        "ROTATE_REFRESH_TOKENS = false",
        "ROTATE_REFRESH_TOKENS = true",
    );
    let site = with_settings(&settings);
    let refresh = site.log_in().refresh;
    let (status, body) = site.refresh(&refresh);
    assert_eq!((status, names(&body)), (200, vec!["access", "refresh"]));
    let blacklisted = json!({"detail": "Token is blacklisted", "code": "token_not_valid"});
    assert_eq!(site.refresh(&refresh), (401, blacklisted));
    assert_eq!(site.refresh(body["refresh"].as_str().unwrap()).0, 200);
}

#[test]
fn seed_004_setting_blacklist_without_rotation_blacklists_nothing() {
    let site = with_settings(SETTINGS);
    let refresh = site.log_in().refresh;
    for _ in 0..3 {
        assert_eq!(site.refresh(&refresh).0, 200);
    }
    assert_eq!(site.verify(&refresh).0, 200);
}

#[test]
fn seed_004_setting_blacklist_is_asked_by_verify() {
    let site = with_settings(SETTINGS);
    let refresh = site.log_in().refresh;
    assert_eq!(site.blacklist(&refresh).0, 200);
    let blacklisted = json!({"non_field_errors": ["Token is blacklisted"]});
    assert_eq!(site.verify(&refresh), (400, blacklisted));
}

#[test]
fn seed_004_misspelt_refesh_token_lifetime() {
    let told = refusal("REFESH_TOKEN_LIFETIME = \"1 day\"", "");
    assert!(told.contains("REFESH_TOKEN_LIFETIME"), "{told}");
    assert!(
        told.contains("did you mean REFRESH_TOKEN_LIFETIME?"),
        "{told}"
    );
}

#[test]
fn seed_004_misspelt_default_authentcation_classes() {
    let told = refusal(
        "DEFAULT_AUTHENTCATION_CLASSES = [\"JWTAuthentication\"]",
        "",
    );
    assert!(told.contains("no such setting"), "{told}");
    assert!(told.contains("DEFAULT_AUTHENTCATION_CLASSES"), "{told}");
}

#[test]
fn seed_004_get_token_of_user1() {
    let login = json!({"username": "user1", "password": "yourpassword"});
    let (status, body) = demo().post("/gettoken/", &login);
    assert_eq!((status, names(&body)), (200, vec!["access", "refresh"]));
}

#[test]
fn seed_004_verify_of_an_empty_token() {
    let site = demo();
    let blank = json!({"token": ["This field may not be blank."]});
    assert_eq!(
        site.post("/verifytoken/", &json!({"token": ""})),
        (400, blank)
    );
    let required = json!({"token": ["This field is required."]});
    assert_eq!(site.post("/verifytoken/", &json!({})), (400, required));
}

#[test]
fn seed_004_refresh_of_the_printed_token() {
    let invalid = json!({"detail": "Token is invalid", "code": "token_not_valid"});
    let printed = json!({"refresh": "yourrefreshtoken"});
    assert_eq!(demo().post("/refreshtoken/", &printed), (401, invalid));
}

#[test]
fn seed_004_is_authenticated_guards_views() {
    let site = demo();
    assert_eq!(site.send_printed("GET /api/me/").status, 401);
    assert_eq!(site.get("/api/me/", &site.log_in().access).0, 200);
}

#[test]
fn seed_004_api_needs_a_token_after_registration() {
    let site = with_settings("");
    assert_eq!(
        site.send_printed("GET /api/me/").status,
        401,
        "registered, no token yet"
    );
    let Pair { access, refresh } = site.log_in();
    assert_eq!(site.get("/api/me/", &access).0, 200);
    let (_, body) = site.refresh(&refresh);
    assert_eq!(
        site.get("/api/me/", body["access"].as_str().unwrap()).0,
        200
    );
}
