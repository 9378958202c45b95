//! Whose a request is, and whose the tokens are (rules 1 and 10).

use crate::fake::{Fake, Wrong};
use crate::watched::Watched;
use std::sync::Arc;
use tokenpair_client::{
    Client, Error, FileStorage, LogoutReason, MemoryStorage, Storage as _, Token, Tokens,
};
use tokio::task::JoinHandle;

const ECHO: &str = "POST /api/echo/";

async fn status(client: &Client) -> u16 {
    client.get("/me/").send().await.unwrap().status().as_u16()
}

fn posting(client: &Client, path: &'static str) -> JoinHandle<Result<u16, Error>> {
    let client = client.clone();
    tokio::spawn(async move {
        let response = client.post(path).body("mine").send().await?;
        Ok(response.status().as_u16())
    })
}

/// Two clients of one storage, of which the first is logged in.
async fn two(fake: &Fake) -> (Client, Client) {
    let storage = Arc::new(MemoryStorage::default());
    let open = || fake.builder().storage(storage.clone()).build().unwrap();
    let (first, second) = (open(), open());
    first.log_in("ada", "secret").await.unwrap();
    (first, second)
}

type End = fn(&Fake);

/// Waiting after a 401, or before it is sent at all.
const WAITS: [(End, usize); 2] = [(Fake::forget_access, 1), (Fake::expire, 0)];

#[tokio::test]
async fn what_one_user_asked_for_is_not_done_by_the_next() {
    for (end, sent) in WAITS {
        let fake = Fake::start().await;
        let client = fake.client().await;
        end(&fake);
        fake.go_wrong([Wrong::Held]);
        let asking = posting(&client, "/echo/");
        fake.holds().await;
        // Waiting for the refresh is soon over by this clock.
        client.log_out().await.unwrap();
        client.log_in("ada", "secret").await.unwrap();
        fake.release();
        assert!(matches!(asking.await.unwrap(), Err(Error::LoggedOut)));
        assert_eq!(fake.count(ECHO), sent);
        assert_eq!(status(&client).await, 200);
    }
}

#[tokio::test]
async fn nor_by_who_logs_in_by_another_client_while_it_waits() {
    for (end, sent) in WAITS {
        for wrong in [Wrong::Held, Wrong::HeldAnswer] {
            let fake = Fake::start().await;
            let (first, second) = two(&fake).await;
            end(&fake);
            fake.go_wrong([wrong]);
            let asking = posting(&first, "/echo/");
            fake.holds().await;
            second.log_in("ada", "secret").await.unwrap();
            fake.release();
            assert!(matches!(asking.await.unwrap(), Err(Error::LoggedOut)));
            assert_eq!(fake.count(ECHO), sent);
            assert!(first.is_logged_in().await.unwrap());
        }
    }
}

#[tokio::test]
async fn nor_by_who_logs_in_by_another_process_while_it_is_on_its_way() {
    let (fake, folder) = (Fake::start().await, tempfile::tempdir().unwrap());
    let storage = || FileStorage::new(folder.path().join("ada"));
    let open = || fake.builder().storage(storage()).build().unwrap();
    let (first, second) = (open(), open());
    first.log_in("ada", "secret").await.unwrap();
    let asking = posting(&first, "/held/");
    fake.holds().await;
    second.log_in("ada", "secret").await.unwrap();
    fake.release();
    assert!(matches!(asking.await.unwrap(), Err(Error::LoggedOut)));
    assert_eq!((fake.count("POST /api/held/"), fake.refreshes()), (1, 0));
    assert_eq!((status(&first).await, status(&second).await), (200, 200));
}

#[tokio::test]
async fn what_a_refresh_brought_for_somebody_who_is_not_there_any_more_is_revoked() {
    let fake = Fake::start().await;
    fake.state().rotates = true;
    let (first, second) = two(&fake).await;
    fake.expire();
    fake.go_wrong([Wrong::HeldAnswer]);
    let asking = posting(&first, "/echo/");
    fake.holds().await;
    second.log_in("ada", "secret").await.unwrap();
    fake.release();
    assert!(matches!(asking.await.unwrap(), Err(Error::LoggedOut)));
    assert_eq!(fake.revoked(), ["secret-refresh-2"]);
}

#[tokio::test]
async fn a_refresh_of_one_user_that_fails_is_no_failure_of_the_next() {
    let fake = Fake::start().await;
    let storage = Arc::new(Watched::default());
    let (client, _) = fake.told(fake.builder().storage(storage.clone())).await;
    fake.forget_access();
    fake.go_wrong([Wrong::HeldStatus(403)]);
    let first = posting(&client, "/echo/");
    fake.holds().await;
    client.log_out().await.unwrap();
    client.log_in("ada", "secret").await.unwrap();
    fake.forget_access();
    let second = posting(&client, "/echo/");
    // The first has read what it sends, again after its 401, and to refresh it; the log-out once; the second twice so far.
    storage.read(6).await;
    fake.release();
    assert!(matches!(first.await.unwrap(), Err(Error::Refused(_))));
    assert_eq!(second.await.unwrap().unwrap(), 200);
}

