//! The OpenAPI 3.1 document of mounted views, made from what the views say of themselves.
//!
//! Plain JSON by our own module: the document is built once, in an order that people read, and a typed model would bring
//! serde with it. Pages are left out, and so is the browsable form of answers, as in `drf-spectacular`.

mod responses;
mod schema;

use super::cookies;
use super::fields::{Field, Kind};
use super::operation::{Answer, Answered, Operation};
use super::respond;
use super::view::View;
use crate::SimpleJwt;
use crate::json::{self, Object, Value};
use axum::response::Response;
use http::{Method, StatusCode};
use std::borrow::Cow;
use std::sync::Arc;

/// What the document is called, and what holds for all of its operations.
///
/// ```
/// use axum::Router;
/// use tokenpair::web::{DjangoUrls, OpenApi, View, schema_view, token_views};
/// # use tokenpair::{MemoryStore, Settings, SimpleJwt};
/// # let settings = Settings::new("a secret of at least 32 bytes, kept out of the code");
/// # let jwt = SimpleJwt::new(settings, MemoryStore::default())?;
/// let views: Vec<(String, View<SimpleJwt>)> = token_views()
///     .map(|(path, view)| (format!("/api{path}"), view)) // and your own beside them
///     .into();
/// let document = OpenApi::new("Orders", "1.0").document(&jwt, &views);
/// let app: Router = views
///     .into_iter()
///     .fold(Router::new(), |router, (path, view)| router.url(&path, view))
///     .url("/api/schema/", schema_view(&document))
///     .with_state(jwt);
/// # Ok::<(), tokenpair::SettingsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct OpenApi {
    title: Cow<'static, str>,
    version: Cow<'static, str>,
    description: Cow<'static, str>,
    answers: Vec<Answer>,
}

impl OpenApi {
    /// An API and the version of it.
    pub fn new(title: impl Into<Cow<'static, str>>, version: impl Into<Cow<'static, str>>) -> Self {
        Self {
            title: title.into(),
            version: version.into(),
            description: Cow::Borrowed(""),
            answers: Vec::new(),
        }
    }

    /// Prose for the reader of the document.
    pub fn description(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.description = text.into();
        self
    }

    /// What every operation may answer besides, such as what a proxy in front refuses.
    pub fn answer(
        mut self,
        status: StatusCode,
        description: impl Into<Cow<'static, str>>,
        body: Answered,
    ) -> Self {
        self.answers.push(Answer::new(status, description, body));
        self
    }

    /// The document for views at their whole paths.
    pub fn document<P: AsRef<str>, S>(&self, jwt: &SimpleJwt, views: &[(P, View<S>)]) -> Object {
        let mut names = Names::default();
        let mut schemas = schema::shared();
        let mut paths = Object::new();
        for (path, view) in views.iter().filter(|(_, view)| !view.is_page()) {
            let path = template(path.as_ref());
            let mut item = Object::new();
            let parameters = path_parameters(&path);
            if !parameters.is_empty() {
                item.insert("parameters", parameters);
            }
            for method in view.methods() {
                let described = Described {
                    id: names.unique(view, method),
                    view,
                    method,
                    operation: view.operation(method, jwt),
                    jwt,
                };
                let operation = self.operation(&described, &mut schemas);
                item.insert(method.as_str().to_lowercase(), operation);
            }
            paths.insert(path, item);
        }
        object([
            ("openapi", Value::from("3.1.1")),
            ("info", self.info().into()),
            ("paths", paths.into()),
            ("components", components(jwt, schemas).into()),
        ])
    }

    fn info(&self) -> Object {
        let mut info = Object::new();
        info.insert("title", &*self.title);
        info.insert("version", &*self.version);
        if !self.description.is_empty() {
            info.insert("description", &*self.description);
        }
        info
    }

    fn operation<S>(&self, described: &Described<'_, S>, schemas: &mut Object) -> Object {
        let Described {
            id,
            view,
            operation,
            jwt,
            ..
        } = described;
        let mut about = Object::new();
        about.insert("operationId", id.as_str());
        let summary = match &*operation.summary {
            "" => view.name(),
            summary => summary,
        };
        about.insert("summary", summary);
        if !view.prose().is_empty() {
            about.insert("description", view.prose());
        }
        if let Some(ways) = described.security() {
            about.insert("security", ways);
        }
        let headers = described.headers();
        if !headers.is_empty() {
            about.insert("parameters", headers);
        }
        if described.takes_body() {
            let name = format!("{}Request", pascal(id));
            schemas.insert(name.clone(), schema::object(operation.writable(), jwt));
            about.insert("requestBody", request_body(&name, operation));
        }
        let answers = responses::all(described, &self.answers, schemas);
        about.insert("responses", answers);
        about
    }
}

/// An operation and where it belongs.
struct Described<'a, S> {
    id: String,
    view: &'a View<S>,
    method: &'a Method,
    operation: Operation,
    jwt: &'a SimpleJwt,
}

