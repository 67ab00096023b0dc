//! Tasks of a group that have more than a body.
#![cfg(feature = "toolkit")]

use offtick::time::ManualClock;
use offtick::{Builder, Runtime, Status, TaskGroup};
use std::sync::mpsc::channel;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

#[test]
fn the_limit_holds_for_built_tasks() {
    let rt = Runtime::new().unwrap();
    let group = TaskGroup::with_limit(&rt, 1).unwrap();
    let (go, wait) = channel::<()>();
    let mut first = group.task().name("first").run_blocking(move |_| wait.recv());
    let mut second = group.task().progress::<u8>(2).spawn_blocking(|cx| cx.report(1));
    let mut third = group.task().progress::<u8>(2).run(|mut cx| async move {
        cx.send(2).await?;
        Ok::<_, offtick::BoxError>(std::rc::Rc::new(3).to_string())
    });
    assert_eq!((first.name(), second.status(), third.status()), (Some("first"), Status::Pending, Status::Pending));
    assert_eq!(group.progress().total, 3);
    go.send(()).unwrap();
    assert!(first.wait().is_ok() && second.wait().is_ok());
    assert_eq!(third.wait().unwrap(), "3");
    assert_eq!((second.latest(), third.latest()), (Some(1), Some(2)));
}

#[test]
fn a_time_limit_counts_while_a_member_runs_and_not_while_it_waits() {
    let clock = ManualClock::new();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let group = TaskGroup::with_limit(&rt, 1).unwrap();
    let (go, wait) = channel::<()>();
    let mut first = group.run_blocking(move || wait.recv());
    let mut future = group.task().timeout(LONG).spawn(|_| async { 2 });
    let mut closure = group.task().timeout(LONG).spawn_blocking(|_| 3);
    let mut forever = group.task().timeout(LONG).spawn(|_| std::future::pending::<()>());
    clock.advance(2 * LONG);
    go.send(()).unwrap();
    assert!(first.wait().is_ok());
    assert_eq!((future.wait().unwrap(), closure.wait().unwrap()), (2, 3));
    while forever.status() != Status::Running {
        std::thread::yield_now();
    }
    rt.spawn(async {}).wait().unwrap();
    clock.advance(LONG);
    assert!(forever.wait().is_err_and(|error| error.is_timeout()));
    group.wait().unwrap();
}

/// A host that adds a member is not made to launch what other threads make room for, and nothing is left behind.
#[test]
fn a_long_queue_is_launched_by_the_reactor() {
    let rt = offtick::Runtime::new().unwrap();
    let group = offtick::TaskGroup::with_limit(&rt, 1).unwrap();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let (begun, begins) = std::sync::mpsc::channel();
    let held = group.spawn_blocking(move || {
        begun.send(()).ok();
        gate.recv().ok()
    });
    begins.recv().unwrap();
    let many: Vec<_> = (0..1000).map(|number| group.spawn(async move { number })).collect();
    assert_eq!(group.progress().pending, 1000);
    drop(go);
    group.wait().unwrap();
    assert!(many.iter().all(|task| task.is_done()) && held.is_done());
    assert_eq!(group.progress().done, 1001);
}

/// The same, with the runtime shut down in the middle.
#[test]
fn a_long_queue_ends_with_its_runtime() {
    let rt = offtick::Runtime::new().unwrap();
    let group = offtick::TaskGroup::with_limit(&rt, 1).unwrap();
    let first = group.spawn(std::future::pending::<()>());
    let many: Vec<_> = (0..1000).map(|_| group.spawn(async {})).collect();
    assert!(rt.shutdown(std::time::Duration::from_secs(60)).is_clean());
    assert!(first.is_done() && many.iter().all(|task| task.is_done()));
    assert!(group.is_idle());
}
