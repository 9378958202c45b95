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
use std::io::Write as _;
use std::process::Command;
use tokenpair::json::Object;
use tokenpair::web::answer;
use tokenpair::{RequestInfo, SimpleJwt};

const RECORDED: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../conformance/extending/recorded.json"
));

/// Status and body of Simple JWT's answer.
fn recorded(case: &str) -> (u16, String) {
    let all: Value = serde_json::from_str(RECORDED).unwrap();
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

#[test]
fn the_recording_is_what_simple_jwt_answers() {
    const VARIABLE: &str = "TEST_DJANGO_PYTHON";
    let Ok(python) = std::env::var(VARIABLE) else {
        let is_ci = std::env::var("CI").is_ok_and(|value| value == "true" || value == "1");
        assert!(!is_ci, "{VARIABLE} is not set, and CI must not skip");
        let skipped = format!("SKIPPED: {VARIABLE} is not set; `cargo xtask check` sets it\n");
        std::io::stderr().write_all(skipped.as_bytes()).unwrap();
        return;
    };
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../conformance/extending/record.py"
    );
    let told = Command::new(python)
        .args([script, "--print"])
        .output()
        .unwrap();
    let failure = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{failure}");
    assert_eq!(String::from_utf8(told.stdout).unwrap(), RECORDED);
}
