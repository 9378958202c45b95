//! Permission classes as extractors: who may call a handler, and who is calling.
//!
//! `DRF`'s `permissions.py` and the two authentication classes of Simple JWT. A refused request is answered here,
//! with Simple JWT's status and body; the handler does not run.

use super::cookies;
use super::csrf;
use super::respond;
use super::views::request_id;
use crate::error::Error;
use crate::models::{TokenUser, User};
use crate::{SimpleJwt, authentication};
use axum::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use std::future::Future;

/// Somebody a request can be made by: the way of authentication.
///
/// [`User`] is `JWTAuthentication` (looked up, never stale), [`TokenUser`] is `JWTStatelessUserAuthentication`. A type
/// of your own is a subclass of one of them: name it in a permission, `IsAuthenticated<Member>`.
#[doc(alias = "authentication_classes")]
#[doc(alias = "DEFAULT_AUTHENTICATION_CLASSES")]
#[doc(alias = "JWTAuthentication")]
pub trait Principal: Clone + Send + Sync + 'static {
    /// The header with the token, scheme included: the one that `AUTH_HEADER_NAME` says, unless overridden.
    ///
    /// `JWTAuthentication.get_header`. Who names nobody in it may still be known by the access cookie (`AUTH_COOKIES`).
    /// What this takes from a cookie of your own comes with requests of foreign pages, too: where a method changes
    /// anything, check that the page is yours.
    fn get_header(jwt: &SimpleJwt, headers: &HeaderMap) -> Option<String> {
        header(headers, jwt.auth_header())
    }

    /// The caller; `None` without credentials, an error for bad ones.
    fn authenticate(
        jwt: &SimpleJwt,
        header: Option<&str>,
    ) -> impl Future<Output = Result<Option<Self>, Error>> + Send;

    /// Whether [`IsAdminUser`] lets the caller pass.
    fn is_admin(&self) -> bool;
}

impl Principal for User {
    fn authenticate(
        jwt: &SimpleJwt,
        header: Option<&str>,
    ) -> impl Future<Output = Result<Option<Self>, Error>> + Send {
        authentication::authenticate(jwt, header)
    }

    fn is_admin(&self) -> bool {
        self.is_staff
    }
}

impl Principal for TokenUser {
    fn authenticate(
        jwt: &SimpleJwt,
        header: Option<&str>,
    ) -> impl Future<Output = Result<Option<Self>, Error>> + Send {
        authentication::authenticate_stateless(jwt, header)
    }

    fn is_admin(&self) -> bool {
        self.is_staff().is_truthy()
    }
}

/// A permission class: decides on a caller, and is what the handler then gets.
///
/// One of your own guards a [`View`](super::View) by its [`permission`](super::View::permission), and any handler that
/// takes [`Permitted`] of it.
#[doc(alias = "BasePermission")]
#[doc(alias = "permission_classes")]
pub trait Permission: Sized + Send + 'static {
    /// How callers are authenticated.
    type Principal: Principal;

    /// Passes the caller on, or refuses: [`Error::NotAuthenticated`] is a 401, [`Error::PermissionDenied`] a 403.
    #[doc(alias = "has_permission")]
    fn check(caller: Option<Self::Principal>, method: &Method) -> Result<Self, Error>;
}

/// Anybody may call; bad credentials are refused all the same. Holds the caller if there are credentials.
#[derive(Clone, Debug)]
pub struct AllowAny<U = User>(pub Option<U>);

/// Only callers with good credentials.
///
/// ```
/// use tokenpair::web::IsAuthenticated;
/// async fn me(IsAuthenticated(user): IsAuthenticated) -> String {
///     user.username
/// }
/// ```
#[derive(Clone, Debug)]
pub struct IsAuthenticated<U = User>(pub U);

/// Only staff (`is_staff`).
#[derive(Clone, Debug)]
pub struct IsAdminUser<U = User>(pub U);

/// Anybody for GET, HEAD and OPTIONS; callers with good credentials for the rest.
#[derive(Clone, Debug)]
pub struct IsAuthenticatedOrReadOnly<U = User>(pub Option<U>);

