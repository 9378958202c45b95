//! What the token endpoints take and answer.

use crate::SimpleJwt;
use crate::web::fields::{Field, Kind};
use crate::web::operation::{Answered, Operation};
use http::StatusCode;

pub(super) fn obtain_pair(jwt: &SimpleJwt) -> Operation {
    let pair = Answered::Object(vec![token("refresh"), token("access")]);
    log_in(jwt, "Log in")
        .answer(StatusCode::OK, "The tokens.", pair)
        .delivery(jwt.settings())
}

pub(super) fn obtain_sliding(jwt: &SimpleJwt) -> Operation {
    let sliding = Answered::Object(vec![token("token")]);
    log_in(jwt, "Log in for a sliding token")
        .answer(StatusCode::OK, "The token.", sliding)
        .delivery(jwt.settings())
}

pub(super) fn refresh(jwt: &SimpleJwt) -> Operation {
    let mut answered = vec![token("access")];
    if jwt.settings().rotate_refresh_tokens {
        answered.push(token("refresh"));
    }
    let text = "The token is invalid, expired, of another type or blacklisted, or its user may not log in.";
    Operation::new("Refresh")
        .fields([token("refresh"), Field::read_only("access")])
        .answer(
            StatusCode::OK,
            "A new access token.",
            Answered::Object(answered),
        )
        .answer(StatusCode::BAD_REQUEST, FIELDS, Answered::FieldErrors)
        .answer(StatusCode::UNAUTHORIZED, text, Answered::Detail)
        .delivery(jwt.settings())
}

pub(super) fn refresh_sliding(jwt: &SimpleJwt) -> Operation {
    let sliding = Answered::Object(vec![token("token")]);
    let text = "The token is invalid, expired, of another type or blacklisted, its window has ended, or its user may not log in.";
    Operation::new("Refresh a sliding token")
        .fields([token("token")])
        .answer(StatusCode::OK, "The token with a later end.", sliding)
        .answer(StatusCode::BAD_REQUEST, FIELDS, Answered::FieldErrors)
        .answer(StatusCode::UNAUTHORIZED, text, Answered::Detail)
        .delivery(jwt.settings())
}

pub(super) fn verify(_jwt: &SimpleJwt) -> Operation {
    let nothing = Answered::Object(Vec::new());
    let text = "The token is blacklisted, or a field is wrong.";
    Operation::new("Verify")
        .fields([token("token")])
        .answer(StatusCode::OK, "The token is good.", nothing)
        .answer(StatusCode::BAD_REQUEST, text, Answered::FieldErrors)
        .answer(
            StatusCode::UNAUTHORIZED,
            "The token is invalid or expired.",
            Answered::Detail,
        )
}

pub(super) fn blacklist(jwt: &SimpleJwt) -> Operation {
    let nothing = Answered::Object(Vec::new());
    let text = "The token is invalid, expired, of another type or blacklisted already.";
    Operation::new("Blacklist a refresh token")
        .fields([token("refresh")])
        .answer(StatusCode::OK, "The token has ended.", nothing)
        .answer(StatusCode::BAD_REQUEST, FIELDS, Answered::FieldErrors)
        .answer(StatusCode::UNAUTHORIZED, text, Answered::Detail)
        .delivery(jwt.settings())
}

const FIELDS: &str = "A field is missing or wrong.";

fn log_in(jwt: &SimpleJwt, summary: &'static str) -> Operation {
    let text = "No active account has this name and password.";
    Operation::new(summary)
        .fields([
            Field::required(jwt.users().username_field()).kind(Kind::Username),
            Field::required("password").kind(Kind::Password),
        ])
        .answer(StatusCode::BAD_REQUEST, FIELDS, Answered::FieldErrors)
        .answer(StatusCode::UNAUTHORIZED, text, Answered::Detail)
}

fn token(name: &str) -> Field {
    Field::required(name).kind(Kind::Token)
}
