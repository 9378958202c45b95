//! Whether a request that acts on cookies was made by a page of ours: Django's `middleware/csrf.py`.
//!
//! Two proofs are asked for: what the browser says about the page (`Origin`, `Sec-Fetch-Site`), and a token that only a
//! page of ours can read, sent twice: in a cookie, and in a header or a field of a form. The token is signed and bound to
//! the user, so that who can plant a cookie has none that counts for somebody who is logged in. Must never put a token into
//! an error.

use super::cookies::{self, Cookie};
use super::extract::header;
use crate::SimpleJwt;
use crate::clock::fill_random;
use crate::error::{CsrfFailed, Error};
use crate::json::{self, Value};
use crate::settings::{SameSite, Settings};
use crate::tokens::Claims;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{HOST, HeaderName, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri};
use std::borrow::Cow;
use std::fmt;
use std::net::Ipv4Addr;

/// Django's `CSRF_HEADER_NAME`.
pub(super) const X_CSRFTOKEN: HeaderName = HeaderName::from_static("x-csrftoken");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// No token of ours has dots where a JWS has them, so nothing that this key signs can be one.
const SALT: &[u8] = b"tokenpair.web.csrf";
const NONCE: usize = 16;
const TAG: usize = 32;
const TOKEN: usize = NONCE + TAG;

/// Signs CSRF tokens. Derived from the text of `SIGNING_KEY`, so that all nodes agree; with another key old tokens stop
/// being valid. Other nodes share no other secret.
pub(crate) struct CsrfKey(hmac::Key);

impl CsrfKey {
    /// Without a `SIGNING_KEY` nobody can log in here, and the key is one of this process alone:
    /// [`Settings::warnings`] says so.
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut secret = [0; TAG];
        let text = settings.signing_key.expose();
        if text.is_empty() {
            fill_random(&mut secret);
        } else {
            let key = hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes());
            secret.copy_from_slice(hmac::sign(&key, SALT).as_ref());
        }
        Self(hmac::Key::new(hmac::HMAC_SHA256, &secret))
    }

    /// A new token for a user; for nobody if the text is empty.
    pub(super) fn token(&self, user: &str) -> String {
        let mut nonce = [0; NONCE];
        fill_random(&mut nonce);
        let tag = self.tag(&nonce, user);
        URL_SAFE_NO_PAD.encode([&nonce, tag.as_ref()].concat())
    }

    /// Whether this key made the token for that user.
    pub(super) fn is_token_of(&self, token: &str, user: &str) -> bool {
        let mut bytes = [0; TOKEN];
        let Ok(length) = URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) else {
            return false;
        };
        let (nonce, tag) = bytes.split_at(NONCE);
        length == bytes.len()
            && verify_slices_are_equal(self.tag(nonce, user).as_ref(), tag).is_ok()
    }

    fn tag(&self, nonce: &[u8], user: &str) -> hmac::Tag {
        hmac::sign(&self.0, &[nonce, user.as_bytes()].concat())
    }
}

/// A token as it stands in a page: another text each time, so that the size of a page that somebody compresses on the way
/// tells nothing of the token (BREACH). Django's `_mask_cipher_secret`.
fn masked(token: &str) -> String {
    let mut both = [0; 2 * TOKEN];
    let (mask, hidden) = both.split_at_mut(TOKEN);
    fill_random(mask);
    if URL_SAFE_NO_PAD.decode_slice(token, hidden).is_err() {
        return token.to_owned();
    }
    xor(hidden, mask);
    URL_SAFE_NO_PAD.encode(both)
}

/// What was masked; any other text as it is.
fn unmasked(sent: &str) -> Cow<'_, str> {
    let mut both = [0; 2 * TOKEN];
    match URL_SAFE_NO_PAD.decode_slice(sent, &mut both) {
        Ok(length) if length == both.len() => {
            let (mask, hidden) = both.split_at_mut(TOKEN);
            xor(hidden, mask);
            URL_SAFE_NO_PAD.encode(hidden).into()
        }
        _ => sent.into(),
    }
}

