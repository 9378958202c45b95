//! `multipart/form-data` bodies.
//!
//! Answers to Django's `http/multipartparser.py`, whose reading of a body is its own: the
//! boundary is found anywhere, not at line starts only; what precedes it, what has no name and
//! what has no header is skipped; a file counts only once something follows its boundary.
//! Never keeps the content of a file.
//!
//! DIFFERENCE: a body is read in one go. Django reads 64 KiB at a time and, in a part without
//! a name or file name that is longer, takes the rest for a part of its own. HTML character
//! references in file names are not resolved, so `&period;` is a name here.

use memchr::memmem;

use super::charset::Charset;
use super::{FieldValue, Fields, MAX_FIELDS, ParseFailure};
use crate::web::media_type::{MediaType, trim};

const MAX_BOUNDARY_LENGTH: usize = 201;
const MAX_FILES: usize = 100;
const MAX_HEADER_SIZE: usize = 1024;

/// The boundary named by a Content-Type header, which has to be ASCII and lower case in its type.
pub(super) fn boundary(content_type: &str, parsed: &MediaType) -> Result<String, ParseFailure> {
    if !content_type.starts_with("multipart/") {
        return Err(failure(&format!("Invalid Content-Type: {content_type}")));
    }
    if !content_type.is_ascii() {
        let text = format!("Invalid non-ASCII Content-Type in multipart: {content_type}");
        return Err(failure(&text));
    }
    let boundary = parsed.param("boundary");
    match boundary {
        Some(boundary) if is_boundary(boundary) => Ok(boundary.to_owned()),
        _ => {
            let named = boundary.unwrap_or("None");
            Err(failure(&format!("Invalid boundary in multipart: {named}")))
        }
    }
}

/// Reads the parts of a body; files come after the texts, whatever their order in the body.
pub(super) fn parse(boundary: &str, body: &[u8], charset: Charset) -> Result<Fields, ParseFailure> {
    let separator = format!("--{boundary}");
    let mut form = Form {
        charset,
        texts: Fields::default(),
        files: Vec::new(),
        text_parts: 0,
        file_parts: 0,
    };
    let mut rest = body;
    while !rest.is_empty() {
        let found = memmem::find(rest, separator.as_bytes());
        let (part, next) = rest.split_at(found.unwrap_or(rest.len()));
        let part = if found.is_some() {
            without_line_end(part)
        } else {
            part
        };
        let next = next.get(separator.len()..).unwrap_or_default();
        form.take(&Part::parse(part)?, !next.is_empty())?;
        rest = next;
    }
    for name in form.files {
        form.texts.append(name, FieldValue::File);
    }
    Ok(form.texts)
}

struct Form {
    charset: Charset,
    texts: Fields,
    /// The names of the fields with a file.
    files: Vec<String>,
    text_parts: usize,
    file_parts: usize,
}

/// A part with headers.
struct Part<'a> {
    disposition: Option<MediaType>,
    base64: bool,
    content: &'a [u8],
}

impl Form {
    fn take(&mut self, part: &Part<'_>, followed: bool) -> Result<(), ParseFailure> {
        match part.file_name() {
            None => self.take_text(part),
            Some(file_name) => self.take_file(part, file_name, followed),
        }
    }

    fn take_text(&mut self, part: &Part<'_>) -> Result<(), ParseFailure> {
        self.text_parts += 1;
        // What precedes the first boundary and what follows the last one are no fields.
        if self.text_parts > MAX_FIELDS + 2 {
            return Err(ParseFailure::TooManyFields);
        }
        if let Some(name) = part.name(self.charset) {
            self.texts
                .append(name, FieldValue::Text(part.text(self.charset)));
        }
        Ok(())
    }

    fn take_file(
        &mut self,
        part: &Part<'_>,
        file_name: &str,
        followed: bool,
    ) -> Result<(), ParseFailure> {
        let Some(name) = part.name(self.charset) else {
            return Ok(());
        };
        self.file_parts += 1;
        if self.file_parts > MAX_FILES {
            return Err(ParseFailure::TooManyFields);
        }
        if !names_a_file(&self.charset.decode_lossy(file_name.as_bytes())) {
            return Ok(());
        }
        if part.base64 && !is_whole_base64(part.content) {
            return Err(failure("Could not decode base64 data."));
        }
        if followed && !name.is_empty() {
            self.files.push(name);
        }
        Ok(())
    }
}

