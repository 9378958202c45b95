//! SQL for an operator's verbs on the user table: [`UserAdmin`].

use super::super::user_admin::PERSONAL;
use super::super::{
    Account, NewUser, UserAdmin, UserModel, UserPage, UserTable as _, several_users,
};
use super::users::UserQueries;
use super::{SqliteStore, django_time};
use crate::error::StoreError;
use crate::models::{EncodedPassword, User, UserId};
use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rusqlite::{Connection, Row, ToSql, params};
use std::sync::Arc;

const CREATE: &str = r#"INSERT INTO "auth_user"
    ("password", "last_login", "is_superuser", "username", "last_name", "email", "is_staff", "is_active",
     "date_joined", "first_name")
    SELECT ?1, NULL, ?2, ?3, '', ?4, ?5, 1, ?6, ''"#;
/// Django's table lets two users have one address; where it is the login, that must not be.
const UNLESS_ADDRESS_IS_TAKEN: &str =
    r#"WHERE NOT EXISTS (SELECT 1 FROM "auth_user" WHERE "email" = ?4)"#;

#[async_trait]
impl UserAdmin for SqliteStore {
    fn user_model(&self) -> &UserModel {
        &self.0.model
    }

    async fn create_user(&self, user: NewUser, at: Timestamp) -> Result<Option<User>, StoreError> {
        let by_email = self.user_model().creates_by_email()?;
        let (login, iexact) = (user.username.clone(), self.0.iexact.clone());
        let add = move |db: &Connection| {
            let is_taken = iexact.as_ref().map_or(Ok(false), |iexact| {
                let spellings = iexact.spellings(db, &user.username)?;
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

    async fn list_users(&self, page: &UserPage) -> Result<Vec<Account>, StoreError> {
        let (queries, page) = (self.accounts(), page.clone());
        self.read(move |db| queries.list(db, &page)).await
    }

    async fn find_account(&self, login: &str) -> Result<Option<Account>, StoreError> {
        let (queries, wanted) = (self.accounts(), login.to_owned());
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

/// Adds a user to `auth_user`; false if the name is taken.
fn create(
    db: &Connection,
    user: &NewUser,
    by_email: bool,
    at: Timestamp,
) -> rusqlite::Result<bool> {
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
        django_time(at)
    ];
    let sql = format!("{CREATE} {unless} ON CONFLICT DO NOTHING");
    Ok(db.execute(&sql, values)? == 1)
}

/// The statements of one user model.
struct AccountQueries {
    users: Arc<UserQueries>,
    model: UserModel,
}

impl SqliteStore {
    fn accounts(&self) -> AccountQueries {
        AccountQueries {
            users: self.0.users.clone(),
            model: self.0.model.clone(),
        }
    }
}

impl AccountQueries {
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
        let mut exists =
            db.prepare("SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2)")?;
        let mut columns = Vec::new();
        for column in PERSONAL {
            if exists.query_row([self.model.table.as_str(), column], |row| row.get(0))? {
                columns.push(column);
            }
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
