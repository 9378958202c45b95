//! Methods that look users up without regard to case, as Django's forum has them: `username__iexact`.

use super::source::Source;
use super::value::Place;
use tree_sitter::Node;

/// How the field is named right before `__iexact`, white space and kinds of quotes aside.
const BY_USERNAME_FIELD: [&str; 4] = ["USERNAME_FIELD}", "USERNAME_FIELD+\"", "\"{}", "\"%s"];

/// Whether the method in this line does that for the field that users log in by, and for no other.
pub(in super::super) fn is_iexact(at: &Place, username_field: &str) -> bool {
    let Ok(source) = Source::read(&at.file) else {
        return false;
    };
    let Some(method) = method_at(source.root(), at.line) else {
        return false;
    };
    let text = source.text.get(method.byte_range()).unwrap_or_default();
    let dense: String = text.replace('\'', "\"").split_whitespace().collect();
    let mut parts = dense.split("__iexact");
    let (Some(before), Some(_), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_field = before
        .strip_suffix(username_field)
        .is_some_and(|rest| rest.ends_with(['(', ',', '"']));
    let by_name = BY_USERNAME_FIELD.iter().any(|end| before.ends_with(end));
    (is_field || by_name) && !dense.contains("Q(")
}

fn method_at(node: Node<'_>, line: usize) -> Option<Node<'_>> {
    let (first, last) = (node.start_position().row + 1, node.end_position().row + 1);
    if !(first..=last).contains(&line) {
        return None;
    }
    if node.kind() == "function_definition" && first == line {
        return Some(node);
    }
    let mut cursor = node.walk();
    let children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
    children
        .into_iter()
        .find_map(|child| method_at(child, line))
}
