//! JSON Web Keys and sets of them, for verification only.
//!
//! A key of a set counts only if it is meant for signatures and for the one configured algorithm; private
//! members are not looked at. Must never fetch anything, nor take a key from a token.
//! Answers to `PyJWT`'s `api_jwk.py` and to `get_signing_keys` of its `jwks_client.py`.

use std::collections::HashSet;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::RsaPublicKeyComponents;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::algorithm::{Algorithm, Scheme};
use super::error::KeyError;
use super::key::VerifyingKey;
use crate::json::{self, Object, Value};

const MAX_SET_BYTES: usize = 256 * 1024;
const MAX_KEYS: usize = 64;
const MAX_QUOTED_CHARS: usize = 32;

/// The keys of a JSON Web Key Set that can verify for one algorithm, by `kid`.
#[derive(Clone, Debug)]
pub(crate) struct JwkSet {
    keys: Vec<(String, VerifyingKey)>,
    skipped: Vec<KeyError>,
}

impl JwkSet {
    /// Reads a set of at most 256 KiB and 64 keys.
    ///
    /// Keys of other kinds and unfit ones are skipped, as providers publish those too. The whole set is
    /// refused if nothing is left, if two keys share a `kid`, or if it mixes secrets with public keys.
    pub(crate) fn parse(
        text: &[u8],
        algorithm: Algorithm,
        allow_short: bool,
    ) -> Result<Self, KeyError> {
        if text.len() > MAX_SET_BYTES {
            return Err(refused("it is larger than 256 KiB"));
        }
        let set = json::decode_strict(text).map_err(|_| refused("it is not a JSON object"))?;
        let Some(Value::Array(members)) = set.get("keys") else {
            return Err(refused("its member \"keys\" is not an array"));
        };
        if members.len() > MAX_KEYS {
            return Err(refused("it has more than 64 keys"));
        }
        if mixes_secrets_with_public_keys(members) {
            return Err(refused("it mixes secret and public keys"));
        }
        if let Some(kid) = repeated_kid(members) {
            return Err(refused(&format!("kid {} occurs twice", quoted(kid))));
        }
        let mut parsed = Self {
            keys: Vec::new(),
            skipped: Vec::new(),
        };
        for member in members {
            match named_key(member, algorithm, allow_short) {
                Ok(named) => parsed.keys.push(named),
                Err(reason) => parsed.skipped.push(reason),
            }
        }
        match (parsed.keys.is_empty(), parsed.skipped.first()) {
            (false, _) => Ok(parsed),
            (true, None) => Err(refused("it is empty")),
            (true, Some(reason)) => Err(refused(&reason.to_string())),
        }
    }

    /// The key of this name.
    pub(crate) fn find(&self, kid: &str) -> Option<&VerifyingKey> {
        let (_, key) = self.keys.iter().find(|(name, _)| name == kid)?;
        Some(key)
    }

    /// Why the other keys of the document do not count.
    pub(crate) fn skipped(&self) -> &[KeyError] {
        &self.skipped
    }
}

impl VerifyingKey {
    /// Reads one JSON Web Key (RFC 7517), if it may verify signatures of this algorithm.
    ///
    /// `use`, `key_ops` and `alg` may be absent but must not say otherwise; `kid` is not looked at.
    pub(crate) fn from_jwk(
        algorithm: Algorithm,
        jwk: &Object,
        allow_short: bool,
    ) -> Result<Self, KeyError> {
        let scheme = algorithm.scheme();
        require(jwk, "kty", scheme.kty())?;
        for (member, needed) in [("use", "sig"), ("alg", algorithm.name())] {
            if jwk.get(member).is_some() {
                require(jwk, member, needed)?;
            }
        }
        check_operations(jwk)?;
        Self::from_bytes(algorithm, &material(&scheme, jwk)?, allow_short)
    }
}

