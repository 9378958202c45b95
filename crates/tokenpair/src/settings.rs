//! `SIMPLE_JWT` as a struct: one documented field per setting, validated once, before the first token.
//!
//! Names, defaults and effects are Simple JWT 5.5's (`settings.py`); our own settings say so. Values come from
//! code, from the environment ([`Settings::from_env`]) or from any list of named values ([`Settings::load`]).
//! This module never looks at a token.

mod entries;
mod load;
mod read;
mod values;

pub use load::{Entry, SettingsError};
pub use read::Setting;
pub use values::{ErrorTexts, SameSite, Secret, TokenClass, UserIdClaimType};

use crate::backend::Algorithm;
use crate::passwords::{Hasher, Rounds};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// Every setting of the engine. Start from [`Settings::new`] and change fields, or [`load`](Settings::load) names.
///
/// ```
/// use std::time::Duration;
/// let mut settings = tokenpair::Settings::new("a secret of at least 32 bytes, kept out of the code");
/// settings.access_token_lifetime = Duration::from_secs(15 * 60);
/// settings.rotate_refresh_tokens = true;
/// ```
#[derive(Clone)]
#[cfg_attr(test, derive(PartialEq))]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of Simple JWT's, under its name"
)]
pub struct Settings {
    /// `ACCESS_TOKEN_LIFETIME`: how long an access token is valid. Default 5 minutes.
    pub access_token_lifetime: Duration,
    /// `REFRESH_TOKEN_LIFETIME`: how long a refresh token is valid, a rotated one again in full. Default 1 day.
    pub refresh_token_lifetime: Duration,
    /// `ROTATE_REFRESH_TOKENS`: refresh also returns a new refresh token. Default off.
    pub rotate_refresh_tokens: bool,
    /// `BLACKLIST_AFTER_ROTATION`: rotation blacklists the presented token, so that it is exchanged at most once.
    /// Needs rotation and a token store. Default off.
    pub blacklist_after_rotation: bool,
    /// `UPDATE_LAST_LOGIN`: obtaining tokens sets the user's `last_login`. Default off.
    pub update_last_login: bool,
    /// `ALGORITHM`: the one JWS algorithm tokens are signed with and accepted in. Default HS256.
    pub algorithm: Algorithm,
    /// `SIGNING_KEY`: HMAC secret (its UTF-8 bytes) or PEM private key. There is no default; the server makes itself a
    /// secret in a file. May be empty where an asymmetric `VERIFYING_KEY` or `JWK_URL` is given: tokens are then verified
    /// and none can be issued.
    pub signing_key: Secret,
    /// `VERIFYING_KEY`: PEM public key; empty derives it from the private key. Ignored for HMAC.
    pub verifying_key: String,
    /// `AUDIENCE`: written as `aud`, required and checked on input. A string or a list of strings. Default none.
    pub audience: Option<Audience>,
    /// `ISSUER`: written as `iss`, required and checked on input. Default none.
    pub issuer: Option<String>,
    /// `JWK_URL`: where the keys for verification are fetched from. Asymmetric algorithms only. Default none.
    pub jwk_url: Option<String>,
    /// `LEEWAY`: tolerance for `exp`, `nbf`, `iat` and the sliding window. Default 0.
    pub leeway: Duration,
    /// `AUTH_HEADER_TYPES`: accepted schemes, case-sensitive; the first is used in challenges. Default `Bearer`.
    pub auth_header_types: Vec<String>,
    /// `AUTH_HEADER_NAME`: the request header with the token, in CGI style. Default `HTTP_AUTHORIZATION`.
    pub auth_header_name: String,
    /// `USER_ID_FIELD`: the user column that tokens name. Default `id`.
    pub user_id_field: String,
    /// `USER_ID_CLAIM`: the claim with the value of `USER_ID_FIELD`. Default `user_id`.
    pub user_id_claim: String,
    /// `USER_ID_CLAIM_TYPE` (ours): how `USER_ID_CLAIM` is written; both forms are read. Default string, as Simple JWT 5.5.
    pub user_id_claim_type: UserIdClaimType,
    /// `AUTH_TOKEN_CLASSES`: the token classes that authenticate requests, tried in order. Default `AccessToken`.
    pub auth_token_classes: Vec<TokenClass>,
    /// `TOKEN_TYPE_CLAIM`: the claim with the token's type; with none it is neither written nor checked.
    pub token_type_claim: Option<String>,
    /// `JTI_CLAIM`: the claim with the token's id; with none, which a token store refuses, it is neither written nor checked.
    pub jti_claim: Option<String>,
    /// `SLIDING_TOKEN_REFRESH_EXP_CLAIM`: the claim with the end of a sliding token's window. Default `refresh_exp`.
    pub sliding_token_refresh_exp_claim: String,
    /// `SLIDING_TOKEN_LIFETIME`: how long a sliding token is valid. Default 5 minutes.
    pub sliding_token_lifetime: Duration,
    /// `SLIDING_TOKEN_REFRESH_LIFETIME`: how long a sliding token may be refreshed. Default 1 day.
    pub sliding_token_refresh_lifetime: Duration,
    /// `CHECK_REVOKE_TOKEN`: tokens carry a digest of the stored password and die with it. Default off.
    pub check_revoke_token: bool,
    /// `REVOKE_TOKEN_CLAIM`: the claim with the digest of `CHECK_REVOKE_TOKEN`. Default `hash_password`.
    pub revoke_token_claim: String,
    /// `CHECK_USER_IS_ACTIVE`: inactive users may neither use nor refresh tokens. Default on.
    pub check_user_is_active: bool,
    /// `ROTATION_GRACE_PERIOD` (ours): how long a rotated token still yields the same successor, at most 60 s.
    /// Zero, the default, is Simple JWT's behaviour: refused at once.
    pub rotation_grace_period: Duration,
    /// `REUSE_DETECTION` (ours): a rotated token that comes back after the grace period ends its whole line.
    /// Default off.
    pub reuse_detection: bool,
    /// `SESSIONS` (ours): each log-in is kept as a session, which its user sees and ends; its tokens carry the claim `sid`.
    /// Needs a token store and, with `ROTATE_REFRESH_TOKENS`, `BLACKLIST_AFTER_ROTATION`. Default off.
    pub sessions: bool,
    /// `STORE_FULL_TOKENS` (ours): keep tokens on record with their signature, as Django does. Default off.
    pub store_full_tokens: bool,
    /// `INSECURE_ALLOW_SHORT_KEYS` (ours): accept HMAC secrets shorter than the hash and small RSA keys.
    pub insecure_allow_short_keys: bool,
    /// `ERROR_TEXTS` (ours): the wording of refused tokens, of Simple JWT 5.5 (default) or 5.4.
    pub error_texts: ErrorTexts,
    /// `PASSWORD_HASHERS`: Django's list, the first one preferred. Default: Django's.
    pub password_hashers: Vec<Hasher>,
    /// `PASSWORD_ROUNDS` (ours): the work of new hashes. Default: Django 5.2's. A Django on the same users must use
    /// the same numbers, or each would re-hash what the other wrote.
    pub password_rounds: Rounds,
    /// `DATA_UPLOAD_MAX_MEMORY_SIZE`: the largest request body, in bytes. Default 2,621,440, as Django.
    pub data_upload_max_memory_size: usize,
    /// `AUTH_COOKIES` (ours): tokens are delivered in cookies to clients that ask for it with `X-Token-Delivery: cookie`,
    /// and an access token in a cookie authenticates a request that has none in its header. Default on.
    pub auth_cookies: bool,
    /// `AUTH_COOKIE_SAMESITE` (ours): whether the cookies come with links from other sites (`Lax`) or never with anything
    /// that another site began (`Strict`). Default `Lax`.
    pub auth_cookie_samesite: SameSite,
    /// `AUTH_COOKIE_SECURE` (ours): the cookies are sent over HTTPS only, and their names begin with `__Host-`. Off is for
    /// development over plain HTTP with a host other than `localhost`. Default on.
    pub auth_cookie_secure: bool,
    /// `CSRF_TRUSTED_ORIGINS`: origins whose pages may make changes with the cookies, besides the server's own, such as
    /// `https://app.example.com` or `https://*.example.com`. Default none.
    pub csrf_trusted_origins: Vec<String>,
    sources: BTreeMap<&'static str, String>,
}

