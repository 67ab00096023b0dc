//! A limit counts the work: a closure whose task was cancelled or ran out of time holds its slot until it has returned.
#![cfg(feature = "toolkit")]

#[path = "common/mod.rs"]
mod common;
#[path = "common/gate.rs"]
mod gate;

use common::{HANG, reactor_thread, until};
use gate::Gate;
use offtick::time::{Clock, ManualClock};
use offtick::{
    Builder, Job, Overlap, PoolHandle, PoolSet, Runtime, Scheduler, Session, Status, TaskGroup, TaskManager, TaskPool,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Closures that ignore their cancellation, and how many of them ran at once.
#[derive(Clone, Default)]
struct Work {
    gate: Gate,
    begun: Arc<AtomicUsize>,
    inside: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Work {
    fn body(&self) -> impl Fn() + Send + Sync + use<> {
        let work = self.clone();
        move || {
            work.most.fetch_max(work.inside.fetch_add(1, SeqCst) + 1, SeqCst);
            work.begun.fetch_add(1, SeqCst);
            work.gate.pass();
            work.inside.fetch_sub(1, SeqCst);
        }
    }

    fn begun(&self) -> usize {
        self.begun.load(SeqCst)
    }
}

struct World {
    clock: ManualClock,
    rt: Runtime,
    scheduler: Scheduler,
}

impl World {
    fn new() -> Self {
        let clock = Clock::manual();
        let rt = Builder::new().clock(clock.clone()).build().unwrap();
        let scheduler = Scheduler::new(&TaskManager::new(&rt));
        Self { clock, rt, scheduler }
    }

    /// Moves the clock, and lets the reactor and the pool catch up.
    fn advance(&self, by: Duration) {
        self.clock.advance(by);
        for _ in 0..3 {
            reactor_thread(self.rt.handle());
            self.rt.spawn_blocking(|| ()).wait_timeout(HANG).unwrap().unwrap();
        }
    }

    fn every_ten_seconds(&self, overlap: Overlap, timeout: Option<Duration>, work: &Work) -> Job {
        let mut every = self.scheduler.every(10 * SECOND).overlap(overlap).max_instances(1);
        if let Some(limit) = timeout {
            every = every.timeout(limit);
        }
        let body = work.body();
        every.spawn_blocking(move |_cx| body()).unwrap()
    }
}

#[test]
fn overlap_a_job_never_overlaps_itself() {
    for overlap in [Overlap::Skip, Overlap::Queue, Overlap::Allow, Overlap::CancelPrevious] {
        for (timeout, cancel) in [(None, false), (Some(SECOND), false), (None, true)] {
            let (world, work) = (World::new(), Work::default());
            let job = world.every_ten_seconds(overlap, timeout, &work);
            world.advance(10 * SECOND);
            until(|| work.begun() == 1);
            for _ in 0..4 {
                world.advance(SECOND);
                if cancel {
                    job.cancel_runs();
                }
                world.advance(9 * SECOND);
            }
            assert_eq!(work.most.load(SeqCst), 1, "{overlap:?}, {timeout:?}, {cancel}: {:?}", job.counts());
            assert_eq!((work.begun(), job.counts().runs), (1, 1));
            // The schedule goes on once the closure has returned.
            work.gate.open();
            until(|| {
                let counts = job.counts();
                (counts.running, counts.left_running, counts.queued) == (0, 0, 0)
            });
            world.advance(10 * SECOND);
            until(|| work.begun() >= 2);
        }
    }
}

#[test]
fn cancel_previous_starts_the_newest_once_the_old_closure_has_returned() {
    let (world, work) = (World::new(), Work::default());
    let job = world.every_ten_seconds(Overlap::CancelPrevious, None, &work);
    world.advance(10 * SECOND);
    until(|| work.begun() == 1);
    world.advance(10 * SECOND);
    world.advance(10 * SECOND);
    let counts = job.counts();
    assert_eq!((counts.runs, counts.running, counts.left_running), (1, 0, 1));
    assert_eq!((counts.queued, counts.overlapped), (1, 1), "the newer slot took the place of the older");
    work.gate.open();
    until(|| work.begun() == 2);
    until(|| job.counts().runs == 2 && job.counts().left_running == 0);
    assert_eq!(work.most.load(SeqCst), 1);
}

#[test]
fn a_job_that_does_not_wait_for_closures_counts_them_all_the_same() {
    for (overlap, timeout) in [(Overlap::CancelPrevious, None), (Overlap::Skip, Some(SECOND))] {
        let (world, work) = (World::new(), Work::default());
        let mut every =
            world.scheduler.every(10 * SECOND).overlap(overlap).wait_for_closures(false).misfire_grace(None);
        if let Some(limit) = timeout {
            every = every.timeout(limit);
        }
        let body = work.body();
        let job = every.spawn_blocking(move |_cx| body()).unwrap();
        for run in 1..=3 {
            world.advance(10 * SECOND);
            until(|| work.begun() == run);
            if timeout.is_some() {
                world.advance(SECOND);
            }
        }
        let left = if timeout.is_some() { 3 } else { 2 };
        until(|| job.counts().left_running == left);
        assert_eq!((job.counts().running, job.counts().overlapped), (3 - left, 0));
        assert_eq!(work.most.load(SeqCst), 3);
        work.gate.open();
        until(|| job.counts().left_running == 0);
    }
}

#[test]
fn a_job_that_hangs_takes_one_thread_and_shows_until_it_returns() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).blocking_threads(2).build().unwrap();
    let world = World { clock, scheduler: Scheduler::new(&TaskManager::new(&rt)), rt };
    let work = Work::default();
    let every = world.scheduler.every(10 * SECOND).id("hangs").timeout(SECOND).misfire_grace(None);
    let body = work.body();
    let job = every.spawn_blocking(move |_cx| body()).unwrap();
    for _ in 0..20 {
        world.advance(10 * SECOND);
        until(|| work.begun() == 1);
        world.advance(SECOND);
    }
    assert_eq!((work.begun(), job.counts().left_running), (1, 1));
    assert!(job.counts().overlapped > 0, "the later slots are skipped");
    assert_eq!(world.rt.spawn_blocking(|| 7).wait_timeout(HANG).expect("a thread is free").unwrap(), 7);
    #[cfg(feature = "net")]
    assert!(!common::settled(world.rt.run(offtick::net::lookup("localhost:80"))).is_empty());
    assert_eq!(world.rt.metrics().blocking_left_running, 1);
    let left = |tasks: &[offtick::TaskInfo]| tasks.iter().filter(|task| task.is_left_running()).count();
    assert_eq!(left(&world.rt.tasks()), 1);
    let report = world.rt.shutdown(Duration::ZERO);
    assert_eq!(left(&report.left_running), 1);
    assert!(!report.is_clean());
    work.gate.open();
}

