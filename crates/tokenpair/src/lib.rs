//! Simple JWT for Rust: access and refresh tokens, rotation, blacklist and permissions for axum, compatible on the
//! wire with Django REST Framework's *Simple JWT* 5.5.
//!
//! **Mount** the endpoints, **protect** routes:
//!
//! ```
//! use axum::{Router, routing::get};
//! use tokenpair::web::{IsAuthenticated, token_urls};
//! use tokenpair::{MemoryStore, Settings, SimpleJwt, User};
//!
//! let store = MemoryStore::default(); // or SqliteStore::connect("sqlite:auth.db").await?
//! store.add_user(User::new(1, "ada"));
//! let settings = Settings::new("a secret of at least 32 bytes, kept out of the code");
//! let jwt = SimpleJwt::new(settings, store)?;
//! let app: Router = Router::new().nest("/api", token_urls()).route("/me", get(me)).with_state(jwt);
//!
//! async fn me(IsAuthenticated(user): IsAuthenticated) -> String {
//!     user.username
//! }
//! # Ok::<(), tokenpair::SettingsError>(())
//! ```
//!
//! **Features**: `axum` (on by default), `sqlite`, `postgres`, `jwk-url`, `test-util`. Without any, the engine remains: settings,
//! tokens, flows and the store traits.
//!
//! Time and ids are inputs ([`clock`]), users and tokens live behind small traits ([`store`]), endpoints without HTTP
//! are in [`flows`].

pub mod authentication;
mod backend;
mod blacklist;
pub mod clock;
mod convert;
mod error;
mod events;
mod flaw;
pub mod flows;
pub mod json;
mod jwt;
mod model_backend;
mod models;
mod nearest;
pub mod passwords;
mod settings;
pub mod store;
mod tokens;
#[cfg(feature = "axum")]
pub mod web;

/// For implementing the store traits.
pub use async_trait::async_trait;
pub use backend::{Algorithm, KeyError, MAX_TOKEN_BYTES};
pub use blacklist::Listed;
pub use error::{AuthenticationFailed, CsrfFailed, Error, RefusedBy, StoreError, TokenError};
pub use events::Event;
pub use flaw::Flaw;
pub use jwt::{Answer, SimpleJwt, SimpleJwtBuilder};
pub use model_backend::ModelBackend;
pub use models::{
    BlacklistedToken, Credentials, EncodedPassword, NumericDate, OutstandingToken, RequestInfo,
    TokenUser, User, UserId, UserIdKind,
};
pub use nearest::nearest;
pub use settings::{
    Audience, Entry, ErrorTexts, SameSite, Secret, Setting, Settings, SettingsError, TokenClass,
    UserIdClaimType,
};
pub use store::{MemoryStore, TokenStore, UserStore, UserTable};
#[cfg(feature = "postgres")]
pub use store::{PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
pub use store::{SqliteOptions, SqliteStore};
pub use tokens::{
    Access, AccessToken, Claims, Kind, Refresh, RefreshToken, Sliding, SlidingToken, Token,
    Untyped, UntypedToken,
};

/// The examples of README and manual compile, and those that end by themselves run.
#[cfg(all(doctest, feature = "axum", feature = "sqlite", feature = "test-util"))]
mod manual {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/cookbook-axum.md")]
    struct Cookbook;
    #[doc = include_str!("../../../docs/permissions.md")]
    struct Permissions;
    #[doc = include_str!("../../../docs/browsable-api.md")]
    struct BrowsableApi;
    #[doc = include_str!("../../../docs/openapi.md")]
    struct OpenApi;
}
