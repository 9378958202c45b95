use super::{Recording, Selection, access_log, har, is_har, read_within};
use crate::commands::shadow::exchange::Request;
use std::io;

mod access_logs;
mod hars;
mod hostile;

fn selection() -> Selection {
    Selection {
        paths: vec!["/api/token/".to_owned(), "/api/token/refresh/".to_owned()],
        prefixes: Vec::new(),
    }
}

fn everything() -> Selection {
    Selection {
        paths: Vec::new(),
        prefixes: vec!["/".to_owned()],
    }
}

fn read_as(bytes: &[u8], selection: &Selection) -> Result<Recording, String> {
    let mut recording = Recording::default();
    let reader = if is_har(bytes) {
        har::read
    } else {
        access_log::read
    };
    reader(bytes, "it", &mut recording)?;
    recording.select(selection);
    Ok(recording)
}

fn requests(bytes: &[u8]) -> Vec<Request> {
    read_as(bytes, &everything()).unwrap().requests
}

fn refusal(bytes: &[u8]) -> String {
    read_as(bytes, &everything()).unwrap_err()
}

#[test]
fn what_tokenpair_serves_is_played_with_and_without_its_slash() {
    let selection = selection();
    for path in ["/api/token/", "/api/token", "/api/token/refresh/"] {
        assert!(selection.takes(path), "{path}");
    }
    for path in ["/", "/api/", "/api/tokens/", "/api/token/verify/"] {
        assert!(!selection.takes(path), "{path}");
    }
    assert!(everything().takes("/api/users/"));
}

#[test]
fn the_two_kinds_of_recording_are_told_apart_by_their_content() {
    for har in [
        "{\"log\": {}}",
        "{\n  \"log\": {\n}}",
        "\r\n { \"log\" : {\"entries\": [",
        "{\r\n}",
    ] {
        assert!(is_har(har.as_bytes()), "{har}");
    }
    for log in [
        "{\"uri\":\"/\"}",
        "{\"uri\":\"/\"}\n{",
        "",
        "GET / HTTP/1.1",
    ] {
        assert!(!is_har(log.as_bytes()), "{log}");
    }
}

#[test]
fn a_recording_without_end_is_not_read_to_its_end() {
    let error = read_within(1000, io::repeat(b' ')).unwrap_err();
    assert!(error.to_string().contains("256 MiB"));
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_recording() {
    let bytes = read_within(1000, "\u{feff}{}".as_bytes()).unwrap();
    assert_eq!(bytes, b"{}");
}
