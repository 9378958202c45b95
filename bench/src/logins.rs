//! Workloads with passwords: Django's default hash, its other hashers, and everything but the hash.

use crate::server::Hasher;
use crate::targets::Targets;
use crate::workload::{Ask, CONNECTIONS, PASSWORD, Workload, workload};
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::time::Duration;
use tokenpair::passwords::PasswordHashers;
use xtask::database::Store;

/// How often a derivation is timed after each round of log-ins.
const DERIVATIONS: usize = 5;
/// How many wait when many wait.
const MANY: usize = 16;
/// What the targets of Django's default hash rest on, as `/proc/cpuinfo` calls it.
const SHA: (&str, &str) = ("sha_ni", "SHA-NI");
const WIDE: (&str, &str) = ("avx512f", "AVX-512");

/// A hasher, and `workload::PASSWORD` as Django encodes it with that.
struct Encoded {
    hasher: Hasher,
    password: &'static str,
}

const fn encoded(name: &'static str, class: &'static str, password: &'static str) -> Encoded {
    let hasher = Hasher {
        name,
        class,
        rounds: None,
    };
    Encoded { hasher, password }
}

const DEFAULT: &str =
    "pbkdf2_sha256$1000000$benchmarkbenchmarkbenc$WmflzNOJkY52kGFbzaV/JmasbS6dO0ymx+EVs5WTgWs=";
const ONE_ROUND: Encoded = Encoded {
    hasher: Hasher {
        name: "pbkdf2_sha256",
        class: "hashers.OneRound",
        rounds: Some(1),
    },
    password: "pbkdf2_sha256$1$benchmarkbenchmarkbenc$RjB+dL++SIkbRhlfXJ5wvvP8HHcOmk7xMi4nJJcjJM4=",
};

#[rustfmt::skip]
const OTHERS: [Encoded; 5] = [
    encoded("argon2", "django.contrib.auth.hashers.Argon2PasswordHasher", "argon2$argon2id$v=19$m=102400,t=2,p=8$YmVuY2htYXJrYmVuY2htYXJrYmVuYw$1RLs9NBHy8oFwyZkkbyYINVH7mux806C59sIM3ZbGPo"),
    encoded("scrypt", "django.contrib.auth.hashers.ScryptPasswordHasher", "scrypt$16384$benchmarkbenchmarkbenc$8$5$AImFE4JPOJQFmFwlC1XiLadGYKjpZh1y/sCkekBtVPw4LG2jPxuLnQ3neNG3nXd4Eds6PF9JVXSP71GxskcuRw=="),
    encoded("bcrypt_sha256", "django.contrib.auth.hashers.BCryptSHA256PasswordHasher", "bcrypt_sha256$$2b$12$WHaJXhkTJ5RocXRCNfHeBO4qS6/LJIdGynQcCsL8PGfCCPycmyzk."),
    encoded("pbkdf2_sha1", "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher", "pbkdf2_sha1$1000000$benchmarkbenchmarkbenc$pt6n35LCL3lf4a2XzVjMYbqUtQk="),
    encoded("md5", "django.contrib.auth.hashers.MD5PasswordHasher", "md5$benchmarkbenchmarkbenc$88a0606b8163a9d4ace8b17b7bd70ef3"),
];

pub(crate) fn all(is_full: bool) -> Vec<Workload> {
    let flags = flags();
    let one = Targets::default()
        .django(2.9)
        .lacks(missing(&flags, &[SHA]));
    let many = Targets::default()
        .django(7.5)
        .lacks(missing(&flags, &[SHA, WIDE]));
    let mut all = vec![
        obtain("O", "log in, Django's default hash, one at a time")
            .log_ins(None, DEFAULT, 1)
            .targets(one),
        obtain("O", "log in, Django's default hash, 16 wait")
            .log_ins(None, DEFAULT, MANY)
            .targets(many),
    ];
    for Encoded { hasher, password } in OTHERS {
        let mut other = obtain("O", &format!("log in, {}, one at a time", hasher.name));
        other.is_brief = !is_full;
        all.push(other.log_ins(Some(hasher), password, 1));
    }
    let Encoded { hasher, password } = ONE_ROUND;
    let about = |store| format!("log in, one round of hashing, {store}");
    for store in [Store::Sqlite, Store::Postgres] {
        let one_round = workload("O1", &about(store), Ask::Obtain, store);
        let one_round = one_round.log_ins(Some(hasher), password, CONNECTIONS);
        all.push(match store {
            Store::Sqlite => one_round.targets(Targets::default().django(60.0).stretch("16 µs")),
            Store::Postgres => one_round,
        });
    }
    all
}

fn obtain(id: &'static str, about: &str) -> Workload {
    workload(id, about, Ask::Obtain, Store::Sqlite)
}

/// Whether these are log-ins with Django's default hash, of a single client.
pub(crate) fn is_one_at_a_time(workload: &Workload) -> bool {
    workload.password == Some(DEFAULT) && workload.connections == 1
}

/// Microseconds that the password of such a log-in takes by itself, for each of several derivations.
pub(crate) fn derivations() -> Vec<f64> {
    let hashers = PasswordHashers::default();
    let derive = |_| {
        let start = own_cpu();
        let check = hashers.check(PASSWORD, Some(DEFAULT));
        let taken = own_cpu().saturating_sub(start);
        check.matches.then_some(taken.as_secs_f64() * 1e6)
    };
    (0..DERIVATIONS).filter_map(derive).collect()
}

/// Processor time of this thread.
fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// What this machine's processor can do, as Linux names it.
fn flags() -> String {
    fs::read_to_string("/proc/cpuinfo").unwrap_or_default()
}

fn missing(flags: &str, needed: &[(&str, &'static str)]) -> Option<&'static str> {
    let has = |flag: &str| flags.split_whitespace().any(|found| found == flag);
    let missing = needed.iter().find(|(flag, _)| !has(flag));
    missing.map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_processor_lacks_is_named() {
        assert_eq!(missing("flags : fpu sha_ni avx512f", &[SHA, WIDE]), None);
        assert_eq!(missing("flags : fpu sha_ni", &[SHA, WIDE]), Some("AVX-512"));
        assert_eq!(missing("", &[SHA]), Some("SHA-NI"));
    }
}
