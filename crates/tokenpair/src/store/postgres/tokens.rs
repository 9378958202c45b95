//! SQL on the blacklist tables and on `tokenpair_rotation`. Each change is one statement and so one transaction.
//!
//! Who blacklists, wins: the unique `token_id` of the blacklist row decides every race, also against a Django. The
//! parts of a statement all see the database as it was when the statement began, so whoever lost looks again with
//! another statement, which then sees what the winner did.

use super::super::expired::Place;
use super::super::{Flushed, Rotated, Rotation, Successor, is_within};
use super::pool::{Pool, Purpose, Transaction};
use super::sessions::{NOTE, NOTED_BEFORE, Note, is_ended};
use super::users::UserQueries;
use super::value::Value;
use crate::error::StoreError;
use crate::models::{NumericDate, OutstandingToken, User, UserId, UserIdKind};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Row;

/// One row after the other: nothing here can be planned as a join of whole tables.
const IS_BLACKLISTED: &str = r#"(SELECT true FROM "token_blacklist_blacklistedtoken" WHERE "token_id" =
    (SELECT "id" FROM "token_blacklist_outstandingtoken" WHERE "jti" = {jti})) IS NOT NULL"#;

/// Whether the token with the id in `place` is blacklisted.
pub(super) fn is_blacklisted(place: &str) -> String {
    IS_BLACKLISTED.replace("{jti}", place)
}

/// The first part of every statement that blacklists $1, with its record in $2 to $5 and the time in $6.
const BLACKLIST: &str = r#"WITH known AS (
        SELECT "id" FROM "token_blacklist_outstandingtoken" WHERE "jti" = $1
    ), recorded AS (
        INSERT INTO "token_blacklist_outstandingtoken" ("token", "created_at", "expires_at", "user_id", "jti")
        SELECT $2, $3, $4, {owner $5}, $1 WHERE NOT EXISTS (SELECT 1 FROM known)
        ON CONFLICT ("jti") DO NOTHING RETURNING "id"
    ), token AS (
        SELECT "id" FROM known UNION ALL SELECT "id" FROM recorded
    ), blacklisted AS (
        INSERT INTO "token_blacklist_blacklistedtoken" ("blacklisted_at", "token_id") SELECT $6, "id" FROM token
        ON CONFLICT ("token_id") DO NOTHING RETURNING "token_id"
    )"#;

/// Past its exp ($7) and within the leeway, somebody may have flushed the rows that said it is used up.
const EXCHANGE: &str = r#", won AS (
        SELECT 1 FROM blacklisted
        WHERE NOT ($7 AND EXISTS (SELECT 1 FROM "tokenpair_rotation" WHERE "parent_jti" = $1)){unless}
    ), exchanged AS (
        INSERT INTO "tokenpair_rotation" AS r
        ("parent_jti", "line_id", "successor_jti", "successor_iat", "successor_exp", "parent_exp", "rotated_at")
        SELECT $1, coalesce((SELECT "line_id" FROM "tokenpair_rotation" WHERE "successor_jti" = $1), $1),
            $8, $9, $10, $11, $12 FROM won
        ON CONFLICT ("parent_jti") DO UPDATE SET "successor_jti" = excluded."successor_jti",
            "successor_iat" = excluded."successor_iat", "successor_exp" = excluded."successor_exp",
            "rotated_at" = excluded."rotated_at"
    ), successor AS (
        INSERT INTO "token_blacklist_outstandingtoken" ("token", "created_at", "expires_at", "user_id", "jti")
        SELECT $13, $14, $15, {owner $16}, $8 FROM won ON CONFLICT ("jti") DO NOTHING
    )"#;

/// The parameters are those of a blacklisting.
const RECORD: &str = r#"INSERT INTO "token_blacklist_outstandingtoken"
    ("jti", "token", "created_at", "expires_at", "user_id") VALUES ($1, $2, $3, $4, {owner $5})
    ON CONFLICT ("jti") DO NOTHING"#;

const EXCHANGED_FOR: &str = r#"SELECT r."successor_jti", r."successor_iat", r."successor_exp", r."rotated_at",
    (SELECT true FROM "token_blacklist_blacklistedtoken" WHERE "token_id" =
        (SELECT "id" FROM "token_blacklist_outstandingtoken" WHERE "jti" = r."successor_jti")) IS NOT NULL
    FROM "tokenpair_rotation" r WHERE r."parent_jti" = $1"#;

