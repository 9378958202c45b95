//! What the views of accounts take and answer.

use crate::SimpleJwt;
use crate::accounts::names::{MAX_EMAIL, MAX_USERNAME};
use crate::web::fields::{Field, Kind};
use crate::web::operation::{Answered, Operation};
use http::StatusCode;

const FIELDS: &str = "A field is missing or wrong.";

pub(super) fn register(jwt: &SimpleJwt) -> Operation {
    let is_by_email = jwt.users().username_field() == "email";
    let username = (!is_by_email).then(|| Field::required("username").kind(Kind::Username));
    let email = if is_by_email {
        Field::required("email")
    } else {
        Field::optional("email").help("Needed where addresses are verified.")
    };
    let described = Operation::new("Sign up")
        .fields(username.map(|field| field.max_length(MAX_USERNAME)))
        .fields([email.kind(Kind::Email).max_length(MAX_EMAIL)])
        .fields(names())
        .fields([new_password("password")]);
    let text =
        "The user with the tokens, or with a note that the address has to be verified first.";
    described
        .answer(StatusCode::CREATED, text, let_in())
        .answer(StatusCode::BAD_REQUEST, FIELDS, Answered::FieldErrors)
}

pub(super) fn register_verify(_jwt: &SimpleJwt) -> Operation {
    Operation::new("Verify an address")
        .fields(link())
        .answer(StatusCode::OK, "The user with the tokens.", let_in())
        .answer(StatusCode::BAD_REQUEST, FIELDS, Answered::FieldErrors)
}

pub(super) fn register_resend(_jwt: &SimpleJwt) -> Operation {
    mailed("Send the link again")
}

pub(super) fn get_me(_jwt: &SimpleJwt) -> Operation {
    Operation::new("Who is calling").answer(StatusCode::OK, "The user.", Answered::Object(user()))
}

pub(super) fn patch_me(_jwt: &SimpleJwt) -> Operation {
    let username = Field::optional("username").kind(Kind::Username);
    let email = Field::optional("email").kind(Kind::Nullable(Kind::Email.into()));
    Operation::new("Change the profile")
        .fields([
            username.max_length(MAX_USERNAME),
            email.max_length(MAX_EMAIL),
        ])
        .fields(names())
        .answer(
            StatusCode::OK,
            "The user as it is now.",
            Answered::Object(user()),
        )
        .answer(StatusCode::BAD_REQUEST, FIELDS, Answered::FieldErrors)
}

pub(super) fn password_change(_jwt: &SimpleJwt) -> Operation {
    let old = Field::required("old_password").kind(Kind::Password);
    Operation::new("Change the password")
        .fields([old, new_password("new_password")])
        .answer(StatusCode::OK, "The password is changed.", Answered::Detail)
        .answer(StatusCode::BAD_REQUEST, FIELDS, Answered::FieldErrors)
}

pub(super) fn password_reset(_jwt: &SimpleJwt) -> Operation {
    mailed("Send a link to set a new password")
}

pub(super) fn password_reset_confirm(_jwt: &SimpleJwt) -> Operation {
    Operation::new("Set a new password")
        .fields(link())
        .fields([new_password("new_password")])
        .answer(StatusCode::OK, "The password is set.", Answered::Detail)
        .answer(StatusCode::BAD_REQUEST, FIELDS, Answered::FieldErrors)
}

fn mailed(summary: &'static str) -> Operation {
    let text = "A mail is on its way, if somebody has that address.";
    Operation::new(summary)
        .fields([Field::required("email").kind(Kind::Email)])
        .answer(StatusCode::OK, text, Answered::Detail)
        .answer(StatusCode::BAD_REQUEST, FIELDS, Answered::FieldErrors)
}

fn names() -> [Field; 2] {
    ["first_name", "last_name"].map(|name| {
        Field::optional(name)
            .kind(Kind::Anything)
            .max_length(MAX_USERNAME)
    })
}

fn new_password(name: &str) -> Field {
    Field::required(name)
        .kind(Kind::NewPassword)
        .help("At least 8 characters, not only digits, not a common password, not like the rest.")
}

/// What stands in the link of a mail.
fn link() -> [Field; 2] {
    ["uid", "token"].map(Field::required)
}

fn user() -> Vec<Field> {
    let mut fields = vec![
        Field::read_only("id").kind(Kind::Id),
        Field::read_only("username"),
    ];
    let columns = ["email", "first_name", "last_name"];
    fields.extend(columns.map(|name| Field::optional(name).kind(Kind::Anything)));
    fields
}

fn let_in() -> Answered {
    let mut fields = vec![Field::read_only("user").kind(Kind::Object(user()))];
    fields.extend(["refresh", "access"].map(|name| Field::optional(name).kind(Kind::Token)));
    fields.push(Field::optional("detail"));
    Answered::Object(fields)
}
