//! Hostile tokens through every door, each kind of token at each endpoint, Wycheproof's signatures at the token layer.

use crate::app::{
    BLACKLIST, REFRESH, SLIDING_REFRESH, TestApp, VERIFY, good, sign, sign_with_header, text_of,
};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::RsaPublicKeyComponents;
use axum::body::Body;
use axum::http::{HeaderValue, Request};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use tokenpair::{AccessToken, Algorithm, RefreshToken, Settings, UntypedToken};

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member]
        .as_str()
        .unwrap_or_else(|| panic!("no text {member} in {value}"))
}

fn array<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().unwrap()
}

/// Refused by the corpus for its length; our limit is 128 KiB.
const WITHIN_OUR_LIMIT: &str = "huge-64k";

#[tokio::test]
async fn hostile_tokens_are_refused_at_every_door() {
    let corpus = document(include_str!("../vectors/hostile/tokens.json"));
    let secret = text(&corpus["keys"]["hs"], "secret");
    for (name, key) in corpus["keys"].as_object().unwrap() {
        let app = TestApp::with(|settings| configure(settings, key));
        for case in array(&corpus, "tests")
            .iter()
            .filter(|case| case["key"] == name.as_str())
        {
            let token = case["token"]
                .as_str()
                .map_or_else(|| build(&case["build"], secret), str::to_owned);
            judge(&app, case, &token).await;
        }
    }
}

fn configure(settings: &mut Settings, key: &Value) {
    settings.algorithm = text(key, "alg").parse().unwrap();
    settings.signing_key = key["secret"].as_str().unwrap_or_default().into();
    let public = key["public_pem"].as_str().unwrap_or_default();
    public.clone_into(&mut settings.verifying_key);
}

/// A long token from its recipe (see the corpus's README).
fn build(recipe: &Value, secret: &str) -> String {
    let repeated = |parts: &Value| {
        let part = |index: usize| parts[index].as_str().unwrap();
        let count = usize::try_from(parts[2].as_u64().unwrap()).unwrap();
        [
            part(0),
            &part(1).repeat(count),
            &part(3).repeat(count),
            part(4),
        ]
        .concat()
    };
    let header = recipe["header"]
        .as_str()
        .map_or_else(|| repeated(&recipe["header_repeat"]), str::to_owned);
    let payload = match (recipe["payload"].as_str(), recipe["payload_pad"].as_u64()) {
        (Some(payload), _) => payload.to_owned(),
        (None, Some(pad)) => good(
            "access",
            &format!(r#","pad":"{}""#, "x".repeat(usize::try_from(pad).unwrap())),
        ),
        (None, None) => repeated(&recipe["payload_repeat"]),
    };
    sign_with_header(&header, &payload, secret)
}

/// The statuses of one token at the three doors, and whether the three library calls accept it.
struct Verdict {
    verify: u16,
    bearer: u16,
    refresh: u16,
    untyped: bool,
    access: bool,
    listed: bool,
}

async fn verdict(app: &TestApp, token: &str) -> Verdict {
    Verdict {
        verify: app.verify(token).await.status,
        bearer: bearer(app, token).await,
        refresh: app.refresh(token).await.status,
        untyped: UntypedToken::verify(&app.jwt, token).is_ok(),
        access: AccessToken::verify(&app.jwt, token).is_ok(),
        listed: RefreshToken::verify(&app.jwt, token).await.is_ok(),
    }
}

/// What no header can carry never reaches a server.
async fn bearer(app: &TestApp, token: &str) -> u16 {
    let Ok(header) = HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()) else {
        return 401;
    };
    app.send(
        Request::get("/me/")
            .header("authorization", header)
            .body(Body::empty())
            .unwrap(),
    )
    .await
    .status
}

async fn judge(app: &TestApp, case: &Value, token: &str) {
    let id = text(case, "id");
    let got = verdict(app, token).await;
    let door = match case["use"].as_str() {
        Some("bearer") => got.bearer,
        Some("refresh") => got.refresh,
        _ => got.verify,
    };
    for status in [got.verify, got.bearer, got.refresh] {
        assert!([200, 400, 401].contains(&status), "{id}: {status}");
    }
    if text(case, "expect") == "accept" || id == WITHIN_OUR_LIMIT {
        assert_eq!(door, 200, "{id} is good");
    } else if case["use"].is_string() {
        assert_eq!(door, 401, "{id} is bad there");
    } else {
        assert!(
            [got.verify, got.bearer, got.refresh]
                .iter()
                .all(|&status| status != 200),
            "{id} is bad everywhere"
        );
        assert!(
            !got.untyped && !got.access && !got.listed,
            "{id} is bad for the library"
        );
        assert!(
            got.verify == 401 || token.is_empty(),
            "{id}: {}",
            got.verify
        );
    }
    assert_eq!(
        got.untyped,
        got.verify == 200,
        "{id}: the library and the endpoint agree"
    );
}

