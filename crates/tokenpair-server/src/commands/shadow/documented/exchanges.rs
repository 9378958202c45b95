//! Requests about which tokenpair decides otherwise than Simple JWT does.

use super::super::exchange::Exchange;
use super::places::{endpoint, is_page, is_token_endpoint};
use super::strict::{self, Violation};
use crate::config::Endpoint::{
    Me, TokenBlacklist, TokenObtainPair, TokenObtainSliding, TokenRefresh, TokenRefreshSliding,
    TokenVerify,
};
use tokenpair::clock::{Clock as _, SystemClock};
use tokenpair::json::{self, Value};

/// Seconds that clocks may be apart.
const CLOCK_ALLOWANCE: f64 = 5.0;
const BLACKLISTED: &str = r#"{"non_field_errors":["Token is blacklisted"]}"#;
const NO_ACCOUNT: &str = "No active account found for the given token.";
const PASSWORD_CHANGED: &str = "The user's password has been changed.";
/// What a token is refused with that Simple JWT stumbles over.
const REFUSALS: [&str; 4] = [
    NO_ACCOUNT,
    PASSWORD_CHANGED,
    "Token is invalid",
    "Token has no id",
];
/// Codecs for text that only Python knows.
const RARE_CHARSETS: [&str; 7] = [
    "idna",
    "punycode",
    "raw_unicode_escape",
    "unicode_escape",
    "utf7",
    "utf-7",
    "utf_7",
];

pub(super) fn blacklisted_at_verify(exchange: &Exchange<'_>) -> bool {
    endpoint(exchange) == Some(TokenVerify)
        && exchange.token_blacklist
        && !exchange.settings.blacklist_after_rotation
        && statuses(exchange) == (200, 400)
        && exchange.tokenpair.body == BLACKLISTED.as_bytes()
}

pub(super) fn user_at_refresh(exchange: &Exchange<'_>) -> bool {
    let is_checked = match endpoint(exchange) {
        Some(TokenRefreshSliding) => true,
        Some(TokenRefresh) => exchange.settings.check_revoke_token,
        _ => false,
    };
    is_checked
        && statuses(exchange) == (200, 401)
        && our_detail(exchange)
            .is_some_and(|detail| detail == NO_ACCOUNT || detail == PASSWORD_CHANGED)
}

/// Only where a token was shown and refused for what is in it: any other 500 may be the project's own.
pub(super) fn crash_over_token(exchange: &Exchange<'_>) -> bool {
    let takes_tokens = matches!(
        endpoint(exchange),
        Some(TokenRefresh | TokenRefreshSliding | TokenVerify | TokenBlacklist)
    );
    takes_tokens
        && statuses(exchange) == (500, 401)
        && strict::tokens(exchange.request).next().is_some()
        && our_detail(exchange).is_some_and(|detail| REFUSALS.contains(&detail.as_str()))
}

pub(super) fn crash_over_media_type(exchange: &Exchange<'_>) -> bool {
    let content_type = exchange.request.headers.get("content-type");
    is_token_endpoint(exchange)
        && statuses(exchange) == (500, 415)
        && content_type.is_some_and(|kind| kind.contains("*="))
}

/// Where a page is asked for, Django has none to give: it refuses, knows no such format, or answers in JSON.
pub(super) fn page_without_renderer(exchange: &Exchange<'_>) -> bool {
    let asks_by_query = exchange.request.target.contains("format=api");
    if statuses(exchange) == (404, 406) {
        // The format is looked at before `Accept`, which does not fit.
        return asks_by_query && !is_page(exchange.django);
    }
    let is_without = match statuses(exchange) {
        (_, 500..) => false,
        (406, _) => true,
        (404, _) if asks_by_query => true,
        (theirs, ours) => theirs == ours,
    };
    is_without && is_page(exchange.tokenpair) && !is_page(exchange.django)
}

pub(super) fn future_issue(exchange: &Exchange<'_>) -> bool {
    let now = seconds(SystemClock.now());
    let latest = CLOCK_ALLOWANCE + exchange.settings.leeway.as_secs_f64();
    let is_ahead = |token: String| {
        let issued = strict::claim(&token, "iat")?;
        let ahead = number(&issued)? - now;
        Some(ahead > -2.0 && ahead <= latest)
    };
    let (theirs, ours) = statuses(exchange);
    theirs == 401
        && ours < 300
        && strict::tokens(exchange.request)
            .filter_map(is_ahead)
            .any(|ahead| ahead)
}

