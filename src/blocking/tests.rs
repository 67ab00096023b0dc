//! Behaviour of the pool as its users see it. Nothing here sleeps: threads meet at counters.

use super::config::Spawner;
use super::*;
use crate::instant::Instant;
use crate::sync::plain::{AtomicUsize, Ordering::Relaxed};
use crate::sync::{Arc, Condvar, Mutex, thread};
use crate::task::raw::{self, ClosureBody, Runnable, Value};
use crate::task::{Priority, Schedule, TaskId};
use std::io;
use std::panic::Location;
use std::time::Duration;

/// Longer than any test takes.
const HOUR: Duration = Duration::from_secs(3600);

fn closure(work: impl FnOnce() + Send + 'static) -> Runnable {
    closure_of(Priority::default(), work)
}

fn closure_of(priority: Priority, work: impl FnOnce() + Send + 'static) -> Runnable {
    let body = ClosureBody::<_, Value>::new(work);
    let (runnable, handle) = raw::new(body, NoOwner, raw::SpawnMeta::at(Location::caller()));
    handle.task().set_priority(priority);
    handle.detach();
    runnable
}

struct NoOwner;

impl Schedule for NoOwner {
    fn schedule(&self, _: Runnable) {
        unreachable!("no closure in here sleeps");
    }

    fn must_not_wait(&self, _: TaskId) -> bool {
        false
    }
}

/// A counter to wait at.
#[derive(Clone, Default)]
struct Meeting(Arc<(Mutex<usize>, Condvar)>);

impl Meeting {
    fn arrive(&self) {
        *self.0.0.lock() += 1;
        self.0.1.notify_all();
    }
    fn wait_for(&self, arrivals: usize) {
        let mut count = self.0.0.lock();
        while *count < arrivals {
            self.0.1.wait(&mut count);
        }
    }
    fn count(&self) -> usize {
        *self.0.0.lock()
    }
}

/// Starts threads unless `fails` says that the n-th one (from 0) cannot be had.
struct Unreliable<F>(AtomicUsize, F);

impl<F: Fn(usize) -> bool + Send + Sync> Spawner for Unreliable<F> {
    fn spawn(&self, builder: thread::Builder, body: Box<dyn FnOnce() + Send>) -> io::Result<()> {
        if (self.1)(self.0.fetch_add(1, Relaxed)) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        builder.spawn(body).map(drop)
    }
}

pub(crate) fn unreliable(fails: impl Fn(usize) -> bool + Send + Sync + 'static) -> Arc<dyn Spawner> {
    Arc::new(Unreliable(AtomicUsize::new(0), fails))
}

fn config(core_threads: usize, max_threads: usize) -> Config {
    Config { core_threads: Some(core_threads), max_threads, ..Config::default() }
}

fn pool(config: Config) -> Arc<BlockingPool> {
    config.check().expect("a test uses options that work");
    Arc::new(BlockingPool::new(config))
}

fn submit(pool: &BlockingPool, work: impl FnOnce() + Send + 'static) {
    pool.admit_unlimited().expect("the pool is open and has threads").submit(closure(work));
}

/// Submits a job that holds its thread until `gate` has one arrival, and waits until it runs.
fn occupy(pool: &BlockingPool, gate: &Meeting) {
    let (running, gate) = (Meeting::default(), gate.clone());
    let begun = running.clone();
    submit(pool, move || {
        begun.arrive();
        gate.wait_for(1);
    });
    running.wait_for(1);
}

fn finish(pool: &BlockingPool) {
    pool.close();
    assert_eq!(pool.join(None), 0);
    let stats = pool.stats();
    assert_eq!((stats.threads, stats.idle, stats.queued), (0, 0, 0));
}

// ---- Running ---------------------------------------------------------------------------------------------------------

