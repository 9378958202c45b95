//! A bare axum handler with jsonwebtoken: verifies and mints as Simple JWT does, with no store and no look-up.
//!
//! `KEY` is the secret of HS256, `ROTATE=true` mints a refresh token, too.

use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::routing::{get, post};
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use std::env;
use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ACCESS_LIFETIME: u64 = 5 * 60;
const REFRESH_LIFETIME: u64 = 24 * 60 * 60;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    token_type: String,
    exp: u64,
    iat: u64,
    jti: String,
    user_id: String,
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

#[derive(Deserialize)]
struct Refresh {
    refresh: String,
}

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct Tokens {
    access: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh: Option<String>,
}

#[derive(Serialize)]
struct User {
    id: String,
    username: String,
}

struct Keys {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    rotates: bool,
}

type Keyring = Arc<Keys>;
type Refusal = StatusCode;

impl Keys {
    fn from_environment() -> io::Result<Self> {
        let key = env::var("KEY").map_err(io::Error::other)?;
        Ok(Self {
            encoding: EncodingKey::from_secret(key.as_bytes()),
            decoding: DecodingKey::from_secret(key.as_bytes()),
            validation: Validation::new(Algorithm::HS256),
            rotates: env::var("ROTATE").is_ok_and(|value| value == "true"),
        })
    }

    fn verify(&self, token: &str) -> Result<Claims, Refusal> {
        let token = decode(token, &self.decoding, &self.validation);
        Ok(token.map_err(|_| StatusCode::UNAUTHORIZED)?.claims)
    }

    fn mint(&self, token_type: &str, lifetime: u64, user_id: &str) -> Result<String, Refusal> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let iat = now
            .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?
            .as_secs();
        let claims = Claims {
            token_type: token_type.to_owned(),
            exp: iat + lifetime,
            iat,
            jti: Uuid::now_v7().simple().to_string(),
            user_id: user_id.to_owned(),
        };
        let token = encode(&Header::default(), &claims, &self.encoding);
        token.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The claims of `Authorization: Bearer`.
struct Bearer(Claims);

impl FromRequestParts<Keyring> for Bearer {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, keys: &Keyring) -> Result<Self, Refusal> {
        let header = parts
            .headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer "));
        keys.verify(token.ok_or(StatusCode::UNAUTHORIZED)?)
            .map(Self)
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let app = Router::new()
        .route("/api/token/verify/", post(verify))
        .route("/api/token/refresh/", post(refresh))
        .route("/api/token/blacklist/", post(blacklist))
        .route("/api/me/", get(me))
        .route("/api/stateless/", get(me))
        .with_state(Arc::new(Keys::from_environment()?));
    let listener = peers::listener().await?;
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, app).await
}

async fn verify(
    State(keys): State<Keyring>,
    Json(body): Json<Token>,
) -> Result<Json<Empty>, Refusal> {
    keys.verify(&body.token)?;
    Ok(Json(Empty {}))
}

async fn blacklist(
    State(keys): State<Keyring>,
    Json(body): Json<Refresh>,
) -> Result<Json<Empty>, Refusal> {
    keys.verify(&body.refresh)?;
    Ok(Json(Empty {}))
}

async fn refresh(
    State(keys): State<Keyring>,
    Json(body): Json<Refresh>,
) -> Result<Json<Tokens>, Refusal> {
    let user_id = keys.verify(&body.refresh)?.user_id;
    let refresh = keys
        .rotates
        .then(|| keys.mint("refresh", REFRESH_LIFETIME, &user_id));
    Ok(Json(Tokens {
        access: keys.mint("access", ACCESS_LIFETIME, &user_id)?,
        refresh: refresh.transpose()?,
    }))
}

async fn me(Bearer(claims): Bearer) -> Json<User> {
    Json(User {
        username: format!("user{}", claims.user_id),
        id: claims.user_id,
    })
}
