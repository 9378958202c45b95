#![doc = include_str!("../README.md")]

mod builder;
mod client;
mod clock;
mod endpoints;
mod error;
mod events;
mod keeper;
mod patience;
mod request;
mod service;
mod session;
mod storage;
mod tokens;

/// For implementing [`Storage`].
pub use async_trait::async_trait;
pub use builder::ClientBuilder;
pub use client::Client;
pub use clock::{Clock, Sleep, SystemClock};
pub use error::{BuildError, Error, Refusal};
pub use events::{Event, LogoutReason};
pub use request::RequestBuilder;
/// The version that this crate speaks with.
pub use reqwest;
pub use storage::{FileStorage, Guard, MemoryStorage, Storage};
pub use tokens::{Token, Tokens};
