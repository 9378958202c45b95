//! The accounts that a server makes by itself in a database that it makes.

use crate::commands::account;
use crate::config::Config;
use crate::database::Database;
use crate::output::Failure;
use crate::random;
use tokenpair::store::NewUser;
use tokio::task::JoinSet;

/// Users of `--demo` and their passwords: ours, then those that well-known tutorials print.
const DEMO: [(&str, &str); 3] = [
    ("test", "test"),
    ("user1", "yourpassword"),
    ("your_username", "your_password"),
];

/// The superuser of a new database.
const ADMIN: &str = "admin";

/// The account to announce.
pub(super) struct FirstUser {
    pub(super) username: String,
    pub(super) password: String,
    /// Whether the password was made for this account and nobody knows it yet.
    pub(super) is_secret: bool,
}

/// Accounts whose passwords are hashed already, so that little can go wrong when they are created.
pub(super) struct FirstUsers {
    announced: FirstUser,
    rows: Vec<NewUser>,
}

impl FirstUsers {
    /// `None` where users log in by something else than a user name: no address can be made up for them.
    pub(super) async fn prepare(config: &Config, demo: bool) -> Result<Option<Self>, Failure> {
        let model = config.database.user_model();
        if !model.is_auth_user() || model.username != "username" {
            return Ok(None);
        }
        let users = if demo {
            DEMO.map(|(name, password)| (name, password.to_owned()))
                .to_vec()
        } else {
            vec![(ADMIN, random::text::<15>()?)]
        };
        let (username, password) = users[0].clone();
        let announced = FirstUser {
            username: username.to_owned(),
            password,
            is_secret: !demo,
        };
        let mut hashing = JoinSet::new();
        for (name, password) in users {
            let settings = config.settings.clone();
            hashing.spawn_blocking(move || {
                Ok::<_, Failure>(NewUser {
                    username: name.to_owned(),
                    email: String::new(),
                    password: account::encode(&settings, &password)?,
                    is_staff: !demo,
                    is_superuser: !demo,
                })
            });
        }
        let mut rows = hashing
            .join_all()
            .await
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?;
        // The announced one is the first in the table, whoever was hashed first.
        rows.sort_by_key(|row| row.username != announced.username);
        Ok(Some(Self { announced, rows }))
    }

    pub(super) async fn create(self, store: &dyn Database) -> Result<FirstUser, Failure> {
        for row in self.rows {
            account::create(store, row).await?;
        }
        Ok(self.announced)
    }
}
