//! `toolkit::Background`: what a start, a cancellation, a drop and an error do, as traces.
#![cfg(feature = "toolkit")]

mod common;
#[path = "common/gate.rs"]
mod gate;

use common::{Dropped, HANG, Hog, OnDrop, PLANNED, Tally, quiet_planned_panics, reactor_thread, runtime, until};
use gate::Gate;
use offtick::toolkit::Background;
use offtick::{Budget, Builder, LocalRuntime, Priority, Runtime, ScheduleError, Status, TaskError};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Poll;

type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, text: impl Into<String>) {
    log.lock().unwrap().push(text.into());
}

fn noted(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

fn settle(rt: &Runtime) {
    for _ in 0..4 {
        reactor_thread(rt.handle());
    }
}

/// A body that notes its number, its waiting end, and its drop.
fn waiting(rt: &Runtime, log: &Log) -> Background<u32> {
    let log = Arc::clone(log);
    let mut number = 0;
    Background::on(rt)
        .name("waits")
        .spawn(move |_cx| {
            number += 1;
            let (run, log) = (number, Arc::clone(&log));
            async move {
                note(&log, format!("begin {run}"));
                let _dropped = OnDrop::new(move || note(&log, format!("drop {run}")));
                std::future::pending().await
            }
        })
        .unwrap()
}

/// A runtime that lists its unhandled errors.
fn listening() -> (Runtime, Log) {
    quiet_planned_panics();
    let log = Log::default();
    let theirs = Arc::clone(&log);
    let rt = Builder::new()
        .on_unhandled_error(move |task, error| {
            note(&theirs, format!("{} {}: {error:#}", task.name().unwrap_or("?"), task.status()));
        })
        .build()
        .unwrap();
    (rt, log)
}

#[test]
fn it_is_idle_until_it_is_started() {
    let (rt, log) = (runtime(), Log::default());
    let background = waiting(&rt, &log);
    settle(&rt);
    assert!(noted(&log).is_empty());
    assert!(background.task().is_none() && background.latest_finished().is_none() && !background.is_running());
    assert!(!background.cancel());
    assert!(common::block_on(async { (&background).await }).is_none(), "awaiting an idle one gives nothing, at once");
}

#[test]
fn a_start_cancels_the_run_before_it_and_begins_anew() {
    let (rt, log) = (runtime(), Log::default());
    let background = waiting(&rt, &log);
    background.start();
    let first = background.task().unwrap();
    settle(&rt);
    background.start();
    settle(&rt);
    assert_eq!(noted(&log), ["begin 1", "drop 1", "begin 2"]);
    assert_eq!(first.status(), Status::Cancelled);
    assert!(background.is_running() && background.task().unwrap().id() != first.id());
    assert!(background.latest_done().is_none(), "a run that was cancelled comes to nothing");
    assert_eq!(background.latest_finished().unwrap().id(), first.id());
}

#[test]
fn a_cancellation_forgets_and_does_not_wait() {
    let (rt, log) = (runtime(), Log::default());
    let background = waiting(&rt, &log);
    background.start();
    settle(&rt);
    let hog = Hog::reactor(rt.handle());
    // The reactor is held: whatever waited for it would hang here.
    assert!(background.cancel());
    assert!(background.task().is_none() && background.is_running() && !background.cancel());
    assert_eq!(noted(&log), ["begin 1"]);
    hog.release();
    settle(&rt);
    assert_eq!(noted(&log), ["drop 1"]);
}

#[test]
fn a_run_that_was_cancelled_before_it_began_never_begins() {
    let (rt, log) = (runtime(), Log::default());
    let background = waiting(&rt, &log);
    let hog = Hog::reactor(rt.handle());
    for _ in 0..10 {
        background.start();
    }
    background.cancel();
    hog.release();
    settle(&rt);
    assert!(noted(&log).is_empty());
}

#[test]
fn dropped_it_is_cancelled() {
    let (rt, log) = (runtime(), Log::default());
    let background = waiting(&rt, &log);
    background.start();
    settle(&rt);
    let run = background.task().unwrap();
    drop(background);
    settle(&rt);
    assert_eq!(noted(&log), ["begin 1", "drop 1"]);
    assert_eq!(run.status(), Status::Cancelled, "whoever else holds the run");
}

#[test]
fn whoever_awaits_a_run_hears_of_its_end_and_of_its_cancellation() {
    let (rt, log) = (runtime(), Log::default());
    let background = Arc::new(waiting(&rt, &log));
    background.start();
    let theirs = Arc::clone(&background);
    let mut waiter = rt.spawn(async move { (&*theirs).await.map(|run| run.status()) });
    settle(&rt);
    background.start();
    assert_eq!(waiter.wait_timeout(HANG).unwrap().unwrap(), Some(Status::Cancelled));
    let answer = Background::on(&rt).spawn(|_cx| async { 7 }).unwrap();
    answer.start();
    let run = common::block_on(async { (&answer).await }).unwrap();
    assert_eq!(run.result().unwrap().ok(), Some(&7));
}

#[test]
fn the_newest_results_stay_while_it_runs_and_when_it_fails() {
    let (rt, errors) = listening();
    let gate = Gate::new();
    let mut number = 0;
    let background = Background::on(&rt)
        .run({
            let gate = gate.clone();
            move |_cx| {
                number += 1;
                let (run, gate) = (number, gate.clone());
                async move {
                    if run == 3 {
                        gate.passed().await;
                    }
                    if run == 2 { Err(format!("{PLANNED} {run}")) } else { Ok(run) }
                }
            }
        })
        .unwrap();
    let latest = |background: &Background<i32>| {
        let latest = background.latest_finished().map(|run| run.result().unwrap().ok().copied());
        let done = background.latest_done().map(|run| run.result().unwrap().ok().copied().unwrap());
        (latest, done)
    };
    background.start();
    settle(&rt);
    assert_eq!(latest(&background), (Some(Some(1)), Some(1)));
    background.start();
    settle(&rt);
    assert_eq!(latest(&background), (Some(None), Some(1)), "the error is the newest, the value stays");
    background.start();
    settle(&rt);
    assert_eq!(latest(&background), (Some(None), Some(1)), "under way");
    gate.open();
    settle(&rt);
    assert_eq!(latest(&background), (Some(Some(3)), Some(3)));
    assert!(!background.cancel(), "it was over");
    assert_eq!(latest(&background), (Some(Some(3)), Some(3)));
    assert!(noted(&errors).is_empty(), "it was read");
}

#[test]
fn an_error_stays_with_the_run_and_goes_to_the_hook_if_nobody_reads_it() {
    let (rt, errors) = listening();
    let failing = Background::on(&rt).name("fails").run(|_cx| async { Err::<(), _>("offline") }).unwrap();
    failing.start();
    settle(&rt);
    assert!(noted(&errors).is_empty(), "it is there to be read");
    assert_eq!(format!("{:#}", failing.latest_finished().unwrap().error().unwrap()), "task failed: offline");
    failing.start();
    settle(&rt);
    drop(failing);
    settle(&rt);
    assert_eq!(noted(&errors), ["fails error: task failed: offline"], "the second run's; the first was read");

    let panics = Background::on(&rt).name("panics").spawn(|_cx| async { panic!("planned one") }).unwrap();
    panics.start();
    settle(&rt);
    drop(panics);
    settle(&rt);
    assert_eq!(noted(&errors), ["panics error: task panicked: planned one"]);
    let panics = Background::on(&rt)
        .name("panics early")
        .spawn(|_cx| -> std::future::Ready<()> { panic!("planned two") })
        .unwrap();
    panics.start();
    panics.start();
    settle(&rt);
    panics.start();
    settle(&rt);
    assert!(matches!(panics.latest_finished().unwrap().error(), Some(TaskError::Panicked(_))));
    drop(panics);
    settle(&rt);
    let expected = "panics early error: task panicked: planned two";
    assert_eq!(noted(&errors), [expected], "it is asked again after a panic, and the newest was read");
}

#[test]
fn closures_are_told_and_their_late_results_dropped() {
    let (rt, errors) = listening();
    let (begun, gate, values) = (Tally::new(), Gate::new(), Tally::new());
    let number = AtomicU32::new(0);
    let background = Background::on(&rt)
        .name("scan")
        .run_blocking({
            let (begun, gate, values) = (begun.clone(), gate.clone(), values.clone());
            move |cx| {
                let run = number.fetch_add(1, Ordering::Relaxed);
                begun.note();
                if run == 0 {
                    gate.pass();
                    cx.check()?;
                }
                Ok::<_, offtick::Cancelled>((run, Dropped::new(&values)))
            }
        })
        .unwrap();
    background.start();
    begun.wait_for(1);
    let first = background.task().unwrap();
    background.start();
    until(|| first.status() == Status::Cancelled);
    settle(&rt);
    assert_eq!(begun.count(), 1, "a closure that has not returned holds its place");
    assert!(background.task().is_none() && background.is_running());
    gate.open();
    begun.wait_for(2);
    until(|| background.latest_done().is_some());
    assert_eq!(background.latest_done().unwrap().result().unwrap().unwrap().0, 1);
    assert!(rt.shutdown(HANG).is_clean());
    assert!(noted(&errors).is_empty(), "that it was told to leave is no error");
    assert_eq!(background.latest_done().unwrap().result().unwrap().unwrap().0, 1);
    drop(background);
    assert_eq!(values.count(), 1);
}

#[test]
fn a_closure_that_fails_or_panics_is_told_of_too() {
    let (rt, errors) = listening();
    let fails = Background::on(&rt).name("fails").run_blocking(|_cx| "x".parse::<u8>()).unwrap();
    fails.start();
    until(|| !fails.is_running());
    drop(fails);
    until(|| errors.lock().unwrap().len() == 1);
    let panics = Background::on(&rt).name("panics").spawn_blocking(|_cx| panic!("planned")).unwrap();
    panics.start();
    until(|| !panics.is_running());
    drop(panics);
    until(|| errors.lock().unwrap().len() == 2);
    assert_eq!(
        noted(&errors),
        ["fails error: task failed: invalid digit found in string", "panics error: task panicked: planned"]
    );
}

fn act(what: &str, place: &mut Option<Background<()>>) {
    match (what, &place) {
        ("start", Some(background)) => assert!(background.start()),
        ("cancel", Some(background)) => assert!(background.cancel()),
        _ => drop(place.take()),
    }
}

#[test]
fn started_cancelled_and_dropped_from_inside_its_own_body() {
    let rt = runtime();
    let polls = Tally::new();
    type Slot = Arc<OnceLock<Mutex<Option<Background<()>>>>>;
    for what in ["start", "cancel", "drop"] {
        let (slot, drops) = (Slot::default(), Tally::new());
        let mut number = 0;
        let background = Background::on(&rt)
            .spawn({
                let (slot, drops, polls) = (Arc::downgrade(&slot), drops.clone(), polls.clone());
                move |_cx| {
                    number += 1;
                    let (run, slot, dropped, polls) = (number, slot.upgrade(), Dropped::new(&drops), polls.clone());
                    async move {
                        let _dropped = dropped;
                        let slot = slot.expect("the test holds it");
                        if run > 1 {
                            return;
                        }
                        act(what, &mut slot.get().unwrap().lock().unwrap());
                        drop(slot);
                        polls.note();
                        std::future::poll_fn(|_| Poll::<()>::Pending).await;
                    }
                }
            })
            .unwrap();
        slot.set(Mutex::new(Some(background))).ok().unwrap();
        slot.get().unwrap().lock().unwrap().as_ref().unwrap().start();
        drops.wait_for(if what == "start" { 2 } else { 1 });
        settle(&rt);
        let running = slot.get().unwrap().lock().unwrap().as_ref().is_some_and(|background| background.is_running());
        assert!(!running, "{what}");
    }
    assert_eq!(polls.count(), 3);
    until(|| rt.metrics().alive == 0);
}

#[test]
fn after_the_runtime_has_shut_down_nothing_starts() {
    let (rt, log) = (runtime(), Log::default());
    let background = waiting(&rt, &log);
    background.start();
    settle(&rt);
    let handle = rt.handle().clone();
    drop(rt);
    assert!(matches!(background.task().unwrap().error(), Some(TaskError::RuntimeGone)));
    assert!(!background.start());
    assert!(common::block_on(async { (&background).await }).is_some());
    assert_eq!(noted(&log), ["begin 1", "drop 1"]);
    let late = Background::on(&handle).spawn_blocking(|_cx| unreachable!("nobody runs it"));
    assert_eq!(late.expect_err("no runtime"), ScheduleError::RuntimeGone);
}

#[test]
fn a_hundred_thousand_starts_leave_nothing_behind() {
    let (rt, drops) = (runtime(), Tally::new());
    let background = Background::on(&rt)
        .spawn({
            let drops = drops.clone();
            move |_cx| {
                let dropped = Dropped::new(&drops);
                async move {
                    let _dropped = dropped;
                    std::future::pending::<()>().await;
                }
            }
        })
        .unwrap();
    for _ in 0..100 {
        for _ in 0..1000 {
            background.start();
        }
        settle(&rt);
        // The run of the last start is all there is, besides the driver.
        until(|| rt.metrics().alive <= 2);
    }
    drop(background);
    until(|| rt.metrics().alive == 0);
}

#[test]
fn a_run_that_is_ready_heeds_its_new_priority() {
    let rt = LocalRuntime::new().unwrap();
    let log = Log::default();
    let (first, second) = (Arc::clone(&log), Arc::clone(&log));
    let other = rt.handle().clone();
    let run = Background::on(rt.handle())
        .spawn(move |_cx| {
            note(&first, "run");
            std::future::ready(())
        })
        .unwrap();
    let _both = rt.spawn(async move {
        // On this thread they go into the ready queue itself, in this order.
        other.spawn(async move { note(&second, "other") }).detach();
        run.start();
        run.task().unwrap().cancel_handle().set_priority(Priority::UserBlocking);
        std::future::pending::<()>().await;
        drop(run);
    });
    rt.tick(Budget::unlimited()).unwrap();
    assert_eq!(noted(&log), ["run", "other"]);
}
