//! An operator's verbs on PostgreSQL, where Django's own model and mapped ones differ.

use super::place::Place;
use jiff::Timestamp;
use tokenpair::store::{Account, NewUser, UserAdmin as _, UserModel, UserPage};
use tokenpair::{EncodedPassword, PostgresStore, UserId, UserIdKind, UserTable as _};

const CUSTOMERS: &str =
    "CREATE TABLE customer (uuid uuid PRIMARY KEY, login text UNIQUE, hash text);
    INSERT INTO customer VALUES ('00000000-0000-0000-0000-000000000002', 'bob', 'h'),
                                ('00000000-0000-0000-0000-000000000001', 'ada', 'h')";

async fn open(place: &Place, user_model: UserModel) -> PostgresStore {
    let mut options = place.options();
    options.user_model = user_model;
    let store = PostgresStore::open(options).await.unwrap();
    store.migrate(Timestamp::UNIX_EPOCH).await.unwrap();
    store
}

/// A model with nothing that it need not have.
fn customers() -> UserModel {
    UserModel {
        table: "customer".to_owned(),
        id: "uuid".to_owned(),
        id_kind: UserIdKind::Uuid,
        username: "login".to_owned(),
        password: "hash".to_owned(),
        is_active: None,
        is_staff: None,
        is_superuser: None,
        last_login: None,
        ..UserModel::default().with_user_id("uuid", UserIdKind::Uuid)
    }
}

fn new_user(username: &str, email: &str) -> NewUser {
    NewUser {
        username: username.to_owned(),
        email: email.to_owned(),
        password: EncodedPassword::new("h"),
        is_staff: false,
        is_superuser: false,
    }
}

fn everybody(search: Option<&str>) -> UserPage {
    UserPage {
        search: search.map(str::to_owned),
        after: None,
        limit: 10,
    }
}

fn names(accounts: Vec<Account>) -> Vec<String> {
    let accounts = accounts.into_iter();
    accounts.map(|account| account.user.username).collect()
}

#[tokio::test]
async fn an_account_has_what_djangos_table_knows() {
    let Some(place) = Place::new().await else {
        return;
    };
    let store = place.filled(&[]).await;
    let user = new_user("ada", "ada@example.com");
    let ada = store
        .create_user(user, Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    let at: Timestamp = "2026-07-01T10:11:12.5Z".parse().unwrap();
    store.update_last_login(&ada.unwrap(), at).await.unwrap();

    let account = store.find_account("ada").await.unwrap().unwrap();
    assert_eq!(account.email.as_deref(), Some("ada@example.com"));
    assert_eq!(account.first_name.as_deref(), Some(""));
    assert_eq!(account.last_login, Some(at));
    assert!(store.find_account("Ada").await.unwrap().is_none());
    for (search, found) in [("EXAMPLE.com", 1), ("ada", 1), ("eve", 0), ("\0", 0)] {
        let page = everybody(Some(search));
        assert_eq!(store.list_users(&page).await.unwrap().len(), found);
    }
}

#[tokio::test]
async fn a_mapped_model_is_listed_and_searched_by_what_it_has() {
    let Some(place) = Place::with(CUSTOMERS).await else {
        return;
    };
    let store = open(&place, customers()).await;
    let everybody_there = store.list_users(&everybody(None)).await.unwrap();
    assert_eq!(everybody_there[0].email, None);
    assert_eq!(everybody_there[0].last_login, None);
    assert_eq!(names(everybody_there), ["ada", "bob"], "by their keys");
    let found = store.list_users(&everybody(Some("email"))).await.unwrap();
    assert_eq!(names(found), Vec::<String>::new());
    let bob = store.find_account("bob").await.unwrap().unwrap().user;
    let new = EncodedPassword::new("new");
    assert!(store.change_password(&bob.id, &new).await.unwrap());
    assert_eq!(
        store.find_by_login("bob").await.unwrap().unwrap().password,
        new
    );
}

#[tokio::test]
async fn what_a_mapped_model_lacks_is_named() {
    let Some(place) = Place::with(CUSTOMERS).await else {
        return;
    };
    let store = open(&place, customers()).await;
    let refused = store.set_active(&UserId::Int(1), false).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "users of customer are always active: the user model has no column is_active"
    );
    let refused = store
        .create_user(new_user("eve", ""), Timestamp::UNIX_EPOCH)
        .await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "users of customer that log in by login are created by their own application"
    );
}

#[tokio::test]
async fn where_users_log_in_by_e_mail_the_address_is_login_and_user_name() {
    let Some(place) = Place::new().await else {
        return;
    };
    let by_email = UserModel {
        username: "email".to_owned(),
        ..UserModel::default()
    };
    let store = open(&place, by_email).await;
    let create =
        |login: &'static str| store.create_user(new_user(login, "ignored"), Timestamp::UNIX_EPOCH);
    let created = create("ada@example.com").await.unwrap().unwrap();
    assert_eq!(created.username, "ada@example.com");
    assert!(create("ada@example.com").await.unwrap().is_none());

    let rows = place.rows("SELECT username, email FROM auth_user").await;
    let row: [&str; 2] = [rows[0].get(0), rows[0].get(1)];
    assert_eq!(row, ["ada@example.com", "ada@example.com"]);
    place.run("UPDATE auth_user SET username = 'ada'").await;
    assert!(
        create("ada@example.com").await.unwrap().is_none(),
        "the address is taken, not the user name"
    );
}
