//! Which tables exist, the making of those that do not, and whether the user table is what its model says.

use super::super::UserModel;
use super::super::migration::{self, Migration};
use super::super::relations::{self, Tables};
use super::django_time;
use crate::models::UserIdKind;
use jiff::Timestamp;
use rusqlite::{Connection, params};

const DJANGO_MIGRATIONS: &str = r#"CREATE TABLE IF NOT EXISTS "django_migrations" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app" varchar(255) NOT NULL, "name" varchar(255) NOT NULL, "applied" datetime NOT NULL)"#;

fn sql(step: Migration, model: &UserModel) -> String {
    match step {
        Migration::Auth => include_str!("../../../migrations/sqlite/0001_auth.sql").to_owned(),
        Migration::TokenBlacklist => {
            include_str!("../../../migrations/sqlite/0002_token_blacklist.sql")
                .replace("{user_table}", &model.table)
                .replace("{user_key}", &model.id)
                .replace("{user_key_type}", key_type(model))
        }
        Migration::Rotation => {
            include_str!("../../../migrations/sqlite/0003_rotation.sql").to_owned()
        }
        Migration::Sessions => {
            include_str!("../../../migrations/sqlite/0004_sessions.sql").to_owned()
        }
        Migration::Unverified => {
            include_str!("../../../migrations/sqlite/0005_unverified.sql").to_owned()
        }
    }
}

/// The type Django gives a foreign key to this model: `auth.User` has an `AutoField`, newer models a big one.
fn key_type(model: &UserModel) -> &'static str {
    match model.id_kind {
        UserIdKind::Integer if model.is_auth_user() => "integer",
        UserIdKind::Integer => "bigint",
        UserIdKind::Uuid => "char(32)",
        UserIdKind::Text => "varchar(255)",
    }
}

/// Those of `steps` whose tables do not exist.
pub(super) fn pending(
    db: &Connection,
    model: &UserModel,
    steps: &[Migration],
) -> rusqlite::Result<Vec<Migration>> {
    let mut exists = db.prepare(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1)",
    )?;
    let mut pending = Vec::new();
    for step in steps {
        if !exists.query_row([step.mark(model)], |row| row.get::<_, bool>(0))? {
            pending.push(*step);
        }
    }
    Ok(pending)
}

pub(super) fn migrate(
    db: &Connection,
    model: &UserModel,
    steps: &[Migration],
    at: Timestamp,
) -> rusqlite::Result<Vec<Migration>> {
    let pending = pending(db, model, steps)?;
    if let Some(missing) = migration::foreign_table_missing(&pending, model) {
        return Err(rusqlite::Error::ToSqlConversionFailure(missing.into()));
    }
    for step in &pending {
        db.execute_batch(&sql(*step, model))?;
        remember(db, step.history(), at)?;
    }
    Ok(pending)
}

fn remember(db: &Connection, history: &[(&str, &str)], at: Timestamp) -> rusqlite::Result<()> {
    if history.is_empty() {
        return Ok(());
    }
    db.execute_batch(DJANGO_MIGRATIONS)?;
    let mut insert = db.prepare(
        r#"INSERT INTO "django_migrations" ("app", "name", "applied") SELECT ?1, ?2, ?3
           WHERE NOT EXISTS (SELECT 1 FROM "django_migrations" WHERE "app" = ?1 AND "name" = ?2)"#,
    )?;
    for (app, name) in history {
        insert.execute(params![app, name, django_time(at)])?;
    }
    Ok(())
}

/// What the user model names and the database does not have, as a sentence.
pub(super) fn flaw(db: &Connection, model: &UserModel) -> rusqlite::Result<Option<String>> {
    let existing = column_names(db, &model.table)?;
    // SQLite does not tell upper from lower case here.
    if let Some(flaw) = model.flaw(&existing, str::eq_ignore_ascii_case) {
        return Ok(Some(flaw));
    }
    Ok(relations::flaw(model, None, &tables(db, model)?))
}

/// What the user model's relations are read from.
pub(super) fn tables(db: &Connection, model: &UserModel) -> rusqlite::Result<Tables> {
    let names = relations::tables(model, None).into_iter();
    names
        .map(|table| Ok((table.clone(), column_names(db, &table)?)))
        .collect()
}

/// Every column of a table, generated ones included; empty if there is no such table.
fn column_names(db: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut names = db.prepare("SELECT name FROM pragma_table_xinfo(?1)")?;
    names.query_map([table], |row| row.get(0))?.collect()
}

/// Whether the log-in column is the primary key or has a unique index of its own.
pub(super) fn login_is_unique(db: &Connection, model: &UserModel) -> rusqlite::Result<bool> {
    let sql = r#"SELECT (SELECT count(*) = 1 AND max(name = ?2 COLLATE NOCASE) FROM pragma_table_info(?1) WHERE pk > 0)
        OR EXISTS (SELECT 1 FROM pragma_index_list(?1) AS i WHERE i."unique" AND NOT i.partial
            AND (SELECT count(*) = 1 AND max(name = ?2 COLLATE NOCASE) FROM pragma_index_info(i.name)))"#;
    db.query_row(sql, [&model.table, &model.username], |row| row.get(0))
}
