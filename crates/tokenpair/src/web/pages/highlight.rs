//! JSON as HTML with its parts marked, laid out as DRF's pages do.

use super::push_escaped;
use crate::json::{self, Value};

const INDENT: usize = 4;

/// Where members and items begin.
#[derive(Clone, Copy)]
enum Layout {
    /// On lines of their own, at this level.
    Lines(usize),
    OneLine,
}

/// The text of a JSON answer, escaped and marked. A text that is no JSON is only escaped.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    match json::decode_body(text) {
        Ok(value) => write(&mut out, &value, Layout::Lines(0)),
        Err(_) => push_escaped(&mut out, text),
    }
    out
}

/// A short value, marked.
pub(super) fn in_one_line(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, Layout::OneLine);
    out
}

/// Answers are our own, and what is read is at most 128 levels deep.
fn write(out: &mut String, value: &Value, layout: Layout) {
    match value {
        Value::Array(items) if !items.is_empty() => group(out, ['[', ']'], layout, items, write),
        Value::Object(members) if !members.is_empty() => {
            group(
                out,
                ['{', '}'],
                layout,
                members,
                |out, (name, value), layout| {
                    mark(out, "n", &Value::from(name.as_str()));
                    out.push_str(": ");
                    write(out, value, layout);
                },
            );
        }
        Value::String(text) if is_path(text) => link(out, text),
        Value::String(_) | Value::IllFormed(_) => mark(out, "s", value),
        Value::Number(_) => mark(out, "d", value),
        Value::Bool(_) | Value::Null => mark(out, "w", value),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

fn group<T>(
    out: &mut String,
    [opening, closing]: [char; 2],
    layout: Layout,
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut String, T, Layout),
) {
    let inner = match layout {
        Layout::Lines(level) => Layout::Lines(level + 1),
        Layout::OneLine => Layout::OneLine,
    };
    out.push(opening);
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            out.push_str(match layout {
                Layout::Lines(_) => ",",
                Layout::OneLine => ", ",
            });
        }
        new_line(out, inner);
        write(out, item, inner);
    }
    new_line(out, layout);
    out.push(closing);
}

fn new_line(out: &mut String, layout: Layout) {
    if let Layout::Lines(level) = layout {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', level * INDENT));
    }
}

fn mark(out: &mut String, class: &str, value: &Value) {
    out.push_str("<span class=\"");
    out.push_str(class);
    out.push_str("\">");
    push_escaped(out, &json::encode_utf8(value));
    out.push_str("</span>");
}

/// A path of this server, which a page links to.
fn link(out: &mut String, path: &str) {
    out.push_str("<span class=\"s\">&quot;<a href=\"");
    push_escaped(out, path);
    out.push_str("\">");
    push_escaped(out, path);
    out.push_str("</a>&quot;</span>");
}

/// Two slashes would begin the name of another host.
fn is_path(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.len() > 1 && text.starts_with('/') && !text.contains("//") && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::json;

    #[test]
    fn paths_of_this_server_are_links() {
        assert_eq!(
            json(r#"["/api/sessions/0a/"]"#),
            "[\n    <span class=\"s\">&quot;<a href=\"/api/sessions/0a/\">/api/sessions/0a/</a>&quot;</span>\n]"
        );
        for other in ["/", "//evil.example/", "/a b", "/a?b", "a/b", "/a\\\\b"] {
            let text = format!("[\"{other}\"]");
            assert!(!json(&text).contains("<a "), "{other}");
        }
    }

    #[test]
    fn nothing_of_an_answer_is_read_as_html() {
        assert_eq!(
            json(r#"{"<b>":"</pre><script>alert('&')</script>"}"#),
            "{\n    <span class=\"n\">&quot;&lt;b&gt;&quot;</span>: <span class=\"s\">&quot;&lt;/pre&gt;&lt;script&gt;\
             alert(&#39;&amp;&#39;)&lt;/script&gt;&quot;</span>\n}"
        );
        assert_eq!(json("<i>no JSON"), "&lt;i&gt;no JSON");
    }

    #[test]
    fn values_are_marked_by_their_kind_and_laid_out() {
        assert_eq!(
            json(r#"[1.0, true, null, [], {}, {"a": ["b"]}]"#),
            "[\n    <span class=\"d\">1.0</span>,\n    <span class=\"w\">true</span>,\n    \
             <span class=\"w\">null</span>,\n    [],\n    {},\n    {\n        <span class=\"n\">&quot;a&quot;</span>: \
             [\n            <span class=\"s\">&quot;b&quot;</span>\n        ]\n    }\n]"
        );
    }
}
