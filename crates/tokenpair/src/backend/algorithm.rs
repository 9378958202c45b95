//! The JWS algorithms: their names on the wire and what each asks of aws-lc.
//!
//! One [`Algorithm`] is one `alg` header value; `none` is not among them and must never be.
//! Answers to `ALGORITHM` in Simple JWT's `backends.py` and to the table in `PyJWT`'s `algorithms.py`.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    self, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, RsaParameters, RsaSignatureEncoding,
};

use super::error::KeyError;

/// A signature algorithm, named as in the `alg` header (RFC 7518 section 3.1, RFC 8037, RFC 8812).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
#[non_exhaustive]
pub enum Algorithm {
    HS256,
    HS384,
    HS512,
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES256K,
    ES384,
    ES512,
    /// `PyJWT`'s old misspelling of ES512: the same signatures, but the header says `ES521`.
    ES521,
    /// Ed25519 only; the Ed448 keys which `PyJWT` also takes are refused.
    EdDSA,
}

/// How an algorithm signs and verifies, and so which keys it takes.
pub(super) enum Scheme {
    Hmac(hmac::Algorithm),
    Rsa {
        encoding: &'static RsaSignatureEncoding,
        verification: &'static RsaParameters,
        /// For keys of 1024 to 2047 bits; aws-lc offers it for two algorithms only.
        legacy: Option<&'static RsaParameters>,
    },
    Ecdsa {
        signing: &'static EcdsaSigningAlgorithm,
        verification: &'static EcdsaVerificationAlgorithm,
        curve: &'static str,
        #[cfg_attr(
            not(feature = "jwk-url"),
            allow(dead_code, reason = "a JSON Web Key spells it out")
        )]
        coordinate_bytes: usize,
    },
    Ed25519,
}

impl Algorithm {
    /// Every algorithm, in the order in which error texts list them.
    pub const ALL: [Self; 15] = [
        Self::HS256,
        Self::HS384,
        Self::HS512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES256K,
        Self::ES384,
        Self::ES512,
        Self::ES521,
        Self::EdDSA,
    ];

    /// The value of the `alg` header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES256K => "ES256K",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::ES521 => "ES521",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Whether one secret both signs and verifies; `VERIFYING_KEY` and `JWK_URL` then do not count.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }

    pub(super) fn scheme(self) -> Scheme {
        match self {
            Self::HS256 => Scheme::Hmac(hmac::HMAC_SHA256),
            Self::HS384 => Scheme::Hmac(hmac::HMAC_SHA384),
            Self::HS512 => Scheme::Hmac(hmac::HMAC_SHA512),
            Self::RS256 => Scheme::Rsa {
                encoding: &signature::RSA_PKCS1_SHA256,
                verification: &signature::RSA_PKCS1_2048_8192_SHA256,
                legacy: Some(&signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
            },
            Self::RS384 => Scheme::Rsa {
                encoding: &signature::RSA_PKCS1_SHA384,
                verification: &signature::RSA_PKCS1_2048_8192_SHA384,
                legacy: None,
            },
            Self::RS512 => Scheme::Rsa {
                encoding: &signature::RSA_PKCS1_SHA512,
                verification: &signature::RSA_PKCS1_2048_8192_SHA512,
                legacy: Some(&signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
            },
            Self::PS256 => Scheme::Rsa {
                encoding: &signature::RSA_PSS_SHA256,
                verification: &signature::RSA_PSS_2048_8192_SHA256,
                legacy: None,
            },
            Self::PS384 => Scheme::Rsa {
                encoding: &signature::RSA_PSS_SHA384,
                verification: &signature::RSA_PSS_2048_8192_SHA384,
                legacy: None,
            },
            Self::PS512 => Scheme::Rsa {
                encoding: &signature::RSA_PSS_SHA512,
                verification: &signature::RSA_PSS_2048_8192_SHA512,
                legacy: None,
            },
            Self::ES256 => Scheme::Ecdsa {
                signing: &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
                verification: &signature::ECDSA_P256_SHA256_FIXED,
                curve: "P-256",
                coordinate_bytes: 32,
            },
            Self::ES256K => Scheme::Ecdsa {
                signing: &signature::ECDSA_P256K1_SHA256_FIXED_SIGNING,
                verification: &signature::ECDSA_P256K1_SHA256_FIXED,
                curve: "secp256k1",
                coordinate_bytes: 32,
            },
            Self::ES384 => Scheme::Ecdsa {
                signing: &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
                verification: &signature::ECDSA_P384_SHA384_FIXED,
                curve: "P-384",
                coordinate_bytes: 48,
            },
            Self::ES512 | Self::ES521 => Scheme::Ecdsa {
                signing: &signature::ECDSA_P521_SHA512_FIXED_SIGNING,
                verification: &signature::ECDSA_P521_SHA512_FIXED,
                curve: "P-521",
                coordinate_bytes: 66,
            },
            Self::EdDSA => Scheme::Ed25519,
        }
    }
}

impl Scheme {
    /// The type of key the scheme takes; for curves it is also the `crv` of a JSON Web Key.
    pub(super) fn key_type(&self) -> &'static str {
        match self {
            Self::Hmac(_) => "secret",
            Self::Rsa { .. } => "RSA",
            Self::Ecdsa { curve, .. } => curve,
            Self::Ed25519 => "Ed25519",
        }
    }

    /// The `kty` of a JSON Web Key for the scheme.
    #[cfg(any(test, feature = "jwk-url"))]
    pub(super) fn kty(&self) -> &'static str {
        match self {
            Self::Hmac(_) => "oct",
            Self::Rsa { .. } => "RSA",
            Self::Ecdsa { .. } => "EC",
            Self::Ed25519 => "OKP",
        }
    }
}

impl FromStr for Algorithm {
    type Err = KeyError;

    /// Takes the exact spelling only: no `none`, no other case, no blanks.
    fn from_str(name: &str) -> Result<Self, KeyError> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(|| KeyError::UnknownAlgorithm {
                found: name.to_owned(),
            })
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
