//! Files and tables: whether they can be used, and who else can read them.

use super::Finding;
use crate::commands::{engine, has_users, rehearse};
use crate::config::Config;
use crate::output::Failure;
use std::path::Path;
use tokenpair::{SqliteOptions, SqliteStore};

const MODEL: &str = "Correct the name in [user_model], [claims] or [answer].";
const MODE: &str = "chmod 600 on it.";

/// Every finding about what is on the disk. Nothing is created there.
pub(super) async fn look(config: &mut Config) -> Vec<Finding> {
    let mut findings = private_files(config);
    if let Err(failure) = config.use_existing_key_file() {
        findings.push(Finding::error(
            "E001",
            format!("The signing key cannot be read: {failure}."),
            "Correct the file, or name another in signing_key_file.",
        ));
        return findings;
    }
    findings.extend(places(config));
    match database(config).await {
        Ok(found) => findings.extend(found),
        Err(failure) => findings.push(Finding::error(
            "E002",
            format!("The server would not start: {}.", headline(&failure)),
            "Correct what it names, then check again.",
        )),
    }
    findings
}

/// The first line: what follows it shows where in the file.
fn headline(failure: &Failure) -> String {
    let text = failure.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

/// What a first start makes has to have a place.
fn places(config: &Config) -> Vec<Finding> {
    let symmetric = config.settings.algorithm.is_symmetric();
    let key_file = config.key_file().filter(|_| symmetric);
    let files = [Some(config.database.path.as_path()), key_file];
    let missing = files.into_iter().flatten().filter(|path| !path.exists());
    missing
        .filter_map(|path| {
            let parent = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            let folder = parent.unwrap_or(Path::new("."));
            // A file without a name: nothing is left of it.
            let error = tempfile::tempfile_in(folder).err()?;
            let reason = std::io::Error::from(error.kind());
            Some(Finding::error(
                "E004",
                format!(
                    "{} cannot be made: {}: {reason}.",
                    path.display(),
                    folder.display()
                ),
                "Make the folder, and let the user who runs the server write in it.",
            ))
        })
        .collect()
}

fn private_files(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut look = |id, what: &str, path: &Path| {
        if is_readable_by_others(path) {
            let message = format!(
                "{} can be read by other users: it holds {what}.",
                path.display()
            );
            findings.push(Finding::warning(id, message, MODE));
        }
    };
    if let Some(path) = config.key_file() {
        look("W014", "the signing key", path);
    }
    if let Some(path) = config.file().filter(|_| config.file_holds_key()) {
        look("W015", "the signing key", path);
    }
    look("W016", "password hashes", &config.database.path);
    findings
}

/// Opens the database as the server would, or an empty one in its place if it does not exist yet.
async fn database(config: &Config) -> Result<Vec<Finding>, Failure> {
    let place = tempfile::tempdir()
        .map_err(|error| Failure::new(format!("cannot make a temporary folder: {error}")))?;
    let exists = config.database.path.exists();
    let mut options: SqliteOptions = config.database.clone();
    if !exists {
        options.path = place.path().join("empty.sqlite3");
    }
    let store = SqliteStore::open(options).await?;
    let jwt = engine(config, &store)?;
    let mut findings: Vec<Finding> = jwt
        .warnings()
        .into_iter()
        .map(|warning| Finding::warning("W010", format!("{warning}."), "See docs/settings.md."))
        .collect();
    if exists {
        findings.extend(tables(config, &store).await?);
    } else if let Err(failure) = rehearse(config).await {
        findings.push(Finding::error(
            "E003",
            format!("The user table would not be as configured: {failure}."),
            MODEL,
        ));
    }
    Ok(findings)
}

async fn tables(config: &Config, store: &SqliteStore) -> Result<Vec<Finding>, Failure> {
    let pending = store.pending_migrations().await?;
    if !pending.is_empty() {
        let names: Vec<String> = pending.iter().map(ToString::to_string).collect();
        return Ok(vec![Finding::warning(
            "W017",
            format!("Tables are missing: {}.", names.join(", ")),
            "Run `tokenpair migrate`; the server does it at its next start.",
        )]);
    }
    if let Err(error) = store.check_user_model().await {
        return Ok(vec![Finding::error(
            "E003",
            format!("The user table is not as configured: {error}."),
            MODEL,
        )]);
    }
    let mut findings = Vec::new();
    if !store.login_is_unique().await? {
        let model = &config.database.user_model;
        findings.push(Finding::warning(
            "W018",
            format!(
                "The log-in column {:?} of {} is not unique: users who share a value cannot log in.",
                model.username, model.table
            ),
            "Make it unique in your Django model (unique=True) and migrate.",
        ));
    }
    if !has_users(store).await? {
        findings.push(Finding::warning(
            "W019",
            "There are no users: nobody can log in.",
            "Run `tokenpair createsuperuser`, or `createuser` for others.",
        ));
    }
    Ok(findings)
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_path: &Path) -> bool {
    false
}
