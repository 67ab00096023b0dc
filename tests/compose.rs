//! Tasks made of tasks: `map`, `and_then`, `race`, `join_all`.

mod common;

use common::{Dropped, HANG, Hog, Tally, settled, until};
use offtick::time::Clock;
use offtick::{Builder, LocalRuntime, RetryPolicy, Runtime, Status, Task, TaskError, View, join_all, race};
use std::future::pending;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

fn runtime() -> Runtime {
    common::quiet_planned_panics();
    Runtime::new().expect("the system allows it")
}

/// A closure's task that ends only when it is cancelled, and notes that it saw it.
fn obedient(rt: &Runtime, seen: &Tally) -> Task<u32> {
    let seen = seen.clone();
    rt.task().spawn_blocking(move |cx| {
        while !cx.is_cancelled() {
            thread::yield_now();
        }
        seen.note();
        0
    })
}

#[test]
fn a_map_keeps_name_progress_attempts_and_time() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let policy = RetryPolicy::fixed(Duration::from_secs(1)).max_attempts(2);
    let mut task = rt
        .task()
        .name("import")
        .retry(policy)
        .progress::<u32>(8)
        .run_blocking(|cx| {
            cx.report(cx.attempt());
            if cx.attempt() < 2 { Err("busy") } else { Ok(20) }
        })
        .map(|rows| rows + 1)
        .and_then(|rows| async move { offtick::Ok(rows * 2) });
    assert_eq!((task.name(), task.max_attempts()), (Some("import"), Some(2)));
    until(|| matches!(task.view(), View::Waiting { attempt: 1, .. }));
    assert_eq!(task.peek(), Some(1));
    assert_eq!(task.next_attempt_in(), Some(Duration::from_secs(1)));
    assert!(task.last_error().is_some_and(|error| error.label() == "busy"));
    clock.step(Duration::from_secs(1));
    assert_eq!(task.wait().unwrap(), 42);
    assert_eq!(task.progress().collect::<Vec<_>>(), [1, 2]);
    assert_eq!((task.attempt(), task.elapsed()), (2, Some(Duration::from_secs(1))));
    clock.step(Duration::from_secs(1));
    assert_eq!(task.elapsed(), Some(Duration::from_secs(1)), "it stands still");
}

#[test]
fn the_function_runs_on_the_reactor_also_for_a_closure() {
    let rt = runtime();
    let reactor = common::reactor_thread(rt.handle());
    let here = || thread::current().id();
    assert_eq!(settled(rt.spawn(async {}).map(move |()| here())), reactor);
    assert_eq!(settled(rt.spawn_blocking(|| {}).map(move |()| here())), reactor);
    // Also if it has ended long before.
    let done = rt.spawn(async {});
    until(|| done.is_done());
    assert_eq!(settled(done.map(move |()| here())), reactor);
}

type Make = fn(&Runtime) -> Task<u8>;
type Compose = fn(Vec<Task<u32>>) -> Task<u32>;

fn gone() -> Task<u8> {
    let handle = runtime().handle().clone();
    handle.spawn(async { 1 })
}

#[test]
fn every_kind_of_end_goes_through() {
    let rt = runtime();
    let ends: [(&str, Make, Status); 5] = [
        ("failed", |rt| rt.run(async { Err("refused") }), Status::Error),
        ("panicked", |rt| rt.spawn_blocking(|| panic!("planned")), Status::Error),
        ("timed out", |rt| rt.task().timeout(Duration::from_millis(1)).spawn(|_cx| pending()), Status::Error),
        ("cancelled", |rt| rt.run(async { Err(TaskError::Cancelled) }), Status::Cancelled),
        ("gone", |_| gone(), Status::Cancelled),
    ];
    let kind = |error: &TaskError| {
        (
            error.is_cancelled(),
            error.is_panic(),
            error.is_timeout(),
            matches!(error, TaskError::RuntimeGone),
            error.label(),
        )
    };
    for (end, make, status) in ends {
        let mut plain = make(&rt);
        let expected = kind(&plain.wait().unwrap_err());
        let never = || -> Task<u8> { rt.spawn(pending()) };
        let composed: Vec<Task<u8>> = vec![
            make(&rt).map(|_| unreachable!()),
            make(&rt).and_then(|_| async { unreachable!() as Result<u8, TaskError> }),
            rt.spawn(async {}).and_then({
                let inner = make(&rt);
                move |()| inner
            }),
            make(&rt).race(never()),
            never().race(make(&rt)),
            join_all([never(), make(&rt)]).map(|_| 0),
        ];
        for (nth, mut task) in composed.into_iter().enumerate() {
            let error = task.wait_timeout(HANG).expect("it ends").unwrap_err();
            assert_eq!(kind(&error), expected, "{end} {nth}: {error:?}");
            assert_eq!(task.status(), status, "{end} {nth}");
        }
    }
}

