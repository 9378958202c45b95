use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use tokenpair_pbkdf2::Group;

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
async fn work_for_the_longest_wait_is_queued_and_no_more() {
    let (pool, release, _blocker) = held_pool().await;
    pool.shared.lock().queue.typical = Some(Duration::from_millis(250));
    let mut queued = Vec::new();
    let refused = loop {
        let mut job = Box::pin(pool.run(|| ()));
        match submit(job.as_mut()) {
            Poll::Pending => queued.push(job),
            Poll::Ready(answer) => break answer,
        }
    };
    // Beside the one that runs.
    assert_eq!(queued.len(), 7);
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
async fn whoever_was_let_in_may_wait_a_little_longer_than_was_guessed() {
    let (pool, _release, _blocker) = held_pool().await;
    let mut job = Box::pin(pool.run(|| ()));
    let before = Instant::now();
    assert!(submit(job.as_mut()).is_pending());
    let after = Instant::now();
    let is_wanted = |at| pool.shared.lock().queue.waiting[0].is_wanted(at);
    assert!(is_wanted(before + MAX_WAIT * 11 / 10));
    assert!(!is_wanted(after + DEADLINE));
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
        (state.queue.running, state.queue.typical)
    };
    pool.run(observe).await.unwrap()
}

#[tokio::test]
async fn finished_jobs_are_counted_out_and_learnt_from() {
    let pool = HashPool::with_threads(1).unwrap();
    assert_eq!(observed(&pool).await, (100, None));
    let (running, typical) = observed(&pool).await;
    assert_eq!(running, 100);
    assert!(typical.is_some());
}

