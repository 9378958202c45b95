//! SQL on `tokenpair_session`: [`SessionStore`].
//!
//! Ending waits for exchanges that are under way, by the blacklist row of the token that is exchanged, and then looks again:
//! they may have brought a successor. Once every token that was found could be blacklisted, no exchange is under way.

use super::super::sessions::{listed, noted_lately};
use super::super::{Ending, Rotated, Rotation, Session, SessionStore, SessionUse};
use super::PostgresStore;
use super::failure::Failure;
use super::many::Lookup;
use super::pool::{Purpose, Transaction};
use super::tokens::{RACES, get, only};
use super::value::Value;
use crate::error::StoreError;
use crate::models::{NumericDate, OutstandingToken, User, UserId, UserIdKind};
use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Duration;
use tokio_postgres::Row;

/// What a second note of a session changes.
pub(super) const NOTED_BEFORE: &str = r#"ON CONFLICT ("user_id", "id") DO UPDATE SET "jti" = excluded."jti",
            "refreshed_at" = excluded."refreshed_at", "expires_at" = excluded."expires_at",
            "address" = coalesce(excluded."address", s."address"),
            "user_agent" = coalesce(excluded."user_agent", s."user_agent")"#;

pub(super) const NOTE: &str = r#"INSERT INTO "tokenpair_session" AS s
        ("jti", "user_id", "id", "created_at", "refreshed_at", "expires_at", "address", "user_agent")"#;

/// Whether the session with this id, of the user with this key, was ended.
pub(super) fn is_ended(user: &str, id: &str) -> String {
    format!(
        r#"(SELECT true FROM "tokenpair_session" WHERE "user_id" = {user} AND "id" = {id} AND "ended_at" IS NOT NULL) IS NOT NULL"#
    )
}

/// The tokens of a user ($1, $2) that are not blacklisted and whose record ($3) or session ($4) says that they live. The
/// parts are materialized, so that no plan walks through a whole table for their order.
const LIVING: &str = r#"WITH mine AS MATERIALIZED (
        SELECT o."id", o."jti", (extract(epoch FROM o."created_at") * 1000000)::bigint AS "recorded_at",
            o."expires_at" >= $3 AS "is_recent", ceil(extract(epoch FROM o."expires_at"))::bigint AS "exp"
        FROM "token_blacklist_outstandingtoken" o WHERE o."user_id" = $1
        AND (SELECT true FROM "token_blacklist_blacklistedtoken" WHERE "token_id" = o."id") IS NULL
    ), living AS MATERIALIZED (
        SELECT mine."id" AS "record", mine."jti", coalesce(s."id", mine."jti") AS "session",
            coalesce(s."created_at", mine."recorded_at", 0) AS "created_at", s."refreshed_at",
            coalesce(s."expires_at", mine."exp") AS "expires_at", s."address", s."user_agent"
        FROM mine LEFT JOIN LATERAL (
            SELECT * FROM "tokenpair_session" WHERE "user_id" = $2 AND "jti" = mine."jti" LIMIT 1
        ) s ON true WHERE mine."is_recent" OR s."expires_at" > $4
    )"#;

const LIST: &str = r#" SELECT "session"::text, "created_at", "refreshed_at", "expires_at", "address"::text, "user_agent"::text
    FROM living"#;

/// In the order of their ids, as many at once have them. What is inside an expression is no join, which for as few as are
/// expected would compare each with each.
const END: &str = r#", meant AS MATERIALIZED (
        SELECT * FROM living WHERE {meant} ORDER BY "jti"
    ), ended AS (
        INSERT INTO "token_blacklist_blacklistedtoken" ("blacklisted_at", "token_id") SELECT $5, "record" FROM meant
        ON CONFLICT ("token_id") DO NOTHING RETURNING "token_id"
    ), gone AS MATERIALIZED (
        SELECT * FROM meant WHERE coalesce("record" IN (SELECT "token_id" FROM ended), false)
    ), marked AS (
        INSERT INTO "tokenpair_session" ("user_id", "id", "jti", "created_at", "refreshed_at", "expires_at", "ended_at")
        SELECT DISTINCT ON ("session") $2, "session", "jti", "created_at", "created_at", "expires_at", $6 FROM gone
        ORDER BY "session"
        ON CONFLICT ("user_id", "id") DO UPDATE SET "ended_at" = excluded."ended_at"
    ) SELECT (SELECT count(*) FROM meant), (SELECT count(*) FROM gone),
        (SELECT count(*) FROM gone WHERE "expires_at" > $4)"#;
