//! `WorkerThread`: one thread, a value that stays on it, and starts and stops that leave nothing behind.
#![cfg(feature = "toolkit")]

#[path = "common/mod.rs"]
mod common;
#[path = "common/gate.rs"]
mod gate;

use common::{HANG, Latch, Log, PLANNED, on_reactor, quiet_planned_panics, runtime, settled, until};
use gate::Gate;
use offtick::time::Clock;
use offtick::{BoxError, PoolStopped, Priority, Status, TaskError, ThreadBoundError, ThreadError, WorkerThread};
use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A value that is not `Send`, and logs where it is dropped.
struct Device {
    log: Log,
    thread: thread::ThreadId,
    lines: Rc<RefCell<u32>>,
}

impl Device {
    fn open(log: &Log) -> Self {
        log.push("open");
        Self { log: log.clone(), thread: thread::current().id(), lines: Rc::default() }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        assert_eq!(self.thread, thread::current().id());
        self.log.push("closed");
    }
}

fn device_pool(log: &Log) -> WorkerThread<Device> {
    let (theirs, last) = (log.clone(), log.clone());
    WorkerThread::builder("device")
        .set_up(move || Ok::<_, BoxError>(Device::open(&theirs)))
        .tear_down(move |device| {
            last.push("tear-down");
            drop(device);
        })
        .build()
        .unwrap()
}

/// Logs its drop.
struct Mark(Log, &'static str);

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.push(self.1);
    }
}

#[test]
fn set_up_before_the_first_task_and_tear_down_after_the_last() {
    let log = Log::new();
    let pool = device_pool(&log);
    assert!(!pool.is_running());
    pool.start_blocking().unwrap();
    let (first, gate) = (log.clone(), Gate::new());
    settled(pool.spawn(move |device| async move {
        first.push(thread::current().name().unwrap_or_default());
        device.with(|device| *device.lines.borrow_mut() += 1).unwrap();
    }));
    assert_eq!(pool.call(|device| *device.lines.borrow()).unwrap(), 1);
    let (mark, waits) = (Mark(log.clone(), "dropped"), gate.clone());
    let last = pool.spawn(move |_| async move {
        let _mark = mark;
        waits.passed().await;
    });
    gate.open();
    let report = pool.stop_blocking(None).unwrap();
    assert!(report.is_clean() && last.is_done() && !pool.is_running());
    assert_eq!(log.text(), "open device dropped tear-down closed");
}

#[test]
fn tasks_that_are_left_are_dropped_before_the_tear_down_and_may_use_the_value_there() {
    struct Uses(offtick::ThreadBound<Device>, Log);
    impl Drop for Uses {
        fn drop(&mut self) {
            let used = self.0.with(|device| *device.lines.borrow_mut() += 1);
            self.1.push(if used.is_ok() { "used" } else { "unused" });
        }
    }
    let log = Log::new();
    let pool = device_pool(&log);
    pool.start_blocking().unwrap();
    let theirs = log.clone();
    let stuck = pool.spawn(move |device| {
        let uses = Uses(device, theirs);
        async move {
            let _uses = uses;
            pending::<()>().await;
        }
    });
    until(|| stuck.status() == Status::Running);
    settled(pool.spawn(|_| async {}));
    let report = pool.stop_blocking(Some(Duration::ZERO)).unwrap();
    assert_eq!((report.tasks.running.len(), report.tasks.running[0].id()), (1, stuck.id()));
    assert!(report.thread_ended && report.tear_down.is_none() && !report.is_clean());
    assert!(stuck.is_done());
    assert_eq!(log.text(), "open used tear-down closed");
}

#[test]
fn a_restart_is_a_new_thread_with_a_new_value() {
    let log = Log::new();
    let pool = device_pool(&log);
    pool.start_blocking().unwrap();
    let value = pool.value();
    let count = move || {
        let value = value.clone();
        move |_| async move {
            value.with(|device| {
                *device.lines.borrow_mut() += 1;
                (*device.lines.borrow(), thread::current().id())
            })
        }
    };
    let (one, first) = settled(pool.run(count()));
    let (two, _) = settled(pool.run(count()));
    assert!(pool.restart_blocking(None).unwrap().is_clean());
    let (anew, second) = settled(pool.run(count()));
    assert_eq!((one, two, anew), (1, 2, 1));
    assert_ne!(first, second);
    assert!(pool.stop_blocking(None).unwrap().is_clean());
    assert!(pool.stop_blocking(None).unwrap().is_clean(), "stopped already");
    assert_eq!(log.text(), "open tear-down closed open tear-down closed");
}

