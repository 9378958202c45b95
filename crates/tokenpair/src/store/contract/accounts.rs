//! The rules of [`AccountStore`].

use super::{at, ok, users};
use crate::models::{EncodedPassword, User, UserId};
use crate::store::{AccountStore, Changes, NewUser, SignUp, Updated};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Checks every rule of [`AccountStore`], each on a store of its own that holds the users of [`users`].
pub async fn check_accounts<S: AccountStore>(make: impl AsyncFn(Vec<User>) -> S) {
    let make = async || make(users()).await;
    who_signs_up_is_found_with_all_they_told(make().await).await;
    of_many_who_sign_up_at_once_with_one_name_one_does(make().await).await;
    an_address_is_proved_once_and_lets_its_user_in(make().await).await;
    what_an_operator_decided_is_not_undone_by_an_old_link(make().await).await;
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

fn unverified(username: &str, email: &str) -> SignUp {
    SignUp {
        is_verified: false,
        ..sign_up(username, email)
    }
}

fn named(username: &str) -> Changes {
    Changes {
        username: Some(username.to_owned()),
        ..Changes::default()
    }
}

async fn added<S: AccountStore>(store: &S, new: SignUp) -> UserId {
    let user = ok(store.sign_up(new, at(0)).await);
    #[expect(
        clippy::panic,
        reason = "a failed rule of the contract is a failed test"
    )]
    user.map_or_else(|| panic!("the name is free"), |user| user.id)
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
    assert!(!ok(store.is_unverified(&id).await));
    let again = ok(store
        .sign_up(sign_up("carol", "other@example.com"), at(1))
        .await);
    assert!(again.is_none(), "the name is taken");
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
            let email = format!("{number}@example.com");
            let new = if number % 2 == 0 {
                sign_up("carol", &email)
            } else {
                unverified("carol", &email)
            };
            ok(store.sign_up(new, at(0)).await).is_some()
        });
    }
    let winners = tasks.join_all().await.into_iter().filter(|won| *won);
    assert_eq!(winners.count(), 1);
}

/// Before that the user is inactive.
pub async fn an_address_is_proved_once_and_lets_its_user_in<S: AccountStore>(store: S) {
    let id = added(&store, unverified("carol", "carol@example.com")).await;
    let is_active = async || ok(store.get_user(&id).await).map(|user| user.is_active);
    assert_eq!(is_active().await, Some(false));
    assert!(ok(store.is_unverified(&id).await));
    assert!(ok(store.verify(&id).await));
    assert_eq!(is_active().await, Some(true));
    assert!(!ok(store.is_unverified(&id).await));
    assert!(!ok(store.verify(&id).await), "once");
    for other in [UserId::Int(1), UserId::Int(2), UserId::Int(99)] {
        assert!(!ok(store.verify(&other).await), "{other} did not sign up");
    }
    let bob = ok(store.get_user(&UserId::Int(2)).await);
    assert_eq!(bob.map(|bob| bob.is_active), Some(false));
}

/// Neither of a user whom they barred nor of one whom they let in and barred later.
pub async fn what_an_operator_decided_is_not_undone_by_an_old_link<S: AccountStore>(store: S) {
    for (name, decisions) in [("carol", &[false][..]), ("dave", &[true, false])] {
        let id = added(&store, unverified(name, "x@example.com")).await;
        for decision in decisions {
            ok(store.set_active(&id, *decision).await);
        }
        assert!(!ok(store.is_unverified(&id).await));
        assert!(!ok(store.verify(&id).await));
        let user = ok(store.get_user(&id).await);
        assert_eq!(user.map(|user| user.is_active), Some(false), "{name}");
    }
}

/// Django's table lets several users have one address.
pub async fn an_address_is_found_in_any_case_for_all_who_have_it<S: AccountStore>(store: S) {
    let mut ids = Vec::new();
    for (name, email) in [
        ("carol", "Carol@example.com"),
        ("caroline", "carol@example.com"),
        ("dave", "dave@example.com"),
        ("erin", "c_rol@example.com"),
    ] {
        ids.push(added(&store, sign_up(name, email)).await);
    }
    let found = async |email: &str| {
        let accounts = ok(store.find_by_email(email).await).into_iter();
        accounts
            .map(|account| account.user.id)
            .collect::<Vec<UserId>>()
    };
    assert_eq!(found("CAROL@EXAMPLE.com").await, ids[..2]);
    assert_eq!(found("c_rol@example.com").await, ids[3..]);
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
    assert_eq!(ok(store.update_profile(&id, &changes).await), Updated::Done);
    assert_eq!(person(&store, &id).await, Some(told("Carol", "", "")));
    assert_eq!(
        ok(store.update_profile(&id, &named("karol")).await),
        Updated::Done
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
        Updated::Gone
    );
}

/// One's own name is nobody else's.
pub async fn the_name_of_somebody_else_is_not_taken_over<S: AccountStore>(store: S) {
    let id = added(&store, sign_up("carol", "")).await;
    for (name, outcome) in [
        ("alice", Updated::Taken),
        ("bob", Updated::Taken),
        ("carol", Updated::Done),
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
    let of = |wanted: Updated| outcomes.iter().filter(|one| **one == wanted).count();
    assert_eq!((of(Updated::Done), of(Updated::Taken)), (1, 19));
}
