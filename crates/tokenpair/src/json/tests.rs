//! The recorded vectors, the limits, and what has no counterpart in Python.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

mod vectors;

fn wrapped(value: Value) -> Object {
    [("v", value)].into_iter().collect()
}

fn strict(text: &str) -> Result<Object, String> {
    decode_strict(text.as_bytes()).map_err(|error| error.to_string())
}

fn body(text: &str) -> Result<Value, String> {
    decode_body(text).map_err(|error| error.to_string())
}

fn value(text: &str) -> Value {
    decode_body(text).expect("a JSON text")
}

fn names(object: &Object) -> Vec<&str> {
    object.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn bodies_are_read_as_cpython_reads_them() {
    for (text, expected) in vectors::DECODED {
        let got = body(text).map(|value| encode_ascii(&wrapped(value)));
        let expected = match expected {
            Ok(json) => Ok(format!("{{\"v\":{json}}}")),
            Err(message) => Err((*message).to_owned()),
        };
        assert_eq!(got, expected, "reading {text:?}");
    }
}

#[test]
fn what_cpython_refuses_is_refused_in_tokens() {
    for (text, expected) in vectors::DECODED {
        if expected.is_err() {
            assert!(strict(text).is_err(), "reading {text:?}");
        }
    }
}

#[test]
fn values_are_written_as_python_writes_them() {
    for [text, ascii, utf8, indented] in vectors::ENCODED {
        let value = value(text);
        assert_eq!(encode_utf8(&value), *utf8);
        assert_eq!(encode_utf8_indented(&value, 4), *indented);
        assert_eq!(encode_ascii(&wrapped(value)), format!("{{\"v\":{ascii}}}"));
    }
}

#[test]
fn writing_appends() {
    let mut out = "a=".to_owned();
    write_ascii(&mut out, &wrapped("é".into()));
    write_utf8(&mut out, &"é".into());
    write_utf8_indented(&mut out, &vec![Value::Null].into(), 1);
    assert_eq!(out, "a={\"v\":\"\\u00e9\"}\"é\"[\n null\n]");
}

#[test]
fn integers_may_have_4300_digits_and_no_more() {
    let most = "7".repeat(4300);
    assert_eq!(value(&most), Number::BigInt(most.clone()).into());
    assert_eq!(value(&format!("-{most}")).python_type_name(), "int");
    let message = "Exceeds the limit (4300 digits) for integer string conversion: value has 4301 \
                   digits; use sys.set_int_max_str_digits() to increase the limit";
    for text in [
        format!("{most}7"),
        format!("-{most}7"),
        format!("[{most}7x"),
    ] {
        assert_eq!(body(&text), Err(message.to_owned()));
    }
    assert_eq!(
        strict(&format!("{{\"a\":{most}7}}")),
        Err(message.to_owned())
    );
    assert_eq!(value(&format!("{most}7.0")), f64::INFINITY.into());
}

#[test]
fn nesting_may_be_128_levels_deep_and_no_more() {
    let nested = |levels: usize| {
        let objects = levels - 1;
        format!("[\n{}1{}]", "{\"a\":".repeat(objects), "}".repeat(objects))
    };
    assert!(body(&nested(128)).is_ok());
    let message = "Nesting deeper than 128 levels: line 2 column 636 (char 637)";
    assert_eq!(body(&nested(129)), Err(message.to_owned()));
    assert!(body(&"[".repeat(1_000_000)).is_err());
    let token = |levels| format!("{{\"a\":{}}}", "[".repeat(levels) + &"]".repeat(levels));
    assert!(strict(&token(127)).is_ok());
    assert!(strict(&token(128)).is_err());
}

#[test]
fn depth_counts_levels_and_not_brackets() {
    let siblings = format!("[{}[]]", "[[]],".repeat(1000));
    assert!(body(&siblings).is_ok());
}

#[test]
fn a_token_is_one_object_in_utf8() {
    assert_eq!(
        strict(" {\"a\" : 1}\n"),
        Ok([("a", 1)].into_iter().collect())
    );
    for text in ["[]", "1", "\"a\"", "null", " []"] {
        let message = "Expecting an object: line 1 column 1 (char 0)";
        assert_eq!(strict(text), Err(message.to_owned()));
    }
    for (bytes, valid) in [
        (&b"{\"a\":\"\xff\"}"[..], 6),
        (b"{\"a\":\"\xed\xa0\x80\"}", 6),
        (b"{\"a\":\"\xc0\xaf\"}", 6),
        (b"{}\xc3", 2),
        (b"\xff\xfe{\0}\0", 0),
    ] {
        let error = decode_strict(bytes).map_err(|error| error.to_string());
        assert_eq!(error, Err(format!("Invalid UTF-8 at byte {valid}")));
    }
    let bom = "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)";
    assert_eq!(strict("\u{feff}{}"), Err(bom.to_owned()));
}

#[test]
fn a_token_may_not_repeat_a_name() {
    for (text, place) in [
        (r#"{"a":1,"a":1}"#, "column 8 (char 7)"),
        (r#"{"exp":1,"\u0065xp":2}"#, "column 10 (char 9)"),
        (r#"{"b":[{"a":1,"c":2,"a":3}]}"#, "column 20 (char 19)"),
    ] {
        let message = format!("Duplicate property name: line 1 {place}");
        assert_eq!(strict(text), Err(message));
    }
    assert!(strict(r#"{"a":{"a":1},"b":{"a":1}}"#).is_ok());
    let many: Vec<_> = (0..100).map(|i| format!("\"n{i}\":{i}")).collect();
    assert!(strict(&format!("{{{}}}", many.join(","))).is_ok());
    for repeated in [0, 31, 32, 99] {
        let text = format!("{{{},\"n{repeated}\":0}}", many.join(","));
        assert!(strict(&text).is_err(), "n{repeated} is repeated");
    }
}

#[test]
fn a_body_may_repeat_names_and_the_last_value_counts_in_the_first_place() {
    let Value::Object(object) = value(r#"{"a":1,"b":2,"a":3}"#) else {
        panic!("not an object");
    };
    assert_eq!(names(&object), ["a", "b"]);
    assert_eq!(object.get("a").and_then(Value::as_i64), Some(3));
}

#[test]
fn strings_may_end_anywhere() {
    for length in 0..50 {
        let plain = "x".repeat(length);
        assert_eq!(value(&format!("\"{plain}\"")), plain.as_str().into());
        assert_eq!(
            value(&format!("\"{plain}\\n{plain}é\"")),
            format!("{plain}\n{plain}é").into()
        );
        let (column, char) = (length + 2, length + 1);
        let message = format!("Invalid control character at: line 1 column {column} (char {char})");
        assert_eq!(body(&format!("\"{plain}\u{1f}{plain}\"")), Err(message));
        let message = "Unterminated string starting at: line 1 column 1 (char 0)";
        assert_eq!(body(&format!("\"{plain}")), Err(message.to_owned()));
    }
}

#[test]
fn lone_surrogates_are_kept_in_values_and_not_in_names() {
    let text = r#""a\ud800\u00e9😀\udfffz""#;
    let units = [0x61, 0xd800, 0xe9, 0xd83d, 0xde00, 0xdfff, 0x7a];
    assert_eq!(value(text), Value::IllFormed(units.to_vec()));
    assert_eq!(
        encode_ascii(&wrapped(value(text))),
        r#"{"v":"a\ud800\u00e9\ud83d\ude00\udfffz"}"#
    );
    assert_eq!(encode_utf8(&value(text)), r#""a\ud800é😀\udfffz""#);
    assert_eq!(
        value(r#"{"a\ud800":1}"#),
        [("a\u{fffd}", 1)].into_iter().collect::<Object>().into()
    );
    let message = "Lone surrogate in property name: line 1 column 2 (char 1)";
    assert_eq!(strict(r#"{"a\ud800":1}"#), Err(message.to_owned()));
    assert!(strict(r#"{"a":"\ud800"}"#).is_ok());
}

#[test]
fn infinite_floats_are_python_in_claims_and_null_in_responses() {
    let value = value("[1e400,-1e400]");
    assert_eq!(
        encode_ascii(&wrapped(value.clone())),
        r#"{"v":[Infinity,-Infinity]}"#
    );
    assert_eq!(encode_utf8(&value), "[null,null]");
    assert_eq!(encode_ascii(&wrapped(f64::NAN.into())), r#"{"v":NaN}"#);
}

#[test]
fn numbers_display_as_str_shows_them() {
    for (float, text) in [
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (1.5e-7, "1.5e-07"),
        (0.0001, "0.0001"),
        (1e-5, "1e-05"),
        (1e100, "1e+100"),
        (5e-324, "5e-324"),
        (95_875_470_027_276.5 / 8.0, "11984433753409.562"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
    ] {
        assert_eq!(Number::Float(float).to_string(), text);
    }
    assert_eq!(Number::Int(i64::MIN).to_string(), "-9223372036854775808");
    let below = "-9223372036854775809";
    assert_eq!(value(below), Number::BigInt(below.to_owned()).into());
    assert_eq!(value("-0"), 0.into());
    assert_ne!(value("1.0"), 1.into());
}

#[test]
fn truthiness_and_type_names_are_those_of_python() {
    for (text, truthy, name) in [
        ("null", false, "NoneType"),
        ("false", false, "bool"),
        ("true", true, "bool"),
        ("0", false, "int"),
        ("-1", true, "int"),
        ("99999999999999999999", true, "int"),
        ("0.0", false, "float"),
        ("-0.0", false, "float"),
        ("1e-9", true, "float"),
        (r#""""#, false, "str"),
        (r#"" ""#, true, "str"),
        (r#""\ud800""#, true, "str"),
        ("[]", false, "list"),
        ("[0]", true, "list"),
        ("{}", false, "dict"),
        (r#"{"a":null}"#, true, "dict"),
    ] {
        assert_eq!(value(text).is_truthy(), truthy, "truth of {text}");
        assert_eq!(value(text).python_type_name(), name, "type of {text}");
    }
}

#[test]
fn accessors_do_not_convert() {
    let samples = ["1", "1.0", "true", "null", r#""1""#, "[1]", r#"{"a":1}"#].map(value);
    let texts = samples.each_ref().map(|value| value.as_str().is_some());
    let integers = samples.each_ref().map(|value| value.as_i64().is_some());
    let arrays = samples.each_ref().map(|value| value.as_array().is_some());
    let objects = samples.each_ref().map(|value| value.as_object().is_some());
    assert_eq!(texts, [false, false, false, false, true, false, false]);
    assert_eq!(integers, [true, false, false, false, false, false, false]);
    assert_eq!(arrays, [false, false, false, false, false, true, false]);
    assert_eq!(objects, [false, false, false, false, false, false, true]);
}

#[test]
fn objects_keep_their_order_through_changes() {
    let mut object: Object = [("a", 1), ("b", 2), ("c", 3)].into_iter().collect();
    assert_eq!(object.insert("b", "two"), Some(2.into()));
    assert_eq!(object.insert("d", true), None);
    assert_eq!(object.remove("a"), Some(1.into()));
    assert_eq!(object.remove("a"), None);
    if let Some(value) = object.get_mut("c") {
        *value = 3.5.into();
    }
    assert_eq!(names(&object), ["b", "c", "d"]);
    assert_eq!(encode_ascii(&object), r#"{"b":"two","c":3.5,"d":true}"#);
    assert!(object.contains_key("d") && !object.contains_key("a"));
    assert_eq!((object.len(), object.is_empty()), (3, false));
    assert!(Object::new().is_empty());
    let again: Object = object.clone().into_iter().collect();
    assert_eq!(again, object);
}

#[test]
fn two_hundred_thousand_repeated_names_are_read_in_linear_time() {
    let members = |sign: &str| {
        let members: Vec<_> = (1..=200_000)
            .map(|i| format!("\"{i}\":{sign}{i}"))
            .collect();
        members.join(",")
    };
    let text = format!("{{{},{}}}", members(""), members("-"));
    let start = Instant::now();
    let read = value(&text);
    // A walk over the names would take minutes.
    assert!(start.elapsed() < Duration::from_secs(10));
    let expected: Vec<_> = (1..=200_000)
        .map(|i| (i.to_string(), (-i).into()))
        .collect();
    assert!(
        read.as_object()
            .is_some_and(|object| object.iter().eq(&expected))
    );
}

fn any_number() -> impl Strategy<Value = Number> {
    let finite = any::<f64>().prop_filter("JSON has no form for it", |float| float.is_finite());
    prop_oneof![
        any::<i64>().prop_map(Number::Int),
        finite.prop_map(Number::Float),
        "-?[1-9][0-9]{19,40}".prop_map(Number::BigInt),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any_number().prop_map(Value::Number),
        any::<String>().prop_map(Value::String),
        any::<String>().prop_map(|text| {
            Value::IllFormed([0xdc00].into_iter().chain(text.encode_utf16()).collect())
        }),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..50)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_written_reads_back_the_same(value in any_value(), indent in 0..9_usize) {
        let object = wrapped(value.clone());
        prop_assert_eq!(strict(&encode_ascii(&object)), Ok(object));
        prop_assert_eq!(body(&encode_utf8(&value)), Ok(value.clone()));
        prop_assert_eq!(body(&encode_utf8_indented(&value, indent)), Ok(value));
    }

    #[test]
    fn no_text_makes_a_decoder_panic(text in r#"([\[\]{},:"\\u0-9a-f\n .eE+-]|\\ud8|é|😀|\PC)*"#) {
        let _ = (body(&text), strict(&text));
    }

    #[test]
    fn no_damage_to_a_text_makes_a_decoder_panic(
        value in any_value(),
        cut in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = encode_utf8(&value).into_bytes();
        let place = cut.index(bytes.len());
        bytes[place] = byte;
        let _ = decode_strict(&bytes);
        let _ = body(&String::from_utf8_lossy(&bytes));
        let _ = body(&String::from_utf8_lossy(&bytes[..place]));
    }
}
