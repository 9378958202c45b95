//! `DATABASES["default"]` and the blacklist app.

use super::{source, variable_of};
use crate::commands::import_django::draft::{Draft, Reference};
use crate::commands::import_django::facts::Facts;
use crate::commands::import_django::python::{Value, What};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write as _;
use std::path::Path;
use tokenpair::{PostgresOptions, json};

const BLACKLIST_APP: &str = "rest_framework_simplejwt.token_blacklist";
/// What may stand in a part of an address as it is.
const PART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const FOLDER: &AsciiSet = &PART.remove(b'/');
/// Where Debian's libpq looks for a server on this machine.
const SOCKETS: &str = "/var/run/postgresql";
const BY_HAND: &str = "Set url in [database], or start with TOKENPAIR_DATABASE.";

pub(super) fn map(facts: &Facts, draft: &mut Draft) {
    token_blacklist(facts, draft);
    let Some(databases) = facts.settings.get("DATABASES") else {
        let advice =
            "Set url in [database]; without it tokenpair makes itself the file tokenpair.sqlite3.";
        return draft.note("DATABASES", None, "is not here", advice);
    };
    let Some(database) = databases.member("default") else {
        let reason = databases
            .reason()
            .unwrap_or("has no \"default\"")
            .to_owned();
        return draft.leave("DATABASES", &databases.at, reason, BY_HAND);
    };
    let members = databases.as_dict().unwrap_or_default();
    let others: Vec<&str> = members
        .iter()
        .map(|(name, _)| &**name)
        .filter(|name| *name != "default")
        .collect();
    if !others.is_empty() {
        let reason = format!("only \"default\" is used, not {}", others.join(", "));
        draft.note(
            "DATABASES",
            Some(&databases.at),
            reason,
            "If users and tokens are in another one, name that in [database].",
        );
    }
    if database.as_dict().is_none() {
        return match variable_of(database) {
            Some(variable) => refer(
                draft,
                format!("${variable}"),
                database.at.to_string(),
                None,
                false,
            ),
            None => draft.leave(
                "DATABASES[\"default\"]",
                &database.at,
                database.describe(),
                BY_HAND,
            ),
        };
    }
    let engine = database.member("ENGINE");
    match engine.map(|engine| (engine, engine.as_text())) {
        Some((_, Some(engine)))
            if engine.ends_with("sqlite3") || engine.ends_with("spatialite") =>
        {
            sqlite(facts, draft, database);
        }
        Some((_, Some(engine))) if is_postgres(engine) => postgres(facts, draft, database),
        Some((at, Some(engine))) => {
            let reason = format!("tokenpair works on SQLite and PostgreSQL, not on {engine}");
            draft.leave(
                "DATABASES[\"default\"]",
                &at.at,
                reason,
                "Until the users are in one of them, tokenpair cannot serve this project.",
            );
        }
        Some((engine, None)) => draft.leave(
            "DATABASES[\"default\"].ENGINE",
            &engine.at,
            engine.describe(),
            BY_HAND,
        ),
        None => draft.leave(
            "DATABASES[\"default\"]",
            &database.at,
            "has no ENGINE",
            BY_HAND,
        ),
    }
}

fn is_postgres(engine: &str) -> bool {
    ["postgresql", "postgresql_psycopg2", "postgis", "psycopg"]
        .iter()
        .any(|end| engine.ends_with(end))
}

fn token_blacklist(facts: &Facts, draft: &mut Draft) {
    let Some(apps) = facts.settings.get("INSTALLED_APPS") else {
        return;
    };
    let listed = apps.as_list().unwrap_or_default();
    let app = listed.iter().find(|app| {
        app.as_text()
            .is_some_and(|app| app.starts_with(BLACKLIST_APP))
    });
    match app {
        Some(app) => draft.set("database", "token_blacklist", true, &app.at),
        None if apps.as_list().is_some() && listed.iter().all(|app| app.as_text().is_some()) => {
            draft.set("database", "token_blacklist", false, &apps.at);
        }
        None => draft.leave(
            "INSTALLED_APPS",
            &apps.at,
            "cannot be read to its end, so that it is not known whether the blacklist app is in it",
            "Set token_blacklist in [database].",
        ),
    }
}

