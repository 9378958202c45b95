//! Threads that hash, so that a storm of log-ins never delays the async threads.
//!
//! First come, first served (`pool/queue.rs`). Refuses work rather than let it wait longer than [`MAX_WAIT`];
//! never starts a job whose caller has gone or whose deadline has passed, never dies of a
//! job's panic. Knows nothing of passwords. Has no counterpart in Simple JWT.

mod queue;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, io, thread};

use tokio::sync::oneshot;

pub(super) use self::queue::Sharing;
use self::queue::{Job, Queue};
use super::lane::{Lane, Running, run_alone, run_together};
use super::thread::lower_priority;

/// Longest wait that is queued for: with the longest batch after it, sixteen derivations, an answer within 3 s.
const MAX_WAIT: Duration = Duration::from_millis(1750);

/// The default deadline of a job. The wait is a guess: were this no longer, many of those who were let into a full
/// queue would wait for all that time and be refused then.
const DEADLINE: Duration = Duration::from_secs(2);

/// Most jobs waiting, however fast they are.
const MAX_QUEUED: usize = 1024;

/// The job was not done and may be tried again later.
///
/// The pool has too much to do, the deadline passed before the start, or the job panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being hashed; retry in {} s", retry_after.as_secs())]
pub struct Busy {
    /// When a retry is likely to be accepted: 1 to 30 seconds.
    pub retry_after: Duration,
}

/// A fixed number of low-priority threads behind a bounded queue.
///
/// Dropping it ends the threads; a job that runs is finished, but not waited for.
pub struct HashPool {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    queue: Queue,
    closed: bool,
}

struct Task<F, T> {
    work: F,
    reply: oneshot::Sender<T>,
    deadline: Instant,
    sharing: Sharing,
}

impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPool")
            .field("threads", &self.shared.lock().queue.threads)
            .finish_non_exhaustive()
    }
}

impl HashPool {
    /// Starts a thread for every core but one, at least one.
    pub fn new() -> io::Result<Self> {
        let cores = thread::available_parallelism()?.get();
        Self::with_threads(u32::try_from(cores).unwrap_or(u32::MAX).saturating_sub(1))
    }

    /// Starts a given number of threads, at least one.
    pub fn with_threads(threads: u32) -> io::Result<Self> {
        let threads = threads.max(1);
        let pool = Self {
            shared: Arc::new(Shared {
                state: Mutex::new(State {
                    queue: Queue::new(threads, &tokenpair_pbkdf2::groups()),
                    closed: false,
                }),
                changed: Condvar::new(),
            }),
        };
        for _ in 0..threads {
            let shared = Arc::clone(&pool.shared);
            thread::Builder::new()
                .name("password-hash".into())
                .spawn(move || shared.work())?;
        }
        Ok(pool)
    }

    /// Runs a job within the default deadline: it starts within 2.25 seconds or not at all.
    ///
    /// Dropping the future before the job has started cancels it.
    pub async fn run<T, F>(&self, job: F) -> Result<T, Busy>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.run_before(Instant::now() + DEADLINE, job).await
    }

    /// Runs a job that is pointless unless it starts before `deadline`.
    ///
    /// Dropping the future before the job has started cancels it.
    pub async fn run_before<T, F>(&self, deadline: Instant, job: F) -> Result<T, Busy>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        self.submit(deadline, Sharing::None, async move |_| job())
            .await
    }

    /// Runs a job within the default deadline, beside others of its kind where that shortens the waits.
    ///
    /// It may wait for nothing but its lane, or is given up as if it had panicked.
    pub(super) async fn run_beside_others<T, F>(&self, sharing: Sharing, job: F) -> Result<T, Busy>
    where
        T: Send + 'static,
        F: AsyncFnOnce(Lane) -> T + Send + 'static,
    {
        self.submit(Instant::now() + DEADLINE, sharing, job).await
    }

    async fn submit<T, F>(&self, deadline: Instant, sharing: Sharing, work: F) -> Result<T, Busy>
    where
        T: Send + 'static,
        F: AsyncFnOnce(Lane) -> T + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Task {
            work,
            reply,
            deadline,
            sharing,
        };
        self.shared.submit(Box::new(task))?;
        answer.await.map_err(|_| self.shared.lock().queue.busy())
    }
}

impl Drop for HashPool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn submit(&self, job: Box<dyn Job>) -> Result<(), Busy> {
        let mut state = self.lock();
        if state.queue.is_full() {
            state.queue.tidy(Instant::now());
        }
        if state.queue.is_full() {
            return Err(state.queue.busy());
        }
        state.queue.waiting.push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// The life of a thread: takes jobs until the pool is dropped.
    fn work(&self) {
        lower_priority();
        while let Some((jobs, cost)) = self.next() {
            let (start, number) = (Instant::now(), jobs.len());
            run(jobs);
            let mut state = self.lock();
            state.queue.running -= cost;
            state.queue.learn(number, start.elapsed(), cost);
        }
    }

    /// Waits for jobs; `None` when the pool is dropped and nothing is left.
    fn next(&self) -> Option<(Vec<Box<dyn Job>>, u32)> {
        let mut state = self.lock();
        loop {
            state.queue.tidy(Instant::now());
            if let Some(next) = state.queue.take() {
                return Some(next);
            }
            if state.closed {
                return None;
            }
            let woken = self.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A panic drops the job, and with it the channel that its caller waits for.
fn run(mut jobs: Vec<Box<dyn Job>>) {
    if jobs.len() > 1 {
        let start = |job: Box<dyn Job>| move |lane: Lane| job.start(lane);
        run_together(jobs.into_iter().map(start));
    } else if let Some(job) = jobs.pop() {
        run_alone(|lane| job.start(lane));
    }
}

impl<F, T> Job for Task<F, T>
where
    F: AsyncFnOnce(Lane) -> T + Send + 'static,
    T: Send + 'static,
{
    fn is_wanted(&self, now: Instant) -> bool {
        now < self.deadline && !self.reply.is_closed()
    }

    fn sharing(&self) -> Sharing {
        self.sharing
    }

    fn start(self: Box<Self>, lane: Lane) -> Running {
        Box::pin(async move {
            let _ = self.reply.send((self.work)(lane).await);
        })
    }
}
