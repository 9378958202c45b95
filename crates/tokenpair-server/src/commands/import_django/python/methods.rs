//! Methods of texts, lists, dictionaries, paths and of what reads the environment.

use super::expressions::Arguments;
use super::names::resolved;
use super::statements::Frame;
use super::value::{Value, What};
use std::path::Path;
use std::rc::Rc;
use tree_sitter::Node;

impl Frame<'_> {
    /// `object.name(arguments)`.
    pub(super) fn method(
        &mut self,
        node: Node<'_>,
        object: Value,
        name: &str,
        arguments: Arguments,
    ) -> Value {
        if name == "as_view" {
            let (mut views, keywords) = arguments;
            views.insert(0, object);
            return self.symbol(node, "as_view", (views, keywords));
        }
        let found = match &object.what {
            What::Unknown(_) => return object,
            What::Name(base) => {
                let callee = What::Name(Rc::from(format!("{base}.{name}")));
                let callee = self.known(Value::new(callee, self.place(node)));
                return self.apply(node, &callee, arguments);
            }
            What::Module(scope) => {
                let callee = scope.get(name).cloned();
                return match callee {
                    Some(callee) => self.apply(node, &callee, arguments),
                    None => self.unknown(node, format!("{name} is not set")),
                };
            }
            What::Env(scheme, is_file_aware) => {
                let scheme = (scheme.clone(), *is_file_aware);
                if name == "read_env" {
                    let callee =
                        Value::new(What::Name(Rc::from("environ.Env.read_env")), object.at);
                    return self.apply(node, &callee, arguments);
                }
                return self.env_call(node, &scheme, Some(name), arguments);
            }
            What::Environ => {
                let callee = Value::new(What::Name(Rc::from("os.environ.get")), object.at.clone());
                match name {
                    "get" => return self.apply(node, &callee, arguments),
                    _ => None,
                }
            }
            What::Text(text) => text_method(text, name, &arguments.0, &object),
            What::Path(path) => self.path_method(node, path, name, &arguments.0),
            What::FileText(path, _) if matches!(name, "strip" | "rstrip") => {
                Some(What::FileText(path.clone(), true))
            }
            What::FileText(..) if matches!(name, "decode" | "encode") => Some(object.what.clone()),
            What::Call(call) if &*call.callee == "open" && name == "read" => {
                let path = call.arguments.first().and_then(Value::as_path);
                path.map(|path| What::FileText(resolved(&path), false))
            }
            What::Dict(_) => dict_method(&object, name, &arguments.0),
            What::List(values) if name == "copy" => Some(What::List(values.clone())),
            What::Call(call) => {
                let callee = format!("{}().{name}", call.callee);
                return self.symbol(node, &callee, arguments).made_of([&object]);
            }
            _ => None,
        };
        let unknown = || {
            let failed = arguments.0.iter().find_map(Value::reason);
            let reason = match failed {
                Some(reason) => reason.to_owned(),
                None => format!(
                    "calls .{name}() of {}, which is not evaluated",
                    object.describe()
                ),
            };
            self.unknown(node, reason)
        };
        let value = found.map_or_else(unknown, |what| Value::new(what, self.place(node)));
        let is_verbatim = object.is_verbatim && matches!(name, "strip" | "split");
        value
            .made_of([&object])
            .made_of(&arguments.0)
            .verbatim(is_verbatim)
    }

    pub(super) fn path_attribute(&mut self, node: Node<'_>, path: &Path, name: &str) -> Value {
        let at = self.place(node);
        let text = |text: Option<&std::ffi::OsStr>| {
            What::Text(Rc::from(text.unwrap_or_default().to_string_lossy()))
        };
        let what = match name {
            "parent" => What::Path(path.parent().unwrap_or(Path::new("")).to_owned()),
            "name" => text(path.file_name()),
            "stem" => text(path.file_stem()),
            "parents" => {
                let path = Value::new(What::Path(path.to_owned()), at);
                return self.symbol(node, "parents", (vec![path], Vec::new()));
            }
            _ => return self.unknown(node, format!("is .{name} of a path")),
        };
        Value::new(what, at)
    }

    fn path_method(
        &mut self,
        node: Node<'_>,
        path: &Path,
        name: &str,
        arguments: &[Value],
    ) -> Option<What> {
        Some(match name {
            "resolve" | "absolute" => What::Path(resolved(path)),
            "exists" | "is_file" | "is_dir" => What::Bool(path.exists()),
            "as_posix" => What::Text(Rc::from(path.to_string_lossy())),
            "read_text" | "read_bytes" => What::FileText(resolved(path), false),
            "open" => {
                let path = Value::new(What::Path(path.to_owned()), self.place(node));
                return Some(self.symbol(node, "open", (vec![path], Vec::new())).what);
            }
            "joinpath" | "path" => {
                let mut whole = path.to_owned();
                for part in arguments {
                    whole.push(part.as_path()?);
                }
                What::Path(whole)
            }
            _ => return None,
        })
    }
}

fn text_method(text: &str, name: &str, arguments: &[Value], object: &Value) -> Option<What> {
    let argument = |index: usize| arguments.get(index).and_then(Value::as_text);
    let known = |text: &str| Some(What::Text(Rc::from(text)));
    let strip = |c: char| match argument(0) {
        Some(set) => set.contains(c),
        None => c.is_whitespace(),
    };
    match (name, arguments.len()) {
        ("strip", 0 | 1) => known(text.trim_matches(strip)),
        ("lstrip", 0 | 1) => known(text.trim_start_matches(strip)),
        ("rstrip", 0 | 1) => known(text.trim_end_matches(strip)),
        ("lower", 0) => known(&text.to_lowercase()),
        ("upper", 0) => known(&text.to_uppercase()),
        ("encode" | "decode", _) => known(text),
        ("startswith", 1) => Some(What::Bool(text.starts_with(argument(0)?))),
        ("endswith", 1) => Some(What::Bool(text.ends_with(argument(0)?))),
        ("replace", 2) => known(&text.replace(argument(0)?, argument(1)?)),
        ("split", 0) => Some(texts(text.split_whitespace(), object)),
        ("split", 1) => Some(texts(
            text.split(argument(0).filter(|by| !by.is_empty())?),
            object,
        )),
        ("join", 1) => {
            let parts: Option<Vec<&str>> = arguments
                .first()?
                .as_list()?
                .iter()
                .map(Value::as_text)
                .collect();
            known(&parts?.join(text))
        }
        _ => None,
    }
}

fn texts<'a>(parts: impl Iterator<Item = &'a str>, object: &Value) -> What {
    What::List(
        parts
            .map(|part| Value::text(part, object.at.clone()))
            .collect(),
    )
}

fn dict_method(object: &Value, name: &str, arguments: &[Value]) -> Option<What> {
    let members = object.as_dict()?;
    match name {
        "copy" => Some(object.what.clone()),
        "get" => {
            let found = object.member(arguments.first()?.as_text()?);
            let found = found.or(arguments.get(1));
            Some(found.map_or(What::None, |value| value.what.clone()))
        }
        "keys" => Some(texts(members.iter().map(|(name, _)| &**name), object)),
        "values" => Some(What::List(
            members.iter().map(|(_, value)| value.clone()).collect(),
        )),
        _ => None,
    }
}
