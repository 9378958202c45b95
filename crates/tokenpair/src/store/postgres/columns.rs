//! Further columns of a user's row as JSON: what DRF would make of them.
//!
//! PostgreSQL writes the JSON (`to_json`) and names the type; here remains what DRF writes otherwise. Unlike in SQLite
//! the type says it all: `numeric(10, 2)` keeps its places, JSON columns are values, UUIDs have their hyphens.

use super::super::datetime::iso_datetime;
use crate::json::{self, Object, Value};
use tokio_postgres::Row;

/// Columns of a result that each further column takes.
pub(super) const WIDTH: usize = 2;

/// What to select for a column.
pub(super) fn select(column: &str) -> String {
    format!("to_json({column})::text, pg_typeof({column})::text")
}

/// The columns of these names, whose values start at `first`.
pub(super) fn read(
    row: &Row,
    first: usize,
    names: &[String],
) -> Result<Object, tokio_postgres::Error> {
    let places = (first..).step_by(WIDTH);
    names
        .iter()
        .zip(places)
        .map(|(name, place)| {
            let text: Option<&str> = row.try_get(place)?;
            let value = text.map_or(Ok(Value::Null), |text| {
                Ok::<_, tokio_postgres::Error>(shown(row.try_get(place + 1)?, text))
            });
            Ok((name.as_str(), value?))
        })
        .collect()
}

fn shown(sql_type: &str, text: &str) -> Value {
    let value = json::decode_body(text).unwrap_or(Value::Null);
    match (sql_type, value) {
        // DRF's COERCE_DECIMAL_TO_STRING.
        ("numeric", Value::Number(_)) => Value::from(text),
        // JSON has no infinity, and `2` is `2.0`.
        ("real" | "double precision", _) => text
            .parse()
            .ok()
            .filter(|float: &f64| float.is_finite())
            .map_or(Value::Null, Value::from),
        ("timestamp with time zone", Value::String(text)) => {
            Value::from(iso_datetime(&text).unwrap_or(text))
        }
        // JSON has no bytes, and a claim must not make a log-in fail.
        ("bytea", _) => Value::Null,
        (_, value) => value,
    }
}
