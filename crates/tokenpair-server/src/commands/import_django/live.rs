//! The facts of a project from Django itself, which runs a script of ours in `manage.py shell`.

use super::facts::{Facts, Field, Model, Route, Routes, Serializer, User, View};
use super::models::kind;
use super::python::{Place, Scope, Value, What};
use super::{files, serializers, urls};
use crate::commands::manage_py;
use crate::files::folder_of;
use crate::output::Failure;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tokenpair::json;

const SCRIPT: &str = include_str!("live/ask.py");
/// Asks Django; its code is run.
pub(super) fn ask(manage_py: &Path, python: &Path) -> Result<Facts, Failure> {
    let failed = Failure::because(manage_py.display());
    let output = manage_py::command(manage_py, python, SCRIPT)?
        .output()
        .map_err(|error| manage_py::not_run(manage_py, python, &error))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let answer = text.lines().rev().find_map(manage_py::told);
    let answer = answer.ok_or_else(|| failed(&manage_py::complaint(&output.stderr)))?;
    let script = std::path::absolute(manage_py).map_err(|error| failed(&error))?;
    let root = folder_of(&script).to_owned();
    read(&answer, root).ok_or_else(|| failed(&"Django's answer cannot be read"))
}

fn read(answer: &json::Value, root: PathBuf) -> Option<Facts> {
    let answer = answer.as_object()?;
    let at = Place {
        file: Rc::from(Path::new(answer.get("module")?.as_str()?)),
        line: 0,
    };
    let mut settings = Scope::default();
    for (name, value) in answer.get("settings")?.as_object()? {
        settings.insert(name, value_of(value, &at));
    }
    let hashers = answer.get("hashers")?;
    settings.insert("PASSWORD_HASHERS", value_of(hashers, &at));
    let urls = settings.get("ROOT_URLCONF").and_then(Value::as_text);
    let urls = Place {
        file: Rc::from(Path::new(urls.unwrap_or("urls"))),
        line: 0,
    };
    let rounds = answer.get("rounds")?.as_object()?.iter();
    let routes = answer.get("routes")?.as_array()?.iter();
    let backends = answer.get("backends")?.as_array()?.iter();
    Some(Facts {
        root,
        django: files::series(&files::version(answer.get("django")?.as_str()?)),
        simple_jwt: answer.get("simple_jwt")?.as_str().map(files::version),
        flaws: Vec::new(),
        user: user(answer.get("user")?, &settings, &at)?,
        routes: Routes::Read {
            routes: routes
                .map(|route| self::route(route, &urls))
                .collect::<Option<_>>()?,
            unread: Vec::new(),
        },
        serializer: serializer(answer.get("serializer")?),
        backends: backends
            .filter_map(|backend| {
                let name = backend.as_object()?.get("name")?.as_str()?;
                Some((name.to_owned(), place(backend)?))
            })
            .collect(),
        rounds: rounds
            .filter_map(|(name, number)| Some((name.clone(), number.as_i64()?)))
            .collect(),
        variables: Vec::new(),
        settings: Rc::new(settings),
    })
}

fn value_of(value: &json::Value, at: &Place) -> Value {
    let what = match value {
        json::Value::Null => What::None,
        json::Value::Bool(flag) => What::Bool(*flag),
        json::Value::String(text) => What::Text(Rc::from(text.as_str())),
        json::Value::Array(values) => {
            What::List(values.iter().map(|value| value_of(value, at)).collect())
        }
        json::Value::Number(number) => match value.as_i64() {
            Some(number) => What::Int(number),
            None => number
                .to_string()
                .parse()
                .map_or_else(|_| unknown("a number that is too large"), What::Float),
        },
        json::Value::Object(object) => tagged(object, at),
        json::Value::IllFormed(_) => unknown("a text that is not Unicode"),
    };
    Value::new(what, at.clone())
}

