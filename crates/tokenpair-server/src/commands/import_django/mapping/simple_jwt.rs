//! `SIMPLE_JWT` and `SECRET_KEY`.

use super::{HOOKS, plain};
use crate::commands::import_django::draft::Draft;
use crate::commands::import_django::facts::Facts;
use crate::commands::import_django::python::{Value, What};
use tokenpair::json;
use tokenpair::{Entry, Settings};

/// Ours: Simple JWT would pass over them.
const OURS: [&str; 10] = [
    "DATA_UPLOAD_MAX_MEMORY_SIZE",
    "ERROR_TEXTS",
    "INSECURE_ALLOW_SHORT_KEYS",
    "PASSWORD_HASHERS",
    "PASSWORD_ROUNDS",
    "REUSE_DETECTION",
    "ROTATION_GRACE_PERIOD",
    "SESSIONS",
    "STORE_FULL_TOKENS",
    "USER_ID_CLAIM_TYPE",
];
/// Python code: only the built-in value is accepted, and that need not be written.
const CODE: [&str; 5] = [
    "JSON_ENCODER",
    "ON_LOGIN_FAILED",
    "ON_LOGIN_SUCCESS",
    "TOKEN_USER_CLASS",
    "USER_AUTHENTICATION_RULE",
];
const SECRET_KEY: &str = "django.conf.settings.SECRET_KEY";
/// Long enough for any algorithm of shared secrets.
const PASSING_KEY: &str =
    "a key that is only there while one setting is looked at, and never used at all";

pub(super) fn map(facts: &Facts, draft: &mut Draft) {
    let settings = facts.settings.get("SIMPLE_JWT");
    let mut has_key = false;
    match settings.map(|settings| (settings, settings.as_dict())) {
        None => draft.note(
            "SIMPLE_JWT",
            None,
            "is not set, so Simple JWT's defaults hold",
            "",
        ),
        Some((settings, None)) => draft.leave(
            "SIMPLE_JWT",
            &settings.at,
            settings.describe(),
            "Write its settings into [simple_jwt] by hand, or ask Django with --manage-py.",
        ),
        Some((_, Some(members))) => {
            for (name, value) in members {
                let is_secret_key =
                    matches!(&value.what, What::Name(name) if &**name == SECRET_KEY);
                if &**name == "SIGNING_KEY" && !is_secret_key {
                    has_key = true;
                }
                // The user model has named its column.
                let is_column = &**name == "USER_ID_FIELD" && draft.has("simple_jwt", name);
                // So have the claims.
                let is_read = &**name == "TOKEN_OBTAIN_SERIALIZER" && facts.serializer.is_some();
                if !is_secret_key && !is_column && !is_read {
                    member(facts, draft, name, value);
                }
            }
        }
    }
    if !has_key {
        secret_key(facts, draft);
    }
    older_version(facts, draft);
}

/// What older versions do otherwise, see docs/upgrade-notes.md.
fn older_version(facts: &Facts, draft: &mut Draft) {
    let Some(version) = &facts.simple_jwt else {
        return;
    };
    let shown: Vec<String> = version.iter().map(ToString::to_string).collect();
    let mut set = |name, value: json::Value| {
        if !draft.has("simple_jwt", name) {
            let source = format!("Simple JWT {}", shown.join("."));
            draft.set_from("simple_jwt", name, value, source);
        }
    };
    if version.as_slice() < [5, 5, 1].as_slice() {
        set("USER_ID_CLAIM_TYPE", json::Value::from("number"));
    }
    if version.as_slice() < [5, 5].as_slice() {
        set("ERROR_TEXTS", json::Value::from("5.4"));
    }
    if version.as_slice() < [5].as_slice() {
        set("BLACKLIST_AFTER_ROTATION", json::Value::from(true));
    }
}

