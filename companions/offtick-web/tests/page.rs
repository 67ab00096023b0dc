//! A page without a frame loop: driven by wakes and by the next deadline alone. Runs in node and in a browser.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

use js_sys::{Function, Promise, Reflect};
use offtick::time::{Instant, interval, sleep, timeout};
use offtick::{RetryPolicy, Status, Task, TaskError};
use offtick_web::{JsError, Page, fetch, future};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn page() -> Page {
    Page::new().expect("a page is built")
}

/// Waits in the executor of the test, outside of every runtime of offtick.
async fn page_waits(millis: u32) {
    let promise = Promise::new(&mut |resolve, _| {
        let set_timeout: Function =
            Reflect::get(&js_sys::global(), &"setTimeout".into()).expect("there").dyn_into().expect("a function");
        set_timeout.call2(&JsValue::UNDEFINED, &resolve, &JsValue::from(millis)).expect("it is set");
    });
    future(promise).await.expect("it resolves");
}

#[wasm_bindgen_test]
async fn a_sleep_takes_its_time_and_an_idle_page_does_not_tick() {
    let page = page();
    let start = Instant::now();
    let task = page.runtime().spawn(async {
        sleep(ms(30)).await;
        7
    });
    assert_eq!(task.await.expect("a value"), 7);
    assert!(start.elapsed() >= ms(30));
    let ticks = page.ticks();
    page_waits(100).await;
    assert_eq!(page.ticks(), ticks);
}

#[wasm_bindgen_test]
async fn a_runtime_free_sleep_is_fired_by_the_page() {
    let start = Instant::now();
    sleep(ms(20)).await;
    assert!(start.elapsed() >= ms(20));
    assert!(timeout(ms(10), std::future::pending::<()>()).await.is_err());
}

#[wasm_bindgen_test]
async fn timers_outlive_their_runtime() {
    let page = page();
    let wait = page.runtime().sleep(ms(30));
    let start = Instant::now();
    drop(page);
    wait.await;
    assert!(start.elapsed() >= ms(30));
}

#[wasm_bindgen_test]
async fn progress_is_read_by_the_hook_for_updates() {
    let page = page();
    let task = page.runtime().task().progress::<u32>(8).spawn(|mut cx| async move {
        for percent in [25, 50, 100] {
            cx.report(percent);
            sleep(ms(2)).await;
        }
    });
    // Neither `Send` nor `Sync`.
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (task, theirs) = (Rc::new(task), Rc::clone(&seen));
    let shown = Rc::clone(&task);
    page.on_update(move || theirs.borrow_mut().extend(shown.progress()));
    while !task.is_done() {
        sleep(ms(2)).await;
    }
    page_waits(5).await;
    assert_eq!(*seen.borrow(), [25, 50, 100]);
}

#[wasm_bindgen_test]
async fn failed_attempts_are_retried_and_each_waits() {
    let page = page();
    let attempts = Rc::new(Cell::new(0));
    let theirs = Rc::clone(&attempts);
    let policy = RetryPolicy::fixed(ms(5)).max_attempts(3).jitter(0.5);
    let task: Task<u32> = page.runtime().task().retry(policy).run(move |_| {
        theirs.set(theirs.get() + 1);
        let attempt = theirs.get();
        async move { if attempt < 3 { Err("offline") } else { Ok(attempt) } }
    });
    assert_eq!(task.await.expect("the third attempt"), 3);
    assert_eq!(attempts.get(), 3);
}

#[wasm_bindgen_test]
async fn a_closure_that_fails_is_retried_in_ticks() {
    let page = page();
    let policy = RetryPolicy::fixed(ms(5)).max_attempts(3);
    let task = page
        .runtime()
        .task()
        .retry(policy)
        .run_blocking(|cx| if cx.attempt() < 3 { Err("busy") } else { Ok(cx.attempt()) });
    assert!(!task.is_done());
    assert_eq!(task.await.expect("the third attempt"), 3);
}

#[wasm_bindgen_test]
async fn intervals_tick_on_their_grid() {
    let page = page();
    let start = Instant::now();
    let task = page.runtime().spawn(async {
        let mut ticks = interval(ms(10)).expect("not zero");
        for _ in 0..5 {
            ticks.tick().await;
        }
    });
    task.await.expect("it ends");
    assert!(start.elapsed() >= ms(40));
}

