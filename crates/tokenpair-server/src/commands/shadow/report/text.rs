//! The report for people.

use super::{Group, Report};
use crate::output::Table;
use std::cmp::Reverse;
use std::fmt::Write as _;

/// The widest a column of values becomes; JSON has them whole.
const WIDEST: usize = 48;

/// How much of what two long values have in common is shown before they part.
const BEFORE: usize = 16;

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
                "tokens of the recording were signed again with their dates moved",
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
    let key = &group.key;
    let (django, tokenpair) = side_by_side(
        key.django.as_deref().unwrap_or("nothing"),
        key.tokenpair.as_deref().unwrap_or("nothing"),
    );
    vec![
        cut(&format!("{} {}", key.method, key.path)),
        cut(&key.place.to_string()),
        django,
        tokenpair,
        group.count.to_string(),
        group.example.clone(),
    ]
}

/// Two values, from a little before the place where they part if the column would end before it.
fn side_by_side(django: &str, tokenpair: &str) -> (String, String) {
    let same = |(one, other): &(char, char)| one == other;
    let common = django
        .chars()
        .zip(tokenpair.chars())
        .take_while(same)
        .count();
    if common + BEFORE < WIDEST {
        return (cut(django), cut(tokenpair));
    }
    let from = common.saturating_sub(BEFORE);
    let tail = |text: &str| cut(&format!("…{}", text.chars().skip(from).collect::<String>()));
    (tail(django), tail(tokenpair))
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
