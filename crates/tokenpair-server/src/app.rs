//! The routes of the server: token endpoints, `/api/me/`, log-in and log-out for browsers, what explains them, health.

use crate::config::{Endpoint, Paths};
use crate::health::{Health, livez, readyz};
use crate::openapi;
use axum::Router;
use axum::extract::{FromRef, Request};
use axum::handler::Handler as _;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokenpair::SimpleJwt;
use tokenpair::json::{self, Object, Value};
use tokenpair::web::{
    Answered, DecodedPath, DjangoUrls, Field, IsAuthenticated, Kind, Operation, Site, View,
    browser_login, browser_logout, docs_view, not_found, schema_view, token_blacklist,
    token_obtain_pair, token_obtain_sliding, token_refresh, token_refresh_sliding, token_verify,
};
use tower::{Service, ServiceExt as _};

/// What answers every request.
pub(crate) type AppService = DecodedPath<Urls>;

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct App {
    jwt: SimpleJwt,
    health: Health,
}

impl App {
    pub(crate) fn new(jwt: SimpleJwt, health: Health) -> Self {
        Self { jwt, health }
    }

    /// The service that answers every request.
    pub(crate) fn service(&self, paths: &Paths) -> AppService {
        let (document, site) = (openapi::document(&self.jwt, paths), site(paths));
        let views: HashMap<String, View<Self>> = paths
            .iter()
            .map(|(endpoint, path)| {
                (
                    path.to_owned(),
                    view(endpoint, paths, &document).site(&site),
                )
            })
            .collect();
        let health = Router::new()
            .route("/livez", get(livez))
            .route("/readyz", get(readyz));
        let router = views.iter().fold(health, |router, (path, view)| {
            router.url(path, view.clone())
        });
        DecodedPath::new(Urls {
            app: self.clone(),
            views: Arc::new(views),
            router: router.fallback(not_found).with_state(self.clone()),
        })
    }
}

/// The router, and a short cut for the requests that are nearly all of them: a view at its own path.
///
/// What the router does on the way, matched paths and parameters, is of no use there.
#[derive(Clone, Debug)]
pub(crate) struct Urls {
    app: App,
    views: Arc<HashMap<String, View<App>>>,
    router: Router,
}

impl Service<Request> for Urls {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The body of an answer to HEAD is cut off by the router.
        let is_usual = matches!(*request.method(), Method::GET | Method::POST);
        match self.views.get(request.uri().path()) {
            Some(view) if is_usual => {
                let answering = view.clone().call(request, self.app.clone());
                Box::pin(async { Ok(answering.await) })
            }
            _ => Box::pin(self.router.clone().oneshot(request)),
        }
    }
}

/// What pages link to.
fn site(paths: &Paths) -> Site {
    let mut site = Site::new("tokenpair");
    if let Some(docs) = paths.first(Endpoint::Docs) {
        site = site.home(docs);
    }
    if let Some(login) = paths.first(Endpoint::Login) {
        site = site.login(login);
    }
    if let Some(logout) = paths.first(Endpoint::BrowserLogout) {
        site = site.logout(logout);
    }
    site
}

/// The view of an endpoint. `document` is what it shows, should it be there to show it.
pub(crate) fn view(endpoint: Endpoint, paths: &Paths, document: &Object) -> View<App> {
    match endpoint {
        Endpoint::TokenObtainPair => token_obtain_pair(),
        Endpoint::TokenRefresh => token_refresh(),
        Endpoint::TokenVerify => token_verify(),
        Endpoint::TokenBlacklist => token_blacklist(),
        Endpoint::TokenObtainSliding => token_obtain_sliding(),
        Endpoint::TokenRefreshSliding => token_refresh_sliding(),
        Endpoint::Me => View::new("Me")
            .description("Who is calling.")
            .permission::<IsAuthenticated>()
            .describe(Method::GET, describe_me)
            .get(me),
        Endpoint::Schema => schema_view(document),
        Endpoint::Docs => docs_view(document),
        Endpoint::Login => browser_login(paths.first(Endpoint::Me).unwrap_or("/")),
        Endpoint::BrowserLogout => browser_logout(paths.first(Endpoint::Login).unwrap_or("/")),
    }
}

impl FromRef<App> for SimpleJwt {
    fn from_ref(app: &App) -> Self {
        app.jwt.clone()
    }
}

impl FromRef<App> for Health {
    fn from_ref(app: &App) -> Self {
        app.health.clone()
    }
}

fn describe_me(_jwt: &SimpleJwt) -> Operation {
    let user = vec![
        Field::read_only("id").kind(Kind::Id),
        Field::read_only("username"),
    ];
    Operation::new("Who is calling").answer(StatusCode::OK, "The user.", Answered::Object(user))
}

async fn me(IsAuthenticated(user): IsAuthenticated) -> Response {
    reply(
        StatusCode::OK,
        [
            ("id", Value::from(&user.id)),
            ("username", Value::from(user.username)),
        ],
    )
}

/// An answer of ours in JSON.
pub(crate) fn reply<const N: usize>(status: StatusCode, fields: [(&str, Value); N]) -> Response {
    let body = json::encode_utf8(&Value::Object(Object::from_iter(fields)));
    (status, [("content-type", "application/json")], body).into_response()
}
