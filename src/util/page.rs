//! Functions of the page, worker or node that call back later.

use js_sys::{Function, Reflect};
use std::time::Duration;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

/// The longest timeout that a page takes, in milliseconds. A longer one would end at once.
const LONGEST: u128 = i32::MAX as u128;

/// Calls `callback` once the code that runs now has returned to the page. False if the page cannot.
pub(crate) fn call_soon(callback: impl FnOnce() + 'static) -> bool {
    let Some(queue_microtask) = function("queueMicrotask") else { return false };
    queue_microtask.call1(&JsValue::UNDEFINED, &Closure::once_into_js(callback)).is_ok()
}

/// Calls `callback` after `wait`, rounded up to milliseconds, and after 25 days at the latest. False if the page cannot.
pub(crate) fn call_after(wait: Duration, callback: impl FnOnce() + 'static) -> bool {
    let Some(set_timeout) = function("setTimeout") else { return false };
    let millis = wait.as_nanos().div_ceil(1_000_000).min(LONGEST) as f64;
    set_timeout.call2(&JsValue::UNDEFINED, &Closure::once_into_js(callback), &JsValue::from_f64(millis)).is_ok()
}

/// True if [`call_after`] can be used.
pub(crate) fn has_timers() -> bool {
    function("setTimeout").is_some()
}

fn function(name: &str) -> Option<Function> {
    Reflect::get(&js_sys::global(), &JsValue::from_str(name)).ok()?.dyn_into().ok()
}
