//! One module a command, and what they share: opening the database, making the engine.

mod account;
mod arguments;
pub(crate) mod changepassword;
pub(crate) mod completions;
pub(crate) mod createsuperuser;
pub(crate) mod createuser;
pub(crate) mod flushexpiredtokens;
mod interrupt;
pub(crate) mod man;
pub(crate) mod migrate;
mod password;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod users;

use crate::config::Config;
use crate::output::Failure;
use tokenpair::clock::{Clock as _, SystemClock};
use tokenpair::store::Migration;
use tokenpair::{SimpleJwt, SqliteStore};

/// The engine and its store, as the configuration says.
fn engine(config: &Config, store: &SqliteStore) -> Result<SimpleJwt, Failure> {
    let builder = SimpleJwt::builder(config.settings.clone())
        .on_login_success(|user, info| tracing::info!(user_id = %user.id, address = ?info.address, "log-in succeeded"))
        .on_login_failed(|username, info| tracing::info!(?username, address = ?info.address, "log-in refused"));
    let builder = if config.token_blacklist {
        builder.store(store.clone())
    } else {
        builder.user_table(store.clone())
    };
    Ok(builder.build()?)
}

async fn migrate(store: &SqliteStore) -> Result<Vec<Migration>, Failure> {
    Ok(store.migrate(SystemClock.now()).await?)
}

/// The database, which must be there with the tables that are needed: most commands make none.
async fn open(config: &Config, needed: &[Migration]) -> Result<SqliteStore, Failure> {
    let path = &config.database.path;
    if !path.exists() {
        return Err(Failure::new(format!(
            "there is no database {}: `tokenpair migrate` makes it",
            path.display()
        )));
    }
    let store = SqliteStore::open(config.database.clone()).await?;
    let pending = store.pending_migrations().await?;
    let model = &config.database.user_model;
    match needed.iter().find(|step| pending.contains(step)) {
        None => Ok(store),
        Some(Migration::Auth) if !model.is_auth_user() => Err(Failure::new(format!(
            "the user table {:?} does not exist: its own application has to create it",
            model.table
        ))),
        Some(step) => Err(Failure::new(format!(
            "{} lacks the tables of {step}: `tokenpair migrate` makes them",
            path.display()
        ))),
    }
}
