//! Log-in and log-out for people: two pages that need no script, over the cookies of `delivery.rs`.
//!
//! Django's `LoginView` and `LogoutView`. After a log-in the browser goes on to `next`, which never leads to another
//! site. A GET changes nothing: log-out has a button.

use super::cookies;
use super::csrf;
use super::delivery::Delivery;
use super::fields::{self, Field, FieldErrors, Kind};
use super::pages::{self, Frame};
use super::parsers::charset::Charset;
use super::parsers::{Data, FieldValue, urlencoded};
use super::respond::{self, Failure};
use super::view::View;
use super::views::{read_data, request_info};
use crate::error::{CsrfFailed, Error};
use crate::json::{Object, Value};
use crate::models::{Credentials, RequestInfo};
use crate::settings::TokenClass;
use crate::{SimpleJwt, flows};
use askama::Template;
use axum::body::Body;
use axum::extract::{FromRef, Request, State};
use axum::response::Response;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use std::sync::Arc;

/// Longer than any path of ours.
const MAX_NEXT: usize = 2048;

/// Django's text, which tells nobody what was wrong.
const WRONG: &str =
    "Please enter a correct username and password. Note that both fields may be case-sensitive.";

/// The log-in page: GET shows it, POST sets the cookies and goes on to `next`, or to `landing` without one.
///
/// ```
/// use axum::Router;
/// use tokenpair::SimpleJwt;
/// use tokenpair::web::{DjangoUrls, browser_login, browser_logout};
///
/// let app: Router<SimpleJwt> = Router::new()
///     .url("/auth/login/", browser_login("/"))
///     .url("/auth/logout/", browser_logout("/auth/login/"));
/// ```
#[doc(alias = "LoginView")]
pub fn browser_login<S>(landing: &str) -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let description =
        "Takes a set of user credentials and keeps the log-in in cookies of this browser.";
    let view = View::page("Log in").description(description);
    let view = view.fields(|jwt| vec![username_field(jwt), password_field()]);
    mounted(view, Page::LogIn, landing)
}

/// The log-out page: GET asks, POST ends the log-in of this browser and goes on to `next`, or to `landing` without one.
#[doc(alias = "LogoutView")]
pub fn browser_logout<S>(landing: &str) -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let view = View::page("Log out").description("Ends the log-in of this browser.");
    mounted(view, Page::LogOut, landing)
}

fn mounted<S>(view: View<S>, page: Page, landing: &str) -> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let landing: Arc<str> = landing.into();
    view.get(
        move |State(jwt): State<SimpleJwt>, frame: Frame, request: Request| async move {
            show(&jwt, &frame, &request, page)
        },
    )
    .post(
        move |State(jwt): State<SimpleJwt>, frame: Frame, request: Request| {
            submit(jwt, frame, request, page, landing.clone())
        },
    )
}

fn username_field(jwt: &SimpleJwt) -> Field {
    Field::required(jwt.users().username_field()).kind(Kind::Username)
}

fn password_field() -> Field {
    Field::required("password").kind(Kind::Password)
}

#[derive(Clone, Copy, PartialEq)]
enum Page {
    LogIn,
    LogOut,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LogInPage<'a> {
    frame: &'a Frame,
    next: &'a str,
    error: Option<&'a str>,
    /// Of the field for the name.
    field: &'a str,
    label: &'a str,
    username: &'a str,
}

#[derive(Template)]
#[template(path = "logout.html")]
struct LogOutPage<'a> {
    frame: &'a Frame,
    next: &'a str,
    error: Option<&'a str>,
}

/// What a page has in its fields, again after a refusal. Never the password.
#[derive(Default)]
struct Filled {
    next: String,
    username: String,
}