impl fmt::Debug for Settings {
    /// What [`entries`](Self::entries) gives: without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries();
        let values = entries.iter().map(|entry| (&entry.name, &entry.value));
        f.write_str("Settings ")?;
        f.debug_map().entries(values).finish()
    }
}

/// The value of `AUDIENCE`: written to tokens as given, string or list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A single audience, written as a string.
    One(String),
    /// Several, written as a list; a token needs one of them.
    Any(Vec<String>),
}

impl Audience {
    pub(crate) fn contains(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Any(many) => many.iter().any(|one| one == audience),
        }
    }
}

/// The longest lifetime: a hundred years keeps every `exp` a four-digit year.
const MAX_LIFETIME: Duration = Duration::from_secs(36_525 * 86_400);
/// The claim with the session's id (`OpenID` Connect Front-Channel Logout 1.0 §3), under `SESSIONS`.
pub(crate) const SESSION_CLAIM: &str = "sid";
const MAX_GRACE: Duration = Duration::from_secs(60);
const MAX_LEEWAY: Duration = Duration::from_secs(86_400);

impl Settings {
    /// Simple JWT's defaults, signing with `signing_key`.
    pub fn new(signing_key: impl Into<Secret>) -> Self {
        let five_minutes = Duration::from_secs(300);
        Self {
            access_token_lifetime: five_minutes,
            refresh_token_lifetime: DAY,
            rotate_refresh_tokens: false,
            blacklist_after_rotation: false,
            update_last_login: false,
            algorithm: Algorithm::HS256,
            signing_key: signing_key.into(),
            verifying_key: String::new(),
            audience: None,
            issuer: None,
            jwk_url: None,
            leeway: Duration::ZERO,
            auth_header_types: vec!["Bearer".to_owned()],
            auth_header_name: "HTTP_AUTHORIZATION".to_owned(),
            user_id_field: "id".to_owned(),
            user_id_claim: "user_id".to_owned(),
            user_id_claim_type: UserIdClaimType::String,
            auth_token_classes: vec![TokenClass::Access],
            token_type_claim: Some("token_type".to_owned()),
            jti_claim: Some("jti".to_owned()),
            sliding_token_refresh_exp_claim: "refresh_exp".to_owned(),
            sliding_token_lifetime: five_minutes,
            sliding_token_refresh_lifetime: DAY,
            check_revoke_token: false,
            revoke_token_claim: "hash_password".to_owned(),
            check_user_is_active: true,
            rotation_grace_period: Duration::ZERO,
            reuse_detection: false,
            sessions: false,
            store_full_tokens: false,
            insecure_allow_short_keys: false,
            error_texts: ErrorTexts::V5_5,
            password_hashers: Hasher::DJANGO_DEFAULT.to_vec(),
            password_rounds: Rounds::default(),
            data_upload_max_memory_size: 2_621_440,
            auth_cookies: true,
            auth_cookie_samesite: SameSite::Lax,
            auth_cookie_secure: true,
            csrf_trusted_origins: Vec::new(),
            sources: BTreeMap::new(),
        }
    }