fn xor(bytes: &mut [u8], mask: &[u8]) {
    for (byte, mask) in bytes.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

impl fmt::Debug for CsrfKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// GET, HEAD and OPTIONS change nothing, whoever asks.
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Both proofs.
pub(super) fn check(jwt: &SimpleJwt, parts: &Parts, user: &str) -> Result<(), CsrfFailed> {
    check_origin(jwt.settings(), &parts.headers, &parts.uri)?;
    let sent = header(&parts.headers, X_CSRFTOKEN.as_str());
    check_token(jwt, &parts.headers, sent.as_deref(), user)
}

/// Whether the token that was sent is the one in the cookie and was made for this user.
fn check_token(
    jwt: &SimpleJwt,
    headers: &HeaderMap,
    sent: Option<&str>,
    user: &str,
) -> Result<(), CsrfFailed> {
    let cookie = cookies::value(jwt.settings(), headers, Cookie::Csrf);
    let cookie = cookie.ok_or(CsrfFailed::NoCookie)?;
    let sent = sent
        .filter(|sent| !sent.is_empty())
        .ok_or(CsrfFailed::NoToken)?;
    // As in Django either may be masked: a client may have its cookie from a page.
    let (cookie, sent) = (unmasked(cookie), unmasked(sent));
    let is_same = verify_slices_are_equal(cookie.as_bytes(), sent.as_bytes()).is_ok();
    if is_same && jwt.csrf().is_token_of(&sent, user) {
        Ok(())
    } else {
        Err(CsrfFailed::Incorrect)
    }
}

/// What the browser says about the page that makes the request. A client that says nothing is no browser of today.
///
/// DIFFERENCE: `Sec-Fetch-Site` counts, too, and takes the place of the `Referer` that Django asks for over HTTPS.
pub(super) fn check_origin(
    settings: &Settings,
    headers: &HeaderMap,
    uri: &Uri,
) -> Result<(), CsrfFailed> {
    let origin = header(headers, ORIGIN.as_str());
    if origin
        .as_deref()
        .is_some_and(|origin| is_trusted(settings, origin))
    {
        return Ok(());
    }
    match header(headers, SEC_FETCH_SITE.as_str()) {
        Some(site) if site != "same-origin" && site != "none" => {
            return Err(CsrfFailed::FetchSite(site));
        }
        _ => {}
    }
    match origin {
        Some(origin) if !is_own(settings, &origin, headers, uri) => Err(CsrfFailed::Origin(origin)),
        _ => Ok(()),
    }
}

/// `CSRF_TRUSTED_ORIGINS`, with Django's `*.` for a domain and all below it.
fn is_trusted(settings: &Settings, origin: &str) -> bool {
    let mut trusted = settings.csrf_trusted_origins.iter();
    trusted.any(|trusted| match trusted.split_once("://*.") {
        None => trusted.eq_ignore_ascii_case(origin),
        Some((scheme, domain)) => origin
            .split_once("://")
            .is_some_and(|(own, host)| own == scheme && is_within(host, domain)),
    })
}

/// Whether a host is the domain or below it.
fn is_within(host: &str, domain: &str) -> bool {
    let Some(begin) = host.len().checked_sub(domain.len()) else {
        return false;
    };
    let (labels, rest) = host.split_at_checked(begin).unwrap_or_default();
    rest.eq_ignore_ascii_case(domain) && (labels.is_empty() || labels.ends_with('.'))
}

/// Whether an origin is the server's own, as far as the request tells: the host that was asked for, by HTTPS.
///
/// Plain HTTP is no origin to be trusted, as anybody on the way can speak for it: only this computer's, or where the
/// cookies go over it anyway.
fn is_own(settings: &Settings, origin: &str, headers: &HeaderMap, uri: &Uri) -> bool {
    let asked = header(headers, HOST.as_str());
    let asked = asked.or_else(|| {
        uri.authority()
            .map(|authority| authority.as_str().to_owned())
    });
    let (Some(asked), Some((scheme, host))) = (asked, origin.split_once("://")) else {
        return false;
    };
    let default_port = match scheme {
        "https" => ":443",
        "http" if !settings.auth_cookie_secure || is_loopback(host) => ":80",
        _ => return false,
    };
    let asked = asked.strip_suffix(default_port).unwrap_or(&asked);
    asked.eq_ignore_ascii_case(host)
}

/// Whether a host, perhaps with a port, is this computer.
fn is_loopback(host: &str) -> bool {
    if let Some(rest) = host.strip_prefix("[::1]") {
        return rest.is_empty() || rest.starts_with(':');
    }
    let name = host.split(':').next().unwrap_or_default();
    let is_local = name == "localhost" || name.ends_with(".localhost");
    is_local
        || name
            .parse()
            .is_ok_and(|address: Ipv4Addr| address.is_loopback())
}

/// Whom CSRF tokens for this browser are made for: the user of its access token, or else of its refresh token. Empty for
/// nobody; whether the user still exists is not asked.
pub(super) async fn holder(jwt: &SimpleJwt, headers: &HeaderMap) -> Result<String, Error> {
    for cookie in [Cookie::Access, Cookie::Refresh] {
        let Some(token) = cookies::value(jwt.settings(), headers, cookie) else {
            continue;
        };
        match jwt.decode(token, jwt.now()).await {
            Ok(claims) => return Ok(user(jwt.settings(), &claims)),
            Err(Error::Token(_)) => {}
            Err(outage) => return Err(outage),
        }
    }
    Ok(String::new())
}

/// What a page needs for its forms.
#[derive(Default)]
pub(super) struct PageToken {
    /// The token, masked; nothing where `AUTH_COOKIES` is off.
    pub(super) value: Option<String>,
    /// The cookie to compare it with, where the browser has none that is good.
    pub(super) cookie: Option<HeaderValue>,
}

/// The browser's token, or a new one with its cookie.
pub(super) async fn for_page(jwt: &SimpleJwt, parts: &Parts) -> Result<PageToken, Error> {
    let (settings, headers) = (jwt.settings(), &parts.headers);
    if !settings.auth_cookies {
        return Ok(PageToken::default());
    }
    let user = holder(jwt, headers).await?;
    let kept = cookies::value(settings, headers, Cookie::Csrf);
    let kept = kept.filter(|kept| jwt.csrf().is_token_of(kept, &user));
    if let Some(kept) = kept {
        return Ok(PageToken {
            value: Some(masked(kept)),
            cookie: None,
        });
    }
    let value = jwt.csrf().token(&user);
    let lifetime = i64::try_from(settings.refresh_token_lifetime.as_secs()).unwrap_or(i64::MAX);
    let cookie = cookies::set(settings, Cookie::Csrf, &value, lifetime).ok();
    Ok(PageToken {
        cookie: cookie.filter(|_| comes_with_cookies(settings, parts)),
        value: Some(masked(&value)),
    })
}

/// Whether the browser has sent what cookies it has. Where it held them back, as another site led to the page, it may have
/// a good one, which is not to be overwritten.
fn comes_with_cookies(settings: &Settings, parts: &Parts) -> bool {
    let is_cross_site = parts
        .headers
        .get(SEC_FETCH_SITE)
        .is_some_and(|site| site == "cross-site");
    let is_link = is_safe(&parts.method) && settings.auth_cookie_samesite == SameSite::Lax;
    !is_cross_site || is_link
}

/// The user claim as a text.
pub(super) fn user(settings: &Settings, claims: &Claims) -> String {
    match claims.get(&settings.user_id_claim) {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => json::encode_utf8(other),
    }
}
