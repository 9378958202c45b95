//! Python's literals: numbers and texts.

/// `1_000`, `0x1F`, `0o17`, `0b1`.
pub(super) fn integer(text: &str) -> Option<i64> {
    let digits = text.replace('_', "").to_ascii_lowercase();
    let (digits, radix) = match digits.get(..2) {
        Some("0x") => (digits.get(2..)?, 16),
        Some("0o") => (digits.get(2..)?, 8),
        Some("0b") => (digits.get(2..)?, 2),
        _ => (digits.as_str(), 10),
    };
    i64::from_str_radix(digits, radix).ok()
}

/// What stands between the quotes, as Python reads it.
pub(super) fn decode(content: &str, is_raw: bool, is_format: bool) -> Option<String> {
    let content = content.replace("\r\n", "\n");
    let content = if is_format {
        content.replace("{{", "{").replace("}}", "}")
    } else {
        content
    };
    if is_raw || !content.contains('\\') {
        return Some(content);
    }
    let mut text = String::with_capacity(content.len());
    let mut rest = content.as_str();
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        rest = escape(after, &mut text)?;
    }
    text.push_str(rest);
    Some(text)
}

/// Reads the escape that `after` begins with into `text`; what follows it.
fn escape<'a>(after: &'a str, text: &mut String) -> Option<&'a str> {
    let first = after.chars().next()?;
    let rest = after.get(first.len_utf8()..)?;
    let plain = match first {
        '\n' => return Some(rest),
        '\\' | '\'' | '"' => first,
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => return numbered(rest, 2, 16, text),
        'u' => return numbered(rest, 4, 16, text),
        'U' => return numbered(rest, 8, 16, text),
        '0'..='7' => {
            let digits = after.chars().take(3).take_while(|c| c.is_digit(8)).count();
            return numbered(after, digits, 8, text);
        }
        'N' => return None,
        // Python keeps what is no escape, with its backslash.
        other => {
            text.push('\\');
            other
        }
    };
    text.push(plain);
    Some(rest)
}

fn numbered<'a>(digits: &'a str, length: usize, radix: u32, text: &mut String) -> Option<&'a str> {
    let number = u32::from_str_radix(digits.get(..length)?, radix).ok()?;
    text.push(char::from_u32(number)?);
    digits.get(length..)
}

#[cfg(test)]
mod tests {
    use super::{decode, integer};

    #[test]
    fn texts_are_read_as_python_reads_them() {
        let plain = |text| decode(text, false, false);
        assert_eq!(
            plain(r"a\n\t\\\'\x41\u00e9\101\0").as_deref(),
            Some("a\n\t\\'AéA\0")
        );
        assert_eq!(plain(r"\d+ \.").as_deref(), Some(r"\d+ \."));
        assert_eq!(plain("a\\\nb").as_deref(), Some("ab"));
        assert_eq!(plain(r"\N{BULLET}"), None);
        assert_eq!(plain(r"\xé1"), None);
        assert_eq!(plain(r"\ud800"), None);
        assert_eq!(decode(r"\n", true, false).as_deref(), Some(r"\n"));
        assert_eq!(decode("{{x}}", false, true).as_deref(), Some("{x}"));
    }

    #[test]
    fn numbers_may_have_underscores_and_a_radix() {
        assert_eq!(integer("1_000_000"), Some(1_000_000));
        assert_eq!(integer("0x1F"), Some(31));
        assert_eq!(integer("99999999999999999999"), None);
    }
}