#[test]
fn a_set_up_that_fails_or_panics_is_the_error_of_the_start() {
    quiet_planned_panics();
    let (tries, log) = (Log::new(), Log::new());
    let (theirs, torn) = (tries.clone(), log.clone());
    let thread = Arc::new(std::sync::Mutex::new(std::sync::Weak::<()>::new()));
    let alive = Arc::clone(&thread);
    let pool = WorkerThread::builder("fails")
        .set_up(move || {
            thread_local!(static ALIVE: RefCell<Option<Arc<()>>> = const { RefCell::new(None) });
            let token = Arc::new(());
            *alive.lock().unwrap() = Arc::downgrade(&token);
            ALIVE.set(Some(token));
            theirs.push("try");
            match theirs.len() {
                1 => Err("no device"),
                2 => panic!("{PLANNED}: broken device"),
                _ => Ok(()),
            }
        })
        .tear_down(move |()| torn.push("torn"))
        .build()
        .unwrap();
    let gone = || thread.lock().unwrap().upgrade().is_none();
    let error = pool.start_blocking().unwrap_err();
    assert!(matches!(&error, ThreadError::SetUp(TaskError::Failed(error)) if error.to_string() == "no device"));
    assert!(gone() && !pool.is_running(), "no thread is left");
    let error = common::block_on(pool.start()).unwrap_err();
    assert!(matches!(&error, ThreadError::SetUp(TaskError::Panicked(panic)) if panic.message().contains("broken")));
    assert!(gone() && log.len() == 0, "nothing to tear down");
    pool.start_blocking().unwrap();
    assert!(!gone());
    assert!(matches!(pool.start_blocking(), Err(ThreadError::AlreadyRunning)));
    assert!(common::block_on(pool.stop(None)).unwrap().is_clean());
    assert!(gone());
    assert_eq!(log.text(), "torn");
}

#[test]
fn a_tear_down_that_panics_is_reported() {
    quiet_planned_panics();
    let pool = WorkerThread::builder("panics").tear_down(|()| panic!("{PLANNED}: stuck lid")).build().unwrap();
    for _ in 0..2 {
        pool.start_blocking().unwrap();
        let report = pool.stop_blocking(None).unwrap();
        assert!(report.thread_ended && !report.is_clean());
        assert!(matches!(report.tear_down, Some(TaskError::Panicked(panic)) if panic.message().contains("lid")));
    }
    // Dropped: nobody is told, and nothing hangs.
    pool.start_blocking().unwrap();
    drop(pool);
}

#[test]
fn what_is_given_to_a_pool_that_does_not_run_says_so() {
    let pool = WorkerThread::builder("idle").build().unwrap();
    let refused = |error: TaskError| error.downcast_ref::<PoolStopped>().is_some();
    assert!(refused(pool.spawn(|_| async {}).wait().unwrap_err()));
    assert!(refused(pool.run_with(|()| Ok::<_, BoxError>(())).wait().unwrap_err()));
    assert!(refused(pool.call(|()| ()).unwrap_err()));
    assert!(pool.pool().is_err());
    pool.start_blocking().unwrap();
    let handle = pool.pool().unwrap();
    pool.stop_blocking(None).unwrap();
    assert!(refused(handle.spawn(async {}).wait().unwrap_err()));
    assert!(refused(pool.block_on(|_| async {}).unwrap_err()));
    assert!(WorkerThread::builder("nul\0").build().is_err());
    assert!(WorkerThread::builder("zero").timeout(Duration::ZERO).build().is_err());
}

#[test]
fn waiting_on_its_own_thread_is_an_error_and_no_deadlock() {
    let pool = Arc::new(WorkerThread::builder("own").build().unwrap());
    pool.start_blocking().unwrap();
    let theirs = Arc::clone(&pool);
    let called = Arc::new(AtomicBool::new(false));
    let calls = Arc::clone(&called);
    let errors = pool.block_on(move |_| async move {
        let deadlock = |error: Option<TaskError>| matches!(error, Some(TaskError::WouldDeadlock));
        let stops = |error: Option<ThreadError>| matches!(error, Some(ThreadError::WouldDeadlock));
        let call = calls.clone();
        [
            deadlock(theirs.call(move |()| call.store(true, Ordering::Relaxed)).err()),
            deadlock(theirs.block_on(move |_| async move { calls.store(true, Ordering::Relaxed) }).err()),
            stops(theirs.start_blocking().err()),
            stops(theirs.stop_blocking(None).err()),
            stops(theirs.stop(None).await.err()),
            stops(theirs.restart(None).await.err()),
        ]
    });
    assert_eq!(errors.unwrap(), [true; 6]);
    assert!(!called.load(Ordering::Relaxed) && pool.is_running());
    // Nor may another runtime's thread block; but it may await.
    let rt = runtime();
    let theirs = Arc::clone(&pool);
    assert!(on_reactor(rt.handle(), move |_| matches!(theirs.call(|()| ()), Err(TaskError::WouldDeadlock))));
    let theirs = Arc::clone(&pool);
    let task = rt.spawn(async move {
        let value = theirs.spawn(|_| async { 3 }).await.unwrap();
        let report = theirs.restart(None).await.unwrap();
        let again = theirs.spawn(|_| async { 4 }).await.unwrap();
        (value + again, report.is_clean() && theirs.stop(Some(60 * SECOND)).await.unwrap().is_clean())
    });
    assert_eq!(settled(task), (7, true));
}