fn secret_key(facts: &Facts, draft: &mut Draft) {
    match facts.settings.get("SECRET_KEY") {
        Some(key) => draft.take_secret(facts, "SIGNING_KEY", "SECRET_KEY", key),
        None => draft.note(
            "SECRET_KEY",
            None,
            "is not here, and Simple JWT signs with it; without it tokenpair makes itself a key that Django does not know",
            "Start with TOKENPAIR_SIGNING_KEY set to Django's SECRET_KEY.",
        ),
    }
}

fn member(facts: &Facts, draft: &mut Draft, name: &str, value: &Value) {
    let shown = format!("SIMPLE_JWT.{name}");
    if let Some((reason, advice)) = not_simple_jwts(name) {
        return draft.leave(shown, &value.at, reason, advice);
    }
    match name {
        "SIGNING_KEY" => draft.take_secret(facts, name, &shown, value),
        "VERIFYING_KEY" => verifying_key(facts, draft, &shown, value),
        _ if CODE.contains(&name) || name.ends_with("_SERIALIZER") => {
            code(draft, name, &shown, value);
        }
        _ => {
            let refused = plain(value).ok().and_then(|value| refusal(name, value));
            match refused {
                Some(reason) => draft.leave(shown, &value.at, reason, ""),
                None => draft.take("simple_jwt", name, &shown, value),
            }
        }
    }
}

/// A public key in a file follows from the private one.
fn verifying_key(facts: &Facts, draft: &mut Draft, shown: &str, value: &Value) {
    if let What::FileText(..) = value.what {
        return draft.note(
            shown,
            Some(&value.at),
            "is a file; the public key is made from the private one",
            "Without a private key write its text into VERIFYING_KEY.",
        );
    }
    draft.take_secret(facts, "VERIFYING_KEY", shown, value);
}

fn code(draft: &mut Draft, name: &str, shown: &str, value: &Value) {
    let dotted = match &value.what {
        What::Name(dotted) => Ok(json::Value::from(&**dotted)),
        _ => plain(value),
    };
    let reason = match dotted {
        Ok(dotted) => refusal(name, dotted),
        Err(reason) => Some(reason),
    };
    if let Some(reason) = reason {
        draft.leave(shown, &value.at, reason, HOOKS);
    }
}

/// Why Simple JWT does not read a name, and what was meant.
fn not_simple_jwts(name: &str) -> Option<(String, String)> {
    let upper = name.to_ascii_uppercase();
    let theirs = || {
        Settings::names()
            .iter()
            .copied()
            .filter(|known| !OURS.contains(known))
    };
    if theirs().any(|known| known == name) {
        return None;
    }
    if let Some(known) = theirs().find(|known| *known == upper) {
        let reason = "Simple JWT does not read a name in lower case".to_owned();
        return Some((reason, format!("Did you mean {known}?")));
    }
    // What was removed is told by the engine, with its successor.
    let told = refusal(name, json::Value::Null);
    match tokenpair::nearest(&upper, theirs()) {
        _ if told.as_ref().is_some_and(|told| told.contains("removed")) => {
            Some((told.unwrap_or_default(), String::new()))
        }
        Some(known) => Some((
            "Simple JWT has no such setting, so it has no effect in Django".to_owned(),
            format!("Did you mean {known}?"),
        )),
        None => Some((
            "Simple JWT has no such setting, so it has no effect in Django".to_owned(),
            String::new(),
        )),
    }
}

/// What the engine says against a value of its own.
fn refusal(name: &str, value: json::Value) -> Option<String> {
    let entry = |name: &str, value| Entry {
        name: name.to_owned(),
        value,
        source: String::new(),
    };
    // A setting alone may need another one; only what is wrong with itself is told here.
    let key = entry("SIGNING_KEY", json::Value::from(PASSING_KEY));
    let error = Settings::load([key, entry(name, value)]).err()?;
    let needs_others =
        error.message.starts_with("needs ") || !error.name.eq_ignore_ascii_case(name);
    (!needs_others).then_some(error.message)
}
