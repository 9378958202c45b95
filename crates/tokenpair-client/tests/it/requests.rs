//! What a request carries, and what becomes of a 401 (rules 1, 2, 4, 5, 10, 11, 13).

use crate::clock::TestClock;
use crate::fake::{Fake, LIFETIME, Wrong};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokenpair_client::reqwest::{self, Body, StatusCode};
use tokenpair_client::{
    Client, Error, Event, LogoutReason, MemoryStorage, Storage as _, Token, Tokens,
};

const ME: &str = "GET /api/me/";

async fn status(client: &Client, path: &str) -> u16 {
    client.get(path).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_request_carries_the_access_token_while_somebody_is_logged_in() {
    let fake = Fake::start().await;
    let client = fake.builder().build().unwrap();
    assert_eq!(status(&client, "/me/").await, 401);
    client.log_in("ada", "secret").await.unwrap();
    assert_eq!(status(&client, "/me/").await, 200);
    assert!(client.is_logged_in().await.unwrap());
    assert!(client.log_out().await.unwrap());
    assert!(!client.is_logged_in().await.unwrap());
    assert_eq!(status(&client, "/me/").await, 401);
    let [before, during, after] = &fake.authorizations(ME)[..] else {
        panic!("three requests");
    };
    assert_eq!((before, after), (&None, &None));
    assert!(during.as_ref().unwrap().starts_with("Bearer e30."));
    assert_eq!(fake.refreshes(), 0);
}

#[tokio::test]
async fn the_word_before_the_token_is_an_option() {
    let fake = Fake::start().await;
    let client = fake.builder().auth_header_type("JWT").build().unwrap();
    client.log_in("ada", "secret").await.unwrap();
    status(&client, "/open/").await;
    let sent = fake.authorizations("GET /api/open/");
    assert!(sent[0].as_ref().unwrap().starts_with("JWT e30."));
    for word in ["a\nb", "a b", ""] {
        assert!(fake.builder().auth_header_type(word).build().is_err());
    }
}

#[tokio::test]
async fn another_origin_gets_no_token_neither_directly_nor_by_a_redirect() {
    let (fake, other) = (Fake::start().await, Fake::start().await);
    let client = fake.client().await;
    status(&client, &format!("{}/api/open/", other.url)).await;
    fake.state().away = format!("{}/api/open/", other.url);
    assert_eq!(status(&client, "/away/").await, 200);
    // The same port of another host.
    let named = fake.url.replace("127.0.0.1", "localhost");
    fake.state().away = format!("{named}/api/open/");
    assert_eq!(status(&client, "/away/").await, 200);
    assert_eq!(other.authorizations("GET /api/open/"), [None, None]);
    assert_eq!(fake.authorizations("GET /api/open/"), [None]);
    // 401 from elsewhere says nothing about our token.
    fake.state().away = format!("{}/api/me/", other.url);
    assert_eq!(status(&client, "/away/").await, 401);
    assert_eq!(fake.refreshes(), 0);
}

#[tokio::test]
async fn a_redirect_to_another_scheme_gets_no_token() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    fake.state().away = fake.url.replace("http:", "https:");
    let error = client.get("/away/").send().await.unwrap_err();
    // Nothing speaks TLS there: nothing was sent.
    assert!(matches!(error, Error::Request(error) if error.is_connect()));
}

#[tokio::test]
async fn a_redirect_within_the_origin_keeps_the_token() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    fake.state().away = "/api/me/".to_owned();
    assert_eq!(status(&client, "/away/").await, 200);
}

#[tokio::test]
async fn tokens_and_passwords_are_led_nowhere() {
    let (fake, other) = (Fake::start().await, Fake::start().await);
    fake.state().away = format!("{}/api/token/", other.url);
    let client = fake.builder().token_path("/away/").build().unwrap();
    let error = client.log_in("ada", "secret").await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::TEMPORARY_REDIRECT));
    assert_eq!(other.count("POST /api/token/"), 0);
}

#[tokio::test]
async fn a_path_is_always_behind_the_base_url() {
    let fake = Fake::start().await;
    let base = fake.url.clone();
    let client = Client::new(&format!("{base}/")).unwrap();
    for path in ["@localhost/", "//localhost/", ".localhost", ":1/"] {
        let request = client.get(path).build().unwrap();
        assert!(
            request.url().as_str().starts_with(&format!("{base}/")),
            "{path}"
        );
    }
    for url in [
        "localhost:8000",
        "ftp://a/",
        "http://",
        "http://u:p@a/",
        "http://a/?b",
        "",
    ] {
        let error = Client::new(url).unwrap_err();
        assert!(error.to_string().contains("base URL"), "{url}");
    }
}

