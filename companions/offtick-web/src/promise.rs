//! JavaScript promises as futures, on any executor.

use crate::JsError;
use js_sys::Promise;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;

/// Makes a promise a future. The runtime that polls it is woken when the promise settles.
///
/// Dropping the future does not stop what the promise stands for: JavaScript has no such call.
///
/// # Example
/// ```ignore
/// let value = offtick_web::future(js_sys::Promise::resolve(&JsValue::from(7))).await?;
/// ```
pub fn future(promise: Promise) -> PromiseFuture {
    let settled = Rc::new(RefCell::new(Settled { result: None, waker: None, callbacks: None }));
    let (kept, broken) = (Rc::clone(&settled), Rc::clone(&settled));
    let resolve = Closure::once(move |value| settle(&kept, Ok(value)));
    let reject = Closure::once(move |error| settle(&broken, Err(error)));
    let _chained = promise.then2(&resolve, &reject);
    settled.borrow_mut().callbacks = Some((resolve, reject));
    PromiseFuture { settled }
}

/// The outcome of a JavaScript promise; made by [`future`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct PromiseFuture {
    settled: Rc<RefCell<Settled>>,
}

struct Settled {
    result: Option<Result<JsValue, JsValue>>,
    waker: Option<Waker>,
    /// A circle, until the promise calls one of them: it may do so after the future was dropped, and must find them alive.
    callbacks: Option<(Callback, Callback)>,
}

type Callback = Closure<dyn FnMut(JsValue)>;

fn settle(settled: &RefCell<Settled>, result: Result<JsValue, JsValue>) {
    let (waker, callbacks) = {
        let mut settled = settled.borrow_mut();
        settled.result = Some(result);
        (settled.waker.take(), settled.callbacks.take())
    };
    if let Some(waker) = waker {
        waker.wake();
    }
    // The closure that runs is among them; it is freed when it returns.
    drop(callbacks);
}

impl Drop for PromiseFuture {
    fn drop(&mut self) {
        let waker = self.settled.borrow_mut().waker.take();
        drop(waker);
    }
}

impl Future for PromiseFuture {
    type Output = Result<JsValue, JsError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut settled = self.settled.borrow_mut();
        if let Some(result) = settled.result.take() {
            return Poll::Ready(result.map_err(JsError::from));
        }
        let new = cx.waker().clone();
        let old = settled.waker.replace(new);
        drop(settled);
        drop(old);
        Poll::Pending
    }
}
