//! `TaskPool`: never more than its size, in order, nothing lost; and what hands out its results.
#![cfg(feature = "toolkit")]

#[path = "common/mod.rs"]
mod common;
#[path = "common/gate.rs"]
mod gate;

use common::{
    HANG, Hog, Log, PLANNED, on_reactor, poll_once, quiet_planned_panics, reactor_thread, runtime, settled, until,
};
use gate::Gate;
use offtick::time::Clock;
use offtick::{Builder, PoolMap, PoolSet, PoolStopped, Priority, RetryPolicy, Status, Task, TaskError, TaskPool};
use std::future::{pending, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A future that logs its start and waits at a gate.
fn body(log: &Log, name: &str, gate: &Gate) -> impl Future<Output = ()> + Send + use<> {
    let (log, name, gate) = (log.clone(), name.to_owned(), gate.clone());
    async move {
        log.push(name);
        gate.passed().await;
    }
}

#[test]
fn no_limit_is_unlimited_and_a_huge_size_is_too() {
    let rt = runtime();
    for size in [None, Some(usize::MAX)] {
        let pool = size.map_or_else(|| TaskPool::unlimited(&rt), |size| TaskPool::new(&rt, size).unwrap());
        assert_eq!(pool.size(), size);
        let (log, gate) = (Log::new(), Gate::new());
        let tasks: Vec<_> = (0..200).map(|n| pool.spawn(body(&log, &n.to_string(), &gate))).collect();
        until(|| log.len() == 200);
        assert_eq!((pool.waiting(), pool.progress().running), (0, 200));
        gate.open();
        tasks.into_iter().for_each(settled);
    }
}

#[test]
fn a_limit_of_zero_is_an_error_everywhere() {
    let rt = runtime();
    assert!(TaskPool::new(&rt, 0).is_err());
    assert!(PoolSet::<u8, ()>::new(&rt, 0).is_err());
    let invalid = [TaskPool::builder().size(0), TaskPool::builder().queue_limit(0)];
    for (builder, wrong) in invalid.into_iter().zip(["size", "queue_limit"]) {
        let error = builder.build(&rt).unwrap_err();
        assert_eq!(error.setting(), wrong);
    }
    assert!(offtick::WorkerThread::builder("zero").size(0).build().is_err());
    assert!(offtick::WorkerThread::builder("zero").queue_limit(0).build().is_err());
    let pool = TaskPool::new(&rt, 3).unwrap();
    assert!(pool.resize(0).is_err());
    assert_eq!(pool.size(), Some(3), "nothing changed");
    assert!(pool.map(0..3, |_| async {}).window(0).is_err());
    let unlimited = TaskPool::builder().size(3).unlimited().build(&rt).unwrap();
    assert_eq!((unlimited.size(), PoolSet::<u8, ()>::unlimited(&rt).pool().size()), (None, None));
}

#[test]
fn growing_starts_more_and_shrinking_stops_none() {
    let rt = runtime();
    let pool = TaskPool::new(&rt, 1).unwrap();
    let log = Log::new();
    let gates: Vec<_> = (0..6).map(|_| Gate::new()).collect();
    let tasks: Vec<_> = (0..6).map(|n| pool.spawn(body(&log, &n.to_string(), &gates[n]))).collect();
    reactor_thread(rt.handle());
    assert_eq!((log.text().as_str(), pool.waiting()), ("0", 5));
    pool.resize(3).unwrap();
    reactor_thread(rt.handle());
    assert_eq!(log.text(), "0 1 2");
    pool.resize(1).unwrap();
    reactor_thread(rt.handle());
    assert_eq!(pool.progress().running, 3);
    gates[0].open();
    gates[1].open();
    until(|| pool.progress().done == 2);
    reactor_thread(rt.handle());
    assert_eq!(log.text(), "0 1 2", "one still runs, and one is the size");
    gates[2].open();
    until(|| log.len() == 4);
    pool.resize_unlimited();
    reactor_thread(rt.handle());
    assert_eq!(log.text(), "0 1 2 3 4 5");
    gates.iter().for_each(Gate::open);
    tasks.into_iter().for_each(settled);
    assert!(pool.is_idle());
}

#[test]
fn every_way_to_end_frees_the_slot() {
    quiet_planned_panics();
    let rt = runtime();
    let pool = TaskPool::new(&rt, 1).unwrap();
    let refused = RetryPolicy::fixed(Duration::ZERO).max_attempts(2);
    let tasks: Vec<Task<()>> = vec![
        pool.spawn(async {}),
        pool.run(async { Err("error") }),
        pool.spawn(async { panic!("{PLANNED}") }),
        pool.spawn(pending()),
        pool.task().timeout(Duration::from_millis(1)).spawn(|_cx| pending()),
        pool.task().retry(refused).run(|_cx| ready(Err("again"))),
        pool.spawn_blocking(|| ()),
        pool.run_blocking(|| Err("error")),
        pool.spawn_blocking(|| panic!("{PLANNED}")),
    ];
    until(|| tasks[3].status() == Status::Running);
    tasks[3].cancel();
    pool.wait_timeout(HANG).expect("all end").unwrap();
    let progress = pool.progress();
    assert_eq!((progress.total, progress.done, progress.failed, progress.cancelled), (9, 2, 6, 1));
    settled(pool.spawn(async {}));
}

#[test]
fn a_dropped_handle_and_a_detached_task_free_the_slot() {
    let rt = runtime();
    let pool = TaskPool::new(&rt, 1).unwrap();
    drop(pool.spawn(pending::<()>()));
    let gate = Gate::new();
    let waits = gate.clone();
    pool.spawn(async move { waits.passed().await }).detach();
    let mut next = pool.spawn(async { 7 });
    gate.open();
    assert_eq!(next.wait_timeout(HANG).unwrap().unwrap(), 7);
}

#[test]
fn a_full_queue_gives_the_job_back() {
    let rt = runtime();
    let pool = TaskPool::builder().size(1).queue_limit(1).build(&rt).unwrap();
    let gate = Gate::new();
    let waits = || {
        let gate = gate.clone();
        async move { gate.passed().await }
    };
    let running = pool.try_spawn(waits()).unwrap();
    let waiting = pool.try_spawn(waits()).unwrap();
    let refused = pool.try_spawn(async { 5 }).unwrap_err();
    assert!(refused.is_full());
    assert!(pool.try_run(async { Ok::<_, TaskError>(()) }).unwrap_err().is_full());
    assert!(pool.try_spawn_blocking(|| ()).unwrap_err().is_full());
    assert!(pool.try_run_blocking(|| Ok::<_, TaskError>(())).unwrap_err().is_full());
    assert_eq!(pool.progress().total, 2, "what was refused was never there");
    // The plain verbs do not look at the limit; a cancelled one makes room in the queue, a larger size too.
    let beyond = pool.spawn(waits());
    assert_eq!(pool.waiting(), 2);
    assert!(beyond.cancel() && waiting.cancel());
    let queued = pool.try_spawn(refused.into_inner()).unwrap();
    assert!(pool.try_spawn(async {}).unwrap_err().is_full());
    pool.resize(2).unwrap();
    assert_eq!(settled(queued), 5);
    settled(pool.try_spawn(async {}).unwrap());
    gate.open();
    settled(running);
}

#[test]
fn no_queue_means_a_slot_or_nothing() {
    let rt = runtime();
    let pool = TaskPool::builder().size(2).no_queue().build(&rt).unwrap();
    let _one = pool.try_spawn(pending::<()>()).unwrap();
    let _two = pool.try_spawn(pending::<()>()).unwrap();
    assert!(pool.try_spawn(pending::<()>()).unwrap_err().is_full());
    pool.resize_unlimited();
    let _three = pool.try_spawn(pending::<()>()).unwrap();
    pool.resize(1).unwrap();
    assert!(pool.try_spawn(pending::<()>()).unwrap_err().is_full());
}

/// Counts them.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn whoever_waits_for_room_is_told_of_it_and_of_every_end() {
    let rt = runtime();
    let woken = |room: &mut Pin<Box<dyn Future<Output = ()> + Send>>, tally: &Arc<Wakes>| {
        room.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(tally)))).is_ready()
    };
    let pool = TaskPool::builder().size(1).queue_limit(1).build(&rt).unwrap();
    let wait = || -> Pin<Box<dyn Future<Output = ()> + Send>> { Box::pin(pool.capacity()) };
    let tally = Arc::new(Wakes::default());
    assert!(woken(&mut wait(), &tally), "a slot");
    let running = pool.spawn(pending::<()>());
    assert!(woken(&mut wait(), &tally), "a place in the queue");
    let waiting = pool.spawn(pending::<()>());
    let (mut first, mut second, mut gone) = (wait(), wait(), wait());
    assert!(!woken(&mut first, &tally) && !woken(&mut second, &tally) && !woken(&mut gone, &tally));
    assert!(!woken(&mut second, &tally), "it stands there once");
    drop(gone);
    // One leaves the queue: both look again.
    assert!(waiting.cancel());
    until(|| tally.0.load(Ordering::Relaxed) == 2);
    assert!(woken(&mut first, &tally));
    let _waiting = pool.try_spawn(pending::<()>()).unwrap_or_else(|_| panic!("there was room"));
    assert!(!woken(&mut second, &tally), "too late");
    // A slot is free, and the one that waits takes it.
    running.cancel();
    until(|| tally.0.load(Ordering::Relaxed) == 3);
    assert!(woken(&mut second, &tally));
    let _more = pool.spawn(pending::<()>());
    let (mut larger, mut larger_still) = (wait(), wait());
    assert!(!woken(&mut larger, &tally));
    pool.resize(2).unwrap();
    assert_eq!(tally.0.load(Ordering::Relaxed), 4);
    assert!(woken(&mut larger, &tally) && woken(&mut larger_still, &tally));
    // Nobody will be let in any more.
    let _more = pool.spawn(pending::<()>());
    let mut closed = wait();
    assert!(!woken(&mut closed, &tally));
    pool.close();
    assert_eq!(tally.0.load(Ordering::Relaxed), 5);
    assert!(woken(&mut closed, &tally));

    let pool = TaskPool::builder().size(1).no_queue().build(&rt).unwrap();
    let gate = Gate::new();
    let theirs = gate.clone();
    pool.spawn_blocking(move || theirs.pass()).detach();
    until(|| pool.progress().running == 1);
    let mut orphan: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(pool.capacity());
    assert!(!woken(&mut orphan, &tally));
    rt.shutdown(Duration::ZERO);
    assert_eq!(tally.0.load(Ordering::Relaxed), 6, "though the closure holds its slot");
    assert!(woken(&mut orphan, &tally));
    gate.open();
}

