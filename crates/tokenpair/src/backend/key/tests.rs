//! Keys as OpenSSL writes them and tokens as `PyJWT` signs them: `tests/vectors/keys/record.py`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::super::{Algorithm, KeyError, SigningKey, VerifyingKey};
use crate::json;

fn recorded() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/keys/keys.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn other(name: &str) -> String {
    recorded()["others"][name].as_str().unwrap().to_owned()
}

struct Recorded {
    algorithm: Algorithm,
    private: Vec<String>,
    public: Vec<String>,
    jwk: json::Object,
    signed: String,
    signature: Vec<u8>,
}

fn recorded_algorithms() -> Vec<Recorded> {
    let texts = |value: &Value| -> Vec<String> {
        let texts = value.as_array().unwrap().iter();
        texts
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    };
    let cases = recorded()["algorithms"].as_array().unwrap().clone();
    cases
        .iter()
        .map(|case| {
            let (signed, signature) = case["token"].as_str().unwrap().rsplit_once('.').unwrap();
            Recorded {
                algorithm: case["algorithm"].as_str().unwrap().parse().unwrap(),
                private: texts(&case["private"]),
                public: texts(&case["public"]),
                jwk: json::decode_strict(case["jwk"].to_string().as_bytes()).unwrap(),
                signed: signed.to_owned(),
                signature: URL_SAFE_NO_PAD.decode(signature).unwrap(),
            }
        })
        .collect()
}

fn recorded_for(algorithm: Algorithm) -> Recorded {
    let mut cases = recorded_algorithms().into_iter();
    cases.find(|case| case.algorithm == algorithm).unwrap()
}

fn signing_error(algorithm: Algorithm, text: &str) -> String {
    SigningKey::new(algorithm, text, false)
        .unwrap_err()
        .to_string()
}

fn verifying_error(algorithm: Algorithm, text: &str) -> String {
    VerifyingKey::new(algorithm, text, false)
        .unwrap_err()
        .to_string()
}

#[test]
fn every_algorithm_is_recorded() {
    let mut names: Vec<_> = recorded_algorithms()
        .iter()
        .map(|case| case.algorithm.name())
        .collect();
    let mut all = Algorithm::ALL.map(Algorithm::name).to_vec();
    names.sort_unstable();
    all.sort_unstable();
    assert_eq!(names, all);
}

#[test]
fn tokens_of_pyjwt_verify_with_every_form_of_the_key() {
    for case in recorded_algorithms() {
        let mut keys: Vec<_> = case
            .private
            .iter()
            .chain(&case.public)
            .map(|text| VerifyingKey::new(case.algorithm, text, false).unwrap())
            .collect();
        keys.push(VerifyingKey::from_jwk(case.algorithm, &case.jwk, false).unwrap());
        for key in keys {
            assert!(
                key.verify(case.signed.as_bytes(), &case.signature),
                "{key:?}"
            );
            assert!(!key.verify(b"another message", &case.signature), "{key:?}");
        }
    }
}

#[test]
fn what_a_key_signs_its_other_half_verifies() {
    for case in recorded_algorithms() {
        for text in &case.private {
            let key = SigningKey::new(case.algorithm, text, false).unwrap();
            let mut out = b"kept".to_vec();
            key.sign(b"message", &mut out).unwrap();
            let signature = out.strip_prefix(b"kept").unwrap();
            assert_eq!(signature.len(), case.signature.len());
            assert!(key.verifying_key().verify(b"message", signature));
            for text in &case.public {
                let verifying = VerifyingKey::new(case.algorithm, text, false).unwrap();
                assert!(verifying.verify(b"message", signature), "{verifying:?}");
                assert_eq!(key.check_pair(&verifying), Ok(()));
            }
        }
    }
}

#[test]
fn no_bit_of_a_signature_may_differ_and_no_byte_be_missing_or_extra() {
    for case in recorded_algorithms() {
        let key = VerifyingKey::new(case.algorithm, &case.public[0], false).unwrap();
        let refused = |signature: &[u8]| !key.verify(case.signed.as_bytes(), signature);
        for at in 0..case.signature.len() {
            let mut changed = case.signature.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(refused(&changed), "{key:?} byte {at}");
        }
        let mut longer = case.signature.clone();
        longer.push(0);
        assert!(refused(&longer), "{key:?}");
        let shorter = &case.signature[..case.signature.len() - 1];
        assert!(refused(shorter) && refused(&[]), "{key:?}");
        assert!(refused(&vec![0; case.signature.len()]), "{key:?}");
    }
}

