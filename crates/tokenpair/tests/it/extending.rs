//! Simple JWT's ways of extending and ours: the same customisation gives the same bytes, tokens included.
//!
//! What Simple JWT answers is recorded by `conformance/extending/record.py`, whose cases have the names used here.

mod authentication;
mod by_hand;
mod claims;
mod endpoints;

use crate::app::Reply;
use axum::response::Response;
use serde_json::Value;
use tokenpair::json::Object;
use tokenpair::web::answer;
use tokenpair::{RequestInfo, SimpleJwt};

/// Status and body of Simple JWT's answer.
fn recorded(case: &str) -> (u16, String) {
    let all: Value = serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../conformance/extending/recorded.json"
    )))
    .unwrap();
    let status = all[case]["status"].as_u64().unwrap();
    let body = all[case]["body"].as_str().unwrap();
    (status.try_into().unwrap(), body.to_owned())
}

#[track_caller]
fn assert_as_recorded(reply: &Reply, case: &str) {
    assert_eq!((reply.status, reply.body.clone()), recorded(case), "{case}");
}

/// 200 with these texts.
fn texts<const N: usize>(jwt: &SimpleJwt, texts: [(&str, &str); N]) -> Response {
    let data: Object = texts.into_iter().collect();
    answer(jwt, &RequestInfo::default(), Ok(data))
}
