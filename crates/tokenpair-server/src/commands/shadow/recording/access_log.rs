//! Access logs with bodies: one JSON object a line, its members named as nginx names its variables.
//!
//! `escape=json` of nginx writes `"`, `\` and control characters as JSON does and leaves every other byte alone, so that a
//! body that is no UTF-8 makes a line that is none; a variable that is not set is an empty text.
//! <https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format>

use super::super::exchange::Request;
use super::{Recording, headers};
use jiff::Timestamp;
use reqwest::Method;
use tokenpair::json::{self, Object, Value};

/// A body may have 2.5 MB by default (Django's `DATA_UPLOAD_MAX_MEMORY_SIZE`), and six bytes for a byte.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// Short names that other writers may use.
const ALIASES: [(&str, &str); 4] = [
    ("method", "request_method"),
    ("uri", "request_uri"),
    ("body", "request_body"),
    ("authorization", "http_authorization"),
];

/// Reads a file's bytes into the recording.
pub(super) fn read(bytes: &[u8], name: &str, recording: &mut Recording) -> Result<(), String> {
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let place = format!("line {}", index + 1);
        let origin = format!("{name}, {place}");
        let flaw = |flaw: String| format!("{place}: {flaw}");
        match request(line, origin).map_err(flaw)? {
            Ok(request) => recording.requests.push(request),
            Err(reason) => recording.leave_out(reason),
        }
    }
    Ok(())
}

/// `Ok(Err(reason))`: readable, but nothing to play.
fn request(line: &[u8], origin: String) -> Result<Result<Request, &'static str>, String> {
    if line.len() > MAX_LINE {
        return Err("is longer than 16 MiB".to_owned());
    }
    let members = Members::read(line)?;
    let method = members.need("request_method")?;
    let target = target(&members.need("request_uri")?);
    let is_method = Method::from_bytes(method.as_bytes()).is_ok();
    let Some(target) = target.filter(|_| is_method) else {
        // nginx logs what is no HTTP, too: every site on the Internet is sent some.
        return Ok(Err("it is no request for a path"));
    };
    let body = members.get("request_body")?.unwrap_or_default();
    if let Some(length) = members.text("content_length")? {
        match length.parse::<usize>() {
            Ok(length) if length > 0 && body.is_empty() => {
                return Ok(Err("its body was not recorded"));
            }
            Ok(length) if length != body.len() => {
                return Ok(Err("its body was not recorded whole"));
            }
            Ok(_) => {}
            Err(_) => return Err("content_length is no number".to_owned()),
        }
    }
    let mut request = Request::new(origin, method, target);
    members.add_headers(&mut request)?;
    request.body = body;
    request.recorded_at = members.time()?;
    Ok(Ok(request))
}

/// Path and query; a proxy's request names the whole address.
fn target(uri: &str) -> Option<String> {
    let path = match uri.split_once("://") {
        Some(("http" | "https", rest)) => rest.find('/').map_or("/", |start| &rest[start..]),
        _ => uri,
    };
    let is_path = path.starts_with('/') && !path.contains(char::is_whitespace);
    is_path.then(|| path.to_owned())
}

/// The members of a line, as bytes where they may be any.
struct Members {
    object: Object,
    /// The line is no UTF-8: each of its bytes was read as one character.
    is_bytes: bool,
}

impl Members {
    fn read(line: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(line).map(str::to_owned);
        let is_bytes = text.is_err();
        let text = text.unwrap_or_else(|_| line.iter().copied().map(char::from).collect());
        match json::decode_body(text.trim_end_matches('\r')) {
            Ok(Value::Object(object)) => Ok(Self { object, is_bytes }),
            Ok(_) => Err("is no JSON object".to_owned()),
            Err(_) => Err("is no JSON: nginx writes it with log_format … escape=json".to_owned()),
        }
    }

    /// The bytes of a member; `None` where it is not there or empty, as a variable that is not set.
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        let member = self.find(name);
        member.map_or(Ok(None), |(name, value)| self.bytes(name, value))
    }

    /// A member under one of its names.
    fn find<'a>(&'a self, name: &'a str) -> Option<(&'a str, &'a Value)> {
        let aliases = ALIASES.iter().filter(|(_, variable)| *variable == name);
        let mut names = std::iter::once(name).chain(aliases.map(|(alias, _)| *alias));
        names.find_map(|name| Some((name, self.object.get(name)?)))
    }

    fn bytes(&self, name: &str, value: &Value) -> Result<Option<Vec<u8>>, String> {
        let bytes = match value {
            Value::Null => return Ok(None),
            Value::String(text) if self.is_bytes => text
                .chars()
                .map(u8::try_from)
                .collect::<Result<_, _>>()
                .ok(),
            Value::String(text) => Some(text.as_bytes().to_vec()),
            Value::Number(number) => Some(number.to_string().into_bytes()),
            _ => None,
        };
        let name = crate::output::printable(name);
        let bytes = bytes.ok_or_else(|| format!("{name} is no text"))?;
        Ok((!bytes.is_empty()).then_some(bytes))
    }

    fn text(&self, name: &str) -> Result<Option<String>, String> {
        let bytes = self.get(name)?.map(String::from_utf8).transpose();
        bytes.map_err(|_| format!("{name} is no text in UTF-8"))
    }

    /// The text of a member that every line has, be it empty.
    fn need(&self, name: &str) -> Result<String, String> {
        if self.find(name).is_none() {
            return Err(format!("has no {name}"));
        }
        Ok(self.text(name)?.unwrap_or_default())
    }

    /// `content_type` and everything that is named `http_…`.
    fn add_headers(&self, request: &mut Request) -> Result<(), String> {
        for (member, value) in &self.object {
            let variable = ALIASES.iter().find(|(alias, _)| alias == member);
            let variable = variable.map_or(member.as_str(), |(_, variable)| variable);
            let header = match variable.strip_prefix("http_") {
                Some(header) => header.replace('_', "-"),
                None if variable == "content_type" => "content-type".to_owned(),
                None => continue,
            };
            let Some(bytes) = self.bytes(member, value)? else {
                continue;
            };
            if !headers::add(&mut request.headers, &header, &bytes) {
                let member = crate::output::printable(member);
                return Err(format!("{member} is no header of HTTP"));
            }
        }
        Ok(())
    }

    /// `msec` (seconds since 1970) or `time_iso8601`.
    fn time(&self) -> Result<Option<Timestamp>, String> {
        if let Some(text) = self.text("msec")? {
            let seconds = text
                .split('.')
                .next()
                .and_then(|seconds| seconds.parse().ok());
            let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
            return time.map(Some).ok_or_else(|| "msec is no time".to_owned());
        }
        let Some(text) = self.text("time_iso8601")? else {
            return Ok(None);
        };
        let time = text.parse().map(Some);
        time.map_err(|_| "time_iso8601 is no time".to_owned())
    }
}
