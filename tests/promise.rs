//! Tasks that are completed from outside.

mod common;

use common::{Dropped, HANG, Tally, settled, until};
use offtick::time::Clock;
use offtick::{Builder, Completer, Runtime, Status, Task, TaskError, View, promise};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

type Promise<T> = (Completer<T>, Task<T>);

#[test]
fn it_runs_until_it_is_completed() {
    let (completer, mut task): Promise<u8> = promise();
    assert!(matches!(task.view(), View::Running));
    assert_eq!((completer.id(), completer.is_cancelled()), (task.id(), false));
    assert!(task.wait_timeout(Duration::ZERO).is_none());
    completer.complete(7).unwrap();
    assert!(matches!(task.view(), View::Done(7)));
    assert_eq!(task.take().unwrap().unwrap(), 7);
    assert!(task.take().is_none());
}

#[test]
fn it_fails_with_the_kind_of_the_error() {
    let (completer, task): Promise<u8> = promise();
    completer.fail("reset").unwrap();
    assert_eq!(task.error().map(TaskError::label).as_deref(), Some("reset"));
    let (completer, task): Promise<u8> = promise();
    completer.fail(TaskError::Cancelled).unwrap();
    assert_eq!(task.status(), Status::Cancelled);
    let (completer, task): Promise<u8> = promise();
    drop(completer);
    assert_eq!(task.status(), Status::Error);
    assert!(matches!(task.error(), Some(TaskError::Abandoned)));
}

#[test]
fn what_nobody_gets_comes_back() {
    let drops = Tally::new();
    type Way = fn(Task<Dropped>) -> Option<Task<Dropped>>;
    let ways: [Way; 3] = [
        |task| {
            task.cancel();
            Some(task)
        },
        |task| {
            drop(task);
            None
        },
        |task| {
            task.detach();
            None
        },
    ];
    for (nth, way) in ways.into_iter().enumerate() {
        let (completer, task): Promise<Dropped> = promise();
        let task = way(task);
        assert_eq!(completer.is_cancelled(), nth < 2);
        let back = completer.complete(Dropped::new(&drops)).expect_err("nobody gets it");
        assert_eq!(drops.count(), nth);
        drop(back);
        assert_eq!(drops.count(), nth + 1);
        assert!(task.is_none_or(|task| task.status() == Status::Cancelled));
        let (completer, task): Promise<Dropped> = promise();
        let _task = way(task);
        assert_eq!(completer.fail("late").is_err(), nth < 2);
        let (completer, task): Promise<Dropped> = promise();
        let _task = way(task);
        drop(completer);
    }
}

#[test]
fn progress_is_complete_once_it_is_done() {
    let (mut completer, task): (_, Task<u8, u32>) = promise();
    completer.report(1);
    assert_eq!(task.peek(), Some(1));
    (2..=100).for_each(|step| completer.report(step));
    // The ring is full and a drain is on: the last values wait in the spare slot.
    let drain = task.progress();
    completer.report(101);
    drop(drain);
    completer.complete(1).unwrap();
    let seen: Vec<_> = task.progress().collect();
    assert_eq!(seen.last(), Some(&101));
    assert_eq!(seen.len() as u64 + task.progress_dropped(), 101);
}

#[test]
fn any_thread_completes_it_and_wakes_those_who_wait() {
    let rt = Runtime::new().unwrap();
    for own in [false, true] {
        let (completer, task): Promise<u8> = if own { rt.promise() } else { promise() };
        let task = task.share();
        let awaiting = {
            let task = task.clone();
            rt.spawn(async move { (&task).await.copied().unwrap_or_default() })
        };
        let waiting = {
            let task = task.clone();
            thread::spawn(move || task.wait().copied().unwrap_or_default())
        };
        thread::spawn(move || completer.complete(9)).join().unwrap().unwrap();
        assert_eq!((settled(awaiting), waiting.join().unwrap()), (9, 9));
    }
}

#[test]
fn the_holder_may_wait_for_the_cancellation() {
    let rt = Runtime::new().unwrap();
    let (mut completer, task): Promise<u8> = promise();
    let cancelled = rt.spawn(async move {
        completer.cancelled().await;
        completer.is_cancelled()
    });
    task.cancel();
    assert!(settled(cancelled));
}

