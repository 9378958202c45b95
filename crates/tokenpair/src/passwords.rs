//! Passwords: checks and writes what Django stores in `auth_user.password`.
//!
//! A failed check costs one hash of the preferred hasher, whatever is stored and
//! whether the user exists at all. Never cuts or normalises a password, never logs
//! one, and never fails on a stored value: what cannot be read does not match.
//!
//! Hashing is slow by design and blocks its thread: run it in a [`HashPool`].
//! Answers to Django 5.2's `django/contrib/auth/hashers.py`.

mod encoded;
mod equal_work;
mod hashers;
mod hashing;
mod lane;
mod pool;
mod scheme;
mod thread;
mod validation;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use self::encoded::Stored;
use self::equal_work::EqualWork;
use self::lane::{Lane, now};
use self::pool::Sharing;
use self::scheme::Scheme;

pub use self::hashers::{Hasher, HashersError, Rounds};
pub(crate) use self::hashing::Hashing;
pub use self::pool::{Busy, HashPool};
pub use self::validation::{PasswordFlaw, UserAttributes, validate_password};

/// Longest password that may reach a hasher; callers refuse longer ones before hashing.
pub const MAX_PASSWORD_BYTES: usize = 4096;

/// Random characters after the `!` of an unusable password, as in Django.
const UNUSABLE_SUFFIX_LENGTH: usize = 40;

/// The configured hashers; the first one is preferred and makes every new hash.
pub struct PasswordHashers {
    accepted: Vec<Hasher>,
    preferred: Scheme,
    equal_work: EqualWork,
}

/// What a check found.
pub struct Check {
    /// Whether the password is the right one.
    pub matches: bool,
    /// The value to store instead, when the password matched a hash that is no longer preferred.
    ///
    /// Django stores it even if the account turns out to be inactive.
    pub rehash: Option<String>,
}

/// Why no hash could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// The preferred hasher cannot take this password whole.
    #[error(
        "the preferred hasher cannot take this password: bcrypt is limited to 72 bytes without NUL, bcrypt_sha256 is not"
    )]
    Unhashable,
    /// The random generator failed.
    #[error("no random numbers available for a salt")]
    NoRandomness,
}

impl PasswordHashers {
    /// Configures the hashers, preferred one first.
    ///
    /// Rounds are checked for the listed hashers only.
    pub fn new(hashers: &[Hasher], rounds: &Rounds) -> Result<Self, HashersError> {
        let schemes = hashers
            .iter()
            .map(|&hasher| rounds.scheme(hasher))
            .collect::<Result<Vec<_>, _>>()?;
        let preferred = *schemes.first().ok_or(HashersError::Empty)?;
        Ok(Self::preferring(preferred, hashers))
    }

    fn preferring(preferred: Scheme, accepted: &[Hasher]) -> Self {
        Self {
            accepted: accepted.to_vec(),
            preferred,
            equal_work: EqualWork::new(preferred),
        }
    }

    /// Hashes a new password with the preferred hasher and a fresh salt.
    pub fn make_password(&self, password: &str) -> Result<String, PasswordError> {
        now(self.make_in(&Lane::alone(), password))
    }

    async fn make_in(&self, lane: &Lane, password: &str) -> Result<String, PasswordError> {
        let salt = self.preferred.fresh_salt()?;
        let digest = self
            .preferred
            .digest(lane, password, &salt)
            .await
            .ok_or(PasswordError::Unhashable)?;
        let scheme = self.preferred;
        Ok(Stored {
            scheme,
            salt,
            digest,
        }
        .to_string())
    }

    /// Makes a stored value that no password matches.
    pub fn make_unusable() -> Result<String, PasswordError> {
        Ok(format!("!{}", random_text(UNUSABLE_SUFFIX_LENGTH)?))
    }

    /// Checks a password against a stored value; `None` stands for an unknown user.
    ///
    /// A failure costs as much as one against a freshly made hash, unless the stored hash is
    /// itself more expensive. A success costs a second hash when a re-hash is due.
    pub fn check(&self, password: &str, encoded: Option<&str>) -> Check {
        now(self.check_in(&Lane::alone(), password, encoded))
    }

