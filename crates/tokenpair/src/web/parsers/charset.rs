//! The charsets a request may name, and `CPython`'s way of decoding them.
//!
//! Answers to `CPython`'s `codecs`, `encodings.aliases` and the `UnicodeDecodeError` texts.
//! Never produces a lone surrogate: what is not Unicode is an error or U+FFFD.
//!
//! DIFFERENCE: of the legacy text codecs only ASCII, ISO-8859-1 and Windows-1252 are here.
//! Any other one (`koi8-r`, `shift_jis`, …) counts as a name nobody knows, which callers
//! ignore in favour of UTF-8: the same answer for ASCII data, a refusal for nearly all else.

use std::borrow::Cow;

use self::Order::{Big, Little};

/// The text of bytes in ISO-8859-1, which is how WSGI hands header values to Django.
pub(crate) fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// What a codec name known to Python stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Text(Charset),
    /// `base64`, `rot13`, `zlib` and the like: bytes to bytes, or text to text.
    NotText,
}

/// A text encoding; without a byte order UTF-16 and UTF-32 go by the byte order mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    Ascii,
    Latin1,
    Cp1252,
    Utf8,
    Utf8Sig,
    Utf16(Option<Order>),
    Utf32(Option<Order>),
}

/// Which byte of a code unit comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

/// The first bytes which do not decode; without a reason if only more bytes could tell.
struct Fault {
    start: usize,
    end: usize,
    reason: Option<&'static str>,
}

impl Fault {
    /// Which of the bytes, counted from `origin`.
    fn place(&self, bytes: &[u8], origin: usize) -> String {
        let (start, end) = (origin + self.start, origin + self.end);
        match bytes.get(self.start..self.end) {
            Some([byte]) => format!("byte 0x{byte:02x} in position {start}"),
            _ => format!("bytes in position {start}-{}", end - 1),
        }
    }
}

impl Codec {
    /// Finds a codec by one of Python's names for it, in any spelling Python takes.
    pub(crate) fn lookup(name: &str) -> Option<Self> {
        let charset = match normalised(name).as_str() {
            "utf_8" | "utf8" | "u8" | "utf" | "utf8_ucs2" | "utf8_ucs4" | "cp65001" => {
                Charset::Utf8
            }
            "utf_8_sig" => Charset::Utf8Sig,
            "utf_16" | "utf16" | "u16" => Charset::Utf16(None),
            "utf_16_le" | "utf_16le" | "unicodelittleunmarked" => Charset::Utf16(Some(Little)),
            "utf_16_be" | "utf_16be" | "unicodebigunmarked" => Charset::Utf16(Some(Big)),
            "utf_32" | "utf32" | "u32" => Charset::Utf32(None),
            "utf_32_le" | "utf_32le" => Charset::Utf32(Some(Little)),
            "utf_32_be" | "utf_32be" => Charset::Utf32(Some(Big)),
            "ascii" | "us_ascii" | "us" | "646" | "iso646_us" | "iso_646.irv_1991" | "iso_ir_6"
            | "ansi_x3.4_1968" | "ansi_x3_4_1968" | "ansi_x3.4_1986" | "cp367" | "csascii"
            | "ibm367" => Charset::Ascii,
            "latin_1" | "latin1" | "latin" | "l1" | "iso8859_1" | "iso_8859_1"
            | "iso_8859_1_1987" | "iso8859" | "8859" | "cp819" | "csisolatin1" | "ibm819"
            | "iso_ir_100" => Charset::Latin1,
            "cp1252" | "1252" | "windows_1252" => Charset::Cp1252,
            "base64_codec" | "base64" | "base_64" | "bz2_codec" | "bz2" | "hex_codec" | "hex"
            | "quopri_codec" | "quopri" | "quoted_printable" | "quotedprintable" | "rot_13"
            | "rot13" | "uu_codec" | "uu" | "zlib_codec" | "zlib" | "zip" | "undefined" => {
                return Some(Self::NotText);
            }
            _ => return None,
        };
        Some(Self::Text(charset))
    }
}

