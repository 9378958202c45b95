//! SQL for the verbs of operators and of people on their own account: [`UserAdmin`], [`AccountStore`].

use super::super::user_admin::PERSONAL;
use super::super::{
    Account, AccountStore, Changes, MOST_NAMESAKES, Migration, NewUser, Saved, SignUp, Unverified,
    UserAdmin, UserModel, UserPage, several_users,
};
use super::SqliteStore;
use super::iexact::IexactQueries;
use super::sign_up::{self, refused};
use super::users::UserQueries;
use crate::error::StoreError;
use crate::models::{EncodedPassword, User, UserId};
use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rusqlite::{Connection, Row, ToSql, params};
use std::sync::{Arc, OnceLock};

#[async_trait]
impl UserAdmin for SqliteStore {
    fn user_model(&self) -> &UserModel {
        &self.0.model
    }

    async fn create_user(&self, user: NewUser, at: Timestamp) -> Result<Option<User>, StoreError> {
        self.sign_up(user.into(), at).await?.created()
    }

    async fn list_users(&self, page: &UserPage) -> Result<Vec<Account>, StoreError> {
        let (queries, page) = (self.0.accounts.clone(), page.clone());
        self.read(move |db| queries.list(db, &page)).await
    }

    async fn find_account(&self, login: &str) -> Result<Option<Account>, StoreError> {
        let (queries, wanted) = (self.0.accounts.clone(), login.to_owned());
        let iexact = self.0.iexact.clone();
        let find = move |db: &Connection| {
            let mut found = queries.find(db, &wanted)?;
            if let Some(iexact) = iexact.filter(|_| found.is_empty()) {
                for spelling in iexact.spellings(db, &wanted)? {
                    found.extend(queries.find(db, &spelling)?);
                }
            }
            Ok(found)
        };
        let mut found = self.read(find).await?;
        let one = found.pop();
        if found.is_empty() {
            Ok(one)
        } else {
            Err(several_users(self.user_model(), login))
        }
    }

    async fn set_active(&self, id: &UserId, is_active: bool) -> Result<bool, StoreError> {
        let model = self.user_model();
        let column = model.active_column()?;
        let sql = format!(
            r#"UPDATE "{}" SET "{column}" = ?1 WHERE "{}" = ?2 AND "{column}" IS NOT ?1"#,
            model.table, model.id
        );
        let id = id.clone();
        self.write(move |db| Ok(db.execute(&sql, params![is_active, id])? == 1))
            .await
    }

    async fn change_password(
        &self,
        id: &UserId,
        password: &EncodedPassword,
    ) -> Result<bool, StoreError> {
        let model = self.user_model();
        let sql = format!(
            r#"UPDATE "{}" SET "{}" = ?1 WHERE "{}" = ?2"#,
            model.table, model.password, model.id
        );
        let (id, password) = (id.clone(), password.clone());
        self.write(move |db| Ok(db.execute(&sql, params![password.expose(), id])? == 1))
            .await
    }
}

#[async_trait]
impl AccountStore for SqliteStore {
    async fn sign_up(&self, new: SignUp, at: Timestamp) -> Result<Saved<User>, StoreError> {
        self.add(None, new, at).await
    }

    async fn find_by_key(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        let (queries, id) = (self.0.accounts.clone(), id.clone());
        self.look_up(move |db| queries.by_key(db, &id)).await
    }

    async fn find_by_email(&self, email: &str) -> Result<Vec<Account>, StoreError> {
        let (queries, email) = (self.0.accounts.clone(), email.to_owned());
        self.read(move |db| queries.by_email(db, &email)).await
    }

    async fn update_profile(
        &self,
        id: &UserId,
        changes: &Changes,
    ) -> Result<Saved<()>, StoreError> {
        let queries = self.0.accounts.clone();
        let (id, changes, iexact) = (id.clone(), changes.clone(), self.0.iexact.clone());
        self.write(move |db| queries.update(db, &id, &changes, iexact.as_deref()))
            .await
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
        let new = new.clone();
        self.write(move |db| sign_up::keep(db, &new, at, since))
            .await
    }

