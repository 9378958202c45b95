//! Origins, taken apart as Python's `urllib.parse.urlsplit` does it, since that is how they are compared.

use std::net::Ipv6Addr;

/// What two origins are compared by: the scheme in lower case, the host and port to the letter.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Site {
    scheme: String,
    netloc: String,
}

/// What `urlsplit` finds.
#[derive(Debug)]
pub(super) struct SplitUrl {
    pub(super) site: Site,
    path: String,
    query: String,
    fragment: String,
}

/// `urlsplit` raises `ValueError`.
#[derive(Debug)]
pub(super) struct NotSplit;

/// Why an origin cannot be in `CORS_ALLOWED_ORIGINS`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OriginFlaw {
    /// corsheaders.E013
    #[error("the origin {0:?} is missing its scheme or its host; write it as https://app.example.com{hint}", hint = star_hint(.0))]
    MissingSchemeOrNetloc(String),
    /// corsheaders.E014
    #[error("the origin {origin:?} should not have a {part}; write it as https://app.example.com")]
    Excess { origin: String, part: &'static str },
    /// Ours: Django's check crashes.
    #[error("the origin {0:?} has a host in brackets that is no IPv6 address")]
    Brackets(String),
}

impl Site {
    /// An entry of `CORS_ALLOWED_ORIGINS`.
    pub(super) fn allowed(origin: &str) -> Result<Self, OriginFlaw> {
        let url = split_url(origin).map_err(|NotSplit| OriginFlaw::Brackets(origin.to_owned()))?;
        if matches!(origin, "null" | "file://") {
            return Ok(url.site);
        }
        if url.site.scheme.is_empty() || url.site.netloc.is_empty() {
            return Err(OriginFlaw::MissingSchemeOrNetloc(origin.to_owned()));
        }
        let parts = [
            ("path", url.path),
            ("query", url.query),
            ("fragment", url.fragment),
        ];
        match parts.into_iter().find(|(_, text)| !text.is_empty()) {
            None => Ok(url.site),
            Some((part, _)) => Err(OriginFlaw::Excess {
                origin: origin.to_owned(),
                part,
            }),
        }
    }
}

fn star_hint(origin: &str) -> &'static str {
    if origin == "*" {
        ", or set CORS_ALLOW_ALL_ORIGINS"
    } else {
        ""
    }
}

/// `urlsplit` of CPython 3.11.
pub(super) fn split_url(url: &str) -> Result<SplitUrl, NotSplit> {
    let url = url
        .trim_start_matches(|c| c <= ' ')
        .replace(['\t', '\r', '\n'], "");
    let (scheme, rest) = url
        .split_once(':')
        .filter(|(scheme, _)| is_scheme(scheme))
        .unwrap_or(("", &url));
    let (netloc, rest) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())),
        None => ("", rest),
    };
    check_brackets(netloc)?;
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    Ok(SplitUrl {
        site: Site {
            scheme: scheme.to_ascii_lowercase(),
            netloc: netloc.to_owned(),
        },
        path: path.to_owned(),
        query: query.to_owned(),
        fragment: fragment.to_owned(),
    })
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn check_brackets(netloc: &str) -> Result<(), NotSplit> {
    if !netloc.contains(['[', ']']) {
        return Ok(());
    }
    if !(netloc.contains('[') && netloc.contains(']')) {
        return Err(NotSplit);
    }
    let host = netloc.split_once('[').map_or("", |(_, after)| after);
    let host = host.split_once(']').map_or(host, |(host, _)| host);
    if is_future_address(host) || is_ipv6(host) {
        Ok(())
    } else {
        Err(NotSplit)
    }
}

/// `\Av[a-fA-F0-9]+\..+\Z`, the `IPvFuture` of RFC 3986.
fn is_future_address(host: &str) -> bool {
    host.strip_prefix('v')
        .and_then(|rest| rest.split_once('.'))
        .is_some_and(|(version, address)| {
            let is_hex = version.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_hex && !version.is_empty() && !address.is_empty()
        })
}

/// Python's `ip_address`, which takes a zone.
fn is_ipv6(host: &str) -> bool {
    let (address, zone) = match host.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (host, None),
    };
    let zone_is_good = zone.is_none_or(|zone| !zone.is_empty() && !zone.contains('%'));
    address.parse::<Ipv6Addr>().is_ok() && zone_is_good
}
