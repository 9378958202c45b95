//! Which hashers there are, what configurations call them, and how hard they work.
//!
//! Knows names and numbers only; the arithmetic is in `scheme.rs`.
//! Answers to Django's `PASSWORD_HASHERS` setting and the class attributes of its hashers.

use std::fmt;
use std::str::FromStr;

use argon2::{Algorithm, Version};

use super::scheme::{ARGON2_OUTPUT, Plain, Prf, Scheme};

const DJANGO_MODULE: &str = "django.contrib.auth.hashers.";

/// A password hasher of Django's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hasher {
    /// PBKDF2 with HMAC-SHA-256, Django's default.
    Pbkdf2Sha256,
    /// PBKDF2 with HMAC-SHA-1.
    Pbkdf2Sha1,
    /// Argon2, new hashes as argon2id.
    Argon2,
    /// bcrypt of the password's SHA-256.
    BcryptSha256,
    /// bcrypt of the password itself; refuses more than 72 bytes.
    Bcrypt,
    /// scrypt.
    Scrypt,
    /// Salted MD5; only for test suites and for reading ancient rows.
    Md5,
    /// Salted SHA-1, which Django 5.1 has removed; only for reading ancient rows, as the next two.
    Sha1,
    /// MD5 without a salt: nothing but its 32 digits is stored.
    UnsaltedMd5,
    /// SHA-1 without a salt, stored behind `sha1$$`.
    UnsaltedSha1,
}

/// A configuration of hashers that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashersError {
    /// No such hasher.
    #[error("unknown password hasher {0:?}; accepted are {names}", names = accepted_names())]
    Unknown(String),
    /// No hasher is configured.
    #[error("at least one password hasher must be configured")]
    Empty,
    /// The rounds of a hasher are impossible, or too expensive to be checked in a request.
    #[error("the rounds of {hasher} are out of range; accepted are {accepted}")]
    Rounds {
        /// The hasher whose rounds are refused.
        hasher: Hasher,
        /// What would be accepted.
        accepted: &'static str,
    },
}

/// How much work new hashes take, by hasher; the default is Django 5.2's.
///
/// Names and units are those of Django's class attributes. A Django that works on the same table
/// must use the same numbers, or the two will re-hash each other's passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rounds {
    /// Iterations of `pbkdf2_sha256` (600,000 in Django 4.2).
    pub pbkdf2_sha256_iterations: u32,
    /// Iterations of `pbkdf2_sha1` (600,000 in Django 4.2).
    pub pbkdf2_sha1_iterations: u32,
    /// Passes of `argon2`.
    pub argon2_time_cost: u32,
    /// Memory of `argon2`, in KiB.
    pub argon2_memory_cost: u32,
    /// Lanes of `argon2`.
    pub argon2_parallelism: u32,
    /// Work of `bcrypt` and `bcrypt_sha256`, as the power of two.
    pub bcrypt_rounds: u32,
    /// N of `scrypt`, a power of two.
    pub scrypt_work_factor: u32,
    /// r of `scrypt`.
    pub scrypt_block_size: u32,
    /// p of `scrypt` (1 in Django 4.2).
    pub scrypt_parallelism: u32,
}

impl Hasher {
    /// Every hasher, in the order in which error messages name them.
    pub const ALL: [Self; 10] = [
        Self::Pbkdf2Sha256,
        Self::Pbkdf2Sha1,
        Self::Argon2,
        Self::BcryptSha256,
        Self::Bcrypt,
        Self::Scrypt,
        Self::Md5,
        Self::Sha1,
        Self::UnsaltedMd5,
        Self::UnsaltedSha1,
    ];

    /// Django's default `PASSWORD_HASHERS`, unchanged from 4.2 to 5.2.
    pub const DJANGO_DEFAULT: [Self; 5] = [
        Self::Pbkdf2Sha256,
        Self::Pbkdf2Sha1,
        Self::Argon2,
        Self::BcryptSha256,
        Self::Scrypt,
    ];

