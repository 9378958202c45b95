//! Follows the HTTP/1 framing of a connection's incoming bytes, one line at a time, and finds the first byte
//! that two servers could read differently: Transfer-Encoding beside Content-Length, a repeated length, any
//! coding other than `chunked`, a line that does not end in CRLF, a chunk that is not well formed.
//!
//! hyper reads the same bytes right after us and does the real parsing. What keeps the two in step: wherever this
//! file reads a length, hyper reads the same one or refuses, and whatever this file refuses hyper never sees.
//! Must never allocate, never keep a body, and never be more lenient than hyper about where a message ends.
//!
//! Answers to RFC 9112 sections 2.2, 6 and 7.1.

use std::io::BufRead;

/// How much of a line that spans several reads is kept: enough for the fields and numbers that matter here.
const KEPT: usize = 64;

/// Of a request target, this much more than is permitted is let through before it is cut off, so that it stays too
/// long with any method that fits [`KEPT`].
const BEYOND: usize = KEPT + 2;

/// A chunk size with more digits than this would not fit 64 bits.
const CHUNK_DIGITS: usize = 16;

/// The first bytes of an HTTP/2 connection, up to its first line end (RFC 9113 section 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// Where the incoming bytes must be cut, and what hyper is to read in place of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    /// How many of the bytes just fed may still be passed on.
    pub(super) keep: usize,
    /// What follows them.
    pub(super) ending: &'static [u8],
}

/// Ends any head, chunk or trailer, wherever it was cut, in a way that hyper refuses.
///
/// The zero byte is wrong everywhere but in a chunk extension, where the bare line feed is.
pub(super) const MALFORMED: &[u8] = b"\0\n\r\n\r\n";

/// Ends a head whose request target is too long already, so that the service sees it and answers 414.
pub(super) const TOO_LONG: &[u8] = b" HTTP/1.1\r\nhost: -\r\n\r\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    RequestLine,
    Field,
    Body(u64),
    ChunkSize,
    Chunk(u64),
    ChunkEnd,
    Trailer,
    Http2,
}

/// The framing of one connection so far.
#[derive(Debug)]
pub(super) struct Framing {
    part: Part,
    carried: Carried,
    length: Option<u64>,
    chunked: bool,
    max_target: usize,
}

impl Framing {
    /// Framing of a fresh connection on which request targets have at most `max_target` bytes.
    pub(super) fn new(max_target: usize) -> Self {
        Self {
            part: Part::RequestLine,
            carried: Carried::default(),
            length: None,
            chunked: false,
            max_target,
        }
    }

    /// Whether a head has begun but is not complete.
    pub(super) fn in_head(&self) -> bool {
        match self.part {
            Part::RequestLine => self.carried.length > 0,
            Part::Field => true,
            _ => false,
        }
    }

    /// Whether a head is complete but its body is not.
    pub(super) fn in_body(&self) -> bool {
        !matches!(self.part, Part::RequestLine | Part::Field | Part::Http2)
    }

