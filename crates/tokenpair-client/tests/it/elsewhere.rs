//! Requests that something else sends, or begins.

use crate::fake::Fake;
use std::collections::HashSet;
use tokenpair_client::reqwest::Request;
use tokenpair_client::{Client, Error, Event, LogoutReason, Token};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

async fn renewed(client: &Client, refused: &Token) -> Vec<Token> {
    let mut crowd = JoinSet::new();
    for _ in 0..20 {
        let (client, refused) = (client.clone(), refused.clone());
        crowd.spawn(async move { client.renew(&refused).await.unwrap() });
    }
    crowd.join_all().await
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_all_who_ask() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    let refused = client.access_token().await.unwrap().unwrap();
    fake.forget_access();
    let mut renewed_ones = renewed(&client, &refused).await;
    // It was replaced meanwhile.
    renewed_ones.push(client.renew(&refused).await.unwrap());
    let distinct: HashSet<_> = renewed_ones.iter().map(Token::expose).collect();
    assert_eq!((distinct.len(), fake.refreshes()), (1, 1));
    let sent = format!("Bearer {}", renewed_ones[0].expose());
    let request = client.get("/me/").header("Authorization", sent);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_login_that_has_ended_renews_nothing() {
    let fake = Fake::start().await;
    let (client, events) = fake.told(fake.builder()).await;
    let refused = client.access_token().await.unwrap().unwrap();
    fake.forget_refresh();
    for _ in 0..2 {
        let error = client.renew(&refused).await.unwrap_err();
        assert!(matches!(error, Error::LoggedOut));
    }
    let ended = Event::Logout(LogoutReason::Refused);
    assert_eq!(events.all(), [Event::Login, ended]);
    assert_eq!(fake.refreshes(), 1);
}

#[tokio::test]
async fn layers_of_tower_go_around_a_client() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    fake.forget_access();
    let service = client.clone().map_request(|mut request: Request| {
        request.url_mut().set_path("/api/me/");
        request
    });
    let request = client.get("/").build().unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 200);
    assert_eq!(fake.refreshes(), 1);
}