/// The key in the form which [`VerifyingKey::from_bytes`] reads.
fn material(scheme: &Scheme, jwk: &Object) -> Result<Vec<u8>, KeyError> {
    match scheme {
        Scheme::Hmac(_) => octets(jwk, "k", None),
        Scheme::Rsa { .. } => {
            let components = RsaPublicKeyComponents {
                n: unsigned(jwk, "n")?,
                e: unsigned(jwk, "e")?,
            };
            let der = components.as_der().map_err(|_| unreadable(jwk, "n"))?;
            Ok(der.as_ref().to_vec())
        }
        Scheme::Ecdsa {
            curve,
            coordinate_bytes,
            ..
        } => {
            require(jwk, "crv", curve)?;
            // SEC 1 section 2.3.3: the uncompressed point.
            let mut point = vec![4];
            point.extend(octets(jwk, "x", Some(*coordinate_bytes))?);
            point.extend(octets(jwk, "y", Some(*coordinate_bytes))?);
            Ok(point)
        }
        Scheme::Ed25519 => {
            require(jwk, "crv", scheme.key_type())?;
            octets(jwk, "x", Some(32))
        }
    }
}

fn mixes_secrets_with_public_keys(members: &[Value]) -> bool {
    let secrets = texts(members, "kty").filter(|kty| *kty == "oct").count();
    secrets > 0 && secrets < texts(members, "kty").count()
}

/// Looks at unusable keys too: which one an issuer means by an ambiguous name is a guess.
fn repeated_kid(members: &[Value]) -> Option<&str> {
    let mut seen = HashSet::new();
    texts(members, "kid").find(|kid| !seen.insert(*kid))
}

fn texts<'a>(members: &'a [Value], name: &str) -> impl Iterator<Item = &'a str> {
    members.iter().filter_map(move |member| match member {
        Value::Object(jwk) => jwk.get(name)?.as_str(),
        _ => None,
    })
}

fn named_key(
    member: &Value,
    algorithm: Algorithm,
    allow_short: bool,
) -> Result<(String, VerifyingKey), KeyError> {
    let Value::Object(jwk) = member else {
        return Err(refused("one of its keys is not an object"));
    };
    let Some(kid) = jwk.get("kid").and_then(Value::as_str) else {
        return Err(wrong(jwk, "kid", "a string"));
    };
    let key = VerifyingKey::from_jwk(algorithm, jwk, allow_short)?;
    Ok((kid.to_owned(), key))
}

/// RFC 7517 section 4.3.
fn check_operations(jwk: &Object) -> Result<(), KeyError> {
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations))
            if operations
                .iter()
                .any(|name| name.as_str() == Some("verify")) =>
        {
            Ok(())
        }
        Some(_) => Err(wrong(jwk, "key_ops", "a list with \"verify\"")),
    }
}

fn require(jwk: &Object, member: &'static str, needed: &str) -> Result<(), KeyError> {
    if jwk.get(member).and_then(Value::as_str) == Some(needed) {
        return Ok(());
    }
    Err(wrong(jwk, member, &quoted(needed)))
}

/// Base64url without padding (RFC 7518 section 2), of just `length` bytes where one is given.
fn octets(jwk: &Object, member: &'static str, length: Option<usize>) -> Result<Vec<u8>, KeyError> {
    jwk.get(member)
        .and_then(Value::as_str)
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .filter(|octets| length.is_none_or(|length| octets.len() == length))
        .ok_or_else(|| unreadable(jwk, member))
}

/// A big-endian number; the leading zeros some issuers write are dropped (RFC 7518 section 6.3.1.1).
fn unsigned(jwk: &Object, member: &'static str) -> Result<Vec<u8>, KeyError> {
    let mut number = octets(jwk, member, None)?;
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.drain(..zeros);
    Ok(number)
}

fn refused(reason: &str) -> KeyError {
    KeyError::JwkSet(reason.to_owned())
}

/// For members that name something; their value may be shown.
fn wrong(jwk: &Object, member: &'static str, needed: &str) -> KeyError {
    let found = match jwk.get(member) {
        None => "none".to_owned(),
        Some(value) => value.as_str().map_or("another value".to_owned(), quoted),
    };
    KeyError::Jwk {
        member,
        needed: needed.to_owned(),
        found,
    }
}

/// For members that may be secret; their value is not shown.
fn unreadable(jwk: &Object, member: &'static str) -> KeyError {
    let found = jwk.get(member).map_or("none", |_| "something else");
    KeyError::Jwk {
        member,
        needed: "unpadded base64url of the right length".to_owned(),
        found: found.to_owned(),
    }
}

fn quoted(text: &str) -> String {
    let short: String = text.chars().take(MAX_QUOTED_CHARS).collect();
    format!("{short:?}")
}

#[cfg(test)]
mod tests;
