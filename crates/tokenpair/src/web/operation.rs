//! What one method of a view takes and answers, said once: OPTIONS, forms and the OpenAPI document are made from it.

use super::fields::{Field, Kind};
use crate::settings::Settings;
use http::StatusCode;
use std::borrow::Cow;

/// A method of a [`View`](super::View), as [`View::describe`](super::View::describe) takes it.
///
/// What any view may answer (a body that cannot be read, credentials that are refused, an outage) need not be said.
///
/// ```
/// use axum::http::StatusCode;
/// use tokenpair::web::{Answered, Field, Kind, Operation};
/// let operation = Operation::new("Place an order")
///     .fields([Field::required("article"), Field::optional("note")])
///     .answer(StatusCode::CREATED, "The order.", Answered::Object(vec![Field::read_only("id").kind(Kind::Integer)]))
///     .answer(StatusCode::BAD_REQUEST, "No such article.", Answered::FieldErrors);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Operation {
    pub(super) summary: Cow<'static, str>,
    pub(super) fields: Vec<Field>,
    pub(super) headers: Vec<Field>,
    pub(super) answers: Vec<Answer>,
}

const TOKEN_DELIVERY: &str = "X-Token-Delivery";

/// One answer of an [`Operation`].
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) description: Cow<'static, str>,
    pub(super) body: Answered,
}

impl Answer {
    pub(super) fn new(
        status: StatusCode,
        description: impl Into<Cow<'static, str>>,
        body: Answered,
    ) -> Self {
        Self {
            status,
            description: description.into(),
            body,
        }
    }
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answered {
    /// None.
    Empty,
    /// An object; fields that are neither required nor read-only may be missing.
    Object(Vec<Field>),
    /// An object that several operations answer, under this name.
    Shared(&'static str, Vec<Field>),
    /// A list of objects.
    List(Vec<Field>),
    /// `{"detail": …}`, with a `code` where Simple JWT has one.
    Detail,
    /// `{"field": ["…"]}`, also under `non_field_errors`.
    FieldErrors,
    /// Any JSON object.
    Json,
    /// A page.
    Html,
}

impl Operation {
    /// `summary` is what the button does, in a few words.
    pub fn new(summary: impl Into<Cow<'static, str>>) -> Self {
        Self {
            summary: summary.into(),
            ..Self::default()
        }
    }

    /// What the body has.
    pub fn fields(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.fields.extend(fields);
        self
    }

    /// A header of the request that changes the answer.
    pub fn header(mut self, header: Field) -> Self {
        self.headers.push(header);
        self
    }

    /// An answer. Several of one status are told together.
    pub fn answer(
        mut self,
        status: StatusCode,
        description: impl Into<Cow<'static, str>>,
        body: Answered,
    ) -> Self {
        self.answers.push(Answer::new(status, description, body));
        self
    }

    /// The same where this field has to be sent; for [`View::redescribe`](super::View::redescribe).
    pub fn require(mut self, name: &str) -> Self {
        for field in self.fields.iter_mut().filter(|field| field.name == name) {
            field.required = true;
        }
        self
    }

    /// The same without a field.
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|field| field.name != name);
        self
    }

    /// That tokens may be asked for in cookies, as an endpoint that takes [`Delivery`](super::Delivery) lets clients.
    /// Says nothing where `AUTH_COOKIES` is off.
    pub fn delivery(self, settings: &Settings) -> Self {
        if !settings.auth_cookies {
            return self;
        }
        let header = Field::optional(TOKEN_DELIVERY)
            .kind(Kind::Choice(&["cookie"]))
            .help("Tokens come in cookies, and what the endpoint acts on is taken from there.");
        let described = self.header(header).answer(
            StatusCode::FORBIDDEN,
            "Cookies were asked for by a page of another site.",
            Answered::Detail,
        );
        let Some(status) = described.answers_tokens_with() else {
            return described;
        };
        let date = |field: Field| field.kind(Kind::Integer).help("Unix seconds.");
        let cookies = vec![
            date(Field::read_only("access_expires")),
            date(Field::optional("refresh_expires")),
            Field::read_only("csrf_token").help("What X-CSRFToken has to say."),
        ];
        described.answer(
            status,
            "With X-Token-Delivery the tokens are in cookies.",
            Answered::Shared("InCookies", cookies),
        )
    }

    fn answers_tokens_with(&self) -> Option<StatusCode> {
        let has_token = |fields: &[Field]| fields.iter().any(|field| field.kind == Kind::Token);
        let mut answers = self.answers.iter();
        let found = answers
            .find(|answer| matches!(&answer.body, Answered::Object(fields) if has_token(fields)));
        found.map(|answer| answer.status)
    }

    /// Whether nobody can do without a body, be it that a cookie holds the token.
    pub(super) fn needs_body(&self) -> bool {
        let knows_cookies = self
            .headers
            .iter()
            .any(|header| header.name == TOKEN_DELIVERY);
        let is_in_cookie = |field: &Field| knows_cookies && field.kind == Kind::Token;
        self.writable()
            .any(|field| field.required && !is_in_cookie(field))
    }

    /// The fields that a client may send.
    pub(super) fn writable(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| !field.read_only)
    }
}
