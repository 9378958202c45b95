//! The rules of [`AccountStore`].

use super::{at, ok, users};
use crate::models::{EncodedPassword, User, UserId};
use crate::store::{AccountStore, Changes, NewUser, Saved, SignUp, Unverified};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Checks every rule of [`AccountStore`], each on a store of its own that holds the users of [`users`].
pub async fn check_accounts<S: AccountStore>(make: impl AsyncFn(Vec<User>) -> S) {
    let make = async || make(users()).await;
    who_signs_up_is_found_with_all_they_told(make().await).await;
    of_many_who_sign_up_at_once_with_one_name_one_does(make().await).await;
    who_has_yet_to_prove_the_address_is_no_user(make().await).await;
    of_many_who_prove_one_address_at_once_one_becomes_the_user(make().await).await;
    who_proves_an_address_too_late_finds_the_name_taken(make().await).await;
    what_is_not_proved_is_forgotten(make().await).await;
    an_address_is_found_in_any_case_for_all_who_have_it(make().await).await;
    a_profile_changes_where_asked_and_nobody_elses(make().await).await;
    the_name_of_somebody_else_is_not_taken_over(make().await).await;
    of_many_who_rename_themselves_at_once_to_one_name_one_does(make().await).await;
}

fn sign_up(username: &str, email: &str) -> SignUp {
    let user = NewUser {
        username: username.to_owned(),
        email: email.to_owned(),
        password: EncodedPassword::new("md5$salt$new"),
        is_staff: false,
        is_superuser: false,
    };
    user.into()
}

fn named(username: &str) -> Changes {
    Changes {
        username: Some(username.to_owned()),
        ..Changes::default()
    }
}

async fn added<S: AccountStore>(store: &S, new: SignUp) -> UserId {
    done(ok(store.sign_up(new, at(0)).await)).id
}

#[expect(
    clippy::panic,
    reason = "a failed rule of the contract is a failed test"
)]
fn done(saved: Saved<User>) -> User {
    match saved {
        Saved::Done(user) => user,
        other => panic!("the name is free: {other:?}"),
    }
}

/// What is kept for this address.
async fn kept_for<S: AccountStore>(store: &S, email: &str) -> Vec<Unverified> {
    ok(store.find_unverified_by_email(email, at(0), 2).await)
}

async fn verify<S: AccountStore>(store: &S, kept: Unverified) -> Saved<()> {
    ok(store.verify(kept, at(1)).await).map(drop)
}

/// What is kept of carol.
async fn kept<S: AccountStore>(store: &S) -> Unverified {
    let new = sign_up("carol", "carol@example.com");
    let id = ok(store.keep_unverified(&new, at(0), at(0)).await);
    Unverified { id, sign_up: new }
}

/// First name, last name, address.
type Person = (Option<String>, Option<String>, Option<String>);

async fn person<S: AccountStore>(store: &S, id: &UserId) -> Option<Person> {
    let account = ok(store.find_by_key(id).await)?;
    let by_user_id = ok(store.get_account(&account.user.user_id).await)?;
    assert_eq!(by_user_id.user.id, *id);
    let known = (
        by_user_id.first_name,
        by_user_id.last_name,
        by_user_id.email,
    );
    assert_eq!(
        known,
        (
            account.first_name.clone(),
            account.last_name.clone(),
            account.email.clone()
        )
    );
    Some((account.first_name, account.last_name, account.email))
}

fn told(first_name: &str, last_name: &str, email: &str) -> Person {
    let own = |text: &str| Some(text.to_owned());
    (own(first_name), own(last_name), own(email))
}

/// Names and address are kept as told, and nobody becomes more than a user.
pub async fn who_signs_up_is_found_with_all_they_told<S: AccountStore>(store: S) {
    let new = SignUp {
        first_name: "Carol".to_owned(),
        last_name: "Öz".to_owned(),
        ..sign_up("carol", "carol@example.com")
    };
    let id = added(&store, new).await;
    assert_eq!(
        person(&store, &id).await,
        Some(told("Carol", "Öz", "carol@example.com"))
    );
    let user = ok(store.find_by_login("carol").await);
    let rights = user.map(|user| (user.is_active, user.is_staff, user.is_superuser));
    assert_eq!(rights, Some((true, false, false)));
    let again = sign_up("carol", "other@example.com");
    let again = ok(store.sign_up(again, at(1)).await).map(drop);
    assert_eq!(again, Saved::Taken("username"));
    assert!(ok(store.find_by_key(&UserId::Int(99)).await).is_none());
    assert!(ok(store.get_account(&UserId::Int(99)).await).is_none());
}

