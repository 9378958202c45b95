//! From an `Authorization` header to a user: Simple JWT's `authentication.py`.
//!
//! Takes the header's text, never a request; decides nothing about permissions.

use crate::accounts::sessions::SessionUser;
use crate::blacklist::{blacklist_key, check_listed};
use crate::error::{AuthenticationFailed, Error, RefusedBy};
use crate::json::Value;
use crate::jwt::SimpleJwt;
use crate::models::{TokenUser, User};
use crate::settings::TokenClass;
use crate::store::Account;
use crate::tokens::{self, Claims, password_digest};
use jiff::Timestamp;

/// `JWTAuthentication`: the user that the request's token names, looked up. `None`: there are no credentials.
#[doc(alias = "JWTAuthentication")]
pub async fn authenticate(jwt: &SimpleJwt, header: Option<&str>) -> Result<Option<User>, Error> {
    let Some(raw) = raw_token(jwt, header)? else {
        return Ok(None);
    };
    let (claims, user) = validated_token(jwt, raw, Lookup::User).await?;
    accept(jwt, &claims, user.as_ref())?;
    Ok(user)
}

/// The same with what is known of the person, which only views of accounts want to know.
pub async fn authenticate_account(
    jwt: &SimpleJwt,
    header: Option<&str>,
) -> Result<Option<Account>, Error> {
    let Some(raw) = raw_token(jwt, header)? else {
        return Ok(None);
    };
    let lookup = match jwt.sessions_of_users() {
        Some(_) => Lookup::User,
        None => Lookup::Nobody,
    };
    let (claims, _) = validated_token(jwt, raw, lookup).await?;
    let account = match jwt.claimed_user_id(&claims).unwrap_or(None) {
        Some(id) => jwt.users().get_account(&id).await?,
        None => None,
    };
    accept(jwt, &claims, account.as_ref().map(|account| &account.user))?;
    Ok(account)
}

/// The same with the session that the token belongs to.
pub async fn authenticate_in_session(
    jwt: &SimpleJwt,
    header: Option<&str>,
) -> Result<Option<SessionUser>, Error> {
    let Some(raw) = raw_token(jwt, header)? else {
        return Ok(None);
    };
    let (claims, user) = validated_token(jwt, raw, Lookup::User).await?;
    accept(jwt, &claims, user.as_ref())?;
    let session = tokens::session_of_caller(jwt.settings(), &claims);
    Ok(user.map(|user| SessionUser::new(user, session)))
}

/// `JWTStatelessUserAuthentication`: the token's own account of its user; the user store is not asked.
#[doc(alias = "JWTStatelessUserAuthentication")]
#[doc(alias = "JWTTokenUserAuthentication")]
pub async fn authenticate_stateless(
    jwt: &SimpleJwt,
    header: Option<&str>,
) -> Result<Option<TokenUser>, Error> {
    let Some(raw) = raw_token(jwt, header)? else {
        return Ok(None);
    };
    let (claims, _) = validated_token(jwt, raw, Lookup::Nobody).await?;
    // A text with a lone surrogate could not be answered to anybody: Simple JWT fails when it tries.
    let id = claims
        .get(&jwt.settings().user_id_claim)
        .filter(|id| !matches!(id, Value::IllFormed(_)))
        .ok_or(AuthenticationFailed::NoUserIdentification)?;
    Ok(Some(TokenUser::new(id.clone(), claims)))
}

/// Whether the user that a token names is looked up.
#[derive(PartialEq)]
enum Lookup {
    User,
    Nobody,
}

/// The claims of a token that one of `AUTH_TOKEN_CLASSES` accepts, and its user, in one question to the store.
///
/// Under `SESSIONS`, where users and tokens are in one store, an access token is refused when its session was ended.
async fn validated_token(
    jwt: &SimpleJwt,
    raw: &str,
    lookup: Lookup,
) -> Result<(Claims, Option<User>), Error> {
    let now = jwt.now();
    let claims = decode(jwt, raw, now).await?;
    let mut classes = jwt.settings().auth_token_classes.iter();
    let jti = if classes.any(|class| class.is_listed()) {
        blacklist_key(jwt, &claims)
    } else {
        // No blacklist to ask: a token that is refused anyway need not cost a query.
        check_classes(jwt, &claims, false, now)?;
        None
    };
    let user_id = if lookup == Lookup::User {
        jwt.claimed_user_id(&claims).unwrap_or(None)
    } else {
        None
    };
    if let Some(id) = &user_id
        && let Some(sessions) = jwt.sessions_of_users()
        && let Some(session) = session_of_access_token(jwt, &claims, now)
    {
        let (user, has_ended) = sessions.get_user_and_ended(id, session).await?;
        if has_ended {
            return Err(refused(jwt, |_| crate::TokenError::Blacklisted).into());
        }
        return Ok((claims, user));
    }
    let (user, blacklisted) = jwt.user_and_blacklisted(user_id.as_ref(), jti).await?;
    check_classes(jwt, &claims, blacklisted, now)?;
    Ok((claims, user))
}

