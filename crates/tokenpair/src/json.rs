//! JSON values that keep their order, and the exact reading and writing of them.
//!
//! Owns the value type, the two decoders (request bodies; JOSE headers and claims) and the encoders
//! (claims, response bodies). Answers to `CPython` 3.11's `json` package and `Modules/_json.c` as they
//! are called by DRF's `JSONParser` and `JSONRenderer` and by `PyJWT`'s `api_jwt.py`.
//!
//! Must never change a number's kind (`1.0` is not `1`), reorder members, or let a text from outside
//! choose how deep the stack grows or how long a look-up takes.

use std::fmt;

mod decode;
mod encode;
mod object;
mod plain;
#[cfg(test)]
mod tests;

pub use decode::{DecodeError, decode_body, decode_strict};
pub use encode::{
    encode_ascii, encode_utf8, encode_utf8_indented, write_ascii, write_utf8, write_utf8_indented,
};
pub use object::Object;

/// Any JSON value.
///
/// Equality is stricter than Python's: `1`, `1.0` and `true` differ, and so do objects whose members
/// stand in another order.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer of any size, or a float.
    Number(Number),
    /// A string that is valid Unicode.
    String(String),
    /// A string with a lone surrogate, which only a `\uD800` escape can bring in, as UTF-16 code units.
    IllFormed(Vec<u16>),
    /// A list.
    Array(Vec<Value>),
    /// Members in the order in which their names first appeared.
    Object(Object),
}

/// A JSON number with Python's distinction between `int` and `float`.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// An integer that fits; `-0` is read as 0.
    Int(i64),
    /// An integer beyond `i64`: decimal digits without leading zeros, with a `-` if negative.
    BigInt(String),
    /// Whatever was written with a fraction or an exponent; may be infinite, as `1e400` is.
    Float(f64),
}

impl Value {
    /// The text of a well-formed string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, if this is one and fits; booleans and floats are not converted.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(Number::Int(integer)) => Some(*integer),
            _ => None,
        }
    }

    /// The items of a list.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members of an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// What Python's `bool()` makes of it: null, false, zero and everything empty are false.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(truth) => *truth,
            Self::Number(number) => *number != Number::Int(0) && *number != Number::Float(0.0),
            Self::String(text) => !text.is_empty(),
            Self::IllFormed(units) => !units.is_empty(),
            Self::Array(items) => !items.is_empty(),
            Self::Object(object) => !object.is_empty(),
        }
    }

    /// The name of the Python type that `json.loads` would return, as DRF's messages quote it.
    pub fn python_type_name(&self) -> &'static str {
        match self {
            Self::Null => "NoneType",
            Self::Bool(_) => "bool",
            Self::Number(Number::Int(_) | Number::BigInt(_)) => "int",
            Self::Number(Number::Float(_)) => "float",
            Self::String(_) | Self::IllFormed(_) => "str",
            Self::Array(_) => "list",
            Self::Object(_) => "dict",
        }
    }
}

/// Python's `str()`: `1`, `1.0`, `1e+16`, `1e-05`, `inf`, `nan`.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(integer) => integer.fmt(f),
            Self::BigInt(digits) => f.write_str(digits),
            Self::Float(float) => write_float(f, *float),
        }
    }
}

/// Python's `repr`: Rust's `{:?}` with a signed exponent of at least two digits.
fn write_float(f: &mut fmt::Formatter<'_>, float: f64) -> fmt::Result {
    if float.is_nan() {
        return f.write_str("nan");
    }
    let text = shortest_digits(float);
    match text.split_once('e') {
        None => f.write_str(&text),
        Some((mantissa, exponent)) => match exponent.strip_prefix('-') {
            Some(digits) => write!(f, "{mantissa}e-{digits:0>2}"),
            None => write!(f, "{mantissa}e+{exponent:0>2}"),
        },
    }
}

/// The shortest text that reads back as `float`. Where two such texts are equally near, `{:?}` takes
/// the greater one (11984433753409.5625 becomes `….563`) and Python the even one (`….562`), as
/// rounding to a given number of decimals does.
fn shortest_digits(float: f64) -> String {
    let shortest = format!("{float:?}");
    let mantissa = shortest.split('e').next().unwrap_or_default();
    let decimals = mantissa
        .split_once('.')
        .map_or(0, |(_, digits)| digits.len());
    let even = if mantissa.len() == shortest.len() {
        format!("{float:.decimals$}")
    } else {
        format!("{float:.decimals$e}")
    };
    match even.parse::<f64>() {
        Ok(same) if float.eq(&same) => even,
        _ => shortest,
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Number(Number::Int(integer))
    }
}

impl From<f64> for Value {
    fn from(float: f64) -> Self {
        Self::Number(Number::Float(float))
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(items)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}
