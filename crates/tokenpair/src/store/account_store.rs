//! What people do with their own account: sign up, change what is known of them, prove an address.

use super::UserAdmin;
use super::user_admin::{Account, NewUser};
use crate::error::StoreError;
use crate::models::{User, UserId};
use async_trait::async_trait;
use jiff::Timestamp;

/// Accounts most that one address is looked up for: Django's table does not keep addresses apart, and what is found is
/// held in memory.
pub const MOST_NAMESAKES: usize = 1000;

/// Users as [`Accounts`](crate::accounts::Accounts) handles them.
///
/// What somebody signed up with who has yet to prove the address is kept apart from the users, in `tokenpair_unverified`.
/// So it takes nobody's name, nobody can let them in or bar them, and it is forgotten without a trace. That table is made
/// beside those of the blacklist.
#[async_trait]
pub trait AccountStore: UserAdmin {
    /// Adds a user, as [`UserAdmin::create_user`] does. Never [`Saved::Gone`].
    async fn sign_up(&self, user: SignUp, at: Timestamp) -> Result<Saved<User>, StoreError>;

    /// The user with this primary key.
    async fn find_by_key(&self, id: &UserId) -> Result<Option<Account>, StoreError>;

    /// Active users with this e-mail address in any case of letters, in the order of their keys, [`MOST_NAMESAKES`] at
    /// most. Nobody where the table has no such column.
    async fn find_by_email(&self, email: &str) -> Result<Vec<Account>, StoreError>;

    /// Changes what is known of the user with this primary key. Where users log in by e-mail, `auth_user` gets the address
    /// as the user name, too.
    async fn update_profile(&self, id: &UserId, changes: &Changes)
    -> Result<Saved<()>, StoreError>;

    /// Whether there is a table for who has yet to prove the address.
    fn keeps_unverified(&self) -> bool;

    /// Keeps what somebody signed up with, under the number that is returned, and forgets what was kept before `since`.
    async fn keep_unverified(
        &self,
        new: &SignUp,
        at: Timestamp,
        since: Timestamp,
    ) -> Result<i64, StoreError>;

    /// What is kept under this number, unless since before `since`.
    async fn find_unverified(
        &self,
        id: i64,
        since: Timestamp,
    ) -> Result<Option<Unverified>, StoreError>;

    /// What is kept for this address in any case of letters, the newest first, `most` of them.
    async fn find_unverified_by_email(
        &self,
        email: &str,
        since: Timestamp,
        most: usize,
    ) -> Result<Vec<Unverified>, StoreError>;

    /// Makes the user of whom this was kept, and forgets what was kept. [`Saved::Gone`]: it is kept no more.
    async fn verify(&self, proved: Unverified, at: Timestamp) -> Result<Saved<User>, StoreError>;
}

/// Somebody who signs up.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// The user.
    pub user: NewUser,
    /// The first name, possibly empty.
    pub first_name: String,
    /// The last name, possibly empty.
    pub last_name: String,
}

impl From<NewUser> for SignUp {
    fn from(user: NewUser) -> Self {
        Self {
            user,
            first_name: String::new(),
            last_name: String::new(),
        }
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl SignUp {
    /// What a database may refuse.
    pub(super) fn columns(&self, by_email: bool) -> [Column<'_>; 4] {
        let (username, email) = (self.user.username.as_str(), self.user.email.as_str());
        let login = if by_email { "email" } else { "username" };
        [
            ("username", login, username),
            ("email", "email", if by_email { username } else { email }),
            ("first_name", "first_name", &self.first_name),
            ("last_name", "last_name", &self.last_name),
        ]
        .map(|(name, field, value)| Column { name, field, value })
    }
}

/// Somebody who signed up and has yet to prove the address.
#[derive(Clone, Debug)]
pub struct Unverified {
    /// The number it is kept under.
    pub id: i64,
    /// What they signed up with.
    pub sign_up: SignUp,
}

/// What to change of a profile; `None` stays as it is. A column that the table does not have must not be named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The login name.
    pub username: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
}

impl Changes {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What to write, each column once.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) fn columns<'a>(&'a self, model: &'a super::UserModel) -> Vec<Column<'a>> {
        let login = if model.username == "email" {
            let copy = model.is_auth_user().then_some("username");
            copy.map(|name| (name, "email", &self.email))
        } else {
            Some((model.username.as_str(), "username", &self.username))
        };
        let rest = [
            ("email", "email", &self.email),
            ("first_name", "first_name", &self.first_name),
            ("last_name", "last_name", &self.last_name),
        ];
        let columns = login.into_iter().chain(rest);
        let column = |(name, field, value): (&'a str, &'static str, &'a Option<String>)| {
            let value = value.as_deref()?;
            Some(Column { name, field, value })
        };
        columns.filter_map(column).collect()
    }
}

/// A column to be written, with the field of [`Changes`] that the value is from.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
#[derive(Clone, Copy, Debug)]
pub(super) struct Column<'a> {
    pub(super) name: &'a str,
    pub(super) field: &'static str,
    pub(super) value: &'a str,
}

/// The field that a database complains of, whose words name a column or a constraint of it.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) fn blamed(columns: &[Column<'_>], table: &str, complaint: &str) -> Option<&'static str> {
    let complaint = complaint.replace(table, "");
    let named = columns
        .iter()
        .find(|column| complaint.contains(column.name));
    let only = columns.first().filter(|_| columns.len() == 1);
    named.or(only).map(|column| column.field)
}

/// What came of a user who was to be added or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved<T> {
    /// It is done.
    Done(T),
    /// Nothing was done: somebody else has what this field says, the login name or an address that the database keeps
    /// apart.
    Taken(&'static str),
    /// Nothing was done: the database does not take what this field says. `None`: it did not say which.
    Unfit(Option<&'static str>),
    /// There is nobody to change.
    Gone,
}

impl<T> Saved<T> {
    /// The same of something else.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Saved<U> {
        match self {
            Self::Done(done) => Saved::Done(change(done)),
            Self::Taken(field) => Saved::Taken(field),
            Self::Unfit(field) => Saved::Unfit(field),
            Self::Gone => Saved::Gone,
        }
    }

    /// What [`UserAdmin::create_user`] tells.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) fn created(self) -> Result<Option<T>, StoreError> {
        match self {
            Self::Done(user) => Ok(Some(user)),
            Self::Taken(_) | Self::Gone => Ok(None),
            Self::Unfit(field) => Err(StoreError::new(format!(
                "the database does not take the user's {}",
                field.unwrap_or("values")
            ))),
        }
    }
}
