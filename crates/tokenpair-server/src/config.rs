//! The configuration: flags over `TOKENPAIR_*` over a TOML file over defaults, read as a whole.
//!
//! `[simple_jwt]` holds the engine's settings under Simple JWT's names; the other sections are the server's. What is
//! unknown, or known and wrong, is an error that says where it stands.

mod accounts;
mod cors;
mod database;
mod document;
mod email;
mod fields;
mod key_file;
mod paths;
mod section;
mod server;
mod shown;
mod trial;

pub(crate) use accounts::AccountSettings;
pub(crate) use cors::{NAMES as CORS_NAMES, canonical as cors_name};
pub(crate) use email::{Email, Security};
pub(crate) use paths::{Endpoint, Paths};
pub(crate) use shown::{Shown, is_redacted};
pub(crate) use trial::{Refusal, try_text};

use crate::Options;
use crate::claims::ClaimMap;
use crate::cors::{Cors, CorsSettings};
use crate::database::DatabaseOptions;
use crate::log::Format;
use crate::middleware::Rules;
use crate::output::Failure;
use axum::http::HeaderValue;
use database::Database;
use document::Document;
use section::Section;
use server::Server;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokenpair::json::Value;
use tokenpair::{Entry, Settings, SettingsError};

/// Where a configuration is looked for when none is named.
const PLACES: [&str; 2] = ["tokenpair.toml", "/etc/tokenpair/tokenpair.toml"];

const SIMPLE_JWT: &str = "simple_jwt";
const ACCOUNTS: &str = "accounts";
const CLAIMS: &str = "claims";
const ANSWER: &str = "answer";
const SECTIONS: [&str; 10] = [
    "server",
    "database",
    "user_model",
    SIMPLE_JWT,
    "paths",
    ACCOUNTS,
    "email",
    "cors",
    CLAIMS,
    ANSWER,
];

/// Everything the server needs to know.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) server: Server,
    pub(crate) database: DatabaseOptions,
    /// Whether refresh tokens are recorded and can be blacklisted (Simple JWT's blacklist app).
    pub(crate) token_blacklist: bool,
    pub(crate) settings: Settings,
    pub(crate) paths: Paths,
    /// What people may do with their own account.
    pub(crate) accounts: AccountSettings,
    /// How mail is sent; `None`: not at all.
    pub(crate) email: Option<Email>,
    cors: Option<CorsSettings>,
    /// Claims of new tokens.
    pub(crate) claims: ClaimMap,
    /// Further fields of a log-in's answer.
    pub(crate) answer: ClaimMap,
    document: Option<Document>,
    /// No key is configured: it lives in a file. Until `use_key_file` the settings hold a passing one.
    key_file: Option<PathBuf>,
    shown: Vec<Shown>,
}

/// What `serve` was told on the command line beside the options of every command.
#[derive(Clone, Debug)]
pub(crate) struct Flags {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) log_format: Option<Format>,
}

