use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::key::VerifyingKey;
use super::super::{Algorithm, KeyError};
use super::JwkSet;
use crate::json;

/// RFC 7515 appendix A.3.
const X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// The key with more members, each written as `,"name":value`.
fn ec(kid: &str, more: &str) -> String {
    format!(r#"{{"kty":"EC","crv":"P-256","x":"{X}","y":"{Y}","kid":"{kid}"{more}}}"#)
}

fn set(keys: &[String]) -> Result<JwkSet, KeyError> {
    let text = format!(r#"{{"keys":[{}]}}"#, keys.join(","));
    JwkSet::parse(text.as_bytes(), Algorithm::ES256, false)
}

fn refusal(keys: &[String]) -> String {
    set(keys).unwrap_err().to_string()
}

fn read(algorithm: Algorithm, text: &str) -> Result<VerifyingKey, KeyError> {
    VerifyingKey::from_jwk(
        algorithm,
        &json::decode_strict(text.as_bytes()).unwrap(),
        false,
    )
}

#[test]
fn keys_are_found_by_their_exact_kid_only() {
    let set = set(&[ec("a", ""), ec("b", r#","use":"sig","alg":"ES256""#)]).unwrap();
    assert!(set.find("a").is_some() && set.find("b").is_some());
    assert!(set.find("A").is_none() && set.find("").is_none() && set.find("a ").is_none());
    assert_eq!(set.skipped(), []);
}

#[test]
fn keys_for_other_purposes_are_skipped_and_reported() {
    let unfit = [
        (
            r#","use":"enc""#,
            r#"member "use" of the JSON Web Key must be "sig"; found "enc""#,
        ),
        (
            r#","use":1"#,
            r#"member "use" of the JSON Web Key must be "sig"; found another value"#,
        ),
        (
            r#","use":null"#,
            r#"member "use" of the JSON Web Key must be "sig"; found another value"#,
        ),
        (
            r#","alg":"ES384""#,
            r#"member "alg" of the JSON Web Key must be "ES256"; found "ES384""#,
        ),
        (
            r#","alg":"ECDH-ES""#,
            r#"member "alg" of the JSON Web Key must be "ES256"; found "ECDH-ES""#,
        ),
        (
            r#","key_ops":["sign"]"#,
            r#"member "key_ops" of the JSON Web Key must be a list with "verify"; found another value"#,
        ),
        (
            r#","key_ops":[]"#,
            r#"member "key_ops" of the JSON Web Key must be a list with "verify"; found another value"#,
        ),
        (
            r#","key_ops":"verify""#,
            r#"member "key_ops" of the JSON Web Key must be a list with "verify"; found "verify""#,
        ),
    ];
    for (more, reason) in unfit {
        let set = set(&[
            ec("good", r#","key_ops":["sign","verify"]"#),
            ec("other", more),
        ])
        .unwrap();
        assert!(set.find("good").is_some() && set.find("other").is_none());
        let skipped: Vec<_> = set.skipped().iter().map(ToString::to_string).collect();
        assert_eq!(skipped, [reason]);
        assert!(refusal(&[ec("other", more)]).ends_with(reason));
    }
}

#[test]
fn keys_without_a_name_and_members_that_are_no_keys_are_skipped() {
    let nameless = ec("", "").replace(r#","kid":"""#, "");
    let numbered = nameless.replace('}', r#","kid":7}"#);
    let set = set(&[
        nameless,
        numbered,
        "7".to_owned(),
        "{}".to_owned(),
        ec("good", ""),
    ])
    .unwrap();
    assert!(set.find("good").is_some());
    assert_eq!(set.skipped().len(), 4);
}

#[test]
fn a_kid_may_not_occur_twice_even_on_a_key_that_cannot_be_used() {
    let error = refusal(&[ec("a", ""), ec("b", ""), ec("a", r#","use":"enc""#)]);
    assert_eq!(error, r#"no usable JSON Web Key Set: kid "a" occurs twice"#);
}

#[test]
fn secrets_and_public_keys_may_not_share_a_set() {
    let secret =
        r#"{"kty":"oct","kid":"s","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}"#.to_owned();
    for keys in [[ec("a", ""), secret.clone()], [secret, ec("a", "")]] {
        assert!(refusal(&keys).ends_with("mixes secret and public keys"));
    }
}

#[test]
fn a_set_is_bounded_in_keys_and_bytes() {
    let keys: Vec<_> = (0..65).map(|kid| ec(&kid.to_string(), "")).collect();
    assert!(set(&keys[..64]).unwrap().find("63").is_some());
    assert!(refusal(&keys).ends_with("more than 64 keys"));

    let padded = |length: usize| {
        let text = format!(r#"{{"keys":[{}]}}"#, ec("a", ""));
        text + &" "
            .repeat(length)
            .split_off(ec("a", "").len() + r#"{"keys":[]}"#.len())
    };
    let parse = |text: String| JwkSet::parse(text.as_bytes(), Algorithm::ES256, false);
    assert!(parse(padded(256 * 1024)).is_ok());
    let error = parse(padded(256 * 1024 + 1)).unwrap_err().to_string();
    assert!(error.ends_with("larger than 256 KiB"), "{error}");
}

#[test]
fn documents_that_are_no_sets_are_refused() {
    for (text, reason) in [
        ("", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("<html>", "not a JSON object"),
        ("{}", "\"keys\" is not an array"),
        (r#"{"keys":{}}"#, "\"keys\" is not an array"),
        (r#"{"keys":null}"#, "\"keys\" is not an array"),
        (r#"{"keys":[]}"#, "it is empty"),
    ] {
        let error = JwkSet::parse(text.as_bytes(), Algorithm::ES256, false).unwrap_err();
        assert!(error.to_string().ends_with(reason), "{error}");
    }
}

#[test]
fn key_material_is_strict_base64url_of_the_exact_length() {
    let good = ec("a", "");
    assert!(read(Algorithm::ES256, &good).is_ok());
    for (from, to) in [
        (X, format!("{X}=")),
        (X, format!("AA{X}")),
        (X, X[..42].to_owned()),
        (X, X.replace('f', " ")),
        (Y, Y.replace('_', "/")),
        (Y, Y.replace("5a0", "5a1")),
        (Y, X.to_owned()),
        ("P-256", "P-384".to_owned()),
        ("P-256", "secp256k1".to_owned()),
        ("\"EC\"", "\"RSA\"".to_owned()),
        ("\"y\"", "\"z\"".to_owned()),
    ] {
        let bad = good.replace(from, &to);
        assert_ne!(bad, good);
        assert!(read(Algorithm::ES256, &bad).is_err(), "{bad}");
    }
}

/// Together the two still make the right point, so only a check of each length can tell.
#[test]
fn coordinates_may_not_borrow_from_each_other() {
    let (x, y) = (decode(X), decode(Y));
    let (short, last) = x.split_at(31);
    let (short, long) = (
        URL_SAFE_NO_PAD.encode(short),
        URL_SAFE_NO_PAD.encode([last, &y].concat()),
    );
    let shifted = ec("a", "").replace(X, &short).replace(Y, &long);
    let error = read(Algorithm::ES256, &shifted).unwrap_err().to_string();
    assert!(error.starts_with("member \"x\""), "{error}");
}

#[test]
fn an_okp_key_is_the_bare_32_bytes_and_no_der() {
    let okp = |x: &[u8]| {
        format!(
            r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#,
            URL_SAFE_NO_PAD.encode(x)
        )
    };
    let bare = decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    let der = [
        &b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"[..],
        &bare,
    ]
    .concat();
    assert!(read(Algorithm::EdDSA, &okp(&bare)).is_ok());
    assert!(read(Algorithm::EdDSA, &okp(&der)).is_err());
}

#[test]
fn ed448_and_key_agreement_curves_are_refused() {
    for curve in ["Ed448", "X25519", "ed25519"] {
        let text = format!(r#"{{"kty":"OKP","crv":"{curve}","x":"{X}"}}"#);
        let error = read(Algorithm::EdDSA, &text).unwrap_err().to_string();
        let expected =
            format!(r#"member "crv" of the JSON Web Key must be "Ed25519"; found "{curve}""#);
        assert_eq!(error, expected);
    }
}

#[test]
fn private_members_are_not_looked_at() {
    assert!(read(Algorithm::ES256, &ec("a", r#","d":7"#)).is_ok());
}

#[test]
fn errors_quote_names_cut_short_and_never_material() {
    let secret = r#"{"kty":"oct","alg":"HS256","k":"c2VjcmV0LXNlY3JldA=="}"#;
    let error = read(Algorithm::HS256, secret).unwrap_err().to_string();
    assert!(error.ends_with("found something else"), "{error}");
    let long = ec("a", &format!(r#","alg":"{}""#, "\\n".repeat(500)));
    assert!(read(Algorithm::ES256, &long).unwrap_err().to_string().len() < 150);
}
