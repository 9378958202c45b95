//! The answers of an operation: those it was described with, and those that every view has.

use super::{Described, object, pascal, schema};
use crate::json::{Object, Value};
use crate::web::operation::{Answer, Answered};
use http::StatusCode;

/// Every status with all that it may mean.
pub(super) fn all<S>(
    described: &Described<'_, S>,
    more: &[Answer],
    schemas: &mut Object,
) -> Object {
    let mut answers = described.operation.answers.clone();
    if !answers.iter().any(|answer| answer.status.is_success()) {
        answers.push(Answer::new(StatusCode::OK, "Done.", Answered::Json));
    }
    answers.extend(of_any_view(described));
    answers.extend(more.iter().cloned());
    answers.sort_by_key(|answer| answer.status);
    let same_status = answers.chunk_by(|one, next| one.status == next.status);
    same_status
        .map(|answers| {
            let status = answers.first().map(|first| first.status);
            let status = status.unwrap_or_default();
            (
                status.as_str().to_owned(),
                response(status, answers, described, schemas),
            )
        })
        .collect()
}

fn of_any_view<S>(described: &Described<'_, S>) -> Vec<Answer> {
    let refused = match described.lets_in() {
        None => None,
        Some(true) => Some("The credentials are no good."),
        Some(false) => Some("The credentials are missing or no good."),
    };
    let refused = refused.map(|text| (StatusCode::UNAUTHORIZED, text));
    let forged = described.needs_csrf_token().then_some((
        StatusCode::FORBIDDEN,
        "The credentials are a cookie, and X-CSRFToken or the page's origin is not what it should be.",
    ));
    let of_bodies = [
        (StatusCode::BAD_REQUEST, "The body cannot be read."),
        (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large."),
        (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body is neither JSON nor a form.",
        ),
    ];
    let of_bodies = of_bodies.into_iter().filter(|_| described.takes_body());
    let of_all = [
        (
            StatusCode::NOT_ACCEPTABLE,
            "The Accept header leaves neither JSON nor HTML.",
        ),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "The database does not answer, or too much work waits. Nothing was decided: try again later.",
        ),
    ];
    refused
        .into_iter()
        .chain(forged)
        .chain(of_bodies)
        .chain(of_all)
        .map(|(status, text)| Answer::new(status, text, Answered::Detail))
        .collect()
}

fn response<S>(
    status: StatusCode,
    answers: &[Answer],
    described: &Described<'_, S>,
    schemas: &mut Object,
) -> Object {
    let texts: Vec<&str> = answers.iter().map(|answer| &*answer.description).collect();
    let mut about = object([("description", texts.join(" ").into())]);
    if let Some((name, reference)) = header(status) {
        let reference = format!("#/components/headers/{reference}");
        let header = object([("$ref", reference.into())]);
        about.insert("headers", object([(name, header.into())]));
    }
    let mut bodies: Vec<(&str, Object)> = Vec::new();
    for answer in answers {
        if let Some(body) = body(answer, described, schemas)
            && !bodies.contains(&body)
        {
            bodies.push(body);
        }
    }
    let mut content = Object::new();
    for same_type in bodies.chunk_by(|one, next| one.0 == next.0) {
        let schema = match same_type {
            [(_, only)] => only.clone(),
            several => {
                let schemas = several.iter().map(|(_, schema)| schema.clone().into());
                object([("anyOf", Value::Array(schemas.collect()))])
            }
        };
        if let Some((media_type, _)) = same_type.first() {
            content.insert(*media_type, object([("schema", schema.into())]));
        }
    }
    if !content.is_empty() {
        about.insert("content", content);
    }
    about
}

/// Media type and schema of a body.
fn body<S>(
    answer: &Answer,
    described: &Described<'_, S>,
    schemas: &mut Object,
) -> Option<(&'static str, Object)> {
    let jwt = described.jwt;
    let schema = match &answer.body {
        Answered::Empty => return None,
        Answered::Html => return Some(("text/html", object([("type", "string".into())]))),
        Answered::Json => object([("type", "object".into())]),
        Answered::Detail => schema::reference("Error"),
        Answered::FieldErrors => {
            let name = format!("{}Errors", pascal(&described.id));
            let errors = schema::field_errors(described.operation.writable());
            schemas.insert(name.clone(), errors);
            schema::reference(&name)
        }
        Answered::Object(fields) if fields.is_empty() => object([("type", "object".into())]),
        Answered::Object(fields) => {
            let name = format!("{}Answer", pascal(&described.id));
            schemas.insert(name.clone(), schema::object(fields.iter(), jwt));
            schema::reference(&name)
        }
        Answered::Shared(name, fields) => {
            schemas.insert(*name, schema::object(fields.iter(), jwt));
            schema::reference(name)
        }
        Answered::List(fields) => {
            let name = format!("{}Item", pascal(&described.id));
            schemas.insert(name.clone(), schema::object(fields.iter(), jwt));
            let items = schema::reference(&name);
            object([("type", "array".into()), ("items", items.into())])
        }
    };
    Some(("application/json", schema))
}

/// The header that comes with a status.
fn header(status: StatusCode) -> Option<(&'static str, &'static str)> {
    match status {
        StatusCode::UNAUTHORIZED => Some(("WWW-Authenticate", "Challenge")),
        StatusCode::SERVICE_UNAVAILABLE => Some(("Retry-After", "RetryAfter")),
        _ => None,
    }
}

pub(super) fn headers() -> Object {
    let text = object([("type", "string".into())]);
    let seconds = object([("type", "integer".into()), ("minimum", 1.into())]);
    let challenge = object([
        ("description", "How to authenticate.".into()),
        ("schema", text.into()),
    ]);
    let retry_after = object([
        ("description", "After how many seconds to try again.".into()),
        ("schema", seconds.into()),
    ]);
    object([
        ("Challenge", challenge.into()),
        ("RetryAfter", retry_after.into()),
    ])
}
