//! Lines as nginx writes them.

use super::{read_as, refusal, requests, selection};

#[test]
fn a_line_of_nginx_is_a_request() {
    let line = br#"{"msec":"1763730600.123","request_method":"POST","request_uri":"/api/token/?a=1","content_type":"application/json","content_length":"14","http_authorization":"","http_accept_language":"de","request_body":"{\"username\":1}"}"#;
    let [request] = <[_; 1]>::try_from(requests(line)).unwrap();
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "/api/token/?a=1")
    );
    assert_eq!(request.path(), "/api/token/");
    assert_eq!(request.body, br#"{"username":1}"#);
    assert_eq!(
        request.headers.get("Content-Type"),
        Some("application/json")
    );
    assert_eq!(request.headers.get("accept-language"), Some("de"));
    assert_eq!(
        request.headers.get("authorization"),
        None,
        "a variable that is not set is empty"
    );
    assert_eq!(request.recorded_at.unwrap().as_second(), 1_763_730_600);
    assert_eq!(request.origin, "it, line 1");
}

#[test]
fn short_names_mean_the_same() {
    let line = r#"{"method":"POST","uri":"/","authorization":"Bearer x","body":"é","time_iso8601":"2025-11-21T14:10:00+01:00"}"#;
    let [request] = <[_; 1]>::try_from(requests(line.as_bytes())).unwrap();
    assert_eq!(request.headers.get("authorization"), Some("Bearer x"));
    assert_eq!(request.body, "é".as_bytes());
    assert_eq!(request.recorded_at.unwrap().as_second(), 1_763_730_600);
}

/// `ngx_escape_json` writes control characters as `\u00XX` and leaves bytes from 128 on alone.
#[test]
fn a_body_of_any_bytes_is_read_as_nginx_escapes_it() {
    let line = b"{\"request_method\":\"POST\",\"request_uri\":\"/\",\"request_body\":\"\\u0000\\u001f\\n\\\"\\\\\xff\xe9/\"}";
    let [request] = <[_; 1]>::try_from(requests(line)).unwrap();
    assert_eq!(request.body, b"\0\x1f\n\"\\\xff\xe9/");
}

#[test]
fn a_body_in_utf_8_stays_so_whether_it_is_escaped_or_not() {
    let lines = "{\"method\":\"POST\",\"uri\":\"/\",\"body\":\"\\u00e9\"}\r\n\n{\"method\":\"POST\",\"uri\":\"/\",\"body\":\"é\"}\n";
    let requests = requests(lines.as_bytes());
    assert_eq!(requests.len(), 2);
    assert!(
        requests
            .iter()
            .all(|request| request.body == "é".as_bytes())
    );
    assert_eq!(requests[1].origin, "it, line 3");
}

#[test]
fn a_body_that_nginx_did_not_keep_is_left_out_and_counted() {
    let lines = br#"{"method":"POST","uri":"/api/token/","content_length":"14","body":""}
{"method":"POST","uri":"/api/token/","content_length":"14","body":"short"}
{"method":"GET","uri":"/other/"}
{"method":"TRACE","uri":"/api/token/"}
{"method":"POST","uri":"/api/token/","content_length":"","body":""}"#;
    let recording = read_as(lines, &selection()).unwrap();
    assert_eq!(recording.requests.len(), 1);
    let left_out: Vec<_> = recording.left_out.into_iter().collect();
    assert_eq!(
        left_out,
        [
            ("its body was not recorded", 1),
            ("its body was not recorded whole", 1),
            ("its method is not for servers", 1),
            ("its path is not tokenpair's", 1),
        ]
    );
}

#[test]
fn what_nginx_could_not_read_is_left_out_and_counted() {
    let lines = br#"{"request_method":"","request_uri":"","content_length":""}
{"request_method":"OPTIONS","request_uri":"*"}
{"request_method":"CONNECT","request_uri":"example.com:443"}
{"request_method":"G E T","request_uri":"/api/token/"}"#;
    let recording = read_as(lines, &selection()).unwrap();
    assert!(recording.requests.is_empty());
    let left_out: Vec<_> = recording.left_out.into_iter().collect();
    assert_eq!(left_out, [("it is no request for a path", 4)]);
}

#[test]
fn a_proxys_request_names_the_whole_address() {
    let requests = requests(br#"{"method":"GET","uri":"http://example.com/api/?x"}"#);
    assert_eq!(requests[0].target, "/api/?x");
}

#[test]
fn a_line_that_cannot_be_read_is_named_and_not_quoted() {
    let first = "{\"method\":\"GET\",\"uri\":\"/\"}\n";
    let cases = [
        (
            "127.0.0.1 - - \"POST hunter2\"",
            "is no JSON: nginx writes it with log_format … escape=json",
        ),
        ("[]", "is no JSON object"),
        ("{\"uri\":\"/\"}", "has no request_method"),
        ("{\"method\":\"GET\"}", "has no request_uri"),
        (
            "{\"method\":\"GET\",\"uri\":\"/\",\"body\":[\"hunter2\"]}",
            "body is no text",
        ),
        (
            "{\"method\":\"GET\",\"uri\":\"/\",\"msec\":\"hunter2\"}",
            "msec is no time",
        ),
        (
            "{\"method\":\"GET\",\"uri\":\"/\",\"time_iso8601\":\"hunter2\"}",
            "time_iso8601 is no time",
        ),
        (
            "{\"method\":\"GET\",\"uri\":\"/\",\"content_length\":\"hunter2\"}",
            "content_length is no number",
        ),
        (
            "{\"method\":\"GET\",\"uri\":\"/\",\"http_x\":\"a\\nb\"}",
            "http_x is no header of HTTP",
        ),
    ];
    for (line, flaw) in cases {
        let error = refusal(format!("{first}{line}\n").as_bytes());
        assert_eq!(error, format!("line 2: {flaw}"));
    }
}

#[test]
fn a_line_has_a_bound() {
    let mut line = br#"{"method":"POST","uri":"/","body":""#.to_vec();
    line.resize(17 * 1024 * 1024, b'x');
    assert_eq!(refusal(&line), "line 1: is longer than 16 MiB");
}

#[test]
fn what_is_the_connections_is_not_sent_again() {
    let line = br#"{"method":"GET","uri":"/","http_host":"a","http_connection":"close","http_te":"x","http_accept_encoding":"gzip","http_origin":"https://a.example"}"#;
    let [request] = <[_; 1]>::try_from(requests(line)).unwrap();
    assert_eq!(
        request.headers.0,
        [("origin".to_owned(), b"https://a.example".to_vec())]
    );
}
