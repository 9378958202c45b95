//! What can go wrong, one small enum a layer. Statuses and JSON live in `web/respond.rs`, not here.

use crate::settings::ErrorTexts;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// Why a token is unusable. `Display` gives Simple JWT 5.5's text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Malformed, wrongly signed, or a registered claim failed.
    #[error("Token is invalid")]
    Invalid,
    /// The `exp` claim has passed.
    #[error("Token is expired")]
    Expired,
    /// The `jti` is on the blacklist.
    #[error("Token is blacklisted")]
    Blacklisted,
    /// The `JTI_CLAIM` is missing, or cannot be an id where one is needed.
    #[error("Token has no id")]
    NoId,
    /// The `TOKEN_TYPE_CLAIM` is missing.
    #[error("Token has no type")]
    NoType,
    /// The `TOKEN_TYPE_CLAIM` names another type.
    #[error("Token has wrong type")]
    WrongType,
    /// A required time claim is missing.
    #[error("Token has no '{0}' claim")]
    NoClaim(String),
    /// A time claim other than `exp` has passed.
    #[error("Token '{0}' claim has expired")]
    ClaimExpired(String),
}

impl TokenError {
    /// The text for clients, in the wording that `ERROR_TEXTS` chooses.
    pub fn message(&self, texts: ErrorTexts) -> Cow<'static, str> {
        match (texts, self) {
            (ErrorTexts::V5_4, Self::Invalid | Self::Expired) => {
                "Token is invalid or expired".into()
            }
            _ => self.to_string().into(),
        }
    }
}

/// A store could not answer. Carries its cause for the log; clients see a bare 503.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(#[source] Box<dyn StdError + Send + Sync>);

impl StoreError {
    /// Wraps the cause.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// Why a request's credentials were refused (Simple JWT's `authentication.py`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthenticationFailed {
    /// The header holds the scheme and then not exactly one value.
    BadAuthorizationHeader,
    /// No class of `AUTH_TOKEN_CLASSES` accepts the token: the class's name, its type, and why, for each.
    NotValidForAnyTokenType(Vec<RefusedBy>),
    /// The token lacks the user claim.
    NoUserIdentification,
    /// The user claim names nobody.
    UserNotFound,
    /// The user is inactive and `CHECK_USER_IS_ACTIVE` is on.
    UserInactive,
    /// `CHECK_REVOKE_TOKEN` is on and the password is no longer the one the token was made under.
    PasswordChanged,
}

/// One class of `AUTH_TOKEN_CLASSES` and its reason to refuse a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedBy {
    /// Simple JWT's class name, such as `AccessToken`.
    pub token_class: &'static str,
    /// The class's token type, such as `access`.
    pub token_type: &'static str,
    /// The reason.
    pub error: TokenError,
}

/// Why a request that acts on cookies was refused, in Django's words (`REASON_*` of its `middleware/csrf.py`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CsrfFailed {
    /// The `Origin` is neither the server's own nor one of `CSRF_TRUSTED_ORIGINS`.
    #[error("Origin checking failed - {0} does not match any trusted origins.")]
    Origin(String),
    /// The browser says that a page of another origin made the request. Django does not look.
    #[error("Origin checking failed - Sec-Fetch-Site is {0}.")]
    FetchSite(String),
    /// There is no cookie to compare a token with.
    #[error("CSRF cookie not set.")]
    NoCookie,
    /// There is a cookie and no token.
    #[error("CSRF token missing.")]
    NoToken,
    /// The token is not the cookie's, or neither was made here for this user.
    #[error("CSRF token from the 'X-Csrftoken' HTTP header incorrect.")]
    Incorrect,
}

/// What is wrong with the fields of a request, in DRF's words: a list of texts by field, in the order of the fields.
#[doc(alias = "serializers.ValidationError")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValidationError(Vec<(String, Vec<String>)>);

impl ValidationError {
    /// One flaw of one field.
    pub fn new(field: &str, text: impl Into<String>) -> Self {
        let mut error = Self::default();
        error.add(field, text);
        error
    }

    /// Adds a flaw.
    pub fn add(&mut self, field: &str, text: impl Into<String>) {
        let known = self.0.iter_mut().find(|(name, _)| name == field);
        match known {
            Some((_, texts)) => texts.push(text.into()),
            None => self.0.push((field.to_owned(), vec![text.into()])),
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether something is wrong with this field.
    pub fn is_about(&self, field: &str) -> bool {
        self.0.iter().any(|(name, _)| name == field)
    }

    /// The fields and what is wrong with each.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0
            .iter()
            .map(|(name, texts)| (name.as_str(), texts.as_slice()))
    }
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.fields().map(|(name, _)| name).collect();
        write!(f, "not valid: {}", names.join(", "))
    }
}

impl StdError for ValidationError {}

/// Anything an operation of the engine can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The token is unusable.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A verified token is on the blacklist; the verify endpoint answers in a shape of its own.
    #[error("Token is blacklisted")]
    VerifiedTokenBlacklisted,
    /// Wrong name or password, or an account that may not log in.
    #[error("No active account found with the given credentials")]
    NoActiveAccount,
    /// A refresh or sliding token of a missing or barred user.
    #[error("No active account found for the given token.")]
    NoActiveAccountForToken,
    /// A refresh or sliding token older than its user's password, under `CHECK_REVOKE_TOKEN`.
    #[error("The user's password has been changed.")]
    PasswordChanged,
    /// The request's credentials were refused.
    #[error("authentication failed: {0:?}")]
    AuthenticationFailed(AuthenticationFailed),
    /// The route needs credentials and there were none.
    #[error("Authentication credentials were not provided.")]
    NotAuthenticated,
    /// The user may not use the route.
    #[error("You do not have permission to perform this action.")]
    PermissionDenied,
    /// The request acts on cookies, and another site may have made it.
    #[error("CSRF Failed: {0}")]
    CsrfFailed(#[from] CsrfFailed),
    /// A member of the request is missing or not acceptable.
    #[error(transparent)]
    Validation(#[from] ValidationError),
    /// People may not do this here: see [`AccountOptions`](crate::accounts::AccountOptions).
    #[error("Not found.")]
    NotOffered,
    /// The store failed. Nothing was done, or whether it was done is unknown: the client may repeat the request.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too much work is waiting. Nothing was done.
    #[error("too much work is waiting")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
}

impl Error {
    /// Whether the credentials were judged and refused: no outage, and nothing that others would fail at, too.
    #[cfg(feature = "axum")]
    pub(crate) fn is_about_credentials(&self) -> bool {
        !matches!(
            self,
            Self::Store(_)
                | Self::Busy { .. }
                | Self::PermissionDenied
                | Self::CsrfFailed(_)
                | Self::NotOffered
        )
    }
}

impl From<AuthenticationFailed> for Error {
    fn from(failed: AuthenticationFailed) -> Self {
        Self::AuthenticationFailed(failed)
    }
}