#[test]
fn a_function_that_panics_ends_the_composed_task() {
    let rt = runtime();
    for mut task in [
        rt.spawn(async {}).map(|()| -> u8 { panic!("planned") }),
        rt.spawn(async {}).and_then(|()| -> Task<u8> { panic!("planned") }),
        rt.spawn(async {}).and_then(|()| async { panic!("planned") as Result<u8, TaskError> }),
    ] {
        assert!(task.wait().is_err_and(|error| error.is_panic()));
    }
    assert_eq!(settled(rt.spawn(async { 1 })), 1, "the reactor runs on");
}

#[test]
fn cancelling_or_dropping_reaches_all_at_once() {
    let rt = runtime();
    let compose: [Compose; 4] = [
        |mut tasks| tasks.remove(0).map(|value| value + 1),
        |mut tasks| tasks.remove(0).and_then(|value| async move { offtick::Ok(value) }),
        |tasks| race(tasks),
        |tasks| join_all(tasks).map(|_| 1),
    ];
    for (nth, compose) in compose.into_iter().enumerate() {
        for drops in [false, true] {
            let seen = Tally::new();
            // The reactor is held: nothing that it would do is needed.
            let hog = Hog::reactor(rt.handle());
            let inner: Vec<_> = (0..2).map(|_| obedient(&rt, &seen)).collect();
            let controls: Vec<_> = inner.iter().map(Task::cancel_handle).collect();
            let kept = if nth < 2 { 1 } else { 2 };
            let task = compose(inner);
            if drops {
                drop(task);
            } else {
                assert!(task.cancel());
                assert_eq!(task.status(), Status::Cancelled);
                assert!(!task.cancel());
            }
            assert!(controls[..kept].iter().all(|inner| inner.status() == Status::Cancelled), "{nth}");
            hog.release();
            until(|| controls.iter().all(|inner| inner.is_done()));
        }
    }
}

#[test]
fn the_second_task_is_cancelled_with_the_composed_one() {
    let rt = runtime();
    let (send, receive) = channel();
    let handle = rt.handle().clone();
    let task = rt.spawn(async {}).and_then(move |()| {
        let second = handle.spawn(pending::<()>());
        send.send(second.cancel_handle()).unwrap();
        second
    });
    let second = receive.recv_timeout(HANG).unwrap();
    assert!(task.cancel());
    until(|| second.status() == Status::Cancelled);
}

#[test]
fn a_pool_without_a_free_thread_keeps_no_cancellation() {
    let rt = Builder::new().blocking_threads(1).build().unwrap();
    let seen = Tally::new();
    let second = {
        let (handle, seen) = (rt.handle().clone(), seen.clone());
        move |()| {
            handle.task().spawn_blocking(move |cx| {
                seen.note();
                while !cx.is_cancelled() {
                    thread::yield_now();
                }
                seen.note();
            })
        }
    };
    let task = rt.spawn_blocking(|| {}).and_then(second);
    seen.wait_for(1);
    drop(task);
    seen.wait_for(2);
}

#[test]
fn a_closure_that_waits_for_a_composed_one_never_deadlocks() {
    let rt = Builder::new().blocking_threads(1).build().unwrap();
    let handle = rt.handle().clone();
    // No thread is left for the closure within: refused, as a wait for the closure itself would be.
    let mut outer = rt.spawn_blocking(move || handle.spawn_blocking(|| 1).map(|one| one + 1).wait());
    let inner = outer.wait_timeout(HANG).expect("no deadlock").unwrap();
    assert!(matches!(inner, Ok(2) | Err(TaskError::WouldDeadlock)), "{inner:?}");
    // A future needs none.
    let handle = rt.handle().clone();
    let outer = rt.spawn_blocking(move || handle.spawn(async { 1 }).map(|one| one + 1).wait().ok());
    assert_eq!(settled(outer), Some(2));
}

#[test]
fn the_loser_of_a_race_may_ignore_its_cancellation() {
    let rt = runtime();
    let (go, wait) = channel::<()>();
    let ended = Tally::new();
    let loser = {
        let ended = ended.clone();
        rt.task().name("slow").progress::<u8>(4).spawn_blocking(move |cx| {
            cx.report(1);
            wait.recv().ok();
            ended.note();
            "late"
        })
    };
    let winner = rt.task().progress::<u8>(4).spawn_blocking(|cx| {
        cx.report(2);
        "first"
    });
    let mut task = loser.race(winner);
    assert_eq!(task.wait_timeout(HANG).unwrap().unwrap(), "first");
    assert_eq!((task.name(), task.status()), (Some("slow"), Status::Done));
    assert_eq!(ended.count(), 0, "it was not waited for");
    assert!(task.progress().any(|step| step == 2));
    go.send(()).unwrap();
    ended.wait_for(1);
    assert_eq!(task.status(), Status::Done);
}

