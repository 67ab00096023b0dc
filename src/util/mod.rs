//! Utilities that know neither tasks nor runtimes.

#[cfg_attr(all(target_family = "wasm", target_os = "unknown", not(offtick_host_clock)), path = "bounds_page.rs")]
#[cfg_attr(
    not(all(target_family = "wasm", target_os = "unknown", not(offtick_host_clock))),
    path = "bounds_threads.rs"
)]
pub(crate) mod bounds;
pub(crate) mod cache_padded;
pub(crate) mod catch;
pub(crate) mod finished;
pub(crate) mod grow;
pub(crate) mod holes;
pub(crate) mod methods;
#[cfg(all(target_family = "wasm", target_os = "unknown", not(offtick_host_clock)))]
pub(crate) mod page;
pub(crate) mod seeds;
pub(crate) mod slab;
pub(crate) mod thread_token;
pub(crate) mod update;
pub(crate) mod wake_batch;
