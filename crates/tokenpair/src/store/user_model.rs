//! The mapping from a Django user model to a table: names of columns, kinds of keys.

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
}

impl Default for UserModel {
    /// Django's `auth.User`.
    fn default() -> Self {
        Self {
            table: "auth_user".to_owned(),
            id: "id".to_owned(),
            id_kind: UserIdKind::Integer,
            username: "username".to_owned(),
            user_id: "id".to_owned(),
            user_id_kind: UserIdKind::Integer,
            password: "password".to_owned(),
            is_active: Some("is_active".to_owned()),
            is_staff: Some("is_staff".to_owned()),
            is_superuser: Some("is_superuser".to_owned()),
            last_login: Some("last_login".to_owned()),
        }
    }
}

impl UserModel {
    /// Whether this is `auth.User`, whose table we can create.
    pub fn is_auth_user(&self) -> bool {
        self.table == "auth_user"
    }

    /// The same model with tokens that name `column` of the given kind (`USER_ID_FIELD`).
    pub fn with_user_id(mut self, column: impl Into<String>, kind: UserIdKind) -> Self {
        self.user_id = column.into();
        self.user_id_kind = kind;
        self
    }

    /// Refuses names that are no plain identifiers: letters, digits and `_`, at most 63 characters.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let names = [
            Some(&self.table),
            Some(&self.id),
            Some(&self.username),
            Some(&self.user_id),
            Some(&self.password),
            self.is_active.as_ref(),
            self.is_staff.as_ref(),
            self.is_superuser.as_ref(),
            self.last_login.as_ref(),
        ];
        for name in names.into_iter().flatten() {
            let plain = |c: char| c.is_alphanumeric() || c == '_';
            if name.is_empty() || name.len() > 63 || !name.chars().all(plain) {
                let message = format!(
                    "{name:?} is no table or column name: letters, digits and _ only, at most 63"
                );
                return Err(SettingsError::new("user model", None, message));
            }
        }
        Ok(())
    }
}
