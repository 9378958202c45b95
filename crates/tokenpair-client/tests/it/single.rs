//! One refresh, whoever waits for it and whoever gives up (rules 3, 6, 7).

use crate::fake::{Fake, Wrong};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokenpair_client::{
    Client, Error, Event, LogoutReason, MemoryStorage, Storage, SystemClock, Tokens, async_trait,
};
use tokio::task::{JoinHandle, JoinSet};

/// Sends requests at once; their statuses, or `None` for a login that has ended.
async fn crowd(client: &Client, count: usize) -> Vec<Option<u16>> {
    let mut crowd = JoinSet::new();
    for _ in 0..count {
        let client = client.clone();
        crowd.spawn(async move {
            match client.get("/me/").send().await {
                Ok(response) => Some(response.status().as_u16()),
                Err(Error::LoggedOut) => None,
                Err(error) => panic!("{error}"),
            }
        });
    }
    crowd.join_all().await
}

fn asking(client: &Client) -> JoinHandle<Result<tokenpair_client::reqwest::Response, Error>> {
    let client = client.clone();
    tokio::spawn(async move { client.get("/me/").send().await })
}

#[tokio::test]
async fn fifty_requests_wait_for_one_refresh_also_where_tokens_rotate() {
    for rotates in [false, true] {
        let fake = Fake::start().await;
        fake.state().rotates = rotates;
        let (client, events) = fake.told(fake.builder()).await;
        for expiry in 1..=3 {
            fake.expire();
            assert_eq!(crowd(&client, 50).await, [Some(200); 50]);
            assert_eq!(fake.refreshes(), expiry);
        }
        let refreshes = events
            .all()
            .iter()
            .filter(|event| **event == Event::Refresh)
            .count();
        assert_eq!(refreshes, 3);
    }
}

#[tokio::test]
async fn fifty_requests_that_get_401_are_one_refresh() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    fake.forget_access();
    assert_eq!(crowd(&client, 50).await, [Some(200); 50]);
    assert_eq!(fake.refreshes(), 1);
}

#[tokio::test]
async fn who_gives_up_stops_neither_the_refresh_nor_the_others() {
    let fake = Fake::start().await;
    fake.state().rotates = true;
    let (client, events) = fake.told(fake.builder()).await;
    fake.expire();
    fake.go_wrong([Wrong::Held]);
    let (first, second) = (asking(&client), asking(&client));
    fake.holds().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    fake.release();
    assert_eq!(second.await.unwrap().unwrap().status(), 200);
    assert_eq!((fake.refreshes(), events.all().len()), (1, 2));
}

#[tokio::test]
async fn a_refresh_that_nobody_waits_for_any_more_is_done_all_the_same() {
    let fake = Fake::start().await;
    fake.state().rotates = true;
    let client = fake.client().await;
    fake.expire();
    fake.go_wrong([Wrong::Held]);
    let only = asking(&client);
    fake.holds().await;
    only.abort();
    assert!(only.await.unwrap_err().is_cancelled());
    fake.release();
    // Waits for the refresh under way.
    assert_eq!(crowd(&client, 1).await, [Some(200)]);
    assert_eq!(fake.refreshes(), 1);
}

#[tokio::test]
async fn a_401_of_the_refresh_ends_the_login_once() {
    let fake = Fake::start().await;
    let (client, events) = fake.told(fake.builder()).await;
    fake.expire();
    fake.forget_refresh();
    let outcomes = crowd(&client, 20).await;
    // Who came after the end has no login to lose.
    assert!(outcomes.contains(&None));
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, None | Some(401)))
    );
    let refused = Event::Logout(LogoutReason::Refused);
    assert_eq!(events.all(), [Event::Login, refused]);
    assert_eq!(fake.refreshes(), 1);
    assert!(!client.is_logged_in().await.unwrap());
}

#[tokio::test]
async fn a_401_does_not_end_a_login_that_somebody_has_refreshed_meanwhile() {
    let fake = Fake::start().await;
    let storage = Arc::new(MemoryStorage::default());
    let (client, events) = fake.told(fake.builder().storage(storage.clone())).await;
    fake.expire();
    fake.go_wrong([Wrong::Held]);
    let asking = asking(&client);
    fake.holds().await;
    // Another process refreshes without the lock; the token of before is revoked.
    let tokens = fake.refreshed_elsewhere(&storage).await;
    storage.save(Some(&tokens)).await.unwrap();
    fake.forget_refresh();
    fake.release();
    assert_eq!(asking.await.unwrap().unwrap().status(), 200);
    assert_eq!(events.all(), [Event::Login]);
}

