//! A log-in name without regard to case: Django's `iexact`, and whether the database is fit for it.

use super::super::UserModel;
use super::pool::Pool;
use super::value::Value;
use crate::error::StoreError;
use tokio_postgres::Row;

/// An index over what [`iexact`] compares: Django's, too (`Upper`), whatever the column's type.
const IEXACT_INDEX: &str =
    "SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid
    JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
    WHERE c.relname = $1 AND pg_table_is_visible(c.oid) AND m.amname IN ('btree', 'hash')
    AND i.indisvalid AND i.indpred IS NULL AND pg_get_indexdef(i.indexrelid, 1, true)
        IN (format('upper(%I::text)', $2), format('upper(%I)', $2)))";

/// The comparison, as Django writes it: an index made for Django serves.
pub(super) fn iexact(column: &str, value: &str) -> String {
    format!("UPPER({column}::text) = UPPER({value}::text)")
}

/// The statement that makes an index for `iexact`, unless there is one.
pub(super) async fn missing_index(
    pool: &Pool,
    model: &UserModel,
) -> Result<Option<String>, StoreError> {
    let UserModel {
        table, username, ..
    } = model;
    let values = [Value::Text(table), Value::Text(username)];
    let rows = pool.read(IEXACT_INDEX, &values).await?;
    let exists = rows.first().map_or(Ok(false), |row| row.try_get(0));
    Ok((!exists.map_err(StoreError::new)?)
        .then(|| format!(r#"CREATE INDEX CONCURRENTLY ON "{table}" (UPPER("{username}"::text))"#)))
}

/// Two log-in names, if there are any.
pub(super) async fn names_that_differ(
    pool: &Pool,
    model: &UserModel,
) -> Result<Option<[String; 2]>, StoreError> {
    let UserModel {
        table, username, ..
    } = model;
    let name = format!(r#""{username}"::text COLLATE "C""#);
    let sql = format!(
        r#"SELECT min({name}), max({name}) FROM "{table}" GROUP BY UPPER("{username}"::text)
        HAVING min({name}) <> max({name}) LIMIT 1"#
    );
    let rows = pool.read(&sql, &[]).await?;
    let names = |row: &Row| Ok([row.try_get(0)?, row.try_get(1)?]);
    let names = rows.first().map(names).transpose();
    names.map_err(|error: tokio_postgres::Error| StoreError::new(error))
}
