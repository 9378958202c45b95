//! Seed 003: the API of a shop whose customers log in by e-mail, at `/auth/token/`.

use crate::site::{self, Pair, Site, demo, folder, names, with_user};
use crate::support::Answer;
use crate::tokens::{claims, expired, lifetime};
use rusqlite::Connection;
use serde_json::{Value, json};

const SETTINGS: &str = "\
ACCESS_TOKEN_LIFETIME = \"1 hour\"
REFRESH_TOKEN_LIFETIME = \"3 days\"
UPDATE_LAST_LOGIN = true";

const PATHS: &str = "\
[paths]
token_obtain_pair = \"/auth/token/\"
token_refresh = \"/auth/token/refresh/\"";

const CUSTOMER: &str = "\
[user_model]
table = \"customers_customer\"
username = \"email\"
is_superuser = \"\"
";

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "customers-password";
/// `PASSWORD` as Django stores it, with a single round: it is a test's.
const ENCODED: &str =
    "pbkdf2_sha256$1$seedsseedsseedsseeds00$7DXxgpVZMlofGUKJo6R9mzA8w44KwcxHIvGdgmPm6FI=";

/// The shop: Django's table of a model `Customer` with `USERNAME_FIELD = "email"` and one customer.
fn shop() -> Site {
    shop_with(SETTINGS)
}

fn shop_with(settings: &str) -> Site {
    let folder = folder(settings, &format!("{CUSTOMER}{PATHS}"));
    let database = Connection::open(folder.path("tokenpair.sqlite3")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE customers_customer (id integer PRIMARY KEY AUTOINCREMENT, password varchar(128) NOT NULL,
                 last_login datetime, email varchar(254) NOT NULL UNIQUE, is_active bool NOT NULL, is_staff bool NOT NULL)",
        )
        .unwrap();
    database
        .execute(
            "INSERT INTO customers_customer VALUES (1, ?1, NULL, ?2, 1, 0)",
            [ENCODED, EMAIL],
        )
        .unwrap();
    drop(database);
    site::serve(folder)
}

fn log_in(site: &Site) -> Pair {
    let (status, body) = site.post(
        "/auth/token/",
        &json!({"email": EMAIL, "password": PASSWORD}),
    );
    assert_eq!(status, 200, "{body}");
    Pair::of(&body)
}

fn refresh(site: &Site, token: &str) -> (u16, Value) {
    site.post("/auth/token/refresh/", &json!({"refresh": token}))
}

fn last_login(site: &Site) -> Option<String> {
    let database = Connection::open(site.path("tokenpair.sqlite3")).unwrap();
    let query = "SELECT last_login FROM customers_customer";
    database.query_row(query, [], |row| row.get(0)).unwrap()
}

/// A request with a header that would be refused where anybody looked at it.
fn post_with_bad_credentials(site: &Site, path: &str, body: &Value) -> Answer {
    let head = format!(
        "POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: Bearer x.y.z\r\n"
    );
    site.send(&head, &body.to_string())
}

#[test]
fn seed_003_access_tokens_expire_after_1_hour() {
    let site = shop();
    let Pair { access, .. } = log_in(&site);
    assert_eq!(lifetime(&access), 3600);
}

#[test]
fn seed_003_refresh_tokens_are_valid_for_3_days() {
    let site = shop();
    let Pair { refresh, .. } = log_in(&site);
    assert_eq!(lifetime(&refresh), 3 * 86_400);
}

#[test]
fn seed_003_obtain_lives_at_auth_token() {
    let site = shop();
    log_in(&site);
    let login = json!({"email": EMAIL, "password": PASSWORD});
    assert_eq!(site.post("/api/token/", &login).0, 404, "it has moved");
}

#[test]
fn seed_003_obtain_allows_any() {
    let site = shop();
    let login = json!({"email": EMAIL, "password": PASSWORD});
    assert_eq!(
        post_with_bad_credentials(&site, "/auth/token/", &login).status,
        200
    );
}

#[test]
fn seed_003_obtain_is_token_obtain_pair_view() {
    let answer = shop().send("OPTIONS /auth/token/ HTTP/1.1\r\n", "");
    assert_eq!(answer.body["name"], "Token Obtain Pair");
    assert_eq!(
        names(&answer.body["actions"]["POST"]),
        ["email", "password"]
    );
}

#[test]
fn seed_003_customers_log_in_by_email() {
    let site = shop();
    let Pair { access, .. } = log_in(&site);
    assert_eq!(
        site.get("/api/me/", &access),
        (200, json!({"id": 1, "username": EMAIL, "email": EMAIL}))
    );
}

#[test]
fn seed_003_users_of_django_log_in_by_email() {
    let model = "[user_model]\nusername = \"email\"\n";
    let by_email = site::file(SETTINGS, &format!("{model}{PATHS}"));
    let site = site::serve(with_user(folder("", "")).with_file("tokenpair.toml", by_email));
    let login = json!({"email": "test@example.com", "password": "test"});
    let (status, body) = site.post("/auth/token/", &login);
    assert_eq!(status, 200, "{body}");
    let by_name = json!({"username": "test", "password": "test"});
    let required = json!({"email": ["This field is required."]});
    assert_eq!(site.post("/auth/token/", &by_name), (400, required));
}

#[test]
fn seed_003_demo_serves_auth_token() {
    let site = demo();
    let login = json!({"username": "test", "password": "test"});
    let (status, body) = site.post("/auth/token/", &login);
    assert_eq!(status, 200, "{body}");
    assert_eq!(refresh(&site, body["refresh"].as_str().unwrap()).0, 200);
}