#[test]
fn a_key_of_another_pair_or_algorithm_does_not_fit() {
    let case = recorded_for(Algorithm::RS256);
    let signing = SigningKey::new(Algorithm::RS256, &case.private[0], false).unwrap();
    let stranger = VerifyingKey::new(Algorithm::RS256, &other("rsa_3072_public"), false).unwrap();
    let same_numbers = VerifyingKey::new(Algorithm::RS384, &case.public[0], false).unwrap();
    for verifying in [stranger, same_numbers] {
        let error = signing.check_pair(&verifying).unwrap_err().to_string();
        assert!(error.contains("not the other half"), "{error}");
    }
}

/// The signatures are the same, but tokens of the one would be refused by the other for their header.
#[test]
fn es512_and_es521_do_not_fit_each_other() {
    let case = recorded_for(Algorithm::ES512);
    let signing = SigningKey::new(Algorithm::ES512, &case.private[0], false).unwrap();
    let verifying = VerifyingKey::new(Algorithm::ES521, &case.public[0], false).unwrap();
    assert!(signing.check_pair(&verifying).is_err());
}

#[test]
fn an_algorithm_is_named_exactly_and_the_error_lists_the_names() {
    for algorithm in Algorithm::ALL {
        assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
    }
    for name in [
        "none", "None", "", "hs256", " HS256", "HS256\0", "Ed448", "RSA1_5", "ES224",
    ] {
        let error = name.parse::<Algorithm>().unwrap_err().to_string();
        assert!(error.contains(&format!("{name:?}")), "{error}");
        assert!(error.ends_with("HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES256K, ES384, ES512, ES521, EdDSA"));
    }
}

#[test]
fn pem_may_be_indented_unbroken_or_among_other_text() {
    let case = recorded_for(Algorithm::ES256);
    let public = &case.public[0];
    for text in [
        public.replace('\n', "\n    "),
        public.replace('\n', "\r\n"),
        public.replace('\n', " "),
        public.replace('\n', ""),
        format!("a remark\n\n{public}\n{}", other("certificate")),
        format!(
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{public}"
        ),
        format!("{}{public}", other("certificate")),
    ] {
        let key = VerifyingKey::new(Algorithm::ES256, &text, false).unwrap();
        assert!(
            key.verify(case.signed.as_bytes(), &case.signature),
            "{text}"
        );
    }
}

#[test]
fn a_public_key_beside_a_private_one_is_the_one_that_verifies() {
    let (mine, stranger) = (recorded_for(Algorithm::ES256), other("rsa_1024"));
    let text = format!("{stranger}{}", mine.public[0]);
    let key = VerifyingKey::new(Algorithm::ES256, &text, false).unwrap();
    assert!(key.verify(mine.signed.as_bytes(), &mine.signature));
}

#[test]
fn a_key_of_the_wrong_type_is_named_in_the_error() {
    let case = |algorithm| recorded_for(algorithm).private[0].clone();
    for (algorithm, text, error) in [
        (
            Algorithm::ES256,
            case(Algorithm::ES384),
            "ES256 needs a private key of type P-256 in unencrypted PEM; found PRIVATE KEY of type P-384",
        ),
        (
            Algorithm::ES384,
            recorded_for(Algorithm::ES256).private[1].clone(),
            "ES384 needs a private key of type P-384 in unencrypted PEM; found EC PRIVATE KEY of type P-256",
        ),
        (
            Algorithm::ES256K,
            case(Algorithm::ES256),
            "ES256K needs a private key of type secp256k1 in unencrypted PEM; found PRIVATE KEY of type P-256",
        ),
        (
            Algorithm::RS256,
            case(Algorithm::EdDSA),
            "RS256 needs a private key of type RSA in unencrypted PEM; found PRIVATE KEY of type Ed25519",
        ),
        (
            Algorithm::EdDSA,
            other("ed448"),
            "EdDSA needs a private key of type Ed25519 in unencrypted PEM; found PRIVATE KEY of type Ed448",
        ),
        (
            Algorithm::EdDSA,
            recorded_for(Algorithm::RS256).private[1].clone(),
            "EdDSA needs a private key of type Ed25519 in unencrypted PEM; found RSA PRIVATE KEY of type RSA",
        ),
        (
            Algorithm::RS256,
            recorded_for(Algorithm::RS256).public[0].clone(),
            "RS256 needs a private key of type RSA in unencrypted PEM; found PUBLIC KEY",
        ),
        (
            Algorithm::RS256,
            other("encrypted"),
            "RS256 needs a private key of type RSA in unencrypted PEM; found ENCRYPTED PRIVATE KEY",
        ),
        (
            Algorithm::RS256,
            other("encrypted_legacy"),
            "RS256 needs a private key of type RSA in unencrypted PEM; found RSA PRIVATE KEY that is encrypted or damaged",
        ),
        (
            Algorithm::RS256,
            other("ssh"),
            "RS256 needs a private key of type RSA in unencrypted PEM; found an OpenSSH public key",
        ),
        (
            Algorithm::RS256,
            String::new(),
            "RS256 needs a private key of type RSA in unencrypted PEM; found no text",
        ),
        (
            Algorithm::RS256,
            "secret".to_owned(),
            "RS256 needs a private key of type RSA in unencrypted PEM; found no whole PEM section",
        ),
    ] {
        assert_eq!(signing_error(algorithm, &text), error);
    }
    for (algorithm, text, error) in [
        (
            Algorithm::RS256,
            other("certificate"),
            "RS256 needs a public key of type RSA in unencrypted PEM; found CERTIFICATE",
        ),
        (
            Algorithm::EdDSA,
            other("ed448_public"),
            "EdDSA needs a public key of type Ed25519 in unencrypted PEM; found PUBLIC KEY of type Ed448",
        ),
        (
            Algorithm::RS256,
            String::new(),
            "RS256 needs a public key of type RSA in unencrypted PEM; found no text",
        ),
    ] {
        assert_eq!(verifying_error(algorithm, &text), error);
    }
}

