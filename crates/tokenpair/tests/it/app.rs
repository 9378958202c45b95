//! [`TestApp`]: token endpoints and guarded views over a memory store, a clock that stands still and ids that count.

use aws_lc_rs::hmac;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokenpair::clock::{CountingIds, FixedClock};
use tokenpair::json::{self, Object, Value};
use tokenpair::passwords::Hasher;
use tokenpair::web::{
    AllowAny, DjangoUrls as _, IsAdminUser, IsAuthenticated, IsAuthenticatedOrReadOnly, View,
    browser_login, browser_logout, token_urls,
};
use tokenpair::{
    EncodedPassword, MemoryStore, Settings, SimpleJwt, SimpleJwtBuilder, TokenUser, User, UserId,
};
use tower::ServiceExt as _;

/// 2027-01-15 08:00:00 UTC, in seconds.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const KEY: &str = "a secret of at least 32 bytes, kept out of the code";

pub(crate) const TOKEN: &str = "/api/token/";
pub(crate) const REFRESH: &str = "/api/token/refresh/";
pub(crate) const VERIFY: &str = "/api/token/verify/";
pub(crate) const BLACKLIST: &str = "/api/token/blacklist/";
pub(crate) const SLIDING: &str = "/api/token/sliding/";
pub(crate) const SLIDING_REFRESH: &str = "/api/token/sliding/refresh/";

/// What a good log-in of alice sends.
pub(crate) const ALICE: &str = r#"{"username":"alice","password":"secret"}"#;
/// The password "secret" as Django stores it, and alice's revoke claim under it.
pub(crate) const SECRET: &str = "md5$abcdefghijklmnopqrstuv$59549c8e6897dd44401a081434b86c95";
pub(crate) const SECRET_DIGEST: &str = "AD93CA3140D332B3CE2ABEDF5C45B270";
/// The password " spaced ", blanks included.
const SPACED: &str = "md5$abcdefghijklmnopqrstuv$d21cd88333dd211c6a7321242c5ede71";

pub(crate) struct TestApp {
    pub(crate) jwt: SimpleJwt,
    pub(crate) store: MemoryStore,
    pub(crate) clock: FixedClock,
    router: Router,
}

/// A refresh token and its access token.
pub(crate) struct Pair {
    pub(crate) refresh: String,
    pub(crate) access: String,
}

/// alice is active staff, bob is inactive, carol is nobody special.
pub(crate) fn users() -> [User; 3] {
    let user = |id: i64, name: &str, password: &str| {
        let mut user = User::new(id, name);
        user.password = EncodedPassword::new(password);
        user
    };
    let mut users = [
        user(1, "alice", SECRET),
        user(2, "bob", SECRET),
        user(3, "carol", SPACED),
    ];
    users[0].is_staff = true;
    users[1].is_active = false;
    users
}

pub(crate) fn alice() -> User {
    let [alice, ..] = users();
    alice
}

pub(crate) fn memory() -> MemoryStore {
    let store = MemoryStore::default();
    for user in users() {
        store.add_user(user);
    }
    store
}

/// Defaults with a cheap hasher.
pub(crate) fn settings() -> Settings {
    let mut settings = Settings::new(KEY);
    settings.password_hashers = vec![Hasher::Md5];
    settings
}

