//! What an operator reads while requests cannot be answered, and afterwards.

use crate::app::{ALICE, TOKEN, TestApp};
use std::cell::RefCell;
use std::fmt::{Debug, Write as _};
use std::sync::Once;
use std::time::Duration;
use tokenpair::json::Object;
use tokenpair::web::answer;
use tokenpair::{Error, RequestInfo, StoreError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata};

/// Hands events to who listens in this thread: with a log for each thread, what one logs first may be lost to
/// another's start.
struct Log;

thread_local! {
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// From now on the events of this thread are kept.
fn listen() {
    static EVERYBODY: Once = Once::new();
    EVERYBODY.call_once(|| tracing::subscriber::set_global_default(Log).unwrap());
    LINES.set(Some(Vec::new()));
}

/// The lines since the last question.
fn lines() -> Vec<String> {
    LINES.replace(Some(Vec::new())).unwrap()
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO && metadata.target().starts_with("tokenpair")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                lines.push(line.0);
            }
        });
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => write!(self.0, " {value:?}").unwrap(),
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

/// Fails requests `first` to `last`.
fn fail(app: &TestApp, requests: std::ops::RangeInclusive<u32>, error: impl Fn() -> Error) {
    for number in requests {
        let mut info = RequestInfo::default();
        info.request_id = Some(format!("r{number}"));
        assert_eq!(answer(&app.jwt, &info, Err(error())).status(), 503);
    }
}

fn outage() -> Error {
    Error::Store(StoreError::new("the disk has gone"))
}

#[tokio::test]
async fn an_outage_is_told_at_once_then_every_five_seconds_and_when_it_is_over() {
    let app = TestApp::new();
    listen();
    fail(&app, 1..=1000, outage);
    assert_eq!(
        lines(),
        [
            r#"ERROR requests could not be answered error=the disk has gone requests=1 request_id="r1""#
        ]
    );
    app.advance(4);
    fail(&app, 1001..=1010, outage);
    assert_eq!(lines(), [""; 0]);
    app.advance(1);
    fail(&app, 1011..=1020, outage);
    assert_eq!(
        lines(),
        [
            r#"ERROR requests could not be answered error=the disk has gone requests=1010 request_id="r1011""#
        ]
    );
    let answered = app.post(TOKEN, ALICE).await;
    assert_eq!(answered.status, 200);
    assert_eq!(lines(), [""; 0], "the next one may fail");
    app.advance(5);
    app.post(TOKEN, ALICE).await;
    app.post(TOKEN, ALICE).await;
    assert_eq!(
        lines(),
        ["INFO a request was answered again requests=1020 seconds=5.0"]
    );
    fail(&app, 1021..=1021, outage);
    assert_eq!(lines().len(), 1, "another outage");
}

#[tokio::test]
async fn an_outage_has_ended_also_where_requests_only_bring_access_tokens() {
    let app = TestApp::new();
    let access = app.log_in().await.access;
    listen();
    fail(&app, 1..=2, outage);
    app.advance(5);
    lines();
    assert_eq!(app.get_as(&access, "/me/").await.status, 200);
    assert_eq!(
        lines(),
        ["INFO a request was answered again requests=2 seconds=0.0"]
    );
}

#[test]
fn too_many_log_ins_are_told_apart_from_an_outage() {
    let app = TestApp::new();
    listen();
    let busy = || Error::Busy {
        retry_after: Duration::from_secs(2),
    };
    fail(&app, 1..=100, busy);
    fail(&app, 101..=200, outage);
    assert_eq!(
        lines(),
        [
            r#"WARN requests could not be answered: too many log-ins at once requests=1 request_id="r1""#,
            r#"ERROR requests could not be answered error=the disk has gone requests=1 request_id="r101""#,
        ]
    );
    app.advance(5);
    answer(&app.jwt, &RequestInfo::default(), Ok(Object::new()));
    assert_eq!(
        lines(),
        [
            "INFO a request was answered again requests=100 seconds=0.0",
            "INFO there are no longer too many log-ins requests=100 seconds=0.0",
        ]
    );
}
