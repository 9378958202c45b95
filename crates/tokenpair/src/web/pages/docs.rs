//! The documentation page: an OpenAPI document as people read it, with a curl command for each operation.

use super::{Frame, highlight, page, push_escaped};
use crate::json::{Object, Value};
use crate::web::view::View;
use askama::Template;
use axum::response::Response;
use http::StatusCode;
use std::sync::Arc;

/// The page that explains the API of this document, usually at `/api/docs/`. It loads nothing from anywhere.
pub fn docs_view<S>(document: &Object) -> View<S>
where
    S: Clone + Send + Sync + 'static,
{
    let docs = Arc::new(Docs::new(document));
    View::page("Documentation")
        .description("What every endpoint takes and answers.")
        .get(move |frame: Frame| {
            let page = page(
                StatusCode::OK,
                &Page {
                    frame: &frame,
                    docs: &docs,
                },
            );
            std::future::ready::<Response>(page)
        })
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Page<'a> {
    frame: &'a Frame,
    docs: &'a Docs,
}

/// The document, ready to be shown. Texts called `html` are escaped and marked.
struct Docs {
    title: String,
    version: String,
    description: String,
    /// What a header with a token looks like.
    credentials: String,
    operations: Vec<Documented>,
    /// What most operations may answer, said once.
    common: Vec<Answer>,
}

struct Documented {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    needs_token: bool,
    inputs: Vec<Input>,
    curl_html: String,
    answers: Vec<Answer>,
}

struct Input {
    name: String,
    kind: String,
    is_required: bool,
    help: String,
}

#[derive(Clone, PartialEq)]
struct Answer {
    status: String,
    reason: &'static str,
    is_good: bool,
    description: String,
    body_html: String,
}

/// The parts of a document that others refer to.
struct Document<'a>(&'a Object);

impl Docs {
    fn new(document: &Object) -> Self {
        let document = Document(document);
        let info = object(document.0, "info");
        let paths = members(object(document.0, "paths"));
        let operations = paths.flat_map(|(path, item)| {
            let shared = array(item, "parameters");
            let operations = members(Some(item)).filter(|(name, _)| *name != "parameters");
            operations.map(move |(method, operation)| (path, shared, method, operation))
        });
        let credentials = document.credentials();
        let operations = operations.map(|(path, shared, method, operation)| {
            document.operation(path, shared, method, operation, &credentials)
        });
        let mut operations: Vec<Documented> = operations.collect();
        Self {
            title: text(info, "title").to_owned(),
            version: text(info, "version").to_owned(),
            description: text(info, "description").to_owned(),
            common: take_common(&mut operations),
            operations,
            credentials,
        }
    }
}

/// The answers that more than half of the operations have.
fn take_common(operations: &mut [Documented]) -> Vec<Answer> {
    let all = operations.iter().flat_map(|operation| &operation.answers);
    let is_common = |answer: &Answer| {
        let having = operations
            .iter()
            .filter(|operation| operation.answers.contains(answer));
        having.count() * 2 > operations.len().max(3)
    };
    let mut common: Vec<Answer> = Vec::new();
    for answer in all {
        if !common.contains(answer) && is_common(answer) {
            common.push(answer.clone());
        }
    }
    for operation in operations {
        operation.answers.retain(|answer| !common.contains(answer));
    }
    common.sort_by(|one, other| one.status.cmp(&other.status));
    common
}

