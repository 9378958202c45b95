//! The way in for tower.

use crate::client::Client;
use crate::error::Error;
use reqwest::{Request, Response};
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_service::Service;

/// Does [`Client::execute`].
impl Service<Request> for Client {
    type Response = Response;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let client = self.clone();
        Box::pin(async move { client.execute(request).await })
    }
}
