//! What a server writes on standard error, and what pages of other origins are told.

use crate::support::{Folder, Server, Transcript};
use serde_json::{Value, json};

/// Uses every secret there is, also where it does not belong, and returns what was logged.
fn secrets(server: Server) -> (Transcript, Vec<String>) {
    let password = server.announced()["password"].as_str().unwrap().to_owned();
    let login = json!({"username": "test", "password": password});
    let (status, pair) = server.post("/api/token/", &login);
    assert_eq!(status, 200, "{pair}");
    let text = |name: &str| pair[name].as_str().unwrap().to_owned();
    let (access, refresh) = (text("access"), text("refresh"));
    assert_eq!(server.get("/api/me/", &access).0, 200);
    let wrong = json!({"username": "test", "password": "n0t-the-one"});
    assert_eq!(server.post("/api/token/", &wrong).0, 401);
    let query = format!("/api/token/refresh/?refresh={refresh}&password=n0t-the-one");
    assert_eq!(server.post(&query, &json!({"refresh": refresh})).0, 200);
    let signatures = [&access, &refresh].map(|token| token.rsplit('.').next().unwrap().to_owned());
    let mut secrets = vec![access.clone(), refresh.clone(), "n0t-the-one".to_owned()];
    secrets.extend(signatures);
    (server.stop(), secrets)
}

#[test]
fn every_request_leaves_a_line_without_a_secret() {
    let folder = Folder::new().with_variable("TOKENPAIR_LOG", "trace");
    let (told, secrets) = secrets(folder.serve("serve --demo --json --log-format text"));
    for secret in secrets {
        assert!(!told.err.contains(&secret), "{secret} in {}", told.err);
    }
    for start in [
        "request method=POST path=/api/token/ status=200 duration_ms=",
        "request method=GET path=/api/me/ status=200 duration_ms=",
        "request method=POST path=/api/token/ status=401 duration_ms=",
        "request method=POST path=/api/token/refresh/ status=200 duration_ms=",
    ] {
        let line = told.err.lines().find(|line| line.contains(start));
        let line = line.unwrap_or_else(|| panic!("{start} not in {}", told.err));
        assert!(
            line.contains(" INFO ") && line.contains(" address=127.0.0.1 request_id="),
            "{line}"
        );
    }
}

#[test]
fn a_json_log_is_one_object_a_line() {
    let folder = Folder::new().with_variable("TOKENPAIR_LOG_FORMAT", "json");
    let server = folder.serve("");
    let asked = "GET /livez?token=n0 HTTP/1.1\r\nX-Request-ID: from-the-balancer\r\n";
    let answer = server.send(asked, "");
    assert_eq!(answer.header("x-request-id"), Some("from-the-balancer"));
    let told = server.stop();
    let events: Vec<Value> = told
        .err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for event in &events {
        let is_flat = event
            .as_object()
            .unwrap()
            .values()
            .all(|value| !value.is_object());
        assert!(
            is_flat && event["timestamp"].as_str().unwrap().ends_with('Z'),
            "{event}"
        );
    }
    let request = events
        .iter()
        .find(|event| event["target"] == "tokenpair::request")
        .unwrap();
    assert_eq!(request["request_id"], "from-the-balancer");
    assert_eq!(
        (&request["path"], &request["status"]),
        (&json!("/livez"), &json!(200))
    );
}

#[test]
fn request_lines_can_be_switched_off() {
    let folder = Folder::new().with_variable("TOKENPAIR_LOG", "tokenpair::request=off");
    let server = folder.serve("");
    assert_eq!(server.get("/livez", "").0, 200);
    let told = server.stop();
    assert!(
        told.err.contains("stopped") && !told.err.contains("/livez"),
        "{}",
        told.err
    );
}

#[test]
fn the_demo_may_be_called_from_pages_of_this_computer_and_a_server_from_none() {
    let preflight = "OPTIONS /api/token/ HTTP/1.1\r\nOrigin: http://localhost:5173\r\n\
                     Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,content-type\r\n";
    let answer = Folder::new().serve("serve --demo").send(preflight, "");
    assert_eq!((answer.status, &answer.body), (200, &json!("")));
    for (name, value) in [
        ("Access-Control-Allow-Origin", "http://localhost:5173"),
        (
            "Access-Control-Allow-Headers",
            "accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with, x-token-delivery",
        ),
        ("Vary", "origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{answer:?}");
    }

    let answer = Folder::new().serve("").send(preflight, "");
    let allowed = answer.header("Access-Control-Allow-Origin");
    assert_eq!(
        (allowed, answer.header("Vary")),
        (None, Some("Accept")),
        "{answer:?}"
    );
    assert_eq!(answer.body["name"], "Token Obtain Pair");
}
