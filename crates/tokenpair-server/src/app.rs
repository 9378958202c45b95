//! The routes of the server: token endpoints, `/api/me/`, sessions, health.

use crate::config::{Endpoint, Paths};
use crate::health::{Health, livez, readyz};
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
use tokenpair::accounts::Accounts;
use tokenpair::json::{self, Object, Value};
use tokenpair::web::{
    DecodedPath, DjangoUrls, View, logout, logout_all, me, not_found, password_change,
    password_reset, password_reset_confirm, register, register_resend, register_verify,
    session_detail, session_list, token_blacklist, token_obtain_pair, token_obtain_sliding,
    token_refresh, token_refresh_sliding, token_verify,
};
use tower::{Service, ServiceExt as _};

/// What answers every request.
pub(crate) type AppService = DecodedPath<Urls>;

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct App {
    accounts: Accounts,
    health: Health,
}

impl App {
    pub(crate) fn new(accounts: Accounts, health: Health) -> Self {
        Self { accounts, health }
    }

    /// The service that answers every request.
    pub(crate) fn service(&self, paths: &Paths) -> AppService {
        let views: HashMap<String, View<Self>> = paths
            .iter()
            .map(|(endpoint, path)| (path.to_owned(), view(endpoint)))
            .collect();
        let health = Router::new()
            .route("/livez", get(livez))
            .route("/readyz", get(readyz));
        let router = views.iter().fold(health, |router, (path, view)| {
            router.url(path, view.clone())
        });
        let router = paths.iter().fold(router, below);
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

/// What stands below an endpoint's path: a row of its list.
fn below(router: Router<App>, (endpoint, path): (Endpoint, &str)) -> Router<App> {
    let detail = match endpoint {
        Endpoint::Sessions => session_detail(),
        _ => return router,
    };
    match path.strip_suffix('/') {
        Some(bare) => router.url(&format!("{bare}/{{id}}/"), detail),
        None => router.url(&format!("{path}/{{id}}"), detail),
    }
}

fn view(endpoint: Endpoint) -> View<App> {
    match endpoint {
        Endpoint::TokenObtainPair => token_obtain_pair(),
        Endpoint::TokenRefresh => token_refresh(),
        Endpoint::TokenVerify => token_verify(),
        Endpoint::TokenBlacklist => token_blacklist(),
        Endpoint::TokenObtainSliding => token_obtain_sliding(),
        Endpoint::TokenRefreshSliding => token_refresh_sliding(),
        Endpoint::Me => me(),
        Endpoint::Register => register(),
        Endpoint::RegisterVerify => register_verify(),
        Endpoint::RegisterResend => register_resend(),
        Endpoint::PasswordChange => password_change(),
        Endpoint::PasswordReset => password_reset(),
        Endpoint::PasswordResetConfirm => password_reset_confirm(),
        Endpoint::Logout => logout(),
        Endpoint::LogoutAll => logout_all(),
        Endpoint::Sessions => session_list(),
    }
}

impl FromRef<App> for SimpleJwt {
    fn from_ref(app: &App) -> Self {
        app.accounts.jwt().clone()
    }
}

impl FromRef<App> for Accounts {
    fn from_ref(app: &App) -> Self {
        app.accounts.clone()
    }
}

impl FromRef<App> for Health {
    fn from_ref(app: &App) -> Self {
        app.health.clone()
    }
}

/// An answer of ours in JSON.
pub(crate) fn reply<const N: usize>(status: StatusCode, fields: [(&str, Value); N]) -> Response {
    let body = json::encode_utf8(&Value::Object(Object::from_iter(fields)));
    (status, [("content-type", "application/json")], body).into_response()
}