#[test]
fn time_counts_while_it_runs_and_not_while_it_waits() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let pool = TaskPool::builder().size(1).timeout(10 * SECOND).build(&rt).unwrap();
    let (gate, started) = (Gate::new(), Log::new());
    let mut first = pool.spawn(body(&started, "first", &gate));
    let mut second = pool.spawn(body(&started, "second", &gate));
    until(|| started.len() == 1);
    clock.advance(9 * SECOND);
    reactor_thread(rt.handle());
    assert!(!first.is_done());
    clock.advance(SECOND);
    let error = first.wait_timeout(HANG).unwrap().unwrap_err();
    assert!(matches!(error, TaskError::TimedOut(limit) if limit == 10 * SECOND));
    // The second waited for ten seconds, and has all of its time.
    until(|| started.len() == 2);
    clock.advance(9 * SECOND);
    reactor_thread(rt.handle());
    assert_eq!(second.status(), Status::Running);
    gate.open();
    second.wait_timeout(HANG).unwrap().unwrap();
}

#[test]
fn a_closure_that_runs_out_of_time_is_told_and_keeps_its_slot_until_it_returns() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let pool = TaskPool::builder().size(1).timeout(10 * SECOND).build(&rt).unwrap();
    let (started, seen) = channel();
    let gate = Gate::new();
    let (waits, told) = (gate.clone(), channel());
    let mut closure = pool.task().spawn_blocking(move |cx| {
        started.send(()).unwrap();
        waits.pass();
        told.0.send(cx.is_cancelled()).unwrap();
    });
    let mut plain = pool.spawn_blocking(|| 3);
    seen.recv().unwrap();
    clock.advance(10 * SECOND);
    let error = closure.wait_timeout(HANG).unwrap().unwrap_err();
    assert!(matches!(error, TaskError::TimedOut(limit) if limit == 10 * SECOND));
    reactor_thread(rt.handle());
    assert_eq!(plain.status(), Status::Pending);
    gate.open();
    assert!(told.1.recv().unwrap());
    assert_eq!(plain.wait_timeout(HANG).unwrap().unwrap(), 3);
}

