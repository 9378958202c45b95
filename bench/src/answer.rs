//! As much of HTTP/1.1 as a load generator needs to read an answer.

use anyhow::{Context as _, bail};

/// Headers of an answer at most.
const HEADERS: usize = 32;

/// An answer that is there in full.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Whether the server closes the connection after it.
    pub(crate) closes: bool,
}

/// The answer that the bytes are; `None` as long as some are missing.
pub(crate) fn read(bytes: &[u8]) -> anyhow::Result<Option<Answer>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = head.parse(bytes)? else {
        return Ok(None);
    };
    let value = |name: &str| {
        let mut headers = head.headers.iter();
        let header = headers.find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(header.value)
    };
    let rest = bytes.get(start..).unwrap_or_default();
    let body = match value("content-length") {
        Some(length) => {
            let length: usize = std::str::from_utf8(length)?.parse()?;
            rest.get(..length).map(<[u8]>::to_vec)
        }
        None if value("transfer-encoding").is_some() => chunks(rest)?,
        None => bail!("an answer without Content-Length"),
    };
    Ok(body.map(|body| Answer {
        status: head.code.unwrap_or_default(),
        body,
        closes: value("connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close")),
    }))
}

/// The body that comes in chunks (RFC 9112, 7.1), without trailers.
fn chunks(mut rest: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let size = httparse::parse_chunk_size(rest);
        let size = size.ok().context("this is no chunk")?;
        let httparse::Status::Complete((start, length)) = size else {
            return Ok(None);
        };
        let end = start + usize::try_from(length)?;
        let (Some(chunk), Some(b"\r\n")) = (rest.get(start..end), rest.get(end..end + 2)) else {
            return Ok(None);
        };
        if length == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(chunk);
        rest = rest.get(end + 2..).unwrap_or_default();
    }
}

/// The text of a member of a JSON object that needs no unescaping, such as a token.
pub(crate) fn member<'a>(body: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let name = format!("\"{name}\":");
    let start = memchr::memmem::find(body, name.as_bytes())? + name.len();
    let value = body.get(start..)?.trim_ascii_start().strip_prefix(b"\"")?;
    value.get(..memchr::memchr(b'"', value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Answer {
        read(text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn an_answer_is_read_when_it_is_there_in_full() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        for missing in 1..text.len() {
            assert_eq!(
                read(&text.as_bytes()[..text.len() - missing]).unwrap(),
                None
            );
        }
        let answer = whole(text);
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (200, b"{}".as_slice())
        );
        assert!(!answer.closes);
    }

    #[test]
    fn chunks_are_put_together() {
        let text = "HTTP/1.1 401 Unauthorized\r\ntransfer-encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
        assert_eq!(read(&text.as_bytes()[..text.len() - 2]).unwrap(), None);
        let answer = whole(text);
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (401, b"abcd".as_slice())
        );
        assert!(answer.closes);
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        assert!(read(b"SSH-2.0-OpenSSH\r\n\r\n").is_err());
        assert!(read(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    #[test]
    fn a_member_is_found_in_either_spelling() {
        assert_eq!(
            member(br#"{"access":"a","refresh":"b.c"}"#, "refresh"),
            Some(b"b.c".as_slice())
        );
        assert_eq!(
            member(br#"{"refresh": "b"}"#, "refresh"),
            Some(b"b".as_slice())
        );
        assert_eq!(member(b"{}", "refresh"), None);
    }
}
