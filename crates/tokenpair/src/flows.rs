//! What each endpoint means: obtain, refresh, verify, blacklist. Rules only: no HTTP, no SQL.
//!
//! Answers to Simple JWT's `serializers.py`. Each function returns the body of a successful answer, with its keys
//! in Simple JWT's order, and reports what it did or refused as an [`Event`](crate::Event).

use crate::accounts::sessions::{issued_at, usage};
use crate::blacklist::{self, blacklist_key, check_listed, issued, presented, record};
use crate::convert::NotAnId;
use crate::error::{Error, TokenError};
use crate::events;
use crate::json::Object;
use crate::jwt::{Answer, SimpleJwt};
use crate::models::{Credentials, RequestInfo, User};
use crate::settings::TokenClass;
use crate::store::{Rotated, Rotation, SessionUse, Successor};
use crate::tokens::{self, Claims, check_window, password_digest};
use jiff::Timestamp;

/// `token_obtain_pair`: credentials for a refresh and an access token.
#[doc(alias = "TokenObtainPairSerializer")]
pub async fn obtain_pair(
    jwt: &SimpleJwt,
    credentials: &Credentials,
    info: &RequestInfo,
) -> Result<Object, Error> {
    let user = authenticate(jwt, credentials, info).await?;
    pair(jwt, &user, info).await
}

/// The user these credentials belong to, if `USER_AUTHENTICATION_RULE` lets them in. A refusal is reported.
///
/// What `TokenObtainSerializer.validate` does before any token is made: the first half of a log-in that asks for more
/// than a password. [`get_tokens_for_user`] is the second.
#[doc(alias = "TokenObtainSerializer")]
pub async fn authenticate(
    jwt: &SimpleJwt,
    credentials: &Credentials,
    info: &RequestInfo,
) -> Result<User, Error> {
    match jwt.users().authenticate(credentials).await? {
        Some(user) if jwt.may_authenticate(Some(&user)) => Ok(user),
        _ => Err(refused(jwt, &credentials.username, info)),
    }
}

fn refused(jwt: &SimpleJwt, username: &str, info: &RequestInfo) -> Error {
    jwt.login_failed(username, info);
    Error::NoActiveAccount
}

/// The pair of a user who has proved who they are, in whatever way: a log-in with its hooks, record and event.
///
/// The function of this name in Simple JWT's "Creating tokens manually". Refuses as [`authenticate`] whom
/// `USER_AUTHENTICATION_RULE` does not let in. What is read at a log-in only
/// ([`UserTable::login_columns`](crate::UserTable::login_columns)) is what `user` has.
pub async fn get_tokens_for_user(
    jwt: &SimpleJwt,
    user: &User,
    info: &RequestInfo,
) -> Result<Object, Error> {
    if !jwt.may_authenticate(Some(user)) {
        return Err(refused(jwt, &user.username, info));
    }
    pair(jwt, user, info).await
}

async fn pair(jwt: &SimpleJwt, user: &User, info: &RequestInfo) -> Result<Object, Error> {
    let now = jwt.now();
    let refresh = tokens::claims_for_login(jwt, TokenClass::Refresh, user, now);
    let access = jwt.sign(&tokens::access_claims(jwt, &refresh, now))?;
    let mut data = Object::new();
    let signed = sign_and_record(jwt, TokenClass::Refresh, &refresh, user, now, info).await?;
    data.insert("refresh", signed);
    data.insert("access", access);
    logged_in(jwt, user, info).await?;
    Ok(jwt.complete(data, Answer::ObtainPair(user)))
}