fn tagged(object: &json::Object, at: &Place) -> What {
    let Some((tag, value)) = object.iter().next() else {
        return unknown("nothing");
    };
    match (tag.as_str(), value) {
        ("timedelta", value) => value
            .as_i64()
            .map_or_else(|| unknown("a timedelta that is too long"), What::Duration),
        ("path", json::Value::String(path)) => What::Path(PathBuf::from(path)),
        ("name", json::Value::String(name)) => What::Name(Rc::from(name.as_str())),
        ("dict", json::Value::Array(members)) => {
            let members = members.iter().filter_map(|member| {
                let [name, value] = member.as_array()? else {
                    return None;
                };
                Some((Rc::from(name.as_str()?), value_of(value, at)))
            });
            What::Dict(members.collect())
        }
        ("unknown", json::Value::String(kind)) => unknown(&format!("an object of the type {kind}")),
        _ => unknown("of a kind that is not known"),
    }
}

fn unknown(what: &str) -> What {
    What::Unknown(Rc::from(format!("is {what}")))
}

fn user(answer: &json::Value, settings: &Scope, at: &Place) -> Option<User> {
    let Some(answer) = answer.as_object() else {
        return Some(User::Django);
    };
    let text = |name: &str| answer.get(name)?.as_str().map(str::to_owned);
    let name = text("name")?;
    let at = settings
        .get("AUTH_USER_MODEL")
        .map_or(at, |setting| &setting.at);
    if answer.get("tables")?.as_i64()? > 1 {
        return Some(User::Unknown {
            at: at.clone(),
            name: format!("AUTH_USER_MODEL ({name})"),
            reason: "is made of more than one table, and a user has to be in one".to_owned(),
        });
    }
    let fields = answer.get("fields")?.as_array()?.iter().map(|field| {
        let [name, column, class, is_primary_key, is_nullable] = field.as_array()? else {
            return None;
        };
        Some(Field {
            name: name.as_str()?.to_owned(),
            column: column.as_str()?.to_owned(),
            class: class.as_str()?.to_owned(),
            kind: kind(class.as_str()?),
            is_primary_key: is_primary_key.is_truthy(),
            is_nullable: is_nullable.is_truthy(),
        })
    });
    let remarks = answer.get("remarks")?.as_array()?.iter();
    Some(User::Custom(Model {
        name,
        at: at.clone(),
        table: text("table")?,
        fields: fields.collect::<Option<_>>()?,
        username_field: text("username_field")?,
        remarks: remarks
            .filter_map(|remark| {
                let text = remark.as_object()?.get("text")?.as_str()?.to_owned();
                Some((place(remark).unwrap_or_else(|| at.clone()), text))
            })
            .collect(),
    }))
}

/// The class is read in its file, as Django does not tell what its methods do.
fn serializer(answer: &json::Value) -> Option<Rc<Serializer>> {
    let name = answer.as_object()?.get("name")?.as_str()?;
    serializers::at(name, place(answer)?)
}

/// Where a class or a method is written.
fn place(answer: &json::Value) -> Option<Place> {
    let answer = answer.as_object()?;
    let file = Path::new(answer.get("file")?.as_str()?);
    let here = std::env::current_dir().ok();
    let shown = here
        .as_deref()
        .and_then(|here| file.strip_prefix(here).ok());
    Some(Place {
        file: Rc::from(shown.unwrap_or(file)),
        line: usize::try_from(answer.get("line")?.as_i64()?).ok()?,
    })
}

fn route(answer: &json::Value, at: &Place) -> Option<Route> {
    let answer = answer.as_object()?;
    let text = |name: &str| answer.get(name)?.as_str();
    let name = text("class")?.to_owned();
    let view = match (text("base"), text("how")?.to_owned()) {
        (None, _) => View::Foreign {
            name,
            what: urls::WITH_COOKIES,
        },
        (Some(base), how) if how.is_empty() => View::SimpleJwt(base.to_owned()),
        (Some(base), how) => View::Own {
            name,
            base: base.to_owned(),
            how,
            serializer: serializer(answer.get("serializer")?),
        },
    };
    let mut path = Ok("/".to_owned());
    let mut is_slash_optional = false;
    for part in answer.get("parts")?.as_array()? {
        let [kind, text] = part.as_array()? else {
            return None;
        };
        let (more, is_optional) = urls::part(kind.as_str()?, text.as_str()?);
        is_slash_optional = is_optional;
        path = path.and_then(|path: String| Ok(path + &more?));
    }
    Some(Route {
        at: at.clone(),
        path,
        view,
        is_slash_optional,
    })
}
