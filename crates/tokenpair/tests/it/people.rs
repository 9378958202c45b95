//! Pages for people: sign-up, links of mails, the account. That they can be used is the business of `cargo xtask check --only browser`.

use crate::accounts_app::AccountsApp;
use crate::app::{Reply, TestApp};
use crate::browser::{ACCESS, Browser, CSRF, LOGIN, LOGOUT, names};
use axum::Router;
use axum::http::Method;
use std::sync::atomic::Ordering::SeqCst;
use tokenpair::accounts::Accounts;
use tokenpair::web::{
    DjangoUrls as _, Site, browser_account, browser_password_reset, browser_password_reset_confirm,
    browser_register, browser_register_resend, browser_register_verify,
};

const REGISTER: &str = "/auth/register/";
const VERIFY: &str = "/auth/register/verify/";
const RESEND: &str = "/auth/register/resend/";
const RESET: &str = "/auth/password/reset/";
const CONFIRM: &str = "/auth/password/reset/confirm/";
const ACCOUNT: &str = "/auth/account/";
const PASSWORD: &str = "an engine of 1842";
const DORA: [(&str, &str); 3] = [
    ("username", "dora"),
    ("email", "dora@example.com"),
    ("password", PASSWORD),
];

pub(crate) fn pages() -> Router<Accounts> {
    let site = Site::new("Site").login(LOGIN).logout(LOGOUT);
    let site = site.account(ACCOUNT).register(REGISTER);
    let site = site.register_resend(RESEND).password_reset(RESET);
    [
        (REGISTER, browser_register(ACCOUNT)),
        (VERIFY, browser_register_verify(ACCOUNT)),
        (RESEND, browser_register_resend()),
        (RESET, browser_password_reset()),
        (CONFIRM, browser_password_reset_confirm()),
        (ACCOUNT, browser_account()),
    ]
    .into_iter()
    .fold(Router::new(), |router, (path, view)| {
        router.url(path, view.site(&site))
    })
}

#[track_caller]
fn shows(page: &Reply, status: u16, texts: &[&str]) {
    assert_eq!(page.status, status, "{}", page.body);
    for text in texts {
        assert!(page.body.contains(text), "{text}\n{}", page.body);
    }
}

#[track_caller]
fn leads_to(reply: &Reply, address: &str) {
    let found = (reply.status, reply.header("location"), reply.body.as_str());
    assert_eq!(found, (303, Some(address), ""));
}

