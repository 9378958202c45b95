//! SQL on `tokenpair_session`: [`SessionStore`]. The writer is alone, so nothing comes between two statements of a verb.

use super::super::sessions::{listed, noted_lately};
use super::super::{Ending, Rotated, Rotation, Session, SessionStore, SessionUse};
use super::accounts::timestamp;
use super::tokens::{TokenQueries, blacklist_record};
use super::users::UserQueries;
use super::{SqliteStore, django_time};
use crate::error::StoreError;
use crate::models::{NumericDate, OutstandingToken, User, UserId};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

const NOTE: &str = r#"INSERT INTO "tokenpair_session"
    ("user_id", "id", "jti", "created_at", "refreshed_at", "expires_at", "address", "user_agent")
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT ("user_id", "id") DO UPDATE SET "jti" = excluded."jti", "refreshed_at" = excluded."refreshed_at",
        "expires_at" = excluded."expires_at", "address" = coalesce(excluded."address", "address"),
        "user_agent" = coalesce(excluded."user_agent", "user_agent")"#;

const NOTED_AT: &str =
    r#"SELECT "refreshed_at" FROM "tokenpair_session" WHERE "user_id" = ?1 AND "id" = ?2"#;

const IS_ENDED: &str =
    r#"SELECT "ended_at" IS NOT NULL FROM "tokenpair_session" WHERE "user_id" = ?1 AND "id" = ?2"#;

/// The tokens of a user (?1, ?2) that are not blacklisted and whose record (?3) or session (?4) says that they live.
/// Left to itself, SQLite compares each token with each session.
const LIVING: &str = r#"SELECT o."id", o."jti", o."created_at", o."expires_at", s."id", s."created_at", s."refreshed_at",
        s."expires_at", s."address", s."user_agent"
    FROM "token_blacklist_outstandingtoken" o
    LEFT JOIN "tokenpair_session" s INDEXED BY "tokenpair_session_jti" ON s."user_id" = ?2 AND s."jti" = o."jti"
    WHERE o."user_id" = ?1 AND (o."expires_at" >= ?3 OR s."expires_at" > ?4)
    AND NOT EXISTS (SELECT 1 FROM "token_blacklist_blacklistedtoken" b WHERE b."token_id" = o."id")"#;

const END: &str = r#"INSERT INTO "tokenpair_session"
    ("user_id", "id", "jti", "created_at", "refreshed_at", "expires_at", "ended_at") VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)
    ON CONFLICT ("user_id", "id") DO UPDATE SET "ended_at" = excluded."ended_at""#;

/// Also those whose token somebody else blacklisted: a Django that exchanged it gave its successor the same `sid`.
const MARK_ALL: &str = r#"UPDATE "tokenpair_session" SET "ended_at" = ?3 WHERE "user_id" = ?1 AND "id" <> ?2 AND "ended_at" IS NULL"#;

const FLUSH: &str = r#"DELETE FROM "tokenpair_session" WHERE ("user_id", "id") IN
    (SELECT "user_id", "id" FROM "tokenpair_session" WHERE "expires_at" < ?1 LIMIT ?2)"#;

/// A token that is not blacklisted.
struct Living {
    record: i64,
    jti: String,
    session: Session,
}

fn note(db: &Connection, usage: &SessionUse) -> rusqlite::Result<()> {
    let values = params![
        usage.user_id.to_string(),
        usage.id,
        usage.jti,
        usage.created_at.as_microsecond(),
        usage.at.as_microsecond(),
        usage.expires_at.as_seconds(),
        usage.address.map(|address| address.to_string()),
        usage.user_agent,
    ];
    db.prepare_cached(NOTE)?.execute(values).map(drop)
}

fn was_noted_lately(db: &Connection, usage: &SessionUse) -> rusqlite::Result<bool> {
    let mut statement = db.prepare_cached(NOTED_AT)?;
    let key = params![usage.user_id.to_string(), usage.id];
    let noted: Option<i64> = statement.query_row(key, |row| row.get(0)).optional()?;
    let lately = noted_lately(usage.at).as_microsecond();
    Ok(noted.is_some_and(|noted| noted > lately))
}

fn is_ended(db: &Connection, user: &UserId, id: &str) -> rusqlite::Result<bool> {
    let mut statement = db.prepare_cached(IS_ENDED)?;
    let key = params![user.to_string(), id];
    let ended = statement.query_row(key, |row| row.get(0)).optional()?;
    Ok(ended.unwrap_or(false))
}

fn rotate(
    db: &Connection,
    tokens: &TokenQueries,
    rotation: &Rotation,
    usage: &SessionUse,
) -> rusqlite::Result<Rotated> {
    if is_ended(db, &usage.user_id, &usage.id)? {
        tokens.blacklist(db, &rotation.parent, rotation.at)?;
    }
    let rotated = tokens.rotate(db, rotation)?;
    if rotated == Rotated::Fresh {
        note(db, usage)?;
    }
    Ok(rotated)
}

