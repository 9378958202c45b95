//! Ids, and what of a request may stand in the log.

use super::*;
use crate::log::Format;
use crate::log::tests::Written;
use axum::body::Body;
use http::StatusCode;
use serde_json::Value;

const NEW: &str = "01900000000070008000000000000001";

fn request(method: &str, target: &str) -> Request<()> {
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .body(())
        .unwrap();
    let client: SocketAddr = "203.0.113.7:4711".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(client));
    request
}

/// The line of a request, and the id that its answer has.
fn line(mut request: Request<()>, status: Option<u16>) -> (Value, Option<String>) {
    let log = Written::default();
    let listening = log.listen(Format::Json);
    let line = RequestLine::begin(&mut request, || NEW.to_owned());
    let mut id = None;
    if let Some(status) = status {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        line.end(&mut response);
        id = Some(response.headers()[REQUEST_ID].to_str().unwrap().to_owned());
        assert_eq!(
            response.headers()[REQUEST_ID],
            request.headers()[REQUEST_ID]
        );
    } else {
        drop(line);
    }
    drop(listening);
    let pieces = log.pieces();
    assert_eq!(pieces.len(), 1, "{pieces:?}");
    (serde_json::from_str(&pieces[0]).unwrap(), id)
}

#[test]
fn a_request_leaves_one_line() {
    let (mut line, id) = line(request("POST", "/api/token/"), Some(200));
    assert_eq!(id.as_deref(), Some(NEW));
    assert!(line["duration_ms"].take().as_f64().unwrap() >= 0.0);
    line["timestamp"].take();
    let expected = serde_json::json!({
        "timestamp": null, "level": "INFO", "target": "tokenpair::request", "message": "request",
        "method": "POST", "path": "/api/token/", "status": 200, "duration_ms": null,
        "address": "203.0.113.7", "request_id": NEW,
    });
    assert_eq!(line, expected);
}

#[test]
fn failures_of_ours_are_warnings_and_refusals_are_not() {
    for (status, level) in [
        (200, "INFO"),
        (301, "INFO"),
        (401, "INFO"),
        (499, "INFO"),
        (500, "WARN"),
        (503, "WARN"),
    ] {
        let (line, _) = line(request("GET", "/"), Some(status));
        assert_eq!(
            (&line["level"], &line["status"]),
            (&level.into(), &status.into())
        );
    }
}

#[test]
fn a_request_that_got_no_answer_is_logged_too() {
    let (line, _) = line(request("GET", "/"), None);
    assert_eq!(line["message"], "request without an answer");
    assert_eq!(line.get("status"), None);
}

#[test]
fn neither_query_nor_headers_are_logged() {
    let mut asked = request("GET", "/api/me/?token=s3cret&password=s3cret");
    for name in ["authorization", "cookie", "user-agent", "origin", "host"] {
        asked
            .headers_mut()
            .insert(name, HeaderValue::from_static("s3cret"));
    }
    let (line, _) = line(asked, Some(200));
    assert!(!line.to_string().contains("s3cret"), "{line}");
    assert_eq!(line["path"], "/api/me/");
}

#[test]
fn what_a_client_chose_is_escaped_and_cut() {
    let long = format!("/{}", "a".repeat(9000));
    for (target, path) in [
        ("/a%0A2030-01-01", "/a%0A2030-01-01".to_owned()),
        ("/a\"b", "/a%22b".to_owned()),
        ("/a=b\\c", "/a%3Db%5Cc".to_owned()),
        ("*", "*".to_owned()),
        (&long, long[..MAX_PATH].to_owned() + "..."),
    ] {
        assert_eq!(line(request("GET", target), Some(200)).0["path"], path);
    }
    let foreign = escaped("/é\u{202e}\u{1b}[31m x");
    assert_eq!(foreign, "/%C3%A9%E2%80%AE%1B[31m%20x");
    let method = "M".repeat(1000);
    let (line, _) = line(request(&method, "/"), Some(405));
    assert_eq!(line["method"], method[..MAX_METHOD]);
}

#[test]
fn a_good_id_is_kept_and_any_other_is_replaced() {
    let longest = "a".repeat(128);
    let long = "a".repeat(129);
    for (ids, expected) in [
        (&["Abc-1._9"][..], "Abc-1._9"),
        (&["a"], "a"),
        (&[&longest], &longest),
        (&[], NEW),
        (&[""], NEW),
        (&[&long], NEW),
        (&["a b"], NEW),
        (&["a\tb"], NEW),
        (&["a=b"], NEW),
        (&["a\"b"], NEW),
        (&["é"], NEW),
        (&["one", "two"], NEW),
    ] {
        let mut asked = request("GET", "/");
        for id in ids {
            asked
                .headers_mut()
                .append(REQUEST_ID, HeaderValue::from_bytes(id.as_bytes()).unwrap());
        }
        let (line, id) = line(asked, Some(200));
        assert_eq!(id.as_deref(), Some(expected), "{ids:?}");
        assert_eq!(line["request_id"], expected);
    }
}

#[test]
fn durations_are_told_to_the_microsecond() {
    for (duration, expected) in [
        (Duration::from_nanos(1_234_567), 1.234),
        (Duration::ZERO, 0.0),
        (Duration::from_secs(5), 5000.0),
    ] {
        assert!(
            (milliseconds(duration) - expected).abs() < f64::EPSILON,
            "{duration:?}"
        );
    }
}
