//! The nouns: users, credentials, the stateless user, and the rows of the blacklist tables.
//!
//! No behaviour beyond small accessors; no I/O. Answers to Django's `AbstractBaseUser` and Simple JWT's `models.py`.

use crate::convert;
use crate::json::{Object, Value};
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use uuid::Uuid;

/// The kind of column that user ids live in; decides how a claim is converted (Django's rules).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserIdKind {
    /// `AutoField`, `BigAutoField` and other integers: read as Python's `int()` does.
    Integer,
    /// `UUIDField`: any spelling of a UUID.
    Uuid,
    /// `CharField` and friends: compared exactly.
    Text,
}

/// A user's key, as converted from a claim or read from the user table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum UserId {
    /// An integer key, 64 bits as Django's `BigAutoField`.
    Int(i64),
    /// A UUID key; its text is hyphenated and lower-case.
    Uuid(Uuid),
    /// Any other key.
    Text(String),
}

impl UserId {
    /// The key that `text` spells, as a claim would; `None` if no key of this kind is written so.
    pub fn from_text(text: &str, kind: UserIdKind) -> Option<Self> {
        convert::user_id(&Value::from(text), kind).ok().flatten()
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => int.fmt(f),
            Self::Uuid(uuid) => uuid.hyphenated().fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl From<i64> for UserId {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<&str> for UserId {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Uuid> for UserId {
    fn from(uuid: Uuid) -> Self {
        Self::Uuid(uuid)
    }
}

impl From<&UserId> for Value {
    /// An integer key becomes a JSON number, every other one a string.
    fn from(id: &UserId) -> Self {
        match id {
            UserId::Int(int) => Self::from(*int),
            other => Self::from(other.to_string()),
        }
    }
}

/// A user as the user store knows it.
#[derive(Clone)]
#[non_exhaustive]
pub struct User {
    /// The primary key: what outstanding tokens refer to.
    pub id: UserId,
    /// The value of `USER_ID_FIELD`, which tokens carry; the primary key unless configured otherwise.
    pub user_id: UserId,
    /// The value of the login field (`username`, or `email` for a mapped model).
    pub username: String,
    /// Inactive users cannot log in.
    pub is_active: bool,
    /// Passes [`IsAdminUser`](crate::web::IsAdminUser).
    pub is_staff: bool,
    /// Django's superuser flag; nothing in this library looks at it.
    pub is_superuser: bool,
    /// The stored, encoded password; empty where the user store keeps none. Feeds `CHECK_REVOKE_TOKEN`.
    pub password: EncodedPassword,
    /// Further columns of the row as JSON, those that [`UserModel::columns`](crate::store::UserModel::columns) asks
    /// for: groups and permissions at a log-in only. Empty where a store has no such thing.
    pub columns: Object,
}

impl User {
    /// An active user without staff rights and without a stored password.
    pub fn new(id: impl Into<UserId>, username: impl Into<String>) -> Self {
        let id = id.into();
        Self {
            user_id: id.clone(),
            id,
            username: username.into(),
            is_active: true,
            is_staff: false,
            is_superuser: false,
            password: EncodedPassword::default(),
            columns: Object::new(),
        }
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("is_active", &self.is_active)
            .finish_non_exhaustive()
    }
}

/// A password as Django stores it (`pbkdf2_sha256$1000000$…`). `Debug` is redacted.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct EncodedPassword(String);

impl EncodedPassword {
    /// Wraps a stored value, whatever its format.
    pub fn new(encoded: impl Into<String>) -> Self {
        Self(encoded.into())
    }

    /// The stored text. Keep it out of logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EncodedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What a client sent to log in. `Debug` shows neither name nor password.
#[derive(Clone)]
pub struct Credentials {
    /// The login name, trimmed as DRF trims every field.
    pub username: String,
    /// The password as received, outer white space included.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([redacted])")
    }
}

/// Where a request came from, for hooks and for the record of a login.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RequestInfo {
    /// The peer's address; axum provides it only through `into_make_service_with_connect_info::<SocketAddr>()`.
    pub address: Option<IpAddr>,
    /// The `User-Agent` header, cut to 512 bytes.
    pub user_agent: Option<String>,
    /// The `X-Request-ID` header, if it [may be one](Self::is_request_id).
    pub request_id: Option<String>,
}

impl RequestInfo {
    /// Whether a text may be the id of a request: 1 to 128 letters, digits, `.`, `_` and `-`, which can be repeated in a
    /// log and a header without a second thought.
    pub fn is_request_id(text: &[u8]) -> bool {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        (1..=128).contains(&text.len()) && text.iter().all(plain)
    }
}

/// The user of a stateless view: what the access token says, unchecked against any store.
///
/// Simple JWT's `TokenUser`. Further claims are reachable through [`TokenUser::claims`].
#[doc(alias = "TOKEN_USER_CLASS")]
#[derive(Clone)]
pub struct TokenUser {
    /// The user claim unchanged, whatever its JSON type.
    pub id: Value,
    /// Shared, as a request's caller is handed to everyone who asks.
    claims: Arc<Object>,
}

impl TokenUser {
    pub(crate) fn new(id: Value, claims: Object) -> Self {
        Self {
            id,
            claims: Arc::new(claims),
        }
    }

    /// The claim `username`, or an empty string.
    pub fn username(&self) -> Value {
        self.claims
            .get("username")
            .cloned()
            .unwrap_or_else(|| Value::from(""))
    }

    /// The claim `is_staff` unchanged, or false. Permissions look at its Python truthiness.
    pub fn is_staff(&self) -> Value {
        self.claims
            .get("is_staff")
            .cloned()
            .unwrap_or(Value::Bool(false))
    }

    /// The claim `is_superuser` unchanged, or false.
    pub fn is_superuser(&self) -> Value {
        self.claims
            .get("is_superuser")
            .cloned()
            .unwrap_or(Value::Bool(false))
    }

    /// Every claim of the access token.
    pub fn claims(&self) -> &Object {
        &self.claims
    }
}

impl fmt::Debug for TokenUser {
    /// The names of the claims only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.claims.iter().map(|(name, _)| name);
        f.write_str("TokenUser")?;
        f.debug_list().entries(names).finish()
    }
}

/// A date in a token (RFC 7519 §2): seconds since 1970 with a possible fraction, up to the end of the year 9999.
///
/// A type of its own because [`Timestamp`] ends a day earlier than tokens may. Keeps microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumericDate(i64);

impl NumericDate {
    /// The end of the year 9999, exclusive, in microseconds.
    const END: i64 = 253_402_300_800_000_000;

    /// `None` before 1970 and after the year 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        (0..Self::END).contains(&micros).then_some(Self(micros))
    }

    /// `None` before 1970 and after the year 9999.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        Self::from_micros(seconds.checked_mul(1_000_000)?)
    }

