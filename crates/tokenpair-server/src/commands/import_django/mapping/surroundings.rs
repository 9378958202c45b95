//! Settings around the tokens: time zone, language, REST framework, log-in back ends; and names that nobody reads.

use super::HOOKS;
use super::user_model::suggest_iexact;
use crate::commands::import_django::draft::Draft;
use crate::commands::import_django::facts::{Facts, texts};
use crate::commands::import_django::python::{Value, What, is_iexact};
use tokenpair::{Settings, nearest};

const MODEL_BACKEND: &str = "django.contrib.auth.backends.ModelBackend";
/// Settings of REST framework that change what the token routes answer, and what they are when nobody sets them.
const REST_FRAMEWORK: [&str; 8] = [
    "DEFAULT_AUTHENTICATION_CLASSES",
    "DEFAULT_PERMISSION_CLASSES",
    "DEFAULT_RENDERER_CLASSES",
    "DEFAULT_PARSER_CLASSES",
    "DEFAULT_THROTTLE_CLASSES",
    "DEFAULT_THROTTLE_RATES",
    "EXCEPTION_HANDLER",
    "NON_FIELD_ERRORS_KEY",
];
/// Names whose misspelling would go unnoticed.
const TOP: [&str; 9] = [
    "SIMPLE_JWT",
    "SECRET_KEY",
    "DATABASES",
    "INSTALLED_APPS",
    "AUTH_USER_MODEL",
    "PASSWORD_HASHERS",
    "ROOT_URLCONF",
    "REST_FRAMEWORK",
    "MIDDLEWARE",
];

pub(super) fn map(facts: &Facts, draft: &mut Draft) {
    time_zone(facts, draft);
    language(facts, draft);
    backends(facts, draft);
    rest_framework(facts, draft);
    names(facts, draft);
    for (name, what) in [
        (
            "DATABASE_ROUTERS",
            "routers may send users and tokens to another database than \"default\"",
        ),
        (
            "FORCE_SCRIPT_NAME",
            "it is a prefix of all paths; [paths] has them without it",
        ),
    ] {
        if let Some(value) = facts
            .settings
            .get(name)
            .filter(|value| value.truth() != Some(false))
        {
            draft.leave(name, &value.at, what, "Look at [database] and [paths].");
        }
    }
}

fn time_zone(facts: &Facts, draft: &mut Draft) {
    let zone = facts.settings.get("TIME_ZONE");
    let is_utc = zone
        .and_then(Value::as_text)
        .is_some_and(|zone| matches!(zone, "UTC" | "Etc/UTC" | "GMT"));
    let Some(aware) = facts.settings.get("USE_TZ") else {
        return;
    };
    if aware.truth() == Some(false) && !is_utc {
        let zone = zone.and_then(Value::as_text).unwrap_or("America/Chicago");
        let reason = format!(
            "is False: Django stores times of {zone}, on SQLite its own and on PostgreSQL those of tokens; \
             tokenpair stores and reads UTC"
        );
        draft.leave(
            "USE_TZ",
            &aware.at,
            reason,
            "Set USE_TZ = True in Django. Until then flush with `tokenpair flushexpiredtokens` alone: on \
             PostgreSQL, west of UTC, Django's command deletes tokens of tokenpair's that still live.",
        );
    }
}

fn language(facts: &Facts, draft: &mut Draft) {
    let translates = facts.settings.get("USE_I18N").and_then(Value::truth) != Some(false);
    let language = facts.settings.get("LANGUAGE_CODE");
    let other = language.filter(|language| {
        language
            .as_text()
            .is_some_and(|code| !code.to_ascii_lowercase().starts_with("en"))
    });
    if let Some(language) = other.filter(|_| translates) {
        let code = language.as_text().unwrap_or_default();
        let reason = format!("Django words its errors in {code}; tokenpair's are English");
        draft.leave(
            "LANGUAGE_CODE",
            &language.at,
            reason,
            "Clients should look at \"code\" rather than at the text.",
        );
    }
}

fn backends(facts: &Facts, draft: &mut Draft) {
    let Some(setting) = facts.settings.get("AUTHENTICATION_BACKENDS") else {
        return;
    };
    let Some(backends) = setting.as_list() else {
        return draft.leave(
            "AUTHENTICATION_BACKENDS",
            &setting.at,
            setting.describe(),
            "tokenpair logs in as ModelBackend does.",
        );
    };
    for backend in backends
        .iter()
        .filter(|backend| backend.as_text() != Some(MODEL_BACKEND))
    {
        let reason = match backend.as_text() {
            Some(name) => format!("{name} is Python code; tokenpair logs in as ModelBackend does"),
            None => backend.describe(),
        };
        let mut own = facts.backends.iter();
        let own = own.find(|(name, at)| {
            backend.as_text() == Some(name) && is_iexact(at, facts.username_field())
        });
        let advice = own.map_or(HOOKS, |(_, at)| suggest_iexact(draft, at));
        draft.leave("AUTHENTICATION_BACKENDS", &backend.at, reason, advice);
    }
}

