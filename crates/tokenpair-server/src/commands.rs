//! One module a command, and what they share: opening the database, making the engine.

pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod createuser;
pub(crate) mod init;
pub(crate) mod migrate;
pub(crate) mod serve;

use crate::config::Config;
use crate::event_log;
use crate::output::Failure;
use tokenpair::clock::{Clock as _, SystemClock};
use tokenpair::store::Migration;
use tokenpair::{Answer, SimpleJwt, SqliteStore};

/// The engine and its store, as the configuration says.
fn engine(config: &Config, store: &SqliteStore) -> Result<SimpleJwt, Failure> {
    let claims = config.claims.clone();
    let answer = config.answer.clone();
    let builder = SimpleJwt::builder(config.settings.clone())
        .on_event(event_log::write)
        .get_token(move |token, user| claims.fill(user, token))
        .validate(move |body, about| {
            if let Answer::ObtainPair(user) | Answer::ObtainSliding(user) = about {
                answer.fill(user, body);
            }
        });
    let builder = if config.token_blacklist {
        builder.store(store.clone())
    } else {
        builder.user_table(store.clone())
    };
    builder.build().map_err(|error| config.explain(error))
}

async fn migrate(store: &SqliteStore) -> Result<Vec<Migration>, Failure> {
    Ok(store.migrate(SystemClock.now()).await?)
}

/// The configured database with all its tables and every column that is named.
async fn open(config: &Config) -> Result<SqliteStore, Failure> {
    let store = SqliteStore::open(config.database.clone()).await?;
    migrate(&store).await?;
    store.check_user_model().await?;
    Ok(store)
}
