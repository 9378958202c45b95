//! Calls: the few functions that settings are made with are known; all others are kept as calls that are not made.

use super::database_url;
use super::expressions::Arguments;
use super::names::resolved;
use super::statements::Frame;
use super::value::{Call, Value, What};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tree_sitter::Node;

/// The arguments of `timedelta` in their order, in microseconds.
const TIMEDELTA: [(&str, i64); 7] = [
    ("days", 86_400_000_000),
    ("seconds", 1_000_000),
    ("microseconds", 1),
    ("milliseconds", 1_000),
    ("minutes", 60_000_000),
    ("hours", 3_600_000_000),
    ("weeks", 604_800_000_000),
];
/// With these a function can reach every setting.
const REACH_ALL: [&str; 3] = ["locals", "globals", "vars"];

impl Frame<'_> {
    pub(super) fn call(&mut self, node: Node<'_>) -> Value {
        let (Some(function), Some(arguments)) = (
            node.child_by_field_name("function"),
            node.child_by_field_name("arguments"),
        ) else {
            return self.unknown(node, "is incomplete");
        };
        if function.kind() == "attribute" {
            let object = function.child_by_field_name("object");
            let name = function.child_by_field_name("attribute");
            if let (Some(object), Some(name)) = (object, name) {
                let object = self.evaluate(object);
                let arguments = self.arguments(arguments);
                return self.method(node, object, self.text(name), arguments);
            }
        }
        let callee = self.evaluate(function);
        let arguments = self.arguments(arguments);
        self.apply(node, &callee, arguments)
    }

    /// `callee(arguments)`.
    pub(super) fn apply(&mut self, node: Node<'_>, callee: &Value, arguments: Arguments) -> Value {
        match &callee.what {
            What::Name(name) => {
                let call = Call {
                    callee: name.clone(),
                    arguments: arguments.0,
                    keywords: arguments.1,
                };
                if let Some(value) = self.file_function(node, &call) {
                    return value;
                }
                self.known_function(node, &call).unwrap_or_else(|| {
                    self.warn_of_reach(node, &call);
                    let Call {
                        callee,
                        arguments,
                        keywords,
                    } = call;
                    self.symbol(node, &callee, (arguments, keywords))
                })
            }
            What::Class(class) => {
                let name = class.name.clone();
                let (mut values, keywords) = arguments;
                values.insert(0, callee.clone());
                self.symbol(node, &name, (values, keywords))
            }
            What::Env(scheme, is_file_aware) => {
                let scheme = (scheme.clone(), *is_file_aware);
                self.env_call(node, &scheme, None, arguments)
            }
            // `environ.Path`: ROOT("folder")
            What::Path(path) => match arguments.0.first().and_then(Value::as_path) {
                Some(more) => Value::new(What::Path(path.join(more)), self.place(node)),
                None => callee.clone(),
            },
            What::Unknown(_) => callee.clone(),
            _ => {
                let reason = format!("calls {}", callee.describe());
                self.unknown(node, reason)
            }
        }
    }

    /// `django_heroku.settings(locals())`, `exec(…)`.
    fn warn_of_reach(&mut self, node: Node<'_>, call: &Call) {
        let reaches = |value: &Value| match &value.what {
            What::Call(inner) => REACH_ALL.contains(&&*inner.callee),
            _ => false,
        };
        if matches!(&*call.callee, "exec" | "eval") || call.arguments.iter().any(reaches) {
            let reason = format!("{}() may change any setting, and is not run", call.callee);
            self.flaw(self.place(node), reason);
        }
    }

    /// A function whose result is known; `None` for all others.
    fn known_function(&mut self, node: Node<'_>, call: &Call) -> Option<Value> {
        let first = call.arguments.first();
        let path = || first.and_then(Value::as_path);
        let at = self.place(node);
        let plain = |what| Some(Value::new(what, at.clone()));
        let value = match &*call.callee {
            "timedelta" | "datetime.timedelta" | "django.utils.timezone.timedelta" => {
                return Some(self.timedelta(node, call));
            }
            "pathlib.Path" | "pathlib.PurePath" | "environ.Path" | "os.path.expanduser"
            | "os.fspath" => joined(&call.arguments).and_then(|path| plain(What::Path(path))),
            "os.path.join" => joined(&call.arguments).and_then(|path| plain(text_of(&path))),
            "os.path.dirname" => path().and_then(|path| {
                let folder = path.parent().unwrap_or(Path::new(""));
                plain(text_of(folder))
            }),
            "os.path.abspath" | "os.path.realpath" | "os.path.normpath" => {
                path().and_then(|path| plain(text_of(&resolved(&path))))
            }
            "os.path.exists" | "os.path.isfile" | "os.path.isdir" => {
                path().and_then(|path| plain(What::Bool(path.exists())))
            }
            "os.getcwd" => None,
            "os.getenv" | "os.environ.get" => return Some(self.get_variable(node, call)),
            "environ.Env" | "environ.FileAwareEnv" => {
                let is_file_aware = call.callee.ends_with("FileAwareEnv");
                plain(What::Env(Rc::from(call.keywords.clone()), is_file_aware))
            }
            "environ.Env.read_env" | "dotenv.load_dotenv" | "environ.read_env" => {
                self.read_variables(call);
                plain(What::None)
            }
            "decouple.config" => return Some(self.decouple(node, call)),
            "decouple.AutoConfig" | "decouple.Config" => {
                plain(What::Name(Rc::from("decouple.config")))
            }
            "dj_database_url.config" => return Some(self.database_config(node, call)),
            "dj_database_url.parse" => {
                return Some(self.database_of(node, first, &call.keywords));
            }
            "re.compile" | "django.utils.safestring.mark_safe" => (call.arguments.len() == 1)
                .then(|| first.cloned())
                .flatten(),
            name if name.starts_with("django.utils.translation.") => first.cloned(),
            "str" => match first.map(Self::to_text) {
                None => plain(What::Text(Rc::from(""))),
                Some(Ok(text)) => plain(What::Text(text)),
                Some(Err(_)) => first
                    .filter(|value| matches!(value.what, What::FileText(..)))
                    .cloned(),
            },
            "int" => first
                .and_then(int)
                .and_then(|number| plain(What::Int(number))),
            "float" => first
                .and_then(float)
                .and_then(|number| plain(What::Float(number))),
            "bool" => first
                .and_then(Value::truth)
                .and_then(|flag| plain(What::Bool(flag))),
            "list" | "tuple" | "set" | "frozenset" | "sorted" => {
                match first.map(|value| &value.what) {
                    None => plain(What::List(Vec::new())),
                    Some(What::List(values)) => plain(What::List(values.clone())),
                    Some(What::Dict(members)) => plain(What::List(
                        members
                            .iter()
                            .map(|(name, value)| Value::text(name.clone(), value.at.clone()))
                            .collect(),
                    )),
                    _ => None,
                }
            }
            "dict" => dict(call).and_then(|members| plain(What::Dict(members))),
            "len" => first
                .and_then(length)
                .and_then(|length| plain(What::Int(length))),
            "distutils.util.strtobool" | "strtobool" => first
                .and_then(Value::as_text)
                .and_then(flag)
                .and_then(|flag| plain(What::Bool(flag))),
            _ => return None,
        };
        let unknown = || {
            let failed = call.arguments.iter().find(|value| value.reason().is_some());
            let reason = match failed.and_then(Value::reason) {
                Some(reason) => reason.to_owned(),
                None => format!(
                    "is {}() of something that it is not evaluated for",
                    call.callee
                ),
            };
            self.unknown(node, reason)
        };
        let mut value = value.unwrap_or_else(unknown).made_of(&call.arguments);
        value.is_verbatim = matches!(
            &*call.callee,
            "str" | "int" | "bool" | "distutils.util.strtobool"
        ) && first.is_some_and(|first| first.is_verbatim);
        Some(value)
    }

    fn timedelta(&self, node: Node<'_>, call: &Call) -> Value {
        let positional = TIMEDELTA
            .iter()
            .zip(&call.arguments)
            .map(|((_, unit), value)| (*unit, value));
        let mut parts: Vec<(i64, &Value)> = positional.collect();
        for (name, value) in &call.keywords {
            match TIMEDELTA.iter().find(|(known, _)| *known == &**name) {
                Some((_, unit)) => parts.push((*unit, value)),
                None => {
                    return self.unknown(
                        node,
                        format!("is a timedelta with {name}, which it does not have"),
                    );
                }
            }
        }
        let mut length = Some(0_i64);
        for (unit, value) in &parts {
            let part = match &value.what {
                What::Int(number) => number.checked_mul(*unit),
                What::Float(number) => microseconds(*number, *unit),
                _ => return self.unknown(node, value.describe()).made_of([*value]),
            };
            length = length
                .zip(part)
                .and_then(|(sum, part)| sum.checked_add(part));
        }
        let made_of = parts.iter().map(|(_, value)| *value);
        match length {
            Some(length) => Value::new(What::Duration(length), self.place(node)),
            None => self.unknown(node, "is longer than any time"),
        }
        .made_of(made_of)
    }

    fn database_config(&mut self, node: Node<'_>, call: &Call) -> Value {
        let name = call
            .argument(0, "env")
            .and_then(Value::as_text)
            .unwrap_or("DATABASE_URL");
        let default = call.argument(1, "default").cloned();
        let nothing = Value::new(What::Text(Rc::from("")), self.place(node));
        let default = default
            .filter(|value| value.what != What::None)
            .unwrap_or(nothing);
        let url = self.variable(node, name, Some(default));
        if url.as_text() == Some("") {
            let mut value =
                self.unknown(node, format!("environment variable {name} is not set here"));
            value.variables = url.variables;
            value.is_verbatim = true;
            return value;
        }
        self.database_of(node, Some(&url), &call.keywords)
    }

    pub(super) fn database_of(
        &mut self,
        node: Node<'_>,
        url: Option<&Value>,
        options: &[(Rc<str>, Value)],
    ) -> Value {
        let Some(url) = url else {
            return self.unknown(node, "is a database without an address");
        };
        match Self::to_text(url) {
            Ok(text) => {
                let parsed = database_url::parse(&text, options, url, &self.place(node));
                parsed.unwrap_or_else(|reason| self.unknown(node, reason))
            }
            Err(reason) => self.unknown(node, reason),
        }
        .made_of([url])
        .verbatim(url.is_verbatim)
    }
}

