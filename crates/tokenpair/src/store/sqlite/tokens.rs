//! SQL on the blacklist tables and on `tokenpair_rotation`.
//!
//! Who blacklists, wins: the unique `token_id` of the blacklist row decides every race, also against a Django.

use super::super::{Flushed, Rotated, Rotation, Successor, is_within};
use super::threads::failure;
use super::users::UserQueries;
use super::{django_time, sessions};
use crate::models::{OutstandingToken, User, UserId};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use std::sync::Arc;
use std::time::{Duration, Instant};

const ON_RECORD: &str = r#"SELECT "id" FROM "token_blacklist_outstandingtoken" WHERE "jti" = ?1"#;

// VALUES, as SQLite would keep copies of pages for an INSERT ... SELECT, which might fail half-way.
const BLACKLIST: &str = r#"INSERT INTO "token_blacklist_blacklistedtoken" ("blacklisted_at", "token_id")
    VALUES (?1, ?2) ON CONFLICT ("token_id") DO NOTHING"#;

const IS_BLACKLISTED: &str = r#"SELECT EXISTS (SELECT 1 FROM "token_blacklist_outstandingtoken" o
    JOIN "token_blacklist_blacklistedtoken" b ON b."token_id" = o."id" WHERE o."jti" = ?1)"#;

const EXCHANGE: &str = r#"INSERT INTO "tokenpair_rotation"
    ("parent_jti", "line_id", "successor_jti", "successor_iat", "successor_exp", "parent_exp", "rotated_at")
    VALUES (?1, coalesce((SELECT "line_id" FROM "tokenpair_rotation" WHERE "successor_jti" = ?1), ?1),
            ?2, ?3, ?4, ?5, ?6)
    ON CONFLICT ("parent_jti") DO UPDATE SET "successor_jti" = excluded."successor_jti",
        "successor_iat" = excluded."successor_iat", "successor_exp" = excluded."successor_exp",
        "rotated_at" = excluded."rotated_at""#;

const EXCHANGED_FOR: &str = r#"SELECT "successor_jti", "successor_iat", "successor_exp", "rotated_at"
    FROM "tokenpair_rotation" WHERE "parent_jti" = ?1"#;

const END_OF_LINE: &str = r#"SELECT r."successor_jti" FROM "tokenpair_rotation" r
    WHERE r."line_id" = (SELECT "line_id" FROM "tokenpair_rotation" WHERE "parent_jti" = ?1)
    AND NOT EXISTS (SELECT 1 FROM "tokenpair_rotation" n WHERE n."parent_jti" = r."successor_jti")
    ORDER BY r."rotated_at" DESC LIMIT 1"#;

const FLUSH_EXCHANGES: &str = r#"DELETE FROM "tokenpair_rotation" WHERE "parent_jti" IN
    (SELECT "parent_jti" FROM "tokenpair_rotation" WHERE "parent_exp" < ?1 LIMIT ?2)"#;

// Whether a record expired is asked again: another process may have deleted it meanwhile, and a table that somebody made
// without AUTOINCREMENT gives its key to the next token.
const FLUSH_BLACKLISTED: &str = r#"DELETE FROM "token_blacklist_blacklistedtoken" WHERE "token_id" IN
    (SELECT "id" FROM "token_blacklist_outstandingtoken" WHERE "id" BETWEEN ?1 AND ?2 AND "expires_at" < ?3)"#;
const FLUSH_OUTSTANDING: &str = r#"DELETE FROM "token_blacklist_outstandingtoken" WHERE "id" BETWEEN ?1 AND ?2 AND "expires_at" < ?3"#;

/// How long the writer deletes in one transaction; to bring it to the disk takes as long again.
const FLUSH_TIME: Duration = Duration::from_millis(6);
/// Records deleted between two looks at the clock.
const FLUSH_PIECE: usize = 50;
/// Tokens that are neighbours lie on as many pages of the index of users as there are users, up to one for each token. What
/// does not fit into SQLite's 2 MB is written several times in one transaction.
const FLUSH_CACHE: &str = "PRAGMA cache_size = -12000";
const USUAL_CACHE: &str = "PRAGMA cache_size = -2000";