#[tokio::test]
async fn each_kind_of_token_opens_its_own_doors_only() {
    let kinds = [
        ("access", sign(&good("access", ""))),
        ("refresh", sign(&good("refresh", ""))),
        (
            "sliding",
            sign(&good("sliding", r#","refresh_exp":4000000000"#)),
        ),
        (
            "other",
            sign(&good("untyped", r#","refresh_exp":4000000000"#)),
        ),
    ];
    let accepted = [
        // Bearer, stateless, refresh, sliding refresh, blacklist, verify
        ("access", [true, true, false, false, false, true]),
        ("refresh", [false, false, true, false, true, true]),
        ("sliding", [false, false, false, true, false, true]),
        ("other", [false, false, false, false, false, true]),
    ];
    for ((kind, token), (_, accepted)) in kinds.into_iter().zip(accepted) {
        for (door, accepted) in (0..6).zip(accepted) {
            // A fresh server for each cell: blacklisting must not close the other doors.
            let app = TestApp::new();
            let reply = match door {
                0 => app.get_as(&token, "/me/").await,
                1 => app.get_as(&token, "/stateless/").await,
                2 => app.post(REFRESH, text_of([("refresh", &token)])).await,
                3 => {
                    app.post(SLIDING_REFRESH, text_of([("token", &token)]))
                        .await
                }
                4 => app.post(BLACKLIST, text_of([("refresh", &token)])).await,
                _ => app.post(VERIFY, text_of([("token", &token)])).await,
            };
            assert_eq!(
                reply.status,
                if accepted { 200 } else { 401 },
                "{kind} at door {door}: {reply:?}"
            );
            assert!(
                accepted || reply.body.contains("Token has wrong type"),
                "{kind} at door {door}: {reply:?}"
            );
        }
    }
}

/// Signatures are judged vector by vector beside the keys' code; here the whole path from a text to claims is.
#[tokio::test]
async fn no_signature_vector_is_a_token() {
    let document = document(include_str!(
        "../vectors/wycheproof/json_web_signature_test.json"
    ));
    let (mut tried, mut groups) = (0, 0);
    for group in array(&document, "testGroups") {
        let Some((algorithm, pem)) = configurable(&group["public"]) else {
            continue;
        };
        let app = TestApp::with(|settings| {
            settings.algorithm = algorithm;
            settings.signing_key = "".into();
            settings.verifying_key = pem;
        });
        groups += 1;
        for test in array(group, "tests") {
            let token = text(test, "jws");
            // Even the valid ones: their payloads are no claims.
            assert!(UntypedToken::verify(&app.jwt, token).is_err(), "{test}");
            let empty = token.is_empty();
            assert_eq!(
                app.verify(token).await.status,
                if empty { 400 } else { 401 },
                "{test}"
            );
            tried += 1;
        }
    }
    assert_eq!((groups, tried), (17, 359));
}

/// The key of a group as `VERIFYING_KEY`; secrets there are no texts and cannot be configured.
fn configurable(jwk: &Value) -> Option<(Algorithm, String)> {
    let bytes = |member: &str| URL_SAFE_NO_PAD.decode(text(jwk, member)).unwrap();
    let kty = jwk["kty"].as_str()?;
    let algorithm = match jwk["alg"].as_str() {
        Some(name) => name.parse().ok()?,
        None if kty == "RSA" => Algorithm::RS256,
        None => Algorithm::ES256,
    };
    let der = match (kty, jwk["crv"].as_str()) {
        ("RSA", _) => {
            let key = RsaPublicKeyComponents {
                n: bytes("n"),
                e: bytes("e"),
            };
            key.as_der().ok()?.as_ref().to_vec()
        }
        (_, Some("P-256")) => {
            // RFC 5480: a SubjectPublicKeyInfo of P-256 up to its point.
            let start = [
                0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
                0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
            ];
            [&start[..], &bytes("x"), &bytes("y")].concat()
        }
        _ => return None,
    };
    Some((
        algorithm,
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            STANDARD.encode(der)
        ),
    ))
}
