//! The six endpoints: parse, call the flow, answer. Simple JWT's `views.py`.

mod described;

use super::delivery::Delivery;
use super::fields;
use super::parsers::{self, Data};
use super::respond::{self, Failure};
use super::view::View;
use crate::models::{Credentials, RequestInfo};
use crate::{SimpleJwt, flows};
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, FromRef, FromRequestParts, Request, State};
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderName, USER_AGENT};
use http::request::Parts;
use http::{Extensions, HeaderMap, Method};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::convert::Infallible;
use std::net::SocketAddr;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// `POST`: credentials for `{"refresh", "access"}`.
#[doc(alias = "TokenObtainPairView")]
pub fn token_obtain_pair<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let description = "Takes a set of user credentials and returns an access and refresh JSON web token pair to prove the authentication of those credentials.";
    View::new("Token Obtain Pair")
        .description(description)
        .describe(Method::POST, described::obtain_pair)
        .post(post_token_obtain_pair)
}

/// `POST`: credentials for `{"token"}`, a sliding token.
#[doc(alias = "TokenObtainSlidingView")]
pub fn token_obtain_sliding<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let description = "Takes a set of user credentials and returns a sliding JSON web token to prove the authentication of those credentials.";
    View::new("Token Obtain Sliding")
        .description(description)
        .describe(Method::POST, described::obtain_sliding)
        .post(post_token_obtain_sliding)
}

/// `POST refresh`: a refresh token for `{"access"}`, with rotation also `"refresh"`.
#[doc(alias = "TokenRefreshView")]
pub fn token_refresh<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let description = "Takes a refresh type JSON web token and returns an access type JSON web token if the refresh token is valid.";
    View::new("Token Refresh")
        .description(description)
        .describe(Method::POST, described::refresh)
        .post(post_token_refresh)
}

/// `POST token`: a sliding token for the same token with a later `exp`.
#[doc(alias = "TokenRefreshSlidingView")]
pub fn token_refresh_sliding<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let description = "Takes a sliding JSON web token and returns a new, refreshed version if the token's refresh period has not expired.";
    View::new("Token Refresh Sliding")
        .description(description)
        .describe(Method::POST, described::refresh_sliding)
        .post(post_token_refresh_sliding)
}

/// `POST token`: `{}` for a good token of any type.
#[doc(alias = "TokenVerifyView")]
pub fn token_verify<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let description = "Takes a token and indicates if it is valid. This view provides no information about a token's fitness for a particular use.";
    View::new("Token Verify")
        .description(description)
        .describe(Method::POST, described::verify)
        .post(post_token_verify)
}

/// `POST refresh`: revokes a refresh token, `{}`.
#[doc(alias = "TokenBlacklistView")]
pub fn token_blacklist<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let description = "Takes a token and blacklists it.";
    View::new("Token Blacklist")
        .description(description)
        .describe(Method::POST, described::blacklist)
        .post(post_token_blacklist)
}

async fn post_token_obtain_pair(
    State(jwt): State<SimpleJwt>,
    delivery: Delivery,
    request: Request,
) -> Response {
    let info = request_info(request.headers(), request.extensions());
    let result = async {
        let credentials = read_credentials(&jwt, request).await?;
        Ok(flows::obtain_pair(&jwt, &credentials, &info).await?)
    };
    delivery.answer_log_in(&jwt, &info, result.await).await
}

async fn post_token_obtain_sliding(
    State(jwt): State<SimpleJwt>,
    delivery: Delivery,
    request: Request,
) -> Response {
    let info = request_info(request.headers(), request.extensions());
    let result = async {
        let credentials = read_credentials(&jwt, request).await?;
        Ok(flows::obtain_sliding(&jwt, &credentials, &info).await?)
    };
    delivery.answer_log_in(&jwt, &info, result.await).await
}

async fn post_token_refresh(
    State(jwt): State<SimpleJwt>,
    delivery: Delivery,
    request: Request,
) -> Response {
    let info = request_info(request.headers(), request.extensions());
    let result = async {
        let token = presented(&jwt, &delivery, request, "refresh").await?;
        Ok(flows::refresh(&jwt, &token, &info).await?)
    };
    delivery.answer_refresh(&jwt, &info, result.await)
}

async fn post_token_refresh_sliding(
    State(jwt): State<SimpleJwt>,
    delivery: Delivery,
    request: Request,
) -> Response {
    let info = request_info(request.headers(), request.extensions());
    let result = async {
        let token = presented(&jwt, &delivery, request, "token").await?;
        Ok(flows::refresh_sliding(&jwt, &token, &info).await?)
    };
    delivery.answer_refresh(&jwt, &info, result.await)
}