#[test]
fn the_progress_of_several_is_read_as_one() {
    let rt = runtime();
    let part = |from: u32| {
        rt.task().progress::<u32>(2).spawn_blocking(move |cx| (from..from + 3).for_each(|step| cx.report(step)))
    };
    let mut task = join_all([part(10), part(20), part(30)]);
    task.wait().unwrap();
    assert!(task.has_progress());
    assert_eq!((task.progress_len(), task.progress_dropped()), (6, 3));
    assert_eq!(task.peek(), Some(12));
    let mut drain = task.progress();
    assert_eq!((drain.len(), drain.next()), (6, Some(11)));
    assert_eq!(drain.len(), 5);
    drop(drain);
    assert_eq!(task.progress().collect::<Vec<_>>(), [12, 21, 22, 31, 32]);
    assert!(!task.has_progress());
    assert_eq!((task.progress().next(), task.latest(), task.peek()), (None, None, None));
    let mut task = join_all([part(10), part(20)]);
    task.wait().unwrap();
    assert_eq!(task.latest(), Some(22));
    assert_eq!(task.progress_len(), 0);
}

#[test]
fn join_all_of_none_is_done_and_a_race_of_none_has_failed() {
    let task = join_all(Vec::<Task<u8>>::new());
    assert!(matches!(task.view(), View::Done(values) if values.is_empty()));
    let task = race(Vec::<Task<u8>>::new());
    assert!(matches!(task.error(), Some(TaskError::Cancelled)));
}

#[test]
fn join_all_of_a_hundred_thousand() {
    let rt = runtime();
    let drops = Tally::new();
    let mut sum = join_all((0..100_000_u64).map(|n| rt.spawn(async move { n }))).map(|all| {
        assert!(all.iter().enumerate().all(|(place, n)| place as u64 == *n));
        all.len()
    });
    assert_eq!(sum.wait_timeout(HANG).unwrap().unwrap(), 100_000);
    let held: Vec<_> = (0..100_000)
        .map(|_| {
            let dropped = Dropped::new(&drops);
            rt.spawn(async move {
                let _dropped = dropped;
                pending::<()>().await;
            })
        })
        .collect();
    drop(join_all(held));
    drops.wait_for(100_000);
}

#[test]
fn the_first_error_of_join_all_cancels_the_others() {
    let rt = runtime();
    let seen = Tally::new();
    let held = [obedient(&rt, &seen), obedient(&rt, &seen)];
    until(|| held.iter().all(|task| task.status() == Status::Running));
    let controls = held.each_ref().map(Task::cancel_handle);
    let [one, other] = held;
    let mut task = join_all([one, rt.run(async { Err("refused") }), other]);
    assert!(task.wait().is_err_and(|error| error.label() == "refused"));
    seen.wait_for(2);
    assert!(controls.iter().all(|task| task.status() == Status::Cancelled));
}

#[test]
fn a_composed_task_raises_the_flag_and_is_listed() {
    let rt = runtime();
    let task = rt.task().name("page").spawn(|_cx| pending::<()>()).map(|()| 1);
    until(|| rt.tasks().iter().any(|listed| listed.id() == task.id() && listed.name() == Some("page")));
    rt.take_update();
    let mut done = rt.spawn(async {}).map(|()| 1);
    done.wait().unwrap();
    until(|| rt.take_update());
}

#[test]
fn a_runtime_that_shuts_down_ends_it() {
    let rt = runtime();
    let drops = Tally::new();
    let (first, second) = (Dropped::new(&drops), Dropped::new(&drops));
    let waits = rt.spawn(pending::<()>()).map(move |()| drop(first));
    let both = join_all([rt.spawn(pending::<()>()), rt.spawn(async {})]).map(move |_| drop(second));
    drop(rt);
    for task in [waits, both] {
        assert!(matches!(task.error(), Some(TaskError::RuntimeGone)), "{task:?}");
    }
    assert_eq!(drops.count(), 2);
    // Composed after the end: of a value that is there and of an end.
    let rt = runtime();
    let done = rt.spawn(async { 1 });
    until(|| done.is_done());
    let handle = rt.handle().clone();
    drop(rt);
    assert!(matches!(done.map(|one| one + 1).error(), Some(TaskError::RuntimeGone)));
    assert!(matches!(handle.spawn(async { 1 }).map(|one| one + 1).error(), Some(TaskError::RuntimeGone)));
}

#[test]
fn an_error_that_nobody_reads_reaches_the_hook_once() {
    let unhandled = Tally::new();
    let noted = unhandled.clone();
    let rt = Builder::new().on_unhandled_error(move |_, _| noted.note()).build().unwrap();
    rt.run(async { Err::<u8, _>("refused") }).map(|value| value + 1).detach();
    unhandled.wait_for(1);
    let mut read = rt.run(async { Err::<u8, _>("refused") }).map(|value| value + 1);
    assert!(read.wait().is_err());
    drop(read);
    settled(rt.spawn(async {}));
    assert_eq!(unhandled.count(), 1);
}

