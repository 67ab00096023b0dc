//! A page with a frame loop. Runs in a browser only.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

use js_sys::Promise;
use offtick::time::{next_tick, sleep};
use offtick::{Budget, LocalRuntime};
use offtick_web::future;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

async fn frame() {
    let promise = Promise::new(&mut |resolve, _| {
        web_sys::window().expect("a page").request_animation_frame(&resolve).expect("it is asked for");
    });
    future(promise).await.expect("a frame");
}

#[wasm_bindgen_test]
async fn a_frame_loop_ticks_the_runtime() {
    let rt = LocalRuntime::new().expect("a runtime is built");
    let frames = Rc::new(Cell::new(0));
    let theirs = Rc::clone(&frames);
    let counted = rt.spawn(async move {
        for _ in 0..10 {
            next_tick().await;
            theirs.set(theirs.get() + 1);
        }
    });
    let slept = rt.task().progress::<u32>(4).spawn(|mut cx| async move {
        for percent in [50, 100] {
            sleep(Duration::from_millis(40)).await;
            cx.report(percent);
        }
    });
    let mut seen = Vec::new();
    while !(counted.is_done() && slept.is_done()) {
        frame().await;
        rt.tick(Budget::time(Duration::from_millis(4))).expect("it ticks");
        seen.extend(slept.progress());
    }
    assert_eq!((frames.get(), &seen[..]), (10, &[50, 100][..]));
}