impl Charset {
    /// Decodes like a `StreamReader`: a sequence cut off by the end is dropped without a word.
    ///
    /// The error is `CPython`'s text for the first bytes that do not decode.
    pub(crate) fn read(self, bytes: &[u8]) -> Result<Cow<'_, str>, String> {
        if self == Self::Utf8
            && let Ok(text) = str::from_utf8(bytes)
        {
            return Ok(Cow::Borrowed(text));
        }
        let (charset, body) = self.after_mark(bytes);
        let mut text = String::with_capacity(body.len());
        if let Some(fault) = charset.scan(body, &mut text)
            && let Some(reason) = fault.reason
        {
            // utf-8-sig counts from behind its mark, the others from the mark.
            let skipped = bytes.len() - body.len();
            let origin = if self == Self::Utf8Sig { 0 } else { skipped };
            let (codec, place) = (charset.name(), fault.place(body, origin));
            return Err(format!("'{codec}' codec can't decode {place}: {reason}"));
        }
        let unmarked = body.len() == bytes.len() && !text.is_empty();
        match self {
            Self::Utf16(None) if unmarked => Err("UTF-16 stream does not start with BOM".into()),
            Self::Utf32(None) if unmarked => Err("UTF-32 stream does not start with BOM".into()),
            _ => Ok(Cow::Owned(text)),
        }
    }

    /// Decodes all of the bytes, or nothing.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<String> {
        let (charset, body) = self.after_mark(bytes);
        let mut text = String::with_capacity(body.len());
        charset.scan(body, &mut text).is_none().then_some(text)
    }

    /// Decodes with U+FFFD in place of each sequence that is none.
    pub(crate) fn decode_lossy(self, bytes: &[u8]) -> String {
        let (charset, mut body) = self.after_mark(bytes);
        let mut text = String::with_capacity(body.len());
        while let Some(fault) = charset.scan(body, &mut text) {
            text.push(char::REPLACEMENT_CHARACTER);
            body = body.get(fault.end..).unwrap_or_default();
        }
        text
    }

    /// Strips the byte order mark and settles the byte order; unmarked means little endian.
    fn after_mark(self, bytes: &[u8]) -> (Self, &[u8]) {
        let marks: &[(&[u8], Self)] = match self {
            Self::Utf8Sig => &[(b"\xEF\xBB\xBF", Self::Utf8), (b"", Self::Utf8)],
            Self::Utf16(None) => &[
                (b"\xFF\xFE", Self::Utf16(Some(Little))),
                (b"\xFE\xFF", Self::Utf16(Some(Big))),
                (b"", Self::Utf16(Some(Little))),
            ],
            Self::Utf32(None) => &[
                (b"\xFF\xFE\0\0", Self::Utf32(Some(Little))),
                (b"\0\0\xFE\xFF", Self::Utf32(Some(Big))),
                (b"", Self::Utf32(Some(Little))),
            ],
            _ => &[],
        };
        marks
            .iter()
            .find_map(|(mark, charset)| Some((*charset, bytes.strip_prefix(*mark)?)))
            .unwrap_or((self, bytes))
    }

    /// Decodes up to the end or the first fault.
    fn scan(self, bytes: &[u8], text: &mut String) -> Option<Fault> {
        match self {
            Self::Ascii => by_byte(bytes, text, "ordinal not in range(128)", |byte| {
                byte.is_ascii().then_some(char::from(byte))
            }),
            Self::Latin1 => by_byte(bytes, text, "", |byte| Some(char::from(byte))),
            Self::Cp1252 => by_byte(bytes, text, "character maps to <undefined>", cp1252),
            Self::Utf8 | Self::Utf8Sig => utf8(bytes, text),
            Self::Utf16(order) => utf16(bytes, text, order.unwrap_or(Little)),
            Self::Utf32(order) => utf32(bytes, text, order.unwrap_or(Little)),
        }
    }

    /// The name of the codec in an error text.
    fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Latin1 => "latin-1",
            Self::Cp1252 => "charmap",
            Self::Utf8 | Self::Utf8Sig => "utf-8",
            Self::Utf16(Some(Big)) => "utf-16-be",
            Self::Utf16(_) => "utf-16-le",
            Self::Utf32(Some(Big)) => "utf-32-be",
            Self::Utf32(_) => "utf-32-le",
        }
    }
}

