//! The views of people's own accounts: parse, call, answer.

mod described;

use super::delivery::Delivery;
use super::extract::{IsAuthenticated, Principal};
use super::fields;
use super::respond::{self, Failure};
use super::urls::DjangoUrls as _;
use super::view::View;
use super::views::{read_data, request_info};
use crate::accounts::sessions::SessionUser;
use crate::accounts::{Accounts, Fields, profile};
use crate::error::Error;
use crate::json::Object;
use crate::models::RequestInfo;
use crate::store::Account;
use crate::{SimpleJwt, authentication};
use axum::Router;
use axum::extract::{FromRef, Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use std::future::Future;

/// `POST`: a new user, and `{"user", "refresh", "access"}`; see [`Accounts::register`].
pub fn register<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    View::new("Register")
        .description("Takes the data of a new user and returns the user with an access and refresh JSON web token pair.")
        .describe(Method::POST, described::register)
        .post(post_register)
}

/// `POST uid, token, password`: lets a new user in who got the mail; see [`Accounts::verify_email`].
pub fn register_verify<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    View::new("Register Verify")
        .description("Takes what stands in the link that was sent to a new user, with the password, and returns the user with an access and refresh JSON web token pair.")
        .describe(Method::POST, described::register_verify)
        .post(post_register_verify)
}

/// `POST email`: another mail to who has not proved the address; see [`Accounts::resend_verification`].
pub fn register_resend<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    View::new("Register Resend")
        .description("Takes an e-mail address and sends the link to verify it once more.")
        .describe(Method::POST, described::register_resend)
        .post(post_register_resend)
}

/// `GET`, `PATCH`: the caller's profile; see [`Accounts::update_profile`].
pub fn me<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    View::new("Me")
        .description("Who is calling.")
        .permission::<IsAuthenticated<Account>>()
        .describe(Method::GET, described::get_me)
        .describe(Method::PATCH, described::patch_me)
        .get(get_me)
        .patch(patch_me)
}

/// `POST old_password, new_password`; see [`Accounts::change_password`].
pub fn password_change<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    View::new("Password Change")
        .description("Takes the old and a new password and ends the other sessions of the user.")
        .describe(Method::POST, described::password_change)
        .permission::<IsAuthenticated<SessionUser>>()
        .post(post_password_change)
}

/// `POST email`: a link by mail; see [`Accounts::request_password_reset`].
pub fn password_reset<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    View::new("Password Reset")
        .description("Takes an e-mail address and sends a link to set a new password, if somebody has that address.")
        .describe(Method::POST, described::password_reset)
        .post(post_password_reset)
}

/// `POST uid, token, new_password`; see [`Accounts::reset_password`].
pub fn password_reset_confirm<S>() -> View<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    View::new("Password Reset Confirm")
        .description("Takes what stands in the link that was sent, and a new password, and ends the sessions of the user.")
        .describe(Method::POST, described::password_reset_confirm)
        .post(post_password_reset_confirm)
}

/// The endpoints of people's own accounts, those that `accounts` has use for.
///
/// `/me/`, `/password/change/`; with sign-up `/register/`, with verification `/register/verify/` and `/register/resend/`,
/// with mail `/password/reset/` and `/password/reset/confirm/`. The state may be the [`Accounts`] themselves.
pub fn account_urls<S>(accounts: &Accounts) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
    SimpleJwt: FromRef<S>,
{
    let options = accounts.options();
    let mut router = Router::new()
        .url("/me/", me())
        .url("/password/change/", password_change());
    if options.registration {
        router = router.url("/register/", register());
    }
    if options.email_verification {
        router = router
            .url("/register/verify/", register_verify())
            .url("/register/resend/", register_resend());
    }
    if options.mail.is_some() {
        router = router
            .url("/password/reset/", password_reset())
            .url("/password/reset/confirm/", password_reset_confirm());
    }
    router
}

impl Principal for Account {
    fn authenticate(
        jwt: &SimpleJwt,
        header: Option<&str>,
    ) -> impl Future<Output = Result<Option<Self>, Error>> + Send {
        authentication::authenticate_account(jwt, header)
    }

    fn is_admin(&self) -> bool {
        self.user.is_staff
    }
}

impl FromRef<Accounts> for SimpleJwt {
    fn from_ref(accounts: &Accounts) -> Self {
        accounts.jwt().clone()
    }
}

async fn post_register(
    State(accounts): State<Accounts>,
    delivery: Delivery,
    request: Request,
) -> Response {
    let names = ["username", "email", "first_name", "last_name", "password"];
    let work = async |fields, info| accounts.register(&fields, &info).await;
    let mut response = let_in(&accounts, &delivery, request, &names, work).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::CREATED;
    }
    response
}

async fn post_register_verify(
    State(accounts): State<Accounts>,
    delivery: Delivery,
    request: Request,
) -> Response {
    let work = async |fields, info| accounts.verify_email(&fields, &info).await;
    let names = ["uid", "token", "password"];
    let_in(&accounts, &delivery, request, &names, work).await
}

async fn post_register_resend(State(accounts): State<Accounts>, request: Request) -> Response {
    answer(&accounts, request, &["email"], async |fields, _| {
        accounts.resend_verification(&fields).await
    })
    .await
}

async fn get_me(
    State(accounts): State<Accounts>,
    IsAuthenticated(account): IsAuthenticated<Account>,
    info: RequestInfo,
) -> Response {
    respond::answer(accounts.jwt(), &info, Ok(profile(&account)))
}

async fn patch_me(
    State(accounts): State<Accounts>,
    IsAuthenticated(account): IsAuthenticated<Account>,
    request: Request,
) -> Response {
    let names = ["username", "email", "first_name", "last_name", "password"];
    answer(&accounts, request, &names, async |fields, info| {
        accounts.update_profile(account, &fields, &info).await
    })
    .await
}

async fn post_password_change(
    State(accounts): State<Accounts>,
    IsAuthenticated(caller): IsAuthenticated<SessionUser>,
    request: Request,
) -> Response {
    let names = ["old_password", "new_password"];
    answer(&accounts, request, &names, async |fields, info| {
        accounts.change_password(&caller, &fields, &info).await
    })
    .await
}

async fn post_password_reset(State(accounts): State<Accounts>, request: Request) -> Response {
    answer(&accounts, request, &["email"], async |fields, _| {
        accounts.request_password_reset(&fields).await
    })
    .await
}

async fn post_password_reset_confirm(
    State(accounts): State<Accounts>,
    request: Request,
) -> Response {
    let names = ["uid", "token", "new_password"];
    answer(&accounts, request, &names, async |fields, info| {
        accounts.reset_password(&fields, &info).await
    })
    .await
}

/// Reads the named fields and answers with what comes of them.
async fn answer(
    accounts: &Accounts,
    request: Request,
    names: &[&str],
    work: impl AsyncFnOnce(Fields, RequestInfo) -> Result<Object, Error>,
) -> Response {
    let_in(accounts, &Delivery::default(), request, names, work).await
}

/// The same where tokens may come of them.
async fn let_in(
    accounts: &Accounts,
    delivery: &Delivery,
    request: Request,
    names: &[&str],
    work: impl AsyncFnOnce(Fields, RequestInfo) -> Result<Object, Error>,
) -> Response {
    let jwt = accounts.jwt();
    let info = request_info(request.headers(), request.extensions());
    let result = async {
        let data = read_data(jwt, request).await?;
        let fields = fields::sent(&data, names)?;
        Ok::<_, Failure>(work(fields, info.clone()).await?)
    };
    delivery.answer_log_in(jwt, &info, result.await).await
}
