//! From what is known of a Django project to a configuration. Each section has its own module.

mod claims;
mod cors;
mod database;
mod passwords;
mod paths;
mod simple_jwt;
mod surroundings;
mod user_model;

use super::draft::{Draft, Reference};
use super::facts::{Facts, IN_FILE};
use super::python::{Value, What};
use std::fs;
use std::time::Duration;
use tokenpair::Setting;
use tokenpair::json;

/// Where the library's hooks and traits are explained.
const HOOKS: &str =
    "An axum application does it with the library's hooks, see docs/cookbook-axum.md.";

/// The configuration that corresponds, and what does not.
pub(super) fn draft(facts: &Facts) -> Draft {
    let mut draft = Draft::default();
    for flaw in &facts.flaws {
        let advice = "Correct it, or set what it changes by hand.";
        draft.leave("line not read", &flaw.at, flaw.reason.clone(), advice);
    }
    database::map(facts, &mut draft);
    user_model::map(facts, &mut draft);
    let serializer = claims::map(facts, &mut draft);
    simple_jwt::map(facts, &mut draft);
    passwords::map(facts, &mut draft);
    paths::map(facts, serializer.as_deref(), &mut draft);
    cors::map(facts, &mut draft);
    surroundings::map(facts, &mut draft);
    draft
}

/// Shorter texts are ordinary words, which stand everywhere.
const SHORTEST_SECRET: usize = 9;

/// Texts that must not be told, wherever they stand.
pub(super) fn secrets(facts: &Facts) -> Vec<&str> {
    let setting = |name: &str| facts.settings.get(name);
    let key = setting("SIMPLE_JWT").and_then(|all| all.member("SIGNING_KEY"));
    let database = setting("DATABASES").and_then(|all| all.member("default"));
    let password = database.and_then(|database| database.member("PASSWORD"));
    let known = [setting("SECRET_KEY"), key, password].into_iter().flatten();
    let texts = known.filter_map(Value::as_text);
    texts.filter(|text| text.len() >= SHORTEST_SECRET).collect()
}

/// The value as the configuration takes it, or what it is instead.
fn plain(value: &Value) -> Result<json::Value, String> {
    Ok(match &value.what {
        What::None => json::Value::Null,
        What::Bool(flag) => json::Value::from(*flag),
        What::Int(number) => json::Value::from(*number),
        What::Float(number) => json::Value::from(*number),
        What::Text(text) => json::Value::from(&**text),
        What::Path(path) => json::Value::from(path.to_string_lossy().into_owned()),
        What::Duration(length) => {
            let length =
                u64::try_from(*length).map_err(|_| "is a negative timedelta".to_owned())?;
            Setting::of_duration(Duration::from_micros(length))
        }
        What::List(values) => {
            let values: Result<Vec<_>, _> = values.iter().map(plain).collect();
            json::Value::Array(values?)
        }
        What::Dict(members) => {
            let members = members
                .iter()
                .map(|(name, value)| Ok((name.to_string(), plain(value)?)));
            json::Value::Object(members.collect::<Result<_, String>>()?)
        }
        What::Unknown(reason) => return Err(reason.to_string()),
        _ => return Err(format!("is {}", value.describe())),
    })
}

/// `settings.py:12`, with the variables that the value depends on.
fn source(value: &Value) -> String {
    let mut source = value.at.to_string();
    if !value.variables.is_empty() {
        let variables: Vec<&str> = value.variables.iter().map(|name| &**name).collect();
        source = format!("{source}, from {}", variables.join(", "));
    }
    source
}

/// The one variable whose text a value is.
fn variable_of(value: &Value) -> Option<&str> {
    let mut variables = value.variables.iter();
    match (variables.next(), variables.next()) {
        (Some(name), None) if value.is_verbatim => Some(name),
        _ => None,
    }
}

impl Facts {
    /// Whether a value stands in a file of the project's: in Python, or among the variables of a `.env`.
    fn is_written(&self, value: &Value) -> bool {
        let in_file = |name: &str| {
            let mut variables = self.variables.iter();
            variables.any(|(known, state)| known == name && *state == IN_FILE)
        };
        value.variables.iter().all(|name| in_file(name))
    }

    /// Whether a variable is not set here, so that Django takes a default.
    fn is_default(&self, variable: &str) -> bool {
        let mut variables = self.variables.iter();
        variables.any(|(name, state)| name == variable && state.contains("default"))
    }
}

impl Draft {
    /// Sets `name` to what `value` is; where it is not known, refers to its variable or says why.
    fn take(&mut self, section: &'static str, name: &str, shown: &str, value: &Value) {
        match (plain(value), variable_of(value)) {
            (Ok(found), _) => {
                self.set(section, name, found, &value.at);
                if let Some(line) = self.lines.last_mut() {
                    line.source = source(value);
                }
            }
            (Err(_), Some(variable)) if value.reason().is_some() => {
                let reference = Reference {
                    section,
                    name: name.to_owned(),
                    variable: format!("TOKENPAIR_{name}"),
                    value: format!("${variable}"),
                    source: value.at.to_string(),
                    default: None,
                    is_optional: false,
                };
                self.references.push(reference);
            }
            (Err(reason), _) => {
                let advice = format!("Set {name} in [{section}] by hand.");
                self.leave(shown, &value.at, reason, advice);
            }
        }
    }

    /// A value that nobody is to see: into the file where it is written in Python, else a reference.
    fn take_secret(&mut self, facts: &Facts, name: &str, shown: &str, value: &Value) {
        let by_hand = format!("Start with TOKENPAIR_{name} set to what Django uses.");
        match (&value.what, variable_of(value)) {
            (What::Text(text), _) if facts.is_written(value) && !text.is_empty() => {
                self.set_secret("simple_jwt", name, text, &value.at);
            }
            (What::FileText(path, is_trimmed), _) if name == "SIGNING_KEY" => {
                // Ours is read without the end of its last line, which is a part of Django's.
                match fs::read_to_string(path).ok() {
                    Some(key) if !is_trimmed && key.trim_end() != key && !key.contains("-----") => {
                        self.set_secret("simple_jwt", name, &key, &value.at);
                    }
                    _ => {
                        let path = path.to_string_lossy().into_owned();
                        self.set("server", "signing_key_file", path, &value.at);
                    }
                }
            }
            (What::Text(_) | What::Unknown(_), Some(variable)) => {
                let default = value.as_text().filter(|text| {
                    !text.is_empty() && !text.contains('\n') && facts.is_default(variable)
                });
                self.references.push(Reference {
                    section: "simple_jwt",
                    name: name.to_owned(),
                    variable: format!("TOKENPAIR_{name}"),
                    value: format!("${variable}"),
                    source: value.at.to_string(),
                    default: default.map(json::Value::from),
                    is_optional: facts.is_default(variable),
                });
            }
            (What::Text(_), None) if !value.variables.is_empty() => {
                self.leave(
                    shown,
                    &value.at,
                    "is made of variables of the environment",
                    by_hand,
                );
            }
            (What::None | What::Text(_), _) => {}
            _ => self.leave(shown, &value.at, value.describe(), by_hand),
        }
    }
}
