//! The background task, with time that is moved and a store that can be told to fail.

use super::{BACKGROUND_BATCH, Background, Flushexpiredtokens, deadline};
use crate::log::Format;
use crate::log::tests::Written;
use jiff::Timestamp;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokenpair::clock::Clock;
use tokenpair::store::{Flushed, Rotated, Rotation, TokenStore};
use tokenpair::{OutstandingToken, Settings, StoreError, async_trait};
use tokio::time::timeout;

use Flushed::{Busy, Deleted};

const DAY: i64 = 86_400;
const HOUR: Duration = Duration::from_secs(3600);
const NOW: i64 = 1_800_000_000;

/// Answers each call with the next of these; then there is nothing left to delete.
#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<Vec<Result<Flushed, &'static str>>>>,
    time: Option<Timestamp>,
}

impl Script {
    fn of(answers: &[Result<Flushed, &'static str>]) -> Self {
        Self {
            answers: Arc::new(Mutex::new(answers.to_vec())),
            time: None,
        }
    }

    fn left(&self) -> usize {
        self.answers.lock().unwrap().len()
    }
}

#[async_trait]
impl TokenStore for Script {
    async fn flush_expired(&self, before: Timestamp, limit: usize) -> Result<Flushed, StoreError> {
        assert_eq!(before.as_second(), NOW - 2 * 86_400 - 2 * 300);
        assert_eq!(limit, BACKGROUND_BATCH);
        let mut answers = self.answers.lock().unwrap();
        if answers.is_empty() {
            return Ok(Deleted(0));
        }
        answers.remove(0).map_err(StoreError::new)
    }

    async fn count_expired(&self, _: Timestamp) -> Result<usize, StoreError> {
        unreachable!("the background task does not count")
    }

    async fn database_time(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.time)
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
    let store = Script::of(&[Ok(Deleted(500)), Ok(Deleted(500)), Ok(Deleted(7))]);
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
    let store = Script::of(&[Err("the disk is full"), Ok(Deleted(1))]);
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
    let store = Script::of(&[Ok(Deleted(0)); 100]);
    run(&store, HOUR, HOUR * 24).await;
    let asked = 100 - store.left();
    assert!((20..=25).contains(&asked), "{asked} times in a day");
}

#[tokio::test(start_paused = true)]
async fn where_another_process_is_at_it_nothing_more_is_done_until_the_next_time() {
    let store = Script::of(&[Ok(Deleted(3)), Ok(Busy), Ok(Deleted(4))]);
    let log = run(&store, HOUR, HOUR / 2).await;
    assert_eq!(log, ["INFO deleted 3 expired tokens"]);
    assert_eq!(store.left(), 1);
}

/// What the command comes to.
async fn command(answers: &[Result<Flushed, &'static str>]) -> Result<usize, String> {
    let command = Flushexpiredtokens {
        batch_size: BACKGROUND_BATCH,
        dry_run: false,
    };
    let before = Settings::new("never used to sign anything").expired_before(Standing.now());
    let flushed = command.flush(&Script::of(answers), before).await;
    flushed.map_err(|failure| failure.to_string())
}

#[tokio::test(start_paused = true)]
async fn the_command_takes_turns_with_another_process_until_nothing_is_left() {
    let done = command(&[Ok(Busy), Ok(Deleted(3)), Ok(Busy), Ok(Busy), Ok(Deleted(2))]).await;
    assert_eq!(done, Ok(5));
}

#[tokio::test(start_paused = true)]
async fn the_command_does_not_say_that_all_is_done_while_another_process_keeps_it_from_looking() {
    let mut answers = vec![Ok(Deleted(3))];
    answers.resize(10_000, Ok(Busy));
    let error = command(&answers).await.unwrap_err();
    assert_eq!(
        error,
        "another process is deleting expired tokens: 3 expired tokens were deleted by this one, others may remain"
    );
}

#[tokio::test]
async fn a_node_whose_clock_is_ahead_goes_by_the_databases() {
    let settings = Settings::new("never used to sign anything");
    let now = Standing.now();
    for (database, counts) in [(-3 * DAY, -3 * DAY), (3 * DAY, 0)] {
        let store = Script {
            time: Some(Timestamp::from_second(NOW + database).unwrap()),
            ..Script::default()
        };
        let before = deadline(&store, &settings, &Standing).await.unwrap();
        let expected = settings.expired_before(now).as_second() + counts;
        assert_eq!(before.as_second(), expected);
    }
}
