//! The statements of `postgres/tokens.rs` and `postgres/users.rs` for many at once, a row of arrays for each.
//!
//! Rows are looked up one by one (`LATERAL … LIMIT`, scalar sub-selects): a plan for a few rows is never a join of whole
//! tables, whatever the statistics say. Whatever is not plain is left to the statement for one: a key that several
//! users have, a token that comes twice, a record that somebody else is making.

use super::super::{Rotated, Rotation, SessionUse};
use super::gathering::{Gathering, Together};
use super::pool::{Pool, Purpose};
use super::sessions::{NOTE, NOTED_BEFORE, Note, is_ended};
use super::tokens::{TokenQueries, get, is_blacklisted, settle_repeated};
use super::users::UserQueries;
use super::value::Value;
use crate::error::StoreError;
use crate::models::{OutstandingToken, User, UserId, UserIdKind};
use jiff::Timestamp;
use std::sync::Arc;
use tokio_postgres::Row;

/// Statements of one kind under way before the next ones are gathered.
const READS: usize = 1;
const WRITES: usize = 1;

/// For one token after the other, in the order of their ids so that nodes do not wait for each other in a circle:
/// whether it is on record by now and whether this statement blacklisted it. A lock that somebody keeps is waited for
/// by the one it concerns, alone.
const BLACKLIST: &str = r#"WITH patience AS MATERIALIZED (
        SELECT set_config('lock_timeout', '50ms', true)
    ), asked AS MATERIALIZED (
        SELECT q.*, (SELECT {id} FROM {table} WHERE {id} = q."owner") AS "user_id",
            (SELECT "id" FROM "token_blacklist_outstandingtoken" WHERE "jti" = q."jti") AS "known"
        FROM patience, unnest({places}) WITH ORDINALITY AS q({names}, "n")
    ), recorded AS (
        INSERT INTO "token_blacklist_outstandingtoken" ("token", "created_at", "expires_at", "user_id", "jti")
        SELECT "token", "created_at", "expires_at", "user_id", "jti" FROM asked WHERE "known" IS NULL
        ON CONFLICT ("jti") DO NOTHING RETURNING "id", "jti"
    ), token AS MATERIALIZED (
        SELECT asked.*, "known" AS "id" FROM asked WHERE "known" IS NOT NULL
        UNION ALL SELECT asked.*, recorded."id" FROM asked JOIN recorded ON recorded."jti" = asked."jti"
    ), blacklisted AS (
        INSERT INTO "token_blacklist_blacklistedtoken" ("blacklisted_at", "token_id") SELECT "at", "id" FROM token
        ON CONFLICT ("token_id") DO NOTHING RETURNING "token_id"
    ), won AS MATERIALIZED (
        SELECT token.* FROM token JOIN blacklisted ON blacklisted."token_id" = token."id"{unless}
    )"#;
/// See the statement for one.
const UNLESS_FLUSHED: &str = r#" WHERE NOT (token."has_expired"
            AND (SELECT true FROM "tokenpair_rotation" WHERE "parent_jti" = token."jti") IS NOT NULL)"#;
const EXCHANGE: &str = r#", exchanged AS (
        INSERT INTO "tokenpair_rotation"
        ("parent_jti", "line_id", "successor_jti", "successor_iat", "successor_exp", "parent_exp", "rotated_at")
        SELECT "jti", coalesce((SELECT r."line_id" FROM "tokenpair_rotation" r WHERE r."successor_jti" = won."jti"), "jti"),
            "new_jti", "new_iat", "new_exp", "exp", "rotated_at" FROM won
        ON CONFLICT ("parent_jti") DO UPDATE SET "successor_jti" = excluded."successor_jti",
            "successor_iat" = excluded."successor_iat", "successor_exp" = excluded."successor_exp",
            "rotated_at" = excluded."rotated_at"
    ), successor AS (
        INSERT INTO "token_blacklist_outstandingtoken" ("token", "created_at", "expires_at", "user_id", "jti")
        SELECT "new_token", "new_created_at", "new_expires_at", (SELECT {id} FROM {table} WHERE {id} = "new_owner"), "new_jti"
        FROM won ON CONFLICT ("jti") DO NOTHING
    )"#;
/// Once for each session, as a statement changes a row only once.
const NOTED: &str = r#", noted AS ({note}
        SELECT DISTINCT ON ("session_user", "session_id") "new_jti", "session_user", "session_id", "session_created_at",
            "rotated_at", "session_exp", nullif("address", ''), nullif("user_agent", '')
        FROM won ORDER BY "session_user", "session_id", "n" {noted_before}
    )"#;
