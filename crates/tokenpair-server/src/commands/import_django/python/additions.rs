//! What a log-in serializer of the project's own adds to Simple JWT's, read from its two methods.
//!
//! Simple JWT's documentation has it so: `token["name"] = user.name` in `get_token`, `data["name"] = self.user.name` in
//! `validate`. Every other statement is told as it stands there.

use super::source::Source;
use super::strings;
use super::value::Place;
use std::path::Path;
use std::rc::Rc;
use tree_sitter::Node;

/// What both methods add, and what else the class does.
#[derive(Default)]
pub(in super::super) struct Additions {
    pub(in super::super) claims: Vec<Addition>,
    pub(in super::super) answer: Vec<Addition>,
    /// Statements that do anything else, with their text.
    pub(in super::super) others: Vec<(Place, String)>,
}

/// `token["name"] = …`.
pub(in super::super) struct Addition {
    pub(in super::super) at: Place,
    pub(in super::super) name: String,
    pub(in super::super) what: Added,
    /// As Python has it.
    pub(in super::super) text: String,
}

/// What is added.
pub(in super::super) enum Added {
    /// `user.email`.
    Attribute(String),
    /// `str(user.id)`.
    TextOf(String),
    /// The names of the user's groups.
    Groups,
    /// The user's permissions with those of its groups.
    Permissions,
    Text(String),
    Int(i64),
    Bool(bool),
    Members(Vec<Addition>),
    Other,
}

/// What the class in this line of the file adds; `None` where there is none.
pub(in super::super) fn additions(file: &Path, line: usize) -> Option<Additions> {
    let source = Source::read(file).ok()?;
    let class = class_at(source.root(), line)?;
    let mut reader = Reader {
        source: &source,
        found: Additions::default(),
    };
    for member in children(class.child_by_field_name("body")?) {
        reader.member(member);
    }
    Some(reader.found)
}

/// The class whose definition, or its first decorator, is in this line.
fn class_at(node: Node<'_>, line: usize) -> Option<Node<'_>> {
    let is_inside =
        |node: &Node<'_>| node.start_position().row < line && line <= node.end_position().row + 1;
    if node.kind() == "class_definition" && node.start_position().row + 1 == line {
        return Some(node);
    }
    if node.kind() == "decorated_definition" && node.start_position().row + 1 == line {
        return node.child_by_field_name("definition");
    }
    children(node)
        .into_iter()
        .filter(is_inside)
        .find_map(|child| class_at(child, line))
}

fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    let children = node.named_children(&mut cursor);
    children.filter(|child| child.kind() != "comment").collect()
}

struct Reader<'a> {
    source: &'a Source,
    found: Additions,
}

/// A method while it is read: what its names stand for.
#[derive(Default)]
struct Method<'a> {
    /// `token` or `data`: what is added to and returned.
    target: Option<&'a str>,
    /// What the user is called: `user`, `self.user`.
    users: Vec<&'a str>,
    /// A second pair of tokens, as older tutorials have it: clients see no difference.
    refresh: Option<&'a str>,
    is_token: bool,
}

impl<'a> Method<'a> {
    /// `token = super().get_token(user)`, `user = self.user`.
    fn name(&mut self, name: &'a str, right: &str, argument: &str) -> Option<()> {
        let called = if self.is_token {
            ".get_token("
        } else {
            ".validate("
        };
        let of_super = right
            .strip_prefix("super(")
            .and_then(|rest| rest.split_once(')'));
        let call = of_super.map(|(_, call)| call);
        if self.target.is_none() && call == Some(&format!("{called}{argument})")) {
            self.target = Some(name);
        } else if self.users.contains(&right) {
            self.users.push(name);
        } else if right == "self.get_token(self.user)" {
            self.refresh = Some(name);
        } else {
            return None;
        }
        Some(())
    }

