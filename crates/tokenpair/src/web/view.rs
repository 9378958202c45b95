//! [`View`]: an endpoint that treats HTTP as DRF's `APIView.dispatch` does.
//!
//! Order: negotiation, authentication, permission, method, then the handler (which parses and validates). So an
//! anonymous PUT at a protected view is 401, not 405, and an unacceptable `Accept` is 406 before anything else.

use super::extract::{Permission, permit};
use super::fields::Field;
use super::negotiation::{NotNegotiated, Rendering, negotiate};
use super::operation::Operation;
use super::pages::browsable::{self, Asked};
use super::pages::{Frame, Site};
use super::parsers::MEDIA_TYPES;
use super::views::{request_id, request_info};
use super::{cookies, forms, render, respond};
use crate::SimpleJwt;
use crate::error::Error;
use crate::json::{Object, Value};
use axum::extract::{FromRef, Request};
use axum::handler::Handler;
use axum::response::Response;
use http::header::{ALLOW, CACHE_CONTROL, SET_COOKIE, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Action<S> = Arc<dyn Fn(Request, S) -> Boxed<'static, Response> + Send + Sync>;
type Check = for<'a> fn(&'a mut Parts, &'a SimpleJwt) -> Boxed<'a, Result<(), Error>>;
type Describe = Arc<dyn Fn(&SimpleJwt) -> Operation + Send + Sync>;

/// An endpoint with DRF's HTTP behaviour: negotiation, permissions, 405, OPTIONS, HEAD, the browsable API.
///
/// Handlers are ordinary axum handlers that answer JSON. Mount it with [`DjangoUrls::url`](super::DjangoUrls::url) or
/// `axum::routing::any`. Who asks for HTML gets a page with the answer and with forms to try the endpoint.
/// A form of a browser is read whole before the handler runs, up to `DATA_UPLOAD_MAX_MEMORY_SIZE`.
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
pub struct View<S>(Arc<About<S>>);

/// Shared, as axum clones a handler for every request.
struct About<S> {
    name: &'static str,
    description: &'static str,
    site: Site,
    /// Whether it answers HTML by itself, whatever is asked for.
    is_page: bool,
    operations: Vec<(Method, Describe)>,
    permission: Option<(Check, LetsIn)>,
    actions: Vec<(Method, Action<S>)>,
    allow: HeaderValue,
}

/// Whether somebody without credentials may call with this method.
type LetsIn = fn(&Method) -> bool;

/// DRF lists methods in this order.
pub(super) const METHODS: [Method; 5] = [
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
        Self(Arc::new(About {
            name,
            description: "",
            site: Site::default(),
            is_page: false,
            operations: Vec::new(),
            permission: None,
            actions: Vec::new(),
            allow: HeaderValue::from_static("OPTIONS"),
        }))
    }

    /// A view whose handlers answer with pages of their own, whatever the client asks for.
    pub fn page(name: &'static str) -> Self {
        Self::new(name).with(|about| about.is_page = true)
    }

    /// Prose for OPTIONS and the HTML page.
    pub fn description(self, text: &'static str) -> Self {
        self.with(|about| about.description = text)
    }

    /// What stands around the page: the site's name, where to log in and out.
    pub fn site(self, site: &Site) -> Self {
        let site = site.clone();
        self.with(|about| about.site = site)
    }

    /// The fields that POST takes, for OPTIONS and forms. [`describe`](Self::describe) can say more.
    pub fn fields(self, fields: fn(&SimpleJwt) -> Vec<Field>) -> Self {
        self.describe(Method::POST, move |jwt| {
            Operation::default().fields(fields(jwt))
        })
    }

    /// What a method takes and answers: for OPTIONS, forms and the OpenAPI document.
    pub fn describe(
        self,
        method: Method,
        operation: impl Fn(&SimpleJwt) -> Operation + Send + Sync + 'static,
    ) -> Self {
        self.with(|about| {
            about.operations.retain(|(known, _)| *known != method);
            about.operations.push((method, Arc::new(operation)));
        })
    }

    /// Changes what was said of a method, where rules of your own ask for more, or for less.
    pub fn redescribe(
        self,
        method: &Method,
        change: impl Fn(Operation) -> Operation + Send + Sync + 'static,
    ) -> Self {
        self.with(|about| {
            let mut operations = about.operations.iter_mut();
            if let Some((_, describe)) = operations.find(|(known, _)| known == method) {
                let said = Arc::clone(describe);
                *describe = Arc::new(move |jwt| change(said(jwt)));
            }
        })
    }

    /// Who may call, whatever the method. [`AllowAny`](super::AllowAny) refuses bad credentials; without a permission
    /// they are not looked at.
    pub fn permission<P: Permission>(self) -> Self {
        let lets_in: LetsIn = |method| P::check(None, method).is_ok();
        self.with(|about| about.permission = Some((check::<P>, lets_in)))
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

    fn on<T: 'static>(self, method: Method, handler: impl Handler<T, S>) -> Self {
        let action: Action<S> = Arc::new(move |request, state| {
            let handler = handler.clone();
            Box::pin(handler.call(request, state))
        });
        self.with(|about| {
            about.actions.retain(|(known, _)| *known != method);
            about.actions.push((method, action));
            about.allow = about.allowed_methods();
        })
    }

    fn with(mut self, change: impl FnOnce(&mut About<S>)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }
}

