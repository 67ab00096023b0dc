//! The process-wide runtime: the free functions, `install`, `shutdown`, and starting afresh. The tests share it, so they
//! take turns.

mod common;

use common::{Dropped, OnDrop, Tally, settled, until};
use offtick::{Builder, InstallError, RetryPolicy, Status, TaskError};
use std::sync::mpsc::channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

static TURN: Mutex<()> = Mutex::new(());

/// Begins and ends without a process-wide runtime.
struct Turn {
    _turn: MutexGuard<'static, ()>,
}

impl Turn {
    fn take() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(offtick::shutdown(common::HANG).is_clean());
        Self { _turn: turn }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        offtick::shutdown(common::HANG);
    }
}

#[test]
fn the_free_functions_are_the_methods_of_a_handle() {
    let _turn = Turn::take();
    assert_eq!(settled(offtick::spawn(async { 1 })), 1);
    assert_eq!(settled(offtick::run(async { Ok::<_, TaskError>(2) })), 2);
    assert_eq!(settled(offtick::spawn_blocking(|| 3)), 3);
    assert!(matches!(offtick::run_blocking(|| "x".parse::<u8>()).wait(), Err(TaskError::Failed(_))));
    let mut task = offtick::task().name("sum").progress::<u8>(4).spawn_blocking(|cx| cx.report(7));
    assert_eq!(task.name(), Some("sum"));
    task.wait().unwrap();
    assert_eq!(task.latest(), Some(7));
    let retried = offtick::task()
        .retry(RetryPolicy::none().max_attempts(2))
        .run(|cx| async move { if cx.attempt() < 2 { Err("again") } else { Ok(cx.attempt()) } });
    assert_eq!(settled(retried), 2);
    // A value that is not `Sync` is fine, and so is one that is moved out.
    let cell = settled(offtick::spawn(async { std::cell::Cell::new(4) }));
    assert_eq!(cell.get(), 4);
    let task = offtick::spawn(std::future::pending::<()>());
    let watch = task.cancel_handle();
    drop(task);
    until(|| watch.status() == Status::Cancelled);
}

#[test]
fn a_result_without_a_handle_is_dropped() {
    let _turn = Turn::take();
    let drops = Tally::new();
    for number in 0..500 {
        let (value, done) = (Dropped::new(&drops), Tally::new());
        let ended = done.clone();
        let task = offtick::task().on_end(move |_| ended.note()).spawn_blocking(move |_cx| value);
        match number % 3 {
            0 => drop(task),
            1 => task.detach(),
            _ => {
                done.wait_for(1);
                drop(task);
            }
        }
    }
    drops.wait_for(500);
    assert_eq!(drops.count(), 500);
}

#[test]
fn install_configures_it_before_its_first_use() {
    let _turn = Turn::take();
    let hook = Tally::new();
    let handle = Builder::new()
        .thread_name("installed")
        .on_panic({
            let hook = hook.clone();
            move |_, _| hook.note()
        })
        .install()
        .unwrap();
    let name = || thread::current().name().map(str::to_owned);
    assert_eq!(settled(offtick::spawn(async move { name() })).as_deref(), Some("installed"));
    assert_eq!(settled(handle.spawn(async move { name() })).as_deref(), Some("installed"));
    common::quiet_planned_panics();
    assert!(offtick::spawn(async { panic!("planned") }).wait().is_err_and(|error| error.is_panic()));
    hook.wait_for(1);
}

#[test]
fn install_twice_or_too_late_changes_nothing() {
    let _turn = Turn::take();
    let drops = Tally::new();
    let builder = |dropped: Dropped| Builder::new().thread_name("late").on_update(move || _ = &dropped);
    let bad = builder(Dropped::new(&drops)).blocking_threads(0);
    assert!(matches!(bad.install(), Err(InstallError::Build(_))), "a failure is no use of it");
    assert_eq!(drops.count(), 1);
    let first = Builder::new().thread_name("first").install().unwrap();
    assert!(matches!(builder(Dropped::new(&drops)).install(), Err(InstallError::InUse)));
    assert_eq!(drops.count(), 2);
    let name = || thread::current().name().map(str::to_owned);
    assert_eq!(settled(offtick::spawn(async move { name() })).as_deref(), Some("first"));
    assert!(offtick::shutdown(common::HANG).is_clean());
    assert!(first.is_closed());
    // First use, then install.
    assert_eq!(settled(offtick::spawn(async move { name() })).as_deref(), Some("offtick-reactor"));
    assert!(matches!(Builder::new().install(), Err(InstallError::InUse)));
}

