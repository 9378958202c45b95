//! What stands around every answer, the listener's own included.

use super::*;
use crate::cors::{Cors, CorsSettings};
use crate::log::Format;
use crate::log::tests::Written;
use crate::middleware::Rules;
use serde_json::Value;

const PAGE: &str = "host: a\r\norigin: http://localhost:3000\r\nx-request-id: id-1\r\n";

pub(super) fn demo() -> Middleware {
    Middleware::new(Rules {
        cors: Some(Cors::new(&CorsSettings::localhost()).unwrap()),
        ..Rules::default()
    })
}

/// The lines about requests, each as `level method path status`.
fn lines(log: &Written) -> Vec<String> {
    let events = log.pieces().into_iter();
    let events = events.map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let requests = events.filter(|event| event["target"] == "tokenpair::request");
    requests
        .map(|event| {
            assert_eq!(event["address"], "127.0.0.1");
            let text = |name: &str| event[name].as_str().unwrap_or("-").to_owned();
            let status = &event["status"];
            format!(
                "{} {} {} {status}",
                text("level"),
                text("method"),
                text("path")
            )
        })
        .collect()
}

#[tokio::test]
async fn a_page_can_read_the_listeners_refusals_and_the_log_has_them() {
    let log = Written::default();
    let listening = log.listen(Format::Json);
    let limits = Limits {
        request_deadline: NEAR,
        body_deadline: NEAR,
        ..relaxed()
    };
    let server = start_behind(demo(), limits).await;
    for (head, status) in [
        ("POST /echo HTTP/1.1\r\ncontent-length: 9999999\r\n", 413),
        ("POST /echo HTTP/1.1\r\ncontent-length: 9\r\n", 408),
        ("GET /never HTTP/1.1\r\nconnection: close\r\n", 503),
        ("GET /panic HTTP/1.1\r\nconnection: close\r\n", 503),
        ("GET / HTTP/1.1\r\nconnection: close\r\n", 200),
    ] {
        let answer = server.talk(format!("{head}{PAGE}\r\n").as_bytes()).await;
        assert_eq!(statuses(&answer), [status], "{answer}");
        for header in [
            "access-control-allow-origin: http://localhost:3000",
            "vary: origin",
            "x-request-id: id-1",
        ] {
            assert!(answer.contains(header), "{header}: {answer}");
        }
    }
    server.stop().await;
    drop(listening);
    let expected = [
        "INFO POST /echo 413",
        "INFO POST /echo 408",
        "WARN GET /never 503",
        "WARN GET /panic 503",
        "INFO GET / 200",
    ];
    assert_eq!(lines(&log), expected);
}

#[tokio::test]
async fn what_is_no_request_and_what_gets_no_answer_are_logged() {
    let log = Written::default();
    let listening = log.listen(Format::Json);
    let limits = Limits {
        drain: NEAR,
        ..relaxed()
    };
    let mut server = start(limits).await;
    let request = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(9000));
    assert_eq!(statuses(&server.talk(request.as_bytes()).await), [414]);
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\nhost: a\r\nfold\r\n\r\n",
    ] {
        server.talk(bytes).await;
    }
    let mut client = server.connect().await;
    client.send(b"GET /gate HTTP/1.1\r\nhost: a\r\n\r\n").await;
    server.entered().await;
    server.stop().await;
    drop(listening);
    let cut = format!("INFO GET /{}... 414", "a".repeat(255));
    let expected = [
        &cut,
        "INFO - - null",
        "INFO - - null",
        "INFO GET /gate null",
    ];
    assert_eq!(lines(&log), expected);
}

#[tokio::test]
async fn a_preflight_with_a_body_does_not_disturb_the_next_request() {
    let mut server = start_behind(demo(), relaxed()).await;
    let asked = format!(
        "OPTIONS /gate HTTP/1.1\r\naccess-control-request-method: POST\r\ncontent-length: 2\r\n{PAGE}\r\n"
    );
    let mut client = server.connect().await;
    client.send(asked.as_bytes()).await;
    client.send(b"no").await;
    let answer = client.answer().await;
    assert_eq!(statuses(&answer), [200]);
    assert!(
        answer.contains("access-control-allow-methods: DELETE, GET"),
        "{answer}"
    );
    client.send(HELLO).await;
    assert!(client.answer().await.ends_with("hello"));
    assert!(server.entered.try_recv().is_err(), "no handler has seen it");
}

#[tokio::test]
async fn a_pipelined_request_does_not_get_the_id_of_another() {
    let server = start(relaxed()).await;
    let one = "GET / HTTP/1.1\r\nhost: a\r\nx-request-id: one\r\n\r\n";
    let two = "GET / HTTP/1.1\r\nhost: a\r\nx-request-id: two\r\nconnection: close\r\n\r\n";
    let answers = server.talk(format!("{one}{two}").as_bytes()).await;
    let ids = answers
        .lines()
        .filter_map(|line| line.strip_prefix("x-request-id: "));
    assert_eq!(ids.collect::<Vec<_>>(), ["one", "two"]);
}

#[tokio::test]
async fn what_is_refused_anywhere_is_refused_as_a_preflight_too() {
    let server = start_behind(demo(), relaxed()).await;
    let asked = "origin: http://localhost:3000\r\naccess-control-request-method: POST\r\nconnection: close\r\n";
    let long = "a".repeat(8192);
    for (target, head, status) in [
        ("/", "host: a\r\n", 200),
        ("/", "", 400),
        ("/", "host: a\r\nhost: b\r\n", 400),
        (&long, "host: a\r\n", 414),
        ("/", "host: a\r\ncontent-length: 9999999\r\n", 413),
    ] {
        let target = target.trim_start_matches('/');
        let request = format!("OPTIONS /{target} HTTP/1.1\r\n{head}{asked}\r\n");
        let answer = server.talk(request.as_bytes()).await;
        assert_eq!(statuses(&answer), [status], "{head}: {answer}");
        let header = "access-control-allow-origin: http://localhost:3000";
        assert!(answer.contains(header), "{answer}");
    }
}