    /// Tokens whose record says that they expired before this instant are of no use to anybody, by any way:
    /// [`flush_expired`](crate::TokenStore::flush_expired) may have them. `now` is the earliest of all clocks concerned.
    ///
    /// The record of a sliding token keeps the date of its first minute: a refresh moves `exp` in the token, not in the
    /// database, until `SLIDING_TOKEN_REFRESH_LIFETIME` has passed, and the last token lives `SLIDING_TOKEN_LIFETIME`
    /// longer. The record of an ended session is what access tokens are refused by, and the last of them was made when its
    /// refresh token expired at the latest. A day more covers clocks that differ and a leeway that was longer yesterday.
    pub fn expired_before(&self, now: Timestamp) -> Timestamp {
        let margin = DAY
            .saturating_add(self.leeway)
            .saturating_add(self.access_token_lifetime)
            .saturating_add(self.sliding_token_lifetime)
            .saturating_add(self.sliding_token_refresh_lifetime);
        now.checked_sub(margin).unwrap_or(Timestamp::MIN)
    }

    /// Reads `TOKENPAIR_<NAME>` variables, one for each setting; what is absent keeps its default.
    ///
    /// `TOKENPAIR_SIGNING_KEY` is required. Lists are comma-separated.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::load(Self::environment())
    }

    /// The `TOKENPAIR_*` variables of this process as entries, to be combined with others. Those of the server
    /// (`TOKENPAIR_LISTEN`, `TOKENPAIR_CORS_*` and so on) are left out.
    pub fn environment() -> Vec<Entry> {
        load::from_variables(std::env::vars_os())
    }

    /// The name of every setting that [`load`](Self::load) understands, in alphabetical order.
    pub fn names() -> &'static [&'static str] {
        &load::NAMES
    }

    /// Checks what a single value cannot know: ranges and combinations. Called by `SimpleJwt`.
    pub(crate) fn validate(&self) -> Result<(), SettingsError> {
        self.validate_durations()?;
        self.validate_names()?;
        if self.jwk_url.is_some() && self.algorithm.is_symmetric() {
            return Err(self.error(
                "JWK_URL",
                "needs an asymmetric ALGORITHM: a shared secret has no public key set",
            ));
        }
        let strict_rotation = self.rotate_refresh_tokens && self.blacklist_after_rotation;
        for (name, used) in [
            (
                "ROTATION_GRACE_PERIOD",
                !self.rotation_grace_period.is_zero(),
            ),
            ("REUSE_DETECTION", self.reuse_detection),
        ] {
            if used && !strict_rotation {
                return Err(self.error(
                    name,
                    "needs ROTATE_REFRESH_TOKENS = true and BLACKLIST_AFTER_ROTATION = true",
                ));
            }
        }
        if self.sessions && !self.may_keep_sessions() {
            return Err(self.error(
                "SESSIONS",
                "needs BLACKLIST_AFTER_ROTATION = true where ROTATE_REFRESH_TOKENS is on: a session ends with its last \
                 token, and those that it was exchanged for would go on",
            ));
        }
        Ok(())
    }

    /// Whether a session has one living refresh token at a time, so that `SESSIONS` can be switched on.
    pub fn may_keep_sessions(&self) -> bool {
        !self.rotate_refresh_tokens || self.blacklist_after_rotation
    }

    /// The oldest record whose token may live: a sliding token's keeps the date of its first minute, see
    /// [`expired_before`](Self::expired_before).
    pub fn living_since(&self, now: Timestamp) -> Timestamp {
        let longest = self
            .leeway
            .saturating_add(self.sliding_token_lifetime)
            .saturating_add(self.sliding_token_refresh_lifetime);
        now.checked_sub(longest).unwrap_or(Timestamp::MIN)
    }

    /// Whether tokens can be verified without a key of our own to sign them.
    pub(crate) fn verifies_only(&self) -> bool {
        !self.algorithm.is_symmetric() && (self.jwk_url.is_some() || !self.verifying_key.is_empty())
    }

    /// Refuses what cannot be the lifetime of a token; the error says what can.
    pub fn check_lifetime(lifetime: Duration) -> Result<(), &'static str> {
        if (Duration::from_secs(1)..=MAX_LIFETIME).contains(&lifetime) {
            return Ok(());
        }
        Err("must lie between 1 second and 36525 days")
    }

    fn validate_durations(&self) -> Result<(), SettingsError> {
        for (name, lifetime) in [
            ("ACCESS_TOKEN_LIFETIME", self.access_token_lifetime),
            ("REFRESH_TOKEN_LIFETIME", self.refresh_token_lifetime),
            ("SLIDING_TOKEN_LIFETIME", self.sliding_token_lifetime),
            (
                "SLIDING_TOKEN_REFRESH_LIFETIME",
                self.sliding_token_refresh_lifetime,
            ),
        ] {
            Self::check_lifetime(lifetime).map_err(|flaw| self.error(name, flaw))?;
        }
        if self.leeway > MAX_LEEWAY {
            return Err(self.error("LEEWAY", "must be at most 1 day"));
        }
        if self.rotation_grace_period > MAX_GRACE {
            return Err(self.error("ROTATION_GRACE_PERIOD", "must be at most 60 seconds"));
        }
        Ok(())
    }

    fn validate_names(&self) -> Result<(), SettingsError> {
        if self.auth_header_types.is_empty()
            || self
                .auth_header_types
                .iter()
                .any(|scheme| scheme.is_empty() || !scheme.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(self.error(
                "AUTH_HEADER_TYPES",
                "must be one or more schemes without white space, such as \"Bearer\"",
            ));
        }
        if self.auth_token_classes.is_empty() {
            return Err(self.error("AUTH_TOKEN_CLASSES", "must name at least one token class"));
        }
        if self.auth_header().is_none() {
            return Err(self.error(
                "AUTH_HEADER_NAME",
                "must be a header in CGI style, such as \"HTTP_AUTHORIZATION\"",
            ));
        }
        if let Some(other) = self.csrf_trusted_origins.iter().find(|one| !is_origin(one)) {
            return Err(self.error(
                "CSRF_TRUSTED_ORIGINS",
                format!(
                    "expected origins without a path, such as \"https://app.example.com\" or \"https://*.example.com\", got \
                     {other:?}"
                ),
            ));
        }
        self.validate_claim_names()
    }

    /// Two settings that name one claim would overwrite each other's value.
    fn validate_claim_names(&self) -> Result<(), SettingsError> {
        let reserved = ["exp", "iat", "nbf", "aud", "iss"];
        let named = [
            ("TOKEN_TYPE_CLAIM", self.token_type_claim.as_deref()),
            ("JTI_CLAIM", self.jti_claim.as_deref()),
            ("USER_ID_CLAIM", Some(self.user_id_claim.as_str())),
            (
                "SLIDING_TOKEN_REFRESH_EXP_CLAIM",
                Some(self.sliding_token_refresh_exp_claim.as_str()),
            ),
            ("REVOKE_TOKEN_CLAIM", Some(self.revoke_token_claim.as_str())),
            ("SESSIONS", self.sessions.then_some(SESSION_CLAIM)),
        ];
        for (index, (name, claim)) in named.iter().enumerate() {
            let Some(claim) = *claim else { continue };
            let taken = named
                .iter()
                .take(index)
                .any(|(_, other)| *other == Some(claim));
            if claim.is_empty() || reserved.contains(&claim) || taken {
                return Err(self.error(
                    name,
                    "must be a claim name of its own, none of exp, iat, nbf, aud, iss",
                ));
            }
        }
        Ok(())
    }

    /// The request header that `AUTH_HEADER_NAME` means, in lower case: `HTTP_X_TOKEN` is `x-token`.
    pub(crate) fn auth_header(&self) -> Option<String> {
        let bare = self.auth_header_name.strip_prefix("HTTP_")?;
        let valid = !bare.is_empty()
            && bare
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        valid.then(|| bare.to_ascii_lowercase().replace('_', "-"))
    }

    /// An error that names `name` and where its value came from.
    pub(crate) fn error(&self, name: &'static str, message: impl Into<String>) -> SettingsError {
        SettingsError::new(name, self.sources.get(name).cloned(), message)
    }

    /// What is allowed but probably not meant, a sentence each. The server logs them at start.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.leeway > self.access_token_lifetime {
            warnings.push("LEEWAY is longer than ACCESS_TOKEN_LIFETIME: tokens live more than twice as long as they say".to_owned());
        }
        if self.blacklist_after_rotation && !self.rotate_refresh_tokens {
            warnings.push(
                "BLACKLIST_AFTER_ROTATION has no effect on refresh without ROTATE_REFRESH_TOKENS"
                    .to_owned(),
            );
        }
        if self.insecure_allow_short_keys {
            warnings.push(
                "INSECURE_ALLOW_SHORT_KEYS is on: keys that can be guessed are accepted".to_owned(),
            );
        }
        if self.auth_cookies && !self.auth_cookie_secure {
            warnings.push(
                "AUTH_COOKIE_SECURE is off: cookies with tokens travel over plain HTTP, which is for development only"
                    .to_owned(),
            );
        }
        if self.auth_cookies && self.signing_key.expose().is_empty() {
            warnings.push("AUTH_COOKIES without a SIGNING_KEY: each process signs CSRF tokens with a key of its own, so changes by cookie are refused where the issuer, another node or an earlier run gave the token. Set AUTH_COOKIES = false unless this process serves all pages alone".to_owned());
        }
        if self.check_revoke_token && self.jwk_url.is_some() {
            warnings.push("CHECK_REVOKE_TOKEN compares with this server's users although JWK_URL trusts another issuer".to_owned());
        }
        warnings
    }
}

/// Whether a text is `https://host`, perhaps with a port, perhaps with `*.` for every subdomain.
fn is_origin(text: &str) -> bool {
    let host = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    host.map(|host| host.strip_prefix("*.").unwrap_or(host))
        .is_some_and(|host| !host.is_empty() && host.bytes().all(may_stand))
}

#[cfg(test)]
mod tests;