/// `token_obtain_sliding`: credentials for a sliding token.
#[doc(alias = "TokenObtainSlidingSerializer")]
pub async fn obtain_sliding(
    jwt: &SimpleJwt,
    credentials: &Credentials,
    info: &RequestInfo,
) -> Result<Object, Error> {
    let user = authenticate(jwt, credentials, info).await?;
    let now = jwt.now();
    let claims = tokens::claims_for_login(jwt, TokenClass::Sliding, &user, now);
    let mut data = Object::new();
    let signed = sign_and_record(jwt, TokenClass::Sliding, &claims, &user, now, info).await?;
    data.insert("token", signed);
    logged_in(jwt, &user, info).await?;
    Ok(jwt.complete(data, Answer::ObtainSliding(&user)))
}

/// `token_refresh`: a refresh token for a new access token, with rotation also for its successor.
#[doc(alias = "TokenRefreshSerializer")]
pub async fn refresh(jwt: &SimpleJwt, raw: &str, info: &RequestInfo) -> Result<Object, Error> {
    let now = jwt.now();
    let claims = read_for_refresh(jwt, raw, now, info).await?;
    let result = exchange(jwt, &claims, now, info).await;
    report_refresh(jwt, &claims, &result, info);
    result
}

async fn exchange(
    jwt: &SimpleJwt,
    claims: &Claims,
    now: Timestamp,
    info: &RequestInfo,
) -> Result<Object, Error> {
    let presented = Presented::look_up(jwt, claims).await?;
    let settings = jwt.settings();
    check_listed(
        jwt,
        TokenClass::Refresh,
        claims,
        presented.blacklisted && !tells_reuse(jwt),
        now,
    )?;
    presented.check_user(jwt, now).await?;

    // Signed before anything is written: a token that cannot be had must not cost the one that was brought.
    let mut data = Object::new();
    data.insert(
        "access",
        jwt.sign(&tokens::access_claims(jwt, claims, now))?,
    );
    if settings.rotate_refresh_tokens {
        data.insert("refresh", rotate(jwt, &presented, now, info).await?);
    } else {
        presented.touch(jwt, TokenClass::Refresh, now, info).await?;
    }
    Ok(jwt.complete(data, Answer::Refresh(claims)))
}

/// An access token for a browser that asks for a page with nothing but a good refresh token.
///
/// Refreshed without being exchanged: nothing is written and no event is told, as a GET must change nothing.
#[cfg(feature = "axum")]
pub(crate) async fn access_for_page(jwt: &SimpleJwt, raw: &str) -> Result<String, Error> {
    let now = jwt.now();
    let claims = jwt.decode(raw, now).await?;
    let presented = Presented::look_up(jwt, &claims).await?;
    check_listed(
        jwt,
        TokenClass::Refresh,
        &claims,
        presented.blacklisted,
        now,
    )?;
    presented.judge_user(jwt)?;
    jwt.sign(&tokens::access_claims(jwt, &claims, now))
}

/// `token_refresh_sliding`: a sliding token for the same token with a new `exp`, until its window ends.
#[doc(alias = "TokenRefreshSlidingSerializer")]
pub async fn refresh_sliding(
    jwt: &SimpleJwt,
    raw: &str,
    info: &RequestInfo,
) -> Result<Object, Error> {
    let now = jwt.now();
    let claims = read_for_refresh(jwt, raw, now, info).await?;
    let result = prolong(jwt, &claims, now, info).await;
    report_refresh(jwt, &claims, &result, info);
    result
}

async fn prolong(
    jwt: &SimpleJwt,
    claims: &Claims,
    now: Timestamp,
    info: &RequestInfo,
) -> Result<Object, Error> {
    let presented = Presented::look_up(jwt, claims).await?;
    check_listed(jwt, TokenClass::Sliding, claims, presented.blacklisted, now)?;
    let settings = jwt.settings();
    check_window(
        claims,
        &settings.sliding_token_refresh_exp_claim,
        settings.leeway,
        now,
    )?;
    presented.check_user(jwt, now).await?;

    let mut prolonged = claims.clone();
    prolonged.insert(
        "exp",
        tokens::seconds_after(now, settings.sliding_token_lifetime),
    );
    prolonged.insert("iat", now.as_second());
    tokens::join_session(settings, &mut prolonged, claims);
    let mut data = Object::new();
    data.insert("token", jwt.sign(&prolonged)?);
    presented.touch(jwt, TokenClass::Sliding, now, info).await?;
    Ok(jwt.complete(data, Answer::RefreshSliding(claims)))
}