#[test]
fn damaged_keys_are_refused() {
    for case in recorded_algorithms().into_iter().skip(3) {
        let body = |text: &str| text.lines().nth(1).unwrap().to_owned();
        for text in case.private.iter().chain(&case.public) {
            let line = body(text);
            for damaged in [
                text.replace(&line, ""),
                text.replace(&line, "!"),
                text.replace("-----END", "----END"),
            ] {
                assert!(
                    SigningKey::new(case.algorithm, &damaged, true).is_err(),
                    "{damaged}"
                );
                assert!(
                    VerifyingKey::new(case.algorithm, &damaged, true).is_err(),
                    "{damaged}"
                );
            }
        }
    }
}

#[test]
fn secrets_have_the_length_of_the_hash_at_least() {
    for (algorithm, needed) in [
        (Algorithm::HS256, 32),
        (Algorithm::HS384, 48),
        (Algorithm::HS512, 64),
    ] {
        let secret = "s".repeat(needed);
        assert_eq!(
            SigningKey::new(algorithm, &secret, false)
                .unwrap()
                .warning(),
            None
        );
        let short = &secret[1..];
        let refusal = format!(
            "the {algorithm} key has {} bytes; at least {needed} are needed",
            needed - 1
        );
        assert_eq!(signing_error(algorithm, short), refusal);
        assert_eq!(verifying_error(algorithm, short), refusal);
        let allowed = SigningKey::new(algorithm, short, true).unwrap();
        assert_eq!(allowed.warning(), Some(refusal.as_str()));
    }
    // Two bytes each: length is counted in bytes.
    assert!(SigningKey::new(Algorithm::HS256, &"é".repeat(16), false).is_ok());
}

#[test]
fn secrets_that_are_asymmetric_keys_are_refused_like_in_pyjwt() {
    let public = recorded_for(Algorithm::RS256).public[0].clone();
    for secret in [
        String::new(),
        public,
        other("certificate"),
        other("ssh"),
        other("encrypted"),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI".to_owned(),
        "ecdsa-sha2-nistp256".to_owned(),
        "x-----BEGIN PUBLIC KEY-----x-----END PUBLIC KEY-----x".to_owned(),
        "---- BEGIN SSH2 PUBLIC KEY ----x---- END SSH2 PUBLIC KEY ----".to_owned(),
        r#"{"kty":"oct","k":"AAAA"}"#.to_owned(),
        r#" [{"a": {"kty": 1}}]"#.to_owned(),
        "\u{feff}{\"kty\":1}".to_owned(),
        "0*0\u{5}\u{6}\u{3}+ep\u{3}!\0abcdefghijklmnopqrstuvwxyz012345".to_owned(),
    ] {
        let error = SigningKey::new(Algorithm::HS256, &secret, true).unwrap_err();
        assert!(
            matches!(error, KeyError::Rejected { .. }),
            "{secret:?}: {error}"
        );
    }
    for secret in [
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN EC PARAMETERS-----x-----END EC PARAMETERS-----",
        "\"kty\"",
        r#"{"a":1}"#,
        "a ssh-rsa",
        "0*",
    ] {
        assert!(
            SigningKey::new(Algorithm::HS256, secret, true).is_ok(),
            "{secret:?}"
        );
    }
}