#[test]
fn each_job_runs_once_whoever_submits_it() {
    const OUTER: usize = 600;
    const INNER: usize = 5;
    let pool = pool(config(3, 4));
    let runs: Arc<Vec<AtomicUsize>> = Arc::new((0..3 * OUTER * (1 + INNER)).map(|_| AtomicUsize::new(0)).collect());
    let submitters: Vec<_> = (0..3)
        .map(|submitter| {
            let (pool, runs) = (Arc::clone(&pool), Arc::clone(&runs));
            thread::Builder::new().spawn(move || {
                for job in 0..OUTER {
                    let first = (submitter * OUTER + job) * (1 + INNER);
                    let (inner_pool, runs) = (Arc::clone(&pool), Arc::clone(&runs));
                    submit(&pool, move || {
                        runs[first].fetch_add(1, Relaxed);
                        for inner in 1..=INNER {
                            let runs = Arc::clone(&runs);
                            submit(&inner_pool, move || _ = runs[first + inner].fetch_add(1, Relaxed));
                        }
                    });
                }
            })
        })
        .collect();
    for submitter in submitters {
        submitter.expect("the system has threads").join().expect("no submitter panics");
    }
    while pool.stats().taken < runs.len() as u64 {
        thread::yield_now();
    }
    finish(&pool);
    assert!(runs.iter().all(|runs| runs.load(Relaxed) == 1));
}

#[test]
fn closures_that_a_blocked_worker_submitted_run_elsewhere() {
    let pool = pool(Config { stall: HOUR, ..config(2, 2) });
    let (done, inner_pool) = (Meeting::default(), Arc::clone(&pool));
    let outer_done = done.clone();
    submit(&pool, move || {
        let inner_done = Meeting::default();
        for _ in 0..100 {
            let inner_done = inner_done.clone();
            submit(&inner_pool, move || inner_done.arrive());
        }
        // None of them can run here.
        inner_done.wait_for(100);
        outer_done.arrive();
    });
    done.wait_for(1);
    finish(&pool);
}

#[test]
fn a_worker_of_another_pool_is_a_foreigner() {
    let (one, two) = (pool(config(1, 1)), pool(config(1, 1)));
    let done = Meeting::default();
    let (there, arrived) = (Arc::clone(&two), done.clone());
    submit(&one, move || {
        submit(&there, move || {
            assert!(thread::current().name().is_some_and(|name| name == "offtick-blocking-0"));
            arrived.arrive();
        });
        // The other pool's thread is not this one, so waiting here is fine.
        there.close();
        assert_eq!(there.join(None), 0);
    });
    done.wait_for(1);
    finish(&one);
}

#[test]
fn a_panic_ends_its_job_only() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::panic_any("from the payload's own destructor");
        }
    }
    let pool = pool(config(1, 1));
    let done = Meeting::default();
    for _ in 0..3 {
        submit(&pool, || std::panic::panic_any(Bomb));
    }
    let arrived = done.clone();
    submit(&pool, move || arrived.arrive());
    done.wait_for(1);
    assert_eq!(pool.stats().started, 1);
    finish(&pool);
}

// ---- Growing and shrinking -------------------------------------------------------------------------------------------

#[test]
fn a_burst_of_tiny_jobs_starts_the_core_and_a_watcher() {
    let pool = pool(Config { stall: HOUR, ..config(2, 512) });
    for _ in 0..20_000 {
        submit(&pool, || ());
    }
    pool.close();
    assert_eq!(pool.join(None), 0);
    assert!(pool.stats().peak <= 3, "{:?}", pool.stats());
    assert_eq!(pool.stats().taken, 20_000);
}

#[test]
fn jobs_that_wait_for_one_another_all_come_to_run() {
    let pool = pool(config(2, 40));
    let meeting = Meeting::default();
    for _ in 0..40 {
        let meeting = meeting.clone();
        submit(&pool, move || {
            meeting.arrive();
            meeting.wait_for(40);
        });
    }
    meeting.wait_for(40);
    assert_eq!(pool.stats().peak, 40);
    finish(&pool);
}