#[test]
fn a_plain_closure_has_the_limit_of_the_pool_in_its_error() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let pool = TaskPool::builder().timeout(SECOND).build(&rt).unwrap();
    let (started, seen) = channel();
    let gate = Gate::new();
    let waits = gate.clone();
    let mut closure = pool.spawn_blocking(move || {
        started.send(()).unwrap();
        waits.pass();
    });
    seen.recv().unwrap();
    clock.advance(SECOND);
    let error = closure.wait_timeout(HANG).unwrap().unwrap_err();
    assert!(matches!(error, TaskError::TimedOut(SECOND)), "{error:?}");
    gate.open();
}

#[test]
fn a_member_may_have_a_limit_of_its_own() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let pool = TaskPool::builder().timeout(SECOND).build(&rt).unwrap();
    let mut patient = pool.task().timeout(5 * SECOND).spawn(|_cx| pending::<()>());
    until(|| patient.status() == Status::Running);
    reactor_thread(rt.handle());
    clock.advance(4 * SECOND);
    reactor_thread(rt.handle());
    assert!(!patient.is_done());
    clock.advance(SECOND);
    assert!(matches!(patient.wait_timeout(HANG), Some(Err(TaskError::TimedOut(limit))) if limit == 5 * SECOND));
    assert!(TaskPool::builder().timeout(Duration::ZERO).build(&rt).is_err());
}

