//! Guarded views and extractors: what a header is worth, in which order requests are judged.

use crate::app::{NOW, Reply, TestApp, alice, good, sign, token_not_valid};
use axum::body::Body;
use axum::http::{Method, Request};
use tokenpair::{RefreshToken, TokenClass, UserTable as _};

const NOT_PROVIDED: &str = r#"{"detail":"Authentication credentials were not provided."}"#;
const BAD_HEADER: &str = r#"{"detail":"Authorization header must contain two space-delimited values","code":"bad_authorization_header"}"#;
const FORBIDDEN: &str = r#"{"detail":"You do not have permission to perform this action."}"#;
const CHALLENGE: Option<&str> = Some(r#"Bearer realm="api""#);

/// The body for a token that `AccessToken` refuses.
fn refused(message: &str) -> String {
    refused_by(&[("AccessToken", "access", message)])
}

fn refused_by(classes: &[(&str, &str, &str)]) -> String {
    let messages: Vec<_> = classes
        .iter()
        .map(|(class, name, text)| {
            format!(r#"{{"token_class":"{class}","token_type":"{name}","message":"{text}"}}"#)
        })
        .collect();
    let messages = messages.join(",");
    format!(
        r#"{{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[{messages}]}}"#
    )
}

async fn call(app: &TestApp, method: Method, path: &str, token: Option<&str>) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    app.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_good_token_opens_every_guarded_route() {
    let app = TestApp::new();
    let access = app.log_in().await.access;
    for (path, body) in [
        ("/me/", r#"{"id":1,"username":"alice"}"#),
        ("/plain", r#"{"id":1,"username":"alice"}"#),
        (
            "/stateless/",
            r#"{"id":"1","username":"","is_staff":false}"#,
        ),
        ("/maybe", r#"{"id":"1"}"#),
        ("/admin/", r#"{"id":1}"#),
        ("/open/", r#"{"id":1}"#),
        ("/read-or-auth/", r#"{"id":1}"#),
    ] {
        app.get_as(&access, path).await.assert(200, body);
    }
}

#[tokio::test]
async fn without_credentials_only_open_routes_answer() {
    let app = TestApp::new();
    for path in [
        "/me/",
        "/plain",
        "/stateless/",
        "/admin/",
        "/stateless-admin/",
    ] {
        let reply = app.get(path).await;
        reply.assert(401, NOT_PROVIDED);
        assert_eq!(reply.header("www-authenticate"), CHALLENGE, "{path}");
    }
    for path in ["/open/", "/maybe", "/read-or-auth/"] {
        app.get(path).await.assert(200, r#"{"id":null}"#);
    }
}

#[tokio::test]
async fn bad_credentials_fail_even_at_open_routes() {
    let app = TestApp::new();
    for path in [
        "/me/",
        "/plain",
        "/stateless/",
        "/admin/",
        "/open/",
        "/maybe",
        "/read-or-auth/",
    ] {
        let reply = app.get_as("rubbish", path).await;
        reply.assert(401, refused("Token is invalid"));
        assert_eq!(reply.header("www-authenticate"), CHALLENGE, "{path}");
    }
}

#[tokio::test]
async fn views_carry_drfs_headers_and_plain_routes_do_not() {
    let app = TestApp::new();
    let access = app.log_in().await.access;
    let headers =
        |reply: &Reply| ["allow", "vary"].map(|name| reply.header(name).map(str::to_owned));
    let view = app.get_as(&access, "/me/").await;
    assert_eq!(
        headers(&view),
        [
            Some("GET, HEAD, OPTIONS".to_owned()),
            Some("Accept".to_owned())
        ]
    );
    let refused = app.get("/read-or-auth/").await;
    assert_eq!(
        headers(&refused),
        [
            Some("GET, POST, HEAD, OPTIONS".to_owned()),
            Some("Accept".to_owned())
        ]
    );
    assert_eq!(headers(&app.get_as(&access, "/plain").await), [None, None]);
}

#[tokio::test]
async fn permission_comes_before_method() {
    let app = TestApp::new();
    let access = app.log_in().await.access;
    call(&app, Method::PUT, "/me/", None)
        .await
        .assert(401, NOT_PROVIDED);
    let put = call(&app, Method::PUT, "/me/", Some(&access)).await;
    put.assert(405, r#"{"detail":"Method \"PUT\" not allowed."}"#);
    call(&app, Method::OPTIONS, "/me/", None)
        .await
        .assert(401, NOT_PROVIDED);
    assert_eq!(
        call(&app, Method::OPTIONS, "/me/", Some(&access))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let app = TestApp::new();
    let access = app.log_in().await.access;
    call(&app, Method::HEAD, "/me/", Some(&access))
        .await
        .assert(200, "");
    call(&app, Method::HEAD, "/me/", None).await.assert(401, "");
}

#[tokio::test]
async fn reading_is_free_and_writing_is_not() {
    let app = TestApp::new();
    let access = app.log_in().await.access;
    call(&app, Method::POST, "/read-or-auth/", None)
        .await
        .assert(401, NOT_PROVIDED);
    call(&app, Method::POST, "/read-or-auth/", Some(&access))
        .await
        .assert(200, r#"{"id":1}"#);
    assert_eq!(
        call(&app, Method::OPTIONS, "/read-or-auth/", None)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn only_staff_passes_the_admin_routes() {
    let app = TestApp::new();
    let of = |user_id: i64, more: &str| {
        sign(
            &good("access", more).replace(r#""user_id":"1""#, &format!(r#""user_id":"{user_id}""#)),
        )
    };
    let reply = app.get_as(&of(3, r#","is_staff":true"#), "/admin/").await;
    reply.assert(403, FORBIDDEN);
    assert_eq!(reply.header("www-authenticate"), None);
    for (is_staff, status) in [
        ("true", 200),
        ("1", 200),
        (r#""no""#, 200),
        ("false", 403),
        ("0", 403),
        ("[]", 403),
    ] {
        let token = of(3, &format!(r#","is_staff":{is_staff}"#));
        assert_eq!(
            app.get_as(&token, "/stateless-admin/").await.status,
            status,
            "{is_staff}"
        );
    }
}

#[tokio::test]
async fn a_header_is_split_at_ascii_white_space() {
    let app = TestApp::new();
    let access = app.log_in().await.access;
    let header = |text: &str| text.replace('T', &access).into_bytes();
    for (text, status) in [
        ("Bearer T", 200),
        ("  Bearer \t T  ", 200),
        ("bearer T", 401),
        ("Bearer: T", 401),
        ("T", 401),
    ] {
        let reply = app.get_with("authorization", &header(text), "/me/").await;
        assert_eq!(reply.status, status, "{text}");
        if status == 401 {
            reply.assert(401, NOT_PROVIDED);
        }
    }
    for text in ["Bearer", "Bearer ", "Bearer T T", "Bearer T ,"] {
        app.get_with("authorization", &header(text), "/me/")
            .await
            .assert(401, BAD_HEADER);
    }
    for text in [
        &b"Bearer \xff"[..],
        "Bearer ü.ü.ü".as_bytes(),
        b"Bearer a\xa0b",
    ] {
        app.get_with("authorization", text, "/me/")
            .await
            .assert(401, refused("Token is invalid"));
    }
}

#[tokio::test]
async fn repeated_headers_are_one_header() {
    let app = TestApp::new();
    let access = app.log_in().await.access;
    let request = Request::get("/me/")
        .header("authorization", format!("Bearer {access}"))
        .header("authorization", "x");
    app.send(request.body(Body::empty()).unwrap())
        .await
        .assert(401, refused("Token is invalid"));
}

#[tokio::test]
async fn tokens_are_read_from_nowhere_else() {
    let app = TestApp::new();
    let access = app.log_in().await.access;
    app.get(&format!("/me/?token={access}&access_token={access}"))
        .await
        .assert(401, NOT_PROVIDED);
    let cookie = format!("access={access}; Authorization=Bearer {access}");
    app.get_with("cookie", cookie.as_bytes(), "/me/")
        .await
        .assert(401, NOT_PROVIDED);
}

#[tokio::test]
async fn auth_header_name_moves_the_token() {
    let app =
        TestApp::with(|settings| settings.auth_header_name = "HTTP_X_ACCESS_TOKEN".to_owned());
    let access = app.log_in().await.access;
    app.get_as(&access, "/me/").await.assert(401, NOT_PROVIDED);
    let reply = app
        .get_with(
            "x-access-token",
            format!("Bearer {access}").as_bytes(),
            "/me/",
        )
        .await;
    assert_eq!(reply.status, 200);
    app.get_with("x-access-token", b"Bearer", "/me/")
        .await
        .assert(401, BAD_HEADER);
}

#[tokio::test]
async fn the_first_of_auth_header_types_is_the_challenge() {
    let app = TestApp::with(|settings| {
        settings.auth_header_types = vec!["JWT".to_owned(), "Bearer".to_owned()];
    });
    let access = app.log_in().await.access;
    for scheme in ["JWT", "Bearer"] {
        let reply = app
            .get_with(
                "authorization",
                format!("{scheme} {access}").as_bytes(),
                "/me/",
            )
            .await;
        assert_eq!(reply.status, 200, "{scheme}");
    }
    assert_eq!(
        app.get("/me/").await.header("www-authenticate"),
        Some(r#"JWT realm="api""#)
    );
}

#[tokio::test]
async fn every_flaw_of_a_token_has_its_text() {
    let app = TestApp::new();
    let pair = app.log_in().await;
    let exp = NOW + 10;
    for (token, text) in [
        (pair.refresh, "Token has wrong type"),
        (sign(r#"{"exp":1}"#), "Token is expired"),
        (sign(r#"{"jti":"a"}"#), "Token has no 'exp' claim"),
        (sign(&format!(r#"{{"exp":{exp}}}"#)), "Token has no id"),
        (
            sign(&format!(r#"{{"exp":{exp},"jti":"a"}}"#)),
            "Token has no type",
        ),
    ] {
        app.get_as(&token, "/me/").await.assert(401, refused(text));
    }
}

#[tokio::test]
async fn the_first_class_that_accepts_wins_and_all_refusals_are_told() {
    let classes = vec![TokenClass::Sliding, TokenClass::Access];
    let app = TestApp::with(|settings| settings.auth_token_classes = classes);
    let pair = app.log_in().await;
    let sliding = app.log_in_sliding().await;
    for token in [&pair.access, &sliding] {
        assert_eq!(app.get_as(token, "/me/").await.status, 200);
    }
    let wrong = "Token has wrong type";
    let body = refused_by(&[
        ("SlidingToken", "sliding", wrong),
        ("AccessToken", "access", wrong),
    ]);
    app.get_as(&pair.refresh, "/me/").await.assert(401, body);
}

#[tokio::test]
async fn a_class_that_is_listed_asks_the_blacklist() {
    let app = TestApp::with(|settings| settings.auth_token_classes = vec![TokenClass::Refresh]);
    let pair = app.log_in().await;
    assert_eq!(app.get_as(&pair.refresh, "/me/").await.status, 200);
    app.blacklist(&pair.refresh).await.assert(200, "{}");
    for path in ["/me/", "/stateless/"] {
        let body = refused_by(&[("RefreshToken", "refresh", "Token is blacklisted")]);
        app.get_as(&pair.refresh, path).await.assert(401, body);
    }
}

#[tokio::test]
async fn the_user_claim_is_required_and_must_name_an_active_user() {
    let app = TestApp::new();
    let naming = |claim: &str| sign(&good("access", "").replace(r#","user_id":"1""#, claim));
    let unidentified = token_not_valid("Token contained no recognizable user identification");
    for path in ["/me/", "/stateless/"] {
        app.get_as(&naming(""), path)
            .await
            .assert(401, &unidentified);
    }
    for claim in [
        "null",
        r#""""#,
        r#""99""#,
        r#""abc""#,
        r#""9223372036854775808""#,
        "[1]",
        "{}",
        "1e300",
    ] {
        let reply = app
            .get_as(&naming(&format!(r#","user_id":{claim}"#)), "/me/")
            .await;
        reply.assert(
            401,
            r#"{"detail":"User not found","code":"user_not_found"}"#,
        );
    }
    let inactive = app.get_as(&naming(r#","user_id":"2""#), "/me/").await;
    inactive.assert(
        401,
        r#"{"detail":"User is inactive","code":"user_inactive"}"#,
    );
}

#[tokio::test]
async fn every_spelling_of_an_integer_key_is_the_same_user() {
    let app = TestApp::new();
    for claim in ["1", r#""1""#, r#"" +01 ""#, "1.5", "true"] {
        let payload =
            good("access", "").replace(r#""user_id":"1""#, &format!(r#""user_id":{claim}"#));
        assert_eq!(
            app.get_as(&sign(&payload), "/me/").await.status,
            200,
            "{claim}"
        );
    }
}

#[tokio::test]
async fn check_user_is_active_off_admits_inactive_users() {
    let app = TestApp::with(|settings| settings.check_user_is_active = false);
    let token = sign(&good("access", "").replace(r#""user_id":"1""#, r#""user_id":"2""#));
    app.get_as(&token, "/me/")
        .await
        .assert(200, r#"{"id":2,"username":"bob"}"#);
}

#[tokio::test]
async fn a_password_change_ends_access_where_the_user_is_looked_up() {
    let app = TestApp::with(|settings| settings.check_revoke_token = true);
    let access = app.log_in().await.access;
    assert_eq!(app.get_as(&access, "/me/").await.status, 200);
    app.store.set_password(&alice(), "!").await.unwrap();
    let changed = r#"{"detail":"The user's password has been changed.","code":"password_changed"}"#;
    app.get_as(&access, "/me/").await.assert(401, changed);
    app.get_as(&sign(&good("access", "")), "/me/")
        .await
        .assert(401, changed);
    assert_eq!(app.get_as(&access, "/stateless/").await.status, 200);
}

#[tokio::test]
async fn custom_claims_reach_the_stateless_user() {
    let app = TestApp::new();
    let mut refresh = RefreshToken::for_user(&app.jwt, &alice()).await.unwrap();
    refresh.insert("username", "alice");
    refresh.insert("is_staff", true);
    let access = app.jwt.encode(&refresh.access_token(&app.jwt)).unwrap();
    app.get_as(&access, "/stateless/")
        .await
        .assert(200, r#"{"id":"1","username":"alice","is_staff":true}"#);
}