    async fn find_unverified(
        &self,
        id: i64,
        since: Timestamp,
    ) -> Result<Option<Unverified>, StoreError> {
        self.look_up(move |db| sign_up::kept(db, id, since)).await
    }

    async fn find_unverified_by_email(
        &self,
        email: &str,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<Unverified>, StoreError> {
        let email = email.to_owned();
        self.look_up(move |db| sign_up::kept_for(db, &email, since, most))
            .await
    }

    async fn verify(&self, proved: Unverified, at: Timestamp) -> Result<Saved<User>, StoreError> {
        self.add(Some(proved.id), proved.sign_up, at).await
    }
}

impl SqliteStore {
    /// Adds a user, of whom this was kept.
    async fn add(
        &self,
        kept: Option<i64>,
        new: SignUp,
        at: Timestamp,
    ) -> Result<Saved<User>, StoreError> {
        let by_email = self.user_model().creates_by_email()?;
        let (login, iexact) = (new.user.username.clone(), self.0.iexact.clone());
        let queries = self.0.accounts.clone();
        let add = move |db: &Connection| {
            if let Some(id) = kept
                && !sign_up::forget(db, id)?
            {
                return Ok(Saved::Gone);
            }
            let spellings = iexact.as_ref().map(|iexact| iexact.spellings(db, &login));
            if spellings
                .transpose()?
                .is_some_and(|found| !found.is_empty())
            {
                return Ok(Saved::Taken(sign_up::login_field(by_email)));
            }
            let saved = sign_up::create(db, &new, by_email, at)?;
            let key = db.last_insert_rowid();
            let made = queries.by_key(db, &UserId::Int(key))?;
            let made = made.map(|account| account.user);
            Ok(saved.map(|()| made.unwrap_or_else(|| User::new(key, login.as_str()))))
        };
        self.write(add).await
    }
}

/// The statements of one user model.
#[derive(Debug)]
pub(super) struct AccountQueries {
    users: Arc<UserQueries>,
    model: UserModel,
    /// Those of [`PERSONAL`] that the table has, once it is there.
    personal: OnceLock<Vec<&'static str>>,
}

impl AccountQueries {
    pub(super) fn new(users: &Arc<UserQueries>, model: &UserModel) -> Self {
        Self {
            users: users.clone(),
            model: model.clone(),
            personal: OnceLock::new(),
        }
    }

    /// Nobody, where several have this id.
    pub(super) fn by_user_id(
        &self,
        db: &Connection,
        id: &UserId,
    ) -> rusqlite::Result<Option<Account>> {
        let select = self.select(&self.personal_columns(db)?);
        let user_id = self.column(&self.model.user_id);
        let mut statement = db.prepare_cached(&format!("{select} WHERE {user_id} = ?1"))?;
        let mut accounts = statement.query_map([id], |row| self.read(row))?;
        let account = accounts.next().transpose()?;
        Ok(self
            .users
            .unless_ambiguous(account, accounts.next().transpose()?.is_some()))
    }

    fn by_key(&self, db: &Connection, id: &UserId) -> rusqlite::Result<Option<Account>> {
        let select = self.select(&self.personal_columns(db)?);
        let key = self.column(&self.model.id);
        let mut statement = db.prepare_cached(&format!("{select} WHERE {key} = ?1"))?;
        let mut accounts = statement.query_map([id], |row| self.read(row))?;
        accounts.next().transpose()
    }

