//! Spans and events for the crate `tracing`, with the feature of that name; without it, functions that do nothing.
//!
//! Subscribers are user code: nothing here is called under a lock of the crate, and a panic of a subscriber is caught. A span
//! begins in the call that spawns the task, as the subscriber's other spans do; all else is emitted on threads of the runtime,
//! but for refused closures, whose caller gets them back.

#[cfg_attr(feature = "tracing", path = "on.rs")]
#[cfg_attr(not(feature = "tracing"), path = "off.rs")]
mod imp;

#[allow(unused_imports, reason = "one list for every feature set")]
pub(crate) use imp::*;
