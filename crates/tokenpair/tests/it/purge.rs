//! What was revoked stays revoked, however often and by whose clock the records of expired tokens are deleted.
//!
//! Test Q of the security requirements. Simple JWT deletes what has expired, and within the leeway it lives again.

use crate::app::{TestApp, memory, users};
use crate::stores::sqlite_with;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokenpair::clock::{Clock as _, FixedClock, TimeOrderedIds};
use tokenpair::store::{Flushed, Store};
use tokenpair::{Settings, SlidingToken, TokenClass};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// How far the nodes' clocks are ahead of the first one's. The rule allows for a day.
const AHEAD: [i64; 3] = [0, 5, 23 * HOUR];
/// The last one is the longest that the settings allow.
const LEEWAYS: [i64; 3] = [0, 60, DAY];
/// How sliding tokens are made here: few steps through their window.
const SLIDING_LIFETIME: i64 = 2 * HOUR;

/// Several servers on one database, each with a clock of its own.
struct Site {
    store: Arc<dyn Store>,
    settings: Settings,
    nodes: Vec<(TestApp, FixedClock)>,
}

/// A token that must never be good again.
#[derive(Debug)]
struct Dead {
    history: &'static str,
    is_sliding: bool,
    token: String,
}

impl Site {
    fn new(store: Arc<dyn Store>, change: impl Fn(&mut Settings)) -> Self {
        let mut settings = crate::app::settings();
        change(&mut settings);
        let nodes = AHEAD.map(|ahead| {
            let parts = |builder: tokenpair::SimpleJwtBuilder, _| {
                builder.shared_store(store.clone()).ids(TimeOrderedIds)
            };
            let app = TestApp::built(&change, parts);
            app.advance(ahead);
            let clock = app.clock.clone();
            (app, clock)
        });
        Self {
            nodes: nodes.into(),
            store,
            settings,
        }
    }

    fn app(&self) -> &TestApp {
        &self.nodes[0].0
    }

    fn now(&self) -> Timestamp {
        self.nodes[0].1.now()
    }

    fn advance(&self, seconds: i64) {
        for (app, _) in &self.nodes {
            app.advance(seconds);
        }
    }

    async fn flush(&self, before: Timestamp) -> usize {
        let mut all = 0;
        while let Flushed::Deleted(some @ 1..) = self.store.flush_expired(before, 3).await.unwrap()
        {
            all += some;
        }
        all
    }

    /// Every node deletes all that it may.
    async fn purge(&self) -> usize {
        let mut all = 0;
        for (_, clock) in &self.nodes {
            all += self.flush(self.settings.expired_before(clock.now())).await;
        }
        all
    }

    async fn assert_dead(&self, dead: &Dead, at: i64) {
        for ((app, _), ahead) in self.nodes.iter().zip(AHEAD) {
            let context = format!(
                "{} after {at} s, by a clock {ahead} s ahead, leeway {:?}",
                dead.history, self.settings.leeway
            );
            let token = &dead.token;
            if dead.is_sliding {
                assert_eq!(app.refresh_sliding(token).await.status, 401, "{context}");
                assert_eq!(app.get_as(token, "/me/").await.status, 401, "{context}");
            } else {
                assert_eq!(app.refresh(token).await.status, 401, "{context}");
                assert_eq!(app.blacklist(token).await.status, 401, "{context}");
            }
            assert_ne!(app.verify(token).await.status, 200, "{context}");
        }
    }

    /// A token for each way to lose its force. Moves the clocks.
    async fn histories(&self) -> Vec<Dead> {
        let app = self.app();
        let mut all = Vec::new();
        let mut add = |history, is_sliding, token: &str| {
            all.push(Dead {
                history,
                is_sliding,
                token: token.to_owned(),
            });
        };
        let pair = app.log_in().await;
        app.blacklist(&pair.refresh).await.assert(200, "{}");
        add("logged out", false, &pair.refresh);

        let first = app.log_in().await.refresh;
        let second = app.refresh(&first).await.text("refresh");
        let third = app.refresh(&second).await.text("refresh");
        add("exchanged, and its successor, too", false, &first);
        add("exchanged", false, &second);
        app.blacklist(&third).await.assert(200, "{}");
        add("successor that was logged out", false, &third);

        let parent = app.log_in().await.refresh;
        let stolen = app.refresh(&parent).await.text("refresh");
        self.advance(HOUR);
        let app = self.app();
        assert_eq!(app.refresh(&parent).await.status, 401);
        if self.settings.reuse_detection {
            add("last of a line that was ended", false, &stolen);
        }
        add("came back after its exchange", false, &parent);

        let token = app.log_in_sliding().await;
        self.revoke_sliding(&token).await;
        add("sliding, revoked at once", true, &token);

        let mut token = app.log_in_sliding().await;
        for _ in 0..DAY / SLIDING_LIFETIME {
            self.advance(SLIDING_LIFETIME - 1);
            token = self.app().refresh_sliding(&token).await.text("token");
        }
        self.revoke_sliding(&token).await;
        add(
            "sliding, refreshed up to its last day, then revoked",
            true,
            &token,
        );
        all
    }