impl<S> View<S> {
    pub(super) fn name(&self) -> &'static str {
        self.0.name
    }

    pub(super) fn prose(&self) -> &'static str {
        self.0.description
    }

    /// Whether it answers with pages only, which no client of the API asks for.
    pub(super) fn is_page(&self) -> bool {
        self.0.is_page
    }

    /// The methods that are answered, in DRF's order.
    pub(super) fn methods(&self) -> impl Iterator<Item = &'static Method> {
        METHODS
            .iter()
            .filter(|method| self.0.action(method).is_some())
    }

    /// What was said of a method, if anything.
    pub(super) fn operation(&self, method: &Method, jwt: &SimpleJwt) -> Operation {
        let mut operations = self.0.operations.iter();
        operations
            .find(|(known, _)| known == method)
            .map(|(_, describe)| describe(jwt))
            .unwrap_or_default()
    }

    /// Whether credentials are looked at, and then whether one may do without.
    pub(super) fn lets_in(&self, method: &Method) -> Option<bool> {
        self.0.permission.map(|(_, lets_in)| lets_in(method))
    }

    fn with_headers(&self, mut response: Response) -> Response {
        let is_django = response.extensions().get::<respond::DjangoError>();
        if is_django.is_none() {
            let headers = response.headers_mut();
            headers.insert(ALLOW, self.0.allow.clone());
            headers.append(VARY, HeaderValue::from_static("Accept"));
        }
        response
    }

    /// The answer to OPTIONS: DRF's `SimpleMetadata`.
    fn metadata(&self, jwt: &SimpleJwt) -> Object {
        let texts = |list: &[&str]| {
            list.iter()
                .map(|text| Value::from(*text))
                .collect::<Vec<_>>()
        };
        let mut about = Object::new();
        about.insert("name", self.0.name);
        about.insert("description", self.0.description);
        about.insert("renders", texts(&["application/json", "text/html"]));
        about.insert("parses", texts(&MEDIA_TYPES));
        let mut actions = Object::new();
        for method in [Method::POST, Method::PUT] {
            let fields = self.operation(&method, jwt).fields;
            if !fields.is_empty() {
                let fields: Object = fields.iter().map(Field::metadata).collect();
                actions.insert(method.as_str(), fields);
            }
        }
        if !actions.is_empty() {
            about.insert("actions", actions);
        }
        about
    }
}

impl<S> About<S> {
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
}

impl<S> View<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    fn negotiate(&self, request: &Request) -> Result<Rendering, NotNegotiated> {
        if self.0.is_page {
            return Ok(Rendering::Html);
        }
        negotiate(request.headers(), request.uri().query())
    }

    async fn answer(&self, request: Request, state: S, jwt: &SimpleJwt) -> Response {
        let response = self.dispatch(request, state, jwt).await;
        self.with_headers(response)
    }

    /// The answer as a program gets it, whatever was negotiated.
    pub(super) async fn dispatch(&self, request: Request, state: S, jwt: &SimpleJwt) -> Response {
        let (mut parts, body) = request.into_parts();
        if let Some((check, _)) = self.0.permission
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
        match self.0.action(method) {
            Some(action) => action(Request::from_parts(parts, body), state).await,
            None => respond::method_not_allowed(&parts.method),
        }
    }

    /// The answer as a page.
    async fn browse(&self, request: Request, state: S, jwt: &SimpleJwt) -> Response {
        let info = request_info(request.headers(), request.extensions());
        let (mut parts, body) = request.into_parts();
        let prepared = forms::prepare(jwt, &mut parts, body).await;
        let asked = Asked {
            method: parts.method.clone(),
            typed: parts.extensions.get().cloned(),
        };
        let frame = Frame::of(&mut parts, &self.0.site, jwt).await;
        let (response, renewed) = match prepared {
            Ok((body, renewed)) => {
                let request = Request::from_parts(parts, body);
                (self.answer(request, state, jwt).await, renewed)
            }
            Err(failure) => {
                let refused = respond::answer_or_failure(jwt, &info, Err(failure));
                (self.with_headers(refused), None)
            }
        };
        let mut response = browsable::render(self, jwt, &frame, &asked, response).await;
        let headers = response.headers_mut();
        // A log-in or log-out knows better which cookies there are from now on.
        if !cookies::sets_any(jwt.settings(), headers) {
            frame.keep_token(headers);
            headers.extend(renewed.map(|access| (SET_COOKIE, access)));
        }
        response
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
            let mut response = match self.negotiate(&request) {
                // Apart, so that the usual answer needs no room for a page's.
                Ok(Rendering::Html) => Box::pin(self.browse(request, state, &jwt)).await,
                Ok(Rendering::Json { indent }) => {
                    let response = self.answer(request, state, &jwt).await;
                    render::render(indent, response).await
                }
                Err(failure) => self.with_headers(respond::not_negotiated(failure)),
            };
            if has_cookies {
                keep_private(response.headers_mut());
            }
            response
        })
    }
}

impl<S> Clone for View<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> Clone for About<S> {
    fn clone(&self) -> Self {
        Self {
            name: self.name,
            description: self.description,
            site: self.site.clone(),
            is_page: self.is_page,
            operations: self.operations.clone(),
            permission: self.permission,
            actions: self.actions.clone(),
            allow: self.allow.clone(),
        }
    }
}

impl<S> std::fmt::Debug for View<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("name", &self.0.name)
            .field("allow", &self.0.allow)
            .finish_non_exhaustive()
    }
}
