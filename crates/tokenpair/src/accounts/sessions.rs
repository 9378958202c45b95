//! Sessions: what a user sees of them, and log-out in each of its forms.
//!
//! A refresh token is refused from the moment its session ends. An access token is good until it expires, except that
//! under `SESSIONS` whoever looks its user up refuses it, too: see [`authentication`](crate::authentication).

use crate::backend::date_in_micros;
use crate::blacklist::check_listed;
use crate::error::{Error, StoreError, TokenError};
use crate::events::{self, Event};
use crate::flows;
use crate::json::{Object, Value};
use crate::jwt::{Answer, SimpleJwt, listed_jti};
use crate::models::{NumericDate, RequestInfo, User, UserId};
use crate::settings::TokenClass;
use crate::store::{Session, SessionStore, SessionUse};
use crate::tokens::{self, Claims, session_id};
use jiff::Timestamp;

/// The caller of a request, looked up, and the session that the presented token belongs to: for views that treat the
/// caller's own session in another way than others.
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use tokenpair::accounts::sessions::SessionUser;
/// use tokenpair::web::IsAuthenticated;
/// async fn whoami(IsAuthenticated(caller): IsAuthenticated<SessionUser>) -> String {
///     format!("{} in {:?}", caller.user.username, caller.session)
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionUser {
    /// The user.
    pub user: User,
    /// The session's id; `None` of an access token without `sid`.
    pub session: Option<String>,
}

impl SessionUser {
    pub(crate) fn new(user: User, session: Option<&str>) -> Self {
        Self {
            user,
            session: session.map(str::to_owned),
        }
    }
}

/// The sessions of the caller, the newest first: `id`, `created`, `last_refreshed`, `expires`, `address`, `user_agent`
/// and `current` of each. What is not known is null.
pub async fn list(jwt: &SimpleJwt, caller: &SessionUser) -> Result<Vec<Object>, Error> {
    let store = store(jwt)?;
    let sessions = store.sessions(&caller.user.id, jwt.now()).await?;
    let current = caller.session.as_deref();
    let shown = sessions.iter().map(|session| show(session, current));
    Ok(shown.collect())
}

/// One of them; `None`: the caller has no living session with this id.
pub async fn get(jwt: &SimpleJwt, caller: &SessionUser, id: &str) -> Result<Option<Object>, Error> {
    let is_wanted = |session: &Object| session.get("id").and_then(Value::as_str) == Some(id);
    let mut sessions = list(jwt, caller).await?.into_iter();
    Ok(sessions.find(is_wanted))
}

fn show(session: &Session, current: Option<&str>) -> Object {
    let date = |at: NumericDate| Value::from(iso_8601(at));
    let text = |text: Option<String>| text.map_or(Value::Null, Value::from);
    let refreshed = session.refreshed_at.map(NumericDate::from);
    Object::from_iter([
        ("id", Value::from(session.id.as_str())),
        ("created", date(session.created_at.into())),
        ("last_refreshed", refreshed.map_or(Value::Null, date)),
        ("expires", date(session.expires_at)),
        (
            "address",
            text(session.address.map(|address| address.to_string())),
        ),
        ("user_agent", text(session.user_agent.clone())),
        ("current", Value::from(current == Some(&session.id))),
    ])
}

/// As DRF writes a `DateTimeField`.
fn iso_8601(at: NumericDate) -> String {
    let whole = at.to_datetime().strftime("%Y-%m-%dT%H:%M:%S");
    match at.as_micros() % 1_000_000 {
        0 => format!("{whole}Z"),
        micros => format!("{whole}.{micros:06}Z"),
    }
}

/// Ends one of the user's living sessions. `false`: there is none with this id, whoever else may have one.
pub async fn end(
    jwt: &SimpleJwt,
    user: &User,
    id: &str,
    info: &RequestInfo,
) -> Result<bool, Error> {
    let has_ended = store(jwt)?.end_session(&user.id, id, jwt.now()).await?;
    if has_ended {
        jwt.report(info, || Event::SessionEnd { user, session: id });
    }
    Ok(has_ended)
}

/// Ends every session of the user: `{"sessions": …}`, how many there were.
///
/// Works without `SESSIONS`, too: a session is then each living refresh or sliding token.
pub async fn log_out_everywhere(
    jwt: &SimpleJwt,
    user: &User,
    info: &RequestInfo,
) -> Result<Object, Error> {
    end_all_but(jwt, user, None, info).await
}

/// Ends every session of the caller but the one that asks: `{"sessions": …}`. All of them if the token has no session.
pub async fn end_others(
    jwt: &SimpleJwt,
    caller: &SessionUser,
    info: &RequestInfo,
) -> Result<Object, Error> {
    end_all_but(jwt, &caller.user, caller.session.as_deref(), info).await
}

async fn end_all_but(
    jwt: &SimpleJwt,
    user: &User,
    except: Option<&str>,
    info: &RequestInfo,
) -> Result<Object, Error> {
    let sessions = store(jwt)?
        .end_sessions(&user.id, &jwt.ending(except))
        .await?;
    jwt.report(info, || Event::LogOutAll { user, sessions });
    let sessions = i64::try_from(sessions).unwrap_or(i64::MAX);
    Ok(Object::from_iter([("sessions", sessions)]))
}