/// Blacklists the one token of a line that has not been exchanged.
const END_LINE: &str = r#"WITH last AS (
        SELECT r."successor_jti" AS "jti" FROM "tokenpair_rotation" r
        WHERE r."line_id" = (SELECT "line_id" FROM "tokenpair_rotation" WHERE "parent_jti" = $1)
        AND NOT EXISTS (SELECT 1 FROM "tokenpair_rotation" n WHERE n."parent_jti" = r."successor_jti")
        ORDER BY r."rotated_at" DESC LIMIT 1
    ), blacklisted AS (
        INSERT INTO "token_blacklist_blacklistedtoken" ("blacklisted_at", "token_id")
        SELECT $2, o."id" FROM "token_blacklist_outstandingtoken" o JOIN last ON o."jti" = last."jti"
        ON CONFLICT ("token_id") DO NOTHING RETURNING 1
    ) SELECT (SELECT "jti" FROM last), EXISTS (SELECT 1 FROM blacklisted)"#;

/// The dates have no index, so looking for expired rows may take long; deleting them does not.
const FLUSH_LIMIT: Duration = Duration::from_secs(60);
/// Records in one transaction, whatever is asked for: with 1000, requests beside it took up to 58 ms.
const MOST_AT_ONCE: usize = 250;
/// One node at a time flushes. The number means nothing.
const FLUSH_LOCK: &str = "SELECT pg_try_advisory_xact_lock(7281646937120591)";
/// A node that is frozen in the middle must not keep the lock.
const FLUSH_PATIENCE: &str =
    "SET LOCAL statement_timeout = '60s'; SET LOCAL idle_in_transaction_session_timeout = '10s'";
const EXPIRED: &str = r#"SELECT "id" FROM "token_blacklist_outstandingtoken" WHERE "expires_at" < $1 AND "id" > $3 ORDER BY "id" LIMIT $2"#;
/// Whether a record expired is asked again: a table may give the key of one that is gone to the next token. The ids of the
/// exchanges are an array, as for a subquery with a limit that is a parameter PostgreSQL plans a walk through the whole table.
const FLUSH: &str = r#"WITH blacklisted AS (
        DELETE FROM "token_blacklist_blacklistedtoken" WHERE "token_id" IN
            (SELECT "id" FROM "token_blacklist_outstandingtoken" WHERE "id" = ANY($1) AND "expires_at" < $4)
    ), outstanding AS (
        DELETE FROM "token_blacklist_outstandingtoken" WHERE "id" = ANY($1) AND "expires_at" < $4 RETURNING 1
    ), exchanges AS (
        DELETE FROM "tokenpair_rotation" WHERE "parent_jti" = ANY(ARRAY(
            SELECT "parent_jti" FROM "tokenpair_rotation" WHERE "parent_exp" < $2 LIMIT $3)) RETURNING 1
    ), sessions AS (
        DELETE FROM "tokenpair_session" WHERE ctid = ANY(ARRAY(
            SELECT ctid FROM "tokenpair_session" WHERE "expires_at" < $2 LIMIT $3)) AND "expires_at" < $2 RETURNING 1
    ) SELECT greatest((SELECT count(*) FROM outstanding), (SELECT count(*) FROM exchanges), (SELECT count(*) FROM sessions))"#;
/// See `PLANS` in `postgres/options.rs`.
const WHOLE_TABLE: &str = "SET LOCAL enable_seqscan = on";
const COUNT_EXPIRED: &str =
    r#"SELECT count(*) FROM "token_blacklist_outstandingtoken" WHERE "expires_at" < $1"#;
const TIME: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

/// How often a statement is sent again because another one was quicker. Each time the other one got further.
pub(super) const RACES: usize = 100;