#[tokio::test]
async fn who_signs_up_is_logged_in_and_sees_the_account() {
    let app = AccountsApp::new();
    let mut browser = Browser::new(&app.app);
    let page = browser.open(REGISTER).await;
    shows(
        &page,
        200,
        &[
            "<title>Create an account – Site</title>",
            r#"autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus"#,
            r#"name="email" type="email" value="" autocomplete="email""#,
            r#"autocomplete="new-password""#,
            r#"<a href="/auth/login/">Log in instead</a>"#,
            r#"<a class="button quiet" href="/auth/login/">"#,
        ],
    );
    let reply = browser.submit_with_token(REGISTER, &DORA).await;
    leads_to(&reply, ACCOUNT);
    assert_eq!(names(&reply).len(), 3);
    let page = browser.open(ACCOUNT).await;
    shows(&page, 200, &[r#"value="dora@example.com""#, "Logged in as"]);
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_what_was_typed_is_there() {
    let app = AccountsApp::new();
    let mut browser = Browser::new(&app.app);
    browser.open(REGISTER).await;
    let fields = [
        ("username", "dora"),
        ("email", "nowhere"),
        ("password", "123hush"),
    ];
    let page = browser.submit_with_token(REGISTER, &fields).await;
    shows(
        &page,
        400,
        &[
            "<title>Error: Create an account – Site</title>",
            r#"value="dora""#,
            r#"value="nowhere" autocomplete="email" autocapitalize="none" spellcheck="false" autofocus aria-invalid="true" aria-describedby="post-email-note">"#,
            "<strong>Enter a valid email address.</strong>",
            "<strong>This password is too short.",
        ],
    );
    assert!(!page.body.contains("123hush") && names(&page).is_empty());
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let app = AccountsApp::new();
    for (path, fields) in [(REGISTER, &DORA[..]), (RESET, &DORA[1..2])] {
        let mut browser = Browser::new(&app.app);
        browser.open(path).await;
        let mut other = browser.again().with("origin", "https://evil.example");
        for page in [
            other.submit_with_token(path, fields).await,
            browser.submit(path, fields).await,
        ] {
            shows(&page, 403, &["Please try again.", r#"role="alert""#]);
            assert_eq!(browser.cookie(ACCESS), "");
        }
    }
    assert!(app.log_in("dora", PASSWORD).await.is_none());
}

#[tokio::test]
async fn an_address_is_proved_by_the_page_behind_the_link() {
    let app = AccountsApp::verifying();
    let mut browser = Browser::new(&app.app);
    let page = browser.open(REGISTER).await;
    shows(&page, 200, &[r#"<label for="post-email">Email</label>"#]);
    let reply = browser.submit_with_token(REGISTER, &DORA).await;
    leads_to(&reply, "/auth/register/?done=yes");
    shows(
        &browser.open("/auth/register/?done=yes").await,
        200,
        &["<h1>Check your mail</h1>"],
    );
    let (_, uid, token) = app.outbox.link();
    let link = format!("{VERIFY}?uid={uid}&token={token}");
    let hidden = format!(r#"<input type="hidden" name="token" value="{token}">"#);
    let page = browser.open(&link).await;
    shows(&page, 200, &[&hidden, r#"autocomplete="current-password""#]);
    let parts = [("uid", uid.as_str()), ("token", token.as_str())];
    let with = |password| [parts[0], parts[1], ("password", password)];
    let page = browser.submit_with_token(VERIFY, &with("wrong")).await;
    shows(&page, 400, &[&hidden, "<strong>This is not the password"]);
    let reply = browser.submit_with_token(VERIFY, &with(PASSWORD)).await;
    leads_to(&reply, ACCOUNT);
    browser.open(VERIFY).await;
    let page = browser.submit_with_token(VERIFY, &with(PASSWORD)).await;
    let again = r#"<a href="/auth/register/resend/">Get another link</a>"#;
    shows(&page, 400, &["The verification link was invalid", again]);
    assert!(!page.body.contains(r#"name="password""#));
    shows(
        &browser.open(VERIFY).await,
        200,
        &["This link is not complete.", again],
    );
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_by_the_page_behind_the_link() {
    let app = AccountsApp::new().with_address("alice@example.com").await;
    let mut browser = Browser::new(&app.app);
    for email in ["nobody@example.com", "alice@example.com"] {
        browser.open(RESET).await;
        let reply = browser.submit_with_token(RESET, &[("email", email)]).await;
        leads_to(&reply, "/auth/password/reset/?done=yes");
    }
    let (_, uid, token) = app.outbox.link();
    let page = browser
        .open(&format!("{CONFIRM}?uid={uid}&token={token}"))
        .await;
    assert_eq!(page.header("referrer-policy"), Some("strict-origin"));
    assert_eq!(
        page.body.matches(&token).count(),
        1,
        "in the form, and in no address"
    );
    let fields = [
        ("uid", uid.as_str()),
        ("token", &token),
        ("new_password", PASSWORD),
    ];
    let reply = browser.submit_with_token(CONFIRM, &fields).await;
    leads_to(&reply, "/auth/password/reset/confirm/?done=yes");
    assert!(app.log_in("alice", PASSWORD).await.is_some());
    let page = browser.submit_with_token(CONFIRM, &fields).await;
    let again = r#"<a href="/auth/password/reset/">Get another link</a>"#;
    shows(&page, 400, &["The password reset link was invalid", again]);
}

#[tokio::test]
async fn an_outage_is_told_and_what_was_typed_is_kept() {
    let app = AccountsApp::new();
    app.outbox.is_full.store(true, SeqCst);
    let mut browser = Browser::new(&app.app);
    browser.open(RESET).await;
    let page = browser.submit_with_token(RESET, &DORA[1..2]).await;
    shows(
        &page,
        503,
        &["Please try again soon.", r#"value="dora@example.com""#],
    );
    assert!(page.header("retry-after").is_some());
}

#[tokio::test]
async fn an_account_is_changed_by_its_page() {
    let app = AccountsApp::with(|settings| settings.sessions = true, |_| ());
    let mut browser = Browser::new(&app.app);
    leads_to_log_in(&browser.open(ACCOUNT).await);
    browser.log_in().await;
    let profile = [
        ("form", "profile"),
        ("username", "alice"),
        ("first_name", "Alice"),
    ];
    let reply = browser.submit_with_token(ACCOUNT, &profile).await;
    leads_to(&reply, "/auth/account/?done=profile");
    let page = browser.open("/auth/account/?done=profile").await;
    shows(
        &page,
        200,
        &[
            "Your profile is saved.",
            r#"value="Alice" autocomplete="given-name""#,
        ],
    );
    let taken = [("form", "profile"), ("username", "bob")];
    let page = browser.submit_with_token(ACCOUNT, &taken).await;
    shows(
        &page,
        400,
        &["Error: Your account", "<strong>A user with that username"],
    );
    let change = |old| {
        [
            ("form", "password"),
            ("old_password", old),
            ("new_password", PASSWORD),
        ]
    };
    let page = browser
        .submit_with_token(ACCOUNT, &change("hush-hush"))
        .await;
    shows(
        &page,
        400,
        &[
            "<strong>Your old password was entered incorrectly.",
            r#"value="Alice""#,
        ],
    );
    assert!(!page.body.contains("hush-hush") && !page.body.contains(PASSWORD));
    let reply = browser.submit_with_token(ACCOUNT, &change("secret")).await;
    leads_to(&reply, "/auth/account/?done=password");
    assert!(app.log_in("alice", PASSWORD).await.is_some());
    let page = browser.submit(ACCOUNT, &change("secret")).await;
    shows(&page, 403, &["another site sent the form"]);
    let page = browser
        .submit_with_token(ACCOUNT, &[("form", "other")])
        .await;
    shows(&page, 400, &["This page has no such form."]);
}

fn leads_to_log_in(reply: &Reply) {
    leads_to(reply, "/auth/login/?next=/auth/account/");
    assert_eq!(reply.header("www-authenticate"), None);
}

#[tokio::test]
async fn sessions_are_ended_by_the_page_of_the_account() {
    let app = AccountsApp::with(|settings| settings.sessions = true, |_| ());
    let (mut browser, mut other) = (Browser::new(&app.app), Browser::new(&app.app));
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let mut other_firefox = other.again().with("user-agent", firefox);
    other_firefox.log_in().await;
    other.jar = other_firefox.jar;
    browser.log_in().await;
    let page = browser.open(ACCOUNT).await;
    shows(
        &page,
        200,
        &["This browser", r#"<p class="browser">Firefox on Linux</p>"#],
    );
    let (_, id) = page.body.split_once(r#"name="id" value=""#).unwrap();
    let id = id.split('"').next().unwrap();
    let end = [("form", "session"), ("id", id)];
    shows(
        &browser.submit(ACCOUNT, &end).await,
        403,
        &["another site sent"],
    );
    assert_eq!(other.open(ACCOUNT).await.status, 200);
    let reply = browser.submit_with_token(ACCOUNT, &end).await;
    leads_to(&reply, "/auth/account/?done=session");
    leads_to_log_in(&other.open(ACCOUNT).await);
    let page = browser.submit_with_token(ACCOUNT, &end).await;
    shows(&page, 404, &["Not found."]);
    let reply = browser
        .submit_with_token(ACCOUNT, &[("form", "everywhere")])
        .await;
    leads_to_log_in(&reply);
    assert_eq!(browser.cookie(ACCESS), "");
}

#[tokio::test]
async fn the_log_in_page_offers_what_there_is() {
    let login = tokenpair::web::browser_login("/");
    let everything = Site::new("Site").register(REGISTER).password_reset(RESET);
    let routes = Router::new()
        .url("/bare/", login.clone())
        .url("/full/", login.site(&everything));
    let app = TestApp::new().with_routes(routes);
    let links = [
        r#"<a href="/auth/password/reset/">Forgot your password?</a>"#,
        r#"<a href="/auth/register/">Create an account</a>"#,
    ];
    shows(&app.get("/full/").await, 200, &links);
    let bare = app.get("/bare/").await;
    assert!(links.iter().all(|link| !bare.body.contains(link)));
}

#[tokio::test]
async fn without_cookies_there_are_no_pages_for_people() {
    let app = AccountsApp::with(|settings| settings.auth_cookies = false, |_| ());
    let mut browser = Browser::new(&app.app);
    for path in [REGISTER, VERIFY, RESEND, RESET, CONFIRM] {
        shows(&browser.open(path).await, 400, &["AUTH_COOKIES is off"]);
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let reply = browser.send(Method::POST, path, &headers, "email=a").await;
        shows(&reply, 400, &["AUTH_COOKIES is off"]);
    }
    assert_eq!(browser.cookie(CSRF), "");
}
