//! A form for one method of a view.

use crate::json::{self, Object, Value};
use crate::web::fields::{Field, Kind};
use crate::web::forms::Typed;
use crate::web::operation::Operation;
use http::Method;

/// What the page knows about a method when it shows its form.
#[derive(Clone, Copy)]
pub(in crate::web::pages) struct Known<'a> {
    /// The answer that refused what was sent.
    pub(in crate::web::pages) errors: Option<&'a Object>,
    /// What was sent and refused.
    pub(in crate::web::pages) typed: Option<&'a Typed>,
    /// The answer that says how things are.
    pub(in crate::web::pages) values: Option<&'a Object>,
    /// What stood in the link that led here: of a mail, say.
    pub(in crate::web::pages) linked: &'a Typed,
    /// Whether there is a page that knows the values.
    pub(in crate::web::pages) can_get: bool,
}

impl Known<'_> {
    /// What is wrong with a field, or with all of them together.
    fn errors(&self, name: &str) -> Vec<String> {
        let errors = self.errors.and_then(|errors| errors.get(name)?.as_array());
        let errors = errors.unwrap_or_default().iter();
        errors
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }

    /// Whether fields would be empty that are not: sent as they stand, they would wipe out what is there.
    fn hides(&self, method: &Method) -> bool {
        let fields = self.typed.filter(|typed| typed.content().is_none());
        *method == Method::PATCH && self.can_get && self.values.is_none() && fields.is_none()
    }

    /// What a field has, as one would type it. A password is not written into a page.
    fn value(&self, field: &Field) -> String {
        if is_secret(field) {
            return String::new();
        }
        if let Some(typed) = self.typed {
            return typed.text(&field.name).unwrap_or_default().to_owned();
        }
        let value = self.values.and_then(|values| values.get(&field.name));
        let linked = self.linked.text(&field.name).map(str::to_owned);
        value
            .map(shown)
            .or(linked.filter(|_| field.kind == Kind::Text))
            .unwrap_or_default()
    }
}

fn is_secret(field: &Field) -> bool {
    matches!(field.kind, Kind::Password | Kind::NewPassword)
}

/// As the template shows it.
#[derive(Debug)]
pub(in crate::web::pages) struct Form {
    pub(in crate::web::pages) id: String,
    pub(in crate::web::pages) method: &'static Method,
    pub(in crate::web::pages) summary: String,
    pub(in crate::web::pages) inputs: Vec<Input>,
    /// What is wrong with no field alone.
    pub(in crate::web::pages) errors: Vec<String>,
    /// A body to begin with.
    pub(in crate::web::pages) raw: String,
    /// Whether the body is one that was refused.
    pub(in crate::web::pages) is_raw_open: bool,
    pub(in crate::web::pages) media_type: String,
    takes_fields: bool,
    /// Whether the browser may send what its forms cannot: another method, another body.
    may_override: bool,
}

/// A field of a form.
#[derive(Debug)]
pub(in crate::web::pages) struct Input {
    pub(in crate::web::pages) id: String,
    pub(in crate::web::pages) name: String,
    pub(in crate::web::pages) label: String,
    /// HTML's `type`.
    pub(in crate::web::pages) kind: &'static str,
    pub(in crate::web::pages) autocomplete: &'static str,
    pub(in crate::web::pages) choices: Vec<String>,
    pub(in crate::web::pages) is_required: bool,
    pub(in crate::web::pages) value: String,
    pub(in crate::web::pages) help: String,
    pub(in crate::web::pages) errors: Vec<String>,
    /// Whether one begins to type here.
    pub(in crate::web::pages) takes_focus: bool,
}

impl Form {
    /// Errors stand beside their fields, values that can be changed in them.
    pub(in crate::web::pages) fn new(
        method: &'static Method,
        operation: &Operation,
        may_override: bool,
        known: &Known<'_>,
    ) -> Self {
        let id = method.as_str().to_lowercase();
        let is_hidden = known.hides(method);
        let inputs = operation.writable().filter(|_| !is_hidden);
        let inputs = inputs.filter_map(|field| Input::new(&id, field, known));
        let takes_fields = operation.writable().next().is_some();
        let content = known.typed.and_then(Typed::content);
        let is_raw_open = content.is_some();
        let content = content.filter(|_| !operation.writable().any(is_secret));
        Self {
            inputs: inputs.collect(),
            method,
            summary: operation.summary.to_string(),
            errors: known.errors("non_field_errors"),
            raw: match content {
                Some(content) => content.to_owned(),
                None if is_hidden => EMPTY.to_owned(),
                None => skeleton(operation, known.values),
            },
            is_raw_open,
            media_type: known
                .typed
                .map(Typed::media_type)
                .unwrap_or_default()
                .to_owned(),
            takes_fields,
            may_override,
            id,
        }
    }

    pub(in crate::web::pages) fn is_usable(&self) -> bool {
        self.may_override || *self.method == Method::POST
    }

    /// Forms of HTML know GET and POST.
    pub(in crate::web::pages) fn needs_override(&self) -> bool {
        *self.method != Method::POST
    }

    /// Whether what is not sent stays as it is.
    pub(in crate::web::pages) fn is_partial(&self) -> bool {
        *self.method == Method::PATCH
    }

    /// Whether a click says everything.
    pub(in crate::web::pages) fn takes_nothing(&self) -> bool {
        !self.takes_fields && self.raw == EMPTY
    }

    pub(in crate::web::pages) fn has_raw(&self) -> bool {
        self.may_override && (self.takes_fields || *self.method != Method::DELETE)
    }

    pub(in crate::web::pages) fn rows(&self) -> usize {
        self.raw.lines().count().clamp(3, 16) + 1
    }
}

const EMPTY: &str = "{}";

/// All fields with the values they have, or with empty ones.
fn skeleton(operation: &Operation, values: Option<&Object>) -> String {
    let fields = operation.writable().map(|field| {
        let value = values.and_then(|values| values.get(&field.name));
        let value = value
            .filter(|_| !is_secret(field))
            .cloned()
            .unwrap_or_else(|| empty(&field.kind));
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

impl Input {
    /// `None` for what no field of a form can hold.
    fn new(form: &str, field: &Field, known: &Known<'_>) -> Option<Self> {
        let plain = match &field.kind {
            Kind::Nullable(kind) => kind,
            kind => kind,
        };
        let (kind, autocomplete) = match plain {
            Kind::Anything if field.name == "first_name" => ("text", "given-name"),
            Kind::Anything if field.name == "last_name" => ("text", "family-name"),
            Kind::Username | Kind::NewUsername => ("text", "username"),
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
        Some(Self {
            id: format!("{form}-{}", field.name),
            name: field.name.clone(),
            label: field.label(),
            kind,
            autocomplete,
            choices: choices.iter().map(|text| (*text).to_owned()).collect(),
            is_required: field.required,
            value: known.value(field),
            help: field.help.to_string(),
            errors: known.errors(&field.name),
            takes_focus: false,
        })
    }

    pub(in crate::web::pages) fn is_described(&self) -> bool {
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