/// A wrong value, and the section it belongs to.
type Flaw = (&'static str, SettingsError);

fn in_section<T>(section: &'static str, result: Result<T, SettingsError>) -> Result<T, Flaw> {
    result.map_err(|error| (section, error))
}

/// Whether `name` is a setting of `section`.
fn is_known(section: &str, name: &str) -> bool {
    let known: &[&str] = match section {
        "server" => &server::NAMES,
        "database" => &database::NAMES,
        "user_model" => &database::MODEL_NAMES,
        "paths" => &paths::NAMES,
        ACCOUNTS => &accounts::NAMES,
        "email" => &email::NAMES,
        "cors" => &cors::NAMES,
        SIMPLE_JWT => Settings::names(),
        _ => return has_free_names(section),
    };
    known.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The section that has a setting of this name.
fn section_of(name: &str) -> Option<&'static str> {
    let mut sections = SECTIONS.into_iter();
    sections.find(|section| !has_free_names(section) && is_known(section, name))
}

/// Whether the names of a section are the operator's to choose.
fn has_free_names(section: &str) -> bool {
    section == CLAIMS || section == ANSWER
}

impl Config {
    /// Reads the file, the environment and the flags. The first flaw ends it.
    pub(crate) fn load(options: &Options, flags: Option<&Flags>) -> Result<Self, Failure> {
        let flags = flags.unwrap_or(&Flags::NONE);
        let document = find(options)?;
        if let Some(document) = &document {
            document.check_sections(&SECTIONS)?;
        }
        let sources = Sources {
            document: document.as_ref(),
            options: Some(options),
            has_environment: true,
            flags,
        };
        let gathered = Self::gather(&sources);
        let mut config =
            gathered.map_err(|(section, error)| explain(document.as_ref(), section, error))?;
        config.document = document;
        Ok(config)
    }

    /// What is wrong with a setting of the engine, shown in the file if it is there.
    pub(crate) fn explain(&self, error: SettingsError) -> Failure {
        explain(self.document.as_ref(), SIMPLE_JWT, error)
    }

    /// What is wrong with a setting of accounts, likewise.
    pub(crate) fn explain_accounts(&self, error: SettingsError) -> Failure {
        explain(self.document.as_ref(), ACCOUNTS, error)
    }

    /// The file it was read from, if there is one.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.document.as_ref().map(Document::path)
    }

    /// A throw-away configuration: its database lives in `folder`, its key in memory. Files are not read, and of the
    /// environment everything but the database is.
    pub(crate) fn demo(folder: &Path, flags: &Flags) -> Result<Self, Failure> {
        let sources = Sources {
            document: None,
            options: None,
            has_environment: true,
            flags,
        };
        let mut demo = Self::gather(&sources).map_err(|(_, error)| error)?;
        demo.database = demo.database.in_file(&folder.join("demo.sqlite3"));
        demo.key_file = None;
        demo.accounts.registration = true;
        demo.settings.sessions |= demo.token_blacklist && demo.settings.may_keep_sessions();
        demo.paths = Paths::demo();
        demo.serve_what_is_of_use();
        demo.cors.get_or_insert_with(CorsSettings::localhost);
        Ok(demo)
    }

    fn gather(sources: &Sources<'_>) -> Result<Self, Flaw> {
        let section = sources.section("server", &server::NAMES)?;
        let server = in_section("server", Server::read(&section))?;
        let mut shown = server.shown(&section);

        let (settings, key_file) = settings(sources, &server)?;
        shown.extend(shown::settings(&settings));

        let section = sources.section("database", &database::NAMES)?;
        let database = in_section("database", Database::read(&section))?;
        shown.extend(database.shown(&section));
        let section = sources.section("user_model", &database::MODEL_NAMES)?;
        let mut model = in_section("user_model", database::user_model(&section, &settings))?;
        shown.extend(database::shown_model(&model, &section));

        let section = sources.section("paths", &paths::NAMES)?;
        let mut paths = in_section("paths", Paths::read(&section))?;
        shown.extend(paths.shown(&section));
        // Before links in mails are made, which lead to pages where there are some.
        paths.retain(|endpoint| settings.auth_cookies || !endpoint.is_for_people());

        let section = sources.section("email", &email::NAMES)?;
        let email = in_section("email", email::read(&section))?;
        let email_shown = email.iter().flat_map(|email| email::shown(email, &section));
        let email_shown: Vec<Shown> = email_shown.collect();
        let section = sources.section(ACCOUNTS, &accounts::NAMES)?;
        let accounts = AccountSettings::read(
            &section,
            &model,
            &paths,
            email.is_some(),
            database.token_blacklist,
        );
        let accounts = in_section(ACCOUNTS, accounts)?;
        shown.extend(accounts.shown(&section));
        shown.extend(email_shown);

        let section = sources.section("cors", &cors::NAMES)?;
        let cors = in_section("cors", cors::read(&section))?;
        shown.extend(cors.iter().flat_map(|cors| cors::shown(cors, &section)));

        let section = Section::free(sources.entries(CLAIMS));
        let claims = in_section(CLAIMS, fields::claims(&section, &settings, &model))?;
        shown.extend(fields::shown(CLAIMS, &section));
        let section = Section::free(sources.entries(ANSWER));
        let answer = in_section(ANSWER, fields::answer(&section, &model))?;
        shown.extend(fields::shown(ANSWER, &section));
        let columns: BTreeSet<&str> = claims.columns().union(&answer.columns()).copied().collect();
        model.columns = columns.into_iter().map(str::to_owned).collect();

        let token_blacklist = database.token_blacklist;
        let mut options = database.options;
        options.set_tables(model, token_blacklist);
        let mut config = Self {
            server,
            database: options,
            token_blacklist,
            settings,
            paths,
            accounts,
            email,
            cors,
            claims,
            answer,
            document: None,
            key_file,
            shown,
        };
        config.serve_what_is_of_use();
        Ok(config)
    }

    /// Leaves out the endpoints that would have nothing to do.
    fn serve_what_is_of_use(&mut self) {
        let (settings, accounts) = (&self.settings, &self.accounts);
        self.paths.retain(|endpoint| match endpoint {
            Endpoint::Logout | Endpoint::LogoutAll => self.token_blacklist,
            Endpoint::Sessions => settings.sessions,
            page if page.is_for_people() && !settings.auth_cookies => false,
            other => accounts.serves(other, self.email.is_some()),
        });
    }

    /// What every request passes on its way.
    pub(crate) fn rules(&self) -> Result<Rules, Failure> {
        let cors = self.cors.as_ref().map(Cors::new).transpose();
        Ok(Rules {
            trusted_proxies: self.server.trusted_proxies.clone(),
            cors: cors.map_err(|error| Failure::new(error.to_string()))?,
        })
    }

    /// Whether pages of an origin that nobody can have named may read the answers.
    pub(crate) fn allows_any_origin(&self) -> bool {
        let stranger = HeaderValue::from_static("https://tokenpair-check.invalid");
        let cors = self.cors.as_ref().and_then(|cors| Cors::new(cors).ok());
        cors.is_some_and(|cors| cors.allows(stranger))
    }

    /// Expressions for origins that do not say how an origin ends.
    pub(crate) fn unanchored_origins(&self) -> impl Iterator<Item = &str> {
        let expressions = self
            .cors
            .iter()
            .flat_map(|cors| &cors.allowed_origin_regexes);
        let ends = |expression: &str| expression.ends_with('$') || expression.ends_with(r"\Z");
        expressions
            .map(String::as_str)
            .filter(move |expression| !ends(expression))
    }

    /// Takes the signing key from its file, which is made if it does not exist. Only who signs needs it.
    pub(crate) fn use_key_file(&mut self) -> Result<(), Failure> {
        if let Some(path) = &self.key_file {
            let key = if self.settings.algorithm.is_symmetric() {
                key_file::read_or_create(path)?
            } else {
                let missing = Failure::because(path.display());
                key_file::read(path)?.ok_or_else(|| missing(&"there is no such file"))?
            };
            self.settings.signing_key = key.into();
        }
        Ok(())
    }

    /// Takes the signing key from its file if there is one. `false`: there is no key, and none is made.
    pub(crate) fn use_existing_key_file(&mut self) -> Result<bool, Failure> {
        let Some(path) = &self.key_file else {
            return Ok(true);
        };
        let Some(key) = key_file::read(path)? else {
            return Ok(false);
        };
        self.settings.signing_key = key.into();
        Ok(true)
    }

    /// What the configuration file itself holds that others must not read.
    pub(crate) fn secret_in_file(&self) -> Option<&'static str> {
        let file = self.file().map(|path| format!("{}:", path.display()))?;
        let holds = |name: &str| {
            let mut shown = self.shown.iter();
            shown.any(|shown| {
                shown.name == name && is_redacted(&shown.value) && shown.source.starts_with(&file)
            })
        };
        let secrets = [
            ("SIGNING_KEY", "the signing key"),
            ("url", "the database's password"),
            ("EMAIL_HOST_PASSWORD", "the mail server's password"),
        ];
        let held = secrets.into_iter().find(|(name, _)| holds(name));
        held.map(|(_, secret)| secret)
    }

    /// Whether each node that is started with this configuration makes a signing key of its own, which the others on
    /// the database do not know.
    pub(crate) fn makes_key_for_itself(&self) -> bool {
        self.database.is_shared() && self.key_file.is_some() && !self.server.names_key_file
    }

    /// The file that holds the signing key, if that is not configured itself.
    pub(crate) fn key_file(&self) -> Option<&Path> {
        self.key_file.as_deref()
    }

    /// Settings that differ from those of `old` and are only looked at when the server starts.
    pub(crate) fn needs_restart(&self, old: &Self) -> Vec<&'static str> {
        let upload = |config: &Self| config.settings.data_upload_max_memory_size;
        let changed = [
            ("[server] listen", self.server.listen != old.server.listen),
            (
                "[server] log_format",
                self.server.log_format != old.server.log_format,
            ),
            (
                "[server] drain_delay",
                self.server.drain_delay != old.server.drain_delay,
            ),
            ("DATA_UPLOAD_MAX_MEMORY_SIZE", upload(self) != upload(old)),
        ];
        let changed = changed.into_iter().filter(|(_, changed)| *changed);
        changed.map(|(name, _)| name).collect()
    }

    /// Every setting with its effective value and its source, secrets redacted.
    pub(crate) fn shown(&self) -> &[Shown] {
        &self.shown
    }
}

