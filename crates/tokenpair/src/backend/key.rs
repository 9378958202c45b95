//! Keys, read and judged once at start: [`SigningKey`] and [`VerifyingKey`].
//!
//! A key is bound to one algorithm for life, and what is wrong with it is found here, not at a request.
//! Must never print key material, neither in `Debug` nor in an error.
//! Answers to `prepare_key`, `sign` and `verify` in `PyJWT`'s `algorithms.py` and to the two prepared
//! keys of Simple JWT's `TokenBackend`.

use std::fmt;

use aws_lc_rs::error::KeyRejected;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RsaKeyPair,
    RsaParameters, RsaSignatureEncoding, VerificationAlgorithm,
};

use super::algorithm::{Algorithm, Scheme};
use super::error::KeyError;
use super::{pem, roca};

/// A key that signs. It knows its [`VerifyingKey`].
pub(crate) struct SigningKey {
    signer: Signer,
    verifying: VerifyingKey,
}

enum Signer {
    Hmac(Box<hmac::Key>),
    Rsa(&'static RsaSignatureEncoding, RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A key that checks signatures: a public key, or the secret of an HMAC.
#[derive(Clone)]
pub(crate) struct VerifyingKey {
    algorithm: Algorithm,
    verifier: Verifier,
    warning: Option<String>,
}

#[derive(Clone)]
enum Verifier {
    Hmac(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

const PRIVATE_LABELS: [&str; 3] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"];
const PUBLIC_LABELS: [&str; 2] = ["PUBLIC KEY", "RSA PUBLIC KEY"];

const RSA_MIN_BITS: usize = 2048;
const RSA_LEGACY_MIN_BITS: usize = 1024;
const RSA_MAX_BITS: usize = 8192;
const RSA_ADVISED_BITS: usize = 3072;

impl SigningKey {
    /// Reads `SIGNING_KEY`: the secret itself for HS*, else a PEM private key (PKCS#8, PKCS#1, SEC 1).
    ///
    /// `allow_short` admits short secrets; an RSA key below 2048 bits cannot sign in any case.
    pub(crate) fn new(
        algorithm: Algorithm,
        text: &str,
        allow_short: bool,
    ) -> Result<Self, KeyError> {
        let signer = Signer::new(algorithm, text)?;
        let public = signer.public_key().unwrap_or(text.as_bytes());
        let verifying = VerifyingKey::from_bytes(algorithm, public, allow_short)?;
        Ok(Self { signer, verifying })
    }

    /// The one algorithm of this key.
    pub(crate) fn algorithm(&self) -> Algorithm {
        self.verifying.algorithm
    }

    /// The half that verifies; for HS* it holds the same secret.
    pub(crate) fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// A remark for the log on a key that is accepted although it is weak.
    pub(crate) fn warning(&self) -> Option<&str> {
        self.verifying.warning()
    }

    /// Fails unless `verifying` accepts what this key signs; makes one signature to find out.
    pub(crate) fn check_pair(&self, verifying: &VerifyingKey) -> Result<(), KeyError> {
        let probe = b"a signing key and its verifying key";
        let mut signature = Vec::new();
        self.sign(probe, &mut signature)?;
        if verifying.algorithm == self.algorithm() && verifying.verify(probe, &signature) {
            return Ok(());
        }
        Err(KeyError::Rejected {
            algorithm: self.algorithm(),
            reason: "the verifying key is not the other half of the signing key",
        })
    }

    /// Appends the signature of `message`, as raw bytes, to `out`; on failure `out` is as before.
    pub(crate) fn sign(&self, message: &[u8], out: &mut Vec<u8>) -> Result<(), KeyError> {
        let failed = |_| KeyError::Signing(self.algorithm());
        let rng = SystemRandom::new();
        match &self.signer {
            Signer::Hmac(key) => out.extend_from_slice(hmac::sign(key, message).as_ref()),
            Signer::Rsa(encoding, pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &rng, message, &mut signature)
                    .map_err(failed)?;
                out.extend_from_slice(&signature);
            }
            Signer::Ecdsa(pair) => {
                out.extend_from_slice(pair.sign(&rng, message).map_err(failed)?.as_ref());
            }
            Signer::Ed25519(pair) => {
                out.extend_from_slice(pair.try_sign(message).map_err(failed)?.as_ref());
            }
        }
        Ok(())
    }
}

impl Signer {
    fn new(algorithm: Algorithm, text: &str) -> Result<Self, KeyError> {
        let private_key = || read_pem(algorithm, "private", &PRIVATE_LABELS, text);
        let rejected = |error| rejected(algorithm, error);
        Ok(match algorithm.scheme() {
            Scheme::Hmac(mac) => Self::Hmac(Box::new(hmac::Key::new(mac, text.as_bytes()))),
            Scheme::Rsa { encoding, .. } => {
                let (label, der) = private_key()?;
                let pair = match label {
                    "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der),
                    _ => RsaKeyPair::from_pkcs8(&der),
                };
                Self::Rsa(encoding, pair.map_err(rejected)?)
            }
            Scheme::Ecdsa { signing, .. } => {
                let (_, der) = private_key()?;
                let pair = EcdsaKeyPair::from_private_key_der(signing, &der);
                Self::Ecdsa(pair.map_err(rejected)?)
            }
            Scheme::Ed25519 => {
                let (_, der) = private_key()?;
                Self::Ed25519(Ed25519KeyPair::from_pkcs8(&der).map_err(rejected)?)
            }
        })
    }

    /// The public half in a form [`VerifyingKey::from_bytes`] reads; a secret has none.
    fn public_key(&self) -> Option<&[u8]> {
        match self {
            Self::Hmac(_) => None,
            Self::Rsa(_, pair) => Some(pair.public_key().as_ref()),
            Self::Ecdsa(pair) => Some(pair.public_key().as_ref()),
            Self::Ed25519(pair) => Some(pair.public_key().as_ref()),
        }
    }
}

impl VerifyingKey {
    /// Reads `VERIFYING_KEY`: the secret itself for HS*, else a PEM public key (X.509 or PKCS#1).
    ///
    /// A private key is taken for its public half, as by the reference. Certificates are refused.
    /// `allow_short` admits short secrets and, for RS256 and RS512, RSA keys from 1024 bits.
    pub(crate) fn new(
        algorithm: Algorithm,
        text: &str,
        allow_short: bool,
    ) -> Result<Self, KeyError> {
        if algorithm.is_symmetric() {
            return Self::from_bytes(algorithm, text.as_bytes(), allow_short);
        }
        if pem::find(text, &PRIVATE_LABELS).is_some() && pem::find(text, &PUBLIC_LABELS).is_none() {
            return Ok(SigningKey::new(algorithm, text, allow_short)?.verifying);
        }
        let (_, der) = read_pem(algorithm, "public", &PUBLIC_LABELS, text)?;
        Self::from_bytes(algorithm, &der, allow_short)
    }

    /// Takes the secret itself for HS*; else DER, or the bare point of a curve.
    pub(super) fn from_bytes(
        algorithm: Algorithm,
        bytes: &[u8],
        allow_short: bool,
    ) -> Result<Self, KeyError> {
        let public = |verification: &'static dyn VerificationAlgorithm| {
            ParsedPublicKey::new(verification, bytes)
                .map(Verifier::Public)
                .map_err(|error| rejected(algorithm, error))
        };
        let (verifier, warning) = match algorithm.scheme() {
            Scheme::Hmac(mac) => {
                let warning = judge_secret(algorithm, bytes, mac.tag_len(), allow_short)?;
                (
                    Verifier::Hmac(Box::new(hmac::Key::new(mac, bytes))),
                    warning,
                )
            }
            Scheme::Rsa {
                verification,
                legacy,
                ..
            } => {
                let legacy = legacy.filter(|_| allow_short);
                let (verification, warning) = judge_rsa(algorithm, bytes, verification, legacy)?;
                (public(verification)?, warning)
            }
            Scheme::Ecdsa { verification, .. } => (public(verification)?, None),
            Scheme::Ed25519 => (public(&ED25519)?, None),
        };
        Ok(Self {
            algorithm,
            verifier,
            warning,
        })
    }

    /// A remark for the log on a key that is accepted although it is weak.
    pub(crate) fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// Whether `signature`, as raw bytes, is this key's signature of `message`.
    ///
    /// A MAC is compared in constant time and only in full length.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.verifier {
            Verifier::Hmac(key) => hmac::verify(key, message, signature).is_ok(),
            Verifier::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

/// The first section of `text` under one of `labels`, decoded, if its key type suits the algorithm.
fn read_pem(
    algorithm: Algorithm,
    half: &'static str,
    labels: &[&str],
    text: &str,
) -> Result<(&'static str, Vec<u8>), KeyError> {
    let needed = algorithm.scheme().key_type();
    let unfit = |found| KeyError::Unfit {
        algorithm,
        half,
        needed,
        found,
    };
    let block = pem::find(text, labels).ok_or_else(|| unfit(pem::describe(text)))?;
    let der = block
        .der()
        .ok_or_else(|| unfit(format!("{} that is encrypted or damaged", block.label)))?;
    match pem::key_type(&der) {
        Some(found) if found == needed => Ok((block.label, der)),
        Some(found) => Err(unfit(format!("{} of type {found}", block.label))),
        None => Err(unfit(format!("{} of an unknown type", block.label))),
    }
}

/// Refuses secrets that are none (as `PyJWT`'s `HMACAlgorithm.prepare_key`) or too short.
fn judge_secret(
    algorithm: Algorithm,
    secret: &[u8],
    needed: usize,
    allow_short: bool,
) -> Result<Option<String>, KeyError> {
    let reason = if secret.is_empty() {
        Some("it is empty")
    } else {
        pem::disguise(secret)
    };
    if let Some(reason) = reason {
        return Err(KeyError::Rejected { algorithm, reason });
    }
    if secret.len() >= needed {
        return Ok(None);
    }
    let too_short = KeyError::TooShort {
        algorithm,
        found: secret.len(),
        needed,
        unit: "bytes",
    };
    if allow_short {
        return Ok(Some(too_short.to_string()));
    }
    Err(too_short)
}

/// Refuses broken, weak and oversized keys; `legacy` is what may verify with less than 2048 bits.
fn judge_rsa(
    algorithm: Algorithm,
    der: &[u8],
    verification: &'static RsaParameters,
    legacy: Option<&'static RsaParameters>,
) -> Result<(&'static RsaParameters, Option<String>), KeyError> {
    let rejected_for = |reason| KeyError::Rejected { algorithm, reason };
    // Also checks the exponent: odd, at least 3, at most 33 bits.
    let key = rsa::PublicKey::from_der(der).map_err(|error| rejected(algorithm, error))?;
    let modulus = key.modulus().big_endian_without_leading_zero();
    if roca::is_marked(modulus) {
        return Err(rejected_for(
            "it was made by a broken generator (ROCA, CVE-2017-15361)",
        ));
    }
    let found = bits(modulus);
    let too_short = |needed| KeyError::TooShort {
        algorithm,
        found,
        needed,
        unit: "bits",
    };
    match (found, legacy) {
        (RSA_ADVISED_BITS..=RSA_MAX_BITS, _) => Ok((verification, None)),
        (RSA_MIN_BITS..RSA_ADVISED_BITS, _) => {
            let advice = format!(
                "the {algorithm} key has {found} bits; {RSA_ADVISED_BITS} are advised for new keys"
            );
            Ok((verification, Some(advice)))
        }
        (RSA_LEGACY_MIN_BITS..RSA_MIN_BITS, Some(legacy)) => {
            Ok((legacy, Some(too_short(RSA_MIN_BITS).to_string())))
        }
        (..RSA_MIN_BITS, _) => Err(too_short(RSA_MIN_BITS)),
        _ => Err(rejected_for(TOO_LARGE)),
    }
}

fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros());
    number.len() * 8 - unused as usize
}

const TOO_LARGE: &str = "it has more than 8192 bits";

fn rejected(algorithm: Algorithm, error: KeyRejected) -> KeyError {
    let reason = match error.description_() {
        "TooSmall" => "it has less than 2048 bits, too few to sign with",
        "TooLarge" => TOO_LARGE,
        _ => "its numbers are damaged, do not fit together or are unsafe",
    };
    KeyError::Rejected { algorithm, reason }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} [redacted])", self.algorithm())
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({} [redacted])", self.algorithm)
    }
}

#[cfg(test)]
mod tests;
