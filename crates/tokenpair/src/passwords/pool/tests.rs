use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use super::*;

/// A pool of one thread that is held up until the returned sender speaks or is dropped.
async fn held_pool() -> (
    Arc<HashPool>,
    mpsc::Sender<()>,
    tokio::task::JoinHandle<Result<(), Busy>>,
) {
    let pool = Arc::new(HashPool::with_threads(1).unwrap());
    let (release, gate) = mpsc::channel();
    let (started, running) = oneshot::channel();
    let runner = Arc::clone(&pool);
    let blocker = tokio::spawn(async move {
        let job = move || {
            started.send(()).unwrap();
            let _ = gate.recv();
        };
        runner.run(job).await
    });
    running.await.unwrap();
    (pool, release, blocker)
}

/// Polls once, which submits the job.
fn submit<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn job_runs_on_a_named_thread_and_answers() {
    let pool = HashPool::new().unwrap();
    let name = pool
        .run(|| thread::current().name().map(str::to_owned))
        .await;
    assert_eq!(name, Ok(Some("password-hash".to_owned())));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn only_hashing_threads_have_low_priority() {
    let niceness = || rustix::process::getpriority_process(None).unwrap();
    let own = niceness();
    let pool = HashPool::with_threads(1).unwrap();
    assert_eq!(pool.run(niceness).await, Ok((own + 10).min(19)));
    assert_eq!(niceness(), own);
}

#[tokio::test]
async fn jobs_run_in_the_order_of_arrival() {
    let (pool, release, _blocker) = held_pool().await;
    let (log, order) = mpsc::channel();
    let mut jobs: Vec<_> = (0..5)
        .map(|number| {
            let log = log.clone();
            Box::pin(pool.run(move || log.send(number).unwrap()))
        })
        .collect();
    for job in &mut jobs {
        assert!(submit(job.as_mut()).is_pending());
    }
    drop(release);
    for job in jobs {
        job.await.unwrap();
    }
    assert_eq!(order.try_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn dropped_future_cancels_a_waiting_job() {
    let (pool, release, _blocker) = held_pool().await;
    let ran = Arc::new(AtomicU32::new(0));
    {
        let ran = Arc::clone(&ran);
        let mut cancelled = pin!(pool.run(move || ran.fetch_add(1, Ordering::SeqCst)));
        assert!(submit(cancelled.as_mut()).is_pending());
    }
    drop(release);
    pool.run(|| ()).await.unwrap();
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    assert_eq!(Arc::strong_count(&ran), 1);
}

#[tokio::test]
async fn job_past_its_deadline_is_not_started() {
    let pool = HashPool::with_threads(1).unwrap();
    let ran = Arc::new(AtomicU32::new(0));
    let job = {
        let ran = Arc::clone(&ran);
        move || ran.fetch_add(1, Ordering::SeqCst)
    };
    assert!(pool.run_before(Instant::now(), job).await.is_err());
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn panicking_job_is_answered_and_its_thread_survives() {
    let pool = HashPool::with_threads(1).unwrap();
    for _ in 0..3 {
        let panicked = pool.run(|| -> u32 { panic!("on purpose") }).await;
        assert!(panicked.is_err());
        assert_eq!(pool.run(|| 7).await, Ok(7));
    }
}

#[tokio::test]
async fn two_seconds_of_work_are_queued_and_no_more() {
    let (pool, release, _blocker) = held_pool().await;
    pool.shared.lock().typical = Some(Duration::from_millis(250));
    let mut queued = Vec::new();
    let refused = loop {
        let mut job = Box::pin(pool.run(|| ()));
        match submit(job.as_mut()) {
            Poll::Pending => queued.push(job),
            Poll::Ready(answer) => break answer,
        }
    };
    // Beside the one that runs.
    assert_eq!(queued.len(), 8);
    assert_eq!(
        refused,
        Err(Busy {
            retry_after: Duration::from_secs(3)
        })
    );
    drop(release);
    for job in queued {
        job.await.unwrap();
    }
    assert_eq!(pool.run(|| 7).await, Ok(7));
}

#[tokio::test]
async fn whoever_was_let_in_may_wait_a_quarter_longer_than_was_guessed() {
    let (pool, _release, _blocker) = held_pool().await;
    let mut job = Box::pin(pool.run(|| ()));
    let before = Instant::now();
    assert!(submit(job.as_mut()).is_pending());
    let after = Instant::now();
    let is_wanted = |at| pool.shared.lock().queue[0].is_wanted(at);
    assert!(is_wanted(before + MAX_WAIT * 6 / 5));
    assert!(!is_wanted(after + MAX_WAIT * 5 / 4));
}

#[tokio::test]
async fn before_the_first_job_has_run_nobody_is_refused_by_a_guess() {
    let (pool, release, _blocker) = held_pool().await;
    let mut jobs: Vec<_> = (0..100).map(|_| Box::pin(pool.run(|| ()))).collect();
    for job in &mut jobs {
        assert!(submit(job.as_mut()).is_pending());
    }
    drop(release);
    for job in jobs {
        job.await.unwrap();
    }
}

#[tokio::test]
async fn cancelled_jobs_make_room() {
    let (pool, _release, _blocker) = held_pool().await;
    for _ in 0..100 {
        let mut job = Box::pin(pool.run(|| ()));
        assert!(submit(job.as_mut()).is_pending());
    }
}

#[tokio::test]
async fn threads_end_after_their_job_when_the_pool_is_dropped() {
    let (pool, release, blocker) = held_pool().await;
    let shared = Arc::downgrade(&pool.shared);
    blocker.abort();
    assert!(blocker.await.unwrap_err().is_cancelled());
    drop(pool);
    assert_eq!(shared.strong_count(), 1, "the thread is still busy");
    drop(release);
    let patience = Instant::now() + Duration::from_secs(20);
    while shared.strong_count() > 0 {
        assert!(Instant::now() < patience, "the thread lives on");
        thread::yield_now();
    }
}

/// What a job finds in the pool that runs it.
async fn observed(pool: &HashPool) -> (u32, Option<Duration>) {
    let shared = Arc::clone(&pool.shared);
    let observe = move || {
        let state = shared.lock();
        (state.running, state.typical)
    };
    pool.run(observe).await.unwrap()
}

#[tokio::test]
async fn finished_jobs_are_counted_out_and_learnt_from() {
    let pool = HashPool::with_threads(1).unwrap();
    assert_eq!(observed(&pool).await, (1, None));
    let (running, typical) = observed(&pool).await;
    assert_eq!(running, 1);
    assert!(typical.is_some());
}

#[tokio::test]
async fn job_that_was_not_started_teaches_nothing() {
    let pool = HashPool::with_threads(1).unwrap();
    assert!(pool.run_before(Instant::now(), || ()).await.is_err());
    assert_eq!(observed(&pool).await, (1, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn jobs_from_many_tasks_are_all_answered() {
    let pool = Arc::new(HashPool::with_threads(3).unwrap());
    let tasks: Vec<_> = (0..200_u32)
        .map(|number| {
            let pool = Arc::clone(&pool);
            tokio::spawn(async move {
                loop {
                    if let Ok(answer) = pool.run(move || number * 2).await {
                        return answer == number * 2;
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
}

fn state(queued: usize, running: u32, typical: Duration) -> State {
    let job = || -> Box<dyn Job> {
        let (reply, _) = oneshot::channel();
        Box::new(Task {
            work: || (),
            reply,
            deadline: Instant::now(),
        })
    };
    State {
        queue: (0..queued).map(|_| job()).collect(),
        running,
        typical: Some(typical),
        closed: false,
    }
}

#[test]
fn expected_wait_counts_what_is_ahead() {
    let typical = Duration::from_millis(100);
    let wait = |queued, running, threads| {
        state(queued, running, typical)
            .expected_wait(threads)
            .as_millis()
    };
    assert_eq!(wait(0, 0, 1), 0);
    assert_eq!(wait(0, 1, 1), 100);
    assert_eq!(wait(5, 1, 1), 600);
    assert_eq!(wait(0, 3, 4), 0);
    assert_eq!(wait(4, 4, 4), 125);
}

#[test]
fn fast_jobs_are_bounded_by_their_number() {
    let fast = Duration::from_nanos(1);
    assert!(!state(MAX_QUEUED - 1, 1, fast).is_full(1));
    assert!(state(MAX_QUEUED, 1, fast).is_full(1));
}

#[test]
fn idle_pool_takes_a_job_however_slow_jobs_are() {
    assert!(!state(0, 0, Duration::from_secs(60)).is_full(1));
    assert!(state(0, 1, Duration::from_secs(60)).is_full(1));
}

#[test]
fn typical_duration_follows_the_jobs() {
    let mut state = state(0, 0, Duration::from_millis(250));
    for _ in 0..40 {
        state.learn(Duration::from_millis(10));
    }
    assert!((10..13).contains(&state.typical.unwrap().as_millis()));
}

#[test]
fn retry_is_advised_within_bounds() {
    let after = |queued, typical| state(queued, 1, typical).busy(1).retry_after.as_secs();
    assert_eq!(after(0, Duration::ZERO), 1);
    assert_eq!(after(0, Duration::from_secs(5)), 6);
    assert_eq!(after(100, Duration::from_secs(5)), 30);
}
