//! SIGHUP: what a running server takes over, and what it refuses.

use crate::support::{Folder, Server, wait_until};
use serde_json::{Value, json};
use std::fs;

const REFUSED: &str = "the configuration cannot be used, the old one stays";

fn server(content: &str) -> (Folder, Server) {
    let folder = Folder::new()
        .with_file("tokenpair.toml", content)
        .with_user("ada");
    let server = folder.serve("serve");
    (folder, server)
}

fn status(server: &Server, path: &str) -> u16 {
    server.get(path, "").0
}

/// Reloads `content`, which must be refused for a reason that contains `hint`.
fn refuse(folder: &Folder, server: &Server, content: &str, hint: &str) {
    let refusals = || server.log().matches(REFUSED).count();
    let before = refusals();
    fs::write(folder.path("tokenpair.toml"), content).unwrap();
    server.signal("HUP");
    wait_until(|| refusals() > before);
    let log = server.log();
    assert!(log.lines().last().unwrap().contains(hint), "{log}");
}

#[test]
fn a_hangup_loads_the_configuration_again() {
    let (folder, server) = server("[paths]\nme = \"/first/\"\n");
    assert_eq!(
        (status(&server, "/first/"), status(&server, "/second/")),
        (401, 404)
    );
    let content = "[server]\nlog_format = \"json\"\n[paths]\nme = \"/second/\"\n[cors]\nCORS_ALLOW_ALL_ORIGINS = true\n";
    fs::write(folder.path("tokenpair.toml"), content).unwrap();
    server.signal("HUP");
    wait_until(|| status(&server, "/second/") == 401);
    assert_eq!(status(&server, "/first/"), 404);
    wait_until(|| server.log().contains("[server] log_format has changed"));
    let answer = server.send("GET /second/ HTTP/1.1\r\nOrigin: https://a.example\r\n", "");
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(server.stop().status, Some(0));
}

#[test]
fn a_flawed_configuration_changes_nothing() {
    let (folder, server) = server("[paths]\nme = \"/first/\"\n");
    let names = folder.names();
    for (content, hint) in [
        ("[paths]\nme = 3\n", "tokenpair.toml:2:6"),
        (
            "[paths]\nme = \"/second/\"\n[simple_jwt]\nSIGNING_KEY = \"short\"\n",
            "SIGNING_KEY",
        ),
        (
            "[paths]\nme = \"/second/\"\n[claims]\nmail = \"user.emial\"\n",
            "emial",
        ),
        (
            "[paths]\nme = \"/second/\"\n[database]\nurl = \"sqlite:other.sqlite3\"\n",
            "other.sqlite3",
        ),
        (
            "[paths]\nme = \"/second/\"\n[database]\nurl = \"sqlite:other.sqlite3\"\n[simple_jwt]\nSIGNING_KEY = \"short\"\n",
            "",
        ),
    ] {
        refuse(&folder, &server, content, hint);
        assert_eq!(
            (status(&server, "/first/"), status(&server, "/second/")),
            (401, 404),
            "{content}"
        );
        assert_eq!(folder.names(), names, "{content}");
    }
}

#[test]
fn a_key_file_that_is_gone_is_not_made_anew() {
    let (folder, server) = server("");
    let login = json!({"username": "ada", "password": "s3cret-enough"});
    let (_, pair) = server.post("/api/token/", &login);
    fs::remove_file(folder.path("tokenpair.key")).unwrap();
    refuse(&folder, &server, "", "signing key is gone");
    assert!(!folder.path("tokenpair.key").exists());
    assert_eq!(
        server
            .post("/api/token/verify/", &json!({"token": pair["access"]}))
            .0,
        200
    );
}

#[test]
fn another_key_is_a_security_event_and_ends_every_token() {
    let (folder, server) = server("");
    let login = json!({"username": "ada", "password": "s3cret-enough"});
    let (_, pair) = server.post("/api/token/", &login);
    let verified = |token: &Value| {
        server
            .post("/api/token/verify/", &json!({"token": token}))
            .0
    };
    assert_eq!(verified(&pair["access"]), 200);
    fs::write(
        folder.path("tokenpair.key"),
        "another key that is long enough for HS256",
    )
    .unwrap();
    server.signal("HUP");
    wait_until(|| server.log().contains("key_change"));
    assert_eq!(verified(&pair["access"]), 401);
    assert!(!server.log().contains("another key"));
}

#[test]
fn another_database_takes_over_if_it_is_ready() {
    let (folder, server) = server("");
    let eve = "createuser --username eve --password-stdin --database sqlite:other.sqlite3";
    assert_eq!(
        folder.run_with_input(eve, "s3cret-enough\n").status,
        Some(0)
    );
    let login = json!({"username": "eve", "password": "s3cret-enough"});
    assert_eq!(server.post("/api/token/", &login).0, 401);
    fs::write(
        folder.path("tokenpair.toml"),
        "[database]\nurl = \"sqlite:other.sqlite3\"\n",
    )
    .unwrap();
    server.signal("HUP");
    wait_until(|| server.post("/api/token/", &login).0 == 200);
    assert_eq!(server.get("/readyz", "").0, 200);
}

#[test]
fn a_terminal_that_is_closed_takes_the_demo_with_it() {
    let folder = Folder::new();
    let server = folder.serve("serve --demo");
    server.signal("HUP");
    assert_eq!(server.end().status, Some(0));
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}
