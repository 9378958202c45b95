//! `Token<K>` and the arithmetic of `token_type`, `exp`, `iat`, `jti`: Simple JWT's `tokens.py` without its database.
//!
//! No I/O here. Recording, blacklisting and looking users up is `blacklist.rs`.

use crate::backend::{Unreadable, date_in_micros};
use crate::error::TokenError;
use crate::json::{Object, Value};
use crate::jwt::{SimpleJwt, listed_jti, may_be_listed};
use crate::models::User;
use crate::settings::{SESSION_CLAIM, Settings, TokenClass, UserIdClaimType};
use jiff::Timestamp;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// The claims of a token: an ordered map that keeps names, order and number forms.
pub type Claims = Object;

/// Marks which class a [`Token`] belongs to.
pub trait Kind: Clone + Send + Sync + 'static {
    /// The class.
    const CLASS: TokenClass;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $token:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $kind {}
        impl Kind for $kind {
            const CLASS: TokenClass = TokenClass::$kind;
        }
        $(#[$doc])*
        pub type $token = Token<$kind>;
    )*};
}

kinds! {
    /// Authenticates requests; never recorded, valid until it expires.
    Access, AccessToken;
    /// Buys access tokens; recorded, can be blacklisted.
    Refresh, RefreshToken;
    /// Access and refresh in one, refreshable until its window ends; recorded.
    Sliding, SlidingToken;
    /// Any token, for verification without regard to its type.
    Untyped, UntypedToken;
}

/// A token's claims, either new or read from a verified text.
///
/// A `Token` is not a proof by itself: claims can be changed with [`insert`](Self::insert). Sign it with
/// [`SimpleJwt::encode`].
#[derive(Clone)]
pub struct Token<K: Kind> {
    claims: Claims,
    kind: PhantomData<K>,
}

impl<K: Kind> Token<K> {
    pub(crate) fn from_claims(claims: Claims) -> Self {
        Self {
            claims,
            kind: PhantomData,
        }
    }

    /// A new token that names nobody. Not recorded.
    pub fn new(jwt: &SimpleJwt) -> Self {
        Self::from_claims(fresh(jwt, K::CLASS, jwt.now()))
    }

    /// A new token for `user` as a log-in makes it: with the claims of the `get_token` hook. Not recorded, see
    /// [`outstand`](Self::outstand).
    pub fn for_login(jwt: &SimpleJwt, user: &User) -> Self {
        Self::from_claims(claims_for_login(jwt, K::CLASS, user, jwt.now()))
    }

    /// Sets a claim, in place if it exists, else at the end.
    pub fn insert(&mut self, claim: impl Into<String>, value: impl Into<Value>) {
        self.claims.insert(claim, value);
    }

    /// A claim's value.
    pub fn get(&self, claim: &str) -> Option<&Value> {
        self.claims.get(claim)
    }

    /// Removes a claim and returns it.
    pub fn remove(&mut self, claim: &str) -> Option<Value> {
        self.claims.remove(claim)
    }

    /// Sets `claim`, `"exp"` as a rule, to `lifetime` from now, whatever the settings say for the class.
    ///
    /// Do it before the token is recorded ([`outstand`](Self::outstand)), as the record keeps the date.
    pub fn set_exp(&mut self, jwt: &SimpleJwt, claim: &str, lifetime: Duration) {
        self.claims
            .insert(claim, seconds_after(jwt.now(), lifetime));
    }

    /// Sets `iat` to now.
    pub fn set_iat(&mut self, jwt: &SimpleJwt) {
        self.claims.insert("iat", jwt.now().as_second());
    }

    /// Gives the token a new id. Without a `JTI_CLAIM` nothing happens.
    pub fn set_jti(&mut self, jwt: &SimpleJwt) {
        if let Some(name) = &jwt.settings().jti_claim {
            self.claims.insert(name.as_str(), jwt.new_jti(jwt.now()));
        }
    }

    /// Fails if the date in `claim` (`"exp"`, `SLIDING_TOKEN_REFRESH_EXP_CLAIM`, one of your own) is missing or has passed.
    pub fn check_exp(&self, jwt: &SimpleJwt, claim: &str) -> Result<(), TokenError> {
        check_window(&self.claims, claim, jwt.settings().leeway, jwt.now())
    }

    /// All claims in their order.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// All claims, to change.
    pub fn claims_mut(&mut self) -> &mut Claims {
        &mut self.claims
    }
}

impl<K: Kind> fmt::Debug for Token<K> {
    /// The names of the claims only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.claims.iter().map(|(name, _)| name);
        f.write_str(K::CLASS.name())?;
        f.debug_list().entries(names).finish()
    }
}

