//! Addresses of databases, as dj-database-url and django-environ read them into `DATABASES`.

use super::value::{Place, Value, What};
use percent_encoding::percent_decode_str;
use std::rc::Rc;

/// Schemes and the engine that Django has for them.
const SCHEMES: [(&str, &str); 12] = [
    ("postgres", "django.db.backends.postgresql"),
    ("postgresql", "django.db.backends.postgresql"),
    ("psql", "django.db.backends.postgresql"),
    ("pgsql", "django.db.backends.postgresql"),
    ("postgis", "django.contrib.gis.db.backends.postgis"),
    ("sqlite", "django.db.backends.sqlite3"),
    ("spatialite", "django.contrib.gis.db.backends.spatialite"),
    ("mysql", "django.db.backends.mysql"),
    ("mysql2", "django.db.backends.mysql"),
    ("mysqlgis", "django.contrib.gis.db.backends.mysql"),
    ("oracle", "django.db.backends.oracle"),
    ("mssql", "mssql"),
];

/// The entry of `DATABASES`. Each member depends on what the address depends on.
pub(super) fn parse(
    text: &str,
    options: &[(Rc<str>, Value)],
    url: &Value,
    at: &Place,
) -> Result<Value, Rc<str>> {
    let unreadable = || Rc::from("is an address of a database that cannot be read");
    let (scheme, rest) = text.split_once(':').ok_or_else(unreadable)?;
    let scheme = scheme.split('+').next().unwrap_or(scheme);
    let known = SCHEMES.iter().find(|(known, _)| *known == scheme);
    let (_, engine) = known.ok_or_else(unreadable)?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));

    let mut members: Vec<(Rc<str>, Value)> = Vec::new();
    let mut put = |name: &str, what: What| {
        members.push((Rc::from(name), Value::new(what, at.clone()).made_of([url])));
    };
    put("ENGINE", What::Text(Rc::from(*engine)));
    if engine.contains("sqlite") || engine.contains("spatialite") {
        // `sqlite:///relative`, `sqlite:////absolute`; without a file it lives in memory.
        let path = decoded(rest.strip_prefix('/').unwrap_or(rest)).ok_or_else(unreadable)?;
        let name = if path.is_empty() { ":memory:" } else { &path };
        put("NAME", What::Text(Rc::from(name)));
    } else {
        let (authority, name) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (user, host),
            None => ("", authority),
        };
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) => (host, port),
            _ => (host, ""),
        };
        let parts = [
            ("NAME", name),
            ("USER", user),
            ("PASSWORD", password),
            ("HOST", host),
            ("PORT", port),
        ];
        for (member, text) in parts {
            let text = decoded(text).ok_or_else(unreadable)?;
            put(member, What::Text(Rc::from(text)));
        }
    }
    let mut parameters = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value).ok_or_else(unreadable)?;
        let value = Value::text(value, at.clone()).made_of([url]);
        parameters.push((Rc::from(name), value));
    }
    for (name, value) in options {
        match &**name {
            "conn_max_age" => members.push((Rc::from("CONN_MAX_AGE"), value.clone())),
            "ssl_require" if value.truth() == Some(true) => {
                parameters.push((
                    Rc::from("sslmode"),
                    Value::text("require", value.at.clone()),
                ));
            }
            "engine" => {
                if let Some((_, engine)) = members.first_mut() {
                    *engine = value.clone();
                }
            }
            _ => {}
        }
    }
    if !parameters.is_empty() {
        let options = Value::new(What::Dict(parameters), at.clone());
        members.push((Rc::from("OPTIONS"), options));
    }
    Ok(Value::new(What::Dict(members), at.clone()))
}

fn decoded(text: &str) -> Option<String> {
    let text = percent_decode_str(text).decode_utf8().ok()?;
    Some(text.into_owned())
}