/// `token_verify`: whether a token of any type is good. The user is not looked at.
///
/// Reports no event. DIFFERENCE: the blacklist is asked wherever there is one; Simple JWT asks only under
/// `BLACKLIST_AFTER_ROTATION`.
#[doc(alias = "TokenVerifySerializer")]
pub async fn verify(jwt: &SimpleJwt, raw: &str, _info: &RequestInfo) -> Result<Object, Error> {
    let now = jwt.now();
    let claims = jwt.decode(raw, now).await?;
    tokens::check(jwt.settings(), TokenClass::Untyped, &claims, now)?;
    let (_, blacklisted) = jwt
        .user_and_blacklisted(None, blacklist_key(jwt, &claims))
        .await?;
    if blacklisted {
        return Err(Error::VerifiedTokenBlacklisted);
    }
    Ok(jwt.complete(Object::new(), Answer::Verify(&claims)))
}

/// `token_blacklist`: ends a refresh token. Without a token store it succeeds and does nothing, as Simple JWT.
#[doc(alias = "TokenBlacklistSerializer")]
pub async fn blacklist(jwt: &SimpleJwt, raw: &str, info: &RequestInfo) -> Result<Object, Error> {
    let now = jwt.now();
    let read = jwt.decode(raw, now).await;
    let claims = read.inspect_err(|error| events::revoke_refused(jwt, None, error, info))?;
    match revoke(jwt, TokenClass::Refresh, &claims, now).await {
        Ok(()) if jwt.tokens().is_some() => events::revoked(jwt, &claims, info),
        Ok(()) => {}
        Err(error) => {
            events::revoke_refused(jwt, Some(&claims), &error, info);
            return Err(error);
        }
    }
    Ok(jwt.complete(Object::new(), Answer::Blacklist(&claims)))
}

/// Blacklists a token, or ends the line of a refresh token that was exchanged within the grace period.
pub(crate) async fn revoke(
    jwt: &SimpleJwt,
    class: TokenClass,
    claims: &Claims,
    now: Timestamp,
) -> Result<(), Error> {
    let owner = jwt.claimed_user_id(claims);
    // Asked for beside the blacklist: each question is another wait where the database is slow.
    let asked = owner.as_ref().ok().and_then(Option::as_ref);
    let asked = asked.filter(|_| jwt.tokens().is_some());
    let (user, blacklisted) = jwt
        .user_and_blacklisted(asked, blacklist_key(jwt, claims))
        .await?;
    let may_end_line = rotates_once(jwt) && !jwt.settings().rotation_grace_period.is_zero();
    check_listed(jwt, class, claims, blacklisted && !may_end_line, now)?;
    let Some(store) = jwt.tokens() else {
        return Ok(());
    };
    check_signable(claims)?;
    if !blacklisted {
        owner.map_err(|NotAnId| Error::NoActiveAccountForToken)?;
        let owner = user.map(|user| user.id);
        let made = blacklist::blacklist_of(jwt, claims, owner.as_ref(), now).await?;
        if made.created {
            return Ok(());
        }
    }
    // Within the grace period an exchanged token is as good as its successor, and so is its log-out.
    let jti = blacklist_key(jwt, claims).filter(|_| may_end_line);
    let has_ended = match jti {
        Some(jti) => {
            let grace = jwt.settings().rotation_grace_period;
            store.end_line(jti, grace, now).await?
        }
        None => false,
    };
    if has_ended {
        Ok(())
    } else {
        Err(TokenError::Blacklisted.into())
    }
}