fn sqlite(facts: &Facts, draft: &mut Draft, database: &Value) {
    let Some(name) = database.member("NAME") else {
        return draft.leave(
            "DATABASES[\"default\"].NAME",
            &database.at,
            "is missing",
            BY_HAND,
        );
    };
    match (name.as_path(), variable_of(name)) {
        (Some(path), _) if path == Path::new(":memory:") || path.as_os_str().is_empty() => {
            draft.leave(
                "DATABASES[\"default\"].NAME",
                &name.at,
                "is a database in memory, which nobody can share",
                BY_HAND,
            );
        }
        (Some(path), _) => {
            let whole = if path.is_absolute() {
                path
            } else {
                facts.root.join(path)
            };
            let url = format!("sqlite:{}", whole.display());
            draft.set("database", "url", url, &name.at);
            if let Some(line) = draft.lines.last_mut() {
                line.source = source(name);
            }
        }
        (None, Some(variable)) => refer(
            draft,
            format!("sqlite:${variable}"),
            name.at.to_string(),
            None,
            false,
        ),
        _ => draft.leave(
            "DATABASES[\"default\"].NAME",
            &name.at,
            name.describe(),
            BY_HAND,
        ),
    }
}

/// A part of an address: as it is known, and as a shell is to write it.
struct Part {
    known: Option<String>,
    shell: String,
    /// The variable that alone decides it.
    variable: Option<String>,
}

fn part(
    facts: &Facts,
    draft: &mut Draft,
    database: &Value,
    name: &str,
    safe: &'static AsciiSet,
) -> Option<Part> {
    let shown = format!("DATABASES[\"default\"].{name}");
    let Some(value) = database.member(name) else {
        return Some(Part::none());
    };
    let text = match &value.what {
        What::None => Some(String::new()),
        What::Int(number) => Some(number.to_string()),
        What::Text(text) => Some(utf8_percent_encode(text, safe).to_string()),
        What::Path(path) => Some(utf8_percent_encode(&path.to_string_lossy(), safe).to_string()),
        _ => None,
    };
    let variable = variable_of(value).map(str::to_owned);
    match (text, variable) {
        (None, None) => {
            draft.leave(shown, &value.at, value.describe(), BY_HAND);
            None
        }
        (Some(text), _) if facts.is_written(value) => Some(Part {
            known: Some(text.clone()),
            shell: text,
            variable: None,
        }),
        (known, Some(variable)) => {
            let default = known
                .clone()
                .filter(|_| name != "PASSWORD" && facts.is_default(&variable));
            Some(Part {
                known,
                shell: default.unwrap_or_else(|| format!("${variable}")),
                variable: Some(variable),
            })
        }
        (known, None) => Some(Part {
            shell: known.clone().unwrap_or_default(),
            known,
            variable: None,
        }),
    }
}

impl Part {
    fn none() -> Self {
        Self {
            known: Some(String::new()),
            shell: String::new(),
            variable: None,
        }
    }
}

fn postgres(facts: &Facts, draft: &mut Draft, database: &Value) {
    let parts = ["USER", "HOST", "PORT", "NAME"].map(|name| {
        let safe = if name == "HOST" { FOLDER } else { PART };
        part(facts, draft, database, name, safe)
    });
    let [Some(user), Some(host), Some(port), Some(name)] = parts else {
        return;
    };
    let Some(password) = part(facts, draft, database, "PASSWORD", PART) else {
        return;
    };
    if host.known.as_deref() == Some("") {
        let reason = format!(
            "is empty, which lets libpq choose the folder of the socket; {SOCKETS} was taken"
        );
        draft.note(
            "DATABASES[\"default\"].HOST",
            Some(&database.at),
            reason,
            "On other systems than Debian's it may be /tmp.",
        );
    }
    let parameters = parameters(draft, database);
    max_connections(draft, database);

    let address = |form: fn(&Part) -> Option<&str>, password: Option<&str>| {
        let (user, host, port, name) = (form(&user)?, form(&host)?, form(&port)?, form(&name)?);
        Some(address(user, password, host, port, name, &parameters))
    };
    let known: fn(&Part) -> Option<&str> = |part| part.known.as_deref();
    let shell: fn(&Part) -> Option<&str> = |part| Some(&part.shell);
    let secret = password
        .known
        .as_deref()
        .filter(|password| !password.is_empty());
    let has_fixed_password = database
        .member("PASSWORD")
        .is_none_or(|value| facts.is_written(value));
    let at = &database.at;
    let from_url = url_variable(database);
    if has_fixed_password {
        match address(known, secret) {
            Some(url) if secret.is_some() => draft.set_secret("database", "url", &url, at),
            Some(url) => draft.set("database", "url", url, at),
            None => {
                let whole = address(shell, secret.map(|_| "PASSWORD")).unwrap_or_default();
                refer(draft, whole, at.to_string(), None, false);
            }
        }
        return;
    }
    // The password stays in the environment; the rest of the address is written, so that no other database is taken.
    if let Some(url) = address(known, None) {
        draft.set("database", "url", url, at);
    }
    let variable = from_url.as_ref().or(password.variable.as_ref());
    let is_optional = variable.is_some_and(|variable| facts.is_default(variable));
    let default = secret.filter(|_| is_optional);
    let default = default.and_then(|secret| address(known, Some(secret)));
    let default = default.map(json::Value::from);
    let value = match (&from_url, password.variable.is_some()) {
        (Some(variable), _) if requires_tls(database) => format!("${variable}?sslmode=require"),
        (Some(variable), _) => format!("${variable}"),
        (None, true) => address(shell, Some(&password.shell)).unwrap_or_default(),
        (None, false) => {
            return draft.leave(
                "DATABASES[\"default\"].PASSWORD",
                at,
                "is made of variables of the environment",
                BY_HAND,
            );
        }
    };
    refer(draft, value, source(database), default, is_optional);
}

