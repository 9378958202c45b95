//! [`SimpleJwt`]: settings, keys, stores, clock and hooks behind one cheap handle; the state of an axum app.
//!
//! Owns no rules: those are in `tokens.rs`, `blacklist.rs`, `authentication.rs` and `flows.rs`.

mod builder;

pub use builder::SimpleJwtBuilder;

use crate::backend::{TokenBackend, Unreadable};
use crate::clock::{Clock, Ids};
use crate::convert::{self, NotAnId};
use crate::error::{Error, StoreError, TokenError};
use crate::events::Event;
use crate::json::{Object, Value};
use crate::models::{RequestInfo, User, UserId};
use crate::settings::{Settings, SettingsError};
use crate::store::{Store, TokenStore, UserStore};
use crate::tokens::{Claims, Kind, Token};
use jiff::Timestamp;
use std::fmt;
use std::sync::Arc;

/// The engine, ready to use. Clones share everything; make one at start and pass it as state.
///
/// ```
/// # use tokenpair::{MemoryStore, Settings, SimpleJwt};
/// let settings = Settings::new("a secret of at least 32 bytes, kept out of the code");
/// let jwt = SimpleJwt::new(settings, MemoryStore::default())?;
/// # Ok::<(), tokenpair::SettingsError>(())
/// ```
#[derive(Clone)]
pub struct SimpleJwt(Arc<Inner>);

struct Inner {
    settings: Settings,
    auth_header: String,
    backend: TokenBackend,
    users: Arc<dyn UserStore>,
    tokens: Option<Arc<dyn TokenStore>>,
    /// Users and tokens in one database: one query can answer for both.
    joined: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    hooks: Hooks,
    #[cfg(feature = "axum")]
    unanswered: crate::web::Unanswered,
    #[cfg(feature = "axum")]
    csrf: crate::web::CsrfKey,
}