#[test]
fn the_report_of_a_scheduler_counts_closures_that_still_run() {
    let (world, work) = (World::new(), Work::default());
    let job = world.every_ten_seconds(Overlap::Queue, Some(SECOND), &work);
    world.advance(10 * SECOND);
    until(|| work.begun() == 1);
    world.advance(SECOND);
    world.advance(9 * SECOND);
    assert_eq!((job.counts().left_running, job.counts().failed, job.counts().queued), (1, 1, 1));
    let report = world.scheduler.shutdown(Duration::ZERO);
    assert_eq!((report.jobs, report.queued, report.running, report.left_running), (1, 1, 0, 1));
    assert!(!report.is_clean());
    let waiter = std::thread::spawn({
        let scheduler = world.scheduler.clone();
        move || scheduler.shutdown(Duration::MAX)
    });
    work.gate.open();
    assert!(waiter.join().unwrap().is_clean());
}

#[test]
fn overlap_groups_pools_and_sets_never_exceed_their_limit() {
    let rt = common::runtime();
    let check = |handle: &PoolHandle, start: &mut dyn FnMut(Box<dyn FnOnce() + Send>)| {
        let work = Work::default();
        for _ in 0..4 {
            start(Box::new(work.body()));
        }
        until(|| work.begun() == 1);
        // Those that wait are cancelled first, or each end would start the next.
        handle.cancel_all();
        until(|| handle.progress().left_running == 1);
        let progress = handle.progress();
        assert_eq!((progress.running, progress.pending, progress.cancelled, progress.total), (0, 0, 4, 4));
        start(Box::new(work.body()));
        let report = common::block_on(handle.stop(Some(Duration::ZERO)));
        assert_eq!((report.waiting.len(), report.running.len(), report.left_running.len()), (1, 0, 1));
        assert!(!handle.is_idle());
        work.gate.open();
        handle.wait_timeout(HANG).unwrap().unwrap();
        assert_eq!((work.begun(), work.most.load(SeqCst)), (2, 1));
        assert!(handle.stop_blocking(None).unwrap().is_clean());
    };
    let pool = TaskPool::new(&rt, 1).unwrap();
    check(pool.handle(), &mut |body| pool.spawn_blocking(body).detach());
    let group = TaskGroup::with_limit(&rt, 1).unwrap();
    check(group.handle(), &mut |body| group.spawn_blocking(body).detach());
    let (mut set, mut key) = (PoolSet::new(&rt, 1).unwrap(), 0);
    let handle = set.pool().clone();
    check(&handle, &mut |body| {
        key += 1;
        set.spawn_blocking(key, body);
    });
    let thread = offtick::WorkerThread::builder("limited").size(1).build().unwrap();
    thread.start_blocking().unwrap();
    let handle = thread.pool().unwrap();
    check(&handle, &mut |body| handle.spawn_blocking(body).detach());
}