#[test]
fn urgent_ones_first_and_a_level_may_change_while_it_waits() {
    let rt = runtime();
    let pool = TaskPool::new(&rt, 1).unwrap();
    let (log, gate) = (Log::new(), Gate::new());
    let first = pool.spawn(body(&log, "first", &gate));
    let put = |name: &str, level| {
        pool.task().priority(level).spawn({
            let body = body(&log, name, &gate);
            move |_cx| body
        })
    };
    let mut tasks = vec![
        put("b1", Priority::Background),
        put("v1", Priority::UserVisible),
        put("u1", Priority::UserBlocking),
        put("v2", Priority::UserVisible),
        put("b2", Priority::Background),
    ];
    tasks[4].set_priority(Priority::UserBlocking); // behind u1
    tasks[1].set_priority(Priority::Background); // behind b1
    tasks[1].set_priority(Priority::UserVisible); // behind v2
    tasks.push(put("u2", Priority::UserBlocking));
    assert_eq!(pool.waiting(), 6);
    gate.open();
    settled(first);
    tasks.into_iter().for_each(settled);
    assert_eq!(log.text(), "first u1 b2 u2 v2 v1 b1");
}

#[test]
fn a_cancelled_member_never_starts() {
    let rt = runtime();
    let pool = TaskPool::new(&rt, 1).unwrap();
    let (log, gate) = (Log::new(), Gate::new());
    let first = pool.spawn(body(&log, "first", &gate));
    let (a, b) = (pool.spawn(body(&log, "a", &gate)), pool.spawn_blocking(|| panic!("started")));
    let last = pool.spawn(body(&log, "last", &gate));
    assert!(a.cancel() && b.cancel());
    drop((a, b));
    assert_eq!(pool.waiting(), 1);
    gate.open();
    settled(first);
    settled(last);
    assert_eq!(log.text(), "first last");
}

#[test]
fn stop_refuses_new_work_and_drains() {
    let rt = runtime();
    let pool = TaskPool::new(&rt, 1).unwrap();
    let (log, gate) = (Log::new(), Gate::new());
    let tasks = [pool.spawn(body(&log, "a", &gate)), pool.spawn(body(&log, "b", &gate))];
    let mut stop = Box::pin(pool.stop(None));
    assert!(pool.is_closed(), "from the call on");
    let refused = pool.try_spawn(async { 4 }).unwrap_err();
    assert!(matches!(refused, offtick::TrySpawnError::Stopped(_)));
    let error = pool.spawn(async {}).wait().unwrap_err();
    assert!(error.downcast_ref::<PoolStopped>().is_some());
    let error =
        pool.task().name("late").progress::<u8>(1).run_blocking(|_cx| Ok::<_, TaskError>(())).wait().unwrap_err();
    assert!(error.downcast_ref::<PoolStopped>().is_some());
    assert!(poll_once(&mut stop).is_pending());
    gate.open();
    assert!(common::block_on(stop).is_clean());
    assert!(tasks.iter().all(Task::is_done));
    assert_eq!((log.text().as_str(), pool.progress().done), ("a b", 2));
    assert!(pool.stop_blocking(None).unwrap().is_clean(), "a second time");
}