/// Ends the session of a refresh token; refuses what [`blacklist`](flows::blacklist) refuses, in the same words.
///
/// Under `SESSIONS` a token that was exchanged a moment ago ends its session, too: a log-out that lost a race against a
/// refresh is a log-out.
pub async fn log_out(jwt: &SimpleJwt, raw: &str, info: &RequestInfo) -> Result<Object, Error> {
    let now = jwt.now();
    let read = jwt.decode(raw, now).await;
    let claims = read.inspect_err(|error| events::log_out_refused(jwt, None, error, info))?;
    log_out_with(jwt, TokenClass::Refresh, &claims, now, info).await
}

/// The same by what authenticates requests: ends a sliding token, and of an access token the session, if it has one.
#[cfg(feature = "axum")]
pub(crate) async fn log_out_by_access(
    jwt: &SimpleJwt,
    raw: &str,
    info: &RequestInfo,
) -> Result<Object, Error> {
    let now = jwt.now();
    let claims = jwt.decode(raw, now).await?;
    if tokens::check(jwt.settings(), TokenClass::Sliding, &claims, now).is_ok() {
        return log_out_with(jwt, TokenClass::Sliding, &claims, now, info).await;
    }
    tokens::check(jwt.settings(), TokenClass::Access, &claims, now)?;
    let session = tokens::session_of_caller(jwt.settings(), &claims);
    if end_session_of(jwt, &claims, session, now).await? {
        events::logged_out(jwt, &claims, info);
    }
    Ok(jwt.complete(Object::new(), Answer::LogOut(&claims)))
}

async fn log_out_with(
    jwt: &SimpleJwt,
    class: TokenClass,
    claims: &Claims,
    now: Timestamp,
    info: &RequestInfo,
) -> Result<Object, Error> {
    match end_by_token(jwt, class, claims, now).await {
        Ok(()) if jwt.tokens().is_some() => events::logged_out(jwt, claims, info),
        Ok(()) => {}
        Err(error) => {
            events::log_out_refused(jwt, Some(claims), &error, info);
            return Err(error);
        }
    }
    Ok(jwt.complete(Object::new(), Answer::LogOut(claims)))
}

async fn end_by_token(
    jwt: &SimpleJwt,
    class: TokenClass,
    claims: &Claims,
    now: Timestamp,
) -> Result<(), Error> {
    let is_good = check_listed(jwt, class, claims, false, now).is_ok()
        && flows::check_signable(claims).is_ok();
    let session = session_id(jwt.settings(), claims).filter(|_| is_good);
    let has_ended = end_session_of(jwt, claims, session, now).await?;
    match flows::revoke(jwt, class, claims, now).await {
        Err(Error::Token(TokenError::Blacklisted)) if has_ended => Ok(()),
        revoked => revoked,
    }
}

async fn end_session_of(
    jwt: &SimpleJwt,
    claims: &Claims,
    session: Option<&str>,
    now: Timestamp,
) -> Result<bool, Error> {
    let owner = jwt.claimed_user_id(claims).ok().flatten();
    let (Some(store), Some(owner), Some(id)) = (jwt.sessions(), owner, session) else {
        return Ok(false);
    };
    match jwt.users().get_user(&owner).await? {
        Some(user) => Ok(store.end_session(&user.id, id, now).await?),
        None => Ok(false),
    }
}

fn store(jwt: &SimpleJwt) -> Result<&dyn SessionStore, StoreError> {
    let store = jwt.session_store();
    store.ok_or_else(|| StoreError::new("there is no token store that keeps sessions"))
}

/// What the record of a session keeps of a token that was just made or presented, where sessions are kept: of a token that
/// names somebody.
pub(crate) fn usage(
    jwt: &SimpleJwt,
    class: TokenClass,
    claims: &Claims,
    owner: Option<&UserId>,
    now: Timestamp,
    info: &RequestInfo,
) -> Option<SessionUse> {
    jwt.sessions()?;
    let settings = jwt.settings();
    Some(SessionUse {
        id: session_id(settings, claims)?.to_owned(),
        user_id: owner?.clone(),
        jti: listed_jti(settings, claims)?.to_owned(),
        created_at: issued_at(claims).unwrap_or(now),
        at: now,
        expires_at: expiry(jwt, class, claims)?,
        address: info.address,
        user_agent: info.user_agent.as_deref().map(storable),
    })
}

/// What fits into the column, whoever filled the [`RequestInfo`].
fn storable(user_agent: &str) -> String {
    let chars = user_agent.chars().filter(|char| *char != '\0');
    chars.take(512).collect()
}

pub(crate) fn issued_at(claims: &Claims) -> Option<Timestamp> {
    let micros = claims.get("iat").and_then(date_in_micros)?;
    Timestamp::from_microsecond(micros).ok()
}

/// A sliding token is refreshed until its window ends, and the last one lives as long as any.
fn expiry(jwt: &SimpleJwt, class: TokenClass, claims: &Claims) -> Option<NumericDate> {
    let settings = jwt.settings();
    let date = |name: &str| claims.get(name).and_then(date_in_micros);
    let micros = if class == TokenClass::Sliding {
        let last = tokens::lifetime(settings, class).as_micros();
        let window = date(&settings.sliding_token_refresh_exp_claim)?;
        window.saturating_add(i64::try_from(last).unwrap_or(i64::MAX))
    } else {
        date("exp")?
    };
    NumericDate::from_micros(micros)
}