async fn sign_and_record(
    jwt: &SimpleJwt,
    class: TokenClass,
    claims: &Claims,
    user: &User,
    now: Timestamp,
    info: &RequestInfo,
) -> Result<String, Error> {
    let signed = jwt.sign(claims)?;
    let owner = Some(&user.id);
    match (jwt.sessions(), usage(jwt, class, claims, owner, now, info)) {
        (Some(sessions), Some(usage)) => {
            let token = issued(jwt, claims, &signed, owner, now)?;
            sessions.record_session(&token, &usage).await?;
        }
        _ => record(jwt, claims, &signed, owner, now).await?,
    }
    Ok(signed)
}

async fn logged_in(jwt: &SimpleJwt, user: &User, info: &RequestInfo) -> Result<(), Error> {
    if jwt.settings().update_last_login {
        jwt.users().update_last_login(user, jwt.now()).await?;
    }
    jwt.login_succeeded(user, info);
    Ok(())
}

/// The claims of a token that is to be refreshed. Of one that cannot be believed nothing but that is reported.
async fn read_for_refresh(
    jwt: &SimpleJwt,
    raw: &str,
    now: Timestamp,
    info: &RequestInfo,
) -> Result<Claims, Error> {
    let read = jwt.decode(raw, now).await;
    read.inspect_err(|error| events::refresh_refused(jwt, None, error, info))
}

fn report_refresh(
    jwt: &SimpleJwt,
    claims: &Claims,
    result: &Result<Object, Error>,
    info: &RequestInfo,
) {
    match result {
        Ok(_) => events::refreshed(jwt, claims, info),
        Err(error) => events::refresh_refused(jwt, Some(claims), error, info),
    }
}

/// A token brought to be refreshed, with what the stores know about it.
struct Presented<'a> {
    claims: &'a Claims,
    /// Whether the user claim is there and true in Python's sense; without one nobody is looked up.
    names_user: bool,
    user: Option<User>,
    blacklisted: bool,
}

impl<'a> Presented<'a> {
    async fn look_up(jwt: &SimpleJwt, claims: &'a Claims) -> Result<Self, Error> {
        check_signable(claims)?;
        let names_user = claims
            .get(&jwt.settings().user_id_claim)
            .is_some_and(crate::json::Value::is_truthy);
        let user_id = if names_user {
            jwt.claimed_user_id(claims).unwrap_or(None)
        } else {
            None
        };
        let (user, blacklisted) = jwt
            .user_and_blacklisted(user_id.as_ref(), blacklist_key(jwt, claims))
            .await?;
        Ok(Self {
            claims,
            names_user,
            user,
            blacklisted,
        })
    }

    /// The user rule and, under `CHECK_REVOKE_TOKEN`, the password the token was made under.
    ///
    /// DIFFERENCE: as Simple JWT's unreleased main; 5.5.1 crashes on a missing user, never compares the revoke
    /// claim here, and does not look at the user of a sliding token.
    fn judge_user(&self, jwt: &SimpleJwt) -> Result<(), Error> {
        if !self.names_user {
            return Ok(());
        }
        if !jwt.may_authenticate(self.user.as_ref()) {
            return Err(Error::NoActiveAccountForToken);
        }
        let Some(user) = &self.user else {
            return Ok(());
        };
        let settings = jwt.settings();
        let claim = self
            .claims
            .get(&settings.revoke_token_claim)
            .and_then(crate::json::Value::as_str);
        if !settings.check_revoke_token || claim == Some(&password_digest(user)) {
            return Ok(());
        }
        Err(Error::PasswordChanged)
    }

    /// The same, and a token that is older than the password is blacklisted.
    async fn check_user(&self, jwt: &SimpleJwt, now: Timestamp) -> Result<(), Error> {
        let judged = self.judge_user(jwt);
        if matches!(judged, Err(Error::PasswordChanged)) && jwt.tokens().is_some() {
            blacklist::blacklist(jwt, self.claims, now).await?;
        }
        judged
    }
}