type GetToken = dyn Fn(&mut Claims, &User) + Send + Sync;
type Validate = dyn Fn(&mut Object, Answer<'_>) + Send + Sync;
type AuthenticationRule = dyn Fn(Option<&User>) -> bool + Send + Sync;
type OnLoginSuccess = dyn Fn(&User, &RequestInfo) + Send + Sync;
type OnLoginFailed = dyn Fn(&str, &RequestInfo) + Send + Sync;
type OnEvent = dyn Fn(&Event<'_>, &RequestInfo) + Send + Sync;

#[derive(Default)]
struct Hooks {
    get_token: Option<Box<GetToken>>,
    validate: Option<Box<Validate>>,
    user_authentication_rule: Option<Box<AuthenticationRule>>,
    on_login_success: Option<Box<OnLoginSuccess>>,
    on_login_failed: Option<Box<OnLoginFailed>>,
    on_event: Option<Box<OnEvent>>,
}

/// Which answer a [`validate`](SimpleJwtBuilder::validate) hook is looking at.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Answer<'a> {
    /// `token_obtain_pair` for this user.
    ObtainPair(&'a User),
    /// `token_obtain_sliding` for this user.
    ObtainSliding(&'a User),
    /// `token_refresh`; the claims of the presented token.
    Refresh(&'a Claims),
    /// `token_refresh_sliding`; the claims of the presented token.
    RefreshSliding(&'a Claims),
    /// `token_verify`; the claims of the presented token.
    Verify(&'a Claims),
    /// `token_blacklist`; the claims of the presented token.
    Blacklist(&'a Claims),
}

impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ObtainPair(_) => "ObtainPair",
            Self::ObtainSliding(_) => "ObtainSliding",
            Self::Refresh(_) => "Refresh",
            Self::RefreshSliding(_) => "RefreshSliding",
            Self::Verify(_) => "Verify",
            Self::Blacklist(_) => "Blacklist",
        })
    }
}

impl SimpleJwt {
    /// Users and tokens in one store, everything else as the settings say.
    ///
    /// Fails on settings that cannot work: unreadable or weak keys, ranges, combinations.
    pub fn new(settings: Settings, store: impl Store) -> Result<Self, SettingsError> {
        Self::builder(settings).store(store).build()
    }

    /// For own users, own claims, another clock, or no token store at all.
    pub fn builder(settings: Settings) -> SimpleJwtBuilder {
        SimpleJwtBuilder::new(settings)
    }

    /// The settings this engine runs with.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Signs a token, adding the configured `aud` and `iss`. Fails with `Error::Store` where there is no signing key.
    pub fn encode<K: Kind>(&self, token: &Token<K>) -> Result<String, Error> {
        self.sign(token.claims())
    }

    /// What the operator should look at: legal but doubtful settings and keys.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = self.0.settings.warnings();
        warnings.extend(self.0.backend.warning());
        if self.0.settings.blacklist_after_rotation && self.0.tokens.is_none() {
            warnings.push("BLACKLIST_AFTER_ROTATION has no effect without a token store: refresh tokens can be reused".to_owned());
        }
        warnings
    }

    /// The current time, from the engine's clock.
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The name of the request header with the access token, in lower case (`AUTH_HEADER_NAME`).
    pub fn auth_header(&self) -> &str {
        &self.0.auth_header
    }

    /// Whether both handles belong to one engine.
    #[cfg(feature = "axum")]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Requests that could not be answered.
    #[cfg(feature = "axum")]
    pub(crate) fn unanswered(&self) -> &crate::web::Unanswered {
        &self.0.unanswered
    }

    /// What tells our CSRF tokens from others.
    #[cfg(feature = "axum")]
    pub(crate) fn csrf(&self) -> &crate::web::CsrfKey {
        &self.0.csrf
    }

    pub(crate) fn backend(&self) -> &TokenBackend {
        &self.0.backend
    }

    pub(crate) fn users(&self) -> &dyn UserStore {
        &*self.0.users
    }

    pub(crate) fn tokens(&self) -> Option<&dyn TokenStore> {
        self.0.tokens.as_deref()
    }

    pub(crate) fn new_jti(&self, now: Timestamp) -> String {
        self.0.ids.jti(now)
    }

    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, Error> {
        self.0
            .backend
            .encode(claims)
            .map_err(|error| StoreError::new(error).into())
    }

    /// Part A of the validation order. Keys from `JWK_URL` that are missing are fetched first, outside this task.
    pub(crate) async fn decode(&self, raw: &str, now: Timestamp) -> Result<Claims, Error> {
        match self.0.backend.decode(raw, now) {
            Ok(claims) => Ok(claims),
            Err(Unreadable::Token(error)) => Err(error.into()),
            Err(Unreadable::KeyNotAtHand) => self.decode_with_fetched_keys(raw, now).await,
        }
    }

    async fn decode_with_fetched_keys(&self, raw: &str, now: Timestamp) -> Result<Claims, Error> {
        if !self.fetch_keys().await? {
            return Err(TokenError::Invalid.into());
        }
        self.0
            .backend
            .decode(raw, now)
            .map_err(|_| TokenError::Invalid.into())
    }

    /// Whether there may be new keys now.
    #[cfg(feature = "jwk-url")]
    pub(crate) async fn fetch_keys(&self) -> Result<bool, StoreError> {
        self.0.backend.fetch_keys().await
    }

    #[cfg(not(feature = "jwk-url"))]
    #[expect(clippy::unused_async, reason = "same shape as with the feature")]
    pub(crate) async fn fetch_keys(&self) -> Result<bool, StoreError> {
        Ok(false)
    }

    /// The key that the user claim of `claims` names; `None` when it is missing or names nobody.
    pub(crate) fn claimed_user_id(&self, claims: &Claims) -> Result<Option<UserId>, NotAnId> {
        match claims.get(&self.0.settings.user_id_claim) {
            Some(claim) => convert::user_id(claim, self.0.users.user_id_kind()),
            None => Ok(None),
        }
    }

    /// The user and whether `jti` is blacklisted, in one query where one database holds both.
    pub(crate) async fn user_and_blacklisted(
        &self,
        user_id: Option<&UserId>,
        jti: Option<&str>,
    ) -> Result<(Option<User>, bool), StoreError> {
        match (user_id, jti, &self.0.joined) {
            (Some(id), Some(jti), Some(joined)) => {
                return joined.get_user_and_blacklisted(id, jti).await;
            }
            (None, None, _) => return Ok((None, false)),
            _ => {}
        }
        let blacklisted = match (jti, &self.0.tokens) {
            (Some(jti), Some(tokens)) => tokens.is_blacklisted(jti).await?,
            _ => false,
        };
        let user = match user_id {
            Some(id) => self.0.users.get_user(id).await?,
            None => None,
        };
        Ok((user, blacklisted))
    }

    /// `USER_AUTHENTICATION_RULE`.
    pub(crate) fn may_authenticate(&self, user: Option<&User>) -> bool {
        match &self.0.hooks.user_authentication_rule {
            Some(rule) => rule(user),
            None => {
                user.is_some_and(|user| user.is_active || !self.0.settings.check_user_is_active)
            }
        }
    }

    pub(crate) fn customise(&self, claims: &mut Claims, user: &User) {
        if let Some(get_token) = &self.0.hooks.get_token {
            get_token(claims, user);
        }
    }

    pub(crate) fn complete(&self, mut data: Object, answer: Answer<'_>) -> Object {
        if let Some(validate) = &self.0.hooks.validate {
            validate(&mut data, answer);
        }
        data
    }

    pub(crate) fn login_succeeded(&self, user: &User, info: &RequestInfo) {
        if let Some(hook) = &self.0.hooks.on_login_success {
            hook(user, info);
        }
        self.report(info, || Event::LogIn { user });
    }

    pub(crate) fn login_failed(&self, username: &str, info: &RequestInfo) {
        if let Some(hook) = &self.0.hooks.on_login_failed {
            hook(username, info);
        }
        self.report(info, || Event::LogInRefused { username });
    }

    /// Tells the hook, if there is one.
    pub(crate) fn report<'a>(&self, info: &RequestInfo, event: impl FnOnce() -> Event<'a>) {
        if let Some(hook) = &self.0.hooks.on_event {
            hook(&event(), info);
        }
    }
}

impl fmt::Debug for SimpleJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleJwt")
            .field("backend", &self.0.backend)
            .finish_non_exhaustive()
    }
}

impl From<&UserId> for String {
    fn from(id: &UserId) -> Self {
        id.to_string()
    }
}

/// The `jti` as the blacklist needs it (T10): a text of 1 to 255 characters without NUL.
pub(crate) fn listed_jti<'a>(settings: &Settings, claims: &'a Claims) -> Option<&'a str> {
    let jti = claims
        .get(settings.jti_claim.as_deref()?)
        .and_then(Value::as_str)?;
    let is_short = jti.len() <= 255 || jti.chars().count() <= 255;
    let fits = !jti.is_empty() && is_short && !jti.contains('\0');
    fits.then_some(jti)
}
