//! The background task, with time that is moved and a store that can be told to fail.

use super::{BACKGROUND_BATCH, Background, deadline};
use crate::log::Format;
use crate::log::tests::Written;
use jiff::Timestamp;
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

    async fn end_line(&self, _: &str, _: Duration, _: Timestamp) -> Result<bool, StoreError> {
        unreachable!("the background task ends no line")
    }
}

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }
}

/// Lets the task run for so long and gives the lines of its log, without their times.
async fn run(store: &Script, interval: Duration, length: Duration) -> Vec<String> {
    let log = Written::default();
    let _listening = log.listen(Format::Text);
    let task = Background {
        store: Arc::new(store.clone()),
        settings: Settings::new("never used to sign anything"),
        clock: Standing,
    };
    timeout(length, task.repeat(interval)).await.unwrap_err();
    let lines = log.pieces().into_iter();
    let without_time = lines.map(|line| line.split_once(' ').unwrap().1.trim().to_owned());
    without_time.collect()
}

#[tokio::test(start_paused = true)]
async fn the_server_deletes_soon_after_its_start_and_says_how_many() {
    let store = Script::of(&[Ok(500), Ok(500), Ok(7)]);
    let log = run(&store, HOUR, Duration::from_secs(120)).await;
    assert_eq!(log, ["INFO deleted 1007 expired tokens"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_said_of_nothing() {
    let log = run(&Script::default(), HOUR, HOUR * 10).await;
    assert_eq!(log, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_database_that_fails_is_asked_again_the_next_time() {
    let store = Script::of(&[Err("the disk is full"), Ok(1)]);
    let log = run(&store, HOUR, HOUR / 2).await;
    assert!(
        log.len() == 1 && log[0].starts_with("WARN ") && log[0].contains("the disk is full"),
        "{log:?}"
    );
    assert_eq!(store.left(), 1);
    let log = run(&store, HOUR, HOUR / 2).await;
    assert_eq!(log, ["INFO deleted 1 expired token"]);
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
