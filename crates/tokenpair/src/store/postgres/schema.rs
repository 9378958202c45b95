//! Which tables exist, the making of those that do not, and whether the user table is what its model says.

use super::super::UserModel;
use super::super::migration::{Migration, MigrationProgress, foreign_table_missing};
use super::super::relations::{self, Tables};
use super::failure::Failure;
use super::health::Pauses;
use super::pool::{Pool, Purpose, Transaction};
use super::value::Value;
use crate::error::StoreError;
use crate::models::UserIdKind;
use jiff::Timestamp;
use std::time::Duration;
use tokio_postgres::Row;

/// A migration as a whole, with what it waits for other nodes.
const LIMIT: Duration = Duration::from_secs(60);
/// A node that is frozen in the middle must not keep its locks.
const PATIENT: &str = "SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '30s';
    SET LOCAL idle_in_transaction_session_timeout = '10s'";
/// Several nodes may start at once: one migrates, the others find it done. The number means nothing.
const TRY_ALONE: &str = "SELECT pg_try_advisory_xact_lock(7281646937120590)";
const ALONE: &str = "SELECT pg_advisory_xact_lock(7281646937120590)";
/// Whoever waits for a lock makes everybody behind wait, too. Better to come back.
const IMPATIENT: &str = "SET LOCAL lock_timeout = '50ms'";
/// How often to come back, half a second apart.
const ATTEMPTS: usize = 60;

const DJANGO_MIGRATIONS: &str =
    include_str!("../../../migrations/postgres/0000_django_migrations.sql");
const REMEMBER: &str = r#"INSERT INTO "django_migrations" ("app", "name", "applied") SELECT $1, $2, $3
    WHERE NOT EXISTS (SELECT 1 FROM "django_migrations" WHERE "app" = $1 AND "name" = $2)"#;

/// Not by `to_regclass`: after waiting for another node's lock it may still miss the tables that node made.
const TABLES: &str = "SELECT relname::text FROM pg_class WHERE relname IN ($1, $2, $3, $4, $5) AND pg_table_is_visible(oid)";
const COLUMNS: &str = "SELECT attname::text, format_type(atttypid, atttypmod), typname::text, typcategory::text
    FROM pg_class c JOIN pg_attribute ON attrelid = c.oid JOIN pg_type t ON t.oid = atttypid
    WHERE relname = $1 AND pg_table_is_visible(c.oid) AND attnum > 0 AND NOT attisdropped ORDER BY attnum";
const LOGIN_IS_UNIQUE: &str =
    "SELECT EXISTS (SELECT 1 FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
    WHERE c.relname = $1 AND pg_table_is_visible(c.oid) AND a.attname = $2 AND i.indnkeyatts = 1
    AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL)";

/// Of a table, or of anything else: what is longer PostgreSQL cuts.
pub(super) const LONGEST_NAME: Option<usize> = Some(63);

fn marks(model: &UserModel) -> [Value<'_>; 5] {
    Migration::ALL.map(|step| Value::Text(step.mark(model)))
}

/// Those of `steps` whose tables do not exist.
pub(super) async fn pending(
    pool: &Pool,
    model: &UserModel,
    steps: &[Migration],
) -> Result<Vec<Migration>, StoreError> {
    let existing = pool.read(TABLES, &marks(model)).await?;
    Ok(missing(&existing, model, steps)?)
}

fn missing(
    existing: &[Row],
    model: &UserModel,
    steps: &[Migration],
) -> Result<Vec<Migration>, Failure> {
    let existing = existing.iter().map(|row| row.try_get(0));
    let existing: Vec<&str> = existing.collect::<Result<_, _>>()?;
    let mut steps = steps.to_vec();
    steps.retain(|step| !existing.contains(&step.mark(model)));
    Ok(steps)
}

type Tell<'a> = &'a (dyn Fn(MigrationProgress) + Send + Sync);

/// Takes no lock where nothing is to be done.
pub(super) async fn migrate(
    pool: &Pool,
    model: &UserModel,
    steps: &[Migration],
    at: Timestamp,
    tell: Tell<'_>,
) -> Result<Vec<Migration>, StoreError> {
    if pending(pool, model, steps).await?.is_empty() {
        return Ok(Vec::new());
    }
    let mut pauses = Pauses::new();
    for attempts in 1..=ATTEMPTS {
        match try_to_migrate(pool, model, steps, at, tell).await {
            Err(Trouble::InUse) => {
                if attempts.is_power_of_two() {
                    tell(MigrationProgress::WaitsForUsers { attempts });
                }
                pauses.pause().await;
            }
            Err(Trouble::Failure(failure)) => return Err(failure.into()),
            Err(Trouble::Refusal(reason)) => return Err(StoreError::new(reason)),
            Ok(done) => return Ok(done),
        }
    }
    Err(StoreError::new(format!(
        "somebody has been writing the user table {:?} all the time, which has to be locked for a moment: nothing was \
         done, try again when that has ended",
        model.table
    )))
}

