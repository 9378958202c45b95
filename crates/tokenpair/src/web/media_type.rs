//! Header values of the form `value; name=parameter`, and what a media type matches.
//!
//! Answers to Django's `utils/http.py` (`parse_header_parameters`, which is `CPython`'s
//! `email.message` underneath: quoting, RFC 2231) and DRF's `utils/mediatypes.py`.
//! Never judges a header: whatever has no meaning is carried along or left out.

use super::parsers::charset::{Charset, Codec};
use super::parsers::urlencoded::unquote;

/// A media type, or another header value of this form, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MediaType {
    /// What precedes the parameters, in lower case.
    pub(crate) value: String,
    /// Each name once.
    params: Vec<(String, String)>,
}

/// An RFC 2231 parameter names a charset Python does not know: Django's `ValueError`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnknownCharset;

impl MediaType {
    /// Takes a header value apart; the parameters are unquoted and decoded.
    pub(crate) fn parse(line: &str) -> Result<Self, UnknownCharset> {
        let mut pieces = pieces(line);
        let first = pieces.next().unwrap_or_default();
        // Without a semicolon Django takes the line whole; else the value ends at "=".
        let value = match first.split_once('=') {
            Some((value, _)) if line.contains(';') => value,
            _ => first,
        };
        let mut header = Self {
            value: trim(value).to_lowercase(),
            params: Vec::new(),
        };
        let mut extended = Extended::default();
        for piece in pieces {
            let (name, value) = match piece.split_once('=') {
                Some((name, value)) => (trim(name).to_lowercase(), unquoted(trim(value))),
                None => (trim(piece).to_owned(), String::new()),
            };
            if let Err((name, value)) = extended.take(name, value) {
                header.set(name, value);
            }
        }
        for (name, segments) in extended.0 {
            header.set(name, rfc2231(segments)?);
        }
        Ok(header)
    }

    /// The value of a parameter; of a repeated one the last.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All parameters, in the order of first appearance.
    pub(crate) fn params(&self) -> &[(String, String)] {
        &self.params
    }

    /// Type and subtype; the subtype is empty where there is no slash.
    pub(crate) fn types(&self) -> (&str, &str) {
        self.value.split_once('/').unwrap_or((&self.value, ""))
    }

    /// Whether this media type, which may hold wildcards, covers `known`, which holds none.
    pub(crate) fn covers(&self, known: &str) -> bool {
        let (main, sub) = self.types();
        let (known_main, known_sub) = known.split_once('/').unwrap_or((known, ""));
        (sub == "*" || sub == known_sub) && (main == "*" || main == known_main)
    }

    fn set(&mut self, name: String, value: String) {
        match self.params.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None if name.is_empty() => {}
            None => self.params.push((name, value)),
        }
    }
}

/// `str.strip()` of Python, which also takes the four ASCII separators for blanks.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|char: char| char.is_whitespace() || ('\x1C'..='\x1F').contains(&char))
}

/// Splits at each semicolon outside of quotes; a quote after a backslash does not count.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut previous) = (false, ' ');
    line.split(move |char| {
        quoted ^= char == '"' && previous != '\\';
        previous = char;
        char == ';' && !quoted
    })
}

/// `email.utils.unquote`: takes off double quotes with their escapes, or angle brackets.
fn unquoted(text: &str) -> String {
    let within = |open, close| text.strip_prefix(open)?.strip_suffix(close);
    match within('"', '"') {
        Some(inner) => inner.replace("\\\\", "\\").replace("\\\"", "\""),
        None => within('<', '>').unwrap_or(text).to_owned(),
    }
}

/// The RFC 2231 parameters of a header, by name: `name*=`, `name*0=`, `name*1*=`.
#[derive(Default)]
struct Extended(Vec<(String, Vec<Segment>)>);

/// A part of an RFC 2231 value, in the order in which the parts are joined.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Segment {
    number: Option<u64>,
    value: String,
    percent_encoded: bool,
}

impl Extended {
    /// Keeps a parameter whose name is of an RFC 2231 form, or hands it back.
    fn take(&mut self, name: String, value: String) -> Result<(), (String, String)> {
        let Some((stem, number)) = stem_and_number(&name) else {
            return Err((name, value));
        };
        let percent_encoded = name.ends_with('*');
        let segment = Segment {
            number,
            value,
            percent_encoded,
        };
        match self.0.iter_mut().find(|(known, _)| known == stem) {
            Some((_, segments)) => segments.push(segment),
            None => self.0.push((stem.to_owned(), vec![segment])),
        }
        Ok(())
    }
}

fn stem_and_number(name: &str) -> Option<(&str, Option<u64>)> {
    let (stem, tail) = name.split_once('*')?;
    let word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    if stem.is_empty() || !stem.chars().all(word) {
        return None;
    }
    let digits = tail.strip_suffix('*').unwrap_or(tail);
    if tail.is_empty() {
        return Some((stem, None));
    }
    let numeric = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    numeric.then(|| (stem, Some(digits.parse().unwrap_or(u64::MAX))))
}

/// Joins the segments and decodes them in the charset which the first one may name.
fn rfc2231(mut segments: Vec<Segment>) -> Result<String, UnknownCharset> {
    segments.sort();
    let extended = segments.iter().any(|segment| segment.percent_encoded);
    let mut joined = String::new();
    for segment in &segments {
        if segment.percent_encoded {
            joined += &unquote(&segment.value, Charset::Latin1);
        } else {
            joined += &segment.value;
        }
    }
    let mut marked = joined.splitn(3, '\'');
    let (charset, text) = match (marked.next(), marked.next(), marked.next()) {
        _ if !extended => return Ok(joined),
        (Some(charset), Some(_language), Some(text)) => (charset, text),
        _ => ("us-ascii", joined.as_str()),
    };
    match Codec::lookup(charset) {
        Some(Codec::Text(charset)) => Ok(charset.decode_lossy(&octets(text))),
        Some(Codec::NotText) => Ok(unquoted(text)),
        None if charset.is_empty() => Ok(unquoted(text)),
        None => Err(UnknownCharset),
    }
}

/// Python's `raw-unicode-escape`: characters beyond ISO-8859-1 are spelled out.
fn octets(text: &str) -> Vec<u8> {
    let mut octets = Vec::with_capacity(text.len());
    for char in text.chars() {
        match u32::from(char) {
            code @ 0..0x100 => octets.extend(u8::try_from(code)),
            code @ 0x100..0x1_0000 => octets.extend(format!("\\u{code:04x}").bytes()),
            code => octets.extend(format!("\\U{code:08x}").bytes()),
        }
    }
    octets
}

#[cfg(test)]
mod tests;
