//! SQL for the verbs of operators and of people on their own account: [`UserAdmin`], [`AccountStore`].

use super::super::user_admin::PERSONAL;
use super::super::{
    Account, AccountStore, Changes, MOST_NAMESAKES, Migration, NewUser, Saved, SignUp, Unverified,
    UserAdmin, UserModel, UserPage, UsernameLookup, several_users,
};
use super::iexact::iexact;
use super::sign_up::refused;
use super::users::UserQueries;
use super::value::Value;
use super::{PostgresStore, schema};
use crate::error::StoreError;
use crate::models::{EncodedPassword, User, UserId};
use async_trait::async_trait;
use jiff::Timestamp;
use std::time::SystemTime;
use tokio_postgres::Row;

#[async_trait]
impl UserAdmin for PostgresStore {
    fn user_model(&self) -> &UserModel {
        &self.0.model
    }

    async fn create_user(&self, user: NewUser, at: Timestamp) -> Result<Option<User>, StoreError> {
        self.sign_up(user.into(), at).await?.created()
    }

    async fn list_users(&self, page: &UserPage) -> Result<Vec<Account>, StoreError> {
        let (queries, model) = (&self.0.users, self.user_model());
        let columns = self.personal_columns().await?;
        let key = column(queries, &model.id);
        let (mut conditions, mut values) = (vec!["true".to_owned()], Vec::new());
        if let Some(after) = &page.after {
            values.push(Value::Key(Some(after), queries.id_kind));
            conditions.push(format!("{key} > ${}", values.len()));
        }
        if let Some(search) = &page.search {
            values.push(Value::Text(search));
            let matches = |name: &str| {
                format!(
                    "strpos(lower({}::text), lower(${})) > 0",
                    column(queries, name),
                    values.len()
                )
            };
            let in_login = matches(&model.username);
            let in_email = columns.contains(&"email").then(|| matches("email"));
            conditions.push(match in_email {
                Some(in_email) => format!("({in_login} OR {in_email})"),
                None => in_login,
            });
        }
        values.push(Value::count(page.limit));
        let sql = format!(
            "{} WHERE {} ORDER BY {key} LIMIT ${}",
            self.select(columns),
            conditions.join(" AND "),
            values.len()
        );
        let rows = self.0.pool.read(&sql, &values).await?;
        rows.iter().map(|row| account(queries, row)).collect()
    }

    async fn find_account(&self, login: &str) -> Result<Option<Account>, StoreError> {
        let queries = &self.0.users;
        let select = self.select(self.personal_columns().await?);
        let name = column(queries, &self.user_model().username);
        let sql = format!("{select} WHERE {name} = $1 LIMIT 2");
        let mut rows = self.0.pool.read(&sql, &[Value::Compared(login)]).await?;
        if rows.is_empty() && self.user_model().username_lookup == UsernameLookup::Iexact {
            let sql = format!("{select} WHERE {} LIMIT 2", iexact(&name, "$1"));
            rows = self.0.pool.read(&sql, &[Value::Text(login)]).await?;
        }
        match &rows[..] {
            [] => Ok(None),
            [row] => account(queries, row).map(Some),
            _ => Err(several_users(self.user_model(), login)),
        }
    }

    async fn set_active(&self, id: &UserId, is_active: bool) -> Result<bool, StoreError> {
        let column = self.user_model().active_column()?;
        let UserQueries { table, id: key, .. } = &*self.0.users;
        let sql = format!(
            r#"UPDATE {table} SET "{column}" = $1 WHERE {key} = $2 AND "{column}" IS DISTINCT FROM $1 RETURNING 1"#
        );
        let values = [
            Value::Bool(is_active),
            Value::Key(Some(id), self.0.users.id_kind),
        ];
        Ok(!self.0.pool.write(&sql, &values).await?.is_empty())
    }

    async fn change_password(
        &self,
        id: &UserId,
        password: &EncodedPassword,
    ) -> Result<bool, StoreError> {
        let column = &self.user_model().password;
        let UserQueries { table, id: key, .. } = &*self.0.users;
        let sql = format!(r#"UPDATE {table} SET "{column}" = $1 WHERE {key} = $2 RETURNING 1"#);
        let values = [
            Value::Text(password.expose()),
            Value::Key(Some(id), self.0.users.id_kind),
        ];
        Ok(!self.0.pool.write(&sql, &values).await?.is_empty())
    }
}

#[async_trait]
impl AccountStore for PostgresStore {
    async fn sign_up(&self, new: SignUp, at: Timestamp) -> Result<Saved<User>, StoreError> {
        self.add(None, &new, at).await
    }

    async fn find_by_key(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        let queries = &self.0.users;
        let select = self.select(self.personal_columns().await?);
        let sql = format!(
            "{select} WHERE {} = $1",
            column(queries, &self.user_model().id)
        );
        let key = [Value::Key(Some(id), queries.id_kind)];
        let rows = self.0.pool.read(&sql, &key).await?;
        rows.first().map(|row| account(queries, row)).transpose()
    }

    async fn find_by_email(&self, email: &str) -> Result<Vec<Account>, StoreError> {
        let queries = &self.0.users;
        let columns = self.personal_columns().await?;
        if !columns.contains(&"email") {
            return Ok(Vec::new());
        }
        let is_same = iexact(&column(queries, "email"), "$1");
        let model = self.user_model();
        let is_active = model.is_active.as_deref();
        let is_active = is_active.map_or("true".to_owned(), |name| column(queries, name));
        let key = column(queries, &model.id);
        let sql = format!(
            "{} WHERE {is_same} AND {is_active}::boolean ORDER BY {key} LIMIT {MOST_NAMESAKES}",
            self.select(columns)
        );
        let rows = self.0.pool.read(&sql, &[Value::Text(email)]).await?;
        rows.iter().map(|row| account(queries, row)).collect()
    }

