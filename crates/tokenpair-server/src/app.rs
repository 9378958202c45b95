//! The routes of the server: token endpoints, accounts, sessions, pages, health.

use crate::config::{Endpoint, Paths};
use crate::health::{Health, livez, readyz};
use crate::openapi;
use axum::Router;
use axum::extract::{FromRef, Request};
use axum::handler::Handler as _;
use axum::http::header::{ACCEPT, LOCATION, VARY};
use axum::http::{HeaderMap, Method, StatusCode};
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
use tokenpair::store::UserModel;
use tokenpair::web::{
    DecodedPath, DjangoUrls, Operation, Site, View, browser_account, browser_login, browser_logout,
    browser_password_reset, browser_password_reset_confirm, browser_register,
    browser_register_resend, browser_register_verify, docs_view, logout, logout_all, me, not_found,
    password_change, password_reset, password_reset_confirm, register, register_resend,
    register_verify, schema_view, session_detail, session_list, token_blacklist, token_obtain_pair,
    token_obtain_sliding, token_refresh, token_refresh_sliding, token_verify,
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
        let options = self.accounts.options();
        let users = Users::new(
            options.email_verification,
            options.mail.is_some(),
            self.accounts.user_model(),
        );
        let document = openapi::document(self.accounts.jwt(), paths, users);
        let site = site(paths);
        let views: HashMap<String, View<Self>> = paths
            .iter()
            .map(|(endpoint, path)| {
                let view = view(endpoint, paths, users, &document);
                (path.to_owned(), view.site(&site))
            })
            .collect();
        let health = Router::new()
            .route("/livez", get(livez))
            .route("/readyz", get(readyz));
        let router = views.iter().fold(health, |router, (path, view)| {
            router.url(path, view.clone())
        });
        let details = paths
            .iter()
            .filter_map(|(endpoint, path)| below(endpoint, path));
        let router = details.fold(router, |router, (path, view)| {
            router.url(&path, view.site(&site))
        });
        DecodedPath::new(Urls {
            app: self.clone(),
            views: Arc::new(views),
            router: with_home(router, paths)
                .fallback(not_found)
                .with_state(self.clone()),
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
    type Linked = fn(Site, String) -> Site;
    let linked: [(Endpoint, Linked); 7] = [
        (Endpoint::Docs, Site::home),
        (Endpoint::Login, Site::login),
        (Endpoint::BrowserLogout, Site::logout),
        (Endpoint::BrowserAccount, Site::account),
        (Endpoint::BrowserRegister, Site::register),
        (Endpoint::BrowserRegisterResend, Site::register_resend),
        (Endpoint::BrowserPasswordReset, Site::password_reset),
    ];
    let served = linked
        .into_iter()
        .filter_map(|(endpoint, link)| Some((paths.first(endpoint)?, link)));
    served.fold(Site::new("tokenpair"), |site, (path, link)| {
        link(site, path.to_owned())
    })
}

/// Leads browsers from `/` to what there is to see, unless something else is there. Programs find nothing, as ever.
fn with_home(router: Router<App>, paths: &Paths) -> Router<App> {
    let pages = [Endpoint::Docs, Endpoint::BrowserAccount, Endpoint::Login];
    let first = pages.into_iter().find_map(|page| paths.first(page));
    let is_taken = paths.iter().any(|(_, path)| path == "/");
    let Some(first) = first.filter(|_| !is_taken).map(str::to_owned) else {
        return router;
    };
    let home = move |headers: HeaderMap| async move {
        let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
        if accept.is_some_and(|accept| accept.contains("text/html")) {
            (
                StatusCode::FOUND,
                [(LOCATION, first), (VARY, "Accept".to_owned())],
            )
                .into_response()
        } else {
            not_found().await
        }
    };
    router.route("/", get(home))
}

/// The view below an endpoint's path with the path to mount it at: a row of the endpoint's list.
pub(crate) fn below(endpoint: Endpoint, path: &str) -> Option<(String, View<App>)> {
    let detail = match endpoint {
        Endpoint::Sessions => session_detail(),
        _ => return None,
    };
    let path = match path.strip_suffix('/') {
        Some(bare) => format!("{bare}/{{id}}/"),
        None => format!("{path}/{{id}}"),
    };
    Some((path, detail))
}

/// What a view cannot know of the users whose accounts it serves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Users {
    prove_addresses: bool,
    /// Whether a new address needs the password.
    get_mail: bool,
    /// Whether the name they log in by is another than the address, and theirs to change.
    have_names: bool,
}

impl Users {
    pub(crate) fn new(prove_addresses: bool, get_mail: bool, model: &UserModel) -> Self {
        Self {
            prove_addresses,
            get_mail,
            have_names: matches!(model.creates_by_email(), Ok(false)),
        }
    }

    /// Without what makes no difference for them.
    fn change_of_profile(self, operation: Operation) -> Operation {
        let no_use = [("username", !self.have_names), ("password", !self.get_mail)];
        let names = no_use
            .into_iter()
            .filter_map(|(name, is_none)| is_none.then_some(name));
        names.fold(operation, Operation::without)
    }
}

/// The view of an endpoint. `document` is what it shows, should it be there to show it.
pub(crate) fn view(
    endpoint: Endpoint,
    paths: &Paths,
    users: Users,
    document: &Object,
) -> View<App> {
    let account = paths.first(Endpoint::BrowserAccount);
    let landing = account.or(paths.first(Endpoint::Me)).unwrap_or("/");
    match endpoint {
        Endpoint::TokenObtainPair => token_obtain_pair(),
        Endpoint::TokenRefresh => token_refresh(),
        Endpoint::TokenVerify => token_verify(),
        Endpoint::TokenBlacklist => token_blacklist(),
        Endpoint::TokenObtainSliding => token_obtain_sliding(),
        Endpoint::TokenRefreshSliding => token_refresh_sliding(),
        Endpoint::Me => me().redescribe(&Method::PATCH, move |change| {
            users.change_of_profile(change)
        }),
        Endpoint::Register if users.prove_addresses => {
            register().redescribe(&Method::POST, |sign_up| sign_up.require("email"))
        }
        Endpoint::Register => register(),
        Endpoint::RegisterVerify => register_verify(),
        Endpoint::RegisterResend => register_resend(),
        Endpoint::PasswordChange => password_change(),
        Endpoint::PasswordReset => password_reset(),
        Endpoint::PasswordResetConfirm => password_reset_confirm(),
        Endpoint::Logout => logout(),
        Endpoint::LogoutAll => logout_all(),
        Endpoint::Sessions => session_list(),
        Endpoint::Login => browser_login(landing),
        Endpoint::BrowserLogout => browser_logout(paths.first(Endpoint::Login).unwrap_or("/")),
        Endpoint::BrowserRegister => browser_register(landing),
        Endpoint::BrowserRegisterVerify => browser_register_verify(landing),
        Endpoint::BrowserRegisterResend => browser_register_resend(),
        Endpoint::BrowserPasswordReset => browser_password_reset(),
        Endpoint::BrowserPasswordResetConfirm => browser_password_reset_confirm(),
        Endpoint::BrowserAccount => browser_account(),
        Endpoint::Schema => schema_view(document),
        Endpoint::Docs => docs_view(document),
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
