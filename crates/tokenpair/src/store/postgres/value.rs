//! Parameters of statements: what they are to PostgreSQL, and nothing to a log.

use crate::models::{NumericDate, UserId, UserIdKind};
use bytes::BytesMut;
use jiff::Timestamp;
use std::error::Error;
use std::fmt;
use std::time::{Duration, SystemTime};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// A parameter. `Debug` is redacted, because tokio-postgres logs parameters at its level debug.
pub(super) enum Value<'a> {
    Text(&'a str),
    /// A text to be compared with a column, by that column's rules.
    Compared(&'a str),
    Int(i64),
    Bool(bool),
    /// Exact to the microsecond.
    Time(NumericDate),
    Ids(&'a [i64]),
    /// One of each row, all of one type.
    Many(Vec<Value<'a>>),
    /// A key of a column of this kind. What is none is NULL, and so equals no row's.
    Key(Option<&'a UserId>, UserIdKind),
}

impl Value<'_> {
    pub(super) fn time(at: Timestamp) -> Self {
        Self::Time(at.into())
    }

    pub(super) fn count(count: usize) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// Its declared type; `UNKNOWN` leaves it to the server.
    pub(super) fn sql_type(&self) -> Type {
        match self {
            Self::Text(_) => Type::TEXT,
            Self::Compared(_) | Self::Key(_, UserIdKind::Text) => Type::UNKNOWN,
            Self::Int(_) | Self::Key(_, UserIdKind::Integer) => Type::INT8,
            Self::Bool(_) => Type::BOOL,
            Self::Time(_) => Type::TIMESTAMPTZ,
            Self::Ids(_) => Type::INT8_ARRAY,
            Self::Many(values) => match values.first().map(Self::sql_type) {
                Some(Type::INT8) => Type::INT8_ARRAY,
                Some(Type::BOOL) => Type::BOOL_ARRAY,
                Some(Type::TIMESTAMPTZ) => Type::TIMESTAMPTZ_ARRAY,
                Some(Type::UUID) => Type::UUID_ARRAY,
                _ => Type::TEXT_ARRAY,
            },
            Self::Key(_, UserIdKind::Uuid) => Type::UUID,
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Text(text) | Self::Compared(text) => text.to_sql(ty, out),
            Self::Int(int) | Self::Key(Some(UserId::Int(int)), UserIdKind::Integer) => {
                int.to_sql(ty, out)
            }
            Self::Bool(truth) => truth.to_sql(ty, out),
            Self::Time(date) => {
                let since_1970 = Duration::from_micros(date.as_micros().unsigned_abs());
                (SystemTime::UNIX_EPOCH + since_1970).to_sql(ty, out)
            }
            Self::Ids(ids) => ids.to_sql(ty, out),
            Self::Many(values) => values.to_sql(ty, out),
            Self::Key(Some(UserId::Uuid(uuid)), UserIdKind::Uuid) => uuid.to_sql(ty, out),
            Self::Key(Some(UserId::Text(text)), UserIdKind::Text) => text.to_sql(ty, out),
            Self::Key(_, _) => Ok(IsNull::Yes),
        }
    }

    /// What is declared is what is sent; a text is sent as the bytes it is, whatever kind of text the column holds.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