#[test]
fn small_rsa_keys_verify_only_on_demand_and_never_sign() {
    let (private, public) = (other("rsa_1024"), other("rsa_1024_public"));
    let refusal = "key has 1024 bits; at least 2048 are needed";
    assert_eq!(
        verifying_error(Algorithm::RS256, &public),
        format!("the RS256 {refusal}")
    );

    let key = VerifyingKey::new(Algorithm::RS256, &public, true).unwrap();
    assert_eq!(key.warning(), Some(format!("the RS256 {refusal}").as_str()));
    let token = other("rsa_1024_token");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    assert!(key.verify(
        signed.as_bytes(),
        &URL_SAFE_NO_PAD.decode(signature).unwrap()
    ));

    for algorithm in [Algorithm::RS384, Algorithm::PS256] {
        let error = VerifyingKey::new(algorithm, &public, true).unwrap_err();
        assert_eq!(error.to_string(), format!("the {algorithm} {refusal}"));
    }
    let error = SigningKey::new(Algorithm::RS256, &private, true).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("less than 2048 bits, too few to sign"),
        "{error}"
    );
}

#[test]
fn rsa_keys_below_the_advised_size_carry_a_warning() {
    let case = recorded_for(Algorithm::PS256);
    let key = SigningKey::new(Algorithm::PS256, &case.private[0], false).unwrap();
    assert_eq!(
        key.warning(),
        Some("the PS256 key has 2048 bits; 3072 are advised for new keys")
    );
    let large = VerifyingKey::new(Algorithm::PS256, &other("rsa_3072_public"), false).unwrap();
    assert_eq!(large.warning(), None);
}

/// An RSA public key of so many bits whose modulus is odd and otherwise meaningless.
fn rsa_jwk(bits: usize, exponent: &[u8]) -> json::Object {
    let mut modulus = vec![0x5a; bits.div_ceil(8)];
    modulus[0] = if bits.is_multiple_of(8) {
        0x80
    } else {
        1 << (bits % 8 - 1)
    };
    *modulus.last_mut().unwrap() = 1;
    let (n, e) = (
        URL_SAFE_NO_PAD.encode(modulus),
        URL_SAFE_NO_PAD.encode(exponent),
    );
    json::decode_strict(format!(r#"{{"kty":"RSA","n":"{n}","e":"{e}"}}"#).as_bytes()).unwrap()
}

#[test]
fn rsa_sizes_are_judged_to_the_bit() {
    let accepts = |bits, allow_short| {
        VerifyingKey::from_jwk(Algorithm::RS256, &rsa_jwk(bits, &[1, 0, 1]), allow_short).is_ok()
    };
    for (bits, plain, on_demand) in [
        (1023, false, false),
        (1024, false, true),
        (2047, false, true),
        (2048, true, true),
        (8192, true, true),
        (8193, false, false),
    ] {
        assert_eq!(
            (accepts(bits, false), accepts(bits, true)),
            (plain, on_demand),
            "{bits}"
        );
    }
}

#[test]
fn rsa_exponents_are_odd_and_between_3_and_33_bits() {
    let accepts = |exponent: &[u8]| {
        VerifyingKey::from_jwk(Algorithm::RS256, &rsa_jwk(2048, exponent), false).is_ok()
    };
    assert!(accepts(&[3]) && accepts(&[0, 1, 0, 1]) && accepts(&[1, 0, 0, 0, 1]));
    for exponent in [
        &[][..],
        &[0],
        &[1],
        &[2],
        &[1, 0, 0],
        &[2, 0, 0, 0, 1],
        &[0xff; 16],
    ] {
        assert!(!accepts(exponent), "{exponent:?}");
    }
}

#[test]
fn neither_debug_nor_errors_show_key_material() {
    for case in recorded_algorithms() {
        let key = SigningKey::new(case.algorithm, &case.private[0], false).unwrap();
        let name = case.algorithm.name();
        assert_eq!(format!("{key:?}"), format!("SigningKey({name} [redacted])"));
        assert_eq!(
            format!("{:#?}", key.verifying_key()),
            format!("VerifyingKey({name} [redacted])")
        );
    }
    let texts = recorded_algorithms()
        .into_iter()
        .flat_map(|case| case.private);
    for text in texts {
        // Any run of 12 characters of a line of base64 (or of the secret) would be a leak.
        let pieces: Vec<_> = text
            .lines()
            .filter(|line| !line.starts_with("-----") && line.len() >= 12)
            .map(|line| &line[line.len() - 12..])
            .collect();
        for algorithm in Algorithm::ALL {
            for damaged in [
                text.clone(),
                text.replacen("KEY-----", "KEY", 1),
                text.replacen('M', "!", 1),
                text[1..].to_owned(),
            ] {
                for error in [
                    SigningKey::new(algorithm, &damaged, false).err(),
                    VerifyingKey::new(algorithm, &damaged, false).err(),
                ] {
                    let shown = error
                        .map(|error| format!("{error} {error:?}"))
                        .unwrap_or_default();
                    assert!(!pieces.iter().any(|piece| shown.contains(piece)), "{shown}");
                }
            }
        }
    }
}
