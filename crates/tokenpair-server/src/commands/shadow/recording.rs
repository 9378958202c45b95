//! Recordings: what is in a HAR file or an access log, and what of it is played.
//!
//! Nothing is left out silently: what is not played is counted with its reason, and what cannot be read is an error with
//! its place. An error never quotes the recording, which holds passwords and tokens.

mod access_log;
mod har;
mod headers;
#[cfg(test)]
mod tests;

use super::exchange::Request;
use crate::output::Failure;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tokenpair::json::{self, Value};

/// More than a browser records in a day.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Methods that are about the connection, or that no client sends again.
const NOT_PLAYED: [&str; 2] = ["CONNECT", "TRACE"];

/// Which requests are played.
#[derive(Debug)]
pub(super) struct Selection {
    /// Paths that tokenpair serves.
    pub(super) paths: Vec<String>,
    /// What else is played: whatever begins like this.
    pub(super) prefixes: Vec<String>,
}

impl Selection {
    /// The path of an endpoint is also meant without its slash, from which both servers redirect.
    fn takes(&self, path: &str) -> bool {
        let bare = path.trim_end_matches('/');
        let mut paths = self.paths.iter();
        let mut prefixes = self.prefixes.iter();
        paths.any(|served| served.trim_end_matches('/') == bare)
            || prefixes.any(|prefix| path.starts_with(prefix))
    }
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Recording {
    pub(super) requests: Vec<Request>,
    /// How many requests are not played, by reason.
    pub(super) left_out: BTreeMap<&'static str, usize>,
    /// What the user should know about the recordings.
    pub(super) notes: Vec<String>,
}

impl Recording {
    /// Reads files, or standard input for `-`, one after the other.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, Failure> {
        let mut recording = Self::default();
        for path in paths {
            let name = name(path);
            let failed = Failure::because(&name);
            let bytes = read(path).map_err(|error| failed(&error))?;
            let read = if is_har(&bytes) {
                har::read(&bytes, &name, &mut recording)
            } else {
                access_log::read(&bytes, &name, &mut recording)
            };
            read.map_err(|error| failed(&error))?;
        }
        Ok(recording)
    }

    /// Leaves out what is not to be played.
    pub(super) fn select(&mut self, selection: &Selection) {
        for request in std::mem::take(&mut self.requests) {
            if NOT_PLAYED.contains(&request.method.as_str()) {
                self.leave_out("its method is not for servers");
            } else if selection.takes(request.path()) {
                self.requests.push(request);
            } else {
                self.leave_out("its path is not tokenpair's");
            }
        }
    }

    fn leave_out(&mut self, reason: &'static str) {
        *self.left_out.entry(reason).or_default() += 1;
    }
}

fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        crate::output::printable(&path.display().to_string())
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    if path == Path::new("-") {
        read_within(MAX_BYTES, io::stdin().lock())
    } else {
        read_within(MAX_BYTES, File::open(path)?)
    }
}

fn read_within(bound: u64, input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(bound + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bound {
        return Err(io::Error::other(
            "is larger than 256 MiB: record less, or cut it in pieces",
        ));
    }
    // Some tools for Windows begin a file with a byte order mark.
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    Ok(bytes)
}

/// An access log is objects of one line each; a HAR file is one object, in one line or many, with the member `log`.
fn is_har(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let object = std::str::from_utf8(line).map(json::decode_body);
    if let Ok(Ok(Value::Object(object))) = object {
        return object.contains_key("log");
    }
    // A whole HAR file in one line may be more than our own reader takes.
    let mut start = line.iter().filter(|byte| !byte.is_ascii_whitespace());
    line.trim_ascii() == b"{" || start.by_ref().take(7).eq(br#"{"log":"#)
}