impl AccessToken {
    /// An access token for `user`, with the configured claims and nothing recorded.
    pub fn for_user(jwt: &SimpleJwt, user: &User) -> Self {
        Self::from_claims(claims_for_user(jwt, TokenClass::Access, user, jwt.now()))
    }

    /// Reads an access token: signature, dates, id and type. Pure; the user is not looked at.
    pub fn verify(jwt: &SimpleJwt, raw: &str) -> Result<Self, TokenError> {
        read(jwt, raw, TokenClass::Access).map(Self::from_claims)
    }
}

impl UntypedToken {
    /// Reads a token of any type: signature, dates and id. Pure; neither user nor blacklist is looked at.
    pub fn verify(jwt: &SimpleJwt, raw: &str) -> Result<Self, TokenError> {
        read(jwt, raw, TokenClass::Untyped).map(Self::from_claims)
    }
}

impl RefreshToken {
    /// A new access token with every claim of this one except type, `exp`, `iat` and id.
    pub fn access_token(&self, jwt: &SimpleJwt) -> AccessToken {
        AccessToken::from_claims(access_claims(jwt, &self.claims, jwt.now()))
    }
}

/// A verified token as text and claims, without the blacklist. Fetched keys that are missing count as invalid here.
fn read(jwt: &SimpleJwt, raw: &str, class: TokenClass) -> Result<Claims, TokenError> {
    let now = jwt.now();
    let claims = jwt
        .backend()
        .decode(raw, now)
        .map_err(|unreadable| match unreadable {
            Unreadable::Token(error) => error,
            Unreadable::KeyNotAtHand => TokenError::Invalid,
        })?;
    check(jwt.settings(), class, &claims, now)?;
    Ok(claims)
}

/// The claims every new token starts with.
pub(crate) fn fresh(jwt: &SimpleJwt, class: TokenClass, now: Timestamp) -> Claims {
    let settings = jwt.settings();
    let mut claims = Claims::new();
    if let Some(name) = &settings.token_type_claim {
        claims.insert(name.as_str(), class.token_type());
    }
    claims.insert("exp", seconds_after(now, lifetime(settings, class)));
    claims.insert("iat", now.as_second());
    if let Some(name) = &settings.jti_claim {
        claims.insert(name.as_str(), jwt.new_jti(now));
    }
    if class == TokenClass::Sliding {
        let window = seconds_after(now, settings.sliding_token_refresh_lifetime);
        claims.insert(settings.sliding_token_refresh_exp_claim.as_str(), window);
    }
    claims
}

/// A new token that names `user`, with the revoke claim if it is configured.
pub(crate) fn claims_for_user(
    jwt: &SimpleJwt,
    class: TokenClass,
    user: &User,
    now: Timestamp,
) -> Claims {
    let settings = jwt.settings();
    let mut claims = fresh(jwt, class, now);
    let id = match settings.user_id_claim_type {
        UserIdClaimType::String => Value::from(user.user_id.to_string()),
        UserIdClaimType::Number => Value::from(&user.user_id),
    };
    claims.insert(settings.user_id_claim.as_str(), id);
    if settings.check_revoke_token {
        claims.insert(settings.revoke_token_claim.as_str(), password_digest(user));
    }
    claims
}

/// The claims of a log-in's token: own ones included and, under `SESSIONS`, the id of the session that it begins.
pub(crate) fn claims_for_login(
    jwt: &SimpleJwt,
    class: TokenClass,
    user: &User,
    now: Timestamp,
) -> Claims {
    let mut claims = claims_for_user(jwt, class, user, now);
    jwt.customise(&mut claims, user);
    if jwt.settings().sessions
        && let Some(id) = listed_jti(jwt.settings(), &claims).map(str::to_owned)
    {
        claims.insert(SESSION_CLAIM, id);
    }
    claims
}

/// The access token that a refresh token buys.
pub(crate) fn access_claims(jwt: &SimpleJwt, refresh: &Claims, now: Timestamp) -> Claims {
    let settings = jwt.settings();
    let mut claims = fresh(jwt, TokenClass::Access, now);
    let own = |name: &str| {
        matches!(name, "exp" | "iat" | "jti")
            || Some(name) == settings.token_type_claim.as_deref()
            || Some(name) == settings.jti_claim.as_deref()
    };
    for (name, value) in refresh.iter().filter(|(name, _)| !own(name)) {
        claims.insert(name, value.clone());
    }
    join_session(settings, &mut claims, refresh);
    claims
}