#[test]
fn on_a_runtime_without_a_thread_the_tick_runs_it() {
    let rt = LocalRuntime::new().unwrap();
    let here = thread::current().id();
    let task = rt.spawn(async { 1 }).map(move |one| (one, thread::current().id() == here));
    assert!(!task.is_done());
    rt.run_until_stalled().unwrap();
    assert!(matches!(task.result(), Some(Ok((1, true)))));
    let both =
        join_all([rt.spawn(async { 1 }), rt.spawn(async { 2 })]).and_then(|sum| async move { offtick::Ok(sum.len()) });
    rt.run_until_stalled().unwrap();
    assert!(matches!(both.view(), View::Done(2)));
    let cancelled = rt.spawn(pending::<u8>()).map(|one| one);
    cancelled.cancel();
    assert_eq!(cancelled.status(), Status::Cancelled);
    rt.run_until_stalled().unwrap();
    assert_eq!(rt.metrics().alive, 0);
}

#[test]
fn a_chain_of_many_is_no_recursion() {
    let rt = runtime();
    let mut task = rt.spawn(async { 0 });
    for _ in 0..1_000 {
        task = task.map(|n| n + 1);
    }
    assert_eq!(settled(task), 1_000);
    let mut task = rt.spawn(pending::<u32>());
    for _ in 0..1_000 {
        task = task.map(|n| n + 1);
    }
    drop(task);
    settled(rt.spawn(async {}));
}

#[test]
fn it_can_be_awaited_and_shared() {
    let rt = runtime();
    let mapped = rt.spawn(async { 1 }).map(|one| one + 1);
    let mut outer = rt.run(mapped);
    assert_eq!(outer.wait().unwrap(), 2);
    let shared = rt.spawn(async { 1 }).map(|one| one + 1).share();
    assert_eq!(shared.wait().ok(), Some(&2));
}

#[cfg(feature = "toolkit")]
#[test]
fn it_can_be_put_into_a_set() {
    let rt = runtime();
    let mut set = offtick::TaskSet::new();
    set.insert("a", rt.spawn(async { 1 }).map(|one| one + 1));
    let mut found = None;
    until(|| {
        found = set.drain_finished().next();
        found.is_some()
    });
    assert!(matches!(found, Some(("a", Ok(2)))));
}

/// A stack of 256 KiB holds a few thousand levels of recursion at most.
fn on_a_small_stack(body: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(256 << 10).spawn(body).unwrap().join().unwrap();
}

fn chain(length: u32, first: Task<u32>) -> Task<u32> {
    (0..length).fold(first, |task, n| match n % 2 {
        0 => task.map(|n| n + 1),
        _ => task.and_then(|n| async move { Ok::<_, offtick::BoxError>(n) }),
    })
}

#[test]
fn cancelling_or_dropping_a_long_chain_is_no_recursion() {
    const WAYS: [(&str, u32); 5] = [
        ("cancel", 100_000),
        ("drop", 100_000),
        ("drop after cancel", 20_000),
        ("shut down", 20_000),
        ("first cancelled", 20_000),
    ];
    on_a_small_stack(|| {
        for (way, length) in WAYS {
            let rt = Builder::new().stack_size(256 << 10).build().unwrap();
            let drops = Tally::new();
            let dropped = Dropped::new(&drops);
            let first = rt.spawn(async move {
                let _dropped = dropped;
                pending().await
            });
            let control = first.cancel_handle();
            let mut task = chain(length, first);
            match way {
                "cancel" => assert!(task.cancel() && task.is_done()),
                "drop" => drop(task),
                "drop after cancel" => {
                    task.cancel();
                    drop(task);
                }
                "shut down" => drop(rt),
                _ => {
                    control.cancel();
                    assert!(task.wait_timeout(HANG).unwrap().unwrap_err().is_cancelled());
                }
            }
            drops.wait_for(1);
        }
    });
}

#[test]
fn a_long_chain_of_a_promise_without_a_runtime_is_no_recursion() {
    on_a_small_stack(|| {
        let (completer, first) = offtick::promise::<u32, ()>();
        let mut task = chain(20_000, first);
        completer.complete(0).unwrap();
        assert_eq!(task.wait().unwrap(), 10_000);
        let (completer, first) = offtick::promise::<u32, ()>();
        let task = chain(20_000, first);
        task.cancel();
        assert!(completer.complete(0).is_err());
        let (completer, first) = offtick::promise::<u32, ()>();
        let mut task = chain(20_000, first);
        drop(completer);
        assert!(task.wait().is_err());
    });
}
