//! Every question to a store fails once, in every endpoint: 503, nothing half-done, and the repeated request succeeds.

use crate::app::{
    ALICE, BLACKLIST, REFRESH, Reply, SLIDING, SLIDING_REFRESH, TOKEN, TestApp, VERIFY, alice,
    memory, text_of,
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokenpair::store::{Flushed, Rotated, Rotation, Store};
use tokenpair::{
    EncodedPassword, Error, MemoryStore, OutstandingToken, Settings, StoreError, TokenClass,
    TokenStore, User, UserId, UserIdKind, UserTable,
};

const UNAVAILABLE: &str = r#"{"detail":"Service temporarily unavailable, try again later.","code":"service_unavailable"}"#;

/// A store whose n-th call fails, before it did anything or after it did everything.
#[derive(Clone)]
struct Failing {
    inner: MemoryStore,
    /// Calls that may still succeed before one fails; unarmed at the greatest number.
    good_calls_left: Arc<AtomicUsize>,
    fails_when_done: bool,
    /// Events that the engine told.
    events: Arc<AtomicUsize>,
}

impl Failing {
    fn new(fails_when_done: bool) -> Self {
        let inner = memory();
        let mut weak = User::new(4, "weak");
        weak.password = EncodedPassword::new("md5$salt$d42a0f742ffc1be4e1cc0845c2429c97");
        inner.add_user(weak);
        Self {
            inner,
            good_calls_left: Arc::new(AtomicUsize::new(usize::MAX)),
            fails_when_done,
            events: Arc::default(),
        }
    }

    /// Makes the `nth` call from now fail, once.
    fn arm(&self, nth: usize) {
        self.good_calls_left.store(nth - 1, Ordering::SeqCst);
    }

    /// Whether the call that was to fail never came.
    fn disarm(&self) -> bool {
        self.good_calls_left.swap(usize::MAX, Ordering::SeqCst) < usize::MAX / 2
    }

    async fn call<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let fails = self.good_calls_left.fetch_sub(1, Ordering::SeqCst) == 0;
        if !fails {
            return work.await;
        }
        self.good_calls_left.store(usize::MAX, Ordering::SeqCst);
        if self.fails_when_done {
            work.await?;
        }
        Err(StoreError::new("SECRET: disk /dev/sda1 is on fire"))
    }
}

#[async_trait]
impl UserTable for Failing {
    async fn find_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        self.call(self.inner.find_by_login(login)).await
    }

    async fn get_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.call(self.inner.get_user(id)).await
    }

    async fn set_password(&self, user: &User, encoded: &str) -> Result<bool, StoreError> {
        self.call(self.inner.set_password(user, encoded)).await
    }

    async fn update_last_login(&self, user: &User, at: Timestamp) -> Result<(), StoreError> {
        self.call(self.inner.update_last_login(user, at)).await
    }

    fn user_id_kind(&self) -> UserIdKind {
        self.inner.user_id_kind()
    }
}

#[async_trait]
impl TokenStore for Failing {
    async fn record(&self, token: &OutstandingToken) -> Result<(), StoreError> {
        self.call(self.inner.record(token)).await
    }

    async fn is_blacklisted(&self, jti: &str) -> Result<bool, StoreError> {
        self.call(self.inner.is_blacklisted(jti)).await
    }

    async fn blacklist(&self, token: &OutstandingToken, at: Timestamp) -> Result<bool, StoreError> {
        self.call(self.inner.blacklist(token, at)).await
    }

    async fn rotate(&self, rotation: &Rotation) -> Result<Rotated, StoreError> {
        self.call(self.inner.rotate(rotation)).await
    }

    async fn end_line(
        &self,
        parent_jti: &str,
        grace: Duration,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.call(self.inner.end_line(parent_jti, grace, at)).await
    }

    async fn flush_expired(&self, before: Timestamp, limit: usize) -> Result<Flushed, StoreError> {
        self.call(self.inner.flush_expired(before, limit)).await
    }

    async fn count_expired(&self, before: Timestamp) -> Result<usize, StoreError> {
        self.call(self.inner.count_expired(before)).await
    }
}

