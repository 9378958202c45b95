//! Expectations recorded from `CPython` 3.11.

use super::{Charset, Codec};
use proptest::prelude::*;

/// Codec name, bytes, what a strict stream reader gives, what `errors="replace"` gives.
type Vector = (
    &'static str,
    &'static [u8],
    Result<&'static str, &'static str>,
    &'static str,
);

const VECTORS: &[Vector] = &[
    ("utf-8", b"caf\xC3\xA9", Ok("café"), "café"),
    (
        "UTF8",
        b"a\xFF",
        Err("'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"),
        "a�",
    ),
    (
        "utf-8",
        b"a\xF0\x9F\x98x",
        Err("'utf-8' codec can't decode bytes in position 1-3: invalid continuation byte"),
        "a�x",
    ),
    ("u8", b"\xE2\x82", Ok(""), "�"),
    (
        "utf-8",
        b"\x80\x80",
        Err("'utf-8' codec can't decode byte 0x80 in position 0: invalid start byte"),
        "��",
    ),
    (
        "utf-8",
        b"\xE0\x80",
        Err("'utf-8' codec can't decode byte 0xe0 in position 0: invalid continuation byte"),
        "��",
    ),
    ("utf-8", b"+\xED\xA4", Ok("+"), "+��"),
    (
        "utf-8",
        b"\xED\xA4\x80",
        Err("'utf-8' codec can't decode byte 0xed in position 0: invalid continuation byte"),
        "���",
    ),
    (
        "utf-8",
        b"\xF5",
        Err("'utf-8' codec can't decode byte 0xf5 in position 0: invalid start byte"),
        "�",
    ),
    ("utf-8", b"\xEF\xBB\xBFa", Ok("\u{FEFF}a"), "\u{FEFF}a"),
    ("utf-8-sig", b"\xEF\xBB\xBFa", Ok("a"), "a"),
    (
        "utf_8_sig",
        b"\xEF\xBB\xBFa\xFF",
        Err("'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"),
        "a�",
    ),
    ("utf-8-sig", b"\xEF\xBB", Ok(""), "�"),
    ("utf-16", b"\xFF\xFEa\x00", Ok("a"), "a"),
    ("utf-16", b"\xFE\xFF\x00a", Ok("a"), "a"),
    (
        "UTF16",
        b"a\x00",
        Err("UTF-16 stream does not start with BOM"),
        "a",
    ),
    ("utf-16", b"a", Ok(""), "�"),
    (
        "utf-16",
        b"\xFF\xFE\x00\xDCa\x00",
        Err("'utf-16-le' codec can't decode bytes in position 2-3: illegal encoding"),
        "�a",
    ),
    (
        "utf-16",
        b"\xFE\xFF\xD8\x00\x00a",
        Err("'utf-16-be' codec can't decode bytes in position 2-3: illegal UTF-16 surrogate"),
        "�a",
    ),
    ("utf-16-le", b"=\xD8\x00\xDE", Ok("😀"), "😀"),
    ("utf-16be", b"\xD8=\xDE\x00\x00", Ok("😀"), "😀�"),
    ("utf-16-le", b"a\x00=\xD8\x00", Ok("a"), "a�"),
    ("utf-16-le", b"\xFF\xFEa\x00", Ok("\u{FEFF}a"), "\u{FEFF}a"),
    ("utf-32", b"\xFF\xFE\x00\x00a\x00\x00\x00", Ok("a"), "a"),
    (
        "utf-32",
        b"\x00\x00\xFE\xFF\x00\x00\x00a\x00",
        Ok("a"),
        "a�",
    ),
    (
        "utf-32",
        b"a\x00\x00\x00",
        Err("UTF-32 stream does not start with BOM"),
        "a",
    ),
    (
        "utf-32-be",
        b"\x00\x00\xD8\x00",
        Err(
            "'utf-32-be' codec can't decode bytes in position 0-3: code point in surrogate code point range(0xd800, 0xe000)",
        ),
        "�",
    ),
    (
        "utf-32-le",
        b"a\x00\x00\xFF",
        Err(
            "'utf-32-le' codec can't decode bytes in position 0-3: code point not in range(0x110000)",
        ),
        "�",
    ),
    (
        "us-ascii",
        b"a\xE9",
        Err("'ascii' codec can't decode byte 0xe9 in position 1: ordinal not in range(128)"),
        "a�",
    ),
    ("latin-1", b"caf\xE9\x80", Ok("café\u{80}"), "café\u{80}"),
    ("ISO-8859-1:1987", b"\xFF", Ok("ÿ"), "ÿ"),
    ("windows-1252", b"\x80\x99\xE9", Ok("€™é"), "€™é"),
    (
        "cp1252",
        b"a\x81",
        Err("'charmap' codec can't decode byte 0x81 in position 1: character maps to <undefined>"),
        "a�",
    ),
    ("\"utf-8\"", b"\xC3\xA9", Ok("é"), "é"),
    ("utfé16", b"\xFF\xFE", Ok(""), ""),
];

fn charset(name: &str) -> Charset {
    match Codec::lookup(name) {
        Some(Codec::Text(charset)) => charset,
        other => panic!("{name} is {other:?}"),
    }
}

#[test]
fn bytes_are_read_as_python_reads_them() {
    for (name, bytes, read, _) in VECTORS {
        let result = charset(name).read(bytes);
        let result = result.as_deref().map_err(String::as_str);
        assert_eq!(result, *read, "{name} {bytes:x?}");
    }
}

#[test]
fn broken_sequences_are_replaced_as_python_replaces_them() {
    for (name, bytes, _, lossy) in VECTORS {
        assert_eq!(
            charset(name).decode_lossy(bytes),
            *lossy,
            "{name} {bytes:x?}"
        );
    }
}

#[test]
fn codecs_that_are_no_text_encodings_are_known_as_such() {
    for name in [
        "rot13",
        "ROT-13",
        "base64",
        "hex_codec",
        "zip",
        "bz2",
        "uu",
        "undefined",
    ] {
        assert_eq!(Codec::lookup(name), Some(Codec::NotText), "{name}");
    }
}

#[test]
fn unknown_names_are_not_guessed() {
    for name in [
        "",
        "utf-9",
        "utf8.",
        ".utf8",
        "utf8sig",
        "x-windows-1252",
        "utf-8;x",
        "hex.codec",
    ] {
        assert_eq!(Codec::lookup(name), None, "{name}");
    }
}

proptest! {
    #[test]
    fn any_text_survives_every_unicode_encoding(text in "[^\u{FEFF}].*") {
        let utf16 = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect();
        let utf32 = |bytes: fn(u32) -> [u8; 4]| {
            text.chars().map(u32::from).flat_map(bytes).collect()
        };
        let encoded: [(&str, Vec<u8>); 5] = [
            ("utf-8", text.clone().into_bytes()),
            ("utf-16-le", utf16(u16::to_le_bytes)),
            ("utf-16-be", utf16(u16::to_be_bytes)),
            ("utf-32-le", utf32(u32::to_le_bytes)),
            ("utf-32-be", utf32(u32::to_be_bytes)),
        ];
        for (name, bytes) in encoded {
            let charset = charset(name);
            prop_assert_eq!(charset.decode(&bytes), Some(text.clone()), "{}", name);
            prop_assert_eq!(charset.read(&bytes), Ok(text.as_str().into()), "{}", name);
        }
    }

    #[test]
    fn utf_8_is_replaced_as_the_standard_library_does(bytes: Vec<u8>) {
        prop_assert_eq!(Charset::Utf8.decode_lossy(&bytes), String::from_utf8_lossy(&bytes));
    }
}