/// What a [`Permission`] of your own has let pass, as an extractor.
#[derive(Clone, Debug)]
pub struct Permitted<P>(pub P);

impl<U: Principal> Permission for AllowAny<U> {
    type Principal = U;

    fn check(caller: Option<U>, _method: &Method) -> Result<Self, Error> {
        Ok(Self(caller))
    }
}

impl<U: Principal> Permission for IsAuthenticated<U> {
    type Principal = U;

    fn check(caller: Option<U>, _method: &Method) -> Result<Self, Error> {
        caller.map(Self).ok_or(Error::NotAuthenticated)
    }
}

impl<U: Principal> Permission for IsAdminUser<U> {
    type Principal = U;

    fn check(caller: Option<U>, _method: &Method) -> Result<Self, Error> {
        let user = caller.ok_or(Error::NotAuthenticated)?;
        if user.is_admin() {
            Ok(Self(user))
        } else {
            Err(Error::PermissionDenied)
        }
    }
}

impl<U: Principal> Permission for IsAuthenticatedOrReadOnly<U> {
    type Principal = U;

    fn check(caller: Option<U>, method: &Method) -> Result<Self, Error> {
        if caller.is_none() && !csrf::is_safe(method) {
            Err(Error::NotAuthenticated)
        } else {
            Ok(Self(caller))
        }
    }
}

/// The caller of this request, authenticated once however many extractors ask, by one engine for one header.
#[derive(Clone)]
struct Asked<U> {
    jwt: SimpleJwt,
    header: Option<String>,
    user: Option<U>,
}

/// Who is calling.
enum Caller<U> {
    Known(Option<U>),
    /// A cookie named somebody and was refused, or for a page that is looked at could not be judged: nobody, as cookies
    /// come unasked. Where somebody is needed, this says why it was not enough.
    Stale(Error),
}

async fn caller<U: Principal>(parts: &mut Parts, jwt: &SimpleJwt) -> Result<Caller<U>, Error> {
    let header = U::get_header(jwt, &parts.headers);
    if let Some(known) = parts.extensions.get::<Asked<U>>()
        && known.jwt.is_same(jwt)
        && known.header == header
    {
        return Ok(Caller::Known(known.user.clone()));
    }
    let user = match U::authenticate(jwt, header.as_deref()).await? {
        Some(user) => Some(user),
        None => match cookies::credentials(jwt, parts) {
            Ok(None) => None,
            Err(outage) => return Ok(Caller::Stale(outage.into())),
            // Apart, so that a caller by header needs no room for it.
            Ok(Some(credentials)) => match Box::pin(by_cookie(parts, jwt, &credentials)).await? {
                Caller::Known(user) => user,
                stale @ Caller::Stale(_) => return Ok(stale),
            },
        },
    };
    respond::answered(jwt);
    let jwt = jwt.clone();
    parts.extensions.insert(Asked {
        jwt,
        header,
        user: user.clone(),
    });
    Ok(Caller::Known(user))
}

/// The second way, as behind `SessionAuthentication` in DRF: by the access cookie, with its checks.
async fn by_cookie<U: Principal>(
    parts: &Parts,
    jwt: &SimpleJwt,
    credentials: &str,
) -> Result<Caller<U>, Error> {
    let user = match U::authenticate(jwt, Some(credentials)).await {
        Ok(user) => user,
        Err(error) if error.is_about_credentials() || cookies::is_visit(parts) => {
            return Ok(Caller::Stale(error));
        }
        Err(error) => return Err(error),
    };
    if user.is_some() {
        cookies::check_caller(jwt, parts, credentials).await?;
    }
    Ok(Caller::Known(user))
}

