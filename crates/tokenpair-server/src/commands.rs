//! One module a command, and what they share: opening the database, making the engine.

mod account;
mod arguments;
pub(crate) mod changepassword;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod createsuperuser;
pub(crate) mod createuser;
pub(crate) mod flushexpiredtokens;
pub(crate) mod import_django;
pub(crate) mod init;
mod interrupt;
pub(crate) mod man;
mod manage_py;
pub(crate) mod migrate;
pub(crate) mod openapi;
mod password;
pub(crate) mod serve;
pub(crate) mod shadow;
pub(crate) mod token;
pub(crate) mod users;

use crate::config::Config;
use crate::database::Database;
use crate::event_log;
use crate::files;
use crate::output::{self, Failure};
use std::sync::Arc;
use tokenpair::store::{Migration, UserPage};
use tokenpair::{Answer, SimpleJwt};

/// The engine and its store, as the configuration says.
fn engine(config: &Config, store: &Arc<dyn Database>) -> Result<SimpleJwt, Failure> {
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
        builder.shared_store(store.clone())
    } else {
        builder.shared_user_table(store.clone())
    };
    builder.build().map_err(|error| config.explain(error))
}

/// The configured database, which must have all that a server needs; nothing is made.
async fn open_checked(config: &Config) -> Result<Arc<dyn Database>, Failure> {
    let needed = [
        Migration::Auth,
        Migration::TokenBlacklist,
        Migration::Rotation,
    ];
    let store = open(config, &needed).await?;
    check_user_model(&*store).await?;
    Ok(store)
}

/// Whether a database made for this configuration would be what it needs, tried on one that is thrown away.
async fn rehearse(config: &Config) -> Result<(), Failure> {
    let place = files::temporary_folder()?;
    let options = config
        .database
        .in_file(&place.path().join("rehearsal.sqlite3"));
    let store = options.open().await?;
    store.migrate(&|_| ()).await?;
    check_user_model(&*store).await
}

async fn check_user_model(store: &dyn Database) -> Result<(), Failure> {
    let failed = Failure::because("[user_model], [claims] or [answer]");
    store
        .check_user_model()
        .await
        .map_err(|error| failed(&error))
}

/// Makes what is missing for a command that was not asked to, and says so: it may be the wrong folder.
async fn migrate_saying_so(config: &Config, store: &dyn Database) -> Result<(), Failure> {
    let made = store.migrate(&|progress| output::note(progress)).await?;
    if made.contains(&Migration::Auth) {
        let file = config.database.file();
        let path = file.and_then(|path| std::path::absolute(path).ok());
        let place = path.map_or_else(|| store.place(), |path| path.display().to_string());
        output::note(format!("made the database {place}"));
    }
    Ok(())
}

/// The database, which must be there with the tables that are needed: most commands make none.
async fn open(config: &Config, needed: &[Migration]) -> Result<Arc<dyn Database>, Failure> {
    must_exist(config)?;
    let store = config.database.open().await?;
    complete(config, needed, store).await
}

/// The same for commands that only look.
async fn open_read_only(
    config: &Config,
    needed: &[Migration],
) -> Result<Arc<dyn Database>, Failure> {
    must_exist(config)?;
    let store = config.database.open_read_only().await?;
    complete(config, needed, store).await
}

fn must_exist(config: &Config) -> Result<(), Failure> {
    match config.database.file() {
        Some(path) if !path.exists() => Err(Failure::new(format!(
            "there is no database {}: `tokenpair migrate` makes it",
            path.display()
        ))),
        _ => Ok(()),
    }
}

async fn complete(
    config: &Config,
    needed: &[Migration],
    store: Arc<dyn Database>,
) -> Result<Arc<dyn Database>, Failure> {
    let pending = store.pending_migrations().await?;
    let model = config.database.user_model();
    match needed.iter().find(|step| pending.contains(step)) {
        None => Ok(store),
        Some(Migration::Auth) if !model.is_auth_user() => Err(Failure::new(format!(
            "the user table {:?} does not exist: its own application has to create it",
            model.table
        ))),
        Some(step) => Err(Failure::new(format!(
            "{} lacks the tables of {step}: `tokenpair migrate` makes them",
            store.place()
        ))),
    }
}

/// Whether anybody could log in at all.
async fn has_users(store: &dyn Database) -> Result<bool, Failure> {
    let one = UserPage {
        search: None,
        after: None,
        limit: 1,
    };
    Ok(!store.list_users(&one).await?.is_empty())
}