fn show(jwt: &SimpleJwt, frame: &Frame, request: &Request, page: Page) -> Response {
    if !jwt.settings().auth_cookies {
        let info = request_info(request.headers(), request.extensions());
        return respond::answer_or_failure(jwt, &info, Err(is_off()));
    }
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let next = match urlencoded::parse(query, Charset::Utf8) {
        Ok(fields) => text(&Data::Form(fields), "next"),
        Err(_) => String::new(),
    };
    let filled = Filled {
        next,
        ..Filled::default()
    };
    written(jwt, frame, page, &filled, None, StatusCode::OK)
}

pub(super) fn is_off() -> Failure {
    let text = "There is no log-in for browsers here: AUTH_COOKIES is off.";
    Failure::BadRequest(text.to_owned())
}

async fn submit(
    jwt: SimpleJwt,
    frame: Frame,
    request: Request,
    page: Page,
    landing: Arc<str>,
) -> Response {
    let info = request_info(request.headers(), request.extensions());
    let (parts, body) = request.into_parts();
    let data = match read_data(&jwt, Request::from_parts(parts.clone(), body)).await {
        Ok(data) => data,
        Err(failure) => return respond::answer_or_failure(&jwt, &info, Err(failure)),
    };
    let done = match page {
        Page::LogIn => log_in(&jwt, &parts, &data, &info).await,
        Page::LogOut => log_out(&jwt, &parts, &info).await,
    };
    let filled = Filled {
        next: text(&data, "next"),
        username: text(&data, jwt.users().username_field()),
    };
    match done {
        Ok(response) => see_other(response, same_site(&filled.next).unwrap_or(&landing)),
        Err(failure) => refused(&jwt, &frame, page, &filled, &info, failure),
    }
}

async fn log_in(
    jwt: &SimpleJwt,
    parts: &Parts,
    data: &Data,
    info: &RequestInfo,
) -> Result<Response, Failure> {
    if !jwt.settings().auth_cookies {
        return Err(is_off());
    }
    let holder = csrf::holder(jwt, &parts.headers).await?;
    csrf::check(jwt, parts, &holder).map_err(Error::from)?;
    let [username, password] = fields::read(data, [jwt.users().username_field(), "password"])?;
    let credentials = Credentials {
        username: username.trimmed().to_owned(),
        password: password.as_received().to_owned(),
    };
    let classes = &jwt.settings().auth_token_classes;
    let tokens = if classes.contains(&TokenClass::Access) {
        flows::obtain_pair(jwt, &credentials, info).await?
    } else {
        flows::obtain_sliding(jwt, &credentials, info).await?
    };
    let delivery = Delivery::in_cookies(jwt, &parts.headers);
    Ok(delivery.answer_log_in(jwt, info, Ok(tokens)).await)
}

/// Who is nobody by their cookies has nothing that a page of another site could end, so a stale one keeps nobody in.
async fn log_out(jwt: &SimpleJwt, parts: &Parts, info: &RequestInfo) -> Result<Response, Failure> {
    let settings = jwt.settings();
    csrf::check_origin(settings, &parts.headers, &parts.uri).map_err(Error::from)?;
    if !cookies::any(settings, &parts.headers) {
        return Ok(respond::answer_or_failure(jwt, info, Ok(Object::new())));
    }
    let holder = csrf::holder(jwt, &parts.headers).await?;
    if !holder.is_empty() {
        csrf::check(jwt, parts, &holder).map_err(Error::from)?;
    }
    let delivery = Delivery::in_cookies(jwt, &parts.headers);
    let ended = delivery.log_out(jwt, info).await;
    match ended.unwrap_or(Ok(Object::new())) {
        Err(outage) if !outage.is_about_credentials() => Err(outage.into()),
        ended => Ok(delivery.answer_logout(jwt, info, ended.map_err(Failure::from))),
    }
}

