//! Which web pages of other origins may read the answers: django-cors-headers, its settings under its names.
//!
//! Answers to `corsheaders/middleware.py` and `corsheaders/checks.py` of django-cors-headers 4.9. What it does was
//! recorded (`conformance/cors`) and is played against this module. Its signal `check_request_enabled` is Python code
//! and has no counterpart. Must never refuse a request: it is the browser that enforces what is said here.

mod origin;
mod pattern;

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_LENGTH, CONTENT_TYPE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use origin::{Site, split_url};
use pattern::Pattern;
use percent_encoding::percent_decode_str;
use std::fmt::{Display, Write as _};

const REQUEST_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName =
    HeaderName::from_static("access-control-allow-private-network");
const YES: HeaderValue = HeaderValue::from_static("true");

/// The settings of django-cors-headers, each without its prefix `CORS_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CorsSettings {
    /// Origins such as `https://app.example.com`, also `null` and `file://`.
    pub(crate) allowed_origins: Vec<String>,
    /// Expressions that an origin has to match from its first character; nothing anchors their end but `$`.
    pub(crate) allowed_origin_regexes: Vec<String>,
    /// Whether every origin is allowed.
    pub(crate) allow_all_origins: bool,
    /// The paths that are served with these headers.
    pub(crate) urls_regex: String,
    pub(crate) allow_methods: Vec<String>,
    /// DIFFERENCE: by default also `x-token-delivery`, by which a page asks for cookies.
    pub(crate) allow_headers: Vec<String>,
    pub(crate) expose_headers: Vec<String>,
    /// For how many seconds a browser may remember the answer to a preflight; 0 says nothing about it.
    pub(crate) preflight_max_age: i64,
    /// Whether cookies and the like may be sent; with it all origins are allowed by name, not by `*`.
    pub(crate) allow_credentials: bool,
    pub(crate) allow_private_network: bool,
}

impl Default for CorsSettings {
    fn default() -> Self {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Self {
            allowed_origins: Vec::new(),
            allowed_origin_regexes: Vec::new(),
            allow_all_origins: false,
            urls_regex: "^.*$".to_owned(),
            allow_methods: texts(&["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"]),
            allow_headers: texts(&[
                "accept",
                "authorization",
                "content-type",
                "user-agent",
                "x-csrftoken",
                "x-requested-with",
                "x-token-delivery",
            ]),
            expose_headers: Vec::new(),
            preflight_max_age: 86_400,
            allow_credentials: false,
            allow_private_network: false,
        }
    }
}

impl CorsSettings {
    /// Pages served from this computer, whatever their port: for trying things out.
    pub(crate) fn localhost() -> Self {
        let here = r"^https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$";
        Self {
            allowed_origin_regexes: vec![here.to_owned()],
            ..Self::default()
        }
    }
}

/// Why [`CorsSettings`] cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {flaw}")]
pub(crate) struct CorsError {
    /// The setting's full name.
    pub(crate) setting: &'static str,
    /// What is wrong with its value, and what is accepted.
    pub(crate) flaw: String,
}

/// [`CorsSettings`], checked and ready for use.
#[derive(Debug)]
pub(crate) struct Cors {
    urls: Pattern,
    sites: Vec<Site>,
    patterns: Vec<Pattern>,
    allow_all_origins: bool,
    methods: HeaderValue,
    headers: HeaderValue,
    exposed: Option<HeaderValue>,
    max_age: Option<HeaderValue>,
    credentials: bool,
    private_network: bool,
}

/// What the answer to one request has to say.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The value of `Access-Control-Allow-Origin`, if the origin is allowed.
    origin: Option<HeaderValue>,
    is_options: bool,
    is_preflight: bool,
    asks_for_private_network: bool,
}

impl Cors {
    pub(crate) fn new(settings: &CorsSettings) -> Result<Self, CorsError> {
        let sites = settings.allowed_origins.iter().map(|origin| {
            Site::allowed(origin).map_err(|flaw| refusal("CORS_ALLOWED_ORIGINS", &flaw))
        });
        let patterns = settings.allowed_origin_regexes.iter();
        let patterns = patterns.map(|one| compile("CORS_ALLOWED_ORIGIN_REGEXES", one));
        let max_age = settings.preflight_max_age;
        let max_age = u64::try_from(max_age).map_err(|_| {
            let flaw = format!("expected a number of seconds, 0 or more, got {max_age}");
            refusal("CORS_PREFLIGHT_MAX_AGE", &flaw)
        })?;
        let exposed = joined("CORS_EXPOSE_HEADERS", &settings.expose_headers)?;
        Ok(Self {
            urls: compile("CORS_URLS_REGEX", &settings.urls_regex)?,
            sites: sites.collect::<Result<_, _>>()?,
            patterns: patterns.collect::<Result<_, _>>()?,
            allow_all_origins: settings.allow_all_origins,
            methods: joined("CORS_ALLOW_METHODS", &settings.allow_methods)?,
            headers: joined("CORS_ALLOW_HEADERS", &settings.allow_headers)?,
            exposed: (!settings.expose_headers.is_empty()).then_some(exposed),
            max_age: (max_age > 0).then(|| HeaderValue::from(max_age)),
            credentials: settings.allow_credentials,
            private_network: settings.allow_private_network,
        })
    }

