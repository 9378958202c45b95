//! `application/x-www-form-urlencoded` data: form bodies and query strings.
//!
//! Answers to Django's `QueryDict` and `CPython`'s `urllib.parse` (`parse_qsl`, `unquote`).
//! Never fails on bad data but for the number of fields: what does not decode is replaced.

use percent_encoding::percent_decode;

use super::charset::{Charset, latin1};
use super::{FieldValue, Fields, MAX_FIELDS};

/// More than 1000 fields: Django's `TooManyFieldsSent`.
#[derive(Debug)]
pub(crate) struct TooManyFields;

/// Reads `name=value` pairs; blank values are kept, empty pairs are not.
pub(crate) fn parse(data: &[u8], charset: Charset) -> Result<Fields, TooManyFields> {
    let mut fields = Fields::default();
    if data.is_empty() {
        return Ok(fields);
    }
    let text = charset.decode(data).unwrap_or_else(|| latin1(data));
    if text.matches('&').count() >= MAX_FIELDS {
        return Err(TooManyFields);
    }
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let [name, value] = [name, value].map(|text| unquote(&text.replace('+', " "), charset));
        fields.append(name, FieldValue::Text(value));
    }
    Ok(fields)
}

/// Resolves `%XX`; each run of ASCII characters is decoded on its own.
pub(crate) fn unquote(text: &str, charset: Charset) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let same_kind = |left: &u8, right: &u8| left.is_ascii() == right.is_ascii();
    let runs = text.as_bytes().chunk_by(same_kind);
    runs.map(|run| {
        if run.is_ascii() {
            charset.decode_lossy(&percent_decode(run).collect::<Vec<u8>>())
        } else {
            Charset::Utf8.decode_lossy(run)
        }
    })
    .collect()
}