#[test]
fn jobs_that_spin_for_one_another_all_come_to_run() {
    let pool = pool(Config { stall: Duration::from_micros(100), ..config(1, 3) });
    let arrived = Arc::new(AtomicUsize::new(0));
    for _ in 0..3 {
        let arrived = Arc::clone(&arrived);
        submit(&pool, move || {
            arrived.fetch_add(1, Relaxed);
            while arrived.load(Relaxed) < 3 {
                thread::yield_now();
            }
        });
    }
    finish(&pool);
}

#[test]
fn the_watcher_itself_works_when_no_other_thread_can_be_had() {
    for fails in [false, true] {
        let max_threads = if fails { 512 } else { 3 };
        let pool = pool(Config { spawner: Some(unreliable(move |nth| fails && nth >= 3)), ..config(2, max_threads) });
        let meeting = Meeting::default();
        for _ in 0..3 {
            let meeting = meeting.clone();
            submit(&pool, move || {
                meeting.arrive();
                meeting.wait_for(3);
            });
        }
        finish(&pool);
        assert_eq!(meeting.count(), 3);
    }
}

#[test]
fn idle_threads_leave_and_come_back() {
    let pool = pool(Config { keep_alive: Duration::from_micros(200), ..config(2, 8) });
    for round in 1..=30 {
        let meeting = Meeting::default();
        for _ in 0..3 {
            let meeting = meeting.clone();
            submit(&pool, move || meeting.arrive());
        }
        meeting.wait_for(3);
        while pool.stats().threads > 0 {
            thread::yield_now();
        }
        assert_eq!(pool.stats().taken, 3 * round);
        assert_eq!(pool.stats().idle, 0);
    }
    finish(&pool);
}

#[test]
fn a_keep_alive_beyond_all_time_is_for_ever() {
    let pool = pool(Config { keep_alive: Duration::MAX, stall: Duration::MAX, ..config(1, 2) });
    let gate = Meeting::default();
    occupy(&pool, &gate);
    submit(&pool, || ());
    gate.arrive();
    finish(&pool);
}

// ---- The limit -------------------------------------------------------------------------------------------------------

#[test]
fn the_queue_is_full_exactly_at_its_limit() {
    let pool = pool(Config { queue_limit: Some(3), ..config(1, 1) });
    let (gate, done) = (Meeting::default(), Meeting::default());
    occupy(&pool, &gate);
    let job = || {
        let done = done.clone();
        closure(move || done.arrive())
    };
    for _ in 0..2 {
        pool.admit().unwrap().submit(job());
    }
    let third = pool.admit().unwrap();
    assert!(matches!(pool.admit(), Err(Refused::Full)));
    drop(third);
    assert_eq!(pool.stats().queued, 2);
    pool.admit().unwrap().submit(job());
    assert!(matches!(pool.admit(), Err(Refused::Full)));
    pool.admit_unlimited().unwrap().submit(job());
    assert!(matches!(pool.admit(), Err(Refused::Full)));
    assert_eq!(pool.stats().queued, 4);
    gate.arrive();
    done.wait_for(4);
    for _ in 0..10 {
        drop([pool.admit().unwrap(), pool.admit().unwrap(), pool.admit().unwrap()]);
    }
    finish(&pool);
    assert!(matches!(pool.admit(), Err(Refused::Closed)));
}

// ---- Threads that cannot be had --------------------------------------------------------------------------------------

#[test]
fn without_any_thread_nothing_is_admitted() {
    let pool = pool(Config { queue_limit: Some(1), spawner: Some(unreliable(|nth| nth < 3)), ..config(2, 4) });
    for _ in 0..3 {
        assert!(matches!(pool.admit(), Err(Refused::NoThread(error)) if error.kind() == io::ErrorKind::WouldBlock));
        assert_eq!((pool.stats().threads, pool.stats().queued), (0, 0));
    }
    // The place was given back each time, and the pool lives.
    let done = Meeting::default();
    let arrived = done.clone();
    pool.admit().unwrap().submit(closure(move || arrived.arrive()));
    done.wait_for(1);
    finish(&pool);
}

