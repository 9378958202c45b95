//! Python read as data: what a settings file says, without running it.
//!
//! Understands literals, names, and the few calls that settings are made of. Everything else becomes
//! [`What::Unknown`] with its reason, so that a caller can say what it could not read; nothing is guessed.

mod additions;
mod calls;
mod changes;
mod data_files;
mod database_url;
mod environment;
mod expressions;
mod iexact;
mod lookups;
mod merge;
mod methods;
mod names;
mod operators;
mod project;
mod source;
mod statements;
mod strings;
mod value;

pub(super) use additions::{Added, Addition, Additions, additions};
pub(super) use environment::Environment;
pub(super) use iexact::is_iexact;
pub(super) use project::{Flaw, Project, Scope};
pub(super) use value::{Call, Class, Place, Value, What};

#[cfg(test)]
mod tests;
