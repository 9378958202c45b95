//! Settings that stand in a JSON file: `json.load(open(…))`.

use super::names::resolved;
use super::statements::Frame;
use super::value::{Place, Value, What};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tokenpair::json;

/// No settings are longer.
const LONGEST: u64 = 1 << 16;

impl Frame<'_> {
    /// What the file holds, which is opened or whose text is read; `None` for what is no such file.
    pub(super) fn json_file(&mut self, file: &Value, at: &Place) -> Option<Value> {
        let path = path_of(file)?;
        let is_short =
            fs::metadata(&path).is_ok_and(|about| about.is_file() && about.len() <= LONGEST);
        if !is_short {
            let reason = format!("is in {}, which cannot be read", path.display());
            return Some(Value::unknown(reason, at.clone()));
        }
        let text = fs::read_to_string(&path).ok()?;
        let found = json::decode_body(&text).map(|found| value_of(&found, at));
        Some(found.unwrap_or_else(|_| {
            let reason = format!("is in {}, which is no JSON", path.display());
            Value::unknown(reason, at.clone())
        }))
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
