//! Two copies of a project's database, with Django on one and tokenpair on the other.
//!
//! Django's side is a process of the project's own Python ([`host`]), which makes the copies and removes them when it is let
//! go, also if this process is killed. The original is only read.

mod host;
mod server;

use super::Sites;
use super::arguments::Shadow;
use super::exchange::Login;
use crate::config::Config;
use crate::database::DatabaseOptions;
use crate::output::{self, Failure};
use crate::{Options, files, random};
use host::{Host, Order, Ready};
use server::Server;
use std::path::Path;
use tempfile::TempDir;

/// The servers and copies of a run; gone when this is dropped, in this order.
#[derive(Debug)]
pub(crate) struct Started {
    _server: Server,
    _host: Host,
    _folder: TempDir,
}

/// Makes the copies and starts both servers.
pub(crate) async fn start(arguments: &Shadow, options: &Options) -> Result<Sites, Failure> {
    let manage_py = arguments.manage_py.as_deref().unwrap_or(Path::new(""));
    let mut config = configuration(manage_py, options)?;
    let folder = match &arguments.copies {
        Some(place) => files::temporary_folder_in(place)?,
        None => files::temporary_folder()?,
    };
    let mut host = Host::start(&Order {
        manage_py,
        python: &arguments.python,
        log: arguments.django_log.as_deref(),
        folder: folder.path(),
        label: &label()?,
        users: &arguments.user,
    })?;
    let ready = host.ready(options).await?;
    for note in &ready.notes {
        output::note(note);
    }
    config.database = copy_of(&config.database, &ready)?;
    let server = Server::start(&config).await?;
    Ok(Sites {
        django: ready.url,
        tokenpair: server.url.clone(),
        config,
        has_key: true,
        language: Some(ready.language),
        logins: ready.logins,
        started: Some(Started {
            _server: server,
            _host: host,
            _folder: folder,
        }),
    })
}

fn configuration(manage_py: &Path, options: &Options) -> Result<Config, Failure> {
    let mut config = Config::load(options, None)?;
    if config.file().is_none() {
        return Err(Failure::new(format!(
            "there is no configuration to try: `tokenpair import-django --manage-py {}` writes one, or name yours with --config",
            manage_py.display()
        )));
    }
    if !config.use_existing_key_file()? {
        return Err(Failure::new(
            "there is no signing key, and Django's is needed: set SIGNING_KEY, or start with TOKENPAIR_SIGNING_KEY",
        ));
    }
    Ok(config)
}

/// What tells the copies of this run from those of others, in letters that every database takes.
fn label() -> Result<String, Failure> {
    let letters = random::text::<12>()?.to_lowercase();
    Ok(letters
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(8)
        .collect())
}

/// tokenpair's copy, reached as the configuration reaches the original.
fn copy_of(database: &DatabaseOptions, ready: &Ready) -> Result<DatabaseOptions, Failure> {
    let source = match (database, ready.kind.as_str()) {
        (DatabaseOptions::Sqlite(options), "sqlite") => {
            let source = Path::new(&ready.source);
            if options.path.canonicalize().ok() != source.canonicalize().ok() {
                note_other_database(&options.path.display().to_string(), &ready.source);
            }
            return Ok(database.in_file(Path::new(&ready.copy)));
        }
        (DatabaseOptions::Postgres(options), "postgresql") => options,
        (_, kind) => {
            return Err(Failure::new(format!(
                "Django's database is of the kind {kind:?}, that of the configuration is another: correct [database] url"
            )));
        }
    };
    if source.database() != ready.source {
        note_other_database(source.database(), &ready.source);
    }
    let copy = source.in_database(&ready.copy);
    Ok(DatabaseOptions::Postgres(copy))
}

fn note_other_database(ours: &str, theirs: &str) {
    output::note(format!(
        "the configuration's database is {ours}, but Django's is {theirs}: copies of Django's are used"
    ));
}
