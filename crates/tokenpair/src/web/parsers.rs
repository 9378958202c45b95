//! A request's body as data: JSON, a URL-encoded form or a multipart form, in this order.
//!
//! Answers to DRF's `request.py` (`_parse`), `negotiation.py` (`select_parser`) and
//! `parsers.py`. Never limits the size of a body, which is up to the caller, and never looks
//! at what the fields mean.
//!
//! DIFFERENCE: a Content-Type that makes Django itself fail (an RFC 2231 parameter in an
//! unknown charset) is an unsupported media type.

pub(crate) mod charset;
mod multipart;
pub(crate) mod urlencoded;

use crate::json;

use self::charset::{Charset, Codec, latin1};
use self::urlencoded::TooManyFields;
use super::media_type::MediaType;

/// Django's `DATA_UPLOAD_MAX_NUMBER_FIELDS`.
pub(crate) const MAX_FIELDS: usize = 1000;
/// What bodies may be.
pub(crate) const MEDIA_TYPES: [&str; 3] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
];
/// A media type of more characters matches nothing.
pub(crate) const MAX_MEDIA_TYPE_LENGTH: usize = 256;

/// What a body holds; one without any byte is an empty form, whatever its type.
pub(crate) enum Data {
    Json(json::Value),
    Form(Fields),
}

/// The fields of a form. They may hold a password, so there is no `Debug`.
#[derive(Default)]
pub(crate) struct Fields(Vec<(String, FieldValue)>);

/// The value of a form field; bytes that do not decode have become U+FFFD.
pub(crate) enum FieldValue {
    Text(String),
    /// An uploaded file, whose content is not kept.
    File,
}

/// Why a body is no data.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ParseFailure {
    /// 415, with the header as it came, decoded as ISO-8859-1.
    UnsupportedMediaType(String),
    /// 400, with the `detail` of the answer.
    ParseError(String),
    /// More than 1000 fields or 100 files: Django's bare 400, in HTML.
    TooManyFields,
}

enum Parser {
    Json,
    Form,
    MultiPart,
}

/// Parses a body by its Content-Type header; a missing one matches no parser.
pub(crate) fn parse(content_type: Option<&[u8]>, body: &[u8]) -> Result<Data, ParseFailure> {
    if body.is_empty() {
        return Ok(Data::Form(Fields::default()));
    }
    let content_type = content_type.unwrap_or_default();
    if content_type == b"application/json" {
        return parse_json(body, Charset::Utf8).map(Data::Json);
    }
    let content_type = latin1(content_type);
    let Some((parser, media_type)) = select(&content_type) else {
        return Err(ParseFailure::UnsupportedMediaType(content_type));
    };
    let charset = declared_charset(&media_type)?;
    match parser {
        Parser::Json => parse_json(body, charset).map(Data::Json),
        Parser::Form => Ok(Data::Form(urlencoded::parse(body, charset)?)),
        Parser::MultiPart => {
            let boundary = multipart::boundary(&content_type, &media_type)?;
            multipart::parse(&boundary, body, charset).map(Data::Form)
        }
    }
}

impl Fields {
    /// The value of a field, of a repeated one the last; a file wins over text.
    pub(crate) fn get(&self, name: &str) -> Option<&FieldValue> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    fn append(&mut self, name: String, value: FieldValue) {
        self.0.push((name, value));
    }
}

impl From<TooManyFields> for ParseFailure {
    fn from(_: TooManyFields) -> Self {
        Self::TooManyFields
    }
}

fn select(content_type: &str) -> Option<(Parser, MediaType)> {
    if content_type.chars().count() > MAX_MEDIA_TYPE_LENGTH {
        return None;
    }
    let media_type = MediaType::parse(content_type).ok()?;
    let [json, form, multipart] = MEDIA_TYPES;
    let parser = if media_type.covers(json) {
        Parser::Json
    } else if media_type.covers(form) {
        Parser::Form
    } else if media_type.covers(multipart) {
        Parser::MultiPart
    } else {
        return None;
    };
    Some((parser, media_type))
}

/// The charset parameter; a name nobody knows counts for nothing.
fn declared_charset(media_type: &MediaType) -> Result<Charset, ParseFailure> {
    let name = media_type.param("charset").unwrap_or_default();
    match Codec::lookup(name) {
        Some(Codec::Text(charset)) => Ok(charset),
        Some(Codec::NotText) => Err(ParseFailure::ParseError(format!(
            "Unsupported charset \"{name}\" in request Content-Type header."
        ))),
        None => Ok(Charset::Utf8),
    }
}

fn parse_json(body: &[u8], charset: Charset) -> Result<json::Value, ParseFailure> {
    let failure = |text: String| ParseFailure::ParseError(format!("JSON parse error - {text}"));
    let text = charset.read(body).map_err(failure)?;
    json::decode_body(&text).map_err(|error| failure(error.to_string()))
}

#[cfg(test)]
mod tests;
