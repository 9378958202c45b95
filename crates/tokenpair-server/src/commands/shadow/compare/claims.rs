//! Two tokens of the same place: header, claims in their order, and what may differ by its form.

use super::super::exchange::{Difference, Place};
use super::super::jose::{self, Parts};
use super::Half;
use super::body::other_order;
use super::secrets::Secrets;
use std::collections::HashMap;
use tokenpair::Settings;
use tokenpair::json::{Number, Object, Value};

/// How far a new token's date may lie outside of the time in which it was asked for: it has whole seconds.
const MOMENT: f64 = 2.0;
/// `exp` and `iat` of one token may be read from the clock in two different seconds.
const SECOND: f64 = 1.0;
/// A number so near to now is taken for a time, whatever its claim is called.
const NEAR: f64 = 10_000_000.0;

/// Which revoke claim of the one server belongs to which of the other: each hashes with a salt of its own.
#[derive(Default)]
pub(super) struct Digests {
    django: HashMap<String, String>,
    tokenpair: HashMap<String, String>,
}

impl Digests {
    fn belong_together(&mut self, django: &str, tokenpair: &str) -> bool {
        let known = self.django.get(django).map(String::as_str);
        let known_back = self.tokenpair.get(tokenpair).map(String::as_str);
        match (known, known_back) {
            (None, None) => {
                self.django.insert(django.to_owned(), tokenpair.to_owned());
                self.tokenpair
                    .insert(tokenpair.to_owned(), django.to_owned());
                true
            }
            (known, known_back) => known == Some(tokenpair) && known_back == Some(django),
        }
    }
}

/// A token and the exchange that gave it out.
type Side<'a> = (&'a Half<'a>, &'a Parts);

pub(super) fn differences(
    token: &str,
    django: Side<'_>,
    ours: Side<'_>,
    settings: &Settings,
    digests: &mut Digests,
    secrets: &Secrets<'_>,
) -> Vec<Difference> {
    let mut comparison = Comparison {
        token,
        django,
        ours,
        settings,
        digests,
        secrets,
        found: Vec::new(),
    };
    comparison.headers();
    comparison.claims();
    comparison.forms();
    comparison.found
}

struct Comparison<'a> {
    token: &'a str,
    django: Side<'a>,
    ours: Side<'a>,
    settings: &'a Settings,
    digests: &'a mut Digests,
    secrets: &'a Secrets<'a>,
    found: Vec<Difference>,
}

/// What is the same in two tokens although it is not equal.
enum Meaning {
    Same,
    Other(String, String),
}

impl Comparison<'_> {
    fn headers(&mut self) {
        let token = self.token;
        let place = |name: &str| Place::TokenHeader {
            token: token.to_owned(),
            name: name.to_owned(),
        };
        let (theirs, mine) = (&self.django.1.header, &self.ours.1.header);
        for (name, pair) in both(theirs, mine) {
            if pair.0 != pair.1 {
                let shown =
                    |value: Option<&Value>| value.map(|value| self.secrets.show_json(value));
                let difference = difference(place(name), shown(pair.0), shown(pair.1));
                self.found.push(difference);
            }
        }
        if let Some((theirs, mine)) = other_order(theirs, mine) {
            self.found
                .push(difference(place(""), Some(theirs), Some(mine)));
        }
    }

    fn claims(&mut self) {
        let (theirs, mine) = (&self.django.1.claims, &self.ours.1.claims);
        for (name, pair) in both(theirs, mine) {
            let meaning = match pair {
                (Some(theirs), Some(mine)) => self.meaning(name, theirs, mine),
                (theirs, mine) => {
                    let shown = |value: Option<&Value>| value.map(|value| self.show(name, value));
                    let difference = difference(self.place(name), shown(theirs), shown(mine));
                    self.found.push(difference);
                    continue;
                }
            };
            if let Meaning::Other(theirs, mine) = meaning {
                let difference = difference(self.place(name), Some(theirs), Some(mine));
                self.found.push(difference);
            }
        }
        if let Some((theirs, mine)) = other_order(theirs, mine) {
            let difference = difference(self.place(""), Some(theirs), Some(mine));
            self.found.push(difference);
        }
    }

    /// White space and escapes, which a strict reader of tokens might hash.
    fn forms(&mut self) {
        let (theirs, mine) = (self.django.1.is_compact, self.ours.1.is_compact);
        if theirs != mine {
            let say = |is_compact| {
                let text = if is_compact {
                    "compact JSON in ASCII"
                } else {
                    "JSON in another form"
                };
                Some(text.to_owned())
            };
            let difference = difference(self.place(""), say(theirs), say(mine));
            self.found.push(difference);
        }
    }

    fn place(&self, name: &str) -> Place {
        Place::Claim {
            token: self.token.to_owned(),
            name: name.to_owned(),
        }
    }

    fn show(&self, name: &str, value: &Value) -> String {
        if name == self.settings.revoke_token_claim {
            return "<digest of the password>".to_owned();
        }
        self.secrets.show_json(value)
    }

    fn meaning(&mut self, name: &str, theirs: &Value, mine: &Value) -> Meaning {
        if let (Value::Number(one), Value::Number(other)) = (theirs, mine) {
            // The date of something else than the token, such as a user's, is the same however long a log-in takes.
            let is_near = |number| theirs != mine && self.is_near(number);
            if self.is_date(name) || is_near(one) && is_near(other) {
                return self.dates(name, one, other);
            }
        }
        if let (Value::String(one), Value::String(other)) = (theirs, mine) {
            if Some(name) == self.settings.jti_claim.as_deref() {
                return ids(id(self.django.0, one), id(self.ours.0, other));
            }
            if name == self.settings.revoke_token_claim && is_digest(one) && is_digest(other) {
                return self.revoke_claims(one, other);
            }
        }
        if theirs == mine {
            Meaning::Same
        } else {
            Meaning::Other(self.show(name, theirs), self.show(name, mine))
        }
    }

    fn revoke_claims(&mut self, theirs: &str, mine: &str) -> Meaning {
        if self.digests.belong_together(theirs, mine) {
            return Meaning::Same;
        }
        let say = |whose| format!("<digest of {whose} password>");
        Meaning::Other(say("one"), say("another"))
    }

    fn is_date(&self, name: &str) -> bool {
        ["iat", "exp", "nbf"].contains(&name)
            || name == self.settings.sliding_token_refresh_exp_claim
    }

    fn is_near(&self, number: &Number) -> bool {
        let now = seconds(self.django.0.answered_at);
        (float(number) - now).abs() < NEAR
    }

    fn dates(&self, name: &str, theirs: &Number, mine: &Number) -> Meaning {
        let (one, other) = (
            distance(self.django, name, theirs),
            distance(self.ours, name, mine),
        );
        let same_form = matches!(theirs, Number::Float(_)) == matches!(mine, Number::Float(_));
        let tolerance = if matches!(name, "exp" | "nbf") {
            SECOND
        } else {
            MOMENT
        };
        if same_form && one.since == other.since && (one.seconds - other.seconds).abs() <= tolerance
        {
            return Meaning::Same;
        }
        Meaning::Other(one.say(theirs), other.say(mine))
    }
}

