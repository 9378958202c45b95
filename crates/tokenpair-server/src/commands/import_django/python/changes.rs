//! Statements that change a value in its place: `X["a"] = …`, `X.update(…)`, `X.append(…)`, `del X["a"]`.

use super::expressions::{Arguments, put};
use super::statements::Frame;
use super::value::{Place, Value, What};
use std::rc::Rc;
use tree_sitter::Node;

const CHANGING: [&str; 8] = [
    "update",
    "append",
    "extend",
    "insert",
    "remove",
    "setdefault",
    "pop",
    "add",
];

/// `SIMPLE_JWT["a"]["b"]`: the name and the keys behind it.
struct Target<'a> {
    name: &'a str,
    keys: Vec<Value>,
}

impl<'a> Frame<'a> {
    fn target(&mut self, node: Node<'_>) -> Option<Target<'a>> {
        match node.kind() {
            "identifier" => Some(Target {
                name: self.text(node),
                keys: Vec::new(),
            }),
            "subscript" if self.project.depth < 100 => {
                let value = node.child_by_field_name("value")?;
                let key = node.child_by_field_name("subscript")?;
                self.project.depth += 1;
                let target = self.target(value);
                self.project.depth -= 1;
                let mut target = target?;
                target.keys.push(self.evaluate(key));
                Some(target)
            }
            _ => None,
        }
    }

    /// Changes what a subscript names; an absent member is made.
    pub(super) fn change(&mut self, node: Node<'_>, change: impl FnOnce(&mut Value)) {
        let Some(target) = self.target(node) else {
            return;
        };
        let at = self.place(node);
        if let Some(held) = self.held(target.name) {
            match place(held, &target.keys, true) {
                Some(place) => change(place),
                None => *held = changed_unseen(at),
            }
            held.weigh_again();
            let weight = held.weight;
            self.project.spend(weight);
        }
    }

    /// `del X["a"]`.
    pub(super) fn remove(&mut self, node: Node<'_>) {
        let Some(Target { name, mut keys }) = self.target(node) else {
            return;
        };
        let Some(key) = keys.pop() else {
            return;
        };
        if let Some(held) = self.held(name).and_then(|held| place(held, &keys, false)) {
            take(held, &key);
        }
    }

    /// Whether the call changes a value that we hold; it is then done.
    pub(super) fn changes_something(&mut self, call: Node<'_>) -> bool {
        let parts = (|| {
            let function = call.child_by_field_name("function")?;
            let object = function.child_by_field_name("object")?;
            let name = function.child_by_field_name("attribute")?;
            Some((
                object,
                self.text(name),
                call.child_by_field_name("arguments")?,
            ))
        })();
        let Some((object, name, arguments)) = parts.filter(|(_, name, _)| CHANGING.contains(name))
        else {
            return false;
        };
        let Some(target) = self.target(object) else {
            return false;
        };
        let arguments = self.arguments(arguments);
        let at = self.place(call);
        let Some(held) = self.held(target.name) else {
            return false;
        };
        let is_ours = matches!(held.what, What::List(_) | What::Dict(_));
        if !is_ours {
            return false;
        }
        let changed = place(held, &target.keys, false).map(|place| apply(place, name, arguments));
        if changed != Some(true) {
            *held = changed_unseen(at);
        }
        held.weigh_again();
        let weight = held.weight;
        self.project.spend(weight);
        true
    }
}

fn changed_unseen(at: Place) -> Value {
    let reason = format!(
        "is changed in line {} in a way that is not evaluated",
        at.line
    );
    Value::unknown(reason, at)
}

/// The value behind the keys.
fn place<'v>(held: &'v mut Value, keys: &[Value], make: bool) -> Option<&'v mut Value> {
    let mut here = held;
    for key in keys {
        here = match (&mut here.what, &key.what) {
            (What::Dict(members), What::Text(name)) => {
                let index = members.iter().position(|(known, _)| known == name);
                let index = match index {
                    Some(index) => index,
                    None if make => {
                        members.push((name.clone(), Value::new(What::None, key.at.clone())));
                        members.len() - 1
                    }
                    None => return None,
                };
                &mut members.get_mut(index)?.1
            }
            (What::List(values), What::Int(index)) => {
                values.get_mut(usize::try_from(*index).ok()?)?
            }
            _ => return None,
        };
    }
    Some(here)
}

/// `false` where it cannot be told what becomes of the value.
fn apply(value: &mut Value, name: &str, (arguments, keywords): Arguments) -> bool {
    let mut arguments = arguments.into_iter();
    let first = arguments.next();
    match (&mut value.what, name, first) {
        (What::Dict(members), "update", first) => {
            let more = match first.map(|first| first.what) {
                None => Vec::new(),
                Some(What::Dict(more)) => more,
                Some(_) => return false,
            };
            for (name, value) in more.into_iter().chain(keywords) {
                put(members, name, value);
            }
        }
        (What::Dict(members), "setdefault", Some(key)) => {
            let (Some(name), Some(default)) = (key.as_text(), arguments.next()) else {
                return false;
            };
            if !members.iter().any(|(known, _)| &**known == name) {
                members.push((Rc::from(name), default));
            }
        }
        (What::Dict(_), "pop", Some(key)) => take(value, &key),
        (What::List(values), "append" | "add", Some(item)) => values.push(item),
        (What::List(values), "extend", Some(more)) => match more.what {
            What::List(more) => values.extend(more),
            _ => return false,
        },
        (What::List(values), "insert", Some(index)) => {
            let (What::Int(index), Some(item)) = (index.what, arguments.next()) else {
                return false;
            };
            let index = usize::try_from(index).unwrap_or(0).min(values.len());
            values.insert(index, item);
        }
        (What::List(values), "remove", Some(item)) => {
            if let Some(index) = values.iter().position(|value| value.what == item.what) {
                values.remove(index);
            }
        }
        _ => return false,
    }
    true
}

fn take(value: &mut Value, key: &Value) {
    if let (What::Dict(members), Some(name)) = (&mut value.what, key.as_text()) {
        members.retain(|(known, _)| &**known != name);
    }
}