impl TestApp {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    /// With other settings.
    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::built(change, SimpleJwtBuilder::store)
    }

    /// Users, and nowhere to record tokens: a Django project without the blacklist app.
    pub(crate) fn without_token_store(change: impl FnOnce(&mut Settings)) -> Self {
        Self::built(change, SimpleJwtBuilder::user_table)
    }

    /// With other parts.
    pub(crate) fn built(
        change: impl FnOnce(&mut Settings),
        parts: impl FnOnce(SimpleJwtBuilder, MemoryStore) -> SimpleJwtBuilder,
    ) -> Self {
        let mut settings = settings();
        change(&mut settings);
        let (store, clock) = (memory(), FixedClock::at(NOW));
        let builder = SimpleJwt::builder(settings)
            .clock(clock.clone())
            .ids(CountingIds::default());
        let jwt = parts(builder, store.clone()).build().unwrap();
        Self {
            router: router(jwt.clone()),
            jwt,
            store,
            clock,
        }
    }

    /// With routes of one's own beside.
    pub(crate) fn with_routes(mut self, routes: Router<SimpleJwt>) -> Self {
        let routes = routes.with_state(self.jwt.clone());
        self.router = self.router.merge(routes);
        self
    }

    /// With a layer around every route.
    pub(crate) fn layered(mut self, layer: impl FnOnce(Router) -> Router) -> Self {
        self.router = layer(self.router);
        self
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(jiff::SignedDuration::from_secs(seconds));
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// POSTs JSON.
    pub(crate) async fn post(&self, path: &str, body: impl Into<Body>) -> Reply {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    /// POSTs one field.
    pub(crate) async fn post_field(&self, path: &str, field: &str, value: &str) -> Reply {
        self.post(path, text_of([(field, value)])).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Reply {
        self.post_field(REFRESH, "refresh", token).await
    }

    pub(crate) async fn verify(&self, token: &str) -> Reply {
        self.post_field(VERIFY, "token", token).await
    }

    pub(crate) async fn blacklist(&self, token: &str) -> Reply {
        self.post_field(BLACKLIST, "refresh", token).await
    }

    pub(crate) async fn refresh_sliding(&self, token: &str) -> Reply {
        self.post_field(SLIDING_REFRESH, "token", token).await
    }

    /// GETs without credentials.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }

    /// GETs with `Authorization: Bearer`.
    pub(crate) async fn get_as(&self, token: &str, path: &str) -> Reply {
        self.get_with(
            header::AUTHORIZATION.as_str(),
            format!("Bearer {token}").as_bytes(),
            path,
        )
        .await
    }

    /// GETs with one header.
    pub(crate) async fn get_with(&self, name: &str, value: &[u8], path: &str) -> Reply {
        self.send(
            Request::get(path)
                .header(name, value)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    /// alice's pair.
    pub(crate) async fn log_in(&self) -> Pair {
        let reply = self.post(TOKEN, ALICE).await;
        Pair {
            refresh: reply.text("refresh"),
            access: reply.text("access"),
        }
    }

    /// alice's sliding token.
    pub(crate) async fn log_in_sliding(&self) -> String {
        self.post(SLIDING, ALICE).await.text("token")
    }
}

fn router(jwt: SimpleJwt) -> Router {
    Router::new()
        .nest("/api", token_urls())
        .url(
            "/me/",
            View::new("Me").permission::<IsAuthenticated>().get(me),
        )
        .url(
            "/stateless/",
            View::new("Stateless")
                .permission::<IsAuthenticated<TokenUser>>()
                .get(stateless),
        )
        .url(
            "/admin/",
            View::new("Admin").permission::<IsAdminUser>().get(admin),
        )
        .url(
            "/stateless-admin/",
            View::new("Stateless Admin")
                .permission::<IsAdminUser<TokenUser>>()
                .get(stateless),
        )
        .url(
            "/open/",
            View::new("Open").permission::<AllowAny>().get(open),
        )
        .url(
            "/read-or-auth/",
            View::new("Read")
                .permission::<IsAuthenticatedOrReadOnly>()
                .get(read)
                .post(read),
        )
        .url("/auth/login/", browser_login("/me/"))
        .url("/auth/logout/", browser_logout("/auth/login/"))
        .route("/plain", routing::get(me))
        .route("/maybe", routing::get(maybe))
        .with_state(jwt)
}

async fn me(IsAuthenticated(user): IsAuthenticated) -> Response {
    reply([
        ("id", Value::from(&user.id)),
        ("username", Value::from(user.username)),
    ])
}

async fn stateless(user: TokenUser) -> Response {
    reply([
        ("id", user.id.clone()),
        ("username", user.username()),
        ("is_staff", user.is_staff()),
    ])
}

async fn admin(IsAdminUser(user): IsAdminUser) -> Response {
    reply([("id", Value::from(&user.id))])
}

async fn open(AllowAny(user): AllowAny) -> Response {
    reply([("id", id_or_null(user.map(|user| user.id)))])
}

async fn read(IsAuthenticatedOrReadOnly(user): IsAuthenticatedOrReadOnly) -> Response {
    reply([("id", id_or_null(user.map(|user| user.id)))])
}

async fn maybe(user: Option<TokenUser>) -> Response {
    reply([("id", user.map_or(Value::Null, |user| user.id))])
}

fn id_or_null(id: Option<UserId>) -> Value {
    id.map_or(Value::Null, |id| Value::from(&id))
}

fn reply<const N: usize>(fields: [(&str, Value); N]) -> Response {
    let body: Object = fields.into_iter().collect();
    (
        [(header::CONTENT_TYPE, "application/json")],
        json::encode_utf8(&Value::Object(body)),
    )
        .into_response()
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    #[track_caller]
    pub(crate) fn assert(&self, status: u16, body: impl AsRef<str>) {
        assert_eq!((self.status, self.body.as_str()), (status, body.as_ref()));
    }

    /// A 401 of a token endpoint.
    #[track_caller]
    pub(crate) fn assert_refused(&self, text: &str) {
        self.assert(401, token_not_valid(text));
        assert_eq!(
            self.header("www-authenticate"),
            Some(r#"Bearer realm="api""#)
        );
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Object {
        json::decode_strict(self.body.as_bytes())
            .unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A text of the body.
    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> String {
        match self.json().get(name) {
            Some(Value::String(text)) => text.clone(),
            _ => panic!("no text {name:?} in {self:?}"),
        }
    }
}

pub(crate) fn token_not_valid(text: &str) -> String {
    format!(r#"{{"detail":"{text}","code":"token_not_valid"}}"#)
}

/// A JSON object of texts.
pub(crate) fn text_of<const N: usize>(fields: [(&str, &str); N]) -> String {
    json::encode_utf8(&Value::Object(fields.into_iter().collect()))
}

/// The payload of a token as it was signed.
pub(crate) fn payload(token: &str) -> String {
    let payload = token.split('.').nth(1).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

pub(crate) fn claims(token: &str) -> Object {
    json::decode_strict(payload(token).as_bytes()).unwrap()
}

/// Signs any payload with [`KEY`], as an attacker with the key or another library could.
pub(crate) fn sign(payload: &str) -> String {
    sign_with_header(r#"{"alg":"HS256","typ":"JWT"}"#, payload, KEY)
}

pub(crate) fn sign_with_header(header: &str, payload: &str, key: &str) -> String {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()),
        signed.as_bytes(),
    );
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// A payload with the claims every good token of this type has, and more behind them (`,"a":1`).
pub(crate) fn good(token_type: &str, more: &str) -> String {
    let exp = NOW + 3600;
    format!(
        r#"{{"token_type":"{token_type}","exp":{exp},"iat":{NOW},"jti":"{token_type}-jti","user_id":"1"{more}}}"#
    )
}
