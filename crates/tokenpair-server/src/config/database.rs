//! `[database]` and `[user_model]`: which database, and what its users look like.

use super::section::Section;
use super::shown::Shown;
use crate::database::DatabaseOptions;
use std::time::Duration;
use tokenpair::json::Value;
use tokenpair::store::{UserModel, UsernameLookup};
use tokenpair::{PostgresOptions, Setting, Settings, SettingsError, SqliteOptions, UserIdKind};

pub(super) const NAMES: [&str; 6] = [
    "url",
    "token_blacklist",
    "max_connections",
    "acquire_timeout",
    "statement_timeout",
    "prepared_statements",
];

/// Those that only PostgreSQL has.
const POSTGRES_NAMES: [&str; 4] = [
    "max_connections",
    "acquire_timeout",
    "statement_timeout",
    "prepared_statements",
];

/// Variables for this section, after `TOKENPAIR_`, and the settings they hold.
pub(super) const VARIABLES: [(&str, &str); 6] = [
    ("DATABASE", "url"),
    ("TOKEN_BLACKLIST", "token_blacklist"),
    ("DATABASE_MAX_CONNECTIONS", "max_connections"),
    ("DATABASE_ACQUIRE_TIMEOUT", "acquire_timeout"),
    ("DATABASE_STATEMENT_TIMEOUT", "statement_timeout"),
    ("DATABASE_PREPARED_STATEMENTS", "prepared_statements"),
];

pub(super) const MODEL_NAMES: [&str; 12] = [
    "table",
    "id",
    "id_kind",
    "username",
    "username_field",
    "username_lookup",
    "user_id_kind",
    "password",
    "is_active",
    "is_staff",
    "is_superuser",
    "last_login",
];

const URL: &str = "sqlite:tokenpair.sqlite3";

/// `[database]`.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) options: DatabaseOptions,
    pub(super) token_blacklist: bool,
}

impl Database {
    pub(super) fn read(section: &Section) -> Result<Self, SettingsError> {
        let mut options = section.find("url").map_or_else(
            || {
                SqliteOptions::from_url(URL)
                    .map(DatabaseOptions::Sqlite)
                    .map_err(|error| unusable(&error))
            },
            |setting| database(&setting),
        )?;
        match &mut options {
            DatabaseOptions::Sqlite(_) => refuse_postgres_settings(section)?,
            DatabaseOptions::Postgres(options) => read_postgres(section, options)?,
        }
        Ok(Self {
            options,
            token_blacklist: section.read("token_blacklist", true, Setting::flag)?,
        })
    }

    pub(super) fn shown(&self, section: &Section) -> Vec<Shown> {
        let url = match &self.options {
            DatabaseOptions::Sqlite(options) => format!("sqlite:{}", options.path.display()),
            DatabaseOptions::Postgres(options) => options.redacted_url().to_owned(),
        };
        let mut shown = vec![
            ("url", Value::from(url)),
            ("token_blacklist", Value::from(self.token_blacklist)),
        ];
        if let DatabaseOptions::Postgres(options) = &self.options {
            let connections = i64::try_from(options.max_connections).unwrap_or(i64::MAX);
            shown.extend([
                ("max_connections", Value::from(connections)),
                (
                    "acquire_timeout",
                    Setting::of_duration(options.acquire_timeout),
                ),
                (
                    "statement_timeout",
                    Setting::of_duration(options.statement_timeout),
                ),
                (
                    "prepared_statements",
                    Value::from(options.prepared_statements),
                ),
            ]);
        }
        let shown = shown.into_iter();
        shown
            .map(|(name, value)| Shown::new("database", name, value, section))
            .collect()
    }
}

fn database(setting: &Setting<'_>) -> Result<DatabaseOptions, SettingsError> {
    let url = setting
        .text()
        .map_err(|_| setting.refuse("expected a text such as \"sqlite:tokenpair.sqlite3\""))?;
    let refused = |error: tokenpair::StoreError| setting.refuse(error.to_string());
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        let options = PostgresOptions::from_url(&url).map_err(refused)?;
        return Ok(DatabaseOptions::Postgres(options));
    }
    if let Some(scheme) = foreign_scheme(&url) {
        return Err(setting.refuse(format!(
            "databases of kind {scheme:?} are not supported: use sqlite:PATH or postgres://…"
        )));
    }
    // A misspelt address of another database may hold a password, and SQLite's options would be part of the name.
    if url.contains(['?', '@']) {
        return Err(setting.refuse(
            "expected the path of a file, without options, ? and @, or an address that begins with postgres://",
        ));
    }
    let options = SqliteOptions::from_url(&url).map_err(refused)?;
    Ok(DatabaseOptions::Sqlite(options))
}

/// What an address begins with that is neither of ours.
fn foreign_scheme(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once("://")?;
    let is_scheme = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_scheme && scheme != "sqlite").then_some(scheme)
}

fn refuse_postgres_settings(section: &Section) -> Result<(), SettingsError> {
    let mut found = POSTGRES_NAMES.iter().filter_map(|name| section.find(name));
    match found.next() {
        Some(setting) => {
            Err(setting.refuse("is for PostgreSQL, and the database is an SQLite file"))
        }
        None => Ok(()),
    }
}

