//! The axum door: routes, extractors and DRF's HTTP behaviour around the flows.
//!
//! [`token_urls`] mounts the endpoints, [`View`] gives an own endpoint the same behaviour, the extractors guard any
//! axum handler. Answers to Simple JWT's `views.py` and to DRF's `views.py`, `permissions.py`, `request.py`.

mod account_views;
mod cookies;
mod csrf;
mod delivery;
mod extract;
mod fields;
mod forms;
mod login;
mod media_type;
mod negotiation;
mod openapi;
mod operation;
mod pages;
mod parsers;
mod render;
mod respond;
mod session_views;
mod unanswered;
mod urls;
mod view;
mod views;

pub use account_views::{
    account_urls, me, password_change, password_reset, password_reset_confirm, register,
    register_resend, register_verify,
};
pub(crate) use csrf::CsrfKey;
pub use delivery::Delivery;
pub use extract::{
    AllowAny, IsAdminUser, IsAuthenticated, IsAuthenticatedOrReadOnly, Permission, Permitted,
    Principal,
};
pub use fields::{Field, Kind};
pub use login::{browser_login, browser_logout};
pub use openapi::{OpenApi, schema_view};
pub use operation::{Answered, Operation};
pub use pages::{
    Frame, Site, Visitor, browser_account, browser_password_reset, browser_password_reset_confirm,
    browser_register, browser_register_resend, browser_register_verify, docs_view,
};
pub use respond::{DjangoError, answer, bad_request, not_found};
pub use session_views::{logout, logout_all, session_detail, session_list, session_urls};
pub(crate) use unanswered::Unanswered;
pub use urls::{DecodedPath, DjangoUrls};
pub use view::View;
pub use views::{
    read_fields, token_blacklist, token_obtain_pair, token_obtain_sliding, token_refresh,
    token_refresh_sliding, token_verify,
};

use crate::SimpleJwt;
use axum::Router;
use axum::extract::FromRef;

/// The six token endpoints under the paths of Simple JWT's documentation.
///
/// `/token/`, `/token/refresh/`, `/token/verify/`, `/token/blacklist/`, `/token/sliding/` and
/// `/token/sliding/refresh/`; nest it where you like. For other paths mount the views one by one:
/// `Router::new().url("/gettoken/", token_obtain_pair())`.
///
/// ```
/// use axum::Router;
/// use tokenpair::web::token_urls;
/// # use tokenpair::{MemoryStore, Settings, SimpleJwt};
/// # let settings = Settings::new("a secret of at least 32 bytes, kept out of the code");
/// # let jwt = SimpleJwt::new(settings, MemoryStore::default())?;
/// let app: Router = Router::new().nest("/api", token_urls()).with_state(jwt);
/// # Ok::<(), tokenpair::SettingsError>(())
/// ```
///
/// Forgetting the state does not compile:
///
/// ```compile_fail
/// use axum::Router;
/// use tokenpair::web::token_urls;
/// let app: Router<()> = Router::new().nest("/api", token_urls());
/// ```
pub fn token_urls<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    let views = token_views().into_iter();
    views.fold(Router::new(), |router, (path, view)| router.url(path, view))
}

/// The views of [`token_urls`] with their paths: to change them, to [document](OpenApi) them.
pub fn token_views<S>() -> [(&'static str, View<S>); 6]
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    [
        ("/token/", token_obtain_pair()),
        ("/token/refresh/", token_refresh()),
        ("/token/verify/", token_verify()),
        ("/token/blacklist/", token_blacklist()),
        ("/token/sliding/", token_obtain_sliding()),
        ("/token/sliding/refresh/", token_refresh_sliding()),
    ]
}