/// The statements that depend on the user model, written once.
#[derive(Debug)]
pub(super) struct TokenQueries {
    users: Arc<UserQueries>,
    user_and_blacklisted: String,
    record: String,
}

impl TokenQueries {
    pub(super) fn new(users: &Arc<UserQueries>) -> Self {
        let UserQueries {
            columns,
            table,
            id,
            user_id,
            ..
        } = &**users;
        // The owner is looked up once more: a user deleted meanwhile becomes NULL, as Django's SET_NULL would have it,
        // and no deferred constraint can fail the commit of the whole group.
        let record = format!(
            r#"INSERT INTO "token_blacklist_outstandingtoken" ("token", "created_at", "expires_at", "user_id", "jti")
               VALUES (?1, ?2, ?3, (SELECT {id} FROM {table} WHERE {id} = ?4), ?5) ON CONFLICT ("jti") DO NOTHING"#
        );
        let user_and_blacklisted = format!(
            "SELECT {columns}, ({IS_BLACKLISTED}) FROM (SELECT 1) LEFT JOIN {table} ON {table}.{user_id} = ?2"
        );
        Self {
            users: users.clone(),
            user_and_blacklisted,
            record,
        }
    }

    pub(super) fn user_and_blacklisted(
        &self,
        db: &Connection,
        id: &UserId,
        jti: &str,
    ) -> rusqlite::Result<(Option<User>, bool)> {
        let mut statement = db.prepare_cached(&self.user_and_blacklisted)?;
        let mut rows = statement.query(params![jti, id])?;
        let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let found = !matches!(row.get_ref(0)?, rusqlite::types::ValueRef::Null);
        let user = if found {
            Some(self.users.read_user(row)?)
        } else {
            None
        };
        let blacklisted = row.get(self.users.width())?;
        let ambiguous = rows.next()?.is_some();
        Ok((self.users.unless_ambiguous(user, ambiguous), blacklisted))
    }

    /// Whether it was not on record before.
    pub(super) fn record(
        &self,
        db: &Connection,
        token: &OutstandingToken,
    ) -> rusqlite::Result<bool> {
        let created_at = django_time(token.created_at);
        let expires_at = django_time(token.expires_at);
        let values = params![
            token.token,
            created_at,
            expires_at,
            token.user_id,
            token.jti
        ];
        Ok(db.prepare_cached(&self.record)?.execute(values)? == 1)
    }

    pub(super) fn blacklist(
        &self,
        db: &Connection,
        token: &OutstandingToken,
        at: Timestamp,
    ) -> rusqlite::Result<bool> {
        let id = if let Some(id) = on_record(db, &token.jti)? {
            id
        } else if self.record(db, token)? {
            db.last_insert_rowid()
        } else {
            return Err(failure("the token could not be recorded"));
        };
        blacklist_record(db, id, at)
    }

    pub(super) fn rotate(&self, db: &Connection, rotation: &Rotation) -> rusqlite::Result<Rotated> {
        if !self.blacklist(db, &rotation.parent, rotation.at)? {
            return settle_repeated(db, rotation);
        }
        // Past its exp and within the leeway, somebody may have flushed the rows that said it is used up.
        let expired = rotation.at.as_microsecond() >= rotation.parent.expires_at.as_micros();
        if expired && exchanged_for(db, &rotation.parent.jti)?.is_some() {
            return settle_repeated(db, rotation);
        }
        let values = params![
            rotation.parent.jti,
            rotation.successor.jti,
            rotation.successor_iat,
            rotation.successor.expires_at.as_seconds(),
            rotation.parent.expires_at.as_seconds(),
            rotation.at.as_microsecond(),
        ];
        db.prepare_cached(EXCHANGE)?.execute(values)?;
        self.record(db, &rotation.successor)?;
        Ok(Rotated::Fresh)
    }
}

pub(super) fn is_blacklisted(db: &Connection, jti: &str) -> rusqlite::Result<bool> {
    db.prepare_cached(IS_BLACKLISTED)?
        .query_row([jti], |row| row.get(0))
}

fn on_record(db: &Connection, jti: &str) -> rusqlite::Result<Option<i64>> {
    let mut statement = db.prepare_cached(ON_RECORD)?;
    statement.query_row([jti], |row| row.get(0)).optional()
}

