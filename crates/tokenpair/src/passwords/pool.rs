//! Threads that hash, so that a storm of log-ins never delays the async threads.
//!
//! First come, first served. Refuses work rather than let it wait longer than [`MAX_WAIT`];
//! never starts a job whose caller has gone or whose deadline has passed, never dies of a
//! job's panic. Knows nothing of passwords. Has no counterpart in Simple JWT.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, io, thread};

use tokio::sync::oneshot;

use super::thread::lower_priority;

/// Longest wait that is queued for.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The default deadline of a job. The wait is a guess: were this no longer, many of those who were let into a full
/// queue would wait for two seconds and be refused then.
const DEADLINE: Duration = Duration::from_millis(2500);

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
    threads: u32,
}

struct State {
    queue: VecDeque<Box<dyn Job>>,
    running: u32,
    /// Unknown before a job has run: nobody is refused then by a guess, only by the deadline.
    typical: Option<Duration>,
    closed: bool,
}

trait Job: Send {
    fn is_wanted(&self, now: Instant) -> bool;
    fn run(self: Box<Self>);
}

struct Task<F, T> {
    work: F,
    reply: oneshot::Sender<T>,
    deadline: Instant,
}

impl fmt::Debug for HashPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashPool")
            .field("threads", &self.shared.threads)
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
                    queue: VecDeque::new(),
                    running: 0,
                    typical: None,
                    closed: false,
                }),
                changed: Condvar::new(),
                threads,
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

    /// Runs a job within the default deadline: it starts within two and a half seconds or not at all.
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
        let (reply, answer) = oneshot::channel();
        let task = Task {
            work: job,
            reply,
            deadline,
        };
        self.shared.submit(Box::new(task))?;
        answer.await.map_err(|_| self.shared.busy())
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
        if state.is_full(self.threads) {
            let now = Instant::now();
            state.queue.retain(|job| job.is_wanted(now));
        }
        if state.is_full(self.threads) {
            return Err(state.busy(self.threads));
        }
        state.queue.push_back(job);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// The life of a thread: takes jobs until the pool is dropped.
    fn work(&self) {
        lower_priority();
        while let Some(job) = self.next() {
            let start = Instant::now();
            let wanted = job.is_wanted(start);
            // A panic drops the task, and with it the channel that its caller waits for.
            let _ = catch_unwind(AssertUnwindSafe(|| wanted.then(|| job.run())));
            let mut state = self.lock();
            state.running -= 1;
            if wanted {
                state.learn(start.elapsed());
            }
        }
    }

    fn next(&self) -> Option<Box<dyn Job>> {
        let mut state = self
            .changed
            .wait_while(self.lock(), |state| state.queue.is_empty() && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        let job = state.queue.pop_front()?;
        state.running += 1;
        Some(job)
    }

    fn busy(&self) -> Busy {
        self.lock().busy(self.threads)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_full(&self, threads: u32) -> bool {
        self.queue.len() >= MAX_QUEUED || self.expected_wait(threads) > MAX_WAIT
    }

    /// How long a job submitted now is likely to wait for its start.
    fn expected_wait(&self, threads: u32) -> Duration {
        let queued = u32::try_from(self.queue.len()).unwrap_or(u32::MAX);
        let ahead = queued
            .saturating_add(self.running)
            .saturating_sub(threads - 1);
        let typical = self.typical.unwrap_or_default();
        typical.saturating_mul(ahead) / threads
    }

    /// Moves the typical duration an eighth of the way to the newest one.
    fn learn(&mut self, duration: Duration) {
        let typical = self.typical.unwrap_or(duration);
        self.typical = Some((typical * 7 + duration) / 8);
    }

    fn busy(&self, threads: u32) -> Busy {
        let wait = self.expected_wait(threads).as_secs() + 1;
        Busy {
            retry_after: Duration::from_secs(wait.min(30)),
        }
    }
}

impl<F, T> Job for Task<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn is_wanted(&self, now: Instant) -> bool {
        now < self.deadline && !self.reply.is_closed()
    }

    fn run(self: Box<Self>) {
        let _ = self.reply.send((self.work)());
    }
}
