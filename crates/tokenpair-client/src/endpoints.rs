//! The token endpoints: what is sent to them, and what their answers mean.

use crate::clock::{Clock, seconds};
use crate::error::{Error, Refusal};
use crate::tokens::{Token, Tokens};
use reqwest::header::{ACCEPT, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long a single try may take.
pub(crate) const TRY: Duration = Duration::from_secs(10);
/// An answer that is longer is none of a token endpoint.
const LONGEST: usize = 1024 * 1024;

/// Paths behind the base URL.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    pub(crate) token: String,
    pub(crate) refresh: String,
    pub(crate) blacklist: String,
    pub(crate) register: String,
    pub(crate) user: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            token: "/token/".to_owned(),
            refresh: "/token/refresh/".to_owned(),
            blacklist: "/token/blacklist/".to_owned(),
            register: "/register/".to_owned(),
            user: "/me/".to_owned(),
        }
    }
}

/// An answer that decides something.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// The server's clock, in seconds.
    date: Option<f64>,
    /// The JSON object in it; empty if it is none.
    pub(crate) data: Map<String, Value>,
}

impl Answer {
    /// What it brought, and what the server's clock said. `refresh` stays where no other came: the server does not rotate.
    pub(crate) fn tokens(&self, refresh: Option<&Token>) -> Option<(Tokens, Option<f64>)> {
        if !self.status.is_success() {
            return None;
        }
        let access = Token::new(self.data.get("access")?.as_str()?)?;
        let rotated = self.data.get("refresh").and_then(Value::as_str);
        let refresh = rotated.and_then(Token::new).or(refresh.cloned())?;
        let now = self.date.or_else(|| access.issued_at());
        Some((Tokens::arrived(access, refresh, now), now))
    }

    /// The error that it is, with what the server wrote.
    pub(crate) fn refusal(self) -> Error {
        Error::Refused(Refusal {
            status: self.status,
            data: Value::Object(self.data),
        })
    }
}

/// A path behind the base URL, which has no slash at its end; a whole address as it is.
pub(crate) fn url(base_url: &str, path: &str) -> String {
    if path.starts_with("http://") || path.starts_with("https://") {
        return path.to_owned();
    }
    // The slash keeps `@elsewhere` from being a host.
    let path = path.strip_prefix('/').unwrap_or(path);
    format!("{base_url}/{path}")
}

#[derive(Debug)]
pub(crate) struct Endpoints {
    pub(crate) http: reqwest::Client,
    /// Without a slash at its end.
    pub(crate) base_url: String,
    pub(crate) paths: Paths,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Endpoints {
    pub(crate) fn url(&self, path: &str) -> String {
        url(&self.base_url, path)
    }

    pub(crate) async fn refresh(&self, token: &Token, limit: Duration) -> Result<Answer, Error> {
        let body = json!({"refresh": token.expose()});
        self.post(&self.paths.refresh, &body, limit).await
    }

    /// Whether the server knows now that the token is over.
    pub(crate) async fn revoke(&self, token: &Token) -> bool {
        let body = json!({"refresh": token.expose()});
        let answer = self.post(&self.paths.blacklist, &body, TRY).await;
        let status = answer.map(|answer| answer.status);
        status.is_ok_and(|status| status.is_success() || status == StatusCode::UNAUTHORIZED)
    }

    /// Posts once. An outage is `Unavailable`: nothing was decided, and the same may be asked again.
    pub(crate) async fn post<T: Serialize + ?Sized>(
        &self,
        path: &str,
        body: &T,
        limit: Duration,
    ) -> Result<Answer, Error> {
        let request = self.http.post(self.url(path)).json(body).timeout(limit);
        let request = request.header(ACCEPT, "application/json").build()?;
        let response = self.http.execute(request).await.map_err(no_answer)?;
        let (status, date) = (response.status(), http_date(response.headers(), &DATE));
        if is_outage(status) {
            let now = date.unwrap_or_else(|| self.clock.now());
            return Err(Error::Unavailable {
                status: Some(status),
                retry_after: retry_after(response.headers(), now),
                source: None,
            });
        }
        let body = read(response).await.map_err(no_answer)?;
        Ok(Answer {
            status,
            date: date.map(seconds),
            data: serde_json::from_slice(&body).unwrap_or_default(),
        })
    }
}

fn no_answer(error: reqwest::Error) -> Error {
    Error::Unavailable {
        status: None,
        retry_after: None,
        source: Some(Arc::new(error)),
    }
}

fn is_outage(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429)
}

/// The body; nothing of one that is too long.
async fn read(mut response: Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST {
            return Ok(Vec::new());
        }
    }
    Ok(body)
}

/// The header is a number of seconds, or a date of the server's clock.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = http_date(headers, &RETRY_AFTER)?;
    Some(date.duration_since(now).unwrap_or_default())
}

fn http_date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}