#[async_trait]
impl Store for Failing {
    async fn get_user_and_blacklisted(
        &self,
        id: &UserId,
        jti: &str,
    ) -> Result<(Option<User>, bool), StoreError> {
        self.call(self.inner.get_user_and_blacklisted(id, jti))
            .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.call(self.inner.ping()).await
    }
}

/// An endpoint with what is sent to it.
#[derive(Clone, Copy, Debug)]
enum Call {
    /// POST of a body.
    LogIn(&'static str, &'static str),
    /// POST of alice's refresh token in a field.
    Refresh(&'static str, &'static str),
    /// POST of alice's sliding token.
    Slide,
    /// GET with alice's access or refresh token, whichever authenticates.
    Guarded(&'static str),
}

struct Case {
    call: Call,
    settings: fn(&mut Settings),
    /// How many calls of the store the endpoint makes, with users and tokens in one database and in two.
    store_calls: [usize; 2],
}

fn strict(settings: &mut Settings) {
    settings.rotate_refresh_tokens = true;
    settings.blacklist_after_rotation = true;
}

const WEAK: &str = r#"{"username":"weak","password":"secret"}"#;

const CASES: &[Case] = &[
    Case {
        call: Call::LogIn(TOKEN, ALICE),
        settings: |_| (),
        store_calls: [2, 2],
    },
    Case {
        call: Call::LogIn(TOKEN, WEAK),
        settings: |settings| settings.update_last_login = true,
        store_calls: [4, 4],
    },
    Case {
        call: Call::LogIn(SLIDING, WEAK),
        settings: |settings| settings.update_last_login = true,
        store_calls: [4, 4],
    },
    Case {
        call: Call::Refresh(REFRESH, "refresh"),
        settings: |_| (),
        store_calls: [1, 2],
    },
    Case {
        call: Call::Refresh(REFRESH, "refresh"),
        settings: |settings| settings.rotate_refresh_tokens = true,
        store_calls: [2, 3],
    },
    Case {
        call: Call::Refresh(REFRESH, "refresh"),
        settings: strict,
        store_calls: [2, 3],
    },
    Case {
        call: Call::Refresh(VERIFY, "token"),
        settings: |_| (),
        store_calls: [1, 1],
    },
    Case {
        call: Call::Refresh(BLACKLIST, "refresh"),
        settings: |_| (),
        store_calls: [2, 3],
    },
    Case {
        call: Call::Slide,
        settings: |_| (),
        store_calls: [1, 2],
    },
    Case {
        call: Call::Guarded("/me/"),
        settings: |_| (),
        store_calls: [1, 1],
    },
    Case {
        call: Call::Guarded("/open/"),
        settings: |_| (),
        store_calls: [1, 1],
    },
    Case {
        call: Call::Guarded("/stateless/"),
        settings: |_| (),
        store_calls: [0, 0],
    },
    Case {
        call: Call::Guarded("/me/"),
        settings: listed,
        store_calls: [1, 2],
    },
    Case {
        call: Call::Guarded("/stateless/"),
        settings: listed,
        store_calls: [1, 1],
    },
];

fn listed(settings: &mut Settings) {
    settings.auth_token_classes = vec![TokenClass::Refresh];
}

fn app(store: &Failing, settings: fn(&mut Settings), joined: bool) -> TestApp {
    let (store, events) = (store.clone(), store.events.clone());
    TestApp::built(settings, |builder, _| {
        let builder = builder.on_event(move |_, _| {
            events.fetch_add(1, Ordering::SeqCst);
        });
        if joined {
            builder.store(store)
        } else {
            builder.user_table(store.clone()).tokens(store)
        }
    })
}

struct Prepared {
    refresh: String,
    access: String,
    sliding: String,
}

async fn prepare(app: &TestApp) -> Prepared {
    let pair = app.log_in().await;
    Prepared {
        refresh: pair.refresh,
        access: pair.access,
        sliding: app.log_in_sliding().await,
    }
}

async fn make(app: &TestApp, call: Call, with: &Prepared) -> Reply {
    match call {
        Call::LogIn(path, body) => app.post(path, body).await,
        Call::Refresh(path, field) => app.post_field(path, field, &with.refresh).await,
        Call::Slide => {
            app.post_field(SLIDING_REFRESH, "token", &with.sliding)
                .await
        }
        Call::Guarded(path) => {
            let access = app
                .jwt
                .settings()
                .auth_token_classes
                .contains(&TokenClass::Access);
            app.get_as(if access { &with.access } else { &with.refresh }, path)
                .await
        }
    }
}

#[track_caller]
fn assert_unavailable(reply: &Reply, about: &str) {
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (503, UNAVAILABLE),
        "{about}"
    );
    assert_eq!(reply.header("retry-after"), Some("1"), "{about}");
    assert_eq!(
        reply.header("www-authenticate"),
        None,
        "{about}: clients drop their session on a challenge"
    );
}

