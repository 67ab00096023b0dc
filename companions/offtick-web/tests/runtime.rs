//! The runtime itself, ticked by hand. Runs in node and in a browser.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

use js_sys::Function;
use offtick::retry::retry_blocking;
use offtick::time::{Clock, Instant, WallClock, interval, sleep};
use offtick::{
    Budget, BuildError, LocalBuilder, LocalRuntime, RetryPolicy, Runtime, Scheduler, Status, Task, TaskError,
    TaskManager, TickError,
};
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};
use wasm_bindgen::JsValue;
use wasm_bindgen_test::wasm_bindgen_test;

const SECOND: Duration = Duration::from_secs(1);

fn game() -> (offtick::time::ManualClock, LocalRuntime) {
    let clock = Clock::manual();
    let rt = LocalBuilder::new().clock(clock.clone()).build().expect("a runtime is built");
    (clock, rt)
}

#[wasm_bindgen_test]
fn what_needs_a_thread_is_a_typed_error() {
    assert!(matches!(Runtime::new(), Err(BuildError::Thread(_))));
    assert!(offtick::runtime().is_err());
    let task = offtick::spawn(async { 1 });
    assert!(task.error().is_some_and(|error| error.downcast_ref::<BuildError>().is_some()));
    let watched = LocalBuilder::new().watch_polls(SECOND).build();
    assert!(matches!(watched, Err(BuildError::Thread(_))));
}

#[wasm_bindgen_test]
fn what_would_block_the_page_is_a_typed_error() {
    assert_eq!(offtick::block_on(async { 1 }).expect("it never waits"), 1);
    assert_eq!(offtick::block_on(async { std::future::ready(2).await }).expect("it never waits"), 2);
    assert!(matches!(offtick::block_on(sleep(SECOND)), Err(TaskError::WouldDeadlock)));
    assert!(matches!(offtick::block_on(std::future::pending::<()>()), Err(TaskError::WouldDeadlock)));
    let rt = LocalRuntime::new().expect("a runtime is built");
    assert_eq!(rt.run_until(async { 3 }), Ok(3));
    assert_eq!(rt.run_until(sleep(SECOND)), Err(TickError::WouldDeadlock));
    assert_eq!(rt.run_until(std::future::pending::<()>()), Err(TickError::WouldDeadlock));
    let mut task = rt.spawn(sleep(SECOND));
    assert!(matches!(task.wait(), Err(TaskError::WouldDeadlock)));
    assert!(matches!(task.wait_timeout(SECOND), Some(Err(TaskError::WouldDeadlock))));
    let (_completer, mut promised): (_, Task<u8>) = offtick::promise();
    assert!(matches!(promised.wait(), Err(TaskError::WouldDeadlock)));
    assert!(retry_blocking(RetryPolicy::fixed(SECOND), || Err::<(), _>("busy")).is_err());
    // The runtime is as it was.
    assert_eq!(rt.run_until(rt.spawn(async { 4 })).expect("it is driven").expect("a value"), 4);
    assert!(rt.shutdown(SECOND).is_clean());
}

#[wasm_bindgen_test]
fn a_full_ring_refuses_a_blocking_send() {
    let rt = LocalRuntime::new().expect("a runtime is built");
    let task = rt.task().progress::<u32>(1).spawn_blocking(|cx| {
        let first = cx.send_blocking(1).is_ok();
        (first, cx.send_blocking(2).is_err())
    });
    rt.run_until_stalled().expect("it ticks");
    assert!(matches!(task.result(), Some(Ok((true, true)))));
}

#[wasm_bindgen_test]
fn closures_run_in_ticks_in_order() {
    let rt = LocalRuntime::new().expect("a runtime is built");
    let (send, log) = std::sync::mpsc::channel();
    let tasks: Vec<_> = (0..3)
        .map(|n| {
            let send = send.clone();
            rt.spawn_blocking(move || _ = send.send(n))
        })
        .collect();
    assert!(tasks.iter().all(|task| task.status() == Status::Pending));
    rt.tick(Budget::unlimited()).expect("it ticks");
    assert_eq!(log.try_iter().collect::<Vec<_>>(), [0, 1, 2]);
    let refusing = LocalBuilder::new().blocking_refused().build().expect("a runtime is built");
    assert!(refusing.try_spawn_blocking(|| 1).is_err());
}

