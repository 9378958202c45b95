//! `get_token` and `validate`: claims, answer fields, lifetimes, claims that are renewed.

use super::{assert_as_recorded, texts};
use crate::app::{ALICE, NOW, SLIDING, TOKEN, TestApp};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use std::sync::Arc;
use tokenpair::json::Value;
use tokenpair::web::{
    DjangoUrls as _, IsAuthenticated, View, answer, read_fields, token_obtain_pair,
};
use tokenpair::{AccessToken, Answer, Error, RequestInfo, SimpleJwt, TokenUser, flows};

#[tokio::test]
async fn own_claims_stand_where_simple_jwt_puts_them() {
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            builder.store(store).get_token(|claims, user| {
                claims.insert("name", user.username.as_str());
                claims.insert("groups", vec![Value::from("editors")]);
            })
        },
    );
    let pair = app.post(TOKEN, ALICE).await;
    assert_as_recorded(&pair, "own claims");
    let refreshed = app.refresh(&pair.text("refresh")).await;
    assert_as_recorded(&refreshed, "own claims, refreshed");
}

#[tokio::test]
async fn own_claims_of_a_sliding_token_stand_where_simple_jwt_puts_them() {
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            builder.store(store).get_token(|claims, user| {
                claims.insert("name", user.username.as_str());
            })
        },
    );
    assert_as_recorded(&app.post(SLIDING, ALICE).await, "own claims, sliding");
}

#[tokio::test]
async fn own_answer_fields_follow_the_tokens() {
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            builder.store(store).validate(|data, answer| {
                if let Answer::ObtainPair(user) = answer {
                    data.insert("username", user.username.as_str());
                    data.insert("is_staff", user.is_staff);
                }
            })
        },
    );
    assert_as_recorded(&app.post(TOKEN, ALICE).await, "own answer fields");
}

/// Simple JWT signs the same, but has recorded the class's own lifetime before, and forgets the token too early.
#[tokio::test]
async fn a_lifetime_of_ones_own_is_signed_and_recorded() {
    let in_thirty_days = NOW + 30 * 86_400;
    let app = TestApp::built(
        |_| (),
        move |builder, store| {
            builder.store(store).get_token(move |claims, _| {
                claims.insert("exp", in_thirty_days);
            })
        },
    );
    assert_as_recorded(&app.post(TOKEN, ALICE).await, "own lifetime");
    let record = app.store.outstanding(&format!("{:032x}", 1)).unwrap();
    assert_eq!(record.expires_at.as_seconds(), in_thirty_days);
}

#[tokio::test]
async fn claims_are_renewed_at_refresh_by_an_endpoint_of_ones_own() {
    async fn refresh(
        State(jwt): State<SimpleJwt>,
        info: RequestInfo,
        request: Request,
    ) -> Result<Response, Response> {
        let [token] = read_fields(&jwt, request, ["refresh"]).await?;
        let renewed = async {
            let mut data = flows::refresh(&jwt, &token, &info).await?;
            let access = data.get("access").and_then(Value::as_str);
            let mut access = AccessToken::verify(&jwt, access.unwrap_or_default())?;
            access.insert("role", "editor");
            data.insert("access", jwt.encode(&access)?);
            Ok::<_, Error>(data)
        };
        Ok(answer(&jwt, &info, renewed.await))
    }
    let view = View::new("Token Refresh").post(refresh);
    let app = TestApp::new().with_routes(Router::new().url("/renewed/", view));
    let pair = app.log_in().await;
    let reply = app.post_field("/renewed/", "refresh", &pair.refresh).await;
    assert_as_recorded(&reply, "claims renewed at refresh");
    app.post_field("/renewed/", "refresh", "rubbish")
        .await
        .assert_refused("Token is invalid");
    app.post("/renewed/", "{}")
        .await
        .assert(400, r#"{"refresh":["This field is required."]}"#);
}

/// Two serializers at two views are two engines over one store: same key, same blacklist.
#[tokio::test]
async fn two_log_ins_with_claims_of_their_own_share_one_store() {
    async fn whoami(State(jwt): State<SimpleJwt>, token: TokenUser) -> Response {
        let client = token.claims().get("client").and_then(Value::as_str);
        texts(&jwt, [("client", client.unwrap_or_default())])
    }
    let app = TestApp::new();
    let for_client = |client: &'static str| {
        SimpleJwt::builder(app.jwt.settings().clone())
            .shared_store(Arc::new(app.store.clone()))
            .clock(app.clock.clone())
            .get_token(move |claims, _| {
                claims.insert("client", client);
            })
            .build()
            .unwrap()
    };
    let log_in = |path: &'static str, client| {
        Router::new()
            .url(path, token_obtain_pair())
            .with_state(for_client(client))
    };
    let (site, shop) = (
        log_in("/site/token/", "site"),
        log_in("/shop/token/", "shop"),
    );
    let whoami = Router::new().url(
        "/whoami/",
        View::new("Who").permission::<IsAuthenticated>().get(whoami),
    );
    let app = app
        .with_routes(whoami)
        .layered(|router| router.merge(site).merge(shop));
    for client in ["site", "shop"] {
        let pair = app.post(&format!("/{client}/token/"), ALICE).await;
        let reply = app.get_as(&pair.text("access"), "/whoami/").await;
        assert_eq!(reply.text("client"), client);
        app.blacklist(&pair.text("refresh")).await.assert(200, "{}");
    }
}
