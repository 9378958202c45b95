//! A claims set read and written, beside `serde_json`.

use divan::{Bencher, black_box};
use tokenpair::json;

const CLAIMS: &[u8] = br#"{"token_type":"access","exp":4102444800,"iat":1700000000,"jti":"0123456789abcdef0123456789abcdef","user_id":"1"}"#;

#[divan::bench]
fn decode_claims() -> json::Object {
    json::decode_strict(black_box(CLAIMS)).unwrap()
}

#[divan::bench]
fn decode_claims_serde_json() -> serde_json::Value {
    serde_json::from_slice(black_box(CLAIMS)).unwrap()
}

#[divan::bench]
fn encode_claims(bencher: Bencher<'_, '_>) {
    let claims = json::decode_strict(CLAIMS).unwrap();
    bencher.bench_local(|| json::encode_ascii(black_box(&claims)));
}

#[divan::bench]
fn encode_claims_serde_json(bencher: Bencher<'_, '_>) {
    let claims: serde_json::Value = serde_json::from_slice(CLAIMS).unwrap();
    bencher.bench_local(|| serde_json::to_string(black_box(&claims)).unwrap());
}
