//! Look-ups in the environment, as `os`, django-environ and python-decouple make them.

use super::calls::{flag, float, int};
use super::expressions::Arguments;
use super::statements::Frame;
use super::value::{Call, Scheme, Value, What};
use std::rc::Rc;
use tree_sitter::Node;

impl Frame<'_> {
    /// What a variable holds here; if it is not set, `default`.
    pub(super) fn variable(&mut self, node: Node<'_>, name: &str, default: Option<Value>) -> Value {
        let at = self.place(node);
        let found = self.project.environment.get(name, default.is_some());
        let mut value = match (found, default) {
            (Some(text), _) => Value::text(text, at),
            (None, Some(mut default)) => {
                default.at = at;
                default
            }
            (None, None) => {
                Value::unknown(format!("environment variable {name} is not set here"), at)
            }
        };
        value.variables.insert(Rc::from(name));
        value.is_verbatim = true;
        value
    }

    /// `os.environ.get(name, default)`.
    pub(super) fn get_variable(&mut self, node: Node<'_>, call: &Call) -> Value {
        let default = call.argument(1, "default").cloned();
        let nothing = Value::new(What::None, self.place(node));
        match call.argument(0, "key").and_then(Value::as_text) {
            Some(name) => self.variable(node, name, Some(default.unwrap_or(nothing))),
            None => self.unknown(node, "is a variable whose name is not known"),
        }
    }

    /// `env("NAME", default=…)`, or with `kind` `env.bool("NAME", default=…)`.
    pub(super) fn env_call(
        &mut self,
        node: Node<'_>,
        (scheme, is_file_aware): &Scheme,
        kind: Option<&str>,
        (arguments, keywords): Arguments,
    ) -> Value {
        let is_database = matches!(kind, Some("db" | "db_url"));
        let call = Call {
            callee: Rc::from("env"),
            arguments,
            keywords,
        };
        let name = match call.argument(0, "var") {
            Some(name) => name.as_text(),
            None => is_database.then_some("DATABASE_URL"),
        };
        let Some(name) = name.map(str::to_owned) else {
            return self.unknown(node, "is a variable whose name is not known");
        };
        let planned = scheme
            .iter()
            .find(|(known, _)| **known == *name)
            .map(|(_, plan)| plan);
        let (planned_cast, planned_default) = match planned.and_then(Value::as_list) {
            Some([cast, default, ..]) => (Some(cast), Some(default)),
            _ => (planned, None),
        };
        let position = if kind.is_some() { 1 } else { 2 };
        let default = call
            .argument(position, "default")
            .or(planned_default)
            .cloned();
        let default = default.filter(|value| !is_notset(value));
        let cast = match kind {
            Some(_) => None,
            None => call.argument(1, "cast").or(planned_cast),
        };
        let file = if *is_file_aware {
            self.project.environment.file_of(&name)
        } else {
            None
        };
        let value = match file {
            Some(path) => Value::new(What::FileText(path, false), self.place(node)),
            None => self.variable(node, &name, default),
        };
        if is_database {
            return match value.as_text() {
                Some(_) => self.database_of(node, Some(&value), &call.keywords),
                None => value,
            };
        }
        let cast = cast.map(cast_name);
        match kind.or(cast.as_deref()) {
            Some(kind) => self.cast(node, value, kind),
            None => value,
        }
    }

    /// `config("NAME", default=…, cast=…)`.
    pub(super) fn decouple(&mut self, node: Node<'_>, call: &Call) -> Value {
        let Some(name) = call.argument(0, "option").and_then(Value::as_text) else {
            return self.unknown(node, "is a variable whose name is not known");
        };
        let folder = self.folder();
        self.project
            .environment
            .read_beside(&folder, &[".env", "settings.ini"]);
        let default = call.argument(1, "default").cloned();
        let value = self.variable(node, name, default);
        match call.argument(2, "cast") {
            None => value,
            Some(cast) => {
                let cast = cast_name(cast);
                self.cast(node, value, &cast)
            }
        }
    }

    /// Turns the text of a variable into the type that is asked for; a default mostly has it already.
    fn cast(&mut self, node: Node<'_>, value: Value, kind: &str) -> Value {
        let what = match (kind, &value.what) {
            (_, What::Unknown(_) | What::None)
            | ("str" | "unicode", What::Text(_) | What::FileText(..))
            | ("bool", What::Bool(_))
            | ("int", What::Int(_))
            | ("float", What::Float(_))
            | ("list" | "tuple" | "set" | "decouple.Csv" | "Csv", What::List(_)) => return value,
            ("bool", What::Text(text)) => flag(text).map(What::Bool),
            ("int", _) => int(&value).map(What::Int),
            ("float", _) => float(&value).map(What::Float),
            ("list" | "tuple" | "set" | "decouple.Csv" | "Csv", What::Text(text)) => {
                let items = text
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty());
                Some(What::List(
                    items
                        .map(|item| Value::text(item, value.at.clone()))
                        .collect(),
                ))
            }
            ("path", What::Text(text)) => Some(What::Path(text.as_ref().into())),
            _ => None,
        };
        let cast = match what {
            Some(what) => Value::new(what, value.at.clone()),
            None => self.unknown(
                node,
                format!("is a variable that is cast by {kind}, which is not run"),
            ),
        };
        let is_verbatim = value.is_verbatim;
        cast.made_of([&value]).verbatim(is_verbatim)
    }

    /// `read_env(path)`, `load_dotenv(path)`; without a path the file `.env` beside, or above.
    pub(super) fn read_variables(&mut self, call: &Call) {
        let named = call
            .arguments
            .first()
            .or_else(|| call.keyword("env_file"))
            .or_else(|| call.keyword("dotenv_path"));
        match named.map(|path| (path, path.as_path())) {
            None => {
                let folder = self.folder();
                self.project.environment.read_beside(&folder, &[".env"]);
            }
            Some((_, Some(path))) => self.project.environment.read(&path),
            Some((path, None)) => {
                let reason = format!(
                    "the file of variables that is read here is not known: {}",
                    path.describe()
                );
                self.flaw(path.at.clone(), reason);
            }
        }
    }
}

impl Value {
    pub(super) fn verbatim(mut self, is_verbatim: bool) -> Self {
        self.is_verbatim = is_verbatim;
        self
    }
}

fn is_notset(value: &Value) -> bool {
    matches!(&value.what, What::Name(name) if name.ends_with("NOTSET"))
}

/// `bool`, `decouple.Csv`.
fn cast_name(cast: &Value) -> String {
    match &cast.what {
        What::Name(name) => name.to_string(),
        What::Call(call) if call.arguments.is_empty() && call.keywords.is_empty() => {
            call.callee.to_string()
        }
        What::List(_) => "list".to_owned(),
        _ => "a function".to_owned(),
    }
}