/// The engine's settings, and the file of the signing key if that is not set.
fn settings(sources: &Sources<'_>, server: &Server) -> Result<(Settings, Option<PathBuf>), Flaw> {
    let mut entries = sources.entries(SIMPLE_JWT);
    let named = |name: &str| {
        let entry = entries
            .iter()
            .rfind(|entry| entry.name.eq_ignore_ascii_case(name));
        entry.map(|entry| &entry.value)
    };
    let symmetric = named("ALGORITHM").is_none_or(|value| {
        value
            .as_str()
            .is_none_or(|algorithm| algorithm.starts_with("HS"))
    });
    let in_file = named("SIGNING_KEY").is_none() && (symmetric || server.names_key_file);
    if !in_file {
        return Ok((in_section(SIMPLE_JWT, Settings::load(entries))?, None));
    }
    let passing = key_file::random_key();
    let passing = passing.map_err(|failure| {
        let error = SettingsError::new("SIGNING_KEY", None, failure.to_string());
        (SIMPLE_JWT, error)
    })?;
    entries.insert(
        0,
        Entry {
            name: "SIGNING_KEY".to_owned(),
            value: Value::from(passing),
            source: server.signing_key_file.display().to_string(),
        },
    );
    let settings = in_section(SIMPLE_JWT, Settings::load(entries))?;
    Ok((settings, Some(server.signing_key_file.clone())))
}

