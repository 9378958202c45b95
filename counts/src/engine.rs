//! Operations of the library without HTTP: on the store in memory, at a time that stands still, with ids that count.
//!
//! Nothing here is random: the generator gathers its first entropy in a number of steps that differs from run to run.
//! No password is hashed: the threads that do it read their clock in a way that valgrind has not.

use crate::Work;
use jiff::Timestamp;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use tokenpair::clock::{Clock, Ids};
use tokenpair::json::{self, Object, Value};
use tokenpair::{
    AccessToken, Algorithm, MemoryStore, RequestInfo, Settings, SimpleJwt, SimpleJwtBuilder,
    UntypedToken, User, authentication, flows,
};
use uuid::Uuid;

/// 2027-01-15 08:00:00 UTC, in seconds.
const NOW: i64 = 1_800_000_000;
const SECRET: &str = "a key of more than thirty-two bytes for counting, used nowhere else";
const KEYS: &[u8] = include_bytes!("../../crates/tokenpair/tests/vectors/keys/keys.json");

/// Stands still: reading the computer's clock is the kernel's business.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::constant(NOW, 0)
    }
}

struct Counting(AtomicU64);

impl Ids for Counting {
    fn jti(&self, _: Timestamp) -> String {
        let id = Uuid::from_u128(self.0.fetch_add(1, Relaxed).into());
        id.simple().encode_lower(&mut [0; 32]).to_owned()
    }
}

pub(crate) fn hs256() -> SimpleJwt {
    engine(|_| (), SimpleJwtBuilder::store)
}

pub(crate) fn rs256() -> SimpleJwt {
    signing_with(Algorithm::RS256)
}

pub(crate) fn eddsa() -> SimpleJwt {
    signing_with(Algorithm::EdDSA)
}

pub(crate) fn without_blacklist() -> SimpleJwt {
    engine(|_| (), SimpleJwtBuilder::user_table)
}

fn signing_with(algorithm: Algorithm) -> SimpleJwt {
    engine(
        |settings| {
            settings.algorithm = algorithm;
            settings.signing_key = private_key(algorithm).into();
        },
        SimpleJwtBuilder::store,
    )
}

/// The first of the tests' keys for this algorithm.
fn private_key(algorithm: Algorithm) -> String {
    let keys = json::decode_strict(KEYS).unwrap();
    let mut entries = keys
        .get("algorithms")
        .and_then(Value::as_array)
        .unwrap()
        .iter();
    let entry = entries.find_map(|entry| {
        let entry = entry.as_object()?;
        (entry.get("algorithm")?.as_str()? == algorithm.name()).then_some(entry)
    });
    let keys = entry
        .and_then(|entry| entry.get("private")?.as_array())
        .unwrap();
    keys[0].as_str().unwrap().to_owned()
}

fn engine(
    change: impl FnOnce(&mut Settings),
    parts: impl FnOnce(SimpleJwtBuilder, MemoryStore) -> SimpleJwtBuilder,
) -> SimpleJwt {
    let mut settings = Settings::new(SECRET);
    change(&mut settings);
    let store = MemoryStore::default();
    store.add_user(user());
    let builder = SimpleJwt::builder(settings)
        .clock(Still)
        .ids(Counting(AtomicU64::new(1 << 60)));
    parts(builder, store).build().unwrap()
}

fn user() -> User {
    User::new(1, "ada")
}

/// A log-in without its password.
fn log_in(jwt: &SimpleJwt) -> Object {
    block_on(flows::get_tokens_for_user(
        jwt,
        &user(),
        &RequestInfo::default(),
    ))
    .unwrap()
}

/// A token of a log-in.
pub(crate) fn token(jwt: &SimpleJwt, name: &str) -> String {
    text(&log_in(jwt), name)
}

fn text(answer: &Object, name: &str) -> String {
    answer.get(name).and_then(Value::as_str).unwrap().to_owned()
}

pub(crate) fn jose_verify(jwt: SimpleJwt) -> Work {
    let access = token(&jwt, "access");
    Box::new(move || {
        black_box(UntypedToken::verify(&jwt, black_box(&access)).unwrap());
    })
}

pub(crate) fn mint(jwt: SimpleJwt) -> Work {
    let user = user();
    Box::new(move || {
        black_box(jwt.encode(&AccessToken::for_user(&jwt, &user)).unwrap());
    })
}

pub(crate) fn verify(jwt: SimpleJwt) -> Work {
    let (access, info) = (token(&jwt, "access"), RequestInfo::default());
    Box::new(move || {
        block_on(flows::verify(&jwt, black_box(&access), &info)).unwrap();
    })
}

pub(crate) fn refresh(jwt: SimpleJwt) -> Work {
    let (refresh, info) = (token(&jwt, "refresh"), RequestInfo::default());
    Box::new(move || {
        black_box(block_on(flows::refresh(&jwt, black_box(&refresh), &info)).unwrap());
    })
}

/// Each token is used once.
pub(crate) fn refresh_rotating() -> Work {
    let rotating = |settings: &mut Settings| {
        settings.rotate_refresh_tokens = true;
        settings.blacklist_after_rotation = true;
    };
    let (jwt, info) = (
        engine(rotating, SimpleJwtBuilder::store),
        RequestInfo::default(),
    );
    let mut current = token(&jwt, "refresh");
    Box::new(move || {
        let answer = block_on(flows::refresh(&jwt, &current, &info)).unwrap();
        current = text(&answer, "refresh");
    })
}

/// All of it but the hash of the password.
pub(crate) fn log_in_again() -> Work {
    let jwt = hs256();
    Box::new(move || {
        black_box(log_in(&jwt));
    })
}

pub(crate) fn authenticate() -> Work {
    let jwt = hs256();
    let header = bearer(&jwt);
    Box::new(move || {
        let user = block_on(authentication::authenticate(&jwt, Some(&header))).unwrap();
        black_box(user.unwrap());
    })
}

pub(crate) fn authenticate_stateless() -> Work {
    let jwt = hs256();
    let header = bearer(&jwt);
    Box::new(move || {
        let user = block_on(authentication::authenticate_stateless(&jwt, Some(&header))).unwrap();
        black_box(user.unwrap());
    })
}

pub(crate) fn bearer(jwt: &SimpleJwt) -> String {
    format!("Bearer {}", token(jwt, "access"))
}

/// What the store in memory answers is there at once; a runtime would add its own instructions.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("nothing here waits"),
    }
}
