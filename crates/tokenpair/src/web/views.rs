//! The six endpoints: parse, call the flow, answer. Simple JWT's `views.py`.

use super::fields::{self, Field};
use super::parsers::{self, Data};
use super::respond::{self, Failure};
use super::view::View;
use crate::models::{Credentials, RequestInfo};
use crate::{SimpleJwt, flows};
use axum::extract::{ConnectInfo, FromRef, Request, State};
use axum::response::Response;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName, USER_AGENT};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::net::SocketAddr;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// `POST`: credentials for `{"refresh", "access"}`.
pub fn token_obtain_pair<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let description = "Takes a set of user credentials and returns an access and refresh JSON web token pair to prove the authentication of those credentials.";
    View::new("Token Obtain Pair")
        .description(description)
        .fields(credentials)
        .post(post_token_obtain_pair)
}

/// `POST`: credentials for `{"token"}`, a sliding token.
pub fn token_obtain_sliding<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let description = "Takes a set of user credentials and returns a sliding JSON web token to prove the authentication of those credentials.";
    View::new("Token Obtain Sliding")
        .description(description)
        .fields(credentials)
        .post(post_token_obtain_sliding)
}

/// `POST refresh`: a refresh token for `{"access"}`, with rotation also `"refresh"`.
pub fn token_refresh<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let description = "Takes a refresh type JSON web token and returns an access type JSON web token if the refresh token is valid.";
    View::new("Token Refresh")
        .description(description)
        .fields(|_| vec![Field::required("refresh"), Field::read_only("access")])
        .post(post_token_refresh)
}

/// `POST token`: a sliding token for the same token with a later `exp`.
pub fn token_refresh_sliding<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let description = "Takes a sliding JSON web token and returns a new, refreshed version if the token's refresh period has not expired.";
    View::new("Token Refresh Sliding")
        .description(description)
        .fields(|_| vec![Field::required("token")])
        .post(post_token_refresh_sliding)
}

/// `POST token`: `{}` for a good token of any type.
pub fn token_verify<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let description = "Takes a token and indicates if it is valid. This view provides no information about a token's fitness for a particular use.";
    View::new("Token Verify")
        .description(description)
        .fields(|_| vec![Field::required("token")])
        .post(post_token_verify)
}

/// `POST refresh`: revokes a refresh token, `{}`.
pub fn token_blacklist<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let description = "Takes a token and blacklists it.";
    View::new("Token Blacklist")
        .description(description)
        .fields(|_| vec![Field::required("refresh")])
        .post(post_token_blacklist)
}

fn credentials(jwt: &SimpleJwt) -> Vec<Field> {
    vec![
        Field::required(jwt.users().username_field()),
        Field::required("password"),
    ]
}

async fn post_token_obtain_pair(State(jwt): State<SimpleJwt>, request: Request) -> Response {
    let info = request_info(&request);
    let result = async {
        let credentials = read_credentials(&jwt, request).await?;
        Ok(flows::obtain_pair(&jwt, &credentials, &info).await?)
    };
    respond::answer(&jwt, &info, result.await)
}

async fn post_token_obtain_sliding(State(jwt): State<SimpleJwt>, request: Request) -> Response {
    let info = request_info(&request);
    let result = async {
        let credentials = read_credentials(&jwt, request).await?;
        Ok(flows::obtain_sliding(&jwt, &credentials, &info).await?)
    };
    respond::answer(&jwt, &info, result.await)
}

async fn post_token_refresh(State(jwt): State<SimpleJwt>, request: Request) -> Response {
    let info = request_info(&request);
    let result = async {
        let token = read_token(&jwt, request, "refresh").await?;
        Ok(flows::refresh(&jwt, &token, &info).await?)
    };
    respond::answer(&jwt, &info, result.await)
}

async fn post_token_refresh_sliding(State(jwt): State<SimpleJwt>, request: Request) -> Response {
    let info = request_info(&request);
    let result = async {
        let token = read_token(&jwt, request, "token").await?;
        Ok(flows::refresh_sliding(&jwt, &token, &info).await?)
    };
    respond::answer(&jwt, &info, result.await)
}

async fn post_token_verify(State(jwt): State<SimpleJwt>, request: Request) -> Response {
    let info = request_info(&request);
    let result = async {
        let token = read_token(&jwt, request, "token").await?;
        Ok(flows::verify(&jwt, &token, &info).await?)
    };
    respond::answer(&jwt, &info, result.await)
}

async fn post_token_blacklist(State(jwt): State<SimpleJwt>, request: Request) -> Response {
    let info = request_info(&request);
    let result = async {
        let token = read_token(&jwt, request, "refresh").await?;
        Ok(flows::blacklist(&jwt, &token, &info).await?)
    };
    respond::answer(&jwt, &info, result.await)
}

async fn read_credentials(jwt: &SimpleJwt, request: Request) -> Result<Credentials, Failure> {
    let data = read_data(jwt, request).await?;
    let [username, password] = fields::read(&data, [jwt.users().username_field(), "password"])?;
    Ok(Credentials {
        username: username.trimmed().to_owned(),
        password: password.as_received().to_owned(),
    })
}

async fn read_token(jwt: &SimpleJwt, request: Request, field: &str) -> Result<String, Failure> {
    let data = read_data(jwt, request).await?;
    let [token] = fields::read(&data, [field])?;
    Ok(token.trimmed().to_owned())
}

/// The body as data, at most `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes of it.
async fn read_data(jwt: &SimpleJwt, request: Request) -> Result<Data, Failure> {
    let limit = jwt.settings().data_upload_max_memory_size;
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Failure::BodyTooLarge { limit }
        } else {
            Failure::BodyNotRead
        }
    })?;
    let content_type = parts
        .headers
        .get(CONTENT_TYPE)
        .map(http::HeaderValue::as_bytes);
    parsers::parse(content_type, &body.to_bytes()).map_err(Failure::Parse)
}

fn request_info(request: &Request) -> RequestInfo {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let header = |name: HeaderName| request.headers().get(name)?.to_str().ok();
    RequestInfo {
        address: peer.map(|peer| peer.0.ip()),
        user_agent: header(USER_AGENT).map(|text| text.get(..512).unwrap_or(text).to_owned()),
        request_id: request_id(request.headers()).map(str::to_owned),
    }
}

/// The request's id, if it has one that may be repeated.
pub(super) fn request_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    is_request_id(id).then_some(id)
}

/// What may be repeated in a log and a header without a second thought.
fn is_request_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=128).contains(&id.len()) && id.bytes().all(plain)
}