#[test]
fn a_closure_of_the_pool_must_not_wait_for_its_own_end() {
    let pool = Arc::new(WorkerThread::builder("own").build().unwrap());
    pool.start_blocking().unwrap();
    let theirs = Arc::clone(&pool);
    let closure = pool.pool().unwrap().spawn_blocking(move || {
        let stops = |error: Option<ThreadError>| matches!(error, Some(ThreadError::WouldDeadlock));
        [
            stops(theirs.stop_blocking(None).err()),
            stops(theirs.restart_blocking(None).err()),
            stops(offtick::block_on(theirs.stop(None)).unwrap().err()),
        ]
    });
    assert_eq!(settled(closure), [true; 3]);
    assert!(pool.is_running() && !pool.pool().unwrap().is_closed());
    assert!(pool.stop_blocking(None).unwrap().is_clean());
}

#[test]
fn the_value_is_lent_on_its_thread_one_at_a_time() {
    quiet_planned_panics();
    let pool = WorkerThread::builder("lends").set_up(|| Ok::<_, BoxError>(Rc::new(5))).build().unwrap();
    pool.start_blocking().unwrap();
    let value = pool.value();
    assert_eq!(value.with(|_| ()), Err(ThreadBoundError::WrongThread));
    let inner = value.clone();
    assert_eq!(pool.call(move |_| inner.with(|_| ())).unwrap(), Err(ThreadBoundError::InUse));
    // A panic leaves it there, and the pool goes on.
    let panics = pool.spawn_with(|five| -> () {
        *five = Rc::new(6);
        panic!("{PLANNED}")
    });
    assert!(common::block_on(panics).unwrap_err().is_panic());
    assert_eq!(pool.call(|six| **six).unwrap(), 6);
    let failed = pool.run_with(|_| Err::<(), _>("no paper"));
    assert_eq!(format!("{:#}", common::block_on(failed).unwrap_err()), "task failed: no paper");
    // The value of another pool is another one.
    let other = WorkerThread::builder("other").set_up(|| Ok::<_, BoxError>(Rc::new(1))).build().unwrap();
    other.start_blocking().unwrap();
    let foreign = value.clone();
    assert_eq!(other.call(move |_| foreign.with(|_| ())).unwrap(), Err(ThreadBoundError::WrongThread));
    pool.stop_blocking(None).unwrap();
    assert_eq!(value.with(|_| ()), Err(ThreadBoundError::WrongThread));
}

#[test]
fn it_is_a_pool_in_all_else() {
    let clock = Clock::manual();
    let configured = clock.clone();
    let pool = WorkerThread::builder("pool")
        .size(1)
        .queue_limit(2)
        .timeout(SECOND)
        .runtime(move |builder| builder.clock(configured.clone()))
        .build()
        .unwrap();
    pool.start_blocking().unwrap();
    let (log, inner) = (Log::new(), pool.pool().unwrap());
    let mut stuck = pool.spawn(|_| pending::<()>());
    let put = |name: &'static str, level| {
        let log = log.clone();
        inner.task().priority(level).name(name).spawn(move |_cx| async move { log.push(name) })
    };
    let tasks = [put("later", Priority::Background), put("soon", Priority::UserBlocking)];
    assert!(inner.try_spawn(async {}).unwrap_err().is_full());
    until(|| stuck.status() == Status::Running);
    until(|| {
        clock.advance(SECOND);
        stuck.is_done()
    });
    assert!(stuck.wait_timeout(HANG).unwrap().unwrap_err().is_timeout());
    tasks.into_iter().for_each(settled);
    assert_eq!(log.text(), "soon later");
    assert!(settled(inner.spawn_blocking(|| thread::current().name() != Some("pool"))));
    assert!(pool.stop_blocking(None).unwrap().is_clean());
}

#[test]
fn a_task_that_holds_the_thread_is_reported_and_the_pool_starts_anew() {
    let log = Log::new();
    let pool = device_pool(&log);
    pool.start_blocking().unwrap();
    let (latch, (entered, seen)) = (Latch::new(), channel());
    let waits = latch.clone();
    let holds = pool.spawn_with(move |_| {
        entered.send(()).unwrap();
        waits.wait();
    });
    seen.recv_timeout(HANG).unwrap();
    let report = pool.stop_blocking(Some(Duration::ZERO)).unwrap();
    assert!(!report.thread_ended && report.tasks.running.len() == 1);
    pool.start_blocking().unwrap();
    assert_eq!(pool.call(|device| *device.lines.borrow()).unwrap(), 0);
    latch.open();
    until(|| holds.is_done() && log.text() == "open open tear-down closed");
    assert!(pool.stop_blocking(None).unwrap().is_clean());
}

