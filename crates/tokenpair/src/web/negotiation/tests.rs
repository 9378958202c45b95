//! Expectations recorded from Django REST Framework 3.18 on Django 5.2.

use super::{HeaderMap, HeaderValue, NotNegotiated, Rendering, negotiate};
use http::header::ACCEPT;
use proptest::prelude::*;

type Outcome = Result<Rendering, NotNegotiated>;

const COMPACT: Outcome = Ok(Rendering::Json { indent: None });
const HTML: Outcome = Ok(Rendering::Html);
const NOT_FOUND: Outcome = Err(NotNegotiated::NotFound);
const NOT_ACCEPTABLE: Outcome = Err(NotNegotiated::NotAcceptable);

const fn indented(indent: usize) -> Rendering {
    Rendering::Json {
        indent: Some(indent),
    }
}

fn negotiated(accept: &[&[u8]], query: Option<&str>) -> Outcome {
    let mut headers = HeaderMap::new();
    for value in accept {
        headers.append(ACCEPT, HeaderValue::from_bytes(value).unwrap());
    }
    negotiate(&headers, query)
}

const BY_ACCEPT: &[(&[&[u8]], Outcome)] = &[
    (&[], COMPACT),
    (&[b"*/*"], COMPACT),
    (&[b"application/json"], COMPACT),
    (&[b"application/*"], COMPACT),
    (&[b"text/html"], HTML),
    (&[b"text/*"], HTML),
    (&[b"*/html"], HTML),
    (
        &[b"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
        HTML,
    ),
    (&[b"application/json, text/plain, */*"], COMPACT),
    (&[b"text/html;q=0.1, application/json"], COMPACT),
    (&[b"text/html, application/*;q=1"], HTML),
    (&[b"text/html;level=1, application/json"], HTML),
    (&[b"application/json;q=0.1, text/html;q=0.9"], COMPACT),
    (&[b"*/*, text/html"], HTML),
    (&[b"application/xml", b"text/html"], HTML),
    (&[b"image/png"], NOT_ACCEPTABLE),
    (&[b""], NOT_ACCEPTABLE),
    (&[b","], NOT_ACCEPTABLE),
    (&[b"*"], NOT_ACCEPTABLE),
    (&[b"garbage"], NOT_ACCEPTABLE),
    (&[b"APPLICATION/JSON"], COMPACT),
    (&[b"application/json; version=2"], COMPACT),
    (&[b"application/json/x"], NOT_ACCEPTABLE),
    (&[b"\xE9/\xFF, text/html"], HTML),
    (&[b"\xA0application/json\x85"], COMPACT),
    (&[b"application/json; indent=4"], Ok(indented(4))),
    (&[b"application/json;INDENT=4"], Ok(indented(4))),
    (&[b"application/json; indent=\"2\""], Ok(indented(2))),
    (&[b"application/json; indent=0"], COMPACT),
    (&[b"application/json; indent=-3"], COMPACT),
    (&[b"application/json; indent=+3"], Ok(indented(3))),
    (&[b"application/json; indent=1_0"], Ok(indented(8))),
    (&[b"application/json; indent=1__0"], COMPACT),
    (
        &[b"application/json; indent=99999999999999999999999"],
        Ok(indented(8)),
    ),
    (&[b"application/json; indent=x"], COMPACT),
    (&[b"application/json; indent"], COMPACT),
    (&[b"*/*; indent=2"], Ok(indented(2))),
    (&[b"application/*; indent=3"], Ok(indented(3))),
    (&[b"*/*; x=\"a;indent=5\""], Ok(indented(5))),
    (&[b"*/*; indent=\"\\\"4\\\"\""], Ok(indented(4))),
    (&[b"application/json; indent=\"\\\"4\\\"\""], COMPACT),
    (
        &[b"application/json, application/json; indent=2"],
        Ok(indented(2)),
    ),
    (&[b"text/html; indent=2"], HTML),
    (&[b"application/json; indent*=utf-8''2"], Ok(indented(2))),
    (&[b"application/json; indent*=bogus''2"], NOT_ACCEPTABLE),
];

const BY_QUERY: &[(&[&[u8]], &str, Outcome)] = &[
    (&[], "", COMPACT),
    (&[], "format=json", COMPACT),
    (&[], "format=api", HTML),
    (&[], "format=xml", NOT_FOUND),
    (&[], "format=JSON", NOT_FOUND),
    (&[], "format=", COMPACT),
    (&[], "format", COMPACT),
    (&[], "format=api&format=json", COMPACT),
    (&[], "format=json&format=", COMPACT),
    (&[], "f%6Frmat=j%73on", COMPACT),
    (&[], "format=+json", NOT_FOUND),
    (&[], "format=%FF", NOT_FOUND),
    (&[], "Format=xml", COMPACT),
    (&[b"text/html"], "format=json", NOT_ACCEPTABLE),
    (&[b"text/html"], "format=api", HTML),
    (&[b"*/*"], "format=api", HTML),
    (&[b"image/png"], "format=xml", NOT_FOUND),
    (&[b"application/json"], "format=api", NOT_ACCEPTABLE),
];

#[test]
fn the_accept_header_chooses_the_renderer() {
    for (accept, expected) in BY_ACCEPT {
        assert_eq!(negotiated(accept, None), *expected, "{accept:?}");
    }
}

#[test]
fn the_format_parameter_restricts_the_renderers() {
    for (accept, query, expected) in BY_QUERY {
        assert_eq!(
            negotiated(accept, Some(query)),
            *expected,
            "{accept:?} {query}"
        );
    }
}

#[test]
fn a_range_beyond_the_64th_is_not_looked_at() {
    let others = |count| [b"x/y,".repeat(count), b"text/html".to_vec()].concat();
    assert_eq!(negotiated(&[&others(63)], None), HTML);
    assert_eq!(negotiated(&[&others(64)], None), NOT_ACCEPTABLE);
}

#[test]
fn a_range_of_more_than_256_characters_is_skipped() {
    let padded = |count| [b"application/json; a=".to_vec(), vec![b'b'; count]].concat();
    assert_eq!(negotiated(&[&padded(236)], None), COMPACT);
    assert_eq!(negotiated(&[&padded(237)], None), NOT_ACCEPTABLE);
}

#[test]
fn a_header_of_more_than_8192_bytes_is_cut_at_a_comma() {
    let long = [b'x'; 8200];
    assert_eq!(negotiated(&[&long], None), NOT_ACCEPTABLE);
    assert_eq!(negotiated(&[b"text/html", &long], None), HTML);
    assert_eq!(negotiated(&[&long, b"text/html"], None), NOT_ACCEPTABLE);
}

#[test]
fn a_query_of_more_than_1000_parameters_is_refused() {
    assert_eq!(negotiated(&[], Some(&"&".repeat(999))), COMPACT);
    assert_eq!(
        negotiated(&[], Some(&"&".repeat(1000))),
        Err(NotNegotiated::TooManyFields)
    );
}

proptest! {
    #[test]
    fn json_is_indented_by_one_to_eight_blanks(accept in "(\\*/\\*|application/json) ?; ?indent=[ -~]{0,4}") {
        let outcome = negotiated(&[accept.as_bytes()], None);
        let in_range = matches!(outcome, Ok(Rendering::Json { indent: None | Some(1..=8) }));
        prop_assert!(in_range || accept.contains(','), "{outcome:?}");
    }

    #[test]
    fn quality_values_change_nothing(first in 0..=1000_u16, second in 0..=1000_u16) {
        let accept = format!("text/html;q=0.{first}, application/json;q=0.{second}");
        prop_assert_eq!(negotiated(&[accept.as_bytes()], None), COMPACT);
    }
}