#[tokio::test]
async fn a_token_is_not_renewed_by_that_of_another_login() {
    let fake = Fake::start().await;
    let (first, second) = two(&fake).await;
    let token = first.access_token().await.unwrap().unwrap();
    let made = Token::new(token.expose()).unwrap();
    // That it is the current one says whose it is.
    fake.forget_access();
    let renewed = first.renew(&made).await.unwrap();
    assert_eq!(first.renew(&token).await.unwrap(), renewed);
    assert!(matches!(first.renew(&made).await, Err(Error::LoggedOut)));
    second.log_in("ada", "secret").await.unwrap();
    for token in [token, renewed] {
        let error = first.renew(&token).await.unwrap_err();
        assert!(matches!(error, Error::LoggedOut));
    }
    assert_eq!(fake.refreshes(), 1);
}

#[tokio::test]
async fn tokens_without_an_id_are_of_one_login() {
    let fake = Fake::start().await;
    let storage = Arc::new(MemoryStorage::default());
    let client = fake.builder().storage(storage.clone()).build().unwrap();
    let put = async || {
        let access = fake.client().await.access_token().await.unwrap().unwrap();
        let access = Token::new(access.expose()).unwrap();
        let refresh = Token::new(&format!("secret-refresh-{}", fake.made())).unwrap();
        let tokens = Tokens::new(access, refresh);
        storage.save(Some(&tokens)).await.unwrap();
    };
    put().await;
    let asking = posting(&client, "/held/");
    fake.holds().await;
    put().await;
    fake.release();
    fake.holds().await;
    fake.release();
    assert_eq!(asking.await.unwrap().unwrap(), 200);
    // Nor does a refresh give it one.
    let token = client.access_token().await.unwrap().unwrap();
    fake.forget_access();
    assert_eq!(status(&client).await, 200);
    client.renew(&token).await.unwrap();
    assert_eq!(fake.refreshes(), 1);
}

#[tokio::test]
async fn tokens_are_for_the_origin_that_they_were_got_from() {
    let (fake, other) = (Fake::start().await, Fake::start().await);
    let storage = Arc::new(MemoryStorage::default());
    let client = fake.builder().storage(storage.clone()).build().unwrap();
    client.log_in("ada", "secret").await.unwrap();
    let builder = other.builder().storage(storage.clone());
    let stranger = builder.build().unwrap();
    assert!(!stranger.is_logged_in().await.unwrap());
    assert_eq!(status(&stranger).await, 401);
    assert!(stranger.access_token().await.unwrap().is_none());
    assert!(stranger.log_out().await.unwrap());
    assert_eq!(other.authorizations("GET /api/me/"), [None]);
    assert_eq!((other.refreshes(), other.revoked().len()), (0, 0));
    // Nothing of it was touched.
    assert_eq!(status(&client).await, 200);
    stranger.log_in("ada", "secret").await.unwrap();
    assert_eq!(status(&stranger).await, 200);
    assert!(!client.is_logged_in().await.unwrap());
}

#[tokio::test]
async fn tokens_that_were_kept_or_refreshed_here_are_for_this_origin() {
    let fake = Fake::start().await;
    let storage = Arc::new(MemoryStorage::default());
    let client = fake.builder().storage(storage.clone()).build().unwrap();
    let origin = async || {
        let tokens = storage.load().await.unwrap().unwrap();
        let stored: serde_json::Value = serde_json::from_str(&tokens.to_json()).unwrap();
        stored["origin"].clone()
    };
    let access = fake.client().await.access_token().await.unwrap().unwrap();
    let tokens = Tokens::new(access, Token::new("secret-refresh-1").unwrap());
    storage.save(Some(&tokens)).await.unwrap();
    assert!(origin().await.is_null());
    assert_eq!(status(&client).await, 200);
    fake.forget_access();
    assert_eq!(status(&client).await, 200);
    assert_eq!(origin().await, fake.url);
    let tokens = storage.load().await.unwrap().unwrap();
    storage.save(None).await.unwrap();
    client.keep(tokens).await.unwrap();
    assert_eq!(origin().await, fake.url);
}

#[tokio::test]
async fn a_401_of_a_refresh_does_not_end_the_login_of_who_came_meanwhile() {
    let fake = Fake::start().await;
    let storage = Arc::new(MemoryStorage::default());
    let (client, events) = fake.told(fake.builder().storage(storage.clone())).await;
    fake.expire();
    fake.go_wrong([Wrong::Held]);
    let asking = posting(&client, "/echo/");
    fake.holds().await;
    let other = fake.builder().storage(storage).build().unwrap();
    other.log_in("ada", "secret").await.unwrap();
    fake.release();
    assert!(matches!(asking.await.unwrap(), Err(Error::LoggedOut)));
    let refused = tokenpair_client::Event::Logout(LogoutReason::Refused);
    assert!(!events.all().contains(&refused));
    assert_eq!(status(&client).await, 200);
}