/// The `sid` of a token that is accepted as an access token, whatever its `jti`.
fn session_of_access_token<'a>(
    jwt: &SimpleJwt,
    claims: &'a Claims,
    now: Timestamp,
) -> Option<&'a str> {
    let (settings, access) = (jwt.settings(), TokenClass::Access);
    let is_accepted = settings.auth_token_classes.contains(&access)
        && tokens::check(settings, access, claims, now).is_ok();
    let session = tokens::session_of_caller(settings, claims);
    session.filter(|_| is_accepted)
}

/// The token in the header; `None` when there is no header or another scheme.
fn raw_token<'a>(jwt: &SimpleJwt, header: Option<&'a str>) -> Result<Option<&'a str>, Error> {
    // Python's bytes.split() knows these six as white space.
    let white = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c');
    let words = header.unwrap_or_default().trim_matches(white);
    let (scheme, rest) = words.split_once(white).unwrap_or((words, ""));
    let mut accepted = jwt.settings().auth_header_types.iter();
    if scheme.is_empty() || !accepted.any(|accepted| accepted == scheme) {
        return Ok(None);
    }
    let raw = rest.trim_start_matches(white);
    // Counted, not searched: so the compiler looks at many bytes at once.
    let gaps = raw.bytes().filter(|byte| white(char::from(*byte))).count();
    if raw.is_empty() || gaps > 0 {
        return Err(AuthenticationFailed::BadAuthorizationHeader.into());
    }
    Ok(Some(raw))
}

/// Whether a header names a caller, rather than being for somebody else, such as a proxy that asks for a password.
#[cfg(feature = "axum")]
pub(crate) fn names_caller(jwt: &SimpleJwt, header: Option<&str>) -> bool {
    !matches!(raw_token(jwt, header), Ok(None))
}

/// Part A, which is the same for every class.
async fn decode(jwt: &SimpleJwt, raw: &str, now: Timestamp) -> Result<Claims, Error> {
    jwt.decode(raw, now).await.map_err(|error| match error {
        Error::Token(error) => refused(jwt, |_| error.clone()).into(),
        other => other,
    })
}

/// The first class of `AUTH_TOKEN_CLASSES` that accepts the token wins.
fn check_classes(
    jwt: &SimpleJwt,
    claims: &Claims,
    blacklisted: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let check = |class: TokenClass| {
        if class.is_listed() {
            check_listed(jwt, class, claims, blacklisted, now)
        } else {
            tokens::check(jwt.settings(), class, claims, now)
        }
    };
    if jwt
        .settings()
        .auth_token_classes
        .iter()
        .any(|&class| check(class).is_ok())
    {
        return Ok(());
    }
    Err(refused(jwt, |class| {
        check(class).err().unwrap_or(crate::TokenError::Invalid)
    })
    .into())
}

/// Whether a token is one that authenticates, as far as can be said without asking a store.
#[cfg(feature = "axum")]
pub(crate) fn is_accepted(jwt: &SimpleJwt, claims: &Claims, now: Timestamp) -> bool {
    check_classes(jwt, claims, false, now).is_ok()
}

fn refused(
    jwt: &SimpleJwt,
    reason: impl Fn(TokenClass) -> crate::TokenError,
) -> AuthenticationFailed {
    let classes = jwt.settings().auth_token_classes.iter();
    let messages = classes.map(|&class| RefusedBy {
        token_class: class.name(),
        token_type: class.token_type(),
        error: reason(class),
    });
    AuthenticationFailed::NotValidForAnyTokenType(messages.collect())
}

/// The checks on the user, in Simple JWT's order; without an error there is one.
fn accept(jwt: &SimpleJwt, claims: &Claims, user: Option<&User>) -> Result<(), Error> {
    let settings = jwt.settings();
    if !claims.contains_key(&settings.user_id_claim) {
        return Err(AuthenticationFailed::NoUserIdentification.into());
    }
    let user = user.ok_or(AuthenticationFailed::UserNotFound)?;
    if settings.check_user_is_active && !user.is_active {
        return Err(AuthenticationFailed::UserInactive.into());
    }
    if settings.check_revoke_token {
        let claim = claims
            .get(&settings.revoke_token_claim)
            .and_then(crate::json::Value::as_str);
        if claim != Some(&password_digest(user)) {
            return Err(AuthenticationFailed::PasswordChanged.into());
        }
    }
    Ok(())
}
