//! SQL for who signs up: new rows of `auth_user`, and what is kept of who has yet to prove the address.

use super::super::account_store::{Column, blamed};
use super::super::{NewUser, Saved, SignUp, Unverified};
use super::django_time;
use crate::models::EncodedPassword;
use jiff::Timestamp;
use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, params};

const CREATE: &str = r#"INSERT INTO "auth_user"
    ("password", "last_login", "is_superuser", "username", "last_name", "email", "is_staff", "is_active",
     "date_joined", "first_name")
    SELECT ?1, NULL, ?2, ?3, ?7, ?4, ?5, true, ?6, ?8"#;
/// Django's table lets two users have one address; where it is the login, that must not be.
const UNLESS_ADDRESS_IS_TAKEN: &str =
    r#"WHERE NOT EXISTS (SELECT 1 FROM "auth_user" WHERE "email" = ?4)"#;

const KEEP: &str = r#"INSERT INTO "tokenpair_unverified"
    ("username", "email", "first_name", "last_name", "password", "created_at") VALUES (?1, ?2, ?3, ?4, ?5, ?6)"#;
const FORGET: &str = r#"DELETE FROM "tokenpair_unverified" WHERE "id" = ?1"#;
const FORGET_EXPIRED: &str = r#"DELETE FROM "tokenpair_unverified" WHERE "created_at" < ?1"#;
const KEPT: &str = r#"SELECT "id", "username", "email", "first_name", "last_name", "password"
    FROM "tokenpair_unverified""#;

/// Adds a user to `auth_user`.
pub(super) fn create(
    db: &Connection,
    new: &SignUp,
    by_email: bool,
    at: Timestamp,
) -> rusqlite::Result<Saved<()>> {
    let user = &new.user;
    let (email, unless) = if by_email {
        (&user.username, UNLESS_ADDRESS_IS_TAKEN)
    } else {
        (&user.email, "WHERE true")
    };
    let values = params![
        user.password.expose(),
        user.is_superuser,
        user.username,
        email,
        user.is_staff,
        django_time(at),
        new.last_name,
        new.first_name
    ];
    match db.execute(&format!("{CREATE} {unless}"), values) {
        Ok(1) => Ok(Saved::Done(())),
        Ok(_) => Ok(Saved::Taken("email")),
        Err(error) => refused(error, &new.columns(by_email), "auth_user"),
    }
}

/// What a client calls the name that users log in by.
pub(super) fn login_field(by_email: bool) -> &'static str {
    if by_email { "email" } else { "username" }
}

/// What a constraint says against these values, in which the log-in name comes first. Any other error stays one.
pub(super) fn refused<T>(
    error: rusqlite::Error,
    columns: &[Column<'_>],
    table: &str,
) -> rusqlite::Result<Saved<T>> {
    if error.sqlite_error_code() != Some(ErrorCode::ConstraintViolation) {
        return Err(error);
    }
    let field = blamed(columns, table, &error.to_string());
    let kind = error.sqlite_error().map(|error| error.extended_code);
    let is_unique = [SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY];
    let login = columns.first().map(|column| column.field);
    Ok(match field.or(login) {
        Some(field) if kind.is_some_and(|kind| is_unique.contains(&kind)) => Saved::Taken(field),
        _ => Saved::Unfit(field),
    })
}

pub(super) fn keep(
    db: &Connection,
    new: &SignUp,
    at: Timestamp,
    since: Timestamp,
) -> rusqlite::Result<i64> {
    db.execute(FORGET_EXPIRED, [since.as_microsecond()])?;
    let values = params![
        new.user.username,
        new.user.email,
        new.first_name,
        new.last_name,
        new.user.password.expose(),
        at.as_microsecond()
    ];
    db.execute(KEEP, values)?;
    Ok(db.last_insert_rowid())
}

/// Whether it was still kept.
pub(super) fn forget(db: &Connection, id: i64) -> rusqlite::Result<bool> {
    Ok(db.execute(FORGET, [id])? == 1)
}

pub(super) fn kept(
    db: &Connection,
    id: i64,
    since: Timestamp,
) -> rusqlite::Result<Option<Unverified>> {
    let sql = format!(r#"{KEPT} WHERE "id" = ?1 AND "created_at" >= ?2"#);
    let mut statement = db.prepare_cached(&sql)?;
    let found = statement.query_row(params![id, since.as_microsecond()], read);
    found.optional()
}

pub(super) fn kept_for(
    db: &Connection,
    email: &str,
    since: Timestamp,
    most: usize,
) -> rusqlite::Result<Vec<Unverified>> {
    let sql =
        format!(r#"{KEPT} WHERE "email" = ?1 AND "created_at" >= ?2 ORDER BY "id" DESC LIMIT ?3"#);
    let mut statement = db.prepare_cached(&sql)?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let found = statement.query_map(params![email, since.as_microsecond(), most], read)?;
    found.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Unverified> {
    let password: String = row.get(5)?;
    let user = NewUser {
        username: row.get(1)?,
        email: row.get(2)?,
        password: EncodedPassword::new(password),
        is_staff: false,
        is_superuser: false,
    };
    Ok(Unverified {
        id: row.get(0)?,
        sign_up: SignUp {
            user,
            first_name: row.get(3)?,
            last_name: row.get(4)?,
        },
    })
}