/// The id of the session that a refresh or sliding token belongs to: of one without a `sid`, or with one that cannot
/// be an id, its own `jti`.
pub(crate) fn session_id<'a>(settings: &Settings, claims: &'a Claims) -> Option<&'a str> {
    let sid = claims.get(SESSION_CLAIM).and_then(Value::as_str);
    sid.filter(|sid| may_be_listed(sid))
        .or_else(|| listed_jti(settings, claims))
}

/// The session that a token which authenticates a request belongs to. An access token's own `jti` is no session.
pub(crate) fn session_of_caller<'a>(settings: &Settings, claims: &'a Claims) -> Option<&'a str> {
    let access = TokenClass::Access;
    match check_type(settings, access, claims) {
        Ok(()) => claims.get(SESSION_CLAIM).and_then(Value::as_str),
        Err(_) => session_id(settings, claims),
    }
}

/// Under `SESSIONS`, what is made from `source` belongs to its session.
pub(crate) fn join_session(settings: &Settings, claims: &mut Claims, source: &Claims) {
    if settings.sessions
        && let Some(id) = session_id(settings, source)
        && claims.get(SESSION_CLAIM).and_then(Value::as_str) != Some(id)
    {
        claims.insert(SESSION_CLAIM, id);
    }
}

/// The successor of a refresh token: id and dates replaced in place, everything else kept.
pub(crate) fn successor_claims(
    settings: &Settings,
    parent: &Claims,
    jti: &str,
    iat: i64,
    exp: i64,
) -> Claims {
    let mut claims = parent.clone();
    if let Some(name) = &settings.jti_claim {
        claims.insert(name.as_str(), jti);
    }
    claims.insert("exp", exp);
    claims.insert("iat", iat);
    join_session(settings, &mut claims, parent);
    claims
}

/// Part C of the validation order: what a token of `class` must carry beyond a good signature.
pub(crate) fn check(
    settings: &Settings,
    class: TokenClass,
    claims: &Claims,
    now: Timestamp,
) -> Result<(), TokenError> {
    check_window(claims, "exp", settings.leeway, now).map_err(|error| match error {
        TokenError::ClaimExpired(_) => TokenError::Expired,
        other => other,
    })?;
    if settings
        .jti_claim
        .as_ref()
        .is_some_and(|name| !claims.contains_key(name))
    {
        return Err(TokenError::NoId);
    }
    check_type(settings, class, claims)
}

fn check_type(settings: &Settings, class: TokenClass, claims: &Claims) -> Result<(), TokenError> {
    let Some(name) = settings
        .token_type_claim
        .as_ref()
        .filter(|_| class != TokenClass::Untyped)
    else {
        return Ok(());
    };
    match claims.get(name) {
        None => Err(TokenError::NoType),
        Some(Value::String(token_type)) if token_type == class.token_type() => Ok(()),
        Some(_) => Err(TokenError::WrongType),
    }
}

/// A date claim that must exist and lie in the future.
pub(crate) fn check_window(
    claims: &Claims,
    claim: &str,
    leeway: Duration,
    now: Timestamp,
) -> Result<(), TokenError> {
    let value = claims
        .get(claim)
        .ok_or_else(|| TokenError::NoClaim(claim.to_owned()))?;
    let end = date_in_micros(value).ok_or(TokenError::Invalid)?;
    let leeway = i64::try_from(leeway.as_micros()).unwrap_or(i64::MAX);
    let passed = end.saturating_add(leeway) <= now.as_microsecond();
    if passed {
        Err(TokenError::ClaimExpired(claim.to_owned()))
    } else {
        Ok(())
    }
}

pub(crate) fn lifetime(settings: &Settings, class: TokenClass) -> Duration {
    match class {
        TokenClass::Access => settings.access_token_lifetime,
        TokenClass::Refresh => settings.refresh_token_lifetime,
        TokenClass::Sliding => settings.sliding_token_lifetime,
        TokenClass::Untyped => Duration::ZERO,
    }
}

/// Whole seconds; the fraction is cut off after the lifetime is added, as Simple JWT does.
pub(crate) fn seconds_after(now: Timestamp, lifetime: Duration) -> i64 {
    now.checked_add(lifetime)
        .unwrap_or(Timestamp::MAX)
        .as_second()
}

/// The revoke claim: upper-case hexadecimal MD5 of the stored password (Simple JWT's `get_md5_hash_password`).
///
/// MD5 is no protection here, only a fingerprint that changes with the password.
pub(crate) fn password_digest(user: &User) -> String {
    use md5::{Digest as _, Md5};
    use std::fmt::Write as _;
    let digest = Md5::digest(user.password.expose().as_bytes());
    digest
        .iter()
        .fold(String::with_capacity(32), |mut hex, byte| {
            let _ = write!(hex, "{byte:02X}");
            hex
        })
}