pub(super) fn untrimmed_password(exchange: &Exchange<'_>) -> bool {
    let body = std::str::from_utf8(&exchange.request.body).unwrap_or_default();
    let body = json::decode_body(body).ok();
    let object = body.as_ref().and_then(Value::as_object);
    let password = object.and_then(|fields| fields.get("password")?.as_str());
    matches!(
        endpoint(exchange),
        Some(TokenObtainPair | TokenObtainSliding)
    ) && statuses(exchange) == (401, 200)
        && password.is_some_and(|password| password.trim() != password)
}

pub(super) fn no_uuid(exchange: &Exchange<'_>) -> bool {
    statuses(exchange) == (400, 401)
        && our_detail(exchange).is_some_and(|detail| detail == NO_ACCOUNT)
        && contains(&exchange.django.body, "is not a valid UUID")
}

pub(super) fn too_long(exchange: &Exchange<'_>) -> bool {
    violates(exchange, Violation::TooLong)
}

pub(super) fn padded(exchange: &Exchange<'_>) -> bool {
    violates(exchange, Violation::Padded)
}

pub(super) fn header_member(exchange: &Exchange<'_>) -> bool {
    violates(exchange, Violation::HeaderMember)
}

pub(super) fn typ(exchange: &Exchange<'_>) -> bool {
    violates(exchange, Violation::Typ)
}

pub(super) fn loose_json(exchange: &Exchange<'_>) -> bool {
    violates(exchange, Violation::LooseJson)
}

pub(super) fn exp(exchange: &Exchange<'_>) -> bool {
    exchange.django.status != 401 && violates(exchange, Violation::Exp)
}

pub(super) fn id(exchange: &Exchange<'_>) -> bool {
    exchange.token_blacklist && violates(exchange, Violation::Id)
}

/// Refused as a token by us, and for a reason that Simple JWT does not know.
fn violates(exchange: &Exchange<'_>, violation: Violation) -> bool {
    let refusal = our_member(exchange, "code");
    let id_claim = exchange.settings.jti_claim.as_deref();
    exchange.tokenpair.status == 401
        && refusal.as_deref() == Some("token_not_valid")
        && strict::tokens(exchange.request)
            .any(|token| strict::violates(&token, violation, id_claim))
}

pub(super) fn large_body(exchange: &Exchange<'_>) -> bool {
    statuses(exchange) == (400, 413)
        && exchange.request.body.len() > exchange.settings.data_upload_max_memory_size
}

pub(super) fn deep_body(exchange: &Exchange<'_>) -> bool {
    is_token_endpoint(exchange)
        && exchange.tokenpair.status == 400
        && our_detail(exchange)
            .is_some_and(|detail| detail.starts_with("JSON parse error - Nesting deeper than 128"))
}

pub(super) fn rare_charset(exchange: &Exchange<'_>) -> bool {
    let content_type = exchange
        .request
        .headers
        .get("content-type")
        .unwrap_or_default();
    let content_type = content_type.to_ascii_lowercase();
    let charset = content_type
        .split_once("charset=")
        .map_or("", |(_, charset)| charset);
    let charset = charset.trim_start_matches(['"', '\'']);
    is_token_endpoint(exchange)
        && exchange.tokenpair.status == 400
        && RARE_CHARSETS.iter().any(|rare| charset.starts_with(rare))
}

/// Both could not, and only one says so.
pub(super) fn outage(exchange: &Exchange<'_>) -> bool {
    statuses(exchange) == (500, 503) && exchange.tokenpair.headers.get("retry-after").is_some()
}

/// Django's, then ours.
fn statuses(exchange: &Exchange<'_>) -> (u16, u16) {
    (exchange.django.status, exchange.tokenpair.status)
}

fn our_detail(exchange: &Exchange<'_>) -> Option<String> {
    our_member(exchange, "detail")
}

fn our_member(exchange: &Exchange<'_>, name: &str) -> Option<String> {
    if endpoint(exchange) == Some(Me) {
        return None;
    }
    let body = exchange.tokenpair.json()?;
    Some(body.as_object()?.get(name)?.as_str()?.to_owned())
}

fn contains(body: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(body).contains(text)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a time of this century is exact"
)]
fn seconds(time: jiff::Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
}
