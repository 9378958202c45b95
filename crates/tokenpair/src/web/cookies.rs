//! The three cookies: how they are called, read, written and taken back, and the caller they stand for.
//!
//! How a page proves that it is ours is `csrf.rs`, which tokens an answer carries is `delivery.rs`.

use super::csrf;
use super::respond::Failure;
use crate::authentication::is_accepted;
use crate::error::{Error, StoreError};
use crate::settings::{Settings, TokenClass};
use crate::{SimpleJwt, flows};
use http::header::{COOKIE, SET_COOKIE, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

/// Browsers drop a cookie whose name and value are longer (RFC 6265bis §5.6).
const MAX_BYTES: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    /// An access token, or a sliding one.
    Access,
    Refresh,
    /// The CSRF token, the only one that scripts may read.
    Csrf,
}

impl Cookie {
    const ALL: [Self; 3] = [Self::Access, Self::Refresh, Self::Csrf];

    /// A browser takes the prefix as a promise: HTTPS only, for this host alone and all of its paths, so that no
    /// subdomain can have set it.
    fn name(self, settings: &Settings) -> &'static str {
        match (self, settings.auth_cookie_secure) {
            (Self::Access, true) => "__Host-access",
            (Self::Access, false) => "access",
            (Self::Refresh, true) => "__Host-refresh",
            (Self::Refresh, false) => "refresh",
            (Self::Csrf, true) => "__Host-csrftoken",
            (Self::Csrf, false) => "csrftoken",
        }
    }
}

/// The cookie that a caller is known by.
pub(super) fn access_name(settings: &Settings) -> &'static str {
    Cookie::Access.name(settings)
}

/// The value of a cookie; of several the first. Nothing where `AUTH_COOKIES` is off.
pub(super) fn value<'a>(
    settings: &Settings,
    headers: &'a HeaderMap,
    cookie: Cookie,
) -> Option<&'a str> {
    if !settings.auth_cookies {
        return None;
    }
    let name = cookie.name(settings).as_bytes();
    let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let mut pairs = lines.flat_map(|line| line.split(|byte| *byte == b';'));
    // Bytes, as the cookies of others may be no text, and must not hide ours.
    let (_, value) = pairs.find_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (found, value) = pair.split_at_checked(equals)?;
        (found.trim_ascii() == name).then_some((found, value.get(1..)?))
    })?;
    let value = std::str::from_utf8(value.trim_ascii()).ok()?;
    let unquoted = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    Some(unquoted.unwrap_or(value)).filter(|value| !value.is_empty())
}

/// Whether the request came with a cookie of ours.
pub(super) fn any(settings: &Settings, headers: &HeaderMap) -> bool {
    headers.contains_key(COOKIE)
        && Cookie::ALL
            .into_iter()
            .any(|cookie| value(settings, headers, cookie).is_some())
}

/// A `Set-Cookie` header for a value that is good for so many seconds.
///
/// An error for what a browser would drop without a word.
pub(super) fn set(
    settings: &Settings,
    cookie: Cookie,
    value: &str,
    max_age: i64,
) -> Result<HeaderValue, Failure> {
    let name = cookie.name(settings);
    check_size(name, value)?;
    let refused = || Failure::BadRequest(format!("The token cannot stand in the cookie {name}."));
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !value.bytes().all(may_stand) {
        return Err(refused());
    }
    let secure = if settings.auth_cookie_secure {
        "; Secure"
    } else {
        ""
    };
    let http_only = if cookie == Cookie::Csrf {
        ""
    } else {
        "; HttpOnly"
    };
    let same_site = settings.auth_cookie_samesite.name();
    let max_age = max_age.max(0);
    HeaderValue::try_from(format!(
        "{name}={value}; Path=/; Max-Age={max_age}{secure}{http_only}; SameSite={same_site}"
    ))
    .map_err(|_| refused())
}

fn check_size(name: &str, value: &str) -> Result<(), Failure> {
    let (size, room) = (value.len(), MAX_BYTES - name.len());
    if size <= room {
        return Ok(());
    }
    tracing::warn!(
        cookie = name,
        bytes = size,
        "a token does not fit into a cookie"
    );
    Err(Failure::BadRequest(format!(
        "A token of {size} bytes does not fit into the cookie {name}, which holds {room} at most. Without X-Token-Delivery \
         it can be had."
    )))
}

/// Takes all cookies back: the log-in has ended.
pub(super) fn forget_all(settings: &Settings, answer: &mut HeaderMap) {
    forget(settings, answer, &Cookie::ALL);
}

/// Takes these back.
pub(super) fn forget(settings: &Settings, answer: &mut HeaderMap, cookies: &[Cookie]) {
    for cookie in cookies {
        if let Ok(gone) = set(settings, *cookie, "", 0) {
            answer.append(SET_COOKIE, gone);
        }
    }
}