#[tokio::test]
async fn an_authorization_of_its_own_is_left_alone() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    let request = client.get("/me/").header("Authorization", "Basic YTpi");
    assert_eq!(request.send().await.unwrap().status(), 401);
    assert_eq!(fake.authorizations(ME), [Some("Basic YTpi".to_owned())]);
}

#[tokio::test]
async fn a_401_refreshes_and_the_request_is_sent_once_more_with_its_body() {
    let fake = Fake::start().await;
    let (client, events) = fake.told(fake.builder()).await;
    fake.forget_access();
    let request = client.post("/echo/").query(&[("page", 2)]).body("hello");
    let response = request.send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "hello");
    assert_eq!((fake.refreshes(), fake.count("POST /api/echo/")), (1, 2));
    assert_eq!(events.all(), [Event::Login, Event::Refresh]);
}

#[tokio::test]
async fn a_token_that_was_replaced_on_the_way_is_no_reason_to_refresh() {
    let fake = Fake::start().await;
    let storage = Arc::new(MemoryStorage::default());
    let client = fake.builder().storage(storage.clone()).build().unwrap();
    client.log_in("ada", "secret").await.unwrap();
    let asking = tokio::spawn(async move { status(&client, "/held/").await });
    fake.holds().await;
    let replaced = fake.refreshed_elsewhere(&storage).await;
    storage.save(Some(&replaced)).await.unwrap();
    fake.release();
    fake.holds().await;
    fake.release();
    assert_eq!(asking.await.unwrap(), 200);
    assert_eq!((fake.refreshes(), fake.count("GET /api/held/")), (0, 2));
}

#[tokio::test]
async fn a_second_401_and_every_other_answer_is_given_to_the_caller() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    fake.state().is_closed = true;
    assert_eq!(status(&client, "/me/").await, 401);
    assert_eq!((fake.refreshes(), fake.count(ME)), (1, 2));
    fake.state().is_closed = false;
    assert_eq!(status(&client, "/forbidden/").await, 403);
    assert_eq!(fake.refreshes(), 1);
    assert!(client.is_logged_in().await.unwrap());
}

#[tokio::test]
async fn a_token_is_refreshed_when_less_than_five_minutes_of_its_life_remain() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    fake.clock.advance(Duration::from_secs(LIFETIME - 301));
    assert_eq!(status(&client, "/me/").await, 200);
    assert_eq!(fake.refreshes(), 0);
    fake.clock.advance(Duration::from_secs(1));
    assert_eq!(status(&client, "/me/").await, 200);
    assert_eq!((fake.refreshes(), fake.count(ME)), (1, 2));
    assert_eq!(status(&client, "/me/").await, 200);
    assert_eq!(fake.refreshes(), 1);
}

#[tokio::test]
async fn a_short_life_is_refreshed_when_a_fifth_of_it_remains() {
    let fake = Fake::start().await;
    fake.state().lifetime = 100;
    let client = fake.client().await;
    fake.clock.advance(Duration::from_secs(79));
    status(&client, "/me/").await;
    assert_eq!(fake.refreshes(), 0);
    fake.clock.advance(Duration::from_secs(1));
    status(&client, "/me/").await;
    assert_eq!((fake.refreshes(), fake.count(ME)), (1, 2));
}

#[tokio::test]
async fn a_clock_that_is_wrong_changes_nothing() {
    for hours in [-5, 5] {
        for has_no_date in [false, true] {
            let fake = Fake::start().await;
            fake.state().has_no_date = has_no_date;
            let clock = fake.clock.ahead(hours * 3600);
            let client = fake.builder().clock(clock).build().unwrap();
            client.log_in("ada", "secret").await.unwrap();
            status(&client, "/me/").await;
            assert_eq!(fake.refreshes(), 0);
            fake.clock.advance(Duration::from_secs(LIFETIME - 300));
            status(&client, "/me/").await;
            // Refreshed ahead of time, not after a 401.
            assert_eq!(
                (fake.refreshes(), fake.count(ME)),
                (1, 2),
                "{hours} {has_no_date}"
            );
        }
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_read_is_used_until_it_is_refused() {
    let fake = Fake::start().await;
    fake.state().is_opaque = true;
    let client = fake.client().await;
    fake.expire();
    assert_eq!(status(&client, "/me/").await, 200);
    assert_eq!(fake.refreshes(), 0);
    fake.forget_access();
    assert_eq!(status(&client, "/me/").await, 200);
    assert_eq!((fake.refreshes(), fake.count(ME)), (1, 3));
}

#[tokio::test]
async fn a_body_that_can_be_read_once_is_not_sent_twice() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    fake.forget_access();
    let stream = Body::wrap("once".to_owned());
    let response = client.post("/echo/").body(stream).send().await.unwrap();
    assert_eq!(response.status(), 401);
    assert_eq!((fake.refreshes(), fake.count("POST /api/echo/")), (1, 1));
    let stream = Body::wrap("again".to_owned());
    let response = client.post("/echo/").body(stream).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "again");
    // Also if the refresh fails.
    fake.forget_access();
    fake.go_wrong([Wrong::Status(403)]);
    let stream = Body::wrap("once".to_owned());
    let response = client.post("/echo/").body(stream).send().await.unwrap();
    assert_eq!((response.status().as_u16(), fake.refreshes()), (401, 2));
}