    /// What is to be said about a request; `None` where its path has nothing to do with CORS.
    pub(crate) fn judge<B>(&self, request: &Request<B>) -> Option<Verdict> {
        if !self.urls.matches(&decoded(request.uri().path())) {
            return None;
        }
        let headers = request.headers();
        let is_options = request.method() == Method::OPTIONS;
        Some(Verdict {
            origin: self.allowed_origin(headers),
            is_options,
            is_preflight: is_options && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD),
            asks_for_private_network: headers.get(REQUEST_PRIVATE_NETWORK) == Some(&YES),
        })
    }

    /// Whether pages of this origin may read the answers.
    pub(crate) fn allows(&self, origin: HeaderValue) -> bool {
        let headers = HeaderMap::from_iter([(ORIGIN, origin)]);
        self.allowed_origin(&headers).is_some()
    }

    fn allowed_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let bytes = wsgi_value(headers, &ORIGIN);
        let origin: String = bytes.iter().copied().map(char::from).collect();
        if origin.is_empty() {
            return None;
        }
        let site = split_url(&origin).ok()?.site;
        let is_allowed = self.allow_all_origins
            || self.sites.contains(&site)
            || self.patterns.iter().any(|pattern| pattern.matches(&origin));
        if !is_allowed {
            None
        } else if self.allow_all_origins && !self.credentials {
            Some(HeaderValue::from_static("*"))
        } else {
            HeaderValue::from_bytes(&bytes).ok()
        }
    }

    /// Adds what was decided to an answer, whatever its status.
    pub(crate) fn apply(&self, verdict: Verdict, answer: &mut HeaderMap) {
        vary_by_origin(answer);
        let Some(origin) = verdict.origin else {
            return;
        };
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if self.credentials {
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, YES);
        }
        if let Some(exposed) = &self.exposed {
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
        if verdict.is_options {
            answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
            if let Some(max_age) = &self.max_age {
                answer.insert(ACCESS_CONTROL_MAX_AGE, max_age.clone());
            }
        }
        if self.private_network && verdict.asks_for_private_network {
            answer.insert(ALLOW_PRIVATE_NETWORK, YES);
        }
    }
}

impl Verdict {
    /// Whether this is a browser's question about a request to come, which no view has to see.
    pub(crate) fn is_preflight(&self) -> bool {
        self.is_preflight
    }
}

/// The answer to a preflight before [`Cors::apply`]: empty, also for an origin that is not allowed.
pub(crate) fn preflight() -> Response {
    let mut answer = Response::new(Body::empty());
    let headers = answer.headers_mut();
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    let content_type = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(CONTENT_TYPE, content_type);
    answer
}

fn refusal(setting: &'static str, flaw: &dyn Display) -> CorsError {
    let flaw = flaw.to_string();
    CorsError { setting, flaw }
}

fn compile(setting: &'static str, expression: &str) -> Result<Pattern, CorsError> {
    Pattern::new(expression).map_err(|flaw| refusal(setting, &flaw))
}

fn joined(setting: &'static str, values: &[String]) -> Result<HeaderValue, CorsError> {
    let value = values.join(", ");
    HeaderValue::try_from(&value)
        .map_err(|_| refusal(setting, &format!("{value:?} cannot stand in a header")))
}

/// The value as a WSGI server hands it on: repeated headers joined.
fn wsgi_value(headers: &HeaderMap, name: &HeaderName) -> Vec<u8> {
    let values: Vec<&[u8]> = headers
        .get_all(name)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    values.join(&b","[..])
}

/// Django's `path_info`: percent-decoded, but for bytes that are no UTF-8.
fn decoded(path: &str) -> String {
    let bytes: Vec<u8> = percent_decode_str(path).collect();
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// Django's `patch_vary_headers(response, ("origin",))`.
fn vary_by_origin(answer: &mut HeaderMap) {
    let value = wsgi_value(answer, &VARY);
    let value = String::from_utf8_lossy(&value);
    let mut names: Vec<&str> = value.split(',').map(str::trim).collect();
    if value.is_empty() {
        names.clear();
    }
    if names.contains(&"*") {
        names = vec!["*"];
    } else if !names.iter().any(|name| name.eq_ignore_ascii_case("origin")) {
        names.push("origin");
    }
    if let Ok(value) = HeaderValue::try_from(names.join(", ")) {
        answer.insert(VARY, value);
    }
}

#[cfg(test)]
mod tests;
