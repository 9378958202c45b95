//! Expectations recorded from Django 5.2's `parse_header_parameters`.

use super::{MediaType, UnknownCharset};
use proptest::prelude::*;

type Taken = (&'static str, &'static [(&'static str, &'static str)]);

const VECTORS: &[(&str, Option<Taken>)] = &[
    ("application/json", Some(("application/json", &[]))),
    (" Application/JSON ", Some(("application/json", &[]))),
    (
        "application/json; indent=4",
        Some(("application/json", &[("indent", "4")])),
    ),
    ("a=b", Some(("a=b", &[]))),
    ("a=b; c=d", Some(("a", &[("c", "d")]))),
    ("text/html;", Some(("text/html", &[]))),
    ("text/html;;Q=0.5", Some(("text/html", &[("q", "0.5")]))),
    (
        "a/b; C=\"x;y\" ; d",
        Some(("a/b", &[("c", "x;y"), ("d", "")])),
    ),
    ("a/b; c=\"x\\\"y\\\\z\"", Some(("a/b", &[("c", "x\"y\\z")]))),
    ("a/b; c=\"x", Some(("a/b", &[("c", "\"x")]))),
    ("a/b; c=<4>", Some(("a/b", &[("c", "4")]))),
    (
        "a/b; c=1; c=2; b=3",
        Some(("a/b", &[("c", "2"), ("b", "3")])),
    ),
    ("a/b; c\u{A0}=\u{A0}2\u{85}", Some(("a/b", &[("c", "2")]))),
    (
        "form-data; filename*=UTF-8''na%C3%AFve%20file.txt",
        Some(("form-data", &[("filename", "naïve file.txt")])),
    ),
    (
        "form-data; filename*=utf-8'en'x; filename=y",
        Some(("form-data", &[("filename", "x")])),
    ),
    (
        "form-data; filename*0=\"a\"; filename*1*=%62",
        Some(("form-data", &[("filename", "ab")])),
    ),
    (
        "form-data; filename*1=b; filename*0=a",
        Some(("form-data", &[("filename", "ab")])),
    ),
    ("a; b*=''%41'", Some(("a", &[("b", "A'")]))),
    ("a; b*=%E9", Some(("a", &[("b", "�")]))),
    ("a; b*=hex'%41'<c>", Some(("a", &[("b", "c")]))),
    ("a; b*=bogus''c", None),
    ("a; b**=c", Some(("a", &[("b**", "c")]))),
    ("", Some(("", &[]))),
];

#[test]
fn header_values_are_taken_apart_as_django_does() {
    for (line, expected) in VECTORS {
        let expected = expected
            .ok_or(UnknownCharset)
            .map(|(value, params)| MediaType {
                value: value.to_owned(),
                params: params
                    .iter()
                    .map(|&(name, value)| (name.into(), value.into()))
                    .collect(),
            });
        assert_eq!(MediaType::parse(line), expected, "{line}");
    }
}

#[test]
fn wildcards_cover_only_what_they_stand_for() {
    let covers = |range: &str| {
        MediaType::parse(range).is_ok_and(|media_type| media_type.covers("application/json"))
    };
    for range in [
        "application/json",
        "application/*",
        "*/*",
        "*/json",
        "APPLICATION/json; a=b",
    ] {
        assert!(covers(range), "{range}");
    }
    for range in [
        "",
        "*",
        "json",
        "application",
        "application/",
        "text/*",
        "application/json/x",
    ] {
        assert!(!covers(range), "{range}");
    }
}

proptest! {
    #[test]
    fn quoting_hides_every_character(value in "[ -~]*") {
        let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
        // A backslash pair before a quote reads as an escaped quote to Python's splitting.
        prop_assume!(!quoted.contains("\\\\\"") && !quoted.ends_with('\\'));
        let media_type = MediaType::parse(&format!("a/b; c=\"{quoted}\"; d=e"));
        let params = media_type.as_ref().map(|media_type| (media_type.param("c"), media_type.param("d")));
        prop_assert_eq!(params, Ok((Some(value.as_str()), Some("e"))));
    }
}
