//! The stateful half of refresh and sliding tokens: recorded when made, checked against the blacklist when read.
//!
//! Simple JWT's `BlacklistMixin`. Without a token store nothing is recorded and nothing is blacklisted.

use crate::backend::date_in_micros;
use crate::convert::NotAnId;
use crate::error::{Error, TokenError};
use crate::jwt::{SimpleJwt, listed_jti};
use crate::models::{BlacklistedToken, NumericDate, OutstandingToken, User, UserId};
use crate::settings::TokenClass;
use crate::tokens::{self, Claims, Kind, Refresh, Sliding, Token};
use jiff::Timestamp;

/// Classes whose tokens are recorded: refresh and sliding.
#[doc(alias = "BlacklistMixin")]
pub trait Listed: Kind {}
impl Listed for Refresh {}
impl Listed for Sliding {}

impl<K: Listed> Token<K> {
    /// A new token for `user`, recorded as an outstanding token.
    ///
    /// Claims inserted afterwards are signed but not part of the record.
    pub async fn for_user(jwt: &SimpleJwt, user: &User) -> Result<Self, Error> {
        let now = jwt.now();
        let claims = tokens::claims_for_user(jwt, K::CLASS, user, now);
        record(jwt, &claims, &jwt.sign(&claims)?, Some(&user.id), now).await?;
        Ok(Self::from_claims(claims))
    }

    /// Reads a token: signature, dates, blacklist, id and type. The user is not looked at.
    pub async fn verify(jwt: &SimpleJwt, raw: &str) -> Result<Self, Error> {
        let now = jwt.now();
        let claims = jwt.decode(raw, now).await?;
        let (_, blacklisted) = jwt
            .user_and_blacklisted(None, blacklist_key(jwt, &claims))
            .await?;
        check_listed(jwt, K::CLASS, &claims, blacklisted, now)?;
        Ok(Self::from_claims(claims))
    }

    /// Blacklists the token, recording it first if it is unknown.
    ///
    /// `created` is false if it was blacklisted before. Without a token store this is an error: nothing would
    /// be remembered.
    pub async fn blacklist(&self, jwt: &SimpleJwt) -> Result<BlacklistedToken, Error> {
        blacklist(jwt, self.claims(), jwt.now()).await
    }

    /// Fails with [`TokenError::Blacklisted`] if the token is on the blacklist by now.
    pub async fn check_blacklist(&self, jwt: &SimpleJwt) -> Result<(), Error> {
        let jti = blacklist_key(jwt, self.claims());
        match jwt.user_and_blacklisted(None, jti).await? {
            (_, true) => Err(TokenError::Blacklisted.into()),
            _ => Ok(()),
        }
    }

    /// Records the token as outstanding unless it is known already.
    pub async fn outstand(&self, jwt: &SimpleJwt) -> Result<(), Error> {
        let owner = owner(jwt, self.claims()).await?;
        record(
            jwt,
            self.claims(),
            &jwt.sign(self.claims())?,
            owner.as_ref(),
            jwt.now(),
        )
        .await
    }
}

/// The `jti` to ask the blacklist for, where there is a blacklist.
pub(crate) fn blacklist_key<'a>(jwt: &SimpleJwt, claims: &'a Claims) -> Option<&'a str> {
    jwt.tokens()?;
    listed_jti(jwt.settings(), claims)
}

/// Parts B and C of the validation order for a class that is listed.
pub(crate) fn check_listed(
    jwt: &SimpleJwt,
    class: TokenClass,
    claims: &Claims,
    blacklisted: bool,
    now: Timestamp,
) -> Result<(), TokenError> {
    if blacklisted {
        return Err(TokenError::Blacklisted);
    }
    tokens::check(jwt.settings(), class, claims, now)?;
    let unusable_id = jwt.tokens().is_some() && listed_jti(jwt.settings(), claims).is_none();
    if unusable_id {
        Err(TokenError::NoId)
    } else {
        Ok(())
    }
}

/// Blacklists a token whose claims have been verified.
pub(crate) async fn blacklist(
    jwt: &SimpleJwt,
    claims: &Claims,
    now: Timestamp,
) -> Result<BlacklistedToken, Error> {
    let owner = owner(jwt, claims).await?;
    blacklist_of(jwt, claims, owner.as_ref(), now).await
}

/// Blacklists a token whose claims have been verified and whose owner has been looked up.
pub(crate) async fn blacklist_of(
    jwt: &SimpleJwt,
    claims: &Claims,
    owner: Option<&UserId>,
    now: Timestamp,
) -> Result<BlacklistedToken, Error> {
    let Some(tokens) = jwt.tokens() else {
        let message = "there is no token store, so nothing can be blacklisted";
        return Err(crate::StoreError::new(message).into());
    };
    let outstanding = presented(jwt, claims, owner, now)?;
    let created = tokens.blacklist(&outstanding, now).await?;
    Ok(BlacklistedToken {
        jti: outstanding.jti,
        created,
    })
}

/// Records a token that was just signed, where there is a token store.
pub(crate) async fn record(
    jwt: &SimpleJwt,
    claims: &Claims,
    signed: &str,
    owner: Option<&UserId>,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(tokens) = jwt.tokens() else {
        return Ok(());
    };
    Ok(tokens
        .record(&issued(jwt, claims, signed, owner, now)?)
        .await?)
}

/// The row of a token that was just signed.
pub(crate) fn issued(
    jwt: &SimpleJwt,
    claims: &Claims,
    signed: &str,
    owner: Option<&UserId>,
    now: Timestamp,
) -> Result<OutstandingToken, Error> {
    let unsigned = signed
        .rsplit_once('.')
        .map_or(signed, |(unsigned, _signature)| unsigned);
    let kept = if jwt.settings().store_full_tokens {
        signed
    } else {
        unsigned
    };
    row(jwt, claims, kept.to_owned(), owner, now)
}

/// The row of a token that a client brought, in case it is unknown: its claims encoded anew, as Simple JWT does.
pub(crate) fn presented(
    jwt: &SimpleJwt,
    claims: &Claims,
    owner: Option<&UserId>,
    now: Timestamp,
) -> Result<OutstandingToken, Error> {
    let whole = jwt.settings().store_full_tokens;
    let text = if whole {
        jwt.sign(claims)?
    } else {
        jwt.backend().encode_unsigned(claims)
    };
    row(jwt, claims, text, owner, now)
}

fn row(
    jwt: &SimpleJwt,
    claims: &Claims,
    token: String,
    owner: Option<&UserId>,
    now: Timestamp,
) -> Result<OutstandingToken, Error> {
    let jti = listed_jti(jwt.settings(), claims).ok_or(TokenError::NoId)?;
    let exp = claims.get("exp").and_then(date_in_micros);
    let expires_at = exp
        .and_then(NumericDate::from_micros)
        .ok_or(TokenError::Invalid)?;
    Ok(OutstandingToken {
        user_id: owner.cloned(),
        jti: jti.to_owned(),
        token,
        created_at: now,
        expires_at,
    })
}

/// The primary key of the user that a token names, if that user exists.
///
/// A claim that could not be anybody's key is refused, where Django would fail; one that names nobody is fine.
async fn owner(jwt: &SimpleJwt, claims: &Claims) -> Result<Option<UserId>, Error> {
    let user = match jwt.claimed_user_id(claims) {
        Ok(Some(id)) => jwt.users().get_user(&id).await?,
        Ok(None) => None,
        Err(NotAnId) => return Err(Error::NoActiveAccountForToken),
    };
    Ok(user.map(|user| user.id))
}
