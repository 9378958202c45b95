//! The client that plays: one request, one connection, one answer, nothing followed and nothing unpacked.

use super::exchange::{Answer, Headers, Request};
use crate::output::Failure;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Url, redirect};
use std::error::Error as _;
use std::time::Duration;

/// Longer than a hash of Django's default work takes on a slow machine.
const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// One of the two servers.
pub(super) struct Server {
    /// As errors call it.
    name: &'static str,
    url: Url,
    client: Client,
    /// Sent with every request, instead of what was recorded under the same names.
    extra: Vec<(String, String)>,
}

impl Server {
    pub(super) fn new(
        name: &'static str,
        url: Url,
        extra: &[(String, String)],
    ) -> Result<Self, Failure> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            // Answers come from this address and no other.
            .no_proxy()
            .timeout(TIMEOUT)
            // A connection that rests may be closed just when the next request is written.
            .pool_max_idle_per_host(0)
            .build();
        let client = client.map_err(|error| Failure::because("cannot play requests")(&error))?;
        Ok(Self {
            name,
            url,
            client,
            extra: extra.to_vec(),
        })
    }

    /// Sends a request. Fails where no whole answer comes: that is no difference, but the end of the run.
    pub(super) async fn send(&self, request: &Request) -> Result<Answer, Failure> {
        let context = format!("{} ({}) does not answer {request:?}", self.name, self.url);
        let failed = Failure::because(context);
        self.exchange(request).await.map_err(|error| failed(&error))
    }

    async fn exchange(&self, request: &Request) -> Result<Answer, String> {
        let method = Method::from_bytes(request.method.as_bytes());
        let method = method.map_err(|_| "its method is none of HTTP".to_owned())?;
        let mut asked = self.client.request(method, self.address(request));
        asked = asked.headers(self.headers(request)?);
        if !request.body.is_empty() {
            asked = asked.body(request.body.clone());
        }
        let mut response = asked.send().await.map_err(reason)?;
        let mut answer = Answer {
            status: response.status().as_u16(),
            headers: Headers::default(),
            body: Vec::new(),
        };
        for (name, value) in response.headers() {
            answer.headers.push(name.as_str(), value.as_bytes());
        }
        while let Some(chunk) = response.chunk().await.map_err(reason)? {
            if answer.body.len() + chunk.len() > MAX_BYTES {
                return Err("its answer is larger than 16 MiB".to_owned());
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    fn address(&self, request: &Request) -> Url {
        let mut url = self.url.clone();
        url.set_path(request.path());
        url.set_query(request.target.split_once('?').map(|(_, query)| query));
        url
    }

    fn headers(&self, request: &Request) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        let is_extra = |name: &str| {
            self.extra
                .iter()
                .any(|(extra, _)| extra.eq_ignore_ascii_case(name))
        };
        let recorded = request.headers.0.iter().filter(|(name, _)| !is_extra(name));
        let recorded = recorded.map(|(name, value)| (name, value.as_slice()));
        let extra = self
            .extra
            .iter()
            .map(|(name, value)| (name, value.as_bytes()));
        for (name, value) in recorded.chain(extra) {
            let wrong = || format!("{name:?} is no header of HTTP");
            let value = HeaderValue::from_bytes(value).map_err(|_| wrong())?;
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            headers.append(name, value);
        }
        Ok(headers)
    }
}

/// What went wrong, in the words of its deepest cause, without the address, which may hold a token.
fn reason(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("nothing came within {} s", TIMEOUT.as_secs());
    }
    let error = error.without_url();
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(deeper) = cause {
        text = deeper.to_string();
        cause = deeper.source();
    }
    text
}