#[tokio::test]
async fn a_store_that_fails_once_costs_a_503_and_no_token() {
    for case in CASES {
        for (joined, expected) in [true, false].into_iter().zip(case.store_calls) {
            let mut nth = 1;
            loop {
                let about = format!("{:?}, one database: {joined}, call {nth}", case.call);
                let store = Failing::new(false);
                let app = app(&store, case.settings, joined);
                let prepared = prepare(&app).await;
                store.arm(nth);
                let reply = make(&app, case.call, &prepared).await;
                if store.disarm() {
                    assert_eq!(reply.status, 200, "{about}: {reply:?}");
                    break;
                }
                assert_unavailable(&reply, &about);
                assert_eq!(store.events.load(Ordering::SeqCst), 2, "{about}: events");
                let again = make(&app, case.call, &prepared).await;
                assert_eq!(again.status, 200, "{about}, again: {again:?}");
                nth += 1;
            }
            assert_eq!(
                nth - 1,
                expected,
                "{:?}, one database: {joined}: calls of the store",
                case.call
            );
        }
    }
}

#[tokio::test]
async fn an_exchange_of_unknown_outcome_is_settled_by_grace() {
    let grace: fn(&mut Settings) = |settings| {
        strict(settings);
        settings.rotation_grace_period = Duration::from_secs(10);
    };
    let store = Failing::new(true);
    let app = app(&store, grace, true);
    let pair = app.log_in().await;
    store.arm(2);
    assert_unavailable(
        &app.refresh(&pair.refresh).await,
        "the store fails after the exchange",
    );
    let first = app.refresh(&pair.refresh).await.text("refresh");
    let second = app.refresh(&pair.refresh).await.text("refresh");
    assert_eq!(first, second);
    assert_eq!(app.refresh(&first).await.status, 200);
}

#[tokio::test]
async fn a_logout_of_unknown_outcome_is_never_undone() {
    let store = Failing::new(true);
    let app = app(&store, |_| (), true);
    let pair = app.log_in().await;
    store.arm(2);
    assert_unavailable(
        &app.blacklist(&pair.refresh).await,
        "the store fails after the blacklisting",
    );
    app.refresh(&pair.refresh)
        .await
        .assert_refused("Token is blacklisted");
}

#[tokio::test]
async fn a_token_older_than_its_password_is_refused_after_the_outage_as_well() {
    let revoking: fn(&mut Settings) = |settings| settings.check_revoke_token = true;
    for nth in 1..=3 {
        let store = Failing::new(false);
        let app = app(&store, revoking, true);
        let pair = app.log_in().await;
        store.inner.set_password(&alice(), "!").await.unwrap();
        store.arm(nth);
        assert_unavailable(&app.refresh(&pair.refresh).await, &nth.to_string());
        app.refresh(&pair.refresh)
            .await
            .assert(401, r#"{"detail":"The user's password has been changed."}"#);
    }
}

#[tokio::test]
async fn bad_tokens_are_refused_while_the_store_is_down() {
    let store = Failing::new(false);
    let app = app(&store, strict, true);
    for path in [REFRESH, BLACKLIST] {
        store.arm(1);
        app.post(path, text_of([("refresh", "rubbish")]))
            .await
            .assert_refused("Token is invalid");
    }
    assert!(
        store.disarm(),
        "a token with a bad signature is no question to the store"
    );
}

#[tokio::test]
async fn the_library_call_tells_an_outage_from_a_bad_token() {
    let store = Failing::new(false);
    let app = app(&store, strict, true);
    let pair = app.log_in().await;
    store.arm(1);
    let outage = tokenpair::RefreshToken::verify(&app.jwt, &pair.refresh).await;
    assert!(matches!(outage, Err(Error::Store(_))), "{outage:?}");
}
