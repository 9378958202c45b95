//! The configuration: flags over `TOKENPAIR_*` over a TOML file over defaults, read once.
//!
//! `[simple_jwt]` holds the engine's settings under Simple JWT's names; the other sections are the server's.

use crate::Options;
use crate::output::Failure;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use tokenpair::json::{Object, Value};
use tokenpair::store::UserModel;
use tokenpair::{Entry, Settings, SqliteOptions, UserIdKind};

mod key_file;

/// Where a configuration is looked for when none is named.
const PLACES: [&str; 2] = ["tokenpair.toml", "/etc/tokenpair/tokenpair.toml"];
const DATABASE: &str = "sqlite:tokenpair.sqlite3";
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8000);
const KEY_FILE: &str = "tokenpair.key";

/// Everything the server needs to know.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) listen: SocketAddr,
    pub(crate) database: SqliteOptions,
    /// Whether refresh tokens are recorded and can be blacklisted (Simple JWT's blacklist app).
    pub(crate) token_blacklist: bool,
    pub(crate) settings: Settings,
    /// No key is configured: it lives in a file. Until `use_key_file` the settings hold a passing one.
    keeps_key: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    server: Server,
    database: Database,
    user_model: Model,
    simple_jwt: toml::Table,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Server {
    /// Address and port, 127.0.0.1:8000 unless set.
    listen: Option<SocketAddr>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Database {
    url: Option<String>,
    token_blacklist: Option<bool>,
}

/// A custom user model; absent columns keep `auth_user`'s names.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Model {
    table: Option<String>,
    id: Option<String>,
    id_kind: Option<Kind>,
    username: Option<String>,
    user_id_kind: Option<Kind>,
    password: Option<String>,
    is_active: Option<String>,
    is_staff: Option<String>,
    is_superuser: Option<String>,
    last_login: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Integer,
    Uuid,
    Text,
}

impl Config {
    /// Reads the file, the environment and the flags. The first flaw ends it.
    pub(crate) fn load(options: &Options, listen: Option<SocketAddr>) -> Result<Self, Failure> {
        let (file, path) = File::find(options)?;
        let (settings, keeps_key) = settings(&file.simple_jwt, path.as_deref())?;
        let url = options
            .database
            .as_deref()
            .or(file.database.url.as_deref())
            .unwrap_or(DATABASE);
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            return Err(Failure::new(
                "PostgreSQL is not supported yet; use sqlite:PATH",
            ));
        }
        let mut database = SqliteOptions::from_url(url)?;
        database.user_model = file.user_model.apply(&settings);
        Ok(Self {
            listen: listen
                .or(listen_from_env()?)
                .or(file.server.listen)
                .unwrap_or(LISTEN),
            database,
            token_blacklist: file.database.token_blacklist.unwrap_or(true),
            settings,
            keeps_key,
        })
    }

    /// Takes the signing key from its file, which is made if it does not exist. Only who signs needs it.
    pub(crate) fn use_key_file(&mut self) -> Result<(), Failure> {
        if self.keeps_key {
            self.settings.signing_key = key_file::read_or_create(Path::new(KEY_FILE))?.into();
        }
        Ok(())
    }

    /// Takes the signing key from its file if there is one. `false`: there is no key, and none is made.
    pub(crate) fn use_existing_key_file(&mut self) -> Result<bool, Failure> {
        if self.keeps_key {
            let Some(key) = key_file::read(Path::new(KEY_FILE))? else {
                return Ok(false);
            };
            self.settings.signing_key = key.into();
        }
        Ok(true)
    }

    /// A throw-away configuration: its database lives in `folder`, its key in memory.
    pub(crate) fn demo(folder: &Path, listen: Option<SocketAddr>) -> Result<Self, Failure> {
        let mut settings = Settings::new(key_file::random_key()?);
        settings.update_last_login = true;
        Ok(Self {
            listen: listen.or(listen_from_env()?).unwrap_or(LISTEN),
            database: SqliteOptions::new(folder.join("demo.sqlite3")),
            token_blacklist: true,
            settings,
            keeps_key: false,
        })
    }
}

