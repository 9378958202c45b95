//! `POST /api/register/`.

use crate::accounts_app::{AccountsApp, CAROL, ME, REGISTER, TAKEN, refusal};
use crate::app::{TestApp, claims, payload};
use axum::body::Body;
use axum::http::{Request, header};
use axum::routing::any;
use std::sync::{Arc, Mutex};
use tokenpair::json::Value;
use tokenpair::passwords::Hasher;
use tokenpair::{Event, UserId, UserTable as _};
use tokio::task::JoinSet;

#[tokio::test]
async fn who_signs_up_is_logged_in() {
    let app = AccountsApp::new();
    let reply = app.post(REGISTER, CAROL).await;
    assert_eq!(reply.status, 201);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let (refresh, access) = (reply.text("refresh"), reply.text("access"));
    let user = r#"{"id":4,"username":"carol2","email":"carol@example.com","first_name":"","last_name":""}"#;
    reply.assert(
        201,
        format!(r#"{{"user":{user},"refresh":"{refresh}","access":"{access}"}}"#),
    );
    assert_eq!(
        claims(&access).get("user_id"),
        Some(&Value::from("4")),
        "{}",
        payload(&access)
    );
    assert_eq!(
        app.app.store.outstanding_count(),
        1,
        "the log-in is on record"
    );
    app.app.get_as(&access, ME).await.assert(200, user);
    assert!(app.log_in("carol2", "s3cret-enough").await.is_some());
    assert_eq!(app.app.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn all_flaws_of_all_fields_are_told_at_once() {
    let app = AccountsApp::new();
    let empty =
        r#"{"username":["This field is required."],"password":["This field is required."]}"#;
    app.post(REGISTER, "{}").await.assert(400, empty);
    let body = r#"{"username":"a b","email":"x","first_name":null,"last_name":["y"],"password":"1234567"}"#;
    app.post(REGISTER, body).await.assert(
        400,
        r#"{"username":["Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."],"email":["Enter a valid email address."],"first_name":["This field may not be null."],"last_name":["Not a valid string."],"password":["This password is too short. It must contain at least 8 characters.","This password is too common.","This password is entirely numeric."]}"#,
    );
    app.post(REGISTER, r#"{"username":" ","password":"  "}"#)
        .await
        .assert(
            400,
            r#"{"username":["This field may not be blank."],"password":["This field may not be blank."]}"#,
        );
    app.post(REGISTER, "[]").await.assert(
        400,
        r#"{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}"#,
    );
    let long = "x".repeat(151);
    let body =
        format!(r#"{{"username":"{long}","first_name":"{long}","password":"testclient-1"}}"#);
    app.post(REGISTER, &body).await.assert(
        400,
        r#"{"username":["Ensure this field has no more than 150 characters."],"first_name":["Ensure this field has no more than 150 characters."]}"#,
    );
    assert_eq!(app.app.store.outstanding_count(), 0);
}

#[tokio::test]
async fn a_password_must_not_resemble_what_is_told_of_the_user() {
    let app = AccountsApp::new();
    for (field, told) in [
        ("username", "username"),
        ("email", "email address"),
        ("first_name", "first name"),
        ("last_name", "last name"),
    ] {
        let value = if field == "email" {
            "lovelace@example.com"
        } else {
            "lovelace"
        };
        let mut fields = vec![("username", "nobody-like"), (field, value)];
        fields.push(("password", "l0velace"));
        let body: tokenpair::json::Object = fields.into_iter().collect();
        let reply = app
            .post(
                REGISTER,
                &tokenpair::json::encode_utf8(&Value::Object(body)),
            )
            .await;
        reply.assert(
            400,
            format!(r#"{{"password":["The password is too similar to the {told}."]}}"#),
        );
    }
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_beside_other_flaws() {
    let app = AccountsApp::new();
    let body = r#"{"username":" alice ","password":"short"}"#;
    app.post(REGISTER, body).await.assert(
        400,
        r#"{"username":["A user with that username already exists."],"password":["This password is too short. It must contain at least 8 characters."]}"#,
    );
    // One letter or two that look like one: the same name.
    let body = r#"{"username":"ａｌｉｃｅ","password":"s3cret-enough"}"#;
    app.post(REGISTER, body).await.assert(400, TAKEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_sign_up_at_once_with_one_name_one_does() {
    let app = Arc::new(AccountsApp::new());
    for round in 0..5 {
        let mut tasks = JoinSet::new();
        for _ in 0..10 {
            let app = app.clone();
            let body = format!(r#"{{"username":"racer-{round}","password":"s3cret-enough"}}"#);
            tasks.spawn(async move {
                let reply = app.post(REGISTER, &body).await;
                (reply.status, reply.body)
            });
        }
        let replies = tasks.join_all().await;
        let won = replies.iter().filter(|(status, _)| *status == 201).count();
        assert_eq!(won, 1, "round {round}");
        for (status, body) in replies.iter().filter(|(status, _)| *status != 201) {
            assert_eq!((*status, body.as_str()), (400, TAKEN));
        }
    }
}

/// The 40 ways to become more than a user at sign-up: what is sent beside a good sign-up changes nothing.
#[tokio::test]
async fn nobody_becomes_more_than_a_user_by_signing_up() {
    const JSON: [&str; 30] = [
        r#""is_staff":true"#,
        r#""is_staff":"true""#,
        r#""is_staff":1"#,
        r#""is_superuser":true"#,
        r#""is_superuser":1"#,
        r#""is_active":false"#,
        r#""id":1"#,
        r#""id":"1""#,
        r#""pk":1"#,
        r#""user_id":1"#,
        r#""groups":[1]"#,
        r#""groups":["admin"]"#,
        r#""user_permissions":[1]"#,
        r#""date_joined":"1970-01-01T00:00:00Z""#,
        r#""last_login":"1970-01-01T00:00:00Z""#,
        r#""IS_STAFF":true"#,
        r#""Is_Superuser":true"#,
        r#""isStaff":true"#,
        r#""is-staff":true"#,
        r#""role":"admin""#,
        r#""user":{"is_staff":true}"#,
        r#""auth_user":{"is_superuser":true}"#,
        r#""is_staff__exact":true"#,
        r#""_state":{"adding":false}"#,
        r#""__proto__":{"is_staff":true}"#,
        r#""constructor":{"prototype":{"is_superuser":true}}"#,
        r#""password_hash":"md5$x$y""#,
        r#""is_verified":true"#,
        r#""tokens":[1]"#,
        r#""sid":"1""#,
    ];
    const FORMS: [&str; 6] = [
        "is_staff=true",
        "is_superuser=on",
        "user[is_staff]=true",
        "is_staff[]=1&is_superuser[]=1",
        "id=1&pk=1",
        "groups=1&user_permissions=1",
    ];
    const QUERIES: [&str; 4] = [
        "?is_staff=true",
        "?is_superuser=1&id=1",
        "?_method=PUT&is_staff=1",
        "?username=alice",
    ];
    let app = AccountsApp::new();
    let mut rows = Vec::new();
    for (number, member) in JSON.iter().enumerate() {
        let body = format!(r#"{{{member},"username":"json-{number}","password":"s3cret-enough"}}"#);
        rows.push((
            format!("json-{number}"),
            String::new(),
            "application/json",
            body,
        ));
    }
    for (number, member) in FORMS.iter().enumerate() {
        let body = format!("username=form-{number}&password=s3cret-enough&{member}");
        let kind = "application/x-www-form-urlencoded";
        rows.push((format!("form-{number}"), String::new(), kind, body));
    }
    for (number, query) in QUERIES.iter().enumerate() {
        let body = format!(r#"{{"username":"query-{number}","password":"s3cret-enough"}}"#);
        rows.push((
            format!("query-{number}"),
            (*query).to_owned(),
            "application/json",
            body,
        ));
    }
    assert_eq!(rows.len(), 40);
    for (next, (name, query, kind, body)) in (4..).zip(rows) {
        let request =
            Request::post(format!("{REGISTER}{query}")).header(header::CONTENT_TYPE, kind);
        let request = request.body(Body::from(body.clone())).unwrap();
        let reply = app.app.send(request).await;
        assert_eq!(reply.status, 201, "{body}: {}", reply.body);
        let user = app.app.store.find_by_login(&name).await.unwrap().unwrap();
        let what = (user.id, user.is_active, user.is_staff, user.is_superuser);
        assert_eq!(what, (UserId::Int(next), true, false, false), "{body}");
        assert_ne!(user.password.expose(), "md5$x$y");
    }
    let alice = app.app.store.find_by_login("alice").await.unwrap().unwrap();
    assert_eq!(alice.id, UserId::Int(1));
    assert!(app.log_in("alice", "secret").await.is_some(), "untouched");
}

/// Names that look like somebody else's, or like nothing.
#[tokio::test]
async fn names_that_hide_something_are_refused() {
    let app = AccountsApp::new();
    for name in [
        "alice\\u0000",
        "alice\\u200b",
        "ali\\u00adce",
        "\\u202eecila",
        "alice\\ud800",
        "alice\\n",
        "al ice",
        "<script>",
        "alice'--",
        "\\u200b",
    ] {
        let body = format!(r#"{{"username":"{name}x","password":"s3cret-enough"}}"#);
        let reply = app.post(REGISTER, &body).await;
        assert_eq!(reply.status, 400, "{name}: {}", reply.body);
        assert!(reply.body.starts_with(r#"{"username":["#), "{}", reply.body);
    }
}

#[tokio::test]
async fn the_password_is_kept_as_received() {
    let app = AccountsApp::new();
    let body = r#"{"username":"dave","password":" s3cret enough "}"#;
    assert_eq!(app.post(REGISTER, body).await.status, 201);
    assert!(app.log_in("dave", " s3cret enough ").await.is_some());
    assert!(app.log_in("dave", "s3cret enough").await.is_none());
    let long = "ü".repeat(2049);
    let body = format!(r#"{{"username":"erin","password":"{long}"}}"#);
    app.post(REGISTER, &body).await.assert(
        400,
        r#"{"password":["Ensure this field has no more than 4096 bytes."]}"#,
    );
}

#[tokio::test]
async fn what_bcrypt_would_cut_is_refused() {
    let app = AccountsApp::with(
        |settings| {
            settings.password_hashers = vec![Hasher::Bcrypt, Hasher::Md5];
            settings.password_rounds.bcrypt_rounds = 4;
        },
        |_| (),
    );
    let long = "x1".repeat(37);
    let body = format!(r#"{{"username":"erin","password":"{long}"}}"#);
    app.post(REGISTER, &body).await.assert(
        400,
        r#"{"password":["Ensure this field has no more than 72 bytes."]}"#,
    );
}

#[tokio::test]
async fn a_sign_up_is_told_and_then_a_log_in() {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let hear = told.clone();
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            let write = move |event: &Event<'_>, _: &tokenpair::RequestInfo| {
                let user = event.user_id().unwrap_or_default();
                let line = format!("{} {} {user}", event.name(), event.outcome());
                hear.lock().unwrap().push(line);
            };
            builder.store(store).on_event(write)
        },
    );
    let app = AccountsApp::over(app, None, |_| ());
    app.post(REGISTER, CAROL).await;
    app.post(REGISTER, CAROL).await;
    assert_eq!(
        *told.lock().unwrap(),
        ["sign_up success 4", "log_in success 4"]
    );
}

#[tokio::test]
async fn who_the_applications_rule_keeps_out_signs_up_without_tokens() {
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            let members = |user: Option<&tokenpair::User>| user.is_some_and(|user| user.is_staff);
            builder.store(store).user_authentication_rule(members)
        },
    );
    let app = AccountsApp::over(app, None, |_| ());
    let reply = app.post(REGISTER, CAROL).await;
    assert_eq!(reply.status, 201);
    assert_eq!(reply.json().iter().count(), 1, "{}", reply.body);
}

#[tokio::test]
async fn without_sign_up_there_is_no_such_path() {
    let app = AccountsApp::with(|_| (), |options| options.registration = false);
    assert_eq!(app.post(REGISTER, CAROL).await.status, 404);
    let app = AccountsApp::with(|_| (), |options| options.mail = None);
    assert_eq!(app.post("/api/password/reset/", "{}").await.status, 404);
    assert_eq!(app.post("/api/register/verify/", "{}").await.status, 404);
}

/// A view may be mounted by itself, where the options say otherwise: that is no outage.
#[tokio::test]
async fn what_is_not_offered_is_not_found() {
    use tokenpair::web;
    let app = TestApp::new();
    let mut options = tokenpair::accounts::AccountOptions::default();
    options.email_verification = false;
    let store = Arc::new(app.store.clone());
    let accounts = tokenpair::accounts::Accounts::new(app.jwt.clone(), store, options).unwrap();
    let urls = axum::Router::new()
        .route("/register/", any(web::register()))
        .route("/verify/", any(web::register_verify()))
        .route("/resend/", any(web::register_resend()))
        .route("/reset/", any(web::password_reset()))
        .with_state(accounts);
    let app = app.layered(|router| router.merge(urls));
    for path in ["/register/", "/verify/", "/resend/", "/reset/"] {
        let reply = app.post(path, CAROL.to_owned()).await;
        reply.assert(404, r#"{"detail":"Not found."}"#);
    }
}

#[test]
fn options_that_cannot_work_are_refused_at_start() {
    let by_name = refusal(
        |_| (),
        |options| {
            options.email_verification = true;
        },
    );
    assert_eq!(
        by_name.to_string(),
        "email_verification: needs a way to send mail"
    );
    let timeout = refusal(
        |_| (),
        |options| options.password_reset_timeout = std::time::Duration::from_secs(59),
    );
    assert_eq!(
        timeout.to_string(),
        "PASSWORD_RESET_TIMEOUT: must lie between 1 minute and 30 days"
    );
    for (link, is_refused) in [
        ("https://site.example/{uid}/{token}", false),
        ("https://site.example/{uid}", true),
        ("https://site.example/{token}", true),
        ("/reset/{uid}/{token}", true),
        ("https://site.example/ {uid}/{token}", true),
        ("javascript:{uid}{token}", true),
    ] {
        let app = TestApp::new();
        let mut mail = crate::accounts_app::Outbox::default().mail();
        link.clone_into(&mut mail.password_reset_link);
        let mut options = tokenpair::accounts::AccountOptions::default();
        options.mail = Some(mail);
        let made = tokenpair::accounts::Accounts::new(app.jwt, Arc::new(app.store), options);
        assert_eq!(made.is_err(), is_refused, "{link}");
    }
}