#[wasm_bindgen_test]
async fn a_time_limit_ends_a_task() {
    let page = page();
    let task = page.runtime().task().timeout(ms(10)).spawn(|_| std::future::pending::<()>());
    assert!(task.await.expect_err("no end of its own").is_timeout());
}

#[wasm_bindgen_test]
async fn a_callback_completes_a_promise() {
    let page = page();
    let (completer, task): (_, Task<u32>) = page.runtime().promise();
    let doubled = task.map(|value| value * 2);
    let complete = Closure::once_into_js(move || completer.complete(21).expect("somebody waits"));
    let set_timeout: Function =
        Reflect::get(&js_sys::global(), &"setTimeout".into()).expect("there").dyn_into().expect("a function");
    set_timeout.call2(&JsValue::UNDEFINED, &complete, &JsValue::from(5)).expect("it is set");
    assert_eq!(doubled.await.expect("a value"), 42);
}

#[wasm_bindgen_test]
async fn a_javascript_promise_is_a_future_and_its_rejection_an_error() {
    let page = page();
    let good = page.runtime().run(async { future(Promise::resolve(&JsValue::from(7))).await });
    assert_eq!(good.await.expect("resolved").as_f64(), Some(7.0));
    let rejected = Promise::reject(&js_sys::RangeError::new("too far"));
    let bad = page.runtime().run(async move { future(rejected).await });
    let error = bad.await.expect_err("rejected");
    let thrown = error.downcast_ref::<JsError>().expect("what JavaScript threw");
    assert_eq!((thrown.name(), thrown.message()), ("RangeError", "too far"));
}

#[wasm_bindgen_test]
async fn fetch_loads_and_fails_as_the_page_does() {
    let page = page();
    let text = page.runtime().run(async { fetch("data:text/plain,level%20one").await?.text().await });
    assert_eq!(text.await.expect("a body"), "level one");
    let bytes = page.runtime().run(async { fetch("data:application/octet-stream;base64,AQID").await?.bytes().await });
    assert_eq!(bytes.await.expect("a body"), [1, 2, 3]);
    let wrong = page.runtime().run(async { fetch("no-such-scheme://x").await?.text().await });
    assert!(wrong.await.expect_err("no such scheme").downcast_ref::<JsError>().is_some());
}

#[wasm_bindgen_test]
async fn cancelling_a_task_aborts_its_request() {
    let replace = Function::new_no_args(
        "globalThis.aborted = 0; globalThis.kept = globalThis.fetch; globalThis.fetch = (_, init) => new Promise((_, no) => \
         init.signal.addEventListener('abort', () => { globalThis.aborted++; no(new Error('aborted')); }));",
    );
    replace.call0(&JsValue::UNDEFINED).expect("replaced");
    let page = page();
    let task = page.runtime().run(async { fetch("/slow").await?.text().await });
    page_waits(5).await;
    assert_eq!(task.status(), Status::Running);
    assert!(task.cancel());
    page_waits(5).await;
    Function::new_no_args("globalThis.fetch = globalThis.kept").call0(&JsValue::UNDEFINED).expect("put back");
    assert_eq!(task.status(), Status::Cancelled);
    let aborted = Reflect::get(&js_sys::global(), &"aborted".into()).expect("counted");
    assert_eq!(aborted.as_f64(), Some(1.0));
}

#[wasm_bindgen_test]
async fn work_beyond_the_budget_lets_the_page_run_in_between() {
    let page = Page::builder().budget(offtick::Budget::polls(10)).build().expect("a page is built");
    let done = Rc::new(Cell::new(0));
    for _ in 0..1000 {
        let done = Rc::clone(&done);
        page.runtime().spawn(async move { done.set(done.get() + 1) }).detach();
    }
    page_waits(0).await;
    assert!(done.get() < 1000, "the page had no turn of its own");
    while done.get() < 1000 {
        page_waits(0).await;
    }
    assert!(page.ticks() >= 100);
}

#[wasm_bindgen_test]
async fn two_pages_do_not_disturb_each_other() {
    let (one, two) = (page(), page());
    let inner = one.runtime().spawn(async {
        sleep(ms(10)).await;
        1
    });
    let outer = two.runtime().run(async move { inner.await.map(|value| value + 1) });
    let doomed = one.runtime().spawn(std::future::pending::<()>());
    assert_eq!(outer.await.expect("a value"), 2);
    drop(one);
    assert!(matches!(doomed.error(), Some(TaskError::RuntimeGone)));
    assert_eq!(two.runtime().spawn(async { 3 }).await.expect("a value"), 3);
}