/// The database decides, not a question before.
pub async fn of_many_who_sign_up_at_once_with_one_name_one_does<S: AccountStore>(store: S) {
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for number in 0..50 {
        let store = store.clone();
        tasks.spawn(async move {
            let new = sign_up("carol", &format!("{number}@example.com"));
            ok(store.sign_up(new, at(0)).await).map(drop)
        });
    }
    let outcomes = tasks.join_all().await;
    let lost = outcomes
        .iter()
        .filter(|one| **one == Saved::Taken("username"));
    assert_eq!(lost.count(), 49);
}

/// Neither the name nor the address is anybody's before.
pub async fn who_has_yet_to_prove_the_address_is_no_user<S: AccountStore>(store: S) {
    let new = SignUp {
        first_name: "Carol".to_owned(),
        last_name: "Öz".to_owned(),
        ..sign_up("carol", "Carol@example.com")
    };
    assert!(store.keeps_unverified());
    let id = ok(store.keep_unverified(&new, at(0), at(0)).await);
    assert!(ok(store.find_by_login("carol").await).is_none());
    assert_eq!(ok(store.find_by_email("carol@example.com").await).len(), 0);
    let kept = kept_for(&store, "CAROL@example.com").await;
    let ids: Vec<i64> = kept.iter().map(|kept| kept.id).collect();
    assert_eq!(ids, [id]);
    assert_eq!(kept_for(&store, "%@example.com").await.len(), 0);
    let found = ok(store.find_unverified(id, at(0)).await);
    assert!(ok(store.find_unverified(id + 1, at(0)).await).is_none());
    let Some(found) = found else {
        return assert!(found.is_some());
    };
    let password = found.sign_up.user.password.clone();
    let user = done(ok(store.verify(found, at(1)).await));
    assert_eq!(
        (user.username.as_str(), &user.password),
        ("carol", &password)
    );
    let rights = (user.is_active, user.is_staff, user.is_superuser);
    assert_eq!(rights, (true, false, false));
    let known = person(&store, &user.id).await;
    assert_eq!(known, Some(told("Carol", "Öz", "Carol@example.com")));
    assert_eq!(kept_for(&store, "carol@example.com").await.len(), 0);
}

/// The others are told that nothing is kept.
pub async fn of_many_who_prove_one_address_at_once_one_becomes_the_user<S: AccountStore>(store: S) {
    let kept = kept(&store).await;
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let (store, kept) = (store.clone(), kept.clone());
        tasks.spawn(async move { verify(&*store, kept).await });
    }
    let outcomes = tasks.join_all().await;
    let gone = outcomes.iter().filter(|one| **one == Saved::Gone);
    assert_eq!(gone.count(), 19);
}

/// And nothing is kept any more: the name will not become free again for this link.
pub async fn who_proves_an_address_too_late_finds_the_name_taken<S: AccountStore>(store: S) {
    let (one, other) = (kept(&store).await, kept(&store).await);
    let ids: Vec<i64> = kept_for(&store, "carol@example.com")
        .await
        .iter()
        .map(|kept| kept.id)
        .collect();
    assert_eq!(ids, [other.id, one.id], "the newest first");
    let first = added(&store, sign_up("carol", "")).await;
    for kept in [one, other] {
        let late = verify(&store, kept.clone()).await;
        assert_eq!(late, Saved::Taken("username"));
        assert_eq!(verify(&store, kept).await, Saved::Gone);
    }
    let carol = ok(store.find_by_login("carol").await);
    assert_eq!(carol.map(|carol| carol.id), Some(first));
}

