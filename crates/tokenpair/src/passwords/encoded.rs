//! Django's stored forms, `scheme$parameters$salt$digest`: reading and writing.
//!
//! Reads only the canonical spelling, the one Django writes, so that comparing digests accepts
//! exactly what Django's comparison of whole strings accepts. Never trusts a parameter:
//! what [`Scheme::is_affordable`] refuses is unreadable.
//! Answers to `decode()`, `encode()` and `must_update()` of Django's hashers.

use std::fmt;
use std::str::FromStr;

use argon2::{Algorithm, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD, STANDARD_NO_PAD};

use super::hashers::Hasher;
use super::lane::Lane;
use super::scheme::{Plain, Prf, Scheme, TEXT_SALT, hex};

/// Far above Django's column of 128 characters, low enough to be read at no cost.
const MAX_ENCODED_BYTES: usize = 1024;
const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(&BCRYPT, NO_PAD);
const BCRYPT_SALT_CHARACTERS: usize = 22;

/// A stored hash.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(super) struct Stored {
    pub(super) scheme: Scheme,
    /// The salt as the key derivation takes it: the text itself, or argon2's and bcrypt's bytes.
    pub(super) salt: Vec<u8>,
    pub(super) digest: Vec<u8>,
}

impl Stored {
    pub(super) fn parse(encoded: &str) -> Option<Self> {
        if encoded.len() > MAX_ENCODED_BYTES {
            return None;
        }
        let Some((name, rest)) = encoded.split_once('$') else {
            return parse_unsalted(Plain::Md5, encoded);
        };
        let stored = match Hasher::from_name(name)? {
            Hasher::Pbkdf2Sha256 => parse_pbkdf2(Prf::Sha256, rest),
            Hasher::Pbkdf2Sha1 => parse_pbkdf2(Prf::Sha1, rest),
            Hasher::Argon2 => parse_argon2(rest),
            Hasher::BcryptSha256 => parse_bcrypt(true, rest),
            Hasher::Bcrypt => parse_bcrypt(false, rest),
            Hasher::Scrypt => parse_scrypt(rest),
            Hasher::Md5 => parse_once(Plain::Md5, rest),
            Hasher::Sha1 => parse_once(Plain::Sha1, rest),
            // No stored hash begins with these names.
            Hasher::UnsaltedMd5 | Hasher::UnsaltedSha1 => None,
        }?;
        stored.is_usable().then_some(stored)
    }

    /// Compares in constant time; `None` if the scheme cannot take this password.
    pub(super) async fn matches(&self, lane: &Lane, password: &str) -> Option<bool> {
        let digest = self.scheme.digest(lane, password, &self.salt).await?;
        Some(verify_slices_are_equal(&digest, &self.digest).is_ok())
    }

    /// Whether Django would replace the salt: it never looks at bcrypt's and scrypt's.
    pub(super) fn salt_is_weak(&self) -> bool {
        match self.scheme {
            Scheme::Bcrypt { .. }
            | Scheme::Scrypt { .. }
            | Scheme::Once {
                is_salted: false, ..
            } => false,
            Scheme::Argon2 { .. } => self.salt.len() < TEXT_SALT,
            Scheme::Pbkdf2 { .. } | Scheme::Once { .. } => {
                String::from_utf8_lossy(&self.salt).chars().count() < TEXT_SALT
            }
        }
    }

    fn is_usable(&self) -> bool {
        self.scheme.is_affordable()
            && self.salt.is_empty() == (self.scheme.salt_length() == 0)
            && self.digest.len() == self.scheme.digest_length()
    }
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.scheme.hasher();
        let text_salt = String::from_utf8_lossy(&self.salt);
        match self.scheme {
            Scheme::Pbkdf2 { iterations, .. } => {
                write!(
                    f,
                    "{name}${iterations}${text_salt}${}",
                    STANDARD.encode(&self.digest)
                )
            }
            Scheme::Argon2 {
                variant,
                version,
                memory,
                passes,
                lanes,
                ..
            } => write!(
                f,
                "{name}${variant}$v={}$m={memory},t={passes},p={lanes}${}${}",
                u32::from(version),
                STANDARD_NO_PAD.encode(&self.salt),
                STANDARD_NO_PAD.encode(&self.digest),
            ),
            Scheme::Bcrypt { cost, .. } => write!(
                f,
                "{name}$$2b${cost:02}${}{}",
                BCRYPT_BASE64.encode(&self.salt),
                BCRYPT_BASE64.encode(&self.digest),
            ),
            Scheme::Scrypt { n, r, p } => {
                write!(
                    f,
                    "{name}${n}${text_salt}${r}${p}${}",
                    STANDARD.encode(&self.digest)
                )
            }
            Scheme::Once { hash, is_salted } => match (hash, is_salted) {
                (_, true) => write!(f, "{name}${text_salt}${}", hex(&self.digest)),
                (Plain::Md5, false) => f.write_str(&hex(&self.digest)),
                (Plain::Sha1, false) => write!(f, "sha1$${}", hex(&self.digest)),
            },
        }
    }
}