#[test]
fn a_stop_with_a_deadline_tells_what_did_not_end() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let pool = TaskPool::new(&rt, 1).unwrap();
    let stuck = pool.task().name("stuck").spawn(|_cx| pending::<()>());
    let waits = pool.task().name("waits").spawn_blocking(|_cx| ());
    let mut stop = Box::pin(pool.stop(Some(SECOND)));
    assert!(poll_once(&mut stop).is_pending());
    clock.advance(SECOND);
    let report = common::block_on(stop);
    let names = |list: &[offtick::CancelHandle]| list[0].name().map(str::to_owned);
    assert_eq!((report.running.len(), report.waiting.len(), report.left_running.len()), (1, 1, 0));
    assert_eq!((names(&report.running).as_deref(), names(&report.waiting).as_deref()), (Some("stuck"), Some("waits")));
    assert!(!stuck.is_done() && !waits.is_done(), "nothing was done to them");
    assert_eq!(pool.stop_blocking(Some(Duration::ZERO)).unwrap().waiting.len(), 1);
    drop(pool);
    until(|| stuck.is_done() && waits.is_done());
}

#[test]
fn waiting_where_it_would_deadlock_is_an_error() {
    let rt = runtime();
    let pool = Arc::new(TaskPool::new(&rt, 1).unwrap());
    let theirs = Arc::clone(&pool);
    let refused = settled(pool.spawn_blocking(move || {
        let stopped = matches!(theirs.stop_blocking(None), Err(TaskError::WouldDeadlock));
        stopped && matches!(theirs.wait(), Err(TaskError::WouldDeadlock))
    }));
    assert!(refused);
    let (pool, gate) = (Arc::new(TaskPool::new(&rt, 1).unwrap()), Gate::new());
    let (theirs, waits) = (Arc::clone(&pool), gate.clone());
    let member = pool.spawn(async move { waits.passed().await });
    assert!(on_reactor(rt.handle(), move |_| matches!(
        theirs.wait_timeout(SECOND),
        Some(Err(TaskError::WouldDeadlock))
    )));
    gate.open();
    settled(member);
}

#[test]
fn dropping_the_pool_cancels_all_and_starts_none() {
    let rt = runtime();
    let pool = TaskPool::new(&rt, 1).unwrap();
    let (log, gate) = (Log::new(), Gate::new());
    let tasks: Vec<_> = (0..20).map(|n| pool.spawn(body(&log, &n.to_string(), &gate))).collect();
    until(|| log.len() == 1);
    let handle = pool.handle().clone();
    drop(pool);
    until(|| tasks.iter().all(Task::is_done));
    reactor_thread(rt.handle());
    assert_eq!(log.text(), "0");
    assert!(handle.is_closed() && handle.is_idle());
    assert_eq!(handle.progress().cancelled, 20);
}

#[test]
fn dropped_inside_of_its_own_members_and_after_the_runtime() {
    for blocking in [false, true] {
        let rt = runtime();
        let pool = TaskPool::new(&rt, 1).unwrap();
        let handle = pool.handle().clone();
        let (gate, waits) = (Gate::new(), Gate::new());
        let other = handle.spawn(pending::<()>());
        let opened = gate.clone();
        let inside = if blocking {
            let pool = pool;
            other.cancel();
            handle.spawn_blocking(move || {
                opened.pass();
                drop(pool);
            })
        } else {
            let pool = pool;
            other.cancel();
            handle.spawn(async move {
                opened.passed().await;
                drop(pool);
            })
        };
        let behind = handle.spawn(async move { waits.passed().await });
        gate.open();
        until(|| inside.is_done() && behind.is_done() && other.is_done());
        assert!(behind.result().unwrap().is_err());
        until(|| handle.is_idle());
    }
    let rt = runtime();
    let pool = TaskPool::new(&rt, 1).unwrap();
    let tasks: Vec<_> = (0..5).map(|_| pool.spawn(pending::<()>())).collect();
    drop(rt);
    assert!(tasks.iter().all(|task| matches!(task.result(), Some(Err(TaskError::RuntimeGone)))));
    assert!(matches!(pool.spawn(async {}).wait(), Err(TaskError::RuntimeGone)));
    assert!(matches!(pool.try_spawn(async {}), Err(offtick::TrySpawnError::RuntimeGone(_))));
    pool.resize(9).unwrap();
    assert!(pool.stop_blocking(None).unwrap().is_clean());
    drop(pool);
}

#[test]
fn what_a_member_drops_may_use_the_pool() {
    struct Uses(offtick::PoolHandle, Log);
    impl Drop for Uses {
        fn drop(&mut self) {
            self.1.push(format!("{}", self.0.progress().total));
            self.0.resize(2).unwrap();
            self.0.cancel_all();
            self.0.spawn(async {}).detach();
        }
    }
    let rt = runtime();
    let pool = TaskPool::new(&rt, 1).unwrap();
    let log = Log::new();
    for _ in 0..3 {
        let uses = Uses(pool.handle().clone(), log.clone());
        let task = pool.spawn(async move {
            let _uses = uses;
            pending::<()>().await;
        });
        task.detach();
    }
    pool.cancel_all();
    until(|| log.len() == 3);
    pool.wait_timeout(HANG).unwrap().unwrap();
}

