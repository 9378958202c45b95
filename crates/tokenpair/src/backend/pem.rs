//! Finds keys in PEM text and names the type of key inside, without judging the key itself.
//!
//! Owns RFC 7468 framing (as lenient with blanks and surrounding text as Python's cryptography) and
//! the few lines of DER that tell an RSA key from a curve. Must never quote what it reads: it is secret.
//! Answers to `is_pem_format`, `is_ssh_key` and `_is_der_key` of `PyJWT`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The PEM labels that stand for asymmetric keys and their relatives.
const LABELS: [&str; 16] = [
    "CERTIFICATE",
    "TRUSTED CERTIFICATE",
    "PRIVATE KEY",
    "PUBLIC KEY",
    "ENCRYPTED PRIVATE KEY",
    "OPENSSH PRIVATE KEY",
    "DSA PRIVATE KEY",
    "RSA PRIVATE KEY",
    "RSA PUBLIC KEY",
    "EC PRIVATE KEY",
    "DH PARAMETERS",
    "NEW CERTIFICATE REQUEST",
    "CERTIFICATE REQUEST",
    "SSH2 PUBLIC KEY",
    "SSH2 ENCRYPTED PRIVATE KEY",
    "X509 CRL",
];

const SSH_PREFIXES: [&str; 6] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
];

/// One framed section; its text is still base64.
pub(super) struct Block<'a> {
    pub(super) label: &'static str,
    body: &'a str,
}

impl<'a> Block<'a> {
    /// Reads a section from just behind its `-----BEGIN `; unknown labels and missing ends give `None`.
    fn after_begin(text: &'a str) -> Option<Self> {
        let (label, rest) = text.split_once("-----")?;
        let label = *LABELS.iter().find(|known| **known == label)?;
        let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
        Some(Self { label, body })
    }

    /// The decoded section, or `None` if it is not base64 (an encrypted legacy key has headers there).
    pub(super) fn der(&self) -> Option<Vec<u8>> {
        let unbroken: String = self.body.split_ascii_whitespace().collect();
        STANDARD.decode(unbroken).ok()
    }
}

/// All sections with a known label, in order.
fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    text.split("-----BEGIN ")
        .skip(1)
        .filter_map(Block::after_begin)
}

/// The first section of `text` under one of `labels`.
pub(super) fn find<'a>(text: &'a str, labels: &[&str]) -> Option<Block<'a>> {
    blocks(text).find(|block| labels.contains(&block.label))
}

/// Says what kind of text was given where a PEM key was expected.
pub(super) fn describe(text: &str) -> String {
    match blocks(text).next() {
        Some(block) => block.label.to_owned(),
        None if text.is_empty() => "no text".to_owned(),
        None if is_ssh_public_key(text) => "an OpenSSH public key".to_owned(),
        None => "no whole PEM section".to_owned(),
    }
}

/// What `secret` really is, if it clearly is an asymmetric key and so perhaps known to others.
///
/// Wider than `PyJWT` in one point: text like a JSON Web Key counts even if it does not parse.
pub(super) fn disguise(secret: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(secret);
    // SSH2 framing has four hyphens and a blank where PEM has five hyphens.
    let framed = text.replace("---- ", "-----").replace(" ----", "-----");
    if blocks(&framed).next().is_some() {
        return Some("it is a PEM key or certificate, not a secret");
    }
    if is_ssh_public_key(&text) {
        return Some("it is an OpenSSH public key, not a secret");
    }
    if is_der_public_key_or_certificate(secret) {
        return Some("it is a DER public key or certificate, not a secret");
    }
    let json = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    (json.starts_with(['{', '[']) && json.contains("\"kty\""))
        .then_some("it is a JSON Web Key, not the secret inside of one")
}

/// Whether `text` starts like a line of an `authorized_keys` file.
fn is_ssh_public_key(text: &str) -> bool {
    SSH_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const CONTEXT_0: u8 = 0xa0;

/// RFC 5480: an elliptic curve key, the curve being the parameter.
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// Object identifiers (RFC 8017, RFC 5480, SEC 2, RFC 8410) and the types of key they mean.
const KEY_TYPES: [(&[u8], &str); 10] = [
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01],
        "RSA",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a],
        "RSA-PSS",
    ),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], "P-256"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], "secp256k1"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x22], "P-384"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], "P-521"),
    (&[0x2b, 0x65, 0x6e], "X25519"),
    (&[0x2b, 0x65, 0x6f], "X448"),
    (&[0x2b, 0x65, 0x70], "Ed25519"),
    (&[0x2b, 0x65, 0x71], "Ed448"),
];

/// The type of key in a PKCS#1, PKCS#8, SEC 1 or `SubjectPublicKeyInfo` structure, by its own account.
pub(super) fn key_type(der: &[u8]) -> Option<&'static str> {
    match sequence(der)?.as_slice() {
        [(SEQUENCE, algorithm), (BIT_STRING, _)]
        | [(INTEGER, _), (SEQUENCE, algorithm), (OCTET_STRING, _), ..] => {
            match fields(algorithm)?.as_slice() {
                [(OBJECT_IDENTIFIER, EC_PUBLIC_KEY), (OBJECT_IDENTIFIER, oid)]
                | [(OBJECT_IDENTIFIER, oid), ..] => named(oid),
                _ => None,
            }
        }
        [(INTEGER, _), (OCTET_STRING, _), (CONTEXT_0, curve), ..] => {
            match fields(curve)?.as_slice() {
                [(OBJECT_IDENTIFIER, oid)] => named(oid),
                _ => None,
            }
        }
        [(INTEGER, _), (INTEGER, _), ..] => Some("RSA"),
        _ => None,
    }
}

fn named(oid: &[u8]) -> Option<&'static str> {
    KEY_TYPES
        .iter()
        .find_map(|(known, name)| (*known == oid).then_some(*name))
}

fn is_der_public_key_or_certificate(der: &[u8]) -> bool {
    matches!(
        sequence(der).as_deref(),
        Some([(SEQUENCE, _), (BIT_STRING, _)] | [(SEQUENCE, _), (SEQUENCE, _), (BIT_STRING, _)])
    )
}

/// The fields of the one sequence which `der` consists of.
fn sequence(der: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    match fields(der)?.as_slice() {
        [(SEQUENCE, content)] => fields(content),
        _ => None,
    }
}

/// Cuts DER into tags and contents, one level deep.
fn fields(mut der: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut fields = Vec::new();
    while let Some((&tag, rest)) = der.split_first() {
        let (length, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(length)?;
        fields.push((tag, content));
        der = rest;
    }
    Some(fields)
}

fn length(der: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = der.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), rest));
    }
    let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    let length = octets.iter().try_fold(0_usize, |length, octet| {
        Some(length.checked_mul(256)? + usize::from(*octet))
    })?;
    Some((length, rest))
}
