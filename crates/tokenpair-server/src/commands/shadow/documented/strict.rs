//! What a strict reader refuses in a token although Simple JWT lets it pass.

use super::super::exchange::Request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regex::bytes::Regex;
use std::sync::LazyLock;
use tokenpair::json::{self, Value};

const LONGEST_TOKEN: usize = 128 * 1024;
const LONGEST_KEY_ID: usize = 256;
const LONGEST_ID: usize = 255;
/// The end of the year 9999.
const LAST_SECOND: f64 = 253_402_300_799.0;
const REFUSED_MEMBERS: [&str; 4] = ["crit", "b64", "zip", "enc"];

/// Three segments, each with or without padding.
#[expect(clippy::expect_used, reason = "the expression is a constant")]
static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?-u)[A-Za-z0-9_-]+=*\.[A-Za-z0-9_-]+=*\.[A-Za-z0-9_-]*=*").expect("it is one")
});

/// A rule that a token may break.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Violation {
    TooLong,
    Padded,
    HeaderMember,
    Typ,
    LooseJson,
    Exp,
    Id,
}

/// What looks like a token in headers and body.
pub(super) fn tokens(request: &Request) -> impl Iterator<Item = String> {
    let headers = request.headers.0.iter().map(|(_, value)| value.as_slice());
    let texts = headers.chain([request.body.as_slice()]);
    let found = texts.flat_map(|text| TOKEN.find_iter(text));
    found
        .map(|token| String::from_utf8_lossy(token.as_bytes()).into_owned())
        .filter(|token| Token::read(token).is_some())
}

/// A claim, as a lenient reader finds it.
pub(super) fn claim(token: &str, name: &str) -> Option<Value> {
    Token::read(token)?
        .payload
        .value
        .as_object()?
        .get(name)
        .cloned()
}

pub(super) fn violates(token: &str, violation: Violation, id_claim: Option<&str>) -> bool {
    if violation == Violation::TooLong {
        return token.len() > LONGEST_TOKEN;
    }
    let Some(parts) = Token::read(token) else {
        return false;
    };
    let header = |name: &str| parts.header.value.as_object()?.get(name);
    let claim = |name: &str| parts.payload.value.as_object()?.get(name);
    match violation {
        Violation::TooLong => false,
        Violation::Padded => token.contains('='),
        Violation::HeaderMember => {
            let has_refused = REFUSED_MEMBERS.iter().any(|name| header(name).is_some());
            let kid = header("kid").and_then(Value::as_str);
            has_refused || kid.is_some_and(|kid| kid.len() > LONGEST_KEY_ID)
        }
        Violation::Typ => header("typ").is_some_and(|typ| typ.as_str().is_none()),
        Violation::LooseJson => !parts.header.is_strict || !parts.payload.is_strict,
        Violation::Exp => claim("exp").is_some_and(|exp| !is_time(exp)),
        Violation::Id => id_claim.and_then(claim).is_some_and(|id| !is_id(id)),
    }
}

/// A token in a form that Simple JWT can read.
struct Token {
    header: Segment,
    payload: Segment,
}

struct Segment {
    value: Value,
    is_strict: bool,
}

impl Token {
    fn read(token: &str) -> Option<Self> {
        let mut segments = token.split('.');
        Some(Self {
            header: Segment::read(segments.next()?)?,
            payload: Segment::read(segments.next()?)?,
        })
    }
}

impl Segment {
    fn read(segment: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(segment.trim_end_matches('=')).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let value = json::decode_body(text.trim_start_matches('\u{feff}')).ok()?;
        value.as_object()?;
        Some(Self {
            is_strict: json::decode_strict(&bytes).is_ok(),
            value,
        })
    }
}

fn is_time(value: &Value) -> bool {
    let Value::Number(number) = value else {
        return false;
    };
    let seconds: Result<f64, _> = number.to_string().parse();
    seconds.is_ok_and(|seconds| seconds > 0.0 && seconds <= LAST_SECOND)
}

fn is_id(value: &Value) -> bool {
    let id = value.as_str();
    id.is_some_and(|id| (1..=LONGEST_ID).contains(&id.chars().count()) && !id.contains('\0'))
}
