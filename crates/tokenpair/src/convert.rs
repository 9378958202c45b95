//! What Python and Django make of a JSON value: `int()` for time claims and integer keys, `str()` for text
//! columns, the UUID parser for UUID columns.
//!
//! Answers to `IntegerField`, `UUIDField` and `CharField.get_prep_value` of Django's `db/models/fields`. A value
//! that does not convert is `None`, never an error: where Django raises, a token simply names nobody.

use crate::json::{Number, Value};
use crate::models::{UserId, UserIdKind};
use uuid::Uuid;

/// The code point of the zero of each run of ten decimal digits (Unicode 14, general category Nd), ascending.
#[rustfmt::skip]
const DIGIT_ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0,
    0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620,
    0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0,
    0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60,
    0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// Python's `int_max_str_digits`; longer texts are refused unread.
const MAX_DIGITS: usize = 4300;

/// Python's `int(value)`, saturating at the ends of `i128`.
pub(crate) fn python_int(value: &Value) -> Option<i128> {
    match value {
        Value::Bool(flag) => Some(i128::from(*flag)),
        Value::Number(Number::Int(int)) => Some(i128::from(*int)),
        Value::Number(Number::Float(float)) => int_from_float(*float),
        Value::Number(Number::BigInt(text)) | Value::String(text) => int_from_text(text),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, and fractions are cut off as Python does"
)]
fn int_from_float(float: f64) -> Option<i128> {
    float.is_finite().then_some(float as i128)
}

/// Python's `int(text)`: outer white space, one sign, single underscores between digits, any script's digits.
fn int_from_text(text: &str) -> Option<i128> {
    let text = strip(text);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.len() > MAX_DIGITS {
        return None;
    }
    let mut total: i128 = 0;
    let mut after_digit = false;
    for char in digits.chars() {
        if char == '_' && after_digit {
            after_digit = false;
            continue;
        }
        let digit = digit_value(char)?;
        total = total.saturating_mul(10).saturating_add(digit);
        after_digit = true;
    }
    after_digit.then_some(if negative { -total } else { total })
}

fn digit_value(char: char) -> Option<i128> {
    let code = u32::from(char);
    let run = DIGIT_ZEROS
        .partition_point(|&zero| zero <= code)
        .checked_sub(1)?;
    let digit = code - DIGIT_ZEROS.get(run)?;
    (digit < 10).then_some(i128::from(digit))
}

/// Python's `str.strip()`: Unicode white space and the separators U+001C to U+001F, not U+200B or U+FEFF.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(|char: char| char.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&char))
}

/// A claim that Django's field cannot convert: a lookup with it fails instead of finding nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAnId;

/// The key a claim names in a column of the given kind; `None` when it can be nobody's.
pub(crate) fn user_id(claim: &Value, kind: UserIdKind) -> Result<Option<UserId>, NotAnId> {
    if *claim == Value::Null {
        return Ok(None);
    }
    match kind {
        UserIdKind::Integer => Ok(i64::try_from(python_int(claim).ok_or(NotAnId)?)
            .ok()
            .map(UserId::Int)),
        UserIdKind::Uuid => uuid(claim)
            .map(|uuid| Some(UserId::Uuid(uuid)))
            .ok_or(NotAnId),
        UserIdKind::Text => Ok(python_str(claim).map(UserId::Text)),
    }
}

fn uuid(claim: &Value) -> Option<Uuid> {
    match claim {
        Value::String(text) => uuid_from_text(text),
        Value::Bool(_) | Value::Number(Number::Int(_)) => {
            u128::try_from(python_int(claim)?).ok().map(Uuid::from_u128)
        }
        Value::Number(Number::BigInt(digits)) => digits.parse().ok().map(Uuid::from_u128),
        _ => None,
    }
}

