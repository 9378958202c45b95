//! The routes of the server: token endpoints, `/api/me/`, health.

use crate::health::{Health, livez, readyz};
use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokenpair::json::{self, Object, Value};
use tokenpair::web::{
    DecodedPath, DjangoUrls, IsAuthenticated, View, not_found, token_obtain_pair, token_refresh,
    token_urls, token_verify,
};
use tokenpair::{SimpleJwt, SqliteStore};

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct App {
    jwt: SimpleJwt,
    health: Health,
}

impl App {
    pub(crate) fn new(jwt: SimpleJwt, store: SqliteStore) -> Self {
        Self {
            jwt,
            health: Health::new(store),
        }
    }

    /// From now on `/readyz` says no, so that balancers stop sending requests.
    pub(crate) fn stop(&self) {
        self.health.stop();
    }

    /// The service that answers every request.
    pub(crate) fn service(&self, demo: bool) -> DecodedPath<Router> {
        let mut router = Router::new()
            .nest("/api", token_urls())
            .url(
                "/api/me/",
                View::new("Me")
                    .description("Who is calling.")
                    .permission::<IsAuthenticated>()
                    .get(me),
            )
            .route("/livez", get(livez))
            .route("/readyz", get(readyz));
        if demo {
            router = router
                .url("/gettoken/", token_obtain_pair())
                .url("/refreshtoken/", token_refresh())
                .url("/verifytoken/", token_verify());
        }
        DecodedPath::new(router.fallback(not_found).with_state(self.clone()))
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

fn reply<const N: usize>(status: StatusCode, fields: [(&str, Value); N]) -> Response {
    let body = json::encode_utf8(&Value::Object(Object::from_iter(fields)));
    (status, [("content-type", "application/json")], body).into_response()
}
