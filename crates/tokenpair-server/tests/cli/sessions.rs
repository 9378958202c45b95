//! Sessions at the server: their paths, their events, and where they are not served.

use crate::postgres::new_database;
use crate::support::{Folder, Server};
use serde_json::{Value, json};

const FILE: &str = "[simple_jwt]
ROTATE_REFRESH_TOKENS = true
BLACKLIST_AFTER_ROTATION = true
SESSIONS = true
[paths]
sessions = [\"/account/log-ins\", \"/api/sessions/\"]
";

fn log_in(server: &Server, body: &Value) -> (String, Value) {
    let (status, pair) = server.post("/api/token/", body);
    assert_eq!(status, 200, "{pair}");
    let access = pair["access"].as_str().unwrap().to_owned();
    (access, json!({"refresh": pair["refresh"]}))
}

fn delete(server: &Server, path: &str, access: &str) -> (u16, Value) {
    let head = format!("DELETE {path} HTTP/1.1\r\nAuthorization: Bearer {access}\r\n");
    let answer = server.send(&head, "");
    (answer.status, answer.body)
}

fn sessions_are_seen_and_ended(folder: Folder) {
    let folder = folder.with_file("tokenpair.toml", FILE).with_user("ada");
    let server = folder.serve("serve --log-format json");
    let ada = json!({"username": "ada", "password": "s3cret-enough"});
    let [(access, refresh), (_, other), _] = [(); 3].map(|()| log_in(&server, &ada));
    let (status, sessions) = server.get("/account/log-ins", &access);
    let ids: Vec<_> = sessions
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["id"])
        .collect();
    assert_eq!((status, ids.len()), (200, 3), "{sessions}");
    assert_eq!(sessions[2]["current"], true, "{sessions}");
    assert_eq!(
        server.get("/api/sessions/", &access),
        (200, sessions.clone())
    );

    let place =
        |path: &str, number: usize| format!("{path}/{}", sessions[number]["id"].as_str().unwrap());
    let ended = delete(&server, &place("/account/log-ins", 0), &access);
    assert_eq!(ended, (204, json!("")));
    let ended = delete(&server, &format!("{}/", place("/api/sessions", 1)), &access);
    assert_eq!(ended, (204, json!("")));
    assert_eq!(server.post("/api/token/refresh/", &other).0, 401);
    let gone = delete(&server, &place("/account/log-ins", 1), &access);
    assert_eq!(gone, (404, json!({"detail": "Not found."})));

    assert_eq!(server.post("/api/logout/", &refresh), (200, json!({})));
    assert_eq!(server.post("/api/logout/", &refresh).0, 401);
    assert_eq!(server.get("/api/me/", &access).0, 401);
    let told = server.stop();
    let events: Vec<Value> = told
        .err
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line["target"] == "tokenpair::event")
        .collect();
    let names: Vec<_> = events
        .iter()
        .map(|event| [&event["event"], &event["outcome"]].map(|text| text.as_str().unwrap()))
        .collect();
    let [log_in, end] = [["log_in", "success"], ["session_end", "success"]];
    let refused = [
        ["refresh", "refused"],
        ["log_out", "success"],
        ["log_out", "refused"],
    ];
    assert_eq!(
        names,
        [[log_in; 3].as_slice(), &[end; 2], &refused].concat()
    );
    assert_eq!(events[3]["session"], sessions[0]["id"]);
    assert_eq!(events[3]["user_id"], "1");
}

#[test]
fn sessions_are_seen_and_ended_in_a_file() {
    sessions_are_seen_and_ended(Folder::new());
}

#[test]
fn sessions_are_seen_and_ended_in_postgres() {
    let Some(url) = new_database() else { return };
    sessions_are_seen_and_ended(Folder::new().with_variable("TOKENPAIR_DATABASE", &url));
}

#[test]
fn the_demo_keeps_sessions_unless_it_could_not() {
    for (rotation, status) in [("false", 200), ("true", 404)] {
        let folder = Folder::new().with_variable("TOKENPAIR_ROTATE_REFRESH_TOKENS", rotation);
        let server = folder.serve("serve --demo");
        let (access, _) = log_in(&server, &json!({"username": "test", "password": "test"}));
        let head = format!("GET /api/sessions/ HTTP/1.1\r\nAuthorization: Bearer {access}\r\n");
        assert_eq!(server.send(&head, "").status, status, "rotation {rotation}");
    }
}

#[test]
fn without_the_blacklist_there_is_nothing_to_log_out_of() {
    let folder = Folder::new()
        .with_file("tokenpair.toml", "[database]\ntoken_blacklist = false\n")
        .with_user("ada");
    let server = folder.serve("serve");
    for path in ["/api/logout/", "/api/logout/all/", "/api/sessions/"] {
        let answer = server.send(&format!("POST {path} HTTP/1.1\r\n"), "");
        assert_eq!(answer.status, 404, "{path}");
    }
    let folder = folder.with_variable("TOKENPAIR_SESSIONS", "true");
    let told = folder.run("check");
    assert_eq!(told.status, Some(1));
    assert!(told.out.contains("SESSIONS"), "{}", told.out);
}
