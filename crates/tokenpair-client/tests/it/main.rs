//! The rules of `clients/README.md`, one by one.

mod clock;
mod engine;
mod fake;
mod outage;
mod requests;
mod secrets;
mod single;
mod storage;
