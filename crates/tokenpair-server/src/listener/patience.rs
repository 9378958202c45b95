//! Two wrappers for futures that usually are ready at once: one that gives up after a while, one that survives a
//! panic. Must never cost a timer or an allocation when the future is ready at its first poll.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::Sleep;

/// The future took too long.
#[derive(Debug)]
pub(super) struct TooLate;

/// The future panicked.
#[derive(Debug)]
pub(super) struct Panicked;

/// Gives `future` as much time as `limit`, counted from its first poll.
pub(super) fn within<F: Future>(limit: Duration, future: F) -> Within<F> {
    Within {
        future,
        limit,
        timer: None,
    }
}

/// Turns a panic of `future` into an error.
pub(super) fn surviving<F: Future>(future: F) -> Surviving<F> {
    Surviving { future }
}

pin_project! {
    /// See [`within`].
    pub(super) struct Within<F> {
        #[pin]
        future: F,
        limit: Duration,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<F: Future> Future for Within<F> {
    type Output = Result<F::Output, TooLate>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        if this.timer.is_none() {
            this.timer.set(Some(tokio::time::sleep(*this.limit)));
        }
        match this.timer.as_pin_mut() {
            Some(timer) => timer.poll(cx).map(|()| Err(TooLate)),
            None => Poll::Pending,
        }
    }
}

pin_project! {
    /// See [`surviving`].
    pub(super) struct Surviving<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Surviving<F> {
    type Output = Result<F::Output, Panicked>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.project().future;
        // A future that panicked is not polled again, so nobody sees what it left half done.
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    }
}