/// It is not found from then on, and is gone with the next sign-up.
pub async fn what_is_not_proved_is_forgotten<S: AccountStore>(store: S) {
    let old = kept(&store).await;
    assert!(ok(store.find_unverified(old.id, at(0)).await).is_some());
    assert!(ok(store.find_unverified(old.id, at(1)).await).is_none());
    let late = store.find_unverified_by_email("carol@example.com", at(1), 2);
    assert_eq!(ok(late.await).len(), 0);
    let new = sign_up("dave", "dave@example.com");
    ok(store.keep_unverified(&new, at(2), at(1)).await);
    assert!(ok(store.find_unverified(old.id, at(0)).await).is_none());
    assert_eq!(verify(&store, old).await, Saved::Gone);
}

/// Django's table lets several users have one address.
pub async fn an_address_is_found_in_any_case_for_all_who_have_it<S: AccountStore>(store: S) {
    let mut ids = Vec::new();
    for (name, email) in [
        ("carol", "Carol@example.com"),
        ("caroline", "carol@example.com"),
        ("dave", "dave@example.com"),
        ("erin", "c_rol@example.com"),
        ("barred", "carol@example.com"),
    ] {
        ids.push(added(&store, sign_up(name, email)).await);
    }
    ok(store.set_active(&ids[4], false).await);
    let found = async |email: &str| {
        let accounts = ok(store.find_by_email(email).await).into_iter();
        accounts
            .map(|account| account.user.id)
            .collect::<Vec<UserId>>()
    };
    assert_eq!(found("CAROL@EXAMPLE.com").await, ids[..2]);
    assert_eq!(found("c_rol@example.com").await, ids[3..4]);
    assert_eq!(found("%@example.com").await, []);
    assert_eq!(found("nobody@example.com").await, []);
}

/// What is not named stays as it is.
pub async fn a_profile_changes_where_asked_and_nobody_elses<S: AccountStore>(store: S) {
    let id = added(&store, sign_up("carol", "carol@example.com")).await;
    let other = added(&store, sign_up("dave", "dave@example.com")).await;
    let changes = Changes {
        first_name: Some("Carol".to_owned()),
        email: Some(String::new()),
        ..Changes::default()
    };
    assert_eq!(
        ok(store.update_profile(&id, &changes).await),
        Saved::Done(())
    );
    assert_eq!(person(&store, &id).await, Some(told("Carol", "", "")));
    assert_eq!(
        ok(store.update_profile(&id, &named("karol")).await),
        Saved::Done(())
    );
    let renamed = ok(store.find_by_login("karol").await);
    assert_eq!(renamed.map(|user| user.id), Some(id));
    assert!(ok(store.find_by_login("carol").await).is_none());
    assert_eq!(
        person(&store, &other).await,
        Some(told("", "", "dave@example.com"))
    );
    let nobody = UserId::Int(99);
    assert_eq!(
        ok(store.update_profile(&nobody, &changes).await),
        Saved::Gone
    );
}

/// One's own name is nobody else's.
pub async fn the_name_of_somebody_else_is_not_taken_over<S: AccountStore>(store: S) {
    let id = added(&store, sign_up("carol", "")).await;
    for (name, outcome) in [
        ("alice", Saved::Taken("username")),
        ("bob", Saved::Taken("username")),
        ("carol", Saved::Done(())),
    ] {
        let updated = ok(store.update_profile(&id, &named(name)).await);
        assert_eq!(updated, outcome, "{name}");
    }
    let found = ok(store.find_by_login("carol").await);
    assert_eq!(found.map(|user| user.id), Some(id));
}

/// The others are told that it is taken.
pub async fn of_many_who_rename_themselves_at_once_to_one_name_one_does<S: AccountStore>(store: S) {
    let store = Arc::new(store);
    let mut tasks = JoinSet::new();
    for number in 0..20 {
        let id = added(&*store, sign_up(&format!("user-{number}"), "")).await;
        let store = store.clone();
        tasks.spawn(async move { ok(store.update_profile(&id, &named("carol")).await) });
    }
    let outcomes = tasks.join_all().await;
    let of = |wanted: Saved<()>| outcomes.iter().filter(|one| **one == wanted).count();
    assert_eq!((of(Saved::Done(())), of(Saved::Taken("username"))), (1, 19));
}