/// Whether an answer sets a cookie or takes it back.
pub(super) fn sets(settings: &Settings, answer: &HeaderMap, cookie: Cookie) -> bool {
    let name = cookie.name(settings).as_bytes();
    let mut lines = answer.get_all(SET_COOKIE).iter();
    lines.any(|line| line.as_bytes().split(|byte| *byte == b'=').next() == Some(name))
}

/// The same of any of them.
pub(super) fn sets_any(settings: &Settings, answer: &HeaderMap) -> bool {
    let mut all = Cookie::ALL.into_iter();
    all.any(|cookie| sets(settings, answer, cookie))
}

/// What was found out about the browser of a page, before any extractor asks for a caller.
#[derive(Clone)]
enum Visit {
    /// It is known by its access cookie, or not at all.
    AsItCame,
    /// It gets an access token, for this request already.
    Renewed(String),
    /// The database could not say whether it gets one, for this reason.
    Unknown(String),
}

/// Whether a page is only looked at. While the database is ill, one that anybody may see is shown as if nobody were logged
/// in.
pub(super) fn is_visit(parts: &Parts) -> bool {
    csrf::is_safe(&parts.method) && parts.extensions.get::<Visit>().is_some()
}

/// The access token in the cookie, as the `Authorization` header would have it. An error where an outage hides whether
/// there is one.
pub(super) fn credentials(jwt: &SimpleJwt, parts: &Parts) -> Result<Option<String>, StoreError> {
    let settings = jwt.settings();
    let token = match parts.extensions.get::<Visit>() {
        Some(Visit::Renewed(token)) => Some(token.as_str()),
        Some(Visit::Unknown(outage)) => return Err(StoreError::new(outage.as_str())),
        Some(Visit::AsItCame) | None => value(settings, &parts.headers, Cookie::Access),
    };
    let scheme = settings.auth_header_types.first();
    let both = scheme.zip(token);
    Ok(both.map(|(scheme, token)| format!("{scheme} {token}")))
}

/// Refuses what a page of another site may have made: whatever is not safe and has no CSRF token for the user whom the
/// credentials name.
pub(super) async fn check_caller(
    jwt: &SimpleJwt,
    parts: &Parts,
    credentials: &str,
) -> Result<(), Error> {
    if csrf::is_safe(&parts.method) {
        // A WebSocket begins with a GET, may do anything later, and has no way to bring a token.
        if parts.headers.contains_key(UPGRADE) {
            csrf::check_origin(jwt.settings(), &parts.headers, &parts.uri)?;
        }
        return Ok(());
    }
    let (_, token) = credentials.split_once(' ').unwrap_or_default();
    let claims = jwt.decode(token, jwt.now()).await?;
    Ok(csrf::check(
        jwt,
        parts,
        &csrf::user(jwt.settings(), &claims),
    )?)
}

/// A browser that asks for a page with a good refresh cookie and no good access cookie gets an access token, for this
/// request and in the cookie that is returned: a page has no script that would refresh.
///
/// An outage is an error only for what may change something.
pub(super) async fn renew(
    jwt: &SimpleJwt,
    parts: &mut Parts,
) -> Result<Option<HeaderValue>, Error> {
    let settings = jwt.settings();
    let visit = match access_for_page(jwt, &parts.headers).await {
        Ok(Some(access)) => Visit::Renewed(access),
        Ok(None) => Visit::AsItCame,
        Err(outage) if csrf::is_safe(&parts.method) => Visit::Unknown(outage.to_string()),
        Err(outage) => return Err(outage),
    };
    let lifetime = i64::try_from(settings.access_token_lifetime.as_secs()).unwrap_or(i64::MAX);
    let cookie = match &visit {
        Visit::Renewed(access) => set(settings, Cookie::Access, access, lifetime).ok(),
        Visit::AsItCame | Visit::Unknown(_) => None,
    };
    parts.extensions.insert(visit);
    Ok(cookie)
}

async fn access_for_page(jwt: &SimpleJwt, headers: &HeaderMap) -> Result<Option<String>, Error> {
    let settings = jwt.settings();
    let classes = &settings.auth_token_classes;
    let Some(refresh) = value(settings, headers, Cookie::Refresh) else {
        return Ok(None);
    };
    if !classes.contains(&TokenClass::Access) {
        return Ok(None);
    }
    if let Some(access) = value(settings, headers, Cookie::Access) {
        let now = jwt.now();
        match jwt.decode(access, now).await {
            Ok(claims) if is_accepted(jwt, &claims, now) => return Ok(None),
            Ok(_) | Err(Error::Token(_)) => {}
            Err(outage) => return Err(outage),
        }
    }
    match flows::access_for_page(jwt, refresh).await {
        Ok(access) => Ok(Some(access)),
        Err(error) if error.is_about_credentials() => Ok(None),
        Err(outage) => Err(outage),
    }
}
