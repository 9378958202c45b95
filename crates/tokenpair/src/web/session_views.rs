//! The endpoints around sessions: log out, log out everywhere, see and end sessions.

mod described;

use super::cookies;
use super::delivery::Delivery;
use super::extract::{IsAuthenticated, Principal};
use super::respond;
use super::urls::DjangoUrls as _;
use super::view::View;
use super::views::presented;
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
        let token = presented(&jwt, &delivery, request, "refresh").await?;
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

/// With the path of the session, below that of the list.
fn linked(mut session: Object, list: &str) -> Object {
    let id = session
        .get("id")
        .and_then(Value::as_str)
        .unwrap_or_default();
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
    let is_by_cookie = !headers.contains_key(jwt.auth_header()) && cookies::any(settings, headers);
    if is_by_cookie && response.status().is_success() {
        cookies::forget(settings, response.headers_mut());
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
