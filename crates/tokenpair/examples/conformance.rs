//! The server that the recorded exchanges of Simple JWT are played against: `conformance PROFILE.json PORT DB`.
//!
//! A profile is a configuration with users; see `conformance/README.md`. Shows how an application mounts the token
//! endpoints beside views of its own, on a Django user model or a mapped one.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

use axum::response::{IntoResponse, Response};
use axum::{Router, http::StatusCode};
use rusqlite::{Connection, params};
use std::path::Path;
use tokenpair::json::{self, Object, Value};
use tokenpair::store::UserModel;
use tokenpair::web::{
    AllowAny, DecodedPath, DjangoUrls, IsAdminUser, IsAuthenticated, IsAuthenticatedOrReadOnly,
    View, not_found, token_urls,
};
use tokenpair::{
    Entry, Settings, SimpleJwt, SqliteOptions, SqliteStore, TokenUser, User, UserId, UserIdKind,
};

/// As the server has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [profile, port, database] = arguments.as_slice() else {
        return Err("usage: conformance PROFILE.json PORT DB".into());
    };
    let text = std::fs::read_to_string(profile)?;
    let profile = json::decode_body(&text)?
        .as_object()
        .cloned()
        .ok_or("the profile is not an object")?;
    let jwt = engine(&profile, Path::new(database)).await?;
    jwt.warnings()
        .iter()
        .for_each(|warning| eprintln!("warning: {warning}"));

    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    eprintln!("listening on {}", listener.local_addr()?);
    let app = DecodedPath::new(
        views()
            .nest("/api", token_urls())
            .fallback(not_found)
            .with_state(jwt),
    );
    Ok(axum::serve(listener, tower::make::Shared::new(app)).await?)
}

async fn engine(profile: &Object, database: &Path) -> Result<SimpleJwt, Failure> {
    let is = |name: &str| profile.get(name).is_some_and(Value::is_truthy);
    let model = user_model(profile);
    if !is("existing_database") {
        let _ = std::fs::remove_file(database);
        seed(profile, &model, database).await?;
    }
    let mut options = SqliteOptions::new(database);
    options.user_model = model;
    let store = SqliteStore::open(options).await?;
    let builder = SimpleJwt::builder(settings(profile)?);
    if !is("blacklist_app") {
        return Ok(builder.user_table(store).build()?);
    }
    store.migrate(jiff::Timestamp::UNIX_EPOCH).await?;
    Ok(builder.store(store).build()?)
}

/// What the profile says, and what the recordings need: short keys, whole tokens on record.
fn settings(profile: &Object) -> Result<Settings, Failure> {
    let entry = |name: &str, value: Value| Entry {
        name: name.to_owned(),
        value,
        source: "profile".to_owned(),
    };
    let own = [
        ("INSECURE_ALLOW_SHORT_KEYS", true),
        ("STORE_FULL_TOKENS", true),
    ];
    let secret_key = profile.get("secret_key").cloned().unwrap_or(Value::Null);
    let simple_jwt = profile
        .get("simple_jwt")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let algorithm = simple_jwt
        .get("ALGORITHM")
        .and_then(Value::as_str)
        .unwrap_or("HS256");
    // Django's SECRET_KEY is the default key, which is of no use to an asymmetric algorithm.
    let secret_key = algorithm
        .starts_with("HS")
        .then(|| entry("SIGNING_KEY", secret_key));
    let mut entries = Vec::from_iter(secret_key);
    entries.extend(own.map(|(name, value)| entry(name, Value::from(value))));
    entries.extend(
        simple_jwt
            .into_iter()
            .map(|(name, value)| entry(&name, value)),
    );
    Ok(Settings::load(entries)?)
}

fn user_model(profile: &Object) -> UserModel {
    let simple_jwt = profile.get("simple_jwt").and_then(Value::as_object);
    let field = simple_jwt
        .and_then(|settings| settings.get("USER_ID_FIELD"))
        .and_then(Value::as_str)
        .unwrap_or("id");
    let mut model = UserModel::default();
    if profile.get("user_model").and_then(Value::as_str) == Some("customer-email") {
        "customers_customer".clone_into(&mut model.table);
        "email".clone_into(&mut model.username);
    }
    let kind = match field {
        "id" => UserIdKind::Integer,
        "public_id" => UserIdKind::Uuid,
        _ => UserIdKind::Text,
    };
    model.with_user_id(field, kind)
}

