//! The rules of `clients/README.md`, one by one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::struct_excessive_bools)]

mod clock;
mod elsewhere;
mod engine;
mod fake;
mod outage;
mod requests;
mod secrets;
mod single;
mod storage;
mod users;
mod watched;
