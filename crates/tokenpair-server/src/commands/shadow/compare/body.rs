//! Bodies: JSON member by member, everything else byte by byte; tokens are left to `claims`.

use super::super::exchange::{Answer, Difference, Place};
use super::super::jose::{self, Parts, member_place};
use super::secrets::Secrets;
use tokenpair::json::{Object, Value};

/// Two tokens in the same place.
pub(super) struct Tokens {
    pub(super) place: String,
    pub(super) django: String,
    pub(super) tokenpair: String,
}

#[derive(Default)]
pub(super) struct Compared {
    pub(super) differences: Vec<Difference>,
    pub(super) tokens: Vec<Tokens>,
}

pub(super) fn compare(django: &Answer, ours: &Answer, secrets: &Secrets<'_>) -> Compared {
    let mut walk = Walk {
        secrets,
        compared: Compared::default(),
    };
    if let (Some(theirs), Some(mine)) = (django.json(), ours.json()) {
        walk.values(String::new(), &theirs, &mine);
        if walk.compared.differences.is_empty() && without_tokens(django) != without_tokens(ours) {
            let text = |answer: &Answer| Some(secrets.show(&String::from_utf8_lossy(&answer.body)));
            walk.add(String::new(), text(django), text(ours));
        }
    } else if without_tokens(django) != without_tokens(ours) {
        walk.add(
            String::new(),
            describe(django, secrets),
            describe(ours, secrets),
        );
    }
    walk.compared
}

fn without_tokens(answer: &Answer) -> Vec<u8> {
    jose::replace(&answer.body, |token| {
        Parts::read(token).map(|_| "<token>".to_owned())
    })
    .into_owned()
}

/// The beginning of a text; of a page, what it is and how long.
fn describe(answer: &Answer, secrets: &Secrets<'_>) -> Option<String> {
    if answer.body.is_empty() {
        return None;
    }
    let content_type = answer.headers.get("content-type").unwrap_or("no type");
    let kind = content_type.split(';').next().unwrap_or_default();
    match std::str::from_utf8(&answer.body) {
        Ok(text) if kind != "text/html" => Some(secrets.show(text)),
        _ => Some(secrets.show(&format!("{} bytes of {kind}", answer.body.len()))),
    }
}

struct Walk<'a> {
    secrets: &'a Secrets<'a>,
    compared: Compared,
}

impl Walk<'_> {
    fn add(&mut self, place: String, django: Option<String>, tokenpair: Option<String>) {
        self.compared.differences.push(Difference {
            place: Place::Body(place),
            django,
            tokenpair,
        });
    }

    fn values(&mut self, place: String, theirs: &Value, mine: &Value) {
        match (theirs, mine) {
            (Value::Object(theirs), Value::Object(mine)) => self.objects(&place, theirs, mine),
            (Value::Array(theirs), Value::Array(mine)) if theirs.len() == mine.len() => {
                for (index, (theirs, mine)) in theirs.iter().zip(mine).enumerate() {
                    self.values(format!("{place}[{index}]"), theirs, mine);
                }
            }
            (Value::String(theirs), Value::String(mine)) if are_tokens(theirs, mine) => {
                self.compared.tokens.push(Tokens {
                    place,
                    django: theirs.clone(),
                    tokenpair: mine.clone(),
                });
            }
            _ if theirs == mine => {}
            _ => {
                let shown = |value| Some(self.secrets.show_json(value));
                self.add(place, shown(theirs), shown(mine));
            }
        }
    }

    fn objects(&mut self, place: &str, theirs: &Object, mine: &Object) {
        for (name, value) in theirs {
            match mine.get(name) {
                Some(other) => self.values(member_place(place, name), value, other),
                None => self.add(
                    member_place(place, name),
                    Some(self.secrets.show_json(value)),
                    None,
                ),
            }
        }
        for (name, value) in mine.iter().filter(|(name, _)| !theirs.contains_key(name)) {
            self.add(
                member_place(place, name),
                None,
                Some(self.secrets.show_json(value)),
            );
        }
        if let Some((theirs, mine)) = other_order(theirs, mine) {
            self.add(place.to_owned(), Some(theirs), Some(mine));
        }
    }
}

fn are_tokens(theirs: &str, mine: &str) -> bool {
    Parts::read(theirs).is_some() && Parts::read(mine).is_some()
}

/// The names that both have, where they stand in another order.
pub(super) fn other_order(theirs: &Object, mine: &Object) -> Option<(String, String)> {
    let common = |one: &Object, other: &Object| -> Vec<String> {
        let names = one.iter().map(|(name, _)| name);
        names
            .filter(|name| other.contains_key(name))
            .cloned()
            .collect()
    };
    let (theirs, mine) = (common(theirs, mine), common(mine, theirs));
    let say = |names: &[String]| format!("in the order {}", names.join(", "));
    (theirs != mine).then(|| (say(&theirs), say(&mine)))
}
