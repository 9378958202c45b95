//! Results into responses: which error has which status, and the wire's JSON. Failures are logged here, once for many.
//!
//! Answers to Simple JWT's `exceptions.py` and DRF's exception handler.

use super::fields::FieldErrors;
use super::negotiation::NotNegotiated;
use super::parsers::ParseFailure;
use super::unanswered::{Ended, Unanswered};
use crate::error::{AuthenticationFailed, Error, RefusedBy, TokenError};
use crate::json::{self, Object, Value};
use crate::models::RequestInfo;
use crate::settings::ErrorTexts;
use crate::{SimpleJwt, StoreError};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Method, StatusCode};
use std::time::Duration;

/// Everything that can stop one of our views.
pub(super) enum Failure {
    Engine(Error),
    Fields(FieldErrors),
    Parse(ParseFailure),
    BodyTooLarge {
        limit: usize,
    },
    BodyNotRead,
    /// The client asks for something that cannot be, in a header or a control field of a form: 400 with this text.
    BadRequest(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<FieldErrors> for Failure {
    fn from(errors: FieldErrors) -> Self {
        Self::Fields(errors)
    }
}

/// The answer of a token endpoint of your own, from what a [flow](crate::flows) returned. Never to be cached.
///
/// An error has Simple JWT's status, body and challenge, an outage is told to the log: its first
/// request with the id, then every few seconds how many there were.
#[doc(alias = "EXCEPTION_HANDLER")]
pub fn answer(jwt: &SimpleJwt, info: &RequestInfo, result: Result<Object, Error>) -> Response {
    answer_or_failure(jwt, info, result.map_err(Failure::from))
}

/// The answer of a token endpoint. Never to be cached: it may carry a token.
pub(super) fn answer_or_failure(
    jwt: &SimpleJwt,
    info: &RequestInfo,
    result: Result<Object, Failure>,
) -> Response {
    answer_with(jwt, info, result.map(|data| json(StatusCode::OK, data)))
}

/// The same for an answer that is made already.
pub(super) fn answer_with(
    jwt: &SimpleJwt,
    info: &RequestInfo,
    result: Result<Response, impl Into<Failure>>,
) -> Response {
    let mut response = match result.map_err(Into::into) {
        Ok(response) => {
            answered(jwt);
            response
        }
        Err(Failure::Engine(error)) => self::error(jwt, info.request_id.as_deref(), error),
        Err(Failure::Fields(FieldErrors(errors))) => json(StatusCode::BAD_REQUEST, errors),
        Err(Failure::Parse(failure)) => unparsable(failure),
        Err(Failure::BodyTooLarge { limit }) => {
            let text = format!("The request body is larger than {limit} bytes.");
            json(StatusCode::PAYLOAD_TOO_LARGE, detail(text))
        }
        Err(Failure::BodyNotRead) => json(
            StatusCode::BAD_REQUEST,
            detail("The request body could not be read."),
        ),
        Err(Failure::BadRequest(text)) => json(StatusCode::BAD_REQUEST, detail(text)),
    };
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An error of the engine, with the challenge where it is a 401.
/// `request_id` is for the log, should this be an outage.
pub(super) fn error(jwt: &SimpleJwt, request_id: Option<&str>, error: Error) -> Response {
    let texts = jwt.settings().error_texts;
    match error {
        Error::Token(error) => unauthorized(jwt, token_not_valid(error.message(texts))),
        Error::VerifiedTokenBlacklisted => {
            let mut errors = Object::new();
            errors.insert(
                "non_field_errors",
                vec![Value::from(TokenError::Blacklisted.message(texts).as_ref())],
            );
            json(StatusCode::BAD_REQUEST, errors)
        }
        Error::AuthenticationFailed(failed) => {
            unauthorized(jwt, authentication_failed(&failed, texts))
        }
        Error::NoActiveAccount
        | Error::NoActiveAccountForToken
        | Error::PasswordChanged
        | Error::NotAuthenticated => unauthorized(jwt, detail(error.to_string())),
        Error::PermissionDenied | Error::CsrfFailed(_) => {
            json(StatusCode::FORBIDDEN, detail(error.to_string()))
        }
        Error::Validation(invalid) => {
            let texts = |texts: &[String]| {
                let texts = texts.iter().map(|text| Value::from(text.as_str()));
                Value::Array(texts.collect())
            };
            let fields = invalid.fields();
            let body = fields.map(|(name, flaws)| (name.to_owned(), texts(flaws)));
            json(StatusCode::BAD_REQUEST, body.collect::<Object>())
        }
        Error::NotOffered => no_such_row(),
        Error::Store(cause) => store_failed(jwt, &cause, request_id),
        Error::Busy { retry_after } => busy(jwt, retry_after, request_id),
    }
}

/// Tells the log when failures have ended, as far as this answer shows: it may have needed no store.
pub(super) fn answered(jwt: &SimpleJwt) {
    let Unanswered { outage, crowd } = jwt.unanswered();
    if let Some(Ended { requests, seconds }) = outage.end(|| jwt.now()) {
        tracing::info!(requests, seconds, "a request was answered again");
    }
    if let Some(Ended { requests, seconds }) = crowd.end(|| jwt.now()) {
        tracing::info!(requests, seconds, "there are no longer too many log-ins");
    }
}

fn store_failed(jwt: &SimpleJwt, cause: &StoreError, request_id: Option<&str>) -> Response {
    if let Some(requests) = jwt.unanswered().outage.add(jwt.now()) {
        tracing::error!(error = %cause, requests, request_id, "requests could not be answered");
    }
    unavailable(Duration::from_secs(1))
}

fn busy(jwt: &SimpleJwt, retry_after: Duration, request_id: Option<&str>) -> Response {
    if let Some(requests) = jwt.unanswered().crowd.add(jwt.now()) {
        tracing::warn!(
            requests,
            request_id,
            "requests could not be answered: too many log-ins at once"
        );
    }
    unavailable(retry_after)
}

/// 503: nothing was decided about the request, and trying again later is right.
fn unavailable(retry_after: Duration) -> Response {
    let mut body = detail("Service temporarily unavailable, try again later.");
    body.insert("code", "service_unavailable");
    let mut response = json(StatusCode::SERVICE_UNAVAILABLE, body);
    let seconds = retry_after.as_secs_f64().ceil().clamp(1.0, 30.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 1..=30"
    )]
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds as u64));
    response
}

