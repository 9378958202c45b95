//! A form for one method of a view.

use crate::json::{self, Object, Value};
use crate::web::fields::{Field, Kind};
use crate::web::operation::Operation;
use http::Method;

/// As the template shows it.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) id: String,
    pub(super) method: &'static Method,
    pub(super) summary: String,
    pub(super) inputs: Vec<Input>,
    /// A body to begin with.
    pub(super) raw: String,
    takes_body: bool,
    /// Whether the browser may send what its forms cannot: another method, another body.
    may_override: bool,
}

/// A field of a form.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) label: String,
    /// HTML's `type`.
    pub(super) kind: &'static str,
    pub(super) autocomplete: &'static str,
    pub(super) choices: Vec<String>,
    pub(super) is_required: bool,
    pub(super) value: String,
    pub(super) help: String,
    pub(super) errors: Vec<String>,
}

impl Form {
    /// `answered` is what the page shows: errors of fields stand beside them, values that can be changed in them.
    pub(super) fn new(
        method: &'static Method,
        operation: &Operation,
        may_override: bool,
        answered: Option<&Object>,
    ) -> Self {
        let id = method.as_str().to_lowercase();
        let inputs = operation.writable().filter_map(|field| {
            let known = answered.and_then(|answered| answered.get(&field.name));
            Input::new(&id, field, known)
        });
        Self {
            inputs: inputs.collect(),
            method,
            summary: operation.summary.to_string(),
            raw: skeleton(operation, answered),
            takes_body: operation.writable().next().is_some() || *method != Method::DELETE,
            may_override,
            id,
        }
    }

    pub(super) fn is_usable(&self) -> bool {
        self.may_override || *self.method == Method::POST
    }

    /// Forms of HTML know GET and POST.
    pub(super) fn needs_override(&self) -> bool {
        *self.method != Method::POST
    }

    /// Whether a click says everything.
    pub(super) fn takes_nothing(&self) -> bool {
        self.inputs.is_empty() && self.raw == EMPTY
    }

    pub(super) fn has_raw(&self) -> bool {
        self.may_override && self.takes_body
    }

    pub(super) fn rows(&self) -> usize {
        self.raw.lines().count().clamp(3, 16) + 1
    }
}

const EMPTY: &str = "{}";

/// All fields with the values they have, or with empty ones.
fn skeleton(operation: &Operation, answered: Option<&Object>) -> String {
    let fields = operation.writable().map(|field| {
        let known = answered.and_then(|answered| answered.get(&field.name));
        let known = known.filter(|value| !is_errors(value) && !is_secret(field));
        let value = known.cloned().unwrap_or_else(|| empty(&field.kind));
        (field.name.as_str(), value)
    });
    let fields: Object = fields.collect();
    if fields.is_empty() {
        return EMPTY.to_owned();
    }
    json::encode_utf8_indented(&Value::Object(fields), 4)
}

fn empty(kind: &Kind) -> Value {
    match kind {
        Kind::Boolean => Value::Bool(false),
        Kind::Integer | Kind::Nullable(_) => Value::Null,
        Kind::Object(_) => Value::Object(Object::new()),
        Kind::List(_) => Value::Array(Vec::new()),
        _ => Value::from(""),
    }
}

/// What a page must not show again.
fn is_secret(field: &Field) -> bool {
    matches!(field.kind, Kind::Password | Kind::NewPassword)
}

/// `["This field is required."]`
fn is_errors(value: &Value) -> bool {
    value.as_array().is_some()
}

impl Input {
    /// `None` for what no field of a form can hold.
    fn new(form: &str, field: &Field, known: Option<&Value>) -> Option<Self> {
        let plain = match &field.kind {
            Kind::Nullable(kind) => kind,
            kind => kind,
        };
        let (kind, autocomplete) = match plain {
            Kind::Username => ("text", "username"),
            Kind::Password => ("password", "current-password"),
            Kind::NewPassword => ("password", "new-password"),
            Kind::Email => ("email", "email"),
            Kind::Integer => ("number", ""),
            Kind::Text
            | Kind::Token
            | Kind::Anything
            | Kind::Boolean
            | Kind::Choice(_)
            | Kind::DateTime
            | Kind::Id => ("text", "off"),
            Kind::Object(_) | Kind::List(_) | Kind::Nullable(_) => return None,
        };
        let choices: &[&str] = match plain {
            Kind::Boolean => &["true", "false"],
            Kind::Choice(texts) => texts,
            _ => &[],
        };
        let errors = known.and_then(Value::as_array).unwrap_or_default();
        let errors = errors.iter().filter_map(Value::as_str);
        Some(Self {
            id: format!("{form}-{}", field.name),
            name: field.name.clone(),
            label: field.label(),
            kind,
            autocomplete,
            choices: choices.iter().map(|text| (*text).to_owned()).collect(),
            is_required: field.required,
            value: known
                .filter(|_| !is_secret(field))
                .map(shown)
                .unwrap_or_default(),
            help: field.help.to_string(),
            errors: errors.map(str::to_owned).collect(),
        })
    }

    pub(super) fn is_described(&self) -> bool {
        !self.help.is_empty() || !self.errors.is_empty()
    }
}

/// A value as one would type it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => json::encode_utf8(value),
        _ => String::new(),
    }
}
