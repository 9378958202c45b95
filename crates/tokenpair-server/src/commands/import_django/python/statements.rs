//! The statements of a module: what they assign.

use super::merge::merge;
use super::project::{Project, Scope};
use super::source::Source;
use super::value::{Class, Place, Value, What};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use tree_sitter::Node;

/// Deeper nesting is not followed.
const DEEPEST: usize = 120;
/// What raises nothing but the lack of a module, or everything.
const IMPORT_ERRORS: [&str; 4] = [
    "ImportError",
    "ModuleNotFoundError",
    "Exception",
    "BaseException",
];

/// A module while it is read.
pub(super) struct Frame<'a> {
    pub(super) project: &'a mut Project,
    pub(super) source: &'a Source,
    /// The module's names; above them those of the classes that are open.
    scopes: Vec<Scope>,
}

/// What becomes of an import.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Importable {
    Yes,
    /// A module that is not the project's: it may be installed.
    Perhaps,
    No,
}

impl<'a> Frame<'a> {
    pub(super) fn module(project: &'a mut Project, source: &'a Source, folder: PathBuf) -> Self {
        let scope = Scope {
            folder,
            ..Scope::default()
        };
        Self {
            project,
            source,
            scopes: vec![scope],
        }
    }

    /// Reads all statements.
    pub(super) fn run(mut self, root: Node<'_>) -> Scope {
        self.block(root);
        self.scopes.into_iter().next().unwrap_or_default()
    }