    fn by_email(&self, db: &Connection, email: &str) -> rusqlite::Result<Vec<Account>> {
        let columns = self.personal_columns(db)?;
        if !columns.contains(&"email") {
            return Ok(Vec::new());
        }
        let (key, column) = (self.column(&self.model.id), self.column("email"));
        let is_active = self.model.is_active.as_deref();
        let is_active = is_active.map_or("true".to_owned(), |name| self.column(name));
        let mut statement = db.prepare_cached(&format!(
            "{} WHERE {column} = ?1 COLLATE NOCASE AND {is_active} ORDER BY {key} LIMIT {MOST_NAMESAKES}",
            self.select(&columns)
        ))?;
        let accounts = statement.query_map([email], |row| self.read(row))?;
        accounts.collect()
    }

    fn update(
        &self,
        db: &Connection,
        id: &UserId,
        changes: &Changes,
        iexact: Option<&IexactQueries>,
    ) -> rusqlite::Result<Saved<()>> {
        let columns = changes.columns(&self.model);
        let login = columns
            .iter()
            .find(|column| column.name == self.model.username);
        if let Some(login) = login
            && self.is_anothers(db, login.value, id, iexact)?
        {
            return Ok(Saved::Taken(login.field));
        }
        let assignments = (2..).zip(&columns);
        let assignments =
            assignments.map(|(place, column)| format!("\"{}\" = ?{place}", column.name));
        let sql = format!(
            "UPDATE {} SET {} WHERE \"{}\" = ?1",
            self.users.table,
            assignments.collect::<Vec<_>>().join(", "),
            self.model.id
        );
        let mut values: Vec<&dyn ToSql> = vec![id];
        values.extend(columns.iter().map(|column| &column.value as &dyn ToSql));
        match db.execute(&sql, values.as_slice()) {
            Ok(0) => Ok(Saved::Gone),
            Ok(_) => Ok(Saved::Done(())),
            // The statement alone is undone, not the transaction around it.
            Err(error) => refused(error, &columns, &self.model.table),
        }
    }

