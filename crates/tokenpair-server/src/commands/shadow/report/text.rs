//! The report for people.

use super::{Group, Report};
use crate::output::Table;
use std::cmp::Reverse;
use std::fmt::Write as _;

/// The widest a column of values becomes; JSON has them whole.
const WIDEST: usize = 48;

const HEADER: [&str; 6] = [
    "REQUEST",
    "WHERE",
    "DJANGO",
    "TOKENPAIR",
    "COUNT",
    "FIRST IN",
];

impl Report {
    pub(in super::super) fn text(&self) -> String {
        let mut text = self.differences();
        text += &self.documented();
        for (reason, count) in &self.left_out {
            let _ = writeln!(text, "Left out: {}, as {reason}.", requests(*count));
        }
        text += &self.tokens();
        for note in &self.notes {
            let _ = writeln!(text, "Note: {note}.");
        }
        text + &self.summary()
    }

    fn differences(&self) -> String {
        let mut groups: Vec<&Group> = self.undocumented().collect();
        if groups.is_empty() {
            return String::new();
        }
        groups.sort_by_key(|group| Reverse(group.count));
        let header = HEADER.map(str::to_owned).to_vec();
        let rows = groups.into_iter().map(row);
        let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
        Table::new().rows(&rows) + "\n"
    }

    fn documented(&self) -> String {
        let rules = self.rules();
        if rules.is_empty() {
            return String::new();
        }
        let header = ["DOCUMENTED", "COUNT", "WHAT", "IN COMPATIBILITY.md"]
            .map(str::to_owned)
            .to_vec();
        let rows = rules.iter().map(|(rule, count)| {
            vec![
                rule.code.to_owned(),
                count.to_string(),
                rule.reason.to_owned(),
                rule.section.to_owned(),
            ]
        });
        let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
        Table::new().rows(&rows) + "\n"
    }

    fn tokens(&self) -> String {
        let count = self.tokens;
        let lines = [
            (
                count.replaced,
                "each server was sent the tokens it gave out itself",
            ),
            (
                count.renewed,
                "tokens from before the recording were signed again with their dates moved",
            ),
            (
                count.foreign,
                "tokens that no recorded answer and no known key explains were sent as they are",
            ),
        ];
        lines.into_iter().filter(|(count, _)| *count > 0).fold(
            String::new(),
            |mut text, (count, what)| {
                let _ = writeln!(text, "Tokens: in {}, {what}.", requests(count));
                text
            },
        )
    }

    fn summary(&self) -> String {
        format!(
            "{} compared: {} alike, {} with documented differences only, {} with others.\n",
            requests(self.compared),
            self.alike,
            self.as_documented,
            self.unexplained()
        )
    }
}

fn row(group: &Group) -> Vec<String> {
    let value = |value: &Option<String>| cut(value.as_deref().unwrap_or("nothing"));
    let key = &group.key;
    vec![
        cut(&format!("{} {}", key.method, key.path)),
        cut(&key.place.to_string()),
        value(&key.django),
        value(&key.tokenpair),
        group.count.to_string(),
        group.example.clone(),
    ]
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn requests(count: usize) -> String {
    if count == 1 {
        "1 request".to_owned()
    } else {
        format!("{count} requests")
    }
}