    pub(super) fn text(&self, node: Node<'_>) -> &'a str {
        self.source.text.get(node.byte_range()).unwrap_or_default()
    }

    pub(super) fn place(&self, node: Node<'_>) -> Place {
        Place {
            file: self.source.file.clone(),
            line: node.start_position().row + 1,
        }
    }

    pub(super) fn unknown(&self, node: Node<'_>, reason: impl Into<Rc<str>>) -> Value {
        Value::unknown(reason, self.place(node))
    }

    pub(super) fn folder(&self) -> PathBuf {
        let module = self.scopes.first();
        module.map(|scope| scope.folder.clone()).unwrap_or_default()
    }

    /// What a name holds; a copy, which costs.
    pub(super) fn look_up(&mut self, name: &str) -> Option<Value> {
        let value = self.scopes.iter().rev().find_map(|scope| scope.get(name))?;
        let value = value.clone();
        if self.project.spend(value.weight) {
            Some(value)
        } else {
            Some(Value::unknown(
                "the project is too large to be read",
                value.at,
            ))
        }
    }

    pub(super) fn bind(&mut self, name: &str, value: Value) {
        let value = value.guarded();
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, value);
        }
    }

    pub(super) fn forget(&mut self, name: &str) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.names.remove(name);
        }
    }

    /// The value of a name, to be changed.
    pub(super) fn held(&mut self, name: &str) -> Option<&mut Value> {
        let mut scopes = self.scopes.iter_mut().rev();
        scopes.find_map(|scope| scope.names.get_mut(name))
    }

    fn block(&mut self, block: Node<'_>) {
        let mut cursor = block.walk();
        for statement in block.named_children(&mut cursor) {
            if !self.project.spend(1) {
                return;
            }
            self.statement(statement);
        }
    }

    fn statement(&mut self, node: Node<'_>) {
        if self.project.depth > DEEPEST {
            return;
        }
        self.project.depth += 1;
        match node.kind() {
            "expression_statement" => self.expression_statement(node),
            "import_statement" => self.import(node),
            "import_from_statement" => self.import_from(node),
            "if_statement" => self.if_statement(node),
            "try_statement" => self.try_statement(node),
            "with_statement" => self.with_statement(node),
            "for_statement" | "while_statement" | "match_statement" => self.not_run(node),
            "function_definition" => self.function(node),
            "class_definition" => self.class(node, Vec::new()),
            "decorated_definition" => match node.child_by_field_name("definition") {
                Some(class) if class.kind() == "class_definition" => {
                    self.class(class, self.decorators(node));
                }
                Some(definition) => self.statement(definition),
                None => {}
            },
            "delete_statement" => self.delete(node),
            _ => {}
        }
        self.project.depth -= 1;
    }

    fn expression_statement(&mut self, node: Node<'_>) {
        let Some(expression) = node.named_child(0) else {
            return;
        };
        match expression.kind() {
            "assignment" => {
                self.assignment(expression);
            }
            "augmented_assignment" => self.augmented_assignment(expression),
            "call" if !self.changes_something(expression) => {
                self.evaluate(expression);
            }
            _ => {}
        }
    }

    /// `a = b = value`; without a value it is only annotated.
    fn assignment(&mut self, node: Node<'_>) -> Option<Value> {
        let right = node.child_by_field_name("right")?;
        let value = match right.kind() {
            "assignment" => self.assignment(right)?,
            _ => self.evaluate(right),
        };
        if let Some(left) = node.child_by_field_name("left") {
            self.assign(left, value.clone());
        }
        Some(value)
    }

    fn augmented_assignment(&mut self, node: Node<'_>) {
        let fields = ["left", "operator", "right"].map(|name| node.child_by_field_name(name));
        let [Some(left), Some(operator), Some(right)] = fields else {
            return;
        };
        let operator = self.text(operator).trim_end_matches('=');
        let before = self.evaluate(left);
        let by = self.evaluate(right);
        let mut after = self.operate(node, operator, &before, &by);
        // Django's lists grow on many lines; the first is where people look.
        after.at = before.at;
        self.assign(left, after);
    }

    pub(super) fn assign(&mut self, target: Node<'_>, value: Value) {
        match target.kind() {
            "identifier" => self.bind(self.text(target), value),
            "subscript" => {
                self.change(target, |place| *place = value);
            }
            "pattern_list" | "tuple_pattern" | "list_pattern" => {
                let mut cursor = target.walk();
                let targets: Vec<Node<'_>> = target.named_children(&mut cursor).collect();
                let values = value.as_list().filter(|list| list.len() == targets.len());
                let values = values.map(<[Value]>::to_vec);
                for (index, target) in targets.into_iter().enumerate() {
                    let one = values.as_ref().and_then(|values| values.get(index));
                    let missing = || self.unknown(target, "is unpacked from what is not known");
                    let one = one.cloned().unwrap_or_else(missing);
                    self.assign(target, one);
                }
            }
            _ => {}
        }
    }

    fn if_statement(&mut self, node: Node<'_>) {
        let mut cursor = node.walk();
        let alternatives: Vec<Node<'_>> = node
            .children_by_field_name("alternative", &mut cursor)
            .collect();
        self.branch(node, &alternatives);
    }

    /// An `if` or `elif` with what follows it.
    fn branch(&mut self, node: Node<'_>, alternatives: &[Node<'_>]) {
        let condition = node.child_by_field_name("condition");
        let body = node.child_by_field_name("consequence");
        let (Some(condition), Some(body)) = (condition, body) else {
            return;
        };
        let value = self.evaluate(condition);
        match value.truth() {
            Some(true) => self.block(body),
            Some(false) => self.otherwise(alternatives),
            None => {
                let line = condition.start_position().row + 1;
                let reason =
                    format!("depends on the condition in line {line}, which cannot be evaluated");
                self.either(
                    &reason,
                    |frame| frame.block(body),
                    |frame| frame.otherwise(alternatives),
                );
            }
        }
    }

    fn otherwise(&mut self, alternatives: &[Node<'_>]) {
        let Some((first, rest)) = alternatives.split_first() else {
            return;
        };
        if self.project.depth > DEEPEST {
            return;
        }
        self.project.depth += 1;
        match first.kind() {
            "elif_clause" => self.branch(*first, rest),
            _ => {
                if let Some(body) = first.child_by_field_name("body") {
                    self.block(body);
                }
            }
        }
        self.project.depth -= 1;
    }

    /// Runs both; what differs afterwards is not known.
    fn either(&mut self, reason: &str, one: impl FnOnce(&mut Self), other: impl FnOnce(&mut Self)) {
        let cost = self.scopes.iter().map(Scope::weight).sum::<usize>();
        if !self.project.spend(cost * 2) {
            return;
        }
        let before = self.scopes.clone();
        one(self);
        let first = std::mem::replace(&mut self.scopes, before);
        other(self);
        for (scope, first) in self.scopes.iter_mut().zip(first) {
            merge(scope, first, reason);
        }
    }

    /// What needs a module that is not there is left out, as Python would do it.
    fn try_statement(&mut self, node: Node<'_>) {
        let Some(body) = node.child_by_field_name("body") else {
            return;
        };
        let mut cursor = node.walk();
        let clauses: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        let of = |kind: &str| clauses.iter().copied().find(|clause| clause.kind() == kind);
        let handler = clauses
            .iter()
            .copied()
            .find(|clause| clause.kind() == "except_clause" && self.catches_imports(*clause));
        let mut statements = body.walk();
        let importable = body
            .named_children(&mut statements)
            .map(|statement| self.importable(statement))
            .max();
        let importable = importable.filter(|_| handler.is_some());
        let all = |frame: &mut Self| {
            frame.block(body);
            if let Some(body) =
                of("else_clause").and_then(|clause| clause.child_by_field_name("body"))
            {
                frame.block(body);
            }
        };
        let handle = |frame: &mut Self| {
            let blocks = handler.into_iter().flat_map(|clause| {
                let mut cursor = clause.walk();
                let children: Vec<Node<'_>> = clause.named_children(&mut cursor).collect();
                children
            });
            for block in blocks.filter(|child| child.kind() == "block") {
                frame.block(block);
            }
        };
        match importable {
            Some(Importable::No) => handle(self),
            Some(Importable::Perhaps) => {
                let line = node.start_position().row + 1;
                let reason = format!("depends on whether the import in line {line} works");
                self.either(&reason, all, handle);
            }
            _ => all(self),
        }
        if let Some(clause) = of("finally_clause") {
            let mut cursor = clause.walk();
            let blocks: Vec<Node<'_>> = clause.named_children(&mut cursor).collect();
            for block in blocks.into_iter().filter(|child| child.kind() == "block") {
                self.block(block);
            }
        }
    }

    /// `except:`, `except ImportError:`, `except (ImportError, X) as error:`.
    fn catches_imports(&self, clause: Node<'_>) -> bool {
        let text = self.text(clause);
        let head = text.split(':').next().unwrap_or_default();
        let head = head.trim_start_matches("except").trim();
        head.is_empty() || IMPORT_ERRORS.iter().any(|error| head.contains(error))
    }

    /// The targets of `with … as …` hold what is opened.
    fn with_statement(&mut self, node: Node<'_>) {
        let mut cursor = node.walk();
        let clauses: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        for clause in clauses
            .iter()
            .filter(|clause| clause.kind() == "with_clause")
        {
            let mut cursor = clause.walk();
            let items: Vec<Node<'_>> = clause.named_children(&mut cursor).collect();
            for pattern in items
                .iter()
                .filter_map(|item| item.child_by_field_name("value"))
            {
                if pattern.kind() != "as_pattern" {
                    continue;
                }
                let alias = pattern.child_by_field_name("alias");
                let target = alias.and_then(|alias| alias.named_child(0));
                if let (Some(opened), Some(target)) = (pattern.named_child(0), target) {
                    let value = self.evaluate(opened);
                    self.assign(target, value);
                }
            }
        }
        if let Some(body) = node.child_by_field_name("body") {
            self.block(body);
        }
    }

    /// What a loop changes is not known.
    fn not_run(&mut self, node: Node<'_>) {
        let mut changed = BTreeSet::new();
        let mut cursor = node.walk();
        'walk: loop {
            let here = cursor.node();
            let target = match here.kind() {
                "assignment" | "augmented_assignment" | "for_statement" => {
                    here.child_by_field_name("left")
                }
                "call" => here
                    .child_by_field_name("function")
                    .and_then(|function| function.child_by_field_name("object")),
                _ => None,
            };
            changed.extend(target.and_then(|target| self.base_name(target)));
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    break 'walk;
                }
            }
        }
        let line = node.start_position().row + 1;
        for name in changed {
            let is_library = self
                .look_up(name)
                .is_some_and(|value| matches!(value.what, What::Name(_) | What::Environ));
            if !is_library {
                let reason = format!("is set in line {line} or below by a loop, which is not run");
                self.bind(name, self.unknown(node, reason));
            }
        }
    }

    /// `SIMPLE_JWT` of `SIMPLE_JWT["X"]["Y"]`.
    fn base_name(&self, mut node: Node<'_>) -> Option<&'a str> {
        for _ in 0..DEEPEST {
            node = match node.kind() {
                "identifier" => return Some(self.text(node)),
                "subscript" => node.child_by_field_name("value")?,
                _ => return None,
            };
        }
        None
    }

    fn function(&mut self, node: Node<'_>) {
        if let Some(name) = node.child_by_field_name("name") {
            let name = self.text(name);
            self.bind(
                name,
                Value::new(What::Name(Rc::from(name)), self.place(node)),
            );
        }
    }

    /// The decorators of a class but those of drf-spectacular, which only document it.
    fn decorators(&self, node: Node<'_>) -> Vec<String> {
        let mut cursor = node.walk();
        let decorators = node
            .named_children(&mut cursor)
            .filter(|child| child.kind() == "decorator");
        let names = decorators.map(|decorator| {
            let text = self.text(decorator);
            text.split('(').next().unwrap_or_default().trim().to_owned()
        });
        names
            .filter(|name| !name.contains("extend_schema"))
            .collect()
    }

    fn class(&mut self, node: Node<'_>, decorators: Vec<String>) {
        let Some(name) = node.child_by_field_name("name") else {
            return;
        };
        let bases = node.child_by_field_name("superclasses");
        let (bases, _) = bases.map(|bases| self.arguments(bases)).unwrap_or_default();
        self.scopes.push(Scope::default());
        if let Some(body) = node.child_by_field_name("body") {
            self.block(body);
        }
        let body = self.scopes.pop().unwrap_or_default();
        let name: Rc<str> = Rc::from(self.text(name));
        let class = Class {
            name: name.clone(),
            at: self.place(node),
            bases,
            decorators,
            body: Rc::new(body),
        };
        self.bind(
            &name,
            Value::new(What::Class(Rc::new(class)), self.place(node)),
        );
    }

    fn delete(&mut self, node: Node<'_>) {
        let Some(target) = node.named_child(0) else {
            return;
        };
        match target.kind() {
            "identifier" => {
                self.forget(self.text(target));
            }
            "subscript" => {
                self.remove(target);
            }
            _ => {}
        }
    }
}
