//! JSON Schema of fields and bodies.

use super::object as members;
use crate::SimpleJwt;
use crate::json::{Object, Value};
use crate::models::UserIdKind;
use crate::web::fields::{Field, Kind};

/// Not blank, and without NUL: what DRF's `CharField` takes.
const NOT_BLANK: &str = r"^[^\u0000]*[^\s\u0000][^\u0000]*$";
/// Django's `UnicodeUsernameValidator`. Python's `\w` has the letters and digits of all scripts, that of ECMAScript has not.
const USERNAME: &str = r"^[\p{L}\p{N}_.@+-]+$";
/// Django's `MinimumLengthValidator`.
const SHORTEST_PASSWORD: i64 = 8;

pub(super) fn reference(name: &str) -> Object {
    members([("$ref", format!("#/components/schemas/{name}").into())])
}

/// The bodies of errors.
pub(super) fn shared() -> Object {
    let text = || Value::Object(members([("type", "string".into())]));
    let refusal = members([
        ("type", "object".into()),
        (
            "properties",
            members([
                ("token_class", text()),
                ("token_type", text()),
                ("message", text()),
            ])
            .into(),
        ),
    ]);
    let refusals = members([
        ("type", "array".into()),
        ("items", refusal.into()),
        (
            "description",
            "Why each of the accepted kinds of tokens was refused.".into(),
        ),
    ]);
    let properties = members([
        ("detail", text()),
        ("code", text()),
        ("messages", refusals.into()),
    ]);
    let error = members([
        ("type", "object".into()),
        ("required", vec![Value::from("detail")].into()),
        ("properties", properties.into()),
        ("additionalProperties", false.into()),
    ]);
    let example = Value::Array(vec!["This field is required.".into()]);
    let messages = members([
        ("type", "array".into()),
        ("minItems", 1.into()),
        ("items", text()),
        ("examples", vec![example].into()),
    ]);
    members([("Error", error.into()), ("Messages", messages.into())])
}

/// An object with these fields.
pub(super) fn object<'a>(fields: impl Iterator<Item = &'a Field>, jwt: &SimpleJwt) -> Object {
    let (mut properties, mut required) = (Object::new(), Vec::new());
    for field in fields {
        if field.required || field.read_only {
            required.push(Value::from(field.name.as_str()));
        }
        properties.insert(field.name.as_str(), property(field, jwt));
    }
    let mut schema = members([("type", "object".into())]);
    if !required.is_empty() {
        schema.insert("required", required);
    }
    if !properties.is_empty() {
        schema.insert("properties", properties);
    }
    schema
}

fn property(field: &Field, jwt: &SimpleJwt) -> Object {
    let mut schema = value(&field.kind, jwt);
    if field.kind == Kind::Email && !field.required {
        schema = email_or_nothing();
    }
    if let Some(most) = field.most() {
        schema.insert("maxLength", most);
    }
    if !field.help.is_empty() {
        schema.insert("description", &*field.help);
    }
    schema
}

/// In Django a text that may be left out may also be empty.
fn email_or_nothing() -> Object {
    let email = members([("format", "email".into())]);
    let nothing = members([("maxLength", 0.into())]);
    let ways = vec![email.into(), nothing.into()];
    members([("type", "string".into()), ("anyOf", ways.into())])
}

/// What the errors of these fields look like.
pub(super) fn field_errors<'a>(fields: impl Iterator<Item = &'a Field>) -> Object {
    let names = fields.map(|field| field.name.as_str());
    let properties: Object = names
        .chain(["non_field_errors"])
        .map(|name| (name, reference("Messages")))
        .collect();
    members([
        ("type", "object".into()),
        ("minProperties", 1.into()),
        ("properties", properties.into()),
        ("additionalProperties", false.into()),
    ])
}

/// The schema of one value.
pub(super) fn value(kind: &Kind, jwt: &SimpleJwt) -> Object {
    let plain = |name: &str| members([("type", name.into())]);
    match kind {
        Kind::Text | Kind::Username => not_blank([]),
        Kind::Token => not_blank([("format", "jwt".into())]),
        Kind::Password => not_blank([("format", "password".into())]),
        Kind::NewPassword => not_blank([
            ("minLength", SHORTEST_PASSWORD.into()),
            ("format", "password".into()),
        ]),
        Kind::NewUsername => text("pattern", USERNAME.into()),
        Kind::Anything => plain("string"),
        Kind::Email => text("format", "email".into()),
        Kind::DateTime => text("format", "date-time".into()),
        Kind::Boolean => plain("boolean"),
        Kind::Integer => plain("integer"),
        Kind::Id => match jwt.users().user_id_kind() {
            UserIdKind::Integer => plain("integer"),
            UserIdKind::Uuid => text("format", "uuid".into()),
            UserIdKind::Text => plain("string"),
        },
        Kind::Choice(texts) => {
            let texts = texts.iter().map(|text| Value::from(*text));
            text("enum", Value::Array(texts.collect()))
        }
        Kind::Object(fields) => object(fields.iter(), jwt),
        Kind::List(kind) => members([("type", "array".into()), ("items", value(kind, jwt).into())]),
        Kind::Nullable(kind) => nullable(value(kind, jwt)),
    }
}

fn text(key: &str, value: Value) -> Object {
    members([("type", "string".into()), (key, value)])
}

fn not_blank<const N: usize>(more: [(&str, Value); N]) -> Object {
    let mut schema = text("pattern", NOT_BLANK.into());
    for (key, value) in more {
        schema.insert(key, value);
    }
    schema
}

/// Also null.
fn nullable(mut schema: Object) -> Object {
    match schema.get_mut("type") {
        Some(name) => {
            let types = vec![name.clone(), Value::from("null")];
            *name = Value::Array(types);
            schema
        }
        None => schema,
    }
}
