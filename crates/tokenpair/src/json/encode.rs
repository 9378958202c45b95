//! Values to JSON texts.
//!
//! Owns the two ways of escaping and the layout. Answers to `CPython` 3.11's `json.dumps` as `PyJWT` calls
//! it for claims (pure ASCII) and as DRF's `JSONRenderer` does for responses (UTF-8, safe to paste
//! into a script).
//!
//! Must never sort members, and never write a number in another form than `Number`'s `Display`.

use std::{fmt::Write, iter::repeat_n};

use super::plain::is_plain_ascii;
use super::{Number, Object, Value};

/// A header or claims set as `PyJWT` writes it: compact, everything but printable ASCII escaped.
///
/// An infinite float becomes `Infinity` as in Python, which [`decode_strict`](super::decode_strict)
/// refuses.
pub fn encode_ascii(object: &Object) -> String {
    let mut out = String::with_capacity(256);
    write_ascii(&mut out, object);
    out
}

/// Appends what [`encode_ascii`] returns.
pub fn write_ascii(out: &mut String, object: &Object) {
    Writer::new(out, Charset::Ascii, None).object(object);
}

/// A response body as DRF writes it: compact, only U+2028 and U+2029 escaped beyond what JSON demands.
///
/// DIFFERENCE: an infinite float becomes `null` and a lone surrogate its escape; DRF fails with a 500.
pub fn encode_utf8(value: &Value) -> String {
    let mut out = String::new();
    write_utf8(&mut out, value);
    out
}

/// Appends what [`encode_utf8`] returns.
pub fn write_utf8(out: &mut String, value: &Value) {
    Writer::new(out, Charset::Utf8, None).value(value);
}

/// Like [`encode_utf8`], but each member and item stands on a line of its own, with `indent` blanks a level.
pub fn encode_utf8_indented(value: &Value, indent: usize) -> String {
    let mut out = String::new();
    write_utf8_indented(&mut out, value, indent);
    out
}

/// Appends what [`encode_utf8_indented`] returns.
pub fn write_utf8_indented(out: &mut String, value: &Value, indent: usize) {
    Writer::new(out, Charset::Utf8, Some(indent)).value(value);
}

#[derive(Clone, Copy)]
enum Charset {
    Ascii,
    Utf8,
}

impl Charset {
    fn escapes(self, char: char) -> bool {
        match char {
            '\0'..='\x1f' | '"' | '\\' | '\u{2028}' | '\u{2029}' => true,
            '\x7f'.. => matches!(self, Self::Ascii),
            _ => false,
        }
    }

    fn non_finite(self, float: f64) -> &'static str {
        match self {
            Self::Utf8 => "null",
            Self::Ascii if float.is_nan() => "NaN",
            Self::Ascii if float > 0.0 => "Infinity",
            Self::Ascii => "-Infinity",
        }
    }
}

struct Writer<'o> {
    out: &'o mut String,
    charset: Charset,
    indent: Option<usize>,
    level: usize,
}

impl<'o> Writer<'o> {
    fn new(out: &'o mut String, charset: Charset, indent: Option<usize>) -> Self {
        Self {
            out,
            charset,
            indent,
            level: 0,
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.string(text),
            Value::IllFormed(units) => self.ill_formed(units),
            Value::Array(items) => self.group(['[', ']'], items, Self::value),
            Value::Object(object) => self.object(object),
        }
    }

    fn object(&mut self, object: &Object) {
        self.group(['{', '}'], object, |writer, (name, value)| {
            writer.string(name);
            writer.out.push_str(match writer.indent {
                Some(_) => ": ",
                None => ":",
            });
            writer.value(value);
        });
    }

    fn group<T>(
        &mut self,
        [opening, closing]: [char; 2],
        items: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, T),
    ) {
        let mut items = items.into_iter().peekable();
        let is_empty = items.peek().is_none();
        self.out.push(opening);
        self.level += 1;
        while let Some(item) = items.next() {
            self.new_line();
            write(self, item);
            if items.peek().is_some() {
                self.out.push(',');
            }
        }
        self.level -= 1;
        if !is_empty {
            self.new_line();
        }
        self.out.push(closing);
    }

    fn new_line(&mut self) {
        if let Some(indent) = self.indent {
            self.out.push('\n');
            self.out.extend(repeat_n(' ', indent * self.level));
        }
    }

    fn number(&mut self, number: &Number) {
        match number {
            Number::Float(float) if !float.is_finite() => {
                self.out.push_str(self.charset.non_finite(*float));
            }
            Number::Int(integer) => self.out.push_str(itoa::Buffer::new().format(*integer)),
            Number::BigInt(digits) => self.out.push_str(digits),
            // Writing to a string cannot fail.
            Number::Float(_) => _ = write!(self.out, "{number}"),
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        if is_plain_ascii(text) {
            self.out.push_str(text);
            self.out.push('"');
            return;
        }
        let mut rest = text;
        while let Some((start, char)) = self.next_escape(rest) {
            self.out.push_str(&rest[..start]);
            self.escape(char);
            rest = &rest[start + char.len_utf8()..];
        }
        self.out.push_str(rest);
        self.out.push('"');
    }

    fn next_escape(&self, text: &str) -> Option<(usize, char)> {
        text.char_indices()
            .find(|(_, char)| self.charset.escapes(*char))
    }

    fn ill_formed(&mut self, units: &[u16]) {
        self.out.push('"');
        for char in char::decode_utf16(units.iter().copied()) {
            match char {
                Ok(char) if self.charset.escapes(char) => self.escape(char),
                Ok(char) => self.out.push(char),
                Err(surrogate) => self.code_unit(surrogate.unpaired_surrogate()),
            }
        }
        self.out.push('"');
    }

    fn escape(&mut self, char: char) {
        match char {
            '"' => self.out.push_str("\\\""),
            '\\' => self.out.push_str("\\\\"),
            '\x08' => self.out.push_str("\\b"),
            '\x0c' => self.out.push_str("\\f"),
            '\n' => self.out.push_str("\\n"),
            '\r' => self.out.push_str("\\r"),
            '\t' => self.out.push_str("\\t"),
            _ => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    self.code_unit(*unit);
                }
            }
        }
    }

    fn code_unit(&mut self, unit: u16) {
        self.out.push_str("\\u");
        let digits = [12, 8, 4, 0].map(|shift| u32::from(unit >> shift & 0xf));
        self.out.extend(
            digits
                .into_iter()
                .filter_map(|digit| char::from_digit(digit, 16)),
        );
    }
}