impl Presented<'_> {
    /// Notes in its session that the token was refreshed without another one being made.
    async fn touch(
        &self,
        jwt: &SimpleJwt,
        class: TokenClass,
        now: Timestamp,
        info: &RequestInfo,
    ) -> Result<(), Error> {
        let owner = self.user.as_ref().map(|user| &user.id);
        match (
            jwt.sessions(),
            usage(jwt, class, self.claims, owner, now, info),
        ) {
            (Some(sessions), Some(usage)) => Ok(sessions.touch_session(&usage).await?),
            _ => Ok(()),
        }
    }
}

/// PyJWT signs no `iss` that is not a string, so what is made from such a token cannot be signed either.
pub(crate) fn check_signable(claims: &Claims) -> Result<(), TokenError> {
    let signable = claims
        .get("iss")
        .is_none_or(|issuer| issuer.as_str().is_some());
    if signable {
        Ok(())
    } else {
        Err(TokenError::Invalid)
    }
}

/// Whether an exchanged token is used up: rotation, blacklisting and a token store.
fn rotates_once(jwt: &SimpleJwt) -> bool {
    jwt.settings().rotate_refresh_tokens
        && jwt.settings().blacklist_after_rotation
        && jwt.tokens().is_some()
}

/// Whether an exchanged token is told from others on the blacklist, as grace or reuse detection have more to say
/// about it.
fn tells_reuse(jwt: &SimpleJwt) -> bool {
    let settings = jwt.settings();
    rotates_once(jwt) && (settings.reuse_detection || !settings.rotation_grace_period.is_zero())
}

/// The signed successor, on record.
async fn rotate(
    jwt: &SimpleJwt,
    brought: &Presented<'_>,
    now: Timestamp,
    info: &RequestInfo,
) -> Result<String, Error> {
    let settings = jwt.settings();
    let parent = brought.claims;
    let owner = brought.user.as_ref().map(|user| &user.id);
    if jwt.tokens().is_some() && jwt.claimed_user_id(parent).is_err() {
        return Err(Error::NoActiveAccountForToken);
    }
    let iat = now.as_second();
    let exp = tokens::seconds_after(now, settings.refresh_token_lifetime);
    let successor = tokens::successor_claims(settings, parent, &jwt.new_jti(now), iat, exp);
    let signed = jwt.sign(&successor)?;
    let Some(store) = jwt.tokens().filter(|_| rotates_once(jwt)) else {
        record(jwt, &successor, &signed, owner, now).await?;
        return Ok(signed);
    };
    let rotation = Rotation {
        parent: presented(jwt, parent, owner, now)?,
        successor: issued(jwt, &successor, &signed, owner, now)?,
        successor_iat: iat,
        at: now,
        grace: settings.rotation_grace_period,
        reuse_detection: settings.reuse_detection,
    };
    let usage = usage(jwt, TokenClass::Refresh, &successor, owner, now, info);
    let rotated = match (jwt.sessions(), usage) {
        (Some(sessions), Some(usage)) => {
            let created_at = issued_at(parent).unwrap_or(now);
            let usage = SessionUse {
                created_at,
                ..usage
            };
            sessions.rotate_session(&rotation, &usage).await?
        }
        _ => store.rotate(&rotation).await?,
    };
    match rotated {
        Rotated::Fresh => Ok(signed),
        Rotated::Replayed(Successor { jti, iat, exp }) => {
            jwt.sign(&tokens::successor_claims(settings, parent, &jti, iat, exp))
        }
        Rotated::Blacklisted => Err(TokenError::Blacklisted.into()),
        Rotated::Reused { line_revoked } => {
            if tells_reuse(jwt) {
                events::reused(jwt, parent, line_revoked, info);
            }
            Err(TokenError::Blacklisted.into())
        }
    }
}
