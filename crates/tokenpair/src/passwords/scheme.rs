//! The key derivations themselves: a scheme with its parameters, from password to digest.
//!
//! Must never run parameters that [`Scheme::is_affordable`] refuses, and never cut a password.
//! Answers to `encode()` of Django's hashers and the C libraries below them.

use std::num::NonZeroU32;

use argon2::{Algorithm, Argon2, Version};
use aws_lc_rs::{digest, pbkdf2};
use md5::{Digest as _, Md5};

use super::hashers::Hasher;
use super::lane::Lane;
use super::{PasswordError, random_bytes, random_text};

// Bounds on what a stored hash may ask for: ten times the work of Django 5.2's defaults, so that
// one check stays near two seconds on an ordinary core and within a request's deadline; memory
// is five times the largest default. A row beyond them is a mistake or an attack.
const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;
const MAX_ARGON2_KIB_PASSES: u64 = 2_048_000;
const MAX_SCRYPT_WORK: u128 = 6_553_600;
const MAX_BCRYPT_COST: u32 = 15;
const MAX_MEMORY: u128 = 512 << 20;

const MIN_BCRYPT_COST: u32 = 4;
const MAX_BCRYPT_PASSWORD_BYTES: usize = 72;
const BCRYPT_SALT: usize = 16;

/// Characters of a new text salt: the fewest letters and digits that hold 128 bits.
pub(super) const TEXT_SALT: usize = 22;

/// Bytes of a new argon2 digest.
pub(super) const ARGON2_OUTPUT: usize = 32;

/// A hasher with its parameters; equal schemes cost the same and need no re-hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Pbkdf2 {
        prf: Prf,
        iterations: u32,
    },
    Argon2 {
        variant: Algorithm,
        version: Version,
        memory: u32,
        passes: u32,
        lanes: u32,
        output: usize,
    },
    Bcrypt {
        prehash: bool,
        cost: u32,
    },
    Scrypt {
        n: u32,
        r: u32,
        p: u32,
    },
    Once {
        hash: Plain,
        is_salted: bool,
    },
}

/// A hash function that is run once over salt and password, as passwords were stored long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Md5,
    Sha1,
}

/// The hash inside PBKDF2's HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prf {
    Sha1,
    Sha256,
}

impl Scheme {
    pub(super) fn salted(hash: Plain) -> Self {
        Self::Once {
            hash,
            is_salted: true,
        }
    }

    pub(super) fn unsalted(hash: Plain) -> Self {
        Self::Once {
            hash,
            is_salted: false,
        }
    }

    pub(super) fn hasher(&self) -> Hasher {
        match self {
            Self::Pbkdf2 {
                prf: Prf::Sha256, ..
            } => Hasher::Pbkdf2Sha256,
            Self::Pbkdf2 { prf: Prf::Sha1, .. } => Hasher::Pbkdf2Sha1,
            Self::Argon2 { .. } => Hasher::Argon2,
            Self::Bcrypt { prehash: true, .. } => Hasher::BcryptSha256,
            Self::Bcrypt { prehash: false, .. } => Hasher::Bcrypt,
            Self::Scrypt { .. } => Hasher::Scrypt,
            Self::Once { hash, is_salted } => match (hash, is_salted) {
                (Plain::Md5, true) => Hasher::Md5,
                (Plain::Sha1, true) => Hasher::Sha1,
                (Plain::Md5, false) => Hasher::UnsaltedMd5,
                (Plain::Sha1, false) => Hasher::UnsaltedSha1,
            },
        }
    }

    /// Whether the parameters are valid and within the bounds on time and memory.
    pub(super) fn is_affordable(&self) -> bool {
        match *self {
            Self::Pbkdf2 { iterations, .. } => (1..=MAX_PBKDF2_ITERATIONS).contains(&iterations),
            Self::Argon2 { memory, passes, .. } => {
                u128::from(memory) << 10 <= MAX_MEMORY
                    && u64::from(memory) * u64::from(passes) <= MAX_ARGON2_KIB_PASSES
                    && self.argon2_params().is_some()
            }
            Self::Bcrypt { cost, .. } => (MIN_BCRYPT_COST..=MAX_BCRYPT_COST).contains(&cost),
            Self::Scrypt { n, r, p } => {
                let [wide_n, wide_r, wide_p] = [n, r, p].map(u128::from);
                wide_n * wide_r * wide_p <= MAX_SCRYPT_WORK
                    && 128 * wide_r * (wide_n + wide_p) <= MAX_MEMORY
                    && scrypt_params(n, r, p).is_some()
            }
            Self::Once { .. } => true,
        }
    }

    pub(super) fn digest_length(&self) -> usize {
        match *self {
            Self::Pbkdf2 { prf, .. } => prf.length(),
            Self::Argon2 { output, .. } => output,
            Self::Bcrypt { .. } => 23,
            Self::Scrypt { .. } => 64,
            Self::Once { hash, .. } => hash.length(),
        }
    }

    pub(super) fn salt_length(&self) -> usize {
        match self {
            Self::Bcrypt { .. } => BCRYPT_SALT,
            Self::Once {
                is_salted: false, ..
            } => 0,
            _ => TEXT_SALT,
        }
    }

