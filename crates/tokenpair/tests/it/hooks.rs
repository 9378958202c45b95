//! What an application may add: own claims, own answers, own rules, own users.

use crate::app::{ALICE, SLIDING, TOKEN, TestApp, claims, good, sign};
use async_trait::async_trait;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokenpair::json::{Object, Value};
use tokenpair::{
    Answer, Credentials, Error, RefreshToken, RequestInfo, StoreError, User, UserId, UserStore,
    UserTable as _,
};

const NO_ACCOUNT: &str = r#"{"detail":"No active account found with the given credentials"}"#;

#[tokio::test]
async fn get_token_adds_claims_that_access_tokens_inherit() {
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            builder.store(store).get_token(|claims, user| {
                claims.insert("name", user.username.as_str());
            })
        },
    );
    let pair = app.log_in().await;
    let sliding = app.log_in_sliding().await;
    let refreshed = app.refresh(&pair.refresh).await.text("access");
    for token in [&pair.refresh, &pair.access, &sliding, &refreshed] {
        assert_eq!(claims(token).get("name"), Some(&Value::from("alice")));
    }
    let recorded = app.store.outstanding(&format!("{:032x}", 1)).unwrap().token;
    assert_eq!(
        recorded,
        pair.refresh.rsplit_once('.').unwrap().0,
        "the record has the claims, too"
    );
}

#[tokio::test]
async fn a_token_made_as_by_a_log_in_has_own_claims_and_is_recorded_when_told() {
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            builder.store(store).get_token(|claims, user| {
                claims.insert("name", user.username.as_str());
            })
        },
    );
    let alice = app.store.get_user(&UserId::Int(1)).await.unwrap().unwrap();
    let mut token = RefreshToken::for_login(&app.jwt, &alice);
    assert_eq!(token.get("name"), Some(&Value::from("alice")));
    assert_eq!(app.store.outstanding_count(), 0);
    token.insert("tenant", "acme");
    token.outstand(&app.jwt).await.unwrap();
    assert_eq!(app.store.outstanding_count(), 1);
    let access = token.access_token(&app.jwt);
    assert_eq!(access.get("tenant"), Some(&Value::from("acme")));
}

#[tokio::test]
async fn validate_sees_and_changes_every_answer() {
    fn note(data: &mut Object, answer: Answer<'_>) {
        let text = match answer {
            Answer::ObtainPair(user) => format!("pair of {}", user.username),
            Answer::ObtainSliding(user) => format!("sliding of {}", user.username),
            Answer::Refresh(claims) => format!(
                "refresh of {:?}",
                claims.get("user_id").and_then(Value::as_str)
            ),
            Answer::RefreshSliding(_) => "sliding refresh".to_owned(),
            Answer::Verify(_) => "verify".to_owned(),
            Answer::Blacklist(_) => "blacklist".to_owned(),
            other => format!("{other:?}"),
        };
        data.insert("note", text);
    }
    let app = TestApp::built(|_| (), |builder, store| builder.store(store).validate(note));
    let pair = app.post(TOKEN, ALICE).await;
    let sliding = app.post(SLIDING, ALICE).await;
    let refresh = pair.text("refresh");
    let replies = [
        app.refresh(&refresh).await,
        app.refresh_sliding(&sliding.text("token")).await,
        app.verify(&refresh).await,
        app.blacklist(&refresh).await,
        app.verify("rubbish").await,
    ];
    let [refreshed, slid, verified, blacklisted, refused] = replies;
    assert_eq!(pair.text("note"), "pair of alice");
    assert_eq!(sliding.text("note"), "sliding of alice");
    assert_eq!(refreshed.text("note"), r#"refresh of Some("1")"#);
    assert_eq!(slid.text("note"), "sliding refresh");
    verified.assert(200, r#"{"note":"verify"}"#);
    blacklisted.assert(200, r#"{"note":"blacklist"}"#);
    refused.assert_refused("Token is invalid");
}

#[tokio::test]
async fn an_own_authentication_rule_decides_on_login_and_refresh() {
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            builder
                .store(store)
                .user_authentication_rule(|user| user.is_some_and(|user| !user.is_staff))
        },
    );
    app.post(TOKEN, ALICE).await.assert(401, NO_ACCOUNT);
    let of = |id: &str| {
        sign(&good("refresh", "").replace(r#""user_id":"1""#, &format!(r#""user_id":"{id}""#)))
    };
    let refused = r#"{"detail":"No active account found for the given token."}"#;
    app.refresh(&of("1")).await.assert(401, refused);
    assert_eq!(
        app.refresh(&of("2")).await.status,
        200,
        "the rule replaces the look at is_active"
    );
    app.refresh(&of("99")).await.assert(401, refused);
}

#[tokio::test]
async fn logins_are_reported_with_where_they_came_from() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |event: &'static str| {
        let seen = seen.clone();
        move |name: &str, info: &RequestInfo| {
            let address = info.address.map(|ip| ip.to_string());
            let text = format!("{event} {name}: {address:?} {:?}", info.user_agent);
            seen.lock().unwrap().push(text);
        }
    };
    let (succeeded, failed) = (note("in"), note("failed"));
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            builder
                .store(store)
                .on_login_success(move |user, info| succeeded(&user.username, info))
                .on_login_failed(failed)
        },
    );
    let request = Request::post(TOKEN)
        .header("content-type", "application/json")
        .header("user-agent", "browser")
        .extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 7], 1))));
    app.send(request.body(Body::from(ALICE)).unwrap()).await;
    app.post(SLIDING, r#"{"username":"alice","password":"x"}"#)
        .await;
    app.post(TOKEN, "{}").await;
    assert_eq!(
        *seen.lock().unwrap(),
        [
            r#"in alice: Some("192.0.2.7") Some("browser")"#,
            "failed alice: None None"
        ]
    );
}

