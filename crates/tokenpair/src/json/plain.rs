//! Characters that stand for themselves in a JSON text, found eight at a time: tokens and claims have few others.

/// A one in every byte.
const ONES: u64 = u64::MAX / 0xff;
const HIGH_BITS: u64 = ONES * 0x80;

/// The number of bytes before the first quote, backslash or control character.
pub(super) fn unescaped_prefix(bytes: &[u8]) -> usize {
    prefix(bytes, escaped)
}

/// Whether nothing in `text` is escaped, whatever the charset.
pub(super) fn is_plain_ascii(text: &str) -> bool {
    prefix(text.as_bytes(), |word| escaped(word) | beyond_ascii(word)) == text.len()
}

/// The number of bytes before the first that `odd` marks, in the word that holds it, by its high bit.
fn prefix(bytes: &[u8], odd: impl Fn(u64) -> u64) -> usize {
    let (words, rest) = bytes.as_chunks();
    let first_in = |word| odd(word).trailing_zeros() as usize / 8;
    for (index, word) in words.iter().enumerate() {
        let first = first_in(u64::from_le_bytes(*word));
        if first < 8 {
            return 8 * index + first;
        }
    }
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    8 * words.len() + first_in(u64::from_le_bytes(last)).min(rest.len())
}

/// Marks quotes, backslashes and control characters. A borrow may mark bytes above the first, never below it.
fn escaped(word: u64) -> u64 {
    let below = |limit: u64, word: u64| word.wrapping_sub(ONES * limit) & !word & HIGH_BITS;
    let equal = |byte: u8| below(1, word ^ (ONES * u64::from(byte)));
    below(b' '.into(), word) | equal(b'"') | equal(b'\\')
}

/// Marks delete and whatever is no ASCII.
fn beyond_ascii(word: u64) -> u64 {
    (word | word.wrapping_add(ONES)) & HIGH_BITS
}

#[cfg(test)]
mod tests {
    use super::{is_plain_ascii, unescaped_prefix};

    /// Every byte at every place of a word and behind it, beside every other.
    #[test]
    fn the_first_odd_byte_is_found_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for next in [
                b'a',
                b'"',
                b'\\',
                0,
                0x1f,
                0x7f,
                0x80,
                0xff,
                byte.wrapping_add(1),
            ] {
                for place in 0..18 {
                    let mut bytes = *b"some plain text of 20";
                    bytes[place] = byte;
                    bytes[place + 1] = next;
                    let is_escaped = |byte: &u8| *byte < b' ' || b"\"\\".contains(byte);
                    let expected = bytes.iter().position(is_escaped).unwrap_or(bytes.len());
                    assert_eq!(unescaped_prefix(&bytes), expected, "{bytes:?}");
                }
            }
        }
    }

    #[test]
    fn plain_is_what_neither_charset_escapes() {
        for char in (0..0x300).filter_map(char::from_u32) {
            for before in ["", "a", "1234567", "12345678"] {
                let text = format!("{before}{char}");
                let plain = matches!(char, ' '..='~') && char != '"' && char != '\\';
                assert_eq!(is_plain_ascii(&text), plain, "{text:?}");
                assert_eq!(
                    is_plain_ascii(&format!("{text}12345678")),
                    plain,
                    "{text:?}"
                );
            }
        }
        assert!(is_plain_ascii(""));
    }
}
