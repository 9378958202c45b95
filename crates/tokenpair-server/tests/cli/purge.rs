//! What was revoked stays revoked when `flushexpiredtokens` has been there: test Q, through the server and the command.

use crate::postgres::{new_database, run};
use crate::support::Folder;
use serde_json::{Value, json};
use std::time::Duration;
use tokenpair::clock::{Clock, SystemClock};
use tokenpair::{MemoryStore, RefreshToken, Settings, SimpleJwt, User};

const KEY: &str = "a secret of at least 32 bytes, kept out of the code";
const HOUR: Duration = Duration::from_secs(3600);

/// A record that has been of no use for long, so that the command has something to do.
const OLD: &str =
    "INSERT INTO token_blacklist_outstandingtoken (token, created_at, expires_at, user_id, jti)
    VALUES ('x', '2020-01-01 00:00:00', '2020-01-01 00:00:00', NULL, 'old')";

/// So long ago.
struct Past(Duration);

impl Clock for Past {
    fn now(&self) -> jiff::Timestamp {
        SystemClock.now() - self.0
    }
}

/// A refresh token of the first user that expired so long ago.
fn expired(age: Duration) -> String {
    let settings = Settings::new(KEY);
    let issued = settings.refresh_token_lifetime + age;
    let jwt = SimpleJwt::builder(settings)
        .clock(Past(issued))
        .store(MemoryStore::default())
        .build()
        .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let token = runtime.block_on(RefreshToken::for_user(&jwt, &User::new(1, "ada")));
    jwt.encode(&token.unwrap()).unwrap()
}

fn a_purge_revives_no_token(folder: Folder, add_old: impl Fn(&Folder)) {
    let folder = folder
        .with_variable("TOKENPAIR_SIGNING_KEY", KEY)
        .with_variable("TOKENPAIR_ROTATE_REFRESH_TOKENS", "true")
        .with_variable("TOKENPAIR_BLACKLIST_AFTER_ROTATION", "true")
        // The longest there is.
        .with_variable("TOKENPAIR_LEEWAY", "1 day")
        .with_user("ada");
    let server = folder.serve("serve");
    let refused = |body: &Value| {
        let (status, answer) = server.post("/api/token/refresh/", body);
        assert_eq!(
            (status, &answer["detail"]),
            (401, &json!("Token is blacklisted"))
        );
    };
    let mut revoked = Vec::new();
    for age in [HOUR, 23 * HOUR] {
        for path in ["/api/token/blacklist/", "/api/token/refresh/"] {
            let body = json!({"refresh": expired(age)});
            let (status, answer) = server.post(path, &body);
            assert_eq!(status, 200, "within the leeway: {answer}");
            revoked.push(body);
        }
    }
    revoked.iter().for_each(refused);
    add_old(&folder);
    let told = folder.run("flushexpiredtokens");
    assert_eq!(told.out, "Deleted 1 expired token.\n", "{}", told.err);
    revoked.iter().for_each(refused);
    assert_eq!(server.stop().status, Some(0));
    let server = folder.serve("serve");
    for body in &revoked {
        assert_eq!(server.post("/api/token/refresh/", body).0, 401);
    }
}

#[test]
fn a_purge_revives_no_token_in_a_file() {
    a_purge_revives_no_token(Folder::new(), |folder| {
        folder.database().execute(OLD, []).unwrap();
    });
}

#[test]
fn a_purge_revives_no_token_in_postgres() {
    let Some(url) = new_database() else { return };
    let folder = Folder::new().with_variable("TOKENPAIR_DATABASE", &url);
    a_purge_revives_no_token(folder, |_| run(&url, OLD));
}
