//! Passwords: changed by who knows them, set anew by who gets the mail.

use crate::accounts_app::{AccountsApp, CHANGE, CONFIRM, DAY, ME, REGISTER, RESET};
use crate::app::SECRET;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use tokenpair::accounts::Message;
use tokenpair::store::{Changes, UserAdmin as _};
use tokenpair::{EncodedPassword, UserId, UserTable as _};
use tokio::task::JoinSet;

const NEW: &str = "another-s3cret";
const BAD_LINK: &str = r#"{"token":["The password reset link was invalid, possibly because it has already been used. Please request a new password reset."]}"#;
const ON_ITS_WAY: &str = r#"{"detail":"If there is an account with this e-mail address, a message with a link is on its way to it."}"#;
const ADDRESS: &str = "alice@example.com";

async fn confirm(app: &AccountsApp, uid: &str, token: &str, new: &str) -> (u16, String) {
    let fields = [("uid", uid), ("token", token), ("new_password", new)];
    let reply = app.post_fields(CONFIRM, fields).await;
    (reply.status, reply.body)
}

async fn with_address() -> AccountsApp {
    AccountsApp::new().with_address(ADDRESS).await
}

/// The parts of the link that alice gets.
async fn link(app: &AccountsApp) -> (String, String) {
    let reply = app.post_fields(RESET, [("email", ADDRESS)]).await;
    reply.assert(200, ON_ITS_WAY);
    let (to, uid, token) = app.outbox.link();
    assert_eq!(to, ADDRESS);
    (uid, token)
}