    /// Django's name for it, which stands before the first `$` of a stored hash that has a salt.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pbkdf2Sha256 => "pbkdf2_sha256",
            Self::Pbkdf2Sha1 => "pbkdf2_sha1",
            Self::Argon2 => "argon2",
            Self::BcryptSha256 => "bcrypt_sha256",
            Self::Bcrypt => "bcrypt",
            Self::Scrypt => "scrypt",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::UnsaltedMd5 => "unsalted_md5",
            Self::UnsaltedSha1 => "unsalted_sha1",
        }
    }

    /// The hasher that Django calls so.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hasher| hasher.name() == name)
    }

    fn django_class(self) -> &'static str {
        match self {
            Self::Pbkdf2Sha256 => "PBKDF2PasswordHasher",
            Self::Pbkdf2Sha1 => "PBKDF2SHA1PasswordHasher",
            Self::Argon2 => "Argon2PasswordHasher",
            Self::BcryptSha256 => "BCryptSHA256PasswordHasher",
            Self::Bcrypt => "BCryptPasswordHasher",
            Self::Scrypt => "ScryptPasswordHasher",
            Self::Md5 => "MD5PasswordHasher",
            Self::Sha1 => "SHA1PasswordHasher",
            Self::UnsaltedMd5 => "UnsaltedMD5PasswordHasher",
            Self::UnsaltedSha1 => "UnsaltedSHA1PasswordHasher",
        }
    }

    fn from_django_path(path: &str) -> Option<Self> {
        let class = path.strip_prefix(DJANGO_MODULE)?;
        Self::ALL
            .into_iter()
            .find(|hasher| hasher.django_class() == class)
    }
}

impl FromStr for Hasher {
    type Err = HashersError;

    /// Reads a scheme name (`argon2`) or Django's dotted class path.
    fn from_str(text: &str) -> Result<Self, HashersError> {
        Self::from_name(text)
            .or_else(|| Self::from_django_path(text))
            .ok_or_else(|| HashersError::Unknown(text.to_owned()))
    }
}

impl fmt::Display for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn accepted_names() -> String {
    Hasher::ALL
        .map(|hasher| format!("{hasher} ({DJANGO_MODULE}{})", hasher.django_class()))
        .join(", ")
}

impl Rounds {
    /// The parameters of a hasher's new hashes.
    pub(super) fn scheme(&self, hasher: Hasher) -> Result<Scheme, HashersError> {
        let scheme = self.unchecked_scheme(hasher);
        if scheme.is_affordable() {
            return Ok(scheme);
        }
        Err(HashersError::Rounds {
            hasher,
            accepted: accepted_rounds(hasher),
        })
    }

    pub(super) fn unchecked_scheme(&self, hasher: Hasher) -> Scheme {
        match hasher {
            Hasher::Pbkdf2Sha256 => Scheme::Pbkdf2 {
                prf: Prf::Sha256,
                iterations: self.pbkdf2_sha256_iterations,
            },
            Hasher::Pbkdf2Sha1 => Scheme::Pbkdf2 {
                prf: Prf::Sha1,
                iterations: self.pbkdf2_sha1_iterations,
            },
            Hasher::Argon2 => Scheme::Argon2 {
                variant: Algorithm::Argon2id,
                version: Version::V0x13,
                memory: self.argon2_memory_cost,
                passes: self.argon2_time_cost,
                lanes: self.argon2_parallelism,
                output: ARGON2_OUTPUT,
            },
            Hasher::BcryptSha256 | Hasher::Bcrypt => Scheme::Bcrypt {
                prehash: hasher == Hasher::BcryptSha256,
                cost: self.bcrypt_rounds,
            },
            Hasher::Scrypt => Scheme::Scrypt {
                n: self.scrypt_work_factor,
                r: self.scrypt_block_size,
                p: self.scrypt_parallelism,
            },
            Hasher::Md5 => Scheme::salted(Plain::Md5),
            Hasher::Sha1 => Scheme::salted(Plain::Sha1),
            Hasher::UnsaltedMd5 => Scheme::unsalted(Plain::Md5),
            Hasher::UnsaltedSha1 => Scheme::unsalted(Plain::Sha1),
        }
    }
}

impl Default for Rounds {
    fn default() -> Self {
        Self {
            pbkdf2_sha256_iterations: 1_000_000,
            pbkdf2_sha1_iterations: 1_000_000,
            argon2_time_cost: 2,
            argon2_memory_cost: 102_400,
            argon2_parallelism: 8,
            bcrypt_rounds: 12,
            scrypt_work_factor: 1 << 14,
            scrypt_block_size: 8,
            scrypt_parallelism: 5,
        }
    }
}

fn accepted_rounds(hasher: Hasher) -> &'static str {
    match hasher {
        Hasher::Pbkdf2Sha256 | Hasher::Pbkdf2Sha1 => "1 to 10,000,000 iterations",
        Hasher::Argon2 => {
            "memory of at least 8 KiB a lane and at most 524,288 KiB, \
             memory times passes at most 2,048,000 KiB"
        }
        Hasher::BcryptSha256 | Hasher::Bcrypt => "4 to 15",
        Hasher::Scrypt => {
            "N a power of two above 1, N times r times p at most 6,553,600, \
             at most 512 MiB of memory"
        }
        Hasher::Md5 | Hasher::Sha1 | Hasher::UnsaltedMd5 | Hasher::UnsaltedSha1 => "none",
    }
}
