//! JSON texts to values.
//!
//! Owns the grammar, the limits and the error texts of both decoders. Answers to `CPython` 3.11's
//! `json/decoder.py` and `Modules/_json.c` (the C scanner is the one that DRF ends up in, and its
//! texts and positions are the ones on the wire) and to RFC 8259.
//!
//! Must never accept what `CPython` refuses, recurse deeper than [`MAX_DEPTH`], or count lines before
//! an error is certain.

use std::{error::Error, fmt};

use super::{Number, Object, Value, object::Members, plain::unescaped_prefix};

/// Arrays and objects of one document: each takes a hundred bytes of memory for two of text.
/// DIFFERENCE: CPython has no such bound.
const MAX_CONTAINERS: usize = 100_000;

/// Room for the members of a claims set; inner objects are many and small.
const USUAL_MEMBERS: usize = 8;

/// `CPython` would go on to its recursion limit and then fail with a 500.
const MAX_DEPTH: usize = 128;

/// `sys.int_info.default_max_str_digits`
const MAX_INTEGER_DIGITS: usize = 4300;

/// Why a text is not acceptable JSON; its `Display` is the text that `CPython` 3.11 would give.
///
/// Quotes nothing of the refused text except `NaN`, `Infinity` and `-Infinity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError(String);

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for DecodeError {}

/// Reads a request body as DRF's `JSONParser` does.
///
/// Of repeated names the last value counts, in the place of the first. Fails on `NaN` and
/// `Infinity`, on integers of more than 4300 digits and on more than 128 levels of nesting.
/// DIFFERENCE: a lone surrogate in a name (never in a value) becomes U+FFFD.
pub fn decode_body(text: &str) -> Result<Value, DecodeError> {
    Decoder::new(text, false)
        .document()
        .map_err(|fault| fault.describe(text))
}

/// Reads a JOSE header or a claims set: one object in UTF-8 (RFC 7519 section 7.2).
///
/// Besides what [`decode_body`] refuses, fails on repeated names at any level (RFC 7515 section 4), on
/// names with lone surrogates, on malformed UTF-8 and on anything but an object at the top.
pub fn decode_strict(bytes: &[u8]) -> Result<Object, DecodeError> {
    let text = str::from_utf8(bytes)
        .map_err(|error| DecodeError(format!("Invalid UTF-8 at byte {}", error.valid_up_to())))?;
    match Decoder::new(text, true).document() {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Fault::At("Expecting an object", 0).describe(text)),
        Err(fault) => Err(fault.describe(text)),
    }
}

/// An error before anything was spent on describing it.
enum Fault {
    /// What is wrong, and at which byte.
    At(&'static str, usize),
    Constant(&'static str),
    TooManyDigits(usize),
}

impl Fault {
    fn describe(&self, text: &str) -> DecodeError {
        DecodeError(match self {
            Self::At(what, byte) => {
                let before = &text[..*byte];
                let line = before.matches('\n').count() + 1;
                let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
                let char = before.chars().count();
                format!("{what}: line {line} column {column} (char {char})")
            }
            Self::Constant(name) => {
                format!("Out of range float values are not JSON compliant: '{name}'")
            }
            Self::TooManyDigits(digits) => format!(
                "Exceeds the limit ({MAX_INTEGER_DIGITS} digits) for integer string conversion: \
                 value has {digits} digits; use sys.set_int_max_str_digits() to increase the limit"
            ),
        })
    }
}

/// A position in a text. It only ever stands before, after or on ASCII characters that it has seen,
/// so slices between two positions are on character boundaries.
struct Decoder<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    containers: usize,
    strict: bool,
}

impl<'t> Decoder<'t> {
    fn new(text: &'t str, strict: bool) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            containers: 0,
            strict,
        }
    }

    fn document(mut self) -> Result<Value, Fault> {
        if self.text.starts_with('\u{feff}') {
            return Err(self.fault("Unexpected UTF-8 BOM (decode using utf-8-sig)"));
        }
        self.skip_blanks();
        let value = self.value()?;
        self.skip_blanks();
        if self.at < self.text.len() {
            return Err(self.fault("Extra data"));
        }
        Ok(value)
    }