    /// Whether somebody else logs in by this name.
    fn is_anothers(
        &self,
        db: &Connection,
        login: &str,
        id: &UserId,
        iexact: Option<&IexactQueries>,
    ) -> rusqlite::Result<bool> {
        let mut spellings = vec![login.to_owned()];
        if let Some(iexact) = iexact {
            spellings.extend(iexact.spellings(db, login)?);
        }
        for spelling in spellings {
            let found = self.find(db, &spelling)?;
            if found.iter().any(|account| account.user.id != *id) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Two at most: more than one is as wrong as many.
    fn find(&self, db: &Connection, login: &str) -> rusqlite::Result<Vec<Account>> {
        let columns = self.personal_columns(db)?;
        let (select, login_column) = (self.select(&columns), self.login());
        let mut statement = db.prepare(&format!("{select} WHERE {login_column} = ?1 LIMIT 2"))?;
        let accounts = statement.query_map([login], |row| self.read(row))?;
        accounts.collect()
    }

    fn list(&self, db: &Connection, page: &UserPage) -> rusqlite::Result<Vec<Account>> {
        let columns = self.personal_columns(db)?;
        let key = self.column(&self.model.id);
        let (mut conditions, mut values) = (Vec::new(), Vec::<&dyn ToSql>::new());
        if let Some(after) = &page.after {
            values.push(after);
            conditions.push(format!("{key} > ?{}", values.len()));
        }
        if let Some(search) = &page.search {
            values.push(search);
            let searched = [
                Some(self.login()),
                columns.contains(&"email").then(|| self.column("email")),
            ];
            let matches: Vec<String> = searched
                .into_iter()
                .flatten()
                .map(|column| format!("instr(lower({column}), lower(?{})) > 0", values.len()))
                .collect();
            conditions.push(format!("({})", matches.join(" OR ")));
        }
        conditions.push("true".to_owned());
        let limit = i64::try_from(page.limit).unwrap_or(i64::MAX);
        let sql = format!(
            "{} WHERE {} ORDER BY {key} LIMIT {limit}",
            self.select(&columns),
            conditions.join(" AND ")
        );
        let mut statement = db.prepare(&sql)?;
        let accounts = statement.query_map(values.as_slice(), |row| self.read(row))?;
        accounts.collect()
    }

    /// Those of [`PERSONAL`] that the table has.
    fn personal_columns(&self, db: &Connection) -> rusqlite::Result<Vec<&'static str>> {
        if let Some(known) = self.personal.get() {
            return Ok(known.clone());
        }
        let mut names = db.prepare("SELECT name FROM pragma_table_info(?1)")?;
        let names = names.query_map([&self.model.table], |row| row.get(0))?;
        let names: Vec<String> = names.collect::<Result<_, _>>()?;
        let exists = |column: &&str| names.iter().any(|name| name.eq_ignore_ascii_case(column));
        let columns: Vec<_> = PERSONAL.into_iter().filter(exists).collect();
        if !names.is_empty() {
            let _ = self.personal.set(columns.clone());
        }
        Ok(columns)
    }

    fn select(&self, personal: &[&str]) -> String {
        let personal = PERSONAL.map(|name| {
            let exists = personal.contains(&name);
            let value = exists.then(|| format!("coalesce({}, '')", self.column(name)));
            (name, value)
        });
        let last_login = self.model.last_login.as_deref();
        let last_login = ("last_login", last_login.map(|name| self.column(name)));
        let columns: Vec<String> = personal
            .into_iter()
            .chain([last_login])
            .map(|(name, value)| {
                format!(
                    "{} AS \"account_{name}\"",
                    value.as_deref().unwrap_or("NULL")
                )
            })
            .collect();
        let UserQueries {
            columns: user,
            table,
            ..
        } = &*self.users;
        format!("SELECT {user}, {} FROM {table}", columns.join(", "))
    }

    fn login(&self) -> String {
        self.column(&self.model.username)
    }

    /// With its table: SQLite takes a name in quotes that is no column for a text.
    fn column(&self, name: &str) -> String {
        format!("{}.\"{name}\"", self.users.table)
    }

    fn read(&self, row: &Row<'_>) -> rusqlite::Result<Account> {
        let mut account = Account::new(self.users.read_user(row)?);
        let text = |name: &str| {
            let value = row.get_ref(name)?;
            let text = value.as_bytes_or_null()?;
            Ok::<_, rusqlite::Error>(text.map(|text| String::from_utf8_lossy(text).into_owned()))
        };
        account.email = text("account_email")?;
        account.first_name = text("account_first_name")?;
        account.last_name = text("account_last_name")?;
        account.last_login = text("account_last_login")?.and_then(|text| timestamp(&text));
        Ok(account)
    }
}

/// A time as Django's SQLite backend writes it; what is none is read as "never".
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let utc: DateTime = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(utc).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_up_that_is_interrupted_wherever_finds_no_absence() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch(
            "CREATE TABLE auth_user (id integer PRIMARY KEY, username text, password text, is_active bool, is_staff bool,
                is_superuser bool, email text, first_name text, last_name text, last_login text);
             INSERT INTO auth_user VALUES (1, 'ada', '', 1, 0, 0, '', '', '', NULL)",
        )
        .unwrap();
        let model = UserModel::default();
        let users = Arc::new(UserQueries::new(&model));
        let queries = AccountQueries::new(&users, &model);
        let find = |db: &Connection| queries.by_user_id(db, &UserId::Int(1));
        assert!(find(&db).unwrap().is_some());
        let mut interrupted = 0;
        for steps in 1.. {
            let mut left = steps;
            let count = move || {
                left -= 1;
                left == 0
            };
            db.progress_handler(1, Some(count)).unwrap();
            match find(&db) {
                Err(_) => interrupted += 1,
                Ok(found) => {
                    assert!(found.is_some(), "interrupted after {steps} steps");
                    break;
                }
            }
        }
        assert!(interrupted > 9, "{interrupted}");
    }
}