fn difference(place: Place, django: Option<String>, tokenpair: Option<String>) -> Difference {
    Difference {
        place,
        django,
        tokenpair,
    }
}

/// Every name of either object with both values.
fn both<'a>(
    theirs: &'a Object,
    mine: &'a Object,
) -> impl Iterator<Item = (&'a str, (Option<&'a Value>, Option<&'a Value>))> {
    let first = theirs
        .iter()
        .map(|(name, value)| (name.as_str(), (Some(value), mine.get(name))));
    let added = mine.iter().filter(|(name, _)| !theirs.contains_key(name));
    first.chain(added.map(|(name, value)| (name.as_str(), (None, Some(value)))))
}

/// A date as a distance.
struct Distance {
    seconds: f64,
    since: Since,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Since {
    /// The making of the token, which the server has just made.
    Issue,
    /// The answer: the token is an older one, or does not say when it was made.
    Answer,
}

impl Distance {
    fn say(&self, number: &Number) -> String {
        let of = match self.since {
            Since::Issue => "the token's making",
            Since::Answer => "the answer",
        };
        let seconds = self.seconds.round();
        let form = if matches!(number, Number::Float(_)) {
            ", a float"
        } else {
            ""
        };
        if seconds < 0.0 {
            format!("{} s before {of}{form}", -seconds)
        } else {
            format!("{seconds} s after {of}{form}")
        }
    }
}

fn distance((half, parts): Side<'_>, name: &str, date: &Number) -> Distance {
    let (sent, answered) = (seconds(half.sent_at), seconds(half.answered_at));
    let issued = match parts.claims.get("iat") {
        Some(Value::Number(number)) => Some(float(number)),
        _ => None,
    };
    let fresh = |issued: &f64| (sent - MOMENT..=answered + MOMENT).contains(issued);
    match issued.filter(fresh) {
        Some(issued) if name == "iat" || !issued.is_finite() => Distance {
            seconds: 0.0,
            since: Since::Issue,
        },
        Some(issued) => Distance {
            seconds: float(date) - issued,
            since: Since::Issue,
        },
        None => Distance {
            seconds: float(date) - answered,
            since: Since::Answer,
        },
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a time of this century is exact"
)]
fn seconds(time: jiff::Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "what is larger is no time")]
fn float(number: &Number) -> f64 {
    match number {
        Number::Int(integer) => *integer as f64,
        Number::BigInt(_) => f64::INFINITY,
        Number::Float(float) => *float,
    }
}

/// What an id is: that of a token that was sent, or a new one of a certain form.
fn id(half: &Half<'_>, id: &str) -> &'static str {
    let sent = half.sent;
    let headers = sent.headers.0.iter().map(|(_, value)| value.as_slice());
    let tokens = headers.chain([sent.body.as_slice()]).flat_map(jose::find);
    let is_it = |parts: &Parts| {
        parts
            .claims
            .iter()
            .any(|(_, value)| value.as_str() == Some(id))
    };
    if tokens.filter_map(Parts::read).any(|parts| is_it(&parts)) {
        return "that of the token sent";
    }
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if id.len() == 32 && id.bytes().all(is_hex) {
        "32 hexadecimal digits"
    } else {
        "another text"
    }
}

fn ids(theirs: &str, mine: &str) -> Meaning {
    if theirs == mine {
        Meaning::Same
    } else {
        Meaning::Other(theirs.to_owned(), mine.to_owned())
    }
}

/// Upper-case MD5, as Simple JWT writes it.
fn is_digest(text: &str) -> bool {
    text.len() == 32
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'))
}