#[test]
fn a_job_stays_queued_while_one_thread_lives() {
    let pool = pool(Config { stall: HOUR, spawner: Some(unreliable(|nth| nth >= 1)), ..config(4, 8) });
    let (gate, done) = (Meeting::default(), Meeting::default());
    occupy(&pool, &gate);
    for _ in 0..10 {
        let done = done.clone();
        submit(&pool, move || done.arrive());
    }
    assert_eq!((pool.stats().threads, pool.stats().queued), (1, 10));
    gate.arrive();
    done.wait_for(10);
    finish(&pool);
}

#[test]
fn nothing_is_lost_while_threads_come_go_and_fail() {
    let fails = |nth: usize| nth.wrapping_mul(0x9E37_79B9) & 0x40 != 0;
    let keep_alive = Duration::from_micros(50);
    let stall = Duration::from_micros(100);
    let pool = pool(Config { keep_alive, stall, spawner: Some(unreliable(fails)), ..config(2, 6) });
    let ran = Arc::new(AtomicUsize::new(0));
    let submitters: Vec<_> = (0..2)
        .map(|_| {
            let (pool, ran) = (Arc::clone(&pool), Arc::clone(&ran));
            thread::Builder::new().spawn(move || {
                let mut accepted = 0;
                for nth in 0..3_000 {
                    let Ok(permit) = pool.admit() else { continue };
                    if nth % 7 == 0 {
                        continue;
                    }
                    accepted += 1;
                    let ran = Arc::clone(&ran);
                    permit.submit(closure(move || _ = ran.fetch_add(1, Relaxed)));
                    if nth % 50 == 0 {
                        // Let the threads run out of work and leave.
                        while pool.stats().threads > 0 {
                            thread::yield_now();
                        }
                    }
                }
                accepted
            })
        })
        .collect();
    let accepted: usize = submitters.into_iter().map(|submitter| submitter.unwrap().join().unwrap()).sum();
    finish(&pool);
    assert_eq!(ran.load(Relaxed), accepted);
    assert!(accepted > 1_000, "{accepted}");
}

// ---- The end ---------------------------------------------------------------------------------------------------------

#[test]
fn a_closed_pool_runs_what_it_admitted() {
    let pool = pool(Config { queue_limit: Some(5), ..config(1, 1) });
    let (gate, done) = (Meeting::default(), Meeting::default());
    occupy(&pool, &gate);
    for _ in 0..5 {
        let done = done.clone();
        pool.admit().unwrap().submit(closure(move || done.arrive()));
    }
    pool.close();
    pool.close();
    assert!(matches!(pool.admit(), Err(Refused::Closed)));
    assert!(matches!(pool.admit_unlimited(), Err(Refused::Closed)));
    gate.arrive();
    assert_eq!(pool.join(None), 0);
    assert_eq!(done.count(), 5);
}

#[test]
fn a_closed_pool_still_grows_for_jobs_that_wait_for_one_another() {
    let pool = pool(config(1, 5));
    let meeting = Meeting::default();
    for _ in 0..5 {
        let meeting = meeting.clone();
        submit(&pool, move || {
            meeting.arrive();
            meeting.wait_for(5);
        });
    }
    finish(&pool);
}

#[test]
fn a_permit_of_before_the_close_is_honoured() {
    let pool = pool(config(1, 2));
    let done = Meeting::default();
    let (used, unused) = (pool.admit().unwrap(), pool.admit().unwrap());
    pool.close();
    assert!(pool.join(Some(Instant::now())) > 0);
    let arrived = done.clone();
    used.submit(closure(move || arrived.arrive()));
    done.wait_for(1);
    drop(unused);
    assert_eq!(pool.join(None), 0);
}

