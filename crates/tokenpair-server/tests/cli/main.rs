//! The command by its transcripts: arguments, exit status, output; and a server from its first start to SIGTERM.

#![cfg(unix)]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod accounts;
mod claims;
mod configuration;
mod extending;
mod failures;
mod flush;
mod import_django;
mod log;
mod manual;
mod output;
mod passwords;
mod postgres;
mod purge;
mod reload;
mod sessions;
mod shadow;
mod shadow_django;
#[path = "../support/smtp.rs"]
mod smtp;
mod stop;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod tokens;
mod usage;
mod users;

use serde_json::json;
use support::{Folder, is_private};

#[test]
fn a_token_lives_from_log_in_to_blacklist() {
    let folder = Folder::new();
    let server = folder.serve("--json");
    let announced = server.announced();
    assert_eq!(announced["username"], "admin");
    let login = json!({"username": "admin", "password": announced["password"]});

    let (status, pair) = server.post("/api/token/", &login);
    assert_eq!(status, 200, "{pair}");
    let access = pair["access"].as_str().unwrap();
    let refresh = json!({"refresh": pair["refresh"]});
    assert_eq!(
        server.get("/api/me/", access),
        (
            200,
            json!({"id": 1, "username": "admin", "email": "", "first_name": "", "last_name": ""})
        )
    );
    assert_eq!(
        server.post("/api/token/verify/", &json!({"token": access})),
        (200, json!({}))
    );
    assert_eq!(server.post("/api/token/refresh/", &refresh).0, 200);
    assert_eq!(
        server.post("/api/token/blacklist/", &refresh),
        (200, json!({}))
    );

    let (status, body) = server.post("/api/token/refresh/", &refresh);
    assert_eq!((status, &body["code"]), (401, &json!("token_not_valid")));
    assert_eq!(
        server
            .post(
                "/api/token/",
                &json!({"username": "admin", "password": "wrong"})
            )
            .0,
        401
    );
    assert_eq!(server.get("/api/me/", "x.y.z").0, 401);
    assert_eq!(server.get("/readyz", "").0, 200);
    assert_eq!(server.stop().status, Some(0));
}

#[test]
fn a_second_start_is_quiet_and_honours_the_tokens_of_the_first() {
    let folder = Folder::new();
    let first = folder.serve("serve --json");
    let password = first.announced()["password"].clone();
    let login = json!({"username": "admin", "password": password});
    let (_, pair) = first.post("/api/token/", &login);
    let stopped = first.stop();
    assert_eq!(stopped.status, Some(0));
    assert!(
        !stopped.err.contains(password.as_str().unwrap()),
        "the password is in the log"
    );
    assert!(is_private(&folder.path("tokenpair.key")));

    let second = folder.serve("serve --json");
    let announced = second.announced();
    assert_eq!(
        announced.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["listening"]
    );
    assert_eq!(
        second
            .post("/api/token/verify/", &json!({"token": pair["access"]}))
            .0,
        200
    );
    assert_eq!(second.post("/api/token/", &login).0, 200);
    let stopped = second.stop();
    assert_eq!(stopped.out.lines().count(), 1, "{}", stopped.out);
}

#[test]
fn a_first_start_tells_people_what_to_paste() {
    let folder = Folder::new();
    let told = folder.serve("").stop();
    assert!(
        told.out
            .starts_with("tokenpair is listening on http://127.0.0.1:"),
        "{}",
        told.out
    );
    assert!(told.out.contains("  user      admin\n"), "{}", told.out);
    assert!(
        told.out.contains("curl -s http://127.0.0.1:"),
        "{}",
        told.out
    );
}

#[test]
fn a_first_start_with_moved_paths_prints_commands_that_work() {
    let paths = "[paths]\ntoken_obtain_pair = [\"/gettoken/\", \"/x/\"]\ntoken_refresh = \"/again/\"\nme = false\ndocs = \"/manual/\"\n";
    let folder = Folder::new().with_file("tokenpair.toml", paths);
    let told = folder.serve("").stop();
    assert!(
        told.out.contains("/gettoken/ -H") && told.out.contains("/again/ -H"),
        "{}",
        told.out
    );
    assert!(told.out.contains("In a browser: http://127.0.0.1:"));
    assert!(told.out.contains("/manual/\n"), "{}", told.out);
    assert!(!told.out.contains("/api/"), "{}", told.out);
}

