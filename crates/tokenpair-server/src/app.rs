//! The routes of the server: token endpoints, `/api/me/`, health.

use crate::config::{Endpoint, Paths};
use crate::health::{Health, livez, readyz};
use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokenpair::SimpleJwt;
use tokenpair::json::{self, Object, Value};
use tokenpair::web::{
    DecodedPath, DjangoUrls, IsAuthenticated, View, not_found, token_blacklist, token_obtain_pair,
    token_obtain_sliding, token_refresh, token_refresh_sliding, token_verify,
};

/// What answers every request.
pub(crate) type AppService = DecodedPath<Router>;

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
        let mut router = Router::new()
            .route("/livez", get(livez))
            .route("/readyz", get(readyz));
        for (endpoint, path) in paths.iter() {
            router = router.url(path, view(endpoint));
        }
        DecodedPath::new(router.fallback(not_found).with_state(self.clone()))
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
        Endpoint::Me => View::new("Me")
            .description("Who is calling.")
            .permission::<IsAuthenticated>()
            .get(me),
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