/// Where values come from.
struct Sources<'a> {
    document: Option<&'a Document>,
    /// `None` where the database is not to be chosen.
    options: Option<&'a Options>,
    has_environment: bool,
    flags: &'a Flags,
}

impl Sources<'_> {
    fn section(&self, name: &'static str, known: &[&str]) -> Result<Section, Flaw> {
        in_section(name, Section::new(self.entries(name), known))
    }

    /// The values of a section, the more important ones later.
    fn entries(&self, section: &str) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self
            .document
            .into_iter()
            .flat_map(|document| document.entries(section))
            .collect();
        match section {
            _ if !self.has_environment => {}
            SIMPLE_JWT => entries.extend(Settings::environment()),
            "server" => {
                entries.extend(section::environment(&server::VARIABLES));
                entries.extend(self.flags.entries());
            }
            "database" => {
                if let Some(options) = self.options {
                    entries.extend(section::environment(&database::VARIABLES));
                    let url = options.database.as_deref();
                    entries.extend(url.map(|url| section::flag("--database", "url", url)));
                }
            }
            "cors" => entries.extend(cors::environment()),
            ACCOUNTS => entries.extend(section::environment(&accounts::VARIABLES)),
            "email" => entries.extend(section::environment(&email::VARIABLES)),
            _ => {}
        }
        entries
    }
}

impl Flags {
    const NONE: Self = Self {
        listen: None,
        log_format: None,
    };

    fn entries(&self) -> impl Iterator<Item = Entry> {
        let listen = self.listen.map(|address| address.to_string());
        let format = self.log_format.map(server::format_name);
        let listen = listen.map(|address| section::flag("--listen", "listen", address));
        listen
            .into_iter()
            .chain(format.map(|format| section::flag("--log-format", "log_format", format)))
    }
}

fn explain(document: Option<&Document>, section: &str, error: SettingsError) -> Failure {
    match document {
        Some(document) => document.explain(section, error),
        None => Failure::from(error),
    }
}

fn find(options: &Options) -> Result<Option<Document>, Failure> {
    let named = || std::env::var_os("TOKENPAIR_CONFIG").map(PathBuf::from);
    let place = options.config.clone().or_else(named).or_else(|| {
        let mut places = PLACES.iter().map(PathBuf::from);
        places.find(|place| place.exists())
    });
    place.map(|path| Document::read(&path)).transpose()
}

#[cfg(test)]
mod tests;