/// CPython's `uuid.UUID(hex)`: `urn:uuid:`, braces and hyphens are dropped wherever they stand; 32 characters are left.
fn uuid_from_text(text: &str) -> Option<Uuid> {
    let bare = text.replace("urn:", "").replace("uuid:", "");
    let digits = bare.trim_matches(['{', '}']).replace('-', "");
    if digits.chars().count() != 32 {
        return None;
    }
    hexadecimal(&digits).map(Uuid::from_u128)
}

/// Python's `int(text, 16)` of a positive number: a sign, `0x` and single underscores are allowed.
fn hexadecimal(text: &str) -> Option<u128> {
    let text = strip(text);
    let text = text.strip_prefix('+').unwrap_or(text);
    let prefixed = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let digits = prefixed.map_or(text, |rest| rest.strip_prefix('_').unwrap_or(rest));
    let misplaced = digits.starts_with('_') || digits.ends_with('_') || digits.contains("__");
    let plain = digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'_');
    if misplaced || !plain {
        None
    } else {
        u128::from_str_radix(&digits.replace('_', ""), 16).ok()
    }
}

/// Python's `str(value)` of a scalar. Lists and objects, whose text no sane column holds, are `None`.
pub(crate) fn python_str(value: &Value) -> Option<String> {
    match value {
        Value::Bool(true) => Some("True".to_owned()),
        Value::Bool(false) => Some("False".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{NotAnId, python_int, user_id};
    use crate::json::Value;
    use crate::models::{UserId, UserIdKind};

    fn int(text: &str) -> Option<i128> {
        python_int(&Value::from(text))
    }

    #[test]
    fn integers_are_read_as_python_reads_them() {
        for (text, value) in [
            ("1", 1),
            (" 1 ", 1),
            ("+1", 1),
            ("-1", -1),
            ("01", 1),
            ("1_0", 10),
            ("\u{ff11}", 1),
            ("\u{1c}7\u{a0}", 7),
            ("\u{1d7d9}", 1),
            ("٣", 3),
        ] {
            assert_eq!(int(text), Some(value), "{text:?}");
        }
    }

    #[test]
    fn what_python_refuses_names_nobody() {
        for text in [
            "",
            " ",
            "abc",
            "1.0",
            "0x1",
            "1__0",
            "_1",
            "1_",
            "+-1",
            "1\0",
            "\u{200b}1",
            "²",
            "½",
        ] {
            assert_eq!(int(text), None, "{text:?}");
        }
    }

    #[test]
    fn numbers_and_booleans_convert() {
        assert_eq!(python_int(&Value::from(1.5)), Some(1));
        assert_eq!(python_int(&Value::from(true)), Some(1));
        assert_eq!(python_int(&Value::from(f64::INFINITY)), None);
        assert_eq!(python_int(&Value::Null), None);
    }

    #[test]
    fn an_integer_beyond_the_column_names_nobody() {
        let huge = Value::from("9223372036854775808");
        assert_eq!(user_id(&huge, UserIdKind::Integer), Ok(None));
        assert_eq!(
            user_id(&Value::from("9223372036854775807"), UserIdKind::Integer),
            Ok(Some(UserId::Int(i64::MAX)))
        );
    }

    #[test]
    fn every_spelling_of_a_uuid_is_the_same_user() {
        let want = user_id(
            &Value::from("11111111-2222-3333-4444-555555555555"),
            UserIdKind::Uuid,
        );
        assert!(matches!(want, Ok(Some(_))));
        for text in [
            "11111111222233334444555555555555",
            "{11111111-2222-3333-4444-555555555555}",
            "urn:uuid:11111111-2222-3333-4444-555555555555",
            "11111111-2222-3333-4444-5555-5555-5555",
        ] {
            assert_eq!(
                user_id(&Value::from(text), UserIdKind::Uuid),
                want,
                "{text}"
            );
        }
        assert_eq!(user_id(&Value::from("abc"), UserIdKind::Uuid), Err(NotAnId));
    }
}