#[test]
fn queued_jobs_can_be_drained() {
    let pool = pool(Config { queue_limit: Some(100), ..config(1, 1) });
    let (gate, done) = (Meeting::default(), Meeting::default());
    occupy(&pool, &gate);
    for _ in 0..100 {
        let done = done.clone();
        pool.admit().unwrap().submit(closure(move || done.arrive()));
    }
    pool.close();
    assert_eq!((pool.drain(), pool.stats().queued), (100, 0));
    gate.arrive();
    assert_eq!(pool.join(None), 0);
    assert_eq!(done.count(), 0);
}

#[test]
fn join_tells_who_did_not_stop() {
    let pool = pool(config(2, 2));
    let (gate, running) = (Meeting::default(), Meeting::default());
    for _ in 0..2 {
        let (gate, running) = (gate.clone(), running.clone());
        submit(&pool, move || {
            running.arrive();
            gate.wait_for(1);
        });
    }
    running.wait_for(2);
    pool.close();
    assert_eq!(pool.join(Some(Instant::now())), 2);
    gate.arrive();
    assert_eq!(pool.join(Some(Instant::now() + HOUR)), 0);
}

#[test]
fn join_relieves_a_watcher_with_nothing_to_watch() {
    let pool = pool(Config { stall: HOUR, ..config(1, 4) });
    let gate = Meeting::default();
    occupy(&pool, &gate);
    submit(&pool, || ());
    while pool.stats().started < 2 {
        thread::yield_now();
    }
    gate.arrive();
    finish(&pool);
}

#[test]
fn close_and_join_inside_a_worker_do_not_wait_for_themselves() {
    let pool = pool(config(1, 1));
    let done = Meeting::default();
    let (inside, arrived) = (Arc::clone(&pool), done.clone());
    submit(&pool, move || {
        inside.close();
        assert_eq!(inside.join(None), 1);
        assert!(matches!(inside.admit(), Err(Refused::Closed)));
        arrived.arrive();
    });
    done.wait_for(1);
    assert_eq!(pool.join(None), 0);
}

#[test]
fn the_last_handle_may_be_dropped_inside_a_worker() {
    struct Last(Meeting);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.arrive();
        }
    }
    let (gate, ended) = (Meeting::default(), Meeting::default());
    let pool = pool(config(1, 1));
    let (inside, enter, last) = (Arc::clone(&pool), gate.clone(), Last(ended.clone()));
    submit(&pool, move || {
        thread_local!(static AT_END: std::cell::RefCell<Option<Last>> = const { std::cell::RefCell::new(None) });
        AT_END.set(Some(last));
        enter.wait_for(1);
        drop(inside);
    });
    drop(pool);
    gate.arrive();
    // The thread's own destructors run: it did not stay.
    ended.wait_for(1);
}

// ---- Against a model -------------------------------------------------------------------------------------------------

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 48, failure_persistence: None, ..Default::default() })]

    /// With the only thread held up, the queue is two numbers: permits that are held and jobs that wait.
    #[test]
    fn places_add_up_in_any_order(limit in 1..6_usize, steps in proptest::collection::vec(0..5_u8, 0..60)) {
        let pool = pool(Config { queue_limit: Some(limit), stall: HOUR, ..config(1, 1) });
        let (gate, done) = (Meeting::default(), Meeting::default());
        occupy(&pool, &gate);
        let mut held = Vec::new();
        let mut queued = 0;
        for step in steps {
            match step {
                0 | 1 => match pool.admit() {
                    Ok(permit) => {
                        assert!(held.len() + queued < limit);
                        held.push(permit);
                    }
                    Err(refused) => {
                        assert!(matches!(refused, Refused::Full));
                        assert!(held.len() + queued >= limit);
                    }
                },
                2 => held.push(pool.admit_unlimited().expect("the pool is open and has a thread")),
                3 => drop(held.pop()),
                _ => if let Some(permit) = held.pop() {
                    let done = done.clone();
                    permit.submit(closure(move || done.arrive()));
                    queued += 1;
                },
            }
            assert_eq!(pool.stats().queued, (held.len() + queued) as u64);
        }
        drop(held);
        gate.arrive();
        finish(&pool);
        assert_eq!(done.count(), queued);
    }
}
