//! SQL for the verbs of operators and of people on their own account: [`UserAdmin`], [`AccountStore`].

use super::super::user_admin::PERSONAL;
use super::super::{
    Account, AccountStore, Changes, MOST_NAMESAKES, Migration, NewUser, SignUp, Updated, UserAdmin,
    UserModel, UserPage, UserTable as _, several_users,
};
use super::iexact::IexactQueries;
use super::users::UserQueries;
use super::{SqliteStore, django_time};
use crate::error::StoreError;
use crate::models::{EncodedPassword, User, UserId};
use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rusqlite::{Connection, ErrorCode, Row, ToSql, params};
use std::sync::{Arc, OnceLock};

const CREATE: &str = r#"INSERT INTO "auth_user"
    ("password", "last_login", "is_superuser", "username", "last_name", "email", "is_staff", "is_active",
     "date_joined", "first_name")
    SELECT ?1, NULL, ?2, ?3, ?7, ?4, ?5, ?8, ?6, ?9"#;
const NOTE_UNVERIFIED: &str =
    r#"INSERT OR REPLACE INTO "tokenpair_unverified" ("user_id") VALUES (?1)"#;
const FORGET_UNVERIFIED: &str = r#"DELETE FROM "tokenpair_unverified" WHERE "user_id" = ?1"#;
const IS_UNVERIFIED: &str =
    r#"SELECT EXISTS (SELECT 1 FROM "tokenpair_unverified" WHERE "user_id" = ?1)"#;
/// Django's table lets two users have one address; where it is the login, that must not be.
const UNLESS_ADDRESS_IS_TAKEN: &str =
    r#"WHERE NOT EXISTS (SELECT 1 FROM "auth_user" WHERE "email" = ?4)"#;

#[async_trait]
impl UserAdmin for SqliteStore {
    fn user_model(&self) -> &UserModel {
        &self.0.model
    }

    async fn create_user(&self, user: NewUser, at: Timestamp) -> Result<Option<User>, StoreError> {
        self.sign_up(user.into(), at).await
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
        let (id, is_ours) = (id.clone(), self.notes_unverified());
        let switch = move |db: &Connection| {
            if is_ours {
                db.execute(FORGET_UNVERIFIED, [id.to_string()])?;
            }
            Ok(db.execute(&sql, params![is_active, id])? == 1)
        };
        self.write(switch).await
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
    async fn sign_up(&self, user: SignUp, at: Timestamp) -> Result<Option<User>, StoreError> {
        let by_email = self.user_model().creates_by_email()?;
        let (login, iexact) = (user.user.username.clone(), self.0.iexact.clone());
        let add = move |db: &Connection| {
            let is_taken = iexact.as_ref().map_or(Ok(false), |iexact| {
                let spellings = iexact.spellings(db, &user.user.username)?;
                Ok::<_, rusqlite::Error>(!spellings.is_empty())
            });
            Ok(!is_taken? && create(db, &user, by_email, at)?)
        };
        let created = self.write(add).await?;
        if created {
            self.find_by_login(&login).await
        } else {
            Ok(None)
        }
    }

    async fn find_by_key(&self, id: &UserId) -> Result<Option<Account>, StoreError> {
        let (queries, id) = (self.0.accounts.clone(), id.clone());
        self.look_up(move |db| queries.by_key(db, &id)).await
    }

    async fn find_by_email(&self, email: &str) -> Result<Vec<Account>, StoreError> {
        let (queries, email) = (self.0.accounts.clone(), email.to_owned());
        self.read(move |db| queries.by_email(db, &email)).await
    }

    async fn update_profile(&self, id: &UserId, changes: &Changes) -> Result<Updated, StoreError> {
        let queries = self.0.accounts.clone();
        let (id, changes, iexact) = (id.clone(), changes.clone(), self.0.iexact.clone());
        self.write(move |db| queries.update(db, &id, &changes, iexact.as_deref()))
            .await
    }

    async fn is_unverified(&self, id: &UserId) -> Result<bool, StoreError> {
        let id = id.to_string();
        self.read(move |db| {
            db.prepare_cached(IS_UNVERIFIED)?
                .query_row([&id], |row| row.get(0))
        })
        .await
    }

    async fn verify(&self, id: &UserId) -> Result<bool, StoreError> {
        let model = self.user_model();
        let sql = format!(
            r#"UPDATE "{}" SET "{}" = 1 WHERE "{}" = ?1"#,
            model.table,
            model.active_column()?,
            model.id
        );
        let id = id.clone();
        self.write(move |db| {
            let was_unverified = db.execute(FORGET_UNVERIFIED, [id.to_string()])? == 1;
            Ok(was_unverified && db.execute(&sql, params![id])? == 1)
        })
        .await
    }
}

impl SqliteStore {
    /// Whether there may be somebody who has yet to prove the address.
    fn notes_unverified(&self) -> bool {
        self.0.model.is_auth_user() && self.0.steps.contains(&Migration::Unverified)
    }
}

/// Adds a user to `auth_user`; false if the name is taken.
fn create(db: &Connection, new: &SignUp, by_email: bool, at: Timestamp) -> rusqlite::Result<bool> {
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
        new.is_verified,
        new.first_name
    ];
    let sql = format!("{CREATE} {unless} ON CONFLICT DO NOTHING");
    let created = db.execute(&sql, values)? == 1;
    if created && !new.is_verified {
        db.execute(NOTE_UNVERIFIED, [db.last_insert_rowid().to_string()])?;
    }
    Ok(created)
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
            .unless_ambiguous(account, accounts.next().is_some()))
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
        let mut statement = db.prepare_cached(&format!(
            "{} WHERE {column} = ?1 COLLATE NOCASE ORDER BY {key} LIMIT {MOST_NAMESAKES}",
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
    ) -> rusqlite::Result<Updated> {
        let columns = changes.columns(&self.model);
        let login = columns
            .iter()
            .find(|(name, _)| *name == self.model.username);
        if let Some((_, login)) = login
            && self.is_anothers(db, login, id, iexact)?
        {
            return Ok(Updated::Taken);
        }
        let assignments = (2..).zip(&columns);
        let assignments = assignments.map(|(place, (name, _))| format!("\"{name}\" = ?{place}"));
        let sql = format!(
            "UPDATE {} SET {} WHERE \"{}\" = ?1",
            self.users.table,
            assignments.collect::<Vec<_>>().join(", "),
            self.model.id
        );
        let mut values: Vec<&dyn ToSql> = vec![id];
        values.extend(columns.iter().map(|(_, value)| value as &dyn ToSql));
        match db.execute(&sql, values.as_slice()) {
            Ok(0) => Ok(Updated::Gone),
            Ok(_) => Ok(Updated::Done),
            // The statement alone is undone, not the transaction around it.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                Ok(Updated::Taken)
            }
            Err(error) => Err(error),
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