/// Who looks at a page, for the page alone: it says who is logged in also where a request of theirs is refused.
pub(super) async fn visitor(parts: &mut Parts, jwt: &SimpleJwt) -> Option<User> {
    match caller::<User>(parts, jwt).await {
        Ok(Caller::Known(user)) => user,
        Err(Error::CsrfFailed(_)) => {
            let credentials = cookies::credentials(jwt, parts).ok()??;
            User::authenticate(jwt, Some(&credentials)).await.ok()?
        }
        Ok(Caller::Stale(_)) | Err(_) => None,
    }
}

/// The header's text: bytes as ISO-8859-1 and repeated headers joined, as WSGI hands them to Django.
pub(super) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(name);
    if let (Some(only), None) = (all.iter().next(), all.iter().nth(1))
        && let Ok(ascii) = only.to_str()
    {
        return Some(ascii.to_owned());
    }
    let mut values = all.iter().map(HeaderValue::as_bytes);
    let first = values.next()?.to_vec();
    let joined = values.fold(first, |mut joined, value| {
        joined.push(b',');
        joined.extend_from_slice(value);
        joined
    });
    Some(joined.into_iter().map(char::from).collect())
}

/// What [`View`](super::View) asks before it looks at the method.
pub(super) async fn permit<P: Permission>(parts: &mut Parts, jwt: &SimpleJwt) -> Result<P, Error> {
    match caller::<P::Principal>(parts, jwt).await? {
        Caller::Known(caller) => P::check(caller, &parts.method),
        Caller::Stale(reason) => P::check(None, &parts.method).map_err(|refused| match refused {
            Error::NotAuthenticated => reason,
            // In an outage nobody knows who was refused.
            _ if !reason.is_about_credentials() => reason,
            other => other,
        }),
    }
}

/// The same for an extractor, whose refusal is an answer.
async fn admit<S, P>(parts: &mut Parts, state: &S) -> Result<P, Response>
where
    S: Send + Sync,
    P: Permission,
    SimpleJwt: FromRef<S>,
{
    let jwt = SimpleJwt::from_ref(state);
    let permitted = permit(parts, &jwt).await;
    permitted.map_err(|error| respond::error(&jwt, request_id(&parts.headers), error))
}

macro_rules! extractors {
    ($($permission:ident)*) => {$(
        impl<S, U> FromRequestParts<S> for $permission<U>
        where
            S: Send + Sync,
            U: Principal,
            SimpleJwt: FromRef<S>,
        {
            type Rejection = Response;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
                admit(parts, state).await
            }
        }
    )*};
}

impl<S, P> FromRequestParts<S> for Permitted<P>
where
    S: Send + Sync,
    P: Permission,
    SimpleJwt: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        admit(parts, state).await.map(Self)
    }
}

extractors! { AllowAny IsAuthenticated IsAdminUser IsAuthenticatedOrReadOnly }

impl<S, U> OptionalFromRequestParts<S> for IsAuthenticated<U>
where
    S: Send + Sync,
    U: Principal,
    SimpleJwt: FromRef<S>,
{
    type Rejection = Response;

    /// `None` without credentials; bad credentials are refused.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Response> {
        let jwt = SimpleJwt::from_ref(state);
        let caller = caller::<U>(parts, &jwt).await;
        match caller {
            Ok(Caller::Known(caller)) => Ok(caller.map(Self)),
            Ok(Caller::Stale(_)) => Ok(None),
            Err(error) => Err(respond::error(&jwt, request_id(&parts.headers), error)),
        }
    }
}

impl<S> FromRequestParts<S> for TokenUser
where
    S: Send + Sync,
    SimpleJwt: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let IsAuthenticated(user) =
            <IsAuthenticated<Self> as FromRequestParts<S>>::from_request_parts(parts, state)
                .await?;
        Ok(user)
    }
}

impl<S> OptionalFromRequestParts<S> for TokenUser
where
    S: Send + Sync,
    SimpleJwt: FromRef<S>,
{
    type Rejection = Response;

    /// `None` without credentials; bad credentials are refused.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Response> {
        let user = <IsAuthenticated<Self> as OptionalFromRequestParts<S>>::from_request_parts(
            parts, state,
        )
        .await?;
        Ok(user.map(|IsAuthenticated(user)| user))
    }
}
