//! `PASSWORD_HASHERS` and how much work new hashes are.

use super::plain;
use crate::commands::import_django::draft::Draft;
use crate::commands::import_django::facts::Facts;
use tokenpair::json::{self, Object};
use tokenpair::passwords::{Hasher, Rounds};

/// Iterations of PBKDF2 by Django's version, from its release notes.
const ITERATIONS: [((u32, u32), i64); 9] = [
    ((3, 2), 260_000),
    ((4, 0), 320_000),
    ((4, 1), 390_000),
    ((4, 2), 600_000),
    ((5, 0), 720_000),
    ((5, 1), 870_000),
    ((5, 2), 1_000_000),
    ((6, 0), 1_200_000),
    ((6, 1), 1_500_000),
];
/// From this version on scrypt uses five lanes.
const FIVE_LANES: (u32, u32) = (5, 1);

pub(super) fn map(facts: &Facts, draft: &mut Draft) {
    hashers(facts, draft);
    rounds(facts, draft);
    let limit = facts.settings.get("DATA_UPLOAD_MAX_MEMORY_SIZE");
    if let Some(limit) = limit.filter(|limit| plain(limit) != Ok(json::Value::from(2_621_440))) {
        draft.take(
            "simple_jwt",
            "DATA_UPLOAD_MAX_MEMORY_SIZE",
            "DATA_UPLOAD_MAX_MEMORY_SIZE",
            limit,
        );
    }
}

fn hashers(facts: &Facts, draft: &mut Draft) {
    let Some(setting) = facts.settings.get("PASSWORD_HASHERS") else {
        return;
    };
    let Some(listed) = setting.as_list() else {
        return draft.take(
            "simple_jwt",
            "PASSWORD_HASHERS",
            "PASSWORD_HASHERS",
            setting,
        );
    };
    let mut names = Vec::new();
    for (index, hasher) in listed.iter().enumerate() {
        let parsed = match hasher.as_text() {
            Some(path) => path
                .parse::<Hasher>()
                .map_err(|_| format!("{path} is none of Django's hashers that tokenpair has")),
            None => Err(hasher.describe()),
        };
        match parsed {
            Ok(hasher) if !names.contains(&hasher.name()) => names.push(hasher.name()),
            Ok(_) => {}
            Err(reason) => {
                let advice = if index == 0 {
                    "Django makes new hashes with it: users whose password is stored so cannot log in here."
                } else {
                    "Users whose password is stored so cannot log in here until Django has re-hashed it."
                };
                draft.leave("PASSWORD_HASHERS", &hasher.at, reason, advice);
            }
        }
    }
    let is_usual = names
        .iter()
        .copied()
        .eq(Hasher::DJANGO_DEFAULT.iter().map(|hasher| hasher.name()));
    if !is_usual && !names.is_empty() {
        let names = names.into_iter().map(json::Value::from).collect();
        draft.set(
            "simple_jwt",
            "PASSWORD_HASHERS",
            json::Value::Array(names),
            &setting.at,
        );
    }
}

/// The work that is told by Django's version, where Django itself has not told it.
fn of_version(facts: &Facts, draft: &mut Draft) -> Object {
    if facts
        .rounds
        .iter()
        .any(|(name, _)| name == "pbkdf2_sha256_iterations")
    {
        return Object::new();
    }
    let Some(version) = facts.django else {
        let iterations = Rounds::default().pbkdf2_sha256_iterations;
        draft.note(
            "PASSWORD_HASHERS",
            None,
            format!("Django's version is not known; new hashes have {iterations} iterations as in Django 5.2"),
            "With another version set PASSWORD_ROUNDS = { pbkdf2_sha256_iterations = … }, see docs/settings.md.",
        );
        return Object::new();
    };
    let Some((_, iterations)) = ITERATIONS.iter().find(|(known, _)| *known == version) else {
        let (major, minor) = version;
        draft.note(
            "PASSWORD_HASHERS",
            None,
            format!("the work of new hashes in Django {major}.{minor} is not known here"),
            "Set PASSWORD_ROUNDS, or ask Django with --manage-py.",
        );
        return Object::new();
    };
    let lanes = if version < FIVE_LANES { 1 } else { 5 };
    Object::from_iter([
        ("pbkdf2_sha256_iterations", json::Value::from(*iterations)),
        ("pbkdf2_sha1_iterations", json::Value::from(*iterations)),
        ("scrypt_parallelism", json::Value::from(lanes)),
    ])
}

/// What each side hashes with other work than the other, it would hash again at each log-in.
fn rounds(facts: &Facts, draft: &mut Draft) {
    let usual = Rounds::default();
    let mut told = of_version(facts, draft);
    for (name, number) in &facts.rounds {
        told.insert(name.clone(), *number);
    }
    let usual = |name: &str| {
        Some(i64::from(match name {
            "pbkdf2_sha256_iterations" => usual.pbkdf2_sha256_iterations,
            "pbkdf2_sha1_iterations" => usual.pbkdf2_sha1_iterations,
            "argon2_time_cost" => usual.argon2_time_cost,
            "argon2_memory_cost" => usual.argon2_memory_cost,
            "argon2_parallelism" => usual.argon2_parallelism,
            "bcrypt_rounds" => usual.bcrypt_rounds,
            "scrypt_work_factor" => usual.scrypt_work_factor,
            "scrypt_block_size" => usual.scrypt_block_size,
            "scrypt_parallelism" => usual.scrypt_parallelism,
            _ => return None,
        }))
    };
    let differs = told
        .iter()
        .filter(|(name, number)| usual(name) != number.as_i64());
    let differs: Object = differs
        .map(|(name, number)| (name.clone(), number.clone()))
        .collect();
    if !differs.is_empty() {
        let version = facts
            .django
            .map_or("PASSWORD_HASHERS".to_owned(), |(major, minor)| {
                format!("Django {major}.{minor}")
            });
        draft.set_from("simple_jwt", "PASSWORD_ROUNDS", differs, version);
    }
}