fn listen_from_env() -> Result<Option<SocketAddr>, Failure> {
    let Ok(text) = std::env::var("TOKENPAIR_LISTEN") else {
        return Ok(None);
    };
    let address = text.parse().map_err(|_| {
        let wanted = "expected an address and a port such as 127.0.0.1:8000";
        Failure::new(format!(
            "environment variable TOKENPAIR_LISTEN: {wanted}, got {text:?}"
        ))
    });
    address.map(Some)
}

impl File {
    fn find(options: &Options) -> Result<(Self, Option<PathBuf>), Failure> {
        let named = options.config.clone();
        let place = named.or_else(|| {
            PLACES
                .iter()
                .map(PathBuf::from)
                .find(|place| place.exists())
        });
        let Some(path) = place else {
            return Ok((Self::default(), None));
        };
        let failed = Failure::because(path.display().to_string());
        let text = std::fs::read_to_string(&path).map_err(|error| failed(&error))?;
        let file = toml::from_str(&text).map_err(|error| failed(&describe(&error, &text)))?;
        Ok((file, Some(path)))
    }
}

/// Where and what, without the line itself: it may hold a key.
fn describe(error: &toml::de::Error, text: &str) -> String {
    let before = error
        .span()
        .and_then(|span| text.get(..span.start))
        .unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    format!("line {line}, column {column}: {}", error.message())
}

/// The engine's settings, file then environment, and whether the signing key lives in a file.
fn settings(table: &toml::Table, path: Option<&Path>) -> Result<(Settings, bool), Failure> {
    let source = path
        .map(|path| path.display().to_string())
        .unwrap_or_default();
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(name, value)| Entry {
            name: name.clone(),
            value: json_value(value),
            source: source.clone(),
        })
        .collect();
    entries.extend(Settings::environment());
    let named = |name: &str| {
        entries
            .iter()
            .rfind(|entry| entry.name.eq_ignore_ascii_case(name))
    };
    let symmetric = named("ALGORITHM")
        .is_none_or(|entry| entry.value.as_str().is_none_or(|alg| alg.starts_with("HS")));
    let keeps_key = named("SIGNING_KEY").is_none() && symmetric;
    if keeps_key {
        let value = Value::from(key_file::random_key()?);
        entries.push(Entry {
            name: "SIGNING_KEY".to_owned(),
            value,
            source: String::new(),
        });
    }
    Ok((Settings::load(entries)?, keeps_key))
}

fn json_value(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(int) => Value::from(*int),
        toml::Value::Float(float) => Value::from(*float),
        toml::Value::Boolean(flag) => Value::from(*flag),
        toml::Value::Datetime(datetime) => Value::from(datetime.to_string()),
        toml::Value::Array(values) => Value::Array(values.iter().map(json_value).collect()),
        toml::Value::Table(table) => Value::Object(
            table
                .iter()
                .map(|(name, value)| (name.clone(), json_value(value)))
                .collect::<Object>(),
        ),
    }
}

impl Model {
    fn apply(self, settings: &Settings) -> UserModel {
        let mut model = UserModel::default();
        let set = |column: &mut String, name: Option<String>| {
            *column = name.unwrap_or_else(|| column.clone());
        };
        set(&mut model.table, self.table);
        set(&mut model.id, self.id);
        set(&mut model.username, self.username);
        set(&mut model.password, self.password);
        // An empty name says that the model has no such column.
        let set = |column: &mut Option<String>, name: Option<String>| {
            if let Some(name) = name {
                *column = Some(name).filter(|name| !name.is_empty());
            }
        };
        set(&mut model.is_active, self.is_active);
        set(&mut model.is_staff, self.is_staff);
        set(&mut model.is_superuser, self.is_superuser);
        set(&mut model.last_login, self.last_login);
        model.id_kind = self.id_kind.map_or(UserIdKind::Integer, UserIdKind::from);
        let is_key = settings.user_id_field == model.id;
        let otherwise = if is_key {
            model.id_kind
        } else {
            UserIdKind::Text
        };
        let kind = self.user_id_kind.map_or(otherwise, UserIdKind::from);
        model.with_user_id(settings.user_id_field.clone(), kind)
    }
}

impl From<Kind> for UserIdKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Integer => Self::Integer,
            Kind::Uuid => Self::Uuid,
            Kind::Text => Self::Text,
        }
    }
}