    async fn update_profile(
        &self,
        id: &UserId,
        changes: &Changes,
    ) -> Result<Saved<()>, StoreError> {
        let (queries, model) = (&self.0.users, self.user_model());
        let UserQueries { table, id: key, .. } = &**queries;
        let mut values = vec![Value::Key(Some(id), queries.id_kind)];
        let (mut assignments, mut condition) = (Vec::new(), format!("{key} = $1"));
        let columns = changes.columns(model);
        let mut login = None;
        for column in &columns {
            values.push(Value::Compared(column.value));
            let place = values.len();
            assignments.push(format!(r#""{}" = ${place}"#, column.name));
            if *column.name == *model.username {
                login = Some(column);
                values.push(Value::Text(column.value));
                condition += &self.unless_anothers(values.len());
            }
        }
        let sql = format!(
            "UPDATE {table} SET {} WHERE {condition} RETURNING 1",
            assignments.join(", ")
        );
        let name = login.map(|column| column.value);
        let taken = login.map_or("username", |column| column.field);
        match self.change_users(name, &sql, &values).await? {
            Err(failure) => Ok(refused(&failure, &columns, model)),
            Ok(rows) if !rows.is_empty() => Ok(Saved::Done(())),
            Ok(_) if self.find_by_key(id).await?.is_some() => Ok(Saved::Taken(taken)),
            Ok(_) => Ok(Saved::Gone),
        }
    }

    fn keeps_unverified(&self) -> bool {
        self.0.steps.contains(&Migration::Unverified)
    }

    async fn keep_unverified(
        &self,
        new: &SignUp,
        at: Timestamp,
        since: Timestamp,
    ) -> Result<i64, StoreError> {
        self.keep(new, at, since).await
    }

    async fn find_unverified(
        &self,
        id: i64,
        since: Timestamp,
    ) -> Result<Option<Unverified>, StoreError> {
        Ok(self.kept(id, since).await?.pop())
    }

    async fn find_unverified_by_email(
        &self,
        email: &str,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<Unverified>, StoreError> {
        self.kept_for(email, since, most).await
    }

    async fn verify(&self, proved: Unverified, at: Timestamp) -> Result<Saved<User>, StoreError> {
        self.add(Some(proved.id), &proved.sign_up, at).await
    }
}

impl PostgresStore {
    /// Nobody, where several have this id.
    pub(super) async fn account_by_user_id(
        &self,
        id: &UserId,
    ) -> Result<Option<Account>, StoreError> {
        let queries = &self.0.users;
        let select = self.select(self.personal_columns().await?);
        let user_id = column(queries, &self.user_model().user_id);
        let sql = format!("{select} WHERE {user_id} = $1 LIMIT 2");
        let key = [Value::Key(Some(id), queries.user_id_kind)];
        let rows = self.0.pool.read(&sql, &key).await?;
        match &rows[..] {
            [row] => account(queries, row).map(Some),
            _ => Ok(None),
        }
    }

    /// The condition that nobody but the user with the key $1 logs in by the name at this place.
    fn unless_anothers(&self, place: usize) -> String {
        let model = self.user_model();
        let UserQueries { table, id: key, .. } = &*self.0.users;
        let (name, value) = (
            format!(r#"other."{}""#, model.username),
            format!("${place}"),
        );
        let is_same = match model.username_lookup {
            UsernameLookup::Iexact => iexact(&name, &value),
            UsernameLookup::Exact => format!("{name}::text = {value}"),
        };
        format!(
            " AND NOT EXISTS (SELECT 1 FROM {table} other WHERE {is_same} AND other.{key} <> $1)"
        )
    }

    /// Those of [`PERSONAL`] that the table has, asked for once it is there.
    async fn personal_columns(&self) -> Result<&[&'static str], StoreError> {
        if let Some(known) = self.0.personal.get() {
            return Ok(known);
        }
        let existing = schema::column_names(&self.0.pool, &self.user_model().table).await?;
        if existing.is_empty() {
            return Ok(&[]);
        }
        let exists = |name: &&str| existing.iter().any(|column| column == name);
        let columns = || PERSONAL.into_iter().filter(exists).collect();
        Ok(self.0.personal.get_or_init(columns))
    }

    /// Every user with [`PERSONAL`] and the last log-in, NULL where there is no such column.
    fn select(&self, personal: &[&str]) -> String {
        let queries = &self.0.users;
        let personal = PERSONAL.map(|name| {
            if personal.contains(&name) {
                format!("coalesce({}::text, '')", column(queries, name))
            } else {
                "NULL::text".to_owned()
            }
        });
        let last_login = self.user_model().last_login.as_deref();
        let last_login = last_login.map_or("NULL".to_owned(), |name| column(queries, name));
        let UserQueries { columns, table, .. } = &**queries;
        format!(
            "SELECT {columns}, {}, {last_login}::timestamptz FROM {table}",
            personal.join(", ")
        )
    }
}

fn column(queries: &UserQueries, name: &str) -> String {
    format!("{}.\"{name}\"", queries.table)
}

fn account(queries: &UserQueries, row: &Row) -> Result<Account, StoreError> {
    let mut account = Account::new(queries.read(row)?);
    let personal = queries.width();
    let text = |place: usize| row.try_get(personal + place).map_err(StoreError::new);
    account.email = text(0)?;
    account.first_name = text(1)?;
    account.last_name = text(2)?;
    let last_login: Option<SystemTime> = row.try_get(personal + 3).map_err(StoreError::new)?;
    account.last_login = last_login.and_then(|at| Timestamp::try_from(at).ok());
    Ok(account)
}
