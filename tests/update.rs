//! The update flag: a host that looks only when it is up misses nothing and is not called for nothing.

mod common;

use common::{HANG, HUGE_STACK, Hog, Signal, Tally, quiet_planned_panics, runtime};
use offtick::time::Clock;
use offtick::{Builder, RetryPolicy, Runtime, Status, Task, TaskContext};
use std::future::pending;
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Returns after all that ended before has raised the flag; raises none itself.
fn settle(rt: &Runtime) {
    let (polled, seen) = channel();
    rt.task().quiet().spawn(|_cx| async move { polled.send(()).unwrap() }).detach();
    seen.recv_timeout(HANG).expect("the reactor works");
    common::after_hooks(rt.handle());
}

#[test]
fn down_until_something_ends_and_then_up_once() {
    let rt = runtime();
    assert!(!rt.take_update());
    settle(&rt);
    let held = rt.spawn(pending::<()>());
    settle(&rt);
    assert!(rt.take_update(), "it has started");
    settle(&rt);
    assert!(!rt.take_update(), "and runs on");
    let tasks: Vec<_> = (0..100).map(|_| rt.spawn(async {})).collect();
    settle(&rt);
    assert!(tasks.iter().all(Task::is_done));
    assert!(rt.take_update(), "a hundred ends");
    assert!(!rt.take_update(), "are one update");
    assert!(rt.handle().clone().metrics().spawned >= 100);
    drop(held);
    settle(&rt);
    assert!(!rt.take_update(), "the host lets go, and knows");
}

#[test]
fn every_kind_of_end_raises_it() {
    quiet_planned_panics();
    let rt = runtime();
    let raised = |what: &str, task: Task<()>| {
        common::until(|| task.is_done());
        settle(&rt);
        assert!(rt.take_update(), "{what}");
        assert!(!rt.take_update(), "{what}: once");
    };
    raised("a value", rt.spawn(async {}));
    raised("an error", rt.run(async { Err("no") }));
    raised("a panic", rt.spawn(async { panic!("planned") }));
    raised("a closure", rt.spawn_blocking(|| ()));
    let held = rt.spawn(pending::<()>());
    settle(&rt);
    rt.take_update();
    assert!(held.cancel());
    raised("a cancellation", held);
}

#[test]
fn the_cancellation_of_a_pending_task_raises_it_at_once() {
    let rt = runtime();
    let hog = Hog::reactor(rt.handle());
    let task = rt.spawn(pending::<()>());
    assert!(!rt.take_update());
    assert!(task.cancel());
    assert!(rt.take_update(), "though the reactor is held");
    assert!(!task.cancel());
    assert!(!rt.take_update(), "a refused cancellation is no news");
    hog.release();
}

#[test]
fn the_hook_is_called_once_until_the_host_has_looked() {
    let calls = Tally::new();
    let called = calls.clone();
    let rt = Builder::new().on_update(move || called.note()).build().unwrap();
    for round in 1..=5 {
        let tasks: Vec<_> = (0..50).map(|_| rt.spawn(async {})).collect();
        settle(&rt);
        assert!(tasks.iter().all(Task::is_done));
        calls.wait_for(round);
        assert!(rt.take_update());
    }
    settle(&rt);
    assert_eq!(calls.count(), 5);
}

#[test]
fn whoever_the_hook_calls_finds_the_task_over() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let shared: Arc<Mutex<Option<offtick::CancelHandle>>> = Arc::default();
    let (log, look) = (Arc::clone(&seen), Arc::clone(&shared));
    let rt = Builder::new()
        .on_update(move || {
            if let Some(control) = look.lock().unwrap().as_ref() {
                log.lock().unwrap().push(control.is_done());
            }
        })
        .build()
        .unwrap();
    for blocking in [false, true] {
        let signal = Signal::new();
        let waits = signal.clone();
        let (go, gate) = channel::<()>();
        let task = if blocking {
            rt.spawn_blocking(move || {
                gate.recv().ok();
            })
        } else {
            rt.spawn(async move { waits.given().await })
        };
        *shared.lock().unwrap() = Some(task.cancel_handle());
        seen.lock().unwrap().clear();
        signal.give();
        go.send(()).ok();
        // The start is an update as well.
        common::until(|| {
            rt.take_update();
            seen.lock().unwrap().last() == Some(&true)
        });
        *shared.lock().unwrap() = None;
    }
}