#[test]
fn where_users_log_in_by_e_mail_no_first_user_is_made_up() {
    let folder = Folder::new().with_file("tokenpair.toml", "[user_model]\nusername = \"email\"\n");
    let told = folder.serve("").stop();
    assert_eq!(told.out.lines().count(), 1, "{}", told.out);
    assert!(told.err.contains("createsuperuser"), "{}", told.err);
}

#[test]
fn a_first_start_that_cannot_work_leaves_no_database() {
    let folder = Folder::new().with_file("tokenpair.toml", "[claims]\nmail = \"user.emial\"\n");
    assert_eq!(folder.run("serve").status, Some(1));
    std::fs::write(folder.path("tokenpair.toml"), "").unwrap();
    assert_eq!(folder.serve("--json").announced()["username"], "admin");
}

#[test]
fn the_demo_keeps_nothing() {
    let folder = Folder::new();
    let server = folder.serve("serve --demo --json");
    let announced = server.announced();
    assert_eq!(
        (&announced["username"], &announced["password"]),
        (&json!("test"), &json!("test"))
    );
    let (status, pair) = server.post(
        "/gettoken/",
        &json!({"username": "test", "password": "test"}),
    );
    assert_eq!(status, 200, "{pair}");
    assert_eq!(
        server
            .post("/verifytoken/", &json!({"token": pair["access"]}))
            .0,
        200
    );
    assert_eq!(
        server.get("/api/me/", pair["access"].as_str().unwrap()).0,
        200
    );
    assert_eq!(server.stop().status, Some(0));
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[test]
fn migrate_applies_once() {
    let folder = Folder::new();
    let first = folder.run("migrate");
    assert_eq!((first.status, first.err.as_str()), (Some(0), ""));
    assert!(first.out.lines().count() > 1, "{}", first.out);
    assert!(
        first
            .out
            .lines()
            .all(|line| line.starts_with("  Applying ") && line.ends_with("... OK"))
    );
    let second = folder.run("migrate");
    assert_eq!(
        (second.status, second.out.as_str()),
        (Some(0), "  No migrations to apply.\n")
    );
    assert_eq!(folder.run("--json migrate").out, "{\"applied\":null}\n");
}

#[test]
fn a_created_user_can_log_in() {
    let folder = Folder::new();
    let created = folder.run_with_input(
        "createuser --username ada --password-stdin",
        "s3cret-enough\n",
    );
    assert_eq!(
        (created.status, created.out.as_str()),
        (Some(0), "User \"ada\" created with id 1.\n")
    );
    let server = folder.serve("--json");
    assert!(
        server.announced().get("password").is_none(),
        "there is a user already"
    );
    let login = json!({"username": "ada", "password": "s3cret-enough"});
    assert_eq!(server.post("/api/token/", &login).0, 200);
}

#[test]
fn settings_come_from_the_file_and_are_overridden_by_the_environment() {
    let file = "[simple_jwt]\nAUTH_HEADER_TYPES = [\"Token\"]\n";
    let folder = Folder::new().with_file("tokenpair.toml", file);
    let (status, body) = folder.serve("serve --demo").get("/api/me/", "x.y.z");
    assert_eq!(status, 401, "the demo reads no file: {body}");

    let refused = folder.serve("").get("/api/me/", "x.y.z").1;
    assert_eq!(
        refused["detail"],
        "Authentication credentials were not provided."
    );
    let folder = folder.with_variable("TOKENPAIR_AUTH_HEADER_TYPES", "Token,Bearer");
    assert_eq!(
        folder.serve("").get("/api/me/", "x.y.z").1["code"],
        "token_not_valid"
    );
}

#[test]
fn help_and_version_are_no_failures() {
    let folder = Folder::new();
    for line in ["--help", "serve --help", "createuser --help", "--version"] {
        let told = folder.run(line);
        assert_eq!((told.status, told.err.as_str()), (Some(0), ""), "{line}");
        assert!(told.out.contains("tokenpair"), "{line}");
    }
}

#[test]
fn after_a_stop_the_file_alone_is_the_whole_database() {
    let folder = Folder::new().with_user("ada");
    assert_eq!(folder.names(), ["tokenpair.sqlite3"]);
    for signal in ["TERM", "INT"] {
        let server = folder.serve("serve");
        let login = json!({"username": "ada", "password": "s3cret-enough"});
        assert_eq!(server.post("/api/token/", &login).0, 200);
        server.signal(signal);
        assert_eq!(server.end().status, Some(0));
        assert_eq!(folder.names(), ["tokenpair.key", "tokenpair.sqlite3"]);
    }
    assert_eq!(folder.count("token_blacklist_outstandingtoken"), 2);
}
