//! SQL for who signs up: new rows of `auth_user`, and what is kept of who has yet to prove the address.

use super::super::account_store::{Column, blamed};
use super::super::{
    NewUser, Saved, SignUp, Unverified, UserAdmin as _, UserModel, UserTable as _, UsernameLookup,
};
use super::PostgresStore;
use super::failure::Failure;
use super::iexact::iexact;
use super::pool::Purpose;
use super::tokens::{get, only};
use super::value::Value;
use crate::error::StoreError;
use crate::models::{EncodedPassword, User};
use jiff::Timestamp;
use std::time::Duration;
use tokio_postgres::Row;

const CREATE: &str = r#"INSERT INTO "auth_user"
    ("password", "last_login", "is_superuser", "username", "first_name", "last_name", "email", "is_staff", "is_active",
     "date_joined")
    SELECT $1, NULL, $2, $3, $7, $8, $4, $5, true, $6"#;
/// Django's table lets two users have one address; where it is the login, that must not be.
const UNLESS_ADDRESS_IS_TAKEN: &str =
    r#"WHERE NOT EXISTS (SELECT 1 FROM "auth_user" WHERE "email" = $4)"#;
/// Such as after a `COPY` of rows with their ids.
const IN_THE_WAY: &str = "the name is free, but another row of auth_user is in the way of a new one: is its sequence of ids \
                          behind (manage.py sqlsequencereset auth)?";

const KEEP: &str = r#"WITH expired AS (DELETE FROM "tokenpair_unverified" WHERE "created_at" < $7)
    INSERT INTO "tokenpair_unverified" ("username", "email", "first_name", "last_name", "password", "created_at")
    SELECT $1, $2, $3, $4, $5, $6 RETURNING "id""#;
const FORGET: &str = r#"DELETE FROM "tokenpair_unverified" WHERE "id" = $9 RETURNING 1"#;
const KEPT: &str = r#"SELECT "id", "username"::text, "email"::text, "first_name"::text, "last_name"::text, "password"::text
    FROM "tokenpair_unverified""#;

/// Names that differ in case only have nothing in the table that keeps them apart, so who wants one waits for who else
/// does. The first number is ours, the second the name's.
const LOCK_NAME: &str = "SELECT pg_advisory_xact_lock(1953459557, hashtext(UPPER($1)))";
const LOCK_LIMIT: Duration = Duration::from_secs(10);
/// A node that is frozen in the middle must not keep its locks.
const LOCK_PATIENCE: &str = "SET LOCAL idle_in_transaction_session_timeout = '10s'";
/// How often a change is tried that the server undid.
const ATTEMPTS: usize = 3;