impl<'a> Part<'a> {
    /// Splits headers from content; without a blank line there are no headers.
    fn parse(bytes: &'a [u8]) -> Result<Self, ParseFailure> {
        let mut part = Part {
            disposition: None,
            base64: false,
            content: bytes,
        };
        let searched = bytes.get(..MAX_HEADER_SIZE);
        let Some(end) = memmem::find(searched.unwrap_or(bytes), b"\r\n\r\n") else {
            return match searched {
                None => Ok(part),
                Some(_) => Err(failure("Request max total header size exceeded.")),
            };
        };
        let (head, content) = bytes.split_at(end);
        part.content = content.get(4..).unwrap_or_default();
        for line in lines(head) {
            part.read_header(line);
        }
        Ok(part)
    }

    /// Takes note of a header; one that makes no sense is skipped.
    fn read_header(&mut self, line: &[u8]) {
        let line = str::from_utf8(line).ok();
        let Some(header) = line.and_then(|line| MediaType::parse(line).ok()) else {
            return;
        };
        match header.value.split_once(':') {
            Some(("content-disposition", _)) => self.disposition = Some(header),
            Some(("content-transfer-encoding", encoding)) => {
                self.base64 = trim(encoding) == "base64";
            }
            _ => {}
        }
    }

    fn name(&self, charset: Charset) -> Option<String> {
        let name = self.disposition.as_ref()?.param("name")?;
        let name = name.trim_matches(|char| matches!(char, ' ' | '\t'..='\r'));
        Some(charset.decode_lossy(name.as_bytes()))
    }

    /// The file name, without which a part is a field.
    fn file_name(&self) -> Option<&str> {
        let name = self.disposition.as_ref()?.param("filename")?;
        (!name.is_empty()).then_some(name)
    }

    /// The content as text; what is no base64 after all is taken as it is.
    fn text(&self, charset: Charset) -> String {
        let decoded = self.base64.then(|| base64(self.content)).flatten();
        charset.decode_lossy(decoded.as_deref().unwrap_or(self.content))
    }
}

fn failure(text: &str) -> ParseFailure {
    ParseFailure::ParseError(format!("Multipart form parse error - {text}"))
}

fn is_boundary(boundary: &str) -> bool {
    boundary.len() <= MAX_BOUNDARY_LENGTH
        && boundary.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && boundary.ends_with(|last| last != ' ')
}

/// The line end before a boundary belongs to the boundary; either half of it may be missing.
fn without_line_end(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}

fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(head);
    std::iter::from_fn(move || {
        let here = rest?;
        let (line, next) = here.split_at(memmem::find(here, b"\r\n").unwrap_or(here.len()));
        rest = next.get(2..);
        Some(line)
    })
}

fn names_a_file(path: &str) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let visible = |char: &char| *char == ' ' || !(char.is_control() || char.is_whitespace());
    let name: String = name.chars().filter(visible).collect();
    !matches!(name.as_str(), "" | "." | "..")
}

/// Whether a file's content is base64 in whole groups of four, white space aside.
fn is_whole_base64(content: &[u8]) -> bool {
    let blank = |byte: u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let content: Vec<u8> = content
        .iter()
        .copied()
        .filter(|&byte| !blank(byte))
        .collect();
    content.len().is_multiple_of(4) && base64(&content).is_some()
}

/// `CPython`'s lenient `binascii.a2b_base64`: foreign bytes are skipped, the data ends with its
/// padding, and missing padding is an error.
fn base64(data: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(data.len() / 4 * 3);
    let (mut previous, mut digits, mut pads) = (0_u8, 0, 0);
    for &byte in data {
        if byte == b'=' {
            pads += usize::from(digits >= 2);
            if digits >= 2 && digits + pads >= 4 {
                return Some(decoded);
            }
            continue;
        }
        let Some(value) = base64_value(byte) else {
            continue;
        };
        pads = 0;
        match digits {
            0 => {}
            1 => decoded.push(previous << 2 | value >> 4),
            2 => decoded.push(previous << 4 | value >> 2),
            _ => decoded.push(previous << 6 | value),
        }
        previous = value;
        digits = (digits + 1) % 4;
    }
    (digits == 0).then_some(decoded)
}

fn base64_value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}