#[test]
fn on_a_runtime_it_raises_the_flag_and_goes_by_its_clock() {
    let clock = Clock::manual();
    let hook = Tally::new();
    let noted = hook.clone();
    let rt = Builder::new().clock(clock.clone()).on_update(move || noted.note()).build().unwrap();
    let (mut completer, task) = rt.promise::<u8, u8>();
    assert!(!rt.take_update());
    clock.step(Duration::from_secs(2));
    completer.report(1);
    hook.wait_for(1);
    assert!(rt.take_update());
    completer.complete(1).unwrap();
    hook.wait_for(2);
    assert!(rt.take_update());
    clock.step(Duration::from_secs(2));
    assert_eq!(task.elapsed(), Some(Duration::from_secs(2)));
    // An error that nobody can see.
    let unhandled = Tally::new();
    let noted = unhandled.clone();
    let rt = Builder::new().on_unhandled_error(move |_, _| noted.note()).build().unwrap();
    let (completer, task) = rt.promise::<u8, ()>();
    task.detach();
    drop(completer);
    unhandled.wait_for(1);
}

#[test]
fn it_outlives_its_runtime() {
    let rt = Runtime::new().unwrap();
    let (completer, mut task) = rt.promise::<u8, ()>();
    let (other, mapped) = rt.promise::<u8, ()>();
    let mapped = mapped.map(|value| value + 1);
    drop(rt);
    thread::spawn(move || completer.complete(1)).join().unwrap().unwrap();
    assert_eq!(task.wait().unwrap(), 1);
    until(|| mapped.is_done());
    assert!(matches!(mapped.error(), Some(TaskError::RuntimeGone)));
    assert!(other.is_cancelled());
}

#[test]
fn what_is_composed_of_it_runs_where_it_is_completed() {
    common::quiet_planned_panics();
    let here = thread::current().id();
    let (completer, task): Promise<u8> = promise();
    let mut mapped = task.map(move |value| (value, thread::current().id() == here));
    completer.complete(1).unwrap();
    assert_eq!(mapped.take().unwrap().unwrap(), (1, true));
    let (completer, task): Promise<u8> = promise();
    let mapped = task.map(|_| panic!("planned"));
    completer.complete(1).unwrap();
    assert!(mapped.error().is_some_and(TaskError::is_panic));
    // A chain is a loop, not a recursion.
    let (completer, task): Promise<u32> = promise();
    let mut task = task;
    for _ in 0..10_000 {
        task = task.map(|n| n + 1);
    }
    completer.complete(0).unwrap();
    assert_eq!(task.take().unwrap().unwrap(), 10_000);
    // A second promise, completed in the function of the first.
    let (first, task): Promise<u8> = promise();
    let (second, other): Promise<u8> = promise();
    let mut both = task.and_then(move |value| {
        second.complete(value).unwrap();
        other
    });
    first.complete(5).unwrap();
    assert_eq!(both.take().unwrap().unwrap(), 5);
    let (completer, task): Promise<u8> = promise();
    let mapped = task.map(|value| value);
    drop(mapped);
    assert!(completer.is_cancelled());
    // With a timer: the default runtime wakes it.
    let (completer, task): Promise<u8> = promise();
    let mut slept = task.and_then(|value| async move {
        offtick::time::sleep(Duration::from_millis(1)).await;
        offtick::Ok(value)
    });
    completer.complete(3).unwrap();
    assert_eq!(slept.wait_timeout(HANG).unwrap().unwrap(), 3);
}

#[test]
fn complete_and_cancel_race() {
    for _ in 0..2_000 {
        let (completer, task): Promise<Box<u8>> = promise();
        let canceller = thread::spawn(move || (task.cancel(), task));
        let back = completer.complete(Box::new(1));
        let (cancelled, mut task) = canceller.join().unwrap();
        let value = task.take().unwrap();
        assert_eq!(cancelled, value.is_err());
        assert_eq!(cancelled, back.is_err(), "the value is in one place");
    }
}

#[test]
fn a_callback_of_a_foreign_library() {
    /// Calls back on a thread of its own, at most once, from an `FnMut`.
    fn fetch(mut on_end: impl FnMut(Result<&str, &str>) + Send + 'static) {
        thread::spawn(move || on_end(Ok("page")));
    }
    let (completer, mut task): Promise<String> = promise();
    let completer = Arc::new(Mutex::new(Some(completer)));
    fetch(move |end| {
        let Some(completer) = completer.lock().unwrap().take() else { return };
        let _cancelled = match end {
            Ok(text) => completer.complete(text.to_owned()).is_err(),
            Err(error) => completer.fail(error).is_err(),
        };
    });
    assert_eq!(task.wait().unwrap(), "page");
}

#[test]
fn everything_may_cross_threads() {
    fn crosses<T: Send + Sync + Unpin + std::fmt::Debug + 'static>() {}
    crosses::<Completer<std::cell::Cell<u8>, String>>();
}
