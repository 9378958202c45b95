//! What the engine's settings give away.

use super::Finding;
use crate::config::Config;
use std::collections::BTreeSet;
use std::time::Duration;
use tokenpair::passwords::Hasher;
use tokenpair::{Settings, TokenClass};

const HOUR: Duration = Duration::from_secs(3600);
const LONG: Duration = Duration::from_secs(90 * 86_400);
/// Django's check `security.W009`.
const INSECURE_PREFIX: &str = "django-insecure-";
const DISTINCT_CHARACTERS: usize = 5;
/// The least work that OWASP's Password Storage Cheat Sheet advises.
const OWASP_ITERATIONS: u32 = 600_000;

/// Every finding about the settings alone.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    let settings = &config.settings;
    let mut findings = rotation(config);
    findings.extend(lifetimes(settings));
    findings.extend(key(config));
    findings.extend(passwords(settings));
    findings.extend(classes(settings));
    if !settings.check_user_is_active {
        findings.push(Finding::warning(
            "W008",
            "CHECK_USER_IS_ACTIVE is off: deactivated users keep their access.",
            "Leave CHECK_USER_IS_ACTIVE at true.",
        ));
    }
    if settings.store_full_tokens {
        findings.push(Finding::warning(
            "W009",
            "STORE_FULL_TOKENS is on: a copy of the database holds usable refresh tokens.",
            "Leave STORE_FULL_TOKENS at false; nothing needs the signatures.",
        ));
    }
    findings
}

fn rotation(config: &Config) -> Vec<Finding> {
    let settings = &config.settings;
    let mut findings = Vec::new();
    if !config.token_blacklist {
        findings.push(Finding::warning(
            "W001",
            "token_blacklist is off: nobody can log out, and a refresh token can be used any number of times.",
            "Set token_blacklist = true in [database].",
        ));
    } else if !settings.rotate_refresh_tokens || !settings.blacklist_after_rotation {
        findings.push(Finding::warning(
            "W002",
            "Refresh tokens are not rotated: a stolen one works for its whole lifetime, unnoticed.",
            "Set ROTATE_REFRESH_TOKENS = true and BLACKLIST_AFTER_ROTATION = true; `tokenpair init --hardened` shows how.",
        ));
    } else {
        if !settings.reuse_detection {
            findings.push(Finding::warning(
                "W003",
                "REUSE_DETECTION is off: a stolen refresh token that was rotated by the thief stays good.",
                "Set REUSE_DETECTION = true.",
            ));
        }
        if settings.rotation_grace_period.is_zero() {
            findings.push(Finding::warning(
                "W004",
                "ROTATION_GRACE_PERIOD is 0: an answer that is lost on the way, or a second tab, logs the user out.",
                "Set ROTATION_GRACE_PERIOD = \"10s\".",
            ));
        }
    }
    findings
}

fn classes(settings: &Settings) -> Option<Finding> {
    let wide = [TokenClass::Refresh, TokenClass::Untyped];
    let classes = &settings.auth_token_classes;
    if !classes.iter().any(|class| wide.contains(class)) {
        return None;
    }
    Some(Finding::warning(
        "W022",
        "AUTH_TOKEN_CLASSES lets refresh tokens make requests: they live long and are sent to one endpoint only otherwise.",
        "List AccessToken, or SlidingToken, alone.",
    ))
}

fn lifetimes(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    if settings.access_token_lifetime > HOUR {
        findings.push(Finding::warning(
            "W005",
            "ACCESS_TOKEN_LIFETIME is longer than an hour: an access token cannot be revoked before it expires.",
            "Set ACCESS_TOKEN_LIFETIME to an hour or less; clients refresh by themselves.",
        ));
    }
    if settings.sliding_token_lifetime > HOUR
        && settings.auth_token_classes.contains(&TokenClass::Sliding)
    {
        findings.push(Finding::warning(
            "W023",
            "SLIDING_TOKEN_LIFETIME is longer than an hour: a user who is deactivated keeps the token that long.",
            "Set SLIDING_TOKEN_LIFETIME to an hour or less; clients refresh by themselves.",
        ));
    }
    if settings.access_token_lifetime > settings.refresh_token_lifetime {
        findings.push(Finding::warning(
            "W024",
            "ACCESS_TOKEN_LIFETIME is longer than REFRESH_TOKEN_LIFETIME: refreshing is of no use.",
            "Set the shorter lifetime for access tokens.",
        ));
    }
    if settings.refresh_token_lifetime > LONG {
        findings.push(Finding::warning(
            "W006",
            "REFRESH_TOKEN_LIFETIME is longer than 90 days.",
            "Shorten REFRESH_TOKEN_LIFETIME; with rotation every refresh starts it anew.",
        ));
    }
    findings
}

fn key(config: &Config) -> Option<Finding> {
    let key = config.settings.signing_key.expose();
    let distinct: BTreeSet<char> = key.chars().collect();
    let symmetric = config.settings.algorithm.is_symmetric();
    let guessable = key.starts_with(INSECURE_PREFIX) || distinct.len() < DISTINCT_CHARACTERS;
    if !symmetric || config.key_file().is_some() || !guessable {
        return None;
    }
    Some(Finding::warning(
        "W007",
        "SIGNING_KEY has fewer than 5 different characters or is one that Django generated for development.",
        "Remove SIGNING_KEY: the server then makes a random one and keeps it in signing_key_file.",
    ))
}

fn passwords(settings: &Settings) -> Option<Finding> {
    let rounds = settings.password_rounds.pbkdf2_sha256_iterations;
    let (message, hint) = match settings.password_hashers.first()? {
        fast @ (Hasher::Md5 | Hasher::Sha1 | Hasher::UnsaltedMd5 | Hasher::UnsaltedSha1) => (
            format!(
                "PASSWORD_HASHERS prefers {fast}, which a graphics card guesses by the billion a second."
            ),
            "Put PBKDF2PasswordHasher or Argon2PasswordHasher first; passwords are upgraded at the next log-in.",
        ),
        Hasher::Pbkdf2Sha256 if rounds < OWASP_ITERATIONS => (
            format!("PASSWORD_ROUNDS: {rounds} iterations of pbkdf2_sha256 are too few."),
            "OWASP advises at least 600,000; Django 5.2 has 1,000,000.",
        ),
        _ => return None,
    };
    Some(Finding::warning("W011", message, hint))
}
