//! What goes wrong at the start: exit status 1 and one line that says what to do; 2 for wrong usage.

use crate::support::{Folder, Transcript, wait_until};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::time::Duration;

/// The only line on standard error, without `tokenpair: `.
pub fn refusal(told: &Transcript) -> &str {
    assert_eq!(
        (told.status, told.out.as_str()),
        (Some(1), ""),
        "{}",
        told.err
    );
    let line = told
        .err
        .strip_prefix("tokenpair: ")
        .unwrap_or_else(|| panic!("not ours: {}", told.err));
    assert_eq!(line.lines().count(), 1, "{line}");
    line.trim_end()
}

/// For servers that had something to log before.
fn last_line(told: &Transcript) -> &str {
    assert_eq!(
        (told.status, told.out.as_str()),
        (Some(1), ""),
        "{}",
        told.err
    );
    told.err.lines().last().unwrap()
}

fn with_setting(line: &str) -> Folder {
    Folder::new().with_file("tokenpair.toml", format!("[simple_jwt]\n{line}\n"))
}

#[test]
fn a_bad_setting_is_named_with_its_source() {
    for (line, name) in [
        ("NO_SUCH_SETTING = 1", "NO_SUCH_SETTING"),
        ("ACCESS_TOKEN_LIFETIME = \"soon\"", "ACCESS_TOKEN_LIFETIME"),
        ("ALGORITHM = \"none\"", "ALGORITHM"),
        ("SIGNING_KEY = \"short\"", "SIGNING_KEY"),
    ] {
        let told = with_setting(line).run("serve");
        assert_eq!((told.status, told.out.as_str()), (Some(1), ""));
        let place = "tokenpair: tokenpair.toml:2:";
        assert!(
            told.err.starts_with(place) && told.err.contains(name) && told.err.ends_with("^\n"),
            "{}",
            told.err
        );
        assert!(!told.err.contains("short\""), "shows the key: {}", told.err);
    }
}

#[test]
fn a_bad_variable_is_named() {
    let told = Folder::new()
        .with_variable("TOKENPAIR_LEEWAY", "much")
        .run("serve");
    assert!(refusal(&told).contains("TOKENPAIR_LEEWAY"), "{}", told.err);
}

#[test]
fn a_configuration_that_cannot_be_read_is_named() {
    let told = Folder::new().run("serve --config nowhere.toml");
    assert!(refusal(&told).starts_with("nowhere.toml: "), "{}", told.err);
    for (content, place) in [
        ("[server\n", "1:8"),
        ("[server]\nport = 1\n", "2:1"),
        ("[surprise]\n", "1:2"),
    ] {
        let told = Folder::new()
            .with_file("tokenpair.toml", content)
            .run("serve");
        assert_eq!(told.status, Some(1));
        assert!(
            told.err
                .starts_with(&format!("tokenpair: tokenpair.toml:{place}: ")),
            "{}",
            told.err
        );
    }
}

#[test]
fn a_port_in_use_is_named() {
    let occupied = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = occupied.local_addr().unwrap();
    let told = Folder::new().run(&format!("serve --listen {address}"));
    let line = last_line(&told);
    assert!(
        line.starts_with(&format!("tokenpair: cannot listen on {address}: ")),
        "{line}"
    );
    assert!(line.contains("--listen"), "{line}");
}

#[test]
fn a_start_that_fails_does_not_use_up_the_first_password() {
    let folder = Folder::new();
    let occupied = TcpListener::bind("127.0.0.1:0").unwrap();
    folder.run(&format!(
        "serve --listen {}",
        occupied.local_addr().unwrap()
    ));
    let server = folder.serve("--json");
    let password = &server.announced()["password"];
    assert_eq!(
        server
            .post(
                "/api/token/",
                &json!({"username": "admin", "password": password})
            )
            .0,
        200
    );
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let garbage = "garbage ".repeat(1000);
    for line in [
        "serve",
        "migrate",
        "createuser --username ada --password-stdin",
    ] {
        let folder = Folder::new().with_file("tokenpair.sqlite3", &garbage);
        let told = folder.run_with_input(line, "s3cret-enough\n");
        assert!(refusal(&told).contains("database"), "{line}: {}", told.err);
        assert_eq!(
            std::fs::read(folder.path("tokenpair.sqlite3")).unwrap(),
            garbage.as_bytes()
        );
    }
}

#[test]
fn a_database_that_cannot_be_opened_is_refused() {
    for url in ["sqlite:no/such/folder/db.sqlite3", "postgres://localhost/x"] {
        let told = Folder::new().run(&format!("migrate --database {url}"));
        assert!(!refusal(&told).is_empty());
    }
}

