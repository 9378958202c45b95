//! A browser's forms, which know two methods and no headers, as the plain requests they stand for.
//!
//! One step before a [`View`](super::View) looks at a request, so that nothing behind it knows of forms. The names of the
//! control fields are those of Django (`csrfmiddlewaretoken`) and of DRF's browsable API (`_method`, `_content`,
//! `_content_type`), which did the same in its `request.py`.

use super::cookies;
use super::csrf::{self, X_CSRFTOKEN};
use super::media_type::MediaType;
use super::parsers::charset::{Charset, latin1};
use super::parsers::{self, Data, FieldValue, Fields, urlencoded};
use super::respond::Failure;
use super::views::read_body;
use crate::SimpleJwt;
use crate::error::Error;
use axum::body::Body;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use std::sync::Arc;

/// What a form held, for a page that has to show it once more.
#[derive(Clone)]
pub(super) struct Typed(Arc<Fields>);

impl Typed {
    /// What a link fills into the forms of the page that it leads to.
    pub(super) fn in_link(query: &str) -> Self {
        let fields = urlencoded::parse(query.as_bytes(), Charset::Utf8);
        Self(Arc::new(fields.unwrap_or_default()))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        text(&self.0, name)
    }

    /// What stood in the editor of raw data.
    pub(super) fn content(&self) -> Option<&str> {
        self.text(CONTENT)
    }

    pub(super) fn media_type(&self) -> &str {
        self.text(CONTENT_KIND).unwrap_or_default()
    }
}

const CONTENT: &str = "_content";
const CONTENT_KIND: &str = "_content_type";

/// Translates what is a form, and gets an access token for who lacks but one; with the cookie to keep that in.
pub(super) async fn prepare(
    jwt: &SimpleJwt,
    parts: &mut Parts,
    body: Body,
) -> Result<(Body, Option<HeaderValue>), Failure> {
    let body = if is_form(parts) {
        translate(jwt, parts, body).await?
    } else {
        body
    };
    Ok((body, cookies::renew(jwt, parts).await?))
}

fn is_form(parts: &Parts) -> bool {
    let is_form = |value: &HeaderValue| {
        MediaType::parse(&latin1(value.as_bytes())).is_ok_and(|kind| {
            kind.value == "application/x-www-form-urlencoded" || kind.value == "multipart/form-data"
        })
    };
    let content_type = parts.headers.get(CONTENT_TYPE);
    parts.method == Method::POST && content_type.is_some_and(is_form)
}

async fn translate(jwt: &SimpleJwt, parts: &mut Parts, body: Body) -> Result<Body, Failure> {
    let body = read_body(jwt, body).await?;
    let content_type = parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    // A form that cannot be read is for the view to refuse.
    let fields = match parsers::parse(content_type, &body) {
        Ok(Data::Form(fields)) => fields,
        _ => Fields::default(),
    };
    let fields = Arc::new(fields);
    parts.extensions.insert(Typed(Arc::clone(&fields)));
    if let Some(token) = text(&fields, "csrfmiddlewaretoken")
        && !parts.headers.contains_key(X_CSRFTOKEN)
        && let Ok(token) = HeaderValue::from_str(token)
    {
        parts.headers.insert(X_CSRFTOKEN, token);
    }
    let method = text(&fields, "_method");
    // A method without a body has an empty editor.
    let content = match fields.get(CONTENT) {
        Some(FieldValue::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    if method.is_none() && content.is_none() {
        return Ok(Body::from(body));
    }
    let user = csrf::holder(jwt, &parts.headers).await?;
    csrf::check(jwt, parts, &user).map_err(Error::from)?;
    if let Some(method) = method {
        parts.method = meant(method)?;
    }
    let Some(content) = content else {
        return Ok(Body::from(body));
    };
    let content_type = text(&fields, CONTENT_KIND).unwrap_or_default();
    describe(&mut parts.headers, content, content_type)?;
    Ok(Body::from(content.to_owned()))
}

/// A control field; an empty one is as none.
fn text<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    match fields.get(name) {
        Some(FieldValue::Text(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

fn meant(method: &str) -> Result<Method, Failure> {
    let known = [
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    let found = known.into_iter().find(|known| known.as_str() == method);
    found.ok_or_else(|| {
        let text = "_method must be POST, PUT, PATCH, DELETE or OPTIONS.";
        Failure::BadRequest(text.to_owned())
    })
}

/// Makes the headers those of a body that stood in a field.
fn describe(headers: &mut HeaderMap, content: &str, content_type: &str) -> Result<(), Failure> {
    let kind = HeaderValue::from_str(content_type).map_err(|_| {
        Failure::BadRequest(
            "_content_type must be a media type such as application/json.".to_owned(),
        )
    })?;
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(content.len()));
    Ok(())
}
