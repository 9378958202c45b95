//! The background task, with time that is moved and a store that can be told to fail.

use super::{BACKGROUND_BATCH, Background, deadline};
use jiff::Timestamp;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokenpair::clock::Clock;
use tokenpair::store::{Rotated, Rotation, TokenStore};
use tokenpair::{OutstandingToken, Settings, StoreError, async_trait};
use tokio::time::timeout;

const HOUR: Duration = Duration::from_secs(3600);
const NOW: i64 = 1_800_000_000;

/// Answers each call with the next of these; then there is nothing left to delete.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<Vec<Result<usize, &'static str>>>>);

impl Script {
    fn of(answers: &[Result<usize, &'static str>]) -> Self {
        Self(Arc::new(Mutex::new(answers.to_vec())))
    }

    fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

#[async_trait]
impl TokenStore for Script {
    async fn flush_expired(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        assert_eq!(before.as_second(), NOW - 2 * 86_400 - 300);
        assert_eq!(limit, BACKGROUND_BATCH);
        let mut answers = self.0.lock().unwrap();
        if answers.is_empty() {
            return Ok(0);
        }
        answers.remove(0).map_err(StoreError::new)
    }

    async fn count_expired(&self, _: Timestamp) -> Result<usize, StoreError> {
        unreachable!("the background task does not count")
    }

    async fn record(&self, _: &OutstandingToken) -> Result<(), StoreError> {
        unreachable!("the background task records nothing")
    }

    async fn is_blacklisted(&self, _: &str) -> Result<bool, StoreError> {
        unreachable!("the background task asks nothing")
    }

    async fn blacklist(&self, _: &OutstandingToken, _: Timestamp) -> Result<bool, StoreError> {
        unreachable!("the background task blacklists nothing")
    }

    async fn rotate(&self, _: &Rotation) -> Result<Rotated, StoreError> {
        unreachable!("the background task rotates nothing")
    }
}

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }
}

/// What is logged meanwhile.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lets the task run for so long and gives its log.
async fn run(store: &Script, interval: Duration, length: Duration) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let task = Background {
        store: store.clone(),
        settings: Settings::new("never used to sign anything"),
        clock: Standing,
    };
    timeout(length, task.repeat(interval)).await.unwrap_err();
    let log = log.0.lock().unwrap().clone();
    String::from_utf8(log).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_server_deletes_soon_after_its_start_and_says_how_many() {
    let store = Script::of(&[Ok(500), Ok(500), Ok(7)]);
    let log = run(&store, HOUR, Duration::from_secs(120)).await;
    assert_eq!(log.trim(), "INFO deleted 1007 expired tokens");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_said_of_nothing() {
    assert_eq!(run(&Script::default(), HOUR, HOUR * 10).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_database_that_fails_is_asked_again_the_next_time() {
    let store = Script::of(&[Err("the disk is full"), Ok(1)]);
    let log = run(&store, HOUR, HOUR / 2).await;
    assert!(
        log.contains("WARN") && log.contains("the disk is full"),
        "{log}"
    );
    assert_eq!(store.left(), 1);
    let log = run(&store, HOUR, HOUR / 2).await;
    assert_eq!(log.trim(), "INFO deleted 1 expired token");
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_at_the_interval() {
    let store = Script::of(&[Ok(0); 100]);
    run(&store, HOUR, HOUR * 24).await;
    let asked = 100 - store.left();
    assert!((20..=25).contains(&asked), "{asked} times in a day");
}

#[test]
fn a_token_is_kept_for_as_long_as_a_sliding_one_could_live() {
    let now = Standing.now();
    let mut settings = Settings::new("never used to sign anything");
    settings.leeway = Duration::from_secs(10);
    settings.sliding_token_lifetime = Duration::from_secs(100);
    settings.sliding_token_refresh_lifetime = Duration::from_secs(1000);
    let before = deadline(&settings, now);
    assert_eq!(now.as_second() - before.as_second(), 86_400 + 1110);
    settings.sliding_token_refresh_lifetime = Duration::MAX;
    assert_eq!(deadline(&settings, now), Timestamp::MIN);
}
