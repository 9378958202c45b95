//! Why a key is refused: one enum, whose texts name what was found and what is accepted.
//!
//! Must never carry key material: every `found` is a name or a size, or a member of a JSON Web Key that
//! is public by its meaning. Answers to `InvalidKeyError` and `PyJWKSetError` of `PyJWT`.

use super::algorithm::Algorithm;

/// Why a key, or a set of keys, is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The name is none of [`Algorithm::ALL`].
    #[error("unrecognized algorithm type {found:?}; accepted are {}", Algorithm::ALL.map(Algorithm::name).join(", "))]
    UnknownAlgorithm {
        /// The name as given.
        found: String,
    },
    /// The text holds no key of the right kind.
    #[error("{algorithm} needs a {half} key of type {needed} in unencrypted PEM; found {found}")]
    Unfit {
        /// The algorithm the key was meant for.
        algorithm: Algorithm,
        /// "private" or "public".
        half: &'static str,
        /// The type of key which the algorithm takes.
        needed: &'static str,
        /// What the text holds.
        found: String,
    },
    /// The key is too small (RFC 7518 sections 3.2 and 3.3).
    #[error("the {algorithm} key has {found} {unit}; at least {needed} are needed")]
    TooShort {
        /// The algorithm the key was meant for.
        algorithm: Algorithm,
        /// The size of the key.
        found: usize,
        /// The least size accepted.
        needed: usize,
        /// "bytes" for secrets, "bits" for RSA.
        unit: &'static str,
    },
    /// The key has the right kind, but must not be used.
    #[error("the {algorithm} key is refused: {reason}")]
    Rejected {
        /// The algorithm the key was meant for.
        algorithm: Algorithm,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A member of a JSON Web Key is missing or wrong.
    #[error("member {member:?} of the JSON Web Key must be {needed}; found {found}")]
    Jwk {
        /// The name of the member.
        member: &'static str,
        /// What it has to hold.
        needed: String,
        /// What it holds, cut short, or only whether it is there if it could be key material.
        found: String,
    },
    /// The document is no JSON Web Key Set, is out of bounds, or holds no usable key.
    #[error("no usable JSON Web Key Set: {0}")]
    JwkSet(String),
    /// There is no `SIGNING_KEY`: tokens are verified only.
    #[error("there is no SIGNING_KEY, so no token can be issued")]
    NoSigningKey,
    /// The cryptographic library failed to sign.
    #[error("the {0} signature could not be made")]
    Signing(Algorithm),
}
