//! The OpenAPI document of what this configuration serves.

use crate::app::{self, Users};
use crate::config::Paths;
use axum::http::StatusCode;
use tokenpair::SimpleJwt;
use tokenpair::json::Object;
use tokenpair::web::{Answered, OpenApi};

const DESCRIPTION: &str = "Access and refresh tokens, compatible with Simple JWT. \
                           A browser gets every answer as a page with forms to try it.";

/// Every endpoint at the path by which it is called; further paths of it answer alike.
pub(crate) fn document(jwt: &SimpleJwt, paths: &Paths, users: Users) -> Object {
    let nothing = Object::new();
    let views: Vec<(String, _)> = paths
        .firsts()
        .flat_map(|(endpoint, path)| {
            let view = app::view(endpoint, paths, users, &nothing);
            [Some((path.to_owned(), view)), app::below(endpoint, path)]
        })
        .flatten()
        .collect();
    // What the listener refuses before any endpoint is asked.
    OpenApi::new("tokenpair", env!("CARGO_PKG_VERSION"))
        .description(DESCRIPTION)
        .answer(
            StatusCode::REQUEST_TIMEOUT,
            "The body took too long.",
            Answered::Detail,
        )
        .answer(
            StatusCode::URI_TOO_LONG,
            "The target is longer than 8 KiB.",
            Answered::Detail,
        )
        .answer(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "The head is longer than 16 KiB, or has more than 100 fields.",
            Answered::Detail,
        )
        .document(jwt, &views)
}
