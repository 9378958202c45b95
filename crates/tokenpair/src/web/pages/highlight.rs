//! JSON as HTML with its parts marked, laid out as DRF's pages do.

use super::push_escaped;
use crate::json::{self, Object, Value};

const INDENT: usize = 4;

/// The text of a JSON answer, escaped and marked. A text that is no JSON is only escaped.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    match json::decode_body(text) {
        Ok(value) => write(&mut out, &value, 0),
        Err(_) => push_escaped(&mut out, text),
    }
    out
}

/// Answers are our own, and what is read is at most 128 levels deep.
fn write(out: &mut String, value: &Value, level: usize) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let write_item = |out: &mut String, item: &Value| write(out, item, level + 1);
            group(out, ['[', ']'], level, items, write_item);
        }
        Value::Object(members) if !members.is_empty() => object(out, members, level),
        Value::String(_) | Value::IllFormed(_) => mark(out, "s", value),
        Value::Number(_) => mark(out, "d", value),
        Value::Bool(_) | Value::Null => mark(out, "w", value),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

fn object(out: &mut String, members: &Object, level: usize) {
    group(out, ['{', '}'], level, members, |out, (name, value)| {
        mark(out, "n", &Value::from(name.as_str()));
        out.push_str(": ");
        write(out, value, level + 1);
    });
}

fn group<T>(
    out: &mut String,
    [opening, closing]: [char; 2],
    level: usize,
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    out.push(opening);
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        new_line(out, level + 1);
        write(out, item);
    }
    new_line(out, level);
    out.push(closing);
}

fn new_line(out: &mut String, level: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', level * INDENT));
}

fn mark(out: &mut String, class: &str, value: &Value) {
    out.push_str("<span class=\"");
    out.push_str(class);
    out.push_str("\">");
    push_escaped(out, &json::encode_utf8(value));
    out.push_str("</span>");
}

#[cfg(test)]
mod tests {
    use super::json;

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