    async fn check_in(&self, lane: &Lane, password: &str, encoded: Option<&str>) -> Check {
        let Some(stored) = encoded.and_then(|encoded| self.read(encoded)) else {
            return self.fail_at_full_cost(lane).await;
        };
        let (matches, spent) = match stored.scheme.iterations() {
            Some(_) => (stored.matches(lane, password).await, Duration::ZERO),
            None => thread::timed(|| now(stored.matches(&Lane::alone(), password))),
        };
        match matches {
            None => self.fail_at_full_cost(lane).await,
            Some(false) => {
                self.equal_work.top_up(lane, &stored.scheme, spent).await;
                Check::FAILED
            }
            Some(true) => Check {
                matches: true,
                rehash: self.rehash(lane, password, &stored).await,
            },
        }
    }

    /// Checks a password as it was received and, if that fails, without its outer white space.
    ///
    /// DRF's character fields trim as Python's `str.strip()` does, so that is the form Simple JWT
    /// compares. The second try happens for unknown users, too: its cost tells nothing.
    pub fn check_as_received_or_trimmed(&self, password: &str, encoded: Option<&str>) -> Check {
        now(self.check_received_in(&Lane::alone(), password, encoded))
    }

    /// Does [`check_as_received_or_trimmed`](Self::check_as_received_or_trimmed) in a pool.
    ///
    /// Beside other checks only if failures are levelled with PBKDF2-SHA-256, so that a batch shows nothing of its jobs.
    /// An account with another hash has company like any other, or its answer would come sooner than that to an unknown
    /// name; but never that of a second one, as all of a batch wait for what cannot run beside them.
    pub(crate) async fn check_on(
        self: Arc<Self>,
        pool: &HashPool,
        password: String,
        encoded: Option<String>,
    ) -> Result<Check, Busy> {
        if self.preferred.iterations().is_none() {
            let job = move || self.check_as_received_or_trimmed(&password, encoded.as_deref());
            return pool.run(job).await;
        }
        let stored = encoded.as_deref().and_then(|encoded| self.read(encoded));
        let sharing = match stored {
            Some(stored) if stored.scheme.delays_its_batch() => Sharing::Part,
            _ => Sharing::Whole,
        };
        let job = async move |lane: Lane| {
            let encoded = encoded.as_deref();
            self.check_received_in(&lane, &password, encoded).await
        };
        pool.run_beside_others(sharing, job).await
    }

    async fn check_received_in(&self, lane: &Lane, password: &str, encoded: Option<&str>) -> Check {
        let check = self.check_in(lane, password, encoded).await;
        let trimmed = password.trim_matches(is_python_space);
        if check.matches || trimmed.is_empty() || trimmed.len() == password.len() {
            return check;
        }
        self.check_in(lane, trimmed, encoded).await
    }

    fn read(&self, encoded: &str) -> Option<Stored> {
        Stored::parse(encoded).filter(|stored| self.accepted.contains(&stored.scheme.hasher()))
    }

    async fn rehash(&self, lane: &Lane, password: &str, stored: &Stored) -> Option<String> {
        if stored.scheme == self.preferred && !stored.salt_is_weak() {
            return None;
        }
        self.make_in(lane, password).await.ok()
    }

    async fn fail_at_full_cost(&self, lane: &Lane) -> Check {
        self.equal_work.decoy(lane).await;
        Check::FAILED
    }
}

impl Default for PasswordHashers {
    /// Django 5.2's `PASSWORD_HASHERS` and rounds.
    fn default() -> Self {
        let preferred = Rounds::default().unchecked_scheme(Hasher::Pbkdf2Sha256);
        Self::preferring(preferred, &Hasher::DJANGO_DEFAULT)
    }
}

impl fmt::Debug for PasswordHashers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHashers")
            .field("accepted", &self.accepted)
            .field("preferred", &self.preferred)
            .finish_non_exhaustive()
    }
}

impl Check {
    const FAILED: Self = Self {
        matches: false,
        rehash: None,
    };
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("matches", &self.matches)
            .field("rehash", &self.rehash.as_ref().map(|_| "[redacted]"))
            .finish()
    }
}

/// `str.isspace()` of Python: Unicode's white space and the four information separators.
fn is_python_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

/// Uniform random letters and digits, Django's `get_random_string`.
fn random_text(length: usize) -> Result<String, PasswordError> {
    const ALPHABET: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let [byte] = random_bytes()?;
        // Only whole multiples of the alphabet, or its first letters would be likelier.
        if byte < 62 * 4 {
            text.push(char::from(ALPHABET[usize::from(byte % 62)]));
        }
    }
    Ok(text)
}

fn random_bytes<const N: usize>() -> Result<[u8; N], PasswordError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| PasswordError::NoRandomness)?;
    Ok(bytes)
}
