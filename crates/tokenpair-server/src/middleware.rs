//! What every request passes on its way in and out, as Django's `MIDDLEWARE`: its id, the client's address, CORS,
//! its line in the log.
//!
//! It stands around the listener's own answers too, so that a body that is too large or a missed deadline is
//! logged, and a page of another origin can read why. Must never look at a body.

use crate::client_address::TrustedProxies;
use crate::cors::{self, Cors};
use crate::request_log::RequestLine;
use arc_swap::ArcSwap;
use axum::extract::ConnectInfo;
use axum::response::Response;
use http::Request;
use std::net::SocketAddr;
use std::sync::Arc;
use tokenpair::clock::{Clock as _, Ids, SystemClock, TimeOrderedIds};

/// What an operator decides; may change while the server runs.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: TrustedProxies,
    /// `None` as if django-cors-headers were not installed: nothing is added to any answer.
    pub(crate) cors: Option<Cors>,
}

/// Clones share the rules.
#[derive(Clone)]
pub(crate) struct Middleware {
    rules: Arc<ArcSwap<Rules>>,
    ids: Arc<dyn Ids>,
}

impl Default for Middleware {
    fn default() -> Self {
        Self::new(Rules::default())
    }
}

impl Middleware {
    pub(crate) fn new(rules: Rules) -> Self {
        Self::with_ids(rules, TimeOrderedIds)
    }

    pub(crate) fn with_ids(rules: Rules, ids: impl Ids) -> Self {
        Self {
            rules: Arc::new(ArcSwap::from_pointee(rules)),
            ids: Arc::new(ids),
        }
    }

    /// From the next request on these rules hold.
    pub(crate) fn replace(&self, rules: Rules) {
        self.rules.store(Arc::new(rules));
    }

    /// Lets `answer` answer the request, unless it was `refused` before or is a preflight.
    ///
    /// The peer's address is expected as a [`ConnectInfo`] extension; `answer` finds the client's there and the
    /// request's id in the header `X-Request-ID`.
    pub(crate) async fn wrap<B>(
        &self,
        mut request: Request<B>,
        refused: Option<Response>,
        answer: impl AsyncFnOnce(Request<B>) -> Response,
    ) -> Response {
        let rules = self.rules.load_full();
        if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
            let client = rules.trusted_proxies.client(*peer, request.headers());
            if client != *peer {
                request.extensions_mut().insert(ConnectInfo(client));
            }
        }
        let line = RequestLine::begin(&mut request, || self.ids.jti(SystemClock.now()));
        let verdict = rules.cors.as_ref().and_then(|cors| cors.judge(&request));
        let is_preflight = verdict.as_ref().is_some_and(cors::Verdict::is_preflight);
        let mut response = match refused {
            Some(response) => response,
            None if is_preflight => cors::preflight(),
            None => answer(request).await,
        };
        if let (Some(cors), Some(verdict)) = (&rules.cors, verdict) {
            cors.apply(verdict, response.headers_mut());
        }
        line.end(&mut response);
        response
    }
}

#[cfg(test)]
mod tests;
