//! An outage is no end (rules 4 and 8).

use crate::clock::TestClock;
use crate::fake::{Fake, Wrong};
use std::time::Duration;
use tokenpair_client::reqwest::StatusCode;
use tokenpair_client::{Client, Error, SystemClock};

const SECOND: Duration = Duration::from_secs(1);

async fn ask(client: &Client) -> Result<u16, Error> {
    let response = client.get("/me/").send().await?;
    Ok(response.status().as_u16())
}

#[tokio::test]
async fn whatever_is_an_outage_is_tried_again() {
    for wrong in [408, 425, 429, 500, 502, 503, 504].map(Wrong::Status) {
        let fake = Fake::start().await;
        let client = fake.client().await;
        fake.expire();
        fake.go_wrong([wrong, wrong]);
        assert_eq!(ask(&client).await.unwrap(), 200, "{wrong:?}");
        assert_eq!(fake.refreshes(), 3);
    }
}

#[tokio::test]
async fn the_pause_is_doubled_up_to_five_seconds() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    fake.expire();
    fake.go_wrong([Wrong::Status(503); 9]);
    let error = ask(&client).await.unwrap_err();
    assert!(matches!(
        error,
        Error::Unavailable {
            retry_after: None,
            ..
        }
    ));
    let millis = fake
        .clock
        .slept()
        .iter()
        .map(Duration::as_millis)
        .collect::<Vec<_>>();
    // The next would end after the fifteenth second.
    assert_eq!(millis, [250, 500, 1000, 2000, 4000, 5000]);
    assert_eq!(fake.refreshes(), 7);
}

#[tokio::test]
async fn chance_shortens_a_pause_by_up_to_half() {
    let fake = Fake::at(TestClock::with_chance(1.0)).await;
    let client = fake.client().await;
    fake.expire();
    fake.go_wrong([Wrong::Status(503); 2]);
    assert_eq!(ask(&client).await.unwrap(), 200);
    let millis = fake
        .clock
        .slept()
        .iter()
        .map(Duration::as_millis)
        .collect::<Vec<_>>();
    assert_eq!(millis, [125, 250]);
}

#[tokio::test]
async fn the_server_says_when_to_come_back_in_seconds_or_as_a_date() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    fake.expire();
    // An hour and seven seconds after the start, of which an hour has passed; then nonsense.
    let date = Wrong::RetryAfter("Fri, 15 Jan 2027 09:00:10 GMT");
    fake.go_wrong([
        Wrong::RetryAfter("3"),
        date,
        Wrong::RetryAfter("0"),
        Wrong::RetryAfter("soon"),
    ]);
    assert_eq!(ask(&client).await.unwrap(), 200);
    let millis = fake
        .clock
        .slept()
        .iter()
        .map(Duration::as_millis)
        .collect::<Vec<_>>();
    assert_eq!(millis, [3000, 7000, 1000, 2000]);
}

#[tokio::test]
async fn a_wait_beyond_all_patience_is_not_begun_and_the_error_tells_it() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    fake.expire();
    fake.go_wrong([Wrong::RetryAfter("120")]);
    let error = ask(&client).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert!(error.to_string().contains("503"), "{error}");
    let Error::Unavailable { retry_after, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(retry_after, Some(120 * SECOND));
    assert!(fake.clock.slept().is_empty());
}

#[tokio::test]
async fn the_login_outlives_an_outage() {
    let fake = Fake::start().await;
    let (client, events) = fake.told(fake.builder().patience(SECOND)).await;
    fake.expire();
    fake.state().is_out = true;
    for _ in 0..3 {
        assert!(matches!(ask(&client).await, Err(Error::Unavailable { .. })));
    }
    assert!(client.is_logged_in().await.unwrap());
    fake.state().is_out = false;
    assert_eq!(ask(&client).await.unwrap(), 200);
    assert_eq!(events.all().len(), 2);
}

#[tokio::test]
async fn a_token_that_still_lives_is_used_while_nobody_can_refresh_it() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    fake.clock
        .advance(Duration::from_secs(crate::fake::LIFETIME - 200));
    fake.state().is_out = true;
    assert_eq!(ask(&client).await.unwrap(), 200);
    let tries = fake.refreshes();
    assert_eq!(tries, 7);
    // The next ones do not wait for the same again.
    assert_eq!(ask(&client).await.unwrap(), 200);
    assert_eq!(fake.refreshes(), tries);
    fake.state().is_out = false;
    fake.clock.advance(30 * SECOND);
    assert_eq!(ask(&client).await.unwrap(), 200);
    assert_eq!(fake.refreshes(), tries + 1);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_token() {
    let fake = Fake::start().await;
    let client = fake.client().await;
    fake.expire();
    fake.go_wrong([Wrong::LostAnswer]);
    assert_eq!(ask(&client).await.unwrap(), 200);
    let state = fake.state();
    let sent = state
        .seen
        .iter()
        .filter(|(request, ..)| request.ends_with("refresh/"));
    let sent: Vec<_> = sent.map(|(.., body)| body.clone()).collect();
    assert_eq!((sent.len(), &sent[0]), (2, &sent[1]));
}

#[tokio::test]
async fn any_other_answer_is_an_error_that_keeps_the_login_and_is_not_tried_again() {
    for (wrong, status) in [
        (Wrong::Status(400), 400),
        (Wrong::Status(403), 403),
        (Wrong::Status(404), 404),
        (Wrong::Text("<h1>Please accept our terms</h1>"), 200),
        (Wrong::Text(r#"{"access": 1}"#), 200),
        (Wrong::Text(r#"{"access": "a b"}"#), 200),
        (Wrong::Text(r#"{"access": null, "refresh": "r"}"#), 200),
        (Wrong::Text(r#"{"refresh": "r"}"#), 200),
    ] {
        let fake = Fake::start().await;
        let client = fake.client().await;
        fake.expire();
        fake.go_wrong([wrong]);
        let error = ask(&client).await.unwrap_err();
        assert_eq!(
            error.status(),
            StatusCode::from_u16(status).ok(),
            "{wrong:?}"
        );
        assert_eq!(fake.refreshes(), 1);
        assert_eq!(ask(&client).await.unwrap(), 200, "{wrong:?}");
    }
}

#[tokio::test]
async fn a_refresh_token_that_is_none_leaves_the_one_of_before() {
    for text in [
        r#"{"access": "new", "refresh": null}"#,
        r#"{"access": "new", "refresh": ""}"#,
        r#"{"access": "new", "refresh": 1}"#,
        r#"{"access": "new", "refresh": "a\nb"}"#,
    ] {
        let fake = Fake::start().await;
        let client = fake.client().await;
        fake.expire();
        fake.go_wrong([Wrong::Text(text)]);
        // The server knows nothing of it: with the token of before it gives another one.
        assert_eq!(ask(&client).await.unwrap(), 200, "{text}");
        let sent = fake.authorizations("GET /api/me/");
        assert_eq!((sent.len(), fake.refreshes()), (2, 2), "{text}");
        assert_eq!(sent[0].as_deref(), Some("Bearer new"));
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let fake = Fake::start().await;
    let builder = fake.builder().clock(SystemClock::default());
    let client = builder.patience(SECOND / 10).build().unwrap();
    client.log_in("ada", "secret").await.unwrap();
    fake.forget_access();
    fake.go_wrong([Wrong::Never]);
    let error = ask(&client).await.unwrap_err();
    assert_eq!(error.status(), None);
    assert!(matches!(error, Error::Unavailable { source: Some(error), .. } if error.is_timeout()));
    assert_eq!(ask(&client).await.unwrap(), 200);
}
