//! What is and what is not a readable hash.

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::super::encoded::Stored;
use super::super::scheme::Scheme;
use super::super::*;
use super::{cheap_rounds, preferring, vectors};

const SALT: &str = "c29tZXNhbHRzb21lc2FsdHNvbWVzYQ";
const ARGON2_DIGEST: &str = "Q/AoAgrgWiA2tDyiK9tOhHhFE+Nc4TFLUu6ysMK9PHc";

#[test]
fn written_hash_is_the_one_that_was_read() {
    for (_, encoded) in vectors::CHEAP.iter().chain(vectors::CORPUS_USERS) {
        let normalised = encoded
            .replace("$2a$", "$2b$")
            .replace("$2y$", "$2b$")
            .replace("argon2i$m=", "argon2i$v=16$m=")
            .replace("md5$$", "");
        assert_eq!(Stored::parse(encoded).unwrap().to_string(), normalised);
    }
}

#[test]
fn what_django_cannot_match_is_unreadable() {
    let digest = "P7kYHmZCNAstLfWrWAYOH9L9VDQGDu1TMdz/sbF01QA=";
    let bcrypt = "AgNaXARlmNBPHuwIjZ2IoeNdl8x5sRegPqhnDjFEali3TBEZr8uiK";
    let spare_bit = bcrypt.replacen("Ioe", "Iof", 1);
    let unreadable = [
        String::new(),
        "$".into(),
        "not-a-django-hash".into(),
        "pbkdf2_sha256".into(),
        "pbkdf2_sha256$".into(),
        "pbkdf2_sha512$1$salt$x".into(),
        format!("PBKDF2_SHA256$1$salt${digest}"),
        format!(" pbkdf2_sha256$1$salt${digest}"),
        format!("!pbkdf2_sha256$1$salt${digest}"),
        format!("pbkdf2_sha256$0$salt${digest}"),
        format!("pbkdf2_sha256$01$salt${digest}"),
        format!("pbkdf2_sha256$+1$salt${digest}"),
        format!("pbkdf2_sha256$-1$salt${digest}"),
        format!("pbkdf2_sha256$1_000$salt${digest}"),
        format!("pbkdf2_sha256$١$salt${digest}"),
        format!("pbkdf2_sha256$1$${digest}"),
        format!("pbkdf2_sha256$1$salt${digest}$"),
        format!("pbkdf2_sha256$1$salt${digest}\n"),
        format!("pbkdf2_sha256$1$salt${}", digest.trim_end_matches('=')),
        format!("pbkdf2_sha256$1$salt${}B=", digest.trim_end_matches("A=")),
        "pbkdf2_sha256$1$salt$".into(),
        format!("pbkdf2_sha1$1$salt${digest}"),
        format!("argon2$argon2id$v=19$m=8,t=1,p=1${SALT}${ARGON2_DIGEST}="),
        format!("argon2$argon2id$v=19$m=08,t=1,p=1${SALT}${ARGON2_DIGEST}"),
        format!("argon2$argon2id$v=19$t=1,m=8,p=1${SALT}${ARGON2_DIGEST}"),
        format!("argon2$argon2id$v=19$m=8,t=1,p=1,${SALT}${ARGON2_DIGEST}"),
        format!("argon2$argon2id$v=19$m=8,t=1,p=1${SALT}${ARGON2_DIGEST}$"),
        format!("argon2$argon2id$v=20$m=8,t=1,p=1${SALT}${ARGON2_DIGEST}"),
        format!("argon2$argon2x$v=19$m=8,t=1,p=1${SALT}${ARGON2_DIGEST}"),
        format!("argon2$argon2id$v=19$m=7,t=1,p=1${SALT}${ARGON2_DIGEST}"),
        format!("argon2$argon2id$v=19$m=8,t=1,p=1${SALT}$AAA"),
        format!("argon2$argon2id$v=19$m=8,t=1,p=1$${ARGON2_DIGEST}"),
        format!("bcrypt$2b$04${bcrypt}"),
        format!("bcrypt$$2b$4${bcrypt}"),
        format!("bcrypt$$2b$004${bcrypt}"),
        format!("bcrypt$$2b$03${bcrypt}"),
        format!("bcrypt$$2x$04${bcrypt}"),
        format!("bcrypt$$2$04${bcrypt}"),
        format!("bcrypt$$2b$04${spare_bit}"),
        format!("bcrypt$$2b$04${}", &bcrypt[1..]),
        "bcrypt$$2b$04$éééééééééééééééééééééééééé".into(),
        "scrypt$3$salt$8$1$AA==".into(),
        "md5$salt$A2aac1caf875bb9ecc5b3d455a3dcb0f".into(),
        "md5$salt$a2aac1caf875bb9ecc5b3d455a3dcb0".into(),
        "md5$salt$é".into(),
        "md5$$a2aac1caf875bb9ecc5b3d455a3dcb0".into(),
        "A2aac1caf875bb9ecc5b3d455a3dcb0f".into(),
        "a2aac1caf875bb9ecc5b3d455a3dcb0".into(),
        "sha1$salt$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd".into(),
        "sha1$$a2aac1caf875bb9ecc5b3d455a3dcb0f".into(),
        "unsalted_sha1$$5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8".into(),
        "unsalted_md5$$a2aac1caf875bb9ecc5b3d455a3dcb0f".into(),
        format!("pbkdf2_sha256$1${}${digest}", "s".repeat(2000)),
    ];
    let hashers = preferring(Hasher::Pbkdf2Sha256);
    for encoded in unreadable {
        assert!(Stored::parse(&encoded).is_none(), "{encoded}");
        assert!(!hashers.check("", Some(&encoded)).matches, "{encoded}");
    }
}

