//! The endpoints around sessions: log out, log out everywhere, see and end sessions.

mod described;

use super::cookies;
use super::delivery::Delivery;
use super::extract::{IsAuthenticated, Principal, header};
use super::respond;
use super::urls::DjangoUrls as _;
use super::view::View;
use super::views::read_token;
use crate::SimpleJwt;
use crate::accounts::sessions::{self, SessionUser};
use crate::authentication;
use crate::error::Error;
use crate::json::{Object, Value};
use crate::models::RequestInfo;
use axum::Router;
use axum::extract::{FromRef, OriginalUri, Path, Request, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::future::Future;

/// The endpoints of sessions: `/logout/`, `/logout/all/`, `/sessions/` and `/sessions/{id}/`, to be nested where you like.
///
/// ```
/// use axum::Router;
/// use tokenpair::web::{session_urls, token_urls};
/// # use tokenpair::{MemoryStore, Settings, SimpleJwt};
/// # let mut settings = Settings::new("a secret of at least 32 bytes, kept out of the code");
/// settings.sessions = true;
/// # let jwt = SimpleJwt::new(settings, MemoryStore::default())?;
/// let app: Router = Router::new().nest("/api", token_urls().merge(session_urls())).with_state(jwt);
/// # Ok::<(), tokenpair::SettingsError>(())
/// ```
pub fn session_urls<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    Router::new()
        .url("/logout/", logout())
        .url("/logout/all/", logout_all())
        .url("/sessions/", session_list())
        .url("/sessions/{id}/", session_detail())
}

/// `POST refresh`: ends the session of a refresh token, `{}`.
pub fn logout<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    View::new("Log Out")
        .description("Takes a refresh type JSON web token and ends its session.")
        .describe(Method::POST, described::log_out)
        .post(post_logout)
}

/// `POST`: ends every session of the caller, `{"sessions"}` says how many.
pub fn logout_all<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    View::new("Log Out Everywhere")
        .description(
            "Ends every session of the caller, this one included, and tells how many there were.",
        )
        .permission::<IsAuthenticated>()
        .describe(Method::POST, described::log_out_everywhere)
        .post(post_logout_all)
}

/// `GET`: the caller's living sessions, the newest first.
pub fn session_list<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    View::new("Session List")
        .description("The sessions of the caller, the newest first.")
        .permission::<IsAuthenticated<SessionUser>>()
        .describe(Method::GET, described::list)
        .get(get_sessions)
}

/// `GET`, `DELETE`: one of the caller's sessions, and its end. To be mounted at a path with the parameter `id`.
pub fn session_detail<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    View::new("Session Instance")
        .description("A session of the caller.")
        .permission::<IsAuthenticated<SessionUser>>()
        .describe(Method::GET, described::one)
        .describe(Method::DELETE, described::end)
        .get(get_session)
        .delete(delete_session)
}

async fn post_logout(
    State(jwt): State<SimpleJwt>,
    delivery: Delivery,
    info: RequestInfo,
    request: Request,
) -> Response {
    let result = async {
        if let Some(ended) = delivery.log_out(&jwt, &info).await {
            return Ok(ended?);
        }
        let token = read_token(&jwt, request, "refresh").await?;
        Ok(sessions::log_out(&jwt, &token, &info).await?)
    };
    delivery.answer_logout(&jwt, &info, result.await)
}

async fn post_logout_all(
    State(jwt): State<SimpleJwt>,
    IsAuthenticated(user): IsAuthenticated,
    info: RequestInfo,
    headers: HeaderMap,
) -> Response {
    let ended = sessions::log_out_everywhere(&jwt, &user, &info).await;
    forgetting(&jwt, &headers, respond::answer(&jwt, &info, ended))
}

async fn get_sessions(
    State(jwt): State<SimpleJwt>,
    IsAuthenticated(caller): IsAuthenticated<SessionUser>,
    OriginalUri(uri): OriginalUri,
    info: RequestInfo,
) -> Response {
    let sessions = sessions::list(&jwt, &caller).await;
    let list = sessions.map(|list| {
        let linked = list.into_iter().map(|session| linked(session, uri.path()));
        linked.map(Value::Object).collect::<Vec<_>>()
    });
    respond::answer_with(
        &jwt,
        &info,
        list.map(|list| respond::json(StatusCode::OK, list)),
    )
}

async fn get_session(
    State(jwt): State<SimpleJwt>,
    IsAuthenticated(caller): IsAuthenticated<SessionUser>,
    OriginalUri(uri): OriginalUri,
    Path(id): Path<String>,
    info: RequestInfo,
) -> Response {
    let found = sessions::get(&jwt, &caller, &id).await;
    let shown = |mut session: Object| {
        session.insert("url", uri.path());
        respond::json(StatusCode::OK, session)
    };
    let answer = found.map(|found| found.map_or_else(respond::no_such_row, shown));
    respond::answer_with(&jwt, &info, answer)
}

/// What may stand in a path as it is (RFC 3986): an id may be whatever an issuer beside us wrote.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// With the path of the session, below that of the list.
fn linked(mut session: Object, list: &str) -> Object {
    let id = session
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let id = utf8_percent_encode(id, UNRESERVED);
    let url = match list.strip_suffix('/') {
        Some(bare) => format!("{bare}/{id}/"),
        None => format!("{list}/{id}"),
    };
    session.insert("url", url);
    session
}

async fn delete_session(
    State(jwt): State<SimpleJwt>,
    IsAuthenticated(caller): IsAuthenticated<SessionUser>,
    Path(id): Path<String>,
    info: RequestInfo,
    headers: HeaderMap,
) -> Response {
    end_session(&jwt, &caller, &id, &info, &headers).await
}

/// Ends one of the caller's sessions, perhaps the one that asks.
pub(super) async fn end_session(
    jwt: &SimpleJwt,
    caller: &SessionUser,
    id: &str,
    info: &RequestInfo,
    headers: &HeaderMap,
) -> Response {
    let ended = sessions::end(jwt, &caller.user, id, info).await;
    let response = ended.map(|ended| {
        if ended {
            respond::no_content()
        } else {
            respond::no_such_row()
        }
    });
    let response = respond::answer_with(jwt, info, response);
    if caller.session.as_deref() == Some(id) {
        forgetting(jwt, headers, response)
    } else {
        response
    }
}

/// An answer that ended the session of a browser takes its cookies back.
fn forgetting(jwt: &SimpleJwt, headers: &HeaderMap, mut response: Response) -> Response {
    let settings = jwt.settings();
    let header = header(headers, jwt.auth_header());
    let is_by_header = authentication::names_caller(jwt, header.as_deref());
    if !is_by_header && cookies::any(settings, headers) && response.status().is_success() {
        cookies::forget_all(settings, response.headers_mut());
    }
    response
}

impl Principal for SessionUser {
    fn authenticate(
        jwt: &SimpleJwt,
        header: Option<&str>,
    ) -> impl Future<Output = Result<Option<Self>, Error>> + Send {
        authentication::authenticate_in_session(jwt, header)
    }

    fn is_admin(&self) -> bool {
        self.user.is_staff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_linked_whatever_its_id_is() {
        for (list, id, url) in [
            (
                "/api/sessions/",
                "0198-a_b.c~d",
                "/api/sessions/0198-a_b.c~d/",
            ),
            ("/api/sessions", "a", "/api/sessions/a"),
            ("/s/", "a/b?c#d%é", "/s/a%2Fb%3Fc%23d%25%C3%A9/"),
        ] {
            let session = linked(Object::from_iter([("id", id)]), list);
            assert_eq!(session.get("url").and_then(Value::as_str), Some(url));
        }
    }
}