/// All arguments as one path.
fn joined(arguments: &[Value]) -> Option<PathBuf> {
    let parts: Option<Vec<PathBuf>> = arguments.iter().map(Value::as_path).collect();
    Some(parts?.into_iter().collect())
}

fn text_of(path: &Path) -> What {
    What::Text(Rc::from(path.to_string_lossy()))
}

fn dict(call: &Call) -> Option<Vec<(Rc<str>, Value)>> {
    let mut members = match call.arguments.first() {
        None => Vec::new(),
        Some(first) => first.as_dict()?.to_vec(),
    };
    for (name, value) in &call.keywords {
        super::expressions::put(&mut members, name.clone(), value.clone());
    }
    Some(members)
}

/// Python's `int()`.
pub(super) fn int(value: &Value) -> Option<i64> {
    match &value.what {
        What::Int(number) => Some(*number),
        What::Bool(flag) => Some(i64::from(*flag)),
        What::Text(text) => text.trim().replace('_', "").parse().ok(),
        _ => None,
    }
}

/// Python's `float()`.
pub(super) fn float(value: &Value) -> Option<f64> {
    let number: f64 = match &value.what {
        What::Float(number) => *number,
        What::Int(number) => number.to_string().parse().ok()?,
        What::Text(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// The words that every reader of variables takes for a boolean.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "y" | "t" | "ok" => Some(true),
        "false" | "0" | "no" | "off" | "n" | "f" | "" => Some(false),
        _ => None,
    }
}

fn length(value: &Value) -> Option<i64> {
    let length = match &value.what {
        What::Text(text) => text.chars().count(),
        What::List(values) => values.len(),
        What::Dict(members) => members.len(),
        _ => return None,
    };
    i64::try_from(length).ok()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "checked against a bound that both types hold exactly"
)]
fn microseconds(number: f64, unit: i64) -> Option<i64> {
    let length = (number * unit as f64).round();
    (length.abs() < 9e15).then_some(length as i64)
}