fn unauthorized(jwt: &SimpleJwt, body: Object) -> Response {
    let mut response = json(StatusCode::UNAUTHORIZED, body);
    let scheme = jwt
        .settings()
        .auth_header_types
        .first()
        .map_or("Bearer", String::as_str);
    if let Ok(challenge) = HeaderValue::try_from(format!("{scheme} realm=\"api\"")) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

fn authentication_failed(failed: &AuthenticationFailed, texts: ErrorTexts) -> Object {
    let (text, code) = match failed {
        AuthenticationFailed::BadAuthorizationHeader => (
            "Authorization header must contain two space-delimited values",
            "bad_authorization_header",
        ),
        AuthenticationFailed::NotValidForAnyTokenType(refusals) => {
            let mut body = token_not_valid("Given token not valid for any token type");
            body.insert(
                "messages",
                refusals
                    .iter()
                    .map(|one| refusal(one, texts))
                    .collect::<Vec<_>>(),
            );
            return body;
        }
        AuthenticationFailed::NoUserIdentification => (
            "Token contained no recognizable user identification",
            "token_not_valid",
        ),
        AuthenticationFailed::UserNotFound => ("User not found", "user_not_found"),
        AuthenticationFailed::UserInactive => ("User is inactive", "user_inactive"),
        AuthenticationFailed::PasswordChanged => {
            ("The user's password has been changed.", "password_changed")
        }
    };
    let mut body = detail(text);
    body.insert("code", code);
    body
}

fn refusal(refused: &RefusedBy, texts: ErrorTexts) -> Value {
    let mut message = Object::new();
    message.insert("token_class", refused.token_class);
    message.insert("token_type", refused.token_type);
    message.insert("message", refused.error.message(texts).as_ref());
    Value::Object(message)
}

fn token_not_valid(text: impl AsRef<str>) -> Object {
    let mut body = detail(text.as_ref());
    body.insert("code", "token_not_valid");
    body
}

fn unparsable(failure: ParseFailure) -> Response {
    match failure {
        ParseFailure::UnsupportedMediaType(name) => {
            let text = format!("Unsupported media type \"{name}\" in request.");
            json(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail(text))
        }
        ParseFailure::ParseError(text) => json(StatusCode::BAD_REQUEST, detail(text)),
        ParseFailure::TooManyFields => bad_request(),
    }
}

pub(super) fn not_negotiated(failure: NotNegotiated) -> Response {
    match failure {
        NotNegotiated::NotFound => no_such_row(),
        NotNegotiated::NotAcceptable => json(
            StatusCode::NOT_ACCEPTABLE,
            detail("Could not satisfy the request Accept header."),
        ),
        NotNegotiated::TooManyFields => bad_request(),
    }
}

/// DRF's `NotFound`.
pub(super) fn no_such_row() -> Response {
    json(StatusCode::NOT_FOUND, detail("Not found."))
}

/// Done, and nothing to say.
pub(super) fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

pub(super) fn method_not_allowed(method: &Method) -> Response {
    json(
        StatusCode::METHOD_NOT_ALLOWED,
        detail(format!("Method \"{method}\" not allowed.")),
    )
}

pub(super) fn json(status: StatusCode, body: impl Into<Value>) -> Response {
    json_text(status, json::encode_utf8(&body.into()))
}

/// An answer that is written already.
pub(super) fn json_text(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn detail(text: impl Into<String>) -> Object {
    let mut body = Object::new();
    body.insert("detail", text.into());
    body
}

pub(super) fn moved_permanently(location: &str) -> Response {
    let mut response = html(StatusCode::MOVED_PERMANENTLY, Body::empty());
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

pub(super) fn html(status: StatusCode, body: impl Into<Body>) -> Response {
    let content_type = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(CONTENT_TYPE, content_type)], body.into()).into_response()
}

/// Marks an answer that Django itself gives, outside of any view: it carries none of DRF's headers.
#[derive(Clone, Copy, Debug)]
pub struct DjangoError;

fn django_page(status: StatusCode, title: &str, text: &str) -> Response {
    let page = format!(
        "\n<!doctype html>\n<html lang=\"en\">\n<head>\n  <title>{title}</title>\n</head>\n<body>\n  \
         <h1>{title}</h1><p>{text}</p>\n</body>\n</html>\n"
    );
    let mut response = html(status, page);
    response.extensions_mut().insert(DjangoError);
    response
}

/// Django's page for an unknown path. Make it the router's fallback.
pub async fn not_found() -> Response {
    django_page(
        StatusCode::NOT_FOUND,
        "Not Found",
        "The requested resource was not found on this server.",
    )
}

/// Django's page for a request it refuses to read.
pub fn bad_request() -> Response {
    django_page(StatusCode::BAD_REQUEST, "Bad Request (400)", "")
}