fn read_postgres(section: &Section, options: &mut PostgresOptions) -> Result<(), SettingsError> {
    options.max_connections =
        section.read("max_connections", options.max_connections, connections)?;
    options.acquire_timeout = section.read("acquire_timeout", options.acquire_timeout, timeout)?;
    options.statement_timeout =
        section.read("statement_timeout", options.statement_timeout, timeout)?;
    options.prepared_statements = section.read(
        "prepared_statements",
        options.prepared_statements,
        Setting::flag,
    )?;
    Ok(())
}

fn connections(setting: &Setting<'_>) -> Result<usize, SettingsError> {
    let value = setting.value();
    let number = match value.as_str() {
        Some(text) => text.parse().ok(),
        None => value
            .as_i64()
            .and_then(|number| usize::try_from(number).ok()),
    };
    let accepted = number.filter(|number| PostgresOptions::CONNECTIONS.contains(number));
    accepted.ok_or_else(|| setting.expected("a number from 2 to 10000"))
}

fn timeout(setting: &Setting<'_>) -> Result<Duration, SettingsError> {
    let timeout = setting.duration()?;
    if PostgresOptions::TIMEOUTS.contains(&timeout) {
        Ok(timeout)
    } else {
        Err(setting.refuse("must be from 100 ms to 1 minute"))
    }
}

fn unusable(error: &tokenpair::StoreError) -> SettingsError {
    SettingsError::new("url", None, error.to_string())
}

/// `[user_model]`: absent columns keep `auth_user`'s names.
pub(super) fn user_model(
    section: &Section,
    settings: &Settings,
) -> Result<UserModel, SettingsError> {
    let auth_user = UserModel::default();
    let name = |name, default| section.read(name, default, identifier);
    // An empty name says that the model has no such column, or a field no name of its own.
    let optional = |name, default| {
        section.read(name, default, |setting| match setting.optional_text()? {
            Some(_) => identifier(setting).map(Some),
            None => Ok(None),
        })
    };
    let id = name("id", auth_user.id)?;
    let id_kind = section.read("id_kind", UserIdKind::Integer, kind)?;
    let is_key = settings.user_id_field == id;
    let otherwise = if is_key { id_kind } else { UserIdKind::Text };
    let user_id_kind = section.read("user_id_kind", otherwise, kind)?;
    let model = UserModel {
        table: name("table", auth_user.table)?,
        id,
        id_kind,
        username: name("username", auth_user.username)?,
        username_field: optional("username_field", auth_user.username_field)?,
        username_lookup: section.read("username_lookup", auth_user.username_lookup, |setting| {
            setting.choice(&LOOKUPS)
        })?,
        password: name("password", auth_user.password)?,
        is_active: optional("is_active", auth_user.is_active)?,
        is_staff: optional("is_staff", auth_user.is_staff)?,
        is_superuser: optional("is_superuser", auth_user.is_superuser)?,
        last_login: optional("last_login", auth_user.last_login)?,
        ..UserModel::default()
    };
    if model.is_password(&settings.user_id_field) {
        let message = format!(
            "is USER_ID_FIELD, too: tokens would carry the password of {:?}",
            model.table
        );
        return Err(SettingsError::new(
            "password",
            Some(section.source("password").to_owned()),
            message,
        ));
    }
    let model = model.with_user_id(settings.user_id_field.clone(), user_id_kind);
    model.validate().map(|()| model)
}

/// A name that [`UserModel::validate`] accepts.
fn identifier(setting: &Setting<'_>) -> Result<String, SettingsError> {
    let name = setting.text()?;
    let model = UserModel {
        table: name.clone(),
        ..UserModel::default()
    };
    let checked = model.validate();
    checked.map_err(|error| setting.refuse(error.message))?;
    Ok(name)
}

fn kind(setting: &Setting<'_>) -> Result<UserIdKind, SettingsError> {
    setting.choice(&KINDS)
}

const KINDS: [(&str, UserIdKind); 3] = [
    ("integer", UserIdKind::Integer),
    ("uuid", UserIdKind::Uuid),
    ("text", UserIdKind::Text),
];

const LOOKUPS: [(&str, UsernameLookup); 2] = [
    ("exact", UsernameLookup::Exact),
    ("iexact", UsernameLookup::Iexact),
];

pub(super) fn shown_model(model: &UserModel, section: &Section) -> Vec<Shown> {
    let optional = |name: &Option<String>| Value::from(name.as_deref().unwrap_or_default());
    let kind = |kind| {
        let named = KINDS.iter().find(|(_, known)| *known == kind);
        Value::from(named.map_or("", |(name, _)| name))
    };
    let mut lookups = LOOKUPS.iter();
    let lookup = lookups.find(|(_, known)| *known == model.username_lookup);
    let lookup = lookup.map_or("", |(name, _)| name);
    [
        ("table", Value::from(model.table.as_str())),
        ("id", Value::from(model.id.as_str())),
        ("id_kind", kind(model.id_kind)),
        ("username", Value::from(model.username.as_str())),
        ("username_field", Value::from(model.username_field())),
        ("username_lookup", Value::from(lookup)),
        ("user_id_kind", kind(model.user_id_kind)),
        ("password", Value::from(model.password.as_str())),
        ("is_active", optional(&model.is_active)),
        ("is_staff", optional(&model.is_staff)),
        ("is_superuser", optional(&model.is_superuser)),
        ("last_login", optional(&model.last_login)),
    ]
    .map(|(name, value)| Shown::new("user_model", name, value, section))
    .into()
}