#[test]
fn a_closure_that_never_began_frees_its_slot_when_it_is_cancelled() {
    let rt = common::narrow();
    let hog = common::Hog::pool(rt.handle());
    let pool = TaskPool::new(&rt, 1).unwrap();
    let launched = pool.spawn_blocking(|| panic!("it never begins"));
    assert_eq!((pool.waiting(), pool.progress().pending), (0, 1));
    assert!(launched.cancel());
    // Its body is still in the queue of the threads, which are all held.
    assert_eq!(pool.spawn(async { 7 }).wait_timeout(HANG).unwrap().unwrap(), 7);
    pool.wait_timeout(HANG).unwrap().unwrap();
    hog.release();
}

#[test]
fn resized_to_one_while_many_run_and_cancelled_in_any_order() {
    const RUNNING: usize = 16;
    let rt = common::runtime();
    let pool = TaskPool::new(&rt, RUNNING).unwrap();
    let (first, second) = (Work::default(), Work::default());
    let running: Vec<_> = (0..RUNNING).map(|_| pool.spawn_blocking(first.body())).collect();
    until(|| first.begun() == RUNNING);
    let mut waiting: Vec<_> = (0..1000).map(|_| pool.spawn_blocking(second.body())).collect();
    pool.resize(1).unwrap();
    assert!(running.iter().all(offtick::Task::cancel));
    until(|| pool.progress().left_running == RUNNING);
    // Every task but two, in an order without a pattern.
    let mut rng = fastrand::Rng::with_seed(7);
    rng.shuffle(&mut waiting);
    assert!(waiting[2..].iter().all(offtick::Task::cancel));
    until(|| pool.progress().cancelled == RUNNING + 998);
    assert_eq!((pool.waiting(), second.begun()), (2, 0));
    first.gate.open();
    until(|| second.begun() == 1);
    assert_eq!((pool.waiting(), pool.progress().running, second.inside.load(SeqCst)), (1, 1, 1));
    second.gate.open();
    pool.wait_timeout(HANG).unwrap().unwrap();
    assert_eq!((second.begun(), second.most.load(SeqCst), pool.progress().done), (2, 1, 2));
}

#[test]
fn serial_tasks_of_a_session_wait_for_the_closure_that_they_replace() {
    let rt = common::runtime();
    let mut session = Session::new(&rt);
    let work = Work::default();
    let saves = session.serial("save");
    let first = session.replace("save", saves.spawn_blocking(work.body()));
    until(|| work.begun() == 1);
    let second = session.replace("save", saves.spawn_blocking(work.body()));
    assert_eq!((first.status(), second.status()), (Status::Cancelled, Status::Pending));
    let other = session.serial("other");
    assert_eq!(other.spawn_blocking(|| 5).wait().unwrap(), 5, "each name has a slot of its own");
    let again = session.serial("save");
    let third = session.replace("save", again.spawn_blocking(work.body()));
    assert_eq!(second.status(), Status::Cancelled);
    work.gate.open();
    assert!(third.wait().is_ok());
    assert_eq!((work.begun(), work.most.load(SeqCst)), (2, 1));
    session.clear();
    assert!(saves.is_closed() && other.is_closed());
    assert!(!session.serial("save").is_closed());
}