const THIS_ONE: &str = r#""session" = $7 AND "expires_at" > $4"#;
const ALL_BUT: &str = r#""session" <> $7"#;

/// The sessions of a user ($1), one or all but one ($2), whose token somebody else blacklisted: a Django that exchanged it gave its successor the same
/// `sid`. Only when no exchange of ours is under way, which would wait for the row while we wait for its token.
const MARK: &str = r#"UPDATE "tokenpair_session" SET "ended_at" = $3 WHERE "user_id" = $1 AND {which} AND "ended_at" IS NULL"#;

/// Asked first, as it is so with most refreshes and a question takes no turn among the changes.
const NOTED_LATELY: &str = r#"SELECT 1 FROM "tokenpair_session" WHERE "user_id" = $1 AND "id" = $2 AND "refreshed_at" > $3"#;

/// A new password with the end of the sessions.
const REPLACE_LIMIT: Duration = Duration::from_secs(10);
/// A node that is frozen in the middle must not keep its locks.
const REPLACE_PATIENCE: &str = "SET LOCAL idle_in_transaction_session_timeout = '10s'";

/// The statements that depend on nothing, written once.
#[derive(Debug)]
pub(super) struct SessionQueries {
    list: String,
    end_one: String,
    end_all: String,
    mark_one: String,
    mark_all: String,
    touch: String,
}

impl SessionQueries {
    pub(super) fn new() -> Self {
        let end = |meant: &str| format!("{LIVING}{}", END.replace("{meant}", meant));
        Self {
            list: format!("{LIVING}{LIST}"),
            end_one: end(THIS_ONE),
            end_all: end(ALL_BUT),
            mark_one: MARK.replace("{which}", r#""id" = $2"#),
            mark_all: MARK.replace("{which}", r#""id" <> $2"#),
            touch: format!(
                r#"{NOTE} SELECT $1, $2, $3, $4, $5, $6, nullif($7, ''), nullif($8, '')
                   WHERE NOT EXISTS (SELECT 1 FROM "tokenpair_session" WHERE "user_id" = $2 AND "id" = $3
                        AND "refreshed_at" > $9) {NOTED_BEFORE}"#
            ),
        }
    }
}

/// A [`SessionUse`] in the database's types.
#[derive(Clone, Debug)]
pub(super) struct Note {
    user_id: String,
    id: String,
    jti: String,
    created_at: i64,
    pub(super) at: i64,
    lately: i64,
    expires_at: i64,
    address: String,
    user_agent: String,
}

impl Note {
    pub(super) fn of(usage: &SessionUse) -> Self {
        let address = usage.address.map(|address| address.to_string());
        Self {
            user_id: usage.user_id.to_string(),
            id: usage.id.clone(),
            jti: usage.jti.clone(),
            created_at: usage.created_at.as_microsecond(),
            at: usage.at.as_microsecond(),
            lately: noted_lately(usage.at).as_microsecond(),
            expires_at: usage.expires_at.as_seconds(),
            address: address.unwrap_or_default(),
            user_agent: usage.user_agent.clone().unwrap_or_default(),
        }
    }

    /// What neither the token nor its exchange has.
    pub(super) fn rest(&self) -> [Value<'_>; 6] {
        [
            Value::Text(&self.user_id),
            Value::Text(&self.id),
            Value::Int(self.created_at),
            Value::Int(self.expires_at),
            Value::Text(&self.address),
            Value::Text(&self.user_agent),
        ]
    }
}

fn session(row: &Row) -> Result<Session, StoreError> {
    let instant = |micros: i64| Timestamp::from_microsecond(micros).unwrap_or_default();
    let address: Option<String> = get(row, 4)?;
    Ok(Session {
        id: get(row, 0)?,
        created_at: instant(get(row, 1)?),
        refreshed_at: get::<Option<i64>>(row, 2)?.map(instant),
        expires_at: NumericDate::from_seconds(get(row, 3)?).unwrap_or(Timestamp::UNIX_EPOCH.into()),
        address: address.and_then(|text| text.parse().ok()),
        user_agent: get(row, 5)?,
    })
}

/// What one look found, ended itself, and ended of living sessions.
struct Pass {
    found: i64,
    gone: i64,
    sessions: i64,
}

impl Pass {
    fn read(rows: &[Row]) -> Result<Self, StoreError> {
        let row = only(rows)?;
        Ok(Self {
            found: get(row, 0)?,
            gone: get(row, 1)?,
            sessions: get(row, 2)?,
        })
    }

    fn sessions(&self) -> usize {
        usize::try_from(self.sessions).unwrap_or(0)
    }

    /// Whether nothing can be under way that would bring another token.
    fn is_last(&self) -> bool {
        self.found == self.gone
    }
}

fn never_done() -> StoreError {
    StoreError::new("the sessions go on faster than they can be ended")
}

/// The parameters of [`END`], where `which` is a session's id or empty.
struct End<'a> {
    user: &'a UserId,
    kind: UserIdKind,
    key: String,
    since: Timestamp,
    at: Timestamp,
    which: &'a str,
}

impl End<'_> {
    fn values(&self) -> [Value<'_>; 7] {
        [
            Value::Key(Some(self.user), self.kind),
            Value::Text(&self.key),
            Value::time(self.since),
            Value::Int(self.at.as_second()),
            Value::time(self.at),
            Value::Int(self.at.as_microsecond()),
            Value::Text(self.which),
        ]
    }

