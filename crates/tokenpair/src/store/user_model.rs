//! The mapping from a Django user model to a table: names of columns, kinds of keys.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
use super::relations::is_relation;
use crate::error::StoreError;
use crate::models::UserIdKind;
use crate::settings::SettingsError;

/// Where users live: `auth_user` by default, or a custom model's table.
///
/// Column names are Django's: what `USERNAME_FIELD` and `USER_ID_FIELD` say, and the table Django made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserModel {
    /// The table.
    pub table: String,
    /// The primary key's column.
    pub id: String,
    /// The primary key's kind.
    pub id_kind: UserIdKind,
    /// The login column (`USERNAME_FIELD`).
    pub username: String,
    /// What clients call it beside `password`; `None`: as the column. A Django field may have another `db_column`.
    pub username_field: Option<String>,
    /// How a log-in's name is compared with that column.
    pub username_lookup: UsernameLookup,
    /// The column of `USER_ID_FIELD`, which tokens name.
    pub user_id: String,
    /// The kind of that column.
    pub user_id_kind: UserIdKind,
    /// The column with the encoded password.
    pub password: String,
    /// The column that says whether the account is active; `None`: all are.
    pub is_active: Option<String>,
    /// The column of the staff flag; `None`: nobody is staff.
    pub is_staff: Option<String>,
    /// The column of the superuser flag; `None`: nobody is.
    pub is_superuser: Option<String>,
    /// The column of the last log-in; `None`: it is not kept.
    pub last_login: Option<String>,
    /// Further columns to read with every user, into [`User::columns`](crate::User::columns). Never the password's.
    ///
    /// `groups`, `user_permissions`, `group_permissions` and `all_permissions` are read from Django's tables where the
    /// user table has no column of that name, and only at a log-in
    /// ([`UserTable::login_columns`](super::UserTable::login_columns)): sorted names, and sorted permissions such as
    /// `auth.add_user`, with the meaning of Django's `get_user_permissions()` and its like.
    pub columns: Vec<String>,
}

/// How the name of a log-in is compared, by Django's names of look-ups. Users that tokens name are found exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsernameLookup {
    /// Each character counts.
    #[default]
    Exact,
    /// A user with exactly this name, or else the only one whose name differs from it at most in case. Which letters
    /// have case, the database decides, as under Django: on SQLite those of ASCII, on PostgreSQL all that its `UPPER`
    /// knows.
    Iexact,
}

impl Default for UserModel {
    /// Django's `auth.User`.
    fn default() -> Self {
        Self {
            table: "auth_user".to_owned(),
            id: "id".to_owned(),
            id_kind: UserIdKind::Integer,
            username: "username".to_owned(),
            username_field: None,
            username_lookup: UsernameLookup::Exact,
            user_id: "id".to_owned(),
            user_id_kind: UserIdKind::Integer,
            password: "password".to_owned(),
            is_active: Some("is_active".to_owned()),
            is_staff: Some("is_staff".to_owned()),
            is_superuser: Some("is_superuser".to_owned()),
            last_login: Some("last_login".to_owned()),
            columns: Vec::new(),
        }
    }
}

impl UserModel {
    /// What [`columns`](Self::columns) may name besides columns: lists that Django keeps in other tables.
    pub const RELATIONS: [&str; 4] = [
        "groups",
        "user_permissions",
        "group_permissions",
        "all_permissions",
    ];

    /// The name of the log-in field: what clients send beside `password`.
    pub fn username_field(&self) -> &str {
        self.username_field.as_deref().unwrap_or(&self.username)
    }

    /// Whether this is `auth.User`, whose table we can create.
    pub fn is_auth_user(&self) -> bool {
        self.table == "auth_user"
    }

    /// Whether new users log in by their e-mail address rather than by a user name. Fails for a model whose users we
    /// cannot create, as we do not know what else its table needs.
    pub fn creates_by_email(&self) -> Result<bool, StoreError> {
        match self.username.as_str() {
            "username" if self.is_auth_user() => Ok(false),
            "email" if self.is_auth_user() => Ok(true),
            _ => Err(StoreError::new(format!(
                "users of {} that log in by {} are created by their own application",
                self.table, self.username
            ))),
        }
    }

    /// The same model with tokens that name `column` of the given kind (`USER_ID_FIELD`).
    pub fn with_user_id(mut self, column: impl Into<String>, kind: UserIdKind) -> Self {
        self.user_id = column.into();
        self.user_id_kind = kind;
        self
    }

    /// Refuses names that are no [identifiers](Self::is_identifier), and the password among the further columns.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let refuse = |message| Err(SettingsError::new("user model", None, message));
        let columns = self.mapped_columns().map(|(_, column)| column);
        for name in columns.chain([self.table.as_str(), self.username_field()]) {
            if !Self::is_identifier(name) {
                return refuse(format!(
                    "{name:?} is no table or column name: letters, digits and _ only, at most 63"
                ));
            }
        }
        if self.username_field() == "password" {
            return refuse(
                "the log-in field cannot be \"password\", which clients send beside it".to_owned(),
            );
        }
        if self.columns.iter().any(|column| self.is_password(column)) {
            return refuse(format!(
                "{:?} is the column of the password, which is never given out",
                self.password
            ));
        }
        Ok(())
    }

    /// Whether a table or column may have this name: letters, digits and `_`, at most 63 bytes.
    pub fn is_identifier(name: &str) -> bool {
        let plain = |c: char| c.is_alphanumeric() || c == '_';
        (1..=63).contains(&name.len()) && name.chars().all(plain)
    }

    /// Whether `column` is the password's. The letters' case does not count, as to a database it may not.
    pub fn is_password(&self, column: &str) -> bool {
        column.to_lowercase() == self.password.to_lowercase()
    }

    /// Every column that is read or written, with the field of this struct that names it.
    pub(crate) fn mapped_columns(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let required = [
            ("id", &self.id),
            ("username", &self.username),
            ("user_id", &self.user_id),
            ("password", &self.password),
        ];
        let optional = [
            ("is_active", &self.is_active),
            ("is_staff", &self.is_staff),
            ("is_superuser", &self.is_superuser),
            ("last_login", &self.last_login),
        ];
        let optional = optional
            .into_iter()
            .filter_map(|(field, column)| Some((field, column.as_ref()?)));
        let further = self.columns.iter().map(|column| ("columns", column));
        let all = required.into_iter().chain(optional).chain(further);
        all.map(|(field, column)| (field, column.as_str()))
    }

    /// What this model names and a table with the `existing` columns does not have, as a sentence. Without any column
    /// there is no table. `same` compares names as the database does.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) fn flaw(
        &self,
        existing: &[String],
        same: impl Fn(&str, &str) -> bool,
    ) -> Option<String> {
        let table = &self.table;
        if existing.is_empty() {
            return Some(format!("the user table {table:?} does not exist"));
        }
        let exists = |name: &str| existing.iter().any(|column| same(column, name));
        let may_be_elsewhere = |field: &str, name: &str| field == "columns" && is_relation(name);
        let mut missing = self
            .mapped_columns()
            .filter(|(field, name)| !exists(name) && !may_be_elsewhere(field, name));
        missing.next().map(|(field, name)| {
            let related = Self::RELATIONS.iter().filter(|_| field == "columns");
            let known = existing.iter().map(String::as_str).chain(related.copied());
            let hint = crate::nearest(name, known)
                .map(|column| format!(", did you mean {column:?}?"))
                .unwrap_or_default();
            format!("the user table {table:?} has no column {name:?} ({field}){hint}")
        })
    }
}
