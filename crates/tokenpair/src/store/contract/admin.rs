//! The rules of [`UserAdmin`].

use super::{at, ok, users};
use crate::models::{EncodedPassword, User, UserId};
use crate::store::{NewUser, UserAdmin, UserPage};

/// Checks every rule of [`UserAdmin`], each on a store of its own that holds the users it is given: those of
/// [`users`](super::users) or of [`namesakes`].
pub async fn check_admin<S: UserAdmin>(make: impl AsyncFn(Vec<User>) -> S) {
    let make_usual = async || make(users()).await;
    a_created_user_is_found_and_its_name_is_taken(make_usual().await).await;
    users_are_listed_page_by_page(make_usual().await).await;
    users_are_searched_by_login_in_either_case(make_usual().await).await;
    a_user_is_switched_on_and_off_once(make_usual().await).await;
    a_password_is_changed_whatever_it_was(make_usual().await).await;
    a_name_of_several_users_is_an_error(make(namesakes()).await).await;
}

/// The users of [`users`](super::users) and one more (3) with the login name of alice, as a table may have them whose
/// login column is not unique.
pub fn namesakes() -> Vec<User> {
    let mut users = users();
    users.push(User::new(3, "alice"));
    users
}

fn new_user(username: &str) -> NewUser {
    NewUser {
        username: username.to_owned(),
        email: String::new(),
        password: EncodedPassword::new("md5$salt$new"),
        is_staff: true,
        is_superuser: false,
    }
}

fn page(search: Option<&str>, after: Option<UserId>, limit: usize) -> UserPage {
    UserPage {
        search: search.map(str::to_owned),
        after,
        limit,
    }
}

async fn names<S: UserAdmin>(store: &S, page: &UserPage) -> Vec<String> {
    let accounts = ok(store.list_users(page).await).into_iter();
    accounts.map(|account| account.user.username).collect()
}

/// New users are active, have the flags and the password they were given, and nobody takes their name.
pub async fn a_created_user_is_found_and_its_name_is_taken<S: UserAdmin>(store: S) {
    let created = ok(store.create_user(new_user("carol"), at(0)).await);
    let found = ok(store.find_account("carol").await).map(|account| account.user);
    for user in [&created, &found] {
        let seen = user.as_ref().map(|user| {
            (
                user.is_active,
                user.is_staff,
                user.is_superuser,
                user.password.expose(),
            )
        });
        assert_eq!(seen, Some((true, true, false, "md5$salt$new")));
    }
    assert!(ok(store.create_user(new_user("carol"), at(1)).await).is_none());
    assert!(ok(store.create_user(new_user("Carol"), at(1)).await).is_some());
}

/// Pages follow the keys and miss nobody.
pub async fn users_are_listed_page_by_page<S: UserAdmin>(store: S) {
    for name in ["carol", "dave", "erin"] {
        ok(store.create_user(new_user(name), at(0)).await);
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let accounts = ok(store.list_users(&page(None, after, 2)).await);
        assert!(accounts.len() <= 2, "more than asked for");
        let Some(last) = accounts.last() else { break };
        after = Some(last.user.id.clone());
        seen.extend(accounts.into_iter().map(|account| account.user.username));
    }
    assert_eq!(seen, ["alice", "bob", "carol", "dave", "erin"]);
}

/// A search is a plain text: `%` and `_` mean themselves.
pub async fn users_are_searched_by_login_in_either_case<S: UserAdmin>(store: S) {
    for name in ["al_x", "alix"] {
        ok(store.create_user(new_user(name), at(0)).await);
    }
    assert_eq!(
        names(&store, &page(Some("AL"), None, 10)).await,
        ["alice", "al_x", "alix"]
    );
    assert_eq!(names(&store, &page(Some("l_x"), None, 10)).await, ["al_x"]);
    assert_eq!(
        names(&store, &page(Some("%"), None, 10)).await,
        Vec::<String>::new()
    );
    assert_eq!(
        names(&store, &page(Some("al"), Some(UserId::Int(1)), 1)).await,
        ["al_x"]
    );
}

/// The second call reports that there was nothing to do.
pub async fn a_user_is_switched_on_and_off_once<S: UserAdmin>(store: S) {
    let alice = UserId::Int(1);
    for (is_active, changed) in [(true, false), (false, true), (false, false), (true, true)] {
        assert_eq!(ok(store.set_active(&alice, is_active).await), changed);
        let user = ok(store.get_user(&alice).await);
        assert_eq!(user.map(|user| user.is_active), Some(is_active));
    }
    assert!(!ok(store.set_active(&UserId::Int(99), true).await));
}

/// No matter what was stored before, and nobody else's is touched.
pub async fn a_password_is_changed_whatever_it_was<S: UserAdmin>(store: S) {
    let new = EncodedPassword::new("md5$salt$other");
    assert!(ok(store.change_password(&UserId::Int(2), &new).await));
    let stored = ok(store.find_by_login("bob").await).map(|user| user.password);
    assert_eq!(stored, Some(new.clone()));
    let alice = ok(store.find_by_login("alice").await).map(|user| user.password);
    assert_eq!(alice, Some(EncodedPassword::new("md5$salt$alice")));
    assert!(!ok(store.change_password(&UserId::Int(99), &new).await));
}

/// Nobody is found by a name that several users have: an operator would change whichever came first.
pub async fn a_name_of_several_users_is_an_error<S: UserAdmin>(store: S) {
    let refused = store.find_account("alice").await.map(drop);
    let refused = refused.err().map(|error| error.to_string());
    assert!(
        refused
            .as_ref()
            .is_some_and(|text| text.contains("several users") && text.contains("alice")),
        "{refused:?}"
    );
    assert!(ok(store.find_account("bob").await).is_some());
}