    /// `[group.name for group in user.groups.all()]`.
    fn comprehension(&self, text: &str) -> Added {
        let is_groups = |user: &&str| {
            let end = format!("in{user}.groups.all()]");
            let inner = text
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(&end));
            let name = inner.and_then(|inner| inner.split_once(".namefor"));
            name.is_some_and(|(before, after)| before == after)
        };
        if self.users.iter().any(is_groups) {
            Added::Groups
        } else {
            Added::Other
        }
    }
}

impl<'a> Reader<'a> {
    fn text(&self, node: Node<'_>) -> &'a str {
        self.source.text.get(node.byte_range()).unwrap_or_default()
    }

    /// Without any white space.
    fn dense(&self, node: Node<'_>) -> String {
        let text = self.text(node).replace('\'', "\"");
        text.split_whitespace().collect()
    }

    fn place(&self, node: Node<'_>) -> Place {
        Place {
            file: Rc::clone(&self.source.file),
            line: node.start_position().row + 1,
        }
    }

    fn other(&mut self, node: Node<'_>) {
        let text = self.text(node).lines().next().unwrap_or_default();
        self.found.others.push((self.place(node), text.to_owned()));
    }

    fn member(&mut self, node: Node<'a>) {
        let function = match node.kind() {
            "pass_statement" => return,
            "expression_statement" if is_docstring(node) => return,
            "decorated_definition" if self.is_classmethod(node) => {
                node.child_by_field_name("definition")
            }
            _ => Some(node),
        };
        let function = function.filter(|function| function.kind() == "function_definition");
        let name = function.and_then(|function| function.child_by_field_name("name"));
        match (function, name.map(|name| self.text(name))) {
            (Some(function), Some("get_token")) => self.method(function, true),
            (Some(function), Some("validate")) => self.method(function, false),
            _ => self.other(node),
        }
    }

    /// Any other decorator may do anything with the method.
    fn is_classmethod(&self, definition: Node<'_>) -> bool {
        let members = children(definition);
        let mut decorators = members.iter().filter(|node| node.kind() == "decorator");
        decorators.all(|decorator| self.dense(*decorator) == "@classmethod")
    }

    fn method(&mut self, function: Node<'a>, is_token: bool) {
        let parameters = function.child_by_field_name("parameters").map(children);
        let names: Vec<&str> = parameters
            .unwrap_or_default()
            .iter()
            .map(|parameter| self.text(parameter.named_child(0).unwrap_or(*parameter)))
            .collect();
        let [_, argument] = names.as_slice() else {
            return self.other(function);
        };
        let mut method = Method {
            is_token,
            ..Method::default()
        };
        method.users = if is_token {
            vec![*argument]
        } else {
            vec!["self.user"]
        };
        let body = function.child_by_field_name("body").map(children);
        for statement in body.unwrap_or_default() {
            if self.statement(statement, &mut method, argument).is_none() {
                self.other(statement);
            }
        }
    }

    /// `None` for a statement that is not understood.
    fn statement(&mut self, node: Node<'a>, method: &mut Method<'a>, argument: &str) -> Option<()> {
        match node.kind() {
            "pass_statement" => return Some(()),
            "return_statement" => {
                let returned = self.text(node.named_child(0)?);
                return (Some(returned) == method.target).then_some(());
            }
            "expression_statement" => {}
            _ => return None,
        }
        if is_docstring(node) {
            return Some(());
        }
        let expression = node.named_child(0)?;
        if expression.kind() == "call" {
            return self.update(expression, method);
        }
        if expression.kind() != "assignment" {
            return None;
        }
        let left = expression.child_by_field_name("left")?;
        let right = expression.child_by_field_name("right")?;
        match left.kind() {
            "identifier" => method.name(self.text(left), &self.dense(right), argument),
            "subscript" => {
                let object = left.child_by_field_name("value")?;
                if Some(self.text(object)) != method.target {
                    return None;
                }
                let name = self.literal(left.child_by_field_name("subscript")?)?;
                self.add(node, name, right, method);
                Some(())
            }
            _ => None,
        }
    }

    /// `data.update({…})`.
    fn update(&mut self, call: Node<'a>, method: &Method<'a>) -> Option<()> {
        let function = call.child_by_field_name("function")?;
        let [members] = children(call.child_by_field_name("arguments")?)[..] else {
            return None;
        };
        let target = method.target.filter(|_| !method.is_token)?;
        if self.text(function) != format!("{target}.update") || members.kind() != "dictionary" {
            return None;
        }
        for addition in self.members(members, method)? {
            self.found.answer.push(addition);
        }
        Some(())
    }

    fn add(&mut self, node: Node<'a>, name: String, right: Node<'a>, method: &Method<'a>) {
        let again = method.refresh.map(|refresh| match name.as_str() {
            "refresh" => format!("str({refresh})"),
            _ => format!("str({refresh}.access_token)"),
        });
        let is_token = matches!(name.as_str(), "refresh" | "access");
        if !method.is_token && is_token && again.as_deref() == Some(&self.dense(right)) {
            return;
        }
        let addition = Addition {
            at: self.place(node),
            name,
            what: self.added(right, method),
            text: self.text(right).to_owned(),
        };
        if method.is_token {
            self.found.claims.push(addition);
        } else {
            self.found.answer.push(addition);
        }
    }

    fn added(&self, node: Node<'a>, method: &Method<'a>) -> Added {
        let attribute = |text: &str| {
            let of = |user: &&str| {
                text.strip_prefix(*user)?
                    .strip_prefix('.')
                    .map(str::to_owned)
            };
            let name = method.users.iter().find_map(of)?;
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            name.chars().all(is_name).then_some(name)
        };
        let text = self.dense(node);
        match node.kind() {
            "true" => return Added::Bool(true),
            "false" => return Added::Bool(false),
            "integer" => return strings::integer(&text).map_or(Added::Other, Added::Int),
            "string" => return self.literal(node).map_or(Added::Other, Added::Text),
            "dictionary" => {
                let members = self.members(node, method);
                return members.map_or(Added::Other, Added::Members);
            }
            "attribute" => return attribute(&text).map_or(Added::Other, Added::Attribute),
            _ => {}
        }
        let inner = text
            .strip_prefix("str(")
            .and_then(|rest| rest.strip_suffix(')'));
        if let Some(name) = inner.and_then(attribute) {
            return Added::TextOf(name);
        }
        let is_of = |form: fn(&str) -> String| method.users.iter().any(|user| form(user) == text);
        if is_of(|user| format!("list({user}.groups.values_list(\"name\",flat=True))"))
            || is_of(|user| format!("sorted({user}.groups.values_list(\"name\",flat=True))"))
        {
            Added::Groups
        } else if is_of(|user| format!("list({user}.get_all_permissions())"))
            || is_of(|user| format!("sorted({user}.get_all_permissions())"))
        {
            Added::Permissions
        } else {
            method.comprehension(&text)
        }
    }

    fn members(&self, node: Node<'a>, method: &Method<'a>) -> Option<Vec<Addition>> {
        let members = children(node).into_iter().map(|pair| {
            let name = self.literal(pair.child_by_field_name("key")?)?;
            let value = pair.child_by_field_name("value")?;
            Some(Addition {
                at: self.place(pair),
                name,
                what: self.added(value, method),
                text: self.text(value).to_owned(),
            })
        });
        members.collect()
    }

    /// A text without anything that is put into it.
    fn literal(&self, node: Node<'_>) -> Option<String> {
        if node.kind() != "string" {
            return None;
        }
        let parts = children(node);
        let start = self.text(*parts.first()?);
        if start.to_ascii_lowercase().contains(['f', 'b'])
            || parts.iter().any(|part| part.kind() == "interpolation")
        {
            return None;
        }
        let content = parts.iter().find(|part| part.kind() == "string_content");
        let content = content.map_or("", |content| self.text(*content));
        strings::decode(content, start.contains(['r', 'R']), false)
    }
}

fn is_docstring(node: Node<'_>) -> bool {
    node.named_child(0)
        .is_some_and(|child| child.kind() == "string")
}
