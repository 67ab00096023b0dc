//! The clocks of the platform: the one place that reads them.
//!
//! Everything else in the crate takes its [`Instant`] and the wall clock from here; `tests/house.rs` checks it.
//!
//! ```text
//! platform   std::time                                     everywhere but on wasm32-unknown-unknown
//! web        performance.now() and Date, by `web-time`     wasm32-unknown-unknown
//! host       two functions that the program installs       with `--cfg offtick_host_clock`, on any target
//! ```
//! On wasm32-unknown-unknown the standard library has no clock: `std::time::Instant::now` panics there. Its `SystemTime` is a
//! plain number, which all three variants return.

#[cfg(any(offtick_host_clock, all(test, not(loom))))]
#[cfg_attr(not(offtick_host_clock), allow(dead_code, unreachable_pub, reason = "there for its tests alone"))]
mod host;
#[cfg(not(any(offtick_host_clock, all(target_family = "wasm", target_os = "unknown"))))]
mod platform;
#[cfg(all(target_family = "wasm", target_os = "unknown", not(offtick_host_clock)))]
mod web;

#[cfg(offtick_host_clock)]
pub use host::{HostClockError, Instant, install_host_clock};
#[cfg(not(any(offtick_host_clock, all(target_family = "wasm", target_os = "unknown"))))]
pub use platform::Instant;
#[cfg(all(target_family = "wasm", target_os = "unknown", not(offtick_host_clock)))]
pub use web::Instant;

#[cfg(offtick_host_clock)]
pub(crate) use host::{has_clock, wall_now};
#[cfg(not(any(offtick_host_clock, all(target_family = "wasm", target_os = "unknown"))))]
pub(crate) use platform::{has_clock, wall_now};
#[cfg(all(target_family = "wasm", target_os = "unknown", not(offtick_host_clock)))]
pub(crate) use web::{has_clock, wall_now};