/// The statements that depend on the user model, written once.
#[derive(Debug)]
pub(super) struct TokenQueries {
    pub(super) users: Arc<UserQueries>,
    owner_kind: UserIdKind,
    is_blacklisted: String,
    user_and_blacklisted: String,
    user_and_ended: String,
    record: String,
    record_session: String,
    blacklist: String,
    rotate: String,
    rotate_session: String,
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
        // The owner is looked up once more: a user deleted meanwhile becomes NULL, as Django's SET_NULL would have it.
        let owner = |place: &str| format!("(SELECT {id} FROM {table} WHERE {id} = {place})");
        let with_owner = |sql: &str| {
            sql.replace("{owner $5}", &owner("$5"))
                .replace("{owner $16}", &owner("$16"))
        };
        let is_blacklisted = is_blacklisted("$1");
        let found = "EXISTS (SELECT 1 FROM token)";
        let rotate = |unless: &str, further: &str| {
            let exchange = EXCHANGE.replace("{unless}", unless);
            with_owner(&format!(
                "{BLACKLIST}{exchange}{further} SELECT {found}, EXISTS (SELECT 1 FROM won)"
            ))
        };
        let record = with_owner(RECORD);
        let user_key = format!("{table}.{id}::text");
        Self {
            users: users.clone(),
            owner_kind: users.id_kind,
            is_blacklisted: format!("SELECT {is_blacklisted}"),
            user_and_blacklisted: format!(
                "SELECT {columns}, {table}.{id} IS NOT NULL, {is_blacklisted}
                 FROM (SELECT 1) one LEFT JOIN {table} ON {table}.{user_id} = $2 LIMIT 2"
            ),
            user_and_ended: format!(
                "SELECT {columns}, {} FROM {table} WHERE {table}.{user_id} = $2 LIMIT 2",
                is_ended(&user_key, "$1")
            ),
            record_session: format!(
                "WITH recorded AS ({record})
                   {NOTE} SELECT $1, $6, $7, $8, $12, $9, nullif($10, ''), nullif($11, '') {NOTED_BEFORE}"
            ),
            record,
            blacklist: with_owner(&format!(
                "{BLACKLIST} SELECT {found}, EXISTS (SELECT 1 FROM blacklisted)"
            )),
            rotate: rotate("", ""),
            rotate_session: rotate(
                &format!(" AND NOT {}", is_ended("$17", "$18")),
                &format!(
                    ", noted AS ({NOTE}
                       SELECT $8, $17, $18, $19, $12, $20, nullif($21, ''), nullif($22, '') FROM won {NOTED_BEFORE})"
                ),
            ),
        }
    }

    /// jti, token, dates and owner: the parameters from $1 on.
    pub(super) fn row<'a>(&self, token: &'a OutstandingToken) -> [Value<'a>; 5] {
        let [text, created_at, expires_at, owner] = self.rest(token);
        [Value::Text(&token.jti), text, created_at, expires_at, owner]
    }

    fn rest<'a>(&self, token: &'a OutstandingToken) -> [Value<'a>; 4] {
        [
            Value::Text(&token.token),
            Value::time(token.created_at),
            Value::Time(token.expires_at),
            Value::Key(token.user_id.as_ref(), self.owner_kind),
        ]
    }

    pub(super) async fn is_blacklisted(&self, pool: &Pool, jti: &str) -> Result<bool, StoreError> {
        let rows = pool.read(&self.is_blacklisted, &[Value::Text(jti)]).await?;
        rows.first().map_or(Ok(false), |row| get(row, 0))
    }

    pub(super) async fn user_and_blacklisted(
        &self,
        pool: &Pool,
        id: &UserId,
        jti: &str,
    ) -> Result<(Option<User>, bool), StoreError> {
        let key = Value::Key(Some(id), self.users.user_id_kind);
        let rows = pool
            .read(&self.user_and_blacklisted, &[Value::Text(jti), key])
            .await?;
        let Some(row) = rows.first() else {
            // One of the two can be in no row: each is asked for itself.
            let user = self.users.by_user_id(pool, id).await?;
            return Ok((user, self.is_blacklisted(pool, jti).await?));
        };
        let width = self.users.width();
        let user = if get(row, width)? {
            self.users.only_user(&rows)?
        } else {
            None
        };
        Ok((user, get(row, width + 1)?))
    }

    pub(super) async fn user_and_ended(
        &self,
        pool: &Pool,
        id: &UserId,
        session: &str,
    ) -> Result<(Option<User>, bool), StoreError> {
        let key = Value::Key(Some(id), self.users.user_id_kind);
        let rows = pool
            .read(&self.user_and_ended, &[Value::Text(session), key])
            .await?;
        let ended = rows.first().map(|row| get(row, self.users.width()));
        Ok((self.users.only_user(&rows)?, ended.unwrap_or(Ok(false))?))
    }

    pub(super) async fn record_session(
        &self,
        pool: &Pool,
        token: &OutstandingToken,
        note: &Note,
    ) -> Result<(), StoreError> {
        let values = self.row(token).into_iter().chain(note.rest());
        let values: Vec<_> = values.chain([Value::Int(note.at)]).collect();
        pool.write(&self.record_session, &values).await.map(drop)
    }

    pub(super) async fn record(
        &self,
        pool: &Pool,
        token: &OutstandingToken,
    ) -> Result<(), StoreError> {
        pool.write(&self.record, &self.row(token)).await.map(drop)
    }

    pub(super) async fn blacklist(
        &self,
        pool: &Pool,
        token: &OutstandingToken,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        race(pool, &self.blacklist, &self.blacklist_values(token, at)).await
    }

    /// The parameters of a blacklisting, $1 to $6.
    pub(super) fn blacklist_values<'a>(
        &self,
        token: &'a OutstandingToken,
        at: Timestamp,
    ) -> [Value<'a>; 6] {
        let [jti, text, created_at, expires_at, owner] = self.row(token);
        [jti, text, created_at, expires_at, owner, Value::time(at)]
    }

    /// Whether the exchange was made; else see [`settle_repeated`].
    pub(super) async fn exchange(
        &self,
        pool: &Pool,
        rotation: &Rotation,
    ) -> Result<bool, StoreError> {
        race(pool, &self.rotate, &self.exchange_values(rotation)).await
    }

    /// The same for a token of a session, which is noted.
    pub(super) async fn exchange_in_session(
        &self,
        pool: &Pool,
        rotation: &Rotation,
        note: &Note,
    ) -> Result<bool, StoreError> {
        let values = self.exchange_values(rotation).into_iter();
        let values: Vec<_> = values.chain(note.rest()).collect();
        race(pool, &self.rotate_session, &values).await
    }

    /// The parameters of an exchange, $1 to $16.
    pub(super) fn exchange_values<'a>(&self, rotation: &'a Rotation) -> [Value<'a>; 16] {
        let Rotation {
            parent, successor, ..
        } = rotation;
        let has_expired = rotation.at.as_microsecond() >= parent.expires_at.as_micros();
        let [jti, text, created_at, expires_at, owner] = self.row(parent);
        let [new_text, new_created_at, new_expires_at, new_owner] = self.rest(successor);
        [
            jti,
            text,
            created_at,
            expires_at,
            owner,
            Value::time(rotation.at),
            Value::Bool(has_expired),
            Value::Text(&successor.jti),
            Value::Int(rotation.successor_iat),
            Value::Int(successor.expires_at.as_seconds()),
            Value::Int(parent.expires_at.as_seconds()),
            Value::Int(rotation.at.as_microsecond()),
            new_text,
            new_created_at,
            new_expires_at,
            new_owner,
        ]
    }
}

