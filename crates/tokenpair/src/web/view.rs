//! [`View`]: an endpoint that treats HTTP as DRF's `APIView.dispatch` does.
//!
//! Order: negotiation, authentication, permission, method, then the handler (which parses and validates). So an
//! anonymous PUT at a protected view is 401, not 405, and an unacceptable `Accept` is 406 before anything else.

use super::extract::{Permission, permit};
use super::fields::Field;
use super::negotiation::{Rendering, negotiate};
use super::views::request_id;
use super::{cookies, forms, render, respond};
use crate::SimpleJwt;
use crate::error::Error;
use crate::json::{Object, Value};
use axum::extract::{FromRef, Request};
use axum::handler::Handler;
use axum::response::Response;
use http::header::{ALLOW, CACHE_CONTROL, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Action<S> = Arc<dyn Fn(Request, S) -> Boxed<'static, Response> + Send + Sync>;
type Check = for<'a> fn(&'a mut Parts, &'a SimpleJwt) -> Boxed<'a, Result<(), Error>>;
type Fields = fn(&SimpleJwt) -> Vec<Field>;

/// An endpoint with DRF's HTTP behaviour: negotiation, permissions, 405, OPTIONS, HEAD, HTML for browsers.
///
/// Handlers are ordinary axum handlers that answer JSON. Mount it with [`DjangoUrls::url`](super::DjangoUrls::url) or
/// `axum::routing::any`.
///
/// ```
/// use axum::Router;
/// use tokenpair::SimpleJwt;
/// use tokenpair::web::{DjangoUrls, IsAuthenticated, View};
///
/// async fn me(IsAuthenticated(user): IsAuthenticated) -> String {
///     format!(r#"{{"id":"{}"}}"#, user.id)
/// }
/// let app: Router<SimpleJwt> = Router::new().url("/api/me/", View::new("Me").permission::<IsAuthenticated>().get(me));
/// ```
#[doc(alias = "APIView")]
#[derive(Clone)]
pub struct View<S> {
    name: &'static str,
    description: &'static str,
    fields: Fields,
    check: Option<Check>,
    /// Shared, as axum clones a handler for every request.
    actions: Arc<Vec<(Method, Action<S>)>>,
    allow: HeaderValue,
}

/// DRF lists methods in this order.
const METHODS: [Method; 5] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

impl<S> View<S>
where
    S: Clone + Send + Sync + 'static,
{
    /// A view that anybody may call and that has no methods yet. `name` is what OPTIONS and the HTML page show.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            description: "",
            fields: |_| Vec::new(),
            check: None,
            actions: Arc::default(),
            allow: HeaderValue::from_static("OPTIONS"),
        }
    }

    /// Prose for OPTIONS and the HTML page.
    pub fn description(mut self, text: &'static str) -> Self {
        self.description = text;
        self
    }

    /// The fields that POST takes, for OPTIONS.
    pub fn fields(mut self, fields: Fields) -> Self {
        self.fields = fields;
        self
    }

    /// Who may call, whatever the method. [`AllowAny`](super::AllowAny) refuses bad credentials; without a permission
    /// they are not looked at.
    pub fn permission<P: Permission>(mut self) -> Self {
        self.check = Some(check::<P>);
        self
    }

    /// Answers GET and HEAD.
    pub fn get<T: 'static>(self, handler: impl Handler<T, S>) -> Self {
        self.on(Method::GET, handler)
    }

    /// Answers POST.
    pub fn post<T: 'static>(self, handler: impl Handler<T, S>) -> Self {
        self.on(Method::POST, handler)
    }

    /// Answers PUT.
    pub fn put<T: 'static>(self, handler: impl Handler<T, S>) -> Self {
        self.on(Method::PUT, handler)
    }

    /// Answers PATCH.
    pub fn patch<T: 'static>(self, handler: impl Handler<T, S>) -> Self {
        self.on(Method::PATCH, handler)
    }

    /// Answers DELETE.
    pub fn delete<T: 'static>(self, handler: impl Handler<T, S>) -> Self {
        self.on(Method::DELETE, handler)
    }

    fn on<T: 'static>(mut self, method: Method, handler: impl Handler<T, S>) -> Self {
        let action: Action<S> = Arc::new(move |request, state| {
            let handler = handler.clone();
            Box::pin(handler.call(request, state))
        });
        let actions = Arc::make_mut(&mut self.actions);
        actions.retain(|(known, _)| *known != method);
        actions.push((method, action));
        self.allow = self.allowed_methods();
        self
    }

    fn action(&self, method: &Method) -> Option<&Action<S>> {
        self.actions
            .iter()
            .find(|(known, _)| known == method)
            .map(|(_, action)| action)
    }

    /// In DRF's order, HEAD and OPTIONS last.
    fn allowed_methods(&self) -> HeaderValue {
        let mut names: Vec<&str> = METHODS
            .iter()
            .filter(|one| self.action(one).is_some())
            .map(Method::as_str)
            .collect();
        if self.action(&Method::GET).is_some() {
            names.push("HEAD");
        }
        names.push("OPTIONS");
        HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
    }

    async fn dispatch(&self, request: Request, state: S, jwt: &SimpleJwt) -> Response {
        let (mut parts, body) = request.into_parts();
        if let Some(check) = self.check
            && let Err(error) = check(&mut parts, jwt).await
        {
            return respond::error(jwt, request_id(&parts.headers), error);
        }
        if parts.method == Method::OPTIONS {
            return respond::json(StatusCode::OK, self.metadata(jwt));
        }
        let method = if parts.method == Method::HEAD {
            &Method::GET
        } else {
            &parts.method
        };
        match self.action(method) {
            Some(action) => action(Request::from_parts(parts, body), state).await,
            None => respond::method_not_allowed(&parts.method),
        }
    }

    /// The answer to OPTIONS: DRF's `SimpleMetadata`.
    fn metadata(&self, jwt: &SimpleJwt) -> Object {
        let texts = |list: &[&str]| {
            list.iter()
                .map(|text| Value::from(*text))
                .collect::<Vec<_>>()
        };
        let mut about = Object::new();
        about.insert("name", self.name);
        about.insert("description", self.description);
        about.insert("renders", texts(&["application/json", "text/html"]));
        let parses = [
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        ];
        about.insert("parses", texts(&parses));
        let fields: Object = (self.fields)(jwt).iter().map(Field::metadata).collect();
        if !fields.is_empty() {
            let mut actions = Object::new();
            actions.insert("POST", fields);
            about.insert("actions", actions);
        }
        about
    }
}

