//! The making of users, and who runs the command.

use crate::output::Failure;
use icu_normalizer::DecomposingNormalizerBorrowed;
use tokenpair::accounts::names::username_flaws;
pub(super) use tokenpair::accounts::names::{Login, email_flaws, normalize_email};
use tokenpair::clock::{Clock as _, SystemClock};
use tokenpair::passwords::PasswordHashers;
use tokenpair::store::{NewUser, UserAdmin};
use tokenpair::{EncodedPassword, Settings, User};

/// Encodes a password as new ones are stored.
pub(super) fn encode(settings: &Settings, password: &str) -> Result<EncodedPassword, Failure> {
    let hashers = PasswordHashers::new(&settings.password_hashers, &settings.password_rounds)
        .map_err(|error| Failure::new(format!("PASSWORD_HASHERS: {error}")))?;
    hashers
        .make_password(password)
        .map(EncodedPassword::new)
        .map_err(|error| Failure::new(error.to_string()))
}

/// Adds the user.
pub(super) async fn create(store: &dyn UserAdmin, user: NewUser) -> Result<User, Failure> {
    let taken = format!("the user name {:?} is taken", user.username);
    store
        .create_user(user, SystemClock.now())
        .await?
        .ok_or_else(|| Failure::new(taken))
}

/// Whoever runs this command, as a user name: Django's `get_default_username`. Empty if that makes none.
pub(super) fn default_username() -> String {
    let name = DecomposingNormalizerBorrowed::new_nfkd()
        .normalize(&system_user())
        .into_owned();
    let ascii = name.chars().filter(|c| c.is_ascii() && *c != ' ');
    let name = ascii.collect::<String>().to_lowercase();
    if username_flaws(&name).is_empty() {
        name
    } else {
        String::new()
    }
}

/// Python's `getpass.getuser`: four variables, then the system's list of users.
pub(super) fn system_user() -> String {
    ["LOGNAME", "USER", "LNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .or_else(|| whoami::username().ok())
        .unwrap_or_default()
}
