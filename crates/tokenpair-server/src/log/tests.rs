//! What is written, and what `TOKENPAIR_LOG` may say.

use super::*;
use std::cell::RefCell;
use std::sync::{Arc, Mutex, Once};
use tracing::Level;
use tracing_subscriber::filter::Targets;

/// A standard error to look into. Remembers how often it was written to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<String>>>);

impl Written {
    pub(crate) fn pieces(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Until what is returned is dropped, events of this thread are written here.
    pub(crate) fn listen(&self, format: Format) -> Listening {
        EVERYBODY.call_once(|| {
            let lines = |format| Lines {
                format,
                colours: false,
                write: move |_: &Metadata<'_>, line: &str| hear(format, line),
            };
            let both = vec![lines(Format::Text), lines(Format::Json)];
            tracing_subscriber::registry().with(both).init();
        });
        LISTENING.set(Some((format, self.clone())));
        Listening
    }
}

/// One log for all tests: with one for each thread, what a thread logs first may be lost to another's start.
static EVERYBODY: Once = Once::new();

thread_local! {
    static LISTENING: RefCell<Option<(Format, Written)>> = const { RefCell::new(None) };
}

pub(crate) struct Listening;

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENING.set(None);
    }
}

/// Hands a line to who listens in this thread for its format.
fn hear(format: Format, line: &str) {
    LISTENING.with_borrow(|listening| match listening {
        Some((wanted, written)) if *wanted == format => {
            written.0.lock().unwrap().push(line.to_owned());
        }
        _ => {}
    });
}

fn speak() {
    tracing::warn!(target: "tokenpair::test", path = %"/a", status = 503, address = tracing::field::Empty, "two\nlines");
}

#[test]
fn text_is_one_line_in_one_piece() {
    let log = Written::default();
    let listening = log.listen(Format::Text);
    speak();
    drop(listening);
    let pieces = log.pieces();
    assert_eq!(pieces.len(), 1, "{pieces:?}");
    let (time, rest) = pieces[0].split_once(' ').unwrap();
    assert!(time.ends_with('Z') && time.contains('T'), "{time}");
    assert_eq!(rest, " WARN two\\nlines path=/a status=503\n");
}

#[test]
fn json_is_one_flat_object_in_one_piece() {
    let log = Written::default();
    let listening = log.listen(Format::Json);
    speak();
    drop(listening);
    let pieces = log.pieces();
    assert_eq!(pieces.len(), 1, "{pieces:?}");
    assert_eq!(pieces[0].matches('\n').count(), 1, "{pieces:?}");
    let mut event: serde_json::Value = serde_json::from_str(&pieces[0]).unwrap();
    let time = event["timestamp"].take();
    assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
    let expected = serde_json::json!({
        "timestamp": null, "level": "WARN", "message": "two\nlines", "path": "/a", "status": 503, "target": "tokenpair::test"
    });
    assert_eq!(event, expected);
}

/// Each of the first characters, among others: as a string, as what displays it, and in a message of either kind.
fn speak_in_every_character() -> impl Iterator<Item = String> {
    let texts = ('\0'..='\u{2ff}').map(|c| format!("a{c}b"));
    texts.inspect(|text| {
        tracing::warn!(string = text.as_str(), display = %text, "{text}");
        tracing::warn!(message = text.as_str());
    })
}

#[test]
fn a_json_line_holds_every_character_as_it_was() {
    let log = Written::default();
    let listening = log.listen(Format::Json);
    let texts: Vec<String> = speak_in_every_character().collect();
    drop(listening);
    let lines = log.pieces();
    assert_eq!(lines.len(), texts.len() * 2);
    for (lines, text) in lines.chunks(2).zip(&texts) {
        for (line, names) in lines
            .iter()
            .zip([&["message", "string", "display"][..], &["message"]])
        {
            let line = line.strip_suffix('\n').unwrap();
            assert!(!line.contains(char::is_control), "{line:?}");
            let event: serde_json::Value = serde_json::from_str(line).expect(line);
            for name in names {
                assert_eq!(event[name], *text, "{name} in {line}");
            }
        }
    }
}

#[test]
fn a_text_line_holds_no_control_character_but_its_end() {
    let log = Written::default();
    let listening = log.listen(Format::Text);
    let texts: Vec<String> = speak_in_every_character().collect();
    drop(listening);
    let lines = log.pieces();
    assert_eq!(lines.len(), texts.len() * 2);
    for (lines, text) in lines.chunks(2).zip(&texts) {
        let shown = if text.contains(char::is_control) {
            text.escape_debug().to_string()
        } else {
            text.clone()
        };
        for (line, expected) in lines.iter().zip([
            format!(" WARN {shown} string={text:?} display={shown}\n"),
            format!(" WARN {shown}\n"),
        ]) {
            assert!(
                !line[..line.len() - 1].contains(char::is_control),
                "{line:?}"
            );
            let (_, line) = line.split_once(' ').unwrap();
            assert_eq!(line, expected);
        }
    }
}

#[test]
fn a_filter_names_levels_for_everything_or_for_a_target() {
    let info = Targets::new().with_default(LevelFilter::INFO);
    let off = LevelFilter::OFF;
    for (text, expected) in [
        ("", info.clone()),
        ("info", info.clone()),
        ("WARN", Targets::new().with_default(LevelFilter::WARN)),
        ("off", Targets::new().with_default(off)),
        (
            "info,tokenpair::request=off",
            info.clone().with_target("tokenpair::request", off),
        ),
        (
            " tokenpair::request = off , ",
            info.clone().with_target("tokenpair::request", off),
        ),
        (
            "hyper=debug,warn",
            info.with_default(LevelFilter::WARN)
                .with_target("hyper", Level::DEBUG),
        ),
    ] {
        assert_eq!(filter(text), Ok(expected), "{text:?}");
    }
}

#[test]
fn a_filter_that_would_end_the_log_by_mistake_is_refused() {
    for (text, got) in [
        ("infoo", "infoo"),
        ("tokenpair", "tokenpair"),
        ("info,tokenpair=loud", "loud"),
        ("tokenpair=", ""),
        ("=info", ""),
        ("info;debug", "info;debug"),
        ("tokenpair[span]=debug", "tokenpair[span]"),
        ("3", "3"),
    ] {
        let refused = filter(text).unwrap_err();
        assert!(refused.ends_with(&format!("off, got {got:?}")), "{refused}");
    }
}