#[test]
fn a_set_hands_out_what_finished_and_cancels_only_its_own() {
    let rt = runtime();
    let pool = TaskPool::new(&rt, 1).unwrap();
    let (log, gate) = (Log::new(), Gate::new());
    let others = pool.spawn(body(&log, "others", &gate));
    let mut set: PoolSet<u32, ()> = pool.set();
    for n in 0..5 {
        assert!(set.spawn(n, body(&log, &n.to_string(), &gate)).is_none());
    }
    let replaced = set.spawn(4, body(&log, "anew", &gate)).expect("there was one");
    assert!(set.remove(&3).is_some());
    drop(replaced);
    assert_eq!((set.len(), set.drain_finished().count(), pool.waiting()), (4, 0, 4));
    gate.open();
    let mut keys = Vec::new();
    until(|| {
        keys.extend(set.drain_finished().map(|(key, result)| result.map(|()| key).unwrap()));
        set.is_empty()
    });
    assert_eq!((keys, log.text().as_str()), (vec![0, 1, 2, 4], "others 0 1 2 anew"));
    settled(others);
    let busy = pool.spawn(pending::<()>());
    for n in 0..5 {
        set.spawn(n, body(&log, "never", &gate));
    }
    assert_eq!(set.cancel_all(), 5);
    assert_eq!(set.drain_finished().filter(|(_, result)| result.is_err()).count(), 5);
    set.spawn(9, body(&log, "never", &gate));
    drop(set);
    assert!(!busy.is_done() && pool.waiting() == 0);
    busy.cancel();
    reactor_thread(rt.handle());
    assert!(!log.text().contains("never"));
}

#[test]
fn a_set_with_its_own_pool_starts_none_when_it_goes() {
    let rt = runtime();
    let (log, gate) = (Log::new(), Gate::new());
    let mut set = PoolSet::new(&rt, 1).unwrap();
    for n in 0..50 {
        set.spawn(n, body(&log, &n.to_string(), &gate));
    }
    until(|| log.len() == 1);
    let pool = set.pool().clone();
    drop(set);
    until(|| pool.is_idle());
    reactor_thread(rt.handle());
    assert_eq!(log.text(), "0");
}

#[test]
fn a_map_takes_few_items_ahead_and_ends_with_them() {
    let rt = runtime();
    let pool = TaskPool::new(&rt, 2).unwrap();
    let (taken, gate) = (Arc::new(AtomicUsize::new(0)), Gate::new());
    let counts = Arc::clone(&taken);
    let items = (0..10_u32).inspect(move |_| {
        counts.fetch_add(1, Ordering::Relaxed);
    });
    let waits = gate.clone();
    let mut map = pool.map(items, move |n| {
        let waits = waits.clone();
        async move {
            waits.passed().await;
            n * n
        }
    });
    assert_eq!(taken.load(Ordering::Relaxed), 0, "nothing before the first look");
    assert_eq!((map.drain_finished().count(), taken.load(Ordering::Relaxed)), (0, 4));
    gate.open();
    let mut values = Vec::new();
    until(|| {
        values.extend(map.drain_finished().map(|(index, value)| (index, value.unwrap())));
        map.is_done()
    });
    values.sort_unstable();
    assert_eq!(values, (0..10).map(|n| (n, (n * n) as u32)).collect::<Vec<_>>());
    assert_eq!((taken.load(Ordering::Relaxed), map.drain_finished().count()), (10, 0));
}

#[test]
fn a_map_in_order_keeps_back_what_comes_early() {
    let rt = runtime();
    let pool = TaskPool::new(&rt, 3).unwrap();
    let gates: Vec<_> = (0..6).map(|_| Gate::new()).collect();
    let theirs = gates.clone();
    let mut map = pool
        .try_map(0..6_usize, move |n| {
            let gate = theirs[n].clone();
            async move {
                gate.passed().await;
                if n == 4 { Err("four") } else { Ok(n) }
            }
        })
        .window(4)
        .unwrap()
        .in_order();
    assert_eq!(map.drain_finished().count(), 0);
    gates[1..].iter().for_each(Gate::open);
    until(|| pool.progress().finished() == 3);
    for _ in 0..3 {
        assert_eq!(map.drain_finished().count(), 0, "the first is missing");
        reactor_thread(rt.handle());
    }
    assert_eq!(pool.progress().total, 4, "it works ahead no further than the window");
    gates[0].open();
    let mut text = String::new();
    common::block_on(async {
        while let Some(value) = map.next().await {
            text += &value.map_or_else(|error| format!("({error:#})"), |n| n.to_string());
        }
    });
    assert_eq!(text, "0123(task failed: four)5");
    assert!(map.is_done());
}