pub(super) fn blacklist_record(db: &Connection, id: i64, at: Timestamp) -> rusqlite::Result<bool> {
    let mut statement = db.prepare_cached(BLACKLIST)?;
    Ok(statement.execute(params![django_time(at), id])? == 1)
}

/// What becomes of a parent that had been blacklisted before.
fn settle_repeated(db: &Connection, rotation: &Rotation) -> rusqlite::Result<Rotated> {
    let Some((successor, rotated_at)) = exchanged_for(db, &rotation.parent.jti)? else {
        return Ok(Rotated::Blacklisted);
    };
    if rotation.is_within_grace(rotated_at) {
        let living = !is_blacklisted(db, &successor.jti)?;
        return Ok(if living {
            Rotated::Replayed(successor)
        } else {
            Rotated::Blacklisted
        });
    }
    let line_revoked = rotation.reuse_detection && end_line(db, &rotation.parent.jti, rotation.at)?;
    Ok(Rotated::Reused { line_revoked })
}

/// Ends the line of a token that was exchanged at most `grace` ago; whether this call did it.
pub(super) fn end_line_within(
    db: &Connection,
    parent_jti: &str,
    grace: Duration,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    match exchanged_for(db, parent_jti)? {
        Some((_, rotated_at)) if is_within(grace, rotated_at, at) => end_line(db, parent_jti, at),
        _ => Ok(false),
    }
}

fn end_line(db: &Connection, parent_jti: &str, at: Timestamp) -> rusqlite::Result<bool> {
    let last = end_of_line(db, parent_jti)?;
    let record = last.map(|jti| on_record(db, &jti)).transpose()?.flatten();
    record.map_or(Ok(false), |id| blacklist_record(db, id, at))
}

fn exchanged_for(db: &Connection, jti: &str) -> rusqlite::Result<Option<(Successor, i64)>> {
    let mut statement = db.prepare_cached(EXCHANGED_FOR)?;
    let read = |row: &rusqlite::Row<'_>| {
        Ok((
            Successor {
                jti: row.get(0)?,
                iat: row.get(1)?,
                exp: row.get(2)?,
            },
            row.get(3)?,
        ))
    };
    statement.query_row([jti], read).optional()
}

/// The one token of the parent's line that has not been exchanged.
fn end_of_line(db: &Connection, parent_jti: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = db.prepare_cached(END_OF_LINE)?;
    statement
        .query_row([parent_jti], |row| row.get(0))
        .optional()
}

/// The records after a place that expired, oldest first. The dates have no index, so this reads, and never on the writer.
pub(super) fn expired(
    db: &Connection,
    after: i64,
    before: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<i64>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = r#"SELECT "id" FROM "token_blacklist_outstandingtoken" WHERE "expires_at" < ?1 AND "id" > ?3 ORDER BY "id" LIMIT ?2"#;
    let mut statement = db.prepare_cached(sql)?;
    let ids = statement.query_map(params![django_time(before), limit, after], |row| row.get(0))?;
    ids.collect()
}

