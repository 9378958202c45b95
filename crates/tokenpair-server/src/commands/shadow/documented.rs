//! The differences of COMPATIBILITY.md, as rules over what both servers answered.

use super::exchange::{Difference, Exchange, Rule};

/// Why this difference is meant to be; `None`: nobody knows of it.
pub(crate) fn rule(_exchange: &Exchange<'_>, _difference: &Difference) -> Option<Rule> {
    None
}
