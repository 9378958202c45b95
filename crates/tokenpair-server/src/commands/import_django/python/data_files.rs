//! Files that settings name: JSON with further settings, folders with further modules.

use super::names::resolved;
use super::statements::Frame;
use super::value::{Call, Place, Value, What};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tokenpair::json;
use tree_sitter::Node;

/// No settings are longer.
const LONGEST: u64 = 1 << 16;

impl Frame<'_> {
    /// `json.load(open(…))` and `sys.path.insert(0, …)`; `None` for all other functions.
    pub(super) fn file_function(&mut self, node: Node<'_>, call: &Call) -> Option<Value> {
        let at = self.place(node);
        match &*call.callee {
            "json.load" | "json.loads" => {
                let path = path_of(call.arguments.first()?)?;
                let read = read(&path, &at);
                Some(read.unwrap_or_else(|reason| Value::unknown(reason, at)))
            }
            "sys.path.insert" | "sys.path.append" => {
                let folder = call.arguments.last()?.as_path()?;
                self.project.add_root(&resolved(&folder));
                Some(Value::new(What::None, at))
            }
            _ => None,
        }
    }
}

/// What a JSON file holds.
fn read(path: &Path, at: &Place) -> Result<Value, String> {
    let is_short = fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() <= LONGEST);
    let text = is_short.then(|| fs::read_to_string(path).ok()).flatten();
    let text = text.ok_or_else(|| format!("is in {}, which cannot be read", path.display()))?;
    match json::decode_body(&text) {
        Ok(found) => Ok(value_of(&found, at)),
        Err(_) => Err(format!("is in {}, which is no JSON", path.display())),
    }
}

fn path_of(file: &Value) -> Option<PathBuf> {
    match &file.what {
        What::FileText(path, _) => Some(path.clone()),
        What::Call(call) if &*call.callee == "open" => {
            let path = call.arguments.first().and_then(Value::as_path)?;
            Some(resolved(Path::new(&path)))
        }
        _ => None,
    }
}

/// A value of JSON as Python reads it.
fn value_of(value: &json::Value, at: &Place) -> Value {
    let what = match value {
        json::Value::Null => What::None,
        json::Value::Bool(flag) => What::Bool(*flag),
        json::Value::String(text) => What::Text(Rc::from(text.as_str())),
        json::Value::Number(number) => match (value.as_i64(), number.to_string().parse()) {
            (Some(number), _) => What::Int(number),
            (None, Ok(number)) => What::Float(number),
            (None, Err(_)) => What::Unknown(Rc::from("is a number that is too large")),
        },
        json::Value::Array(values) => {
            What::List(values.iter().map(|value| value_of(value, at)).collect())
        }
        json::Value::Object(members) => What::Dict(
            members
                .iter()
                .map(|(name, value)| (Rc::from(name.as_str()), value_of(value, at)))
                .collect(),
        ),
        json::Value::IllFormed(_) => What::Unknown(Rc::from("is a text that is not Unicode")),
    };
    Value::new(what, at.clone())
}
