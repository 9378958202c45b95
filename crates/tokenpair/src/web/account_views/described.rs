//! What the account endpoints take and answer.

use crate::SimpleJwt;
use crate::accounts::names::{MAX_EMAIL, MAX_USERNAME};
use crate::web::fields::{Field, Kind};
use crate::web::operation::{Answered, Operation};
use http::StatusCode;

const FLAWED: &str = "A field is missing or wrong, or what it says is taken.";
const BAD_LINK: &str = "The link is wrong, expired or used, or a field is missing.";

pub(super) fn register(jwt: &SimpleJwt) -> Operation {
    let by_email = logs_in_by_email(jwt);
    let login = if by_email {
        vec![email(Field::required("email"), jwt)]
    } else {
        let username = Field::required("username").kind(Kind::NewUsername);
        vec![
            username.max_length(MAX_USERNAME),
            email(Field::optional("email"), jwt),
        ]
    };
    Operation::new("Sign up")
        .fields(login)
        .fields(names())
        .fields([new_password("password")])
        .answer(
            StatusCode::CREATED,
            "The user with tokens; where the address has to be proved first, without them.",
            Answered::Object(let_in()),
        )
        .answer(StatusCode::BAD_REQUEST, FLAWED, Answered::FieldErrors)
        .delivery(jwt.settings())
}

pub(super) fn register_verify(jwt: &SimpleJwt) -> Operation {
    Operation::new("Prove the address")
        .fields(link())
        .fields([Field::required("password").kind(Kind::Password)])
        .answer(
            StatusCode::OK,
            "The user with tokens.",
            Answered::Object(let_in()),
        )
        .answer(StatusCode::BAD_REQUEST, BAD_LINK, Answered::FieldErrors)
        .delivery(jwt.settings())
}

pub(super) fn register_resend(_jwt: &SimpleJwt) -> Operation {
    mail("Send the mail once more")
}

pub(super) fn get_me(_jwt: &SimpleJwt) -> Operation {
    Operation::new("Who is calling").answer(
        StatusCode::OK,
        "The user.",
        Answered::Object(profile()),
    )
}

pub(super) fn patch_me(jwt: &SimpleJwt) -> Operation {
    let username = Field::optional("username").kind(Kind::NewUsername);
    let username = username.max_length(MAX_USERNAME);
    let username = (!logs_in_by_email(jwt)).then_some(username);
    Operation::new("Change the profile")
        .fields(username)
        .fields([email(Field::optional("email"), jwt)])
        .fields(names())
        .fields([Field::optional("password")
            .kind(Kind::Password)
            .help("Needed for a new e-mail address where mail is sent.")])
        .answer(
            StatusCode::OK,
            "The user as they are now.",
            Answered::Object(profile()),
        )
        .answer(StatusCode::BAD_REQUEST, FLAWED, Answered::FieldErrors)
}

pub(super) fn password_change(_jwt: &SimpleJwt) -> Operation {
    let text = "The old password is wrong, or the new one too weak.";
    Operation::new("Change the password")
        .fields([
            Field::required("old_password").kind(Kind::Password),
            new_password("new_password"),
        ])
        .answer(
            StatusCode::OK,
            "Changed. The other sessions have ended.",
            Answered::Object(said()),
        )
        .answer(StatusCode::BAD_REQUEST, text, Answered::FieldErrors)
}

pub(super) fn password_reset(_jwt: &SimpleJwt) -> Operation {
    mail("Ask for a link to set the password anew")
}

pub(super) fn password_reset_confirm(_jwt: &SimpleJwt) -> Operation {
    Operation::new("Set the password anew")
        .fields(link())
        .fields([new_password("new_password")])
        .answer(
            StatusCode::OK,
            "Set. All sessions have ended.",
            Answered::Object(said()),
        )
        .answer(StatusCode::BAD_REQUEST, BAD_LINK, Answered::FieldErrors)
}

fn mail(summary: &'static str) -> Operation {
    let email = Field::required("email").kind(Kind::Email);
    Operation::new(summary)
        .fields([email.max_length(MAX_EMAIL)])
        .answer(
            StatusCode::OK,
            "The same for every address, whether somebody has it or not.",
            Answered::Object(said()),
        )
        .answer(
            StatusCode::BAD_REQUEST,
            "The address is none.",
            Answered::FieldErrors,
        )
}

fn logs_in_by_email(jwt: &SimpleJwt) -> bool {
    jwt.users().username_field() == "email"
}

/// An address that fits, be it in the column of the user names as well.
fn email(field: Field, jwt: &SimpleJwt) -> Field {
    let most = if logs_in_by_email(jwt) {
        MAX_USERNAME
    } else {
        MAX_EMAIL
    };
    field.kind(Kind::Email).max_length(most)
}

/// What stands in a link of a mail.
fn link() -> [Field; 2] {
    ["uid", "token"].map(|name| Field::required(name).help("From the link."))
}

fn names() -> [Field; 2] {
    ["first_name", "last_name"].map(|name| {
        Field::optional(name)
            .kind(Kind::Anything)
            .max_length(MAX_USERNAME)
    })
}

fn new_password(name: &str) -> Field {
    Field::required(name).kind(Kind::NewPassword).help(
        "At least 8 characters; no common one, not all digits, not like your name or address.",
    )
}

fn profile() -> Vec<Field> {
    let known = ["email", "first_name", "last_name"];
    let known = known.map(|name| Field::optional(name).kind(Kind::Anything));
    let mut fields = vec![
        Field::read_only("id").kind(Kind::Id),
        Field::read_only("username"),
    ];
    fields.extend(known);
    fields
}

/// A user who may have got tokens.
fn let_in() -> Vec<Field> {
    let token = |name| Field::optional(name).kind(Kind::Token);
    vec![
        Field::optional("user").kind(Kind::Object(profile())),
        token("refresh"),
        token("access"),
        Field::optional("detail"),
    ]
}

fn said() -> Vec<Field> {
    vec![Field::read_only("detail")]
}
