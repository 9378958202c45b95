//! Files and tables: whether they can be used, and who else can read them.

use super::Finding;
use crate::commands::{engine, has_users, rehearse};
use crate::config::Config;
use crate::database::Database;
use crate::files::{check_writable, is_open_to_others, temporary_folder};
use crate::output::Failure;
use std::path::Path;
use tokenpair::store::UsernameLookup;

const MODEL: &str = "Correct the name in [user_model], [claims] or [answer].";
const MODE: &str = "chmod 600 on it.";

/// Every finding about what is on the disk. Nothing is created there.
pub(super) async fn look(config: &mut Config) -> Vec<Finding> {
    let mut findings = private_files(config);
    if let Err(failure) = signing_key(config) {
        findings.push(Finding::error(
            "E001",
            format!("The signing key cannot be read: {failure}."),
            "Correct the file, or name another in signing_key_file.",
        ));
        return findings;
    }
    findings.extend(key_place(config));
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

/// The key file that a first start makes has to have a place.
fn key_place(config: &Config) -> Option<Finding> {
    let symmetric = config.settings.algorithm.is_symmetric();
    let path = config
        .key_file()
        .filter(|path| symmetric && !path.exists())?;
    let failure = check_writable(path).err()?;
    Some(Finding::error(
        "E004",
        format!("The signing key cannot be kept: {failure}."),
        "Make the folder, and let the user who runs the server write in it.",
    ))
}

/// Takes the signing key from its file. Where that is missing, a key for HS* will be made; others are nobody's to make.
fn signing_key(config: &mut Config) -> Result<(), Failure> {
    let found = config.use_existing_key_file()?;
    match config.key_file() {
        Some(path) if !found && !config.settings.algorithm.is_symmetric() => {
            Err(Failure::because(path.display())(&"there is no such file"))
        }
        _ => Ok(()),
    }
}

fn private_files(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut look = |id, what: &str, path: &Path| {
        if is_open_to_others(path) {
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
    if let Some((path, secret)) = config.file().zip(config.secret_in_file()) {
        look("W015", secret, path);
    }
    if let Some(path) = config.database.file() {
        look("W016", "password hashes", path);
    }
    findings
}

/// Looks at the database, or at an empty one in its place if it does not exist yet.
async fn database(config: &Config) -> Result<Vec<Finding>, Failure> {
    let file = config.database.file();
    file.map_or(Ok(()), check_writable)?;
    let exists = file.is_none_or(Path::exists);
    let place = temporary_folder()?;
    let store = if exists {
        config.database.open_read_only().await?
    } else {
        let empty = place.path().join("empty.sqlite3");
        config.database.in_file(&empty).open().await?
    };
    let jwt = engine(config, &store)?;
    let mut findings: Vec<Finding> = jwt
        .warnings()
        .into_iter()
        .map(|warning| Finding::warning("W010", format!("{warning}."), "See docs/settings.md."))
        .collect();
    if exists {
        findings.extend(tables(config, &*store).await?);
    } else if let Err(failure) = rehearse(config).await {
        findings.push(Finding::error(
            "E003",
            format!("The user table would not be as configured: {failure}."),
            MODEL,
        ));
    }
    Ok(findings)
}

async fn tables(config: &Config, store: &dyn Database) -> Result<Vec<Finding>, Failure> {
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
        let model = config.database.user_model();
        findings.push(Finding::warning(
            "W018",
            format!(
                "The log-in column {:?} of {} is not unique: users who share a value cannot log in.",
                model.username, model.table
            ),
            "Make it unique in your Django model (unique=True) and migrate.",
        ));
    }
    if config.database.user_model().username_lookup == UsernameLookup::Iexact {
        findings.extend(names(config, store).await?);
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

/// What stands in the way of log-in names that are looked up without case.
async fn names(config: &Config, store: &dyn Database) -> Result<Vec<Finding>, Failure> {
    let table = &config.database.user_model().table;
    let mut findings = Vec::new();
    if let Some(statement) = store.missing_iexact_index().await? {
        findings.push(Finding::warning(
            "W029",
            format!(
                "username_lookup is \"iexact\" without an index: a log-in with a name that nobody has exactly so looks at \
                 every user of {table}."
            ),
            format!("Let Django add it (docs/configuration.md), or run: {statement}"),
        ));
    }
    // In a large table it may take too long.
    let (message, hint) = match store.names_that_differ_in_case().await {
        Ok(None) => return Ok(findings),
        Ok(Some([one, other])) => (
            format!(
                "Log-in names of {table} differ only in case, such as {one:?} and {other:?}: they can log in exactly so \
                 only."
            ),
            "Rename all but one of them.",
        ),
        Err(error) => (
            format!("Whether log-in names of {table} differ only in case is not known: {error}."),
            "Look for them with SQL.",
        ),
    };
    findings.push(Finding::warning("W030", message, hint));
    Ok(findings)
}
