//! People's own accounts, where constraints are not those of today's Django.

use super::place::Place;
use tokenpair::store::{AccountStore as _, Changes, NewUser, Saved, SignUp};
use tokenpair::{EncodedPassword, User, UserId};

const OLDER: &str = r"
    ALTER TABLE auth_user ALTER COLUMN first_name TYPE varchar(30);
    ALTER TABLE auth_user ADD CONSTRAINT no_eve CHECK (last_name <> 'Eve');
    CREATE UNIQUE INDEX one_address ON auth_user (UPPER(email::text)) WHERE email <> '';
    UPDATE auth_user SET email = 'bob@example.com' WHERE username = 'bob';
";

fn changes(username: &str, email: &str, first_name: &str, last_name: &str) -> Changes {
    let some = |text: &str| Some(text.to_owned());
    Changes {
        username: some(username),
        email: some(email),
        first_name: some(first_name),
        last_name: some(last_name),
    }
}

#[tokio::test]
async fn what_the_database_refuses_is_told_of_its_field() {
    let Some(place) = Place::new().await else {
        return;
    };
    let users = [User::new(1, "alice"), User::new(2, "bob")];
    let store = place.filled(&users).await;
    place.run(OLDER).await;
    let long = "x".repeat(31);
    for (changes, outcome) in [
        (
            changes("bob", "a@x.org", "A", "L"),
            Saved::Taken("username"),
        ),
        (
            changes("al", "Bob@example.com", "A", "L"),
            Saved::Taken("email"),
        ),
        (
            changes("al", "a@x.org", &long, "L"),
            Saved::Unfit(Some("first_name")),
        ),
        (changes("al", "a@x.org", "A", "Eve"), Saved::Unfit(None)),
        (changes("al", "a@x.org", "A", &long), Saved::Done(())),
    ] {
        let saved = store.update_profile(&UserId::Int(1), &changes).await;
        assert_eq!(saved.unwrap(), outcome, "{changes:?}");
    }
    for (username, email, first_name, outcome) in [
        ("bob", "c@x.org", "C", Saved::Taken("username")),
        ("carol", "BOB@example.com", "C", Saved::Taken("email")),
        ("carol", "c@x.org", &*long, Saved::Unfit(Some("first_name"))),
        ("carol", "c@x.org", "C", Saved::Done(())),
    ] {
        let user = NewUser {
            username: username.to_owned(),
            email: email.to_owned(),
            password: EncodedPassword::new("h"),
            is_staff: false,
            is_superuser: false,
        };
        let new = SignUp {
            user,
            first_name: first_name.to_owned(),
            last_name: String::new(),
        };
        let saved = store.sign_up(new, jiff::Timestamp::UNIX_EPOCH).await;
        assert_eq!(saved.unwrap().map(drop), outcome, "{username} {email}");
    }
}