/// Sends a statement that blacklists, until it sees the token's record: somebody may be making it at this moment.
/// Whether this call blacklisted.
async fn race(pool: &Pool, sql: &str, values: &[Value<'_>]) -> Result<bool, StoreError> {
    for _ in 0..RACES {
        let rows = pool.write(sql, values).await?;
        let row = only(&rows)?;
        if get(row, 0)? {
            return get(row, 1);
        }
    }
    Err(StoreError::new("the record of a token comes and goes"))
}

/// What becomes of a parent that had been blacklisted before.
pub(super) async fn settle_repeated(
    pool: &Pool,
    rotation: &Rotation,
) -> Result<Rotated, StoreError> {
    let parent = &rotation.parent.jti;
    let rows = pool.read(EXCHANGED_FOR, &[Value::Text(parent)]).await?;
    let Some(row) = rows.first() else {
        return Ok(Rotated::Blacklisted);
    };
    if rotation.is_within_grace(get(row, 3)?) {
        let is_blacklisted: bool = get(row, 4)?;
        return Ok(if is_blacklisted {
            Rotated::Blacklisted
        } else {
            Rotated::Replayed(Successor {
                jti: get(row, 0)?,
                iat: get(row, 1)?,
                exp: get(row, 2)?,
            })
        });
    }
    let line_revoked = rotation.reuse_detection && end_line(pool, parent, rotation.at).await?;
    Ok(Rotated::Reused { line_revoked })
}

/// Ends the line of a token that was exchanged at most `grace` ago; whether this call did it.
pub(super) async fn end_line_within(
    pool: &Pool,
    parent: &str,
    grace: Duration,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let rows = pool.read(EXCHANGED_FOR, &[Value::Text(parent)]).await?;
    match rows.first() {
        Some(row) if is_within(grace, get(row, 3)?, at) => end_line(pool, parent, at).await,
        _ => Ok(false),
    }
}

/// Ends the line that `parent` belongs to; false if it had ended. Its last token may be exchanged at this moment, then
/// the line has another end and that is what must go.
async fn end_line(pool: &Pool, parent: &str, at: Timestamp) -> Result<bool, StoreError> {
    let mut last_seen = None;
    for _ in 0..RACES {
        let values = [Value::Text(parent), Value::time(at)];
        let rows = pool.write(END_LINE, &values).await?;
        let row = only(&rows)?;
        let last: Option<String> = get(row, 0)?;
        let is_done: bool = get(row, 1)?;
        if is_done || last.is_none() || last == last_seen {
            return Ok(is_done);
        }
        last_seen = last;
    }
    Err(StoreError::new(
        "the line goes on faster than it can be ended",
    ))
}

/// Deletes up to `limit` records that expired, and as many exchanges that no token can ask for any more, and
/// sessions. Tells the largest number.
pub(super) async fn flush_expired(
    pool: &Pool,
    place: &Place,
    before: Timestamp,
    limit: usize,
) -> Result<Flushed, StoreError> {
    let limit = limit.min(MOST_AT_ONCE);
    let transaction = pool.begin(Purpose::Write, FLUSH_LIMIT).await?;
    transaction.run(FLUSH_PATIENCE).await?;
    let is_alone: bool = get(only(&transaction.ask(FLUSH_LOCK, &[]).await?)?, 0)?;
    if !is_alone {
        transaction.commit().await?;
        return Ok(Flushed::Busy);
    }
    let mut ids = expired(&transaction, place.of(before), before, limit).await?;
    if ids.is_empty() {
        ids = expired(&transaction, i64::MIN, before, limit).await?;
    }
    let values = [
        Value::Ids(&ids),
        Value::Int(before.as_second()),
        Value::count(limit),
        Value::time(before),
    ];
    let flushed: i64 = get(only(&transaction.ask(FLUSH, &values).await?)?, 0)?;
    transaction.commit().await?;
    place.passed(before, &ids);
    Ok(Flushed::Deleted(usize::try_from(flushed).unwrap_or(0)))
}

/// The records after a place that expired, in the order of their making.
async fn expired(
    transaction: &Transaction<'_>,
    after: i64,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<i64>, StoreError> {
    let values = [Value::time(before), Value::count(limit), Value::Int(after)];
    let rows = transaction.ask(EXPIRED, &values).await?;
    rows.iter().map(|row| get(row, 0)).collect()
}

/// The server's clock.
pub(super) async fn time(pool: &Pool) -> Result<Timestamp, StoreError> {
    let rows = pool.read(TIME, &[]).await?;
    Timestamp::from_microsecond(get(only(&rows)?, 0)?).map_err(StoreError::new)
}

/// How many records expired.
pub(super) async fn count_expired(pool: &Pool, before: Timestamp) -> Result<usize, StoreError> {
    let transaction = pool.begin(Purpose::Read, FLUSH_LIMIT).await?;
    transaction.run(FLUSH_PATIENCE).await?;
    transaction.run(WHOLE_TABLE).await?;
    let before = [Value::Time(NumericDate::from(before))];
    let counted: i64 = get(only(&transaction.ask(COUNT_EXPIRED, &before).await?)?, 0)?;
    transaction.commit().await?;
    Ok(usize::try_from(counted).unwrap_or(0))
}

pub(super) fn only(rows: &[Row]) -> Result<&Row, StoreError> {
    rows.first()
        .ok_or_else(|| StoreError::new("the database gave no row where there is always one"))
}

pub(super) fn get<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    place: usize,
) -> Result<T, StoreError> {
    row.try_get(place).map_err(StoreError::new)
}
