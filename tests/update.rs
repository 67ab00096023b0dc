//! The update flag: a host that looks only when it is up misses nothing and is not called for nothing.

mod common;

use common::{HANG, Hog, Signal, Tally, quiet_planned_panics, runtime};
use offtick::{Builder, Runtime, Task};
use std::cell::RefCell;
use std::future::pending;
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};

/// Runs after all that ended before it has raised the flag; leaves nothing behind that would raise it.
fn settle(rt: &Runtime) -> Task<()> {
    let (polled, seen) = channel();
    let probe = rt.spawn(async move {
        polled.send(()).ok();
        pending::<()>().await;
    });
    seen.recv_timeout(HANG).expect("the reactor works");
    probe
}

#[test]
fn down_until_something_ends_and_then_up_once() {
    let rt = runtime();
    assert!(!rt.take_update());
    let probe = settle(&rt);
    assert!(!rt.take_update(), "a task that runs on is no news");
    let tasks: Vec<_> = (0..100).map(|_| rt.spawn(async {})).collect();
    let _probe = (probe, settle(&rt));
    assert!(tasks.iter().all(Task::is_done));
    assert!(rt.take_update(), "a hundred ends");
    assert!(!rt.take_update(), "are one update");
    assert!(rt.handle().clone().metrics().spawned >= 100);
}

#[test]
fn every_kind_of_end_raises_it() {
    quiet_planned_panics();
    let rt = runtime();
    // Kept: the end of a probe would be news as well.
    let probes = RefCell::new(Vec::new());
    let raised = |what: &str, act: &dyn Fn()| {
        act();
        common::until(|| rt.take_update());
        probes.borrow_mut().push(settle(&rt));
        assert!(!rt.take_update(), "{what}: once");
    };
    raised("a value", &|| rt.spawn(async {}).detach());
    raised("an error", &|| rt.run(async { Err::<(), _>("no") }).detach());
    raised("a panic", &|| rt.spawn(async { panic!("planned") }).detach());
    raised("a closure", &|| rt.spawn_blocking(|| ()).detach());
    let held = rt.spawn(pending::<()>());
    let _probe = settle(&rt);
    raised("a cancellation", &|| assert!(held.cancel()));
}

#[test]
fn the_cancellation_of_a_pending_task_raises_it_at_once() {
    let rt = runtime();
    let hog = Hog::reactor(&rt);
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
    let mut probes = Vec::new();
    for round in 1..=5 {
        let tasks: Vec<_> = (0..50).map(|_| rt.spawn(async {})).collect();
        probes.push(settle(&rt));
        assert!(tasks.iter().all(Task::is_done));
        calls.wait_for(round);
        assert!(rt.take_update());
    }
    probes.push(settle(&rt));
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
        let before = seen.lock().unwrap().len();
        rt.take_update();
        signal.give();
        go.send(()).ok();
        common::until(|| seen.lock().unwrap().len() > before);
        assert_eq!(seen.lock().unwrap().last(), Some(&true));
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
    let rt = Builder::new().blocking_stack_size(1 << 60).build().unwrap();
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
        let mut watched = rt.task().timeout(HANG).spawn_blocking(move |_cx| number);
        common::until(|| rt.take_update());
        assert_eq!(watched.wait().unwrap(), number);
        // The end of the closure has taken its watch along.
        common::until(|| rt.metrics().alive == 0);
        assert!(!rt.take_update(), "one end, one update");
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
                    while gate.recv().is_ok() {
                        cx.report(1);
                        tell.send(()).unwrap();
                    }
                })
            })
            .collect();
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
