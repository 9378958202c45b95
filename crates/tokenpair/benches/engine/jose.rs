//! Tokens signed and verified by algorithm, beside jsonwebtoken on the same cryptography.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use divan::{Bencher, black_box};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde_json::Value;
use tokenpair::{AccessToken, MemoryStore, Settings, SimpleJwt, UntypedToken, User};

const KEYS: &str = include_str!("../../tests/vectors/keys/keys.json");
const ALGORITHMS: [&str; 4] = ["HS256", "RS256", "ES256", "EdDSA"];

#[derive(serde::Serialize, serde::Deserialize)]
struct Claims {
    token_type: String,
    exp: i64,
    iat: i64,
    jti: String,
    user_id: String,
}

struct Subject {
    jwt: SimpleJwt,
    user: User,
    token: String,
    peer: Peer,
}

struct Peer {
    header: Header,
    validation: Validation,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Subject {
    fn new(algorithm: &str) -> Self {
        let keys: Value = serde_json::from_str(KEYS).unwrap();
        let mut entries = keys["algorithms"].as_array().unwrap().iter();
        let entry = entries
            .find(|entry| entry["algorithm"] == algorithm)
            .unwrap();
        let mut settings = Settings::new(entry["private"][0].as_str().unwrap());
        settings.algorithm = algorithm.parse().unwrap();
        let jwt = SimpleJwt::new(settings, MemoryStore::default()).unwrap();
        let user = User::new(1, "ada");
        let token = jwt.encode(&AccessToken::for_user(&jwt, &user)).unwrap();
        Self {
            jwt,
            user,
            token,
            peer: Peer::new(algorithm, entry),
        }
    }
}

impl Peer {
    fn new(name: &str, entry: &Value) -> Self {
        let algorithm = name.parse().unwrap();
        let private = |form: usize| entry["private"][form].as_str().unwrap();
        let jwk = |member: &str| entry["jwk"][member].as_str().unwrap();
        let (encoding, decoding) = match name {
            "HS256" => (
                EncodingKey::from_secret(private(0).as_bytes()),
                DecodingKey::from_secret(private(0).as_bytes()),
            ),
            "RS256" => (
                EncodingKey::from_rsa_der(&der(private(1))),
                DecodingKey::from_rsa_components(jwk("n"), jwk("e")).unwrap(),
            ),
            "ES256" => (
                EncodingKey::from_ec_der(&der(private(0))),
                DecodingKey::from_ec_components(jwk("x"), jwk("y")).unwrap(),
            ),
            _ => (
                EncodingKey::from_ed_der(&der(private(0))),
                DecodingKey::from_ed_components(jwk("x")).unwrap(),
            ),
        };
        Self {
            header: Header::new(algorithm),
            validation: Validation::new(algorithm),
            encoding,
            decoding,
        }
    }
}

fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with('-'));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

#[divan::bench(args = ALGORITHMS)]
fn mint(bencher: Bencher<'_, '_>, algorithm: &str) {
    let Subject { jwt, user, .. } = Subject::new(algorithm);
    bencher.bench_local(|| {
        jwt.encode(&AccessToken::for_user(&jwt, black_box(&user)))
            .unwrap()
    });
}

#[divan::bench(args = ALGORITHMS)]
fn mint_jsonwebtoken(bencher: Bencher<'_, '_>, algorithm: &str) {
    let Peer {
        header, encoding, ..
    } = Subject::new(algorithm).peer;
    bencher.bench_local(|| {
        let claims = Claims {
            token_type: "access".to_owned(),
            exp: black_box(4_102_444_800),
            iat: black_box(1_700_000_000),
            jti: "0123456789abcdef0123456789abcdef".to_owned(),
            user_id: "1".to_owned(),
        };
        jsonwebtoken::encode(&header, &claims, &encoding).unwrap()
    });
}

#[divan::bench(args = ALGORITHMS)]
fn verify(bencher: Bencher<'_, '_>, algorithm: &str) {
    let Subject { jwt, token, .. } = Subject::new(algorithm);
    bencher.bench_local(|| UntypedToken::verify(&jwt, black_box(&token)).unwrap());
}

#[divan::bench(args = ALGORITHMS)]
fn verify_jsonwebtoken(bencher: Bencher<'_, '_>, algorithm: &str) {
    let Subject { token, peer, .. } = Subject::new(algorithm);
    bencher.bench_local(|| {
        jsonwebtoken::decode::<Claims>(black_box(&token), &peer.decoding, &peer.validation).unwrap()
    });
}