fn rest_framework(facts: &Facts, draft: &mut Draft) {
    let Some(setting) = facts.settings.get("REST_FRAMEWORK") else {
        return;
    };
    for (name, value) in setting.as_dict().unwrap_or_default() {
        let shown = format!("REST_FRAMEWORK.{name}");
        let listed = texts(value).unwrap_or_default();
        let builtin = |class: &&str| class.starts_with("rest_framework.");
        match &**name {
            "DEFAULT_AUTHENTICATION_CLASSES" => {
                let names = listed.join(", ");
                draft.note(shown, Some(&value.at), format!("stays with Django's own views ({names})"), "");
            }
            "DEFAULT_THROTTLE_CLASSES" if value.truth() != Some(false) => draft.leave(
                shown,
                &value.at,
                "Django throttles the token routes with it; tokenpair does not",
                "Limit them in front, see docs/nginx.md.",
            ),
            "EXCEPTION_HANDLER" if !listed.first().is_some_and(builtin) => draft.leave(
                shown,
                &value.at,
                "is Python code that changes the answers to failures; tokenpair answers as REST framework itself",
                HOOKS,
            ),
            "NON_FIELD_ERRORS_KEY" if value.as_text() != Some("non_field_errors") => draft.leave(
                shown,
                &value.at,
                "tokenpair's answers have non_field_errors",
                "Clients have to look there.",
            ),
            "DEFAULT_RENDERER_CLASSES" | "DEFAULT_PARSER_CLASSES" if !listed.iter().all(builtin) || listed.is_empty() => draft.leave(
                shown,
                &value.at,
                "has classes that are not REST framework's; tokenpair reads and writes as that does",
                "Compare the answers of both before you move the routes.",
            ),
            other if !REST_FRAMEWORK.contains(&other) => {
                if let Some(known) = nearest(other, REST_FRAMEWORK).filter(|known| is_misspelt(other, known)) {
                    let reason = "REST framework has no such setting, so it has no effect in Django";
                    draft.leave(shown, &value.at, reason, format!("Did you mean {known}?"));
                }
            }
            _ => {}
        }
    }
}

/// `nearest` is generous; many other settings are close to these.
fn is_misspelt(name: &str, known: &str) -> bool {
    let same = name
        .bytes()
        .zip(known.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let end = name
        .bytes()
        .rev()
        .zip(known.bytes().rev())
        .take_while(|(a, b)| a == b)
        .count();
    same + end + 3 >= known.len() && name.len().abs_diff(known.len()) <= 2
}

/// Settings that nobody reads where they are.
fn names(facts: &Facts, draft: &mut Draft) {
    for (name, value) in facts.settings.iter() {
        let is_setting = name
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        let is_data = !matches!(value.what, What::Name(_) | What::Class(_) | What::Module(_));
        if !is_setting || !is_data {
            continue;
        }
        if name == "JWT_AUTH" {
            let reason =
                "belongs to djangorestframework-jwt, whose tokens are others than Simple JWT's";
            draft.leave(
                name,
                &value.at,
                reason,
                "Only projects with Simple JWT can move in.",
            );
        } else if is_of_simple_jwt(name) {
            let reason = "stands outside of SIMPLE_JWT, where Simple JWT does not read it";
            draft.leave(
                name,
                &value.at,
                reason,
                format!("If it is meant, set {name} in [simple_jwt]."),
            );
        } else if let Some(known) = meant(facts, name) {
            let reason = "Django has no such setting";
            draft.leave(name, &value.at, reason, format!("Did you mean {known}?"));
        }
    }
}

/// The setting whose name is misspelt here, if that itself is not set.
fn meant(facts: &Facts, name: &str) -> Option<&'static str> {
    let known = nearest(name, TOP).filter(|known| is_misspelt(name, known))?;
    (!TOP.contains(&name) && facts.settings.get(known).is_none()).then_some(known)
}

fn is_of_simple_jwt(name: &str) -> bool {
    let elsewhere = [
        "AUTH_COOKIES",
        "AUTH_COOKIE_SAMESITE",
        "AUTH_COOKIE_SECURE",
        "CSRF_TRUSTED_ORIGINS",
        "PASSWORD_HASHERS",
        "DATA_UPLOAD_MAX_MEMORY_SIZE",
        "PASSWORD_ROUNDS",
    ];
    let telling = [
        "ALGORITHM",
        "AUDIENCE",
        "ISSUER",
        "LEEWAY",
        "SIGNING_KEY",
        "VERIFYING_KEY",
        "JWK_URL",
    ];
    // Names that a project may well use for itself are not taken for a mistake.
    Settings::names().contains(&name) && !elsewhere.contains(&name) && !telling.contains(&name)
}
