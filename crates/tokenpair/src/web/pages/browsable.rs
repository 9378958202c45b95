//! The browsable API: an answer as a page, with forms to try the view. DRF's `BrowsableAPIRenderer`.

pub(super) mod form;

use super::{Frame, highlight, page};
use crate::SimpleJwt;
use crate::json::{self, Object};
use crate::web::forms::Typed;
use crate::web::render::{is_json, take_text};
use crate::web::view::View;
use askama::Template;
use axum::response::Response;
use form::{Form, Known};
use http::header::{HeaderName, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, StatusCode};

#[derive(Template)]
#[template(path = "browsable.html")]
struct Page<'a> {
    frame: &'a Frame,
    name: &'a str,
    description: &'a str,
    method: &'a Method,
    status: StatusCode,
    headers: Vec<(String, String)>,
    /// In HTML.
    body: String,
    can_get: bool,
    forms: Vec<Form>,
}

/// What the browser sent.
pub(in crate::web) struct Asked {
    pub(in crate::web) method: Method,
    pub(in crate::web) typed: Option<Typed>,
}

/// A JSON answer, or one without a body, as a page; any other answer passes unchanged.
pub(in crate::web) async fn render<S>(
    view: &View<S>,
    jwt: &SimpleJwt,
    frame: &Frame,
    asked: &Asked,
    response: Response,
) -> Response {
    if !is_json(&response) && response.status() != StatusCode::NO_CONTENT {
        return response;
    }
    let (mut response, text) = take_text(response).await;
    let body = json::decode_body(&text).ok();
    let status = response.status();
    let answered = Answered {
        status,
        body: body.as_ref().and_then(json::Value::as_object),
    };
    let template = Page {
        frame,
        name: view.name(),
        description: view.prose(),
        method: &asked.method,
        status,
        headers: shown(response.headers()),
        body: highlight::json(&text),
        can_get: can_get(view),
        forms: forms(view, jwt, frame, asked, &answered),
    };
    let page = page(shown_as(status), &template);
    put(&mut response, page);
    response
}

/// A page in the place of an answer's body. What the answer says of itself stays, cookies and `Retry-After` included.
pub(super) fn put(answer: &mut Response, page: Response) {
    let (head, body) = page.into_parts();
    *answer.status_mut() = head.status;
    for (name, value) in &head.headers {
        answer.headers_mut().insert(name, value.clone());
    }
    *answer.body_mut() = body;
}

/// A page is something to be seen, be it of an answer without content.
fn shown_as(status: StatusCode) -> StatusCode {
    if status == StatusCode::NO_CONTENT {
        StatusCode::OK
    } else {
        status
    }
}

/// The headers of the answer by their usual names. A cookie is for the browser, and not for its pages, to read.
fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let headers = headers.iter().filter(|(name, _)| **name != SET_COOKIE);
    headers
        .map(|(name, value)| {
            (
                usual_name(name),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

fn usual_name(name: &HeaderName) -> String {
    if *name == WWW_AUTHENTICATE {
        return "WWW-Authenticate".to_owned();
    }
    let capitalised = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_uppercase() + rest
    };
    let words: Vec<String> = name.as_str().split('-').map(capitalised).collect();
    words.join("-")
}

fn can_get<S>(view: &View<S>) -> bool {
    view.methods().any(|known| known == Method::GET)
}

/// What came of it.
struct Answered<'a> {
    status: StatusCode,
    body: Option<&'a Object>,
}

/// One for each method that changes something.
fn forms<S>(
    view: &View<S>,
    jwt: &SimpleJwt,
    frame: &Frame,
    asked: &Asked,
    answered: &Answered<'_>,
) -> Vec<Form> {
    let may_override = frame.visitor().csrf_token().is_some();
    let is_error = answered.status.is_client_error() || answered.status.is_server_error();
    let linked = Typed::in_link(frame.query());
    let can_get = can_get(view);
    let methods = view.methods().filter(|method| **method != Method::GET);
    methods
        .map(|method| {
            let is_asked = *method == asked.method;
            let known = Known {
                errors: answered.body.filter(|_| is_asked && is_error),
                typed: asked.typed.as_ref().filter(|_| is_asked && is_error),
                values: answered
                    .body
                    .filter(|_| (is_asked || asked.method == Method::GET) && !is_error),
                linked: &linked,
                can_get,
            };
            Form::new(method, &view.operation(method, jwt), may_override, &known)
        })
        .filter(Form::is_usable)
        .collect()
}

impl Page<'_> {
    /// Green for what worked.
    fn status_class(&self) -> &'static str {
        if self.status.is_client_error() || self.status.is_server_error() {
            "bad"
        } else {
            "good"
        }
    }

    fn json_link(&self) -> String {
        format!("{}?format=json", self.frame.bare_path())
    }
}