impl Document<'_> {
    fn operation(
        &self,
        path: &str,
        shared: &[Value],
        method: &str,
        operation: &Object,
        credentials: &str,
    ) -> Documented {
        let own = array(operation, "parameters");
        let parameters = shared.iter().chain(own).filter_map(Value::as_object);
        let body = object(operation, "requestBody").and_then(json_schema);
        let body = body.map(|schema| self.resolved(schema));
        let security = array(operation, "security");
        let needs_token = !security.is_empty() && !security.contains(&Value::from(Object::new()));
        let credentials = needs_token.then_some(credentials);
        let example = body.map(|schema| self.example("", schema));
        let method = method.to_uppercase();
        Documented {
            id: text(Some(operation), "operationId").to_owned(),
            curl_html: curl(&method, path, credentials, example.as_ref()),
            method,
            path: path.to_owned(),
            summary: text(Some(operation), "summary").to_owned(),
            description: text(Some(operation), "description").to_owned(),
            needs_token,
            inputs: parameters
                .map(|parameter| self.parameter(parameter))
                .chain(self.fields(body))
                .collect(),
            answers: members(object(operation, "responses"))
                .map(|(status, response)| self.answer(status, response))
                .collect(),
        }
    }

    fn parameter(&self, parameter: &Object) -> Input {
        let kind = self.kind(object(parameter, "schema"));
        Input {
            name: text(Some(parameter), "name").to_owned(),
            kind: format!("{kind} ({})", text(Some(parameter), "in")),
            is_required: parameter.get("required") == Some(&Value::Bool(true)),
            help: text(Some(parameter), "description").to_owned(),
        }
    }

    /// The members of a body.
    fn fields(&self, body: Option<&Object>) -> impl Iterator<Item = Input> {
        let required = body.map(|schema| array(schema, "required"));
        let fields = members(body.and_then(|schema| object(schema, "properties")));
        fields.map(move |(name, schema)| Input {
            name: name.to_owned(),
            kind: self.kind(Some(schema)),
            is_required: required.unwrap_or_default().contains(&Value::from(name)),
            help: text(Some(schema), "description").to_owned(),
        })
    }

    fn answer(&self, status: &str, response: &Object) -> Answer {
        let code = status.parse::<StatusCode>().unwrap_or_default();
        let schema = json_schema(response).map(|schema| self.example("", schema));
        Answer {
            status: status.to_owned(),
            reason: code.canonical_reason().unwrap_or_default(),
            is_good: code.is_success(),
            description: text(Some(response), "description").to_owned(),
            body_html: schema
                .as_ref()
                .map(highlight::in_one_line)
                .unwrap_or_default(),
        }
    }

    /// `Authorization: Bearer $ACCESS`
    fn credentials(&self) -> String {
        let components = object(self.0, "components");
        let schemes = components.and_then(|components| object(components, "securitySchemes"));
        let scheme = schemes.and_then(|schemes| object(schemes, "token"));
        match text(scheme, "type") {
            "apiKey" => format!("{}: $ACCESS", text(scheme, "name")),
            _ => "Authorization: Bearer $ACCESS".to_owned(),
        }
    }

    /// What a `$ref` leads to.
    fn resolved<'a>(&'a self, schema: &'a Object) -> &'a Object {
        let reference = text(Some(schema), "$ref");
        let Some(path) = reference.strip_prefix("#/") else {
            return schema;
        };
        let found = path
            .split('/')
            .try_fold(self.0, |place, name| object(place, name));
        found.unwrap_or(schema)
    }

    /// A type in words.
    fn kind(&self, schema: Option<&Object>) -> String {
        let Some(schema) = schema.map(|schema| self.resolved(schema)) else {
            return String::new();
        };
        let choices = array(schema, "enum").iter().filter_map(Value::as_str);
        let choices: Vec<&str> = choices.collect();
        if !choices.is_empty() {
            return choices.join(" or ");
        }
        let kind = match schema.get("type") {
            Some(Value::Array(types)) => {
                let types = types.iter().filter_map(Value::as_str);
                types.collect::<Vec<_>>().join(" or ")
            }
            other => other.and_then(Value::as_str).unwrap_or("any").to_owned(),
        };
        match text(Some(schema), "format") {
            "" => kind,
            "jwt" => "token".to_owned(),
            "date-time" => "date and time".to_owned(),
            "email" => "e-mail address".to_owned(),
            format => format!("{kind} ({format})"),
        }
    }

    /// A value that fits; `name` is that of the member it stands for.
    fn example(&self, name: &str, schema: &Object) -> Value {
        let schema = self.resolved(schema);
        if let Some(Value::Object(first)) = array(schema, "anyOf").first() {
            return self.example(name, first);
        }
        let told = array(schema, "examples").first();
        if let Some(first) = told.or(array(schema, "enum").first()) {
            return first.clone();
        }
        let kind = match schema.get("type") {
            Some(Value::Array(types)) => types.first(),
            other => other,
        };
        match kind.and_then(Value::as_str) {
            Some("object") => {
                let properties = members(object(schema, "properties"));
                let shown = properties.filter(|(name, _)| !RARE.contains(name));
                let example = shown.map(|(name, schema)| (name, self.example(name, schema)));
                Value::Object(example.collect())
            }
            Some("array") => {
                let items = object(schema, "items").map(|items| self.example(name, items));
                Value::Array(items.into_iter().collect())
            }
            Some("boolean") => Value::Bool(true),
            Some("integer") => Value::from(1),
            _ => Value::from(example_text(text(Some(schema), "format"), name)),
        }
    }
}

fn example_text(format: &str, name: &str) -> &'static str {
    match (format, name) {
        ("email", _) => "ada@example.com",
        ("date-time", _) => "2027-01-15T08:00:00Z",
        ("uuid", _) => "0190f3a4-5b6c-7d8e-9f01-23456789abcd",
        ("jwt", _) => "eyJhbGciOi…",
        (_, "username") => "ada",
        _ => "…",
    }
}

/// Members that an example is clearer without.
const RARE: [&str; 2] = ["messages", "non_field_errors"];

/// A command for a shell that knows `$API`, and `$ACCESS` where it needs a token.
fn curl(method: &str, path: &str, credentials: Option<&str>, body: Option<&Value>) -> String {
    let mut words = vec!["curl".to_owned()];
    if !(method == "GET" || method == "POST" && body.is_some()) {
        words.push(format!("-X {method}"));
    }
    words.push(format!("\"$API{path}\""));
    let mut lines = vec![words.join(" ")];
    lines.extend(credentials.map(|header| format!("-H \"{header}\"")));
    if let Some(body) = body {
        lines.push("-H 'Content-Type: application/json'".to_owned());
        lines.push(format!("-d '{}'", crate::json::encode_utf8(body)));
    }
    let mut html = String::new();
    push_escaped(&mut html, &lines.join(" \\\n  "));
    html
}

fn json_schema(body: &Object) -> Option<&Object> {
    let content = object(body, "content")?;
    object(object(content, "application/json")?, "schema")
}

fn object<'a>(parent: &'a Object, name: &str) -> Option<&'a Object> {
    parent.get(name)?.as_object()
}

fn array<'a>(parent: &'a Object, name: &str) -> &'a [Value] {
    let array = parent.get(name).and_then(Value::as_array);
    array.unwrap_or_default()
}

fn text<'a>(parent: Option<&'a Object>, name: &str) -> &'a str {
    let text = parent.and_then(|parent| parent.get(name)?.as_str());
    text.unwrap_or_default()
}

/// The members that are objects themselves.
fn members(parent: Option<&Object>) -> impl Iterator<Item = (&str, &Object)> {
    let members = parent.into_iter().flatten();
    members.filter_map(|(name, value)| Some((name.as_str(), value.as_object()?)))
}