/// The page again, with what was wrong; anything that no page can help with as any view answers it.
fn refused(
    jwt: &SimpleJwt,
    frame: &Frame,
    page: Page,
    filled: &Filled,
    info: &RequestInfo,
    failure: Failure,
) -> Response {
    let error = match &failure {
        Failure::Engine(Error::NoActiveAccount) => WRONG.to_owned(),
        Failure::Engine(Error::CsrfFailed(reason)) => {
            format!("{} ({reason})", not_ours(reason))
        }
        Failure::Engine(Error::Store(_) | Error::Busy { .. }) => {
            "The service cannot answer at the moment. Please try again soon.".to_owned()
        }
        Failure::Fields(errors) => first(errors),
        _ => return respond::answer_or_failure(jwt, info, Err(failure)),
    };
    let answer = respond::answer_or_failure(jwt, info, Err(failure));
    let mut response = written(jwt, frame, page, filled, Some(&error), answer.status());
    for name in [WWW_AUTHENTICATE, RETRY_AFTER] {
        if let Some(value) = answer.headers().get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// What a person can do about it.
fn not_ours(reason: &CsrfFailed) -> &'static str {
    match reason {
        // Safari keeps no `Secure` cookie over plain HTTP, not even of localhost.
        CsrfFailed::NoCookie => {
            "Your browser has not sent this page's cookie. Please try again. If that does not help, allow cookies for this \
             site, and open it by https://."
        }
        CsrfFailed::Origin(_) | CsrfFailed::FetchSite(_) => {
            "This form came from another address than this site's, or by plain http://. Please open the page anew, by \
             https://, and try again."
        }
        _ => "This page was too old. Please try again.",
    }
}

/// "Password: This field is required."
fn first(errors: &FieldErrors) -> String {
    let found = errors.0.iter().find_map(|(name, texts)| match texts {
        Value::Array(texts) => Some((name, texts.first()?.as_str()?)),
        _ => None,
    });
    found.map_or_else(String::new, |(name, text)| {
        format!("{}: {text}", Field::required(name).label())
    })
}

fn written(
    jwt: &SimpleJwt,
    frame: &Frame,
    page: Page,
    filled: &Filled,
    error: Option<&str>,
    status: StatusCode,
) -> Response {
    let next = filled.next.as_str();
    match page {
        Page::LogIn => pages::page(
            status,
            &LogInPage {
                frame,
                next,
                error,
                field: jwt.users().username_field(),
                label: &username_field(jwt).label(),
                username: &filled.username,
            },
        ),
        Page::LogOut => pages::page(status, &LogOutPage { frame, next, error }),
    }
}

/// A good answer, cookies and all, becomes a redirection that the browser follows with GET.
fn see_other(response: Response, to: &str) -> Response {
    if response.status().is_success() {
        redirected(response, to)
    } else {
        response
    }
}

/// What an answer sets, and where to go on with GET.
pub(super) fn redirected(mut response: Response, to: &str) -> Response {
    if let Ok(to) = HeaderValue::try_from(to) {
        *response.status_mut() = StatusCode::SEE_OTHER;
        *response.body_mut() = Body::empty();
        response.headers_mut().remove(CONTENT_TYPE);
        response.headers_mut().insert(LOCATION, to);
    }
    response
}

/// `next`, if no browser can take it for another site's: a path in plain characters. Browsers read `\\` as `/`, leave
/// out control characters, and take what follows `//` for a host.
fn same_site(next: &str) -> Option<&str> {
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let is_path = path.starts_with('/') && !path.contains("//");
    (is_path && next.len() <= MAX_NEXT && next.bytes().all(is_plain)).then_some(next)
}

/// A field of a form, or an empty text.
fn text(data: &Data, name: &str) -> String {
    let text = match data {
        Data::Form(fields) => match fields.get(name) {
            Some(FieldValue::Text(text)) => Some(text.as_str()),
            _ => None,
        },
        Data::Json(value) => value
            .as_object()
            .and_then(|object| object.get(name))
            .and_then(Value::as_str),
    };
    text.unwrap_or_default().to_owned()
}
