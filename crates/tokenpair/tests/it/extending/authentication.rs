//! Authentication and permission classes of one's own, and several authentication backends.

use super::{assert_as_recorded, texts};
use crate::app::{KEY, TOKEN, TestApp, alice, memory, settings};
use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use axum::routing::get;
use std::sync::Arc;
use tokenpair::json::{Object, Value};
use tokenpair::passwords::{PasswordHashers, Rounds};
use tokenpair::web::{
    DjangoUrls as _, IsAuthenticated, Permission, Permitted, Principal, View, answer,
};
use tokenpair::{
    AccessToken, Credentials, Error, ModelBackend, RefreshToken, RequestInfo, SimpleJwt,
    StoreError, TokenUser, User, UserId, UserIdKind, UserStore,
};

fn of_user(jwt: &SimpleJwt, user: &User) -> Response {
    let mut data = Object::new();
    data.insert("id", Value::from(&user.id));
    data.insert("username", user.username.as_str());
    answer(jwt, &RequestInfo::default(), Ok(data))
}

/// Who the cookie `access_token` names.
#[derive(Clone)]
struct CookieUser(User);

impl Principal for CookieUser {
    fn get_header(_jwt: &SimpleJwt, headers: &HeaderMap) -> Option<String> {
        let lines = headers.get_all(header::COOKIE).iter();
        let mut cookies = lines.flat_map(|line| line.to_str().unwrap_or("").split("; "));
        let token = cookies.find_map(|cookie| cookie.strip_prefix("access_token="))?;
        Some(format!("Bearer {token}"))
    }

    async fn authenticate(jwt: &SimpleJwt, header: Option<&str>) -> Result<Option<Self>, Error> {
        Ok(User::authenticate(jwt, header).await?.map(Self))
    }

    fn is_admin(&self) -> bool {
        self.0.is_admin()
    }
}

#[tokio::test]
async fn a_token_may_come_in_a_cookie() {
    async fn me(
        State(jwt): State<SimpleJwt>,
        IsAuthenticated(CookieUser(user)): IsAuthenticated<CookieUser>,
    ) -> Response {
        of_user(&jwt, &user)
    }
    let view = View::new("Me")
        .permission::<IsAuthenticated<CookieUser>>()
        .get(me);
    let app = TestApp::new().with_routes(Router::new().url("/cookie/", view));
    let access = app.log_in().await.access;
    let with_cookie = |cookie: String| {
        let app = &app;
        async move { app.get_with("cookie", cookie.as_bytes(), "/cookie/").await }
    };
    let good = with_cookie(format!("theme=dark; access_token={access}")).await;
    assert_as_recorded(&good, "cookie");
    assert_as_recorded(&app.get("/cookie/").await, "cookie missing");
    let bad = with_cookie("access_token=rubbish".to_owned()).await;
    assert_as_recorded(&bad, "cookie bad");
    assert_as_recorded(&app.get_as(&access, "/cookie/").await, "cookie missing");
    let cookie = format!("access_token={access}");
    let elsewhere = app.get_with("cookie", cookie.as_bytes(), "/me/").await;
    assert_eq!(elsewhere.status, 401, "other views do as before");
}

/// A stateless user with a property of its own.
#[derive(Clone)]
struct Member(TokenUser);

impl Member {
    fn tenant(&self) -> &str {
        let tenant = self.0.claims().get("tenant");
        tenant.and_then(Value::as_str).unwrap_or_default()
    }
}

impl Principal for Member {
    async fn authenticate(jwt: &SimpleJwt, header: Option<&str>) -> Result<Option<Self>, Error> {
        Ok(TokenUser::authenticate(jwt, header).await?.map(Self))
    }

    fn is_admin(&self) -> bool {
        self.0.is_admin()
    }
}

#[tokio::test]
async fn a_token_user_may_have_properties_of_its_own() {
    async fn tenant(
        State(jwt): State<SimpleJwt>,
        IsAuthenticated(member): IsAuthenticated<Member>,
    ) -> Response {
        texts(&jwt, [("tenant", member.tenant())])
    }
    let app = TestApp::new().with_routes(Router::new().route("/member/", get(tenant)));
    let mut refresh = RefreshToken::for_user(&app.jwt, &alice()).await.unwrap();
    refresh.insert("tenant", "acme");
    let access = app.jwt.encode(&refresh.access_token(&app.jwt)).unwrap();
    let reply = app.get_as(&access, "/member/").await;
    assert_as_recorded(&reply, "own token user");
}