/// A host that sleeps until the hook calls it and looks at its tasks only when the flag was up.
#[test]
fn a_host_that_follows_the_flag_misses_no_end() {
    const TASKS: usize = 4_000;
    let bell = Arc::new((Mutex::new(0_usize), Condvar::new()));
    let ring = Arc::clone(&bell);
    let rt = Builder::new()
        .on_update(move || {
            *ring.0.lock().unwrap() += 1;
            ring.1.notify_all();
        })
        .build()
        .unwrap();
    let (mut open, mut spawned) = (Vec::new(), 0);
    while spawned < TASKS || !open.is_empty() {
        for _ in 0..TASKS.min(spawned + 7) - spawned {
            open.push(match spawned % 3 {
                0 => rt.spawn(async {}),
                1 => rt.spawn(common::yield_once()),
                _ => rt.spawn_blocking(|| ()),
            });
            spawned += 1;
        }
        // Read before the flag: a ring that comes after this is waited for, one that came before has put the flag up.
        let rung = *bell.0.lock().unwrap();
        if rt.take_update() {
            open.retain(|task| !task.is_done());
        } else if spawned == TASKS {
            let rings = bell.0.lock().unwrap();
            let (_rings, timeout) = bell.1.wait_timeout_while(rings, HANG, |rings| *rings == rung).unwrap();
            assert!(!timeout.timed_out(), "{} tasks are over unseen or never end", open.len());
        }
    }
}

#[test]
fn a_task_that_is_refused_is_news() {
    let rt = Builder::new().blocking_stack_size(HUGE_STACK).build().unwrap();
    let refused = rt.task().progress::<u8>(0).spawn(|_cx| pending::<()>());
    assert!(refused.is_done() && rt.take_update());
    let refused = rt.task().progress::<u8>(0).spawn_blocking(|_cx| ());
    assert!(refused.is_done() && rt.take_update());
    let refused = rt.spawn_blocking(|| ());
    assert!(refused.is_done() && rt.take_update());
    assert!(!rt.take_update());
}

#[test]
fn what_the_crate_runs_for_itself_is_no_news() {
    let rt = runtime();
    for number in 0..50 {
        let mut watched = rt.task().quiet().timeout(HANG).spawn_blocking(move |_cx| number);
        assert_eq!(watched.wait().unwrap(), number);
        // The end of the closure has taken its watch along.
        common::until(|| rt.metrics().alive == 0);
        assert!(!rt.take_update());
    }
}

/// More threads report than there are lanes; each report is news, whoever has which lane, and threads come and go.
#[test]
fn reports_of_many_threads_are_news() {
    const THREADS: usize = 12;
    let rt = Builder::new().blocking_keep_alive(std::time::Duration::ZERO).build().unwrap();
    for _ in 0..3 {
        let (go, gates): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| std::sync::mpsc::channel::<()>()).unzip();
        let (tell, told) = std::sync::mpsc::channel();
        let tasks: Vec<_> = gates
            .into_iter()
            .map(|gate| {
                let tell = tell.clone();
                rt.task().progress::<u8>(4).spawn_blocking(move |cx| {
                    tell.send(()).unwrap();
                    while gate.recv().is_ok() {
                        cx.report(1);
                        tell.send(()).unwrap();
                    }
                })
            })
            .collect();
        for _ in 0..THREADS {
            told.recv_timeout(HANG).unwrap();
        }
        rt.take_update();
        for (gate, task) in go.iter().zip(&tasks) {
            gate.send(()).unwrap();
            told.recv_timeout(HANG).unwrap();
            assert!(rt.take_update(), "a report raises the flag");
            assert!(!rt.take_update(), "once");
            assert_eq!(task.progress().count(), 1);
        }
        drop(go);
        tasks.into_iter().for_each(|mut task| task.wait().unwrap());
    }
}

/// An idle host beside a detached loop of closures and sleeps.
#[test]
fn an_idle_host_is_not_woken_for_what_it_cannot_see() {
    const ROUNDS: usize = 40;
    let calls = Tally::new();
    let called = calls.clone();
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).on_update(move || called.note()).build().unwrap();
    let (handle, rounds) = (rt.handle().clone(), Tally::new());
    let round = rounds.clone();
    let beat = |mut cx: TaskContext<usize>| async move {
        loop {
            cx.report(1);
            // Awaited at once, after a while, and not at all; a child of a child.
            handle.spawn_blocking(|| ()).await.unwrap();
            let late = handle.spawn_blocking(|| ());
            offtick::yield_now().await;
            late.await.unwrap();
            drop(handle.spawn_blocking(|| ()));
            handle.spawn_blocking(|| ()).detach();
            let inner = handle.clone();
            handle.spawn(async move { inner.spawn_blocking(|| ()).await.unwrap() }).await.unwrap();
            round.note();
            handle.sleep(SECOND).await;
        }
    };
    rt.task().progress(1).spawn(beat).detach();
    let mut before = 0;
    for count in 1..=ROUNDS {
        rounds.wait_for(count);
        common::until(|| rt.metrics().timers == 1);
        if count == 1 {
            // It may have started before it was detached.
            settle(&rt);
            rt.take_update();
            before = calls.count();
        }
        clock.advance(SECOND);
    }
    settle(&rt);
    assert_eq!(calls.count(), before);
    assert!(!rt.take_update());

    // A task that waits for a little while, then leaves the handle to the host: that one is told.
    let shelf = Arc::new(Mutex::new(None));
    let (handle, put) = (rt.handle().clone(), Arc::clone(&shelf));
    let gate = Signal::new();
    let theirs = gate.clone();
    rt.spawn(async move {
        let mut slow = handle.spawn(async move { theirs.given().await });
        assert!(handle.timeout(SECOND, &mut slow).await.is_err());
        *put.lock().unwrap() = Some(slow);
    })
    .detach();
    while shelf.lock().unwrap().is_none() {
        clock.advance(SECOND);
    }
    settle(&rt);
    rt.take_update();
    let before = calls.count();
    gate.give();
    calls.wait_for(before + 1);
    assert!(shelf.lock().unwrap().as_ref().is_some_and(Task::is_done));
}