/// `CPython`'s normal form of a codec name: words of ASCII letters, digits and dots.
fn normalised(name: &str) -> String {
    let in_word = |char: char| char.is_ascii_alphanumeric() || char == '.';
    let words = name
        .split(|char| !in_word(char))
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_").to_ascii_lowercase()
}

fn by_byte(
    bytes: &[u8],
    text: &mut String,
    reason: &'static str,
    char_of: impl Fn(u8) -> Option<char>,
) -> Option<Fault> {
    for (start, &byte) in bytes.iter().enumerate() {
        match char_of(byte) {
            Some(char) => text.push(char),
            None => return Some(illegal(start, 1, reason)),
        }
    }
    None
}

/// Windows-1252, whose 27 printable characters in the C1 range are in the order of the bytes.
fn cp1252(byte: u8) -> Option<char> {
    const C1: [char; 32] = [
        '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', //
        '\0', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..0xA0 => C1
            .get(usize::from(byte) - 0x80)
            .copied()
            .filter(|&char| char != '\0'),
        _ => Some(char::from(byte)),
    }
}

fn utf8(bytes: &[u8], text: &mut String) -> Option<Fault> {
    let chunk = bytes.utf8_chunks().next()?;
    text.push_str(chunk.valid());
    let first = *chunk.invalid().first()?;
    let (start, width) = (chunk.valid().len(), chunk.invalid().len());
    let unfinished = match bytes.get(start..) {
        // Half a surrogate is left to an error handler which CPython does not call here.
        Some([0xED, 0xA0..=0xBF]) => true,
        Some(tail) => str::from_utf8(tail).is_err_and(|error| error.error_len().is_none()),
        None => false,
    };
    let reason = match first {
        _ if unfinished => None,
        0x80..0xC2 | 0xF5.. => Some("invalid start byte"),
        _ => Some("invalid continuation byte"),
    };
    Some(Fault {
        start,
        end: start + width,
        reason,
    })
}

fn utf16(bytes: &[u8], text: &mut String, order: Order) -> Option<Fault> {
    let (pairs, _) = bytes.as_chunks();
    let units = pairs.iter().map(|&pair| match order {
        Little => u16::from_le_bytes(pair),
        Big => u16::from_be_bytes(pair),
    });
    let mut start = 0;
    for decoded in char::decode_utf16(units) {
        match decoded.map_err(|error| error.unpaired_surrogate()) {
            Ok(char) => {
                text.push(char);
                start += 2 * char.len_utf16();
            }
            Err(0xDC00..) => return Some(illegal(start, 2, "illegal encoding")),
            Err(_) if bytes.len() < start + 4 => {
                return Some(cut_off(start, bytes));
            }
            Err(_) => return Some(illegal(start, 2, "illegal UTF-16 surrogate")),
        }
    }
    (start < bytes.len()).then(|| cut_off(start, bytes))
}

fn utf32(bytes: &[u8], text: &mut String, order: Order) -> Option<Fault> {
    let (quads, rest) = bytes.as_chunks();
    for (index, &quad) in quads.iter().enumerate() {
        let unit = match order {
            Little => u32::from_le_bytes(quad),
            Big => u32::from_be_bytes(quad),
        };
        match char::from_u32(unit) {
            Some(char) => text.push(char),
            None if unit < 0x11_0000 => {
                let reason = "code point in surrogate code point range(0xd800, 0xe000)";
                return Some(illegal(4 * index, 4, reason));
            }
            None => return Some(illegal(4 * index, 4, "code point not in range(0x110000)")),
        }
    }
    (!rest.is_empty()).then(|| cut_off(bytes.len() - rest.len(), bytes))
}

fn illegal(start: usize, width: usize, reason: &'static str) -> Fault {
    Fault {
        start,
        end: start + width,
        reason: Some(reason),
    }
}

fn cut_off(start: usize, bytes: &[u8]) -> Fault {
    Fault {
        start,
        end: bytes.len(),
        reason: None,
    }
}

#[cfg(test)]
mod tests;