impl<S> Described<'_, S> {
    fn lets_in(&self) -> Option<bool> {
        self.view.lets_in(self.method)
    }

    /// The ways to say who is calling, should anybody be asked.
    fn security(&self) -> Option<Vec<Value>> {
        let is_open = self.lets_in()?;
        let way = |name: &str| object([(name, Value::Array(Vec::new()))]);
        let cookie = self.jwt.settings().auth_cookies.then(|| way("cookie"));
        let nobody = is_open.then(Object::new);
        let ways = nobody.into_iter().chain([way("token")]).chain(cookie);
        Some(ways.map(Value::from).collect())
    }

    /// Whether a cookie alone does not do.
    fn needs_csrf_token(&self) -> bool {
        let has_cookies = self.jwt.settings().auth_cookies;
        has_cookies && !self.method.is_safe() && self.lets_in().is_some()
    }

    /// The headers that change the answer.
    fn headers(&self) -> Vec<Value> {
        let csrf_token = Field::optional("X-CSRFToken").kind(Kind::Anything).help(
            "Needed where the access cookie says who is calling: the csrf_token of the log-in.",
        );
        let csrf_token = self.needs_csrf_token().then_some(csrf_token);
        let headers = self.operation.headers.iter().chain(&csrf_token);
        headers
            .map(|header| parameter("header", header, self.jwt))
            .collect()
    }

    fn takes_body(&self) -> bool {
        self.operation.writable().next().is_some()
    }
}

/// The view that answers the document, usually at `/api/schema/`.
pub fn schema_view<S>(document: &Object) -> View<S>
where
    S: Clone + Send + Sync + 'static,
{
    let text: Arc<str> = json::encode_utf8(&Value::Object(document.clone())).into();
    View::new("Schema")
        .description("What every endpoint takes and answers, as an OpenAPI 3.1 document.")
        .get(move || {
            let response: Response = respond::json_text(StatusCode::OK, text.to_string());
            std::future::ready(response)
        })
}

/// Names of operations: that of the view, with the method where it has several. No two are alike as names of schemas either.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn unique<S>(&mut self, view: &View<S>, method: &Method) -> String {
        let mut name = snake(view.name());
        if view.methods().nth(1).is_some() {
            name = format!("{name}_{}", method.as_str().to_lowercase());
        }
        let mut unique = name.clone();
        let mut number = 1;
        while self.0.contains(&pascal(&unique)) {
            number += 1;
            unique = format!("{name}_{number}");
        }
        self.0.push(pascal(&unique));
        unique
    }
}

/// `Token Obtain Pair` becomes `token_obtain_pair`: a name that any language can have.
fn snake(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    if words.is_empty() {
        return "view".to_owned();
    }
    words.join("_")
}

/// axum's `{*rest}` is a parameter like others.
fn template(path: &str) -> String {
    path.replace("{*", "{")
}

fn components(jwt: &SimpleJwt, bodies: Object) -> Object {
    let mut components = object([("schemas", Value::Object(bodies))]);
    components.insert("headers", responses::headers());
    let mut schemes = object([("token", security_scheme(jwt).into())]);
    if jwt.settings().auth_cookies {
        let cookie = object([
            ("type", Value::from("apiKey")),
            ("in", "cookie".into()),
            ("name", cookies::access_name(jwt.settings()).into()),
        ]);
        schemes.insert("cookie", cookie);
    }
    components.insert("securitySchemes", schemes);
    components
}

/// How a token is sent. OpenAPI knows the usual way by name.
fn security_scheme(jwt: &SimpleJwt) -> Object {
    let types = &jwt.settings().auth_header_types;
    let scheme = types.first().map_or("Bearer", String::as_str);
    if jwt.auth_header() == "authorization" && scheme.eq_ignore_ascii_case("bearer") {
        return object([
            ("type", Value::from("http")),
            ("scheme", "bearer".into()),
            ("bearerFormat", "JWT".into()),
        ]);
    }
    let text = format!("The word {scheme}, a blank, and an access token.");
    object([
        ("type", Value::from("apiKey")),
        ("in", "header".into()),
        ("name", jwt.auth_header().into()),
        ("description", text.into()),
    ])
}

/// The parameters of a path such as `/sessions/{id}/`.
fn path_parameters(path: &str) -> Vec<Value> {
    let parts = path.split('{').skip(1);
    let names = parts.filter_map(|part| part.split_once('}').map(|(name, _)| name));
    names
        .map(|name| {
            let schema = object([("type", Value::from("string")), ("minLength", 1.into())]);
            let parameter = object([
                ("name", Value::from(name)),
                ("in", "path".into()),
                ("required", true.into()),
                ("schema", schema.into()),
            ]);
            Value::Object(parameter)
        })
        .collect()
}

fn parameter(place: &str, field: &Field, jwt: &SimpleJwt) -> Value {
    let mut parameter = object([
        ("name", Value::from(field.name.as_str())),
        ("in", place.into()),
        ("required", field.required.into()),
    ]);
    if !field.help.is_empty() {
        parameter.insert("description", &*field.help);
    }
    parameter.insert("schema", schema::value(&field.kind, jwt));
    parameter.into()
}

fn request_body(name: &str, operation: &Operation) -> Object {
    let content: Object = super::parsers::MEDIA_TYPES
        .iter()
        .map(|media_type| {
            (
                *media_type,
                object([("schema", schema::reference(name).into())]),
            )
        })
        .collect();
    object([
        ("required", Value::from(operation.needs_body())),
        ("content", content.into()),
    ])
}

/// `token_obtain_pair` becomes `TokenObtainPair`.
fn pascal(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_uppercase() + rest
    });
    words.collect()
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Object {
    Object::from_iter(members)
}
