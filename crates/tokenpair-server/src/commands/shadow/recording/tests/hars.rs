//! Files as browsers and proxies write them.

use super::{read_as, refusal, requests, selection};
use crate::commands::shadow::exchange::Request;

fn har(entry: &str) -> String {
    format!(r#"{{"log":{{"version":"1.2","creator":{{"name":"mitmproxy"}},"entries":[{entry}]}}}}"#)
}

fn one(entry: &str) -> Request {
    let [request] = <[_; 1]>::try_from(requests(har(entry).as_bytes())).unwrap();
    request
}

#[test]
fn an_entry_is_a_request_with_its_answer() {
    let request = one(
        r#"{"startedDateTime":"2025-11-21T14:10:00.250+01:00","request":{"method":"POST","url":"https://a.example/api/token/?x=%20y\u0023part",
        "headers":[{"name":":authority","value":"a.example"},{"name":"Host","value":"a.example"},{"name":"Content-Length","value":"2"},
        {"name":"Accept","value":"*/*"},{"name":"Cookie","value":"a=b"}],"bodySize":2,
        "postData":{"mimeType":"application/json","text":"{}"}},
        "response":{"status":200,"content":{"text":"eyJ9","encoding":"base64"}}}"#,
    );
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "/api/token/?x=%20y")
    );
    let names: Vec<&str> = request
        .headers
        .0
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["Accept", "Cookie", "Content-Type"]);
    assert_eq!(request.body, b"{}");
    assert_eq!(request.recorded.as_deref(), Some(&b"{\"}"[..]));
    assert_eq!(request.recorded_at.unwrap().as_second(), 1_763_730_600);
    assert_eq!(request.origin, "it, entry 1");
}

#[test]
fn a_body_may_be_text_fields_or_base64() {
    let with = |data: &str| {
        one(&format!(
            r#"{{"request":{{"method":"POST","url":"http://a/","postData":{data}}}}}"#
        ))
        .body
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(
        with(r#"{"mimeType":"text/plain","text":"é\n","params":[]}"#),
        "é\n".as_bytes()
    );
    assert_eq!(with(r#"{"text":"/wA=","encoding":"base64"}"#), b"\xff\0");
    assert_eq!(with("null"), b"");
    assert_eq!(
        with(&format!(
            r#"{{"mimeType":"{form}","params":[{{"name":"a b","value":"é&"}},{{"name":"c"}}]}}"#
        )),
        b"a+b=%C3%A9%26&c="
    );
}

#[test]
fn what_was_not_recorded_or_is_not_tokenpairs_is_counted() {
    let entry =
        |url: &str, rest: &str| format!(r#"{{"request":{{"method":"POST","url":"{url}"{rest}}}}}"#);
    let file =
        r#","postData":{"mimeType":"multipart/form-data","params":[{"name":"a","fileName":"b"}]}"#;
    let entries = [
        entry("http://a/api/token/", ""),
        entry("http://a/api/token/", r#","bodySize":17"#),
        entry("http://a/api/token/", file),
        entry("http://a/admin/", r#","bodySize":-1"#),
        entry("wss://a/api/token/", ""),
        entry("data:text/plain,x", ""),
    ];
    let recording = read_as(har(&entries.join(",")).as_bytes(), &selection()).unwrap();
    assert_eq!(recording.requests.len(), 1);
    let left_out: Vec<_> = recording.left_out.into_iter().collect();
    assert_eq!(
        left_out,
        [
            ("it is no HTTP request", 2),
            ("its body was not recorded", 2),
            ("its path is not tokenpair's", 1),
        ]
    );
}

#[test]
fn a_file_from_which_chrome_took_the_credentials_is_told() {
    let with = |creator: &str, header: &str| {
        let entry = format!(
            r#"{{"request":{{"method":"GET","url":"http://a/","headers":[{{"name":"{header}","value":"x"}}]}}}}"#
        );
        let har = format!(r#"{{"log":{{"creator":{{"name":"{creator}"}},"entries":[{entry}]}}}}"#);
        read_as(har.as_bytes(), &super::everything()).unwrap().notes
    };
    assert!(with("WebInspector", "Accept")[0].contains("HAR with sensitive data"));
    assert!(with("WebInspector", "Authorization").is_empty());
    assert!(with("Firefox", "Accept").is_empty());
}

#[test]
fn an_entry_that_cannot_be_read_is_named_and_not_quoted() {
    let good = r#"{"request":{"method":"GET","url":"http://a/"}}"#;
    let request =
        |url: &str, rest: &str| format!(r#"{{"request":{{"method":"GET","url":"{url}"{rest}}}}}"#);
    let header = r#","headers":[{"name":"A","value":"hunter2\nx"}]"#;
    let cases = [
        (request("hunter2", ""), "its url is no address"),
        (
            request("http://a/", header),
            "its header A is no header of HTTP",
        ),
        (
            request(
                "http://a/",
                r#","postData":{"text":"hunter2!","encoding":"base64"}"#,
            ),
            "its body is no base64",
        ),
    ];
    for (entry, flaw) in cases {
        let error = refusal(har(&format!("{good},{entry}")).as_bytes());
        assert_eq!(error, format!("entry 2: {flaw}"));
    }
}

#[test]
fn a_file_that_is_no_har_is_refused_with_the_place_and_without_its_content() {
    let cut = r#"{"log":{"entries":[{"request":{"method":"hunter2"#;
    assert_eq!(
        refusal(cut.as_bytes()),
        "is no HAR 1.2 file: it stops being JSON at line 1 column 48"
    );
    let other = "{\"log\":{\"entries\":\n\"hunter2\"}}";
    assert_eq!(
        refusal(other.as_bytes()),
        "is no HAR 1.2 file: at line 2 column 9 a member is missing or of another type"
    );
}

#[test]
fn the_path_is_that_of_the_address_as_it_is_written() {
    for (url, target) in [
        ("http://a", "/"),
        ("http://a?x", "/?x"),
        ("http://a/%2f//b?c=/d#e", "/%2f//b?c=/d"),
    ] {
        assert_eq!(super::super::har::target(url), target);
    }
}