    /// Follows `bytes`, the next ones of the connection.
    ///
    /// Must not be called again after a refusal.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let keep = bytes.len() - rest.len();
            rest = match self.part {
                Part::Http2 => return Ok(()),
                Part::Body(left) => self.skip(rest, left, Part::Body, Part::RequestLine),
                Part::Chunk(left) => self.skip(rest, left, Part::Chunk, Part::ChunkEnd),
                _ => self.line(rest).map_err(|refusal| Refusal {
                    keep: keep + refusal.keep,
                    ..refusal
                })?,
            };
        }
        Ok(())
    }

    fn skip<'a>(
        &mut self,
        rest: &'a [u8],
        left: u64,
        unfinished: fn(u64) -> Part,
        then: Part,
    ) -> &'a [u8] {
        let taken = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
        let left = left - taken as u64;
        self.part = if left == 0 { then } else { unfinished(left) };
        rest.get(taken..).unwrap_or_default()
    }

    /// Takes one line, or what there is of it, off the front of `rest`.
    fn line<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], Refusal> {
        let mut after = rest;
        // The standard library's way to its fast byte search; it cannot fail on a slice.
        let taken = after.skip_until(b'\n').unwrap_or(rest.len());
        let line = rest.get(..taken).unwrap_or(rest);
        if let Some(keep) = self.target_excess(line) {
            return Err(Refusal {
                keep,
                ending: TOO_LONG,
            });
        }
        let understood = if !line.ends_with(b"\n") {
            self.carried.push(line);
            true
        } else if self.carried.length == 0 {
            line.strip_suffix(b"\r\n")
                .is_some_and(|text| self.understand(text, false))
        } else {
            let mut whole = std::mem::take(&mut self.carried);
            whole.push(line);
            whole
                .text()
                .is_some_and(|(text, cut)| self.understand(text, cut))
        };
        if understood {
            Ok(after)
        } else {
            Err(Refusal {
                keep: 0,
                ending: MALFORMED,
            })
        }
    }

    /// Where to cut `line` if it is in the middle of a request target that is too long by far.
    ///
    /// One that is too long by little, or already at its end, is left to the service.
    fn target_excess(&self, line: &[u8]) -> Option<usize> {
        let most = self.max_target + BEYOND;
        if self.part != Part::RequestLine || self.carried.length + line.len() <= most {
            return None;
        }
        let keep = most.saturating_sub(self.carried.length);
        let start = if self.carried.length == 0 {
            line
        } else {
            self.carried.kept()
        };
        let method_ends = start.iter().take(KEPT).any(|&byte| byte == b' ');
        let spaces = self.carried.spaces + count_spaces(line.get(..keep).unwrap_or(line));
        (method_ends && spaces == 1).then_some(keep)
    }

    /// Draws the conclusions from a whole line, or from the first bytes of one that was `cut`; false refuses it.
    fn understand(&mut self, text: &[u8], cut: bool) -> bool {
        match self.part {
            Part::RequestLine => self.request_line(text),
            Part::Field if text.is_empty() => self.end_of_head(),
            Part::Field => return self.field(text, cut),
            Part::ChunkSize => return self.chunk_size(text),
            Part::ChunkEnd if text.is_empty() => self.part = Part::ChunkSize,
            Part::ChunkEnd => return false,
            Part::Trailer if text.is_empty() => self.part = Part::RequestLine,
            Part::Trailer | Part::Body(_) | Part::Chunk(_) | Part::Http2 => {}
        }
        true
    }

    fn request_line(&mut self, text: &[u8]) {
        // Empty lines before a request are skipped (RFC 9112 section 2.2).
        if text == HTTP2_PREFACE {
            // Anywhere but at the start of a connection hyper refuses this line and closes.
            self.part = Part::Http2;
        } else if !text.is_empty() {
            self.part = Part::Field;
            self.length = None;
            self.chunked = false;
        }
    }

    fn end_of_head(&mut self) {
        self.part = match self.length {
            _ if self.chunked => Part::ChunkSize,
            Some(length) if length > 0 => Part::Body(length),
            _ => Part::RequestLine,
        };
    }

    /// A name with white space before the colon, and a folded line, are left to hyper, which refuses both.
    fn field(&mut self, text: &[u8], cut: bool) -> bool {
        if !matches!(text.first(), Some(b'c' | b'C' | b't' | b'T')) {
            return true;
        }
        let Some(colon) = text.iter().position(|&byte| byte == b':') else {
            return true;
        };
        let (name, value) = text.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let first = self.length.is_none() && !self.chunked;
        if name.eq_ignore_ascii_case(b"content-length") {
            self.length = decimal(value);
            first && !cut && self.length.is_some()
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = true;
            first && !cut && value.eq_ignore_ascii_case(b"chunked")
        } else {
            true
        }
    }

    fn chunk_size(&mut self, text: &[u8]) -> bool {
        let digits = text
            .iter()
            .position(|byte| !byte.is_ascii_hexdigit())
            .unwrap_or(text.len());
        let (size, extension) = text.split_at(digits);
        let extension_is_fine = matches!(extension.first(), None | Some(b';' | b' ' | b'\t'));
        let size = (size.len() <= CHUNK_DIGITS)
            .then(|| std::str::from_utf8(size).ok())
            .flatten()
            .and_then(|size| u64::from_str_radix(size, 16).ok());
        self.part = match size {
            Some(0) => Part::Trailer,
            Some(size) => Part::Chunk(size),
            None => return false,
        };
        extension_is_fine
    }
}

fn count_spaces(text: &[u8]) -> usize {
    text.iter().map(|&byte| usize::from(byte == b' ')).sum()
}

/// Digits only: Rust's own parser would also take a sign.
fn decimal(value: &[u8]) -> Option<u64> {
    if !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// What is to be known of a line that arrives in pieces.
#[derive(Debug)]
struct Carried {
    start: [u8; KEPT],
    last: [u8; 2],
    length: usize,
    spaces: usize,
}

impl Default for Carried {
    fn default() -> Self {
        Self {
            start: [0; KEPT],
            last: [0; 2],
            length: 0,
            spaces: 0,
        }
    }
}

impl Carried {
    fn push(&mut self, piece: &[u8]) {
        if let Some(room) = self.start.get_mut(self.length..) {
            for (to, from) in room.iter_mut().zip(piece) {
                *to = *from;
            }
        }
        self.last = match *piece {
            [] => return,
            [only] => [self.last[1], only],
            [.., before, last] => [before, last],
        };
        self.length += piece.len();
        self.spaces += count_spaces(piece);
    }

    fn kept(&self) -> &[u8] {
        self.start.get(..self.length).unwrap_or(&self.start)
    }

    /// The line without its CRLF, or its beginning and `true`; `None` if it does not end in CRLF.
    fn text(&self) -> Option<(&[u8], bool)> {
        let length = self
            .length
            .checked_sub(2)
            .filter(|_| self.last == *b"\r\n")?;
        Some(match self.start.get(..length) {
            Some(text) => (text, false),
            None => (&self.start, true),
        })
    }
}
