//! A panic where panics abort, the default of this target. In an instance of its own, since nothing else is sound after it.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]

use js_sys::Function;
use offtick::{Budget, LocalRuntime, Status, TickError};
use std::rc::Rc;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn a_panic_is_thrown_into_the_page_and_its_runtime_ticks_no_more() {
    let rt = Rc::new(LocalRuntime::new().expect("a runtime is built"));
    let hit = rt.spawn(async { panic!("on purpose") });
    let theirs = Rc::clone(&rt);
    let tick = Closure::once_into_js(move || _ = theirs.tick(Budget::unlimited()));
    let call = Function::new_with_args("f", "try { f(); return ''; } catch (thrown) { return String(thrown); }");
    let thrown = call.call1(&JsValue::UNDEFINED, &tick).expect("it is caught");
    assert!(thrown.as_string().is_some_and(|thrown| thrown.contains("unreachable")), "{thrown:?}");
    // The tick never returned.
    assert_eq!(rt.tick(Budget::unlimited()), Err(TickError::Nested));
    assert_eq!(hit.status(), Status::Running);
    std::mem::forget((rt, hit));
}
