//! Password hashers of the project's own that only change how much work a hash is, as Django's documentation shows it.

use super::python::{Class, Project, Scope, Value, What};
use std::rc::Rc;

const DJANGO: &str = "django.contrib.auth.hashers.";
/// Django's classes, an attribute of theirs, and our name for it.
const WORK: [(&str, &str, &str); 10] = [
    (
        "PBKDF2PasswordHasher",
        "iterations",
        "pbkdf2_sha256_iterations",
    ),
    (
        "PBKDF2SHA1PasswordHasher",
        "iterations",
        "pbkdf2_sha1_iterations",
    ),
    ("Argon2PasswordHasher", "time_cost", "argon2_time_cost"),
    ("Argon2PasswordHasher", "memory_cost", "argon2_memory_cost"),
    ("Argon2PasswordHasher", "parallelism", "argon2_parallelism"),
    ("BCryptSHA256PasswordHasher", "rounds", "bcrypt_rounds"),
    ("BCryptPasswordHasher", "rounds", "bcrypt_rounds"),
    ("ScryptPasswordHasher", "work_factor", "scrypt_work_factor"),
    ("ScryptPasswordHasher", "block_size", "scrypt_block_size"),
    ("ScryptPasswordHasher", "parallelism", "scrypt_parallelism"),
];

/// Numbers by our names.
type Work = Vec<(String, i64)>;

/// Puts Django's classes in the place of those on top of them; the work that these ask for.
pub(super) fn read(project: &mut Project, settings: &mut Scope) -> Work {
    let mut rounds = Vec::new();
    let Some(setting) = settings.get("PASSWORD_HASHERS").cloned() else {
        return rounds;
    };
    let mut hashers = setting.as_list().unwrap_or_default().to_vec();
    for hasher in &mut hashers {
        let Some(path) = hasher.as_text().filter(|path| !path.starts_with(DJANGO)) else {
            continue;
        };
        let name = Value::new(What::Name(Rc::from(path)), hasher.at.clone());
        if let What::Class(class) = project.resolve(&name).what
            && let Some((base, more)) = work(&class)
        {
            *hasher = Value::text(base, hasher.at.clone());
            rounds.extend(more);
        }
    }
    if setting.as_list().is_some() {
        settings.insert(
            "PASSWORD_HASHERS",
            Value::new(What::List(hashers), setting.at),
        );
    }
    rounds
}

/// The class of Django's below, and the work by our names, if nothing else is changed.
fn work(class: &Class) -> Option<(Rc<str>, Work)> {
    let [base] = class.bases.as_slice() else {
        return None;
    };
    let What::Name(base) = &base.what else {
        return None;
    };
    let of_django = base.strip_prefix(DJANGO)?;
    let rounds = class.body.iter().map(|(attribute, value)| {
        let mut known = WORK.iter();
        let (_, _, ours) =
            known.find(|(class, name, _)| (*class, *name) == (of_django, attribute))?;
        match value.what {
            What::Int(number) => Some(((*ours).to_owned(), number)),
            _ => None,
        }
    });
    Some((base.clone(), rounds.collect::<Option<_>>()?))
}