/// A fresh database in Django's schema with the profile's users.
async fn seed(profile: &Object, model: &UserModel, database: &Path) -> Result<(), Failure> {
    if model.is_auth_user() {
        let url = database
            .to_str()
            .ok_or("the database's path is not UTF-8")?;
        SqliteStore::connect(url)
            .await?
            .migrate(jiff::Timestamp::UNIX_EPOCH)
            .await?;
    }
    let db = Connection::open(database)?;
    if !model.is_auth_user() {
        db.execute_batch(CUSTOMERS)?;
    }
    for user in profile
        .get("users")
        .and_then(Value::as_array)
        .unwrap_or_default()
    {
        let user = user.as_object().ok_or("a user is not an object")?;
        insert_user(&db, model, user)?;
    }
    Ok(())
}

const CUSTOMERS: &str = r#"CREATE TABLE "customers_customer" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "password" varchar(128) NOT NULL, "last_login" datetime NULL, "email" varchar(254) NOT NULL UNIQUE,
    "public_id" char(32) NOT NULL UNIQUE, "is_active" bool NOT NULL, "is_staff" bool NOT NULL,
    "is_superuser" bool NOT NULL);"#;

fn insert_user(db: &Connection, model: &UserModel, user: &Object) -> Result<(), Failure> {
    let text = |name: &str| {
        user.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let flag = |name: &str| user.get(name).is_some_and(Value::is_truthy);
    let id = user
        .get("id")
        .and_then(Value::as_i64)
        .ok_or("a user has no id")?;
    let (active, staff, superuser) = (flag("is_active"), flag("is_staff"), flag("is_superuser"));
    if model.is_auth_user() {
        db.execute(
            r#"INSERT INTO "auth_user" ("id", "password", "is_superuser", "username", "last_name", "email", "is_staff",
               "is_active", "date_joined", "first_name") VALUES (?1, ?2, ?3, ?4, '', ?5, ?6, ?7, '2024-01-01 00:00:00', '')"#,
            params![id, text("encoded"), superuser, text("username"), text("email"), staff, active],
        )?;
    } else {
        db.execute(
            r#"INSERT INTO "customers_customer" ("id", "password", "email", "public_id", "is_active", "is_staff",
               "is_superuser") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"#,
            params![id, text("encoded"), text("email"), text("public_id").replace('-', ""), active, staff, superuser],
        )?;
    }
    Ok(())
}

fn views() -> Router<SimpleJwt> {
    Router::new()
        .url(
            "/api/me/",
            View::new("Me").permission::<IsAuthenticated>().get(me),
        )
        .url(
            "/api/stateless/",
            View::new("Stateless")
                .permission::<IsAuthenticated<TokenUser>>()
                .get(stateless),
        )
        .url(
            "/api/stateless-admin/",
            View::new("Stateless Admin")
                .permission::<IsAdminUser<TokenUser>>()
                .get(stateless_admin),
        )
        .url(
            "/api/open/",
            View::new("Open").permission::<AllowAny>().get(open),
        )
        .url(
            "/api/admin-only/",
            View::new("Admin Only")
                .permission::<IsAdminUser>()
                .get(admin_only),
        )
        .url(
            "/api/read-or-auth/",
            View::new("Read Or Auth")
                .permission::<IsAuthenticatedOrReadOnly>()
                .get(read_or_auth)
                .post(write_or_auth),
        )
}

async fn me(IsAuthenticated(user): IsAuthenticated) -> Response {
    reply([
        ("id", id(&user.id)),
        ("username", Value::from(user.username)),
    ])
}

async fn stateless(user: TokenUser) -> Response {
    let (username, staff, superuser) = (user.username(), user.is_staff(), user.is_superuser());
    reply([
        ("id", user.id),
        ("username", username),
        ("is_staff", staff),
        ("is_superuser", superuser),
    ])
}

async fn stateless_admin(IsAdminUser(user): IsAdminUser<TokenUser>) -> Response {
    reply([("view", Value::from("stateless-admin")), ("user", user.id)])
}

async fn open(AllowAny(user): AllowAny) -> Response {
    reply([("view", Value::from("open")), ("user", maybe(user))])
}

async fn admin_only(IsAdminUser(user): IsAdminUser) -> Response {
    reply([("view", Value::from("admin-only")), ("user", id(&user.id))])
}

async fn read_or_auth(IsAuthenticatedOrReadOnly(user): IsAuthenticatedOrReadOnly) -> Response {
    reply([("view", Value::from("read-or-auth")), ("user", maybe(user))])
}

async fn write_or_auth(user: IsAuthenticatedOrReadOnly) -> Response {
    (StatusCode::CREATED, read_or_auth(user).await).into_response()
}

fn id(id: &UserId) -> Value {
    Value::from(id)
}

fn maybe(user: Option<User>) -> Value {
    user.map_or(Value::Null, |user| id(&user.id))
}

fn reply<const N: usize>(fields: [(&str, Value); N]) -> Response {
    let body: Object = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    (
        [("content-type", "application/json")],
        json::encode_utf8(&Value::Object(body)),
    )
        .into_response()
}