/// `request.user` and `request.auth`.
#[tokio::test]
async fn a_view_gets_the_user_and_the_claims_of_the_token() {
    async fn both(
        State(jwt): State<SimpleJwt>,
        IsAuthenticated(user): IsAuthenticated,
        token: TokenUser,
    ) -> Response {
        let name = token.claims().get("name").and_then(Value::as_str);
        let name = name.unwrap_or_default();
        texts(&jwt, [("username", &user.username), ("name", name)])
    }
    let app = TestApp::built(
        |_| (),
        |builder, store| {
            builder.store(store).get_token(|claims, user| {
                claims.insert("name", user.username.as_str());
            })
        },
    );
    let app = app.with_routes(Router::new().route("/both/", get(both)));
    let access = app.log_in().await.access;
    assert_as_recorded(&app.get_as(&access, "/both/").await, "user and claims");
}

struct IsSuperuser(User);

impl Permission for IsSuperuser {
    type Principal = User;

    fn check(caller: Option<User>, _method: &Method) -> Result<Self, Error> {
        match caller {
            Some(user) if user.is_superuser => Ok(Self(user)),
            Some(_) => Err(Error::PermissionDenied),
            None => Err(Error::NotAuthenticated),
        }
    }
}

#[tokio::test]
async fn a_permission_of_ones_own_guards_views_and_handlers() {
    async fn superuser(
        State(jwt): State<SimpleJwt>,
        Permitted(IsSuperuser(user)): Permitted<IsSuperuser>,
    ) -> Response {
        of_user(&jwt, &user)
    }
    let view = View::new("Superuser")
        .permission::<IsSuperuser>()
        .get(superuser);
    let routes = Router::new()
        .url("/superuser/", view)
        .route("/handler", get(superuser));
    let app = TestApp::new().with_routes(routes);
    let mut root = User::new(9, "root");
    root.is_superuser = true;
    app.store.add_user(root.clone());
    let token = |user: &User| {
        app.jwt
            .encode(&AccessToken::for_user(&app.jwt, user))
            .unwrap()
    };
    for path in ["/superuser/", "/handler"] {
        assert_as_recorded(&app.get(path).await, "own permission, anybody");
        let reply = app.get_as(&token(&alice()), path).await;
        assert_as_recorded(&reply, "own permission, not granted");
        app.get_as(&token(&root), path)
            .await
            .assert(200, r#"{"id":9,"username":"root"}"#);
    }
}

/// A caller that is no user at all.
#[derive(Clone)]
struct Machine(String);

impl Principal for Machine {
    fn get_header(_jwt: &SimpleJwt, headers: &HeaderMap) -> Option<String> {
        Some(headers.get("x-api-key")?.to_str().ok()?.to_owned())
    }

    async fn authenticate(_jwt: &SimpleJwt, header: Option<&str>) -> Result<Option<Self>, Error> {
        let known = header.filter(|key| *key == KEY);
        Ok(known.map(|_| Self("backup".to_owned())))
    }

    fn is_admin(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn callers_may_have_keys_instead_of_tokens() {
    async fn name(IsAuthenticated(Machine(name)): IsAuthenticated<Machine>) -> String {
        name
    }
    let app = TestApp::new().with_routes(Router::new().route("/backup/", get(name)));
    let reply = app.get_with("x-api-key", KEY.as_bytes(), "/backup/").await;
    reply.assert(200, "backup");
    for key in ["", "guessed"] {
        let reply = app.get_with("x-api-key", key.as_bytes(), "/backup/").await;
        assert_eq!(reply.status, 401);
    }
    assert_eq!(app.get("/backup/").await.status, 401);
}

/// `AUTHENTICATION_BACKENDS`: a directory first, then Django's users.
struct Backends(ModelBackend);

/// What a directory would be asked.
fn binds(credentials: &Credentials) -> bool {
    credentials.username == "alice" && credentials.password == "from the directory"
}

#[async_trait]
impl UserStore for Backends {
    async fn authenticate(&self, credentials: &Credentials) -> Result<Option<User>, Error> {
        if binds(credentials) {
            return Ok(self.0.get_user(&UserId::Int(1)).await?);
        }
        self.0.authenticate(credentials).await
    }

    async fn get_user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        self.0.get_user(id).await
    }

    fn user_id_kind(&self) -> UserIdKind {
        self.0.user_id_kind()
    }
}

#[tokio::test]
async fn one_backend_is_asked_after_the_other() {
    let hashers = PasswordHashers::new(&settings().password_hashers, &Rounds::default()).unwrap();
    let backends = Backends(ModelBackend::new(Arc::new(memory()), hashers).unwrap());
    let app = TestApp::built(
        |_| (),
        |builder, store| builder.users(backends).tokens(store),
    );
    let log_in = |password: &'static str| {
        let body = format!(r#"{{"username":"alice","password":"{password}"}}"#);
        let app = &app;
        async move { app.post(TOKEN, body).await }
    };
    for password in ["from the directory", "secret"] {
        let reply = log_in(password).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let me = app.get_as(&reply.text("access"), "/me/").await;
        me.assert(200, r#"{"id":1,"username":"alice"}"#);
    }
    assert_eq!(log_in("wrong").await.status, 401);
}