/// How many records expired.
pub(super) fn count_expired(db: &Connection, before: Timestamp) -> rusqlite::Result<usize> {
    let sql = r#"SELECT count(*) FROM "token_blacklist_outstandingtoken" WHERE "expires_at" < ?1"#;
    let count: i64 = db.query_row(sql, [django_time(before)], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// Deletes these records if they expired, or those of them that time permits, and says how many it looked at; and as many
/// exchanges that no token can ask for any more, and sessions. Those whose tokens went otherwise count as tokens when no others
/// are left.
pub(super) fn flush(
    db: &Connection,
    ids: &[i64],
    before: Timestamp,
    limit: usize,
) -> rusqlite::Result<(Flushed, usize)> {
    db.execute_batch(FLUSH_CACHE)?;
    let flushed = flush_for_a_while(db, ids, before, limit);
    db.execute_batch(USUAL_CACHE)?;
    flushed
}

fn flush_for_a_while(
    db: &Connection,
    ids: &[i64],
    before: Timestamp,
    limit: usize,
) -> rusqlite::Result<(Flushed, usize)> {
    let start = Instant::now();
    let piece = limit.clamp(1, FLUSH_PIECE);
    let (mut left, mut records, mut others) = (ids, 0, 0);
    for _ in 0..limit.div_ceil(piece) {
        let (some, rest) = left.split_at(piece.min(left.len()));
        records += flush_records(db, some, before)?;
        let exchanges = flush_exchanges(db, before, piece)?;
        let gone = exchanges.max(sessions::flush(db, before, piece)?);
        others += gone;
        left = rest;
        let is_done = left.is_empty() && gone < piece;
        if is_done || start.elapsed() >= FLUSH_TIME {
            break;
        }
    }
    let flushed = match (records, ids) {
        (0, []) => Flushed::Deleted(others),
        (0, _) => Flushed::Busy,
        (records, _) => Flushed::Deleted(records),
    };
    Ok((flushed, ids.len() - left.len()))
}

/// Where no other id is between two of them, they go with one statement.
fn flush_records(db: &Connection, ids: &[i64], before: Timestamp) -> rusqlite::Result<usize> {
    let mut blacklisted = db.prepare_cached(FLUSH_BLACKLISTED)?;
    let mut outstanding = db.prepare_cached(FLUSH_OUTSTANDING)?;
    let before = django_time(before);
    let mut flushed = 0;
    for run in ids.chunk_by(|one, next| one + 1 == *next) {
        let values = params![run.first(), run.last(), before];
        blacklisted.execute(values)?;
        flushed += outstanding.execute(values)?;
    }
    Ok(flushed)
}

fn flush_exchanges(db: &Connection, before: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db.prepare_cached(FLUSH_EXCHANGES)?
        .execute(params![before.as_second(), limit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::UserModel;

    #[test]
    fn a_token_that_a_trigger_keeps_off_the_record_blacklists_no_other() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE auth_user (id integer PRIMARY KEY);
             CREATE TABLE token_blacklist_outstandingtoken (id integer PRIMARY KEY, token text, created_at text,
                expires_at text, user_id integer, jti text UNIQUE);
             CREATE TABLE token_blacklist_blacklistedtoken (blacklisted_at text, token_id integer UNIQUE);
             CREATE TRIGGER ignore BEFORE INSERT ON token_blacklist_outstandingtoken
                WHEN NEW.jti = 'b' BEGIN SELECT RAISE(IGNORE); END",
        )
        .unwrap();
        let queries = TokenQueries::new(&Arc::new(UserQueries::new(&UserModel::default())));
        let token = |jti: &str| OutstandingToken {
            user_id: None,
            jti: jti.to_owned(),
            token: String::new(),
            created_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH.into(),
        };
        assert_eq!(queries.record(&db, &token("a")), Ok(true));
        assert_eq!(queries.record(&db, &token("a")), Ok(false));
        let blacklisted = queries.blacklist(&db, &token("b"), Timestamp::UNIX_EPOCH);
        assert!(blacklisted.is_err(), "{blacklisted:?}");
        assert_eq!(is_blacklisted(&db, "a"), Ok(false));
    }

    #[test]
    fn a_living_token_under_the_key_of_an_expired_one_is_not_flushed() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE token_blacklist_outstandingtoken (id integer PRIMARY KEY, expires_at text);
             CREATE TABLE token_blacklist_blacklistedtoken (token_id integer);
             CREATE TABLE tokenpair_rotation (parent_jti text, parent_exp integer);
             CREATE TABLE tokenpair_session (user_id text, id text, expires_at integer);
             INSERT INTO token_blacklist_outstandingtoken VALUES (1, '1969-12-31 23:59:59'), (2, '1970-01-01 00:00:00');
             INSERT INTO token_blacklist_blacklistedtoken VALUES (1), (2)",
        )
        .unwrap();
        let flush = || flush(&db, &[1, 2], Timestamp::UNIX_EPOCH, 9).unwrap();
        assert_eq!(flush(), (Flushed::Deleted(1), 2));
        assert_eq!(flush(), (Flushed::Busy, 2));
        for sql in [
            "SELECT id FROM token_blacklist_outstandingtoken",
            "SELECT token_id FROM token_blacklist_blacklistedtoken",
        ] {
            let left: i64 = db.query_row(sql, [], |row| row.get(0)).unwrap();
            assert_eq!(left, 2, "{sql}");
        }
    }
}
