//! What an operator does with users: create, list, switch on and off, set a password.
//!
//! The verbs behind `createsuperuser`, `changepassword` and Django's admin pages; no request ever calls them.

use super::{UserModel, UserTable};
use crate::error::StoreError;
use crate::models::{EncodedPassword, User, UserId};
use async_trait::async_trait;
use jiff::Timestamp;

/// Users as an operator handles them.
///
/// A verb that needs a column which the [`UserModel`] does not have is an error that names the column.
#[async_trait]
pub trait UserAdmin: UserTable {
    /// Which table, and which of its columns exist.
    fn user_model(&self) -> &UserModel;

    /// Adds a user. `None`: the login name is taken, where names are looked up without case in any spelling.
    ///
    /// For Django's own `auth_user` only, with `username` or `email` as the login: what columns another model needs
    /// is not known here. Where users log in by e-mail, both columns get the address.
    async fn create_user(&self, user: NewUser, at: Timestamp) -> Result<Option<User>, StoreError>;

    /// Users in the order of their keys, at most `page.limit` of them.
    async fn list_users(&self, page: &UserPage) -> Result<Vec<Account>, StoreError>;

    /// The user with this login name, looked up as the [`UserModel`] says. An error where several have it, see
    /// [`several_users`].
    async fn find_account(&self, login: &str) -> Result<Option<Account>, StoreError>;

    /// Lets the user with this primary key in or bars them. `false`: it was so before, or there is no such user.
    async fn set_active(&self, id: &UserId, is_active: bool) -> Result<bool, StoreError>;

    /// Replaces the password of the user with this primary key, whatever it was. `false`: there is no such user.
    async fn change_password(
        &self,
        id: &UserId,
        password: &EncodedPassword,
    ) -> Result<bool, StoreError>;
}

/// The error for a login name that several users have: none of them is meant more than another.
pub fn several_users(model: &UserModel, login: &str) -> StoreError {
    StoreError::new(format!(
        "several users of {} have the {} {login:?}: it must be unique to mean one of them",
        model.table, model.username
    ))
}

/// A user to be created.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The login name, at most 150 characters; an e-mail address where users log in by it.
    pub username: String,
    /// The e-mail address, possibly empty. Not looked at where the login is one.
    pub email: String,
    /// The encoded password.
    pub password: EncodedPassword,
    /// Django's staff flag.
    pub is_staff: bool,
    /// Django's superuser flag; Django's own `create_superuser` sets both.
    pub is_superuser: bool,
}

/// Which users [`UserAdmin::list_users`] gives.
#[derive(Clone, Debug)]
pub struct UserPage {
    /// Only users whose login name or e-mail address contains this text; ASCII letters match in either case.
    pub search: Option<String>,
    /// Only users with a greater primary key: that of the last user of the page before.
    pub after: Option<UserId>,
    /// The most users wanted.
    pub limit: usize,
}

/// A user with what the table knows about the person.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Account {
    /// The user.
    pub user: User,
    /// The column `email`; `None`: there is no such column.
    pub email: Option<String>,
    /// The column `first_name`; `None`: there is no such column.
    pub first_name: Option<String>,
    /// The column `last_name`; `None`: there is no such column.
    pub last_name: Option<String>,
    /// The last log-in; `None`: never, or it is not kept.
    pub last_login: Option<Timestamp>,
}

impl Account {
    /// A user of whom nothing more is known.
    pub fn new(user: User) -> Self {
        Self {
            user,
            email: None,
            first_name: None,
            last_name: None,
            last_login: None,
        }
    }
}

/// Columns of Django's user that a mapped table may lack; the model does not name them.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) const PERSONAL: [&str; 3] = ["email", "first_name", "last_name"];

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl UserModel {
    /// The column that bars users, or an error that says that there is none.
    pub(super) fn active_column(&self) -> Result<&str, StoreError> {
        self.is_active.as_deref().ok_or_else(|| {
            StoreError::new(format!(
                "users of {} are always active: the user model has no column is_active",
                self.table
            ))
        })
    }
}
