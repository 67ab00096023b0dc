//! Spans and events for the crate `tracing`, with that feature; else functions without effect.
//!
//! Subscribers are user code: nothing here is called under a lock of the crate, and a panic of a subscriber is caught.
//! A span begins in the call that spawns the task, like the subscriber's other spans. Everything else is emitted on
//! threads of the runtime, except for refused closures, which are returned to the caller.

#[cfg_attr(feature = "tracing", path = "on.rs")]
#[cfg_attr(not(feature = "tracing"), path = "off.rs")]
mod imp;

#[allow(unused_imports, reason = "one list for every feature set")]
pub(crate) use imp::*;