/// What the server's refusal says against these values.
pub(super) fn refused<T>(failure: &Failure, columns: &[Column<'_>], model: &UserModel) -> Saved<T> {
    let too_long = failure.most_characters().and_then(|most| {
        let mut long = columns
            .iter()
            .filter(|column| column.value.chars().count() > most);
        long.next().map(|column| column.field)
    });
    let field = too_long.or_else(|| blamed(columns, &model.table, &failure.complaint()));
    let login = columns.first().map(|column| column.field);
    match field.or(login) {
        Some(field) if failure.is_unique_violation() => Saved::Taken(field),
        _ => Saved::Unfit(field),
    }
}

impl PostgresStore {
    /// Adds a user, of whom this was kept.
    pub(super) async fn add(
        &self,
        kept: Option<i64>,
        new: &SignUp,
        at: Timestamp,
    ) -> Result<Saved<User>, StoreError> {
        let model = self.user_model();
        let by_email = model.creates_by_email()?;
        let user = &new.user;
        let columns = new.columns(by_email);
        let [_, email, ..] = columns;
        let mut values = vec![
            Value::Text(user.password.expose()),
            Value::Bool(user.is_superuser),
            Value::Text(&user.username),
            Value::Text(email.value),
            Value::Bool(user.is_staff),
            Value::time(at),
            Value::Text(&new.first_name),
            Value::Text(&new.last_name),
        ];
        values.extend(kept.map(Value::Int));
        let sql = self.create(by_email, kept.is_some());
        let made = self
            .change_users(Some(&user.username), &sql, &values)
            .await?;
        let row = match &made {
            Ok(rows) => only(rows)?,
            Err(failure) => return Ok(refused(failure, &columns, model)),
        };
        match (get(row, 0)?, get(row, 1)?) {
            (false, _) => Ok(Saved::Gone),
            (_, true) => {
                let made = self.find_by_login(&user.username).await?;
                Ok(made.map_or(Saved::Gone, Saved::Done))
            }
            (_, false) => self.why_not(user, email).await,
        }
    }

    /// The statement that makes a user, and tells whether what had to be kept was, and whether the user is made.
    fn create(&self, by_email: bool, is_kept: bool) -> String {
        let model = self.user_model();
        let unless = if model.username_lookup == UsernameLookup::Iexact {
            let is_taken = iexact(&format!("\"{}\"", model.username), "$3");
            format!(r#"WHERE NOT EXISTS (SELECT 1 FROM "auth_user" WHERE {is_taken})"#)
        } else if by_email {
            UNLESS_ADDRESS_IS_TAKEN.to_owned()
        } else {
            String::new()
        };
        let (kept, from) = if is_kept {
            (FORGET, "FROM kept")
        } else {
            ("SELECT 1", "")
        };
        format!(
            "WITH kept AS ({kept}), made AS ({CREATE} {from} {unless} ON CONFLICT DO NOTHING RETURNING 1)
            SELECT EXISTS (SELECT 1 FROM kept), EXISTS (SELECT 1 FROM made)"
        )
    }

    /// Whose name or address is in the way, in any case, as a constraint of the project's own may compare.
    async fn why_not(&self, user: &NewUser, email: Column<'_>) -> Result<Saved<User>, StoreError> {
        let [by_name, by_email] = [("username", "$1"), ("email", "$2")].map(|(column, value)| {
            let is_same = iexact(&format!("\"{column}\""), value);
            format!(r#"EXISTS (SELECT 1 FROM "auth_user" WHERE {is_same})"#)
        });
        let sql = format!("SELECT {by_name}, {by_email}");
        let values = [Value::Text(&user.username), Value::Text(email.value)];
        let rows = self.0.pool.read(&sql, &values).await?;
        let row = only(&rows)?;
        let (by_name, by_email): (bool, bool) = (get(row, 0)?, get(row, 1)?);
        if by_name && self.user_model().username != "email" {
            Ok(Saved::Taken("username"))
        } else if by_name || (by_email && !email.value.is_empty()) {
            Ok(Saved::Taken("email"))
        } else {
            Err(StoreError::new(IN_THE_WAY))
        }
    }

    /// Makes a change to users, and one of them will log in by this name. The inner error is what the server says against
    /// the values.
    pub(super) async fn change_users(
        &self,
        login: Option<&str>,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Result<Vec<Row>, Failure>, StoreError> {
        let is_apart = self.user_model().username_lookup == UsernameLookup::Exact;
        let Some(login) = login.filter(|_| !is_apart) else {
            return self.0.pool.write_unless_refused(sql, values).await;
        };
        let mut attempts = ATTEMPTS;
        loop {
            attempts -= 1;
            match self.change_locked(login, sql, values).await {
                Ok(rows) => return Ok(Ok(rows)),
                Err(failure) if failure.is_repeatable() && attempts > 0 => {}
                Err(failure) if failure.is_about_values() => return Ok(Err(failure)),
                Err(failure) => return Err(failure.into()),
            }
        }
    }

    async fn change_locked(
        &self,
        login: &str,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let transaction = self.0.pool.begin(Purpose::Write, LOCK_LIMIT).await?;
        transaction.run(LOCK_PATIENCE).await?;
        transaction.ask(LOCK_NAME, &[Value::Text(login)]).await?;
        let rows = transaction.ask(sql, values).await?;
        transaction.commit().await?;
        Ok(rows)
    }

    pub(super) async fn keep(
        &self,
        new: &SignUp,
        at: Timestamp,
        since: Timestamp,
    ) -> Result<i64, StoreError> {
        let user = &new.user;
        let values = [
            Value::Text(&user.username),
            Value::Text(&user.email),
            Value::Text(&new.first_name),
            Value::Text(&new.last_name),
            Value::Text(user.password.expose()),
            Value::Int(at.as_microsecond()),
            Value::Int(since.as_microsecond()),
        ];
        get(only(&self.0.pool.write(KEEP, &values).await?)?, 0)
    }

    /// One at most.
    pub(super) async fn kept(
        &self,
        id: i64,
        since: Timestamp,
    ) -> Result<Vec<Unverified>, StoreError> {
        let sql = format!(r#"{KEPT} WHERE "id" = $1 AND "created_at" >= $2"#);
        let values = [Value::Int(id), Value::Int(since.as_microsecond())];
        let rows = self.0.pool.read(&sql, &values).await?;
        rows.iter().map(read).collect()
    }

    pub(super) async fn kept_for(
        &self,
        email: &str,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<Unverified>, StoreError> {
        let is_same = iexact(r#""email""#, "$1");
        let sql =
            format!(r#"{KEPT} WHERE {is_same} AND "created_at" >= $2 ORDER BY "id" DESC LIMIT $3"#);
        let values = [
            Value::Text(email),
            Value::Int(since.as_microsecond()),
            Value::count(most),
        ];
        let rows = self.0.pool.read(&sql, &values).await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Unverified, StoreError> {
    let password: String = get(row, 5)?;
    let user = NewUser {
        username: get(row, 1)?,
        email: get(row, 2)?,
        password: EncodedPassword::new(password),
        is_staff: false,
        is_superuser: false,
    };
    Ok(Unverified {
        id: get(row, 0)?,
        sign_up: SignUp {
            user,
            first_name: get(row, 3)?,
            last_name: get(row, 4)?,
        },
    })
}
