//! Where an answer's tokens go: into its body, as Simple JWT has it, or into cookies for a browser's pages.

use super::cookies::{self, Cookie};
use super::csrf;
use super::extract::header;
use super::respond::{self, Failure};
use super::views::request_info;
use crate::SimpleJwt;
use crate::accounts::sessions;
use crate::backend::TokenBackend;
use crate::error::{Error, TokenError};
use crate::json::{Object, Value};
use crate::models::RequestInfo;
use crate::settings::Settings;
use crate::tokens::Claims;
use axum::extract::{FromRef, FromRequestParts};
use axum::response::Response;
use http::header::{HeaderName, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use std::fmt;

/// How a client asks for cookies. A form cannot send it, and a page of another site only where CORS lets it.
pub(super) const X_TOKEN_DELIVERY: HeaderName = HeaderName::from_static("x-token-delivery");

/// How the client wants its tokens, as an extractor: in the body, or with `X-Token-Delivery: cookie` in cookies.
///
/// For a token endpoint of your own: take it before the body, and let it [`answer`](Self::answer). A request for
/// cookies that a page of another site may have made is refused with 403, one for anything else with 400.
///
/// ```
/// use axum::extract::State;
/// use axum::response::Response;
/// use tokenpair::web::Delivery;
/// use tokenpair::{Error, RequestInfo, SimpleJwt, User, flows};
///
/// async fn sign_in(State(jwt): State<SimpleJwt>, delivery: Delivery, info: RequestInfo) -> Response {
///     let user = User::new(1, "ada"); // found out in a way of your own
///     let result = flows::get_tokens_for_user(&jwt, &user, &info).await;
///     delivery.answer(&jwt, &info, result)
/// }
/// ```
#[derive(Clone, Default)]
pub struct Delivery(Option<Jar>);

/// What the client's cookies held.
#[derive(Clone, Default)]
struct Jar {
    access: Option<String>,
    refresh: Option<String>,
    csrf: Option<String>,
}

impl Delivery {
    fn asked(jwt: &SimpleJwt, parts: &Parts) -> Result<Self, Failure> {
        if !parts.headers.contains_key(&X_TOKEN_DELIVERY) {
            return Ok(Self(None));
        }
        let settings = jwt.settings();
        if header(&parts.headers, X_TOKEN_DELIVERY.as_str()).as_deref() != Some("cookie") {
            let text = "X-Token-Delivery must be \"cookie\"; without it tokens are in the body.";
            return Err(Failure::BadRequest(text.to_owned()));
        }
        if !settings.auth_cookies {
            let text = "Tokens are not delivered in cookies here: AUTH_COOKIES is off.";
            return Err(Failure::BadRequest(text.to_owned()));
        }
        csrf::check_origin(settings, &parts.headers, &parts.uri).map_err(Error::from)?;
        Ok(Self::in_cookies(jwt, &parts.headers))
    }

    /// For a request whose page is known to be ours.
    pub(super) fn in_cookies(jwt: &SimpleJwt, headers: &HeaderMap) -> Self {
        let value = |cookie| cookies::value(jwt.settings(), headers, cookie).map(str::to_owned);
        Self(Some(Jar {
            access: value(Cookie::Access),
            refresh: value(Cookie::Refresh),
            csrf: value(Cookie::Csrf),
        }))
    }

    /// Whether the tokens go into cookies.
    pub fn is_in_cookies(&self) -> bool {
        self.0.is_some()
    }

    /// The token that a client with cookies acts on, which is then in no body: `refresh`, or `token`, a sliding one.
    pub(super) fn presented(&self, field: &str) -> Option<Result<String, Error>> {
        let jar = self.0.as_ref()?;
        let token = if field == "refresh" {
            &jar.refresh
        } else {
            &jar.access
        };
        Some(token.clone().ok_or(Error::NotAuthenticated))
    }

    /// Ends what the client's cookies name: the refresh token, or else what the access cookie stands for. `None`: the
    /// client has its tokens in the body.
    pub(super) async fn log_out(
        &self,
        jwt: &SimpleJwt,
        info: &RequestInfo,
    ) -> Option<Result<Object, Error>> {
        let jar = self.0.as_ref()?;
        Some(jar.log_out(jwt, info).await)
    }

    /// The answer of a token endpoint, from what a [flow](crate::flows) returned. Never to be cached.
    ///
    /// With cookies the body has `access_expires`, `refresh_expires` and `csrf_token` in place of `access`, `refresh`
    /// and `token`.
    pub fn answer(
        &self,
        jwt: &SimpleJwt,
        info: &RequestInfo,
        result: Result<Object, Error>,
    ) -> Response {
        self.answer_or_failure(jwt, info, result.map_err(Failure::from))
    }

    /// The same for a log-in of ours: a token that no cookie can hold is ended, as nobody has it.
    pub(super) async fn answer_log_in(
        &self,
        jwt: &SimpleJwt,
        info: &RequestInfo,
        result: Result<Object, Failure>,
    ) -> Response {
        let made = result.as_ref().ok().filter(|_| self.is_in_cookies());
        let made = Jar {
            refresh: made.and_then(|data| text(data, "refresh")),
            access: made.and_then(|data| text(data, "token")),
            csrf: None,
        };
        let response = self.answer_or_failure(jwt, info, result);
        if !response.status().is_success()
            && let Err(error) = made.log_out(jwt, info).await
            && !error.is_about_credentials()
        {
            // The request has its answer; the token ends by its time.
            tracing::warn!(%error, "a token that fits into no cookie could not be ended");
        }
        response
    }

    fn answer_or_failure(
        &self,
        jwt: &SimpleJwt,
        info: &RequestInfo,
        result: Result<Object, Failure>,
    ) -> Response {
        let Some(before) = &self.0 else {
            return respond::answer_or_failure(jwt, info, result);
        };
        // Nothing is kept of a log-in before.
        let mut response = Jar::default().answer(jwt, info, result);
        let (settings, headers) = (jwt.settings(), response.headers_mut());
        let is_log_in = cookies::sets(settings, headers, Cookie::Access);
        if is_log_in
            && before.refresh.is_some()
            && !cookies::sets(settings, headers, Cookie::Refresh)
        {
            cookies::forget(settings, headers, &[Cookie::Refresh]);
        }
        response
    }

    /// The same for a refresh: a cookie that is no good is taken back.
    ///
    /// One that is blacklisted is left. Two pages of a browser may refresh at once, and what the one is refused with
    /// would take away the cookie that the other has just got.
    pub(super) fn answer_refresh(
        &self,
        jwt: &SimpleJwt,
        info: &RequestInfo,
        result: Result<Object, Failure>,
    ) -> Response {
        let Some(jar) = &self.0 else {
            return respond::answer_or_failure(jwt, info, result);
        };
        let is_over = match &result {
            Err(Failure::Engine(Error::Token(TokenError::Blacklisted))) => false,
            Err(Failure::Engine(error)) => error.is_about_credentials(),
            _ => false,
        };
        let mut response = jar.answer(jwt, info, result);
        if is_over {
            cookies::forget_all(jwt.settings(), response.headers_mut());
        }
        response
    }

    /// The same for a log-out: a cookie that is no good is no reason to refuse it, and all are taken back. An outage
    /// leaves them.
    pub(super) fn answer_logout(
        &self,
        jwt: &SimpleJwt,
        info: &RequestInfo,
        result: Result<Object, Failure>,
    ) -> Response {
        if self.0.is_none() {
            return respond::answer_or_failure(jwt, info, result);
        }
        let result = match result {
            Err(Failure::Engine(error)) if error.is_about_credentials() => Ok(Object::new()),
            other => other,
        };
        let is_out = result.is_ok();
        let mut response = respond::answer_or_failure(jwt, info, result);
        if is_out {
            cookies::forget_all(jwt.settings(), response.headers_mut());
        }
        response
    }
}

impl Jar {
    async fn log_out(&self, jwt: &SimpleJwt, info: &RequestInfo) -> Result<Object, Error> {
        let mut ended = Err(Error::NotAuthenticated);
        if let Some(refresh) = &self.refresh {
            ended = sessions::log_out(jwt, refresh, info).await;
        }
        match (&ended, &self.access) {
            (Err(error), Some(access)) if error.is_about_credentials() => {
                sessions::log_out_by_access(jwt, access, info).await
            }
            _ => ended,
        }
    }

    fn answer(
        &self,
        jwt: &SimpleJwt,
        info: &RequestInfo,
        result: Result<Object, Failure>,
    ) -> Response {
        match result.and_then(|data| self.deliver(jwt, data)) {
            Ok((data, set)) => {
                let mut response = respond::answer_or_failure(jwt, info, Ok(data));
                for cookie in set {
                    response.headers_mut().append(SET_COOKIE, cookie);
                }
                response
            }
            Err(failure) => respond::answer_or_failure(jwt, info, Err(failure)),
        }
    }

    /// Takes the tokens out of an answer, into cookies.
    fn deliver(
        &self,
        jwt: &SimpleJwt,
        mut data: Object,
    ) -> Result<(Object, Vec<HeaderValue>), Failure> {
        let settings = jwt.settings();
        let access = take(&mut data, "access").or_else(|| take(&mut data, "token"));
        let refresh = take(&mut data, "refresh");
        let Some(newest) = refresh.as_ref().or(access.as_ref()) else {
            return Ok((data, Vec::new()));
        };
        let csrf_token = self.csrf_token(jwt, &newest.claims);
        let access_end = access.as_ref().and_then(Made::end);
        let last = match &refresh {
            Some(refresh) => refresh.end(),
            None => self.refreshable_until(settings, &newest.claims),
        };
        let now = jwt.now().as_second();
        let set = |cookie, value: &str, end: Option<i64>| {
            cookies::set(settings, cookie, value, end.unwrap_or(now) - now)
        };
        let mut cookies = Vec::with_capacity(3);
        if let Some(access) = &access {
            cookies.push(set(Cookie::Access, &access.token, access_end)?);
        }
        if let Some(refresh) = &refresh {
            cookies.push(set(Cookie::Refresh, &refresh.token, last)?);
        }
        cookies.push(set(Cookie::Csrf, &csrf_token, last.or(access_end))?);
        for (name, end) in [("access_expires", access_end), ("refresh_expires", last)] {
            if let Some(end) = end {
                data.insert(name, end);
            }
        }
        data.insert("csrf_token", csrf_token);
        Ok((data, cookies))
    }

    /// The client's own as long as it is good: other pages of the browser know it, too.
    fn csrf_token(&self, jwt: &SimpleJwt, claims: &Claims) -> String {
        let user = csrf::user(jwt.settings(), claims);
        let kept = self.csrf.as_deref();
        let kept = kept.filter(|kept| jwt.csrf().is_token_of(kept, &user));
        kept.map_or_else(|| jwt.csrf().token(&user), str::to_owned)
    }

    /// A refresh without rotation leaves the refresh token where it is; a sliding token has its end in itself.
    fn refreshable_until(&self, settings: &Settings, access: &Claims) -> Option<i64> {
        let window = date(access, &settings.sliding_token_refresh_exp_claim);
        window.or_else(|| self.refresh.clone().and_then(Made::read)?.end())
    }
}

/// A token of this engine with its claims.
struct Made {
    token: String,
    claims: Claims,
}

impl Made {
    fn read(token: String) -> Option<Self> {
        let claims = TokenBackend::claims_of_own(&token)?;
        Some(Self { token, claims })
    }

    fn end(&self) -> Option<i64> {
        date(&self.claims, "exp")
    }
}

fn text(data: &Object, name: &str) -> Option<String> {
    data.get(name)?.as_str().map(str::to_owned)
}

fn take(data: &mut Object, name: &str) -> Option<Made> {
    match data.remove(name) {
        Some(Value::String(token)) => Made::read(token),
        _ => None,
    }
}

/// In seconds.
fn date(claims: &Claims, name: &str) -> Option<i64> {
    crate::backend::date_in_micros(claims.get(name)?).map(|micros| micros / 1_000_000)
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.is_in_cookies() {
            "cookies"
        } else {
            "body"
        };
        write!(f, "Delivery({way})")
    }
}

impl<S> FromRequestParts<S> for Delivery
where
    S: Send + Sync,
    SimpleJwt: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let jwt = SimpleJwt::from_ref(state);
        Self::asked(&jwt, parts).map_err(|failure| {
            let info = request_info(&parts.headers, &parts.extensions);
            respond::answer_or_failure(&jwt, &info, Err(failure))
        })
    }
}
