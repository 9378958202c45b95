//! Pages for people: sign-up, a forgotten password, an address to be proved, their account.
//!
//! A page asks the view that programs ask, in cookies, and says in words what it answered: the rules, the texts and the
//! fields are the view's. Needs no script. Must never put what stands in a link of a mail into another address.

mod account;
mod single;

pub use account::browser_account;
pub use single::{
    browser_password_reset, browser_password_reset_confirm, browser_register,
    browser_register_resend, browser_register_verify,
};

use super::browsable::form::Form;
use super::browsable::put;
use crate::SimpleJwt;
use crate::json::{self, Object, Value};
use crate::web::delivery::X_TOKEN_DELIVERY;
use crate::web::login::redirected;
use crate::web::render::{is_json, take_text};
use crate::web::view::View;
use axum::body::Body;
use axum::extract::{FromRef, Request};
use axum::response::Response;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};

const FORGED: &str = "This page was too old, or another site sent the form. Please try again.";
const OUTAGE: &str = "The service cannot answer at the moment. Please try again soon.";

/// What a view answered: the response without its body, and the body.
struct Answer {
    response: Response,
    body: Value,
}

impl Answer {
    /// `Err` with an answer that is no JSON, which only its reader can make sense of.
    async fn read(response: Response) -> Result<Self, Response> {
        if !is_json(&response) && response.status() != StatusCode::NO_CONTENT {
            return Err(response);
        }
        let (response, text) = take_text(response).await;
        let body = json::decode_body(&text).unwrap_or(Value::Null);
        Ok(Self { response, body })
    }

    /// Asks a view with the method that the form stands for.
    async fn of<S>(
        view: &View<S>,
        method: Method,
        (mut parts, body): (Parts, Body),
        state: S,
    ) -> Result<Self, Response>
    where
        S: Clone + Send + Sync + 'static,
        SimpleJwt: FromRef<S>,
    {
        let jwt = SimpleJwt::from_ref(&state);
        parts.method = method;
        let in_cookies = HeaderValue::from_static("cookie");
        parts.headers.insert(X_TOKEN_DELIVERY, in_cookies);
        let request = Request::from_parts(parts, body);
        Self::read(view.dispatch(request, state, &jwt).await).await
    }

    fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Whether it logs somebody in or out.
    fn has_cookies(&self) -> bool {
        self.response.headers().contains_key(SET_COOKIE)
    }

    fn object(&self) -> Option<&Object> {
        self.body.as_object()
    }

    /// What was wrong, where that is no field's fault.
    fn trouble(&self) -> Option<String> {
        let detail = self.object().and_then(|body| body.get("detail")?.as_str());
        let text = match self.status() {
            StatusCode::FORBIDDEN => FORGED,
            StatusCode::SERVICE_UNAVAILABLE => OUTAGE,
            _ => detail?,
        };
        Some(text.to_owned())
    }

    /// The answer with a page in the place of the body.
    fn shown_as(mut self, page: Response) -> Response {
        put(&mut self.response, page);
        self.response
    }

    /// The answer is seen at another address, with GET.
    fn seen_at(self, address: &str) -> Response {
        redirected(self.response, address)
    }
}

/// Somewhere else to go.
struct Link {
    text: &'static str,
    path: String,
}

impl Link {
    fn to(text: &'static str, path: Option<&str>) -> Option<Self> {
        let path = path?.to_owned();
        Some(Self { text, path })
    }
}

/// Puts the caret where there is something to be done: into the first field that is wrong, or else the first.
fn focus(form: &mut Form, or_first: bool) {
    let mut inputs = form.inputs.iter();
    let wrong = inputs.position(|input| !input.errors.is_empty());
    let place = wrong.or(or_first.then_some(0));
    if let Some(input) = place.and_then(|place| form.inputs.get_mut(place)) {
        input.takes_focus = true;
    }
}