const OUTCOME: &str = r#" SELECT "n", "n" IN (SELECT "n" FROM won) FROM token"#;

/// Parameters of a blacklisting, and those that an exchange has beyond.
const TOKEN: [&str; 6] = ["jti", "token", "created_at", "expires_at", "owner", "at"];
const SUCCESSOR: [&str; 10] = [
    "has_expired",
    "new_jti",
    "new_iat",
    "new_exp",
    "exp",
    "rotated_at",
    "new_token",
    "new_created_at",
    "new_expires_at",
    "new_owner",
];

/// And what one in a session has beyond that.
const SESSION: [&str; 6] = [
    "session_user",
    "session_id",
    "session_created_at",
    "session_exp",
    "address",
    "user_agent",
];

/// What the engine asks most, each kind gathered for itself.
#[derive(Debug)]
pub(super) struct Gatherings {
    pub(super) users: Gathering<Lookups>,
    pub(super) blacklisted: Gathering<Lookups>,
    pub(super) users_and_blacklisted: Gathering<Lookups>,
    pub(super) users_and_ended: Gathering<Lookups>,
    pub(super) blacklist: Gathering<Blacklistings>,
    rotate: Gathering<Rotations>,
    rotate_session: Gathering<SessionRotations>,
}

impl Gatherings {
    pub(super) fn new(pool: &Pool, tokens: &Arc<TokenQueries>) -> Self {
        let users = &tokens.users;
        let lookups = |sql: String, width| Lookups {
            pool: pool.clone(),
            tokens: tokens.clone(),
            sql,
            width,
            jti_is: Jti::OfToken,
        };
        let width = Some(users.width());
        let [reads, writes] = [(users.user_id_kind, READS), (users.id_kind, WRITES)]
            .map(|(kind, room)| if is_gathered(kind) { room } else { usize::MAX });
        let is_blacklisted = is_blacklisted(r#"q."jti""#);
        let is_ended = is_ended(r#"token."session_user""#, r#"token."session_id""#);
        let noted = NOTED
            .replace("{note}", NOTE)
            .replace("{noted_before}", NOTED_BEFORE);
        Self {
            users: Gathering::new(lookups(find(users, "false"), width), reads),
            blacklisted: Gathering::new(
                lookups(
                    format!(
                        r#"SELECT {is_blacklisted}, q."n" FROM unnest($1) WITH ORDINALITY AS q("jti", "n")"#
                    ),
                    None,
                ),
                READS,
            ),
            users_and_blacklisted: Gathering::new(
                lookups(find(users, &is_blacklisted), width),
                reads,
            ),
            users_and_ended: Gathering::new(
                Lookups {
                    jti_is: Jti::SessionId,
                    ..lookups(find_with_session(users), width)
                },
                reads,
            ),
            blacklist: Gathering::new(
                Blacklistings(Changes::new(pool, tokens, &TOKEN, "", "")),
                writes,
            ),
            rotate: Gathering::new(
                Rotations(Changes::new(
                    pool,
                    tokens,
                    &[&TOKEN[..], &SUCCESSOR].concat(),
                    UNLESS_FLUSHED,
                    EXCHANGE,
                )),
                writes,
            ),
            rotate_session: Gathering::new(
                SessionRotations(Changes::new(
                    pool,
                    tokens,
                    &[&TOKEN[..], &SUCCESSOR, &SESSION].concat(),
                    &format!("{UNLESS_FLUSHED} AND NOT {is_ended}"),
                    &format!("{EXCHANGE}{noted}"),
                )),
                writes,
            ),
        }
    }
}

/// A text is compared by the rules of its column, which only the statement for one leaves to the server.
fn is_gathered(kind: UserIdKind) -> bool {
    kind != UserIdKind::Text
}

/// The statement that finds users, what else it selects, and the place of the question.
fn find(users: &UserQueries, and: &str) -> String {
    let UserQueries {
        columns,
        table,
        user_id,
        ..
    } = users;
    format!(
        r#"SELECT u.*, {and}, q."n" FROM unnest($1, $2) WITH ORDINALITY AS q("jti", "key", "n")
           LEFT JOIN LATERAL (SELECT {columns}, true FROM {table} WHERE {table}.{user_id} = q."key" LIMIT 2) u ON true"#
    )
}

/// The same with whether the user's session with this id was ended.
fn find_with_session(users: &UserQueries) -> String {
    let UserQueries {
        columns,
        table,
        id,
        user_id,
        ..
    } = users;
    let is_ended = is_ended(&format!("{table}.{id}::text"), r#"q."jti""#);
    format!(
        r#"SELECT u.*, q."n" FROM unnest($1, $2) WITH ORDINALITY AS q("jti", "key", "n") LEFT JOIN LATERAL
           (SELECT {columns}, true, {is_ended} FROM {table} WHERE {table}.{user_id} = q."key" LIMIT 2) u ON true"#
    )
}

/// A user, a token, or both. The user is `None` also where none is asked for.
#[derive(Debug)]
pub(super) struct Lookup {
    pub(super) id: Option<UserId>,
    pub(super) jti: Option<String>,
}

#[derive(Debug)]
pub(super) struct Lookups {
    pool: Pool,
    tokens: Arc<TokenQueries>,
    sql: String,
    /// Columns of a user, where users are looked up.
    width: Option<usize>,
    jti_is: Jti,
}

/// What is asked about.
#[derive(Debug)]
enum Jti {
    OfToken,
    SessionId,
}

impl Together for Lookups {
    type Question = Lookup;
    type Answer = (Option<User>, bool);

    async fn alone(&self, question: &Lookup) -> Result<Self::Answer, StoreError> {
        let (pool, tokens) = (&self.pool, &self.tokens);
        Ok(match (&question.id, &question.jti) {
            (Some(id), Some(session)) if matches!(self.jti_is, Jti::SessionId) => {
                tokens.user_and_ended(pool, id, session).await?
            }
            (Some(id), Some(jti)) => tokens.user_and_blacklisted(pool, id, jti).await?,
            (Some(id), None) => (tokens.users.by_user_id(pool, id).await?, false),
            (None, Some(jti)) => (None, tokens.is_blacklisted(pool, jti).await?),
            (None, None) => (None, false),
        })
    }

    async fn together(
        &self,
        questions: &[Lookup],
    ) -> Result<Vec<Option<Self::Answer>>, StoreError> {
        let kind = self.tokens.users.user_id_kind;
        let jtis = questions.iter().map(|question| question.jti.as_deref());
        let jtis = jtis.map(|jti| Value::Text(jti.unwrap_or_default()));
        let keys = questions.iter().map(|question| question.id.as_ref());
        let keys = keys.map(|key| Value::Key(key, kind));
        let values = [Value::Many(jtis.collect()), Value::Many(keys.collect())];
        let values = match self.width {
            Some(_) => &values[..],
            None => &values[..1],
        };
        let mut answers: Vec<_> = questions.iter().map(|_| None).collect();
        let asked = self.pool.for_many(Purpose::Read, &self.sql, values);
        for rows in asked
            .await?
            .iter()
            .flat_map(|rows| rows.chunk_by(is_of_one))
        {
            // Several rows are several users with one key.
            if let [row] = rows {
                let (place, answer) = self.read(row)?;
                if let Some(slot) = answers.get_mut(place) {
                    *slot = Some(answer);
                }
            }
        }
        Ok(answers)
    }
}

impl Lookups {
    /// The question's place and its answer.
    fn read(&self, row: &Row) -> Result<(usize, (Option<User>, bool)), StoreError> {
        let Some(width) = self.width else {
            return Ok((place(row, 1)?, (None, get(row, 0)?)));
        };
        let is_there: Option<bool> = get(row, width)?;
        let user = match is_there {
            Some(_) => Some(self.tokens.users.read(row)?),
            None => None,
        };
        // Nobody's session has not been ended.
        let answer: Option<bool> = get(row, width + 1)?;
        Ok((place(row, width + 2)?, (user, answer.unwrap_or(false))))
    }
}

fn is_of_one(one: &Row, next: &Row) -> bool {
    let places = [one, next].map(|row| place(row, row.len() - 1).ok());
    places[0] == places[1]
}

/// `WITH ORDINALITY` counts from one.
fn place(row: &Row, column: usize) -> Result<usize, StoreError> {
    let count: i64 = get(row, column)?;
    usize::try_from(count - 1).map_err(StoreError::new)
}

/// A change of many tokens, in one statement.
#[derive(Debug)]
struct Changes {
    pool: Pool,
    tokens: Arc<TokenQueries>,
    sql: String,
    /// How many parameters it has.
    width: usize,
}

impl Changes {
    fn new(
        pool: &Pool,
        tokens: &Arc<TokenQueries>,
        names: &[&str],
        unless: &str,
        further: &str,
    ) -> Self {
        let places: Vec<_> = (1..=names.len()).map(|place| format!("${place}")).collect();
        let sql = format!("{BLACKLIST}{further}{OUTCOME}")
            .replace("{unless}", unless)
            .replace("{places}", &places.join(", "))
            .replace("{names}", &format!("\"{}\"", names.join("\", \"")))
            .replace("{id}", &tokens.users.id)
            .replace("{table}", &tokens.users.table);
        let (pool, tokens) = (pool.clone(), tokens.clone());
        let width = names.len();
        Self {
            pool,
            tokens,
            sql,
            width,
        }
    }

    /// Whether this blacklisted the token; `None` where that is not known. The parameters begin with its id.
    async fn make<'a, Q, V: IntoIterator<Item = Value<'a>>>(
        &self,
        questions: &'a [Q],
        jti: impl Fn(&Q) -> &str,
        values: impl Fn(&'a Q) -> V,
    ) -> Result<Vec<Option<bool>>, StoreError> {
        let mut places: Vec<usize> = (0..questions.len()).collect();
        let jti_at = |place: usize| questions.get(place).map(&jti);
        places.sort_by_key(|place| jti_at(*place));
        places.dedup_by_key(|place| jti_at(*place));
        let mut columns: Vec<Vec<Value<'a>>> = Vec::new();
        columns.resize_with(self.width, Vec::new);
        for question in places.iter().filter_map(|place| questions.get(*place)) {
            for (column, value) in columns.iter_mut().zip(values(question)) {
                column.push(value);
            }
        }
        let columns: Vec<_> = columns.into_iter().map(Value::Many).collect();
        let made = self.pool.for_many(Purpose::Write, &self.sql, &columns);
        let mut outcomes = vec![None; questions.len()];
        for row in made.await?.iter().flatten() {
            let slot = places.get(place(row, 0)?);
            if let Some(outcome) = slot.and_then(|place| outcomes.get_mut(*place)) {
                *outcome = Some(get(row, 1)?);
            }
        }
        Ok(outcomes)
    }
}

#[derive(Debug)]
pub(super) struct Blacklistings(Changes);

impl Together for Blacklistings {
    type Question = (OutstandingToken, Timestamp);
    type Answer = bool;

    async fn alone(&self, (token, at): &Self::Question) -> Result<bool, StoreError> {
        self.0.tokens.blacklist(&self.0.pool, token, *at).await
    }

    async fn together(&self, all: &[Self::Question]) -> Result<Vec<Option<bool>>, StoreError> {
        let tokens = &self.0.tokens;
        self.0
            .make(
                all,
                |(token, _)| &token.jti,
                |(token, at)| tokens.blacklist_values(token, *at),
            )
            .await
    }
}

#[derive(Debug)]
pub(super) struct Rotations(Changes);

impl Together for Rotations {
    type Question = Rotation;
    type Answer = bool;

    async fn alone(&self, rotation: &Rotation) -> Result<bool, StoreError> {
        self.0.tokens.exchange(&self.0.pool, rotation).await
    }

    async fn together(&self, all: &[Rotation]) -> Result<Vec<Option<bool>>, StoreError> {
        let tokens = &self.0.tokens;
        self.0
            .make(
                all,
                |rotation| &rotation.parent.jti,
                |rotation| tokens.exchange_values(rotation),
            )
            .await
    }
}

#[derive(Debug)]
pub(super) struct SessionRotations(Changes);

impl Together for SessionRotations {
    type Question = (Rotation, Note);
    type Answer = bool;

    async fn alone(&self, (rotation, note): &Self::Question) -> Result<bool, StoreError> {
        let (tokens, pool) = (&self.0.tokens, &self.0.pool);
        tokens.exchange_in_session(pool, rotation, note).await
    }

    async fn together(&self, all: &[Self::Question]) -> Result<Vec<Option<bool>>, StoreError> {
        let tokens = &self.0.tokens;
        self.0
            .make(
                all,
                |(rotation, _)| &rotation.parent.jti,
                |(rotation, note)| {
                    tokens
                        .exchange_values(rotation)
                        .into_iter()
                        .chain(note.rest())
                },
            )
            .await
    }
}

impl Gatherings {
    pub(super) async fn rotate_session(
        &self,
        pool: &Pool,
        rotation: &Rotation,
        usage: &SessionUse,
    ) -> Result<Rotated, StoreError> {
        let question = (rotation.clone(), Note::of(usage));
        if self.rotate_session.ask(question).await? {
            Ok(Rotated::Fresh)
        } else {
            settle_repeated(pool, rotation).await
        }
    }

    pub(super) async fn rotate(
        &self,
        pool: &Pool,
        rotation: &Rotation,
    ) -> Result<Rotated, StoreError> {
        if self.rotate.ask(rotation.clone()).await? {
            Ok(Rotated::Fresh)
        } else {
            settle_repeated(pool, rotation).await
        }
    }
}
