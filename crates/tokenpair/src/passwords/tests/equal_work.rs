//! Failed checks cost the same, in processor time, whatever is stored.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::thread::timed;
use super::super::*;
use super::cheap_rounds;

const SAMPLES: usize = 15;

/// Rounds that make each hasher take some milliseconds.
fn rounds() -> Rounds {
    Rounds {
        pbkdf2_sha256_iterations: 40_000,
        pbkdf2_sha1_iterations: 40_000,
        argon2_memory_cost: 2048,
        argon2_time_cost: 4,
        bcrypt_rounds: 7,
        scrypt_work_factor: 1024,
        scrypt_block_size: 8,
        scrypt_parallelism: 3,
        ..cheap_rounds()
    }
}

/// Median processor time of a failed check, by kind of account, samples interleaved.
fn medians(preferred: Hasher) -> BTreeMap<String, Duration> {
    let mut configured = vec![preferred];
    configured.extend(Hasher::ALL);
    let hashers = PasswordHashers::new(&configured, &rounds()).unwrap();
    let mut accounts: Vec<(String, Option<String>)> = vec![
        ("current".into(), hashers.make_password("password").ok()),
        ("unknown".into(), None),
        ("unusable".into(), PasswordHashers::make_unusable().ok()),
        ("garbage".into(), Some("not-a-django-hash".into())),
        (
            "hostile".into(),
            Some("argon2$argon2id$v=19$m=4294967295,t=9,p=1$AAAAAAAAAAA$AAAAAAAA".into()),
        ),
    ];
    for hasher in Hasher::ALL {
        let old = PasswordHashers::new(&[hasher], &cheap_rounds()).unwrap();
        accounts.push((format!("old {hasher}"), old.make_password("password").ok()));
    }
    let mut samples: BTreeMap<String, Vec<Duration>> = BTreeMap::new();
    for _ in 0..SAMPLES {
        for (account, encoded) in &accounts {
            let (check, cost) = timed(|| hashers.check("wrong", encoded.as_deref()));
            assert!(!check.matches);
            samples.entry(account.clone()).or_default().push(cost);
        }
    }
    samples
        .into_iter()
        .map(|(account, costs)| (account, median(costs)))
        .collect()
}

fn median(mut costs: Vec<Duration>) -> Duration {
    costs.sort_unstable();
    costs[costs.len() / 2]
}

fn assert_equal_work(preferred: Hasher) {
    let medians = medians(preferred);
    let expected = medians["current"];
    for (account, cost) in &medians {
        let ratio = cost.as_secs_f64() / expected.as_secs_f64();
        // Wide, because test machines are noisy; without levelling the ratio is near zero.
        assert!(
            (0.6..1.6).contains(&ratio),
            "{preferred}, {account}: {ratio:.2} {medians:?}"
        );
    }
}

#[test]
fn failures_cost_the_same_when_pbkdf2_is_preferred() {
    assert_equal_work(Hasher::Pbkdf2Sha256);
    assert_equal_work(Hasher::Pbkdf2Sha1);
}

#[test]
fn failures_cost_the_same_when_argon2_is_preferred() {
    assert_equal_work(Hasher::Argon2);
}

#[test]
fn failures_cost_the_same_when_bcrypt_is_preferred() {
    assert_equal_work(Hasher::BcryptSha256);
}

#[test]
fn failures_cost_the_same_when_scrypt_is_preferred() {
    assert_equal_work(Hasher::Scrypt);
}

#[test]
fn password_that_bcrypt_refuses_costs_a_hash() {
    let hashers = PasswordHashers::new(&[Hasher::Bcrypt], &rounds()).unwrap();
    let encoded = hashers.make_password("password").unwrap();
    let cost = |password: &str| {
        median(
            (0..SAMPLES)
                .map(|_| timed(|| hashers.check(password, Some(&encoded))).1)
                .collect(),
        )
    };
    assert!(cost(&"x".repeat(73)) * 4 > cost("wrong") * 3);
}

#[test]
fn second_try_of_a_padded_password_is_made_for_unknown_users_too() {
    let hashers = PasswordHashers::new(&[Hasher::Pbkdf2Sha256], &rounds()).unwrap();
    let cost = |password: &str| {
        median(
            (0..SAMPLES)
                .map(|_| timed(|| hashers.check_as_received_or_trimmed(password, None)).1)
                .collect(),
        )
    };
    assert!(cost(" padded ") * 2 > cost("plain") * 3);
}