async fn post_token_verify(State(jwt): State<SimpleJwt>, request: Request) -> Response {
    let info = request_info(request.headers(), request.extensions());
    let result = async {
        let token = read_token(&jwt, request, "token").await?;
        Ok(flows::verify(&jwt, &token, &info).await?)
    };
    respond::answer_or_failure(&jwt, &info, result.await)
}

async fn post_token_blacklist(
    State(jwt): State<SimpleJwt>,
    delivery: Delivery,
    request: Request,
) -> Response {
    let info = request_info(request.headers(), request.extensions());
    let result = async {
        if let Some(ended) = delivery.log_out(&jwt, &info).await {
            return Ok(ended?);
        }
        let token = read_token(&jwt, request, "refresh").await?;
        Ok(flows::blacklist(&jwt, &token, &info).await?)
    };
    delivery.answer_logout(&jwt, &info, result.await)
}

/// The text fields of a body, read as a DRF serializer with these fields would; all of them are required.
///
/// Outer white space is cut off, but for a field called `password`. The error is the answer that says what is wrong.
#[doc(alias = "CharField")]
#[doc(alias = "Serializer")]
pub async fn read_fields<const N: usize>(
    jwt: &SimpleJwt,
    request: Request,
    names: [&str; N],
) -> Result<[String; N], Response> {
    let info = request_info(request.headers(), request.extensions());
    let read = async {
        let data = read_data(jwt, request).await?;
        let texts = fields::read(&data, names)?;
        let mut names = names.into_iter();
        Ok(texts.map(|text| match names.next() {
            Some("password") => text.as_received().to_owned(),
            _ => text.trimmed().to_owned(),
        }))
    };
    read.await
        .map_err(|failure: Failure| respond::answer_or_failure(jwt, &info, Err(failure)))
}

async fn read_credentials(jwt: &SimpleJwt, request: Request) -> Result<Credentials, Failure> {
    let data = read_data(jwt, request).await?;
    let [username, password] = fields::read(&data, [jwt.users().username_field(), "password"])?;
    Ok(Credentials {
        username: username.trimmed().to_owned(),
        password: password.as_received().to_owned(),
    })
}

/// The token that a request acts on: of a cookie, or of the body.
async fn presented(
    jwt: &SimpleJwt,
    delivery: &Delivery,
    request: Request,
    field: &str,
) -> Result<String, Failure> {
    match delivery.presented(field) {
        Some(token) => Ok(token?),
        None => read_token(jwt, request, field).await,
    }
}

pub(super) async fn read_token(
    jwt: &SimpleJwt,
    request: Request,
    field: &str,
) -> Result<String, Failure> {
    let data = read_data(jwt, request).await?;
    let [token] = fields::read(&data, [field])?;
    Ok(token.trimmed().to_owned())
}

/// The body as data.
pub(super) async fn read_data(jwt: &SimpleJwt, request: Request) -> Result<Data, Failure> {
    let (parts, body) = request.into_parts();
    let body = read_body(jwt, body).await?;
    let content_type = parts
        .headers
        .get(CONTENT_TYPE)
        .map(http::HeaderValue::as_bytes);
    parsers::parse(content_type, &body).map_err(Failure::Parse)
}

/// At most `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes.
pub(super) async fn read_body(jwt: &SimpleJwt, body: Body) -> Result<Bytes, Failure> {
    let limit = jwt.settings().data_upload_max_memory_size;
    let body = Limited::new(body, limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Failure::BodyTooLarge { limit }
        } else {
            Failure::BodyNotRead
        }
    })?;
    Ok(body.to_bytes())
}

impl<S: Sync> FromRequestParts<S> for RequestInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(request_info(&parts.headers, &parts.extensions))
    }
}

pub(super) fn request_info(headers: &HeaderMap, extensions: &Extensions) -> RequestInfo {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    let header = |name: HeaderName| headers.get(name)?.to_str().ok();
    RequestInfo {
        address: peer.map(|peer| peer.0.ip()),
        user_agent: header(USER_AGENT).map(|text| text.get(..512).unwrap_or(text).to_owned()),
        request_id: request_id(headers).map(str::to_owned),
    }
}

/// The request's id, if it has one that may be repeated.
pub(super) fn request_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    RequestInfo::is_request_id(id.as_bytes()).then_some(id)
}
