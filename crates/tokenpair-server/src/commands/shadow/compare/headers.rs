//! Headers: all of them, but for those that are the server's own or follow from the body.

use super::super::exchange::{Answer, Difference, Headers, Place};
use super::secrets::Secrets;
use std::collections::BTreeSet;

/// The connection's, the program's and the moment's, and what is computed from a body with tokens in it.
const NOT_COMPARED: [&str; 15] = [
    "age",
    "alt-svc",
    "connection",
    "content-length",
    "date",
    "etag",
    "keep-alive",
    "server",
    "server-timing",
    "transfer-encoding",
    "via",
    "x-powered-by",
    "x-request-id",
    "x-response-time",
    "x-runtime",
];

pub(super) fn differences(
    django: &Answer,
    ours: &Answer,
    is_head: bool,
    secrets: &Secrets<'_>,
) -> Vec<Difference> {
    let names: BTreeSet<String> = [django, ours]
        .iter()
        .flat_map(|answer| &answer.headers.0)
        .map(|(name, _)| name.to_ascii_lowercase())
        .filter(|name| is_compared(name, is_head))
        .collect();
    let mut differences = Vec::new();
    for name in names {
        let (theirs, mine) = (value(&django.headers, &name), value(&ours.headers, &name));
        if theirs != mine {
            differences.push(Difference {
                place: Place::Header(name),
                django: theirs.map(|value| secrets.show(&value)),
                tokenpair: mine.map(|value| secrets.show(&value)),
            });
        }
    }
    differences
}

/// An answer to HEAD has no body, and its length is all there is to compare.
fn is_compared(name: &str, is_head: bool) -> bool {
    (is_head && name == "content-length") || !NOT_COMPARED.contains(&name)
}

/// What a header says, without what its meaning does not depend on.
fn value(headers: &Headers, name: &str) -> Option<String> {
    let values = headers.all(name);
    let mut values: Vec<String> = values
        .map(|value| String::from_utf8_lossy(value).trim().to_owned())
        .collect();
    if values.is_empty() {
        return None;
    }
    if name == "set-cookie" {
        values = values.iter().map(|value| cookie(value)).collect();
        values.sort();
        return Some(values.join(", "));
    }
    let value = values.join(", ");
    Some(match name {
        "vary" => words(&value),
        "content-type" => value.to_ascii_lowercase().replace(' ', ""),
        "location" => without_origin(&value),
        _ => value,
    })
}

/// Names in any order and case.
fn words(value: &str) -> String {
    let words: BTreeSet<String> = value
        .split(',')
        .map(|word| word.trim().to_ascii_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    words.into_iter().collect::<Vec<_>>().join(", ")
}

/// The two servers have two addresses.
fn without_origin(location: &str) -> String {
    let rest = ["http://", "https://"]
        .iter()
        .find_map(|scheme| location.strip_prefix(scheme));
    match rest {
        Some(rest) => rest
            .find('/')
            .map_or("/", |start| &rest[start..])
            .to_owned(),
        None => location.to_owned(),
    }
}

/// Name and attributes. The value is a secret, and the moment of its end follows from `Max-Age`.
fn cookie(value: &str) -> String {
    let mut parts = value.split(';').map(str::trim);
    let pair = parts.next().unwrap_or_default();
    let name = pair.split('=').next().unwrap_or_default();
    let mut attributes: Vec<String> = parts
        .filter(|part| !part.to_ascii_lowercase().starts_with("expires="))
        .map(str::to_ascii_lowercase)
        .collect();
    attributes.sort();
    attributes.insert(0, format!("{name}=<value>"));
    attributes.join("; ")
}
