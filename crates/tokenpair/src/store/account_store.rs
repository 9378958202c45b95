//! What people do with their own account: sign up, change what is known of them, prove an address.

use super::UserAdmin;
use super::user_admin::{Account, NewUser};
use crate::error::StoreError;
use crate::models::{User, UserId};
use async_trait::async_trait;
use jiff::Timestamp;

/// Accounts most that one address is looked up for: Django's table does not keep addresses apart.
pub const MOST_NAMESAKES: usize = 10;

/// Users as [`Accounts`](crate::accounts::Accounts) handles them.
///
/// Whoever signed up and did not prove their address is inactive and has a row in `tokenpair_unverified`. The row goes when
/// the address is proved and when an operator decides ([`UserAdmin::set_active`]), so that an old link cannot undo what
/// they did. That table is made beside those of the blacklist; without them nobody can sign up unverified.
#[async_trait]
pub trait AccountStore: UserAdmin {
    /// Adds a user, as [`UserAdmin::create_user`] does. `None`: the login name is taken.
    async fn sign_up(&self, user: SignUp, at: Timestamp) -> Result<Option<User>, StoreError>;

    /// The user with this primary key.
    async fn find_by_key(&self, id: &UserId) -> Result<Option<Account>, StoreError>;

    /// Users with this e-mail address in any case of letters, in the order of their keys, [`MOST_NAMESAKES`] at most. Nobody
    /// where the table has no such column.
    async fn find_by_email(&self, email: &str) -> Result<Vec<Account>, StoreError>;

    /// Changes what is known of the user with this primary key. Where users log in by e-mail, `auth_user` gets the address
    /// as the user name, too.
    async fn update_profile(&self, id: &UserId, changes: &Changes) -> Result<Updated, StoreError>;

    /// Whether this user signed up and did not prove the address yet.
    async fn is_unverified(&self, id: &UserId) -> Result<bool, StoreError>;

    /// Lets somebody in who proved the address. `false`: they had done so before, or an operator decided otherwise.
    async fn verify(&self, id: &UserId) -> Result<bool, StoreError>;
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
    /// Whether the user may log in at once. Otherwise inactive until [`AccountStore::verify`].
    pub is_verified: bool,
}

impl From<NewUser> for SignUp {
    fn from(user: NewUser) -> Self {
        Self {
            user,
            first_name: String::new(),
            last_name: String::new(),
            is_verified: true,
        }
    }
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

    /// Columns and their new values, each column once.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) fn columns<'a>(&'a self, model: &'a super::UserModel) -> Vec<(&'a str, &'a str)> {
        let login = if model.username == "email" {
            model.is_auth_user().then_some(("username", &self.email))
        } else {
            Some((model.username.as_str(), &self.username))
        };
        let rest = [
            ("email", &self.email),
            ("first_name", &self.first_name),
            ("last_name", &self.last_name),
        ];
        let columns = login.into_iter().chain(rest);
        columns
            .filter_map(|(column, value)| Some((column, value.as_deref()?)))
            .collect()
    }
}

/// What came of [`AccountStore::update_profile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updated {
    /// It was changed.
    Done,
    /// Nothing was done: somebody else has this login name, or an address that the database keeps apart.
    Taken,
    /// There is no such user.
    Gone,
}
