//! Pages that are opened with a refresh cookie alone: whom it still lets in, and that it is not exchanged.

use crate::app::{NOW, TestApp, alice, claims};
use crate::browser::{ACCESS, Browser, CSRF, REFRESH_COOKIE, names, rotating, set_cookies};
use axum::Router;
use axum::http::Method;
use tokenpair::accounts::sessions::log_out_everywhere;
use tokenpair::json::Value;
use tokenpair::web::{DjangoUrls as _, View};
use tokenpair::{RequestInfo, SimpleJwt, TokenClass};

#[tokio::test]
async fn a_page_is_opened_with_a_refresh_token_that_is_not_exchanged() {
    let app = TestApp::with(rotating);
    let mut browser = Browser::new(&app);
    browser.log_in_by_form("").await;
    let (refresh, csrf) = (
        browser.cookie(REFRESH_COOKIE).to_owned(),
        browser.cookie(CSRF).to_owned(),
    );
    let recorded = app.store.outstanding_count();
    app.advance(400);
    for is_expired in [true, false] {
        // The browser drops the cookie on time, or a little late.
        if !is_expired {
            browser.jar.remove(ACCESS);
        }
        let page = browser.open("/me/").await;
        assert!(
            page.status == 200 && page.body.contains("alice"),
            "{page:?}"
        );
        assert_eq!(names(&page), [ACCESS]);
        assert!(
            set_cookies(&page)[0]
                .ends_with("; Path=/; Max-Age=300; Secure; HttpOnly; SameSite=Lax")
        );
        let exp = claims(browser.cookie(ACCESS)).get("exp").cloned();
        assert_eq!(exp, Some(Value::from(NOW + 700)));
    }
    let next = browser.open("/me/").await;
    assert_eq!(names(&next), [""; 0], "a good token is kept");
    assert_eq!(
        (browser.cookie(REFRESH_COOKIE), browser.cookie(CSRF)),
        (refresh.as_str(), csrf.as_str())
    );
    assert_eq!(app.store.outstanding_count(), recorded);
    assert_eq!(browser.refresh().await.status, 200, "it was not exchanged");
}

#[tokio::test]
async fn only_pages_are_opened_so() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.log_in_by_form("").await;
    browser.jar.remove(ACCESS);
    let reply = browser.call(Method::GET, "/me/", "").await;
    assert_eq!((reply.status, names(&reply).len()), (401, 0));
    let mut with_header = browser.again().with("authorization", "Bearer rubbish");
    assert_eq!(with_header.open("/me/").await.status, 401);
}

/// What ends a refresh token also ends what a page would make of it.
#[tokio::test]
async fn a_page_is_not_opened_with_a_token_that_could_not_be_refreshed() {
    for end in ["blacklisted", "ended", "password changed", "deactivated"] {
        let app = TestApp::with(|settings| {
            rotating(settings);
            settings.check_revoke_token = true;
            settings.sessions = true;
        });
        let mut browser = Browser::new(&app);
        browser.log_in_by_form("").await;
        browser.jar.remove(ACCESS);
        assert_eq!(browser.again().open("/me/").await.status, 200);
        let token = browser.cookie(REFRESH_COOKIE).to_owned();
        let mut user = alice();
        match end {
            "blacklisted" => app.blacklist(&token).await.assert(200, "{}"),
            "ended" => {
                let ended = log_out_everywhere(&app.jwt, &user, &RequestInfo::default()).await;
                assert_eq!(ended.unwrap().get("sessions"), Some(&Value::from(1)));
            }
            "password changed" => user.password = tokenpair::EncodedPassword::new("md5$x$y"),
            _ => user.is_active = false,
        }
        app.store.add_user(user);
        let count = app.store.outstanding_count();
        let mut opened = browser.again();
        let page = opened.open("/me/").await;
        assert_eq!((page.status, names(&page).len()), (401, 0), "{end}");
        assert_eq!(opened.jar, browser.jar, "{end}");
        let public = opened.open("/open/").await;
        assert!(
            public.status == 200 && !public.body.contains("alice"),
            "{end}"
        );
        assert_eq!(
            app.store.outstanding_count(),
            count,
            "{end}: nothing was written"
        );
        assert_eq!(app.refresh(&token).await.status, 401, "{end}");
    }
}

#[tokio::test]
async fn a_refresh_token_is_no_access_token_and_the_other_way_round() {
    let app = TestApp::new();
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    let (access, refresh) = (
        browser.cookie(ACCESS).to_owned(),
        browser.cookie(REFRESH_COOKIE).to_owned(),
    );
    for (first, second, status) in [
        ("", access.as_str(), 401),
        (refresh.as_str(), access.as_str(), 401),
        (&refresh, "", 401),
        // Nobody is known by it, so it is as none.
        (&refresh, &refresh, 200),
    ] {
        let mut browser = browser.again();
        browser.jar.insert(ACCESS.to_owned(), first.to_owned());
        browser
            .jar
            .insert(REFRESH_COOKIE.to_owned(), second.to_owned());
        assert_eq!(browser.open("/me/").await.status, status);
    }
}

#[tokio::test]
async fn where_access_tokens_let_nobody_in_none_is_made() {
    let app = TestApp::with(|settings| settings.auth_token_classes = vec![TokenClass::Sliding]);
    let mut browser = Browser::new(&app);
    browser.log_in().await;
    browser.jar.remove(ACCESS);
    let page = browser.open("/open/").await;
    assert_eq!((page.status, browser.cookie(ACCESS)), (200, ""));
}

#[tokio::test]
async fn a_cookie_of_the_handlers_own_comes_beside_ours() {
    let view = View::new("Theme").get(|| async {
        let headers = [
            ("set-cookie", "theme=dark; Path=/"),
            ("content-type", "application/json"),
        ];
        (headers, "{}")
    });
    let routes: Router<SimpleJwt> = Router::new().url("/theme/", view);
    let app = TestApp::new().with_routes(routes);
    let mut browser = Browser::new(&app);
    assert_eq!(names(&browser.open("/theme/").await), ["theme", CSRF]);
    assert_eq!(names(&browser.open("/theme/").await), ["theme"]);
    browser.log_in().await;
    browser.jar.remove(ACCESS);
    assert_eq!(names(&browser.open("/theme/").await), ["theme", ACCESS]);
}