#[test]
fn maps_may_be_endless_empty_panicking_and_dropped() {
    quiet_planned_panics();
    let rt = runtime();
    let pool = TaskPool::new(&rt, 2).unwrap();
    let mut empty: PoolMap<()> = pool.map(std::iter::empty::<()>(), |()| async {});
    assert!(common::block_on(empty.next()).is_none() && empty.is_done());
    let mut endless = pool.map(0.., |n: u64| async move { n });
    for _ in 0..1000 {
        assert!(endless.drain_finished().count() <= 4);
    }
    drop(endless);
    until(|| pool.is_idle());
    let mut some = pool.map_blocking(0..4, |n| assert!(n != 2, "{PLANNED}")).in_order();
    let mut outcomes = Vec::new();
    while let Some(outcome) = common::block_on(some.next()) {
        outcomes.push(outcome.is_ok());
    }
    assert_eq!(outcomes, [true, true, false, true]);
    // A stopped pool is told for each item.
    pool.close();
    let mut late = pool.map(0..3, |_| async {});
    let mut errors = 0;
    while let Some((_, value)) = common::block_on(late.next()) {
        errors += usize::from(value.unwrap_err().downcast_ref::<PoolStopped>().is_some());
    }
    assert_eq!(errors, 3);
}

#[test]
fn a_hundred_thousand_members() {
    const MANY: usize = 100_000;
    let rt = runtime();
    let mut set = PoolSet::new(&rt, 8).unwrap();
    /// Inside of a member; also one that is cancelled leaves.
    struct Inside(Arc<AtomicUsize>);
    impl Drop for Inside {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let (most, now) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for n in 0..MANY {
        let (most, now) = (Arc::clone(&most), Arc::clone(&now));
        set.spawn(n, async move {
            most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            let _inside = Inside(now);
            common::yield_once().await;
        });
    }
    for n in (0..MANY).step_by(2) {
        set.remove(&n);
    }
    let mut seen = 0;
    until(|| {
        seen += set.drain_finished().filter(|(_, result)| result.is_ok()).count();
        set.is_empty()
    });
    assert_eq!(seen, MANY / 2);
    assert!(most.load(Ordering::Relaxed) <= 8);
    // Counted a moment after it shows.
    until(|| set.pool().progress().finished() == MANY);
}

#[test]
fn a_pool_thread_that_is_held_keeps_members_pending() {
    let rt = common::narrow();
    let hog = Hog::pool(rt.handle());
    let pool = TaskPool::new(&rt, 2).unwrap();
    let member = pool.spawn_blocking(|| ());
    let progress = pool.progress();
    assert_eq!((progress.pending, progress.running, pool.waiting()), (1, 0, 0));
    hog.release();
    settled(member);
}

mod model {
    //! Any sequence of calls against a pool of the simplest kind: three lists.

    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    #[derive(Clone, Debug)]
    enum Step {
        Submit(usize),
        Try(usize),
        Finish(usize),
        Cancel(usize),
        Resize(usize),
        Move(usize, usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..3_usize).prop_map(Step::Submit),
            2 => (0..3_usize).prop_map(Step::Try),
            4 => any::<usize>().prop_map(Step::Finish),
            2 => any::<usize>().prop_map(Step::Cancel),
            1 => (0..5_usize).prop_map(Step::Resize),
            1 => (any::<usize>(), 0..3_usize).prop_map(|(which, level)| Step::Move(which, level)),
        ]
    }

    const QUEUE: usize = 6;
    const PASSES: [u32; 3] = [u32::MAX, 8, 32];

    #[derive(Default)]
    struct Model {
        size: usize,
        levels: [Vec<usize>; 3],
        passed: [u32; 3],
        running: BTreeSet<usize>,
        started: BTreeSet<usize>,
    }

    impl Model {
        fn waiting(&self) -> usize {
            self.levels.iter().map(Vec::len).sum()
        }

        fn pump(&mut self) {
            while self.waiting() > 0 && (self.size == 0 || self.running.len() < self.size) {
                let due = (0..3).rev().find(|n| !self.levels[*n].is_empty() && self.passed[*n] >= PASSES[*n]);
                let level = due.or((0..3).find(|n| !self.levels[*n].is_empty())).unwrap();
                for lower in level + 1..3 {
                    self.passed[lower] = if self.levels[lower].is_empty() { 0 } else { self.passed[lower] + 1 };
                }
                self.passed[level] = 0;
                let next = self.levels[level].remove(0);
                self.running.insert(next);
                self.started.insert(next);
            }
        }

        fn leave(&mut self, which: usize) {
            self.running.remove(&which);
            self.levels.iter_mut().for_each(|level| level.retain(|other| *other != which));
            self.pump();
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn never_more_than_its_size_in_order_and_nothing_lost(
            size in 0_usize..4,
            steps in proptest::collection::vec(step(), 1..120),
        ) {
            let rt = runtime();
            let mut builder = TaskPool::builder().queue_limit(QUEUE);
            if size > 0 {
                builder = builder.size(size);
            }
            let pool = builder.build(&rt).unwrap();
            let mut model = Model { size, ..Model::default() };
            let started = Arc::new(Mutex::new(BTreeSet::new()));
            let mut tasks: Vec<(Task<usize>, Gate)> = Vec::new();
            let mut cancelled = BTreeSet::new();
            for step in steps {
                let alive: Vec<usize> = (0..tasks.len())
                    .filter(|n| model.running.contains(n) || model.levels.iter().flatten().any(|other| other == n))
                    .collect();
                let choose = |choice: usize| alive.get(choice.checked_rem(alive.len()).unwrap_or_default()).copied();
                match step {
                    Step::Submit(level) | Step::Try(level) => {
                        let (number, gate, seen) = (tasks.len(), Gate::new(), Arc::clone(&started));
                        let waits = gate.clone();
                        let body = async move {
                            seen.lock().unwrap().insert(number);
                            waits.passed().await;
                            number
                        };
                        let task = if matches!(step, Step::Submit(_)) {
                            Some(pool.task().priority(Priority::ALL[level]).spawn(move |_cx| body))
                        } else {
                            let full = model.size > 0
                                && model.waiting() + model.running.len() >= QUEUE + model.size.max(model.running.len());
                            let task = pool.try_spawn(body).ok();
                            prop_assert_eq!(task.is_none(), full);
                            task
                        };
                        if let Some(task) = task {
                            let level = if matches!(step, Step::Submit(_)) { level } else { 1 };
                            model.levels[level].push(number);
                            model.pump();
                            tasks.push((task, gate));
                        }
                    }
                    Step::Finish(choice) => {
                        if let Some(which) = choose(choice).filter(|which| model.running.contains(which)) {
                            tasks[which].1.open();
                            until(|| tasks[which].0.is_done());
                            model.leave(which);
                        }
                    }
                    Step::Cancel(choice) => {
                        if let Some(which) = choose(choice) {
                            prop_assert!(tasks[which].0.cancel());
                            until(|| tasks[which].0.is_done());
                            cancelled.insert(which);
                            model.leave(which);
                        }
                    }
                    Step::Resize(size) => {
                        if size == 0 { pool.resize_unlimited() } else { pool.resize(size).unwrap() }
                        model.size = size;
                        model.pump();
                    }
                    Step::Move(choice, level) => {
                        if let Some(which) = choose(choice).filter(|which| !model.running.contains(which)) {
                            tasks[which].0.set_priority(Priority::ALL[level]);
                            if !model.levels[level].contains(&which) {
                                model.levels.iter_mut().for_each(|level| level.retain(|other| *other != which));
                                model.levels[level].push(which);
                            }
                        }
                    }
                }
                until(|| pool.waiting() == model.waiting() && pool.progress().running == model.running.len());
                until(|| *started.lock().unwrap() == model.started);
                reactor_thread(rt.handle());
                prop_assert_eq!(&*started.lock().unwrap(), &model.started);
            }
            pool.resize_unlimited();
            let total = tasks.len();
            for (number, (task, gate)) in tasks.into_iter().enumerate() {
                gate.open();
                let mut task = task;
                match task.wait_timeout(HANG).expect("it ends") {
                    Ok(value) => prop_assert!(value == number && !cancelled.contains(&number)),
                    Err(error) => prop_assert!(error.is_cancelled() && cancelled.contains(&number)),
                }
            }
            pool.wait_timeout(HANG).unwrap().unwrap();
            let progress = pool.progress();
            prop_assert_eq!((progress.total, progress.cancelled), (total, cancelled.len()));
        }
    }
}