#[wasm_bindgen_test]
fn hooks_hold_javascript_values() {
    let seen = js_sys::Array::new();
    let (updates, errors, ends) = (seen.clone(), seen.clone(), seen.clone());
    let rt = LocalBuilder::new()
        .on_update(move || _ = updates.push(&"update".into()))
        .on_unhandled_error(move |_, error| _ = errors.push(&error.label().into()))
        .build()
        .expect("a runtime is built");
    let task = rt.task().on_end(move |_| _ = ends.push(&"end".into())).spawn(|_| async {});
    rt.run_until_stalled().expect("it ticks");
    assert!(task.is_done());
    drop(rt.run(async { Err::<(), _>("lost") }));
    rt.run(async { Err::<(), _>("unread") }).detach();
    rt.run_until_stalled().expect("it ticks");
    let seen: Vec<_> = seen.iter().filter_map(|entry| entry.as_string()).collect();
    assert!(["update", "end", "unread"].iter().all(|entry| seen.contains(&(*entry).to_owned())), "{seen:?}");
}

#[wasm_bindgen_test]
fn clients_do_not_retry_in_step() {
    let (clock, rt) = game();
    let waits: Vec<_> = (0..8)
        .map(|_| {
            let policy = RetryPolicy::fixed(100 * SECOND).max_attempts(2).jitter(1.0);
            let task = rt.task().retry(policy).run(|_| async { Err::<(), _>("busy") });
            rt.run_until_stalled().expect("it ticks");
            task.next_attempt_at().expect("it waits") - clock.now()
        })
        .collect();
    assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
    // Without entropy every client would begin with this seed.
    let mut constant = fastrand::Rng::with_seed(0x0ef6_f79e_d30b_a75a);
    let drawn: Vec<_> = (0..1000).map(|_| constant.u64(..)).collect();
    let shuffled = LocalBuilder::new().shuffle(true).build().expect("a runtime is built");
    assert!(!drawn.contains(&shuffled.seed().expect("a seed is made up")));
}

#[wasm_bindgen_test]
fn a_hundred_thousand_tasks_and_a_tick_without_news() {
    let (_clock, rt) = game();
    let woken = Rc::new(Cell::new(0));
    let tasks: Vec<_> = (0..100_000_u64)
        .map(|n| {
            let woken = Rc::clone(&woken);
            rt.spawn(async move {
                sleep(Duration::from_millis(n % 1000)).await;
                woken.set(woken.get() + 1);
            })
        })
        .collect();
    rt.run_until_stalled().expect("it ticks");
    rt.advance(SECOND, Budget::unlimited()).expect("a manual clock");
    assert_eq!(woken.get(), 100_000);
    assert!(tasks.iter().all(Task::is_done));
}

#[wasm_bindgen_test]
fn a_day_of_game_time_passes_in_frames() {
    let (clock, rt) = game();
    let (minutes, frames) = (Rc::new(Cell::new(0)), 24 * 60 * 60);
    let theirs = Rc::clone(&minutes);
    rt.spawn(async move {
        let mut each = interval(60 * SECOND).expect("not zero");
        loop {
            each.tick().await;
            theirs.set(theirs.get() + 1);
        }
    })
    .detach();
    rt.run_until_stalled().expect("it ticks");
    let first = minutes.get();
    for _ in 0..frames {
        rt.advance(SECOND, Budget::unlimited()).expect("a manual clock");
    }
    assert_eq!(minutes.get() - first, 24 * 60);
    assert_eq!(clock.elapsed(), frames * SECOND);
}