/// Whether encryption was asked for beside the address: then it is not in the variable.
fn requires_tls(database: &Value) -> bool {
    let mode = database
        .member("OPTIONS")
        .and_then(|options| options.member("sslmode"));
    mode.is_some_and(|mode| mode.variables.is_empty())
}

/// The variable that holds the whole address, such as `DATABASE_URL`.
fn url_variable(database: &Value) -> Option<String> {
    if let Some(variable) = variable_of(database) {
        return Some(variable.to_owned());
    }
    let mut variables = ["PASSWORD", "HOST", "NAME", "USER"]
        .into_iter()
        .map(|name| {
            let value = database.member(name)?;
            let mut variables = value.variables.iter();
            match (variables.next(), variables.next()) {
                (Some(variable), None) if !value.is_verbatim => Some(variable.to_string()),
                _ => None,
            }
        });
    let first = variables.next()??;
    variables
        .all(|variable| variable.as_deref() == Some(&first))
        .then_some(first)
}

fn address(
    user: &str,
    password: Option<&str>,
    host: &str,
    port: &str,
    name: &str,
    parameters: &[(String, String)],
) -> String {
    let mut url = "postgres://".to_owned();
    let _ = write!(url, "{user}");
    if let Some(password) = password {
        let _ = write!(url, ":{password}");
    }
    if !user.is_empty() || password.is_some() {
        url.push('@');
    }
    let socket = match host {
        "" => Some(SOCKETS),
        folder if folder.starts_with('/') => Some(folder),
        _ => None,
    };
    if socket.is_none() {
        url.push_str(&host.replace("%3A", ":").replace("%2C", ","));
        if !port.is_empty() {
            let _ = write!(url, ":{port}");
        }
    }
    let _ = write!(url, "/{name}");
    let mut separator = '?';
    let socket = socket.map(|folder| ("host", folder));
    let socket_port = socket.filter(|_| !port.is_empty()).map(|_| ("port", port));
    let given = parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in socket.into_iter().chain(socket_port).chain(given) {
        let _ = write!(url, "{separator}{name}={value}");
        separator = '&';
    }
    url
}

/// libpq's parameters in `OPTIONS`, those that the store takes.
fn parameters(draft: &mut Draft, database: &Value) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let options = database
        .member("OPTIONS")
        .and_then(Value::as_dict)
        .unwrap_or_default();
    for (name, value) in options {
        let shown = format!("DATABASES[\"default\"].OPTIONS.{name}");
        let text = match &value.what {
            _ if &**name == "pool" => continue,
            _ if &**name == "password" => {
                draft.leave(
                    shown,
                    &value.at,
                    "stands among the options",
                    "Django takes it from PASSWORD.",
                );
                continue;
            }
            What::Text(text) => text.to_string(),
            What::Int(number) => number.to_string(),
            What::Path(path) => path.to_string_lossy().into_owned(),
            _ => {
                draft.leave(
                    shown,
                    &value.at,
                    value.describe(),
                    "It is no part of an address of PostgreSQL.",
                );
                continue;
            }
        };
        let text = utf8_percent_encode(&text, FOLDER).to_string();
        match PostgresOptions::from_url(&format!("postgres://user@localhost/name?{name}={text}")) {
            Ok(_) => parameters.push((name.to_string(), text)),
            Err(error) => draft.leave(shown, &value.at, error.to_string(), ""),
        }
    }
    parameters
}

fn max_connections(draft: &mut Draft, database: &Value) {
    let pool = database
        .member("OPTIONS")
        .and_then(|options| options.member("pool"));
    let most = pool.and_then(|pool| pool.member("max_size"));
    if let Some(most) = most {
        draft.take(
            "database",
            "max_connections",
            "DATABASES[\"default\"].OPTIONS.pool.max_size",
            most,
        );
    }
}

fn refer(
    draft: &mut Draft,
    value: String,
    source: String,
    default: Option<json::Value>,
    is_optional: bool,
) {
    draft.references.push(Reference {
        section: "database",
        name: "url".to_owned(),
        variable: "TOKENPAIR_DATABASE".to_owned(),
        value,
        source,
        default,
        is_optional,
    });
}
