//! HTTP in, JSON out, no socket: the endpoints as a client sees them, over every kind of store.
//!
//! A test arranges a [`TestApp`](app::TestApp), makes one call and looks at the answer. Time is moved, never waited for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::needless_pass_by_value
)]

mod accounts;
mod accounts_app;
mod accounts_password;
mod accounts_profile;
mod accounts_sign_up;
mod accounts_verification;
mod app;
mod blacklist;
mod browser;
mod browser_login;
mod browser_next;
mod browser_renewal;
mod columns;
mod cookies;
mod cookies_accounts;
mod cookies_ended;
mod cookies_read;
mod csrf;
mod csrf_attacks;
mod csrf_origins;
mod edges;
mod error_texts;
mod events;
mod extending;
mod forms;
mod hooks;
mod iexact;
mod jwk_url;
mod log;
mod manual;
mod obtain;
mod openapi;
mod outage;
mod pages;
mod people;
mod postgres;
mod protect;
mod purge;
mod refresh;
mod relations;
mod requests;
mod rotation;
mod sessions;
mod sliding;
mod sqlite;
mod stores;
mod vectors;
mod verify;