#[test]
fn hostile_parameters_are_unreadable() {
    let scrypt_digest = format!("{}==", "A".repeat(86));
    let scrypt = |n: u64, r: u64, p: u64| format!("scrypt${n}$salt${r}${p}${scrypt_digest}");
    let argon2 = |m: u64, t: u64, p: u64| {
        format!("argon2$argon2id$v=19$m={m},t={t},p={p}${SALT}${ARGON2_DIGEST}")
    };
    let max = u64::from(u32::MAX);
    assert!(Stored::parse(&scrypt(1 << 14, 8, 5)).is_some());
    assert!(Stored::parse(&argon2(102_400, 2, 8)).is_some());
    for encoded in [
        scrypt(1 << 31, 8, 1),
        scrypt(1 << 22, 1, 1),
        scrypt(1, 8, 1),
        scrypt(2, max, 1),
        scrypt(2, 1, max),
        scrypt(1 << 31, max, max),
        scrypt(1 << 40, 1, 1),
        argon2(max, 1, 1),
        argon2(524_289, 1, 1),
        argon2(8, 300_000, 1),
        argon2(max, max, max),
        argon2(8, 1, 2),
        format!("pbkdf2_sha256$4294967295$salt${}=", "A".repeat(43)),
        format!("pbkdf2_sha256$10000001$salt${}=", "A".repeat(43)),
        "bcrypt$$2b$16$AgNaXARlmNBPHuwIjZ2IoeNdl8x5sRegPqhnDjFEali3TBEZr8uiK".into(),
        "bcrypt$$2b$31$AgNaXARlmNBPHuwIjZ2IoeNdl8x5sRegPqhnDjFEali3TBEZr8uiK".into(),
    ] {
        assert!(Stored::parse(&encoded).is_none(), "{encoded}");
    }
}

#[test]
fn argon2_salt_below_eight_bytes_matches_nothing() {
    let encoded = format!("argon2$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbA${ARGON2_DIGEST}");
    assert!(Stored::parse(&encoded).is_some());
    assert!(
        !preferring(Hasher::Argon2)
            .check("pw", Some(&encoded))
            .matches
    );
}

