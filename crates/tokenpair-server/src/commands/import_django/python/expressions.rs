//! Expressions: what they come to, where that is known.

use super::statements::Frame;
use super::strings;
use super::value::{Call, Value, What};
use std::rc::Rc;
use tree_sitter::Node;

/// Deeper nesting is not followed.
const DEEPEST: usize = 120;

/// Arguments of a call: those without and those with a name.
pub(super) type Arguments = (Vec<Value>, Vec<(Rc<str>, Value)>);

impl Frame<'_> {
    pub(super) fn evaluate(&mut self, node: Node<'_>) -> Value {
        if self.project.depth > DEEPEST {
            return self.unknown(node, "is nested too deeply to be read");
        }
        if !self.project.spend(1) {
            return self.unknown(node, "the project is too large to be read");
        }
        self.project.depth += 1;
        let value = self.expression(node);
        self.project.depth -= 1;
        value.guarded()
    }

    fn expression(&mut self, node: Node<'_>) -> Value {
        let at = self.place(node);
        let plain = |what| Value::new(what, at.clone());
        match node.kind() {
            "none" => plain(What::None),
            "true" => plain(What::Bool(true)),
            "false" => plain(What::Bool(false)),
            "integer" => strings::integer(self.text(node)).map_or_else(
                || self.unknown(node, "is a number that is too large"),
                |number| plain(What::Int(number)),
            ),
            "float" => {
                let number = self.text(node).replace('_', "").parse().ok();
                number.map_or_else(
                    || self.unknown(node, "is a number of a form that is not known"),
                    |number| plain(What::Float(number)),
                )
            }
            "string" => self.string(node),
            "concatenated_string" => {
                let parts = self.children(node);
                self.join(node, &parts)
            }
            "identifier" => self.name(node),
            "attribute" => self.attribute(node),
            "subscript" => self.subscript(node),
            "call" => self.call(node),
            "list" | "tuple" | "set" | "expression_list" => self.list(node),
            "dictionary" => self.dictionary(node),
            "parenthesized_expression" | "type" => match node.named_child(0) {
                Some(inner) => self.evaluate(inner),
                None => self.unknown(node, "is empty"),
            },
            "binary_operator" => self.binary(node),
            "unary_operator" => self.unary(node),
            "boolean_operator" => self.boolean(node),
            "not_operator" => self.not(node),
            "comparison_operator" => self.comparison(node),
            "conditional_expression" => self.conditional(node),
            "named_expression" => {
                let value = match node.child_by_field_name("value") {
                    Some(value) => self.evaluate(value),
                    None => self.unknown(node, "is empty"),
                };
                if let Some(name) = node.child_by_field_name("name") {
                    self.bind(self.text(name), value.clone());
                }
                value
            }
            "list_comprehension" | "set_comprehension" | "generator_expression" => {
                self.comprehension(node)
            }
            "lambda" => self.unknown(node, "is a lambda, and functions are not run"),
            "dictionary_comprehension" => {
                self.unknown(node, "is a dictionary comprehension, which is not run")
            }
            "ERROR" => self.unknown(node, "is not valid Python"),
            _ => self.unknown(node, "is an expression of a kind that is not evaluated"),
        }
    }

    fn children(&mut self, node: Node<'_>) -> Vec<Value> {
        let mut cursor = node.walk();
        let children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        let children = children
            .into_iter()
            .filter(|child| child.kind() != "comment");
        children.map(|child| self.evaluate(child)).collect()
    }

    fn string(&mut self, node: Node<'_>) -> Value {
        let mut cursor = node.walk();
        let children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        let start = children
            .first()
            .map(|start| self.text(*start).to_ascii_lowercase());
        let start = start.unwrap_or_default();
        let (is_raw, is_format) = (start.contains('r'), start.contains('f'));
        if start.starts_with('b') || start.starts_with("rb") {
            return self.unknown(node, "is made of bytes; tokenpair takes texts");
        }
        let mut parts = Vec::new();
        for child in children {
            match child.kind() {
                "string_content" => {
                    let Some(text) = strings::decode(self.text(child), is_raw, is_format) else {
                        return self.unknown(child, "is a text with an escape that is not known");
                    };
                    parts.push(Value::text(text, self.place(child)));
                }
                "interpolation" => {
                    let is_plain = child.child_by_field_name("format_specifier").is_none()
                        && child.child_by_field_name("type_conversion").is_none();
                    let inner = child.child_by_field_name("expression");
                    match inner.or(child.named_child(0)).filter(|_| is_plain) {
                        Some(inner) => parts.push(self.evaluate(inner)),
                        None => return self.unknown(child, "is a text that is formatted"),
                    }
                }
                _ => {}
            }
        }
        self.join(node, &parts)
    }

    /// Parts of a text, one after the other, as `str()` writes them.
    fn join(&mut self, node: Node<'_>, parts: &[Value]) -> Value {
        let mut text = String::new();
        for part in parts {
            match Self::to_text(part) {
                Ok(part) => text.push_str(&part),
                Err(reason) => return self.unknown(node, reason).made_of(parts),
            }
        }
        Value::text(text, self.place(node)).made_of(parts)
    }

    /// `str(value)`, or why that is not known.
    pub(super) fn to_text(value: &Value) -> Result<Rc<str>, Rc<str>> {
        Ok(match &value.what {
            What::Text(text) => text.clone(),
            What::Int(number) => Rc::from(number.to_string()),
            What::Bool(true) => Rc::from("True"),
            What::Bool(false) => Rc::from("False"),
            What::None => Rc::from("None"),
            What::Path(path) => Rc::from(path.to_string_lossy()),
            What::Unknown(reason) => return Err(reason.clone()),
            _ => return Err(Rc::from(format!("holds {}", value.describe()))),
        })
    }

    fn name(&mut self, node: Node<'_>) -> Value {
        let name = self.text(node);
        if let Some(mut value) = self.look_up(name) {
            // A reason is best shown where it arose, a value where it is used.
            if value.reason().is_none() {
                value.at = self.place(node);
            }
            return value;
        }
        let at = self.place(node);
        match name {
            "__file__" => {
                let file = std::path::absolute(&*self.source.file);
                let file = file.unwrap_or_else(|_| self.source.file.to_path_buf());
                Value::text(file.to_string_lossy(), at)
            }
            "__name__" => Value::text("django.settings", at),
            // A builtin, or something that is not there: whoever uses it knows better.
            _ => Value::new(What::Name(Rc::from(name)), at),
        }
    }

    fn attribute(&mut self, node: Node<'_>) -> Value {
        let (Some(object), Some(name)) = (
            node.child_by_field_name("object"),
            node.child_by_field_name("attribute"),
        ) else {
            return self.unknown(node, "is incomplete");
        };
        let name = self.text(name);
        let object = self.evaluate(object);
        let at = self.place(node);
        match &object.what {
            What::Name(base) => {
                let value = Value::new(What::Name(Rc::from(format!("{base}.{name}"))), at);
                self.known(value)
            }
            What::Module(scope) => match scope.get(name) {
                Some(value) if self.project.spend(value.weight) => value.clone(),
                _ => self.unknown(node, format!("{name} is not set")),
            },
            What::Class(class) => class.body.get(name).cloned().unwrap_or_else(|| {
                let what = What::Name(Rc::from(format!("{}.{name}", class.name)));
                Value::new(what, at)
            }),
            What::Path(path) => self.path_attribute(node, path, name),
            What::Unknown(_) => object,
            What::Env(..) => Value::new(What::Name(Rc::from(format!("environ.Env.{name}"))), at),
            What::Call(call) => {
                let callee = format!("{}().{name}", call.callee);
                self.symbol(node, &callee, Arguments::default())
                    .made_of([&object])
            }
            _ => {
                let reason = format!("is .{name} of {}", object.describe());
                self.unknown(node, reason)
            }
        }
    }

    fn subscript(&mut self, node: Node<'_>) -> Value {
        let (Some(object), Some(key)) = (
            node.child_by_field_name("value"),
            node.child_by_field_name("subscript"),
        ) else {
            return self.unknown(node, "is incomplete");
        };
        let object = self.evaluate(object);
        if key.kind() == "slice" {
            return match object.what {
                What::Unknown(_) => object,
                _ => self.unknown(node, "is a slice, which is not evaluated"),
            };
        }
        let key = self.evaluate(key);
        let found = match (&object.what, &key.what) {
            (What::Unknown(_), _) => return object,
            (_, What::Unknown(_)) => return key,
            (What::Environ, What::Text(name)) => return self.variable(node, name, None),
            (What::Dict(_), What::Text(name)) => object.member(name).cloned(),
            (What::List(values), What::Int(index)) => {
                let length = i64::try_from(values.len()).unwrap_or(i64::MAX);
                let index = if *index < 0 { length + index } else { *index };
                usize::try_from(index)
                    .ok()
                    .and_then(|index| values.get(index).cloned())
            }
            // `Path(__file__).resolve().parents[1]`
            (What::Call(call), What::Int(index)) if &*call.callee == "parents" => {
                let path = call.arguments.first().and_then(Value::as_path);
                let parent = path.and_then(|path| {
                    let up = usize::try_from(*index).ok()?.checked_add(1)?;
                    path.ancestors().nth(up).map(ToOwned::to_owned)
                });
                parent.map(|parent| Value::new(What::Path(parent), self.place(node)))
            }
            _ => None,
        };
        let missing = || {
            let reason = format!("takes an item out of {}", object.describe());
            self.unknown(node, reason)
        };
        found.unwrap_or_else(missing)
    }

    fn list(&mut self, node: Node<'_>) -> Value {
        let mut values = Vec::new();
        let mut cursor = node.walk();
        let children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        for child in children {
            match child.kind() {
                "comment" => {}
                "list_splat" => {
                    let Some(inner) = child.named_child(0) else {
                        continue;
                    };
                    let inner = self.evaluate(inner);
                    match inner.what {
                        What::List(more) => values.extend(more),
                        _ => values
                            .push(self.unknown(child, format!("unpacks {}", inner.describe()))),
                    }
                }
                _ => values.push(self.evaluate(child)),
            }
        }
        Value::new(What::List(values), self.place(node))
    }

    fn dictionary(&mut self, node: Node<'_>) -> Value {
        let mut members = Vec::new();
        let mut cursor = node.walk();
        let children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        for child in children {
            match child.kind() {
                "pair" => {
                    let key = child.child_by_field_name("key");
                    let value = child.child_by_field_name("value");
                    let (Some(key), Some(value)) = (key, value) else {
                        continue;
                    };
                    let key_value = self.evaluate(key);
                    let value = self.evaluate(value);
                    match Self::to_text(&key_value) {
                        Ok(name) => put(&mut members, name, at_key(value, &key_value)),
                        Err(reason) => {
                            let reason = format!("has a key that is not known: {reason}");
                            return self.unknown(child, reason);
                        }
                    }
                }
                "dictionary_splat" => {
                    let Some(inner) = child.named_child(0) else {
                        continue;
                    };
                    let inner = self.evaluate(inner);
                    let What::Dict(more) = inner.what else {
                        let reason = format!("unpacks {}", inner.describe());
                        return self.unknown(child, reason);
                    };
                    for (name, value) in more {
                        put(&mut members, name, value);
                    }
                }
                _ => {}
            }
        }
        Value::new(What::Dict(members), self.place(node))
    }

    pub(super) fn arguments(&mut self, node: Node<'_>) -> Arguments {
        let (mut arguments, mut keywords) = (Vec::new(), Vec::new());
        if node.kind() == "generator_expression" {
            return (vec![self.comprehension(node)], keywords);
        }
        let mut cursor = node.walk();
        let children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        for child in children {
            match child.kind() {
                "comment" => {}
                "keyword_argument" => {
                    let name = child.child_by_field_name("name");
                    let value = child.child_by_field_name("value");
                    if let (Some(name), Some(value)) = (name, value) {
                        let value = self.evaluate(value);
                        put(&mut keywords, Rc::from(self.text(name)), value);
                    }
                }
                "dictionary_splat" => {
                    let inner = child.named_child(0).map(|inner| self.evaluate(inner));
                    if let Some(What::Dict(more)) = inner.map(|inner| inner.what) {
                        for (name, value) in more {
                            put(&mut keywords, name, value);
                        }
                    } else {
                        let unknown = self.unknown(child, "unpacks what is not known");
                        put(&mut keywords, Rc::from("**"), unknown);
                    }
                }
                "list_splat" => {
                    let inner = child.named_child(0).map(|inner| self.evaluate(inner));
                    match inner.map(|inner| inner.what) {
                        Some(What::List(more)) => arguments.extend(more),
                        _ => arguments.push(self.unknown(child, "unpacks what is not known")),
                    }
                }
                _ => arguments.push(self.evaluate(child)),
            }
        }
        (arguments, keywords)
    }

    /// `[x.strip() for x in values if x]`, with one `for`.
    fn comprehension(&mut self, node: Node<'_>) -> Value {
        let not_run = "is a comprehension, which is not run";
        let mut cursor = node.walk();
        let clauses: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        let loops = clauses
            .iter()
            .filter(|clause| clause.kind() == "for_in_clause");
        let (Some(body), Some(clause), 1) = (
            node.child_by_field_name("body"),
            loops.clone().next(),
            loops.clone().count(),
        ) else {
            return self.unknown(node, not_run);
        };
        let fields = (
            clause.child_by_field_name("left"),
            clause.child_by_field_name("right"),
        );
        let (Some(target), Some(right)) = fields else {
            return self.unknown(node, not_run);
        };
        let from = self.evaluate(right);
        let (What::List(items), "identifier") = (&from.what, target.kind()) else {
            let reason = format!("goes through {}", from.describe());
            return self.unknown(node, reason).made_of([&from]);
        };
        let name = self.text(target);
        let before = self.look_up(name);
        let mut values = Vec::new();
        let mut outcome = None;
        for item in items.clone() {
            self.bind(name, item);
            match self.filtered(&clauses) {
                Some(true) => values.push(self.evaluate(body)),
                Some(false) => {}
                None => outcome = Some(self.unknown(node, "leaves out what is not known")),
            }
        }
        match before {
            Some(before) => self.bind(name, before),
            None => self.forget(name),
        }
        let list = Value::new(What::List(values), self.place(node));
        outcome.unwrap_or(list).made_of([&from])
    }

    fn filtered(&mut self, clauses: &[Node<'_>]) -> Option<bool> {
        let conditions = clauses.iter().filter(|clause| clause.kind() == "if_clause");
        for condition in conditions.filter_map(|clause| clause.named_child(0)) {
            if !self.evaluate(condition).truth()? {
                return Some(false);
            }
        }
        Some(true)
    }

    /// A call that is not made, for whoever knows what it means.
    pub(super) fn symbol(
        &self,
        node: Node<'_>,
        callee: &str,
        (arguments, keywords): Arguments,
    ) -> Value {
        let variables: Vec<Value> = arguments.clone();
        let call = Call {
            callee: Rc::from(callee),
            arguments,
            keywords,
        };
        Value::new(What::Call(Rc::new(call)), self.place(node)).made_of(&variables)
    }
}

/// A value is shown in the line of its name.
fn at_key(mut value: Value, key: &Value) -> Value {
    if value.reason().is_none() {
        value.at = key.at.clone();
    }
    value
}

/// Of two members with one name the later wins, in the place of the first.
pub(super) fn put(members: &mut Vec<(Rc<str>, Value)>, name: Rc<str>, value: Value) {
    match members.iter_mut().find(|(known, _)| *known == name) {
        Some((_, held)) => *held = value,
        None => members.push((name, value)),
    }
}
