//! A service that can be exchanged while it serves: what SIGHUP does to the configuration.

use arc_swap::ArcSwap;
use axum::extract::Request;
use std::sync::Arc;
use std::task::{Context, Poll};
use tower::util::Oneshot;
use tower::{Service, ServiceExt as _};

/// Hands each request to the service of the moment; requests in flight stay with theirs.
#[derive(Debug)]
pub(crate) struct Reloadable<S>(Arc<ArcSwap<S>>);

impl<S> Reloadable<S> {
    pub(crate) fn new(service: S) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(service)))
    }

    /// From now on new requests go to `service`.
    pub(crate) fn replace(&self, service: S) {
        self.0.store(Arc::new(service));
    }
}

impl<S> Clone for Reloadable<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Service<Request> + Clone> Service<Request> for Reloadable<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Oneshot<S, Request>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        S::clone(&self.0.load()).oneshot(request)
    }
}
