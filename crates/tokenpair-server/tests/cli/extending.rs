//! What in Simple JWT takes a subclass or a setting and here a line of `tokenpair.toml`, as COMPATIBILITY.md shows it.

use crate::support::{Folder, Server, wait_until};
use serde_json::{Value, json};

/// A server with ada, who is no staff, under this configuration.
fn site(configuration: &str) -> (Folder, Server) {
    let folder = Folder::new()
        .with_user("ada")
        .with_file("tokenpair.toml", configuration);
    let server = folder.serve("serve");
    (folder, server)
}

fn log_in(server: &Server, path: &str) -> (u16, Value) {
    let ada = json!({"username": "ada", "password": "s3cret-enough"});
    server.post(path, &ada)
}

fn claims(token: &Value) -> Value {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn tokens_may_come_in_another_header_under_another_scheme() {
    let (_folder, server) = site(
        "[simple_jwt]\nAUTH_HEADER_TYPES = [\"JWT\", \"Bearer\"]\nAUTH_HEADER_NAME = \"HTTP_X_ACCESS_TOKEN\"\n",
    );
    let access = log_in(&server, "/api/token/").1["access"].clone();
    let access = access.as_str().unwrap();
    let status = |header: &str| {
        let head = format!("GET /api/me/ HTTP/1.1\r\n{header} {access}\r\n");
        server.send(&head, "").status
    };
    assert_eq!(status("X-Access-Token: JWT"), 200);
    assert_eq!(status("X-Access-Token: Bearer"), 200);
    assert_eq!(status("Authorization: Bearer"), 401);
    let refused = server.send("GET /api/me/ HTTP/1.1\r\n", "");
    assert_eq!(
        refused.header("www-authenticate"),
        Some("JWT realm=\"api\"")
    );
}

#[test]
fn sliding_tokens_may_stand_in_for_pairs() {
    let (_folder, server) = site(
        "[simple_jwt]\nAUTH_TOKEN_CLASSES = [\"SlidingToken\"]\n\n[paths]\ntoken_obtain_pair = false\n\
         token_refresh = false\ntoken_obtain_sliding = \"/api/token/\"\ntoken_refresh_sliding = \"/api/token/refresh/\"\n",
    );
    let (status, answer) = log_in(&server, "/api/token/");
    assert_eq!(status, 200, "{answer}");
    let token = answer["token"].as_str().unwrap();
    assert_eq!(server.get("/api/me/", token).0, 200);
    let (status, again) = server.post("/api/token/refresh/", &json!({"token": token}));
    assert_eq!(status, 200, "{again}");
    assert_eq!(claims(&again["token"])["token_type"], "sliding");
}

#[test]
fn a_column_may_decide_who_logs_in() {
    let (folder, server) = site("[user_model]\nis_active = \"is_staff\"\n");
    assert_eq!(log_in(&server, "/api/token/").0, 401);
    let sql = "UPDATE auth_user SET is_staff = 1";
    assert_eq!(folder.database().execute(sql, []).unwrap(), 1);
    assert_eq!(log_in(&server, "/api/token/").0, 200);
}

#[test]
fn without_an_active_column_everybody_logs_in() {
    let (folder, server) = site("[user_model]\nis_active = \"\"\n");
    let sql = "UPDATE auth_user SET is_active = 0";
    assert_eq!(folder.database().execute(sql, []).unwrap(), 1);
    let (status, pair) = log_in(&server, "/api/token/");
    assert_eq!(status, 200, "{pair}");
    let access = pair["access"].as_str().unwrap();
    assert_eq!(server.get("/api/me/", access).0, 200);
}

#[test]
fn tokens_may_name_users_by_another_column_and_claim() {
    let (_folder, server) = site(
        "[simple_jwt]\nUSER_ID_FIELD = \"username\"\nUSER_ID_CLAIM = \"sub\"\nTOKEN_TYPE_CLAIM = \"type\"\n\
         AUDIENCE = \"shop\"\nISSUER = \"https://accounts.example.com\"\n",
    );
    let (_, pair) = log_in(&server, "/api/token/");
    let told = claims(&pair["access"]);
    assert_eq!(
        (&told["sub"], &told["type"], &told["aud"], &told["iss"]),
        (
            &json!("ada"),
            &json!("access"),
            &json!("shop"),
            &json!("https://accounts.example.com")
        )
    );
    let access = pair["access"].as_str().unwrap();
    assert_eq!(server.get("/api/me/", access).1["username"], "ada");
}

#[test]
fn a_changed_password_ends_every_token() {
    let (folder, server) =
        site("[simple_jwt]\nCHECK_REVOKE_TOKEN = true\nREVOKE_TOKEN_CLAIM = \"pw\"\n");
    let (_, pair) = log_in(&server, "/api/token/");
    let access = pair["access"].as_str().unwrap();
    assert!(claims(&pair["access"])["pw"].is_string());
    assert_eq!(server.get("/api/me/", access).0, 200);
    let told = folder.run_with_input("changepassword ada --password-stdin", "an0ther-one\n");
    assert_eq!(told.status, Some(0), "{}", told.err);
    let (status, body) = server.get("/api/me/", access);
    assert_eq!((status, &body["code"]), (401, &json!("password_changed")));
    let (status, _) = server.post("/api/token/refresh/", &json!({"refresh": pair["refresh"]}));
    assert_eq!(status, 401);
}

#[test]
fn log_ins_are_told_in_the_log_and_in_the_users_row() {
    let (folder, server) = site("[simple_jwt]\nUPDATE_LAST_LOGIN = true\n");
    assert_eq!(log_in(&server, "/api/token/").0, 200);
    let wrong = json!({"username": "ada", "password": "wrong"});
    assert_eq!(server.post("/api/token/", &wrong).0, 401);
    let told = |text: &str| server.log().lines().any(|line| line.contains(text));
    wait_until(|| told("log_in success") && told("log_in refused"));
    let sql = "SELECT last_login IS NOT NULL FROM auth_user";
    let noted: bool = folder
        .database()
        .query_row(sql, [], |row| row.get(0))
        .unwrap();
    assert!(noted);
}

/// The statement of COMPATIBILITY.md for "log out everywhere".
#[test]
fn all_sessions_of_a_user_are_ended_in_djangos_tables() {
    let (folder, server) = site("");
    let refresh: Vec<Value> = (0..2)
        .map(|_| log_in(&server, "/api/token/").1["refresh"].clone())
        .collect();
    let sql = "INSERT INTO token_blacklist_blacklistedtoken (token_id, blacklisted_at) \
               SELECT id, CURRENT_TIMESTAMP FROM token_blacklist_outstandingtoken WHERE user_id = 1 \
               ON CONFLICT DO NOTHING";
    assert_eq!(folder.database().execute(sql, []).unwrap(), 2);
    for token in &refresh {
        let (status, body) = server.post("/api/token/refresh/", &json!({"refresh": token}));
        assert_eq!(
            (status, &body["detail"]),
            (401, &json!("Token is blacklisted"))
        );
    }
}