    pub(super) fn fresh_salt(&self) -> Result<Vec<u8>, PasswordError> {
        match self {
            Self::Bcrypt { .. } => Ok(random_bytes::<BCRYPT_SALT>()?.to_vec()),
            _ => Ok(random_text(self.salt_length())?.into_bytes()),
        }
    }

    /// Iterations of PBKDF2-SHA-256, which can run beside others; no other scheme can.
    pub(super) fn iterations(&self) -> Option<u32> {
        match *self {
            Self::Pbkdf2 {
                prf: Prf::Sha256,
                iterations,
            } => Some(iterations),
            _ => None,
        }
    }

    /// Whether others would notice that they wait for it: all but PBKDF2-SHA-256, which runs beside them, and what is
    /// over in a microsecond.
    pub(super) fn delays_its_batch(&self) -> bool {
        self.iterations().is_none() && !matches!(self, Self::Once { .. })
    }

    /// Derives the digest; `None` if the scheme cannot take this password or salt.
    ///
    /// Waits for others only in a lane that is shared, and only for PBKDF2-SHA-256.
    pub(super) async fn digest(&self, lane: &Lane, password: &str, salt: &[u8]) -> Option<Vec<u8>> {
        let password = password.as_bytes();
        match *self {
            Self::Pbkdf2 { prf, iterations } => {
                let iterations = NonZeroU32::new(iterations)?;
                Some(match prf {
                    Prf::Sha1 => pbkdf2_sha1(iterations, password, salt),
                    Prf::Sha256 => lane.derive(password, salt, iterations).await.to_vec(),
                })
            }
            Self::Argon2 { .. } => self.argon2(password, salt),
            Self::Bcrypt {
                prehash: true,
                cost,
            } => {
                let prehashed = hex(digest::digest(&digest::SHA256, password).as_ref());
                bcrypt(cost, prehashed.as_bytes(), salt)
            }
            Self::Bcrypt {
                prehash: false,
                cost,
            } => bcrypt(cost, password, salt),
            Self::Scrypt { n, r, p } => {
                let mut digest = vec![0; self.digest_length()];
                scrypt::scrypt(password, salt, &scrypt_params(n, r, p)?, &mut digest).ok()?;
                Some(digest)
            }
            Self::Once { hash, .. } => Some(hash.digest(password, salt)),
        }
    }

    fn argon2(&self, password: &[u8], salt: &[u8]) -> Option<Vec<u8>> {
        let Self::Argon2 {
            variant,
            version,
            output,
            ..
        } = *self
        else {
            return None;
        };
        let mut digest = vec![0; output];
        Argon2::new(variant, version, self.argon2_params()?)
            .hash_password_into(password, salt, &mut digest)
            .ok()?;
        Some(digest)
    }

    fn argon2_params(&self) -> Option<argon2::Params> {
        let Self::Argon2 {
            memory,
            passes,
            lanes,
            output,
            ..
        } = *self
        else {
            return None;
        };
        argon2::Params::new(memory, passes, lanes, Some(output)).ok()
    }
}

impl Plain {
    fn digest(self, password: &[u8], salt: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => {
                let md5 = Md5::new().chain_update(salt).chain_update(password);
                md5.finalize().to_vec()
            }
            Self::Sha1 => {
                let salted = [salt, password].concat();
                let sha1 = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &salted);
                sha1.as_ref().to_vec()
            }
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
        }
    }
}

impl Prf {
    fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

/// PBKDF2 of RFC 8018, section 5.2, cut to one block.
fn pbkdf2_sha1(iterations: NonZeroU32, password: &[u8], salt: &[u8]) -> Vec<u8> {
    let mut line = CacheLine([0; 64]);
    let out = &mut line.0[..Prf::Sha1.length()];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, iterations, salt, password, out);
    out.to_vec()
}

/// Every iteration of PBKDF2 adds to its output, a tenth slower where that crosses a cache line:
/// the address would decide whether equal work takes equal time.
#[repr(align(64))]
struct CacheLine([u8; 64]);

/// bcrypt of a password that fits it whole: longer ones and NUL are where implementations cut.
fn bcrypt(cost: u32, password: &[u8], salt: &[u8]) -> Option<Vec<u8>> {
    if password.len() > MAX_BCRYPT_PASSWORD_BYTES || password.contains(&0) {
        return None;
    }
    let mut terminated = password.to_vec();
    terminated.push(0);
    terminated.truncate(MAX_BCRYPT_PASSWORD_BYTES);
    let mut digest = bcrypt::bcrypt(cost, salt.try_into().ok()?, &terminated).to_vec();
    digest.truncate(23);
    Some(digest)
}

fn scrypt_params(n: u32, r: u32, p: u32) -> Option<scrypt::Params> {
    let log_n = n.is_power_of_two().then(|| n.trailing_zeros())?;
    let log_n = u8::try_from(log_n).ok().filter(|&log_n| log_n > 0)?;
    scrypt::Params::new(log_n, r, p).ok()
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
