//! Expectations recorded from Django REST Framework 3.18 on Django 5.2.

use super::{Data, FieldValue, ParseFailure, parse};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

/// Content-Type, body, outcome.
type Vector = (Option<&'static [u8]>, &'static [u8], &'static str);

const TYPES_AND_FORMS: &[Vector] = &[
    (None, b"", "form "),
    (None, b"{}", "415 "),
    (Some(b""), b"{}", "415 "),
    (Some(b"text/plain"), b"", "form "),
    (Some(b"text/plain"), b"x", "415 text/plain"),
    (Some(b"application/json"), b"{}", "json"),
    (Some(b"application/json"), b"", "form "),
    (Some(b"APPLICATION/Json"), b"{}", "json"),
    (Some(b"application/json; version=1"), b"{}", "json"),
    (Some(b"application/json;"), b"{}", "json"),
    (
        Some(b"application/json junk"),
        b"{}",
        "415 application/json junk",
    ),
    (
        Some(b"application/json, text/plain"),
        b"{}",
        "415 application/json, text/plain",
    ),
    (
        Some(b"application/vnd.api+json"),
        b"{}",
        "415 application/vnd.api+json",
    ),
    (Some(b"text/json"), b"{}", "415 text/json"),
    (Some(b"*/*"), b"{}", "json"),
    (Some(b"application/*"), b"{}", "json"),
    (Some(b"*/json"), b"{}", "json"),
    (Some(b"*"), b"{}", "415 *"),
    (Some(b"*/x-www-form-urlencoded"), b"a=b", "form a=b"),
    (Some(b"t\xC3\xA9xt/plain"), b"x", "415 tÃ©xt/plain"),
    (
        Some(b"application/json"),
        b"!!",
        "400 JSON parse error - Expecting value: line 1 column 1 (char 0)",
    ),
    (
        Some(b"application/json; charset=utf-16"),
        b"\xFF\xFE{\x00}\x00",
        "json",
    ),
    (
        Some(b"application/json"),
        b"{\"a\":\"\xFF\"}",
        "400 JSON parse error - 'utf-8' codec can't decode byte 0xff in position 6: invalid start byte",
    ),
    (Some(b"application/json"), b"{}\xE2\x82", "json"),
    (
        Some(b"application/json; charset=utf-16"),
        b"{\x00}\x00",
        "400 JSON parse error - UTF-16 stream does not start with BOM",
    ),
    (
        Some(b"application/json; charset=ascii"),
        b"\"\xE9\"",
        "400 JSON parse error - 'ascii' codec can't decode byte 0xe9 in position 1: ordinal not in range(128)",
    ),
    (
        Some(b"application/json; charset=bz2_codec"),
        b"{}",
        "400 Unsupported charset \"bz2_codec\" in request Content-Type header.",
    ),
    (
        Some(b"application/json; charset=\"ROT 13\""),
        b"{}",
        "400 Unsupported charset \"ROT 13\" in request Content-Type header.",
    ),
    (Some(b"application/json; charset=nonsense"), b"{}", "json"),
    (
        Some(b"application/json; charset*=utf-8''hex"),
        b"{}",
        "400 Unsupported charset \"hex\" in request Content-Type header.",
    ),
    (
        Some(b"application/x-www-form-urlencoded"),
        b"a=1&b=2",
        "form a=1 & b=2",
    ),
    (
        Some(b"application/x-www-form-urlencoded"),
        b"a=1&a=2",
        "form a=1 & a=2",
    ),
    (
        Some(b"application/x-www-form-urlencoded"),
        b"a=&b&&=c",
        "form a= & b= & =c",
    ),
    (
        Some(b"application/x-www-form-urlencoded"),
        b"a=1+2%2B3%3d",
        "form a=1 2+3=",
    ),
    (
        Some(b"application/x-www-form-urlencoded"),
        b"a=%zz%4&%61=%",
        "form a=%zz%4 & a=%",
    ),
    (
        Some(b"application/x-www-form-urlencoded"),
        b"a=j%C3%B3zef&b=j\xC3\xB3zef",
        "form a=józef & b=józef",
    ),
    (
        Some(b"application/x-www-form-urlencoded"),
        b"a=%FF%E2%82&b=%ED%A0%80",
        "form a=�� & b=���",
    ),
    (
        Some(b"application/x-www-form-urlencoded"),
        b"a=\xFF%C3%A9",
        "form a=ÿé",
    ),
    (
        Some(b"application/x-www-form-urlencoded"),
        b"a=x;b=y",
        "form a=x;b=y",
    ),
    (
        Some(b"application/x-www-form-urlencoded"),
        b"a=b=c",
        "form a=b=c",
    ),
    (
        Some(b"application/x-www-form-urlencoded"),
        b"a=%00",
        "form a=\0",
    ),
    (
        Some(b"application/x-www-form-urlencoded; charset=latin-1"),
        b"a=%E9\xE9",
        "form a=éé",
    ),
    (
        Some(b"application/x-www-form-urlencoded; charset=utf-16-le"),
        b"a\x00=\x00%\x004\x001\x00%\x000\x000\x00",
        "form a=A",
    ),
    (
        Some(b"application/x-www-form-urlencoded; charset=cp1252"),
        b"a=%80%81",
        "form a=€�",
    ),
    (
        Some(b"application/x-www-form-urlencoded; charset=hex"),
        b"a=b",
        "400 Unsupported charset \"hex\" in request Content-Type header.",
    ),
    (
        Some(b"application/x-www-form-urlencoded; charset=koi"),
        b"a=%C3%A9",
        "form a=é",
    ),
];

const MULTIPART: &[Vector] = &[
    (Some(b"multipart/form-data"), b"x", "400 Multipart form parse error - Invalid boundary in multipart: None"),
    (Some(b"multipart/form-data; boundary="), b"x", "400 Multipart form parse error - Invalid boundary in multipart: "),
    (Some(b"multipart/form-data; boundary=\"a \""), b"x", "400 Multipart form parse error - Invalid boundary in multipart: a "),
    (Some(b"multipart/form-data; boundary=\xC3\xA4"), b"x", "400 Multipart form parse error - Invalid non-ASCII Content-Type in multipart: multipart/form-data; boundary=Ã¤"),
    (Some(b"multipart/form-data; boundary=\xE4"), b"x", "400 Multipart form parse error - Invalid non-ASCII Content-Type in multipart: multipart/form-data; boundary=ä"),
    (Some(b"Multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X--\r\n", "400 Multipart form parse error - Invalid Content-Type: Multipart/form-data; boundary=X"),
    (Some(b"*/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X--\r\n", "400 Multipart form parse error - Invalid Content-Type: */form-data; boundary=X"),
    (Some(b"multipart/*; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X--\r\n", "form a=1"),
    (Some(b"multipart/form-data; charset=hex; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X--\r\n", "400 Unsupported charset \"hex\" in request Content-Type header."),
    (Some(b"multipart/form-data; boundary=X"), b"", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"--X--\r\n", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"junk", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X--\r\n", "form a=1"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n", "form a=1\r\n"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X", "form a=1"),
    (Some(b"multipart/form-data; boundary=X"), b"preamble\r\n--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X--\r\nepilogue", "form a=1"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n2\r\n--X\r\nContent-Disposition: form-data; name=b\r\n\r\n\r\n--X--\r\n", "form a=1 & a=2 & b="),
    (Some(b"multipart/form-data; boundary=X"), b"--X\nContent-Disposition: form-data; name=\"a\"\n\n1\n--X--\r\n", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx--Xy\r\n--X--\r\n", "form a=x"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\r\n2\r\r\n--X--\r\n", "form a=1\r\n\r\n2\r"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Type: text/plain\r\n\r\n1\r\n--X--\r\n", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; nam=a\r\n\r\n1\r\n--X--\r\n", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\" a\t\"\r\n\r\n1\r\n--X--\r\n", "form a=1"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"\"\r\n\r\n1\r\n--X--\r\n", "form =1"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\ncontent-DISPOSITION: form-data; NAME=A\r\n\r\n1\r\n--X--\r\n", "form A=1"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition : form-data; name=a\r\n\r\n1\r\n--X--\r\n", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name*=utf-8''%C3%A9\r\n\r\n1\r\n--X--\r\n", "form é=1"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=a; x*=bogus''y\r\n\r\n1\r\n--X--\r\n", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"\xE9\"\r\n\r\n1\r\n--X--\r\n", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\njunk\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--X--\r\n", "form a=1"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\n1\r\n--X--\r\n", "form b=1"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nj\xC3\xB3zef\xFF\r\n--X--\r\n", "form a=józef�"),
    (Some(b"multipart/form-data; charset=latin-1; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"\xC3\xA9\"\r\n\r\n\xE9\r\n--X--\r\n", "form Ã©=é"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\n\r\n1\r\n--X--\r\n", "form a:file"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\n\r\n1\r\n", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\n\r\n1\r\n--X", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"; filename=\"\"\r\n\r\n1\r\n--X--\r\n", "form a=1"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"; filename=\"/\"\r\n\r\n1\r\n--X--\r\n", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"; filename=\"..\"\r\n\r\n1\r\n--X--\r\n", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"; filename=\"C:\\\\x\"\r\n\r\n1\r\n--X--\r\n", "form a:file"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"; filename=\"\x01\xC2\xA0\"\r\n\r\n1\r\n--X--\r\n", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=a; filename*=UTF-8''f\r\n\r\n1\r\n--X--\r\n", "form a:file"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"\"; filename=\"f\"\r\n\r\n1\r\n--X--\r\n", "form "),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\n\r\n1\r\n--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n2\r\n--X--\r\n", "form a=2 & a:file"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nYWI=\r\n--X--\r\n", "form a=ab"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: BASE64 ; x=y\r\n\r\nY W!I=\r\nZZ\r\n--X--\r\n", "form a=ab"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nYWI\r\n--X--\r\n", "form a=YWI"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nYW=JjYW=\r\n--X--\r\n", "form a=YW=JjYW="),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: 7bit\r\n\r\nYWI=\r\n--X--\r\n", "form a=YWI="),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=a; filename=f\r\nContent-Transfer-Encoding: base64\r\n\r\nYW I=\r\n\r\n--X--\r\n", "form a:file"),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=a; filename=f\r\nContent-Transfer-Encoding: base64\r\n\r\nYWI\r\n--X--\r\n", "400 Multipart form parse error - Could not decode base64 data."),
    (Some(b"multipart/form-data; boundary=X"), b"--X\r\nContent-Disposition: form-data; name=a; filename=f\r\nContent-Transfer-Encoding: base64\r\n\r\nY!I=\r\n--X--\r\n", "400 Multipart form parse error - Could not decode base64 data."),
];

fn outcome(content_type: Option<&[u8]>, body: &[u8]) -> String {
    match parse(content_type, body) {
        Ok(Data::Json(_)) => "json".to_owned(),
        Ok(Data::Form(fields)) => {
            let field = |(name, value): &(String, FieldValue)| match value {
                FieldValue::Text(text) => format!("{name}={text}"),
                FieldValue::File => format!("{name}:file"),
            };
            let fields: Vec<String> = fields.0.iter().map(field).collect();
            format!("form {}", fields.join(" & "))
        }
        Err(ParseFailure::UnsupportedMediaType(text)) => format!("415 {text}"),
        Err(ParseFailure::ParseError(text)) => format!("400 {text}"),
        Err(ParseFailure::TooManyFields) => "html400".to_owned(),
    }
}

/// A multipart body with the same part over and over.
fn parts(header: &str, count: usize) -> Vec<u8> {
    let part = format!("--X\r\n{header}\r\n\r\n1\r\n");
    (part.repeat(count) + "--X--\r\n").into_bytes()
}

fn is_refused(content_type: &str, body: &[u8]) -> bool {
    matches!(
        parse(Some(content_type.as_bytes()), body),
        Err(ParseFailure::TooManyFields)
    )
}

const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART_X: &str = "multipart/form-data; boundary=X";

#[test]
fn bodies_are_parsed_by_their_type() {
    for (content_type, body, expected) in TYPES_AND_FORMS {
        assert_eq!(
            outcome(*content_type, body),
            *expected,
            "{content_type:?} {body:?}"
        );
    }
}

#[test]
fn multipart_bodies_are_parsed_as_django_does() {
    for (content_type, body, expected) in MULTIPART {
        assert_eq!(
            outcome(*content_type, body),
            *expected,
            "{content_type:?} {body:?}"
        );
    }
}

#[test]
fn a_media_type_of_more_than_256_characters_is_unsupported() {
    let padded = |count| format!("application/json; a={}", "x".repeat(count));
    assert_eq!(outcome(Some(padded(236).as_bytes()), b"{}"), "json");
    let long = padded(237);
    assert_eq!(outcome(Some(long.as_bytes()), b"{}"), format!("415 {long}"));
}

#[test]
fn the_last_value_of_a_repeated_field_counts() {
    let Ok(Data::Form(fields)) = parse(Some(FORM.as_bytes()), b"a=1&b=2&a=3") else {
        panic!("a form is expected");
    };
    assert!(matches!(fields.get("a"), Some(FieldValue::Text(text)) if text == "3"));
    assert!(matches!(fields.get("b"), Some(FieldValue::Text(text)) if text == "2"));
    assert!(fields.get("c").is_none());
}

#[test]
fn more_than_1000_form_fields_are_refused() {
    assert!(!is_refused(FORM, "a=b&".repeat(999).as_bytes()));
    assert!(is_refused(FORM, "a=b&".repeat(1000).as_bytes()));
}

#[test]
fn more_than_1000_multipart_fields_are_refused() {
    let field = "Content-Disposition: form-data; name=a";
    assert!(!is_refused(MULTIPART_X, &parts(field, 1000)));
    assert!(is_refused(MULTIPART_X, &parts(field, 1001)));
    assert!(is_refused(MULTIPART_X, &parts("X: without a name", 1001)));
}

#[test]
fn more_than_100_files_are_refused() {
    let file = "Content-Disposition: form-data; name=a; filename=f";
    assert!(!is_refused(MULTIPART_X, &parts(file, 100)));
    assert!(is_refused(MULTIPART_X, &parts(file, 101)));
}

#[test]
fn the_headers_of_a_part_end_within_1024_bytes() {
    let padded = |count| {
        let header = format!(
            "Content-Disposition: form-data; name=a\r\nX: {}",
            "y".repeat(count)
        );
        outcome(Some(MULTIPART_X.as_bytes()), &parts(&header, 1))
    };
    assert_eq!(padded(975), "form a=1");
    let refused = "400 Multipart form parse error - Request max total header size exceeded.";
    assert_eq!(padded(976), refused);
}

/// Django reads on after 64 KiB as if a part began there.
#[test]
fn a_long_part_without_a_name_is_skipped_whole() {
    let long = "x".repeat(64 * 1024);
    let body = format!(
        "--X\r\nA: b\r\n\r\n{long}\r\nContent-Disposition: form-data; name=hidden\r\n\r\n1\r\n\
         --X\r\nContent-Disposition: form-data; name=a\r\n\r\n2\r\n--X--\r\n"
    );
    assert_eq!(
        outcome(Some(MULTIPART_X.as_bytes()), body.as_bytes()),
        "form a=2"
    );
}

/// Django makes the name `.` of it, which is none.
#[test]
fn character_references_in_file_names_are_names() {
    let file = "Content-Disposition: form-data; name=a; filename=\"&period;\"";
    assert_eq!(
        outcome(Some(MULTIPART_X.as_bytes()), &parts(file, 1)),
        "form a:file"
    );
}

proptest! {
    #[test]
    fn any_body_of_any_type_has_an_outcome(
        content_type in "(application/json|application/x-www-form-urlencoded|multipart/form-data; boundary=X|[ -~]*)(; charset=[a-z0-9-]*)?",
        body: Vec<u8>,
    ) {
        let _ = outcome(Some(content_type.as_bytes()), &body);
    }

    #[test]
    fn urlencoded_fields_come_back_as_they_were(name in ".+", value in ".*") {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let body = format!("{}={}", encode(&name), encode(&value));
        prop_assert_eq!(outcome(Some(FORM.as_bytes()), body.as_bytes()), format!("form {name}={value}"));
    }

    #[test]
    fn multipart_fields_come_back_as_they_were(value in "(?s).*") {
        prop_assume!(!value.contains("--X"));
        let body = format!("--X\r\nContent-Disposition: form-data; name=a\r\n\r\n{value}\r\n--X--\r\n");
        prop_assert_eq!(outcome(Some(MULTIPART_X.as_bytes()), body.as_bytes()), format!("form a={value}"));
    }
}
