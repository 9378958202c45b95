//! The five documents that the project started from, word by word: each checkable point is a test against the real
//! binary. README.md beside this file is the list; `table` keeps list and tests together.

#![cfg(unix)]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod seed_000;
mod seed_001;
mod seed_002;
mod seed_003;
mod seed_004;
mod site;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod tokens;
