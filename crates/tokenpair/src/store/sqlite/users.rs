//! SQL on the user table.

use super::super::UserModel;
use super::columns::{self, Column};
use super::django_time;
use crate::models::{EncodedPassword, User, UserId, UserIdKind};
use jiff::Timestamp;
use rusqlite::types::{ToSqlOutput, Value as SqlValue, ValueRef};
use rusqlite::{Connection, Row, Rows, ToSql, params};
use uuid::Uuid;

/// The statements for one user model, written once.
#[derive(Debug)]
pub(super) struct UserQueries {
    /// The columns [`read_user`](Self::read_user) reads, in its order.
    pub(super) columns: String,
    /// Those of them that the user model asks for beyond the fixed ones.
    further: Vec<Column>,
    pub(super) table: String,
    pub(super) id: String,
    pub(super) user_id: String,
    by_login: String,
    by_user_id: String,
    set_password: String,
    update_last_login: Option<String>,
    id_kind: UserIdKind,
    user_id_kind: UserIdKind,
}

/// How many columns are read of every user.
const FIXED: usize = 7;

impl UserQueries {
    pub(super) fn new(model: &UserModel) -> Self {
        let quoted = |name: &str| format!("\"{name}\"");
        let table = quoted(&model.table);
        let column = |name: &str| format!("{table}.{}", quoted(name));
        let flag =
            |name: &Option<String>, absent: &str| name.as_deref().map_or(absent.to_owned(), column);
        let fixed: [String; FIXED] = [
            column(&model.id),
            column(&model.user_id),
            column(&model.username),
            column(&model.password),
            flag(&model.is_active, "1"),
            flag(&model.is_staff, "0"),
            flag(&model.is_superuser, "0"),
        ];
        let further = model.columns.iter().map(|name| column(name));
        let columns: Vec<_> = fixed.into_iter().chain(further).collect();
        let columns = columns.join(", ");
        let (id, user_id, username, password) = (
            quoted(&model.id),
            quoted(&model.user_id),
            quoted(&model.username),
            quoted(&model.password),
        );
        let last_login = model.last_login.as_deref().map(quoted);
        Self {
            by_login: format!("SELECT {columns} FROM {table} WHERE {username} = ?1"),
            by_user_id: format!("SELECT {columns} FROM {table} WHERE {user_id} = ?1"),
            set_password: format!(
                "UPDATE {table} SET {password} = ?1 WHERE {id} = ?2 AND {password} = ?3"
            ),
            update_last_login: last_login
                .map(|column| format!("UPDATE {table} SET {column} = ?1 WHERE {id} = ?2")),
            columns,
            further: further_columns(model),
            table,
            id,
            user_id,
            id_kind: model.id_kind,
            user_id_kind: model.user_id_kind,
        }
    }

    pub(super) fn by_login(&self, db: &Connection, login: &str) -> rusqlite::Result<Option<User>> {
        self.only_user(db.prepare_cached(&self.by_login)?.query([login])?)
    }

    pub(super) fn by_user_id(
        &self,
        db: &Connection,
        id: &UserId,
    ) -> rusqlite::Result<Option<User>> {
        self.only_user(db.prepare_cached(&self.by_user_id)?.query([id])?)
    }

    fn only_user(&self, mut rows: Rows<'_>) -> rusqlite::Result<Option<User>> {
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let user = self.read_user(row)?;
        Ok(self.unless_ambiguous(Some(user), rows.next()?.is_some()))
    }

    /// Nobody, where a column that should tell users apart has one value twice.
    pub(super) fn unless_ambiguous<T>(&self, user: Option<T>, ambiguous: bool) -> Option<T> {
        if ambiguous {
            tracing::warn!(
                table = self.table,
                "several users have the same log-in name or id: none of them is let in"
            );
        }
        user.filter(|_| !ambiguous)
    }

    /// The number of columns that [`read_user`](Self::read_user) reads.
    pub(super) fn width(&self) -> usize {
        FIXED + self.further.len()
    }

    pub(super) fn set_password(
        &self,
        db: &Connection,
        user: &User,
        encoded: &str,
    ) -> rusqlite::Result<bool> {
        let values = params![encoded, user.id, user.password.expose()];
        Ok(db.prepare_cached(&self.set_password)?.execute(values)? == 1)
    }

    pub(super) fn update_last_login(
        &self,
        db: &Connection,
        user: &User,
        at: Timestamp,
    ) -> rusqlite::Result<()> {
        let Some(sql) = &self.update_last_login else {
            return Ok(());
        };
        db.prepare_cached(sql)?
            .execute(params![django_time(at), user.id])
            .map(drop)
    }

    pub(super) fn read_user(&self, row: &Row<'_>) -> rusqlite::Result<User> {
        let mut user = User::new(read_id(row, 0, self.id_kind)?, text(row, 2)?);
        user.user_id = read_id(row, 1, self.user_id_kind)?;
        user.password = EncodedPassword::new(text(row, 3)?);
        user.is_active = row.get(4)?;
        user.is_staff = row.get(5)?;
        user.is_superuser = row.get(6)?;
        user.columns = columns::read(row, FIXED, &self.further)?;
        Ok(user)
    }
}

/// The pairs that a statement of [`Relations`](super::super::relations::Relations) yields.
pub(super) fn related(
    db: &Connection,
    sql: &str,
    key: Option<UserId>,
) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map(rusqlite::params_from_iter(key), |row| {
        Ok((text(row, 0)?, text(row, 1)?))
    })?;
    rows.collect()
}

fn further_columns(model: &UserModel) -> Vec<Column> {
    let keys = [
        (&model.id, model.id_kind),
        (&model.user_id, model.user_id_kind),
    ];
    let names = model.columns.iter().cloned();
    let column = |name: String| Column {
        is_uuid: keys.contains(&(&name, UserIdKind::Uuid)),
        name,
    };
    names.map(column).collect()
}

/// A text column; what is no UTF-8 is read lossily, so that an odd row cannot log in but is no outage either.
pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(match row.get_ref(column)? {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        ValueRef::Integer(int) => int.to_string(),
        ValueRef::Null | ValueRef::Real(_) => String::new(),
    })
}

fn read_id(row: &Row<'_>, column: usize, kind: UserIdKind) -> rusqlite::Result<UserId> {
    let text = |value: ValueRef<'_>| match value {
        ValueRef::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        ValueRef::Integer(int) => Some(int.to_string()),
        _ => None,
    };
    let value = row.get_ref(column)?;
    let id = match (kind, value) {
        (UserIdKind::Integer, ValueRef::Integer(int)) => Some(UserId::Int(int)),
        (UserIdKind::Uuid, value) => text(value)
            .and_then(|text| Uuid::try_parse(&text).ok())
            .map(UserId::Uuid),
        (UserIdKind::Text, value) => text(value).map(UserId::Text),
        (UserIdKind::Integer, _) => None,
    };
    id.ok_or_else(|| {
        rusqlite::Error::InvalidColumnType(
            column,
            format!("a key of kind {kind:?}"),
            value.data_type(),
        )
    })
}

impl ToSql for UserId {
    /// UUIDs are stored by Django's SQLite backend as 32 hexadecimal digits.
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Int(int) => ToSqlOutput::from(*int),
            Self::Uuid(uuid) => ToSqlOutput::Owned(SqlValue::Text(uuid.simple().to_string())),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}