#[test]
fn a_refused_builder_may_use_the_runtime_as_it_is_dropped() {
    let _turn = Turn::take();
    let ran = Tally::new();
    for first in [true, false] {
        let noted = ran.clone();
        let hook = OnDrop::new(move || settled(offtick::spawn(async move { noted.note() })));
        let builder = Builder::new().on_update(move || _ = &hook);
        let builder = if first { builder.blocking_threads(0) } else { builder };
        assert!(builder.install().is_err());
    }
    assert_eq!(ran.count(), 2);
}

#[test]
fn after_a_shutdown_the_next_use_starts_afresh() {
    let _turn = Turn::take();
    let unfinished = offtick::spawn(std::future::pending::<()>());
    assert!(offtick::shutdown(common::HANG).is_clean());
    assert!(matches!(unfinished.error(), Some(TaskError::RuntimeGone)));
    assert!(offtick::shutdown(Duration::ZERO).is_clean(), "there is nothing left to shut down");
    assert_eq!(settled(offtick::spawn(async { 1 })), 1);
}

#[cfg(feature = "toolkit")]
#[test]
fn a_shutdown_ends_the_manager_and_the_scheduler() {
    let _turn = Turn::take();
    let drops = Tally::new();
    let value = Dropped::new(&drops);
    let kept = offtick::manager().unwrap().spawn_blocking(move || value);
    kept.wait().unwrap();
    drop(kept);
    let manager = offtick::manager().unwrap();
    offtick::scheduler().unwrap().every(Duration::from_secs(3600)).spawn(|_cx| async {}).unwrap();
    drop(manager);
    assert_eq!(drops.count(), 0, "the manager keeps it");
    assert!(offtick::shutdown(common::HANG).is_clean());
    assert_eq!(drops.count(), 1, "the manager went with the runtime");

    assert_eq!(offtick::manager().unwrap().spawn(async { 2 }).wait().ok(), Some(&2));
    assert!(offtick::scheduler().unwrap().list().is_empty());
    let ran = Tally::new();
    let noted = ran.clone();
    let _job = offtick::scheduler()
        .unwrap()
        .every(Duration::from_millis(1))
        .max_runs(1)
        .misfire_grace(None)
        .spawn(move |_cx| {
            noted.note();
            async {}
        })
        .unwrap();
    ran.wait_for(1);
    let job = offtick::scheduler().unwrap().every(Duration::from_secs(3600)).spawn(|_cx| async {}).unwrap();
    assert!(job.next_run_at().is_some());
    offtick::shutdown(common::HANG);
    assert_eq!(job.next_run_at(), None, "the scheduler went as well");
}

#[test]
fn a_shutdown_inside_one_of_its_tasks_waits_for_nothing() {
    let _turn = Turn::take();
    let (send, receive) = channel();
    offtick::spawn(async move {
        let report = offtick::shutdown(common::HANG);
        let _sent = send.send((report.reactor_stopped, offtick::spawn(async { 1 })));
    })
    .detach();
    let (stopped, mut afresh) = receive.recv_timeout(common::HANG).unwrap();
    assert!(!stopped);
    assert_eq!(afresh.wait().unwrap(), 1, "it ran on a new runtime");
}

#[test]
fn shutdowns_and_uses_may_race() {
    let _turn = Turn::take();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let end = offtick::spawn(async { 1 }).wait();
                    assert!(matches!(end, Ok(1) | Err(TaskError::RuntimeGone)));
                    #[cfg(feature = "toolkit")]
                    {
                        let end = offtick::manager().unwrap().spawn(async { 2 });
                        assert!(matches!(end.wait(), Ok(2) | Err(TaskError::RuntimeGone)));
                    }
                }
            });
        }
        for _ in 0..20 {
            offtick::shutdown(common::HANG);
        }
    });
}

/// A library that can be unloaded must not leave a thread whose code goes with it.
#[cfg(target_os = "linux")]
#[test]
fn no_thread_is_left_after_a_clean_shutdown() {
    let _turn = Turn::take();
    let threads = || {
        let tasks = std::fs::read_dir("/proc/self/task").expect("Linux has it");
        let names = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|name| name.starts_with("offtick")).count()
    };
    for _ in 0..3 {
        settled(offtick::spawn_blocking(|| 1));
        assert!(threads() >= 1);
        assert!(offtick::shutdown(common::HANG).is_clean());
        until(|| threads() == 0);
    }
}