#[wasm_bindgen_test]
fn schedules_follow_the_wall_clock_of_the_page() {
    let real = WallClock::system().now().duration_since(UNIX_EPOCH).expect("after 1970");
    assert!(real.as_millis().abs_diff(js_sys::Date::now() as u128) < 5_000);
    let (clock, rt) = game();
    let wall = WallClock::paced_by(clock.clone(), UNIX_EPOCH + 5 * SECOND);
    let manager = TaskManager::new(rt.handle());
    let scheduler = Scheduler::with_wall_clock(&manager, wall);
    let (send, runs) = std::sync::mpsc::channel();
    let job = scheduler.cron("*/10 * * * *").zone(offtick::chrono::Utc);
    let _job = job.spawn_blocking(move |_| _ = send.send(())).expect("it is added");
    rt.run_until_stalled().expect("it ticks");
    for _ in 0..60 {
        rt.advance(60 * SECOND, Budget::unlimited()).expect("a manual clock");
    }
    assert_eq!(runs.try_iter().count(), 6);
}

#[wasm_bindgen_test]
fn a_page_that_was_hidden_for_an_hour_goes_on() {
    let (_clock, rt) = game();
    let ticks = Rc::new(Cell::new(0));
    let theirs = Rc::clone(&ticks);
    rt.spawn(async move {
        let mut each = interval(SECOND).expect("not zero").missed(offtick::time::MissedTicks::Skip);
        loop {
            each.tick().await;
            theirs.set(theirs.get() + 1);
        }
    })
    .detach();
    let limit = rt.task().timeout(60 * SECOND).spawn(|_| std::future::pending::<()>());
    rt.run_until_stalled().expect("it ticks");
    rt.advance(3600 * SECOND, Budget::time(Duration::from_millis(4))).expect("a manual clock");
    while !rt.tick(Budget::time(Duration::from_millis(4))).expect("it ticks").is_idle() {}
    assert!(limit.error().is_some_and(TaskError::is_timeout));
    assert!(ticks.get() >= 1);
}

/// Makes `performance.now()` of the page return what the body says, for the length of `f`.
fn with_clock_of_the_page<R>(body: &str, f: impl FnOnce() -> R) -> R {
    let replace = format!(
        "const kept = performance.now.bind(performance); globalThis.putBack = () => {{ delete performance.now; }}; \
         globalThis.shown = kept(); performance.now = () => {{ {body} }};"
    );
    Function::new_no_args(&replace).call0(&JsValue::UNDEFINED).expect("replaced");
    let result = f();
    Function::new_no_args("globalThis.putBack()").call0(&JsValue::UNDEFINED).expect("put back");
    result
}

fn set_shown(change: &str) {
    Function::new_no_args(&format!("globalThis.shown = globalThis.shown {change}"))
        .call0(&JsValue::UNDEFINED)
        .expect("set");
}

#[wasm_bindgen_test]
fn a_clock_of_the_page_that_goes_back_or_stands_delays_timers_and_no_more() {
    with_clock_of_the_page("return globalThis.shown;", || {
        let rt = LocalRuntime::new().expect("a runtime is built");
        let task = rt.spawn(sleep(SECOND));
        rt.tick(Budget::unlimited()).expect("it ticks");
        for change in ["- 5000", "+ 0", "- 100"] {
            set_shown(change);
            // A budget of time never ends while the clock stands; the tick does.
            rt.tick(Budget::time(Duration::from_millis(1))).expect("it ticks");
            assert!(!task.is_done());
        }
        set_shown("+ 6200");
        rt.tick(Budget::unlimited()).expect("it ticks");
        assert!(task.is_done());
    });
}

#[wasm_bindgen_test]
fn a_clock_of_low_resolution_never_fires_early() {
    with_clock_of_the_page("return Math.floor(globalThis.shown / 100) * 100;", || {
        let rt = LocalRuntime::new().expect("a runtime is built");
        let start = Instant::now();
        let task = rt.spawn(sleep(Duration::from_millis(150)));
        rt.tick(Budget::unlimited()).expect("it ticks");
        for _ in 0..40 {
            set_shown("+ 10");
            rt.tick(Budget::unlimited()).expect("it ticks");
            if task.is_done() {
                assert!(start.elapsed() >= Duration::from_millis(150));
                return;
            }
        }
        panic!("it never fired");
    });
}