/// Without a hook a report raises the flag by a path of its own.
#[test]
fn a_detached_task_reports_in_silence() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let (handle, reports) = (rt.handle().clone(), Tally::new());
    let reported = reports.clone();
    let beat = |mut cx: TaskContext<usize>| async move {
        loop {
            cx.report(1);
            reported.note();
            handle.sleep(SECOND).await;
        }
    };
    let mut task = Some(rt.task().progress(1).spawn(beat));
    for (count, visible) in [(1, true), (2, true), (3, false)] {
        if !visible {
            task.take().expect("it is the last round").detach();
        }
        if count > 1 {
            common::until(|| rt.metrics().timers == 1);
            clock.advance(SECOND);
        }
        reports.wait_for(count);
        settle(&rt);
        assert_eq!(rt.take_update(), visible);
    }
}

#[test]
fn start_and_retry_raise_it_and_a_quiet_task_never_does() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let policy = || RetryPolicy::fixed(SECOND).max_attempts(3);
    for quiet in [false, true] {
        let task = || if quiet { rt.task().quiet() } else { rt.task() };
        let gate = Signal::new();
        let theirs = gate.clone();
        let future = task().spawn(move |_cx| async move { theirs.given().await });
        settle(&rt);
        assert_eq!((future.status(), rt.take_update()), (Status::Running, !quiet));
        gate.give();
        common::until(|| future.is_done());
        settle(&rt);
        assert_eq!(rt.take_update(), !quiet);

        let (go, gate) = channel::<()>();
        let closure = task().progress::<u8>(4).spawn_blocking(move |cx| {
            gate.recv().ok();
            cx.report(1);
            gate.recv().ok();
        });
        common::until(|| closure.status() == Status::Running);
        common::until(|| quiet || rt.take_update());
        go.send(()).unwrap();
        common::until(|| closure.has_progress());
        common::until(|| quiet || rt.take_update());
        drop(go);
        common::until(|| closure.is_done());
        common::until(|| quiet || rt.take_update());

        let retried = task().retry(policy()).run(|_cx| async { Err::<(), _>("busy") });
        for _ in 1..3 {
            common::until(|| retried.next_attempt_at().is_some());
            settle(&rt);
            assert_eq!(rt.take_update(), !quiet);
            clock.advance(SECOND);
        }
        common::until(|| retried.is_done());
        settle(&rt);
        assert_eq!(rt.take_update(), !quiet);
        assert!(!rt.take_update());
    }
}

/// Patterns whose runs are told to nobody but their owner: a value, an error, one that comes from outside.
#[cfg(feature = "toolkit")]
#[test]
fn quiet_debouncers_and_restartables_never_raise_it() {
    use offtick::toolkit::{Debouncer, RestartStatus, Restartable};
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    for quiet in [false, true] {
        let builder = Debouncer::builder(&rt, SECOND);
        let builder = if quiet { builder.quiet() } else { builder };
        let checked = builder.build(|n: u8| async move { u8::try_from(u32::from(n) * 100) }).unwrap();
        for n in [1, 9] {
            checked.trigger(n);
            settle(&rt);
            clock.advance(SECOND);
            common::until(|| !checked.is_busy());
            settle(&rt);
            assert_eq!(rt.take_update(), !quiet);
        }
        assert_eq!((checked.latest().as_deref(), checked.error().is_some()), (Some(&100), true));

        let restartables = [
            Restartable::new(&rt, |_attempt| async { Ok::<_, std::io::Error>(1) }),
            Restartable::completed_outside(&rt, |_attempt| async { Ok::<_, std::io::Error>(()) }),
        ];
        for (outside, work) in restartables.into_iter().enumerate() {
            let work = if quiet { work.quiet() } else { work };
            work.start();
            if outside == 1 {
                settle(&rt);
                rt.take_update();
                work.set_result(2).unwrap();
            }
            common::until(|| work.status() == RestartStatus::Completed);
            settle(&rt);
            assert_eq!(rt.take_update(), !quiet);
        }
    }
}
