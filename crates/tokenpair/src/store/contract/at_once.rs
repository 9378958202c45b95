//! The rules for many who come at once: a store may answer them together, but each gets its own answer.

use super::{at, lenient, ok, rotation, token};
use crate::models::UserId;
use crate::store::{Rotated, Store, Successor};
use std::sync::Arc;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const MANY: usize = 200;

/// Does `work` for every number at the same moment.
async fn at_once<S, F>(store: &Arc<S>, work: impl Fn(Arc<S>, usize) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let barrier = Arc::new(Barrier::new(MANY));
    let mut tasks = JoinSet::new();
    for number in 0..MANY {
        let (barrier, work) = (barrier.clone(), work(store.clone(), number));
        tasks.spawn(async move {
            barrier.wait().await;
            work.await;
        });
    }
    tasks.join_all().await;
}

fn jti(number: usize) -> String {
    format!("token-{number}")
}

fn is_used_up(number: usize) -> bool {
    number.is_multiple_of(3)
}

/// Of users, some of whom there are not, and of tokens, some of which are blacklisted.
pub async fn whoever_asks_at_once_with_others_gets_the_own_answer<S: Store>(store: S) {
    let store = Arc::new(store);
    let is_blacklisted = |number: usize| number.is_multiple_of(2);
    at_once(&store, |store, number| async move {
        if is_blacklisted(number) {
            ok(store.blacklist(&token(&jti(number)), at(0)).await);
        }
    })
    .await;
    at_once(&store, |store, number| async move {
        // 1 and 2 are there, 3 is not.
        let id = [1, 2, 3][number % 3];
        let (key, jti) = (UserId::Int(id), jti(number));
        let found = (id < 3).then_some(UserId::Int(id));
        let (user, listed) = ok(store.get_user_and_blacklisted(&key, &jti).await);
        let answer = (user.map(|user| user.id), listed);
        let right = (found.clone(), is_blacklisted(number));
        assert_eq!(answer, right, "user {id}, {jti}");
        let listed = ok(store.is_blacklisted(&jti).await);
        assert_eq!(listed, is_blacklisted(number), "{jti}");
        let user = ok(store.get_user(&key).await);
        assert_eq!(user.map(|user| user.id), found, "user {id}");
    })
    .await;
}

/// Whether it was this call that blacklisted, of tokens some of which were blacklisted before.
pub async fn whoever_blacklists_at_once_with_others_is_told_the_own_outcome<S: Store>(store: S) {
    let store = Arc::new(store);
    at_once(&store, |store, number| async move {
        if is_used_up(number) {
            ok(store.blacklist(&token(&jti(number)), at(0)).await);
        }
    })
    .await;
    at_once(&store, |store, number| async move {
        let token = token(&jti(number));
        let is_first = ok(store.blacklist(&token, at(1)).await);
        assert_eq!(is_first, !is_used_up(number), "{}", token.jti);
    })
    .await;
}

async fn exchange<S: Store>(store: &S, number: usize, successor: &str, seconds: i64) -> Rotated {
    let successor = format!("{successor}-{number}");
    let rotation = lenient(rotation(&jti(number), &successor, seconds));
    ok(store.rotate(&rotation).await)
}

/// Of tokens some of which were exchanged before: those come back with the successor that they had.
pub async fn whoever_rotates_at_once_with_others_gets_the_own_successor<S: Store>(store: S) {
    let store = Arc::new(store);
    at_once(&store, |store, number| async move {
        if is_used_up(number) {
            exchange(&*store, number, "early", 0).await;
        }
    })
    .await;
    at_once(&store, |store, number| async move {
        let (name, seconds) = if is_used_up(number) {
            ("early", 0)
        } else {
            ("late", 1)
        };
        let own = Rotated::Replayed(Successor {
            jti: format!("{name}-{number}"),
            iat: at(seconds).as_second(),
            exp: at(86_400).as_second(),
        });
        let first = if is_used_up(number) {
            own.clone()
        } else {
            Rotated::Fresh
        };
        let outcome = exchange(&*store, number, "late", 1).await;
        assert_eq!(outcome, first, "{}", jti(number));
        let again = exchange(&*store, number, "last", 2).await;
        assert_eq!(again, own, "{} again", jti(number));
    })
    .await;
}
