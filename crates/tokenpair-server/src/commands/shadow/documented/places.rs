//! Differences in one place of answers that agree in what they decide.

use super::super::exchange::{Answer, Difference, Exchange, Place};
use crate::config::Endpoint;
use std::collections::BTreeSet;

/// What Django's two middlewares send.
const MIDDLEWARE: [&str; 5] = [
    "cross-origin-opener-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
];

pub(super) fn no_store(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    is_token_endpoint(exchange)
        && is_header(difference, "cache-control")
        && difference.django.is_none()
        && difference.tokenpair.as_deref() == Some("no-store")
}

pub(super) fn middleware(_: &Exchange<'_>, difference: &Difference) -> bool {
    MIDDLEWARE.iter().any(|name| is_header(difference, name)) && difference.tokenpair.is_none()
}

pub(super) fn session(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    let is_sid = matches!(&difference.place, Place::Claim { name, .. } if name == "sid");
    is_sid && exchange.settings.sessions && difference.django.is_none()
}

/// A text in a language that Django names, its name, and that answers depend on what is asked for.
pub(super) fn language(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    if is_header(difference, "content-language") {
        return difference.tokenpair.is_none();
    }
    let named = exchange.django.headers.get("content-language");
    let Some(language) = named.or(exchange.language) else {
        return false;
    };
    if named.is_some() && is_header(difference, "vary") {
        let mut ours = words(difference.tokenpair.as_deref());
        return ours.insert("accept-language".to_owned())
            && ours == words(difference.django.as_deref());
    }
    let is_quoted =
        |value: &Option<String>| value.as_deref().is_some_and(|text| text.starts_with('"'));
    let is_text = matches!(&difference.place, Place::Body(member) if !member.is_empty() && member != "code")
        && is_quoted(&difference.django)
        && is_quoted(&difference.tokenpair);
    let is_length = exchange.request.method == "HEAD" && is_header(difference, "content-length");
    (is_text || is_length)
        && exchange.django.status == exchange.tokenpair.status
        && exchange.django.status >= 400
        && !language.starts_with("en")
}

/// `name` and `description` are made of a view's class and its docstring (DRF's `metadata.py`), also of a project's own.
pub(super) fn prose(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    let is_text =
        |value: &Option<String>| value.as_deref().is_some_and(|text| text.starts_with('"'));
    exchange.request.method == "OPTIONS"
        && matches!(&difference.place, Place::Body(member) if member == "name" || member == "description")
        && is_text(&difference.django)
        && is_text(&difference.tokenpair)
}

/// Two pages that say the same in their head, but for the cookie of the forms on Django's.
pub(super) fn page(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    let is_body = difference.place == Place::Body(String::new());
    let is_length = exchange.request.method == "HEAD" && is_header(difference, "content-length");
    (is_body || is_length || is_of_forms(difference))
        && exchange.django.status == exchange.tokenpair.status
        && is_page(exchange.django)
        && is_page(exchange.tokenpair)
}

/// What a page of ours has in its head beside that: headers that make it safe, the cookie of its forms.
pub(super) fn around_page(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    const SAFETY: [&str; 4] = [
        "content-security-policy",
        "referrer-policy",
        "x-content-type-options",
        "x-frame-options",
    ];
    // Django's is `same-origin`, with which a page's whole address goes to other pages of the site.
    let is_stricter = is_header(difference, "referrer-policy")
        && difference.tokenpair.as_deref() == Some("strict-origin");
    let is_only_ours = difference.django.is_none();
    let is_safety = SAFETY.iter().any(|name| is_header(difference, name)) && is_only_ours;
    let is_cookie_of = |cookie: &Option<String>, name: &str| {
        cookie
            .as_deref()
            .is_none_or(|cookie| cookie.starts_with(name))
    };
    let is_cookie = is_header(difference, "set-cookie")
        && is_cookie_of(&difference.tokenpair, "__Host-csrftoken=")
        && is_cookie_of(&difference.django, "csrftoken=");
    is_page(exchange.tokenpair) && (is_safety || is_stricter || is_cookie)
}

/// `CsrfViewMiddleware`'s cookie, and that the page depends on it.
fn is_of_forms(difference: &Difference) -> bool {
    let theirs = difference.django.as_deref();
    if is_header(difference, "set-cookie") {
        return difference.tokenpair.is_none()
            && theirs.is_some_and(|cookie| cookie.starts_with("csrftoken="));
    }
    let mut ours = words(difference.tokenpair.as_deref());
    is_header(difference, "vary") && ours.insert("cookie".to_owned()) && ours == words(theirs)
}

/// What OPTIONS says can be rendered.
pub(super) fn renders(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    let without_pages = |value: &str| value.contains("application/json") && !value.contains("html");
    exchange.request.method == "OPTIONS"
        && difference.place == Place::Body("renders".to_owned())
        && difference.django.as_deref().is_some_and(without_pages)
}

/// REST framework says that answers depend on what is accepted where it has several renderers.
pub(super) fn vary(exchange: &Exchange<'_>, difference: &Difference) -> bool {
    let mut theirs = words(difference.django.as_deref());
    is_token_endpoint(exchange)
        && is_header(difference, "vary")
        && theirs.insert("accept".to_owned())
        && theirs == words(difference.tokenpair.as_deref())
}

/// CPython 3.13 has a text of its own for one flaw.
pub(super) fn json_error(_: &Exchange<'_>, difference: &Difference) -> bool {
    let says = |value: &Option<String>, text: &str| {
        value.as_deref().is_some_and(|value| value.contains(text))
    };
    difference.place == Place::Body("detail".to_owned())
        && says(
            &difference.django,
            "JSON parse error - Illegal trailing comma",
        )
        && says(&difference.tokenpair, "JSON parse error - ")
}

pub(super) fn is_page(answer: &Answer) -> bool {
    let content_type = answer.headers.get("content-type");
    content_type.is_some_and(|kind| kind.starts_with("text/html"))
}

pub(super) fn is_token_endpoint(exchange: &Exchange<'_>) -> bool {
    endpoint(exchange).is_some_and(Endpoint::is_simple_jwts)
}

/// The endpoint of ours that was asked.
pub(in super::super) fn endpoint(exchange: &Exchange<'_>) -> Option<Endpoint> {
    let asked = exchange.request.path();
    let mut paths = exchange.paths.iter();
    paths.find_map(|(endpoint, path)| (path == asked).then_some(endpoint))
}

fn is_header(difference: &Difference, name: &str) -> bool {
    matches!(&difference.place, Place::Header(found) if found == name)
}

fn words(value: Option<&str>) -> BTreeSet<String> {
    let words = value.unwrap_or_default().split(',');
    words
        .map(|word| word.trim().to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}
