//! Which tables exist, the making of those that do not, and whether the user table is what its model says.

use super::super::UserModel;
use super::django_time;
use crate::models::UserIdKind;
use crate::nearest;
use jiff::Timestamp;
use rusqlite::{Connection, params};
use std::fmt;

/// A step of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Migration {
    /// Django's users, groups, permissions and content types.
    Auth,
    /// Simple JWT's outstanding and blacklisted tokens.
    TokenBlacklist,
    /// Our record of which token was exchanged for which.
    Rotation,
}

/// The rows Django expects in `django_migrations`. Token blacklist has no 0009.
const AUTH_HISTORY: [(&str, &str); 14] = [
    ("contenttypes", "0001_initial"),
    ("contenttypes", "0002_remove_content_type_name"),
    ("auth", "0001_initial"),
    ("auth", "0002_alter_permission_name_max_length"),
    ("auth", "0003_alter_user_email_max_length"),
    ("auth", "0004_alter_user_username_opts"),
    ("auth", "0005_alter_user_last_login_null"),
    ("auth", "0006_require_contenttypes_0002"),
    ("auth", "0007_alter_validators_add_error_messages"),
    ("auth", "0008_alter_user_username_max_length"),
    ("auth", "0009_alter_user_last_name_max_length"),
    ("auth", "0010_alter_group_name_max_length"),
    ("auth", "0011_update_proxy_permissions"),
    ("auth", "0012_alter_user_first_name_max_length"),
];
const BLACKLIST_HISTORY: [(&str, &str); 12] = [
    ("token_blacklist", "0001_initial"),
    ("token_blacklist", "0002_outstandingtoken_jti_hex"),
    ("token_blacklist", "0003_auto_20171017_2007"),
    ("token_blacklist", "0004_auto_20171017_2013"),
    ("token_blacklist", "0005_remove_outstandingtoken_jti"),
    ("token_blacklist", "0006_auto_20171017_2113"),
    ("token_blacklist", "0007_auto_20171017_2214"),
    ("token_blacklist", "0008_migrate_to_bigautofield"),
    ("token_blacklist", "0010_fix_migrate_to_bigautofield"),
    ("token_blacklist", "0011_linearizes_history"),
    ("token_blacklist", "0012_alter_outstandingtoken_user"),
    (
        "token_blacklist",
        "0013_alter_blacklistedtoken_options_and_more",
    ),
];

const DJANGO_MIGRATIONS: &str = r#"CREATE TABLE IF NOT EXISTS "django_migrations" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app" varchar(255) NOT NULL, "name" varchar(255) NOT NULL, "applied" datetime NOT NULL)"#;

impl fmt::Display for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auth => "auth (users, groups, permissions)",
            Self::TokenBlacklist => "token_blacklist (outstanding and blacklisted tokens)",
            Self::Rotation => "tokenpair (rotation)",
        })
    }
}

impl Migration {
    /// Those that a database needs, in their order.
    pub(super) fn steps(token_blacklist: bool) -> &'static [Self] {
        if token_blacklist {
            &[Self::Auth, Self::TokenBlacklist, Self::Rotation]
        } else {
            &[Self::Auth]
        }
    }

    /// The table whose existence means that the step was done, by us or by Django.
    fn mark(self, model: &UserModel) -> &str {
        match self {
            Self::Auth => &model.table,
            Self::TokenBlacklist => "token_blacklist_outstandingtoken",
            Self::Rotation => "tokenpair_rotation",
        }
    }

    fn sql(self, model: &UserModel) -> String {
        match self {
            Self::Auth => include_str!("../../../migrations/sqlite/0001_auth.sql").to_owned(),
            Self::TokenBlacklist => {
                include_str!("../../../migrations/sqlite/0002_token_blacklist.sql")
                    .replace("{user_table}", &model.table)
                    .replace("{user_key}", &model.id)
                    .replace("{user_key_type}", key_type(model))
            }
            Self::Rotation => {
                include_str!("../../../migrations/sqlite/0003_rotation.sql").to_owned()
            }
        }
    }

    fn history(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Auth => &AUTH_HISTORY,
            Self::TokenBlacklist => &BLACKLIST_HISTORY,
            Self::Rotation => &[],
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
    if pending.contains(&Migration::Auth) && !model.is_auth_user() {
        let missing = format!(
            "the user table {:?} does not exist: its own application has to create it",
            model.table
        );
        return Err(rusqlite::Error::ToSqlConversionFailure(missing.into()));
    }
    for step in &pending {
        db.execute_batch(&step.sql(model))?;
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
    let table = &model.table;
    let existing = column_names(db, table)?;
    if existing.is_empty() {
        return Ok(Some(format!("the user table {table:?} does not exist")));
    }
    let is_missing = |(_, name): &(&str, &str)| {
        let mut names = existing.iter();
        // SQLite does not tell upper from lower case here.
        !names.any(|column| column.eq_ignore_ascii_case(name))
    };
    Ok(model
        .mapped_columns()
        .find(is_missing)
        .map(|(field, name)| {
            let known = existing.iter().map(String::as_str);
            let hint = nearest(name, known)
                .map(|column| format!(", did you mean {column:?}?"))
                .unwrap_or_default();
            format!("the user table {table:?} has no column {name:?} ({field}){hint}")
        }))
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
