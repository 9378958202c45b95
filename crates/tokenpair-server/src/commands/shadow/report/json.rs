//! The report for scripts: one object, as docs/shadow.md describes it.

use super::{Group, Report};
use crate::output;
use tokenpair::json::{Object, Value};

impl Report {
    pub(in super::super) fn json(&self) -> String {
        let left_out = self.left_out.iter().map(|(reason, count)| {
            object([
                ("reason", Value::from(*reason)),
                ("requests", number(*count)),
            ])
        });
        let rules = self.rules();
        let documented = rules.iter().map(|(rule, count)| {
            object([
                ("code", Value::from(rule.code)),
                ("reason", Value::from(rule.reason)),
                ("section", Value::from(rule.section)),
                ("count", number(*count)),
            ])
        });
        let tokens = object([
            ("replaced", number(self.tokens.replaced)),
            ("renewed", number(self.tokens.renewed)),
            ("foreign", number(self.tokens.foreign)),
        ]);
        let log_ins = object([
            ("played", number(self.proof.log_ins.played)),
            ("succeeded", number(self.proof.log_ins.succeeded)),
        ]);
        let notes = self.notes.iter().map(|note| Value::from(note.as_str()));
        output::json_line([
            ("compared", number(self.compared)),
            ("alike", number(self.alike)),
            ("as_documented", number(self.as_documented)),
            ("otherwise", number(self.unexplained())),
            (
                "differences",
                Value::Array(self.groups.iter().map(group).collect()),
            ),
            ("documented", Value::Array(documented.collect())),
            ("left_out", Value::Array(left_out.collect())),
            ("log_ins", log_ins),
            ("tokens", tokens),
            ("notes", Value::Array(notes.collect())),
        ])
    }
}

fn group(group: &Group) -> Value {
    let text = |text: Option<&str>| text.map_or(Value::Null, Value::from);
    let key = &group.key;
    object([
        ("method", Value::from(key.method.as_str())),
        ("path", Value::from(key.path.as_str())),
        ("where", Value::from(key.place.kind())),
        ("name", text(key.place.name())),
        ("token", text(key.place.token())),
        ("django", text(key.django.as_deref())),
        ("tokenpair", text(key.tokenpair.as_deref())),
        ("documented", text(key.rule.map(|rule| rule.code))),
        ("count", number(group.count)),
        ("example", Value::from(group.example.as_str())),
    ])
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(Object::from_iter(fields))
}

fn number(count: usize) -> Value {
    Value::from(i64::try_from(count).unwrap_or(i64::MAX))
}
