//! Tokens in texts: where they stand and what they say, believed or not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regex::bytes::Regex;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;
use tokenpair::Settings;
use tokenpair::json::{self, Object, Value};

/// Three segments. What only looks like a token is sorted out by reading it.
#[expect(clippy::expect_used, reason = "the expression is a constant")]
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?-u)[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*").expect("it is one")
});

/// What a token says.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) header: Object,
    pub(super) claims: Object,
    /// Whether header and claims are written as Simple JWT writes them: compact and in ASCII.
    pub(super) is_compact: bool,
}

impl Parts {
    /// `None` for what is no token.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut segments = text.split('.');
        let (header, claims) = (segments.next()?, segments.next()?);
        let (Some(_), None) = (segments.next(), segments.next()) else {
            return None;
        };
        let (header, header_is_compact) = object(header)?;
        let (claims, claims_are_compact) = object(claims)?;
        Some(Self {
            header,
            claims,
            is_compact: header_is_compact && claims_are_compact,
        })
    }

    /// What stands for the token where it is shown: `<access token>`.
    pub(super) fn placeholder(&self, settings: &Settings) -> String {
        let name = settings.token_type_claim.as_deref();
        let token_type = name.and_then(|name| self.claims.get(name)?.as_str());
        match token_type {
            Some(token_type @ ("access" | "refresh" | "sliding")) => {
                format!("<{token_type} token>")
            }
            _ => "<token>".to_owned(),
        }
    }
}

fn object(segment: &str) -> Option<(Object, bool)> {
    let bytes = URL_SAFE_NO_PAD.decode(segment).ok()?;
    let object = json::decode_strict(&bytes).ok()?;
    let is_compact = json::encode_ascii(&object).as_bytes() == bytes;
    Some((object, is_compact))
}

/// The tokens in a text, each once, in their order.
pub(super) fn find(text: &[u8]) -> Vec<&str> {
    let places = TOKEN.find_iter(text);
    let tokens = places.filter_map(|place| std::str::from_utf8(place.as_bytes()).ok());
    let mut known = HashSet::new();
    tokens
        .filter(|token| known.insert(*token) && Parts::read(token).is_some())
        .collect()
}

/// The text with each token replaced by what `other` gives for it; `None` leaves it.
pub(super) fn replace(text: &[u8], other: impl Fn(&str) -> Option<String>) -> Cow<'_, [u8]> {
    TOKEN.replace_all(text, |found: &regex::bytes::Captures<'_>| {
        let bytes = found.get(0).map_or(&[][..], |found| found.as_bytes());
        let token = std::str::from_utf8(bytes).ok();
        let other = token.and_then(&other);
        other.map_or_else(|| bytes.to_vec(), String::into_bytes)
    })
}

/// The tokens that are members of a JSON body, with their places.
pub(super) fn members(body: &[u8]) -> Vec<(String, String)> {
    let text = std::str::from_utf8(body).ok();
    let value = text.and_then(|text| json::decode_body(text).ok());
    let mut found = Vec::new();
    if let Some(value) = value {
        collect(&value, String::new(), &mut found);
    }
    found
}

fn collect(value: &Value, place: String, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) if Parts::read(text).is_some() => found.push((place, text.clone())),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, format!("{place}[{index}]"), found);
            }
        }
        Value::Object(object) => {
            for (name, member) in object {
                collect(member, member_place(&place, name), found);
            }
        }
        _ => {}
    }
}

/// The place of a member: `messages[0].token_class`.
pub(super) fn member_place(place: &str, name: &str) -> String {
    if place.is_empty() {
        name.to_owned()
    } else {
        format!("{place}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Parts, find, members, replace};

    const ACCESS: &str =
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.c2ln";

    #[test]
    fn tokens_are_found_wherever_they_stand() {
        let texts = [
            format!("Bearer {ACCESS}"),
            format!("{{\"refresh\": \"{ACCESS}\"}}"),
            format!("a=b&token={ACCESS}&c=d"),
        ];
        for text in texts {
            assert_eq!(find(text.as_bytes()), [ACCESS], "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_token_is_none() {
        assert!(find(b"www.example.com, 10.20.30, abcd.efgh.ijkl").is_empty());
        assert!(Parts::read("a.b").is_none());
        assert!(Parts::read(&format!("{ACCESS}.x")).is_none());
    }

    #[test]
    fn a_token_is_replaced_and_the_rest_stays() {
        let text = format!("\u{e9} {ACCESS}; a.b.c");
        let replaced = replace(text.as_bytes(), |token| {
            (token == ACCESS).then(|| "X".to_owned())
        });
        assert_eq!(replaced.as_ref(), "\u{e9} X; a.b.c".as_bytes());
    }

    #[test]
    fn tokens_of_an_answer_are_known_by_their_place() {
        let body = format!(r#"{{"access":"{ACCESS}","deep":[1,{{"x":"{ACCESS}"}}]}}"#);
        let places: Vec<String> = members(body.as_bytes())
            .into_iter()
            .map(|(place, _)| place)
            .collect();
        assert_eq!(places, ["access", "deep[1].x"]);
    }

    #[test]
    fn white_space_in_claims_is_noticed() {
        assert!(Parts::read(ACCESS).unwrap().is_compact);
        let spaced = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhIjogMX0.c2ln";
        assert!(!Parts::read(spaced).unwrap().is_compact);
    }
}
