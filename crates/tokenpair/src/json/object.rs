//! Objects that keep the order of their members, as a Python `dict` does.
//!
//! Owns the rule that a repeated name overwrites the value and keeps the first one's place.
//! Must never take quadratic time over names that a client chose: whatever is built from a text or an
//! iterator goes through [`Members`].

use std::{collections::HashMap, slice, vec};

use super::Value;

/// From how many members on a search by hash beats a walk over the names.
const INDEX_FROM: usize = 32;

/// The members of a JSON object in the order in which their names first appeared.
///
/// Look-ups walk over the names, which is the fastest way for claims sets and request bodies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    members: Vec<(String, Value)>,
}

impl Object {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value under `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let (_, value) = self.members.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// The value under `name`, to be changed in place.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value> {
        let (_, value) = self.members.iter_mut().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// Whether there is a member `name`, be it null.
    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Overwrites the member in its place, or appends it; returns the value it had before.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        let (name, value) = (name.into(), value.into());
        if let Some(known) = self.get_mut(&name) {
            return Some(std::mem::replace(known, value));
        }
        self.members.push((name, value));
        None
    }

    /// Takes the member out; the order of the others stays.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let place = self.members.iter().position(|(known, _)| known == name)?;
        Some(self.members.remove(place).1)
    }

    /// The members in order.
    pub fn iter(&self) -> slice::Iter<'_, (String, Value)> {
        self.members.iter()
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl<'a> IntoIterator for &'a Object {
    type Item = &'a (String, Value);
    type IntoIter = slice::Iter<'a, (String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Object {
    type Item = (String, Value);
    type IntoIter = vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut members = Members::default();
        for (name, value) in pairs {
            members.insert(name.into(), value.into());
        }
        members.into()
    }
}

/// An object under construction: past [`INDEX_FROM`] members it finds repeated names by hash.
#[derive(Default)]
pub(super) struct Members {
    members: Vec<(String, Value)>,
    places: Option<HashMap<String, usize>>,
}

impl Members {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            members: Vec::with_capacity(capacity),
            places: None,
        }
    }

    /// Overwrites the member in its place, or appends it; returns the value it had before.
    pub(super) fn insert(&mut self, name: String, value: Value) -> Option<Value> {
        let place = self.place(&name);
        if let Some((_, known)) = place.and_then(|place| self.members.get_mut(place)) {
            return Some(std::mem::replace(known, value));
        }
        if let Some(places) = &mut self.places {
            places.insert(name.clone(), self.members.len());
        }
        self.members.push((name, value));
        if self.members.len() == INDEX_FROM {
            let names = self.members.iter().map(|(name, _)| name.clone());
            self.places = Some(names.zip(0..).collect());
        }
        None
    }

    fn place(&self, name: &str) -> Option<usize> {
        match &self.places {
            None => self.members.iter().position(|(known, _)| known == name),
            Some(places) => places.get(name).copied(),
        }
    }
}

impl From<Members> for Object {
    fn from(Members { members, .. }: Members) -> Self {
        Self { members }
    }
}