    /// The parameters of [`MARK`].
    fn mark(&self) -> [Value<'_>; 3] {
        [
            Value::Text(&self.key),
            Value::Text(self.which),
            Value::Int(self.at.as_microsecond()),
        ]
    }
}

impl PostgresStore {
    fn end<'a>(
        &self,
        user: &'a UserId,
        since: Timestamp,
        at: Timestamp,
        which: &'a str,
    ) -> End<'a> {
        End {
            user,
            kind: self.0.users.id_kind,
            key: user.to_string(),
            since,
            at,
            which,
        }
    }

    async fn pass(&self, sql: &str, end: &End<'_>) -> Result<Pass, StoreError> {
        Pass::read(&self.0.pool.write(sql, &end.values()).await?)
    }

    /// `None`: the password was no longer the one that was checked.
    async fn try_to_replace(
        &self,
        transaction: Transaction<'_>,
        password: &[Value<'_>],
        end: &End<'_>,
    ) -> Result<Option<usize>, Trouble> {
        transaction.run(REPLACE_PATIENCE).await?;
        let replaced = transaction
            .ask(&self.0.users.set_password, password)
            .await?;
        if replaced.is_empty() {
            transaction.commit().await?;
            return Ok(None);
        }
        let mut sessions = 0;
        for _ in 0..RACES {
            let rows = transaction
                .ask(&self.0.sessions.end_all, &end.values())
                .await?;
            let pass = Pass::read(&rows)?;
            sessions += pass.sessions();
            if pass.is_last() {
                let mark = &self.0.sessions.mark_all;
                transaction.ask(mark, &end.mark()).await?;
                transaction.commit().await?;
                return Ok(Some(sessions));
            }
        }
        Err(never_done().into())
    }
}

enum Trouble {
    Failure(Failure),
    Store(StoreError),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How often a new password is tried that the server undid.
const ATTEMPTS: usize = 3;

#[async_trait]
impl SessionStore for PostgresStore {
    async fn record_session(
        &self,
        token: &OutstandingToken,
        usage: &SessionUse,
    ) -> Result<(), StoreError> {
        let note = Note::of(usage);
        self.0
            .tokens
            .record_session(&self.0.pool, token, &note)
            .await
    }