/// What a cookie may have decided is not for shared caches, and they do not know that on their own.
fn keep_private(answer: &mut HeaderMap) {
    answer.append(VARY, HeaderValue::from_static("Cookie"));
    let private = HeaderValue::from_static("private");
    answer.entry(CACHE_CONTROL).or_insert(private);
}

fn check<'a, P: Permission>(
    parts: &'a mut Parts,
    jwt: &'a SimpleJwt,
) -> Boxed<'a, Result<(), Error>> {
    Box::pin(async move { permit::<P>(parts, jwt).await.map(drop) })
}

impl<S> Handler<(), S> for View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    type Future = Boxed<'static, Response>;

    fn call(self, request: Request, state: S) -> Self::Future {
        Box::pin(async move {
            let jwt = SimpleJwt::from_ref(&state);
            let has_cookies = cookies::any(jwt.settings(), request.headers());
            let (rendering, response) = match negotiate(request.headers(), request.uri().query()) {
                Ok(Rendering::Html) => {
                    let dispatch = async |request| self.dispatch(request, state, &jwt).await;
                    let response = forms::of_browser(&jwt, request, dispatch).await;
                    (Rendering::Html, response)
                }
                Ok(rendering) => (rendering, self.dispatch(request, state, &jwt).await),
                Err(failure) => (
                    Rendering::Json { indent: None },
                    respond::not_negotiated(failure),
                ),
            };
            if response
                .extensions()
                .get::<respond::DjangoError>()
                .is_some()
            {
                return response;
            }
            let mut response = render::render(self.name, rendering, response).await;
            response.headers_mut().insert(ALLOW, self.allow);
            response
                .headers_mut()
                .append(VARY, HeaderValue::from_static("Accept"));
            if has_cookies {
                keep_private(response.headers_mut());
            }
            response
        })
    }
}

impl<S> std::fmt::Debug for View<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("name", &self.name)
            .field("allow", &self.allow)
            .finish_non_exhaustive()
    }
}
