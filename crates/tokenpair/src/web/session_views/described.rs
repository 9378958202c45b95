//! What the views of sessions take and answer.

use crate::SimpleJwt;
use crate::web::fields::{Field, Kind};
use crate::web::operation::{Answered, Operation};
use http::StatusCode;

pub(super) fn log_out(jwt: &SimpleJwt) -> Operation {
    let text = "The token is invalid, expired, of another type, or its session has ended already.";
    Operation::new("Log out")
        .fields([Field::required("refresh").kind(Kind::Token)])
        .answer(
            StatusCode::OK,
            "The session has ended.",
            Answered::Object(Vec::new()),
        )
        .answer(
            StatusCode::BAD_REQUEST,
            "The field is missing or wrong.",
            Answered::FieldErrors,
        )
        .answer(StatusCode::UNAUTHORIZED, text, Answered::Detail)
        .delivery(jwt.settings())
}

pub(super) fn log_out_everywhere(_jwt: &SimpleJwt) -> Operation {
    let ended = vec![Field::read_only("sessions").kind(Kind::Integer)];
    Operation::new("Log out everywhere").answer(
        StatusCode::OK,
        "How many sessions have ended.",
        Answered::Object(ended),
    )
}

pub(super) fn list(_jwt: &SimpleJwt) -> Operation {
    let text = "The sessions, the newest first.";
    Operation::new("Sessions").answer(StatusCode::OK, text, Answered::List(session()))
}

pub(super) fn one(_jwt: &SimpleJwt) -> Operation {
    Operation::new("A session")
        .answer(StatusCode::OK, "The session.", Answered::Object(session()))
        .answer(StatusCode::NOT_FOUND, NO_SUCH, Answered::Detail)
}

pub(super) fn end(_jwt: &SimpleJwt) -> Operation {
    let text = "The session has ended.";
    Operation::new("End this session")
        .answer(StatusCode::NO_CONTENT, text, Answered::Empty)
        .answer(StatusCode::NOT_FOUND, NO_SUCH, Answered::Detail)
}

const NO_SUCH: &str = "The caller has no such session.";

fn session() -> Vec<Field> {
    let nullable = |kind: Kind| Kind::Nullable(kind.into());
    vec![
        Field::read_only("id"),
        Field::read_only("created").kind(Kind::DateTime),
        Field::read_only("last_refreshed").kind(nullable(Kind::DateTime)),
        Field::read_only("expires").kind(Kind::DateTime),
        Field::read_only("address").kind(nullable(Kind::Anything)),
        Field::read_only("user_agent").kind(nullable(Kind::Anything)),
        Field::read_only("current").kind(Kind::Boolean),
        Field::read_only("url"),
    ]
}