#[tokio::test]
async fn a_log_out_waits_for_a_refresh_on_its_way_and_revokes_what_it_brings() {
    let fake = Fake::start().await;
    fake.state().rotates = true;
    // A storage without a lock of its own.
    let storage = Arc::new(Panicking::default());
    let builder = fake.builder().clock(SystemClock::default());
    let builder = builder.storage(storage);
    let (client, events) = fake.told(builder).await;
    fake.forget_access();
    fake.go_wrong([Wrong::Held]);
    let asking = asking(&client);
    fake.holds().await;
    let leaving = tokio::spawn({
        let client = client.clone();
        async move { client.log_out().await }
    });
    fake.release();
    assert!(leaving.await.unwrap().unwrap());
    // Whether it went out before the log-out is nobody's concern.
    let _ = asking.await.unwrap();
    assert!(!client.is_logged_in().await.unwrap());
    assert_eq!(fake.revoked(), ["secret-refresh-2"]);
    assert_eq!(
        events.all().last(),
        Some(&Event::Logout(LogoutReason::Asked))
    );
}

#[tokio::test]
async fn a_refresh_that_was_on_its_way_does_not_bring_the_login_back() {
    let fake = Fake::start().await;
    fake.state().rotates = true;
    let (client, events) = fake.told(fake.builder()).await;
    fake.expire();
    // The server grants it, and nobody revokes the successor in time.
    fake.go_wrong([Wrong::HeldAnswer]);
    let asking = asking(&client);
    fake.holds().await;
    // By this clock, waiting for the refresh is soon over.
    assert!(client.log_out().await.unwrap());
    fake.release();
    assert!(matches!(asking.await.unwrap(), Err(Error::LoggedOut)));
    assert!(!client.is_logged_in().await.unwrap());
    assert_eq!(crowd(&client, 1).await, [Some(401)]);
    assert_eq!(fake.revoked(), ["secret-refresh-1", "secret-refresh-2"]);
    let asked = Event::Logout(LogoutReason::Asked);
    assert_eq!(events.all(), [Event::Login, asked]);
}

#[tokio::test]
async fn a_panic_in_a_listener_poisons_nothing() {
    let fake = Fake::start().await;
    let is_ill = Arc::new(AtomicBool::new(true));
    let builder = fake.builder().on_event(move |event| {
        let panics = event == Event::Refresh && is_ill.swap(false, Ordering::SeqCst);
        assert!(!panics, "as a test wants it");
    });
    let client = builder.build().unwrap();
    client.log_in("ada", "secret").await.unwrap();
    for expiry in 1..=2 {
        fake.expire();
        assert_eq!(crowd(&client, 5).await, [Some(200); 5]);
        assert_eq!(fake.refreshes(), expiry);
    }
}

/// Panics when it is saved into, if asked to.
#[derive(Default)]
struct Panicking {
    memory: MemoryStorage,
    is_ill: AtomicBool,
}

#[async_trait]
impl Storage for Panicking {
    async fn load(&self) -> std::io::Result<Option<Tokens>> {
        assert!(!self.is_ill.load(Ordering::SeqCst), "as a test wants it");
        self.memory.load().await
    }

    async fn save(&self, tokens: Option<&Tokens>) -> std::io::Result<()> {
        self.memory.save(tokens).await
    }
}

#[tokio::test]
async fn a_refresh_that_panics_can_be_had_again() {
    let fake = Fake::start().await;
    let storage = Arc::new(Panicking::default());
    let client = fake.builder().storage(storage.clone()).build().unwrap();
    client.log_in("ada", "secret").await.unwrap();
    fake.expire();
    fake.go_wrong([Wrong::Held]);
    let asking = asking(&client);
    fake.holds().await;
    storage.is_ill.store(true, Ordering::SeqCst);
    fake.release();
    // The refresh panics, and those that it is tried with again.
    let error = asking.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    storage.is_ill.store(false, Ordering::SeqCst);
    assert_eq!(crowd(&client, 1).await, [Some(200)]);
}

#[test]
fn a_refresh_whose_runtime_is_gone_is_begun_anew() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let servers = tokio::runtime::Runtime::new().unwrap();
    let fake = servers.block_on(Fake::start());
    let (first, second) = (runtime(), runtime());
    let client = first.block_on(fake.client());
    fake.expire();
    fake.go_wrong([Wrong::Never]);
    let waiting = client.clone();
    first.block_on(async {
        let asking = asking(&waiting);
        while fake.refreshes() == 0 {
            tokio::task::yield_now().await;
        }
        asking.abort();
    });
    drop(first);
    assert_eq!(second.block_on(crowd(&client, 3)), [Some(200); 3]);
    assert_eq!(fake.refreshes(), 2);
}