fn living(
    db: &Connection,
    user: &UserId,
    since: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<Vec<Living>> {
    let mut statement = db.prepare_cached(LIVING)?;
    let values = params![user, user.to_string(), django_time(since), now.as_second()];
    let tokens = statement.query_map(values, read)?;
    tokens.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Living> {
    let jti: String = row.get(1)?;
    let recorded = |column| {
        let text: Option<String> = row.get(column)?;
        let at = text.as_deref().and_then(timestamp);
        Ok::<_, rusqlite::Error>(at.unwrap_or(Timestamp::UNIX_EPOCH))
    };
    let instant = |micros: i64| Timestamp::from_microsecond(micros).unwrap_or_default();
    let session = match row.get::<_, Option<String>>(4)? {
        Some(id) => Session {
            id,
            created_at: instant(row.get(5)?),
            refreshed_at: Some(instant(row.get(6)?)),
            expires_at: NumericDate::from_seconds(row.get(7)?)
                .unwrap_or(Timestamp::UNIX_EPOCH.into()),
            address: row
                .get::<_, Option<String>>(8)?
                .and_then(|text| text.parse().ok()),
            user_agent: row.get(9)?,
        },
        None => Session {
            id: jti.clone(),
            created_at: recorded(2)?,
            refreshed_at: None,
            expires_at: recorded(3)?.into(),
            address: None,
            user_agent: None,
        },
    };
    Ok(Living {
        record: row.get(0)?,
        jti,
        session,
    })
}

fn end(db: &Connection, user: &UserId, living: &Living, at: Timestamp) -> rusqlite::Result<()> {
    let Living {
        record,
        jti,
        session,
    } = living;
    blacklist_record(db, *record, at)?;
    let values = params![
        user.to_string(),
        session.id,
        jti,
        session.created_at.as_microsecond(),
        session.expires_at.as_seconds(),
        at.as_microsecond(),
    ];
    db.prepare_cached(END)?.execute(values).map(drop)
}

fn end_all(db: &Connection, user: &UserId, ending: &Ending) -> rusqlite::Result<usize> {
    let mut sessions = 0;
    for living in living(db, user, ending.since, ending.at)? {
        if Some(living.session.id.as_str()) != ending.except.as_deref() {
            end(db, user, &living, ending.at)?;
            sessions += usize::from(living.session.expires_at > ending.at.into());
        }
    }
    let except = ending.except.as_deref().unwrap_or_default();
    let values = params![user.to_string(), except, ending.at.as_microsecond()];
    db.prepare_cached(MARK_ALL)?.execute(values)?;
    Ok(sessions)
}

/// Deletes as many sessions that expired as that, and tells how many there were.
pub(super) fn flush(db: &Connection, before: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db.prepare_cached(FLUSH)?
        .execute(params![before.as_second(), limit])
}

#[async_trait]
impl SessionStore for SqliteStore {
    async fn record_session(
        &self,
        token: &OutstandingToken,
        usage: &SessionUse,
    ) -> Result<(), StoreError> {
        let (tokens, token, usage) = (self.0.tokens.clone(), token.clone(), usage.clone());
        self.write(move |db| {
            tokens.record(db, &token)?;
            note(db, &usage)
        })
        .await
    }

    async fn rotate_session(
        &self,
        rotation: &Rotation,
        usage: &SessionUse,
    ) -> Result<Rotated, StoreError> {
        let (tokens, rotation, usage) = (self.0.tokens.clone(), rotation.clone(), usage.clone());
        self.write(move |db| rotate(db, &tokens, &rotation, &usage))
            .await
    }

    async fn touch_session(&self, usage: &SessionUse) -> Result<(), StoreError> {
        let asked = usage.clone();
        if self.look_up(move |db| was_noted_lately(db, &asked)).await? {
            return Ok(());
        }
        let usage = usage.clone();
        self.write(move |db| note(db, &usage)).await
    }

    async fn sessions(&self, user: &UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let user = user.clone();
        let living = self.read(move |db| living(db, &user, now, now)).await?;
        let sessions = living.into_iter().map(|living| living.session);
        Ok(listed(sessions, now))
    }

    async fn end_session(
        &self,
        user: &UserId,
        id: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (user, id) = (user.clone(), id.to_owned());
        self.write(move |db| {
            let living = living(db, &user, at, at)?;
            let meant =
                |living: &&Living| living.session.id == id && living.session.expires_at > at.into();
            match living.iter().find(meant) {
                Some(living) => end(db, &user, living, at).map(|()| true),
                None => Ok(false),
            }
        })
        .await
    }

    async fn end_sessions(&self, user: &UserId, ending: &Ending) -> Result<usize, StoreError> {
        let (user, ending) = (user.clone(), ending.clone());
        self.write(move |db| end_all(db, &user, &ending)).await
    }

    async fn replace_password(
        &self,
        user: &User,
        encoded: &str,
        ending: &Ending,
    ) -> Result<Option<usize>, StoreError> {
        let (users, user) = (self.0.users.clone(), user.clone());
        let (encoded, ending) = (encoded.to_owned(), ending.clone());
        self.write(move |db| {
            let is_replaced = users.set_password(db, &user, &encoded)?;
            let end = || end_all(db, &user.id, &ending);
            is_replaced.then(end).transpose()
        })
        .await
    }

    async fn get_user_and_ended(
        &self,
        id: &UserId,
        session: &str,
    ) -> Result<(Option<User>, bool), StoreError> {
        let (users, id, session) = (self.0.users.clone(), id.clone(), session.to_owned());
        self.look_up(move |db| user_and_ended(db, &users, &id, &session))
            .await
    }
}

fn user_and_ended(
    db: &Connection,
    users: &UserQueries,
    id: &UserId,
    session: &str,
) -> rusqlite::Result<(Option<User>, bool)> {
    let user = users.by_user_id(db, id)?;
    let is_ended = match &user {
        Some(user) => is_ended(db, &user.id, session)?,
        None => false,
    };
    Ok((user, is_ended))
}