    async fn revoke_sliding(&self, token: &str) {
        let jwt = &self.app().jwt;
        let token = SlidingToken::verify(jwt, token).await.unwrap();
        token.blacklist(jwt).await.unwrap();
    }
}

fn settings(leeway: i64, is_lenient: bool) -> impl Fn(&mut Settings) {
    move |settings| {
        settings.rotate_refresh_tokens = true;
        settings.blacklist_after_rotation = true;
        settings.leeway = Duration::from_secs(leeway.unsigned_abs());
        settings.sliding_token_lifetime = Duration::from_secs(SLIDING_LIFETIME.unsigned_abs());
        settings.auth_token_classes = vec![TokenClass::Access, TokenClass::Sliding];
        if is_lenient {
            settings.rotation_grace_period = Duration::from_secs(10);
            settings.reuse_detection = true;
        }
    }
}

/// Seconds from now at which something may change: the dates of tokens and records, and every few hours in between.
fn instants(leeway: i64) -> Vec<i64> {
    let end = 4 * DAY + leeway;
    let mut instants: Vec<i64> = (0..=end / (12 * HOUR))
        .map(|step| step * 12 * HOUR)
        .collect();
    for date in [SLIDING_LIFETIME, DAY] {
        for around in [-1, 0, 1] {
            instants.extend([date + around, date + leeway + around]);
        }
    }
    instants.sort_unstable();
    instants.dedup();
    instants
}

/// Checks stores that `make` makes, each with the users of [`users`].
pub(crate) async fn check<S: Store>(make: impl AsyncFn() -> S) {
    for leeway in LEEWAYS {
        for is_lenient in [false, true] {
            let site = Site::new(Arc::new(make().await), settings(leeway, is_lenient));
            let dead = site.histories().await;
            let (mut now, mut purged) = (0, 0);
            for at in instants(leeway) {
                site.advance(at - now);
                now = at;
                purged += site.purge().await;
                for dead in &dead {
                    site.assert_dead(dead, at).await;
                }
            }
            assert!(purged >= dead.len(), "{purged} were deleted");
            let later = site.now() + SignedDuration::from_hours(24);
            assert_eq!(site.store.count_expired(later).await.unwrap(), 0);
        }
    }
}

/// What the rule is for, and that this test could find it broken.
pub(crate) async fn check_that_it_matters<S: Store>(make: impl AsyncFn() -> S) {
    let site = Site::new(Arc::new(make().await), settings(60, false));
    let pair = site.app().log_in().await;
    site.app().blacklist(&pair.refresh).await.assert(200, "{}");
    site.advance(DAY + 1);
    assert_eq!(site.flush(site.now()).await, 1);
    assert_eq!(site.app().refresh(&pair.refresh).await.status, 200);
}

#[tokio::test]
async fn a_purge_revives_no_token_in_memory() {
    check(async || memory()).await;
    check_that_it_matters(async || memory()).await;
}

#[tokio::test]
async fn a_purge_revives_no_token_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    let make = async || {
        count.set(count.get() + 1);
        let path = folder.path().join(format!("{}.sqlite3", count.get()));
        sqlite_with(path.to_str().unwrap(), &users()).await
    };
    check(&make).await;
    check_that_it_matters(&make).await;
}

#[test]
fn a_leeway_of_more_than_a_day_is_refused() {
    let mut settings = crate::app::settings();
    settings.leeway = Duration::from_secs(DAY.unsigned_abs() + 1);
    let refused = tokenpair::SimpleJwt::builder(settings)
        .store(memory())
        .build();
    let error = refused.unwrap_err().to_string();
    assert!(
        error.contains("LEEWAY") && error.contains("at most 1 day"),
        "{error}"
    );
}
