//! [`offtick`] in a web page or worker that has no frame loop.
//!
//! A [`Page`] owns a [`LocalRuntime`](offtick::LocalRuntime) and ticks it when there is something to do: from a microtask after a
//! wake, from a timeout at the next deadline, from a message while a tick left work. An idle page runs nothing.
//!
//! [`future`] makes a JavaScript promise a future, [`fetch`] loads a resource and aborts the request when its task is cancelled.
//!
//! A page with a frame loop (`requestAnimationFrame`) needs no `Page`: it ticks a `LocalRuntime` in each frame. The two functions
//! work there as well.
//!
//! The package is empty on other targets than wasm32-unknown-unknown.
//!
//! # Example
//! ```ignore
//! let page = offtick_web::Page::new()?;
//! let task = page.runtime().task().name("list").retry(RetryPolicy::default()).run(|_cx| async {
//!     offtick_web::fetch("/list.json").await?.text().await
//! });
//! page.on_update(move || {
//!     if let Some(Ok(text)) = task.result() {
//!         show(text);
//!     }
//! });
//! ```

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod error;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod fetch;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod page;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod promise;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub use self::{
    error::JsError,
    fetch::{Response, fetch},
    page::{Page, PageBuilder},
    promise::{PromiseFuture, future},
};
