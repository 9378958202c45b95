//! When sets are fetched and how long they stay in use, by a clock that stands still until everybody waits for it.

use super::{Address, COOLDOWN, Fetched, KeySets, KeySource, LIFESPAN, MAX_STALE, TIMEOUT};
use crate::backend::Algorithm;
use crate::backend::jwk::JwkSet;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// RFC 7515 appendix A.3.
const SET: &str = r#"{"keys":[{"kid":"k1","kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

#[derive(Clone, Default)]
struct Issuer {
    fetches: Arc<AtomicUsize>,
    is_away: Arc<AtomicBool>,
}

impl Issuer {
    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }
}

impl KeySets for Issuer {
    async fn fetch(&self) -> Result<JwkSet, String> {
        self.fetches.fetch_add(1, Ordering::Relaxed);
        if self.is_away.load(Ordering::Relaxed) {
            return Err("status 503".to_owned());
        }
        JwkSet::parse(SET.as_bytes(), Algorithm::ES256, false).map_err(|error| error.to_string())
    }

    fn host(&self) -> Option<&str> {
        None
    }
}

/// An issuer and its keys, fetched for the first time.
async fn fetched() -> (Issuer, KeySource) {
    let issuer = Issuer::default();
    let (source, background) = KeySource::fed_by(issuer.clone());
    tokio::spawn(background.run());
    assert!(source.fetch_again().await.unwrap());
    assert_eq!(issuer.fetches(), 1);
    (issuer, source)
}

/// Timers are exact to a millisecond; this is far from that.
const MOMENT: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn an_unknown_kid_asks_again_after_thirty_seconds() {
    let (issuer, source) = fetched().await;
    assert!(source.key("k1").is_some() && source.key("k2").is_none());
    sleep(COOLDOWN.saturating_sub(MOMENT)).await;
    assert!(!source.fetch_again().await.unwrap());
    assert_eq!(issuer.fetches(), 1);
    sleep(MOMENT).await;
    assert!(source.fetch_again().await.unwrap());
    assert_eq!(issuer.fetches(), 2);
    assert!(!source.fetch_again().await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_set_is_fetched_anew_every_three_hundred_seconds_without_being_asked_for() {
    let (issuer, source) = fetched().await;
    sleep(MOMENT).await;
    for fetches in 1..4 {
        sleep(LIFESPAN.saturating_sub(MOMENT * 2)).await;
        assert_eq!(issuer.fetches(), fetches);
        sleep(MOMENT * 2).await;
        assert_eq!(issuer.fetches(), fetches + 1);
    }
    assert!(source.key("k1").is_some());
}

#[tokio::test(start_paused = true)]
async fn keys_that_cannot_be_renewed_are_used_for_a_day_and_no_longer() {
    let (issuer, source) = fetched().await;
    let of = |source: &KeySource| source.fetched.load_full().map(|set: Arc<Fetched>| set.at);
    let at = of(&source).unwrap();
    issuer.is_away.store(true, Ordering::Relaxed);
    sleep(MAX_STALE.saturating_sub(MOMENT + at.elapsed())).await;
    assert!(source.key("k1").is_some());
    sleep(MOMENT).await;
    assert!(source.key("k1").is_none());
    assert!(
        source.fetch_again().await.is_err(),
        "an outage, no bad token"
    );
    assert!(issuer.fetches() > 1000, "it was asked all the time");
    issuer.is_away.store(false, Ordering::Relaxed);
    sleep(super::LAST_PAUSE + MOMENT).await;
    assert!(source.key("k1").is_some());
}

#[tokio::test(start_paused = true)]
async fn an_address_that_never_answers_is_given_up_after_three_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", silent.local_addr().unwrap());
    let address = Address::new(&url, Algorithm::ES256).unwrap();
    let start = Instant::now();
    assert!(address.fetch().await.is_err());
    let waited = start.elapsed();
    assert!(
        waited >= TIMEOUT && waited < TIMEOUT + Duration::from_millis(10),
        "{waited:?}"
    );
}
