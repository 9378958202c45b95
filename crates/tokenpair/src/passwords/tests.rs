mod equal_work;
mod formats;
mod vectors;

use super::*;

/// Rounds that make every hasher take about a millisecond or less.
pub(super) fn cheap_rounds() -> Rounds {
    Rounds {
        pbkdf2_sha256_iterations: 1000,
        pbkdf2_sha1_iterations: 1000,
        argon2_time_cost: 1,
        argon2_memory_cost: 64,
        argon2_parallelism: 2,
        bcrypt_rounds: 4,
        scrypt_work_factor: 64,
        scrypt_block_size: 8,
        scrypt_parallelism: 1,
    }
}

/// All hashers, the given one preferred.
pub(super) fn preferring(preferred: Hasher) -> PasswordHashers {
    let mut hashers = vec![preferred];
    hashers.extend(Hasher::ALL.into_iter().filter(|&other| other != preferred));
    PasswordHashers::new(&hashers, &cheap_rounds()).unwrap()
}

fn cheap() -> PasswordHashers {
    preferring(Hasher::Pbkdf2Sha256)
}

#[test]
fn every_cheap_hash_of_django_is_accepted() {
    for (password, encoded) in vectors::CHEAP {
        assert!(cheap().check(password, Some(encoded)).matches, "{encoded}");
    }
}

#[test]
fn every_user_of_the_corpus_is_accepted() {
    for (password, encoded) in vectors::CORPUS_USERS {
        assert!(cheap().check(password, Some(encoded)).matches, "{encoded}");
    }
}

#[test]
fn longest_password_is_not_cut() {
    let encoded =
        "pbkdf2_sha256$5000$longSalt0123456789abcd$aqIcSxNdHwJHgL7A8thMhd6sJuk/tUvavqR5HSXaEZg=";
    let longest = "L".repeat(MAX_PASSWORD_BYTES);
    assert!(cheap().check(&longest, Some(encoded)).matches);
    assert!(!cheap().check(&longest[1..], Some(encoded)).matches);
}

#[test]
fn other_passwords_are_refused() {
    for (password, encoded) in vectors::CHEAP {
        let others = [
            format!("{password}x"),
            format!("X{password}"),
            format!("{password} "),
            // Not at the end: HMAC pads its key with zeros, so PBKDF2 and scrypt ignore those there.
            format!("x\0{password}"),
            "password\u{301}".to_owned(),
        ];
        for other in others {
            let check = cheap().check(&other, Some(encoded));
            assert!(
                !check.matches && check.rehash.is_none(),
                "{other:?} {encoded}"
            );
        }
    }
}

#[test]
fn new_hash_matches_and_needs_no_rehash() {
    for hasher in Hasher::ALL {
        let hashers = preferring(hasher);
        for password in ["password", "", "пароль 🔑", &"x".repeat(72)] {
            let encoded = hashers.make_password(password).unwrap();
            let check = hashers.check(password, Some(&encoded));
            assert!(check.matches && check.rehash.is_none(), "{encoded}");
            assert!(!hashers.check("other", Some(&encoded)).matches);
        }
    }
}

