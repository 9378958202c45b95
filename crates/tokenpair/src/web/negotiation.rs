//! Which of the two renderers answers a request: JSON, or HTML for the browsable API.
//!
//! Answers to DRF's `negotiation.py` (`DefaultContentNegotiation`) and, for the indentation,
//! to `JSONRenderer.get_indent`. Quality values are ignored, as they are there.
//! Never renders: an error of [`negotiate`] is for the caller to write, always as compact JSON.
//!
//! DIFFERENCE: of several equally specific ranges the first one sets the indentation; DRF
//! keeps them in a hash set, so that there it changes from process to process.

use std::borrow::Cow;

use http::header::{ACCEPT, HeaderMap, HeaderValue};

use super::media_type::{MediaType, trim};
use super::parsers::charset::{Charset, latin1};
use super::parsers::urlencoded::{self, TooManyFields};
use super::parsers::{FieldValue, MAX_MEDIA_TYPE_LENGTH};

const MAX_ACCEPT_LENGTH: usize = 8192;
const MAX_ACCEPT_TOKENS: usize = 64;
const MAX_INDENT: usize = 8;

/// How to write the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rendering {
    /// JSON; compact without an `indent`, which is 1 to 8 blanks a level.
    Json { indent: Option<usize> },
    /// The browsable API.
    Html,
}

/// Why there is no renderer; the answer is compact JSON then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotNegotiated {
    /// `?format=` names no renderer: 404.
    NotFound,
    /// Nothing fits the Accept header: 406.
    NotAcceptable,
    /// The query has more than 1000 parameters: Django's bare 400, in HTML.
    TooManyFields,
}

#[derive(Clone, Copy, PartialEq)]
enum Renderer {
    Json,
    Html,
}

/// Chooses a rendering by the Accept headers and the query's `format`.
pub(crate) fn negotiate(
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Rendering, NotNegotiated> {
    let renderers = offered(query)?;
    let accept = accept(headers);
    if matches!(&*accept, b"*/*" | b"application/json") && renderers.contains(&Renderer::Json) {
        return Ok(Rendering::Json { indent: None });
    }
    let ranges = ranges(&accept);
    for level in (0..=3).rev() {
        for renderer in renderers {
            let mut fitting = ranges
                .iter()
                .filter(|range| range.covers(renderer.media_type()));
            if let Some(range) = fitting.find(|range| precedence(range) == level) {
                return Ok(renderer.rendering(range));
            }
        }
    }
    Err(NotNegotiated::NotAcceptable)
}

impl Renderer {
    fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Html => "text/html",
        }
    }

    fn rendering(self, accepted: &MediaType) -> Rendering {
        match self {
            Self::Json => Rendering::Json {
                indent: indent(accepted),
            },
            Self::Html => Rendering::Html,
        }
    }
}

impl From<TooManyFields> for NotNegotiated {
    fn from(_: TooManyFields) -> Self {
        Self::TooManyFields
    }
}

/// The renderers which `?format=` leaves in the running; a blank value leaves all.
fn offered(query: Option<&str>) -> Result<&'static [Renderer], NotNegotiated> {
    let Some(query) = query else {
        return Ok(&[Renderer::Json, Renderer::Html]);
    };
    let fields = urlencoded::parse(query.as_bytes(), Charset::Utf8)?;
    match fields.get("format") {
        Some(FieldValue::Text(format)) if !format.is_empty() => match format.as_str() {
            "json" => Ok(&[Renderer::Json]),
            "api" => Ok(&[Renderer::Html]),
            _ => Err(NotNegotiated::NotFound),
        },
        _ => Ok(&[Renderer::Json, Renderer::Html]),
    }
}

/// The Accept header, several of them joined as WSGI does; none means anything.
fn accept(headers: &HeaderMap) -> Cow<'_, [u8]> {
    let mut values = headers.get_all(ACCEPT).iter().map(HeaderValue::as_bytes);
    let Some(first) = values.next() else {
        return Cow::Borrowed(b"*/*");
    };
    values.fold(Cow::Borrowed(first), |joined, value| {
        [&*joined, value].join(&b',').into()
    })
}

/// The media ranges of an Accept header, within DRF's limits.
fn ranges(accept: &[u8]) -> Vec<MediaType> {
    let within_limit = match accept.get(..MAX_ACCEPT_LENGTH) {
        Some(head) if head.len() < accept.len() => {
            let cut = head.iter().rposition(|&byte| byte == b',');
            head.get(..cut.unwrap_or_default()).unwrap_or_default()
        }
        _ => accept,
    };
    latin1(within_limit)
        .split(',')
        .map(trim)
        .filter(|token| !token.is_empty() && token.chars().count() <= MAX_MEDIA_TYPE_LENGTH)
        .take(MAX_ACCEPT_TOKENS)
        .filter_map(|token| MediaType::parse(token).ok())
        .collect()
}

/// How specific a range is, from `*/*` to a type with parameters; a lone `q` is none.
fn precedence(range: &MediaType) -> u8 {
    match (range.types(), range.params()) {
        (("*", _), _) => 0,
        ((_, "*"), _) => 1,
        (_, []) => 2,
        (_, [(name, _)]) if name == "q" => 2,
        _ => 3,
    }
}

/// The `indent` parameter of the accepted range; no indentation for 0 or what is no number.
fn indent(accepted: &MediaType) -> Option<usize> {
    if precedence(accepted) >= 2 {
        return accepted.param("indent").and_then(python_int);
    }
    // DRF writes the parameters of a wildcard behind the renderer's type, without quotes, and
    // reads that text once more: a parameter may come out of the value of another one.
    let mut media_type = Renderer::Json.media_type().to_owned();
    for (name, value) in accepted.params() {
        media_type.extend([";", name, "=", value]);
    }
    let reread = MediaType::parse(&media_type).ok()?;
    reread.param("indent").and_then(python_int)
}

/// Python's `int()` on ASCII digits, limited to 8; nothing for 0 and below.
fn python_int(text: &str) -> Option<usize> {
    let text = trim(text);
    let digits = text.strip_prefix('+').unwrap_or(text);
    let mut number = 0;
    for group in digits.split('_') {
        if group.is_empty() {
            return None;
        }
        for digit in group.chars() {
            let digit = usize::try_from(digit.to_digit(10)?).ok()?;
            number = MAX_INDENT.min(number * 10 + digit);
        }
    }
    (number > 0).then_some(number)
}

#[cfg(test)]
mod tests;