    fn value(&mut self) -> Result<Value, Fault> {
        match self.peek() {
            Some(b'"') => self.string().map(Value::from),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Fault>) -> Result<Value, Fault> {
        if self.depth == MAX_DEPTH {
            return Err(self.fault("Nesting deeper than 128 levels"));
        }
        if self.containers == MAX_CONTAINERS {
            return Err(self.fault("More than 100000 arrays and objects"));
        }
        self.containers += 1;
        self.depth += 1;
        self.at += 1;
        self.skip_blanks();
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Value, Fault> {
        let mut items = Vec::new();
        if self.eat(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            if !self.comma_before(b']')? {
                return Ok(Value::Array(items));
            }
        }
    }

    fn object(&mut self) -> Result<Value, Fault> {
        if self.eat(b'}') {
            return Ok(Value::Object(Object::new()));
        }
        let mut members = if self.depth == 1 {
            Members::with_capacity(USUAL_MEMBERS)
        } else {
            Members::default()
        };
        loop {
            self.member(&mut members)?;
            if !self.comma_before(b'}')? {
                return Ok(Value::Object(members.into()));
            }
        }
    }

    fn member(&mut self, members: &mut Members) -> Result<(), Fault> {
        let start = self.at;
        let name = self.name()?;
        self.skip_blanks();
        if !self.eat(b':') {
            return Err(self.fault("Expecting ':' delimiter"));
        }
        self.skip_blanks();
        let value = self.value()?;
        if members.insert(name, value).is_some() && self.strict {
            return Err(Fault::At("Duplicate property name", start));
        }
        Ok(())
    }

    fn name(&mut self) -> Result<String, Fault> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.fault("Expecting property name enclosed in double quotes"));
        }
        match self.string()? {
            Text::WellFormed(name) => Ok(name),
            Text::IllFormed(_) if self.strict => {
                Err(Fault::At("Lone surrogate in property name", start))
            }
            Text::IllFormed(units) => Ok(String::from_utf16_lossy(&units)),
        }
    }

    /// Whether another item follows; passes over the comma or over `closing`.
    fn comma_before(&mut self, closing: u8) -> Result<bool, Fault> {
        self.skip_blanks();
        if self.eat(b',') {
            self.skip_blanks();
            Ok(true)
        } else if self.eat(closing) {
            Ok(false)
        } else {
            Err(self.fault("Expecting ',' delimiter"))
        }
    }

    fn word(&mut self) -> Result<Value, Fault> {
        let rest = &self.text[self.at..];
        let words = [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
        ];
        for (word, value) in words {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        let constants = ["NaN", "Infinity", "-Infinity"];
        match constants.into_iter().find(|name| rest.starts_with(name)) {
            Some(name) => Err(Fault::Constant(name)),
            None => Err(self.fault("Expecting value")),
        }
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let start = self.at;
        self.eat(b'-');
        let digits = if self.eat(b'0') { 1 } else { self.digits() };
        if digits == 0 {
            self.at = start;
            return self.word();
        }
        // Not `||`: both may be there.
        let is_float = self.fraction() | self.exponent();
        let text = &self.text[start..self.at];
        let number = if is_float {
            let float: f64 = text
                .parse()
                .map_err(|_| Fault::At("Expecting value", start))?;
            // Written again, infinity would no longer be JSON (RFC 8259 §6).
            if self.strict && float.is_infinite() {
                return Err(Fault::At("Number out of range", start));
            }
            Number::Float(float)
        } else if digits > MAX_INTEGER_DIGITS {
            return Err(Fault::TooManyDigits(digits));
        } else {
            text.parse()
                .map_or_else(|_| Number::BigInt(text.to_owned()), Number::Int)
        };
        Ok(Value::Number(number))
    }

    /// Passes over `.5`, but not over a point without digits.
    fn fraction(&mut self) -> bool {
        let start = self.at;
        let found = self.eat(b'.') && self.digits() > 0;
        if !found {
            self.at = start;
        }
        found
    }

    /// Passes over `e-5`, but not over an `e` without digits.
    fn exponent(&mut self) -> bool {
        let start = self.at;
        let marked = self.eat(b'e') || self.eat(b'E');
        let _signed = marked && (self.eat(b'-') || self.eat(b'+'));
        let found = marked && self.digits() > 0;
        if !found {
            self.at = start;
        }
        found
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_digit());
        self.at - start
    }

    fn string(&mut self) -> Result<Text, Fault> {
        let opening = self.at;
        self.at += 1;
        let mut text = Text::WellFormed(self.plain_run(opening)?.to_owned());
        while !self.eat(b'"') {
            self.escape(opening, &mut text)?;
            text.push_str(self.plain_run(opening)?);
        }
        Ok(text)
    }

    /// What stands before the next quote or backslash.
    fn plain_run(&mut self, opening: usize) -> Result<&'t str, Fault> {
        let start = self.at;
        self.at += unescaped_prefix(&self.text.as_bytes()[start..]);
        match self.peek() {
            Some(b'"' | b'\\') => Ok(&self.text[start..self.at]),
            Some(_) => Err(self.fault("Invalid control character at")),
            None => Err(Fault::At("Unterminated string starting at", opening)),
        }
    }

    fn escape(&mut self, opening: usize, text: &mut Text) -> Result<(), Fault> {
        let plain = match self.text.as_bytes().get(self.at + 1) {
            Some(b'u') => return self.unicode_escape(text),
            Some(b'"') => "\"",
            Some(b'\\') => "\\",
            Some(b'/') => "/",
            Some(b'b') => "\x08",
            Some(b'f') => "\x0c",
            Some(b'n') => "\n",
            Some(b'r') => "\r",
            Some(b't') => "\t",
            Some(_) => return Err(self.fault("Invalid \\escape")),
            None => return Err(Fault::At("Unterminated string starting at", opening)),
        };
        self.at += 2;
        text.push_str(plain);
        Ok(())
    }

    fn unicode_escape(&mut self, text: &mut Text) -> Result<(), Fault> {
        let first = self.code_unit()?;
        if let Some(char) = char::from_u32(first.into()) {
            text.push(char);
            return Ok(());
        }
        let after_first = self.at;
        if self.text[after_first..].starts_with("\\u") {
            let pair = [first, self.code_unit()?];
            if let Some(Ok(char)) = char::decode_utf16(pair).next() {
                text.push(char);
                return Ok(());
            }
            self.at = after_first;
        }
        text.push_surrogate(first);
        Ok(())
    }

    /// Passes over `\uXXXX`. `CPython` wants a further character behind it, so a text that ends here has
    /// an invalid escape rather than an unterminated string.
    fn code_unit(&mut self) -> Result<u16, Fault> {
        let end = self.at + 6;
        let digits = self.text.get(self.at + 2..end).unwrap_or_default();
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        match u16::from_str_radix(digits, 16) {
            Ok(unit) if is_hex && end < self.text.len() => {
                self.at = end;
                Ok(unit)
            }
            _ => Err(Fault::At("Invalid \\uXXXX escape", self.at + 1)),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_blanks(&mut self) {
        self.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
    }

    fn fault(&self, what: &'static str) -> Fault {
        Fault::At(what, self.at)
    }
}

/// A string being unescaped.
enum Text {
    WellFormed(String),
    /// UTF-16, from the first lone surrogate on.
    IllFormed(Vec<u16>),
}

impl Text {
    fn push_str(&mut self, run: &str) {
        match self {
            Self::WellFormed(text) => text.push_str(run),
            Self::IllFormed(units) => units.extend(run.encode_utf16()),
        }
    }

    fn push(&mut self, char: char) {
        self.push_str(char.encode_utf8(&mut [0; 4]));
    }

    fn push_surrogate(&mut self, surrogate: u16) {
        match self {
            Self::WellFormed(text) => {
                let units = text.encode_utf16().chain([surrogate]).collect();
                *self = Self::IllFormed(units);
            }
            Self::IllFormed(units) => units.push(surrogate),
        }
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        match text {
            Text::WellFormed(text) => Self::String(text),
            Text::IllFormed(units) => Self::IllFormed(units),
        }
    }
}
