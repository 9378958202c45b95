//! SQL on the user table.

use super::super::{UserModel, UsernameLookup};
use super::columns;
use super::iexact::iexact;
use super::pool::Pool;
use super::value::Value;
use crate::error::StoreError;
use crate::models::{EncodedPassword, User, UserId, UserIdKind};
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

/// The statements for one user model, written once.
#[derive(Debug)]
pub(super) struct UserQueries {
    /// The columns [`read`](Self::read) reads, in its order.
    pub(super) columns: String,
    /// Those of them that the user model asks for beyond the fixed ones.
    further: Vec<String>,
    pub(super) table: String,
    pub(super) id: String,
    pub(super) user_id: String,
    by_login: String,
    by_login_iexact: Option<String>,
    by_user_id: String,
    pub(super) set_password: String,
    update_last_login: Option<String>,
    pub(super) id_kind: UserIdKind,
    pub(super) user_id_kind: UserIdKind,
}

/// How many columns are read of every user.
const FIXED: usize = 7;

impl UserQueries {
    pub(super) fn new(model: &UserModel) -> Self {
        let quoted = |name: &str| format!("\"{name}\"");
        let table = quoted(&model.table);
        let column = |name: &str| format!("{table}.{}", quoted(name));
        // NULL is nobody's right.
        let flag = |name: &Option<String>, absent: &str| {
            name.as_deref().map_or(absent.to_owned(), |name| {
                format!("coalesce({}::boolean, false)", column(name))
            })
        };
        // The types are given, so that an altered column does not unsettle what is prepared.
        let fixed: [String; FIXED] = [
            key(&column(&model.id), model.id_kind),
            key(&column(&model.user_id), model.user_id_kind),
            format!("{}::text", column(&model.username)),
            format!("coalesce({}::text, '')", column(&model.password)),
            flag(&model.is_active, "true"),
            flag(&model.is_staff, "false"),
            flag(&model.is_superuser, "false"),
        ];
        let further = model.columns.iter();
        let further = further.map(|name| columns::select(&column(name)));
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
            by_login: format!("SELECT {columns} FROM {table} WHERE {username} = $1 LIMIT 2"),
            by_login_iexact: (model.username_lookup == UsernameLookup::Iexact).then(|| {
                let is_same = iexact(&username, "$1");
                format!("SELECT {columns} FROM {table} WHERE {is_same} LIMIT 2")
            }),
            by_user_id: format!("SELECT {columns} FROM {table} WHERE {user_id} = $1 LIMIT 2"),
            set_password: format!(
                "UPDATE {table} SET {password} = $1 WHERE {id} = $2 AND {password} = $3 RETURNING 1"
            ),
            update_last_login: last_login
                .map(|column| format!("UPDATE {table} SET {column} = $1 WHERE {id} = $2")),
            columns,
            further: model.columns.clone(),
            table,
            id,
            user_id,
            id_kind: model.id_kind,
            user_id_kind: model.user_id_kind,
        }
    }

    pub(super) async fn by_login(
        &self,
        pool: &Pool,
        login: &str,
    ) -> Result<Option<User>, StoreError> {
        self.only_user(&pool.read(&self.by_login, &[Value::Compared(login)]).await?)
    }

    /// Nobody, where names are looked up exactly.
    pub(super) async fn by_login_iexact(
        &self,
        pool: &Pool,
        login: &str,
    ) -> Result<Option<User>, StoreError> {
        let Some(sql) = &self.by_login_iexact else {
            return Ok(None);
        };
        match &pool.read(sql, &[Value::Text(login)]).await?[..] {
            [row] => self.read(row).map(Some),
            _ => Ok(None),
        }
    }

    pub(super) async fn by_user_id(
        &self,
        pool: &Pool,
        id: &UserId,
    ) -> Result<Option<User>, StoreError> {
        let id = Value::Key(Some(id), self.user_id_kind);
        self.only_user(&pool.read(&self.by_user_id, &[id]).await?)
    }

    /// Nobody, where a column that should tell users apart has one value twice.
    pub(super) fn only_user(&self, rows: &[Row]) -> Result<Option<User>, StoreError> {
        match rows {
            [] => Ok(None),
            [row] => self.read(row).map(Some),
            _ => {
                tracing::warn!(
                    table = self.table,
                    "several users have the same log-in name or id: none of them is let in"
                );
                Ok(None)
            }
        }
    }

    /// The number of columns that [`read`](Self::read) reads.
    pub(super) fn width(&self) -> usize {
        FIXED + self.further.len() * columns::WIDTH
    }

    pub(super) async fn set_password(
        &self,
        pool: &Pool,
        user: &User,
        encoded: &str,
    ) -> Result<bool, StoreError> {
        let values = [
            Value::Text(encoded),
            Value::Key(Some(&user.id), self.id_kind),
            Value::Text(user.password.expose()),
        ];
        let changed = pool.write(&self.set_password, &values).await?;
        Ok(!changed.is_empty())
    }

    pub(super) async fn update_last_login(
        &self,
        pool: &Pool,
        user: &User,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(sql) = &self.update_last_login else {
            return Ok(());
        };
        let values = [Value::time(at), Value::Key(Some(&user.id), self.id_kind)];
        pool.write(sql, &values).await.map(drop)
    }

    pub(super) fn read(&self, row: &Row) -> Result<User, StoreError> {
        self.try_read(row).map_err(StoreError::new)
    }

    fn try_read(&self, row: &Row) -> Result<User, tokio_postgres::Error> {
        let mut user = User::new(
            read_key(row, 0, self.id_kind)?,
            row.try_get::<_, String>(2)?,
        );
        user.user_id = read_key(row, 1, self.user_id_kind)?;
        user.password = EncodedPassword::new(row.try_get::<_, String>(3)?);
        user.is_active = row.try_get(4)?;
        user.is_staff = row.try_get(5)?;
        user.is_superuser = row.try_get(6)?;
        user.columns = columns::read(row, FIXED, &self.further)?;
        Ok(user)
    }
}

/// The pairs that a statement of [`Relations`](super::super::relations::Relations) yields.
pub(super) async fn related(
    pool: &Pool,
    sql: &str,
    values: &[Value<'_>],
) -> Result<Vec<(String, String)>, StoreError> {
    let rows = pool.read(sql, values).await?;
    let rows = rows
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    rows.collect::<Result<_, tokio_postgres::Error>>()
        .map_err(StoreError::new)
}

/// A key column in the one type that [`read_key`] reads.
fn key(column: &str, kind: UserIdKind) -> String {
    let sql_type = match kind {
        UserIdKind::Integer => "bigint",
        UserIdKind::Uuid => "uuid",
        UserIdKind::Text => "text",
    };
    format!("{column}::{sql_type}")
}

fn read_key(row: &Row, place: usize, kind: UserIdKind) -> Result<UserId, tokio_postgres::Error> {
    Ok(match kind {
        UserIdKind::Integer => UserId::Int(row.try_get(place)?),
        UserIdKind::Uuid => UserId::Uuid(row.try_get::<_, Uuid>(place)?),
        UserIdKind::Text => UserId::Text(row.try_get(place)?),
    })
}