/// Users who all have their name for a password; eve may not log in.
struct Directory;

#[async_trait]
impl UserStore for Directory {
    async fn authenticate(&self, credentials: &Credentials) -> Result<Option<User>, Error> {
        let matches = credentials.username == credentials.password;
        Ok(if matches {
            self.get_user(&UserId::from(credentials.username.as_str()))
                .await?
        } else {
            None
        })
    }

    async fn get_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let name = id.to_string();
        Ok((name != "eve").then(|| User::new(id.clone(), name)))
    }

    fn username_field(&self) -> &'static str {
        "email"
    }
}

#[tokio::test]
async fn own_users_need_two_methods_and_no_token_store() {
    let app = TestApp::built(|_| (), |builder, _| builder.users(Directory));
    let reply = app
        .post(TOKEN, r#"{"email":"dora","password":"dora"}"#)
        .await;
    let (refresh, access) = (reply.text("refresh"), reply.text("access"));
    app.get_as(&access, "/me/")
        .await
        .assert(200, r#"{"id":"dora","username":"dora"}"#);
    assert_eq!(app.refresh(&refresh).await.status, 200);
    app.post(TOKEN, r#"{"email":"eve","password":"eve"}"#)
        .await
        .assert(401, NO_ACCOUNT);
    app.post(TOKEN, "{}").await.assert(
        400,
        r#"{"email":["This field is required."],"password":["This field is required."]}"#,
    );
}

/// Python would look for somebody called `['dora']`, and find him: this directory knows everybody but eve.
#[tokio::test]
async fn a_list_or_an_object_in_a_text_column_is_nobody() {
    let app = TestApp::built(|_| (), |builder, _| builder.users(Directory));
    for (claim, status) in [
        (r#""dora""#, 200),
        ("7", 200),
        (r#"["dora"]"#, 401),
        (r#"{"a":"dora"}"#, 401),
        ("[]", 401),
    ] {
        let payload =
            good("access", "").replace(r#""user_id":"1""#, &format!(r#""user_id":{claim}"#));
        let reply = app.get_as(&sign(&payload), "/me/").await;
        assert_eq!(reply.status, status, "{claim}: {reply:?}");
        if status == 401 {
            assert_eq!(reply.text("code"), "user_not_found");
        }
    }
}

#[tokio::test]
async fn own_users_go_with_a_token_store() {
    let app = TestApp::built(
        |_| (),
        |builder, store| builder.users(Directory).tokens(store),
    );
    let reply = app
        .post(TOKEN, r#"{"email":"dora","password":"dora"}"#)
        .await;
    app.blacklist(&reply.text("refresh"))
        .await
        .assert(200, "{}");
    app.refresh(&reply.text("refresh"))
        .await
        .assert_refused("Token is blacklisted");
    assert_eq!(
        app.store
            .outstanding(&format!("{:032x}", 1))
            .unwrap()
            .user_id,
        Some(UserId::from("dora"))
    );
}