#[tokio::test]
async fn job_that_was_not_started_teaches_nothing() {
    let pool = HashPool::with_threads(1).unwrap();
    assert!(pool.run_before(Instant::now(), || ()).await.is_err());
    assert_eq!(observed(&pool).await, (100, None));
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

struct Waiting {
    sharing: Sharing,
}

impl Job for Waiting {
    fn is_wanted(&self, _now: Instant) -> bool {
        true
    }

    fn sharing(&self) -> Sharing {
        self.sharing
    }

    fn start(self: Box<Self>, _lane: Lane) -> Running {
        Box::pin(async {})
    }
}

/// What Emerald Rapids can do.
const GROUPS: [Group; 3] = [
    Group { size: 1, cost: 100 },
    Group { size: 2, cost: 140 },
    Group {
        size: 16,
        cost: 600,
    },
];

/// A queue of one job for each letter: `s` can share, `p` can share a part of its work, `a` runs alone.
fn queue(kinds: &str, running: u32, threads: u32, typical: Duration) -> Queue {
    let mut queue = Queue::new(threads, &GROUPS);
    let jobs = kinds.chars().map(|kind| -> Box<dyn Job> {
        Box::new(Waiting {
            sharing: match kind {
                's' => Sharing::Whole,
                'p' => Sharing::Part,
                _ => Sharing::None,
            },
        })
    });
    queue.waiting.extend(jobs);
    queue.running = 100 * running;
    queue.typical = Some(typical);
    queue
}

/// The sizes of the groups in which a thread takes what is there.
fn groups_taken(kinds: &str, threads: u32) -> Vec<usize> {
    let mut queue = queue(kinds, 0, threads, Duration::ZERO);
    std::iter::from_fn(|| queue.take().map(|(jobs, _)| jobs.len())).collect()
}

#[test]
fn expected_wait_counts_what_is_ahead() {
    let wait = |queued: usize, running, threads| {
        let queue = queue(
            &"a".repeat(queued),
            running,
            threads,
            Duration::from_millis(100),
        );
        queue.expected_wait().as_millis()
    };
    assert_eq!(wait(0, 0, 1), 0);
    assert_eq!(wait(0, 1, 1), 100);
    assert_eq!(wait(5, 1, 1), 600);
    assert_eq!(wait(0, 3, 4), 0);
    assert_eq!(wait(4, 4, 4), 125);
}

#[test]
fn expected_wait_counts_a_batch_as_what_it_costs() {
    let wait = |kinds: &str, threads| {
        let queue = queue(kinds, 0, threads, Duration::from_millis(100));
        queue.expected_wait().as_millis()
    };
    assert_eq!(wait("s", 1), 100);
    assert_eq!(wait("ss", 1), 140);
    assert_eq!(wait(&"s".repeat(16), 1), 600);
    assert_eq!(wait(&"s".repeat(32), 1), 1200);
    assert_eq!(wait(&"s".repeat(640), 1), 24_000);
    assert_eq!(wait("sas", 1), 300);
}

#[test]
fn batches_make_room_for_more() {
    let full_at = |kind: &str| {
        let full = |number: &usize| {
            queue(&kind.repeat(*number), 0, 1, Duration::from_millis(100)).is_full()
        };
        (0..200).find(full)
    };
    assert_eq!(full_at("a"), Some(18));
    assert!(full_at("s") > Some(30), "{:?}", full_at("s"));
}

#[test]
fn one_job_runs_alone_and_many_run_in_batches() {
    assert_eq!(groups_taken("s", 1), [1]);
    assert_eq!(groups_taken("aaa", 1), [1, 1, 1]);
    assert_eq!(groups_taken(&"s".repeat(16), 1), [16]);
    assert_eq!(groups_taken(&"s".repeat(33), 1), [16, 16, 1]);
}

#[test]
fn a_batch_is_taken_only_when_it_shortens_the_sum_of_all_waits() {
    let sum = |sizes: &[usize]| {
        let mut left: usize = sizes.iter().sum();
        let cost = |size: usize| GROUPS.iter().find(|group| group.size >= size).unwrap().cost;
        let ends = sizes.iter().map(|&size| {
            let end = cost(size) as usize * left;
            left -= size;
            end
        });
        ends.sum::<usize>()
    };
    for jobs in 1..=40 {
        let taken = sum(&groups_taken(&"s".repeat(jobs), 1));
        assert!(taken <= sum(&vec![1; jobs]), "{jobs}");
        assert!(
            taken <= sum(&[vec![2; jobs / 2], vec![1; jobs % 2]].concat()),
            "{jobs}"
        );
    }
}

#[test]
fn sixteen_clients_that_ask_again_at_once_are_served_in_batches() {
    for (gone, waiting, taken) in [(1, 15, 15), (2, 14, 14), (15, 1, 1), (0, 14, 2)] {
        let mut queue = queue(&"s".repeat(waiting), 0, 1, Duration::ZERO);
        queue.learn(gone, Duration::ZERO, 100);
        let (jobs, _) = queue.take().unwrap();
        assert_eq!(jobs.len(), taken, "{gone} have just gone, {waiting} wait");
    }
}

#[test]
fn jobs_that_cannot_share_run_in_their_turn() {
    let kinds = "ssaaass".to_owned();
    assert_eq!(groups_taken(&kinds, 1), [2, 1, 1, 1, 2]);
}

#[test]
fn a_batch_takes_one_job_that_has_other_work_too() {
    let shared = "s".repeat(15);
    assert_eq!(groups_taken(&format!("p{shared}"), 1), [16]);
    assert_eq!(groups_taken(&format!("{shared}p"), 1), [16]);
    assert_eq!(groups_taken("pppp", 1), [1, 1, 1, 1]);
    assert_eq!(groups_taken("spsps", 1), [2, 2, 1]);
    let many = format!("{shared}p{shared}p");
    assert_eq!(groups_taken(&many, 1), [16, 16]);
}

#[test]
fn expected_wait_counts_jobs_with_other_work_one_by_one() {
    let queue = queue("pppp", 0, 1, Duration::from_millis(100));
    assert_eq!(queue.expected_wait().as_millis(), 400);
}

#[test]
fn each_thread_plans_for_its_part_of_the_queue() {
    assert_eq!(groups_taken("ssss", 4), [1, 1, 1, 1]);
    assert_eq!(groups_taken(&"s".repeat(64), 4)[0], 16);
}

#[test]
fn fast_jobs_are_bounded_by_their_number() {
    let fast = Duration::from_nanos(1);
    assert!(!queue(&"a".repeat(MAX_QUEUED - 1), 1, 1, fast).is_full());
    assert!(queue(&"a".repeat(MAX_QUEUED), 1, 1, fast).is_full());
}

#[test]
fn idle_pool_takes_a_job_however_slow_jobs_are() {
    assert!(!queue("", 0, 1, Duration::from_secs(60)).is_full());
    assert!(queue("", 1, 1, Duration::from_secs(60)).is_full());
}

#[test]
fn typical_duration_follows_the_jobs() {
    let mut queue = queue("", 0, 1, Duration::from_millis(250));
    for _ in 0..20 {
        queue.learn(1, Duration::from_millis(10), 100);
        queue.learn(16, Duration::from_millis(60), 600);
    }
    assert!((10..13).contains(&queue.typical.unwrap().as_millis()));
}

#[test]
fn retry_is_advised_within_bounds() {
    let after = |queued: usize, typical| {
        let queue = queue(&"a".repeat(queued), 1, 1, typical);
        queue.busy().retry_after.as_secs()
    };
    assert_eq!(after(0, Duration::ZERO), 1);
    assert_eq!(after(0, Duration::from_secs(5)), 6);
    assert_eq!(after(100, Duration::from_secs(5)), 30);
}

/// Which jobs a pool ran in lanes beside others.
async fn derive_on(pool: &HashPool, number: u32) -> Result<(bool, [u8; 32]), Busy> {
    let job = async move |lane: Lane| {
        let iterations = NonZeroU32::new(1 + number).unwrap();
        let key = lane.derive(b"password", b"salt", iterations).await;
        (lane.is_shared(), key)
    };
    pool.run_beside_others(Sharing::Whole, job).await
}

fn expected(number: u32) -> [u8; 32] {
    tokenpair_pbkdf2::derive(b"password", b"salt", NonZeroU32::new(1 + number).unwrap())
}

#[tokio::test]
async fn a_job_that_could_share_runs_alone_where_nobody_waits() {
    let pool = HashPool::with_threads(1).unwrap();
    assert_eq!(derive_on(&pool, 7).await, Ok((false, expected(7))));
}

#[tokio::test]
async fn sixteen_waiting_jobs_run_as_one_batch_without_those_that_were_cancelled_or_panic() {
    let (pool, release, _blocker) = held_pool().await;
    {
        let mut state = pool.shared.lock();
        state.queue = Queue::new(1, &GROUPS);
        state.queue.running = 100;
    }
    let ran = Arc::new(AtomicU32::new(0));
    let counted = || {
        let ran = Arc::clone(&ran);
        let job = async move |_: Lane| ran.fetch_add(1, Ordering::SeqCst);
        pool.run_beside_others(Sharing::Whole, job)
    };
    let mut cancelled = Box::pin(counted());
    assert!(submit(cancelled.as_mut()).is_pending());
    let mut jobs: Vec<_> = (0..15)
        .map(|number| Box::pin(derive_on(&pool, number)))
        .collect();
    for job in &mut jobs {
        assert!(submit(job.as_mut()).is_pending());
    }
    let mut panics =
        Box::pin(pool.run_beside_others(Sharing::Whole, async |_: Lane| panic!("on purpose")));
    let polled: Poll<Result<(), Busy>> = submit(panics.as_mut());
    assert!(polled.is_pending());
    drop(cancelled);
    drop(release);
    for (job, number) in jobs.into_iter().zip(0..) {
        assert_eq!(job.await, Ok((true, expected(number))));
    }
    assert!(panics.await.is_err());
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    assert_eq!(derive_on(&pool, 3).await, Ok((false, expected(3))));
}

#[tokio::test]
async fn a_job_that_waits_for_anything_but_its_key_is_given_up_and_its_neighbours_are_not() {
    let (pool, release, _blocker) = held_pool().await;
    pool.shared.lock().queue = Queue::new(1, &GROUPS);
    pool.shared.lock().queue.running = 100;
    let strange = || {
        Box::pin(pool.run_beside_others(Sharing::Whole, async |lane: Lane| {
            lane.derive(b"password", b"salt", NonZeroU32::MIN).await;
            std::future::pending::<()>().await;
        }))
    };
    let mut beside_others = strange();
    assert!(submit(beside_others.as_mut()).is_pending());
    let mut jobs: Vec<_> = (0..15)
        .map(|number| Box::pin(derive_on(&pool, number)))
        .collect();
    for job in &mut jobs {
        assert!(submit(job.as_mut()).is_pending());
    }
    drop(release);
    assert!(beside_others.await.is_err());
    for (job, number) in jobs.into_iter().zip(0..) {
        assert_eq!(job.await, Ok((true, expected(number))));
    }
    assert!(strange().await.is_err(), "alone");
    assert_eq!(derive_on(&pool, 3).await, Ok((false, expected(3))));
}