fn parse_pbkdf2(prf: Prf, rest: &str) -> Option<Stored> {
    let [iterations, salt, digest] = fields(rest, '$')?;
    Some(Stored {
        scheme: Scheme::Pbkdf2 {
            prf,
            iterations: decimal(iterations)?,
        },
        salt: salt.into(),
        digest: STANDARD.decode(digest).ok()?,
    })
}

/// The reference library's encoding; a hash of its first versions names none and means 1.0.
fn parse_argon2(rest: &str) -> Option<Stored> {
    let (variant, rest) = rest.split_once('$')?;
    let (version, rest) = match rest.strip_prefix("v=") {
        Some(versioned) => versioned.split_once('$')?,
        None => ("16", rest),
    };
    let [costs, salt, digest] = fields(rest, '$')?;
    let [memory, passes, lanes] = fields(costs, ',')?;
    let digest = STANDARD_NO_PAD.decode(digest).ok()?;
    Some(Stored {
        scheme: Scheme::Argon2 {
            variant: argon2_variant(variant)?,
            version: Version::try_from(decimal::<u32>(version)?).ok()?,
            memory: decimal(memory.strip_prefix("m=")?)?,
            passes: decimal(passes.strip_prefix("t=")?)?,
            lanes: decimal(lanes.strip_prefix("p=")?)?,
            output: digest.len(),
        },
        salt: STANDARD_NO_PAD.decode(salt).ok()?,
        digest,
    })
}

fn argon2_variant(name: &str) -> Option<Algorithm> {
    [Algorithm::Argon2id, Algorithm::Argon2i, Algorithm::Argon2d]
        .into_iter()
        .find(|variant| variant.as_ref() == name)
}

/// The prefixes 2a, 2b and 2y name the same computation for passwords below 73 bytes.
fn parse_bcrypt(prehash: bool, rest: &str) -> Option<Stored> {
    let [empty, prefix, cost, body] = fields(rest, '$')?;
    if !empty.is_empty() || !matches!(prefix, "2a" | "2b" | "2y") || cost.len() != 2 {
        return None;
    }
    let (salt, digest) = body.split_at_checked(BCRYPT_SALT_CHARACTERS)?;
    Some(Stored {
        scheme: Scheme::Bcrypt {
            prehash,
            cost: decimal(cost.strip_prefix('0').unwrap_or(cost))?,
        },
        salt: BCRYPT_BASE64.decode(salt).ok()?,
        digest: BCRYPT_BASE64.decode(digest).ok()?,
    })
}

fn parse_scrypt(rest: &str) -> Option<Stored> {
    let [n, salt, r, p, digest] = fields(rest, '$')?;
    Some(Stored {
        scheme: Scheme::Scrypt {
            n: decimal(n)?,
            r: decimal(r)?,
            p: decimal(p)?,
        },
        salt: salt.into(),
        digest: STANDARD.decode(digest).ok()?,
    })
}

/// No salt before the second `$` means that there is none, also for MD5, of which Django writes the digits alone.
fn parse_once(hash: Plain, rest: &str) -> Option<Stored> {
    let [salt, digest] = fields(rest, '$')?;
    if salt.is_empty() {
        return parse_unsalted(hash, digest);
    }
    Some(Stored {
        scheme: Scheme::salted(hash),
        salt: salt.into(),
        digest: unhex(digest)?,
    })
}

fn parse_unsalted(hash: Plain, digest: &str) -> Option<Stored> {
    let stored = Stored {
        scheme: Scheme::unsalted(hash),
        salt: Vec::new(),
        digest: unhex(digest)?,
    };
    stored.is_usable().then_some(stored)
}

/// Exactly `N` fields.
fn fields<const N: usize>(text: &str, separator: char) -> Option<[&str; N]> {
    text.split(separator).collect::<Vec<_>>().try_into().ok()
}

/// A number without sign or leading zeros.
fn decimal<T: FromStr + ToString>(text: &str) -> Option<T> {
    text.parse()
        .ok()
        .filter(|number: &T| number.to_string() == text)
}

/// Lower-case hexadecimal digits only.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let bytes = (0..text.len())
        .step_by(2)
        .map(|start| u8::from_str_radix(text.get(start..start + 2)?, 16).ok())
        .collect::<Option<Vec<_>>>()?;
    (hex(&bytes) == text).then_some(bytes)
}
