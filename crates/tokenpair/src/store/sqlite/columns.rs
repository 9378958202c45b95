//! Further columns of a user's row as JSON: what DRF would make of them, as far as the table tells.
//!
//! Goes by the declared type, as Django's SQLite backend does. What a declaration does not say is lost: `decimal` has
//! no number of places (`12.50` is `12.5`), and JSON, UUIDs and addresses are texts like any other.

use super::super::datetime::iso_datetime;
use crate::json::{Object, Value};
use rusqlite::types::ValueRef;
use rusqlite::{Row, Statement};
use uuid::Uuid;

/// A column to read, and whether it is a key that the user model calls a UUID.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) is_uuid: bool,
}

/// The `columns` of a row, which start at `first`.
pub(super) fn read(row: &Row<'_>, first: usize, columns: &[Column]) -> rusqlite::Result<Object> {
    if columns.is_empty() {
        return Ok(Object::new());
    }
    let statement: &Statement<'_> = row.as_ref();
    let declared = statement.columns().skip(first);
    let members = columns.iter().zip(declared).zip(first..);
    members
        .map(|((column, declared), index)| {
            let form = if column.is_uuid {
                Form::Uuid
            } else {
                Form::declared(declared.decl_type().unwrap_or_default())
            };
            Ok((column.name.as_str(), form.json(row.get_ref(index)?)))
        })
        .collect()
}

/// How a stored value is to be shown, where SQLite's own kind of value does not say it.
#[derive(Clone, Copy)]
enum Form {
    Bool,
    Decimal,
    DateTime,
    Uuid,
    AsStored,
}

impl Form {
    fn declared(declared: &str) -> Self {
        let name = declared.split('(').next().unwrap_or_default().trim();
        match name.to_ascii_lowercase().as_str() {
            "bool" | "boolean" => Self::Bool,
            "decimal" | "numeric" => Self::Decimal,
            "datetime" | "timestamp" => Self::DateTime,
            _ => Self::AsStored,
        }
    }

    fn json(self, value: ValueRef<'_>) -> Value {
        match (self, value) {
            (Self::Bool, ValueRef::Integer(int @ (0 | 1))) => Value::Bool(int == 1),
            // DRF's COERCE_DECIMAL_TO_STRING; Display writes floats without exponents.
            (Self::Decimal, ValueRef::Integer(int)) => Value::from(int.to_string()),
            (Self::Decimal, ValueRef::Real(real)) if real.is_finite() => {
                Value::from(real.to_string())
            }
            (_, ValueRef::Integer(int)) => Value::from(int),
            (_, ValueRef::Real(real)) if real.is_finite() => Value::from(real),
            (_, ValueRef::Text(bytes)) => {
                let text = String::from_utf8_lossy(bytes).into_owned();
                Value::from(self.text(text))
            }
            // JSON has neither bytes nor infinity, and a claim must not make a log-in fail or a token unreadable.
            (_, ValueRef::Null | ValueRef::Blob(_) | ValueRef::Real(_)) => Value::Null,
        }
    }

    fn text(self, text: String) -> String {
        match self {
            Self::DateTime => iso_datetime(&text).unwrap_or(text),
            Self::Uuid => Uuid::try_parse(&text)
                .map(|uuid| uuid.hyphenated().to_string())
                .unwrap_or(text),
            _ => text,
        }
    }
}
