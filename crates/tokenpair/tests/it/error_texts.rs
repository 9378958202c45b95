//! `ERROR_TEXTS = "5.4"`: the wording before Simple JWT 5.5.
//!
//! In 5.4.0 `tokens.py` raises one text, "Token is invalid or expired", for whatever fails while a token is decoded; every
//! other text is the same in both versions (`tokens.py`, `authentication.py`, `serializers.py`).

use crate::app::{BLACKLIST, NOW, REFRESH, SLIDING_REFRESH, TestApp, VERIFY, good, sign};
use tokenpair::{ErrorTexts, TokenClass};

const BOTH: &str = "Token is invalid or expired";

fn app() -> TestApp {
    TestApp::with(|settings| settings.error_texts = ErrorTexts::V5_4)
}

fn expired(token_type: &str) -> String {
    let (now, past) = (NOW + 3600, NOW - 1);
    sign(&good(token_type, "").replace(&format!(r#""exp":{now}"#), &format!(r#""exp":{past}"#)))
}

#[tokio::test]
async fn error_texts_5_4_does_not_tell_expired_from_invalid() {
    let app = app();
    let forged = sign(&good("refresh", "")) + "x";
    for (path, field, token_type) in [
        (REFRESH, "refresh", "refresh"),
        (BLACKLIST, "refresh", "refresh"),
        (VERIFY, "token", "access"),
        (SLIDING_REFRESH, "token", "sliding"),
    ] {
        for token in ["a.b.c", &forged, &expired(token_type)] {
            let reply = app.post_field(path, field, token).await;
            assert_eq!(reply.text("detail"), BOTH, "{path} {token}");
            reply.assert_refused(BOTH);
        }
    }
}

#[tokio::test]
async fn error_texts_5_4_holds_for_the_messages_of_a_refused_request() {
    let app = TestApp::with(|settings| {
        settings.error_texts = ErrorTexts::V5_4;
        settings.auth_token_classes = vec![TokenClass::Access, TokenClass::Sliding];
    });
    let message = |class: &str, token_type: &str, text: &str| {
        format!(r#"{{"token_class":"{class}","token_type":"{token_type}","message":"{text}"}}"#)
    };
    for (token, access, sliding) in [
        ("rubbish".to_owned(), BOTH, BOTH),
        (expired("access"), BOTH, BOTH),
        (
            sign(&good("refresh", "")),
            "Token has wrong type",
            "Token has wrong type",
        ),
    ] {
        for path in ["/me/", "/stateless/"] {
            let messages = [
                message("AccessToken", "access", access),
                message("SlidingToken", "sliding", sliding),
            ];
            let body = format!(
                r#"{{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[{}]}}"#,
                messages.join(",")
            );
            app.get_as(&token, path).await.assert(401, body);
        }
    }
}

#[tokio::test]
async fn error_texts_5_4_changes_no_other_text() {
    let app = app();
    let sliding = |more: &str| sign(&good("sliding", more));
    let passed = sliding(&format!(r#","refresh_exp":{}"#, NOW - 1));
    for (path, field, token, text) in [
        (
            REFRESH,
            "refresh",
            sign(r#"{"exp":4000000000}"#),
            "Token has no id",
        ),
        (
            REFRESH,
            "refresh",
            sign(r#"{"jti":"a"}"#),
            "Token has no 'exp' claim",
        ),
        (
            VERIFY,
            "token",
            sign(r#"{"jti":"a"}"#),
            "Token has no 'exp' claim",
        ),
        (
            BLACKLIST,
            "refresh",
            sign(&good("access", "")),
            "Token has wrong type",
        ),
        (
            SLIDING_REFRESH,
            "token",
            sliding(""),
            "Token has no 'refresh_exp' claim",
        ),
        (
            SLIDING_REFRESH,
            "token",
            passed,
            "Token 'refresh_exp' claim has expired",
        ),
    ] {
        app.post_field(path, field, &token)
            .await
            .assert_refused(text);
    }
    let pair = app.log_in().await;
    app.blacklist(&pair.refresh).await.assert(200, "{}");
    for reply in [
        app.refresh(&pair.refresh).await,
        app.blacklist(&pair.refresh).await,
    ] {
        reply.assert_refused("Token is blacklisted");
    }
    app.verify(&pair.refresh)
        .await
        .assert(400, r#"{"non_field_errors":["Token is blacklisted"]}"#);
}