#[test]
fn pbkdf2_agrees_with_wycheproof() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/vectors/wycheproof/pbkdf2_hmacsha256_test.json"
    );
    let file: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let groups = file["testGroups"].as_array().unwrap();
    let tests: Vec<_> = groups
        .iter()
        .flat_map(|group| group["tests"].as_array().unwrap())
        .collect();
    assert_eq!(tests.len(), 60);
    for test in tests {
        let bytes = |name: &str| unhex(test[name].as_str().unwrap());
        let iterations = u32::try_from(test["iterationCount"].as_u64().unwrap()).unwrap();
        let derived = tokenpair_pbkdf2::derive(
            &bytes("password"),
            &bytes("salt"),
            NonZeroU32::new(iterations).unwrap(),
        );
        let expected = bytes("dk");
        let common = expected.len().min(derived.len());
        let equal = derived[..common] == expected[..common];
        assert_eq!(equal, test["result"] == "valid", "tcId {}", test["tcId"]);
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|start| u8::from_str_radix(&text[start..start + 2], 16).unwrap())
        .collect()
}

/// Something that begins like a hash and goes on like anything.
fn hash_like() -> impl Strategy<Value = String> {
    let name = prop::sample::select(Hasher::ALL.map(Hasher::name).to_vec());
    (name, "[$=,a-z0-9+/.é]{0,120}").prop_map(|(name, rest)| format!("{name}${rest}"))
}

/// A hash of Django's with one character replaced, put in or taken out.
fn damaged_hash() -> impl Strategy<Value = (&'static str, String, &'static str)> {
    let vector = prop::sample::select(vectors::CHEAP);
    (
        vector,
        any::<prop::sample::Index>(),
        "[$=a-zA-Z0-9+/.é]{0,2}",
    )
        .prop_map(|((password, encoded), place, put)| {
            let characters: Vec<char> = encoded.chars().collect();
            let place = place.index(characters.len());
            let damaged = characters[..place]
                .iter()
                .copied()
                .chain(put.chars())
                .chain(characters[place + 1..].iter().copied());
            (password, damaged.collect(), encoded)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = Stored::parse(&text);
    }

    #[test]
    fn what_is_read_is_affordable(text in hash_like()) {
        if let Some(stored) = Stored::parse(&text) {
            prop_assert!(stored.scheme.is_affordable());
        }
    }

    #[test]
    fn damaged_hash_does_not_match((password, damaged, encoded) in damaged_hash()) {
        // Another prefix of bcrypt's or an older argon2 may be the same hash in other words.
        let same = Stored::parse(&damaged) == Stored::parse(encoded);
        let affordable = damaged.len() < 1024 && !costs_more(&damaged, encoded);
        prop_assume!(!same && affordable);
        let hashers = preferring(Hasher::Pbkdf2Sha256);
        prop_assert!(!hashers.check(password, Some(&damaged)).matches, "{damaged}");
    }

    #[test]
    fn any_password_survives_the_round_trip(password in any::<String>(), place in any::<prop::sample::Index>()) {
        let hashers = preferring(*place.get(&Hasher::ALL));
        match hashers.make_password(&password) {
            Ok(encoded) => prop_assert!(hashers.check(&password, Some(&encoded)).matches),
            Err(error) => {
                prop_assert_eq!(error, PasswordError::Unhashable);
                prop_assert!(password.len() > 72 || password.contains('\0'));
            }
        }
    }
}

/// Whether damage has made a hash so expensive that checking it would only slow the tests down.
fn costs_more(damaged: &str, encoded: &str) -> bool {
    let cost = |encoded: &str| {
        Stored::parse(encoded).map_or(0, |stored| match stored.scheme {
            Scheme::Pbkdf2 { iterations, .. } => u64::from(iterations),
            Scheme::Argon2 { memory, passes, .. } => u64::from(memory) * u64::from(passes),
            Scheme::Bcrypt { cost, .. } => 1 << cost,
            Scheme::Scrypt { n, r, p } => u64::from(n) * u64::from(r) * u64::from(p),
            Scheme::Once { .. } => 0,
        })
    };
    cost(damaged) > 100 * cost(encoded).max(1)
}

#[test]
fn new_hashes_fit_djangos_column() {
    for hasher in Hasher::ALL {
        let mut rounds = cheap_rounds();
        rounds.argon2_memory_cost = 102_400;
        let hashers = PasswordHashers::new(&[hasher], &rounds).unwrap();
        assert!(hashers.make_password("password").unwrap().len() <= 128);
    }
}
