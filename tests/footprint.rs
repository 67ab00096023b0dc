//! What runtimes leave behind in the process: nothing. Counts threads and file descriptors, so no other test may stand
//! in this file but those that take turns.
#![cfg(target_os = "linux")]

mod common;

use offtick::Runtime;
use std::fs;
use std::future::pending;
use std::sync::{Mutex, PoisonError};

static TURN: Mutex<()> = Mutex::new(());

/// Threads of the process that bear the crate's name: the harness starts and ends threads of its own.
fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux has it");
    let names = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("offtick")).count()
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").expect("Linux has it").count()
}

/// Makes and drops runtimes with some life in them and looks at the process before and after.
fn come_and_go(runtimes: usize) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let probe = Runtime::new().expect("a runtime is built");
    common::reactor_thread(probe.handle());
    assert_eq!(threads(), 1, "threads are counted");
    drop(probe);
    let descriptors_before = descriptors();
    for number in 0..runtimes {
        let rt = Runtime::new().expect("a runtime is built");
        let done = rt.spawn(async move { number });
        rt.spawn(pending::<()>()).detach();
        let closure = (number % 8 == 0).then(|| rt.spawn_blocking(move || number));
        if number % 2 == 0 {
            assert_eq!(common::settled(done), number);
        }
        if let Some(closure) = closure {
            assert_eq!(common::settled(closure), number);
        }
        let handle = rt.handle().clone();
        drop(rt);
        assert!(handle.is_closed());
    }
    // A thread that has said its last word may take a moment to be gone from the system.
    common::until(|| threads() == 0);
    assert!(descriptors() <= descriptors_before, "{} descriptors, {descriptors_before} before", descriptors());
}

#[test]
fn two_thousand_runtimes_leave_nothing_behind() {
    come_and_go(2_000);
}

#[test]
#[ignore = "takes several seconds"]
fn ten_thousand_runtimes_leave_nothing_behind() {
    come_and_go(10_000);
}

#[test]
fn a_runtime_opens_few_descriptors_and_gives_them_back() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = descriptors();
    let rt = Runtime::new().expect("a runtime is built");
    // The poll, its duplicate for other threads that add sockets, the waker, the timer.
    assert!(descriptors() - before <= 4, "{} descriptors", descriptors() - before);
    let (task, handle) = (rt.spawn(pending::<()>()), rt.handle().clone());
    drop(rt);
    drop((task, handle));
    assert_eq!(descriptors(), before);
}
