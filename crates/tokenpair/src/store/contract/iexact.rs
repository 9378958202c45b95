//! The rules of a store whose log-in names are looked up without case.

use super::{at, ok};
use crate::models::{EncodedPassword, User, UserId};
use crate::store::{NewUser, UserAdmin};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Users whose names differ in case, or would to a search by pattern: Alice (1), Bob (2), BOB (3), `a_b` (4), `axb` (5).
pub fn users_of_several_spellings() -> Vec<User> {
    let names = ["Alice", "Bob", "BOB", "a_b", "axb"];
    (1..)
        .zip(names)
        .map(|(id, name)| User::new(id, name))
        .collect()
}

/// Checks every rule, each on a store of its own with [`UsernameLookup::Iexact`](crate::store::UsernameLookup::Iexact)
/// and the users of [`users_of_several_spellings`].
pub async fn check_iexact<S: UserAdmin>(make: impl AsyncFn() -> S) {
    a_name_is_found_in_any_spelling_that_only_one_user_has(make().await).await;
    an_operator_means_the_exact_name_first(make().await).await;
    a_name_is_taken_in_every_spelling(make().await).await;
    of_many_who_want_a_name_at_once_in_other_spellings_one_gets_it(make().await).await;
}

fn new_user(name: &str) -> NewUser {
    NewUser {
        username: name.to_owned(),
        email: String::new(),
        password: EncodedPassword::new("md5$salt$new"),
        is_staff: false,
        is_superuser: false,
    }
}

async fn id_without_case<S: UserAdmin>(store: &S, login: &str) -> Option<UserId> {
    let user = ok(store.find_by_login_iexact(login).await);
    user.map(|user| user.id)
}

/// The exact question stays exact, and of several users none is guessed.
pub async fn a_name_is_found_in_any_spelling_that_only_one_user_has<S: UserAdmin>(store: S) {
    for name in ["Alice", "ALICE", "alice", "aLiCe"] {
        assert_eq!(id_without_case(&store, name).await, Some(UserId::Int(1)));
        let exact = ok(store.find_by_login(name).await);
        assert_eq!(exact.is_some(), name == "Alice", "{name}");
    }
    assert_eq!(id_without_case(&store, "A_B").await, Some(UserId::Int(4)));
    for name in [
        "bob", "Bob", "alic", "alicee", "alice ", "a%", "_xb", "", "%",
    ] {
        assert_eq!(id_without_case(&store, name).await, None, "{name}");
    }
}

/// Only a name that nobody has exactly so is searched for without case.
pub async fn an_operator_means_the_exact_name_first<S: UserAdmin>(store: S) {
    for (name, id) in [("alice", 1), ("Bob", 2), ("BOB", 3), ("A_b", 4)] {
        let account = ok(store.find_account(name).await);
        assert_eq!(
            account.map(|account| account.user.id),
            Some(UserId::Int(id))
        );
    }
    let refused = store.find_account("bob").await.map(drop);
    let refused = refused.err().map(|error| error.to_string());
    assert!(refused.is_some_and(|text| text.contains("several users")));
    assert!(ok(store.find_account("carol").await).is_none());
}

/// A new user could not be told from one whose name differs in case only.
pub async fn a_name_is_taken_in_every_spelling<S: UserAdmin>(store: S) {
    for (name, is_free) in [
        ("Alice", false),
        ("ALICE", false),
        ("bob", false),
        ("a%b", true),
        ("Carol", true),
        ("carol", false),
    ] {
        let created = ok(store.create_user(new_user(name), at(0)).await);
        assert_eq!(created.is_some(), is_free, "{name}");
    }
}

/// No constraint of the table keeps them apart.
pub async fn of_many_who_want_a_name_at_once_in_other_spellings_one_gets_it<S: UserAdmin>(
    store: S,
) {
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for number in 0..16 {
        let letter = |place: usize, letter: char| {
            let is_capital = number >> place & 1 == 1;
            if is_capital {
                letter.to_ascii_uppercase()
            } else {
                letter
            }
        };
        let name: String = (0..)
            .zip("dave".chars())
            .map(|(place, c)| letter(place, c))
            .collect();
        let store = store.clone();
        tasks.spawn(async move { ok(store.create_user(new_user(&name), at(0)).await).is_some() });
    }
    let won = tasks.join_all().await.into_iter().filter(|won| *won);
    assert_eq!(won.count(), 1);
}
