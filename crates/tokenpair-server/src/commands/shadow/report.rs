//! What a run found: equal differences are one line with a count and an example.

mod json;
#[cfg(test)]
mod tests;
mod text;

use super::exchange::{Difference, Place, Request, Rule};
use super::proof::Proof;
use super::tokens::Count;
use crate::output::printable;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// The result of a run.
#[derive(Default)]
pub(super) struct Report {
    /// Requests that both answered.
    pub(super) compared: usize,
    alike: usize,
    /// Requests with documented differences only.
    as_documented: usize,
    groups: Vec<Group>,
    places: HashMap<Key, usize>,
    pub(super) tokens: Count,
    pub(super) proof: Proof,
    pub(super) left_out: BTreeMap<&'static str, usize>,
    pub(super) notes: Vec<String>,
}

/// What equal differences have in common.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    method: String,
    path: String,
    place: Place,
    django: Option<String>,
    tokenpair: Option<String>,
    rule: Option<Rule>,
}

struct Group {
    key: Key,
    count: usize,
    /// Where the first of them comes from.
    example: String,
}

impl Report {
    /// Takes what was found for a request.
    pub(super) fn add(&mut self, request: &Request, found: Vec<(Difference, Option<Rule>)>) {
        self.compared += 1;
        if found.is_empty() {
            self.alike += 1;
        } else if found.iter().all(|(_, rule)| rule.is_some()) {
            self.as_documented += 1;
        }
        for (difference, rule) in found {
            let key = Key {
                method: printable(&request.method),
                path: request.shown_path(),
                place: difference.place,
                django: difference.django,
                tokenpair: difference.tokenpair,
                rule,
            };
            self.count(key, &request.origin);
        }
    }

    fn count(&mut self, key: Key, origin: &str) {
        let next = self.groups.len();
        let place = *self.places.entry(key.clone()).or_insert(next);
        match self.groups.get_mut(place) {
            Some(group) => group.count += 1,
            None => self.groups.push(Group {
                key,
                count: 1,
                example: origin.to_owned(),
            }),
        }
    }

    /// Requests with differences that nobody has documented.
    pub(super) fn unexplained(&self) -> usize {
        self.compared - self.alike - self.as_documented
    }

    fn undocumented(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(|group| group.key.rule.is_none())
    }

    /// How often each documented difference was met.
    fn rules(&self) -> BTreeMap<Rule, usize> {
        let mut rules = BTreeMap::new();
        for group in &self.groups {
            if let Some(rule) = group.key.rule {
                *rules.entry(rule).or_default() += group.count;
            }
        }
        rules
    }
}

impl Place {
    /// The kind, as JSON has it.
    fn kind(&self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Header(_) => "header",
            Self::Body(_) => "body",
            Self::TokenHeader { .. } => "token header",
            Self::Claim { .. } => "claim",
            Self::Signature { .. } => "signature",
        }
    }

    /// The member of the body in which the token stands.
    fn token(&self) -> Option<&str> {
        match self {
            Self::TokenHeader { token, .. }
            | Self::Claim { token, .. }
            | Self::Signature { token } => Some(token),
            _ => None,
        }
    }

    /// The header, member or claim; empty for the whole.
    fn name(&self) -> Option<&str> {
        match self {
            Self::Header(name)
            | Self::Body(name)
            | Self::TokenHeader { name, .. }
            | Self::Claim { name, .. } => Some(name),
            _ => None,
        }
    }
}

/// `header vary`, `body`, `claim exp of access`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self, self.name()) {
            (Self::Claim { .. }, Some("")) => "claims",
            _ => self.kind(),
        })?;
        if let Some(name) = self.name().filter(|name| !name.is_empty()) {
            write!(f, " {}", printable(name))?;
        }
        match self.token() {
            Some(token) if !token.is_empty() => write!(f, " of {}", printable(token)),
            _ => Ok(()),
        }
    }
}
