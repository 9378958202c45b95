//! Types that exist for a setting's sake.

use std::fmt;

/// A text that must not be shown: `Debug` is redacted and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself. Keep it out of logs and errors.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// A class of tokens, as `AUTH_TOKEN_CLASSES` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenClass {
    /// `AccessToken`, type `access`.
    Access,
    /// `RefreshToken`, type `refresh`; asks the blacklist.
    Refresh,
    /// `SlidingToken`, type `sliding`; asks the blacklist.
    Sliding,
    /// `UntypedToken`: any type, never asked about.
    Untyped,
}

impl TokenClass {
    /// All of them, in the order error messages list them.
    pub const ALL: [Self; 4] = [Self::Access, Self::Refresh, Self::Sliding, Self::Untyped];

    /// Simple JWT's class name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "AccessToken",
            Self::Refresh => "RefreshToken",
            Self::Sliding => "SlidingToken",
            Self::Untyped => "UntypedToken",
        }
    }

    /// The value of the type claim.
    pub fn token_type(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Sliding => "sliding",
            Self::Untyped => "untyped",
        }
    }

    /// Whether tokens of this class are recorded and can be blacklisted (`BlacklistMixin`).
    pub(crate) fn is_listed(self) -> bool {
        matches!(self, Self::Refresh | Self::Sliding)
    }
}

/// How `USER_ID_CLAIM` is written. Both forms are always read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserIdClaimType {
    /// `"1"`, as Simple JWT 5.5 writes it.
    String,
    /// `1` for integer keys, as Simple JWT before 5.5 wrote it.
    Number,
}

/// The wording of refused tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorTexts {
    /// "Token is invalid", "Token is expired".
    V5_5,
    /// "Token is invalid or expired" for both.
    V5_4,
}

/// Which requests that another site began come with the cookies (RFC 6265bis §5.6.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// Links and other top-level GET requests.
    Lax,
    /// None.
    Strict,
}

impl SameSite {
    /// The value of the attribute.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lax => "Lax",
            Self::Strict => "Strict",
        }
    }
}
