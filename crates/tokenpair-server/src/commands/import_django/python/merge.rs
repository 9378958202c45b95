//! What is known after one of two ways was taken, and it is not known which.

use super::project::Scope;
use super::value::{Value, What};

/// Joins the names after two ways that may have been taken.
pub(super) fn merge(into: &mut Scope, other: Scope, reason: &str) {
    let Scope { mut names, .. } = other;
    for (name, value) in &mut into.names {
        match names.remove(name) {
            Some(other) => unite(value, other, reason),
            None => *value = Value::unknown(reason, value.at.clone()),
        }
    }
    for (name, value) in names {
        into.names.insert(name, Value::unknown(reason, value.at));
    }
}

fn unite(value: &mut Value, other: Value, reason: &str) {
    if *value == other {
        return;
    }
    match (&mut value.what, other.what) {
        (What::Dict(members), What::Dict(mut others)) => {
            for (name, member) in members.iter_mut() {
                match others.iter().position(|(other, _)| other == name) {
                    Some(index) => unite(member, others.swap_remove(index).1, reason),
                    None => *member = Value::unknown(reason, member.at.clone()),
                }
            }
            let rest = others.into_iter();
            members.extend(rest.map(|(name, other)| (name, Value::unknown(reason, other.at))));
        }
        (What::List(values), What::List(others)) => {
            // `INSTALLED_APPS += […]` on one way only: what stands before is known.
            let same = values.iter().zip(&others).take_while(|(a, b)| a == b);
            let same = same.count();
            values.truncate(same);
            values.push(Value::unknown(reason, value.at.clone()));
        }
        _ => *value = Value::unknown(reason, value.at.clone()),
    }
}