#[test]
fn starts_and_stops_from_many_threads_do_not_meet() {
    let (latch, entered) = (Latch::new(), Latch::new());
    let (waits, tells) = (latch.clone(), entered.clone());
    let pool = Arc::new(
        WorkerThread::builder("busy")
            .set_up(move || {
                tells.open();
                waits.wait();
                Ok::<_, BoxError>(())
            })
            .build()
            .unwrap(),
    );
    let theirs = Arc::clone(&pool);
    let starter = thread::spawn(move || theirs.start_blocking());
    entered.wait();
    assert!(matches!(pool.start_blocking(), Err(ThreadError::Busy)));
    assert!(matches!(pool.stop_blocking(None), Err(ThreadError::Busy)));
    latch.open();
    starter.join().unwrap().unwrap();
    assert!(pool.is_running());
    let restarts: Vec<_> = (0..4)
        .map(|_| {
            let pool = Arc::clone(&pool);
            thread::spawn(move || {
                for _ in 0..20 {
                    match pool.restart_blocking(None) {
                        Ok(_) | Err(ThreadError::Busy | ThreadError::AlreadyRunning) => {}
                        Err(error) => panic!("{error}"),
                    }
                    pool.spawn(|_| async {}).detach();
                }
            })
        })
        .collect();
    restarts.into_iter().for_each(|thread| thread.join().unwrap());
    drop(pool);
}

#[test]
fn dropped_while_running_from_inside_and_while_it_starts_or_stops() {
    // While tasks run.
    let log = Log::new();
    let pool = device_pool(&log);
    pool.start_blocking().unwrap();
    let task = pool.spawn(|_| pending::<()>());
    drop(pool);
    assert!(task.is_done());
    assert_eq!(log.text(), "open tear-down closed");
    // From inside of a task and of a closure with the value.
    for with in [false, true] {
        let log = Log::new();
        let pool = Arc::new(device_pool(&log));
        pool.start_blocking().unwrap();
        let (gate, theirs) = (Gate::new(), Arc::clone(&pool));
        let opened = gate.clone();
        let task = if with {
            pool.spawn_with(move |_| {
                opened.pass();
                drop(theirs);
            })
        } else {
            pool.spawn(move |_| async move {
                opened.passed().await;
                drop(theirs);
            })
        };
        drop(pool);
        gate.open();
        until(|| task.is_done() && log.text() == "open tear-down closed");
    }
    // A start and a stop that are given up.
    let log = Log::new();
    let pool = device_pool(&log);
    let mut start = Box::pin(pool.start());
    let _first = common::poll_once(&mut start);
    drop(start);
    until(|| log.text() == "open tear-down closed" || pool.is_running());
    if !pool.is_running() {
        pool.start_blocking().unwrap();
    }
    let stuck = pool.spawn(|_| pending::<()>());
    let mut stop = Box::pin(pool.stop(None));
    assert!(common::poll_once(&mut stop).is_pending());
    assert!(pool.pool().is_err() && matches!(pool.start_blocking(), Err(ThreadError::Busy)));
    drop(stop);
    assert!(stuck.is_done());
    pool.start_blocking().unwrap();
    assert!(pool.stop_blocking(None).unwrap().is_clean());
}

#[test]
fn a_settings_closure_that_panics_leaves_the_pool_idle() {
    quiet_planned_panics();
    let fails = Arc::new(AtomicBool::new(true));
    let reads = Arc::clone(&fails);
    let pool = WorkerThread::builder("settings")
        .runtime(move |builder| {
            assert!(!reads.load(Ordering::Relaxed), "{PLANNED}");
            builder
        })
        .build()
        .unwrap();
    let started = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pool.start_blocking()));
    assert!(started.is_err() && !pool.is_running());
    fails.store(false, Ordering::Relaxed);
    pool.start_blocking().unwrap();
}

#[test]
fn many_tasks_in_order() {
    let pool = WorkerThread::builder("many").size(1).set_up(|| Ok::<_, BoxError>(Vec::new())).build().unwrap();
    pool.start_blocking().unwrap();
    for n in 0..10_000_u32 {
        pool.spawn_with(move |list| list.push(n)).detach();
    }
    let list = pool.call(std::mem::take).unwrap();
    assert!(list.len() == 10_000 && list.is_sorted());
    assert!(pool.stop_blocking(None).unwrap().is_clean());
}
