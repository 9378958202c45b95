use super::{key_changed, write};
use crate::log::Format;
use crate::log::tests::Written;
use serde_json::{Value, json};
use tokenpair::{Event, RequestInfo, User};

fn logged(write: impl FnOnce()) -> Value {
    let log = Written::default();
    let listening = log.listen(Format::Json);
    write();
    drop(listening);
    let pieces = log.pieces();
    assert_eq!(pieces.len(), 1, "{pieces:?}");
    let mut line: Value = serde_json::from_str(&pieces[0]).unwrap();
    let fields = line.as_object_mut().unwrap();
    assert!(fields.remove("timestamp").is_some() && fields.remove("node").is_some());
    line
}

fn info() -> RequestInfo {
    let mut info = RequestInfo::default();
    info.address = "192.0.2.7".parse().ok();
    info.request_id = Some("r-1".to_owned());
    info
}

#[test]
fn a_log_in_is_told_with_user_address_and_request() {
    let user = User::new(7, "ada");
    let line = logged(|| write(&Event::LogIn { user: &user }, &info()));
    let expected = json!({
        "level": "INFO", "target": "tokenpair::event", "message": "log_in success", "event": "log_in",
        "outcome": "success", "user_id": "7", "username": "ada", "address": "192.0.2.7", "request_id": "r-1"
    });
    assert_eq!(line, expected);
}

#[test]
fn what_a_client_typed_is_cut_and_stays_one_line() {
    let username = format!("eve\n{}", "x".repeat(500));
    let event = Event::LogInRefused {
        username: &username,
    };
    let line = logged(|| write(&event, &info()));
    assert_eq!(line["outcome"], "refused");
    let shown = line["username"].as_str().unwrap();
    assert!(
        shown.starts_with("eve\n") && shown.chars().count() == 150,
        "{shown}"
    );

    let log = Written::default();
    let listening = log.listen(Format::Text);
    write(&event, &info());
    drop(listening);
    assert_eq!(
        log.pieces().concat().lines().count(),
        1,
        "{:?}",
        log.pieces()
    );
}

#[test]
fn a_reuse_and_another_key_are_warnings() {
    let user_id = tokenpair::json::Value::from("7");
    let reuse = Event::Reuse {
        user_id: Some(&user_id),
        jti: Some("j"),
        line_revoked: true,
    };
    let line = logged(|| write(&reuse, &info()));
    assert_eq!(
        (&line["level"], &line["outcome"], &line["jti"]),
        (&json!("WARN"), &json!("line_revoked"), &json!("j"))
    );
    let line = logged(key_changed);
    assert_eq!(
        (&line["level"], &line["event"]),
        (&json!("WARN"), &json!("key_change"))
    );
}