#[test]
fn users_that_cannot_be_created_are_refused() {
    let folder = Folder::new();
    let create = |name: &str, password: &str| {
        folder.run_with_input(
            &format!("createuser --password-stdin --username {name}"),
            password,
        )
    };
    assert_eq!(create("ada", "s3cret-enough\n").status, Some(0));
    assert_eq!(
        refusal(&create("ada", "s3cret-enough\n")),
        "the user name \"ada\" is taken"
    );
    assert!(refusal(&create("a/b", "s3cret-enough\n")).contains("no user name"));
    assert!(refusal(&create("eve", "\n")).contains("password"));
    let told = folder.run("createuser --username eve");
    assert!(refusal(&told).contains("--password-stdin"), "{}", told.err);
}

#[test]
fn a_log_that_cannot_be_is_refused() {
    for (name, value) in [
        ("TOKENPAIR_LOG", "infoo"),
        ("TOKENPAIR_LOG", "info,tokenpair::request=loud"),
        ("TOKENPAIR_LOG_FORMAT", "xml"),
    ] {
        let told = Folder::new().with_variable(name, value).run("serve");
        let refused = refusal(&told);
        let source = format!("environment variable {name}");
        assert!(
            refused.contains(&source) && refused.contains(": expected "),
            "{refused}"
        );
    }
    let folder = Folder::new().with_variable("TOKENPAIR_LOG_FORMAT", "json");
    assert_eq!(
        folder.run("migrate").status,
        Some(0),
        "the variable is for serve"
    );
}

#[test]
fn json_was_asked_for_and_failures_are_json() {
    let told = Folder::new().run("--json serve --config nowhere.toml");
    assert_eq!(told.status, Some(1));
    let error: Value = serde_json::from_str(&told.err).unwrap();
    assert!(
        error["error"]
            .as_str()
            .unwrap()
            .starts_with("nowhere.toml: "),
        "{error}"
    );
}

#[test]
fn wrong_usage_has_a_status_of_its_own() {
    for line in [
        "--nonsense",
        "nonsense",
        "createuser",
        "serve --listen nowhere",
        "serve --log-format xml",
        "--log-format json migrate",
    ] {
        let told = Folder::new().run(line);
        assert_eq!(
            (told.status, told.out.as_str()),
            (Some(2), ""),
            "{line}: {}",
            told.err
        );
    }
}

#[test]
fn whenever_a_first_start_is_interrupted_nobody_is_left_with_an_unknown_password() {
    for pause in (0..400).step_by(25) {
        let folder = Folder::new();
        let line = "serve --json --listen 127.0.0.1:0";
        let told = folder.interrupt(line, Duration::from_millis(pause));
        let database = folder.path("tokenpair.sqlite3");
        let is_made = database.exists() && folder.count("auth_user") > 0;
        assert!(
            !is_made || told.out.contains("\"password\""),
            "{pause} ms: {told:?}"
        );
    }
}

#[test]
fn who_asks_twice_need_not_wait_for_requests_in_flight() {
    let folder = Folder::new().with_user("ada");
    let server = folder.serve("serve");
    let _half = server.begin("POST /api/token/ HTTP/1.1\r\nContent-Length: 10\r\n");
    server.signal("INT");
    wait_until(|| server.log().contains("stopping"));
    server.signal("INT");
    let told = server.end();
    assert!(told.err.contains("stopped at once"), "{}", told.err);
    assert_eq!(told.status, Some(0));
}

#[test]
fn a_service_of_the_same_name_in_kubernetes_does_no_harm() {
    let folder = Folder::new()
        .with_variable("TOKENPAIR_SERVICE_HOST", "10.0.0.1")
        .with_variable("TOKENPAIR_SERVICE_PORT", "8000")
        .with_variable("TOKENPAIR_SERVICE_PORT_HTTP", "8000")
        .with_variable("TOKENPAIR_PORT", "tcp://10.0.0.1:8000")
        .with_variable("TOKENPAIR_PORT_8000_TCP_ADDR", "10.0.0.1");
    assert_eq!(folder.run("migrate").status, Some(0));
    let folder = folder.with_variable("TOKENPAIR_SERVICE", "x");
    assert_eq!(folder.run("migrate").status, Some(1));
}

#[test]
fn a_key_file_that_cannot_be_a_key_says_what_would_be() {
    for (content, hint) in [
        (&b"\xff\xfe\x00"[..], "openssl rand"),
        (b"", "is empty"),
        (b"short", "at least 32"),
    ] {
        let folder = Folder::new().with_file("tokenpair.key", content);
        let told = folder.run("serve");
        assert!(
            told.status == Some(1) && told.err.contains(hint),
            "{}",
            told.err
        );
    }
}

#[test]
fn a_folder_that_is_not_there_is_told_without_names_of_ours() {
    for line in [
        "init --output no/such/tokenpair.toml",
        "serve --config nowhere.toml",
    ] {
        let told = Folder::new().run(line);
        assert!(
            told.status == Some(1) && !told.err.contains("at path"),
            "{}",
            told.err
        );
    }
}