#[tokio::test]
async fn who_knows_the_password_changes_it() {
    let app = AccountsApp::new();
    let pair = app.app.log_in().await;
    let body = format!(r#"{{"old_password":"secret","new_password":"{NEW}"}}"#);
    let reply = app.send_as(&pair.access, "POST", CHANGE, &body).await;
    reply.assert(200, r#"{"detail":"New password has been saved."}"#);
    assert!(app.log_in("alice", "secret").await.is_none());
    assert!(app.log_in("alice", NEW).await.is_some());
    let again = app.send_as(&pair.access, "POST", CHANGE, &body).await;
    again.assert(
        400,
        r#"{"old_password":["Your old password was entered incorrectly. Please enter it again."]}"#,
    );
}

#[tokio::test]
async fn a_changed_password_ends_the_other_log_ins() {
    let app = AccountsApp::new();
    let (mine, other) = (app.app.log_in().await, app.app.log_in().await);
    let body = format!(r#"{{"old_password":"secret","new_password":"{NEW}"}}"#);
    let reply = app.send_as(&mine.access, "POST", CHANGE, &body).await;
    assert_eq!(reply.status, 200);
    app.app
        .refresh(&other.refresh)
        .await
        .assert_refused("Token is blacklisted");
}

#[tokio::test]
async fn who_changes_the_password_stays_logged_in_where_sessions_are_kept() {
    let app = AccountsApp::with(|settings| settings.sessions = true, |_| ());
    let (mine, other) = (app.app.log_in().await, app.app.log_in().await);
    let body = format!(r#"{{"old_password":"secret","new_password":"{NEW}"}}"#);
    let reply = app.send_as(&mine.access, "POST", CHANGE, &body).await;
    assert_eq!(reply.status, 200);
    assert_eq!(app.app.refresh(&mine.refresh).await.status, 200);
    assert_eq!(app.app.refresh(&other.refresh).await.status, 401);
    assert_eq!(app.app.get_as(&mine.access, ME).await.status, 200);
    assert_eq!(app.app.get_as(&other.access, ME).await.status, 401);
}

#[tokio::test]
async fn a_new_password_is_judged_beside_the_old_one() {
    let app = with_address().await;
    let access = app.app.log_in().await.access;
    let send = async |body: &str| app.send_as(&access, "POST", CHANGE, body).await;
    send("{}").await.assert(
        400,
        r#"{"old_password":["This field is required."],"new_password":["This field is required."]}"#,
    );
    send(r#"{"old_password":"wrong","new_password":"alice@example"}"#)
        .await
        .assert(
            400,
            r#"{"old_password":["Your old password was entered incorrectly. Please enter it again."],"new_password":["The password is too similar to the email address."]}"#,
        );
    assert_eq!(app.post(CHANGE, "{}").await.status, 401);
    let stored = app.app.store.find_by_login("alice").await.unwrap().unwrap();
    assert_eq!(stored.password.expose(), SECRET);
}

#[tokio::test]
async fn who_gets_the_mail_sets_a_password_once() {
    let app = with_address().await;
    let pair = app.app.log_in().await;
    let (uid, token) = link(&app).await;
    let done = r#"{"detail":"Password has been reset with the new password."}"#;
    assert_eq!(
        confirm(&app, &uid, &token, NEW).await,
        (200, done.to_owned())
    );
    assert!(app.log_in("alice", NEW).await.is_some());
    assert!(app.log_in("alice", "secret").await.is_none());
    app.app
        .refresh(&pair.refresh)
        .await
        .assert_refused("Token is blacklisted");
    assert_eq!(
        confirm(&app, &uid, &token, "yet-another-s3cret").await,
        (400, BAD_LINK.to_owned())
    );
}

#[tokio::test]
async fn a_message_says_what_django_says() {
    let app = with_address().await;
    app.post_fields(RESET, [("email", "ALICE@EXAMPLE.COM")])
        .await;
    let messages = app.outbox.take();
    let [
        Message {
            to, subject, body, ..
        },
    ] = &messages[..]
    else {
        panic!("{messages:?}")
    };
    assert_eq!(
        (to.as_str(), subject.as_str()),
        (ADDRESS, "Password reset on Site")
    );
    assert!(body.contains("Your username, in case you've forgotten: alice\n"));
    assert!(body.contains("\nhttps://site.example/reset/MQ/"));
    let shown = format!("{messages:?}");
    assert!(!shown.contains("MQ") && !shown.contains("alice"), "{shown}");
}

#[tokio::test]
async fn a_weak_password_does_not_use_up_the_link() {
    let app = with_address().await;
    let (uid, token) = link(&app).await;
    let weak = r#"{"new_password":["The password is too similar to the username.","This password is too short. It must contain at least 8 characters.","This password is too common."]}"#;
    assert_eq!(
        confirm(&app, &uid, &token, "alice1").await,
        (400, weak.to_owned())
    );
    assert_eq!(confirm(&app, &uid, &token, NEW).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_use_a_link_at_once_one_does() {
    let app = Arc::new(with_address().await);
    let (uid, token) = link(&app).await;
    let mut tasks = JoinSet::new();
    for number in 0..10 {
        let (app, uid, token) = (app.clone(), uid.clone(), token.clone());
        let new = format!("another-s3cret-{number}");
        tasks.spawn(async move { confirm(&app, &uid, &token, &new).await });
    }
    let outcomes = tasks.join_all().await;
    let won = outcomes.iter().filter(|(status, _)| *status == 200);
    assert_eq!(won.count(), 1);
    let lost = outcomes.iter().filter(|(status, _)| *status != 200);
    assert!(lost.clone().count() == 9);
    for outcome in lost {
        assert_eq!(*outcome, (400, BAD_LINK.to_owned()));
    }
}

#[tokio::test]
async fn a_link_dies_of_age_and_of_changes() {
    let app = with_address().await;
    let (uid, token) = link(&app).await;
    app.app.advance(3 * DAY);
    let weak = confirm(&app, &uid, &token, "x").await;
    assert!(weak.1.starts_with(r#"{"new_password""#), "{weak:?}");
    app.app.advance(1);
    assert_eq!(
        confirm(&app, &uid, &token, NEW).await,
        (400, BAD_LINK.to_owned())
    );

    let (uid, token) = link(&app).await;
    let alice = UserId::Int(1);
    let store = &app.app.store;
    let other = EncodedPassword::new("md5$salt$other");
    store.change_password(&alice, &other).await.unwrap();
    assert_eq!(confirm(&app, &uid, &token, NEW).await.0, 400);

    let (uid, token) = link(&app).await;
    store.set_active(&alice, false).await.unwrap();
    assert_eq!(confirm(&app, &uid, &token, NEW).await.0, 400, "barred");
}

/// Whether the user exists, is barred or the token is made up: nobody is told.
#[tokio::test]
async fn links_that_are_none_are_refused_alike() {
    let app = with_address().await;
    let (uid, token) = link(&app).await;
    for (uid, token) in [
        (uid.as_str(), "x"),
        (uid.as_str(), "dkwxyz-0123456789abcdef0123456789abcdef"),
        ("Mg", token.as_str()),
        ("OTk", token.as_str()),
        ("%00", token.as_str()),
        ("not base64!", token.as_str()),
    ] {
        let refused = confirm(&app, uid, token, NEW).await;
        assert_eq!(refused, (400, BAD_LINK.to_owned()), "{uid} {token}");
    }
    let reply = app.post(CONFIRM, "{}").await;
    reply.assert(
        400,
        r#"{"uid":["This field is required."],"token":["This field is required."],"new_password":["This field is required."]}"#,
    );
}

#[tokio::test]
async fn known_and_unknown_addresses_are_answered_alike() {
    let app = with_address().await;
    let mut headers = None;
    for (email, messages) in [
        (ADDRESS, 1),
        ("Alice@Example.COM", 1),
        (" alice@example.com ", 1),
        ("nobody@example.com", 0),
        ("alice@example.com.evil.example", 0),
    ] {
        let reply = app.post_fields(RESET, [("email", email)]).await;
        reply.assert(200, ON_ITS_WAY);
        let known = headers.get_or_insert_with(|| reply.headers.clone());
        assert_eq!(reply.headers, *known, "{email}");
        assert_eq!(app.outbox.take().len(), messages, "{email}");
    }
    for (body, flaw) in [
        ("{}", "This field is required."),
        (r#"{"email":""}"#, "This field may not be blank."),
        (r#"{"email":"x"}"#, "Enter a valid email address."),
        (
            r#"{"email":"alice@example.com\nBcc: eve@example.com"}"#,
            "Enter a valid email address.",
        ),
    ] {
        let reply = app.post(RESET, body).await;
        reply.assert(400, format!(r#"{{"email":["{flaw}"]}}"#));
    }
}

#[tokio::test]
async fn who_cannot_log_in_by_password_gets_no_mail() {
    let app = with_address().await;
    let (store, alice) = (&app.app.store, UserId::Int(1));
    let unusable = EncodedPassword::new("!unusable");
    store.change_password(&alice, &unusable).await.unwrap();
    let ask = async || app.post_fields(RESET, [("email", ADDRESS)]).await;
    ask().await.assert(200, ON_ITS_WAY);
    let usable = EncodedPassword::new(SECRET);
    store.change_password(&alice, &usable).await.unwrap();
    store.set_active(&alice, false).await.unwrap();
    ask().await.assert(200, ON_ITS_WAY);
    assert_eq!(app.outbox.take().len(), 0);
}

#[tokio::test]
async fn everybody_with_the_address_gets_a_link_of_their_own() {
    use tokenpair::store::AccountStore as _;
    let app = with_address().await;
    let changes = Changes {
        email: Some("ALICE@example.com".to_owned()),
        ..Changes::default()
    };
    let carol = UserId::Int(3);
    app.app
        .store
        .update_profile(&carol, &changes)
        .await
        .unwrap();
    app.post_fields(RESET, [("email", ADDRESS)]).await;
    let to: Vec<String> = app.outbox.take().into_iter().map(|one| one.to).collect();
    assert_eq!(to, [ADDRESS, "ALICE@example.com"]);
}

/// Otherwise the answer would tell whether there is an account.
#[tokio::test]
async fn where_no_mail_can_be_taken_everybody_is_told_alike() {
    let app = with_address().await;
    app.outbox.is_full.store(true, SeqCst);
    for email in [ADDRESS, "nobody@example.com"] {
        let reply = app.post_fields(RESET, [("email", email)]).await;
        reply.assert(
            503,
            r#"{"detail":"Service temporarily unavailable, try again later.","code":"service_unavailable"}"#,
        );
        assert!(reply.header("retry-after").is_some());
    }
}

/// Ten of them at a time, and others of them the next second: who takes somebody's address keeps them from no mail.
#[tokio::test]
async fn of_many_with_one_address_everybody_gets_a_link_some_time() {
    let app = AccountsApp::new();
    let sign_up = async |name: &str| {
        let body =
            format!(r#"{{"username":"{name}","email":"{ADDRESS}","password":"s3cret-enough"}}"#);
        assert_eq!(app.post(REGISTER, &body).await.status, 201);
    };
    for number in 0..24 {
        sign_up(&format!("squatter-{number}")).await;
    }
    sign_up("the-late-one").await;
    let mut has_got_one = false;
    for _ in 0..25 {
        app.post_fields(RESET, [("email", ADDRESS)]).await;
        let messages = app.outbox.take();
        assert_eq!(messages.len(), 10);
        has_got_one |= messages
            .iter()
            .any(|message| message.body.contains("the-late-one"));
        app.app.advance(1);
    }
    assert!(has_got_one);
}

/// Those who are barred, have no password, or whose address is another one to people.
#[tokio::test]
async fn who_gets_no_mail_keeps_nobody_from_one() {
    use tokenpair::store::AccountStore as _;
    let app = AccountsApp::new();
    let store = &app.app.store;
    for number in 0..12 {
        let body = format!(
            r#"{{"username":"barred-{number}","email":"{ADDRESS}","password":"s3cret-enough"}}"#
        );
        let reply = app.post(REGISTER, &body).await;
        assert_eq!(reply.status, 201);
        let user = store.find_by_login(&format!("barred-{number}")).await;
        let id = user.unwrap().unwrap().id;
        if number % 2 == 0 {
            store.set_active(&id, false).await.unwrap();
        } else {
            let unusable = EncodedPassword::new("!unusable");
            store.change_password(&id, &unusable).await.unwrap();
        }
    }
    let changes = Changes {
        email: Some(ADDRESS.to_owned()),
        ..Changes::default()
    };
    store
        .update_profile(&UserId::Int(1), &changes)
        .await
        .unwrap();
    link(&app).await;
}

/// The room may fill up between the question and the message.
#[tokio::test]
async fn where_room_ends_meanwhile_everybody_is_told_alike() {
    let app = with_address().await;
    app.outbox.refuses.store(true, SeqCst);
    for email in [ADDRESS, "nobody@example.com"] {
        let reply = app.post_fields(RESET, [("email", email)]).await;
        reply.assert(200, ON_ITS_WAY);
    }
}