    /// Microseconds since 1970.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970.
    pub fn as_seconds(self) -> i64 {
        self.0 / 1_000_000
    }

    /// The calendar date and time in UTC.
    pub fn to_datetime(self) -> DateTime {
        jiff::civil::date(1970, 1, 1)
            .at(0, 0, 0, 0)
            .saturating_add(SignedDuration::from_micros(self.0))
    }
}

impl From<Timestamp> for NumericDate {
    /// Dates before 1970 become its first instant.
    fn from(at: Timestamp) -> Self {
        Self(at.as_microsecond().clamp(0, Self::END - 1))
    }
}

/// A refresh or sliding token on record: a row of `token_blacklist_outstandingtoken`. `Debug` hides the token.
#[derive(Clone, PartialEq, Eq)]
pub struct OutstandingToken {
    /// The owner's primary key; `None` when the token names nobody.
    pub user_id: Option<UserId>,
    /// The token's `jti`.
    pub jti: String,
    /// The token's text; without its signature unless `STORE_FULL_TOKENS` is on.
    pub token: String,
    /// When the record was made.
    pub created_at: Timestamp,
    /// The token's `exp`.
    pub expires_at: NumericDate,
}

impl fmt::Debug for OutstandingToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutstandingToken")
            .field("user_id", &self.user_id)
            .field("jti", &self.jti)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A revoked token: a row of `token_blacklist_blacklistedtoken`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlacklistedToken {
    /// The `jti` of the token.
    pub jti: String,
    /// False when somebody had blacklisted it before.
    pub created: bool,
}