enum Trouble {
    /// A lock is not to be had at once.
    InUse,
    Failure(Failure),
    Refusal(String),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

async fn try_to_migrate(
    pool: &Pool,
    model: &UserModel,
    steps: &[Migration],
    at: Timestamp,
    tell: Tell<'_>,
) -> Result<Vec<Migration>, Trouble> {
    let transaction = pool.begin(Purpose::Write, LIMIT).await?;
    transaction.run(PATIENT).await?;
    wait_for_others(&transaction, tell).await?;
    let existing = transaction.ask(TABLES, &marks(model)).await?;
    let pending = missing(&existing, model, steps)?;
    if let Some(reason) = foreign_table_missing(&pending, model) {
        return Err(Trouble::Refusal(reason));
    }
    transaction.run(IMPATIENT).await?;
    let made = make(&transaction, &pending, model, at).await;
    made.map_err(|failure| {
        if failure.is_lock_timeout() {
            Trouble::InUse
        } else {
            Trouble::Failure(failure)
        }
    })?;
    transaction.commit().await?;
    Ok(pending)
}

async fn wait_for_others(transaction: &Transaction<'_>, tell: Tell<'_>) -> Result<(), Trouble> {
    let rows = transaction.ask(TRY_ALONE, &[]).await?;
    let is_alone = rows.first().map_or(Ok(false), |row| row.try_get(0));
    if is_alone.map_err(Failure::from)? {
        return Ok(());
    }
    tell(MigrationProgress::WaitsForAnother);
    transaction.run(ALONE).await.map_err(|failure| {
        if failure.is_lock_timeout() {
            let reason = "another process has been migrating this database for half a minute";
            Trouble::Refusal(reason.to_owned())
        } else {
            Trouble::Failure(failure)
        }
    })
}

async fn make(
    transaction: &Transaction<'_>,
    pending: &[Migration],
    model: &UserModel,
    at: Timestamp,
) -> Result<(), Failure> {
    for step in pending {
        remember(transaction, *step, at).await?;
        let sql = sql(transaction, *step, model).await?;
        transaction.run(&sql).await?;
    }
    if pending.contains(&Migration::TokenBlacklist) {
        transaction.run(&user_reference(model)).await?;
    }
    Ok(())
}

async fn remember(
    transaction: &Transaction<'_>,
    step: Migration,
    at: Timestamp,
) -> Result<(), Failure> {
    if step.history().is_empty() {
        return Ok(());
    }
    transaction.run(DJANGO_MIGRATIONS).await?;
    for (app, name) in step.history() {
        let values = [Value::Text(app), Value::Text(name), Value::time(at)];
        transaction.ask(REMEMBER, &values).await?;
    }
    Ok(())
}

async fn sql(
    transaction: &Transaction<'_>,
    step: Migration,
    model: &UserModel,
) -> Result<String, Failure> {
    Ok(match step {
        Migration::Auth => include_str!("../../../migrations/postgres/0001_auth.sql").to_owned(),
        Migration::TokenBlacklist => {
            let table = Value::Text(&model.table);
            let columns = transaction.ask(COLUMNS, &[table]).await?;
            let mut key_type = "bigint".to_owned();
            for column in &columns {
                if column.try_get::<_, &str>(0)? == model.id {
                    key_type = column.try_get(1)?;
                }
            }
            include_str!("../../../migrations/postgres/0002_token_blacklist.sql")
                .replace("{user_key_type}", &key_type)
        }
        Migration::Rotation => {
            include_str!("../../../migrations/postgres/0003_rotation.sql").to_owned()
        }
        Migration::Sessions => {
            include_str!("../../../migrations/postgres/0004_sessions.sql").to_owned()
        }
        Migration::Unverified => {
            include_str!("../../../migrations/postgres/0005_unverified.sql").to_owned()
        }
    })
}

fn user_reference(model: &UserModel) -> String {
    include_str!("../../../migrations/postgres/0002_user_reference.sql")
        .replace("{user_table}", &model.table)
        .replace("{user_key}", &model.id)
        .replace("{user_constraint}", &user_constraint(model))
}

/// Django's name for the reference to the user table (`_create_index_name`): no name is longer than 63 characters.
fn user_constraint(model: &UserModel) -> String {
    let (table, column) = ("token_blacklist_outstandingtoken", "user_id");
    let suffix = format!("83bc629a_fk_{}_{}", model.table, model.id);
    let whole = format!("{table}_{column}_{suffix}");
    if whole.chars().count() <= 63 {
        return whole;
    }
    let suffix: String = suffix.chars().take(21).collect();
    let rest = (63 - suffix.chars().count()) / 2 - 1;
    let table: String = table.chars().take(rest).collect();
    format!("{table}_{column}_{suffix}")
}

/// A column of the user table.
struct Column {
    name: String,
    sql_type: String,
    /// The kind of keys it can hold.
    kind: Option<UserIdKind>,
}

async fn columns(pool: &Pool, table: &str) -> Result<Vec<Column>, StoreError> {
    let rows = pool.read(COLUMNS, &[Value::Text(table)]).await?;
    let column = |row: &Row| {
        let kind = match (row.try_get(2)?, row.try_get(3)?) {
            ("int2" | "int4" | "int8", _) => Some(UserIdKind::Integer),
            ("uuid", _) => Some(UserIdKind::Uuid),
            (_, "S") => Some(UserIdKind::Text),
            _ => None,
        };
        Ok(Column {
            name: row.try_get(0)?,
            sql_type: row.try_get(1)?,
            kind,
        })
    };
    let columns = rows.iter().map(column);
    columns
        .collect::<Result<_, tokio_postgres::Error>>()
        .map_err(StoreError::new)
}

/// The names of all columns; none if there is no such table.
pub(super) async fn column_names(pool: &Pool, table: &str) -> Result<Vec<String>, StoreError> {
    let columns = columns(pool, table).await?;
    Ok(columns.into_iter().map(|column| column.name).collect())
}

/// What the user model names and the database does not have, as a sentence.
pub(super) async fn flaw(pool: &Pool, model: &UserModel) -> Result<Option<String>, StoreError> {
    let columns = columns(pool, &model.table).await?;
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let flaw = model.flaw(&names, |column, name| column == name);
    if let Some(flaw) = flaw.or_else(|| wrong_kind(model, &columns)) {
        return Ok(Some(flaw));
    }
    let tables = tables(pool, model).await?;
    Ok(relations::flaw(model, LONGEST_NAME, &tables))
}

/// What the user model's relations are read from.
pub(super) async fn tables(pool: &Pool, model: &UserModel) -> Result<Tables, StoreError> {
    let mut tables = Tables::new();
    for table in relations::tables(model, LONGEST_NAME) {
        let columns = column_names(pool, &table).await?;
        tables.insert(table, columns);
    }
    Ok(tables)
}

/// A key that is said to be of another kind than its column would be found by nobody.
fn wrong_kind(model: &UserModel, columns: &[Column]) -> Option<String> {
    let keys = [
        ("id_kind", &model.id, model.id_kind),
        ("user_id_kind", &model.user_id, model.user_id_kind),
    ];
    keys.into_iter().find_map(|(field, name, kind)| {
        let column = columns.iter().find(|column| column.name == *name)?;
        (column.kind != Some(kind)).then(|| {
            format!(
                "the column {name:?} of the user table {:?} is of type {}, which does not hold keys of the kind {kind:?} \
                 ({field})",
                model.table, column.sql_type
            )
        })
    })
}

/// Whether the log-in column is the primary key or has a unique index of its own.
pub(super) async fn login_is_unique(pool: &Pool, model: &UserModel) -> Result<bool, StoreError> {
    let values = [Value::Text(&model.table), Value::Text(&model.username)];
    let rows = pool.read(LOGIN_IS_UNIQUE, &values).await?;
    let unique = rows.first().map(|row| row.try_get(0));
    unique.unwrap_or(Ok(false)).map_err(StoreError::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_to_the_user_table_is_named_as_django_names_it() {
        for (table, id, name) in [
            (
                "auth_user",
                "id",
                "token_blacklist_outs_user_id_83bc629a_fk_auth_user",
            ),
            (
                "customers_customer",
                "id",
                "token_blacklist_outs_user_id_83bc629a_fk_customers",
            ),
            (
                "u",
                "id",
                "token_blacklist_outstandingtoken_user_id_83bc629a_fk_u_id",
            ),
        ] {
            let model = UserModel {
                table: table.to_owned(),
                id: id.to_owned(),
                ..UserModel::default()
            };
            assert_eq!(user_constraint(&model), name);
        }
    }
}