#[test]
fn seed_003_success_is_access_and_refresh() {
    let site = shop();
    let login = json!({"email": EMAIL, "password": PASSWORD});
    let (status, body) = site.post("/auth/token/", &login);
    assert_eq!((status, names(&body)), (200, vec!["access", "refresh"]));
}

#[test]
fn seed_003_error_invalid_credentials() {
    let site = shop();
    let refused = json!({"detail": "No active account found with the given credentials"});
    for (email, password) in [
        (EMAIL, "wrong"),
        ("eve@example.com", PASSWORD),
        ("test", "test"),
    ] {
        let login = json!({"email": email, "password": password});
        assert_eq!(
            site.post("/auth/token/", &login),
            (401, refused.clone()),
            "{email}"
        );
    }
}

#[test]
fn seed_003_error_missing_fields() {
    let site = shop();
    let required = json!(["This field is required."]);
    for (body, missing) in [
        (json!({}), json!({"email": required, "password": required})),
        (json!({"email": EMAIL}), json!({"password": required})),
        (json!({"password": PASSWORD}), json!({"email": required})),
        (
            json!({"username": EMAIL, "password": PASSWORD}),
            json!({"email": required}),
        ),
    ] {
        assert_eq!(site.post("/auth/token/", &body), (400, missing), "{body}");
    }
}

#[test]
fn seed_003_refresh_allows_any() {
    let site = shop();
    let body = json!({"refresh": log_in(&site).refresh});
    assert_eq!(
        post_with_bad_credentials(&site, "/auth/token/refresh/", &body).status,
        200
    );
}

#[test]
fn seed_003_refresh_answers_access_for_1_hour() {
    let site = shop();
    let (status, body) = refresh(&site, &log_in(&site).refresh);
    assert_eq!((status, names(&body)), (200, vec!["access"]));
    let access = body["access"].as_str().unwrap();
    assert_eq!(lifetime(access), 3600);
    assert_eq!(site.get("/api/me/", access).0, 200);
}

#[test]
fn seed_003_error_invalid_refresh_token() {
    let site = shop();
    let Pair {
        access,
        refresh: good,
    } = log_in(&site);
    for (token, text) in [
        ("x.y.z".to_owned(), "Token is invalid"),
        (expired(&good), "Token is expired"),
        (access, "Token has wrong type"),
    ] {
        let refused = json!({"detail": text, "code": "token_not_valid"});
        assert_eq!(refresh(&site, &token), (401, refused));
    }
}

#[test]
fn seed_003_access_token_goes_into_the_authorization_header() {
    let site = shop();
    let Pair { access, .. } = log_in(&site);
    let answer = site.send_printed(&format!("GET /api/me/\nAuthorization: Bearer {access}"));
    assert_eq!(answer.status, 200);
    for elsewhere in [
        format!("GET /api/me/?access={access}"),
        format!("GET /api/me/\nCookie: access={access}"),
    ] {
        assert_eq!(site.send_printed(&elsewhere).status, 401);
    }
}

#[test]
fn seed_003_logout_is_the_clients_forgetting() {
    let site = shop();
    let Pair {
        access,
        refresh: kept,
    } = log_in(&site);
    assert_eq!(
        site.send_printed("GET /api/me/").status,
        401,
        "a client without its tokens"
    );
    assert_eq!(
        site.get("/api/me/", &access).0,
        200,
        "the server was told nothing"
    );
    assert_eq!(refresh(&site, &kept).0, 200);
}

#[test]
fn seed_003_refresh_before_expiry() {
    let site = shop();
    let Pair {
        access,
        refresh: kept,
    } = log_in(&site);
    let (status, body) = refresh(&site, &kept);
    assert_eq!(status, 200, "the access token has not expired");
    for token in [access.as_str(), body["access"].as_str().unwrap()] {
        assert_eq!(site.get("/api/me/", token).0, 200);
    }
}

#[test]
fn seed_003_clients_can_read_when_access_expires() {
    let site = shop();
    let claims = claims(&log_in(&site).access);
    assert!(claims["exp"].is_i64() && claims["iat"].is_i64());
}

#[test]
fn seed_003_refresh_token_is_for_refresh_only() {
    let site = shop();
    let (status, body) = site.get("/api/me/", &log_in(&site).refresh);
    assert_eq!((status, &body["code"]), (401, &json!("token_not_valid")));
}

#[test]
fn seed_003_last_login_is_updated_on_obtaining() {
    let site = shop();
    let login = json!({"email": EMAIL, "password": "wrong"});
    assert_eq!(site.post("/auth/token/", &login).0, 401);
    assert_eq!(last_login(&site), None);
    let Pair { refresh: token, .. } = log_in(&site);
    let first = last_login(&site);
    assert!(first.is_some());
    assert_eq!(refresh(&site, &token).0, 200);
    assert_eq!(last_login(&site), first, "a refresh is no log-in");
}

#[test]
fn seed_003_last_login_is_left_alone_by_default() {
    let site = shop_with("");
    log_in(&site);
    assert_eq!(last_login(&site), None);
}

#[test]
fn seed_003_protected_resources_ask_for_a_token() {
    let answer = shop().send_printed("GET /api/me/");
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.body,
        json!({"detail": "Authentication credentials were not provided."})
    );
}
