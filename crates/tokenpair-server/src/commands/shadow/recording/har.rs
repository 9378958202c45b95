//! HAR 1.2, as Chrome, Firefox and mitmproxy write it.
//!
//! <http://www.softwareishard.com/blog/har-12-spec/>; a base64 body is marked by `encoding`, which the specification
//! has for answers and some tools write for requests, too.

use super::super::exchange::{Headers, Request};
use super::{Recording, headers};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::Url;
use serde::Deserialize;

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    creator: Option<Creator>,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Creator {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    started_date_time: Option<String>,
    request: Asked,
    response: Option<Answered>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    method: String,
    url: String,
    headers: Option<Vec<Header>>,
    post_data: Option<PostData>,
    body_size: Option<f64>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    mime_type: Option<String>,
    text: Option<String>,
    encoding: Option<String>,
    params: Option<Vec<Param>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Param {
    name: String,
    value: Option<String>,
    file_name: Option<String>,
}

#[derive(Deserialize)]
struct Answered {
    content: Option<Content>,
}

#[derive(Deserialize)]
struct Content {
    text: Option<String>,
    encoding: Option<String>,
}

/// Reads a file's bytes into the recording.
pub(super) fn read(bytes: &[u8], name: &str, recording: &mut Recording) -> Result<(), String> {
    let har: Har = serde_json::from_slice(bytes).map_err(|error| complaint(&error))?;
    let log = har.log;
    let taken = recording.requests.len();
    for (index, entry) in log.entries.into_iter().enumerate() {
        let place = format!("entry {}", index + 1);
        let origin = format!("{name}, {place}");
        match request(entry, origin).map_err(|flaw| format!("{place}: {flaw}"))? {
            Ok(request) => recording.requests.push(request),
            Err(reason) => recording.leave_out(reason),
        }
    }
    let creator = log.creator.map(|creator| creator.name).unwrap_or_default();
    let read = &recording.requests[taken..];
    if creator == "WebInspector" && read.iter().all(|request| !carries_credentials(request)) {
        recording.notes.push(format!(
            "{name}: Chrome left the Authorization and Cookie headers out: allow \"HAR with sensitive data\" in the settings of its developer tools, and export again"
        ));
    }
    Ok(())
}

fn carries_credentials(request: &Request) -> bool {
    let names = ["authorization", "cookie"];
    names.iter().any(|name| request.headers.get(name).is_some())
}

/// Where it cannot be read. The error's own text would quote the file.
fn complaint(error: &serde_json::Error) -> String {
    let place = format!("line {} column {}", error.line(), error.column());
    if error.is_data() {
        format!("is no HAR 1.2 file: at {place} a member is missing or of another type")
    } else {
        format!("is no HAR 1.2 file: it stops being JSON at {place}")
    }
}

/// `Ok(Err(reason))`: readable, but nothing to play.
fn request(entry: Entry, origin: String) -> Result<Result<Request, &'static str>, String> {
    let asked = entry.request;
    let Ok(url) = Url::parse(&asked.url) else {
        return Err("its url is no address".to_owned());
    };
    if !matches!(url.scheme(), "http" | "https") {
        return Ok(Err("it is no HTTP request"));
    }
    let size = asked.body_size.unwrap_or_default();
    let mime_type = asked
        .post_data
        .as_ref()
        .and_then(|data| data.mime_type.clone());
    let body = match asked.post_data {
        Some(data) => body(data)?,
        None => Some(Vec::new()),
    };
    let Some(body) = body.filter(|body| !body.is_empty() || size <= 0.0) else {
        return Ok(Err("its body was not recorded"));
    };
    let mut request = Request::new(origin, asked.method, target(&asked.url));
    request.headers = collect_headers(asked.headers.unwrap_or_default())?;
    if let Some(mime_type) = mime_type.filter(|_| request.headers.get("content-type").is_none()) {
        headers::add(&mut request.headers, "Content-Type", mime_type.as_bytes());
    }
    request.body = body;
    request.recorded = entry
        .response
        .and_then(|answered| recorded(answered.content?));
    request.recorded_at = entry
        .started_date_time
        .and_then(|text| text.parse::<Timestamp>().ok());
    Ok(Ok(request))
}

/// Path and query as they stand in the address.
pub(super) fn target(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let start = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let target = rest[start..].split('#').next().unwrap_or_default();
    if target.starts_with('/') {
        target.to_owned()
    } else {
        format!("/{target}")
    }
}

fn collect_headers(recorded: Vec<Header>) -> Result<Headers, String> {
    let mut collected = Headers::default();
    for Header { name, value } in recorded {
        if !headers::add(&mut collected, &name, value.as_bytes()) {
            let name = crate::output::printable(&name);
            return Err(format!("its header {name} is no header of HTTP"));
        }
    }
    Ok(collected)
}

/// The body's bytes; `None` where they were not recorded.
fn body(data: PostData) -> Result<Option<Vec<u8>>, String> {
    let text = data.text.unwrap_or_default();
    if data.encoding.as_deref() == Some("base64") {
        let decoded = STANDARD.decode(&text);
        return decoded
            .map(Some)
            .map_err(|_| "its body is no base64".to_owned());
    }
    let params = data.params.unwrap_or_default();
    if !text.is_empty() || params.is_empty() {
        return Ok(Some(text.into_bytes()));
    }
    let mime_type = data.mime_type.unwrap_or_default().to_ascii_lowercase();
    let is_form = mime_type.starts_with("application/x-www-form-urlencoded");
    let has_file = params.iter().any(|param| param.file_name.is_some());
    Ok((is_form && !has_file).then(|| form(&params)))
}

/// A form's fields in the order of the recording.
fn form(params: &[Param]) -> Vec<u8> {
    let Ok(mut url) = Url::parse("http://form/") else {
        return Vec::new();
    };
    for param in params {
        let value = param.value.as_deref().unwrap_or_default();
        url.query_pairs_mut().append_pair(&param.name, value);
    }
    url.query().unwrap_or_default().into()
}

/// An answer that cannot be read is one without tokens.
fn recorded(content: Content) -> Option<Vec<u8>> {
    let text = content.text?;
    if content.encoding.as_deref() == Some("base64") {
        return STANDARD.decode(&text).ok();
    }
    Some(text.into_bytes())
}