#[test]
fn default_hash_looks_like_django_52s() {
    let encoded = PasswordHashers::default().make_password("x").unwrap();
    let fields: Vec<_> = encoded.split('$').collect();
    assert_eq!(fields[..2], ["pbkdf2_sha256", "1000000"]);
    assert_eq!(fields[2].len(), 22);
    assert!(fields[2].bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(fields[3].len(), 44);
}

#[test]
fn equal_passwords_get_different_hashes() {
    let is_salted = |hasher: &Hasher| !hasher.name().starts_with("unsalted_");
    for hasher in Hasher::ALL.into_iter().filter(is_salted) {
        let make = || preferring(hasher).make_password("same").unwrap();
        assert_ne!(make(), make());
    }
}

#[test]
fn random_text_uses_the_whole_alphabet_evenly() {
    let text = random_text(62_000).unwrap();
    let mut counts = std::collections::BTreeMap::new();
    for character in text.chars() {
        *counts.entry(character).or_insert(0) += 1;
    }
    // Seven standard deviations of the binomial around 1000.
    assert_eq!(counts.len(), 62);
    assert!(
        counts.values().all(|count| (780..1220).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn unusable_password_matches_nothing() {
    let unusable = PasswordHashers::make_unusable().unwrap();
    assert_eq!(unusable.len(), 41);
    assert!(unusable.starts_with('!'));
    for password in ["", "!", &unusable] {
        assert!(!cheap().check(password, Some(&unusable)).matches);
    }
}

#[test]
fn unknown_user_matches_nothing() {
    assert!(!cheap().check("", None).matches);
}

#[test]
fn hash_of_a_hasher_that_is_not_configured_is_refused() {
    let only_argon2 = PasswordHashers::new(&[Hasher::Argon2], &cheap_rounds()).unwrap();
    for (password, encoded) in vectors::CHEAP {
        let matches = only_argon2.check(password, Some(encoded)).matches;
        assert_eq!(matches, encoded.starts_with("argon2$"), "{encoded}");
    }
}

/// A hash of `password` with the cheap rounds after `change`.
fn hash_with(hasher: Hasher, change: impl Fn(&mut Rounds)) -> String {
    let mut rounds = cheap_rounds();
    change(&mut rounds);
    let hashers = PasswordHashers::new(&[hasher], &rounds).unwrap();
    hashers.make_password("password").unwrap()
}

fn rehash(preferred: Hasher, encoded: &str) -> Option<String> {
    let check = preferring(preferred).check("password", Some(encoded));
    assert!(check.matches, "{encoded}");
    check.rehash
}

#[test]
fn hash_of_another_scheme_is_rehashed_with_the_preferred_one() {
    for (stored, preferred) in Hasher::ALL
        .into_iter()
        .zip(Hasher::ALL.into_iter().cycle().skip(1))
    {
        let old = hash_with(stored, |_| ());
        let new = rehash(preferred, &old).unwrap();
        let written = Stored::parse(&new).unwrap().scheme.hasher();
        assert_eq!(written, preferred, "{new}");
        assert_eq!(rehash(preferred, &new), None);
    }
}

#[test]
fn hash_with_other_rounds_is_rehashed_also_downwards() {
    let outdated = [
        (
            Hasher::Pbkdf2Sha256,
            hash_with(Hasher::Pbkdf2Sha256, |rounds| {
                rounds.pbkdf2_sha256_iterations = 999;
            }),
        ),
        (
            Hasher::Pbkdf2Sha256,
            hash_with(Hasher::Pbkdf2Sha256, |rounds| {
                rounds.pbkdf2_sha256_iterations = 1001;
            }),
        ),
        (
            Hasher::Pbkdf2Sha1,
            hash_with(Hasher::Pbkdf2Sha1, |rounds| {
                rounds.pbkdf2_sha1_iterations = 1;
            }),
        ),
        (
            Hasher::Argon2,
            hash_with(Hasher::Argon2, |rounds| rounds.argon2_time_cost = 2),
        ),
        (
            Hasher::Argon2,
            hash_with(Hasher::Argon2, |rounds| rounds.argon2_memory_cost = 128),
        ),
        (
            Hasher::Argon2,
            hash_with(Hasher::Argon2, |rounds| rounds.argon2_parallelism = 1),
        ),
        (
            Hasher::BcryptSha256,
            hash_with(Hasher::BcryptSha256, |rounds| rounds.bcrypt_rounds = 5),
        ),
        (
            Hasher::Bcrypt,
            hash_with(Hasher::Bcrypt, |rounds| rounds.bcrypt_rounds = 5),
        ),
        (
            Hasher::Scrypt,
            hash_with(Hasher::Scrypt, |rounds| rounds.scrypt_work_factor = 32),
        ),
        (
            Hasher::Scrypt,
            hash_with(Hasher::Scrypt, |rounds| rounds.scrypt_block_size = 4),
        ),
        (
            Hasher::Scrypt,
            hash_with(Hasher::Scrypt, |rounds| rounds.scrypt_parallelism = 2),
        ),
    ];
    for (hasher, encoded) in outdated {
        let new = rehash(hasher, &encoded).unwrap();
        assert_eq!(rehash(hasher, &new), None, "{encoded}");
    }
}

/// A hash of `password` with the cheap rounds and a salt of the given characters.
fn hash_with_salt(hasher: Hasher, salt: &str) -> String {
    let scheme = cheap_rounds().scheme(hasher).unwrap();
    let salt = salt.as_bytes().to_vec();
    let digest = now(scheme.digest(&Lane::alone(), "password", &salt)).unwrap();
    Stored {
        scheme,
        salt,
        digest,
    }
    .to_string()
}

#[test]
fn salt_below_128_bits_is_replaced_where_django_looks_at_it() {
    let short = "s".repeat(21);
    let enough = "s".repeat(22);
    for (hasher, looks) in [
        (Hasher::Pbkdf2Sha256, true),
        (Hasher::Pbkdf2Sha1, true),
        (Hasher::Argon2, true),
        (Hasher::Md5, true),
        (Hasher::Scrypt, false),
    ] {
        assert_eq!(
            rehash(hasher, &hash_with_salt(hasher, &short)).is_some(),
            looks,
            "{hasher}"
        );
        assert_eq!(
            rehash(hasher, &hash_with_salt(hasher, &enough)),
            None,
            "{hasher}"
        );
    }
}

#[test]
fn text_salt_is_measured_in_characters_and_argon2s_in_bytes() {
    let eleven = "é".repeat(11);
    assert!(
        rehash(
            Hasher::Pbkdf2Sha256,
            &hash_with_salt(Hasher::Pbkdf2Sha256, &eleven)
        )
        .is_some()
    );
    assert!(rehash(Hasher::Argon2, &hash_with_salt(Hasher::Argon2, &eleven)).is_none());
}

#[test]
fn bcrypt_refuses_what_it_would_cut() {
    let hashers = preferring(Hasher::Bcrypt);
    let encoded = hashers.make_password(&"x".repeat(72)).unwrap();
    for password in [&"x".repeat(73), "x\0", "é".repeat(37).as_str()] {
        assert_eq!(
            hashers.make_password(password),
            Err(PasswordError::Unhashable)
        );
        assert!(!hashers.check(password, Some(&encoded)).matches);
    }
    assert!(
        preferring(Hasher::BcryptSha256)
            .make_password(&"x".repeat(73))
            .is_ok()
    );
}

#[test]
fn rehash_that_bcrypt_refuses_is_left_out() {
    let password = "x".repeat(73);
    let encoded = cheap().make_password(&password).unwrap();
    let check = preferring(Hasher::Bcrypt).check(&password, Some(&encoded));
    assert!(check.matches && check.rehash.is_none());
}

#[test]
fn trimmed_form_is_the_second_try() {
    let hashers = cheap();
    let matches = |password: &str, stored: &str| {
        let encoded = hashers.make_password(stored).unwrap();
        hashers
            .check_as_received_or_trimmed(password, Some(&encoded))
            .matches
    };
    assert!(matches("\u{a0}\u{1f} in ner\u{2003}\u{85}", "in ner"));
    assert!(matches("  outer  ", "  outer  "));
    assert!(!matches("outer", "  outer  "));
    assert!(!matches("\u{200b}outer", "outer"));
    assert!(!matches("\u{feff}outer", "outer"));
    assert!(!matches("   ", ""), "DRF takes a blank password for none");
}

#[test]
fn trimmed_password_is_what_gets_rehashed() {
    let old = hash_with(Hasher::Md5, |_| ());
    let check = cheap().check_as_received_or_trimmed(" password ", Some(&old));
    assert_eq!(rehash(Hasher::Pbkdf2Sha256, &check.rehash.unwrap()), None);
}

#[test]
fn white_space_is_pythons() {
    let spaces: Vec<u32> = ('\0'..=char::MAX)
        .filter(|&c| is_python_space(c))
        .map(u32::from)
        .collect();
    let mut expected: Vec<u32> = (0x09..=0x0d).chain(0x1c..=0x20).collect();
    expected.extend([0x85, 0xa0, 0x1680]);
    expected.extend(0x2000..=0x200a);
    expected.extend([0x2028, 0x2029, 0x202f, 0x205f, 0x3000]);
    assert_eq!(spaces, expected);
}

#[test]
fn debug_output_holds_no_hash() {
    let encoded = hash_with(Hasher::Md5, |_| ());
    let check = cheap().check("password", Some(&encoded));
    assert_eq!(
        format!("{check:?}"),
        r#"Check { matches: true, rehash: Some("[redacted]") }"#
    );
}

#[test]
fn hashers_are_named_by_scheme_or_by_class_path() {
    for hasher in Hasher::ALL {
        assert_eq!(hasher.to_string().parse(), Ok(hasher));
    }
    let by_path: Vec<Hasher> = [
        "PBKDF2PasswordHasher",
        "PBKDF2SHA1PasswordHasher",
        "Argon2PasswordHasher",
        "BCryptSHA256PasswordHasher",
        "BCryptPasswordHasher",
        "ScryptPasswordHasher",
        "MD5PasswordHasher",
        "SHA1PasswordHasher",
        "UnsaltedMD5PasswordHasher",
        "UnsaltedSHA1PasswordHasher",
    ]
    .iter()
    .map(|class| {
        format!("django.contrib.auth.hashers.{class}")
            .parse()
            .unwrap()
    })
    .collect();
    assert_eq!(by_path, Hasher::ALL);
}

#[test]
fn unknown_hasher_is_refused_with_the_accepted_names() {
    for name in [
        "",
        "Argon2",
        "PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.CryptPasswordHasher",
    ] {
        let error = name.parse::<Hasher>().unwrap_err().to_string();
        assert!(error.contains(&format!("{name:?}")), "{error}");
        assert!(error.contains("pbkdf2_sha256 (django.contrib.auth.hashers.PBKDF2PasswordHasher)"));
        assert!(error.contains("md5 (django.contrib.auth.hashers.MD5PasswordHasher)"));
    }
}

#[test]
fn empty_list_of_hashers_is_refused() {
    let error = PasswordHashers::new(&[], &Rounds::default()).unwrap_err();
    assert_eq!(error, HashersError::Empty);
}

#[test]
fn rounds_are_accepted_up_to_their_bounds() {
    type Change = fn(&mut Rounds);
    let check = |hasher, change: Change| {
        let mut rounds = Rounds::default();
        change(&mut rounds);
        PasswordHashers::new(&[Hasher::Md5, hasher], &rounds).map(|_| ())
    };
    assert_eq!(
        check(Hasher::Pbkdf2Sha256, |r| r.pbkdf2_sha256_iterations =
            10_000_000),
        Ok(())
    );
    assert_eq!(
        check(Hasher::Argon2, |r| r.argon2_memory_cost = 524_288),
        Ok(())
    );
    assert_eq!(check(Hasher::Argon2, |r| r.argon2_time_cost = 20), Ok(()));
    assert_eq!(
        check(Hasher::BcryptSha256, |r| r.bcrypt_rounds = 15),
        Ok(())
    );
    assert_eq!(check(Hasher::Scrypt, |r| r.scrypt_parallelism = 50), Ok(()));
    let beyond: [(Hasher, Change); 14] = [
        (Hasher::Pbkdf2Sha256, |r| r.pbkdf2_sha256_iterations = 0),
        (Hasher::Pbkdf2Sha256, |r| {
            r.pbkdf2_sha256_iterations = 10_000_001;
        }),
        (Hasher::Pbkdf2Sha1, |r| r.pbkdf2_sha1_iterations = u32::MAX),
        (Hasher::Argon2, |r| r.argon2_memory_cost = 524_289),
        (Hasher::Argon2, |r| r.argon2_memory_cost = 63),
        (Hasher::Argon2, |r| r.argon2_time_cost = 21),
        (Hasher::Argon2, |r| r.argon2_time_cost = 0),
        (Hasher::Argon2, |r| r.argon2_parallelism = 0),
        (Hasher::Argon2, |r| r.argon2_parallelism = u32::MAX),
        (Hasher::BcryptSha256, |r| r.bcrypt_rounds = 3),
        (Hasher::Bcrypt, |r| r.bcrypt_rounds = 16),
        (Hasher::Scrypt, |r| r.scrypt_work_factor = 10_000),
        (Hasher::Scrypt, |r| r.scrypt_parallelism = 51),
        (Hasher::Scrypt, |r| r.scrypt_block_size = 0),
    ];
    for (hasher, change) in beyond {
        let error = check(hasher, change).unwrap_err();
        assert!(matches!(error, HashersError::Rounds { hasher: named, .. } if named == hasher));
    }
}
