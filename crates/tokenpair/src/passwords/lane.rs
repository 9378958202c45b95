//! Checks side by side: a check is a future that waits only for key derivations, and a thread that has several of them
//! carries all derivations forward together.
//!
//! Alone nothing waits: each derivation is done when it is asked for. A job that waits for anything else is given up.
//! Answers to nothing in Django.

use std::cell::RefCell;
use std::future::poll_fn;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tokenpair_pbkdf2::{Derivation, advance, derive};

/// A job that has begun; it answers its caller by itself.
pub(super) type Running = Pin<Box<dyn Future<Output = ()>>>;

/// The derivation that a job waits for.
type Slot = Rc<RefCell<Option<Derivation>>>;

/// Where a job has its keys derived: alone and at once, or beside those of other jobs.
pub(super) struct Lane(Option<Slot>);

impl Lane {
    pub(super) fn alone() -> Self {
        Self(None)
    }

    pub(super) fn is_shared(&self) -> bool {
        self.0.is_some()
    }

    /// PBKDF2-HMAC-SHA256, one block.
    pub(super) async fn derive(
        &self,
        password: &[u8],
        salt: &[u8],
        iterations: NonZeroU32,
    ) -> [u8; 32] {
        let Some(slot) = &self.0 else {
            return derive(password, salt, iterations);
        };
        slot.replace(Some(Derivation::new(password, salt, iterations)));
        poll_fn(|_| {
            let output = slot.borrow().as_ref().and_then(Derivation::output);
            output.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// The result of a future that has nothing to wait for, as with [`Lane::alone`].
pub(super) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = poll(future.as_mut()) {
            return result;
        }
    }
}

/// Runs jobs side by side until the last one has ended. A job that panics or waits for anything but its derivations ends
/// alone.
pub(super) fn run_together(start: impl IntoIterator<Item = impl FnOnce(Lane) -> Running>) {
    let mut running: Vec<(Slot, Running)> = Vec::new();
    for start in start {
        let slot = Slot::default();
        running.push((slot.clone(), start(Lane(Some(slot)))));
    }
    loop {
        running.retain_mut(|(slot, job)| go_on(job) && is_awaited(slot));
        if running.is_empty() {
            return;
        }
        let mut slots: Vec<_> = running.iter().map(|(slot, _)| slot.borrow_mut()).collect();
        let derivations = slots.iter_mut().filter_map(|slot| slot.as_mut());
        advance(&mut derivations.collect::<Vec<_>>());
    }
}

/// Runs one job, which has nothing to wait for. A panic ends only the job.
pub(super) fn run_alone(start: impl FnOnce(Lane) -> Running) {
    if go_on(&mut start(Lane::alone())) {
        give_up();
    }
}

/// Whether the job waits. A panic ends only the job.
fn go_on(job: &mut Running) -> bool {
    let polled = catch_unwind(AssertUnwindSafe(|| poll(job.as_mut())));
    polled.is_ok_and(|poll| poll.is_pending())
}

/// Whether a job that waits waits for its derivation. One that does not would keep the thread polling for ever.
fn is_awaited(slot: &Slot) -> bool {
    let slot = slot.borrow();
    let is_awaited = slot
        .as_ref()
        .is_some_and(|derivation| derivation.output().is_none());
    if !is_awaited {
        give_up();
    }
    is_awaited
}

/// Its caller is told to try again, as after a panic.
fn give_up() {
    tracing::error!(
        "a job among the passwords waits for something else than its key and was given up"
    );
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