#[tokio::test]
async fn a_login_from_elsewhere_is_kept_and_used() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    let access = client.access_token().await.unwrap().unwrap();
    let refresh = Token::new("secret-refresh-1").unwrap();
    let (other, events) = (fake.builder(), crate::fake::Events::default());
    let other = other.build().unwrap();
    other.keep(Tokens::new(access, refresh)).await.unwrap();
    assert_eq!(status(&other, "/me/").await, 200);
    assert!(events.all().is_empty());
}

#[tokio::test]
async fn a_log_out_goes_to_the_server_first_and_is_told_once() {
    let fake = Fake::start().await;
    let (client, events) = fake.told(fake.builder()).await;
    assert!(client.log_out().await.unwrap());
    assert!(client.log_out().await.unwrap());
    assert_eq!(fake.count("POST /api/token/blacklist/"), 1);
    let asked = Event::Logout(LogoutReason::Asked);
    assert_eq!(events.all(), [Event::Login, asked]);
}

#[tokio::test]
async fn a_log_out_without_a_server_is_one_here_and_says_so() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    fake.state().is_out = true;
    assert!(!client.log_out().await.unwrap());
    assert!(!client.is_logged_in().await.unwrap());
    assert_eq!(status(&client, "/open/").await, 200);
    assert_eq!(fake.authorizations("GET /api/open/"), [None]);
}

#[tokio::test]
async fn a_refused_log_in_is_an_error_with_its_status_and_changes_nothing() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    let error = client.log_in("ada", "wrong").await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
    let Error::Refused(refusal) = error else {
        panic!("{error}");
    };
    assert_eq!(refusal.data()["detail"], "No such account");
    assert_eq!(status(&client, "/me/").await, 200);
    fake.state().is_out = true;
    let error = client.log_in("ada", "secret").await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }));
}

#[tokio::test]
async fn who_signs_up_is_logged_in_unless_the_address_is_to_be_proved() {
    let fake = Fake::start().await;
    let client = fake.builder().build().unwrap();
    let error = client.register(&json!({})).await.unwrap_err();
    let Error::Refused(refusal) = error else {
        panic!("{error}");
    };
    assert_eq!(refusal.data()["password"][0], "This field is required.");
    let answer = client.register(&json!({"email": "ada@example.com"})).await;
    assert_eq!(answer.unwrap(), json!({"detail": "Look at your mail"}));
    assert!(!client.is_logged_in().await.unwrap());
    let answer = client.register(&json!({"password": "new"})).await;
    assert_eq!(answer.unwrap(), json!({}));
    assert_eq!(status(&client, "/me/").await, 200);
}

#[tokio::test]
async fn the_user_is_read_as_any_type() {
    let fake = Fake::start().await;
    let builder = fake.builder().user_path("/who/");
    let (client, _) = fake.told(builder).await;
    let user: serde_json::Value = client.user().await.unwrap();
    assert_eq!(user["username"], "ada");
    client.log_out().await.unwrap();
    let error = client.user::<serde_json::Value>().await.unwrap_err();
    assert!(matches!(error, Error::Request(_)));
    assert_eq!(error.status(), Some(StatusCode::UNAUTHORIZED));
}

#[tokio::test]
async fn a_request_without_an_answer_is_an_error_of_its_own() {
    let clock = TestClock::default();
    let client = Client::builder("http://127.0.0.1:1/api")
        .clock(clock)
        .build()
        .unwrap();
    let error = client.get("/me/").send().await.unwrap_err();
    assert!(matches!(error, Error::Request(error) if error.is_connect()));
    let error = client.execute(reqwest::Request::new(
        reqwest::Method::GET,
        reqwest::Url::parse("http://127.0.0.1:1/").unwrap(),
    ));
    assert!(matches!(error.await.unwrap_err(), Error::Request(_)));
}