    async fn rotate_session(
        &self,
        rotation: &Rotation,
        usage: &SessionUse,
    ) -> Result<Rotated, StoreError> {
        let gatherings = &self.0.gatherings;
        gatherings
            .rotate_session(&self.0.pool, rotation, usage)
            .await
    }

    async fn touch_session(&self, usage: &SessionUse) -> Result<(), StoreError> {
        let note = Note::of(usage);
        let lately = [
            Value::Text(&note.user_id),
            Value::Text(&note.id),
            Value::Int(note.lately),
        ];
        if !self.0.pool.read(NOTED_LATELY, &lately).await?.is_empty() {
            return Ok(());
        }
        let [user, id, created_at, expires_at, address, user_agent] = note.rest();
        let values = [
            Value::Text(&note.jti),
            user,
            id,
            created_at,
            Value::Int(note.at),
            expires_at,
            address,
            user_agent,
            Value::Int(note.lately),
        ];
        let touched = self.0.pool.write(&self.0.sessions.touch, &values);
        touched.await.map(drop)
    }

    async fn sessions(&self, user: &UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let end = self.end(user, now, now, "");
        let [key, text, since, at, ..] = end.values();
        let values = [key, text, since, at];
        let rows = self.0.pool.read(&self.0.sessions.list, &values).await?;
        let sessions = rows.iter().map(session).collect::<Result<Vec<_>, _>>()?;
        Ok(listed(sessions.into_iter(), now))
    }

    async fn end_session(
        &self,
        user: &UserId,
        id: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let end = self.end(user, at, at, id);
        let mut is_found = false;
        for _ in 0..RACES {
            let pass = self.pass(&self.0.sessions.end_one, &end).await?;
            is_found |= pass.found > 0;
            if pass.is_last() && is_found {
                let mark = &self.0.sessions.mark_one;
                self.0.pool.write(mark, &end.mark()).await?;
            }
            if pass.is_last() {
                return Ok(is_found);
            }
        }
        Err(never_done())
    }

    async fn end_sessions(&self, user: &UserId, ending: &Ending) -> Result<usize, StoreError> {
        let except = ending.except.as_deref().unwrap_or_default();
        let end = self.end(user, ending.since, ending.at, except);
        let mut sessions = 0;
        for _ in 0..RACES {
            let pass = self.pass(&self.0.sessions.end_all, &end).await?;
            sessions += pass.sessions();
            if pass.is_last() {
                let mark = &self.0.sessions.mark_all;
                self.0.pool.write(mark, &end.mark()).await?;
                return Ok(sessions);
            }
        }
        Err(never_done())
    }

    async fn replace_password(
        &self,
        user: &User,
        encoded: &str,
        ending: &Ending,
    ) -> Result<Option<usize>, StoreError> {
        let users = &self.0.users;
        let password = [
            Value::Text(encoded),
            Value::Key(Some(&user.id), users.id_kind),
            Value::Text(user.password.expose()),
        ];
        let except = ending.except.as_deref().unwrap_or_default();
        let end = self.end(&user.id, ending.since, ending.at, except);
        let mut attempts = ATTEMPTS;
        loop {
            attempts -= 1;
            let transaction = self.0.pool.begin(Purpose::Write, REPLACE_LIMIT).await?;
            match self.try_to_replace(transaction, &password, &end).await {
                Ok(ended) => return Ok(ended),
                Err(Trouble::Failure(failure)) if failure.is_repeatable() && attempts > 0 => {}
                Err(Trouble::Failure(failure)) => return Err(failure.into()),
                Err(Trouble::Store(error)) => return Err(error),
            }
        }
    }

    async fn get_user_and_ended(
        &self,
        id: &UserId,
        session: &str,
    ) -> Result<(Option<User>, bool), StoreError> {
        let lookup = Lookup {
            id: Some(id.clone()),
            jti: Some(session.to_owned()),
        };
        self.0.gatherings.users_and_ended.ask(lookup).await
    }
}
